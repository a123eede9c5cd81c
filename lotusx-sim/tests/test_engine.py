"""The matching engine, without any venue."""

from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from lotusx_sim.engine.accounts import Accounts, Overdrawn
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.orders import (
    Change,
    Kind,
    NewOrder,
    Order,
    OrderEvent,
    Reason,
    Refused,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
    TradeEvent,
)
from lotusx_sim.engine.terms import Fees, Market

BUY, SELL = Side.BUY, Side.SELL


def dec(value: str | int) -> Decimal:
    return Decimal(value)


def make_exchange(**balances: int) -> Exchange:
    exchange = Exchange([Market("XY", "X", "Y", dec("0.001"))])
    for account in ("a", "b", "c"):
        exchange.open_account(account, {"X": dec(balances.get("X", 100)), "Y": dec(balances.get("Y", 100_000))})
    return exchange


def limit(exchange: Exchange, account: str, side: Side, quantity: str, price: str, **more: object) -> Order:
    new = NewOrder(account, "XY", side, Kind.LIMIT, dec(quantity), price=dec(price), **more)  # type: ignore[arg-type]
    return exchange.place(new, 1)


def market(exchange: Exchange, account: str, side: Side, quantity: str = "0", quote: str | None = None) -> Order:
    return exchange.place(
        NewOrder(account, "XY", side, Kind.MARKET, dec(quantity), quote_quantity=dec(quote) if quote else None), 2
    )


def conditional(exchange: Exchange, kind: Kind, side: Side, trigger: str | None, **more: object) -> Order:
    trigger_price = dec(trigger) if trigger else None
    return exchange.place(
        NewOrder("a", "XY", side, kind, dec(1), trigger_price=trigger_price, **more),  # type: ignore[arg-type]
        1,
    )


def print_price(exchange: Exchange, price: str) -> None:
    """Let b and c trade a little at *price*."""
    limit(exchange, "b", SELL, "0.001", price)
    limit(exchange, "c", BUY, "0.001", price)


def test_better_price_goes_first_and_then_the_older_order() -> None:
    exchange = make_exchange()
    late, early, best = (limit(exchange, "b", SELL, "1", price) for price in ("11", "11", "10"))
    taker = limit(exchange, "a", BUY, "2.5", "11")

    assert [fill.order_id for fill in exchange.fills if fill.is_maker] == [best.id, late.id, early.id]
    assert taker.executed_quote == dec("10") + dec("11") + dec("5.5")
    assert early.remaining == dec("0.5")


def test_a_taker_pays_the_makers_price_and_gets_the_rest_of_its_reserve_back() -> None:
    exchange = make_exchange()
    limit(exchange, "b", SELL, "1", "10")
    limit(exchange, "a", BUY, "1", "12")

    balance = exchange.accounts.balance("a", "Y")
    assert (balance.free, balance.locked) == (dec(99_990), dec(0))


def test_fees_come_out_of_what_is_received() -> None:
    exchange = make_exchange()
    exchange.set_fees("a", Fees(dec("0.001"), dec("0.002")))
    limit(exchange, "b", SELL, "1", "10")
    limit(exchange, "a", BUY, "1", "10")

    assert exchange.accounts.balance("a", "X").free == dec("100.998")
    assert exchange.accounts.balance("b", "Y").free == dec("100009.99")
    assert exchange.accounts.balance("venue-fees", "X").free == dec("0.002")


def test_a_resting_order_locks_its_funds_until_it_is_cancelled() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "2", "10")
    assert exchange.accounts.balance("a", "Y").locked == 20
    exchange.cancel(order, 2)
    assert exchange.accounts.balance("a", "Y").locked == 0
    assert order.status is Status.CANCELED


def test_an_order_beyond_the_funds_is_refused_and_leaves_no_trace() -> None:
    exchange = make_exchange(Y=10)
    with pytest.raises(Refused) as caught:
        limit(exchange, "a", BUY, "2", "10")
    assert caught.value.reason is Reason.INSUFFICIENT_FUNDS
    assert exchange.orders == {}
    assert exchange.take_events() == []


def test_post_only_is_refused_when_it_would_take() -> None:
    exchange = make_exchange()
    limit(exchange, "b", SELL, "1", "10")
    with pytest.raises(Refused) as caught:
        limit(exchange, "a", BUY, "1", "10", post_only=True)
    assert caught.value.reason is Reason.WOULD_TAKE


