"""Recorded captures, read where they stand, through the machine and through the live book."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random

import anyio
import pytest

from lotusx.book import LiveOrderBook
from lotusx.kernel.book import BookRule, BookState, BookSync, Lane, Outcome
from lotusx.model.enums import Side
from lotusx.model.market_data import BookUpdate, OrderBook
from lotusx.streams import Stream, StreamState

from .book_kit import INSTRUMENT, ManualClock, NaiveBook, corpus, exact, recorded

SPOT = "binance/ws/capture_BTCUSDT_depth_trade_20240808.ndjson"
CAPTURES = pytest.mark.parametrize(
    ("name", "rule"),
    [
        (SPOT, BookRule.contiguous()),
        ("binance-perp/ws/capture_BTCUSDT_depth_trade_20240808.ndjson", BookRule.previous_number()),
    ],
)


def capture(name: str) -> Path:
    path = corpus() / name
    if not path.is_file():
        pytest.skip(f"no corpus: {path} is not there (set LOTUSX_CORPUS)")
    return path


def inside(naive: NaiveBook, horizons: tuple[Decimal | None, Decimal | None]) -> tuple[object, object]:
    return naive.top_bids(horizons[0]), naive.top_asks(horizons[1])


@CAPTURES
@pytest.mark.parametrize("lane", list(Lane))
def test_a_recorded_market_replays_exactly(name: str, rule: BookRule, lane: Lane) -> None:
    sync, naive = BookSync(rule, lane), NaiveBook()
    number: int | None = None
    updates = snapshots = tops = wholes = renewed = 0
    early: list[BookUpdate] = []
    for item in recorded(capture(name)):
        if isinstance(item, OrderBook):
            snapshots += 1
            if number is None:
                assert sync.snapshot(item) is Outcome.APPLIED
                naive.replace(item)
                number = item.sequence
                for update in early:
                    if number is not None and update.last > number:
                        naive.apply(update)
                        number = update.last
            continue
        updates += 1
        outcome = sync.update(item)
        if number is None:
            assert outcome is Outcome.BUFFERED
            early.append(item)
            continue
        if item.last <= number:
            assert outcome is Outcome.IGNORED
            continue
        assert outcome is Outcome.APPLIED
        naive.apply(item)
        number = item.last
        assert sync.number == number
        bid, ask = sync.ladder.best_bid, sync.ladder.best_ask
        assert bid is not None
        assert ask is not None
        assert (bid.price, ask.price) == (max(naive.bids), min(naive.asks))
        assert (bid.quantity, ask.quantity) == (naive.bids[bid.price], naive.asks[ask.price])
        tops += 1
        if updates % 100 == 0:
            horizons = sync.horizon(Side.BUY), sync.horizon(Side.SELL)
            assert (exact(sync.ladder.bids()), exact(sync.ladder.asks())) == inside(naive, horizons)
            wholes += 1
        if (
            updates % 32 == 0 and sync.is_thin
        ):  # the price has walked: only one snapshot was recorded, so the reference gives the next
            sync.begin_refresh()
            assert sync.snapshot(naive.snapshot(number, 1_000)) is Outcome.APPLIED
            renewed += 1
    print(
        f"corpus: {name}: {updates} updates and {snapshots} snapshots through the sync machine ({lane}); "
        f"{tops} touches and {wholes} whole books equal to the naive reference's, "
        f"depth renewed {renewed} times"
    )
    assert updates > 1_000
    assert wholes > 10


@pytest.mark.anyio
async def test_a_recorded_market_replays_through_the_live_book() -> None:
    items = list(recorded(capture(SPOT)))
    snapshot = next(item for item in items if isinstance(item, OrderBook))
    stream: Stream[BookUpdate] = Stream("recorded")
    stream.change(StreamState.LIVE)
    asked = anyio.Event()

    async def fetch() -> OrderBook:
        await asked.wait()
        return snapshot if book.state is not BookState.SYNCED else naive.snapshot(number, 1_000)

    naive = NaiveBook()
    naive.replace(snapshot)
    number = snapshot.sequence or 0
    updates = shown = 0
    book = LiveOrderBook(
        INSTRUMENT,
        lambda: stream,
        fetch,
        BookRule.contiguous(),
        clock=ManualClock(),
        random=Random(1),
        wait=False,
    )
    async with book:
        await anyio.wait_all_tasks_blocked()
        for item in items:
            if item is snapshot:
                asked.set()
                await book.wait_synced()
                assert (book.bid_horizon, book.ask_horizon) == (snapshot.bids[-1].price, snapshot.asks[-1].price)
            if isinstance(item, OrderBook):
                continue
            updates += 1
            stream.put([item])
            if item.last > number:
                naive.apply(item)
                number = item.last
            if book.state is BookState.SYNCED:
                shown += 1
                bid, ask = book.best_bid, book.best_ask
                assert bid is not None
                assert ask is not None
                assert (bid.price, ask.price) == (max(naive.bids), min(naive.asks))
            if updates % 20 == 0:
                await anyio.wait_all_tasks_blocked()
        assert (book.last_update_id, book.resyncs, book.counters.gaps) == (number, 0, 0)
        levels = [[(level.price, level.quantity) for level in side] for side in (book.bids(), book.asks())]
        assert tuple(levels) == inside(naive, (book.bid_horizon, book.ask_horizon))
    print(
        f"corpus: {SPOT}: {updates} updates through LiveOrderBook, {shown} states shown, none differs from the "
        f"naive reference's, depth renewed {book.refreshes} times"
    )
    assert shown > 1_000
