"""Trading perpetuals: positions, margin of orders, profit, fees, reduce-only and conditional orders."""

from collections.abc import Callable

import pytest
from perp_engine import (
    BUY,
    CROSS,
    MARKETS,
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

from lotusx_sim.engine.events import PositionEvent
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import MAKER, TAKER, Habitat, Population
from lotusx_sim.engine.orders import (
    Change,
    Kind,
    NewOrder,
    OrderEvent,
    PriceSource,
    Reason,
    Refused,
    Side,
    Status,
    TimeInForce,
)
from lotusx_sim.engine.terms import Contract, Fees, MarketKind


def refusal(exchange: Exchange, new: NewOrder) -> Reason:
    exchange.take_events()
    before = (free(exchange, new.account), locked(exchange, new.account), len(exchange.orders))
    with pytest.raises(Refused) as caught:
        exchange.place(new, 1)
    assert exchange.take_events() == []
    assert before == (free(exchange, new.account), locked(exchange, new.account), len(exchange.orders))
    return caught.value.reason


# -- terms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "leverage", "maintenance", "complaint"),
    [
        (MarketKind.SPOT, "10", "0.01", "spot market has no contract"),
        (MarketKind.LINEAR, "0", "0.01", "leverage is 1 or more"),
        (MarketKind.LINEAR, "50", "0.021", "maintenance"),
    ],
)
def test_contract_terms_that_contradict_each_other_are_refused(
    kind: MarketKind, leverage: str, maintenance: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Contract(kind, "USDC", dec(leverage), dec(maintenance))


def test_a_market_is_spot_until_it_has_a_contract() -> None:
    assert [(market.kind, market.assets) for market in MARKETS] == [
        (MarketKind.LINEAR, ("USDC",)),
        (MarketKind.INVERSE, ("XYZ",)),
        (MarketKind.SPOT, ("XYZ", "USDC")),
    ]


# -- margin of orders ------------------------------------------------------------------------------------------------


def test_an_order_reserves_initial_margin_only_and_gets_it_back_when_cancelled() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "5", "100")
    assert (order.reserved, order.reserved_asset) == (dec(50), "USDC")
    assert (free(exchange), locked(exchange)) == (dec(950), dec(50))
    exchange.cancel(order, 2)
    assert (free(exchange), locked(exchange)) == (dec(1000), dec(0))


def test_margin_is_rounded_up_to_a_hundred_millionth() -> None:
    exchange = make_exchange()
    exchange.perps.set_leverage("a", "PERP", dec(3), 1)
    assert limit(exchange, "a", SELL, "1", "100").reserved == dec("33.33333334")


def test_an_order_beyond_the_margin_is_refused_and_leaves_no_trace() -> None:
    exchange = make_exchange("1000")
    limit(exchange, "a", BUY, "99", "100")
    new = NewOrder("a", "PERP", BUY, Kind.LIMIT, dec("1.001"), price=dec(100))
    assert refusal(exchange, new) is Reason.INSUFFICIENT_FUNDS


def test_the_fee_of_what_opens_must_be_there_beside_the_margin() -> None:
    exchange = make_exchange("1000", fees=Fees(dec(0), dec("0.001")))
    assert refusal(exchange, NewOrder("a", "PERP", BUY, Kind.LIMIT, dec(100), price=dec(100))) is (
        Reason.INSUFFICIENT_FUNDS
    )
    assert limit(exchange, "a", BUY, "99", "100").reserved == 990


def test_a_price_worse_than_mark_needs_the_loss_beside_the_margin() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "b", "c", "1", "100")
    too_dear = NewOrder("a", "PERP", BUY, Kind.LIMIT, dec(10), price=dec(200))
    assert refusal(exchange, too_dear) is Reason.INSUFFICIENT_FUNDS  # 200 of margin and 1000 of loss
    assert limit(exchange, "a", BUY, "8", "200").reserved == 160


