"""Fills of a span, of the account and of an order."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from backpack_documents import FILL, ORDER, PERP, text

from lotusx.model import OrderState, OrderStatus, OrderType, Side
from lotusx.plugin import Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
NOW_NS = 1_770_000_000_000_000_000


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
        symbol=PERP.symbol, venue_order_id=None, client_order_id="7", side=Side.BUY, type=OrderType.LIMIT,
        status=OrderStatus.OPEN, quantity=None, filled=D(0),
    )  # fmt: skip

    (found,) = await desk.connector.trading.fills_of(state, PERP)

    assert desk.asked == ["GET /api/v1/order", "GET /wapi/v1/history/fills"]
    assert desk.rest.params["orderId"] == "5406825793"
    assert (found.trade_id, found.fee, found.fee_asset) == ("1", D("0.011300"), "USDC")
