"""Queries and history: the exact requests, page by page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from binance_orders import FILL, QUERIED, order_state

from lotusx.model import Instrument, Side
from lotusx.plugin import ItemDropped, OrderRef, Span
from lotusx_binance.connector import BinanceConnector

pytestmark = pytest.mark.anyio
MS = 1_000_000
DAY = 86_400_000


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


async def test_a_fill_of_this_moment_is_found_although_our_clock_is_behind(desk: Any, btc: Instrument) -> None:
    now_ms = desk.connector.trading._now_ns() // MS
    desk.rest.reply(json.dumps([{**FILL, "time": now_ms + 5_000}]))

    page = await desk.connector.trading.fills_page(btc, Span((now_ms - 1_000) * MS), None, 10)

    assert [fill.trade_id for fill in page.items] == ["5"]


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


async def test_an_open_order_of_an_unlisted_symbol_costs_that_order_only(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(json.dumps([QUERIED, {**QUERIED, "symbol": "NEWUSDT", "orderId": 29}]))

    orders = await desk.connector.trading.open_orders(None)

    assert [order.venue_order_id for order in orders] == ["28"]
    assert desk.connector.trading._kernel.instruments.refreshed == 1  # looked for once in a fresh list
    assert [(event.key, "NEWUSDT" in event.reason) for event in desk.events if isinstance(event, ItemDropped)] == [
        ("openOrders", True)
    ]


async def test_a_search_up_to_now_goes_by_the_clock_of_the_exchange(desk: Any, btc: Instrument) -> None:
    kernel = desk.connector.trading._kernel
    since_ns = kernel.clock.now_ns() + 3_600_000 * MS  # somebody has set the clock of this machine back by an hour
    connector = BinanceConnector(replace(kernel, exchange_ns=lambda: since_ns + 5 * MS))
    desk.rest.reply(json.dumps([]))

    await connector.trading.fills_page(btc, Span(since_ns), None, 1)

    assert int(desk.sent[2]["endTime"]) > int(desk.sent[2]["startTime"]) == since_ns // MS
