"""The handle of an order: what is known of it now, its end, and its events."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import LotusXError, SlowConsumer
from lotusx.model.account import AccountEvent, FillEvent, OrderEvent
from lotusx.orders.waiting import first_of

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.model.enums import OrderStatus
    from lotusx.model.instruments import Instrument
    from lotusx.model.orders import Fill, OrderState

MAX_EVENTS = 10_000
"""Events one reader of an order may fall behind before it gets `SlowConsumer`."""

FILLS_PAUSE_S = 0.5
"""Between two looks for fills that are not shown yet."""

FIRST_LOOK_S = 0.1
"""Until the first look at an order nobody reports about; each pause after it is twice as long, up to ``poll_s``."""


class Order:
    """An order the exchange has. It follows the account stream; without one it asks, while somebody waits for it.

    It stays one order when an amendment gives it new ids: ``client_order_id`` is the id it was placed with,
    ``state`` has the ids of now, and ``filled`` is what it executed under all of them.
    """

    __slots__ = ("_clock", "_fetch", "_followed", "_order", "_refresh", "instrument", "poll_s")

    def __init__(
        self,
        order: TrackedOrder,
        instrument: Instrument,
        clock: Clock,
        *,
        refresh: Callable[[], Awaitable[object]],
        fetch: Callable[[], Awaitable[object]],
        followed: Callable[[], bool],
        poll_s: float = 2.0,
    ) -> None:
        self._order = order
        self._clock = clock
        self._refresh = refresh
        self._fetch = fetch
        self._followed = followed
        self.instrument = instrument
        self.poll_s = poll_s

    @property
    def client_order_id(self) -> str:
        """The id it was placed with; the exchange's where it was placed elsewhere without one."""
        return self._order.client_order_id or self.state.venue_order_id or ""

    @property
    def venue_order_id(self) -> str | None:
        """The exchange's id of it, the newest if it had several."""
        return self.state.venue_order_id

    @property
    def state(self) -> OrderState:
        """All that is known of it."""
        return self._order.state

    @property
    def status(self) -> OrderStatus:
        """Where it stands."""
        return self.state.status

    @property
    def filled(self) -> Decimal:
        """Executed so far, base units. Never falls."""
        return self.state.filled

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The fills known, oldest first. They may come after ``filled`` has grown; `fetch_fills` asks for them."""
        return tuple(sorted(self._order.fills.values(), key=lambda fill: (fill.exchange_ns, fill.trade_id)))

    async def settled(self, timeout_s: float | None = None) -> OrderState:
        """Wait until the exchange has ended it, in whichever way; return its last state.

        Raises:
            TimeoutError: It still works after *timeout_s* seconds. The order is as it was; wait again or cancel it.
        """
        events = self.events()
        try:
            late = None if timeout_s is None else self._clock.monotonic_ns() + int(timeout_s * 1e9)
            while not self._order.finished:
                if late is not None and self._clock.monotonic_ns() >= late:
                    raise TimeoutError(f"order {self.client_order_id} is still {self.status} after {timeout_s} s")
                await events._wait(late)
            return self.state
        finally:
            events.close()

    async def fetch_fills(self, timeout_s: float = 5.0) -> tuple[Fill, ...]:
        """Return its fills, oldest first; where those known do not add up to `filled`, ask the exchange for them.

        Raises:
            TimeoutError: They still do not after *timeout_s* seconds: exchanges show fills late.
        """
        late = self._clock.monotonic_ns() + int(timeout_s * 1e9)
        while self._order.filled_by_fills != self.filled:
            await self._fetch()
            if self._order.filled_by_fills == self.filled:
                break
            if self._clock.monotonic_ns() >= late:
                known = self._order.filled_by_fills
                raise TimeoutError(f"{self.client_order_id}: fills of {known} are known of the {self.filled} executed")
            await self._clock.sleep(FILLS_PAUSE_S)
        return self.fills

    def events(self) -> OrderEvents:
        """Return an iterator over its events: first the fills and the state known now, then all that follow.

        It ends with the order. Fills reported later still reach the account stream.
        """
        return OrderEvents(self)

    def __repr__(self) -> str:
        state = self.state
        return f"<Order {self.client_order_id} {state.side} {state.symbol} {state.status}, filled {state.filled}>"


class OrderEvents:
    """Events of one order, in order, none left out. Made by `Order.events`; follows from that moment on."""

    def __init__(self, handle: Order) -> None:
        self._handle = handle
        self._tracked = handle._order
        self._changed = anyio.Event()
        self._pause_s = min(FIRST_LOOK_S, handle.poll_s)
        self._overflown = False
        self._waiting: deque[OrderEvent | FillEvent] = deque(FillEvent(fill) for fill in handle.fills)
        self._waiting.append(OrderEvent(handle.state))
        self._tracked.watchers.append(self._take)

    def __aiter__(self) -> OrderEvents:
        return self

    async def __anext__(self) -> OrderEvent | FillEvent:
        while not self._waiting:
            if self._overflown:
                self.close()
                raise SlowConsumer(f"more than {MAX_EVENTS} events of {self._handle.client_order_id} were not read")
            if self._tracked.finished:
                self.close()
                raise StopAsyncIteration
            await self._wait(None)
        return self._waiting.popleft()

    def close(self) -> None:
        """Stop following. Called by itself at the end of the order."""
        with suppress(ValueError):
            self._tracked.watchers.remove(self._take)

    def _take(self, events: Sequence[AccountEvent]) -> None:
        for event in events:
            if isinstance(event, OrderEvent | FillEvent):
                if len(self._waiting) >= MAX_EVENTS:
                    self._overflown = True
                    break
                self._waiting.append(event)
        self._changed.set()

    async def _wait(self, late_ns: int | None) -> None:
        """Return after a change, at *late_ns*, or when it is time to ask: while no account stream runs."""
        self._changed = anyio.Event()
        handle = self._handle
        pause_s = self._pause_s
        if late_ns is not None:
            pause_s = min(pause_s, max((late_ns - handle._clock.monotonic_ns()) / 1e9, 0.0))
        await first_of(self._changed.wait, lambda: handle._clock.sleep(pause_s))
        self._pause_s = min(self._pause_s * 2, handle.poll_s)
        if not self._changed.is_set() and not handle._followed():
            with suppress(LotusXError):  # a failed look is no news; the next one is due soon
                await handle._refresh()
