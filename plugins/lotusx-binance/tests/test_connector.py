"""The exact request of every call, and what its answer becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from lotusx.errors import InvalidArgument, MalformedReply, NotSupported, OrderNotFound, PostOnlyWouldTake
from lotusx.model import Instrument, Interval, OrderRequest, OrderState, OrderStatus, OrderType, Side
from lotusx.plugin import Amendment, Effect, Lane, OrderRef, Response, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
DAY = 86_400_000

ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "clientOrderId": "a-1",
    "price": "68000.00",
    "origQty": "0.01",
    "executedQty": "0.000",
    "origQuoteOrderQty": "0.000000",
    "cummulativeQuoteQty": "0.00",
    "status": "NEW",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
}
QUERIED = {**ORDER, "time": 1_000, "updateTime": 2_000, "isWorking": True}
PLACED = {**ORDER, "transactTime": 1_000, "workingTime": 1_000, "fills": []}
CANCELED = {**ORDER, "status": "CANCELED", "origClientOrderId": "a-1", "clientOrderId": "c-1", "transactTime": 3_000}
FILL = {
    "symbol": "BTCUSDT",
    "id": 5,
    "orderId": 28,
    "price": "1",
    "qty": "2",
    "commission": "0.1",
    "commissionAsset": "BNB",
    "time": 1_000,
    "isBuyer": True,
    "isMaker": False,
}
TICKER = {
    "symbol": "BTCUSDT",
    "priceChange": "1",
    "priceChangePercent": "2",
    "weightedAvgPrice": "3",
    "lastPrice": "4",
    "bidPrice": "5",
    "bidQty": "6",
    "askPrice": "7",
    "askQty": "8",
    "openPrice": "9",
    "highPrice": "10",
    "lowPrice": "11",
    "volume": "12",
    "quoteVolume": "13",
    "closeTime": 14,
    "count": 15,
}


def limit_buy(**changes: Any) -> OrderRequest:
    return OrderRequest.limit("BTC/USDT", "buy", "0.01", "68000", **{"client_order_id": "a-1", **changes})


def order_state(btc: Instrument, **changes: Any) -> OrderState:
    values: dict[str, Any] = {
        "symbol": btc.symbol,
        "venue_order_id": "28",
        "client_order_id": "a-1",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "status": OrderStatus.OPEN,
        "quantity": Decimal("0.01"),
        "filled": Decimal(0),
        "price": Decimal(68_000),
        **changes,
    }
    return OrderState(**values)


async def test_server_time(desk: Any) -> None:
    desk.rest.reply('{"serverTime":1770000000123}')

    assert await desk.connector.market.server_time_ns() == 1_770_000_000_123 * MS
    assert desk.sent == ("GET", "/api/v3/time", {})
    assert desk.rest.last.base_url == "https://api.binance.com"
    assert desk.costs == {"ip-weight": 1}


async def test_instruments_leave_out_what_cannot_be_understood(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    good = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": [],
        "isSpotTradingAllowed": True,
        "filters": [],
    }
    desk.rest.reply(json.dumps({"serverTime": 1, "rateLimits": [], "symbols": [good, {"symbol": "ODD"}]}))

    instruments = await desk.connector.market.instruments()

    assert [item.venue_symbol for item in instruments] == ["BTCUSDT"]
    assert desk.sent == ("GET", "/api/v3/exchangeInfo", {"showPermissionSets": "false"})
    assert desk.costs == {"ip-weight": 20}
    assert "was left out" in caplog.text


async def test_ticker(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(json.dumps(TICKER))

    ticker = await desk.connector.market.ticker(btc)

    assert (ticker.last_price, ticker.bid_price, ticker.trade_count) == (4, 5, 15)
    assert desk.sent == ("GET", "/api/v3/ticker/24hr", {"symbol": "BTCUSDT"})
    assert desk.costs == {"ip-weight": 2}


@pytest.mark.parametrize(("number", "weight"), [(2, 2), (21, 40), (101, 80)])
async def test_tickers_are_asked_by_name_up_to_a_hundred(desk: Any, btc: Instrument, number: int, weight: int) -> None:
    from dataclasses import replace

    wanted = [btc, *(replace(btc, venue_symbol=f"X{index}") for index in range(number - 1))]
    desk.rest.reply(json.dumps([TICKER, {**TICKER, "symbol": "OTHER"}]))

    tickers = await desk.connector.market.tickers(wanted)

    assert [str(ticker.symbol) for ticker in tickers] == ["BTC/USDT"]
    assert ("symbols" in desk.sent[2]) is (number <= 100)
    assert desk.costs == {"ip-weight": weight}
    if number == 2:
        assert desk.rest.last.query == "symbols=%5B%22BTCUSDT%22%2C%22X0%22%5D"


async def test_all_tickers_leave_out_unlisted_symbols(desk: Any) -> None:
    desk.rest.reply(json.dumps([TICKER, {**TICKER, "symbol": "UNLISTED"}]))

    assert len(await desk.connector.market.tickers(None)) == 1
    assert desk.costs == {"ip-weight": 80}


async def test_best_bid_offer(desk: Any, btc: Instrument) -> None:
    desk.rest.reply('{"symbol":"BTCUSDT","bidPrice":"1.10","bidQty":"2","askPrice":"1.20","askQty":"3"}')

    top = await desk.connector.market.best_bid_offer(btc)

    assert (top.bid_price_text, top.ask_quantity) == ("1.10", 3)
    assert desk.sent == ("GET", "/api/v3/ticker/bookTicker", {"symbol": "BTCUSDT"})


@pytest.mark.parametrize(
    ("depth", "weight"), [(1, 5), (100, 5), (101, 25), (500, 25), (1000, 50), (1001, 250), (5000, 250)]
)
async def test_order_book_costs_by_depth(desk: Any, btc: Instrument, depth: int, weight: int) -> None:
    desk.rest.reply('{"lastUpdateId":160,"bids":[["1","2"]],"asks":[["3","4"]]}')

    book = await desk.connector.market.order_book(btc, depth)

    assert book.sequence == 160
    assert book.complete is (depth > 1)
    assert desk.sent == ("GET", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": str(depth)})
    assert desk.costs == {"ip-weight": weight}


async def test_longer_answers_than_there_are_get_refused(desk: Any, btc: Instrument) -> None:
    with pytest.raises(InvalidArgument, match="1 to 5000"):
        await desk.connector.market.order_book(btc, 5_001)
    with pytest.raises(InvalidArgument, match="1 to 1000"):
        await desk.connector.market.recent_trades(btc, 0)
    assert desk.rest.requests == []


async def test_recent_trades(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(
        '[{"id":28457,"price":"4.0","qty":"12.0","quoteQty":"48","time":1,"isBuyerMaker":true,"isBestMatch":true}]'
    )

    (trade,) = await desk.connector.market.recent_trades(btc, 10)

    assert (trade.trade_id, trade.taker_side) == ("28457", Side.SELL)
    assert desk.sent == ("GET", "/api/v3/trades", {"symbol": "BTCUSDT", "limit": "10"})
    assert desk.costs == {"ip-weight": 25}


def _kline(open_ms: int) -> list[Any]:
    return [open_ms, "1", "2", "0.5", "1.5", "10", open_ms + 59_999, "15", 3, "4", "6", "0"]


async def test_candles_page_by_page_leave_no_gap(desk: Any, btc: Instrument) -> None:
    market = desk.connector.market
    span = Span(1, 180_000 * MS)
    desk.rest.reply(json.dumps([_kline(60_000)]), json.dumps([_kline(120_000)]), json.dumps([]))

    first = await market.candles_page(btc, Interval.M1, span, None, 1)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "interval": "1m", "startTime": "1", "endTime": "179999", "limit": "1"}
    assert first.cursor == "120000"
    second = await market.candles_page(btc, Interval.M1, span, first.cursor, 1)
    assert desk.sent[2]["startTime"] == "120000"
    assert second.cursor is None
    third = await market.candles_page(btc, Interval.M1, Span(1), "180000", 1)
    assert (list(third.items), third.cursor) == ([], None)


async def test_candles_without_span_are_the_newest(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(json.dumps([_kline(60_000)]))

    page = await desk.connector.market.candles_page(btc, Interval.MONTH1, Span(), None, 1)

    assert desk.sent[2] == {"symbol": "BTCUSDT", "interval": "1M", "limit": "1"}
    assert page.cursor is None


def _aggregate(number: int, time: int) -> dict[str, Any]:
    return {"a": number, "p": "1", "q": "2", "f": 1, "l": 2, "T": time, "m": False, "M": True}


async def test_trade_history_goes_on_by_id(desk: Any, btc: Instrument) -> None:
    market = desk.connector.market
    span = Span(5 * MS, 20 * MS)
    desk.rest.reply(json.dumps([_aggregate(7, 6)]), json.dumps([_aggregate(8, 20)]), json.dumps([]))

    first = await market.trades_page(btc, span, None, 1)
    assert desk.sent == ("GET", "/api/v3/aggTrades", {"symbol": "BTCUSDT", "startTime": "5", "limit": "1"})
    assert first.cursor == "8"
    second = await market.trades_page(btc, span, first.cursor, 1)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "fromId": "8", "limit": "1"}
    assert (list(second.items), second.cursor) == ([], None)  # at 20 ms: the end is exclusive
    newest = await market.trades_page(btc, Span(None, 20 * MS), None, 5)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "endTime": "19", "limit": "5"}
    assert newest.cursor is None


async def test_place_reads_status_and_fills_from_the_full_reply(desk: Any, btc: Instrument) -> None:
    fills = [{"price": "68000", "qty": "0.01", "commission": "0.1", "commissionAsset": "BNB", "tradeId": 56}]
    filled = {"status": "FILLED", "executedQty": "0.01", "cummulativeQuoteQty": "680", "fills": fills}
    desk.rest.reply(json.dumps({**PLACED, **filled}))

    state = await desk.connector.trading.place(limit_buy(), btc)

    assert (state.status, state.average_price) == (OrderStatus.FILLED, 68_000)
    assert [(fill.trade_id, fill.fee_asset) for fill in state.fills] == [("56", "BNB")]
    assert desk.sent == (
        "POST",
        "/api/v3/order",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.01",
            "price": "68000",
            "newClientOrderId": "a-1",
            "newOrderRespType": "FULL",
        },
    )
    assert desk.rest.last.effect is Effect.COMMAND
    assert desk.rest.last.signed
    assert desk.costs == {"orders": 1}  # success costs no weight


async def test_refused_order_raises_the_exchanges_reason(desk: Any, btc: Instrument) -> None:
    body = b'{"code":-2010,"msg":"Order would immediately match and take."}'
    desk.rest.reply(Response(400, {}, body))

    with pytest.raises(PostOnlyWouldTake):
        await desk.connector.trading.place(limit_buy(post_only=True), btc)


async def test_test_order_is_no_command(desk: Any, btc: Instrument) -> None:
    desk.rest.reply("{}")

    await desk.connector.trading.test(limit_buy(), btc)

    assert desk.sent[:2] == ("POST", "/api/v3/order/test")
    assert desk.rest.last.effect is Effect.READ
    assert desk.costs == {"ip-weight": 1}


@pytest.mark.parametrize(
    ("ref", "params"),
    [
        (OrderRef("a-1", "28"), {"orderId": "28"}),
        (OrderRef("a-1"), {"origClientOrderId": "a-1"}),
    ],
)
async def test_cancel_names_the_order_and_reads_its_own_id(
    desk: Any, btc: Instrument, ref: OrderRef, params: dict[str, str]
) -> None:
    desk.rest.reply(json.dumps(CANCELED))

    state = await desk.connector.trading.cancel(ref, btc)

    assert (state.client_order_id, state.status) == ("a-1", OrderStatus.CANCELED)
    assert desk.sent == ("DELETE", "/api/v3/order", {"symbol": "BTCUSDT", **params})
    assert desk.rest.last.lane is Lane.URGENT
    assert desk.costs == {}


@pytest.mark.parametrize("ref", [OrderRef(), OrderRef(None, "abc")])
async def test_order_must_be_named(desk: Any, btc: Instrument, ref: OrderRef) -> None:
    with pytest.raises(InvalidArgument):
        await desk.connector.trading.order(ref, btc)


async def test_cancel_all_reads_orders_and_lists(desk: Any, btc: Instrument) -> None:
    order_list = {"orderListId": 1, "contingencyType": "OCO", "orderReports": [{**CANCELED, "orderId": 29}]}
    desk.rest.reply(json.dumps([CANCELED, order_list]))

    states = await desk.connector.trading.cancel_all(btc)

    assert [state.venue_order_id for state in states] == ["28", "29"]
    assert desk.sent == ("DELETE", "/api/v3/openOrders", {"symbol": "BTCUSDT"})


async def test_cancel_all_of_nothing_is_nothing(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(Response(400, {}, b'{"code":-2011,"msg":"Unknown order sent."}'))

    assert await desk.connector.trading.cancel_all(btc) == []


async def test_cancel_all_symbols_asks_which_have_any(desk: Any) -> None:
    desk.rest.reply(json.dumps([{**QUERIED, "symbol": "ETHUSDT"}, QUERIED, QUERIED]))
    desk.rest.reply(json.dumps([CANCELED]), json.dumps([{**CANCELED, "symbol": "ETHUSDT"}]))

    states = await desk.connector.trading.cancel_all(None)

    assert [str(state.symbol) for state in states] == ["BTC/USDT", "ETH/USDT"]
    assert [request.path for request in desk.rest.requests] == ["/api/v3/openOrders"] * 3


async def test_amend_to_less_keeps_the_order(desk: Any, btc: Instrument) -> None:
    amended = {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "clientOrderId": "a-1",
        "price": "68000",
        "qty": "0.005",
        "executedQty": "0",
        "quoteOrderQty": "0",
        "cumulativeQuoteQty": "0",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": 1,
    }
    desk.rest.reply(json.dumps({"transactTime": 5, "executionId": 75, "amendedOrder": amended}))

    state = await desk.connector.trading.amend(
        order_state(btc), Amendment(quantity=Decimal("0.005"), new_client_order_id="a-2"), btc
    )

    assert (state.client_order_id, state.quantity, state.version) == ("a-1", Decimal("0.005"), 75)
    assert desk.sent == (
        "PUT",
        "/api/v3/order/amend/keepPriority",
        {"symbol": "BTCUSDT", "orderId": "28", "newQty": "0.005", "newClientOrderId": "a-1"},
    )
    assert desk.costs == {"ip-weight": 4}


async def test_amend_to_less_counts_what_earlier_orders_filled(desk: Any, btc: Instrument) -> None:
    amended = {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "clientOrderId": "a-1",
        "price": "68000",
        "qty": "0.001",
        "executedQty": "0",
        "quoteOrderQty": "0",
        "cumulativeQuoteQty": "0",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": 1,
    }
    desk.rest.reply(json.dumps({**QUERIED, "origQty": "0.006"}))
    desk.rest.reply(json.dumps({"transactTime": 5, "executionId": 75, "amendedOrder": amended}))

    # 0.004 were filled before the order was replaced by one of 0.006.
    whole = order_state(btc, filled=Decimal("0.004"), filled_quote=None)
    await desk.connector.trading.amend(whole, Amendment(quantity=Decimal("0.005")), btc)

    assert desk.sent[2]["newQty"] == "0.001"


async def test_any_other_amendment_replaces_what_is_left(desk: Any, btc: Instrument) -> None:
    new = {**PLACED, "orderId": 29, "clientOrderId": "a-2"}
    replaced = {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "cancelResponse": CANCELED}
    desk.rest.reply(json.dumps({**replaced, "newOrderResponse": new}))
    order = order_state(btc, filled=Decimal("0.004"), trigger_price=Decimal(60_000), type=OrderType.STOP_LOSS_LIMIT)

    state = await desk.connector.trading.amend(
        order, Amendment(price=Decimal("67000.5"), new_client_order_id="a-2"), btc
    )

    assert (state.venue_order_id, state.client_order_id) == ("29", "a-2")
    assert desk.sent == (
        "POST",
        "/api/v3/order/cancelReplace",
        {
            "symbol": "BTCUSDT",
            "cancelReplaceMode": "STOP_ON_FAILURE",
            "cancelOrderId": "28",
            "side": "BUY",
            "type": "STOP_LOSS_LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.006",
            "price": "67000.5",
            "stopPrice": "60000",
            "newOrderRespType": "FULL",
            "newClientOrderId": "a-2",
        },
    )
    assert desk.costs == {"orders": 1}


async def test_untouched_order_is_replaced_only_while_it_is_untouched(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(
        Response(
            400,
            {},
            b'{"code":-2022,"msg":"failed","data":{"cancelResponse":{"code":-2011,"msg":"Unknown order sent."}}}',
        )
    )

    with pytest.raises(OrderNotFound):
        await desk.connector.trading.amend(
            order_state(btc, post_only=True), Amendment(quantity=Decimal(1), new_client_order_id="a-2"), btc
        )
    assert desk.sent[2]["cancelRestrictions"] == "ONLY_NEW"
    assert desk.sent[2]["type"] == "LIMIT_MAKER"
    assert "timeInForce" not in desk.sent[2]


@pytest.mark.parametrize(
    ("changes", "quantity", "error"),
    [
        ({"quantity": None}, None, NotSupported),
        ({"type": OrderType.TRAILING_STOP, "price": None}, "1", NotSupported),
        ({"filled": Decimal("0.02")}, None, InvalidArgument),
    ],
)
async def test_amendment_that_cannot_be_written_is_refused(
    desk: Any, btc: Instrument, changes: dict[str, Any], quantity: str | None, error: type[Exception]
) -> None:
    change = Amendment(quantity=Decimal(quantity) if quantity else None, new_client_order_id="a-2")

    with pytest.raises(error):
        await desk.connector.trading.amend(order_state(btc, **changes), change, btc)
    assert desk.rest.requests == []


async def test_query_and_open_orders(desk: Any, btc: Instrument) -> None:
    trading = desk.connector.trading
    desk.rest.reply(json.dumps(QUERIED), json.dumps([QUERIED]), json.dumps([QUERIED]))

    assert (await trading.order(OrderRef("a-1"), btc)).venue_order_id == "28"
    assert desk.sent == ("GET", "/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": "a-1"})
    assert desk.costs == {"ip-weight": 4}
    assert len(await trading.open_orders(btc)) == 1
    assert (desk.sent, desk.costs) == (("GET", "/api/v3/openOrders", {"symbol": "BTCUSDT"}), {"ip-weight": 6})
    assert len(await trading.open_orders(None)) == 1
    assert (desk.sent, desk.costs) == (("GET", "/api/v3/openOrders", {}), {"ip-weight": 80})


async def test_order_history_moves_through_days_and_through_full_days_by_id(desk: Any, btc: Instrument) -> None:
    page = desk.connector.trading.orders_page
    span = Span(0, (DAY + 10) * MS)
    desk.rest.reply(json.dumps([QUERIED]), json.dumps([{**QUERIED, "orderId": 30, "time": DAY}]), json.dumps([]))

    first = await page(btc, span, None, 1)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "startTime": "0", "endTime": str(DAY - 1), "limit": "1"}
    assert first.cursor == "0:29"
    second = await page(btc, span, first.cursor, 1)  # order 30 belongs to the next day
    assert desk.sent[2] == {"symbol": "BTCUSDT", "orderId": "29", "limit": "1"}
    assert (list(second.items), second.cursor) == ([], str(DAY))
    third = await page(btc, span, second.cursor, 1)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "startTime": str(DAY), "endTime": str(DAY + 9), "limit": "1"}
    assert third.cursor is None
    desk.rest.reply(json.dumps([QUERIED]))
    newest = await page(btc, Span(), None, 5)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "limit": "5"}
    assert newest.cursor is None


async def test_fills_move_through_empty_days_and_then_by_id(desk: Any, btc: Instrument) -> None:
    page = desk.connector.trading.fills_page
    span = Span(0, 3 * DAY * MS)
    late = {**FILL, "id": 6, "time": 3 * DAY}
    desk.rest.reply(json.dumps([]), json.dumps([{**FILL, "time": DAY}]), json.dumps([late]))

    first = await page(btc, span, None, 2)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "startTime": "0", "endTime": str(DAY - 1), "limit": "2"}
    assert first.cursor == str(DAY)
    second = await page(btc, span, first.cursor, 2)
    assert (len(second.items), second.cursor) == (1, ":6")
    third = await page(btc, span, second.cursor, 2)
    assert desk.sent[2] == {"symbol": "BTCUSDT", "fromId": "6", "limit": "2"}
    assert (list(third.items), third.cursor) == ([], None)
    assert desk.costs == {"ip-weight": 20}


async def test_full_page_of_fills_goes_on_by_id(desk: Any, btc: Instrument) -> None:
    page = desk.connector.trading.fills_page
    desk.rest.reply(json.dumps([FILL]), json.dumps([FILL]), json.dumps([FILL]))

    assert (await page(btc, Span(0, DAY * MS), None, 1)).cursor == ":6"
    assert (await page(btc, Span(0, DAY * MS), ":5", 1)).cursor == ":6"
    assert (await page(btc, Span(), None, 1)).cursor is None


async def test_fills_of_one_order(desk: Any, btc: Instrument) -> None:
    many = [{**FILL, "id": number} for number in range(1_000)]
    desk.rest.reply(json.dumps(many), json.dumps([{**FILL, "id": 1_000}]))

    fills = await desk.connector.trading.fills_of(order_state(btc), btc)

    assert len(fills) == 1_001
    assert desk.sent == (
        "GET",
        "/api/v3/myTrades",
        {"symbol": "BTCUSDT", "orderId": "28", "limit": "1000", "fromId": "1000"},
    )
    assert desk.costs == {"ip-weight": 5}


async def test_fills_of_an_order_known_by_our_id_only(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(json.dumps(QUERIED), json.dumps([FILL]))

    (fill,) = await desk.connector.trading.fills_of(order_state(btc, venue_order_id=None), btc)

    assert (fill.side, fill.fee_asset, fill.venue_order_id) == (Side.BUY, "BNB", "28")


async def test_what_spot_does_not_have_is_refused(desk: Any, btc: Instrument) -> None:
    trading, account = desk.connector.trading, desk.connector.account
    for call in (
        lambda: trading.place_batch([], []),
        lambda: trading.cancel_batch([], []),
        lambda: trading.cancel_all_after(5, btc),
        account.positions,
    ):
        with pytest.raises(NotSupported, match="instead"):
            await call()
    assert desk.rest.requests == []


async def test_ready_opens_the_connection(desk: Any) -> None:
    desk.rest.reply("{}")

    await desk.connector.trading.ready()

    assert desk.sent == ("GET", "/api/v3/ping", {})


async def test_orders_go_over_the_websocket_when_asked(make_desk: Callable[..., Any], btc: Instrument) -> None:
    desk = make_desk(order_entry="ws")
    for result in (PLACED, CANCELED):
        desk.ws.replies.append(json.dumps({"id": 1, "status": 200, "result": result}).encode())
    trading = desk.connector.trading

    await trading.ready()
    placed = await trading.place(limit_buy(), btc)
    canceled = await trading.cancel(OrderRef("a-1", "28"), btc)

    assert desk.ws.opened == 1
    assert (placed.status, canceled.status) == (OrderStatus.OPEN, OrderStatus.CANCELED)
    place, cancel = map(json.loads, desk.ws.sent)
    assert (place["id"], place["method"]) == (1, "order.place")
    assert place["params"]["price"] == "68000"
    assert {"apiKey", "timestamp", "signature"} <= set(place["params"])
    assert cancel["method"] == "order.cancel"
    assert cancel["params"]["orderId"] == 28
    assert desk.rest.requests == []


@pytest.mark.parametrize("result", ["{}", '{"id":1,"status":200,"result":{"symbol":"BTCUSDT"}}'])
async def test_websocket_answer_without_the_order_leaves_doubt(
    make_desk: Callable[..., Any], btc: Instrument, result: str
) -> None:
    desk = make_desk(order_entry="ws")
    desk.ws.replies.append(result.encode())

    with pytest.raises(MalformedReply) as caught:
        await desk.connector.trading.place(limit_buy(), btc)
    assert caught.value.may_have_executed


async def test_balances(desk: Any) -> None:
    account = {"canTrade": True, "canWithdraw": True, "updateTime": 5}
    desk.rest.reply(json.dumps({**account, "balances": [{"asset": "BTC", "free": "1.5", "locked": "0.5"}]}))

    (balance,) = await desk.connector.account.balances()

    assert (balance.total, balance.updated_ns) == (2, 5 * MS)
    assert desk.sent == ("GET", "/api/v3/account", {"omitZeroBalances": "true"})
    assert desk.costs == {"ip-weight": 20}


async def test_fees(desk: Any, btc: Instrument) -> None:
    rates = {"maker": "0.001", "taker": "0.002", "buyer": "0", "seller": "0"}
    none = dict.fromkeys(rates, "0")
    reply = {"standardCommission": rates, "specialCommission": none, "taxCommission": {**none, "seller": "0.0001"}}
    desk.rest.reply(json.dumps({"symbol": "BTCUSDT", **reply}))

    fees = await desk.connector.account.fees(btc)

    assert (fees.maker, fees.taker) == (Decimal("0.0011"), Decimal("0.0021"))
    assert desk.sent == ("GET", "/api/v3/account/commission", {"symbol": "BTCUSDT"})


async def test_permissions(desk: Any) -> None:
    flags = {"ipRestrict": False, "enableReading": True, "enableWithdrawals": False, "enableSpotAndMarginTrading": True}
    desk.rest.reply(json.dumps({**flags, "createTime": 1}))

    permissions = await desk.connector.account.permissions()

    assert (permissions.read, permissions.trade, permissions.withdraw) == (True, True, False)
    assert permissions.raw["createTime"] == 1
    assert desk.sent == ("GET", "/sapi/v1/account/apiRestrictions", {})
    assert desk.costs == {"sapi-ip-weight": 1}


@pytest.mark.parametrize("environment", ["testnet", "demo"])
async def test_permissions_are_missing_where_there_is_no_sapi(make_desk: Callable[..., Any], environment: str) -> None:
    desk = make_desk(environment)

    with pytest.raises(NotSupported, match="canTrade"):
        await desk.connector.account.permissions()
    with pytest.raises(NotSupported, match="sapi"):
        await desk.connector.native.call("GET", "/sapi/v1/system/status")


async def test_native_call_writes_and_reads_exactly(desk: Any) -> None:
    desk.rest.reply('{"rate":0.1,"id":12345678901234567890}')
    params = {"symbol": "１２", "quantity": Decimal("1E-7"), "flag": True, "ids": [1, 2], "number": 5, "none": None}

    answer = await desk.connector.native.call("post", "/api/v3/sor/order", params, signed=True, weight=3)

    assert answer == {"rate": Decimal("0.1"), "id": 12345678901234567890}
    assert desk.rest.last.query.startswith(
        "symbol=%EF%BC%91%EF%BC%92&quantity=0.0000001&flag=true&ids=%5B1%2C2%5D&number=5&recvWindow="
    )
    assert desk.costs == {"ip-weight": 3, "orders": 1}
    assert desk.rest.last.effect is Effect.COMMAND


async def test_native_call_refuses_floats_and_withdrawals(desk: Any, make_desk: Callable[..., Any]) -> None:
    with pytest.raises(InvalidArgument, match="quantity"):
        await desk.connector.native.call("POST", "/api/v3/order", {"quantity": 0.1})
    with pytest.raises(NotSupported, match="allow_withdrawals"):
        await desk.connector.native.call("POST", "/sapi/v1/capital/withdraw/apply", {"coin": "BTC"}, signed=True)
    allowed = make_desk(allow_withdrawals=True)
    allowed.rest.reply('{"id":"1"}')
    assert await allowed.connector.native.call("POST", "/sapi/v1/capital/withdraw/apply", {}, signed=True) == {
        "id": "1"
    }


async def test_native_endpoints(desk: Any) -> None:
    native = desk.connector.native
    desk.rest.reply('{"mins":5,"price":"1.5","closeTime":1}')
    assert (await native.average_price("BTCUSDT")).price == "1.5"
    desk.rest.reply('{"symbol":"BTCUSDT","price":"2"}')
    assert (await native.ticker_price("BTCUSDT")).price == "2"
    desk.rest.reply('[{"symbol":"BTCUSDT","price":"2"}]')
    assert len(await native.ticker_prices()) == 1
    desk.rest.reply("[]")
    assert await native.historical_trades("BTCUSDT", from_id=1) == []
    assert desk.sent == ("GET", "/api/v3/historicalTrades", {"symbol": "BTCUSDT", "fromId": "1", "limit": "500"})
    desk.rest.reply('[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":1}]')
    assert (await native.unfilled_order_count())[0].count == 1
    for call, sent in (
        (native.execution_rules("A"), ("GET", "/api/v3/executionRules", {"symbol": "A"})),
        (native.my_filters("A"), ("GET", "/api/v3/myFilters", {"symbol": "A"})),
        (native.order_amendments("A", 1), ("GET", "/api/v3/order/amendments", {"symbol": "A", "orderId": "1"})),
        (native.new_order_list("oco", {"symbol": "A"}), ("POST", "/api/v3/orderList/oco", {"symbol": "A"})),
        (native.cancel_order_list("A", 1), ("DELETE", "/api/v3/orderList", {"symbol": "A", "orderListId": "1"})),
    ):
        desk.rest.reply("{}")
        await call
        assert desk.sent == sent
