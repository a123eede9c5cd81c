"""Binance spot over REST: shapes, codes, limits."""

from decimal import Decimal
from typing import Any

import pytest
from sim_calls import Caller

from lotusx_sim import BinanceSpot
from lotusx_sim.dialects.binance import DEFAULT_KEY, LimitRules
from lotusx_sim.engine.terms import Fees


def test_ping_and_time(caller: Caller) -> None:
    assert caller.public("/api/v3/ping") == {}
    assert caller.public("/api/v3/time") == {"serverTime": caller.clock.now_ns() // 1_000_000}


def test_times_come_in_microseconds_on_request(caller: Caller) -> None:
    answer = caller.raw("GET", "/api/v3/time", headers={"x-mbx-time-unit": "MICROSECOND"})
    assert answer["serverTime"] == caller.clock.now_ns() // 1_000
    assert caller.raw("GET", "/api/v3/time", headers={"x-mbx-time-unit": "HOUR"})["code"] == -1194


def test_exchange_info_lists_every_instrument_with_filters(caller: Caller) -> None:
    info = caller.public("/api/v3/exchangeInfo")
    by_name = {item["symbol"]: item for item in info["symbols"]}
    assert {"BTCUSDT", "ETHUSDT", "BNBUSDT", "ETHBTC", "SOLUSDT", "币安人生USDT"} <= set(by_name)
    assert by_name["LUNAUSDT"]["status"] == "BREAK"
    kinds = {item["filterType"] for item in by_name["BTCUSDT"]["filters"]}
    assert {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL", "PERCENT_PRICE_BY_SIDE"} <= kinds
    assert by_name["BTCUSDT"]["permissionSets"] == [["SPOT"]]


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"symbol": "BTCUSDT"}, 1),
        ({"symbols": '["BTCUSDT","ETHUSDT"]'}, 2),
        ({"permissions": "SPOT"}, 7),
        ({"symbolStatus": "BREAK"}, 1),
    ],
)
def test_exchange_info_can_be_narrowed(caller: Caller, params: dict[str, str], count: int) -> None:
    assert len(caller.public("/api/v3/exchangeInfo", **params)["symbols"]) == count


def test_permission_sets_can_be_left_out(caller: Caller) -> None:
    info = caller.public("/api/v3/exchangeInfo", showPermissionSets="false")
    assert all(item["permissionSets"] == [] for item in info["symbols"])


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/api/v3/depth", {}, -1102),
        ("/api/v3/depth", {"symbol": "NOPEUSDT"}, -1121),
        ("/api/v3/depth", {"symbol": "btcusdt"}, -1100),
        ("/api/v3/depth", {"symbol": ""}, -1102),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "many"}, -1100),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "0"}, -1130),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "99999999999999999999"}, -1108),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "surprise": "1"}, -1104),
        ("/api/v3/ping", {"surprise": "1"}, -1101),
        ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("/api/v3/klines", {"symbol": "BTCUSDT"}, -1102),
        ("/api/v3/exchangeInfo", {"symbol": "BTCUSDT", "permissions": "SPOT"}, -1128),
        ("/api/v3/exchangeInfo", {"symbols": '["BTCUSDT","BTCUSDT"]'}, -1151),
        ("/api/v3/exchangeInfo", {"symbols": "BTCUSDT"}, -1100),
        ("/api/v3/exchangeInfo", {"symbolStatus": "ASLEEP"}, -1122),
        ("/api/v3/exchangeInfo", {"showPermissionSets": "perhaps"}, -1130),
        ("/api/v3/ticker/24hr", {"type": "HUGE"}, -1139),
        ("/api/v3/ticker/24hr", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
        ("/api/v3/aggTrades", {"symbol": "BTCUSDT", "fromId": "1", "startTime": "1"}, -1128),
        ("/api/v3/exchangeInfo", {"symbol": ""}, -1105),
    ],
)
def test_bad_parameters_get_the_venues_code(caller: Caller, path: str, params: dict[str, str], code: int) -> None:
    answer = caller.public(path, **params)
    assert (caller.last.status, answer["code"]) == (400, code)


def test_a_parameter_sent_twice_is_refused(caller: Caller) -> None:
    assert caller.raw("GET", "/api/v3/depth?symbol=BTCUSDT&symbol=BTCUSDT")["code"] == -1101