def test_closing_needs_no_margin_whatever_is_left() -> None:
    exchange = make_exchange("100")
    deal(exchange, "a", "rich", "10", "100")
    assert exchange.perps.available("a", "USDC") == 0
    order = limit(exchange, "a", SELL, "10", "150")
    assert (order.reserved, order.status) == (dec(0), Status.NEW)


def test_a_second_order_to_close_the_same_position_needs_margin() -> None:
    exchange = make_exchange("150")
    deal(exchange, "a", "rich", "10", "100")
    limit(exchange, "a", SELL, "10", "150")
    assert limit(exchange, "a", SELL, "2", "150").reserved == 30
    assert refusal(exchange, NewOrder("a", "PERP", SELL, Kind.LIMIT, dec(2), price=dec(150))) is (
        Reason.INSUFFICIENT_FUNDS
    )


def test_an_order_of_absurd_size_is_refused_for_its_margin() -> None:
    exchange = make_exchange("1000")
    new = NewOrder("a", MARKETS[0].symbol, Side.BUY, Kind.LIMIT, dec("1584330468567769000000000"), price=dec("81956"))
    assert refusal(exchange, new) is Reason.INSUFFICIENT_FUNDS


def test_an_order_that_flips_needs_margin_for_what_it_opens() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "10", "100")
    assert limit(exchange, "a", SELL, "16", "100").reserved == 60


def test_reducing_an_order_frees_its_share_of_the_margin() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "4", "100")
    exchange.reduce(order, dec(1), 2)
    assert (order.reserved, locked(exchange)) == (dec(10), dec(10))


def test_a_market_order_reserves_for_what_the_book_has() -> None:
    exchange = make_exchange("100")
    limit(exchange, "rich", SELL, "1", "100")
    order = market(exchange, "a", BUY, "50")  # the book has one: the rest needs no margin
    assert (order.status, order.executed, order.expiry_reason) == (Status.EXPIRED, dec(1), "INSUFFICIENT_LIQUIDITY")
    assert locked(exchange) == 0


def test_a_resting_order_whose_margin_is_gone_is_ended_instead_of_filled() -> None:
    exchange = make_exchange("100")
    deal(exchange, "a", "rich", "1", "100")
    resting = limit(exchange, "a", BUY, "9", "90")
    exchange.perps.set_mark("PERP", dec(40), 2)  # the position lost 60 of the 100
    taker = limit(exchange, "rich", SELL, "9", "90")
    assert (resting.status, resting.expiry_reason, resting.executed) == (
        Status.EXPIRED,
        "INSUFFICIENT_MARGIN",
        dec(0),
    )
    assert taker.is_working
    assert locked(exchange) == 0


# -- positions and profit --------------------------------------------------------------------------------------------


def test_a_fill_opens_a_position_and_moves_no_money() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "2", "100")
    long, short = exchange.perps.position("a", "PERP"), exchange.perps.position("b", "PERP")
    assert (long.quantity, long.cost, long.entry_price) == (dec(2), dec(200), dec(100))
    assert (short.quantity, short.cost, short.entry_price) == (dec(-2), dec(-200), dec(100))
    assert (free(exchange), locked(exchange)) == (dec(1000), dec(0))
    assert exchange.perps.available("a", "USDC") == 980
    assert exchange.perps.open_interest("PERP") == 2


def test_the_entry_price_is_the_average_of_what_opened() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    deal(exchange, "a", "b", "2", "101")
    position = exchange.perps.position("a", "PERP")
    assert (position.cost, position.entry_price) == (dec(302), dec(302) / 3)


@pytest.mark.parametrize(("price", "profit"), [("112", "12"), ("97", "-3")])
def test_closing_realizes_the_profit_and_keeps_the_entry(price: str, profit: str) -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "3", "100")
    deal(exchange, "b", "a", "1", price)
    position = exchange.perps.position("a", "PERP")
    mine = next(f for f in reversed(exchange.fills) if f.account == "a")
    assert free(exchange) == 1000 + dec(profit)
    assert free(exchange, "b") == 1000 - dec(profit)
    assert (position.quantity, position.entry_price) == (dec(2), dec(100))
    assert (position.realized, position.realized_since_open) == (dec(profit), dec(profit))
    assert (mine.start_position, mine.closed_pnl) == (dec(3), dec(profit))