def test_immediate_or_cancel_fills_what_is_there_and_expires() -> None:
    exchange = make_exchange()
    limit(exchange, "b", SELL, "1", "10")
    order = limit(exchange, "a", BUY, "3", "10", time_in_force=TimeInForce.IOC)
    assert (order.status, order.executed) == (Status.EXPIRED, dec(1))
    assert exchange.accounts.balance("a", "Y").locked == 0


@pytest.mark.parametrize(("quantity", "status"), [("2", Status.FILLED), ("2.001", Status.EXPIRED)])
def test_fill_or_kill_fills_all_or_nothing(quantity: str, status: Status) -> None:
    exchange = make_exchange()
    limit(exchange, "b", SELL, "1", "10")
    limit(exchange, "b", SELL, "1", "11")
    order = limit(exchange, "a", BUY, quantity, "11", time_in_force=TimeInForce.FOK)
    assert order.status is status
    assert order.executed in (0, dec(quantity))


def test_a_market_order_by_quote_buys_whole_steps_only() -> None:
    exchange = make_exchange()
    limit(exchange, "b", SELL, "1", "7")
    order = market(exchange, "a", BUY, quote="5")
    assert (order.status, order.executed, order.quantity) == (Status.FILLED, dec("0.714"), dec("0.714"))
    assert [e.order.status for e in exchange.take_events() if isinstance(e, OrderEvent) and e.account == "a"][
        -1
    ] is Status.FILLED


def test_a_market_order_by_quote_walks_levels() -> None:
    exchange = make_exchange()
    limit(exchange, "b", SELL, "1", "10")
    limit(exchange, "b", SELL, "1", "20")
    order = market(exchange, "a", BUY, quote="20")
    assert (order.executed, order.executed_quote) == (dec("1.5"), dec("20"))


def test_a_market_order_sells_by_quote() -> None:
    exchange = make_exchange()
    limit(exchange, "b", BUY, "5", "10")
    order = market(exchange, "a", SELL, quote="25")
    assert (order.status, order.executed) == (Status.FILLED, dec("2.5"))


@pytest.mark.parametrize("side", [SELL, BUY])
def test_a_market_order_that_expires_own_orders_reserves_for_those_behind_them(side: Side) -> None:
    exchange = make_exchange()
    own, behind = ("20", "10") if side is SELL else ("10", "20")
    limit(exchange, "a", side.opposite, "1", own)
    limit(exchange, "b", side.opposite, "5", behind)
    order = market(exchange, "a", SELL, quote="20") if side is SELL else market(exchange, "a", BUY, "1")

    assert (order.status, order.executed_quote) == (Status.FILLED, dec(20))
    assert {asset: balance.locked for asset, balance in exchange.accounts.balances("a").items()} == {"X": 0, "Y": 0}


@pytest.mark.parametrize("mode", [SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH, SelfTrade.DECREMENT])
def test_a_market_order_that_ends_at_an_own_order_reserves_no_more(mode: SelfTrade) -> None:
    exchange = make_exchange(X=1)
    for account, price in (("b", "20"), ("a", "15"), ("b", "10")):
        limit(exchange, account, BUY, "1", price)
    sell = NewOrder("a", "XY", SELL, Kind.MARKET, quote_quantity=dec(45), self_trade=mode)
    order = exchange.place(sell, 2)  # without its own order it would have to sell three, and has one

    assert (order.status, order.executed) == (Status.EXPIRED_IN_MATCH, dec(1))
    assert exchange.accounts.balance("a", "X").locked == 0


def test_no_account_pays_or_frees_more_than_it_has() -> None:
    accounts = Accounts()
    accounts.open("a", {"X": dec(3)})
    accounts.open("b", {})
    accounts.set_aside("a", "X", dec(1))
    refused = r"a has \d X (free|locked)"
    with pytest.raises(Overdrawn, match=refused):
        accounts.pay("a", "b", "X", dec("2.001"), from_locked=False)
    with pytest.raises(Overdrawn, match=refused):
        accounts.pay("a", "b", "X", dec("1.001"), from_locked=True)
    with pytest.raises(Overdrawn, match=refused):
        accounts.unlock("a", "X", dec("1.001"))
    assert (accounts.balance("a", "X").free, accounts.balance("a", "X").locked) == (dec(2), dec(1))
    assert accounts.total("X") == 3


