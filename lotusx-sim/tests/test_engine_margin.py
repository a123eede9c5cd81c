"""Leverage, margin modes, mark prices, funding and liquidation."""

import pytest
from perp_engine import (
    BUY,
    CROSS,
    FREE,
    ISOLATED,
    LINEAR,
    SELL,
    conditional,
    deal,
    dec,
    free,
    limit,
    locked,
    make_exchange,
    market,
    quantity,
)

from lotusx_sim.engine.events import FundingEvent, LiquidationEvent, PositionEvent
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.margin import MarginSummary
from lotusx_sim.engine.orders import Kind, OrderEvent, PriceSource, Reason, Refused, Status
from lotusx_sim.engine.terms import Contract, Fees, MarginMode, Market, MarketKind


def isolated(exchange: Exchange, *accounts: str) -> Exchange:
    for account in accounts:
        exchange.perps.set_margin_mode(account, "PERP", ISOLATED, 1)
    return exchange


# -- mark and index --------------------------------------------------------------------------------------------------


def test_the_mark_price_is_the_middle_of_touch_and_last_trade() -> None:
    exchange = make_exchange()
    assert exchange.perps.mark("PERP") is None
    deal(exchange, "a", "b", "1", "100")
    assert exchange.perps.mark("PERP") == 100  # the book is empty: the last price
    limit(exchange, "rich", BUY, "5", "96")
    limit(exchange, "rich", SELL, "5", "99")
    assert exchange.perps.mark("PERP") == 100  # it moves with trades only
    exchange.set_last_price("PERP", dec(120), 2)
    assert (exchange.perps.mark("PERP"), exchange.perps.index("PERP")) == (dec(99), dec(99))
    exchange.set_last_price("PERP", dec("97.5"), 2)
    assert exchange.perps.mark("PERP") == dec("97.5")


def test_a_mark_price_that_was_set_stays_until_it_may_follow_again() -> None:
    exchange = make_exchange()
    exchange.perps.set_mark("PERP", dec(50), 1, index=dec(51))
    deal(exchange, "a", "b", "1", "52")
    assert (exchange.perps.mark("PERP"), exchange.perps.index("PERP")) == (dec(50), dec(51))
    exchange.perps.set_mark("PERP", dec(53), 1)
    assert (exchange.perps.mark("PERP"), exchange.perps.index("PERP")) == (dec(53), dec(51))
    exchange.perps.follow_trades("PERP", 2)
    assert (exchange.perps.mark("PERP"), exchange.perps.index("PERP")) == (dec(52), dec(52))
    with pytest.raises(ValueError, match="above 0"):
        exchange.perps.set_mark("PERP", dec(0), 3)


def test_a_stop_by_mark_fires_when_trades_move_the_mark_price() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    order = conditional(exchange, Kind.STOP_LIMIT, SELL, "1", "95", price=dec(90), trigger_by=PriceSource.MARK)
    deal(exchange, "rich", "c", "1", "95")
    assert order.is_working


# -- sums ------------------------------------------------------------------------------------------------------------


def test_the_summary_counts_what_an_account_is_worth_and_what_its_margin_is() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "20", "100")
    limit(exchange, "a", BUY, "1", "90")
    exchange.perps.set_mark("PERP", dec(105), 2)
    summary = exchange.perps.summary("a", "USDC")
    assert summary == MarginSummary(
        wallet=dec(1000),
        unrealized=dec(100),
        cross_equity=dec(1100),
        position_margin=dec(210),
        order_margin=dec(9),
        cross_maintenance=dec(21),
        available=dec(881),
    )
    assert summary.equity == 1100
    assert exchange.perps.available("a", "USDC") == 881


def test_the_margin_of_an_isolated_position_is_out_of_reach_for_others() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    deal(exchange, "a", "rich", "20", "100")
    exchange.perps.set_mark("PERP", dec(98), 2)
    summary = exchange.perps.summary("a", "USDC")
    assert (free(exchange), locked(exchange), exchange.perps.position("a", "PERP").margin) == (800, 200, 200)
    assert (summary.equity, summary.cross_equity, summary.position_margin, summary.available) == (960, 800, 200, 800)
    assert (summary.order_margin, summary.cross_maintenance) == (0, 0)


