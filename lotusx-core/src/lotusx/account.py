"""Holdings of one account, the same at every exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lotusx.errors import InvalidArgument
from lotusx.guard import Guard
from lotusx.history import Moment, iterate, to_span
from lotusx.instruments import Instruments
from lotusx.kernel.facts import Capability
from lotusx.kernel.origin import made_as
from lotusx.kernel.request import Origin
from lotusx.model.enums import MarginMode
from lotusx.model.numbers import decimal_from_user
from lotusx.model.symbol import Symbol

if TYPE_CHECKING:
    from lotusx.kernel.ports import AccountPort
    from lotusx.model.account import AccountEvent, Balance, Fees, FundingPayment, Leverage, Permissions, Position
    from lotusx.streams import Stream


class Account:
    """Balances, positions, fees, permissions, margin, and the one lossless stream of what happens."""

    def __init__(
        self, guard: Guard, port: AccountPort, instruments: Instruments, open_account: Callable[[int], Any]
    ) -> None:
        self._guard = guard
        self._port = port
        self._instruments = instruments
        self._open_account = open_account

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

    async def transfer(self, asset: str, amount: Decimal | int | str, *, source: str, target: str) -> None:
        """Move *amount* between two wallets of the account, in the exchange's own names of them.

        Raises:
            TransportError: In doubt; look at the balances before doing it again.
        """
        self._guard.command(Capability.TRANSFER)
        wanted = decimal_from_user(amount, name="amount")
        if wanted <= 0:
            raise InvalidArgument(f"amount must be above zero, not {wanted}")
        with made_as(Origin.ACCOUNT):
            await self._port.transfer(asset, wanted, source, target)

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

        async with aclosing(iterate(fetch, lambda item: (item.symbol, item.side, item.exchange_ns))) as items:
            async for payment in items:
                yield payment

    def stream_account(self, *, buffer: int = 100_000) -> AbstractAsyncContextManager[Stream[AccountEvent]]:
        """Subscribe to orders, fills, balances and positions, in order, each once, across reconnects.

        What happens while the connection is down is fetched afterwards, delivered, and followed by `Recovered`.
        A reader that falls more than *buffer* events behind gets `SlowConsumer`: nothing is dropped in silence.
        """
        self._guard.private(Capability.STREAM_ACCOUNT)
        opened: AbstractAsyncContextManager[Stream[AccountEvent]] = self._open_account(buffer)
        return opened
