"""A consolidated book against the plainest way to make one."""

from __future__ import annotations

from decimal import Decimal as D, localcontext
from fractions import Fraction

from hypothesis import given, strategies as st

from lotusx.many import LegBook, LegState, consolidate
from lotusx.many.consolidating import effective
from lotusx.model import Level, Side

_PRICES = st.decimals(min_value="0.0001", max_value="120000", places=4)
_LEVELS = st.lists(st.builds(Level, _PRICES, st.decimals(min_value="0.001", max_value="99", places=3)), max_size=4)
_FEES = st.none() | st.decimals(min_value="-0.0005", max_value="0.01", places=6)


@st.composite
def _books(draw: st.DrawFn) -> list[LegBook]:
    count = draw(st.integers(0, 5))
    return [
        LegBook(
            f"leg{number}",
            sorted(draw(_LEVELS), key=lambda level: -level.price),
            sorted(draw(_LEVELS), key=lambda level: level.price),
            draw(_FEES),
            draw(st.none() | st.floats(0, 60)),
            draw(st.sampled_from(["", "", "", "gap"])),
            failed=draw(st.integers(0, 9)) == 0,
        )
        for number in range(count)
    ]


def _naive(books: list[LegBook], max_age_s: float | None) -> tuple[list[tuple[Fraction, str, D]], ...]:
    """Both sides as (effective price, leg, quantity), by fractions, one comparison after the other."""
    sides: tuple[list[tuple[Fraction, str, D]], ...] = ([], [])
    for book in books:
        if book.failed or book.trouble or book.age_s is None or (max_age_s is not None and book.age_s > max_age_s):
            continue
        fee = Fraction(book.taker_fee or 0)
        sides[0].extend((Fraction(level.price) * (1 - fee), book.name, level.quantity) for level in book.bids)
        sides[1].extend((Fraction(level.price) * (1 + fee), book.name, level.quantity) for level in book.asks)
    for side, sign in zip(sides, (-1, 1), strict=True):
        side.sort(key=lambda entry: sign * entry[0])
    return sides


@given(books=_books(), max_age_s=st.none() | st.floats(0, 60))
def test_it_is_what_a_naive_reference_makes_of_it(books: list[LegBook], max_age_s: float | None) -> None:
    with localcontext() as context:
        context.prec = 2  # the caller's own context decides nothing
        found = consolidate(books, max_age_s=max_age_s)
        spread = found.spread
    bids, asks = _naive(books, max_age_s)
    assert [(Fraction(x.effective_price), x.leg, x.quantity) for x in found.bids] == bids
    assert [(Fraction(x.effective_price), x.leg, x.quantity) for x in found.asks] == asks
    if bids and asks:
        assert spread is not None
        assert Fraction(spread) == asks[0][0] - bids[0][0]
        assert found.is_crossed == (asks[0][0] < bids[0][0])
    else:
        assert spread is None
        assert not found.is_crossed


@given(books=_books(), max_age_s=st.none() | st.floats(0, 60))
def test_every_leg_is_named_and_none_that_is_left_out_has_a_price_in_it(
    books: list[LegBook], max_age_s: float | None
) -> None:
    found = consolidate(books, max_age_s=max_age_s)
    assert [leg.name for leg in found.legs] == [book.name for book in books]
    assert all(leg.reason for leg in found.left_out if leg.state is not LegState.FAILED)
    used = {leg.name for leg in found.legs if leg.state is LegState.USED}
    assert {level.leg for level in (*found.bids, *found.asks)} <= used
    for leg, book in zip(found.legs, books, strict=True):
        assert (leg.age_s, leg.taker_fee) == (book.age_s, book.taker_fee)


def _leg(name: str, bid: str, ask: str, fee: str | None = None, **more: object) -> LegBook:
    values: dict[str, object] = {"age_s": 0.1, **more}
    taker = None if fee is None else D(fee)
    return LegBook(name, [Level(D(bid), D(1))], [Level(D(ask), D(2))], taker, **values)  # type: ignore[arg-type]


def test_fees_decide_who_is_best() -> None:
    without = consolidate([_leg("dear", "100", "101"), _leg("cheap", "99.9", "101.1")])
    assert without.best_bid is not None
    assert without.best_bid.leg == "dear"
    found = consolidate([_leg("dear", "100", "101", "0.002"), _leg("cheap", "99.9", "101.1", "0.0001")])
    assert found.best_bid is not None
    assert found.best_ask is not None
    assert (found.best_bid.leg, found.best_ask.leg) == ("cheap", "cheap")
    assert (found.best_bid.price, found.best_bid.effective_price) == (D("99.9"), D("99.89001"))
    assert found.best_ask.effective_price == D("101.11011")


def test_a_crossed_book_is_shown_as_it_is() -> None:
    found = consolidate([_leg("a", "102", "103"), _leg("b", "100", "101")])
    assert found.is_crossed
    assert found.spread == D(-1)
    assert found.best_bid is not None
    assert found.best_ask is not None
    assert (found.best_bid.leg, found.best_ask.leg) == ("a", "b")


def test_ties_stay_in_the_order_of_the_legs() -> None:
    found = consolidate([_leg(name, "100.0", "101") for name in "zam"])
    assert [level.leg for level in found.bids] == ["z", "a", "m"]
    assert [level.leg for level in found.asks] == ["z", "a", "m"]


def test_each_reason_for_being_left_out_is_said() -> None:
    found = consolidate(
        [
            _leg("gone", "1", "2", trouble="refused", failed=True),
            _leg("gap", "1", "2", trouble="gap after 7"),
            _leg("new", "1", "2", age_s=None),
            _leg("old", "1", "2", age_s=3.5),
            _leg("fine", "1", "2", age_s=3.0),
        ],
        max_age_s=3.0,
    )
    assert [(leg.name, leg.state, leg.reason) for leg in found.left_out] == [
        ("gone", LegState.FAILED, "refused"),
        ("gap", LegState.STALE, "gap after 7"),
        ("new", LegState.STALE, "no data yet"),
        ("old", LegState.TOO_OLD, "nothing was received for 3.500 s, more than 3.0 s"),
    ]
    assert {level.leg for level in found.bids} == {"fine"}


def test_a_rebate_makes_an_ask_cheaper_and_a_bid_better() -> None:
    assert effective(D(100), D("-0.0001"), Side.SELL) == D("99.99")
    assert effective(D(100), D("-0.0001"), Side.BUY) == D("100.01")
    assert effective(D(100), None, Side.BUY) == D(100)
