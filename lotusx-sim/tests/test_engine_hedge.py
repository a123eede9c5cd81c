"""Two positions in one market, one for each side, and orders changed in place."""

from decimal import Decimal

import pytest
from perp_engine import BUY, ISOLATED, SELL, ZERO, conditional, deal, dec, limit, make_exchange, market

from lotusx_sim.engine.events import FundingEvent, LiquidationEvent, PositionEvent
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.orders import Change, Kind, Leg, NewOrder, OrderEvent, Reason, Refused, Status
from lotusx_sim.engine.terms import Fees

LONG, SHORT = Leg.LONG, Leg.SHORT


@pytest.fixture
def exchange() -> Exchange:
    made = make_exchange()
    deal(made, "rich", "outside", "1", "100")
    limit(made, "rich", SELL, "50", "100")
    limit(made, "rich", BUY, "50", "99")
    made.perps.set_mark("PERP", dec(100), 1)
    return made


def quantity(exchange: Exchange, leg: Leg) -> Decimal:
    return exchange.perps.position("a", "PERP", leg).quantity


def hedged(exchange: Exchange) -> None:
    market(exchange, "a", BUY, "3", leg=LONG)
    market(exchange, "a", SELL, "2", leg=SHORT)


def test_both_legs_stand_beside_each_other(exchange: Exchange) -> None:
    hedged(exchange)

    assert (quantity(exchange, LONG), quantity(exchange, SHORT), quantity(exchange, Leg.BOTH)) == (
        dec(3),
        dec(-2),
        dec(0),
    )
    assert [(p.leg, p.quantity) for p in exchange.perps.positions("a")] == [(LONG, dec(3)), (SHORT, dec(-2))]
    # Long 3 at 100, short 2 at 99, mark 100: 0 - 2; leverage 10: (300 + 200) / 10.
    summary = exchange.perps.summary("a", "USDC")
    assert (summary.unrealized, summary.position_margin) == (dec(-2), dec(50))


def test_closing_one_leg_leaves_the_other(exchange: Exchange) -> None:
    hedged(exchange)
    market(exchange, "a", SELL, "3", leg=LONG, reduce_only=True)  # 3 bought at 100, sold at 99

    assert (quantity(exchange, LONG), quantity(exchange, SHORT)) == (dec(0), dec(-2))
    assert exchange.perps.position("a", "PERP", LONG).realized == -3
    assert exchange.perps.position("a", "PERP", SHORT).realized == 0


def test_a_leg_never_turns_around(exchange: Exchange) -> None:
    hedged(exchange)
    order = market(exchange, "a", SELL, "5", leg=LONG, reduce_only=True)
    assert (order.executed, order.status, quantity(exchange, LONG)) == (dec(3), Status.EXPIRED, dec(0))
    with pytest.raises(ValueError, match="must be reduce-only"):
        market(exchange, "a", SELL, "1", leg=LONG)
    with pytest.raises(Refused) as caught:
        market(exchange, "a", SELL, "1", leg=LONG, reduce_only=True)
    assert caught.value.reason is Reason.REDUCE_ONLY
    with pytest.raises(ValueError, match="no legs"):
        limit(exchange, "a", BUY, "1", "100", leg=LONG, symbol="SPOT")


def test_each_leg_has_its_leverage_and_mode(exchange: Exchange) -> None:
    exchange.perps.set_leverage("a", "PERP", dec(5), 1, LONG)
    exchange.perps.set_margin_mode("a", "PERP", ISOLATED, 1, SHORT)
    hedged(exchange)

    assert exchange.perps.position("a", "PERP", LONG).initial_margin(dec(100)) == 60
    assert exchange.perps.position("a", "PERP", LONG).margin == 0
    assert exchange.perps.position("a", "PERP", SHORT).margin == dec("19.8")
    exchange.perps.change_isolated_margin("a", "PERP", dec(10), 1, SHORT)
    assert exchange.perps.position("a", "PERP", SHORT).margin == dec("29.8")