def test_positions_are_listed_in_the_order_of_the_markets_and_flat_ones_are_not() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "rich", "1", "100", "INVERSE")
    deal(exchange, "a", "rich", "1", "100")
    assert [position.symbol for position in exchange.perps.positions("a")] == ["PERP", "INVERSE"]
    deal(exchange, "rich", "a", "1", "100")
    assert [position.symbol for position in exchange.perps.positions("a")] == ["INVERSE"]


# -- leverage and margin mode ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("leverage", ["0.9", "51"])
def test_leverage_beyond_the_contract_is_refused(leverage: str) -> None:
    exchange = make_exchange()
    with pytest.raises(Refused) as caught:
        exchange.perps.set_leverage("a", "PERP", dec(leverage), 1)
    assert caught.value.reason is Reason.LEVERAGE
    assert exchange.perps.position("a", "PERP").leverage == 10


def test_leverage_changes_the_margin_of_open_orders_and_cross_positions() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "10", "100")
    order = limit(exchange, "a", BUY, "10", "90")
    exchange.take_events()
    exchange.perps.set_leverage("a", "PERP", dec(20), 2)
    assert (order.reserved, exchange.perps.available("a", "USDC")) == (dec(45), dec(905))
    assert [e.position.leverage for e in exchange.take_events() if isinstance(e, PositionEvent)] == [dec(20)]


def test_leverage_that_needs_more_margin_than_there_is_changes_nothing() -> None:
    exchange = make_exchange("300")
    deal(exchange, "a", "rich", "10", "100")
    order = limit(exchange, "a", BUY, "10", "90")
    exchange.take_events()
    with pytest.raises(Refused) as caught:
        exchange.perps.set_leverage("a", "PERP", dec(6), 2)  # 166.67 and 150
    assert caught.value.reason is Reason.INSUFFICIENT_FUNDS
    assert (exchange.perps.position("a", "PERP").leverage, order.reserved) == (dec(10), dec(90))
    assert exchange.take_events() == []


def test_raising_leverage_is_possible_when_too_much_margin_is_used() -> None:
    exchange = make_exchange("100")
    deal(exchange, "a", "rich", "10", "100")
    exchange.perps.set_mark("PERP", dec(95), 2)
    assert exchange.perps.available("a", "USDC") == -45
    exchange.perps.set_leverage("a", "PERP", dec(11), 3)
    assert exchange.perps.position("a", "PERP").leverage == 11


def test_lower_leverage_moves_margin_to_an_isolated_position_and_higher_leaves_it() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    deal(exchange, "a", "rich", "10", "100")
    exchange.perps.set_leverage("a", "PERP", dec(5), 2)
    assert (exchange.perps.position("a", "PERP").margin, free(exchange), locked(exchange)) == (200, 800, 200)
    exchange.perps.set_leverage("a", "PERP", dec(50), 2)
    assert exchange.perps.position("a", "PERP").margin == 200


def test_the_margin_mode_of_an_open_position_stays() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "rich", "1", "100")
    with pytest.raises(Refused) as caught:
        exchange.perps.set_margin_mode("a", "PERP", ISOLATED, 2)
    assert caught.value.reason is Reason.POSITION_OPEN
    exchange.perps.set_margin_mode("a", "PERP", CROSS, 2)  # no change is no mistake


def test_a_contract_can_forbid_a_margin_mode() -> None:
    only = Contract(
        MarketKind.LINEAR, "USDC", dec(5), dec("0.1"), mode=ISOLATED, modes=frozenset({MarginMode.ISOLATED})
    )
    exchange = Exchange([Market("PERP", "XYZ", "USDC", dec(1), contract=only)])
    exchange.open_account("a", {"USDC": dec(1)})
    assert exchange.perps.position("a", "PERP").mode is ISOLATED
    with pytest.raises(Refused) as caught:
        exchange.perps.set_margin_mode("a", "PERP", CROSS, 2)
    assert caught.value.reason is Reason.MARGIN_MODE
    with pytest.raises(ValueError, match="cannot begin"):
        Contract(MarketKind.LINEAR, "USDC", dec(5), dec("0.1"), modes=frozenset({MarginMode.ISOLATED}))