def test_an_unknown_path_is_an_html_404(caller: Caller) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        caller.raw("GET", "/api/v3/nowhere")
    assert caller.last.status == 404
    assert caller.raw("PATCH", "/api/v3/order")["code"] == -1000
    assert caller.last.status == 405


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_listen_keys_are_gone(caller: Caller, method: str) -> None:
    caller.raw(method, "/api/v3/userDataStream")
    assert caller.last.status == 410


def test_depth_is_sorted_and_not_crossed(caller: Caller) -> None:
    book = caller.public("/api/v3/depth", symbol="BTCUSDT", limit=20)
    bids, asks = ([Decimal(price) for price, _ in book[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 20
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]


def test_candles_page_without_gaps(caller: Caller) -> None:
    rows = caller.public("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=1000)
    start = rows[0][0] - 500 * 60_000
    older = caller.public("/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=start, limit=500)
    opens = [row[0] for row in older + rows]
    assert opens == list(range(opens[0], opens[0] + 1500 * 60_000, 60_000))
    assert all(row[6] == row[0] + 59_999 for row in rows)
    assert older[-1][4] == rows[0][1]


@pytest.mark.parametrize("interval", ["1s", "5m", "1h", "12h", "1d", "3d", "1w", "1M"])
def test_every_interval_has_candles(caller: Caller, interval: str) -> None:
    caller.sim.trade("BTCUSDT", "buy", "0.01")
    caller.step(2)
    rows = caller.public("/api/v3/klines", symbol="BTCUSDT", interval=interval, endTime=caller.clock.now_ns())
    assert rows
    for row in rows:
        assert Decimal(row[3]) <= Decimal(row[4]) <= Decimal(row[2])


def test_hours_add_up_to_their_minutes(caller: Caller) -> None:
    hour = caller.public("/api/v3/klines", symbol="ETHUSDT", interval="1h", limit=2)[0]
    minutes = caller.public(
        "/api/v3/klines", symbol="ETHUSDT", interval="1m", startTime=hour[0], endTime=hour[6], limit=60
    )
    assert len(minutes) == 60
    assert Decimal(hour[5]) == sum(Decimal(row[5]) for row in minutes)
    assert Decimal(hour[2]) == max(Decimal(row[2]) for row in minutes)
    assert (hour[1], hour[4]) == (minutes[0][1], minutes[-1][4])


def test_trades_show_in_every_list(caller: Caller) -> None:
    caller.sim.trade("BTCUSDT", "sell", "0.5")
    trades = caller.public("/api/v3/trades", symbol="BTCUSDT")
    assert trades[-1]["isBuyerMaker"] is True
    since = caller.public("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=trades[-1]["id"])
    assert since == trades[-1:]
    assert caller.public("/api/v3/historicalTrades", symbol="BTCUSDT") == trades
    aggregates = caller.public("/api/v3/aggTrades", symbol="BTCUSDT")
    assert aggregates[-1]["l"] == trades[-1]["id"]
    assert sum(Decimal(a["q"]) for a in aggregates) == sum(Decimal(t["qty"]) for t in trades)
    later = caller.public("/api/v3/aggTrades", symbol="BTCUSDT", fromId=aggregates[-1]["a"])
    assert later == aggregates[-1:]


def test_tickers_agree_with_each_other(caller: Caller) -> None:
    day = caller.public("/api/v3/ticker/24hr", symbol="BTCUSDT")
    book = caller.public("/api/v3/ticker/bookTicker", symbol="BTCUSDT")
    price = caller.public("/api/v3/ticker/price", symbol="BTCUSDT")
    assert day["lastPrice"] == price["price"]
    assert (day["bidPrice"], day["askPrice"]) == (book["bidPrice"], book["askPrice"])
    assert len(caller.public("/api/v3/ticker/price")) == 7
    mini = caller.public("/api/v3/ticker/24hr", symbols='["BTCUSDT"]', type="MINI")
    assert "bidPrice" not in mini[0]
    assert Decimal(caller.public("/api/v3/avgPrice", symbol="BTCUSDT")["price"]) > 0


def test_an_order_lives_and_is_cancelled(caller: Caller) -> None:
    placed = caller.limit(newClientOrderId="one")
    assert (placed["status"], placed["fills"]) == ("NEW", [])
    asked = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="one")
    assert (asked["orderId"], asked["isWorking"]) == (placed["orderId"], True)
    gone = caller.signed(
        "DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"], newClientOrderId="undo"
    )
    assert (gone["status"], gone["origClientOrderId"], gone["clientOrderId"]) == ("CANCELED", "one", "undo")
    assert caller.signed("GET", "/api/v3/openOrders") == []


def test_a_market_order_fills_with_fees(caller: Caller) -> None:
    filled = caller.place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    assert filled["status"] == "FILLED"
    assert sum(Decimal(fill["qty"]) for fill in filled["fills"]) == Decimal("0.01")
    assert all(fill["commissionAsset"] == "BTC" for fill in filled["fills"])
    mine = caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=filled["orderId"])
    assert [trade["id"] for trade in mine] == [fill["tradeId"] for fill in filled["fills"]]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("ACK", 5), ("RESULT", 16), ("FULL", 17)],
)
def test_the_reply_is_as_long_as_asked(caller: Caller, kind: str, fields: int) -> None:
    assert len(caller.limit(newOrderRespType=kind)) == fields