def test_a_market_order_without_a_book_expires() -> None:
    exchange = make_exchange()
    order = market(exchange, "a", BUY, "1")
    assert (order.status, order.expiry_reason) == (Status.EXPIRED, "INSUFFICIENT_LIQUIDITY")


def test_a_client_id_is_free_again_once_its_order_is_done() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "1", "10", client_id="one")
    with pytest.raises(Refused) as caught:
        limit(exchange, "a", BUY, "1", "10", client_id="one")
    assert caught.value.reason is Reason.DUPLICATE_CLIENT_ID
    exchange.cancel(order, 2)
    again = limit(exchange, "a", BUY, "1", "10", client_id="one")
    assert exchange.find("a", "XY", client_id="one") is again


def test_reducing_keeps_the_place_in_the_queue_and_frees_the_difference() -> None:
    exchange = make_exchange()
    first = limit(exchange, "a", BUY, "5", "10", client_id="one")
    limit(exchange, "b", BUY, "5", "10")
    exchange.reduce(first, dec(2), 2, client_id="two")
    assert exchange.accounts.balance("a", "Y").locked == 20
    market(exchange, "c", SELL, "2")
    assert first.status is Status.FILLED
    assert first.client_id == "two"


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [("5", Reason.NO_CHANGE), ("6", Reason.NOT_A_DECREASE), ("1", Reason.BELOW_EXECUTED)],
)
def test_an_amendment_must_be_a_decrease_above_what_is_executed(quantity: str, reason: Reason) -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "5", "10")
    market(exchange, "c", SELL, "1")
    with pytest.raises(Refused) as caught:
        exchange.reduce(order, dec(quantity), 2)
    assert caught.value.reason is reason


def test_an_amendment_cannot_leave_less_than_self_trade_prevention_took() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "5", "10")
    limit(exchange, "a", SELL, "2", "10", self_trade=SelfTrade.DECREMENT)
    with pytest.raises(Refused) as caught:
        exchange.reduce(order, dec(2), 2)
    assert caught.value.reason is Reason.BELOW_EXECUTED
    assert exchange.reduce(order, dec(3), 2).remaining == 1


@pytest.mark.parametrize(
    ("mode", "taker", "maker"),
    [
        (SelfTrade.EXPIRE_TAKER, Status.EXPIRED_IN_MATCH, Status.NEW),
        (SelfTrade.EXPIRE_MAKER, Status.NEW, Status.EXPIRED_IN_MATCH),
        (SelfTrade.EXPIRE_BOTH, Status.EXPIRED_IN_MATCH, Status.EXPIRED_IN_MATCH),
        (SelfTrade.DECREMENT, Status.NEW, Status.EXPIRED_IN_MATCH),
        (SelfTrade.NONE, Status.PARTIALLY_FILLED, Status.FILLED),
    ],
)
def test_self_trade_prevention_ends_the_right_order(mode: SelfTrade, taker: Status, maker: Status) -> None:
    exchange = make_exchange()
    resting = limit(exchange, "a", SELL, "1", "10")
    order = limit(exchange, "a", BUY, "3", "10", self_trade=mode)
    assert (order.status, resting.status) == (taker, maker)
    if mode is SelfTrade.DECREMENT:
        assert order.remaining == 2
        assert exchange.accounts.balance("a", "Y").locked == 20


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "quiet", "firing"),
    [
        (Kind.STOP_MARKET, SELL, "90", "91", "90"),
        (Kind.STOP_MARKET, BUY, "110", "109", "110"),
        (Kind.TAKE_PROFIT_MARKET, SELL, "110", "109", "111"),
        (Kind.TAKE_PROFIT_MARKET, BUY, "90", "91", "89"),
    ],
)
def test_a_conditional_order_fires_on_the_last_price(
    kind: Kind, side: Side, trigger: str, quiet: str, firing: str
) -> None:
    exchange = make_exchange()
    print_price(exchange, "100")
    limit(exchange, "b", side.opposite, "5", "40" if side is SELL else "170")
    order = conditional(exchange, kind, side, trigger)
    exchange.set_last_price("XY", dec(quiet), 2)
    assert order.working_ns is None
    exchange.set_last_price("XY", dec(firing), 3)
    assert order.status is Status.FILLED
    kinds = [e.change for e in exchange.take_events() if isinstance(e, OrderEvent) and e.order.id == order.id]
    assert kinds == [Change.NEW, Change.NEW, Change.TRADE]


