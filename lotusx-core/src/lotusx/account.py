"""Holdings of one account, the same at every exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from lotusx.errors import InvalidArgument, ItemRejected, LotusXError, TransferOutcomeUnknown
from lotusx.guard import Guard
from lotusx.history import Moment, in_order, iterate, to_span
from lotusx.instruments import Instruments
from lotusx.kernel.facts import Capability
from lotusx.kernel.origin import made_as
from lotusx.kernel.ports import Span
from lotusx.kernel.request import Origin
from lotusx.model.enums import MarginMode
from lotusx.model.numbers import decimal_from_user
from lotusx.model.symbol import Symbol
from lotusx.opening import entered

if TYPE_CHECKING:
    from lotusx.kernel.ports import AccountPort
    from lotusx.model.account import AccountEvent, Balance, Fees, FundingPayment, Leverage, Permissions, Position
    from lotusx.model.funds import Deposit, Transfer, Wallet, Withdrawal
    from lotusx.streams import Stream

FUNDS_DAYS = 90
"""How far back deposits and withdrawals are listed where no start is given."""


class Account:
    """Balances, positions, fees, permissions, margin, and the one lossless stream of what happens."""

    def __init__(
        self,
        guard: Guard,
        port: AccountPort,
        instruments: Instruments,
        open_account: Callable[[int], Any],
        now_ns: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._guard = guard
        self._port = port
        self._instruments = instruments
        self._open_account = open_account
        self._now_ns = now_ns
        self._new_id = new_id

    async def balances(self) -> Sequence[Balance]:
        """Return holdings that are not zero."""
        self._guard.private(Capability.BALANCES)
        return await self._port.balances()

    async def positions(self) -> Sequence[Position]:
        """Return positions that are not zero."""
        self._guard.private(Capability.POSITIONS)
        await self._instruments.ensure()
        return await self._port.positions()

    async def fees(self, symbol: Symbol | str) -> Fees:
        """Return this account's fee rates of one instrument."""
        self._guard.private(Capability.FEES)
        return await self._port.fees(await self._instruments.resolve(symbol))

    async def permissions(self) -> Permissions:
        """Return what the key may do."""
        self._guard.private(Capability.PERMISSIONS)
        return await self._port.permissions()

    async def leverage(self, symbol: Symbol | str) -> Leverage:
        """Return how far positions of one instrument are leveraged."""
        self._guard.private(Capability.LEVERAGE)
        return await self._port.leverage(await self._instruments.resolve(symbol))

    async def set_leverage(self, symbol: Symbol | str, leverage: Decimal | int | str) -> None:
        """Set the leverage of one instrument. In doubt, setting it again is safe."""
        self._guard.command(Capability.LEVERAGE)
        wanted = decimal_from_user(leverage, name="leverage")
        if wanted < 1:
            raise InvalidArgument(f"leverage must be 1 or more, not {wanted}")
        instrument = await self._instruments.resolve(symbol)
        with made_as(Origin.ACCOUNT):
            await self._port.set_leverage(instrument, wanted)

    async def set_margin_mode(self, symbol: Symbol | str, mode: MarginMode | str) -> None:
        """Have positions of one instrument share the account's margin, or use their own. Setting it again is safe."""
        self._guard.command(Capability.MARGIN_MODE)
        if mode not in (MarginMode.CROSS, MarginMode.ISOLATED):
            raise InvalidArgument(f"a margin mode is 'cross' or 'isolated', not {mode!r}")
        instrument = await self._instruments.resolve(symbol)
        with made_as(Origin.ACCOUNT):
            await self._port.set_margin_mode(instrument, MarginMode(mode))

    async def change_margin(self, symbol: Symbol | str, amount: Decimal | int | str) -> None:
        """Add *amount* of the settle asset to the margin of an isolated position; below zero: take it out.

        Raises:
            TransportError: In doubt; look at the position before doing it again.
        """
        self._guard.command(Capability.ISOLATED_MARGIN)
        wanted = decimal_from_user(amount, name="amount")
        if not wanted:
            raise InvalidArgument("amount must not be zero")
        instrument = await self._instruments.resolve(symbol)
        with made_as(Origin.ACCOUNT):
            await self._port.change_margin(instrument, wanted)

    async def deposits(
        self, asset: str | None = None, *, start: Moment = None, end: Moment = None
    ) -> Sequence[Deposit]:
        """Return all deposits that were noticed in [start, end), oldest first; of *asset*, or of all.

        Args:
            start: ``None``: 90 days before *end*.
            end: ``None``: now.
        """
        self._guard.private(Capability.DEPOSITS)
        span = self._funds_span(start, end)
        return _oldest_first(await self._port.deposits(asset, span), span, lambda item: item.deposit_id)

    async def withdrawals(
        self, asset: str | None = None, *, start: Moment = None, end: Moment = None
    ) -> Sequence[Withdrawal]:
        """Return all withdrawals that were asked for in [start, end), oldest first; arguments as of `deposits`."""
        self._guard.private(Capability.WITHDRAWALS)
        span = self._funds_span(start, end)
        return _oldest_first(await self._port.withdrawals(asset, span), span, lambda item: item.withdrawal_id)

    def _funds_span(self, start: Moment, end: Moment) -> Span:
        span = to_span(start, end)
        ends = self._now_ns() + 1 if span.end_ns is None else span.end_ns
        begins = max(0, ends - FUNDS_DAYS * 86_400_000_000_000) if span.start_ns is None else span.start_ns
        return in_order(Span(begins, ends))

    async def transfer(
        self, asset: str, amount: Decimal | int | str, *, source: Wallet | str, target: Wallet | str
    ) -> Transfer:
        """Move *amount* between two wallets of the account: each a `Wallet`, or in the exchange's own name of it.

        Sent once, never again.

        Raises:
            InvalidArgument: The exchange has no such wallet; those it has are named.
            TransferOutcomeUnknown: In doubt. Do not do it again before you have looked; the text says where.
        """
        self._guard.command(Capability.TRANSFER)
        wanted = decimal_from_user(amount, name="amount")
        if wanted <= 0:
            raise InvalidArgument(f"amount must be above zero, not {wanted}")
        if source == target:
            raise InvalidArgument(f"source and target are both {str(source)!r}", rule="wallet")
        transfer_id = self._new_id()
        try:
            with made_as(Origin.ACCOUNT):
                return await self._port.transfer(asset, wanted, source, target, transfer_id)
        except LotusXError as error:
            if not error.may_have_executed and not isinstance(error, ItemRejected):  # which is of what was answered
                raise
            seen = f"{type(error).__name__}: {error}"
        look_up = self._port.transfer_look_up(source, target, transfer_id)
        raise TransferOutcomeUnknown(self._guard.exchange, transfer_id, (seen,), look_up)

    async def iter_funding_payments(
        self, symbol: Symbol | str | None = None, *, start: Moment = None, end: Moment = None
    ) -> AsyncIterator[FundingPayment]:
        """Yield every funding payment of [start, end), oldest first, each once; of *symbol*, or of all instruments."""
        self._guard.private(Capability.FUNDING_PAYMENTS)
        await self._instruments.ensure()
        instrument = None if symbol is None else await self._instruments.resolve(symbol)
        span = to_span(start, end)

        async def fetch(cursor: str | None) -> Any:
            return await self._port.funding_payments_page(instrument, span, cursor, 1_000)

        def name_of(payment: FundingPayment) -> tuple[Any, ...]:
            return payment.symbol, payment.side, payment.asset, payment.exchange_ns

        async with aclosing(iterate(fetch, name_of)) as items:
            async for payment in items:
                yield payment

    @entered("async with exchange.account.stream_account() as stream: async for event in stream: …")
    async def stream_account(self, *, buffer: int = 100_000) -> AsyncIterator[Stream[AccountEvent]]:
        """Subscribe to orders, fills, balances and positions, in order, each once, across reconnects.

        What happens while the connection is down is fetched afterwards, delivered, and followed by `Recovered`.
        A reader that falls more than *buffer* events behind gets `SlowConsumer`: nothing is dropped in silence.
        """
        self._guard.private(Capability.STREAM_ACCOUNT)
        async with self._open_account(buffer) as stream:
            yield stream


_Listed = TypeVar("_Listed", "Deposit", "Withdrawal")


def _oldest_first(items: Iterable[_Listed], span: Span, id_of: Callable[[_Listed], str]) -> list[_Listed]:
    """Return what of *items* lies in *span*, and what has no time, each once; of one moment, in the order of their ids.

    An exchange may count the ends of a span in seconds, or include the last moment. Where it has no ids, one that is
    made of a transaction may stand for several that the transaction paid.
    """
    begins, ends = span.start_ns or 0, span.end_ns or 0
    kept = {
        (id_of(item), item.asset, item.amount, item.address, item.tag): item
        for item in items
        if not item.exchange_ns or begins <= item.exchange_ns < ends
    }
    return sorted(kept.values(), key=lambda item: (item.exchange_ns, len(id_of(item)), id_of(item)))