def test_an_event_names_its_leg(exchange: Exchange) -> None:
    hedged(exchange)
    exchange.take_events()
    exchange.perps.set_funding_rate("PERP", dec("0.001"))
    exchange.perps.settle_funding("PERP", 1)
    events = exchange.take_events()

    assert [(e.leg, e.amount) for e in events if isinstance(e, FundingEvent)] == [
        (LONG, dec("-0.3")), (SHORT, dec("0.2")),
    ]  # fmt: skip
    assert [e.position.leg for e in events if isinstance(e, PositionEvent)] == [LONG, SHORT]


def test_an_isolated_leg_is_liquidated_alone(exchange: Exchange) -> None:
    exchange.perps.set_margin_mode("a", "PERP", ISOLATED, 1, LONG)
    hedged(exchange)
    # Margin 30 for 3 at 100: 30 + 3 (mark - 100) = 0.01 * 3 mark, mark = 270 / 2.97 = 90.909...
    assert exchange.perps.liquidation_price("a", "PERP", LONG) == dec(270) / dec("2.97")
    exchange.take_events()
    exchange.perps.set_mark("PERP", dec("90.9"), 1)

    assert (quantity(exchange, LONG), quantity(exchange, SHORT)) == (dec(0), dec(-2))
    (event,) = [e for e in exchange.take_events() if isinstance(e, LiquidationEvent)]
    assert (event.leg, event.quantity) == (LONG, dec(3))


def test_cross_legs_are_liquidated_together(exchange: Exchange) -> None:
    market(exchange, "a", BUY, "50", leg=LONG)
    market(exchange, "a", SELL, "1", leg=SHORT)
    exchange.perps.set_mark("PERP", dec(80), 1)  # 1000 - 1000 + 19 = 19 < 0.01 * 80 * 51
    assert exchange.perps.positions("a") == []


# -- orders changed in place -------------------------------------------------------------------------------------


def test_an_amended_price_moves_the_order_and_what_it_locks(exchange: Exchange) -> None:
    order = limit(exchange, "a", BUY, "1", "90", symbol="SPOT")
    exchange.take_events()
    exchange.amend(order, 2, price=dec(95), quantity=dec(2))

    assert (order.price, order.quantity, order.reserved, order.amendments) == (dec(95), dec(2), dec(190), 1)
    assert exchange.accounts.balance("a", "USDC").locked == 190
    assert exchange.books["SPOT"].best_bid() == 95
    (event,) = [e for e in exchange.take_events() if isinstance(e, OrderEvent)]
    assert (event.change, event.order.price) == (Change.AMENDED, dec(95))


def test_an_amended_order_goes_to_the_end_of_the_queue_unless_it_only_shrinks(exchange: Exchange) -> None:
    first, second = (limit(exchange, account, BUY, "2", "90", symbol="SPOT") for account in "ab")
    exchange.amend(first, 2, quantity=dec(1))
    assert [order.id for order in exchange.resting("SPOT", BUY)] == [first.id, second.id]
    market(exchange, "c", SELL, "1", symbol="SPOT")
    assert (first.status, second.executed) == (Status.FILLED, dec(0))

    third = limit(exchange, "a", BUY, "1", "90", symbol="SPOT")
    exchange.amend(second, 2, quantity=dec(3))
    market(exchange, "c", SELL, "1", symbol="SPOT")
    assert (third.status, second.executed) == (Status.FILLED, dec(0))


def test_an_amended_order_that_crosses_trades(exchange: Exchange) -> None:
    limit(exchange, "b", SELL, "1", "100", symbol="SPOT")
    order = limit(exchange, "a", BUY, "2", "90", symbol="SPOT")
    exchange.amend(order, 2, price=dec(101))
    assert (order.executed, order.executed_quote, order.remaining, order.reserved) == (
        dec(1),
        dec(100),
        dec(1),
        dec(101),
    )


