"""A side compiled from C does what the interpreted one does, or says that it does not understand."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from lotusx.kernel.book import Ladder, Lane
from lotusx.kernel.book.half import COMPILED, AnyHalf, FloatHalf, Unordered

from .book_kit import NaiveBook

pytestmark = pytest.mark.skipif(
    COMPILED is None and not os.environ.get("CI"), reason="there was no compiler when the core was installed"
)

Pairs = list[tuple[str, str]]

_plain = st.tuples(st.integers(0, 10**16), st.integers(0, 18)).map(
    lambda parts: f"{parts[0] / Decimal(10) ** parts[1]:f}"
)
_near = st.integers(1, 60).map(lambda tick: f"{Decimal(tick) / 8:.4f}")
_odd = st.text("0123456789.eE+-_ \u0661\u00e9\ud800nai", max_size=24)
_prices = st.one_of(_near, _near, _near, _plain, _odd)
_quantities = st.one_of(st.sampled_from(["0", "0.", ".0", "0.000000000000000000", "1", "1.5"]), _plain, _odd)
_pairs = st.lists(st.tuples(_prices, _quantities), max_size=6)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("apply"), _pairs),
        st.tuples(st.just("set_floor"), st.none() | _near),
        st.tuples(st.just("trim"), st.integers(0, 4)),
    ),
    max_size=12,
)


def compiled(*, descending: bool) -> AnyHalf:
    assert COMPILED is not None
    return COMPILED(descending=descending)


@given(descending=st.booleans(), steps=_steps)
@example(descending=True, steps=[("apply", [("1", "1"), ("1.0", "0")])])
@example(
    descending=False, steps=[("apply", [("1", "1"), ("2", "1"), ("1.0", "3")]), ("apply", [("9000000000000001", "1")])]
)
def test_what_is_understood_is_what_the_interpreted_half_holds(descending: bool, steps: list[tuple[str, Any]]) -> None:
    ours, other = compiled(descending=descending), FloatHalf(descending=descending)
    for name, argument in steps:
        if name == "apply" and not ours.apply(argument):
            return
        if name != "apply":
            getattr(ours, name)(argument)
        getattr(other, name)(argument)  # an error of its own would fail: it was understood

        assert list(ours.top(None)) == list(other.top(None))
        assert list(ours.top(2)) == list(other.top(2))
        assert ours.best() == other.best()
        assert ours.count() == other.count()


@given(price=st.one_of(_plain, _odd), quantity=st.one_of(_plain, _odd))
def test_a_number_that_is_not_understood_is_one_that_needs_care(price: str, quantity: str) -> None:
    half = compiled(descending=True)
    if half.apply([(price, quantity)]):
        return
    for text in (price, quantity):
        plain = text.isascii() and text.replace(".", "", 1).isdigit()
        if not plain or len(text) > 27:
            return
    assert not 0 < float(price) <= 9e15 or len(price.replace(".", "").strip("0")) > 15


@given(first=_plain, second=_plain)
def test_prices_stand_in_the_order_of_their_exact_values(first: str, second: str) -> None:
    half = compiled(descending=False)
    if half.apply([(first, "1"), (second, "2")]):
        exact = sorted({Decimal(first): "1", Decimal(second): "2"}.items())
        assert [(Decimal(price), quantity) for price, quantity in half.top(None)] == exact


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1_000])
def test_any_number_of_levels_is_held(count: int) -> None:
    half, pairs = compiled(descending=False), [(str(price), str(price)) for price in range(1, count + 1)]
    assert half.apply(random.Random(count).sample(pairs, count))
    assert list(half.top(None)) == pairs
    half.trim(10)
    assert list(half.top(None)) == pairs[:10]
    assert half.apply(pairs)
    assert list(half.top(None)) == pairs


@pytest.mark.parametrize("seed", range(20))
def test_a_long_life_agrees_with_a_naive_book(seed: int) -> None:
    chance = random.Random(seed)
    ladder, naive = Ladder(Lane.FLOAT), NaiveBook()
    for _ in range(2_000):
        pairs = [
            (f"{chance.randint(1, 400) / 8:.4f}", chance.choice(["0", "0.000", "1", "2.50"]))
            for _ in range(chance.randint(0, 5))
        ]
        ladder.apply(pairs, [])
        for price, quantity in pairs:
            naive.bids.pop(Decimal(price), None)
            if Decimal(quantity):
                naive.bids[Decimal(price)] = Decimal(quantity)
        if chance.random() < 0.02:
            ladder.trim(50)
            naive.bids = dict(naive.top_bids()[:50])
    assert [(Decimal(price), Decimal(quantity)) for price, quantity in ladder.bids()] == naive.top_bids()


def test_an_unusual_spelling_turns_the_ladder_to_python_until_it_begins_anew() -> None:
    ladder = Ladder(Lane.FLOAT)
    ladder.replace([("2", "1"), ("1", "1")], [("3", "1")], complete=False)
    ladder.apply([("1.5", "1")], [("2.5", "1e-3")])

    assert (ladder.bids(), ladder.asks()) == ([("2", "1"), ("1.5", "1"), ("1", "1")], [("2.5", "1e-3"), ("3", "1")])
    assert (ladder.bid_floor, ladder.ask_floor, ladder.lane) == (Decimal(1), Decimal(3), Lane.FLOAT)
    assert isinstance(ladder._bids, FloatHalf)
    ladder.replace([("2", "1")], [("3", "1")], complete=True)
    assert not isinstance(ladder._bids, FloatHalf)


@pytest.mark.parametrize(
    "pair", [("1", b"1"), ("1", 1), (1.5, "1"), ("1",), "12", None, ("1", "1", "1"), ("\ud800", "1")]
)
def test_what_is_no_pair_of_texts_is_not_understood(pair: Any) -> None:
    half = compiled(descending=True)
    assert half.apply([("5", "1")])
    assert not half.apply([("6", "1"), pair])
    assert half.best() == ("6", "1")


def test_pairs_may_be_lists_and_any_sequence_holds_them() -> None:
    half = compiled(descending=True)
    pairs: Any = (["1", "2"], ("3", "4"))
    assert half.apply(pairs)
    assert list(half.top(None)) == [("3", "4"), ("1", "2")]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda half: half.apply(5),
        lambda half: half.top("2"),
        lambda half: half.trim(1.5),
        lambda half: type(half)(),
        lambda half: type(half)(True),
    ],
)
def test_wrong_arguments_are_type_errors(wrong: Callable[[Any], None]) -> None:
    with pytest.raises(TypeError):
        wrong(compiled(descending=True))


def test_a_floor_is_a_price() -> None:
    half = compiled(descending=True)
    for text in ("", "x", "1e5", "nan"):
        with pytest.raises(ValueError, match="a floor is the price of a level"):
            half.set_floor(text)


def test_a_number_of_ones_own_may_change_the_side_while_it_is_asked() -> None:
    half: Any = compiled(descending=True)
    assert half.apply([(str(price), "1") for price in range(1, 100)])

    class Emptying:
        def __index__(self) -> int:
            half.trim(0)
            return 50

    assert half.top(Emptying()) == []
    assert half.apply([("1", "1")])
    half.trim(Emptying())
    assert half.count() == 0


def test_garbage_that_changes_the_side_while_it_is_read_is_an_error_not_a_crash() -> None:
    half: Any = compiled(descending=True)

    class Emptying:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            half.trim(0)

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(200):
            assert half.apply([(str(price), "1") for price in range(1, 40)])
            Emptying()
            try:
                assert len(half.top(None)) in (0, 39)
            except RuntimeError as error:
                assert str(error) == "levels changed while they were read"  # noqa: PT017
    finally:
        gc.set_threshold(*thresholds)


SHORTENED = """
import gc
from lotusx.kernel.book._levels import Levels
pairs = [("\\ud800", "1")] * 50
class Shortening:
    def __init__(self): self.itself = self
    def __del__(self): pairs.clear()
half = Levels(descending=True)
gc.collect(); gc.disable()
Shortening()
gc.set_threshold(1); gc.enable()
try:
    half.apply(pairs)
except IndexError:
    pass
"""


def test_garbage_that_shortens_the_list_while_it_is_applied_is_an_error_not_a_crash() -> None:
    assert subprocess.run([sys.executable, "-c", SHORTENED], check=False, timeout=60).returncode == 0


def test_memory_is_given_back() -> None:
    pairs = [(f"{price / 100:.2f}", "1.00000000") for price in range(1, 2_000)]

    def work() -> int:
        for _ in range(100):
            half = compiled(descending=True)
            assert half.apply(pairs)
            assert len(list(half.top(None))) == len(pairs)
            assert not half.apply([("x", "1")])
            assert sys.getsizeof(half) < 2 * 72 * len(pairs)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        assert work() + 20_000 > work()
    finally:
        tracemalloc.stop()


def test_the_interpreted_half_says_what_floats_cannot_order() -> None:
    assert not compiled(descending=True).apply([("0.12345678901234567", "1")])
    with pytest.raises(Unordered):
        FloatHalf(descending=True).apply([("0.12345678901234567", "1")])