def test_a_stop_that_is_already_reached_is_refused() -> None:
    exchange = make_exchange()
    print_price(exchange, "100")
    with pytest.raises(Refused) as caught:
        conditional(exchange, Kind.STOP_MARKET, SELL, "100")
    assert caught.value.reason is Reason.WOULD_TRIGGER


def test_a_stop_limit_rests_at_its_price_after_the_trigger() -> None:
    exchange = make_exchange()
    print_price(exchange, "100")
    order = conditional(exchange, Kind.STOP_LIMIT, SELL, "90", price=dec(95))
    assert exchange.accounts.balance("a", "X").locked == 1
    exchange.set_last_price("XY", dec(90), 2)
    assert order.is_working
    assert exchange.books["XY"].best_ask() == 95


def test_a_waiting_stop_can_be_cancelled_and_frees_its_funds() -> None:
    exchange = make_exchange()
    print_price(exchange, "100")
    order = conditional(exchange, Kind.STOP_MARKET, SELL, "90")
    exchange.cancel(order, 2)
    exchange.set_last_price("XY", dec(80), 3)
    assert order.status is Status.CANCELED
    assert exchange.accounts.balance("a", "X").locked == 0


def test_a_trailing_stop_follows_the_price_up_and_fires_on_the_way_back() -> None:
    exchange = make_exchange()
    print_price(exchange, "100")
    limit(exchange, "b", BUY, "5", "50")
    order = conditional(exchange, Kind.STOP_MARKET, SELL, None, trailing_bps=1000)
    for price in ("95", "120", "109"):
        exchange.set_last_price("XY", dec(price), 2)
        assert order.working_ns is None
    exchange.set_last_price("XY", dec(108), 3)
    assert order.status is Status.FILLED


def test_a_trailing_stop_with_a_stop_price_waits_for_it_first() -> None:
    exchange = make_exchange()
    print_price(exchange, "100")
    limit(exchange, "b", SELL, "5", "200")
    order = conditional(exchange, Kind.TAKE_PROFIT_MARKET, BUY, "90", trailing_bps=1000)
    for price in ("95", "105", "90", "85"):
        exchange.set_last_price("XY", dec(price), 2)
        assert order.working_ns is None
    exchange.set_last_price("XY", dec("93.5"), 3)
    assert order.status is Status.FILLED


def test_one_trade_can_trigger_a_chain() -> None:
    exchange = make_exchange()
    print_price(exchange, "100")
    for price in ("95", "85", "75"):
        limit(exchange, "b", BUY, "1", price)
    first = conditional(exchange, Kind.STOP_MARKET, SELL, "95")
    second = conditional(exchange, Kind.STOP_MARKET, SELL, "85")
    market(exchange, "c", SELL, "1")
    assert (first.status, second.status) == (Status.FILLED, Status.FILLED)


def test_what_the_exchange_expires_is_final() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "1", "10")
    exchange.expire(order, 2, "EXCHANGE_CANCELED")
    with pytest.raises(Refused):
        exchange.cancel(order, 3)
    assert order.status is Status.EXPIRED


def test_what_has_ended_is_not_ended_again() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "1", "10")
    exchange.cancel(order, 2)
    with pytest.raises(Refused) as caught:
        exchange.expire(order, 3, "EXCHANGE_CANCELED")
    assert caught.value.reason is Reason.UNKNOWN_ORDER
    assert order.status is Status.CANCELED


def test_fill_resting_reaches_an_order_deep_in_the_book() -> None:
    exchange = make_exchange()
    order = limit(exchange, "a", BUY, "2", "5")
    limit(exchange, "b", BUY, "2", "10")
    assert exchange.fill_resting(order, dec(1), "c", 2) == 1
    assert (order.status, order.executed) == (Status.PARTIALLY_FILLED, dec(1))


def test_a_withdrawal_beyond_the_free_balance_is_refused() -> None:
    exchange = make_exchange()
    with pytest.raises(Refused):
        exchange.transfer("a", "X", dec(-101), 1)


