"""One market on several exchanges, live: whoever is not in step is left out, said so, and comes back by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal as D
from random import Random
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from lotusx.book import LiveOrderBook
from lotusx.errors import ConnectorFailed, InvalidArgument, LotusXError, SourceFailed, SubscriptionRefused
from lotusx.kernel.book import BookRule
from lotusx.many import Failures, LegState, LiveConsolidatedBook
from lotusx.many.books import InverseRule, LegPlan
from lotusx.model import (
    BookUpdate,
    Fees,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Level,
    OrderBook,
    Symbol,
    TickSize,
)
from lotusx.rules import Rounding
from lotusx.streams import Stream, StreamState

pytestmark = pytest.mark.anyio

SYMBOL = Symbol.parse("BTC/USDT")


class Clock:
    """Time passes when the test says so."""

    ns = 1_000_000_000

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep_forever()


class Place:
    """An exchange, as far as a leg needs one: a live book over a stream that the test feeds."""

    def __init__(self, clock: Clock, bid: str, ask: str, *, quantity: str = "1", taker: str | Exception = "0") -> None:
        self.clock = clock
        self.taker = taker
        self.stream: Stream[BookUpdate] = Stream("book")
        self.stream.change(StreamState.LIVE)
        self.hold: anyio.Event | None = None
        self.number = 100
        self.bid, self.ask, self.quantity = bid, ask, quantity
        self.instrument = Instrument(
            SYMBOL, "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING, TickSize(D("0.01")), D("0.001")
        )
        self.market = SimpleNamespace(live_order_book=self._live)
        self.account = SimpleNamespace(fees=self._fees)

    @asynccontextmanager
    async def _live(self, symbol: Symbol, *, depth: int) -> AsyncIterator[LiveOrderBook]:
        rule = BookRule.contiguous()
        async with LiveOrderBook(
            self.instrument, lambda: self.stream, self._fetch, rule, clock=self.clock, random=Random(1)
        ) as book:
            yield book

    async def _fetch(self) -> OrderBook:
        if self.hold is not None:
            await self.hold.wait()
        levels = [(Level(D(price), D(self.quantity)),) for price in (self.bid, self.ask)]
        return OrderBook(SYMBOL, levels[0], levels[1], self.number, complete=True)

    async def _fees(self, symbol: Symbol) -> Fees:
        if isinstance(self.taker, Exception):
            raise self.taker
        return Fees(symbol, D(0), D(self.taker))

    def better(self, bid: str) -> None:
        self.number += 1
        self.stream.put([BookUpdate(SYMBOL, [(bid, self.quantity)], [], self.number, self.number)])

    def gap(self) -> None:
        self.number += 5
        self.stream.put([BookUpdate(SYMBOL, [("1", "1")], [], self.number, self.number)])


def consolidated(
    places: dict[str, Any],
    failures: Failures = Failures.FATAL,
    *,
    fees: dict[str, str] | None = None,
    ask_fees: bool = False,
    max_age_s: float | None = None,
    inverse: InverseRule | None = None,
) -> AbstractAsyncContextManager[LiveConsolidatedBook]:
    plans = {
        name: LegPlan(
            name,
            place,
            None if isinstance(place, Exception) else place.instrument,
            D(fees[name]) if fees else None,
            ask_fees,
        )
        for name, place in places.items()
    }
    return LiveConsolidatedBook(plans, failures, depth=20, max_age_s=max_age_s, inverse=inverse).open()


def best(book: LiveConsolidatedBook) -> tuple[str, D]:
    found = book.read().best_bid
    assert found is not None
    return found.leg, found.effective_price


async def until_used(book: LiveConsolidatedBook, count: int | None = None) -> None:
    with anyio.fail_after(30):
        await book.wait_used(count)


async def test_the_best_price_is_whoever_has_it_now() -> None:
    clock = Clock()
    a, b = Place(clock, "100", "102"), Place(clock, "99", "101")
    async with consolidated({"a": a, "b": b}) as book:
        await until_used(book)
        assert best(book) == ("a", D(100))
        b.better("100.5")
        assert best(book) == ("b", D("100.5"))
        clock.ns += 2_000_000_000
        a.better("100.1")
        assert [(leg.name, leg.age_s) for leg in book.read().legs] == [("a", 0.0), ("b", 2.0)]
        assert [level.price for level in book.read(2).bids] == [D("100.5"), D("100.1"), D(100), D(99)]
        for depth in (0, 21):
            with pytest.raises(InvalidArgument, match="from 1 to 20"):
                book.read(depth)
        assert "a: used, b: used" in repr(book)
    assert book.read().best_bid is None  # nothing of an ended block is shown as if it were alive
    assert {leg.state for leg in book.read().left_out} == {LegState.STALE}


async def test_given_fees_and_asked_fees_decide_and_are_shown() -> None:
    clock = Clock()
    places = {"a": Place(clock, "100", "102", taker="0.01"), "b": Place(clock, "99.9", "101", taker="0.0001")}
    async with consolidated(places, ask_fees=True) as book:
        await until_used(book)
        assert best(book) == ("b", D("99.89001"))
        assert [leg.taker_fee for leg in book.read().legs] == [D("0.01"), D("0.0001")]
    places = {"a": Place(clock, "100", "102"), "b": Place(clock, "99.9", "101")}
    async with consolidated(places, fees={"a": "0.01", "b": "0"}) as book:
        await until_used(book)
        assert best(book) == ("b", D("99.9"))


async def test_a_leg_out_of_step_is_left_out_at_once_said_and_comes_back() -> None:
    clock = Clock()
    a, b = Place(clock, "100", "102"), Place(clock, "99", "101")
    async with consolidated({"a": a, "b": b}) as book:
        await until_used(book)
        a.hold = anyio.Event()
        a.gap()
        found = book.read()
        assert found.best_bid is not None
        assert found.best_bid.leg == "b"
        (left_out,) = found.left_out
        assert (left_out.name, left_out.state) == ("a", LegState.STALE)
        assert left_out.reason
        a.hold.set()
        await until_used(book)
        assert best(book) == ("a", D(100))


async def test_a_venue_that_is_down_at_the_start_keeps_nobody_waiting() -> None:
    clock = Clock()
    a, b = Place(clock, "100", "102"), Place(clock, "99", "101")
    a.hold = anyio.Event()
    async with consolidated({"a": a, "b": b}, Failures.ISOLATED) as book:
        await until_used(book, 1)
        assert best(book) == ("b", D(99))
        assert [(leg.name, leg.state, leg.reason) for leg in book.read().left_out] == [
            ("a", LegState.STALE, "its first snapshot has not come yet")
        ]
        a.hold.set()
        await until_used(book)


async def test_changes_tell_of_prices_and_of_legs_that_go_and_come() -> None:
    clock = Clock()
    a, b = Place(clock, "100", "102"), Place(clock, "99", "101")
    async with consolidated({"a": a, "b": b}) as book:
        await until_used(book)
        changes = book.changes()
        assert (await anext(changes)).best_bid == book.read().best_bid
        async with anyio.create_task_group() as tasks:
            got: list[Any] = []

            async def read() -> None:
                got.append(await anext(changes))

            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            assert got == []
            held = a.hold = anyio.Event()
            a.gap()
        assert [leg.name for leg in got[0].left_out] == ["a"]
        for number in range(5):  # who reads slowly skips to the newest
            b.better(f"99.{number + 1}")
        newest = await anext(changes)
        assert newest.best_bid is not None
        assert newest.best_bid.price == D("99.5")
        held.set()
        await until_used(book)
        assert (await anext(changes)).left_out == ()
    assert [found async for found in changes] == []


async def test_a_leg_that_grows_too_old_is_a_change() -> None:
    clock = Clock()
    a, b = Place(clock, "100", "102"), Place(clock, "99", "101")
    async with consolidated({"a": a, "b": b}, max_age_s=0.01) as book:
        await until_used(book)
        changes = book.changes()
        await anext(changes)
        clock.ns += 5_000_000
        b.better("99.1")
        await anext(changes)
        async with anyio.create_task_group() as tasks:
            got: list[Any] = []

            async def read() -> None:
                got.append(await anext(changes))

            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            clock.ns += 8_000_000  # by the clock of the books; the wait itself is the loop's
            with anyio.fail_after(30):
                while not got:  # noqa: ASYNC110 - the wait that ends is the loop's own
                    await anyio.sleep(0.001)
        assert [(leg.name, leg.state) for leg in got[0].left_out] == [("a", LegState.TOO_OLD)]


async def test_a_leg_that_fails_for_good_is_isolated_and_named() -> None:
    clock = Clock()
    a, b = Place(clock, "100", "102"), Place(clock, "99", "101")
    gone = ConnectorFailed("c", LotusXError("no network"))
    async with consolidated({"a": a, "b": b, "c": gone}, Failures.ISOLATED) as book:
        await until_used(book, 2)
        assert [(leg.name, leg.state) for leg in book.read().left_out] == [("c", LegState.FAILED)]
        a.stream.end(SubscriptionRefused("delisted"))
        assert best(book) == ("b", D(99))
        first = book.read().left_out[0]
        assert (first.name, first.state, first.reason) == ("a", LegState.FAILED, "delisted")
        with pytest.raises(SourceFailed, match="a: delisted"):
            await book.wait_used(2)


async def test_a_leg_that_fails_for_good_is_fatal_and_named() -> None:
    clock = Clock()
    a, b = Place(clock, "100", "102"), Place(clock, "99", "101")

    async def live() -> None:
        async with consolidated({"a": a, "b": b}) as book:
            await until_used(book)
            a.stream.end(SubscriptionRefused("delisted"))
            await anyio.sleep_forever()

    with pytest.raises(SourceFailed, match="a: delisted"):
        await live()
    assert b.stream.state is StreamState.CLOSED


async def test_a_fee_that_cannot_be_read_leaves_its_leg_out() -> None:
    clock = Clock()
    places = {"a": Place(clock, "100", "102", taker=LotusXError("no key")), "b": Place(clock, "99", "101")}
    async with consolidated(places, Failures.ISOLATED, ask_fees=True) as book:
        await until_used(book, 1)
        assert best(book) == ("b", D(99))
        assert [(leg.name, leg.reason) for leg in book.read().left_out] == [("a", "no key")]


async def test_contracts_of_inverse_legs_become_base_units_by_the_callers_rule() -> None:
    clock = Clock()
    place = Place(clock, "60000", "70000", quantity="1000")
    place.instrument = Instrument(
        Symbol.parse("BTC/USD:BTC"), "BTCUSD", InstrumentKind.INVERSE, InstrumentStatus.TRADING,
        TickSize(D(1)), D(1), contract_size=D(100),
    )  # fmt: skip
    async with consolidated({"a": place}, inverse=InverseRule(D("0.0001"), Rounding.FLOOR)) as book:
        await until_used(book)
        found = book.read()
        assert [level.quantity for level in (*found.bids, *found.asks)] == [D("1.6666"), D("1.4285")]
