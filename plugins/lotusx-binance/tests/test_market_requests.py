"""The exact request of every public call, and what its answer becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lotusx.errors import InvalidArgument
from lotusx.model import Instrument, Interval, Side
from lotusx.plugin import ItemDropped, Limit, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000

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
    (dropped,) = desk.events
    assert isinstance(dropped, ItemDropped)
    assert (dropped.exchange, dropped.key) == ("binance", "exchangeInfo")
    assert dropped.reason in caplog.text


async def test_limits_stated_by_the_exchange_replace_ours(desk: Any) -> None:
    stated = [
        ("REQUEST_WEIGHT", "MINUTE", 1, 6000),
        ("RAW_REQUESTS", "MINUTE", 5, 300_000),
        ("ORDERS", "SECOND", 10, 100),
        ("ORDERS", "DAY", 1, 200_000),
        ("CONNECTIONS", "MINUTE", 5, 300),
        ("ORDERS", "FORTNIGHT", 1, 1),
        ("REQUEST_WEIGHT", "MINUTE", 1, 0),
    ]
    names = ("rateLimitType", "interval", "intervalNum", "limit")
    limits = [dict(zip(names, limit, strict=True)) for limit in stated]
    desk.rest.reply(json.dumps({"serverTime": 1, "rateLimits": limits, "symbols": []}))

    assert await desk.connector.market.instruments() == []

    assert desk.limits == [
        Limit("ip-weight", 6_000, 60.0),
        Limit("raw-requests", 300_000, 300.0),
        Limit("orders", 100, 10.0, scope="account"),
        Limit("orders", 200_000, 86_400.0, scope="account"),
    ]
    assert [event.key for event in desk.events] == ["exchangeInfo.rateLimits"] * 3


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
    assert [(event.key, event.reason) for event in desk.events] == [("ticker/24hr", "unknown symbol 'UNLISTED'")]
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


async def test_a_candle_that_ran_when_it_was_asked_for_is_not_over(
    desk: Any, btc: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector, clock = desk.connector, desk.connector.market._kernel.clock
    end_ms = (clock.ns // MS // 60_000 + 1) * 60_000
    clock.ns = (end_ms - 100) * MS
    asked = connector.market._public.klines

    async def late(*arguments: Any, **more: Any) -> Any:
        rows = await asked(*arguments, **more)
        clock.ns = (end_ms + 50) * MS
        return rows

    monkeypatch.setattr(connector.market._public, "klines", late)
    desk.rest.reply(json.dumps([_kline(end_ms - 60_000)]))

    (candle,) = (await connector.market.candles_page(btc, Interval.M1, Span(), None, 1)).items

    assert clock.ns > candle.close_ns
    assert not candle.closed


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


async def test_the_newest_print_is_asked_for_where_that_is_cheap(desk: Any, btc: Instrument) -> None:
    desk.rest.reply(json.dumps([_aggregate(7, 12)]), "[]")

    assert await desk.connector.market.newest_trade_ns(btc) == 12 * MS
    assert desk.sent == ("GET", "/api/v3/aggTrades", {"symbol": "BTCUSDT", "limit": "1"})
    assert desk.costs == {"ip-weight": 4}
    assert await desk.connector.market.newest_trade_ns(btc) is None
