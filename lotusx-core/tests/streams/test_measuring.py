"""What observers that want it are told of traffic, streams, books, limits and the clock, and that it adds up."""

from __future__ import annotations

import weakref
from decimal import Decimal as D
from types import SimpleNamespace
from typing import Any, cast

import anyio

from lotusx.book import LiveOrderBook
from lotusx.kernel.book.sync import BookState
from lotusx.kernel.budget import Budget
from lotusx.kernel.clock import ClockOffset
from lotusx.kernel.codec import ChannelKind
from lotusx.kernel.facts import Limit
from lotusx.kernel.flow import Overflow
from lotusx.kernel.request import Cost
from lotusx.kernel.telemetry import (
    BookMeasured,
    BudgetMeasured,
    ClockMeasured,
    Event,
    StreamMeasured,
    Telemetry,
    TrafficMeasured,
)
from lotusx.measured import MeasuredStream
from lotusx.measuring import Measuring
from lotusx.model.symbol import Symbol

from .fakes import Server, channel, group, virtually

S = 1_000_000_000


class Watching:
    """An observer that wants measurements."""

    measure_s = 1.0

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def watched() -> tuple[Watching, Telemetry]:
    watching, telemetry = Watching(), Telemetry("acme")
    telemetry.observe(watching)
    return watching, telemetry


def test_messages_and_bytes_are_counted_by_direction_and_kind_and_each_stream_adds_up() -> None:
    async def main() -> None:
        server = Server()
        watching, telemetry = watched()
        async with group(server, telemetry=telemetry) as ws:
            measuring = Measuring("acme", telemetry, server.clock, ClockOffset(), Budget("acme"), {"main": ws})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(measuring.run)
                slow = ws.subscribe(channel(), buffer=2, overflow=Overflow.DROP_OLDEST)
                quick = ws.subscribe(channel())
                await anyio.sleep(0.5)
                server.publish("trades", 1, 2, 3)
                assert [await anext(quick) for _ in range(3)] == [1, 2, 3]
                await anyio.sleep(1.0)
                await slow.aclose()
                await anyio.sleep(1.0)
                tasks.cancel_scope.cancel()

        totals = {(each.direction, each.channel): each for each in watching.of(TrafficMeasured)}
        assert totals["in", "trades"].messages == 3
        assert totals["in", "trades"].size == 3 * len('{"ch": "trades", "n": 1}')
        assert totals["in", "control"].messages == 1
        assert totals["out", "control"].messages == 1
        first, second, *rest = watching.of(StreamMeasured)
        by_number: dict[int, list[StreamMeasured]] = {}
        for each in (first, second, *rest):
            by_number.setdefault(each.stream, []).append(each)
            assert each.received == each.delivered + each.conflated + each.dropped + each.rejected + each.waiting
        of_slow, of_quick = by_number.values()
        assert (of_slow[0].dropped, of_slow[0].waiting) == (1, 2)
        assert [each.closed for each in of_slow] == [False, True]
        assert of_slow[0].delivery_s is not None
        assert of_slow[0].delivery_s >= 0.4  # it waits still
        assert of_quick[0].delivered == 3
        assert of_quick[0].delivery_s is not None
        assert of_quick[0].delivery_s < 0.1
        assert not any(each.closed for each in of_quick)

    virtually(main)


def test_nothing_is_counted_where_no_observer_wants_measurements() -> None:
    async def main() -> None:
        server = Server()
        telemetry = Telemetry("acme")
        seen: list[Event] = []
        telemetry.observe(seen.append)
        async with group(server, telemetry=telemetry) as ws:
            ws.subscribe(channel())
            await anyio.sleep(0.5)
            server.publish("trades", 1)
            measuring = Measuring("acme", telemetry, server.clock, ClockOffset(), Budget("acme"), {"main": ws})
            await measuring.run()
            measuring.measure()
            assert ws.traffic is None
            assert ws.measured == {}
        assert not [event for event in seen if isinstance(event, TrafficMeasured | StreamMeasured)]

    virtually(main)


class Ticking:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.mono = 0

    def monotonic_ns(self) -> int:
        return self.mono

    def now_ns(self) -> int:
        return 1_000 * S + self.mono

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing sleeps here")