def test_isolated_margin_grows_and_shrinks_with_its_position() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    deal(exchange, "a", "rich", "10", "100")
    deal(exchange, "a", "rich", "10", "110")
    assert exchange.perps.position("a", "PERP").margin == 210
    deal(exchange, "rich", "a", "5", "105")
    assert (exchange.perps.position("a", "PERP").margin, locked(exchange)) == (dec("157.5"), dec("157.5"))
    deal(exchange, "rich", "a", "15", "105")
    assert (exchange.perps.position("a", "PERP").margin, locked(exchange), free(exchange)) == (0, 0, 1000)


def test_isolated_margin_can_be_added_and_taken_down_to_the_initial_margin() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    with pytest.raises(Refused, match="isolated"):
        exchange.perps.change_isolated_margin("a", "PERP", dec(1), 1)
    deal(exchange, "a", "rich", "10", "100")
    exchange.perps.change_isolated_margin("a", "PERP", dec(300), 2)
    assert (exchange.perps.position("a", "PERP").margin, free(exchange)) == (400, 600)
    for amount in ("-300.01", "600.01"):
        with pytest.raises(Refused) as caught:
            exchange.perps.change_isolated_margin("a", "PERP", dec(amount), 2)
        assert caught.value.reason is Reason.INSUFFICIENT_FUNDS
    exchange.perps.change_isolated_margin("a", "PERP", dec(-300), 2)
    assert (exchange.perps.position("a", "PERP").margin, free(exchange), locked(exchange)) == (100, 900, 100)


def test_an_isolated_fill_far_from_mark_must_leave_its_maintenance_margin() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    exchange.perps.set_mark("PERP", dec(100), 1)
    limit(exchange, "rich", SELL, "1", "112")
    order = market(exchange, "a", BUY, "1")  # 11.2 of margin, 12 lost at once
    assert (order.executed, order.expiry_reason) == (dec(0), "INSUFFICIENT_MARGIN")


# -- funding ---------------------------------------------------------------------------------------------------------


def test_longs_pay_a_positive_funding_rate_to_shorts_at_the_mark_price() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "b", "10", "100")
    exchange.perps.set_mark("PERP", dec(110), 2)
    exchange.perps.set_funding_rate("PERP", dec("0.001"))
    exchange.take_events()
    events = exchange.perps.settle_funding("PERP", 3)
    assert (free(exchange, "a"), free(exchange, "b")) == (dec("998.9"), dec("1001.1"))
    assert [(e.account, e.quantity, e.amount, e.asset, e.mark, e.rate, e.ns) for e in events] == [
        ("b", dec(-10), dec("1.1"), "USDC", dec(110), dec("0.001"), 3),
        ("a", dec(10), dec("-1.1"), "USDC", dec(110), dec("0.001"), 3),
    ]
    assert [event for event in exchange.take_events() if isinstance(event, FundingEvent)] == events
    assert exchange.perps.funding_rate("PERP") == dec("0.001")


def test_a_position_counts_its_funding_since_it_opened_and_since_it_changed() -> None:
    exchange = make_exchange("1000")
    exchange.perps.set_funding_rate("PERP", dec("-0.01"))
    counts = []
    for quantity_ in ("1", "1", "-3"):
        buyer, seller = ("a", "b") if quantity_ != "-3" else ("b", "a")
        deal(exchange, buyer, seller, quantity_.strip("-"), "100")
        exchange.perps.settle_funding("PERP", 2)
        position = exchange.perps.position("a", "PERP")
        counts.append((position.funding, position.funding_since_open, position.funding_since_change))
    assert counts == [(1, 1, 1), (3, 3, 2), (2, -1, -1)]


