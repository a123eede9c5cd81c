"""The exact requests of every order command of USDⓈ-M futures, and what their answers become."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from binance_contracts import (
    ALGO_CANCELED,
    ALGO_ID,
    CANCELED,
    FILL,
    PLACED,
    QUERIED,
    TRIGGERED,
    UNKNOWN_ORDER,
    WAITING,
    limit_buy,
    order_state,
    stop_sell,
)

from lotusx.errors import (
    ConnectionFailed,
    ExchangeError,
    InsufficientFunds,
    InvalidArgument,
    InvalidOrder,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    PostOnlyWouldTake,
    ReduceOnlyRejected,
    RequestTimeout,
)
from lotusx.kernel.orders.ledger import Ledger
from lotusx.model import Instrument, OrderState, OrderStatus, OrderType
from lotusx.orders.terms import asked_for
from lotusx.plugin import Acknowledged, Amendment, Effect, ItemDropped, Lane, OrderRef, Response, Span
from lotusx_binance.perp import account_types as types, order_conversions as convert
from lotusx_testing.fakes import FakeInstruments

pytestmark = pytest.mark.anyio
MS = 1_000_000
DAY = 86_400_000
NOW_MS = 1_770_000_000_000
WEEK = 7 * DAY


def refused(code: int, words: str = "no", status: int = 400) -> Response:
    return Response(status, {}, json.dumps({"code": code, "msg": words}).encode())


NOT_FOUND = refused(-2013, "Order does not exist.")
NOT_CANCELED = refused(-2011, "Unknown order sent.")


def paths(desk: Any) -> list[str]:
    return [f"{request.verb} {request.path}" for request in desk.rest.requests]


# Placing


async def test_place_is_one_order_and_no_weight(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps(PLACED))

    state = await futures.connector.trading.place(limit_buy(), perp)

    assert (state.venue_order_id, state.status) == ("28", OrderStatus.OPEN)
    assert futures.sent[:2] == ("POST", "/fapi/v1/order")
    assert futures.sent[2]["newClientOrderId"] == "a-1"
    assert (futures.rest.last.effect, futures.rest.last.signed) == (Effect.COMMAND, True)
    assert futures.costs == {"orders": 1}


@pytest.mark.parametrize("ref", [OrderRef("a-1"), OrderRef("a-1", "28")])
async def test_a_reply_that_names_another_order_says_nothing_of_the_one_that_was_meant(
    futures: Any, perp: Instrument, ref: OrderRef
) -> None:
    trading, order = futures.connector.trading, order_state(perp)
    for reply in (PLACED, CANCELED, QUERIED):
        futures.rest.reply(json.dumps({**reply, "orderId": 9, "clientOrderId": "z"}))
    futures.rest.reply(json.dumps({**WAITING, "clientAlgoId": "z"}))

    for command in (
        trading.place(limit_buy(), perp),
        trading.cancel(ref, perp),
        trading.amend(order, Amendment(price=Decimal(67_000)), perp),
        trading.place(stop_sell(), perp),
    ):
        with pytest.raises(MalformedReply, match="another order") as caught:
            await command
        assert caught.value.sent  # it may have been executed


async def test_a_stop_goes_to_the_service_of_conditional_orders(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps(WAITING))

    state = await futures.connector.trading.place(stop_sell(reduce_only=True), perp)

    assert (state.venue_order_id, state.status, state.type) == (ALGO_ID, OrderStatus.PENDING, OrderType.STOP_LOSS)
    assert futures.sent[:2] == ("POST", "/fapi/v1/algoOrder")
    assert futures.sent[2]["clientAlgoId"] == "a-1"
    assert futures.costs == {"orders": 1}


async def test_fill_or_kill_that_cannot_be_filled_has_expired(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(
        refused(-5021, "Due to the order could not be filled immediately, the FOK order has been rejected.")
    )

    state = await futures.connector.trading.place(limit_buy(time_in_force="fok"), perp)

    assert (state.status, state.filled, state.client_order_id, state.venue_order_id) == ("expired", 0, "a-1", None)
    assert "FOK" in state.reason


@pytest.mark.parametrize(
    ("code", "kind"), [(-5022, PostOnlyWouldTake), (-2022, ReduceOnlyRejected), (-2019, InsufficientFunds)]
)
async def test_a_refusal_is_raised_as_what_it_means(
    futures: Any, perp: Instrument, code: int, kind: type[Exception]
) -> None:
    futures.rest.reply(refused(code))

    with pytest.raises(kind):
        await futures.connector.trading.place(limit_buy(), perp)


async def test_test_order_is_no_command(futures: Any, perp: Instrument) -> None:
    futures.rest.reply("{}")

    await futures.connector.trading.test(limit_buy(), perp)

    assert futures.sent[:2] == ("POST", "/fapi/v1/order/test")
    assert futures.rest.last.effect is Effect.READ
    with pytest.raises(NotSupported, match="stop_loss"):
        await futures.connector.trading.test(stop_sell(), perp)


# Batches


async def test_a_batch_has_one_answer_per_order_in_their_order(futures: Any, perp: Instrument) -> None:
    requests = [
        limit_buy(),
        stop_sell(client_order_id="a-2"),
        limit_buy(native={"price": "1"}),
        limit_buy(client_order_id="a-4", time_in_force="fok"),
        limit_buy(client_order_id="a-5"),
    ]
    futures.rest.reply(
        json.dumps([PLACED, {"code": -5021, "msg": "FOK"}, {"code": -2019, "msg": "Margin is insufficient."}]),
        json.dumps({**WAITING, "clientAlgoId": "a-2"}),
    )

    answers = await futures.connector.trading.place_batch(requests, [perp] * 5)

    assert [type(answer) for answer in answers] == [
        OrderState,
        OrderState,
        InvalidArgument,
        OrderState,
        InsufficientFunds,
    ]
    assert [answers[index].venue_order_id for index in (0, 1, 3)] == ["28", ALGO_ID, None]
    assert answers[3].status is OrderStatus.EXPIRED
    assert paths(futures) == ["POST /fapi/v1/batchOrders", "POST /fapi/v1/algoOrder"]
    batch = futures.rest.requests[0]
    assert batch.query.startswith("batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22")
    assert {cost.pool: cost.amount for cost in batch.costs} == {"ip-weight": 5, "orders": 3}


async def test_a_batch_that_fails_as_a_whole_leaves_conditional_orders_their_own_answers(
    futures: Any, perp: Instrument
) -> None:
    lost = ConnectionFailed("the socket is gone")
    futures.rest.reply(lost, refused(-4045, "Reach max stop order limit."))

    answers = await futures.connector.trading.place_batch([limit_buy(), stop_sell()], [perp] * 2)

    assert answers[0] is lost
    assert isinstance(answers[1], ExchangeError)


@pytest.mark.parametrize(
    "document",
    ["[]", json.dumps([{**PLACED, "side": "LEFT"}]), '[{"orderId":1}]', '["odd"]'],
)
async def test_an_answer_of_a_batch_that_cannot_be_read_leaves_its_order_open(
    futures: Any, perp: Instrument, document: str
) -> None:
    futures.rest.reply(document)

    (answer,) = await futures.connector.trading.place_batch([limit_buy()], [perp])

    assert isinstance(answer, MalformedReply)


async def test_a_doubtful_answer_of_a_batch_stays_doubtful(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([{"code": -1007, "msg": "Timeout."}]))

    (answer,) = await futures.connector.trading.place_batch([limit_buy()], [perp])

    assert answer.may_have_executed


async def test_answers_out_of_order_are_taken_by_the_order_they_name(
    futures: Any, perp: Instrument, dated: Instrument
) -> None:
    second = {**PLACED, "orderId": 2, "clientOrderId": "a-2", "symbol": "BTCUSDT_261225"}
    futures.rest.reply(json.dumps([second, PLACED]))

    answers = await futures.connector.trading.place_batch(
        [limit_buy(), limit_buy(client_order_id="a-2")], [perp, dated]
    )

    assert [(answer.client_order_id, answer.symbol) for answer in answers] == [
        ("a-1", perp.symbol),
        ("a-2", dated.symbol),
    ]


@pytest.mark.parametrize("refusal", [{"code": -2019, "msg": "Margin is insufficient."}, {"code": -5021, "msg": "FOK"}])
async def test_a_refusal_among_answers_out_of_order_is_nobodys(
    futures: Any, perp: Instrument, refusal: dict[str, Any]
) -> None:
    futures.rest.reply(json.dumps([{**PLACED, "orderId": 2, "clientOrderId": "a-2"}, refusal]))

    first, second = await futures.connector.trading.place_batch(
        [limit_buy(), limit_buy(client_order_id="a-2")], [perp] * 2
    )

    assert isinstance(first, MalformedReply)
    assert (second.client_order_id, second.status) == ("a-2", OrderStatus.OPEN)


async def test_a_cancel_that_was_answered_for_another_order_is_in_doubt(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([{**CANCELED, "orderId": 29, "clientOrderId": "a-2"}, UNKNOWN_ORDER]))

    first, second = await futures.connector.trading.cancel_batch(
        [OrderRef("a-1", "28"), OrderRef("a-2", "29")], [perp] * 2
    )

    assert isinstance(first, MalformedReply)
    assert (second.venue_order_id, second.status) == ("29", OrderStatus.CANCELED)


async def test_amendments_go_out_together(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([{**PLACED, "origQty": "0.020"}]))
    orders = [order_state(perp), order_state(perp, venue_order_id=ALGO_ID)]

    answers = await futures.connector.trading.amend_batch(
        orders, [Amendment(quantity=Decimal("0.020"))] * 2, [perp] * 2
    )

    assert (answers[0].quantity, type(answers[1])) == (Decimal("0.020"), NotSupported)
    assert futures.sent[:2] == ("PUT", "/fapi/v1/batchOrders")
    assert json.loads(futures.sent[2]["batchOrders"]) == [
        {"symbol": "BTCUSDT", "orderId": 28, "side": "BUY", "quantity": "0.02", "price": "68000"}
    ]
    assert futures.costs == {"ip-weight": 5, "orders": 1}


async def test_a_batch_of_nothing_that_can_be_sent_sends_nothing(futures: Any, perp: Instrument) -> None:
    (answer,) = await futures.connector.trading.amend_batch(
        [order_state(perp, venue_order_id=ALGO_ID)], [Amendment(quantity=Decimal(1))], [perp]
    )

    assert isinstance(answer, NotSupported)
    assert futures.rest.requests == []


async def test_cancels_are_grouped_by_how_the_orders_are_named(futures: Any, perp: Instrument) -> None:
    refs = [OrderRef("a-1", "28"), OrderRef("a-2"), OrderRef("a-3", ALGO_ID), OrderRef("a-4", "29")]
    futures.rest.reply(
        json.dumps([CANCELED, UNKNOWN_ORDER]),
        json.dumps([{**CANCELED, "clientOrderId": "a-2"}]),
        json.dumps(ALGO_CANCELED),
    )

    answers = await futures.connector.trading.cancel_batch(refs, [perp] * 4)

    assert (answers[0].status, answers[1].client_order_id) == (OrderStatus.CANCELED, "a-2")
    assert answers[2] == Acknowledged(refs[2], OrderStatus.CANCELED, "CANCELED")
    assert isinstance(answers[3], OrderNotFound)
    by_id, by_name, conditional = futures.rest.requests
    assert by_id.query.startswith("symbol=BTCUSDT&orderIdList=%5B28%2C29%5D&")
    assert by_name.query.startswith("symbol=BTCUSDT&origClientOrderIdList=%5B%22a-2%22%5D&")
    assert conditional.path == "/fapi/v1/algoOrder"
    assert by_id.lane is Lane.URGENT


async def test_a_cancel_of_an_unknown_name_is_tried_among_conditional_orders(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([UNKNOWN_ORDER]), json.dumps(ALGO_CANCELED))

    (answer,) = await futures.connector.trading.cancel_batch([OrderRef("a-1")], [perp])

    assert isinstance(answer, Acknowledged)
    futures.rest.reply(json.dumps([UNKNOWN_ORDER]), NOT_CANCELED, NOT_FOUND)
    (answer,) = await futures.connector.trading.cancel_batch([OrderRef("a-1")], [perp])
    assert isinstance(answer, OrderNotFound)


async def test_ten_cancels_fit_into_one_request(futures: Any, perp: Instrument) -> None:
    canceled = [{**CANCELED, "orderId": n} for n in range(11)]
    futures.rest.reply(json.dumps(canceled[:10]), json.dumps(canceled[10:]))

    answers = await futures.connector.trading.cancel_batch([OrderRef(None, str(n)) for n in range(11)], [perp] * 11)

    assert [answer.venue_order_id for answer in answers] == [str(n) for n in range(11)]
    assert len(futures.rest.requests) == 2


# Cancelling


@pytest.mark.parametrize(
    ("ref", "named"), [(OrderRef("a-1", "28"), {"orderId": "28"}), (OrderRef("a-1"), {"origClientOrderId": "a-1"})]
)
async def test_cancel(futures: Any, perp: Instrument, ref: OrderRef, named: dict[str, str]) -> None:
    futures.rest.reply(json.dumps(CANCELED))

    state = await futures.connector.trading.cancel(ref, perp)

    assert (state.status, state.client_order_id) == (OrderStatus.CANCELED, "a-1")
    assert futures.sent == ("DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", **named})
    assert (futures.rest.last.lane, futures.costs) == (Lane.URGENT, {"ip-weight": 1})


async def test_cancel_of_a_conditional_order_is_acknowledged(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps(ALGO_CANCELED))
    ref = OrderRef("a-1", ALGO_ID)

    assert await futures.connector.trading.cancel(ref, perp) == Acknowledged(ref, OrderStatus.CANCELED, "CANCELED")
    assert futures.sent == ("DELETE", "/fapi/v1/algoOrder", {"algoId": "3000000000003505"})


@pytest.mark.parametrize(
    ("ref", "other"), [(OrderRef("a-1", ALGO_ID), {"algoId": 999}), (OrderRef("a-1"), {"clientAlgoId": "z"})]
)
async def test_a_cancel_of_a_conditional_order_that_names_another_one_is_in_doubt(
    futures: Any, perp: Instrument, ref: OrderRef, other: dict[str, Any]
) -> None:
    if ref.venue_order_id is None:
        futures.rest.reply(NOT_CANCELED)
    futures.rest.reply(json.dumps({**ALGO_CANCELED, **other}))

    with pytest.raises(MalformedReply, match="another order") as caught:
        await futures.connector.trading.cancel(ref, perp)

    assert caught.value.sent  # it may have been executed


async def test_cancel_by_our_id_alone_looks_in_both_services(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(NOT_CANCELED, json.dumps(ALGO_CANCELED))

    assert isinstance(await futures.connector.trading.cancel(OrderRef("a-1"), perp), Acknowledged)
    assert futures.sent == ("DELETE", "/fapi/v1/algoOrder", {"clientAlgoId": "a-1"})


async def test_cancel_follows_a_conditional_order_to_what_it_became(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(
        NOT_CANCELED, json.dumps(TRIGGERED), json.dumps({**CANCELED, "clientOrderId": "x", "side": "SELL"})
    )

    state = await futures.connector.trading.cancel(OrderRef("a-1", ALGO_ID), perp)

    assert (state.venue_order_id, state.client_order_id, state.status) == ("28", "a-1", OrderStatus.CANCELED)
    assert (state.type, state.trigger_price) == (OrderType.STOP_LOSS, 60_000)
    assert futures.sent == ("DELETE", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "28"})


async def test_a_cancel_of_what_it_became_that_names_another_order_is_in_doubt(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(NOT_CANCELED, json.dumps(TRIGGERED), json.dumps({**CANCELED, "orderId": 9}))

    with pytest.raises(MalformedReply, match="another order"):
        await futures.connector.trading.cancel(OrderRef("a-1", ALGO_ID), perp)


async def test_a_refused_cancel_of_what_has_not_triggered_stays_refused(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(NOT_CANCELED, json.dumps({**WAITING, "algoStatus": "CANCELED"}))

    with pytest.raises(OrderNotFound, match="Unknown order"):
        await futures.connector.trading.cancel(OrderRef("a-1", ALGO_ID), perp)


async def test_cancel_by_number_is_not_looked_for_elsewhere(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(NOT_CANCELED)

    with pytest.raises(OrderNotFound):
        await futures.connector.trading.cancel(OrderRef("a-1", "28"), perp)
    with pytest.raises(InvalidArgument, match="number"):
        await futures.connector.trading.cancel(OrderRef("a-1", "abc"), perp)
    with pytest.raises(InvalidArgument, match="name the order"):
        await futures.connector.trading.order(OrderRef(), perp)


async def test_cancel_all_empties_both_services_and_tells_what_became_of_each(futures: Any, perp: Instrument) -> None:
    done = '{"code":200,"msg":"The operation of cancel all open order is done."}'
    filled = {**QUERIED, "status": "FILLED", "executedQty": "0.010"}
    futures.rest.reply(
        json.dumps([QUERIED, {**QUERIED, "orderId": 29, "clientOrderId": "a-2", "time": NOW_MS - 4 * DAY}]),
        json.dumps([WAITING]),
        done,
        '{"code":"200","msg":"ok"}',
        json.dumps(filled),
        NOT_FOUND,
        "[]",
        json.dumps({**WAITING, "algoStatus": "CANCELED"}),
    )

    states = await futures.connector.trading.cancel_all(perp)

    assert [(state.venue_order_id, state.status) for state in states] == [
        ("28", OrderStatus.FILLED),
        ("29", OrderStatus.CANCELED),
        (ALGO_ID, OrderStatus.CANCELED),
    ]
    assert paths(futures)[2:4] == ["DELETE /fapi/v1/allOpenOrders", "DELETE /fapi/v1/algoOpenOrders"]


@pytest.mark.parametrize(
    ("age_days", "filled", "trades"),
    [(0, "0", []), (4, "0.004", []), (4, "0", [[FILL]]), (91, "0", [])],
    ids=["just placed", "partly filled", "filled meanwhile", "so old that all is forgotten"],
)
async def test_cancel_all_does_not_know_what_became_of_an_order_that_is_not_found(
    futures: Any, perp: Instrument, age_days: int, filled: str, trades: list[Any]
) -> None:
    order = {**QUERIED, "executedQty": filled, "time": NOW_MS - age_days * DAY}
    done = '{"code":200,"msg":"done"}'
    futures.rest.reply(json.dumps([order]), "[]", done, done, NOT_FOUND, *[json.dumps(page) for page in trades])

    (state,) = await futures.connector.trading.cancel_all(perp)

    assert (state.status, state.filled) == (OrderStatus.UNKNOWN, Decimal(filled))
    assert not futures.rest.replies


@pytest.mark.parametrize(
    "failures",
    [
        [RequestTimeout("late")],
        [NOT_FOUND, RequestTimeout("late")],
        [NOT_FOUND, refused(-1003, "Too many requests", 429)],
    ],
    ids=["the order", "its fills", "too many requests"],
)
async def test_what_was_cancelled_is_not_told_as_refused_because_it_cannot_be_asked_for(
    futures: Any, perp: Instrument, failures: list[Any]
) -> None:
    done = '{"code":200,"msg":"done"}'
    old = {**QUERIED, "time": NOW_MS - 4 * DAY}
    other = {**QUERIED, "orderId": 29, "clientOrderId": "a-2"}
    canceled = json.dumps({**CANCELED, "orderId": 29, "clientOrderId": "a-2"})
    futures.rest.reply(json.dumps([old, other]), "[]", done, done)
    for failure in failures:
        futures.rest.reply(failure)
    futures.rest.reply(canceled)

    states = await futures.connector.trading.cancel_all(perp)

    assert [(state.venue_order_id, state.status) for state in states] == [
        ("28", OrderStatus.UNKNOWN),
        ("29", OrderStatus.CANCELED),
    ]


async def test_what_was_cancelled_is_told_though_a_fresh_list_of_symbols_cannot_be_had(
    futures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(table: FakeInstruments, venue_symbols: Iterable[str]) -> None:
        raise RequestTimeout("late")

    monkeypatch.setattr(FakeInstruments, "refresh_if_unlisted", unreachable)
    done = ['{"code":200,"msg":"done"}'] * 4
    unlisted = {**QUERIED, "symbol": "GONEUSDT"}
    futures.rest.reply(json.dumps([QUERIED, unlisted]), "[]", *done, json.dumps(CANCELED))

    (state,) = await futures.connector.trading.cancel_all(None)

    assert (state.venue_order_id, state.status) == ("28", OrderStatus.CANCELED)
    (dropped,) = futures.events
    assert isinstance(dropped, ItemDropped)


@pytest.mark.parametrize(("age_days", "status"), [(4, OrderStatus.CANCELED), (1, OrderStatus.UNKNOWN)])
async def test_a_waiting_order_is_forgotten_by_its_age_too(
    futures: Any, perp: Instrument, age_days: int, status: OrderStatus
) -> None:
    done = '{"code":200,"msg":"done"}'
    futures.rest.reply("[]", json.dumps([{**WAITING, **days_ago(age_days, age_days)}]), done, done, NOT_FOUND)

    (state,) = await futures.connector.trading.cancel_all(perp)

    assert (state.venue_order_id, state.status) == (ALGO_ID, status)


async def test_cancel_all_empties_one_service_where_the_other_fails(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(
        json.dumps([QUERIED]), json.dumps([WAITING]), RequestTimeout("late"), '{"code":200,"msg":"done"}'
    )

    with pytest.raises(PartialFailure, match=r"of BTCUSDT not all .* those of BTCUSDT \(conditional\) were") as caught:
        await futures.connector.trading.cancel_all(perp)

    assert caught.value.may_have_executed
    assert paths(futures)[2:] == ["DELETE /fapi/v1/allOpenOrders", "DELETE /fapi/v1/algoOpenOrders"]


async def test_cancel_all_of_the_account_goes_by_symbol(futures: Any) -> None:
    other = {**QUERIED, "symbol": "ETHUSDT", "orderId": 30}
    unlisted = {**QUERIED, "symbol": "GONEUSDT"}
    done = ['{"code":200,"msg":"done"}'] * 6
    futures.rest.reply(json.dumps([QUERIED, other, unlisted]), "[]", *done, *[json.dumps(CANCELED)] * 2)

    assert len(await futures.connector.trading.cancel_all(None)) == 2
    assert [dict(parameter.split("=") for parameter in request.query.split("&"))["symbol"]
            for request in futures.rest.requests[2:8]] == [
                "BTCUSDT", "BTCUSDT", "ETHUSDT", "ETHUSDT", "GONEUSDT", "GONEUSDT",
            ]  # fmt: skip
    (dropped,) = futures.events
    assert isinstance(dropped, ItemDropped)


async def test_dead_mans_switch_counts_down_for_one_symbol(futures: Any, perp: Instrument) -> None:
    futures.rest.reply('{"symbol":"BTCUSDT","countdownTime":"30000"}')

    await futures.connector.trading.cancel_all_after(30, perp)

    assert futures.sent == ("POST", "/fapi/v1/countdownCancelAll", {"symbol": "BTCUSDT", "countdownTime": "30000"})
    assert futures.costs == {"ip-weight": 10}
    with pytest.raises(InvalidArgument, match="one symbol"):
        await futures.connector.trading.cancel_all_after(30, None)


async def test_amend_keeps_the_order(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps({**PLACED, "price": "68001.0"}))

    state = await futures.connector.trading.amend(order_state(perp), Amendment(price=Decimal(68_001)), perp)

    assert (state.venue_order_id, state.client_order_id, state.price) == ("28", "a-1", 68_001)
    assert futures.sent[:2] == ("PUT", "/fapi/v1/order")
    assert futures.costs == {"orders": 1}


# Looking


async def test_a_waiting_order_is_found_by_our_id(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(NOT_FOUND, json.dumps(WAITING))

    state = await futures.connector.trading.order(OrderRef("a-1"), perp)

    assert (state.venue_order_id, state.status) == (ALGO_ID, OrderStatus.PENDING)
    assert futures.sent == ("GET", "/fapi/v1/algoOrder", {"clientAlgoId": "a-1"})


async def test_a_triggered_order_is_told_as_what_it_became(futures: Any, perp: Instrument) -> None:
    child = {
        **QUERIED,
        "clientOrderId": "x",
        "side": "SELL",
        "status": "FILLED",
        "executedQty": "0.010",
        "type": "MARKET",
    }
    futures.rest.reply(json.dumps({**TRIGGERED, "algoStatus": "FINISHED"}), json.dumps({**child, "origType": "MARKET"}))

    state = await futures.connector.trading.order(OrderRef("a-1", ALGO_ID), perp)

    assert (state.venue_order_id, state.client_order_id, state.status) == ("28", "a-1", OrderStatus.FILLED)
    assert (state.type, state.trigger_price) == (OrderType.STOP_LOSS, 60_000)


def days_ago(placed: float, changed: float) -> dict[str, int]:
    return {"createTime": int(NOW_MS - placed * DAY), "updateTime": int(NOW_MS - changed * DAY)}


async def test_what_it_became_may_not_be_there_yet(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps(TRIGGERED), NOT_FOUND)

    state = await futures.connector.trading.order(OrderRef("a-1", ALGO_ID), perp)

    assert (state.venue_order_id, state.status) == (ALGO_ID, OrderStatus.PENDING)


async def test_what_it_became_ended_unfilled_where_it_is_forgotten_and_has_no_fills(
    futures: Any, perp: Instrument
) -> None:
    futures.rest.reply(json.dumps({**TRIGGERED, "algoStatus": "FINISHED", **days_ago(89, 3.1)}), NOT_FOUND, "[]")

    state = await futures.connector.trading.order(OrderRef("a-1", ALGO_ID), perp)

    assert (state.venue_order_id, state.status, state.created_ns) == ("28", OrderStatus.CANCELED, None)
    assert futures.sent == ("GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT", "orderId": "28", "limit": "1"})


@pytest.mark.parametrize(
    ("placed", "changed", "trades"),
    [(0, 0, []), (4, 2.9, []), (91, 4, []), (5, 4, [[FILL]])],
    ids=["just now", "placed long ago but triggered now", "so old that all is forgotten", "it has a fill"],
)
async def test_what_it_became_is_unknown_where_nothing_proves_that_it_ended_unfilled(
    futures: Any, perp: Instrument, placed: float, changed: float, trades: list[Any]
) -> None:
    finished = {**TRIGGERED, "algoStatus": "FINISHED", **days_ago(placed, changed)}
    futures.rest.reply(json.dumps(finished), NOT_FOUND, *[json.dumps(page) for page in trades])

    state = await futures.connector.trading.order(OrderRef("a-1", ALGO_ID), perp)

    assert (state.venue_order_id, state.status) == ("28", OrderStatus.UNKNOWN)
    assert not futures.rest.replies


async def test_a_stop_whose_order_is_shown_late_ends_as_that_ended(futures: Any, perp: Instrument) -> None:
    ledger = Ledger()
    tracked = ledger.open(asked_for(stop_sell()))
    waiting = msgspec.convert({**WAITING, **days_ago(5, 5)}, types.AlgoOrder)
    ledger.apply_state(convert.to_conditional(waiting, symbol=perp.symbol))
    finished = json.dumps({**TRIGGERED, "algoStatus": "FINISHED", **days_ago(5, 0)})
    child = {**QUERIED, "clientOrderId": "x", "side": "SELL", "status": "FILLED", "executedQty": "0.010"}
    futures.rest.reply(finished, NOT_FOUND, finished, json.dumps({**child, "time": NOW_MS, "updateTime": NOW_MS}))

    ledger.apply_state(await futures.connector.trading.order(OrderRef("a-1", ALGO_ID), perp))
    assert (tracked.state.status, tracked.finished) == (OrderStatus.UNKNOWN, False)

    ledger.apply_state(await futures.connector.trading.order(OrderRef("a-1", ALGO_ID), perp))
    assert (tracked.state.status, tracked.state.filled) == (OrderStatus.FILLED, Decimal("0.010"))


async def test_an_order_that_is_in_neither_service_is_not_found(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(NOT_FOUND, NOT_FOUND, NOT_FOUND)

    with pytest.raises(OrderNotFound):
        await futures.connector.trading.order(OrderRef("a-1"), perp)
    with pytest.raises(OrderNotFound):
        await futures.connector.trading.order(OrderRef("a-1", "28"), perp)


async def test_open_orders_are_those_of_both_services(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([QUERIED]), json.dumps([WAITING]), "[]", "[]")

    assert [state.venue_order_id for state in await futures.connector.trading.open_orders(perp)] == ["28", ALGO_ID]
    assert (futures.sent, futures.costs) == (
        ("GET", "/fapi/v1/openAlgoOrders", {"symbol": "BTCUSDT"}),
        {"ip-weight": 1},
    )
    assert await futures.connector.trading.open_orders(None) == []
    assert futures.costs == {"ip-weight": 40}


async def test_a_waiting_order_that_cannot_be_read_costs_itself_alone(futures: Any, perp: Instrument) -> None:
    futures.rest.reply("[]", json.dumps([WAITING, {**WAITING, "algoId": 8, "quantity": None}]))

    assert [state.venue_order_id for state in await futures.connector.trading.open_orders(perp)] == [ALGO_ID]
    (dropped,) = futures.events
    assert isinstance(dropped, ItemDropped)


async def test_a_trailing_order_waits_without_a_trigger_price(futures: Any, perp: Instrument) -> None:
    trailing = {name: value for name, value in WAITING.items() if name != "triggerPrice"}
    futures.rest.reply("[]", json.dumps([{**trailing, "orderType": "TRAILING_STOP_MARKET"}]))

    (state,) = await futures.connector.trading.open_orders(perp)

    assert (state.type, state.trigger_price) == (OrderType.TRAILING_STOP, None)


async def test_history_goes_through_weeks_and_through_full_pages_by_time(futures: Any, perp: Instrument) -> None:
    page = futures.connector.trading.orders_page
    span = Span(0, 2 * WEEK * MS)
    futures.rest.reply(json.dumps([QUERIED]), json.dumps([]), json.dumps([]), json.dumps([QUERIED]))

    first = await page(perp, span, None, 1)
    assert futures.sent[2] == {"symbol": "BTCUSDT", "limit": "1", "startTime": "0", "endTime": str(WEEK - 2)}
    assert first.cursor == "1000"
    second = await page(perp, span, first.cursor, 1)
    assert futures.sent[2]["startTime"] == "1000"
    assert second.cursor == str(1_000 + WEEK - 1)
    third = await page(perp, span, str(2 * WEEK - 5), 1)
    assert (futures.sent[2]["endTime"], third.cursor) == (str(2 * WEEK - 1), None)
    newest = await page(perp, Span(), None, 5)
    assert (futures.sent[2], newest.cursor) == ({"symbol": "BTCUSDT", "limit": "5"}, None)


async def test_a_page_full_of_one_millisecond_is_not_told_as_all_of_it(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(*[json.dumps([FILL])] * 2, *[json.dumps([QUERIED])] * 2)
    span = Span(900 * MS, 9_000 * MS)

    for page, what in ((futures.connector.trading.fills_page, "fills"), (futures.connector.trading.orders_page, "ord")):
        first = await page(perp, span, None, 1)
        assert first.cursor == "1000"
        with pytest.raises(MalformedReply, match=f"not complete: 1 {what}.* millisecond 1000") as caught:
            await page(perp, span, first.cursor, 1)
        assert not caught.value.retryable


async def test_fills_are_read_through_weeks(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([FILL]), json.dumps([FILL]))

    page = await futures.connector.trading.fills_page(perp, Span(900 * MS, 9_000 * MS), None, 2)
    assert (futures.sent[1], page.cursor) == ("/fapi/v1/userTrades", None)
    newest = await futures.connector.trading.fills_page(perp, Span(), None, 1)
    assert ([fill.trade_id for fill in newest.items], newest.cursor) == (["5"], None)


async def test_fills_of_one_order_page_by_page(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([FILL] * 1_000), json.dumps([{**FILL, "id": 6}]))

    fills = await futures.connector.trading.fills_of(order_state(perp), perp)

    assert len(fills) == 1_001
    assert futures.sent[2] == {"symbol": "BTCUSDT", "orderId": "28", "limit": "1000", "fromId": "6"}


async def test_fills_of_a_conditional_order_are_those_of_what_it_became(futures: Any, perp: Instrument) -> None:
    state = order_state(perp, venue_order_id=ALGO_ID)
    futures.rest.reply(json.dumps(TRIGGERED), json.dumps(QUERIED), json.dumps([FILL]), json.dumps(WAITING))

    assert len(await futures.connector.trading.fills_of(state, perp)) == 1
    assert futures.sent[2]["orderId"] == "28"
    assert await futures.connector.trading.fills_of(state, perp) == []


async def test_fills_of_an_order_known_by_our_id_alone(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps(QUERIED), json.dumps([FILL]))

    assert len(await futures.connector.trading.fills_of(order_state(perp, venue_order_id=None), perp)) == 1


# Over the WebSocket API


def _reply(result: Any, status: int = 200) -> bytes:
    return json.dumps({"id": 1, "status": status, ("result" if status == 200 else "error"): result}).encode()


async def test_orders_over_the_websocket(make_futures: Callable[..., Any], perp: Instrument) -> None:
    desk = make_futures(order_entry="ws")
    trading = desk.connector.trading
    desk.ws.replies.extend(_reply(item) for item in (PLACED, PLACED, CANCELED, WAITING, ALGO_CANCELED))

    await trading.ready()
    assert (await trading.place(limit_buy(), perp)).venue_order_id == "28"
    await trading.amend(order_state(perp), Amendment(price=Decimal(1)), perp)
    await trading.cancel(OrderRef("a-1", "28"), perp)
    assert (await trading.place(stop_sell(), perp)).venue_order_id == ALGO_ID
    await trading.cancel(OrderRef("a-1", ALGO_ID), perp)

    sent = [json.loads(text) for text in desk.ws.sent]
    assert [item["method"] for item in sent] == [
        "order.place",
        "order.modify",
        "order.cancel",
        "algoOrder.place",
        "algoOrder.cancel",
    ]
    params = sent[0]["params"]
    assert (params["quantity"], params["price"], type(params["timestamp"])) == ("0.01", "68000", int)
    assert {"apiKey", "signature", "recvWindow"} <= set(params)
    assert [{cost.pool: cost.amount for cost in costs} for costs in desk.ws.costs] == [
        {"orders": 1},
        {"orders": 1},
        {"ip-weight": 1},
        {"orders": 1},
        {"ip-weight": 1},
    ]
    assert desk.ws.opened == 1
    assert desk.rest.requests == []


async def test_a_refusal_over_the_websocket_uses_the_table_of_futures(
    make_futures: Callable[..., Any], perp: Instrument
) -> None:
    desk = make_futures(order_entry="ws")
    desk.ws.replies.append(_reply({"code": -2022, "msg": "ReduceOnly Order is rejected."}, 400))

    with pytest.raises(ReduceOnlyRejected):
        await desk.connector.trading.place(limit_buy(), perp)


async def test_an_order_of_the_wrong_service_is_an_error_of_its_own(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(refused(-4120, "Order type not supported for this endpoint. Please use the Algo Order API."))

    with pytest.raises(InvalidOrder):
        await futures.connector.trading.place(limit_buy(), perp)
