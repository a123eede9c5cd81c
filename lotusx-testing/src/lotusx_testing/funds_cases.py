"""Conformance cases of money that comes, goes, and moves between the wallets of one account."""

from __future__ import annotations

from decimal import Decimal

from lotusx.kernel.facts import Capability as C
from lotusx.model import FundsStatus
from lotusx_testing.arena import Arena
from lotusx_testing.cases import case, that

AMOUNT = Decimal("12.5")
HOUR_NS = 3_600 * 10**9


async def _asset(a: Arena) -> str:
    instrument = await a.instrument()
    return instrument.settle or instrument.quote


@case(C.DEPOSITS, quiet=True)
async def deposits_are_listed_oldest_first(a: Arena) -> None:
    """With exact amounts, each once, and of one asset where that is wanted."""
    asset, wallet = await _asset(a), a.dialect.wallet(a.dialect.wallets[0])
    start = await a.exchange.market.server_time() - HOUR_NS
    before = {item.deposit_id for item in await a.exchange.account.deposits(start=start)}
    for amount in (AMOUNT, AMOUNT * 2):
        a.sim.deposit(asset, amount, account=wallet)
    fresh = [item for item in await a.exchange.account.deposits(asset, start=start) if item.deposit_id not in before]
    that({item.amount for item in fresh} == {AMOUNT, AMOUNT * 2}, f"deposits are {fresh}")
    that([*fresh] == sorted(fresh, key=lambda item: item.exchange_ns), f"not oldest first: {fresh}")
    that(len({item.deposit_id for item in fresh}) == 2, f"ids do not tell them apart: {fresh}")
    that(all(item.asset == asset and item.exchange_ns for item in fresh), f"of another asset, or undated: {fresh}")
    that(all(item.status is FundsStatus.COMPLETED for item in fresh), f"they are complete: {fresh}")
    that(not await a.exchange.account.deposits("NONE-SUCH", start=start), "deposits of what nobody lists")
    end = fresh[0].exchange_ns
    that(
        all(item.exchange_ns < end for item in await a.exchange.account.deposits(start=start, end=end)),
        "the end of the span is not in it",
    )


@case(C.WITHDRAWALS, quiet=True)
async def withdrawals_are_listed_oldest_first(a: Arena) -> None:
    """With exact amounts, each once."""
    asset, wallet = await _asset(a), a.dialect.wallet(a.dialect.wallets[0])
    for amount in (AMOUNT, AMOUNT * 2):
        a.sim.deposit(asset, -amount, account=wallet)
    found = await a.exchange.account.withdrawals(asset)
    that({item.amount for item in found} == {AMOUNT, AMOUNT * 2}, f"withdrawals are {found}")
    that([*found] == sorted(found, key=lambda item: item.exchange_ns), f"not oldest first: {found}")
    that(len({item.withdrawal_id for item in found}) == 2, f"ids do not tell them apart: {found}")
    that(all(item.asset == asset for item in found), f"of another asset: {found}")


@case(C.TRANSFER, quiet=True)
async def transfer_moves_between_wallets(a: Arena) -> None:
    """There and back; nothing is lost on the way."""
    asset, (source, target) = await _asset(a), a.dialect.wallets
    owned = a.sim.exchange.accounts

    async def held() -> Decimal:
        found = await a.exchange.account.balances()
        return sum((each.total for each in found if each.asset == asset and each.wallet in ("", source)), Decimal(0))

    before, of_all = await held(), owned.total(asset)
    moved = await a.exchange.account.transfer(asset, 7, source=source, target=target)
    that(moved.amount == 7, f"it says {moved}")
    that((moved.asset, moved.source, moved.target) == (asset, source, target), f"it says {moved}")
    that(before - await held() == 7, f"{before - await held()} left {source}")
    await a.exchange.account.transfer(asset, 7, source=target, target=source)
    that(before == await held(), f"{before - await held()} did not come back from {target}")
    that(owned.total(asset) == of_all, f"{owned.total(asset) - of_all} came out of nowhere")
