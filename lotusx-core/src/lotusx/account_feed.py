"""One account stream for any number of readers: the private channels are subscribed once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from lotusx.account_second_look import SecondLook
from lotusx.account_stream import AccountStream
from lotusx.account_untold import Untold
from lotusx.errors import LotusXError, RequestTimeout, StreamClosed, StreamGap
from lotusx.kernel.clock import Moment
from lotusx.measured import LIVE_ACCOUNT, MeasuredStream
from lotusx.model.account import OrderEvent
from lotusx.streams import Overflow, Stream, StreamState

if TYPE_CHECKING:
    from lotusx.instruments import Instruments
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.codec import Channel
    from lotusx.kernel.flow import StatusChange
    from lotusx.kernel.ports import AccountPort, TradingPort
    from lotusx.kernel.telemetry import Telemetry
    from lotusx.model.account import AccountEvent
    from lotusx.model.instruments import Instrument
    from lotusx.model.symbol import Symbol
    from lotusx.orders import OrderDesk

_SUBSCRIBE_S = 30.0
_RECOVERY_PAUSE_S = 30.0
"""Least time between two recoveries that unreadable messages ask for: a new kind of event would ask without end."""
_GATHER_S = 0.25
"""Channels that were lost together come back one after the other: so long, and one recovery serves them all."""
_SILENT_PAUSE_S = (30.0, 600.0)
"""Least and most time between two replacements of sockets that tell nothing of orders, where the first did not help."""
_DOWN = (StreamState.LOST, StreamState.SILENT)
_UP = (StreamState.ACKNOWLEDGED, StreamState.LIVE, StreamState.RECOVERED)


class Source(Protocol):
    """Where private channels are subscribed to."""

    def subscribe(self, channel: Channel[Any], *, buffer: int, overflow: Overflow) -> Stream[Any]:
        """Return a stream of *channel*, made now."""


class AccountFeed:
    """Opens the private channels with the first reader, closes them with the last.

    A message that cannot be read is counted as rejected for every reader. Since it may have been a fill, what the
    exchange knows is fetched then, by `run`.
    """

    def __init__(
        self,
        desk: OrderDesk,
        trading: TradingPort,
        account: AccountPort,
        clock: Clock,
        instruments: Instruments,
        groups: Mapping[str, Source],
        prepare: Callable[[], Awaitable[object]],
        unlisted: Callable[[Symbol], object] | None = None,
        exchange_ns: Callable[[int], int] | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._account = account
        self._clock = clock
        self._instruments = instruments
        self._groups = groups
        self._prepare = prepare
        self._unlisted = unlisted
        self._exchange_ns = exchange_ns
        self._telemetry = telemetry
        self.measured: dict[int, MeasuredStream[AccountEvent]] = {}
        """Where measurements are wanted: readers by number; whoever measures takes out the closed ones."""
        self._state = StreamState.LIVE
        self._readers: list[Stream[AccountEvent]] = []
        self._merged: AccountStream | None = None
        self._raws: list[Stream[AccountEvent]] = []
        self._lock = anyio.Lock()
        self._unread_since: Moment | None = None  # the first message that could not be read since a recovery
        self._unread = anyio.Event()
        self._recovery: anyio.CancelScope | None = None
        self._tellers: dict[str, None] = {}  # channels that have told of orders
        self._silent_since: Moment | None = None  # the last event before a silence that is yet to be recovered
        self._untold = Untold(desk, trading, clock, self._instrument_of, self._tell)
        self._second = SecondLook(clock, self._look_again)

    async def run(self) -> None:
        """Find what the channels have not told, until cancelled: after unreadable messages, and of single orders."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._untold.run)
            tasks.start_soon(self._second.run)
            await self._recover_unread()

    async def _recover_unread(self) -> None:
        """Recover after unreadable messages: at once, then as often as the pause allows."""
        while True:
            await self._unread.wait()
            self._unread = anyio.Event()
            since, self._unread_since = self._unread_since, None
            merged = self._merged
            if merged is None or since is None:
                continue
            with anyio.CancelScope() as self._recovery:
                try:
                    await merged.recover(since.by_now_ns(self._clock))
                    self._second.after(since.by_now_ns(self._clock))
                except Exception as error:
                    gap = StreamGap(f"what an unreadable message of the account said could not be recovered: {error}")
                    gap.__cause__ = error
                    self._fail(gap)
            self._recovery = None
            await self._clock.sleep(_RECOVERY_PAUSE_S)

    async def watch(self) -> None:
        """Replace sockets, until cancelled, that bring no news of an order although the exchange accepted a command."""
        owed = self._desk.owed
        least_s, most_s = _SILENT_PAUSE_S
        pause_s, paid, again_ns = least_s, -1, 0
        while True:
            reason = await owed.overdue()
            told = [raw for raw in self._raws if raw.name in self._tellers]
            suspects = [raw for raw in told or self._raws if raw.state in _UP]
            now_ns, helped = self._clock.monotonic_ns(), owed.paid != paid
            if not suspects or self._merged is None or not self._merged.whole:
                continue  # a recovery is to tell, or tells already
            if now_ns < again_ns and not helped:
                continue
            if self._silent_since is None:
                self._silent_since = owed.heard_at
            for raw in suspects:
                raw.distrust(reason)
            pause_s = least_s if helped else min(2 * pause_s, most_s)
            paid, again_ns = owed.paid, now_ns + int(pause_s * 1e9)

    @asynccontextmanager
    async def open(self, buffer: int) -> AsyncIterator[Stream[AccountEvent]]:
        """Yield a reader that misses nothing from now on; the channels are acknowledged when it is yielded."""
        reader = self._reader(buffer)
        async with self._lock:
            if self._merged is None:
                await self._subscribe()
            self._readers.append(reader)
            reader.change(self._state)
        try:
            yield reader
        finally:
            await reader.aclose()
            if reader in self._readers:
                self._readers.remove(reader)
                if not self._readers:
                    self._close()

    def _reader(self, buffer: int) -> Stream[AccountEvent]:
        options: dict[str, Any] = {"buffer": buffer, "overflow": Overflow.FAIL}
        telemetry = self._telemetry
        if telemetry is None or not telemetry.measure_s:
            return Stream("account", **options)
        number = telemetry.next_call()
        reader: MeasuredStream[AccountEvent] = MeasuredStream(
            "account", number=number, kind=LIVE_ACCOUNT, monotonic_ns=self._clock.monotonic_ns, **options
        )
        self.measured[number] = reader
        return reader

    async def restored(self, channel: Channel[Any], lost_ns: int, restored_ns: int) -> None:
        """Recover what *channel* missed, and release what it has brought since it was lost."""
        if self._merged is None:
            return
        since = self._silent_since
        if since is not None:  # its socket lived for longer than anything came on it
            lost_ns = min(lost_ns, since.by_now_ns(self._clock))
        await self._merged.recover(lost_ns, channel=channel.key)
        self._second.after(lost_ns)
        if self._silent_since is since:
            self._silent_since = None
        self._desk.owed.forgive()

    async def _subscribe(self) -> None:
        await self._instruments.ensure()
        await self._prepare()
        await self._account.prepare()
        channels = self._account.channels()
        merged = self._merged = AccountStream(
            self._desk, self._trading, self._account, self._clock, self._deliver, instrument_of=self._instrument_of,
            refresh=self._instruments.refresh, unlisted=self._unlisted, exchange_ns=self._exchange_ns,
            gather_s=_GATHER_S if len(channels) > 1 else 0.0,
        )  # fmt: skip
        self._raws, self._state = [], StreamState.LIVE
        try:
            await self._answered([(each, self._open(each, merged)) for each in channels])
            self._raise_if_closed()
            if self._desk.ledger.unfinished():  # whatever became of them before, nobody has told
                await merged.recover(self._clock.now_ns())
                self._raise_if_closed()
            self._desk.owed.start()
            self._untold.start()
        except BaseException:
            self._close()
            raise

    def _open(self, channel: Channel[AccountEvent], merged: AccountStream) -> anyio.Event:
        """Subscribe to *channel*; return what is set when that has been answered."""
        raw = self._groups[channel.group].subscribe(channel, buffer=1, overflow=Overflow.FAIL)
        self._raws.append(raw)
        answered = anyio.Event()

        def on_status(change: StatusChange) -> None:
            if change.state in _UP or change.state is StreamState.CLOSED:
                answered.set()
            if change.state is StreamState.CLOSED:
                self._fail(raw.error or _closed())
            if change.state is StreamState.LOST:
                merged.hold(channel.key)
                self._desk.owed.forgive()
            self._follow(merged, change)

        def take(event: AccountEvent) -> None:
            if channel.key not in self._tellers and isinstance(event, OrderEvent):
                self._tellers[channel.key] = None
            self._desk.owed.heard(event)
            merged.feed(event, channel.key)

        raw.handle(take, on_status, self._reject)
        if raw.state in _UP:
            answered.set()
        return answered

    def _follow(self, merged: AccountStream, change: StatusChange) -> None:
        """Tell readers that a channel is down, and that all are up again and what was missed has been delivered."""
        if change.state in _DOWN:
            self._state = change.state
        elif self._state not in _DOWN or not merged.whole or any(raw.state not in _UP for raw in self._raws):
            return
        else:
            self._state = StreamState.RECOVERED
        for reader in self._readers:
            reader.change(self._state, change.reason, change.at_ns)

    async def _answered(self, opened: Sequence[tuple[Channel[AccountEvent], anyio.Event]]) -> None:
        with anyio.move_on_after(_SUBSCRIBE_S):
            for _, answered in opened:
                await answered.wait()
        silent = [channel.key for channel, answered in opened if not answered.is_set()]
        if silent:
            raise RequestTimeout(f"not accepted in {_SUBSCRIBE_S:g} s: the account's {', '.join(silent)}")

    def _raise_if_closed(self) -> None:
        for raw in self._raws:
            if raw.state is StreamState.CLOSED:
                raise raw.error or _closed()

    def _close(self) -> None:
        """Forget the channels; the next reader opens them anew."""
        merged, self._merged = self._merged, None
        if merged is not None:
            merged.close()
        self._unread_since = self._silent_since = None
        self._desk.owed.stop()
        self._untold.stop()
        self._second.stop()
        if self._recovery is not None:
            self._recovery.cancel()
        for raw in self._raws:
            raw.end()

    async def _look_again(self, lost_ns: int) -> None:
        if self._merged is not None:
            await self._merged.look_again(lost_ns)

    def _tell(self, event: AccountEvent) -> None:
        if self._merged is not None:
            self._merged.feed(event)

    def _deliver(self, events: Sequence[AccountEvent]) -> None:
        self._untold.note(events)
        for reader in self._readers:
            reader.put(events)

    def _reject(self, count: int) -> None:
        for reader in self._readers:
            reader.reject(count)
        self._desk.owed.forgive()  # it may have been what was owed
        if self._unread_since is None:
            self._unread_since = Moment.of(self._clock.now_ns(), self._clock)
        self._unread.set()

    def _fail(self, error: BaseException) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.end(error)
        if readers:
            self._close()

    def _instrument_of(self, symbol: Symbol) -> Instrument | None:
        try:
            return self._instruments.by_symbol(symbol)
        except LotusXError:
            return None


def _closed() -> StreamClosed:
    return StreamClosed("the account stream was closed")
