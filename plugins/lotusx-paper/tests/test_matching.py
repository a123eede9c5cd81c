"""What an order meets: the levels that are shown, the prints behind its queue, and a book that comes to cross it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from paper_desk import INVERSE, PERP, Desk, instrument

from lotusx.errors import (
    InsufficientFunds,
    InvalidArgument,
    NotSupported,
    OrderNotFound,
    PostOnlyWouldTake,
    StaleBook,
    Unavailable,
)
from lotusx.model import (
    BalanceEvent,
    Liquidity,
    MarkPrice,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    Position,
    PositionEvent,
    Side,
    Symbol,
    TimeInForce,
    VenueEvent,
)

D = Decimal


@pytest.fixture
def desk() -> Desk:
    made = Desk(balances={"USDT": "10000", "BTC": "2"}, maker="0.001", taker="0.002")
    made.book.write(bids=[("99", "1"), ("98", "2")], asks=[("101", "1"), ("102", "2"), ("103", "5")])
    return made


# -- taking ------------------------------------------------------------------------------------------------------


def test_a_market_order_takes_level_after_level(desk: Desk) -> None:
    state = desk.take("buy", "2.5")

    assert state.status is OrderStatus.FILLED
    assert desk.matched == [("a", D(101), D(1)), ("a", D(102), D("1.5"))]
    assert state.filled_quote == D("254")
    assert [fill.fee for fill in state.fills] == [D("0.002"), D("0.003")]  # 0.2 % of the base received
    assert {fill.fee_asset for fill in state.fills} == {"BTC"}
    assert {fill.liquidity for fill in state.fills} == {Liquidity.TAKER}
    assert desk.held("USDT") == (D(9746), D(0))
    assert desk.held("BTC") == (D("4.495"), D(0))


def test_a_market_order_ends_with_what_is_known_of_the_book(desk: Desk) -> None:
    state = desk.take("sell", "2")
    assert state.filled == D(2)
    desk.book.write(asks=[("101", "1")])

    state = desk.take("buy", "3", "b")

    assert (state.status, state.filled, state.reason) == (OrderStatus.EXPIRED, D(1), "INSUFFICIENT_LIQUIDITY")


def test_what_was_taken_is_not_there_a_second_time(desk: Desk) -> None:
    desk.take("buy", "1")
    desk.take("buy", "1", "b")

    assert desk.matched == [("a", D(101), D(1)), ("b", D(102), D(1))]


def test_what_is_added_to_a_taken_level_is_there(desk: Desk) -> None:
    desk.take("buy", "1")
    desk.book.write(asks=[("101", "1.4"), ("102", "2")])
    desk.take("buy", "1", "b")

    assert desk.matched[1:] == [("b", D(101), D("0.4")), ("b", D(102), D("0.6"))]


def test_a_taken_level_that_had_gone_is_new_when_it_comes_back(desk: Desk) -> None:
    desk.take("buy", "1")
    desk.shows(asks=[("102", "2")])
    desk.shows(asks=[("101", "1"), ("102", "2")])
    desk.take("buy", "1", "b")

    assert desk.matched[1:] == [("b", D(101), D(1))]


def test_a_limit_order_takes_to_its_price_and_rests_with_the_rest(desk: Desk) -> None:
    state = desk.limit("buy", "4", "102")

    assert (state.status, state.filled, state.remaining) == (OrderStatus.PARTIALLY_FILLED, D(3), D(1))
    assert desk.held("USDT")[1] == D(102)


@pytest.mark.parametrize(("time_in_force", "filled"), [(TimeInForce.IOC, "3"), (TimeInForce.FOK, "0")])
def test_what_may_not_rest_expires(desk: Desk, time_in_force: TimeInForce, filled: str) -> None:
    state = desk.limit("buy", "4", "102", time_in_force=time_in_force)

    assert (state.status, state.filled) == (OrderStatus.EXPIRED, D(filled))
    assert state.time_in_force is time_in_force
    assert desk.held("USDT")[1] == 0


def test_an_order_by_quote_spends_what_it_can_in_whole_steps(desk: Desk) -> None:
    state = desk.take("buy", "203.2", quantity_unit="quote")

    assert (state.status, state.quantity, state.quote_quantity) == (OrderStatus.FILLED, None, D("203.2"))
    assert desk.matched == [("a", D(101), D(1)), ("a", D(102), D("1.001"))]


def test_a_slippage_bound_stops_a_market_order(desk: Desk) -> None:
    state = desk.take("buy", "5", max_slippage="0.01")  # to 102.01, on the tick 102

    assert (state.type, state.price, state.status, state.filled) == (OrderType.MARKET, None, OrderStatus.EXPIRED, D(3))
    desk.book.write(bids=[])
    with pytest.raises(Unavailable, match="nobody is there"):
        desk.take("sell", "1", "b", max_slippage="0.01")


def test_a_slippage_bound_fills_all_or_nothing_where_that_was_asked(desk: Desk) -> None:
    state = desk.take("buy", "5", max_slippage="0.01", time_in_force="fok")

    assert (state.status, state.filled, state.time_in_force) == (OrderStatus.EXPIRED, D(0), TimeInForce.FOK)


def test_post_only_never_takes(desk: Desk) -> None:
    with pytest.raises(PostOnlyWouldTake, match="on paper"):
        desk.limit("buy", "1", "101", post_only=True)
    assert desk.limit("buy", "1", "100.5", "b", post_only=True).status is OrderStatus.OPEN


def test_nothing_is_spent_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(InsufficientFunds):
        desk.limit("buy", "1000", "99")
    assert desk.held("USDT") == (D(10_000), D(0))
    assert desk.events == []


def test_an_own_order_is_not_traded_with(desk: Desk) -> None:
    desk.limit("sell", "1", "100")
    state = desk.take("buy", "1", "b")

    assert desk.state("a").status is OrderStatus.EXPIRED  # as at exchanges that expire the maker
    assert [(name, price) for name, price, _ in desk.matched] == [("b", D(101))]
    assert state.filled == D(1)


# -- resting -----------------------------------------------------------------------------------------------------


def test_prints_at_the_price_fill_behind_the_queue(desk: Desk) -> None:
    desk.limit("buy", "1", "99")  # behind the 1 that is shown there
    desk.prints("sell", "0.6", "99")
    desk.prints("buy", "5", "99")  # a buyer takes asks: no bid is touched
    assert desk.matched == []

    desk.prints("sell", "0.7", "99")
    assert desk.matched == [("a", D(99), D("0.3"))]
    desk.prints("sell", "5", "99")

    state = desk.state()
    assert (state.status, state.filled) == (OrderStatus.FILLED, D(1))
    assert [(fill.fee, fill.liquidity) for fill in state.fills] == [
        (D("0.0003"), Liquidity.MAKER), (D("0.0007"), Liquidity.MAKER)
    ]  # fmt: skip
    assert desk.held("USDT") == (D(9_901), D(0))


def test_beyond_what_is_known_of_the_book_no_print_at_the_price_is_believed(desk: Desk) -> None:
    desk.book.bid_horizon, desk.book.ask_horizon = D(98), D(103)
    desk.limit("buy", "0.1", "97", "low")
    desk.limit("sell", "0.1", "104", "high")
    desk.limit("buy", "0.1", "98", "known")
    for taker, price in (("sell", "97"), ("buy", "104")):
        desk.prints(taker, "1000", price)
    assert [name for name, _, _ in desk.matched] == ["known"]  # 97 is through it

    desk.prints("sell", "1", "96.5")
    desk.prints("buy", "1", "104.5")
    assert [name for name, _, _ in desk.matched] == ["known", "low", "high"]


def test_a_print_through_the_price_fills_at_the_price_and_no_more_than_was_printed(desk: Desk) -> None:
    desk.limit("sell", "1", "103")  # behind the 5 that are shown there
    desk.prints("buy", "0.4", "103.5")

    assert desk.matched == [("a", D(103), D("0.4"))]
    desk.prints("buy", "0.1", "103")  # who was traded through stands before all others now
    assert desk.matched[1:] == [("a", D(103), D("0.1"))]


def test_own_orders_share_a_print_in_their_order(desk: Desk) -> None:
    desk.limit("buy", "1", "99.5", "low")
    desk.limit("buy", "1", "100", "high")
    desk.limit("buy", "1", "100", "late")

    desk.prints("sell", "2.5", "99")

    assert desk.matched == [("high", D(100), D(1)), ("late", D(100), D(1)), ("low", D("99.5"), D("0.5"))]


def test_a_book_that_crosses_fills_at_the_orders_price(desk: Desk) -> None:
    desk.limit("buy", "2", "100")
    desk.shows(asks=[("99.5", "0.5"), ("100", "0.7"), ("100.5", "9")])
    assert desk.matched == [("a", D(100), D("0.5")), ("a", D(100), D("0.7"))]

    desk.shows(bids=[("98", "1")])  # the same offers, which were taken already
    assert len(desk.matched) == 2
    desk.shows(asks=[("100", "1")])  # 0.3 were added

    assert desk.matched[2:] == [("a", D(100), D("0.3"))]


def test_a_crossed_order_is_filled_before_another_arrives(desk: Desk) -> None:
    desk.limit("buy", "1", "100")
    desk.book.write(asks=[("100", "1.5"), ("101", "1")])  # nobody has looked yet

    desk.take("buy", "1", "b")

    assert desk.matched == [("a", D(100), D(1)), ("b", D(100), D("0.5")), ("b", D(101), D("0.5"))]


def test_sellers_are_crossed_by_bids(desk: Desk) -> None:
    desk.limit("sell", "1", "100")
    desk.shows(bids=[("100.5", "0.4"), ("99", "3")])
    assert desk.matched == [("a", D(100), D("0.4"))]


def test_a_smaller_order_keeps_its_place_and_a_moved_one_does_not(desk: Desk) -> None:
    desk.limit("buy", "1", "99")
    desk.prints("sell", "1", "99")  # the queue is through
    desk.book.write(bids=[("99", "3"), ("98", "2")])
    assert desk.amend("a", quantity="0.5").quantity == D("0.5")
    desk.prints("sell", "0.1", "99")
    assert desk.matched == [("a", D(99), D("0.1"))]

    assert desk.amend("a", price="98").price == D(98)  # behind 2
    desk.prints("sell", "2", "98")
    assert len(desk.matched) == 1
    desk.prints("sell", "2", "98")
    assert desk.state().status is OrderStatus.FILLED


def test_an_amended_order_may_take(desk: Desk) -> None:
    desk.limit("buy", "1", "99")
    desk.amend("a", price="101")
    assert desk.matched == [("a", D(101), D(1))]


def test_a_cancelled_order_frees_what_it_locked_and_is_filled_no_more(desk: Desk) -> None:
    desk.limit("buy", "1", "100")
    assert desk.cancel("a").status is OrderStatus.CANCELED
    desk.prints("sell", "5", "99")

    assert desk.matched == []
    assert desk.held("USDT") == (D(10_000), D(0))
    for unknown in ("a", "nobody"):
        with pytest.raises(OrderNotFound):
            desk.cancel(unknown)
    with pytest.raises(OrderNotFound):
        desk.amend("nobody", price="1")
    with pytest.raises(OrderNotFound):
        desk.state("nobody")


# -- what cannot be said -----------------------------------------------------------------------------------------


def test_nothing_is_matched_on_a_stale_book(desk: Desk) -> None:
    desk.limit("buy", "1", "100")
    desk.book.is_stale = True

    with pytest.raises(Unavailable, match=r"order book is stale.*Nothing was changed") as caught:
        desk.take("buy", "1", "b")
    assert caught.value.retryable
    assert not caught.value.may_have_executed
    with pytest.raises(Unavailable):
        desk.amend("a", price="101")
    with pytest.raises(StaleBook):
        desk.venue.moved(desk.market)
    desk.prints("sell", "0.4", "99")  # a print is a print

    assert desk.matched == [("a", D(100), D("0.4"))]
    assert desk.cancel("a").status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"type": "stop_loss", "trigger_price": "90"}, "stop_loss"),
        ({"type": "market", "position_side": "long"}, "hedge mode"),
        ({"type": "market", "reduce_only": True}, "reduce-only"),
        ({"type": "limit", "price": "90", "time_in_force": "gtd", "expires_ns": 1}, "gtd"),
        ({"type": "market", "native": {"b": "1", "a": "2"}}, r"parameters of the exchange's own \(a, b\)"),
        ({"type": "market", "quantity_unit": "quote", "max_slippage": "0.1"}, "max_slippage on a quantity in quote"),
    ],
)
def test_what_is_not_there_on_paper_says_so(desk: Desk, more: dict[str, object], match: str) -> None:
    with pytest.raises(NotSupported, match=match):
        desk.place(OrderRequest(symbol="BTC/USDT", side="sell", **{"quantity": "1", **more}))
    assert desk.events == []


def test_options_are_not_traded() -> None:
    with pytest.raises(NotSupported, match="of kind option"):
        Desk().venue.market(instrument(Symbol.parse("BTC/USDT:USDT-261225-90000-C")))


# -- derivatives -------------------------------------------------------------------------------------------------


@pytest.fixture
def perp() -> Desk:
    made = Desk(PERP, balances={"USDT": "1000"}, taker="0.001", leverage="5", max_leverage="10")
    made.book.write(bids=[("99", "10")], asks=[("100", "10"), ("101", "10")])
    return made


def positions(desk: Desk) -> list[Position]:
    return [each for event in desk.events if isinstance(event, PositionEvent) for each in event.positions]


def test_a_position_is_opened_marked_and_closed(perp: Desk) -> None:
    perp.mark("100")
    perp.take("buy", "10")
    (opened,) = positions(perp)
    assert (opened.quantity, opened.entry_price, opened.leverage) == (D(10), D(100), D(5))
    assert perp.venue.engine.perps.available("paper", "USDT") == D(1000) - 200 - 1  # a fifth of 1000, and 0.1 % of it

    perp.mark("110")
    perp.book.write(bids=[("110", "4"), ("109", "10")])
    perp.take("sell", "10", "b", reduce_only=True)

    assert positions(perp)[-1].quantity == 0
    assert perp.held("USDT") == (D(1000) - 1 + 40 + 54 - D("1.094"), D(0))


def test_a_reduce_only_order_needs_a_position(perp: Desk) -> None:
    with pytest.raises(Exception, match="reduce-only order would not reduce a position"):
        perp.take("sell", "1", reduce_only=True)


def test_too_little_margin_is_liquidated_at_mark_and_told(perp: Desk) -> None:
    perp.mark("100")
    perp.take("buy", "10")
    perp.take("buy", "10", "b")
    perp.mark("51")

    assert positions(perp)[-1].quantity == 0
    (told,) = [event for event in perp.events if isinstance(event, VenueEvent)]
    assert (told.name, told.raw["quantity"], told.raw["price"]) == ("paper_liquidation", D(20), D(51))


def test_a_price_of_zero_is_no_mark_price(perp: Desk) -> None:
    perp.mark("100")
    perp.take("buy", "1")
    perp.mark("0")
    perp.venue.marked(MarkPrice(PERP, D(101), D(0)))

    perps = perp.venue.engine.perps
    assert (perps.mark(str(PERP)), perps.index(str(PERP))) == (D(101), D(101))
    assert positions(perp)[-1].quantity == 1


def test_without_a_mark_price_prints_are_followed(perp: Desk) -> None:
    perp.take("buy", "1")
    perp.prints("buy", "1", "99.5")
    assert perp.venue.engine.perps.mark("BTC/USDT:USDT") == D("99.5")


def test_contracts_of_an_inverse_product_are_worth_quote() -> None:
    desk = Desk(INVERSE, "100", balances={"BTC": "1"}, taker="0", maker="0")
    desk.book.write(bids=[("49999.5", "500")], asks=[("50000", "500")])
    state = desk.take("buy", "50", quantity_unit="contracts")

    assert (state.status, state.filled, state.filled_quote) == (OrderStatus.FILLED, D(50), None)
    position = positions(desk)[-1]
    assert (position.quantity, position.entry_price) == (D(50), D(50_000))
    with pytest.raises(InvalidArgument, match="contracts"):
        desk.take("buy", "1", "b")


def test_quantities_in_quote_are_for_spot(perp: Desk) -> None:
    with pytest.raises(NotSupported, match="in quote"):
        perp.take("buy", "100", quantity_unit="quote")


# -- what is told ------------------------------------------------------------------------------------------------


def test_what_happens_is_told_in_order(desk: Desk) -> None:
    desk.limit("buy", "1.5", "101")

    kinds = [type(event).__name__ for event in desk.events]
    assert kinds == ["OrderEvent", "FillEvent", "OrderEvent", "BalanceEvent"]
    states = [event.state for event in desk.events if isinstance(event, OrderEvent)]
    assert [state.status for state in states] == [OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED]
    assert states[0].version < states[1].version
    (balances,) = [event.balances for event in desk.events if isinstance(event, BalanceEvent)]
    assert {each.asset: each.total for each in balances} == {"USDT": D(9_899), "BTC": D("2.998")}


def test_the_same_story_makes_the_same_account() -> None:
    def story() -> list[object]:
        desk = Desk(balances={"USDT": "10000", "BTC": "1"})
        desk.book.write(bids=[("99", "1")], asks=[("101", "1")])
        desk.limit("buy", "2", "101")
        desk.prints("sell", "0.3", "101")
        desk.limit("sell", "1", "102", "b")
        desk.shows(bids=[("102.5", "0.6")])
        return list(desk.events)

    assert story() == story()


def test_sides_and_ids_are_those_of_the_order(desk: Desk) -> None:
    state = desk.take("sell", "1")
    (fill,) = state.fills
    assert (fill.side, fill.client_order_id, fill.venue_order_id) == (Side.SELL, "a", state.venue_order_id)
    assert str(state.venue_order_id).startswith("paper-")
    assert str(fill.trade_id).startswith("paper-")
