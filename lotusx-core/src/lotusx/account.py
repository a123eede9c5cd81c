"""Holdings of one account, the same at every exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from lotusx.guard import Guard
from lotusx.instruments import Instruments
from lotusx.kernel.facts import Capability
from lotusx.model.symbol import Symbol

if TYPE_CHECKING:
    from lotusx.kernel.ports import AccountPort
    from lotusx.model.account import AccountEvent, Balance, Fees, Permissions, Position
    from lotusx.streams import Stream


class Account:
    """Balances, positions, fees, permissions, and the one lossless stream of what happens."""

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

    def stream_account(self, *, buffer: int = 100_000) -> AbstractAsyncContextManager[Stream[AccountEvent]]:
        """Subscribe to orders, fills, balances and positions, in order, each once, across reconnects.

        What happens while the connection is down is fetched afterwards, delivered, and followed by `Recovered`.
        A reader that falls more than *buffer* events behind gets `SlowConsumer`: nothing is dropped in silence.
        """
        self._guard.private(Capability.STREAM_ACCOUNT)
        opened: AbstractAsyncContextManager[Stream[AccountEvent]] = self._open_account(buffer)
        return opened