def test_a_stop_order_replies_with_an_acknowledgement_by_default(caller: Caller) -> None:
    placed = caller.place(symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity="0.01", stopPrice="60000")
    assert set(placed) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    asked = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert (asked["type"], asked["isWorking"], asked["stopPrice"]) == ("STOP_LOSS", False, "60000.00000000")


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_an_unfilled_immediate_order_expires_without_an_error(caller: Caller, tif: str) -> None:
    answer = caller.limit(timeInForce=tif)
    assert (caller.last.status, answer["status"]) == (200, "EXPIRED")
    assert answer["expiryReason"].startswith("UNFILLED_")


ORDER_ERRORS: list[tuple[dict[str, Any], int, str]] = [
    ({"price": "60000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"price": "2000000"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"price": "400000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "0.0100001"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
    ({"quantity": "9000", "price": "68000"}, -1013, "Filter failure: NOTIONAL"),
    ({"quantity": "0"}, -1013, "Invalid quantity."),
    ({"price": "60000.123456789"}, -1111, "too much precision"),
    ({"quantity": "1e-2"}, -1100, "Illegal characters"),
    ({"quantity": "-1"}, -1100, "Illegal characters"),
    ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
    ({"symbol": "LUNAUSDT", "price": "0.4", "quantity": "100"}, -2010, "Market is closed."),
    ({"side": "HOLD"}, -1117, "Invalid side."),
    ({"type": "GUESS"}, -1116, "Invalid orderType."),
    ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    ({"quantity": "5"}, -2010, "Account has insufficient balance for requested action."),
    ({"newClientOrderId": "bad id"}, -1100, "newClientOrderId"),
    ({"newClientOrderId": "x" * 37}, -1100, "newClientOrderId"),
    ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
    ({"quoteOrderQty": "1"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
    ({"strategyType": "1"}, -1134, "strategyType"),
    ({"selfTradePreventionMode": "PLEASE"}, -1100, "selfTradePreventionMode"),
    ({"newOrderRespType": "EVERYTHING"}, -1100, "newOrderRespType"),
    ({"icebergQty": "0.001"}, -2010, "Iceberg orders are not supported for this symbol."),
    ({"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
    ({"type": "STOP_LOSS_LIMIT"}, -1102, "'stopPrice' or 'trailingDelta'"),
    ({"type": "STOP_LOSS_LIMIT", "trailingDelta": "1"}, -1013, "Filter failure: TRAILING_DELTA"),
    ({"type": "STOP_LOSS_LIMIT", "stopPrice": "60000"}, -2010, "Order would trigger immediately."),
]


@pytest.mark.parametrize(("change", "code", "message"), ORDER_ERRORS)
def test_a_wrong_order_gets_the_venues_code(caller: Caller, change: dict[str, str], code: int, message: str) -> None:
    answer = caller.limit(**change)
    assert (caller.last.status, answer["code"]) == (400, code)
    assert message in answer["msg"]
    assert caller.sim.orders() == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"quantity": "0.1", "quoteOrderQty": "10"}, -1128),
        ({"quantity": "0.1", "price": "1"}, -1106),
        ({"quantity": "2000"}, -1013),
        ({"quoteOrderQty": "1"}, -1013),
        ({"quantity": "0.1", "timeInForce": "GTC"}, -1106),
    ],
)
def test_a_wrong_market_order_gets_the_venues_code(caller: Caller, params: dict[str, str], code: int) -> None:
    assert caller.place(symbol="BTCUSDT", side="BUY", type="MARKET", **params)["code"] == code


@pytest.mark.parametrize("name", ["symbol", "side", "type", "timeInForce", "quantity", "price"])
def test_a_missing_parameter_is_named(caller: Caller, name: str) -> None:
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "9"}
    del params[name]
    answer = caller.place(**params)
    assert answer["code"] == -1102
    assert f"'{name}'" in answer["msg"]


def test_post_only_that_would_take_is_rejected(caller: Caller) -> None:
    answer = caller.place(symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.01", price="69000")
    assert (answer["code"], answer["msg"]) == (-2010, "Order would immediately match and take.")


def test_a_client_id_in_use_is_a_duplicate(caller: Caller) -> None:
    caller.limit(newClientOrderId="one")
    assert caller.limit(newClientOrderId="one") == {"code": -2010, "msg": "Duplicate order sent."}


def test_only_so_many_orders_may_be_open() -> None:
    from dataclasses import replace

    from lotusx_sim.dialects.binance import SYMBOLS

    caller = Caller(BinanceSpot(symbols=[replace(SYMBOLS[0], max_orders=2)], actions_per_s=0))
    caller.limit()
    caller.limit()
    assert caller.limit()["msg"] == "Filter failure: MAX_NUM_ORDERS"


def test_only_so_many_conditional_orders_may_wait(caller: Caller) -> None:
    params = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "60000"}
    for _ in range(5):
        caller.place(**params)
    assert caller.place(**params)["msg"] == "Filter failure: MAX_NUM_ALGO_ORDERS"


def test_a_test_order_is_checked_and_goes_nowhere(caller: Caller) -> None:
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert caller.signed("POST", "/api/v3/order/test", **params) == {}
    rates = caller.signed("POST", "/api/v3/order/test", **params, computeCommissionRates="true")
    assert rates["standardCommissionForOrder"]["taker"] == "0.00100000"
    assert caller.sim.orders() == []


def test_cancelling_what_is_not_there_is_refused(caller: Caller) -> None:
    answer = caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=1)
    assert answer == {"code": -2011, "msg": "Unknown order sent."}
    assert caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT")["code"] == -1102
    assert caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")["code"] == -2011
    assert caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=1)["code"] == -2013


