"""The ladder: exact, ordered, atomic or broken, on both lanes, compiled and interpreted."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import ItemRejected
from lotusx.kernel.book import Ladder, Lane, lane_of
from lotusx.kernel.book.lane import digits_of, fits_float
from lotusx.model.instruments import SignificantDigits, TickSize
from lotusx.model.market_data import BookUpdate, Level

from .book_kit import INSTRUMENT, SYMBOL, NaiveBook, exact

NewLadder = Callable[[], Ladder]
FLOAT, INTERPRETED = partial(Ladder, Lane.FLOAT), partial(Ladder, Lane.FLOAT, compiled=None)
DECIMAL = partial(Ladder, Lane.DECIMAL)
LADDERS = pytest.mark.parametrize("new", [FLOAT, INTERPRETED, DECIMAL], ids=["float", "interpreted", "decimal"])
FLOATS = pytest.mark.parametrize("new", [FLOAT, INTERPRETED], ids=["float", "interpreted"])
Pairs = list[tuple[str, str]]

_pairs = st.lists(
    st.tuples(
        st.integers(1, 40).map(lambda tick: f"{Decimal(tick) / 8:.4f}"),
        st.sampled_from(["0", "0.0", "0.00000000", "0.00", "1", "1.50", "0.00000001", "2e-7"]),
    ),
    max_size=12,
)


@LADDERS
@given(updates=st.lists(st.tuples(_pairs, _pairs), max_size=12))
def test_ladder_holds_what_a_naive_book_holds(new: NewLadder, updates: list[tuple[Pairs, Pairs]]) -> None:
    ladder, naive = new(), NaiveBook()
    for bids, asks in updates:
        ladder.apply(bids, asks)
        naive.apply(BookUpdate(SYMBOL, bids, asks, 1, 1))

        assert exact(ladder.bids()) == naive.top_bids()
        assert exact(ladder.asks()) == naive.top_asks()
        assert exact(ladder.bids(3)) == naive.top_bids()[:3]
        assert ladder.best_bid == next((Level(*level) for level in naive.top_bids()), None)
        assert ladder.best_ask == next((Level(*level) for level in naive.top_asks()), None)


_sorted_pairs = st.lists(
    st.tuples(
        st.integers(1, 40).map(lambda tick: f"{Decimal(tick) / 8:.4f}"),
        st.sampled_from(["1", "1.50", "0.00000001", "2e-7", "3"]),
    ),
    max_size=12,
    unique_by=lambda pair: pair[0],
).map(lambda pairs: sorted(pairs, key=lambda pair: Decimal(pair[0])))


@LADDERS
@given(
    bids=st.one_of(_sorted_pairs.map(lambda pairs: pairs[::-1]), _pairs),
    asks=st.one_of(_sorted_pairs, _pairs),
    later=st.lists(st.tuples(_pairs, _pairs), max_size=3),
    count=st.integers(0, 5),
    complete=st.booleans(),
)
def test_a_snapshot_is_read_and_changed_alike_whether_it_came_in_order_or_not(
    new: NewLadder, bids: Pairs, asks: Pairs, later: list[tuple[Pairs, Pairs]], count: int, complete: bool
) -> None:
    naive = NaiveBook()
    naive.apply(BookUpdate(SYMBOL, bids, asks, 1, 1))
    ladder = new()
    ladder.replace(bids, asks, complete=complete)
    floors = (ladder.bid_floor, ladder.ask_floor)
    depths = (None, None) if complete else (min(naive.bids, default=None), max(naive.asks, default=None))
    assert floors == depths

    wanted: tuple[Any, Any] = ([], [])
    for changed_bids, changed_asks in [([], []), *later]:
        naive.apply(BookUpdate(SYMBOL, changed_bids, changed_asks, 1, 1))
        ladder.apply(changed_bids, changed_asks)
        wanted = naive.top_bids(floors[0]), naive.top_asks(floors[1])

        assert (exact(ladder.bids()), exact(ladder.asks())) == wanted
        assert exact(ladder.bids(count)) == wanted[0][:count]
        assert ladder.counts() == (len(wanted[0]), len(wanted[1]))
        assert exact([pair for pair in ladder.best_pairs() if pair]) == [side[0] for side in wanted if side]
        assert (ladder.bid_floor, ladder.ask_floor) == floors
    ladder.trim(count)
    assert (exact(ladder.bids()), exact(ladder.asks())) == (wanted[0][:count], wanted[1][:count])


@FLOATS
def test_what_becomes_of_the_lists_of_a_snapshot_does_not_matter(new: NewLadder) -> None:
    bids, asks = [("2", "1"), ("1", "1")], [("3", "1"), ("4", "1")]
    ladder = new()
    ladder.replace(bids, asks, complete=True)
    bids.clear()
    ladder.trim(1)
    assert (ladder.bids(), ladder.asks(), asks) == ([("2", "1")], [("3", "1")], [("3", "1"), ("4", "1")])


@LADDERS
@pytest.mark.parametrize(
    "bids",
    [
        [("2", "1"), ("nan", "1")], [("2", "1"), ("1", "nan")], [("2", "1"), ("1", "inf")], [("inf", "1"), ("2", "1")],
        [("2", "1"), ("0", "1")], [("2", "1"), ("1", "-1")], [("2", "1"), ("1", "")], [("2", "1"), ("1",)],
        [("2", "1", "0"), ("1", "1", "0")], [("2", "1"), (None, "1")]
    ],
)  # fmt: skip
def test_a_snapshot_in_order_is_looked_at_all_the_same(new: NewLadder, bids: Any) -> None:
    ladder = new()
    with pytest.raises(ItemRejected):
        ladder.replace(bids, [("3", "1")], complete=True)
    assert ladder.fault == "broken"


@FLOATS
@pytest.mark.parametrize("text", ["2e0", "0.12345678901234567"])
def test_a_broken_ladder_stays_broken_whatever_sides_it_gets(new: NewLadder, text: str) -> None:
    ladder = new()
    with pytest.raises(ItemRejected):
        ladder.apply([("1", "-1")], [])
    ladder.apply([(text, "1")], [])
    assert (ladder.broken, ladder.fault) == (True, "broken")


@FLOATS
def test_a_touch_that_a_float_cannot_tell_apart_is_compared_exactly(new: NewLadder) -> None:
    ladder = new()
    ladder.replace([("1.00000000000000001", "1")], [("1.00000000000000002", "1")], complete=True)
    assert ladder.fault == ""
    ladder.replace([("1.00000000000000002", "1")], [("1.00000000000000001", "1")], complete=True)
    assert ladder.fault.startswith("crossed")


@LADDERS
def test_the_exchanges_own_text_is_the_value(new: NewLadder) -> None:
    ladder = new()
    ladder.apply([("61837.63000000", "3.78826000")], [("61837.6400", "1e-7")])
    assert ladder.best_pairs() == (("61837.63000000", "3.78826000"), ("61837.6400", "1e-7"))
    assert str(ladder.best_bid.price if ladder.best_bid else "") == "61837.63000000"


@LADDERS
def test_another_spelling_of_a_price_is_the_same_level(new: NewLadder) -> None:
    ladder = new()
    ladder.apply([("100.10", "1")], [])
    ladder.apply([("100.1", "2"), ("1001e-1", "3")], [])
    assert ladder.bids() == [("1001e-1", "3")]
    ladder.apply([("100.100000", "0.000")], [])
    assert ladder.bids() == []


@LADDERS
def test_deleting_an_absent_level_is_normal(new: NewLadder) -> None:
    ladder = new()
    ladder.apply([("1", "0")], [("2", "0.0")])
    assert ladder.best_pairs() == (None, None)
    assert ladder.fault == ""


@LADDERS
@pytest.mark.parametrize(
    "pair",
    [
        ("x", "1"), ("1", "x"), ("", "1"), ("1", ""), ("nan", "1"), ("nan", "0"), ("1", "nan"), ("inf", "1"),
        ("1", "inf"), ("1", "-1"), ("0", "1"), ("-1", "1"), ("-1", "0"), ("0", "0"), (None, "1"), ("1", None),
        ("1",), ("1", "2", "3"), ("-Infinity", "0"), ("a number of more than sixteen", "1"),
    ],
)  # fmt: skip
def test_a_level_that_is_no_price_and_quantity_breaks_the_ladder_visibly(new: NewLadder, pair: tuple[str, str]) -> None:
    for bids, asks in (([pair], []), ([], [("4", "1"), pair])):
        fresh = new()
        fresh.apply([("1", "1")], [("3", "1")])
        with pytest.raises(ItemRejected):
            fresh.apply(bids, asks)
        assert fresh.broken
        assert fresh.fault == "broken"
        fresh.replace([("1", "1")], [("3", "1")], complete=True)
        assert not fresh.fault


@FLOATS
def test_a_quantity_too_small_for_a_float_is_refused_not_deleted(new: NewLadder) -> None:
    ladder = new()
    ladder.apply([("1", "1")], [])
    with pytest.raises(ItemRejected):
        ladder.apply([("1", "1e-400")], [])
    with pytest.raises(ItemRejected):
        ladder.replace([("1", "1e-400")], [], complete=True)
    fresh = new()
    fresh.apply([("1", "0e5"), ("1", "-0.0")], [])
    assert fresh.bids() == []


@FLOATS
@pytest.mark.parametrize(
    "text", ["1234567.89012345678", "9100000000000000", "1e-300", "1e-400", "1e300", "1e400", "0.12345678901234567"]
)
def test_a_price_no_float_can_order_moves_the_ladder_to_decimals(new: NewLadder, text: str) -> None:
    ladder = new()
    ladder.replace([("5", "1"), ("6", "1")], [("70", "1"), ("80", "1")], complete=False)
    ladder.apply([], [("71", "2")])
    before = ladder.asks()
    ladder.apply([("5.5", "2")], [])

    floors = ladder.bid_floor, ladder.ask_floor
    ladder.apply([("5.5", "3"), (text, "1")], [])

    assert ladder.lane is Lane.DECIMAL
    assert (ladder.bid_floor, ladder.ask_floor) == floors
    assert ladder.asks() == before
    assert ((text, "1") in ladder.bids()) == (Decimal(text) >= 5)


@FLOATS
def test_prices_that_share_a_float_stay_two_levels(new: NewLadder) -> None:
    low, high = "9007199254740992.0", "9007199254740993.0"
    assert float(low) == float(high)
    ladder = new()
    ladder.apply([(low, "1"), (high, "2")], [])
    assert ladder.bids() == [(high, "2"), (low, "1")]


@FLOATS
def test_padded_texts_stay_on_the_float_lane(new: NewLadder) -> None:
    ladder = new()
    ladder.apply([("61837.630000000000000000", "1")], [("0000000000061838.00", "1")])
    assert ladder.lane is Lane.FLOAT
    assert fits_float("1.5")


@LADDERS
def test_a_snapshot_cut_at_a_depth_keeps_nothing_deeper(new: NewLadder) -> None:
    ladder = new()
    ladder.replace([("9", "1"), ("8", "1")], [("10", "1"), ("12", "1")], complete=False)
    ladder.apply([("7.99", "5"), ("8.5", "2"), ("7", "0")], [("12.01", "5"), ("11", "2"), ("13", "0")])
    ladder.apply([("8", "0")], [("12", "0")])
    ladder.apply([("8", "3")], [("12", "3")])

    assert (ladder.bid_floor, ladder.ask_floor) == (Decimal(8), Decimal(12))
    assert ladder.bids() == [("9", "1"), ("8.5", "2"), ("8", "3")]
    assert ladder.asks() == [("10", "1"), ("11", "2"), ("12", "3")]


@LADDERS
def test_fault_names_crossed_and_used_up(new: NewLadder) -> None:
    ladder = new()
    ladder.replace([("9", "1")], [("10", "1")], complete=False)
    assert ladder.fault == ""
    ladder.apply([("10", "1")], [])
    assert ladder.fault == "crossed: bid 10, ask 10"
    ladder.apply([("10", "0"), ("9", "0")], [])
    assert ladder.fault == "the bids known are used up"
    ladder.apply([("9", "1")], [("10", "0")])
    assert ladder.fault == "the asks known are used up"


@LADDERS
def test_trim_keeps_the_best(new: NewLadder) -> None:
    ladder = new()
    ladder.apply([(str(n), "1") for n in range(1, 9)], [(str(n), "1") for n in range(20, 23)])
    ladder.apply([("8", "0")], [])
    ladder.trim(3)
    assert [price for price, _ in ladder.bids()] == ["7", "6", "5"]
    assert ladder.counts() == (3, 3)


@LADDERS
def test_deleted_levels_do_not_pile_up(new: NewLadder) -> None:
    ladder = new()
    ladder.apply([("1000000", "1")], [])
    for price in range(1, 5_000):
        ladder.apply([(str(price), "1")], [])
        ladder.apply([(str(price), "0")], [])
    assert ladder.counts() == (1, 0)
    assert len(getattr(ladder._bids, "_levels", ())) < 200  # of the interpreted halves
    assert sys.getsizeof(ladder._bids) < 10_000  # of the compiled ones


@pytest.mark.parametrize(
    ("rule", "digits"),
    [
        (TickSize(Decimal("0.01"), maximum=Decimal("1000000.00")), 9),
        (TickSize(Decimal("0.01000000"), maximum=Decimal("9999999.99000000")), 9),
        (TickSize(Decimal("0.00000001"), maximum=Decimal("1000.00000000")), 12),
        (TickSize(Decimal("0.00000001"), maximum=Decimal(100_000_000)), 17),
        (TickSize(Decimal(10), maximum=Decimal(1_000_000)), 6),
        (TickSize(Decimal("0.01")), None),
        (TickSize(Decimal(0), maximum=Decimal(1)), None),
        (SignificantDigits(5, 6), 5),
        (None, None),
    ],
)
def test_the_lane_follows_from_the_instruments_rule(
    rule: TickSize | SignificantDigits | None, digits: int | None
) -> None:
    assert digits_of(rule) == digits
    expected = Lane.FLOAT if digits is None or digits <= 15 else Lane.DECIMAL
    assert lane_of(dataclasses.replace(INSTRUMENT, price_rule=rule)) is expected
