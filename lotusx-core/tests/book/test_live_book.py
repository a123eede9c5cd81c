"""The live book: stale in the same loop turn as the gap, synced again by itself, and only by itself."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal, localcontext
from random import Random
from typing import Any

import anyio
import pytest

from lotusx.book import LiveOrderBook
from lotusx.errors import (
    BeyondHorizon,
    ConnectionFailed,
    InvalidArgument,
    MarketClosed,
    NotSupported,
    RateLimited,
    StaleBook,
    StreamClosed,
    SubscriptionRefused,
)
from lotusx.kernel.book import BookRule, BookState, Depth, SnapshotPace, seconds_each
from lotusx.kernel.book.reading import BookTop
from lotusx.kernel.facts import Limit
from lotusx.kernel.request import Cost
from lotusx.kernel.telemetry import StreamChanged, Telemetry
from lotusx.model.enums import InstrumentKind, Side
from lotusx.model.market_data import BookUpdate, Level, OrderBook
from lotusx.resync import ResyncPolicy
from lotusx.streams import Stream, StreamOwner, StreamState

from .book_kit import INSTRUMENT, SYMBOL, ManualClock, Market

pytestmark = pytest.mark.anyio

Answer = OrderBook | BookUpdate | BaseException


class Renewals(StreamOwner):
    def __init__(self) -> None:
        self.count = 0
        self.waiting = False

    def renew(self, stream: Stream[Any]) -> None:
        self.count += 1

    def is_renewing(self, stream: Stream[Any]) -> bool:
        return self.waiting


class Bench:
    """A book, the stream that feeds it, and a REST side that answers when and what the test says."""

    def __init__(self, rule: BookRule | None = None, market: Market | None = None, **options: Any) -> None:
        self.clock = options.pop("clock", None) or ManualClock()
        self.market = market or Market(1)
        self.owner = Renewals()
        self.stream: Stream[BookUpdate] = Stream("book", owner=self.owner)
        self.stream.change(options.pop("stream_state", StreamState.LIVE))
        self.answers: list[Answer | Callable[[], Answer]] = options.pop("answers", [])
        self.fetches = 0
        self.hold: anyio.Event | None = None
        self.events: list[StreamChanged] = []
        telemetry = Telemetry()
        telemetry.observe(lambda event: self.events.append(event) if isinstance(event, StreamChanged) else None)
        self.book = LiveOrderBook(
            options.pop("instrument", INSTRUMENT),
            lambda: self.stream,
            self.fetch,
            rule or BookRule.contiguous(),
            clock=self.clock,
            random=Random(7),
            telemetry=telemetry,
            exchange="x",
            **options,
        )

    async def fetch(self) -> OrderBook | BookUpdate:
        self.fetches += 1
        taken = self.market.snapshot()
        if self.hold is not None:
            await self.hold.wait()
        answer = self.answers.pop(0) if self.answers else taken
        if callable(answer):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def step(self) -> BookUpdate:
        update = self.market.step()
        self.stream.put([update])
        return update

    def agrees(self) -> None:
        number = self.book.last_update_id
        assert number is not None
        bids, asks = self.market.levels(number)
        assert [(level.price, level.quantity) for level in self.book.bids()] == bids
        assert [(level.price, level.quantity) for level in self.book.asks()] == asks


def fixed(bids: list[tuple[str, str]], asks: list[tuple[str, str]], *, complete: bool = False) -> OrderBook:
    sides = [tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in side) for side in (bids, asks)]
    return OrderBook(SYMBOL, sides[0], sides[1], 100, complete=complete)


async def settle() -> None:
    await anyio.wait_all_tasks_blocked()


def backlog(bench: Bench, count: int) -> list[BookUpdate]:
    return [bench.market.step() for _ in range(count)]


# ------------------------------------------------------------------------------------------------------- syncing


async def test_the_block_begins_synced_and_follows_the_market() -> None:
    bench = Bench()
    async with bench.book as book:
        assert book.state is BookState.SYNCED
        for _ in range(50):
            update = bench.step()
            assert book.last_update_id == update.last
            bench.agrees()
        assert book.resyncs == 0
        assert bench.fetches == book.snapshot_requests == 1
        assert book.counters.applied == 50
        assert "synced" in repr(book)


async def test_nothing_is_shown_before_the_snapshot_and_updates_meanwhile_are_not_lost() -> None:
    bench = Bench(wait=False)
    bench.hold = anyio.Event()
    async with bench.book as book:
        await settle()
        assert book.age is None
        for _ in range(9):
            bench.step()
        for read in (lambda: book.best_bid, lambda: book.bids(1), lambda: book.asks(1, allow_stale=True)):
            with pytest.raises(StaleBook, match="waiting_snapshot"):
                read()
        bench.hold.set()
        await book.wait_synced()
        bench.agrees()
        assert book.last_update_id == bench.market.number


async def test_a_backlog_of_one_read_is_shown_once_and_is_right() -> None:
    bench = Bench()
    async with bench.book as book:
        shown: list[int | None] = []
        book.watch(lambda: shown.append(book.last_update_id))
        bench.stream.put(backlog(bench, 60))
        assert shown == [bench.market.number]
        bench.agrees()
        assert (book.counters.received, book.counters.applied) == (60, 60)


async def test_a_handler_of_a_book_is_shown_every_state_of_a_backlog() -> None:
    bench = Bench()
    async with bench.book as book:
        tops: list[BookTop] = []
        end = book.handle(tops.append)
        updates = backlog(bench, 60)
        assert not bench.stream.keeps_newest
        bench.stream.put(updates)
        assert [top.sequence for top in tops] == [100, *(update.last for update in updates)]
        for top in tops:
            bids, asks = bench.market.levels(top.sequence)
            assert (top.best_bid, top.best_ask) == (Level(*bids[0]), Level(*asks[0]))
        with pytest.raises(InvalidArgument, match="one callback"):
            book.handle(print)
        await bench.stream.aclose()
        await end


async def test_a_handler_of_a_book_that_raises_ends_the_book_and_its_owner_hears_of_it() -> None:
    def boom(top: BookTop) -> None:
        if top.sequence > 100:
            raise ValueError("boom")

    bench = Bench()

    async def use() -> None:
        async with bench.book as book:
            book.handle(boom)
            bench.step()
            assert book.ended

    with pytest.raises(ValueError, match="boom"):
        await use()
    with pytest.raises(ValueError, match="boom"):
        bench.book.bids(1)


async def test_a_book_that_was_not_entered_is_not_handled() -> None:
    with pytest.raises(InvalidArgument, match="enter the book"):
        Bench().book.handle(print)


@pytest.mark.parametrize("size", [1, 2, 10, 16, 20, 31, 32, 40])
async def test_depth_is_renewed_in_time_however_many_updates_a_read_brings(size: int) -> None:
    def deep(number: int, used: int) -> BookUpdate:
        bids = [(str(5_000 - place), "1") for place in range(used, used + 1_000)]
        return BookUpdate(SYMBOL, bids, [("6000", "1"), ("6001", "1")], number, number)

    def newest() -> BookUpdate:
        return deep(number, 2 * (number - 1))

    number = 1
    bench = Bench(answers=[newest])
    async with bench.book as book:
        while bench.fetches == 1 and number < 600:
            bench.answers = [newest]
            run = []
            for _ in range(size):
                price, number = 5_000 - 2 * (number - 1), number + 1
                run.append(BookUpdate(SYMBOL, [(str(price), "0"), (str(price - 1), "0")], [], number, number))
            bench.stream.put(run)
            await settle()
        assert number <= 256 + 32 + size  # half of the levels are used up, and the next look
        assert (book.state, book.resyncs, book.refreshes) == (BookState.SYNCED, 0, 1)


async def test_a_gap_within_a_backlog_is_stale_in_the_same_turn() -> None:
    bench = Bench()
    async with bench.book as book:
        updates = backlog(bench, 60)
        bench.stream.put([*updates[:40], *updates[41:]])
        assert book.stale_reason.startswith("gap")
        assert book.last_update_id == updates[39].last
        await settle()
        assert book.state is BookState.SYNCED
        bench.agrees()


async def test_a_gap_is_stale_in_the_same_turn_and_costs_one_snapshot() -> None:
    bench = Bench()
    async with bench.book as book:
        bench.step()
        last = book.bids()
        bench.market.step()
        bench.step()
        assert book.stale_reason.startswith("gap")
        with pytest.raises(StaleBook, match="gap"):
            _ = book.mid
        assert book.bids(allow_stale=True) == last
        await settle()
        assert book.state is BookState.SYNCED
        bench.agrees()
        assert (bench.fetches, book.resyncs) == (2, 1)
    assert [(event.state, event.key) for event in bench.events][:3] == [
        ("synced", "book:BTC/USDT"),
        ("stale", "book:BTC/USDT"),
        ("synced", "book:BTC/USDT"),
    ]


async def test_a_gap_in_one_of_two_hundred_books_costs_one_snapshot() -> None:
    benches = [Bench(market=Market(seed)) for seed in range(200)]
    async with contextlib.AsyncExitStack() as stack:
        for bench in benches:
            await stack.enter_async_context(bench.book)
        benches[77].market.step()
        for bench in benches:
            bench.step()
        assert [bench.book.state for bench in benches].count(BookState.STALE) == 1
        await settle()
        assert sum(bench.fetches for bench in benches) == 201
        assert all(bench.book.state is BookState.SYNCED for bench in benches)


async def test_a_gap_in_all_of_two_hundred_books_keeps_the_shared_pace() -> None:
    clock = ManualClock()
    pace = SnapshotPace(clock, burst=5)
    benches = [Bench(market=Market(seed), clock=clock, pace=pace.turns(0.2), wait=False) for seed in range(200)]
    async with contextlib.AsyncExitStack() as stack:
        for bench in benches:
            await stack.enter_async_context(bench.book)
        await settle()
        asked = [sum(bench.fetches for bench in benches)]
        for _ in range(40):
            await clock.advance(1)
            asked.append(sum(bench.fetches for bench in benches))
        assert asked[0] == 5
        assert max(later - earlier for earlier, later in itertools.pairwise(asked)) == 5
        assert asked[-1] == 200
        assert all(bench.book.state is BookState.SYNCED for bench in benches)
        assert pace.waited == 195


async def test_shallow_books_wait_less_for_their_turn_than_deep_ones() -> None:
    clock = ManualClock()
    limits = (Limit("weight", 6_000, 60.0), Limit("requests", 61_000, 300.0), Limit("orders", 1, 1.0))
    apart = {amount: seconds_each((Cost("weight", amount), Cost("requests", 1)), limits) for amount in (5, 50)}
    assert apart == {5: 0.1, 50: 1.0}
    assert seconds_each((Cost("something else", 1),), limits) is None

    pace = SnapshotPace(clock, burst=1)
    async with pace.turns(1.0):
        assert clock.slept == []
    async with anyio.create_task_group() as tasks:
        for each_s in (0.1, 1.0, 0.1):
            tasks.start_soon(pace.turns(each_s).__aenter__)
            await settle()
        tasks.cancel_scope.cancel()
    assert clock.slept == [1.0, 1.1, 2.1]


@pytest.mark.parametrize("wrong", ["crossed", "negative", "garbled"])
async def test_a_wrong_level_is_never_shown_not_even_as_a_stale_picture(wrong: str) -> None:
    bench = Bench(allow_stale=True)
    async with bench.book as book:
        best_ask = book.best_ask
        assert best_ask is not None
        pair = {"crossed": (str(best_ask.price), "1"), "negative": ("-1", "1"), "garbled": ("1O", "1")}[wrong]
        true = bench.market.step()
        bench.stream.put([BookUpdate(SYMBOL, [pair], [], true.first, true.last)])
        assert book.state is BookState.STALE
        with pytest.raises(StaleBook):
            _ = book.best_bid
        await settle()
        bench.agrees()
        assert book.counters.breaches == 1


async def test_one_wrong_level_in_a_thousand_updates_is_always_caught() -> None:
    bench = Bench()
    caught = 0
    async with bench.book as book:
        for number in range(1, 5_001):
            if number % 1_000:
                bench.step()
            else:
                true = bench.market.step()
                crossing = book.bids(1)[0].price if number % 2_000 else Decimal(1)
                bench.stream.put(
                    [BookUpdate(SYMBOL, true.bids, [*true.asks, (str(crossing), "1")], true.first, true.last)]
                )
                caught += book.state is BookState.STALE
                await settle()
            bench.agrees()
    assert caught == 5


# ----------------------------------------------------------------------------------------------------- patience


async def test_a_snapshot_older_than_the_updates_is_asked_for_again_with_growing_waits() -> None:
    bench = Bench(wait=False, policy=ResyncPolicy())
    old = bench.market.snapshot()
    bench.market.step()
    bench.answers = [old] * 7
    bench.stream.put([bench.market.step()])
    async with bench.book as book:
        for _ in range(8):
            await settle()
            await bench.clock.advance(3)
        assert book.state is BookState.SYNCED
        bench.agrees()
    slept = bench.clock.slept
    assert len(slept) == 7
    for tries, seconds in enumerate(slept):
        longest = min(3.0, 0.25 * 2**tries)
        assert longest / 2 <= seconds <= longest
    assert ["still trying" in event.reason for event in bench.events].count(True) == 1


async def test_the_exchanges_own_wait_is_kept() -> None:
    refusal = RateLimited("x", "429", "too many", after_s=30.0)
    bench = Bench(wait=False, answers=[refusal, ConnectionFailed("no route")])
    async with bench.book as book:
        await settle()
        assert bench.clock.slept == [30.0]
        await bench.clock.advance(29)
        assert bench.fetches == 1
        await bench.clock.advance(1)
        await bench.clock.advance(3)
        assert book.state is BookState.SYNCED
        assert bench.fetches == 3


async def test_a_market_that_closes_under_a_book_may_open_again() -> None:
    bench = Bench()
    async with bench.book as book:
        bench.answers = [MarketClosed("x", "closed", "no book now")] * 3
        bench.market.step()
        bench.stream.put([bench.market.step()])
        for _ in range(5):
            await settle()
            await bench.clock.advance(3)
        assert book.state is BookState.SYNCED
        bench.agrees()


@pytest.mark.parametrize(
    "error", [NotSupported("x", "books"), ZeroDivisionError("a bug"), MarketClosed("x", "closed", "there is no book")]
)
async def test_what_asking_again_cannot_mend_reaches_every_reader(error: Exception) -> None:
    bench = Bench(answers=[error])
    with pytest.raises(type(error)):
        async with bench.book:
            pytest.fail("the block must not begin")

    bench = Bench(answers=[error], wait=False)
    async with bench.book as book:
        await settle()
        for read in (lambda: book.best_bid, lambda: book.bids(allow_stale=True)):
            with pytest.raises(type(error)):
                read()
        with pytest.raises(type(error)):
            await book.wait_synced()
        with pytest.raises(type(error)):
            async for _ in book.changes():
                pass
        assert book.state is BookState.STALE
        assert book.stale_reason == str(error)


# -------------------------------------------------------------------------------------------------- the stream


@pytest.mark.parametrize("state", [StreamState.LOST, StreamState.SILENT, StreamState.REQUESTED])
async def test_a_lost_or_silent_stream_is_stale_at_once_until_it_is_back(state: StreamState) -> None:
    bench = Bench()
    async with bench.book as book:
        bench.stream.change(state, "no pong")
        assert book.state is BookState.STALE
        assert book.stale_reason == f"stream {state}: no pong"
        await settle()
        assert bench.fetches == 1  # nothing can be proven while nothing arrives
        bench.market.step()
        bench.stream.change(StreamState.RECOVERED)
        await settle()
        bench.agrees()
        assert book.last_update_id == bench.market.number


async def test_a_snapshot_asked_for_before_a_loss_is_not_used_after_it() -> None:
    bench = Bench(wait=False)
    bench.hold = anyio.Event()
    async with bench.book as book:
        await settle()
        bench.stream.change(StreamState.LOST)
        for _ in range(3):
            bench.market.step()
        bench.stream.change(StreamState.RECOVERED)
        bench.hold.set()
        await settle()
        assert book.state is BookState.WAITING_SNAPSHOT
        await bench.clock.advance(3)
        assert book.last_update_id == bench.market.number


async def test_no_snapshot_is_asked_for_before_the_stream_is_acknowledged() -> None:
    bench = Bench(wait=False, stream_state=StreamState.REQUESTED)
    async with bench.book as book:
        await settle()
        assert bench.fetches == 0
        bench.stream.change(StreamState.ACKNOWLEDGED)
        await book.wait_synced()
        assert bench.fetches == 1


async def test_the_first_update_proves_that_the_stream_is_there() -> None:
    bench = Bench(wait=False, stream_state=StreamState.REQUESTED)
    async with bench.book as book:
        await settle()
        bench.step()
        await book.wait_synced()
        bench.agrees()


async def test_a_refused_subscription_reaches_the_reader_once() -> None:
    bench = Bench()
    async with bench.book as book:
        bench.stream.end(SubscriptionRefused("no such channel"))
        with pytest.raises(SubscriptionRefused):
            _ = book.best_bid


async def test_an_unseen_refusal_is_raised_when_the_block_is_left() -> None:
    bench = Bench()
    with pytest.raises(SubscriptionRefused):
        async with bench.book:
            bench.stream.end(SubscriptionRefused("no such channel"))


async def test_a_stream_closed_under_the_book_ends_it() -> None:
    bench = Bench()
    async with bench.book as book:
        await bench.stream.aclose()
        with pytest.raises(StreamClosed):
            _ = book.spread


async def test_the_callers_own_error_leaves_the_block_as_it_is() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with Bench().book:
            raise KeyError("mine")


async def test_a_book_is_entered_once_and_closed_for_good() -> None:
    bench = Bench()
    async with bench.book as book:
        changes = book.changes()
        await anext(changes)
        with pytest.raises(InvalidArgument, match="once"):
            await book.__aenter__()
    with pytest.raises(StreamClosed):
        _ = book.best_bid
    with pytest.raises(StopAsyncIteration):
        await anext(changes)
    assert bench.stream.state is StreamState.CLOSED


async def test_cancellation_passes_through() -> None:
    bench = Bench(wait=True, answers=[ConnectionFailed("down")] * 99)
    with anyio.move_on_after(0.05) as scope:
        async with bench.book:
            pytest.fail("the block must not begin")
    assert scope.cancelled_caught
    assert bench.stream.state is StreamState.CLOSED


# ------------------------------------------------------------------------------------- streams with snapshots


def streaming(**options: Any) -> Bench:
    rule = BookRule.stream_snapshot(window=None, restart_number=1)
    return Bench(rule, Market(3, single=True), wait=False, **options)


async def test_a_stream_that_starts_with_a_snapshot_needs_no_request() -> None:
    bench = streaming()
    async with bench.book as book:
        bench.stream.put([bench.market.stream_snapshot()])
        await book.wait_synced()
        bench.step()
        assert book.last_update_id == bench.market.number
        assert (bench.fetches, bench.owner.count) == (0, 0)


async def test_a_gap_in_such_a_stream_asks_for_the_channel_anew() -> None:
    bench = streaming()
    async with bench.book as book:
        bench.stream.put([bench.market.stream_snapshot()])
        bench.market.step()
        bench.step()
        assert book.stale_reason.startswith("gap")
        await settle()
        assert bench.owner.count == 1
        bench.stream.put([bench.market.stream_snapshot()])
        assert book.state is BookState.SYNCED
        await settle()
        await bench.clock.advance(60)
        assert (bench.owner.count, book.resyncs, book.snapshot_requests) == (1, 1, 1)


async def test_a_snapshot_that_does_not_come_is_asked_for_again() -> None:
    bench = streaming()
    async with bench.book:
        await settle()
        assert bench.owner.count == 0  # the first subscription brings it by itself
        await bench.clock.advance(5)
        await bench.clock.advance(3)
        assert bench.owner.count == 1
        bench.stream.change(StreamState.LOST)
        await bench.clock.advance(60)
        assert bench.owner.count == 1
        bench.stream.change(StreamState.RECOVERED)
        await settle()
        assert bench.owner.count == 1


async def test_a_snapshot_that_the_exchange_has_not_been_asked_for_yet_is_not_asked_for_again() -> None:
    bench = streaming()
    async with bench.book:
        bench.owner.waiting = True  # for its turn, among hundreds of books
        for _ in range(10):
            await settle()
            await bench.clock.advance(5)
        assert bench.owner.count == 0
        bench.owner.waiting = False
        await bench.clock.advance(5)
        await bench.clock.advance(3)
        assert bench.owner.count == 1


# ------------------------------------------------------------------------------------------------------ horizon


def deep(depth: int, middle: int, number: int) -> OrderBook:
    one = Decimal(1)
    bids = tuple(Level(Decimal(middle - n), one) for n in range(1, depth + 1))
    asks = tuple(Level(Decimal(middle + n), one) for n in range(1, depth + 1))
    return OrderBook(SYMBOL, bids, asks, number)


async def test_a_price_that_walks_past_the_snapshots_depth_is_never_answered_from_beyond_it() -> None:
    """1 000 levels known a side, the price walks 1 500: the depth is renewed on the way, without a pause."""
    middle, number = 10_000, 0
    bench = Bench(answers=[lambda: deep(1_000, middle, number)] * 99)
    async with bench.book as book:
        assert (book.bid_horizon, book.ask_horizon) == (Decimal(9_000), Decimal(11_000))
        with pytest.raises(BeyondHorizon, match="beyond 9000"):
            book.vwap(Side.SELL, 1_001)
        for _ in range(1_500):
            middle, number = middle - 1, number + 1
            update = BookUpdate(
                SYMBOL, [(str(middle), "0"), (str(middle - 1_000), "1")], [(str(middle + 1), "1")], number, number
            )
            bench.stream.put([update])
            assert book.state is BookState.SYNCED
            assert book.bid_horizon is not None
            known = book.bids()
            assert known[0].price == middle - 1
            assert known[-1].price >= book.bid_horizon
            assert len(known) == known[0].price - known[-1].price + 1
            with pytest.raises(BeyondHorizon):
                book.vwap("sell", len(known) + 1)
            if number % 32 == 0:
                await settle()
        assert book.refreshes >= 1
        assert book.resyncs == 0


async def test_a_side_that_is_used_up_is_stale_not_empty() -> None:
    bench = Bench(answers=[fixed([("9", "1")], [("10", "1")]), fixed([("7", "1")], [("10", "1")])])
    async with bench.book as book:
        bench.stream.put([BookUpdate(SYMBOL, [("9", "0"), ("8", "4")], [], 101, 101)])
        assert book.stale_reason == "the bids known are used up"


# --------------------------------------------------------------------------------------------------------- reads


@asynccontextmanager
async def book_of(snapshot: OrderBook, **options: Any) -> AsyncIterator[LiveOrderBook]:
    async with Bench(answers=[snapshot], **options).book as book:
        yield book


ROUND = fixed([("99.5", "2"), ("99", "3"), ("98", "5")], [("100.5", "1"), ("101", "4")])


async def test_reads_are_exact_whatever_the_callers_decimal_context() -> None:
    async with book_of(ROUND) as book:
        with localcontext() as context:
            context.prec = 2
            assert book.best_bid == Level(Decimal("99.5"), Decimal(2))
            assert book.best_ask == Level(Decimal("100.5"), Decimal(1))
            assert (book.spread, book.mid) == (Decimal("1.0"), Decimal("100.0"))
            assert str(book.vwap("buy", 3)) == "100.8333333333333333333333333"
            assert str(book.vwap("buy", "2")) == "100.75"
        assert [level.price for level in book.bids(2)] == [Decimal("99.5"), Decimal(99)]
        assert [level.price for level in book.asks()] == [Decimal("100.5"), Decimal(101)]
        assert book.vwap(Side.SELL, 2) == Decimal("99.5")
        assert book.vwap(Side.SELL, 5) == Decimal("99.2")
        assert book.depth_to("buy", "100.5") == Depth(Decimal(1), Decimal("100.5"), Decimal("100.5"), 1)
        assert book.depth_to("buy", "302.5") == Depth(Decimal(3), Decimal("302.5"), Decimal(101), 2)
        assert book.depth_to(Side.SELL, Decimal("49.75")).quantity == Decimal("0.5")


async def test_a_question_deeper_than_the_book_is_refused() -> None:
    async with book_of(ROUND) as book:
        with pytest.raises(BeyondHorizon, match="nothing is known beyond 101"):
            book.depth_to("buy", 505)
    async with book_of(replace_complete(ROUND)) as book:
        assert (book.bid_horizon, book.ask_horizon) == (None, None)
        with pytest.raises(BeyondHorizon, match="the whole side holds less"):
            book.vwap("sell", "10.1")


def replace_complete(book: OrderBook) -> OrderBook:
    return OrderBook(book.symbol, book.bids, book.asks, book.sequence, complete=True)


async def test_books_of_linear_instruments_count_base_units_and_those_of_inverse_ones_contracts() -> None:
    linear = replace(INSTRUMENT, kind=InstrumentKind.LINEAR, contract_size=Decimal("0.1"))
    async with book_of(ROUND, instrument=linear) as book:
        assert book.depth_to("buy", "100.5").quantity == 1  # in base units, whatever a contract is worth
    inverse = replace(INSTRUMENT, kind=InstrumentKind.INVERSE, contract_size=Decimal(100))
    async with book_of(fixed([("50", "1")], [("100", "1"), ("200", "1")]), instrument=inverse) as book:
        assert book.depth_to("buy", 150).quantity == Decimal("1.5")
        assert book.vwap("buy", 2).quantize(Decimal("0.001")) == Decimal("133.333")


@pytest.mark.parametrize(
    "call",
    [
        lambda book: book.bids(0),
        lambda book: book.asks(1.5),
        lambda book: book.bids(True),
        lambda book: book.vwap("buy", 0.1),
        lambda book: book.vwap("buy", 0),
        lambda book: book.vwap("up", 1),
        lambda book: book.depth_to("sell", "-1"),
    ],
)
async def test_arguments_that_mean_nothing_are_refused(call: Callable[[LiveOrderBook], object]) -> None:
    async with book_of(ROUND) as book:
        with pytest.raises(InvalidArgument):
            call(book)


async def test_an_empty_side_has_no_spread() -> None:
    async with book_of(OrderBook(SYMBOL, (), ROUND.asks, 5, complete=True)) as book:
        assert (book.best_bid, book.spread, book.mid) == (None, None, None)
        top = await anext(book.changes())
        assert top.best_bid is None


async def test_age_counts_from_the_last_update() -> None:
    bench = Bench()
    async with bench.book as book:
        bench.step()
        await bench.clock.advance(2.5)
        assert book.age == 2.5
        bench.stream.put([BookUpdate(SYMBOL, [], [], 1, 1)])
        assert book.age == 0


# ------------------------------------------------------------------------------------------------------- changes


async def test_changes_skip_to_the_newest_for_a_slow_reader() -> None:
    bench = Bench()
    async with bench.book as book:
        changes = book.changes()
        first = await anext(changes)
        assert first.sequence == book.last_update_id
        for _ in range(9):
            bench.step()
        update = bench.step()
        top = await anext(changes)
        assert top.sequence == update.last
        assert (top.best_bid, top.best_ask) == (book.best_bid, book.best_ask)
        assert top.received_ns == update.received_ns
        with anyio.move_on_after(0.01) as scope:
            await anext(changes)
        assert scope.cancelled_caught


async def test_changes_say_nothing_while_stale_and_go_on_after() -> None:
    bench = Bench()
    seen: list[int] = []

    async def read() -> None:
        async for top in bench.book.changes():
            seen.append(top.sequence)

    async with anyio.create_task_group() as tasks, bench.book:
        tasks.start_soon(read)
        await settle()
        bench.market.step()
        bench.step()
        before = list(seen)
        await settle()
        bench.step()
        await settle()
        assert seen[: len(before)] == before
        assert seen[-1] == bench.market.number
        assert len(seen) == len(before) + 2
