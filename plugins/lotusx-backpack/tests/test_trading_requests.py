"""The exact command of every order, and what its answer becomes."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from backpack_documents import CLOSED, FILL, MARK, ORDER, PERP, TRADE, text

from lotusx.errors import (
    ConnectionFailed,
    InsufficientFunds,
    InvalidArgument,
    MalformedReply,
    OrderNotFound,
    PostOnlyWouldTake,
    RequestTimeout,
)
from lotusx.model import OrderRequest, OrderState, OrderStatus, OrderType
from lotusx.plugin import Acknowledged, Effect, ItemDropped, Lane, OrderRef, Response, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
NOW_NS = 1_770_000_000_000_000_000
GONE = Response(404, {}, b'{"code":"RESOURCE_NOT_FOUND","message":"Order not found"}')


def limit_buy(**changes: Any) -> OrderRequest:
    return OrderRequest.limit(PERP.symbol, "buy", "0.5", "141.25", **{"client_order_id": "7", **changes})


def stop(trigger: str = "130", **changes: Any) -> OrderRequest:
    values = {
        "symbol": PERP.symbol, "side": "sell", "type": "stop_loss", "quantity": "2", "trigger_price": trigger,
        "client_order_id": "8",
    }  # fmt: skip
    return OrderRequest(**{**values, **changes})


async def test_ready_opens_the_connection(desk: Any) -> None:
    desk.rest.reply("1770000000000")
    await desk.connector.trading.ready()
    assert desk.asked == ["GET /api/v1/time"]


# -- placing ---------------------------------------------------------------------------------------------------------


async def test_place_signs_one_order(desk: Any) -> None:
    desk.rest.reply(text(ORDER))

    state = await desk.connector.trading.place(limit_buy(), PERP)

    request = desk.rest.last
    assert (desk.asked, request.effect, request.signed) == (["POST /api/v1/order"], Effect.COMMAND, True)
    assert dict(request.headers)["content-type"] == "application/json; charset=utf-8"
    assert desk.sent == {
        "symbol": "SOL_USDC_PERP", "side": "Bid", "orderType": "Limit", "price": "141.25", "quantity": "0.5",
        "timeInForce": "GTC", "clientId": 7,
    }  # fmt: skip
    assert (state.status, state.venue_order_id, state.client_order_id) == (OrderStatus.OPEN, "5406825793", "7")


async def test_our_ids_go_out_as_numbers_and_come_back_as_ours(desk: Any) -> None:
    desk.rest.reply(text(ORDER))
    await desk.connector.trading.place(limit_buy(client_order_id="grid-1"), PERP)
    number = desk.sent["clientId"]
    assert 0 < number < 2**32

    desk.rest.reply(text({**ORDER, "clientId": number}))
    state = await desk.connector.trading.order(OrderRef("grid-1"), PERP)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "clientId": str(number)}
    assert state.client_order_id == "grid-1"


async def test_market_order_is_what_it_is_after_matching(desk: Any) -> None:
    answer = {
        **ORDER, "orderType": "Market", "status": "Filled", "executedQuantity": "0.5",
        "executedQuoteQuantity": "70.65", "price": None,
    }  # fmt: skip
    desk.rest.reply(text(answer))

    state = await desk.connector.trading.place(
        OrderRequest.market(PERP.symbol, "buy", "0.5", client_order_id="7"), PERP
    )

    assert (state.status, state.type, state.filled) == (OrderStatus.FILLED, OrderType.MARKET, D("0.5"))
    assert state.average_price == D("141.3")
    assert "price" not in desk.sent


async def test_conditional_order_asks_first_where_the_market_is(desk: Any) -> None:
    desk.rest.reply(text([TRADE]), text({**ORDER, "side": "Ask", "clientId": 8, "status": "TriggerPending"}))

    state = await desk.connector.trading.place(stop(), PERP)

    assert desk.asked == ["GET /api/v1/trades", "POST /api/v1/order"]
    assert desk.sent == {
        "symbol": "SOL_USDC_PERP", "side": "Ask", "orderType": "Market", "triggerPrice": "130",
        "triggerQuantity": "2", "triggerBy": "LastPrice", "clientId": 8,
    }  # fmt: skip
    assert (state.type, state.status) == (OrderType.STOP_LOSS, OrderStatus.PENDING)


@pytest.mark.parametrize(("word", "trigger"), [("MarkPrice", "141.12"), ("IndexPrice", "141.05")])
async def test_trigger_is_compared_with_the_price_that_it_names(desk: Any, word: str, trigger: str) -> None:
    desk.rest.reply(text([MARK]), text(ORDER))

    await desk.connector.trading.place(stop(trigger, native={"triggerBy": word}), PERP)

    assert desk.asked == ["GET /api/v1/markPrices", "POST /api/v1/order"]
    assert desk.sent["triggerBy"] == word


async def test_stop_on_the_wrong_side_is_not_sent(desk: Any) -> None:
    desk.rest.reply(text([TRADE]))

    with pytest.raises(InvalidArgument, match=r"below 141\.2"):
        await desk.connector.trading.place(stop("150"), PERP)

    assert desk.asked == ["GET /api/v1/trades"]


async def test_trigger_without_a_price_to_compare_with_is_not_sent(desk: Any) -> None:
    desk.rest.reply("[]")

    with pytest.raises(InvalidArgument, match="no LastPrice"):
        await desk.connector.trading.place(stop(), PERP)


async def test_what_could_not_be_read_first_left_nothing_sent(desk: Any) -> None:
    desk.rest.reply(RequestTimeout("no answer"))

    with pytest.raises(ConnectionFailed) as caught:
        await desk.connector.trading.place(stop(), PERP)

    assert caught.value.sent is False


async def test_batch_has_one_outcome_per_order_in_their_order(desk: Any) -> None:
    placed = {**ORDER, "operation": "Ok"}
    refused = {"operation": "Err", "code": "INSUFFICIENT_FUNDS", "message": "Insufficient funds"}
    desk.rest.reply(text([placed, refused, {"operation": "Perhaps"}]))
    requests = [
        limit_buy(),
        limit_buy(native={"what": "1"}),
        limit_buy(client_order_id="8"),
        limit_buy(client_order_id="9"),
    ]

    answers = await desk.connector.trading.place_batch(requests, [PERP] * 4)

    assert desk.asked == ["POST /api/v1/orders"]
    assert [order["clientId"] for order in desk.sent] == [7, 8, 9]
    assert [type(answer) for answer in answers] == [OrderState, InvalidArgument, InsufficientFunds, MalformedReply]


async def test_batch_of_triggers_asks_for_each_price_once(desk: Any) -> None:
    desk.rest.reply(text([TRADE]), text([{**ORDER, "operation": "Ok"}] * 2))

    await desk.connector.trading.place_batch([stop(), stop("120", client_order_id="9")], [PERP, PERP])

    assert desk.asked == ["GET /api/v1/trades", "POST /api/v1/orders"]


async def test_batch_of_which_nothing_can_be_written_sends_nothing(desk: Any) -> None:
    (answer,) = await desk.connector.trading.place_batch([limit_buy(native={"what": "1"})], [PERP])

    assert (type(answer), desk.asked) == (InvalidArgument, [])


async def test_batch_with_another_number_of_answers_is_open(desk: Any) -> None:
    desk.rest.reply(text([{**ORDER, "operation": "Ok"}]))

    with pytest.raises(MalformedReply, match="1 answers to 2 orders"):
        await desk.connector.trading.place_batch([limit_buy(), limit_buy(client_order_id="8")], [PERP, PERP])


# -- cancelling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        (OrderRef("7", "5406825793"), {"orderId": "5406825793"}),
        (OrderRef(None, "5406825793"), {"orderId": "5406825793"}),
        (OrderRef("7"), {"clientId": 7}),
    ],
)
async def test_cancel_names_the_order_by_exactly_one_id(desk: Any, ref: OrderRef, name: dict[str, Any]) -> None:
    desk.rest.reply(text({**ORDER, "status": "Cancelled", "executedQuantity": "0.2", "executedQuoteQuantity": "28.25"}))

    state = await desk.connector.trading.cancel(ref, PERP)

    assert (desk.asked, desk.rest.last.lane) == (["DELETE /api/v1/order"], Lane.URGENT)
    assert desk.sent == {"symbol": "SOL_USDC_PERP", **name}
    assert (state.status, state.filled) == (OrderStatus.CANCELED, D("0.2"))


async def test_cancel_that_was_only_taken_says_nothing_of_the_order(desk: Any) -> None:
    desk.rest.reply(Response(202))
    ref = OrderRef("7")

    answer = await desk.connector.trading.cancel(ref, PERP)

    assert answer == Acknowledged(ref, None, "202")


@pytest.mark.parametrize(
    "answer",
    [GONE, Response(400, {}, b'{"code":"INVALID_CLIENT_REQUEST","message":"Order not found"}')],
)
async def test_cancel_of_what_is_not_open_is_told_so(desk: Any, answer: Response) -> None:
    desk.rest.reply(answer)

    with pytest.raises(OrderNotFound):
        await desk.connector.trading.cancel(OrderRef("7"), PERP)


async def test_order_without_a_name_is_not_asked_for(desk: Any) -> None:
    for call in (desk.connector.trading.cancel, desk.connector.trading.order):
        with pytest.raises(InvalidArgument):
            await call(OrderRef(), PERP)
    assert desk.asked == []


async def test_cancel_all_of_a_symbol_is_one_request(desk: Any) -> None:
    desk.rest.reply(text([{**ORDER, "status": "Cancelled"}]))

    (state,) = await desk.connector.trading.cancel_all(PERP)

    assert (desk.asked, desk.sent) == (["DELETE /api/v1/orders"], {"symbol": "SOL_USDC_PERP"})
    assert state.status is OrderStatus.CANCELED


async def test_cancel_all_of_the_account_goes_through_the_symbols_with_open_orders(desk: Any) -> None:
    spot = {**ORDER, "symbol": "SOL_USDC", "id": "2"}
    desk.rest.reply(text([ORDER, spot, {**ORDER, "id": "3"}]))
    desk.rest.reply(text([{**spot, "status": "Cancelled"}]), text([{**ORDER, "status": "Cancelled"}]))

    states = await desk.connector.trading.cancel_all(None)

    assert desk.asked == ["GET /api/v1/orders", "DELETE /api/v1/orders", "DELETE /api/v1/orders"]
    assert [str(state.symbol) for state in states] == ["SOL/USDC", "SOL/USDC:USDC"]


async def test_cancel_all_that_finds_nothing_goes_on_with_the_next_symbol(desk: Any) -> None:
    spot = {**ORDER, "symbol": "SOL_USDC", "id": "2"}
    desk.rest.reply(text([ORDER, spot]), GONE, text([{**ORDER, "status": "Cancelled"}]))

    (state,) = await desk.connector.trading.cancel_all(None)

    assert (str(state.symbol), len(desk.asked)) == ("SOL/USDC:USDC", 3)


async def test_cancel_all_that_was_only_taken_tells_what_is_open_still(desk: Any) -> None:
    desk.rest.reply(Response(202), text([ORDER]))

    (state,) = await desk.connector.trading.cancel_all(PERP)

    assert desk.asked == ["DELETE /api/v1/orders", "GET /api/v1/orders"]
    assert state.status is OrderStatus.OPEN


# -- asking ----------------------------------------------------------------------------------------------------------


async def test_open_order_is_as_true_as_the_moment_it_was_asked_for(desk: Any) -> None:
    desk.rest.reply(text(ORDER))

    state = await desk.connector.trading.order(OrderRef("7", "5406825793"), PERP)

    assert (desk.asked, desk.rest.params["orderId"]) == (["GET /api/v1/order"], "5406825793")
    assert (state.created_ns, state.updated_ns) == (1_769_999_999_000 * MS, NOW_NS)


def ended(**changes: Any) -> dict[str, Any]:
    """Return a row of the history."""
    values = {
        **ORDER, "status": "Filled", "executedQuantity": "0.5", "executedQuoteQuantity": "70",
        "createdAt": "2026-02-02T02:39:59", "expiryReason": None,
    }  # fmt: skip
    return {**values, **changes}


async def test_order_that_has_ended_is_found_in_the_history_by_its_id(desk: Any) -> None:
    desk.rest.reply(GONE, text([ended()]))

    state = await desk.connector.trading.order(OrderRef("7", "5406825793"), PERP)

    assert desk.asked == ["GET /api/v1/order", "GET /wapi/v1/history/orders"]
    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "orderId": "5406825793"}
    assert (state.status, state.updated_ns) == (OrderStatus.FILLED, 1_769_999_999_000 * MS)


async def test_order_that_has_ended_is_searched_for_by_our_id_among_the_newest(desk: Any) -> None:
    desk.rest.reply(GONE, text([ended(clientId=None), ended(clientId="8"), ended(clientId="7", id="9")]))

    state = await desk.connector.trading.order(OrderRef("7"), PERP)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "1000", "sortDirection": "Desc"}
    assert state.venue_order_id == "9"


WAITED = {
    "id": "8",
    "clientId": "8",
    "side": "Ask",
    "status": "Triggered",
    "triggerPrice": "130",
    "relatedOrderId": "9",
}


@pytest.mark.parametrize("ref", [OrderRef("8"), OrderRef(None, "8")])
async def test_order_that_triggered_is_what_it_became(desk: Any, ref: OrderRef) -> None:
    now = ended(id="9", clientId=None, side="Ask", relatedOrderId="8", triggeredAt="2026-02-02T02:40:00")
    desk.rest.reply(GONE, text([ended(**WAITED)]), GONE, text([now]))

    state = await desk.connector.trading.order(ref, PERP)

    assert (state.venue_order_id, state.client_order_id, state.status) == ("9", "8", OrderStatus.FILLED)
    assert (state.created_ns, state.updated_ns) == (None, NOW_NS)


async def test_order_that_is_there_as_it_waited_and_as_it_went_on_is_the_latter(desk: Any) -> None:
    now = ended(id="9", clientId="8", side="Ask", relatedOrderId="8")
    desk.rest.reply(GONE, text([ended(**WAITED), now]))

    state = await desk.connector.trading.order(OrderRef("8"), PERP)

    assert (state.venue_order_id, state.status, len(desk.asked)) == ("9", OrderStatus.FILLED, 2)


async def test_triggered_order_is_open_under_our_id(desk: Any) -> None:
    waiting = {**ORDER, "id": "8", "clientId": 8, "side": "Ask", "status": "TriggerPending", "triggerPrice": "130"}
    desk.rest.reply(text([TRADE]), text(waiting), text([{**waiting, "id": "9", "clientId": None, "status": "New",
                                                         "relatedOrderId": "8"}]))  # fmt: skip

    await desk.connector.trading.place(stop(), PERP)
    (state,) = await desk.connector.trading.open_orders(None)

    assert (state.venue_order_id, state.client_order_id, state.status) == ("9", "8", OrderStatus.OPEN)


async def test_post_only_order_that_expired_at_once_was_refused(desk: Any) -> None:
    desk.rest.reply(text({**ORDER, "status": "Expired"}))

    with pytest.raises(PostOnlyWouldTake, match="order 5406825793 expired at once"):
        await desk.connector.trading.place(limit_buy(post_only=True), PERP)


async def test_search_goes_on_while_what_it_saw_is_younger_than_any_doubt(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotusx_backpack.connector.order_reads.MAX_ROWS", 2)
    young, old = "2026-02-02T02:35:00", "2026-02-02T02:29:00"  # now is 02:40
    desk.rest.reply(GONE, text([ended(createdAt=young)] * 2), text([ended(createdAt=old)] * 2))

    with pytest.raises(OrderNotFound, match="neither open nor in the history"):
        await desk.connector.trading.order(OrderRef("77"), PERP)

    assert desk.rest.params["offset"] == "2"
    assert len(desk.asked) == 3


async def test_open_orders_of_what_is_not_listed_are_left_out_and_counted(desk: Any) -> None:
    desk.rest.reply(text([ORDER, {**ORDER, "symbol": "NEW_USDC", "id": "2"}]))

    found = await desk.connector.trading.open_orders(None)

    assert (desk.rest.last.query, desk.instruments.refreshed) == ("", 1)
    assert [state.venue_order_id for state in found] == ["5406825793"]
    assert [event.key for event in desk.events if isinstance(event, ItemDropped)] == ["orders"]


async def test_history_is_oldest_first_and_of_the_span(desk: Any) -> None:
    rows = [ended(id=str(9 - n), createdAt=f"2026-02-02T02:3{9 - n}:00") for n in range(4)]
    desk.rest.reply(text(rows))

    start = NOW_NS - 3 * 60_000 * MS  # 02:37
    page = await desk.connector.trading.orders_page(PERP, Span(start, start + 2 * 60_000 * MS), None, 100)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "1000", "sortDirection": "Desc"}
    assert ([state.venue_order_id for state in page.items], page.cursor) == (["7", "8"], None)


async def test_newest_of_the_history_is_one_short_request(desk: Any) -> None:
    desk.rest.reply(text([ended(id="2"), ended(id="1")]))

    page = await desk.connector.trading.orders_page(CLOSED, Span(), None, 2)

    assert desk.rest.params["limit"] == "2"
    assert [state.venue_order_id for state in page.items] == ["1", "2"]


async def test_history_that_comes_oldest_first_all_the_same_is_read_to_its_end(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotusx_backpack.connector.order_reads.MAX_ROWS", 2)
    rows = [ended(id=str(n), createdAt=f"2026-02-02T02:3{n}:00") for n in range(5)]
    desk.rest.reply(text(rows[:2]), text(rows[2:4]), text(rows[4:]))

    page = await desk.connector.trading.orders_page(PERP, Span(), None, 1)

    assert [state.venue_order_id for state in page.items] == ["4"]


# -- fills -----------------------------------------------------------------------------------------------------------


def fill(number: int, **changes: Any) -> dict[str, Any]:
    return {**FILL, "tradeId": number, "timestamp": f"2026-02-02T02:39:0{number}", **changes}


async def test_fills_of_a_span_are_paged_by_how_many_came_before(desk: Any) -> None:
    desk.rest.reply(text([fill(1), fill(2)]), text([fill(3)]))
    span = Span(NOW_NS - 60_000 * MS, NOW_NS)
    trading = desk.connector.trading

    first = await trading.fills_page(PERP, span, None, 2)
    assert desk.rest.params == {
        "symbol": "SOL_USDC_PERP", "from": "1769999940000", "to": "1769999999999", "limit": "2",
        "sortDirection": "Asc",
    }  # fmt: skip
    second = await trading.fills_page(PERP, span, first.cursor, 2)

    assert (desk.rest.params["offset"], desk.rest.params["to"]) == ("2", "1769999999999")
    assert [item.trade_id for item in (*first.items, *second.items)] == ["1", "2", "3"]
    assert second.cursor is None


async def test_newest_fills_come_oldest_first(desk: Any) -> None:
    desk.rest.reply(text([fill(2), fill(1)]))

    page = await desk.connector.trading.fills_page(PERP, Span(), None, 2)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "2", "sortDirection": "Desc"}
    assert ([item.trade_id for item in page.items], page.cursor) == (["1", "2"], None)


async def test_fills_of_the_account_name_no_symbol(desk: Any) -> None:
    desk.rest.reply(text([fill(1), fill(2, symbol="NEW_USDC"), fill(3, symbol="SOL_USDC")]))

    page = await desk.connector.trading.account_fills_page(Span(0), None, 1_000)

    assert "symbol" not in desk.rest.params
    assert [str(item.symbol) for item in page.items] == ["SOL/USDC:USDC", "SOL/USDC"]


async def test_fills_of_an_order_known_by_our_id_alone(desk: Any) -> None:
    desk.rest.reply(text(ORDER), text([fill(1)]))
    state = OrderState(
        symbol=PERP.symbol, venue_order_id=None, client_order_id="7", side=limit_buy().side, type=OrderType.LIMIT,
        status=OrderStatus.OPEN, quantity=None, filled=D(0),
    )  # fmt: skip

    (found,) = await desk.connector.trading.fills_of(state, PERP)

    assert desk.asked == ["GET /api/v1/order", "GET /wapi/v1/history/fills"]
    assert desk.rest.params["orderId"] == "5406825793"
    assert (found.trade_id, found.fee, found.fee_asset) == ("1", D("0.011300"), "USDC")