def test_thirds_of_a_cost_lose_nothing() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    deal(exchange, "a", "b", "2", "101")  # 302 for three
    for _ in range(3):
        deal(exchange, "b", "a", "1", "101")
    assert exchange.perps.position("a", "PERP").cost == 0
    assert free(exchange) == 1001


def test_a_position_flips_in_one_fill() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "2", "100")
    deal(exchange, "b", "a", "5", "110")
    position = exchange.perps.position("a", "PERP")
    assert (position.quantity, position.entry_price, free(exchange)) == (dec(-3), dec(110), dec(1020))
    assert (position.realized, position.realized_since_open) == (dec(20), dec(0))


def test_fees_are_a_fraction_of_the_value_and_a_rebate_comes_back() -> None:
    exchange = make_exchange(fees=Fees(dec("-0.0001"), dec("0.0005")))
    deal(exchange, "a", "b", "2", "100")  # a takes, b makes
    assert (free(exchange, "a"), free(exchange, "b")) == (dec("999.9"), dec("1000.02"))
    assert exchange.accounts.balance("venue-fees", "USDC").free == dec("0.08")
    assert [(fill.fee, fill.fee_asset) for fill in exchange.fills] == [(dec("0.1"), "USDC"), (dec("-0.02"), "USDC")]


def test_perpetuals_can_have_fees_of_their_own() -> None:
    exchange = make_exchange()
    exchange.open_account("d", {}, fees=Fees(dec(1), dec(1)), perp_fees=Fees(dec(2), dec(2)))
    assert exchange.fees_of("d").maker == 1
    assert exchange.fees_of("d", MarketKind.LINEAR).maker == exchange.fees_of("d", MarketKind.INVERSE).maker == 2
    exchange.set_fees("d", Fees(dec(3), dec(3)), MarketKind.LINEAR)
    assert [exchange.fees_of("d", kind).taker for kind in MarketKind] == [dec(1), dec(3), dec(2)]


def test_an_inverse_contract_pays_in_what_it_is_about() -> None:
    exchange = make_exchange(xyz=10)
    exchange.perps.set_margin_mode("a", "INVERSE", CROSS, 1)
    deal(exchange, "a", "b", "10", "50", "INVERSE")  # ten contracts of 100 USD: 20 XYZ
    position = exchange.perps.position("a", "INVERSE")
    assert (position.cost, position.entry_price) == (dec(20), dec(50))
    deal(exchange, "b", "a", "4", "80", "INVERSE")
    assert free(exchange, "a", "XYZ") == 10 + 8 - 5  # 400 USD were 8 XYZ and are 5
    assert exchange.perps.position("a", "INVERSE").entry_price == 50


def test_one_position_event_tells_of_one_command() -> None:
    exchange = make_exchange()
    for price in ("100", "101", "102"):
        limit(exchange, "rich", SELL, "1", price)
    exchange.take_events()
    limit(exchange, "a", BUY, "3", "102")
    told = [event for event in exchange.take_events() if isinstance(event, PositionEvent)]
    assert [(event.account, event.position.quantity) for event in told] == [("a", dec(3)), ("rich", dec(-3))]
    deal(exchange, "rich", "a", "3", "100")
    assert told[0].position.quantity == 3  # an event keeps the state it was about


def test_spot_and_perpetuals_share_a_wallet_but_no_margin_is_spent_twice() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "50", "100")  # 500 of margin
    assert exchange.perps.spendable("a", "USDC") == 500
    spot = NewOrder("a", "SPOT", BUY, Kind.LIMIT, dec("5.001"), price=dec(100))
    assert refusal(exchange, spot) is Reason.INSUFFICIENT_FUNDS
    limit(exchange, "a", BUY, "5", "100", symbol="SPOT")
    assert exchange.perps.available("a", "USDC") == 0


