"""Orders that are asked for: open, in the history, and gone on through a trigger."""

from __future__ import annotations

from typing import Any

import pytest
from backpack_documents import CLOSED, ORDER, PERP, TRADE, text
from backpack_orders import GONE, stop

from lotusx.errors import OrderNotFound
from lotusx.model import OrderStatus
from lotusx.plugin import ItemDropped, OrderRef, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
NOW_NS = 1_770_000_000_000_000_000


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
    desk.rest.reply("[]", text(rows))

    start = NOW_NS - 3 * 60_000 * MS  # 02:37
    page = await desk.connector.trading.orders_page(PERP, Span(start, start + 2 * 60_000 * MS), None, 100)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "1000", "sortDirection": "Desc"}
    assert ([state.venue_order_id for state in page.items], page.cursor) == (["7", "8"], None)


async def test_newest_of_the_history_is_one_short_request(desk: Any) -> None:
    desk.rest.reply("[]", text([ended(id="2"), ended(id="1")]))

    page = await desk.connector.trading.orders_page(CLOSED, Span(), None, 2)

    assert desk.rest.params["limit"] == "2"
    assert [state.venue_order_id for state in page.items] == ["1", "2"]


async def test_history_that_comes_oldest_first_all_the_same_is_read_to_its_end(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotusx_backpack.connector.order_reads.MAX_ROWS", 2)
    rows = [ended(id=str(n), createdAt=f"2026-02-02T02:3{n}:00") for n in range(5)]
    desk.rest.reply("[]", text(rows[:2]), text(rows[2:4]), text(rows[4:]))

    page = await desk.connector.trading.orders_page(PERP, Span(), None, 1)

    assert [state.venue_order_id for state in page.items] == ["4"]


async def test_history_has_the_orders_that_are_open_though_it_lags(desk: Any) -> None:
    older, newer = 1_769_999_000_000, 1_769_999_999_000
    still = [{**ORDER, "id": "3", "createdAt": newer}, {**ORDER, "id": "1", "createdAt": older}]
    lagging = ended(id="1", status="New", executedQuantity="0", createdAt="2026-02-02T02:23:20")
    desk.rest.reply(text(still), text([ended(id="2", createdAt="2026-02-02T02:30:00"), lagging]))

    page = await desk.connector.trading.orders_page(PERP, Span(older * MS), None, 100)

    assert desk.asked == ["GET /api/v1/orders", "GET /wapi/v1/history/orders"]
    assert [(state.venue_order_id, state.status) for state in page.items] == [
        ("1", OrderStatus.OPEN),
        ("2", OrderStatus.FILLED),
        ("3", OrderStatus.OPEN),
    ]
    assert [state.updated_ns for state in page.items if state.status is OrderStatus.OPEN] == [NOW_NS] * 2


async def test_order_that_ends_while_the_history_is_read_is_in_it_as_it_ended(desk: Any) -> None:
    desk.rest.reply(text([ORDER]), text([ended()]))

    (state,) = (await desk.connector.trading.orders_page(PERP, Span(), None, 100)).items

    assert state.status is OrderStatus.FILLED


async def test_open_orders_outside_of_the_span_are_not_in_its_history(desk: Any) -> None:
    desk.rest.reply(text([ORDER]), "[]")
    created = 1_769_999_999_000 * MS

    assert (await desk.connector.trading.orders_page(PERP, Span(created + 1), None, 100)).items == []
    desk.rest.reply(text([ORDER]), "[]")
    assert (await desk.connector.trading.orders_page(PERP, Span(0, created), None, 100)).items == []


async def test_newest_of_the_history_are_counted_with_the_open_ones(desk: Any) -> None:
    desk.rest.reply(text([ORDER]), text([ended(id="2"), ended(id="1", createdAt="2026-02-02T02:00:00")]))

    page = await desk.connector.trading.orders_page(PERP, Span(), None, 2)

    assert len(page.items) == 2
    assert "1" not in [state.venue_order_id for state in page.items]