def test_an_isolated_position_pays_funding_from_its_margin() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    deal(exchange, "a", "b", "10", "100")
    exchange.perps.set_funding_rate("PERP", dec("0.01"))
    exchange.perps.settle_funding("PERP", 2)
    assert (exchange.perps.position("a", "PERP").margin, locked(exchange), free(exchange)) == (90, 90, 900)
    assert free(exchange, "b") == 1010


def test_funding_can_liquidate() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    deal(exchange, "a", "b", "10", "100")
    exchange.perps.set_funding_rate("PERP", dec("0.2"))
    exchange.perps.settle_funding("PERP", 2)  # 200, of which the margin pays 100
    assert quantity(exchange) == 0
    assert (locked(exchange), free(exchange)) == (0, 800)


def test_what_rounding_of_funding_leaves_over_is_the_venues() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "c", "0.001", "0.01")
    deal(exchange, "b", "c", "0.001", "0.01")
    exchange.perps.set_funding_rate("PERP", dec("0.0006"))
    exchange.perps.settle_funding("PERP", 2)  # 0.6e-8 each, 1.2e-8 together
    assert [free(exchange, account) - 1000 for account in "abc"] == [dec("-1e-8"), dec("-1e-8"), dec("1e-8")]
    assert exchange.accounts.balance("venue-fees", "USDC").free == dec("1e-8")


# -- liquidation -----------------------------------------------------------------------------------------------------


def liquidations(exchange: Exchange) -> list[LiquidationEvent]:
    return [event for event in exchange.take_events() if isinstance(event, LiquidationEvent)]


def test_a_cross_account_below_maintenance_loses_its_positions_and_orders_but_not_what_is_left() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "50", "100")
    resting = limit(exchange, "a", BUY, "1", "60")
    waiting = conditional(exchange, Kind.STOP_MARKET, SELL, "1", "50")
    on_spot = limit(exchange, "a", BUY, "1", "50", symbol="SPOT")
    limit_price = exchange.perps.liquidation_price("a", "PERP")
    assert limit_price == dec(4000) / dec("49.5")  # 1000 + 50 (p - 100) = 0.01 * 50 p

    exchange.perps.set_mark("PERP", dec("80.81"), 2)
    assert quantity(exchange) == 50
    exchange.take_events()
    exchange.set_fees("a", Fees(dec("0.001"), dec("0.001")))  # which a liquidation does not charge
    exchange.perps.set_mark("PERP", dec("80.80"), 3)

    assert quantity(exchange) == 0
    assert (free(exchange), locked(exchange)) == (dec(40), dec(0))
    assert {order.expiry_reason for order in (resting, waiting, on_spot)} == {"LIQUIDATION"}
    fill = exchange.fills[-1]
    assert (fill.is_liquidation, fill.closed_pnl, fill.start_position, fill.fee) == (True, dec(-960), dec(50), 0)
    event = LiquidationEvent("a", "PERP", dec(50), dec("80.80"), dec(4040), dec(40), dec(0), 3)
    told = exchange.take_events()
    assert [e for e in told if isinstance(e, LiquidationEvent)] == [event]
    closing = [e.order for e in told if isinstance(e, OrderEvent) and e.order.is_liquidation]
    assert [(order.status, order.side, order.executed) for order in closing] == [(Status.FILLED, SELL, dec(50))]
    assert quantity(exchange, "venue-liquidator") == 50


def test_the_liquidator_pays_what_a_bankrupt_account_owes() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "50", "100")
    exchange.take_events()
    exchange.perps.set_mark("PERP", dec(70), 2)
    assert (free(exchange), exchange.accounts.balance("venue-liquidator", "USDC").free) == (0, -500)
    assert [(event.equity, event.shortfall) for event in liquidations(exchange)] == [(dec(-500), dec(500))]
    exchange.perps.set_mark("PERP", dec(1), 3)
    taken = exchange.perps.position("venue-liquidator", "PERP")
    assert (taken.quantity, taken.entry_price) == (50, 70)  # nobody liquidates the liquidator


