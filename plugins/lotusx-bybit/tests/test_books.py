"""Books: every message as an update, and the exchange's rule, on recorded updates too."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.kernel.book import BookState, BookSync
from lotusx.model import Symbol
from lotusx_bybit.v5 import books, types

BTC = Symbol("BTC", "USDT", "USDT")
ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
CAPTURE = CORPUS / "bybit-perp" / "ws" / "capture_XRPUSDT_orderbook500_20241201.ndjson"
NUMBERS = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False).map(lambda value: format(value, "f"))
LEVELS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5)


def _push(
    kind: str, u: int, bids: list[Any], asks: list[Any], *, ts: int = 20, cts: int | None = 19
) -> types.Push[types.BookEvent]:
    message = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": ts, "cts": cts}
    return msgspec.convert(
        {**message, "data": {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": 7}}, types.Push[types.BookEvent]
    )


@given(kind=st.sampled_from(["snapshot", "delta"]), u=st.integers(1, 2**53), bids=LEVELS, asks=LEVELS)
def test_update_keeps_the_wire_text(kind: str, u: int, bids: list[Any], asks: list[Any]) -> None:
    update = books.to_book_update(_push(kind, u, bids, asks), symbol=BTC, received_ns=3)

    assert (update.bids, update.asks) == (bids, asks)
    assert (update.first, update.last, update.previous, update.snapshot) == (u, u, None, kind == "snapshot")
    assert (update.exchange_ns, update.received_ns) == (19_000_000, 3)


def test_time_of_the_gateway_stands_in_for_that_of_the_match() -> None:
    assert (
        books.to_book_update(_push("delta", 2, [], [], cts=None), symbol=BTC, received_ns=0).exchange_ns == 20_000_000
    )


def test_message_that_is_neither_snapshot_nor_delta_is_rejected() -> None:
    with pytest.raises(ItemRejected, match="unknown type"):
        books.to_book_update(_push("rumour", 2, [], []), symbol=BTC, received_ns=0)


@pytest.mark.parametrize(("wanted", "depth"), [(1, 50), (50, 50), (51, 200), (200, 200), (500, 1_000), (1_000, 1_000)])
def test_smallest_stream_that_shows_the_depth_is_chosen(wanted: int, depth: int) -> None:
    assert books.stream_depth(wanted) == depth
    assert books.book_rule(wanted).window == depth


def test_depth_beyond_every_stream_names_the_largest() -> None:
    with pytest.raises(InvalidArgument) as caught:
        books.stream_depth(1_001)
    assert caught.value.nearest == (1_000,)


def test_best_bid_and_offer() -> None:
    push = _push("snapshot", 8, [["28165.07", "0.175231"]], [["28165.08", "0.996816"]])

    top = books.to_best_bid_offer(push, symbol=BTC, received_ns=3)

    assert (top.bid_price_text, top.bid_quantity_text) == ("28165.07", "0.175231")
    assert (top.ask_price_text, top.ask_quantity_text) == ("28165.08", "0.996816")
    assert (top.exchange_ns, top.received_ns, top.sequence) == (19_000_000, 3, 8)


@pytest.mark.parametrize(("bids", "asks"), [([], [["1", "2"]]), ([["1", "2"]], []), ([], [])])
def test_side_where_nobody_is_has_no_price(bids: list[Any], asks: list[Any]) -> None:
    push = _push("snapshot", 8, bids, asks)

    top = books.to_best_bid_offer(push, symbol=BTC, received_ns=3)

    assert (top.bid_price, top.bid_quantity) == ((Decimal(1), Decimal(2)) if bids else (None, 0))
    assert (top.ask_price, top.ask_quantity) == ((Decimal(1), Decimal(2)) if asks else (None, 0))
    assert len(books.to_top(push, symbol=BTC, received_ns=3).bids) == len(bids)
    asked = types.Book(s="BTCUSDT", b=push.data.b, a=push.data.a, ts=19, u=8, cts=19)
    assert books.to_best_of(asked, symbol=BTC, received_ns=3) == top


@given(LEVELS)
def test_snapshot_by_request_is_exact(levels: list[Any]) -> None:
    book = types.Book(s="BTCUSDT", b=levels, a=[], ts=20, u=9, cts=19)

    found = books.to_order_book(book, symbol=BTC, limit=5, received_ns=3)

    assert [(level.price, level.quantity) for level in found.bids] == [(Decimal(p), Decimal(q)) for p, q in levels]
    assert (found.sequence, found.exchange_ns, found.complete) == (9, 19_000_000, len(levels) < 5)


def _sync() -> BookSync:
    return BookSync(books.book_rule(50))


def _feed(sync: BookSync, *pushes: types.Push[types.BookEvent]) -> None:
    for push in pushes:
        sync.update(books.to_book_update(push, symbol=BTC, received_ns=0))


def _touch(sync: BookSync) -> list[str | None]:
    return [None if pair is None else pair[0] for pair in sync.ladder.best_pairs()]


BEGIN = _push("snapshot", 10, [["86720.10", "0.194"], ["86720.00", "0.002"]], [["86720.20", "5.959"]])


def test_updates_numbered_one_by_one_are_applied() -> None:
    sync = _sync()

    _feed(sync, _push("delta", 9, [["1", "1"]], []), BEGIN, _push("delta", 11, [["86720.10", "0"]], []))

    assert (sync.state, _touch(sync), sync.number) == (BookState.SYNCED, ["86720.00", "86720.20"], 11)


def test_older_update_and_removal_of_nothing_are_harmless() -> None:
    sync = _sync()

    _feed(sync, BEGIN, _push("delta", 10, [["86720.15", "1"]], []), _push("delta", 11, [["5", "0"]], []))

    assert (sync.state, _touch(sync)) == (BookState.SYNCED, ["86720.10", "86720.20"])


def test_hole_in_the_numbers_makes_the_book_stale_until_the_next_snapshot() -> None:
    sync = _sync()

    _feed(sync, BEGIN, _push("delta", 12, [], []))
    assert sync.state is BookState.STALE
    _feed(sync, _push("delta", 13, [], []), _push("snapshot", 40, [["2", "1"]], [["3", "1"]]))

    assert (sync.state, _touch(sync), sync.counters.gaps) == (BookState.SYNCED, ["2", "3"], 1)


def test_holes_can_be_counted_only() -> None:
    sync = BookSync(books.book_rule(50, log_gaps_only=True))

    _feed(sync, BEGIN, _push("delta", 12, [["86720.15", "1"]], []))

    assert (sync.state, _touch(sync), sync.counters.gaps) == (BookState.SYNCED, ["86720.15", "86720.20"], 1)


def test_restart_is_a_snapshot_and_as_a_delta_it_is_none() -> None:
    sync = _sync()

    _feed(sync, BEGIN, _push("snapshot", 1, [["2", "1"]], [["3", "1"]]), _push("delta", 2, [["2.5", "1"]], []))
    assert (sync.state, _touch(sync)) == (BookState.SYNCED, ["2.5", "3"])
    _feed(sync, _push("delta", 1, [["2.6", "1"]], []))

    assert sync.state is BookState.STALE


def test_crossed_book_is_stale() -> None:
    sync = _sync()

    _feed(sync, BEGIN, _push("delta", 11, [["90000", "1"]], []))

    assert sync.state is BookState.STALE


@pytest.mark.skipif(not CAPTURE.exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")
def test_recorded_updates_make_the_same_book_as_a_naive_reading() -> None:
    sync = BookSync(replace(books.book_rule(1_000), window=500))
    naive: dict[str, dict[Decimal, str]] = {"b": {}, "a": {}}
    for line in CAPTURE.read_bytes().splitlines():
        content = json.loads(line)["msg"]
        for side, levels in naive.items():
            if content["type"] == "snapshot":
                levels.clear()
            levels.update({Decimal(price): quantity for price, quantity in content["data"][side]})
            for price in [price for price, quantity in levels.items() if not Decimal(quantity)]:
                del levels[price]
        _feed(sync, msgspec.convert(content, types.Push[types.BookEvent]))

        assert sync.state is BookState.SYNCED
        bids = [(Decimal(price), quantity) for price, quantity in sync.ladder.bids()]
        asks = [(Decimal(price), quantity) for price, quantity in sync.ladder.asks()]
        assert bids == sorted(naive["b"].items(), reverse=True)
        assert asks == sorted(naive["a"].items())
    assert (sync.counters.applied, sync.counters.snapshots, sync.counters.gaps) == (32, 1, 0)