def test_money_moves_between_accounts_as_far_as_it_may_be_spent() -> None:
    exchange = make_exchange("1000")
    deal(exchange, "a", "rich", "50", "100")
    exchange.perps.set_mark("PERP", dec(120), 2)  # unrealized profit is margin, but not to be taken out
    assert exchange.perps.available("a", "USDC") == 1400
    with pytest.raises(Refused) as caught:
        exchange.send("a", "b", "USDC", dec("1000.01"), 2)
    assert caught.value.reason is Reason.INSUFFICIENT_FUNDS
    exchange.send("a", "b", "USDC", dec(400), 2)
    assert (free(exchange, "a"), free(exchange, "b")) == (dec(600), dec(1400))
    with pytest.raises(ValueError, match="above 0"):
        exchange.send("a", "b", "USDC", dec(0), 2)
    with pytest.raises(Refused):
        exchange.transfer("a", "USDC", dec(-601), 2)


# -- reduce-only -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_reduce_only_order_without_a_position_is_refused(side: Side) -> None:
    exchange = make_exchange()
    new = NewOrder("a", "PERP", side, Kind.LIMIT, dec(1), price=dec(100), reduce_only=True)
    assert refusal(exchange, new) is Reason.REDUCE_ONLY


def test_a_reduce_only_order_on_the_side_of_the_position_is_refused() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    new = NewOrder("a", "PERP", BUY, Kind.LIMIT, dec(1), price=dec(100), reduce_only=True)
    assert refusal(exchange, new) is Reason.REDUCE_ONLY


def test_a_reduce_only_taker_stops_where_its_position_ends() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "2", "100")
    limit(exchange, "rich", BUY, "10", "100")
    order = market(exchange, "a", SELL, "5", reduce_only=True)
    assert (order.executed, order.status, order.expiry_reason) == (dec(2), Status.EXPIRED, "REDUCE_ONLY")
    assert quantity(exchange) == 0


def test_a_resting_reduce_only_order_fills_up_to_the_position_and_then_ends() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "2", "100")
    order = limit(exchange, "a", SELL, "5", "105", reduce_only=True)
    taker = limit(exchange, "rich", BUY, "4", "105")
    assert (order.executed, order.status, order.expiry_reason) == (dec(2), Status.EXPIRED, "REDUCE_ONLY")
    assert (taker.executed, taker.is_working) == (dec(2), True)


def test_reduce_only_orders_end_when_another_order_closes_the_position() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "2", "100")
    order = limit(exchange, "a", SELL, "2", "105", reduce_only=True)
    deal(exchange, "rich", "a", "1", "100")
    assert order.is_open  # it stays whole while there is something to reduce
    deal(exchange, "rich", "a", "1", "100")
    assert (order.status, order.expiry_reason) == (Status.EXPIRED, "REDUCE_ONLY")
    assert exchange.books["PERP"].best_ask() is None


def test_a_reduce_only_order_does_not_keep_another_one_from_closing() -> None:
    exchange = make_exchange("100")
    deal(exchange, "a", "rich", "10", "100")
    limit(exchange, "a", SELL, "10", "120", reduce_only=True)
    assert limit(exchange, "a", SELL, "10", "110").reserved == 0


def test_fill_or_kill_sees_what_reduce_only_makers_really_offer() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "2", "100")
    limit(exchange, "a", SELL, "5", "105", reduce_only=True)
    order = limit(exchange, "rich", BUY, "3", "105", time_in_force=TimeInForce.FOK)
    assert (order.executed, order.expiry_reason) == (dec(0), "UNFILLED_FOK_ORDER")
    assert limit(exchange, "rich", BUY, "2", "105", time_in_force=TimeInForce.FOK).status is Status.FILLED


def test_fill_or_kill_that_is_reduce_only_is_killed_when_it_is_larger_than_the_position() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "2", "100")
    limit(exchange, "rich", BUY, "5", "100")
    order = limit(exchange, "a", SELL, "3", "100", time_in_force=TimeInForce.FOK, reduce_only=True)
    assert (order.executed, order.expiry_reason) == (dec(0), "UNFILLED_FOK_ORDER")


