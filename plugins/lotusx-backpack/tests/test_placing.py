"""The exact command of every order that is placed, and what its answer becomes."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from backpack_documents import MARK, ORDER, PERP, TRADE, text
from backpack_orders import limit_buy, stop

from lotusx.errors import (
    ConnectionFailed,
    InsufficientFunds,
    InvalidArgument,
    MalformedReply,
    PostOnlyWouldTake,
    RequestTimeout,
)
from lotusx.model import OrderRequest, OrderState, OrderStatus, OrderType
from lotusx.plugin import Effect, OrderRef

pytestmark = pytest.mark.anyio


async def test_ready_opens_the_connection(desk: Any) -> None:
    desk.rest.reply("1770000000000")
    await desk.connector.trading.ready()
    assert desk.asked == ["GET /api/v1/time"]


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


@pytest.mark.parametrize("other", [9, "9", "grid-7"])
async def test_answer_that_names_another_order_says_nothing_of_this_one(desk: Any, other: int | str) -> None:
    desk.rest.reply(text({**ORDER, "clientId": other}))

    with pytest.raises(MalformedReply, match="another order") as caught:
        await desk.connector.trading.place(limit_buy(), PERP)

    assert caught.value.sent  # it may have been executed


@pytest.mark.parametrize("name", ["7", "", None])
async def test_answer_may_write_the_id_as_text_or_leave_it_out(desk: Any, name: str | None) -> None:
    desk.rest.reply(text({**ORDER, "clientId": name}))

    state = await desk.connector.trading.place(limit_buy(), PERP)

    assert (state.status, state.venue_order_id) == (OrderStatus.OPEN, "5406825793")


async def test_our_ids_go_out_as_numbers_and_come_back_as_ours(desk: Any) -> None:
    desk.rest.reply(text({name: value for name, value in ORDER.items() if name != "clientId"}))
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
    desk.rest.reply(text([MARK]), text({**ORDER, "clientId": 8}))

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
    desk.rest.reply(text([TRADE]), text([{**ORDER, "clientId": number, "operation": "Ok"} for number in (8, 9)]))

    await desk.connector.trading.place_batch([stop(), stop("120", client_order_id="9")], [PERP, PERP])

    assert desk.asked == ["GET /api/v1/trades", "POST /api/v1/orders"]


async def test_batch_of_which_nothing_can_be_written_sends_nothing(desk: Any) -> None:
    (answer,) = await desk.connector.trading.place_batch([limit_buy(native={"what": "1"})], [PERP])

    assert (type(answer), desk.asked) == (InvalidArgument, [])


async def test_batch_with_another_number_of_answers_is_open(desk: Any) -> None:
    desk.rest.reply(text([{**ORDER, "operation": "Ok"}]))

    answers = await desk.connector.trading.place_batch([limit_buy(), limit_buy(client_order_id="8")], [PERP, PERP])

    assert [str(answer) for answer in answers] == ["backpack: 1 answers to 2 orders"] * 2
    assert [type(answer) for answer in answers] == [MalformedReply] * 2


async def test_batch_in_which_an_answer_names_another_order_is_in_doubt_as_a_whole(desk: Any) -> None:
    refused = {"operation": "Err", "code": "INSUFFICIENT_FUNDS", "message": "Insufficient funds"}
    desk.rest.reply(text([{**ORDER, "clientId": 8, "operation": "Ok"}, refused]))

    answers = await desk.connector.trading.place_batch([limit_buy(), limit_buy(client_order_id="8")], [PERP, PERP])

    assert [type(answer) for answer in answers] == [MalformedReply] * 2


async def test_order_that_was_not_sent_has_no_part_in_the_doubt_of_its_batch(desk: Any) -> None:
    desk.rest.reply(RequestTimeout("no reply"))

    sent, unsent = await desk.connector.trading.place_batch(
        [limit_buy(), limit_buy(native={"what": "1"}, client_order_id="8")], [PERP, PERP]
    )

    assert (type(sent), type(unsent)) == (RequestTimeout, InvalidArgument)
    assert [order["clientId"] for order in desk.sent] == [7]


async def test_post_only_order_that_expired_at_once_was_refused(desk: Any) -> None:
    desk.rest.reply(text({**ORDER, "status": "Expired"}))

    with pytest.raises(PostOnlyWouldTake, match="order 5406825793 expired at once"):
        await desk.connector.trading.place(limit_buy(post_only=True), PERP)
