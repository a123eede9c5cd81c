"""The exact request of every order command, and what its answer becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from binance_orders import CANCELED, PLACED, QUERIED, limit_buy, order_state

from lotusx.errors import (
    ConnectionFailed,
    CredentialsError,
    ExchangeError,
    InvalidArgument,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    PostOnlyWouldTake,
    RateLimited,
    RequestTimeout,
)
from lotusx.model import Instrument, OrderStatus, OrderType, TimeInForce
from lotusx.plugin import Amendment, Cost, Effect, Lane, OrderRef, Response, Usage
from lotusx_binance.connector import BinanceConnector
from lotusx_binance.facts import FACTS
from lotusx_testing.fakes import FakeKernel

pytestmark = pytest.mark.anyio


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
    assert desk.costs == {"ip-weight": 1, "orders": 1}
    assert [cost.pool for cost in desk.rest.last.costs if cost.free_on_success] == ["ip-weight"]


@pytest.mark.parametrize("ref", [OrderRef("a-1"), OrderRef("a-1", "28")])
async def test_reply_that_names_another_order_says_nothing_of_the_one_that_was_meant(
    desk: Any, btc: Instrument, ref: OrderRef
) -> None:
    desk.rest.reply(json.dumps({**PLACED, "clientOrderId": "z"}))
    desk.rest.reply(json.dumps({**CANCELED, "orderId": 9, "origClientOrderId": "z"}))

    for command in (desk.connector.trading.place(limit_buy(), btc), desk.connector.trading.cancel(ref, btc)):
        with pytest.raises(MalformedReply, match="another order") as caught:
            await command
        assert caught.value.sent  # it may have been executed


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
    assert [(cost.pool, cost.amount, cost.free_on_success) for cost in desk.rest.last.costs[1:]] == [
        ("ip-weight", 1, True)
    ]


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


async def test_cancel_all_reaches_what_is_not_listed_and_goes_on_behind_a_failure(desk: Any) -> None:
    names = ("AAAUSDT", "BTCUSDT", "GONEUSDT")
    desk.rest.reply(json.dumps([{**QUERIED, "symbol": name} for name in names]))
    desk.rest.reply(RequestTimeout("late"), json.dumps([CANCELED]), json.dumps([{**CANCELED, "symbol": "GONEUSDT"}]))

    with pytest.raises(
        PartialFailure, match="of AAAUSDT not all orders were cancelled; those of BTCUSDT, GONEUSDT"
    ) as e:
        await desk.connector.trading.cancel_all(None)

    assert e.value.may_have_executed
    assert list(e.value.details) == ["AAAUSDT"]
    desk.rest.reply(json.dumps([{**QUERIED, "symbol": name} for name in names[1:]]))
    desk.rest.reply(json.dumps([CANCELED]), json.dumps([{**CANCELED, "symbol": "GONEUSDT"}]))
    assert [str(state.symbol) for state in await desk.connector.trading.cancel_all(None)] == ["BTC/USDT"]


async def test_cancel_all_that_fails_altogether_says_why(desk: Any) -> None:
    desk.rest.reply(json.dumps([QUERIED]), Response(403, {}, b"<html>WAF</html>"))

    with pytest.raises(ExchangeError) as caught:
        await desk.connector.trading.cancel_all(None)
    assert not isinstance(caught.value, PartialFailure)


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


async def test_any_other_amendment_replaces_the_order(desk: Any, btc: Instrument) -> None:
    new = {**PLACED, "orderId": 29, "clientOrderId": "a-2"}
    replaced = {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "cancelResponse": CANCELED}
    desk.rest.reply(json.dumps(QUERIED), json.dumps({**replaced, "newOrderResponse": new}))
    order = order_state(btc, trigger_price=Decimal(60_000), type=OrderType.STOP_LOSS_LIMIT)

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
            "cancelRestrictions": "ONLY_NEW",
            "side": "BUY",
            "type": "STOP_LOSS_LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.01",
            "price": "67000.5",
            "stopPrice": "60000",
            "newOrderRespType": "FULL",
            "newClientOrderId": "a-2",
        },
    )
    assert desk.costs == {"ip-weight": 1, "orders": 1}


async def test_what_a_partly_filled_order_executed_on_the_way_is_not_bought_twice(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(json.dumps(QUERIED), json.dumps({**CANCELED, "executedQty": "0.007"}))
    desk.rest.reply(json.dumps({**PLACED, "clientOrderId": "a-2"}))

    # Known were 0.004; 0.003 more matched before the cancel arrived.
    order = order_state(btc, filled=Decimal("0.004"), filled_quote=Decimal(272))
    await desk.connector.trading.amend(order, Amendment(price=Decimal(67_000), new_client_order_id="a-2"), btc)

    verb, path, params = desk.sent
    assert (verb, path) == ("POST", "/api/v3/order")
    assert (params["quantity"], params["price"], params["newClientOrderId"]) == ("0.003", "67000", "a-2")


@pytest.mark.parametrize("executed", ["0.01", "0.004"])
async def test_a_partly_filled_order_that_could_not_be_placed_anew_says_that_it_is_canceled(
    desk: Any, btc: Instrument, executed: str
) -> None:
    refused = Response(400, {}, b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}')
    desk.rest.reply(json.dumps(QUERIED), json.dumps({**CANCELED, "executedQty": executed}), refused)

    with pytest.raises(PartialFailure, match="canceled, and") as caught:
        await desk.connector.trading.amend(
            order_state(btc, filled=Decimal("0.004"), filled_quote=Decimal(272)), Amendment(price=Decimal(67_000)), btc
        )
    assert (caught.value.ended.status, caught.value.ended.filled) == (OrderStatus.CANCELED, Decimal(executed))


async def test_a_new_order_that_could_not_even_be_sent_does_not_hide_that_the_old_one_is_canceled(
    desk: Any, btc: Instrument
) -> None:
    down = ConnectionFailed("DNS is down", sent=False)
    desk.rest.reply(json.dumps(QUERIED), json.dumps({**CANCELED, "executedQty": "0.004"}), down)

    with pytest.raises(PartialFailure, match=r"canceled, and the new order could not be sent: DNS is down") as caught:
        await desk.connector.trading.amend(
            order_state(btc, filled=Decimal("0.004"), filled_quote=Decimal(272)), Amendment(price=Decimal(67_000)), btc
        )
    assert (caught.value.code, caught.value.ended.status) == ("not-sent", OrderStatus.CANCELED)


@pytest.mark.parametrize("half", ["cancelResponse", "newOrderResponse"])
async def test_replacement_of_another_order_says_nothing_of_the_one_that_was_meant(
    desk: Any, btc: Instrument, half: str
) -> None:
    new = {**PLACED, "orderId": 29, "clientOrderId": "a-2"}
    reply: dict[str, Any] = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": CANCELED,
        "newOrderResponse": new,
    }
    other = {"orderId": 9, "clientOrderId": "z", "origClientOrderId": "z"}
    desk.rest.reply(json.dumps(QUERIED), json.dumps({**reply, half: {**reply[half], **other}}))

    with pytest.raises(MalformedReply, match="another order") as caught:
        await desk.connector.trading.amend(
            order_state(btc), Amendment(price=Decimal("67000.5"), new_client_order_id="a-2"), btc
        )

    assert caught.value.sent  # it may have been executed


async def test_amendment_of_another_order_says_nothing_of_the_one_that_was_meant(desk: Any, btc: Instrument) -> None:
    amended = {
        "symbol": "BTCUSDT", "orderId": 9, "clientOrderId": "z", "price": "68000", "qty": "0.005", "executedQty": "0",
        "quoteOrderQty": "0", "cumulativeQuoteQty": "0", "status": "NEW", "timeInForce": "GTC", "type": "LIMIT",
        "side": "BUY", "workingTime": 1,
    }  # fmt: skip
    desk.rest.reply(json.dumps({"transactTime": 5, "executionId": 75, "amendedOrder": amended}))

    with pytest.raises(MalformedReply, match="another order"):
        await desk.connector.trading.amend(order_state(btc), Amendment(quantity=Decimal("0.005")), btc)


async def test_rest_of_a_replaced_order_that_is_answered_for_another_is_in_doubt(desk: Any, btc: Instrument) -> None:
    partly = {"executedQty": "0.004", "cummulativeQuoteQty": "272"}
    desk.rest.reply(json.dumps({**QUERIED, **partly}), json.dumps({**CANCELED, **partly}))
    desk.rest.reply(json.dumps({**PLACED, "orderId": 9, "clientOrderId": "z"}))
    order = order_state(btc, filled=Decimal("0.004"), filled_quote=Decimal(272))

    with pytest.raises(MalformedReply, match="another order"):
        await desk.connector.trading.amend(order, Amendment(price=Decimal("67000.5"), new_client_order_id="a-2"), btc)


async def test_untouched_order_is_replaced_only_while_it_is_untouched(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(
        json.dumps(QUERIED),
        Response(
            400,
            {},
            b'{"code":-2022,"msg":"failed","data":{"cancelResponse":{"code":-2011,"msg":"Unknown order sent."}}}',
        ),
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
        ({"time_in_force": TimeInForce.UNKNOWN}, "1", NotSupported),
        ({"type": OrderType.STOP_LOSS_LIMIT}, "1", NotSupported),  # trails: what it trails by is not in the state
    ],
)
async def test_amendment_that_cannot_be_written_is_refused(
    desk: Any, btc: Instrument, changes: dict[str, Any], quantity: str | None, error: type[Exception]
) -> None:
    change = Amendment(quantity=Decimal(quantity) if quantity else None, new_client_order_id="a-2")

    with pytest.raises(error):
        await desk.connector.trading.amend(order_state(btc, **changes), change, btc)
    assert desk.rest.requests == []


async def test_what_spot_does_not_have_is_refused(desk: Any, btc: Instrument) -> None:
    trading, account = desk.connector.trading, desk.connector.account
    for call in (
        lambda: trading.place_batch([], []),
        lambda: trading.cancel_batch([], []),
        lambda: trading.cancel_all_after(5, btc),
        account.positions,
    ):
        with pytest.raises(NotSupported):
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
    weight = Cost("ip-weight", 1, free_on_success=True)
    assert desk.ws.costs == [(weight, Cost("orders", 1)), (weight,)]
    assert desk.ws.names == ["order.place", "order.cancel"]


async def test_a_refusal_over_the_websocket_says_what_was_counted_and_how_long_to_wait(
    make_desk: Callable[..., Any], btc: Instrument
) -> None:
    desk = make_desk(order_entry="ws")
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 6001},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 3},
        {"rateLimitType": "CONNECTIONS", "interval": "MINUTE", "intervalNum": 5, "limit": 300, "count": 1},
    ]
    data = {"serverTime": 1659142907531, "retryAfter": 1659142920000}
    error = {"code": -1003, "msg": "Too much request weight used; current limit is 6000.", "data": data}
    desk.ws.replies.append(json.dumps({"id": 1, "status": 429, "error": error, "rateLimits": limits}).encode())

    with pytest.raises(RateLimited) as caught:
        await desk.connector.trading.place(limit_buy(), btc)
    assert caught.value.after_s == 12.469
    assert desk.ws.usage == [Usage("ip-weight", 60.0, 6001), Usage("orders", 10.0, 3)]


@pytest.mark.parametrize("result", ["{}", '{"id":1,"status":200,"result":{"symbol":"BTCUSDT"}}'])
async def test_websocket_answer_without_the_order_leaves_doubt(
    make_desk: Callable[..., Any], btc: Instrument, result: str
) -> None:
    desk = make_desk(order_entry="ws")
    desk.ws.replies.append(result.encode())

    with pytest.raises(MalformedReply) as caught:
        await desk.connector.trading.place(limit_buy(), btc)
    assert caught.value.may_have_executed


async def test_an_order_over_websocket_without_a_key_is_refused_before_sending(btc: Instrument) -> None:
    kernel = FakeKernel(FACTS, options={"order_entry": "ws"})
    trading = BinanceConnector(kernel.build()).trading

    with pytest.raises(CredentialsError, match=r"order\.place must be signed"):
        await trading.place(limit_buy(), btc)
    assert not kernel.ws["api"].sent


async def test_a_replacement_keeps_what_the_model_does_not_have(desk: Any, btc: Instrument) -> None:
    kept = {"icebergQty": "0.002", "selfTradePreventionMode": "EXPIRE_BOTH", "trailingDelta": 100, "strategyId": 7}
    replaced = {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "cancelResponse": CANCELED}
    desk.rest.reply(
        json.dumps(
            {**QUERIED, **kept, "preventedQuantity": "0.000", "orderListId": -1, "trailingTime": -1, "usedSor": False}
        ),
        json.dumps({**replaced, "newOrderResponse": PLACED}),
    )

    await desk.connector.trading.amend(order_state(btc), Amendment(price=Decimal(67_000)), btc)

    assert [(request.path, str(request.verb)) for request in desk.rest.requests] == [
        ("/api/v3/order", "GET"),
        ("/api/v3/order/cancelReplace", "POST"),
    ]
    assert {name: desk.sent[2][name] for name in kept} == {name: str(value) for name, value in kept.items()}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("orderListId", 5),
        ("pegPriceType", "PRIMARY_PEG"),
        ("usedSor", True),
        ("trailingTime", 1_700_000_000_000),
        ("icebergQty", "0.01"),
        ("preventedQuantity", "0.004"),
    ],
)
async def test_a_replacement_that_would_lose_something_is_refused_by_its_name(
    desk: Any, btc: Instrument, field: str, value: Any
) -> None:
    desk.rest.reply(json.dumps({**QUERIED, field: value}))

    with pytest.raises(InvalidArgument, match=field):
        await desk.connector.trading.amend(order_state(btc), Amendment(price=Decimal(67_000)), btc)
    assert str(desk.rest.last.verb) == "GET"


async def test_an_order_that_cannot_be_read_is_not_replaced(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(Response(200, {}, b"<html>"))

    with pytest.raises(ConnectionFailed) as caught:
        await desk.connector.trading.amend(order_state(btc), Amendment(price=Decimal(67_000)), btc)
    assert not caught.value.sent


@pytest.mark.parametrize(
    ("halves", "ended"),
    [
        ({"newOrderResponse": {"code": -2010, "msg": "Order would immediately match and take."}}, True),
        ({"newOrderResponse": {"code": -1007, "msg": "Timeout waiting for response from backend server."}}, False),
        ({"newOrderResult": "SUCCESS", "newOrderResponse": PLACED}, False),
        ({"newOrderResponse": {"code": -2010, "msg": "no"}, "cancelResponse": {"code": -2011, "msg": "no"}}, False),
    ],
)
async def test_a_half_done_replacement_tells_how_the_old_order_ended_where_that_is_sure(
    desk: Any, btc: Instrument, halves: dict[str, Any], ended: bool
) -> None:
    data = {"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "cancelResponse": CANCELED, **halves}
    body = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": data}
    desk.rest.reply(json.dumps(QUERIED), Response(409, {}, json.dumps(body).encode()))

    with pytest.raises(PartialFailure) as caught:
        await desk.connector.trading.amend(order_state(btc), Amendment(price=Decimal(67_000)), btc)
    state = caught.value.ended
    assert (state is not None) is ended
    assert not ended or (state.client_order_id, state.status) == ("a-1", OrderStatus.CANCELED)