def test_cancel_restrictions_hold(caller: Caller) -> None:
    order = caller.limit()
    restricted = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    answer = caller.signed("DELETE", "/api/v3/order", **restricted, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert answer["msg"] == "Order was not canceled due to cancel restrictions."
    assert caller.signed("DELETE", "/api/v3/order", **restricted, cancelRestrictions="SOME")["code"] == -1145
    answer = caller.signed("DELETE", "/api/v3/order", **restricted, cancelRestrictions="ONLY_NEW")
    assert answer["status"] == "CANCELED"


def test_cancel_all_cancels_one_symbol(caller: Caller) -> None:
    caller.limit()
    caller.limit(symbol="ETHUSDT", price="2000", quantity="1")
    assert len(caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")) == 1
    assert [order["symbol"] for order in caller.signed("GET", "/api/v3/openOrders")] == ["ETHUSDT"]


def replace_params(**more: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
        "price": "61000", "cancelReplaceMode": "STOP_ON_FAILURE", **more,
    }  # fmt: skip


def replace_order(caller: Caller, **more: Any) -> Any:
    return caller.signed("POST", "/api/v3/order/cancelReplace", **replace_params(**more))


def test_cancel_replace_does_both(caller: Caller) -> None:
    old = caller.limit()
    answer = replace_order(caller, cancelOrderId=old["orderId"])
    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert answer["newOrderResponse"]["orderId"] != old["orderId"]


def test_cancel_replace_stops_when_there_is_nothing_to_cancel(caller: Caller) -> None:
    answer = replace_order(caller, cancelOrderId=1)
    assert (caller.last.status, answer["code"]) == (400, -2022)
    assert answer["data"]["newOrderResult"] == "NOT_ATTEMPTED"


def test_cancel_replace_can_place_although_nothing_was_cancelled(caller: Caller) -> None:
    answer = replace_order(caller, cancelOrderId=1, cancelReplaceMode="ALLOW_FAILURE")
    assert (caller.last.status, answer["code"]) == (409, -2021)
    assert (answer["data"]["cancelResult"], answer["data"]["newOrderResult"]) == ("FAILURE", "SUCCESS")


def test_cancel_replace_can_cancel_and_then_fail_to_place(caller: Caller) -> None:
    old = caller.limit()
    answer = replace_order(caller, cancelOrderId=old["orderId"], quantity="50")
    assert (caller.last.status, answer["code"]) == (409, -2021)
    assert answer["data"]["newOrderResponse"]["code"] == -2010
    assert caller.sim.open_orders() == []


def test_cancel_replace_can_fail_twice(caller: Caller) -> None:
    answer = replace_order(caller, cancelOrderId=1, quantity="50", cancelReplaceMode="ALLOW_FAILURE")
    assert (caller.last.status, answer["code"]) == (400, -2022)


def test_cancel_replace_needs_a_mode(caller: Caller) -> None:
    params = replace_params(cancelOrderId=1)
    del params["cancelReplaceMode"]
    assert caller.signed("POST", "/api/v3/order/cancelReplace", **params)["code"] == -1102


def test_cancel_replace_checks_the_new_order_before_it_cancels(caller: Caller) -> None:
    old = caller.limit()
    assert replace_order(caller, cancelOrderId=old["orderId"], price="61000.001")["code"] == -1013
    assert len(caller.sim.open_orders()) == 1


def amend(caller: Caller, **params: Any) -> Any:
    return caller.signed("PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT", **params)


def test_an_amendment_lowers_the_quantity_and_renames(caller: Caller) -> None:
    order = caller.limit(newClientOrderId="one")
    answer = amend(caller, orderId=order["orderId"], newQty="0.005", newClientOrderId="two")["amendedOrder"]
    assert (answer["qty"], answer["origClientOrderId"], answer["clientOrderId"]) == ("0.00500000", "one", "two")
    assert caller.sim.open_order_ids() == ["two"]


@pytest.mark.parametrize(("quantity", "code"), [("0.02", -2038), ("0.01", -2038), ("0.0000001", -1013)])
def test_a_wrong_amendment_is_refused(caller: Caller, quantity: str, code: int) -> None:
    order = caller.limit()
    assert amend(caller, orderId=order["orderId"], newQty=quantity)["code"] == code


def test_an_order_that_is_gone_cannot_be_amended(caller: Caller) -> None:
    assert amend(caller, orderId=1, newQty="0.005")["code"] == -2038


def test_ten_amendments_are_enough(caller: Caller) -> None:
    order = caller.limit()
    for number in range(10):
        amend(caller, orderId=order["orderId"], newQty=f"0.00{98 - number}")
    answer = amend(caller, orderId=order["orderId"], newQty="0.005")
    assert answer["msg"] == "Filter failure: MAX_NUM_ORDER_AMENDS"


def test_history_can_be_paged_by_id_and_by_time(caller: Caller) -> None:
    ids = []
    for _ in range(5):
        ids.append(caller.limit()["orderId"])
        caller.step(1)
    rows = caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", orderId=ids[1], limit=2)
    assert [row["orderId"] for row in rows] == ids[1:3]
    since = caller.clock.now_ns() // 1_000_000 - 2_000
    rows = caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", startTime=since)
    assert [row["orderId"] for row in rows] == ids[3:]
    rows = caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", limit=2)
    assert [row["orderId"] for row in rows] == ids[3:]


def test_fills_can_be_paged_by_id_and_by_time(caller: Caller) -> None:
    for _ in range(3):
        caller.place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
        caller.step(1)
    rows = caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    rest = caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", fromId=rows[1]["id"])
    assert rest == rows[1:]
    assert caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", endTime=rows[0]["time"]) == rows[:1]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"startTime": 2, "endTime": 1}, -1128),
        ({"startTime": 0, "endTime": 86_400_001}, -1127),
        ({"fromId": 1, "startTime": 1}, -1128),
    ],
)
def test_a_history_window_has_limits(caller: Caller, params: dict[str, int], code: int) -> None:
    assert caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", **params)["code"] == code