ORDERS = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from([BUY, SELL]),
    st.integers(1, 4000),
    st.integers(90, 110),
    st.sampled_from(["limit", "post", "ioc", "fok", "market", "quote", "stop", "trail", "cancel", "reduce"]),
    st.sampled_from(list(SelfTrade)),
)


def do(exchange: Exchange, step: tuple[str, Side, int, int, str, SelfTrade], now_ns: int) -> None:
    account, side, thousandths, price, what, mode = step
    quantity, at = dec(thousandths) / 1000, dec(price)
    mine = exchange.open_orders(account)
    kinds = {"market": Kind.MARKET, "quote": Kind.MARKET, "stop": Kind.STOP_LIMIT, "trail": Kind.STOP_MARKET}
    kind = kinds.get(what, Kind.LIMIT)
    try:
        if what == "cancel" and mine:
            exchange.cancel(mine[thousandths % len(mine)], now_ns)
        elif what == "reduce" and mine:
            exchange.reduce(mine[0], mine[0].quantity - dec("0.001"), now_ns)
        elif what not in ("cancel", "reduce"):
            exchange.place(
                NewOrder(
                    account,
                    "XY",
                    side,
                    kind,
                    dec(0) if what == "quote" else quantity,
                    price=at if kind.is_limit else None,
                    quote_quantity=quantity * 100 if what == "quote" else None,
                    time_in_force={"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}.get(what, TimeInForce.GTC),
                    post_only=what == "post",
                    trigger_price=at if what == "stop" else None,
                    trailing_bps=100 if what == "trail" else None,
                    self_trade=mode,
                ),
                now_ns,
            )
    except Refused:
        return


@settings(max_examples=150, deadline=None)
@given(st.lists(ORDERS, min_size=5, max_size=60))
def test_nothing_appears_or_vanishes_and_no_book_is_crossed(steps: list) -> None:  # type: ignore[type-arg]
    exchange = make_exchange(X=5, Y=500)
    before = {asset: exchange.accounts.total(asset) for asset in ("X", "Y")}
    for number, step in enumerate(steps):
        do(exchange, step, number)
        assert {asset: exchange.accounts.total(asset) for asset in ("X", "Y")} == before
        bid, ask = exchange.books["XY"].best_bid(), exchange.books["XY"].best_ask()
        assert bid is None or ask is None or bid < ask
        for account in "abc":
            for balance in exchange.accounts.balances(account).values():
                assert balance.free >= 0
                assert balance.locked >= 0
    for order in exchange.orders.values():
        assert order.executed == sum((fill.quantity for fill in order.fills), dec(0))
    for account in "abc":
        reserved = {"X": dec(0), "Y": dec(0)}
        for order in exchange.open_orders(account):
            reserved[order.reserved_asset] += order.reserved
        locked = {asset: exchange.accounts.balance(account, asset).locked for asset in ("X", "Y")}
        assert locked == reserved


@settings(max_examples=60, deadline=None)
@given(st.lists(ORDERS, min_size=5, max_size=60))
def test_trades_at_one_level_follow_time_priority(steps: list) -> None:  # type: ignore[type-arg]
    exchange = make_exchange(X=50, Y=5000)
    for number, step in enumerate(steps):
        do(exchange, step, number)
    last_maker: dict[tuple[int, Decimal, Side], int] = {}
    for maker in (fill for fill in exchange.fills if fill.is_maker):
        taker = next(f for f in exchange.fills if f.trade_id == maker.trade_id and not f.is_maker)
        key = (taker.order_id, maker.price, maker.side)
        assert last_maker.get(key, 0) <= _queued(exchange, maker.order_id)
        last_maker[key] = _queued(exchange, maker.order_id)


def _queued(exchange: Exchange, order_id: int) -> int:
    working_ns = exchange.orders[order_id].working_ns
    assert working_ns is not None
    return working_ns


def test_public_trades_carry_the_takers_side() -> None:
    exchange = make_exchange()
    limit(exchange, "b", BUY, "1", "10")
    market(exchange, "a", SELL, "1")
    trades = [event for event in exchange.take_events() if isinstance(event, TradeEvent)]
    assert [trade.taker_side for trade in trades] == [SELL]
