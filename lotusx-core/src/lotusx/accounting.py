"""One account stream for any number of readers: the private channels are subscribed once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from lotusx.account_stream import AccountStream
from lotusx.errors import LotusXError, StreamClosed
from lotusx.streams import Overflow, Stream, StreamState

if TYPE_CHECKING:
    from lotusx.instruments import Instruments
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.codec import Channel
    from lotusx.kernel.flow import StatusChange
    from lotusx.kernel.ports import AccountPort, TradingPort
    from lotusx.model.account import AccountEvent
    from lotusx.model.instruments import Instrument
    from lotusx.model.symbol import Symbol
    from lotusx.orders import OrderDesk
    from lotusx.transport.supervisor import WsGroup

_SUBSCRIBE_S = 30.0
_UP = (StreamState.ACKNOWLEDGED, StreamState.LIVE, StreamState.RECOVERED)


class AccountFeed:
    """Opens the private channels with the first reader, closes them with the last."""

    def __init__(
        self,
        desk: OrderDesk,
        trading: TradingPort,
        account: AccountPort,
        clock: Clock,
        instruments: Instruments,
        groups: Mapping[str, WsGroup],
        prepare: Callable[[], Awaitable[object]],
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._account = account
        self._clock = clock
        self._instruments = instruments
        self._groups = groups
        self._prepare = prepare
        self._readers: list[Stream[AccountEvent]] = []
        self._merged: AccountStream | None = None
        self._channels: AsyncExitStack | None = None
        self._lock = anyio.Lock()

    @asynccontextmanager
    async def open(self, buffer: int) -> AsyncIterator[Stream[AccountEvent]]:
        """Yield a reader that misses nothing from now on; the channels are acknowledged when it is yielded."""
        reader: Stream[AccountEvent] = Stream("account", buffer=buffer, overflow=Overflow.FAIL)
        async with self._lock:
            if self._channels is None:
                await self._subscribe()
            self._readers.append(reader)
            reader.change(StreamState.LIVE)
        try:
            yield reader
        finally:
            if reader in self._readers:
                self._readers.remove(reader)
            await reader.aclose()
            if not self._readers:
                await self._unsubscribe()

    async def restored(self, channel: Channel[Any], lost_ns: int, restored_ns: int) -> Sequence[AccountEvent]:
        """Recover what was missed. It is delivered by the merge, so nothing is returned for the channel."""
        if self._merged is not None:
            await self._merged.recover(lost_ns)
        return ()

    async def _subscribe(self) -> None:
        await self._instruments.ensure()
        await self._prepare()
        self._merged = AccountStream(
            self._desk, self._trading, self._account, self._clock, self._deliver, instrument_of=self._instrument_of
        )
        async with AsyncExitStack() as stack:
            for channel in self._account.channels():
                raw = self._groups[channel.group].subscribe(channel, buffer=1, overflow=Overflow.FAIL)
                stack.push_async_callback(raw.aclose)
                acknowledged = anyio.Event()

                def on_status(change: StatusChange, raw: Stream[Any] = raw, done: anyio.Event = acknowledged) -> None:
                    if change.state in _UP or change.state is StreamState.CLOSED:
                        done.set()
                    if change.state is StreamState.CLOSED:
                        self._fail(raw.error or StreamClosed("the account stream was closed"))

                raw.handle(self._merged.feed, on_status)
                if raw.state not in _UP:
                    with anyio.fail_after(_SUBSCRIBE_S):
                        await acknowledged.wait()
                if raw.error is not None:
                    raise raw.error
            self._channels = stack.pop_all()

    async def _unsubscribe(self) -> None:
        channels, self._channels = self._channels, None
        merged, self._merged = self._merged, None
        if merged is not None:
            merged.close()
        if channels is not None:
            await channels.aclose()

    def _deliver(self, events: Sequence[AccountEvent]) -> None:
        for reader in self._readers:
            reader.put(events)

    def _fail(self, error: BaseException) -> None:
        for reader in self._readers:
            reader.end(error)

    def _instrument_of(self, symbol: Symbol) -> Instrument | None:
        try:
            return self._instruments.by_symbol(symbol)
        except LotusXError:
            return None