def test_the_account_shows_balances_and_rates() -> None:
    balances = {"main": {"USDT": Decimal(5), "BTC": Decimal(0)}}
    fees = Fees(Decimal("0.0005"), Decimal("0.0007"))
    caller = Caller(BinanceSpot(balances=balances, fees=fees, actions_per_s=0))
    account = caller.signed("GET", "/api/v3/account", omitZeroBalances="true")
    assert account["balances"] == [{"asset": "USDT", "free": "5.00000000", "locked": "0.00000000"}]
    assert account["commissionRates"]["taker"] == "0.00070000"
    assert len(caller.signed("GET", "/api/v3/account")["balances"]) == 2
    commission = caller.signed("GET", "/api/v3/account/commission", symbol="BTCUSDT")
    assert commission["standardCommission"]["maker"] == "0.00050000"
    assert len(caller.signed("GET", "/sapi/v1/asset/tradeFee")) == 7
    assert len(caller.signed("GET", "/sapi/v1/asset/tradeFee", symbol="BTCUSDT")) == 1
    assert caller.signed("GET", "/sapi/v1/margin/allPairs") == []
    assert {coin["coin"] for coin in caller.signed("GET", "/sapi/v1/capital/config/getall")} >= {"BTC", "USDT"}


def test_weights_are_counted_and_shown(caller: Caller) -> None:
    caller.public("/api/v3/depth", symbol="BTCUSDT", limit=5000)
    assert caller.header["x-mbx-used-weight-1m"] == "250"
    caller.public("/api/v3/ticker/24hr")
    assert caller.header["x-mbx-used-weight-1m"] == "330"
    caller.step(60)
    caller.public("/api/v3/ticker/24hr", symbols='["BTCUSDT"]')
    assert caller.header["x-mbx-used-weight-1m"] == "2"