def test_an_amended_partly_filled_order_counts_what_was_filled(exchange: Exchange) -> None:
    order = limit(exchange, "a", BUY, "3", "90", symbol="SPOT")
    market(exchange, "b", SELL, "1", symbol="SPOT")
    exchange.amend(order, 2, quantity=dec(5))
    assert (order.remaining, order.reserved) == (dec(4), dec(360))
    with pytest.raises(Refused) as caught:
        exchange.amend(order, 2, quantity=dec(1))
    assert caught.value.reason is Reason.BELOW_EXECUTED


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"quantity": dec(1000)}, Reason.INSUFFICIENT_FUNDS),
        ({"price": dec(100)}, Reason.WOULD_TAKE),
        ({"price": dec(90)}, Reason.NO_CHANGE),
        ({}, Reason.NO_CHANGE),
    ],
)
def test_a_refused_amendment_changes_nothing(exchange: Exchange, wanted: dict[str, Decimal], reason: Reason) -> None:
    limit(exchange, "b", SELL, "1", "100", symbol="SPOT")
    order = limit(exchange, "a", BUY, "1", "90", symbol="SPOT", post_only=True)
    with pytest.raises(Refused) as caught:
        exchange.amend(order, 2, **wanted)
    assert caught.value.reason is reason
    assert (order.price, order.quantity, order.reserved, order.amendments) == (dec(90), dec(1), dec(90), 0)
    assert exchange.accounts.balance("a", "USDC").locked == 90
    assert exchange.books["SPOT"].best_bid() == 90


def test_an_amended_trigger_waits_for_the_new_price(exchange: Exchange) -> None:
    order = conditional(exchange, Kind.STOP_MARKET, BUY, "1", "110")
    exchange.amend(order, 2, trigger_price=dec(105))
    exchange.set_last_price("PERP", dec(106), 3)
    assert order.status is Status.FILLED

    waiting = conditional(exchange, Kind.STOP_MARKET, BUY, "1", "120")
    with pytest.raises(Refused) as caught:
        exchange.amend(waiting, 4, trigger_price=dec(90))
    assert caught.value.reason is Reason.WOULD_TRIGGER


def test_a_waiting_order_by_quote_can_get_another_trigger_but_no_quantity(exchange: Exchange) -> None:
    exchange.set_last_price("SPOT", dec(100), 1)
    new = NewOrder("a", "SPOT", BUY, Kind.STOP_MARKET, quote_quantity=dec(50), trigger_price=dec(110))
    order = exchange.place(new, 1)
    exchange.amend(order, 2, trigger_price=dec(105))
    assert (order.trigger_price, order.reserved) == (dec(105), dec(50))
    with pytest.raises(ValueError, match="by quote"):
        exchange.amend(order, 3, quantity=dec(1))


def test_an_ended_order_cannot_be_amended(exchange: Exchange) -> None:
    order = limit(exchange, "a", BUY, "1", "90", symbol="SPOT")
    exchange.cancel(order, 2)
    with pytest.raises(Refused) as caught:
        exchange.amend(order, 3, price=dec(91))
    assert caught.value.reason is Reason.UNKNOWN_ORDER


def test_a_spot_order_can_lock_nothing_until_it_is_triggered(exchange: Exchange) -> None:
    exchange.set_fees("a", Fees(ZERO, ZERO))
    limit(exchange, "rich", SELL, "5", "100", symbol="SPOT")
    exchange.set_last_price("SPOT", dec(100), 1)
    new = NewOrder(
        "a", "SPOT", BUY, Kind.STOP_LIMIT, dec(2), price=dec(120), trigger_price=dec(110), lock_when_triggered=True
    )
    order = exchange.place(new, 1)
    assert order.reserved == 0
    exchange.transfer("a", "USDC", dec(-1000), 2)
    exchange.set_last_price("SPOT", dec(111), 3)
    assert (order.status, order.expiry_reason) == (Status.EXPIRED, "INSUFFICIENT_MARGIN")

    exchange.transfer("a", "USDC", dec(500), 4)
    exchange.set_last_price("SPOT", dec(100), 4)
    second = exchange.place(new, 4)
    exchange.set_last_price("SPOT", dec(111), 5)
    assert (second.status, second.executed_quote) == (Status.FILLED, dec(200))
    assert exchange.accounts.balance("a", "USDC").total == 300
