"""The exact command of every cancel, and what its answer says of the orders."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal as D
from typing import Any

import pytest
from backpack_documents import ORDER, PERP, text
from backpack_orders import GONE

from lotusx.errors import (
    ConnectionFailed,
    InvalidArgument,
    MalformedReply,
    OrderNotFound,
    PartialFailure,
    RequestTimeout,
)
from lotusx.model import OrderStatus
from lotusx.plugin import Acknowledged, ItemDropped, Lane, OrderRef, Response
from lotusx_testing.fakes import FakeInstruments

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize(
    ("ref", "other"),
    [(OrderRef("7", "5406825793"), {"id": "9"}), (OrderRef("7"), {"clientId": 9})],
)
async def test_answer_to_a_cancel_that_names_another_order_says_nothing_of_this_one(
    desk: Any, ref: OrderRef, other: dict[str, Any]
) -> None:
    desk.rest.reply(text({**ORDER, "status": "Cancelled", **other}))

    with pytest.raises(MalformedReply, match="another order") as caught:
        await desk.connector.trading.cancel(ref, PERP)

    assert caught.value.sent  # it may have been executed


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


async def test_cancel_all_that_was_taken_is_not_told_as_refused_because_asking_afterwards_was(desk: Any) -> None:
    desk.rest.reply(Response(202), Response(403, {}, b"<html>WAF</html>"))

    with pytest.raises(ConnectionFailed, match="was taken, and what is open not told") as caught:
        await desk.connector.trading.cancel_all(PERP)

    assert caught.value.may_have_executed


@pytest.mark.parametrize("answer", [Response(202), None])
async def test_what_was_cancelled_is_told_though_a_fresh_list_of_symbols_cannot_be_had(
    desk: Any, monkeypatch: pytest.MonkeyPatch, answer: Response | None
) -> None:
    async def unreachable(table: FakeInstruments, venue_symbols: Iterable[str]) -> None:
        if "NEW_USDC" in venue_symbols:
            raise RequestTimeout("late")

    monkeypatch.setattr(FakeInstruments, "refresh_if_unlisted", unreachable)
    unlisted = {**ORDER, "symbol": "NEW_USDC", "id": "2"}
    desk.rest.reply(text([unlisted, ORDER]))
    desk.rest.reply(*[text([{**unlisted, "status": "Cancelled"}])] if answer is None else [answer, text([unlisted])])
    desk.rest.reply(text([{**ORDER, "status": "Cancelled"}]))

    (state,) = await desk.connector.trading.cancel_all(None)

    assert (state.venue_order_id, state.status) == (ORDER["id"], OrderStatus.CANCELED)
    (dropped,) = desk.events
    assert isinstance(dropped, ItemDropped)


async def test_cancel_all_goes_on_behind_a_symbol_that_fails_and_says_so(desk: Any) -> None:
    spot = {**ORDER, "symbol": "SOL_USDC", "id": "2"}
    desk.rest.reply(text([ORDER, spot]), RequestTimeout("late"), text([{**ORDER, "status": "Cancelled"}]))

    with pytest.raises(PartialFailure, match="of SOL_USDC not all orders were cancelled; those of SOL_USDC_PERP were"):
        await desk.connector.trading.cancel_all(None)

    assert len(desk.asked) == 3


async def test_cancel_all_that_was_only_taken_tells_what_is_open_still(desk: Any) -> None:
    desk.rest.reply(Response(202), text([ORDER]))

    (state,) = await desk.connector.trading.cancel_all(PERP)

    assert desk.asked == ["DELETE /api/v1/orders", "GET /api/v1/orders"]
    assert state.status is OrderStatus.OPEN