def test_fill_or_kill_is_killed_when_margin_would_end_on_the_way() -> None:
    exchange = make_exchange("19.5")
    exchange.perps.set_mark("PERP", dec(100), 1)
    for _ in range(2):
        limit(exchange, "rich", BUY, "0.5", "90")
    # Reserved are 9 and a loss of 10; after the fill the margin at mark is 10 beside that loss.
    order = limit(exchange, "a", SELL, "1", "90", time_in_force=TimeInForce.FOK)
    assert (order.executed, order.expiry_reason) == (dec(0), "UNFILLED_FOK_ORDER")


# -- conditional orders ----------------------------------------------------------------------------------------------


def test_a_conditional_order_reserves_nothing_until_it_triggers() -> None:
    exchange = make_exchange("100")
    deal(exchange, "b", "c", "1", "100")
    limit(exchange, "rich", SELL, "5", "106")
    order = conditional(exchange, Kind.STOP_LIMIT, BUY, "5", "105", price=dec(106))
    assert locked(exchange) == 0
    exchange.set_last_price("PERP", dec(105), 2)
    assert (order.status, quantity(exchange)) == (Status.FILLED, dec(5))


def test_a_conditional_order_without_margin_at_its_trigger_ends() -> None:
    exchange = make_exchange("10")
    deal(exchange, "b", "c", "1", "100")
    order = conditional(exchange, Kind.STOP_LIMIT, BUY, "5", "105", price=dec(106))
    exchange.set_last_price("PERP", dec(105), 2)
    assert (order.status, order.expiry_reason, locked(exchange)) == (Status.EXPIRED, "INSUFFICIENT_MARGIN", dec(0))


@pytest.mark.parametrize(
    ("source", "fires_by"),
    [(PriceSource.LAST, "last"), (PriceSource.MARK, "mark"), (PriceSource.INDEX, "index")],
)
def test_a_conditional_order_fires_by_the_price_it_names_only(source: PriceSource, fires_by: str) -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    exchange.perps.set_mark("PERP", dec(100), 1, index=dec(100))
    order = conditional(exchange, Kind.STOP_LIMIT, SELL, "1", "95", price=dec(90), trigger_by=source)
    moves: dict[str, Callable[[], None]] = {
        "last": lambda: exchange.set_last_price("PERP", dec(94), 2),
        "mark": lambda: exchange.perps.set_mark("PERP", dec(94), 2, index=dec(100)),
        "index": lambda: exchange.perps.set_mark("PERP", dec(100), 2, index=dec(94)),
    }
    fired = []
    for name, move in moves.items():
        if name != fires_by:
            move()
            exchange.perps.set_mark("PERP", dec(100), 2, index=dec(100))
            exchange.set_last_price("PERP", dec(100), 2)
            fired.append(order.is_working)
    moves[fires_by]()
    assert (*fired, order.is_working) == (False, False, True)


def test_a_trigger_that_the_mark_price_has_reached_is_refused() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    exchange.perps.set_mark("PERP", dec(90), 1)
    new = NewOrder("a", "PERP", SELL, Kind.STOP_MARKET, dec(1), trigger_price=dec(95), trigger_by=PriceSource.MARK)
    assert refusal(exchange, new) is Reason.WOULD_TRIGGER


def test_a_conditional_reduce_only_order_waits_without_a_position_and_is_asked_when_it_triggers() -> None:
    exchange = make_exchange()
    deal(exchange, "b", "c", "1", "100")
    order = conditional(exchange, Kind.STOP_MARKET, SELL, "1", "95", reduce_only=True)
    assert order.is_open
    exchange.set_last_price("PERP", dec(95), 2)
    assert (order.status, order.expiry_reason) == (Status.EXPIRED, "REDUCE_ONLY")


def test_an_order_for_the_whole_position_takes_its_size_when_it_triggers() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    whole = {"reduce_only": True, "whole_position": True, "trigger_by": PriceSource.MARK}
    order = conditional(exchange, Kind.STOP_MARKET, SELL, "0", "95", **whole)
    deal(exchange, "a", "b", "2", "100")
    limit(exchange, "rich", BUY, "10", "94")
    exchange.perps.set_mark("PERP", dec(95), 2)
    assert (order.status, order.quantity, order.executed) == (Status.FILLED, dec(3), dec(3))


