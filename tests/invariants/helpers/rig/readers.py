"""The user who reads: a live book, streams of every overflow policy, the account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import anyio

import lotusx
from lotusx.errors import LotusXError
from lotusx.model.account import AccountEvent, BalanceEvent, FillEvent, OrderEvent, PositionEvent, Recovered
from lotusx.model.orders import OrderState

if TYPE_CHECKING:
    from rig.log import EventLog

FillName = tuple[str, str, str, Decimal, Decimal]
"""Symbol, trade id, side, price, quantity."""


class StreamReader:
    """Reads one stream, now and then slowly, and counts what it gets.

    Attributes:
        repeated: Events that came although they had come before.
        base: Events the wire had brought on its channel when it was opened.
    """

    def __init__(
        self, name: str, stream: lotusx.Stream[Any], rng: Random, *, base: int, doze_s: float, doze_every: int
    ) -> None:
        self.name = name
        self.stream = stream
        self.base = base
        self.count = 0
        self.repeated: list[str] = []
        self._alarm = anyio.Event()
        self._rng = rng
        self._doze_s = doze_s
        self._doze_every = doze_every
        self._seen: set[str] = set()

    async def run(self) -> None:
        """Read until cancelled, or until the stream ends."""
        async for event in self.stream:
            self.count += 1
            name = getattr(event, "trade_id", None)
            if name is not None:
                if name in self._seen:
                    self.repeated.append(name)
                self._seen.add(name)
            if not self._rng.randrange(self._doze_every):
                with anyio.move_on_after(self._rng.random() * self._doze_s):
                    await self._alarm.wait()

    def stay_awake(self, awake: bool) -> None:
        """End a doze and have no other, until told that it may doze again."""
        if awake:
            self._alarm.set()
        else:
            self._alarm = anyio.Event()


class AccountReader:
    """Reads the account and keeps what it was told, as a user would."""

    def __init__(
        self, stream: lotusx.Stream[AccountEvent], rng: Random, log: EventLog, now_ns: Callable[[], int]
    ) -> None:
        self.stream = stream
        self.count = 0
        self.error: BaseException | None = None
        self.fills: Counter[FillName] = Counter()
        self.orders: dict[str, OrderState] = {}  # by client order id
        self.balances: dict[str, tuple[Decimal, Decimal]] = {}
        self.positions: dict[str, Decimal] = {}
        self.recovered: list[tuple[int, Recovered]] = []  # with the time of delivery
        self.watchers: list[Callable[[AccountEvent], None]] = []
        self._naps: dict[int, int] = {}  # when each began, by its end
        self._rng = rng
        self._log = log
        self._now_ns = now_ns

    def busy_since_ns(self, read_ns: int) -> int:
        """Return since when it only read and napped until *read_ns*: what it read then may have come before."""
        while read_ns in self._naps and self._naps[read_ns] < read_ns:
            read_ns = self._naps[read_ns]
        return read_ns

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            async for event in self.stream:
                self.count += 1
                self._take(event)
                if not self._rng.randrange(20):
                    begun_ns = self._now_ns()
                    await anyio.sleep(self._rng.random() * 0.3)
                    self._naps[self._now_ns()] = begun_ns
        except LotusXError as error:
            self.error = error
            self._log.write("account", f"ended by {error!r}")

    def _take(self, event: AccountEvent) -> None:
        for watch in self.watchers:
            watch(event)
        if isinstance(event, FillEvent):
            fill = event.fill
            self.fills[(str(fill.symbol), fill.trade_id, str(fill.side), fill.price, fill.quantity)] += 1
            self._log.write("account", f"fill {fill.trade_id} {fill.side} {fill.quantity} at {fill.price}")
        elif isinstance(event, OrderEvent):
            state = event.state
            self.orders[state.client_order_id or f"venue {state.venue_order_id}"] = state
            self._log.write("account", f"order {state.client_order_id} {state.status} {state.filled}")
        elif isinstance(event, BalanceEvent):
            self.balances.update((each.asset, (each.free, each.locked)) for each in event.balances)
            self._log.write("account", f"balances {[(b.asset, str(b.free), str(b.locked)) for b in event.balances]}")
        elif isinstance(event, PositionEvent):
            self.positions.update((str(each.symbol), each.quantity) for each in event.positions)
            self._log.write("account", f"positions {[(str(p.symbol), str(p.quantity)) for p in event.positions]}")
        elif isinstance(event, Recovered):
            self.recovered.append((self._now_ns(), event))
            self._log.write("account", f"recovered {event.events}")
        else:
            self._log.write("account", repr(event))