def event(exchange_ns: int | None, received_ns: int) -> SimpleNamespace:
    return SimpleNamespace(exchange_ns=exchange_ns, received_ns=received_ns)


def test_lateness_is_the_longest_since_it_was_asked_for() -> None:
    clock = Ticking()
    stream: MeasuredStream[Any] = MeasuredStream(
        "t", number=1, kind=ChannelKind.TRADES, monotonic_ns=clock.monotonic_ns
    )
    stream.put([event(10, 25), event(30, 50)])
    stream.put([event(40, 45)])
    stream.put([event(None, 45)])
    assert stream.lateness() == (20, 0)
    stream.put([])
    assert stream.lateness() == (None, 0)


def test_a_handler_is_late_by_what_it_takes() -> None:
    clock = Ticking()
    stream: MeasuredStream[Any] = MeasuredStream(
        "t", number=1, kind=ChannelKind.TRADES, monotonic_ns=clock.monotonic_ns
    )

    def handler(event: object) -> None:
        clock.mono += 7

    stream.handle(handler)
    stream.put([event(10, 25), event(30, 50)])
    assert stream.lateness() == (20, 14)


class Book:
    """What is measured of a live book."""

    def __init__(self) -> None:
        self.instrument = SimpleNamespace(symbol=Symbol("BTC", "USDT"))
        self.state = BookState.SYNCED
        self.ended = False
        self.age = 0.5
        self.resyncs = 2
        self.snapshot_requests = 3


def test_books_limits_and_the_clock_are_measured() -> None:
    clock = Ticking()
    watching, telemetry = watched()
    offset = ClockOffset()
    budget = Budget("acme", [Limit("weight", 100, 60.0), Limit("orders", 10, 1.0, scope="account", aligned=False)])
    measuring = Measuring("acme", telemetry, clock, offset, budget, {})
    book = Book()
    measuring.watch(cast("LiveOrderBook", book))
    budget.attempt(budget.ticket([Cost("weight", 30)]), 0)
    budget.block("orders", 2 * S)

    measuring.measure()
    assert watching.of(BookMeasured) == [BookMeasured("acme", book.instrument.symbol, True, 0.5, 2, 3)]
    assert watching.of(BudgetMeasured) == [
        BudgetMeasured("acme", "weight", "ip", 60.0, 30, 100, 0.0),
        BudgetMeasured("acme", "orders", "account", 1.0, 0, 10, 2.0),
    ]
    assert watching.of(ClockMeasured) == []

    offset.sync([(0, 4_000_000, clock.now_ns() + 502_000_000)], clock)
    book.ended = True
    watching.events.clear()
    measuring.measure()
    measuring.measure()
    assert watching.of(ClockMeasured)[0] == ClockMeasured("acme", 0.5, 0.004)
    assert watching.of(BookMeasured) == [BookMeasured("acme", book.instrument.symbol, False, None, 2, 3, closed=True)]


def test_a_book_that_nobody_has_any_more_is_forgotten() -> None:
    clock = Ticking()
    watching, telemetry = watched()
    measuring = Measuring("acme", telemetry, clock, ClockOffset(), Budget("acme"), {})
    book = Book()
    gone = weakref.ref(book)
    measuring.watch(cast("LiveOrderBook", book))
    del book
    assert gone() is None
    measuring.measure()
    assert watching.of(BookMeasured) == []


def test_arrival_is_told_by_the_exchanges_clock() -> None:
    async def main() -> None:
        server = Server()
        watching, telemetry = watched()
        offset = ClockOffset()
        now = server.clock.monotonic_ns()
        offset.sync([(now, now, server.clock.now_ns() - S)], server.clock)  # it is a second behind us

        def convert(message: bytes, received_ns: int) -> list[Any]:
            return [event(received_ns - 3 * S // 2, received_ns)]  # 1.5 s by our clock

        async with group(server, telemetry=telemetry) as ws:
            measuring = Measuring("acme", telemetry, server.clock, offset, Budget("acme"), {"main": ws})
            ws.subscribe(channel(convert=convert))
            await anyio.sleep(0.5)
            server.publish("trades", 1)
            await anyio.sleep(0.1)
            measuring.measure()
        (measured,) = watching.of(StreamMeasured)
        assert D(measured.lag_s).quantize(D("0.001")) == D("0.5")

    virtually(main)