def test_an_order_for_the_whole_position_goes_with_it() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    whole = conditional(exchange, Kind.STOP_MARKET, SELL, "0", "95", reduce_only=True, whole_position=True)
    part = conditional(exchange, Kind.STOP_MARKET, SELL, "1", "95", reduce_only=True)
    deal(exchange, "b", "a", "1", "100")
    assert (whole.status, whole.expiry_reason) == (Status.EXPIRED, "REDUCE_ONLY")
    assert part.is_open


def test_two_stops_that_trigger_together_close_a_position_once() -> None:
    exchange = make_exchange()
    deal(exchange, "a", "b", "1", "100")
    limit(exchange, "rich", BUY, "10", "90")
    orders = [conditional(exchange, Kind.STOP_MARKET, SELL, "1", "95", reduce_only=True) for _ in range(2)]
    whole = conditional(exchange, Kind.STOP_MARKET, SELL, "0", "95", reduce_only=True, whole_position=True)
    exchange.take_events()
    exchange.set_last_price("PERP", dec(95), 2)
    assert [order.executed for order in (*orders, whole)] == [1, 0, 0]
    assert quantity(exchange) == 0
    ends = [e.order.id for e in exchange.take_events() if isinstance(e, OrderEvent) and e.change is Change.EXPIRED]
    assert sorted(ends) == [orders[1].id, whole.id]  # each ended once


@pytest.mark.parametrize(
    ("new", "complaint"),
    [
        (NewOrder("a", "SPOT", BUY, Kind.LIMIT, dec(1), price=dec(1), reduce_only=True), "reduce-only"),
        (NewOrder("a", "PERP", BUY, Kind.MARKET, quote_quantity=dec(10)), "by quote"),
        (NewOrder("a", "PERP", BUY, Kind.LIMIT, dec(1), price=dec(1), whole_position=True), "whole position"),
    ],
)
def test_orders_that_make_no_sense_on_a_market_are_a_mistake_of_the_caller(new: NewOrder, complaint: str) -> None:
    exchange = make_exchange()
    with pytest.raises(ValueError, match=complaint):
        exchange.place(new, 1)


def test_nobody_has_a_position_in_a_spot_market() -> None:
    exchange = make_exchange()
    with pytest.raises(ValueError, match="spot market"):
        exchange.perps.position("a", "SPOT")
    with pytest.raises(ValueError, match="spot market"):
        exchange.perps.set_leverage("a", "SPOT", dec(2), 1)


# -- the background population ---------------------------------------------------------------------------------------


def test_the_population_trades_perpetuals_and_keeps_its_margin() -> None:
    exchange = Exchange(MARKETS)
    habitats = [
        Habitat("PERP", dec(100), dec("0.01"), dec("0.001"), 10, 100),
        Habitat("INVERSE", dec(100), dec("0.01"), dec(1), 10, 10),
    ]
    population = Population(exchange, habitats, seed=3)
    population.settle_in(1)
    before = {asset: exchange.accounts.total(asset) for asset in ("USDC", "XYZ")}
    for now_ns in range(2, 1_500):
        population.act(now_ns)
    for symbol in ("PERP", "INVERSE"):
        assert exchange.perps.open_interest(symbol) > 0
        assert exchange.perps.mark(symbol) is not None
        assert quantity(exchange, MAKER, symbol) == -quantity(exchange, TAKER, symbol)
        assert len(exchange.books[symbol].bids) > 5
    assert {asset: exchange.accounts.total(asset) for asset in ("USDC", "XYZ")} == before
    assert all(exchange.perps.available(account, "USDC") > 0 for account in (MAKER, TAKER))
    population.leave(2_000)
    assert locked(exchange, MAKER, "USDC") == 0
    assert locked(exchange, MAKER, "XYZ") == exchange.perps.position(MAKER, "INVERSE").margin  # that one is isolated
