"""Deposits, withdrawals and transfers between wallets, which ``/sapi`` serves for all markets.

Source: developers.binance.com, wallet/capital ("Deposit History", "Withdraw History") and wallet/asset ("User Universal
Transfer").
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

import msgspec

from lotusx.errors import InvalidArgument, ItemRejected, NotSupported
from lotusx.model import Deposit, FundsStatus, Transfer, Wallet, Withdrawal, decimal_from_wire, funds_status
from lotusx.plugin import Cost, Span, Verb
from lotusx_binance.calls import Calls, Params, reader
from lotusx_binance.pools import SAPI_ACCOUNT_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")

MS: Final = 1_000_000
SECOND: Final = 1_000 * MS
PER_PAGE: Final = 1_000
LONGEST_NS: Final = 89 * 86_400_000 * MS
"""Start and end must be less than 90 days apart."""

DEPOSIT_STATUS: Final = {
    "0": FundsStatus.PENDING,
    "6": FundsStatus.CREDITED,
    "7": FundsStatus.FAILED,  # "wrong deposit"
    "8": FundsStatus.PENDING,  # waits for the user's confirmation
    "1": FundsStatus.COMPLETED,
    "2": FundsStatus.REJECTED,
}
WITHDRAWAL_STATUS: Final = {
    "0": FundsStatus.PENDING,  # e-mail sent
    "1": FundsStatus.CANCELED,
    "2": FundsStatus.PENDING,  # awaits approval
    "3": FundsStatus.REJECTED,
    "4": FundsStatus.PENDING,
    "5": FundsStatus.FAILED,
    "6": FundsStatus.COMPLETED,
}
WALLETS: Final[dict[str, str]] = {
    Wallet.SPOT: "MAIN",
    Wallet.FUNDING: "FUNDING",
    Wallet.PERP: "UMFUTURE",
    Wallet.INVERSE: "CMFUTURE",
    Wallet.MARGIN: "MARGIN",
}


class DepositRow(msgspec.Struct):
    """One row of ``capital/deposit/hisrec``; older ones have no ``id``. *insertTime*: ms."""

    amount: str
    coin: str
    status: int
    insertTime: int
    id: str = ""
    network: str = ""
    address: str = ""
    addressTag: str = ""
    txId: str = ""


class WithdrawalRow(msgspec.Struct):
    """One row of ``capital/withdraw/history``. *applyTime*: ``2019-10-12 11:12:02``, UTC."""

    id: str
    amount: str
    coin: str
    status: int
    applyTime: str
    transactionFee: str = ""
    network: str = ""
    address: str = ""
    addressTag: str = ""
    txId: str = ""
    withdrawOrderId: str = ""


class Moved(msgspec.Struct):
    """What a transfer is answered with."""

    tranId: int


_DEPOSITS = reader(list[DepositRow])
_WITHDRAWALS = reader(list[WithdrawalRow])
_MOVED = reader(Moved)


def to_deposit(row: DepositRow) -> Deposit:
    """Convert one deposit; without an id its transaction names it."""
    return Deposit(
        deposit_id=row.id or row.txId,
        asset=row.coin,
        amount=decimal_from_wire(row.amount, field="amount"),
        status=funds_status(DEPOSIT_STATUS, row.status),
        raw_status=str(row.status),
        exchange_ns=row.insertTime * MS,
        network=row.network,
        address=row.address,
        tag=row.addressTag,
        tx_id=row.txId,
    )


def to_withdrawal(row: WithdrawalRow) -> Withdrawal:
    """Convert one withdrawal, dated to the second.

    Raises:
        ItemRejected: A time or number cannot be read.
    """
    try:
        asked = datetime.strptime(row.applyTime, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise ItemRejected(f"no time: {row.applyTime!r}", field="applyTime", value=row.applyTime) from None
    return Withdrawal(
        withdrawal_id=row.id,
        asset=row.coin,
        amount=decimal_from_wire(row.amount, field="amount"),
        status=funds_status(WITHDRAWAL_STATUS, row.status),
        raw_status=str(row.status),
        exchange_ns=int(asked.timestamp()) * 1_000 * MS,
        network=row.network,
        address=row.address,
        tag=row.addressTag,
        tx_id=row.txId,
        fee=decimal_from_wire(row.transactionFee, field="transactionFee") if row.transactionFee else None,
        fee_asset=row.coin,
        client_id=row.withdrawOrderId,
    )


def way(exchange: str, source: str, target: str) -> str:
    """Return the type of a transfer.

    Raises:
        InvalidArgument: A wallet is none of Binance's, or both are the same.
        NotSupported: Nothing leads from one to the other.
    """
    names = [WALLETS.get(wallet, wallet) for wallet in (source, target)]
    for wallet, name in zip((source, target), names, strict=True):
        if name not in WALLETS.values():
            raise InvalidArgument(
                f"{exchange} has the wallets {', '.join(WALLETS)}, not {str(wallet)!r}", rule="wallet"
            )
    if names[0] == names[1]:
        raise InvalidArgument(f"{str(source)!r} and {str(target)!r} are the same wallet", rule="wallet")
    if set(names) == {"UMFUTURE", "CMFUTURE"}:
        raise NotSupported(exchange, f"transfers from {source} to {target}", "two transfers, by way of 'spot'")
    return "_".join(names)


class Funds(Calls):
    """What ``/sapi`` knows of an account's money."""

    SERVICE: ClassVar[str] = "sapi"
    ORDER_PATHS: ClassVar[tuple[str, ...]] = ()

    async def deposits(self, asset: str | None, span: Span) -> list[Deposit]:
        """``GET capital/deposit/hisrec``, weight 1, in pieces of less than 90 days."""

        async def ask(params: Params) -> Sequence[DepositRow]:
            return await self._get("/sapi/v1/capital/deposit/hisrec", params, _DEPOSITS, 1, signed=True)

        return [to_deposit(row) for row in await _all(ask, asset, span)]

    async def withdrawals(self, asset: str | None, span: Span) -> list[Withdrawal]:
        """``GET capital/withdraw/history``, 18000 of the account's 180000 a minute, in pieces of less than 90 days.

        Asked for by whole seconds, as they are dated: one that is asked for in the middle of a second is dated before.
        """
        assert span.start_ns is not None, "the core gives both ends"
        assert span.end_ns is not None, "the core gives both ends"
        whole = Span(span.start_ns // SECOND * SECOND, -(-span.end_ns // SECOND) * SECOND)

        async def ask(params: Params) -> Sequence[WithdrawalRow]:
            request = self.request(
                Verb.GET,
                "/sapi/v1/capital/withdraw/history",
                params,
                costs=(Cost(SAPI_ACCOUNT_WEIGHT, 18_000),),
                signed=True,
            )
            return await self._call(request, _WITHDRAWALS)

        return [to_withdrawal(row) for row in await _all(ask, asset, whole)]

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        """``POST asset/transfer``, 900 of the account's weight. It takes no id, and answers with its own.

        Accepted is as far as the answer goes: ``GET asset/transfer`` tells CONFIRMED, FAILED or PENDING.
        """
        params = {"type": way(self._exchange, source, target), "asset": asset, "amount": amount}
        request = self.request(
            Verb.POST, "/sapi/v1/asset/transfer", params, costs=(Cost(SAPI_ACCOUNT_WEIGHT, 900),), signed=True
        )
        moved = await self._call(request, _MOVED)
        return Transfer(str(moved.tranId), asset, amount, str(source), str(target), FundsStatus.PENDING)

    def look_up(self, source: str, target: str) -> str:
        """Say how the caller sees whether a transfer was made."""
        kind = way(self._exchange, source, target)
        return f"native.call('GET', '/sapi/v1/asset/transfer', {{'type': '{kind}'}}, signed=True)"


async def _all(ask: Callable[[Params], Awaitable[Sequence[T]]], asset: str | None, span: Span) -> list[T]:
    found: list[T] = []
    for piece in span.split(LONGEST_NS):
        assert piece.start_ns is not None, "split"
        assert piece.end_ns is not None, "split"
        times = {"startTime": piece.start_ns // MS, "endTime": (piece.end_ns - 1) // MS}
        rows: Sequence[T] = ()
        offset = 0
        while not offset or len(rows) == PER_PAGE:
            rows = await ask({"coin": asset, **times, "offset": offset or None, "limit": PER_PAGE})
            found += rows
            offset += PER_PAGE
    return found
