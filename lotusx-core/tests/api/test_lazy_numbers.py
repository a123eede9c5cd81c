"""Numbers that stay text until somebody reads them are the wire's, digit for digit."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import ItemRejected
from lotusx.kernel.book import Ladder, Lane
from lotusx.kernel.book.reading import BookTop
from lotusx.model import BestBidOffer, Side, Symbol, Trade
from lotusx.model.numbers import exact

SYMBOL = Symbol("BTC", "USDT")


class Wire(msgspec.Struct):
    p: str


wire_numbers = st.decimals(min_value=Decimal("1e-12"), max_value=Decimal("1e12"), allow_nan=False).map("{:f}".format)
prices = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal("9999999"), places=8).map(str)


def over_the_wire(text: str) -> str:
    return exact(msgspec.json.decode(msgspec.json.encode({"p": text}), type=Wire).p)


def same(read: Decimal | None, text: str) -> bool:
    return read is not None and read.as_tuple() == Decimal(text).as_tuple()


@given(wire_numbers, wire_numbers)
def test_a_trades_numbers_are_those_of_the_wire(price: str, quantity: str) -> None:
    trade = Trade(SYMBOL, "1", Side.BUY, over_the_wire(price), over_the_wire(quantity), 1)

    assert same(trade.price, price)
    assert same(trade.quantity, quantity)


@given(wire_numbers, wire_numbers, wire_numbers, wire_numbers)
def test_the_best_prices_numbers_are_those_of_the_wire(bid: str, held: str, ask: str, offered: str) -> None:
    best = BestBidOffer(SYMBOL, over_the_wire(bid), over_the_wire(held), over_the_wire(ask), over_the_wire(offered))

    assert same(best.bid_price, bid)
    assert same(best.bid_quantity, held)
    assert same(best.ask_price, ask)
    assert same(best.ask_quantity, offered)


@given(prices, prices, st.sampled_from(Lane))
def test_a_books_levels_are_those_of_the_wire_in_either_lane(price: str, quantity: str, lane: Lane) -> None:
    ladder = Ladder(lane)
    ladder.replace([(price, quantity)], [], complete=True)
    top = BookTop(*ladder.best_pairs(), 1, 1)

    assert top.best_bid is not None
    assert same(top.best_bid.price, price)
    assert same(top.best_bid.quantity, quantity)


@given(st.text(max_size=12))
def test_what_is_no_finite_number_is_refused_when_it_arrives_not_when_it_is_read(text: str) -> None:
    try:
        kept = exact(text)
    except ItemRejected:
        return
    assert Decimal(kept).is_finite()


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf", "1e999", "", "1,5", "0x10"])
def test_names_of_no_number_are_refused(text: str) -> None:
    with pytest.raises(ItemRejected):
        exact(text)
