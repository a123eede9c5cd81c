"""What is asked of Bybit for every command and query of orders, byte for byte, and what its answers become."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal as D
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import pytest
from bybit_conformance import INVERSE_BTC, LINEAR_BTC, SPOT_BTC, envelope, rows
from bybit_desk import Desk, quota
from bybit_documents import FILL, ORDER

from lotusx.errors import (
    ConnectionFailed,
    InsufficientFunds,
    InvalidArgument,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    RequestTimeout,
    Unavailable,
)
from lotusx.model import OrderEvent, OrderRequest, OrderState, OrderStatus
from lotusx.plugin import Acknowledged, Amendment, Capability, Cost, Effect, Lane, Limit, OrderRef, Span, Support
from lotusx_bybit.v5 import Category
from lotusx_bybit.v5.account_types import OrderIds
from lotusx_bybit.v5.facts import IP, QUOTA_S
from lotusx_bybit.v5.order_conversions import to_acknowledged

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
CONTRACTS = (Category.LINEAR, Category.INVERSE)
IDS = envelope({"orderId": "o-1", "orderLinkId": "a-1"})
DAY_NS = 86_400 * 10**9
DAY_MS = 86_400_000


def limit_buy(name: str = "a-1", symbol: str = "BTC/USDT", **more: Any) -> OrderRequest:
    return OrderRequest.limit(symbol, "buy", "0.01", "68000", client_order_id=name, **more)


def refused(code: int, text: str = "no") -> str:
    return json.dumps({"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": 1})


def batch(*codes: int) -> str:
    """Return the answer to a batch: a code for each order."""
    ids = [{"orderId": "" if code else f"o-{index}", "orderLinkId": ""} for index, code in enumerate(codes)]
    return envelope({"list": ids}, retExtInfo={"list": [{"code": code, "msg": "x"} for code in codes]})


async def test_place_sends_one_signed_command_within_its_quota(desk: Desk) -> None:
    desk.rest.reply(IDS)
    state = await desk.trading.place(limit_buy(), SPOT_BTC)
    sent = desk.rest.last
    assert (sent.verb, sent.path, sent.signed, sent.effect) == ("POST", "/v5/order/create", True, Effect.COMMAND)
    assert sent.body == (
        b'{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"68000",'
        b'"timeInForce":"GTC","orderLinkId":"a-1"}'
    )
    assert sent.costs == (Cost(IP, 1), Cost("/v5/order/create", 1))
    assert (state.status, state.venue_order_id, state.updated_ns) == (OrderStatus.PENDING, "o-1", 0)


async def test_acknowledgement_without_ids_is_no_acknowledgement(desk: Desk) -> None:
    desk.rest.reply(envelope([1]))
    with pytest.raises(MalformedReply, match="without ids"):
        await desk.trading.place(limit_buy(), SPOT_BTC)


@pytest.mark.parametrize("ids", [("o-9", "z"), ("o-9", ""), ("", "z")])
async def test_acknowledgement_that_names_another_order_says_nothing_of_this_one(
    desk: Desk, ids: tuple[str, str]
) -> None:
    order_id, link = ids
    placed = to_acknowledged(limit_buy(), OrderIds("o-1", "a-1"), symbol=SPOT_BTC.symbol)
    commands: list[Callable[[], Awaitable[object]]] = []
    if order_id:  # an id of the kind by which the order was named
        commands.append(lambda: desk.trading.amend(placed, Amendment(price=D("67000")), SPOT_BTC))
        commands.append(lambda: desk.trading.cancel(OrderRef("a-1", "o-1"), SPOT_BTC))
    if link:
        commands.append(lambda: desk.trading.place(limit_buy(), SPOT_BTC))
        commands.append(lambda: desk.trading.cancel(OrderRef("a-1"), SPOT_BTC))
    for command in commands:
        desk.rest.reply(envelope({"orderId": order_id, "orderLinkId": link}))
        with pytest.raises(MalformedReply, match="another order") as caught:
            await command()
        assert caught.value.sent  # it may have been executed


def out_of_order(*answers: tuple[int, str, str]) -> str:
    """Return the answer to a batch: a code for each order, and both of its ids."""
    ids = [{"orderId": order_id, "orderLinkId": link} for _, order_id, link in answers]
    return envelope({"list": ids}, retExtInfo={"list": [{"code": code, "msg": "x"} for code, _, _ in answers]})


async def test_answers_of_a_batch_are_told_apart_by_the_orders_they_name(desk: Desk) -> None:
    desk.rest.reply(out_of_order((0, "o-2", "a-2"), (170131, "", "a-1")))
    first, second = await desk.trading.place_batch([limit_buy("a-1"), limit_buy("a-2")], [SPOT_BTC] * 2)
    assert isinstance(first, InsufficientFunds)
    assert isinstance(second, OrderState)
    assert (second.client_order_id, second.venue_order_id) == ("a-2", "o-2")


async def test_cancels_that_are_answered_in_another_order_are_told_apart_by_the_ids_they_were_asked_by(
    make: Make,
) -> None:
    desk = make(CONTRACTS)
    desk.rest.reply(out_of_order((110001, "o-2", ""), (0, "o-1", "a-1")))
    refs = [OrderRef("a-1", "o-1"), OrderRef("a-2", "o-2")]
    first, second = await desk.trading.cancel_batch(refs, [LINEAR_BTC] * 2)
    assert first == Acknowledged(refs[0])
    assert isinstance(second, OrderNotFound)


@pytest.mark.parametrize(
    "answers",
    [
        [(0, "o-9", "z"), (0, "o-2", "a-2")],
        [(0, "o-2", "a-2"), (0, "o-2", "a-2")],
        [(0, "o-2", "a-2"), (170131, "", "")],
        [(0, "o-2", "a-2"), (0, "o-1", "")],
    ],
    ids=["another order's", "twice the same one's", "nobody's refusal", "without the name it was asked by"],
)
async def test_order_of_a_batch_that_no_answer_names_is_in_doubt(
    desk: Desk, answers: list[tuple[int, str, str]]
) -> None:
    desk.rest.reply(out_of_order(*answers))
    first, _ = await desk.trading.place_batch([limit_buy("a-1"), limit_buy("a-2")], [SPOT_BTC] * 2)
    assert isinstance(first, MalformedReply)
    assert first.sent  # it may have been executed


async def test_answers_of_a_batch_that_name_no_order_stand_in_the_order_of_the_batch(desk: Desk) -> None:
    desk.rest.reply(out_of_order((0, "o-1", ""), (170131, "", "")))
    first, second = await desk.trading.place_batch([limit_buy("a-1"), limit_buy("a-2")], [SPOT_BTC] * 2)
    assert isinstance(first, OrderState)
    assert first.venue_order_id == "o-1"
    assert isinstance(second, InsufficientFunds)


async def test_trigger_price_is_the_one_that_was_chosen(make: Make) -> None:
    desk = make(CONTRACTS, trigger_by="MarkPrice")
    desk.rest.reply(IDS)
    request = OrderRequest(
        symbol="BTC/USDT:USDT",
        side="sell",
        type="stop_loss",
        quantity="1",
        trigger_price="60000",
        client_order_id="a-1",
    )
    await desk.trading.place(request, LINEAR_BTC)
    assert desk.body["triggerBy"] == "MarkPrice"


async def test_amendment_names_the_order_by_its_own_id_and_states_what_changes(desk: Desk) -> None:
    order = to_acknowledged(limit_buy(), OrderIds("o-1", "a-1"), symbol=SPOT_BTC.symbol)
    desk.rest.reply(IDS)
    state = await desk.trading.amend(order, Amendment(price=D("67000"), new_client_order_id="unused"), SPOT_BTC)
    assert desk.body == {"category": "spot", "symbol": "BTCUSDT", "orderId": "o-1", "price": "67000"}
    assert (state.client_order_id, state.price, state.quantity) == ("a-1", None, None)


async def test_cancel_is_urgent_and_only_acknowledged(desk: Desk) -> None:
    desk.rest.reply(IDS)
    ref = OrderRef("a-1")
    assert await desk.trading.cancel(ref, SPOT_BTC) == Acknowledged(ref)
    assert (desk.rest.last.lane, desk.body) == (
        Lane.URGENT,
        {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "a-1"},
    )


async def test_spot_order_that_is_not_found_is_canceled_where_triggers_wait(desk: Desk) -> None:
    desk.rest.reply(refused(170213), refused(170213), IDS)
    await desk.trading.cancel(OrderRef("a-1"), SPOT_BTC)
    filters = [json.loads(request.body).get("orderFilter") for request in desk.rest.requests]
    assert filters == [None, "StopOrder", "tpslOrder"]


async def test_spot_order_that_has_another_id_since_its_trigger_is_named_by_ours(desk: Desk) -> None:
    ref = OrderRef("a-1", "o-old")
    desk.rest.reply(*[refused(170213)] * 3, IDS, *[rows()] * 6, rows({**ORDER, "orderId": "o-new"}))
    await desk.trading.cancel(ref, SPOT_BTC)
    named = [{"orderId", "orderLinkId"} & json.loads(request.body).keys() for request in desk.rest.requests]
    assert named == [{"orderId"}] * 3 + [{"orderLinkId"}]
    assert (await desk.trading.order(ref, SPOT_BTC)).venue_order_id == "o-new"
    assert desk.paths[-1] == "/v5/order/realtime"
    assert "orderLinkId=a-1" in desk.queries[-1]


async def test_order_that_is_nowhere_is_not_found(make: Make) -> None:
    spot, perp = make(), make(CONTRACTS)
    spot.rest.reply(*[refused(170213)] * 3)
    perp.rest.reply(refused(110001))
    with pytest.raises(OrderNotFound) as caught:
        await spot.trading.cancel(OrderRef("a-1"), SPOT_BTC)
    assert caught.value.code == "170213"
    with pytest.raises(OrderNotFound):
        await perp.trading.cancel(OrderRef("a-1"), LINEAR_BTC)
    assert len(perp.rest.requests) == 1


# Batches


async def test_batch_counts_each_order_and_tells_them_apart(desk: Desk) -> None:
    desk.rest.reply(batch(0, 170131, 0))
    good, poor, last = await desk.trading.place_batch([limit_buy(f"a-{n}") for n in range(3)], [SPOT_BTC] * 3)
    assert desk.rest.last.costs == (Cost(IP, 1), Cost("/v5/order/create-batch", 3))
    assert desk.body["category"] == "spot"
    assert [item["orderLinkId"] for item in desk.body["request"]] == ["a-0", "a-1", "a-2"]
    assert not isinstance(good, Exception)
    assert not isinstance(last, Exception)
    assert (good.venue_order_id, last.venue_order_id) == ("o-0", "o-2")
    assert isinstance(poor, Exception)


async def test_batch_is_cut_at_the_size_the_exchange_takes(desk: Desk) -> None:
    desk.rest.reply(batch(*[0] * 10), batch(*[0] * 2))
    answers = await desk.trading.place_batch([limit_buy(f"a-{n}") for n in range(12)], [SPOT_BTC] * 12)
    assert len(answers) == 12
    assert [costs[1].amount for costs in desk.costs] == [10, 2]


async def test_batch_is_cut_by_what_the_last_reply_left_of_the_quota(make: Make) -> None:
    desk = make(CONTRACTS)
    desk.rest.reply(quota(batch(0), 10, 4), quota(batch(*[0] * 4), 10, 0), quota(batch(*[0] * 10), 10, 0), batch(0))
    perp = limit_buy("a-0", "BTC/USDT:USDT")
    await desk.trading.place_batch([perp], [LINEAR_BTC])
    await desk.trading.place_batch([limit_buy(f"a-{n}", "BTC/USDT:USDT") for n in range(15)], [LINEAR_BTC] * 15)
    assert [costs[1].amount for costs in desk.costs] == [1, 4, 10, 1]


async def test_batch_of_two_categories_is_two_requests_in_one_order_of_answers(make: Make) -> None:
    desk = make(CONTRACTS)
    inverse = limit_buy("a-0", "BTC/USD:BTC", quantity_unit="contracts")
    desk.rest.reply(batch(0), batch(110007))
    poor, good = await desk.trading.place_batch([limit_buy("a-1", "BTC/USDT:USDT"), inverse], [LINEAR_BTC, INVERSE_BTC])
    assert [json.loads(request.body)["category"] for request in desk.rest.requests] == ["inverse", "linear"]
    assert isinstance(poor, Exception)
    assert not isinstance(good, Exception)


async def test_item_that_cannot_be_written_is_refused_and_the_rest_sent(desk: Desk) -> None:
    desk.rest.reply(batch(0))
    wrong, good = await desk.trading.place_batch([limit_buy("a 1"), limit_buy("a-2")], [SPOT_BTC] * 2)
    assert isinstance(wrong, InvalidArgument)
    assert not isinstance(good, Exception)


async def test_request_that_fails_answers_for_its_own_orders_only(desk: Desk) -> None:
    desk.rest.reply(ConnectionFailed("lost", sent=True), batch(0))
    answers = await desk.trading.place_batch([limit_buy(f"a-{n}") for n in range(11)], [SPOT_BTC] * 11)
    assert [isinstance(answer, ConnectionFailed) for answer in answers] == [True] * 10 + [False]


async def test_batch_that_the_environment_lacks_for_a_category_is_refused_for_it(make: Make) -> None:
    lacks = {Capability.BATCH_ORDERS: Support.partial("linear only", max_items=20, inverse=0)}
    desk = make(CONTRACTS, lacks=lacks)
    desk.rest.reply(batch(0))
    inverse = limit_buy("a-0", "BTC/USD:BTC", quantity_unit="contracts")
    lacking, good = await desk.trading.place_batch(
        [inverse, limit_buy("a-1", "BTC/USDT:USDT")], [INVERSE_BTC, LINEAR_BTC]
    )
    assert isinstance(lacking, NotSupported)
    assert "emulate=True" in str(lacking)
    assert not isinstance(good, Exception)


async def test_amendments_and_cancels_of_a_batch(desk: Desk) -> None:
    order = to_acknowledged(limit_buy(), OrderIds("o-1", "a-1"), symbol=SPOT_BTC.symbol)
    amend = batch(0).replace("o-0", "o-1")
    desk.rest.reply(amend, batch(0, 170213), refused(170213), refused(170213))
    (amended,) = await desk.trading.amend_batch([order], [Amendment(quantity=D(2))], [SPOT_BTC])
    assert desk.body == {"category": "spot", "request": [{"symbol": "BTCUSDT", "orderId": "o-1", "qty": "2"}]}
    assert not isinstance(amended, Exception)
    refs = [OrderRef("a-1"), OrderRef("a-2")]
    gone, lost = await desk.trading.cancel_batch(refs, [SPOT_BTC] * 2)
    assert gone == Acknowledged(refs[0])
    assert isinstance(lost, OrderNotFound)
    assert desk.rest.requests[1].lane is Lane.URGENT


# Over the trade socket


def said(data: Any, code: int = 0, **more: Any) -> bytes:
    header = {"X-Bapi-Limit": "7", "X-Bapi-Limit-Status": "6", "X-Bapi-Limit-Reset-Timestamp": "1"}
    return json.dumps({"reqId": "1.1", "retCode": code, "retMsg": "x", "data": data, "header": header, **more}).encode()


async def test_socket_sends_what_rest_would_and_shares_its_quota(make: Make) -> None:
    desk = make(order_entry="ws")
    desk.ws.replies.append(said({"orderId": "o-1", "orderLinkId": "a-1"}))
    state = await desk.trading.place(limit_buy(), SPOT_BTC)
    sent = json.loads(desk.ws.sent[0])
    assert (sent["op"], sent["args"][0]["orderLinkId"], state.venue_order_id) == ("order.create", "a-1", "o-1")
    assert desk.ws.costs == [(Cost("/v5/order/create", 1),)]
    assert desk.ws.names == ["order.create"]
    assert [(usage.pool, usage.used) for usage in desk.ws.usage] == [("/v5/order/create", 1)]
    assert desk.kernel.limits == [Limit("/v5/order/create", 7, QUOTA_S, scope="account spot", aligned=False)]
    assert desk.rest.requests == []


async def test_socket_is_opened_before_the_first_order(make: Make) -> None:
    desk = make(order_entry="ws")
    await desk.trading.ready()
    assert desk.ws.opened == 1


async def test_batch_over_the_socket_has_an_outcome_per_order(make: Make) -> None:
    desk = make(order_entry="ws")
    ids = {"list": [{"orderId": "o-1", "orderLinkId": ""}, {"orderId": "", "orderLinkId": ""}]}
    desk.ws.replies.append(said(ids, retExtInfo={"list": [{"code": 0, "msg": ""}, {"code": 10006, "msg": ""}]}))
    good, late = await desk.trading.place_batch([limit_buy("a-1"), limit_buy("a-2")], [SPOT_BTC] * 2)
    assert not isinstance(good, Exception)
    assert isinstance(late, Exception)
    assert late.retryable  # type: ignore[attr-defined]  # of every error of LotusX


async def test_environment_without_a_trade_socket_says_what_to_use_instead(make: Make) -> None:
    lacks = {Capability.WEBSOCKET_ORDERS: Support.not_offered("place, over REST")}
    with pytest.raises(NotSupported, match="place, over REST"):
        make(order_entry="ws", lacks=lacks, ws={"account": "wss://x/v5/private"})


# Looking up


async def test_order_is_looked_for_where_it_may_be(make: Make) -> None:
    spot, perp = make(), make(CONTRACTS)
    spot.rest.reply(rows(), rows(), refused(170213), rows(), rows(ORDER))
    assert (await spot.trading.order(OrderRef("a-1"), SPOT_BTC)).venue_order_id == "o-1"
    asked = [(path.rpartition("/")[2], query.partition("orderFilter=")[2]) for path, query in
             zip(spot.paths, spot.queries, strict=True)]  # fmt: skip
    assert asked == [
        ("realtime", ""), ("realtime", "StopOrder"), ("realtime", "tpslOrder"), ("history", ""),
        ("history", "StopOrder"),
    ]  # fmt: skip
    perp.rest.reply(rows(), rows(), rows())
    with pytest.raises(OrderNotFound, match="a-1 is not known"):
        await perp.trading.order(OrderRef("a-1"), LINEAR_BTC)
    assert [path.rpartition("/")[2] for path in perp.paths] == ["realtime", "history", "history"]


async def test_amount_of_quote_of_which_less_than_a_step_is_left_was_filled_however_it_is_told(desk: Desk) -> None:
    ended = {**ORDER, "orderStatus": "PartiallyFilledCanceled", "orderType": "Market", "marketUnit": "quoteCoin"}
    ended |= {"category": "spot", "qty": "100", "cumExecQty": "0.001249", "cumExecValue": "99.96"}
    push = {"topic": "order", "creationTime": 1, "data": [ended]}

    desk.rest.reply(rows(ended), rows(), rows(), rows(ended))
    (told,) = desk.account.channels()[0].convert(json.dumps(push).encode(), 9)

    assert isinstance(told, OrderEvent)
    (listed,) = await desk.trading.open_orders(None)
    asked = await desk.trading.order(OrderRef("a-1"), SPOT_BTC)
    assert [state.status for state in (told.state, listed, asked)] == [OrderStatus.FILLED] * 3


async def test_open_orders_of_the_account_are_asked_by_settle_asset_and_page(make: Make) -> None:
    desk = make(CONTRACTS)
    desk.rest.reply(rows(ORDER, cursor="1%3A2%2C3"), rows({**ORDER, "orderId": "o-2"}), rows())
    found = await desk.trading.open_orders(None)
    assert [state.venue_order_id for state in found] == ["o-1", "o-2"]
    assert desk.queries == [
        "category=linear&settleCoin=USDT&openOnly=0&limit=50",
        "category=linear&settleCoin=USDT&openOnly=0&limit=50&cursor=1%3A2%2C3",
        "category=inverse&openOnly=0&limit=50",
    ]


async def test_open_order_of_what_is_not_listed_is_left_out_and_reported(desk: Desk) -> None:
    desk.rest.reply(rows(ORDER, {**ORDER, "symbol": "GONEUSDT", "orderId": "o-2"}), rows(), rows())
    assert [state.venue_order_id for state in await desk.trading.open_orders(None)] == ["o-1"]
    assert len(desk.events) == 1
    assert desk.kernel.instruments.refreshed == 1


async def test_history_is_read_a_week_at_a_time(desk: Desk) -> None:
    now_ns = desk.kernel.clock.ns
    start = now_ns - 10 * DAY_NS
    older = {**ORDER, "orderId": "o-0", "createdTime": str(start // 10**6 + 5)}
    desk.rest.reply(*[rows()] * 3, rows({**ORDER, "createdTime": str(start // 10**6 + 9)}, older), rows(), rows())
    page = await desk.trading.orders_page(SPOT_BTC, Span(start), None, 1_000)
    assert [state.venue_order_id for state in page.items] == ["o-0", "o-1"]
    assert page.cursor == str(start // 10**6 + 7 * 86_400_000)
    desk.rest.reply(rows(ORDER), *[rows()] * 5)
    last = await desk.trading.orders_page(SPOT_BTC, Span(start), page.cursor, 1_000)
    assert (last.items, last.cursor) == ([], None)  # the open one is older than the span
    assert f"endTime={now_ns // 10**6}" in desk.queries[9]


async def test_order_that_is_open_while_its_piece_is_read_is_in_that_piece(make: Make) -> None:
    desk = make(CONTRACTS)
    now_ms = desk.kernel.clock.ns // 10**6
    older = {**ORDER, "createdTime": str(now_ms - 9 * DAY_MS)}
    newer = {**ORDER, "orderId": "o-2", "createdTime": str(now_ms - 60_000)}
    span = Span((now_ms - 10 * DAY_MS) * 10**6)

    desk.rest.reply(rows(newer, older), rows(), rows())
    first = await desk.trading.orders_page(LINEAR_BTC, span, None, 1_000)
    desk.rest.reply(rows(newer), rows(), rows())  # the older one has been filled meanwhile
    last = await desk.trading.orders_page(LINEAR_BTC, span, first.cursor, 1_000)

    assert [state.venue_order_id for state in first.items] == ["o-1"]
    assert ([state.venue_order_id for state in last.items], last.cursor) == (["o-2"], None)


async def test_open_order_between_the_pieces_of_one_history_is_in_one_of_them(make: Make) -> None:
    desk = make(CONTRACTS)
    start_ms = desk.kernel.clock.ns // 10**6 - 10 * DAY_MS
    border = start_ms + 7 * DAY_MS
    last_of_first = {**ORDER, "createdTime": str(border - 1)}
    first_of_last = {**ORDER, "orderId": "o-2", "createdTime": str(border)}
    both = rows(first_of_last, last_of_first)

    desk.rest.reply(both, rows(), rows(), both, rows(), rows())
    first = await desk.trading.orders_page(LINEAR_BTC, Span(start_ms * 10**6), None, 1_000)
    last = await desk.trading.orders_page(LINEAR_BTC, Span(start_ms * 10**6), first.cursor, 1_000)

    assert [[state.venue_order_id for state in page.items] for page in (first, last)] == [["o-1"], ["o-2"]]


async def test_order_that_ends_while_the_history_is_read_is_in_it_as_it_ended(desk: Desk) -> None:
    now_ms = desk.kernel.clock.ns // 10**6
    order = {**ORDER, "createdTime": str(now_ms - 60_000)}
    desk.rest.reply(rows(order), rows(), rows())
    desk.rest.reply(rows({**order, "orderStatus": "Filled", "cumExecQty": "0.100"}), rows(), rows())
    (state,) = (await desk.trading.orders_page(SPOT_BTC, Span((now_ms - 3_600_000) * 10**6), None, 1_000)).items
    assert state.status is OrderStatus.FILLED
    assert [path.rpartition("/")[2] for path in desk.paths] == ["realtime"] * 3 + ["history"] * 3


async def test_piece_with_very_many_rows_is_cut_in_two(desk: Desk) -> None:
    now_ms = desk.kernel.clock.ns // 10**6
    many = rows(*[{**FILL, "execTime": str(now_ms - 1)}] * 5_000)
    desk.rest.reply(many, rows({**FILL, "execTime": str(now_ms - 2)}))
    page = await desk.trading.fills_page(SPOT_BTC, Span((now_ms - 1_000) * 10**6), None, 1_000)
    assert len(page.items) == 1
    assert page.cursor == str(now_ms - 1_000 + 500)


async def test_row_that_is_listed_twice_does_not_hide_that_a_piece_was_cut(desk: Desk) -> None:
    now_ms = desk.kernel.clock.ns // 10**6
    many = [{**ORDER, "orderId": f"o-{n}", "createdTime": str(now_ms - 1)} for n in range(4_999)]
    desk.rest.reply(*[rows()] * 3, rows(*many, many[-1]), *[rows()] * 5)
    page = await desk.trading.orders_page(SPOT_BTC, Span((now_ms - 1_000) * 10**6), None, 1_000)
    assert page.cursor == str(now_ms - 1_000 + 500)


async def test_history_whose_cursor_does_not_move_is_not_told_as_complete(desk: Desk) -> None:
    now_ms = desk.kernel.clock.ns // 10**6
    stuck = rows({**FILL, "execTime": str(now_ms - 5)}, cursor="c1")
    desk.rest.reply(stuck, stuck)
    with pytest.raises(MalformedReply, match="the cursor of the next page does not move") as caught:
        await desk.trading.fills_page(SPOT_BTC, Span((now_ms - 1_000) * 10**6), None, 1_000)
    assert not caught.value.retryable
    assert len(desk.rest.requests) == 2


async def test_fills_of_one_order_are_asked_by_its_id(desk: Desk) -> None:
    order = to_acknowledged(limit_buy(), OrderIds("o-1", "a-1"), symbol=SPOT_BTC.symbol)
    now_ms = desk.kernel.clock.ns // 10**6
    desk.rest.reply(rows({**ORDER, "createdTime": str(now_ms - 1)}), rows(FILL))
    (fill,) = await desk.trading.fills_of(order, SPOT_BTC)
    assert fill.trade_id == "e-1"
    assert "orderId=o-1&execType=Trade" in desk.queries[1]
    known = replace(order, created_ns=(now_ms - 8 * 86_400_000) * 10**6)
    desk.rest.reply(rows(), rows(FILL))
    assert len(await desk.trading.fills_of(known, SPOT_BTC)) == 1


async def test_fills_without_a_start_are_the_newest(make: Make) -> None:
    desk = make(CONTRACTS)
    perp = [{**FILL, "execId": f"e-{n}", "execTime": str(10 + n)} for n in (2, 1)]
    desk.rest.reply(rows(*perp), rows({**FILL, "symbol": "BTCUSD", "execId": "e-0", "execTime": "10"}))
    page = await desk.trading.account_fills_page(Span(), None, 2)
    assert ([fill.trade_id for fill in page.items], page.cursor) == (["e-1", "e-2"], None)


async def test_fills_without_a_start_go_back_as_far_as_it_takes(desk: Desk) -> None:
    now_ms = desk.kernel.clock.ns // 10**6
    fills = {days: {**FILL, "execId": f"e-{days}", "execTime": str(now_ms - days * DAY_MS)} for days in (1, 8, 9, 30)}
    desk.rest.reply(rows(fills[1]), rows(fills[8], fills[9]))
    page = await desk.trading.fills_page(SPOT_BTC, Span(), None, 2)
    assert ([fill.trade_id for fill in page.items], page.cursor) == (["e-8", "e-1"], None)
    desk.rest.reply(rows(fills[1]), rows(fills[8], fills[9]), rows(), rows(), rows(fills[30]), *[rows()] * 100)
    page = await desk.trading.fills_page(SPOT_BTC, Span(), None, 1_000)
    assert [fill.trade_id for fill in page.items] == ["e-30", "e-9", "e-8", "e-1"]
    asked = [dict(parse_qsl(query)) for query in desk.queries[2:]]
    assert all(int(one["startTime"]) == int(two["endTime"]) + 1 for one, two in pairwise(asked))
    assert (int(asked[0]["endTime"]), int(asked[-1]["startTime"])) == (now_ms, now_ms - 730 * DAY_MS)


async def test_row_that_is_listed_twice_costs_none_of_the_newest(desk: Desk) -> None:
    now_ms = desk.kernel.clock.ns // 10**6
    listed = [{**ORDER, "orderId": f"o-{n}", "createdTime": str(now_ms - n)} for n in (1, 2, 2, 3)]
    desk.rest.reply(*[rows()] * 3, rows(*listed[:3], cursor="x"), rows(), rows())
    desk.rest.reply(*[rows()] * 3, rows(*listed[:3], cursor="x"), rows(listed[3]), rows(), rows())
    page = await desk.trading.orders_page(SPOT_BTC, Span(), None, 3)
    assert [state.venue_order_id for state in page.items] == ["o-3", "o-2", "o-1"]


# Canceling all


async def test_cancel_all_of_spot_means_all_places_and_tells_how_orders_ended(desk: Desk) -> None:
    ended = {**ORDER, "orderStatus": "Cancelled", "updatedTime": "1672364262999"}
    desk.rest.reply(rows(ORDER, {**ORDER, "orderId": "o-2"}), rows(), rows())
    desk.rest.reply(*[envelope({"list": []})] * 3)
    desk.rest.reply(rows(ended), rows(), rows())
    states = await desk.trading.cancel_all(None)
    assert {state.venue_order_id: state.status for state in states} == {
        "o-1": OrderStatus.CANCELED,
        "o-2": OrderStatus.UNKNOWN,  # still on its way out
    }
    bodies = [json.loads(request.body) for request in desk.rest.requests if request.verb == "POST"]
    assert bodies == [
        {"category": "spot"},
        {"category": "spot", "orderFilter": "StopOrder"},
        {"category": "spot", "orderFilter": "tpslOrder"},
    ]


async def test_cancel_all_does_not_tell_orders_as_open_where_asking_for_them_fails(make: Make) -> None:
    desk = make(CONTRACTS)
    desk.rest.reply(rows(ORDER), envelope({"list": []}), ConnectionFailed("DNS is down", sent=False))

    (state,) = await desk.trading.cancel_all(LINEAR_BTC)

    assert (state.venue_order_id, state.status, state.raw_status) == ("o-1", OrderStatus.UNKNOWN, "")


async def test_cancel_all_is_asked_again_while_it_takes_as_many_as_it_can(make: Make) -> None:
    desk = make(CONTRACTS)
    full = envelope({"list": [{"orderId": str(n), "orderLinkId": ""} for n in range(500)]})
    desk.rest.reply(rows(ORDER), full, envelope({"list": []}), rows())
    await desk.trading.cancel_all(LINEAR_BTC)
    assert desk.paths[1:3] == ["/v5/order/cancel-all"] * 2


async def test_cancel_all_whose_second_round_fails_says_that_the_first_was_done(make: Make) -> None:
    desk = make(CONTRACTS)
    full = envelope({"list": [{"orderId": str(n), "orderLinkId": ""} for n in range(500)]})
    desk.rest.reply(rows(ORDER), full, RequestTimeout("late"))
    with pytest.raises(PartialFailure, match="of round 2 not all orders were cancelled; those of round 1 were") as e:
        await desk.trading.cancel_all(LINEAR_BTC)
    assert e.value.may_have_executed


async def test_cancel_all_goes_on_behind_a_category_that_fails(make: Make) -> None:
    desk = make(CONTRACTS)
    inverse = {**ORDER, "symbol": "BTCUSD", "orderId": "o-2"}
    desk.rest.reply(rows(ORDER), rows(inverse), RequestTimeout("late"), envelope({"list": []}))
    with pytest.raises(PartialFailure, match="of inverse BTC not all orders were cancelled; those of linear USDT"):
        await desk.trading.cancel_all(None)


async def test_cancel_all_that_the_exchange_says_has_failed_has_failed(make: Make, desk: Desk) -> None:
    perp, failed = make(CONTRACTS), envelope({"list": [], "success": "0"})
    perp.rest.reply(rows(ORDER), failed)
    with pytest.raises(Unavailable, match="not all orders were canceled") as caught:
        await perp.trading.cancel_all(LINEAR_BTC)
    assert caught.value.may_have_executed
    desk.rest.reply(rows(ORDER), rows(), rows(), *[envelope({"list": [], "success": "1"})] * 2, failed)
    with pytest.raises(PartialFailure, match="of spot tpslOrder not all orders were cancelled; those of spot, "):
        await desk.trading.cancel_all(None)


async def test_cancel_all_of_the_account_names_each_settle_asset(make: Make) -> None:
    desk = make(CONTRACTS)
    inverse = {**ORDER, "symbol": "BTCUSD", "orderId": "o-2"}
    desk.rest.reply(rows(ORDER), rows(inverse), *[envelope({"list": []})] * 2, rows(), rows())
    await desk.trading.cancel_all(None)
    bodies = [json.loads(request.body) for request in desk.rest.requests if request.verb == "POST"]
    assert bodies == [{"category": "inverse", "settleCoin": "BTC"}, {"category": "linear", "settleCoin": "USDT"}]


# Native


async def test_native_call_writes_decimals_counts_its_quota_and_returns_the_result(desk: Desk) -> None:
    desk.rest.reply(envelope({"a": 1.5}))
    found = await desk.native.call("post", "/v5/order/cancel/", {"price": D("1E+2"), "x": None}, signed=True, weight=3)
    assert found == {"a": D("1.5")}
    assert (desk.rest.last.body, desk.rest.last.lane) == (b'{"price":"100"}', Lane.URGENT)
    assert desk.rest.last.costs == (Cost(IP, 1), Cost("/v5/order/cancel", 3))


async def test_native_withdrawal_needs_an_option(make: Make) -> None:
    with pytest.raises(NotSupported, match="allow_withdrawals"):
        await make().native.call("POST", "/v5/asset/withdraw/create", {}, signed=True)
    with pytest.raises(InvalidArgument, match="a path is"):
        await make().native.call("POST", "/v5/asset//%77ithdraw/create", {}, signed=True)
    allowed = make(allow_withdrawals=True)
    allowed.rest.reply(envelope({"id": "1"}))
    assert await allowed.native.call("POST", "/v5/asset/withdraw/create", {}, signed=True) == {"id": "1"}


async def test_quota_of_another_kind_of_account_is_adopted_once(desk: Desk) -> None:
    desk.rest.reply(quota(IDS, 40, 39), quota(IDS.replace("a-1", "a-2"), 40, 38))
    for name in ("a-1", "a-2"):
        await desk.trading.place(limit_buy(name), SPOT_BTC)
    assert desk.kernel.limits == [Limit("/v5/order/create", 40, QUOTA_S, scope="account spot", aligned=False)]