def test_a_successful_order_is_free_and_a_failed_one_is_not(caller: Caller) -> None:
    caller.limit()
    assert caller.header["x-mbx-used-weight-1m"] == "0"
    assert caller.header["x-mbx-order-count-10s"] == "1"
    caller.limit(quantity="50")
    assert caller.header["x-mbx-used-weight-1m"] == "1"


def test_a_filled_order_leaves_the_unfilled_count(caller: Caller) -> None:
    caller.place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    caller.limit()
    counts = caller.signed("GET", "/api/v3/rateLimit/order")
    assert [(item["interval"], item["count"]) for item in counts] == [("SECOND", 1), ("DAY", 1)]


def test_too_much_weight_is_429_and_going_on_is_a_ban() -> None:
    caller = Caller(BinanceSpot(rules=LimitRules(weight_per_minute=10), actions_per_s=0))
    for _ in range(10):
        caller.public("/api/v3/ping")
    answer = caller.public("/api/v3/ping")
    assert (caller.last.status, answer["code"]) == (429, -1003)
    assert 1 <= int(caller.header["retry-after"]) <= 60
    for _ in range(20):
        answer = caller.public("/api/v3/ping")
    assert caller.last.status == 418
    until = int(answer["msg"].split("banned until ")[1].split(".")[0])
    assert until == caller.clock.now_ns() // 1_000_000 + 120_000
    caller.step(121)
    assert caller.public("/api/v3/ping") == {}


def test_too_many_orders_are_refused() -> None:
    caller = Caller(BinanceSpot(rules=LimitRules(orders_per_ten_seconds=2), actions_per_s=0))
    caller.limit()
    caller.limit()
    answer = caller.limit()
    assert (caller.last.status, answer["code"]) == (429, -1015)
    caller.step(10)
    assert caller.limit()["status"] == "NEW"


def test_an_undecodable_body_is_refused(caller: Caller) -> None:
    answer = caller.raw("POST", "/api/v3/order", body=b"\xff", headers={"x-mbx-apikey": DEFAULT_KEY.key})
    assert answer["code"] == -1100


def test_tags_come_back(caller: Caller) -> None:
    order = caller.limit(strategyId="7", strategyType="1000001")
    assert (order["strategyId"], order["strategyType"]) == (7, 1_000_001)


def test_an_unknown_instrument_cannot_be_listed() -> None:
    with pytest.raises(ValueError, match="NOPE"):
        BinanceSpot(symbols=["NOPE"])