def test_an_isolated_liquidation_takes_the_margin_of_its_position_only() -> None:
    exchange = isolated(make_exchange("1000"), "a")
    deal(exchange, "a", "rich", "50", "100")
    order = limit(exchange, "a", BUY, "1", "60")
    on_spot = limit(exchange, "a", BUY, "1", "60", symbol="SPOT")
    assert exchange.perps.liquidation_price("a", "PERP") == dec(4500) / dec("49.5")
    exchange.take_events()
    exchange.perps.set_mark("PERP", dec(85), 2)  # 750 lost of 500
    assert (quantity(exchange), free(exchange), locked(exchange)) == (dec(0), dec(440), dec(60))
    assert (order.expiry_reason, on_spot.is_open) == ("LIQUIDATION", True)
    assert [(event.equity, event.shortfall) for event in liquidations(exchange)] == [(dec(-250), dec(250))]


def test_a_short_is_liquidated_by_a_rise() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "rich", "a", "50", "100")
    assert exchange.perps.liquidation_price("a", "PERP") == dec(6000) / dec("50.5")
    exchange.perps.set_mark("PERP", dec("118.9"), 2)
    assert (quantity(exchange), free(exchange)) == (dec(0), dec(55))


def test_a_move_of_trades_can_liquidate_too() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "50", "100")
    deal(exchange, "b", "c", "1", "80")
    assert quantity(exchange) == 0


def test_cross_positions_stand_and_fall_together() -> None:
    exchange = Exchange([Market(name, name, "USDC", dec(1), contract=LINEAR) for name in ("X", "Y", "Z")])
    for account, amount in (("a", 1000), ("rich", 1_000_000)):
        exchange.open_account(account, {"USDC": dec(amount)}, fees=FREE)
    exchange.perps.set_margin_mode("a", "Z", ISOLATED, 1)
    for name in ("X", "Y", "Z"):
        deal(exchange, "a", "rich", "20", "100", name)
    exchange.perps.set_mark("X", dec(80), 2)
    assert exchange.perps.liquidation_price("a", "X") == (dec(2000) - (800 - 20)) / dec("19.8")
    exchange.perps.set_mark("Y", dec(79), 3)
    assert [quantity(exchange, "a", name) for name in ("X", "Y", "Z")] == [0, 0, 20]
    events = liquidations(exchange)
    assert [(event.symbol, event.equity) for event in events] == [("X", dec(-20)), ("Y", dec(-20))]
    assert [event.shortfall for event in events] == [0, 20]
    assert (free(exchange), locked(exchange)) == (0, 200)


def test_an_inverse_long_is_liquidated_at_the_price_that_was_told() -> None:
    exchange = make_exchange(xyz=10)
    deal(exchange, "a", "rich", "10", "50", "INVERSE")
    told = exchange.perps.liquidation_price("a", "INVERSE")
    assert told == dec(1010) / 22
    exchange.perps.set_mark("INVERSE", told + dec("0.0001"), 2)
    assert quantity(exchange, "a", "INVERSE") == 10
    exchange.perps.set_mark("INVERSE", told - dec("0.0001"), 2)
    assert quantity(exchange, "a", "INVERSE") == 0


def test_a_position_that_cannot_lose_its_margin_has_no_liquidation_price() -> None:
    exchange = make_exchange("1000")
    assert exchange.perps.liquidation_price("a", "PERP") is None
    deal(exchange, "a", "rich", "1", "100")
    assert exchange.perps.liquidation_price("a", "PERP") is None


def test_a_stop_trades_before_the_liquidation_it_prevents() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "50", "100")
    limit(exchange, "rich", BUY, "60", "95")
    stop = conditional(exchange, Kind.STOP_MARKET, SELL, "50", "90", reduce_only=True)
    exchange.set_last_price("PERP", dec(70), 2)
    assert (stop.status, free(exchange)) == (Status.FILLED, dec(750))
    assert liquidations(exchange) == []
