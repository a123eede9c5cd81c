"""The exact request of every public call, and what its answer becomes."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest
from hyperliquid_documents import BAR, BTC, CTX, ETH, HYPE, L2_BOOK, LISTS, META, PRINT, SPOT_CTX, SPOT_META, TSLA

from lotusx.errors import ErrorKind, ExchangeError, InvalidArgument, MalformedReply, NotSupported
from lotusx.model import Interval
from lotusx.plugin import Effect, ItemDropped, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
HOUR_MS = 3_600_000
NOW_MS = 1_770_000_000_000


async def test_questions_are_posts_that_may_be_asked_again(desk: Any) -> None:
    desk.rest.reply('{"time":1790000000123,"specialStatuses":null}')
    assert await desk.connector.market.server_time_ns() == 1_790_000_000_123 * MS
    request = desk.rest.last
    assert (str(request.verb), request.url) == ("POST", "https://api.hyperliquid.xyz/info")
    assert dict(request.headers) == {"content-type": "application/json"}
    assert (request.effect, request.signed, request.endpoint) == (Effect.READ, False, "info/exchangeStatus")
    assert (desk.sent, desk.weight) == ({"type": "exchangeStatus"}, 2)


async def test_instruments_come_from_three_lists(desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    odd = {"name": "@9", "index": 9, "tokens": [99, 0], "isCanonical": False}
    spot = {**SPOT_META, "universe": [*SPOT_META["universe"], odd]}
    for _ in range(2):
        desk.rest.reply(LISTS[0], LISTS[1], json.dumps(spot))
    await desk.connector.market.instruments()
    listed = await desk.connector.market.instruments()
    assert [json.loads(request.body)["type"] for request in desk.rest.requests[:3]] == [
        "perpDexs", "allPerpMetas", "spotMeta",
    ]  # fmt: skip
    assert [request.costs[0].amount for request in desk.rest.requests[:3]] == [20, 20, 20]
    assert [(item.venue_symbol, str(item.status)) for item in listed] == [
        ("BTC", "trading"), ("ETH", "trading"), ("MATIC", "closed"), ("xyz:TSLA", "trading"), ("xyz:OLD", "closed"),
        ("@107", "trading"),
    ]  # fmt: skip
    assert [event.key for event in desk.events if isinstance(event, ItemDropped)] == ["@9", "@9"]
    assert caplog.text.count("@9 was left out") == 1  # told once, counted each time


async def test_context_of_one_market_is_found_by_its_place(desk: Any) -> None:
    contexts = json.dumps([META, [CTX, {**CTX, "markPx": "2"}, CTX]])
    desk.rest.reply(contexts, contexts, contexts, contexts)
    ticker = await desk.connector.market.ticker(ETH)
    assert (desk.sent, desk.weight) == ({"type": "metaAndAssetCtxs", "dex": ""}, 20)
    assert (ticker.mark_price, ticker.mid_price, ticker.last_price) == (2, D("66371.5"), None)
    assert (ticker.index_price, ticker.funding_rate) == (66_383, D("0.0000125"))
    mark = await desk.connector.market.mark_price(ETH)
    assert (mark.mark_price, mark.open_interest) == (2, D("22727.78266"))
    rate = await desk.connector.market.funding_rate(BTC)
    assert rate.funding_ns % (HOUR_MS * MS) == 0
    assert (rate.interval_s, rate.rate) == (3_600, D("0.0000125"))
    assert (await desk.connector.market.open_interest(BTC)).quantity == D("22727.78266")


async def test_context_of_what_is_gone_is_an_unknown_symbol(desk: Any) -> None:
    desk.rest.reply(json.dumps([META, [CTX, CTX, CTX]]))
    with pytest.raises(ExchangeError) as caught:
        await desk.connector.market.ticker(TSLA)
    assert caught.value.kind is ErrorKind.INVALID_SYMBOL


async def test_tickers_ask_each_dex_once(desk: Any) -> None:
    xyz = [{"universe": [{"name": "xyz:TSLA"}]}, [CTX]]
    desk.rest.reply(json.dumps([META, [CTX, CTX, CTX]]), json.dumps(xyz), json.dumps([SPOT_META, [SPOT_CTX]]))
    tickers = await desk.connector.market.tickers(None)
    assert [str(ticker.symbol) for ticker in tickers] == [
        "BTC/USDC:USDC", "ETH/USDC:USDC", "XYZ-TSLA/USDC:USDC", "HYPE/USDC",
    ]  # fmt: skip
    assert [json.loads(request.body) for request in desk.rest.requests] == [
        {"type": "metaAndAssetCtxs", "dex": ""}, {"type": "metaAndAssetCtxs", "dex": "xyz"},
        {"type": "spotMetaAndAssetCtxs"},
    ]  # fmt: skip
    desk.rest.reply(json.dumps([SPOT_META, [{**SPOT_CTX, "markPx": "none"}]]))
    assert await desk.connector.market.tickers([HYPE]) == []
    assert isinstance(desk.events[-1], ItemDropped)


@pytest.mark.parametrize("call", ["mark_price", "funding_rate", "open_interest"])
async def test_spot_has_no_such_thing(desk: Any, call: str) -> None:
    with pytest.raises(NotSupported, match="HYPE/USDC"):
        await getattr(desk.connector.market, call)(HYPE)
    assert desk.rest.requests == []


async def test_book_is_cut_at_the_depth_asked_for(desk: Any) -> None:
    desk.rest.reply(L2_BOOK, L2_BOOK, L2_BOOK)
    book = await desk.connector.market.order_book(BTC, 1)
    assert (desk.sent, desk.weight) == ({"type": "l2Book", "coin": "BTC"}, 2)
    assert [(level.price, level.quantity) for level in book.asks] == [(84_144, D("50.66422"))]
    assert not book.complete
    assert (await desk.connector.market.order_book(BTC, 20)).complete
    top = await desk.connector.market.best_bid_offer(BTC)
    assert (top.bid_price_text, top.ask_quantity_text) == ("84143.0", "50.66422")


async def test_a_side_where_nobody_is_has_no_price(desk: Any) -> None:
    desk.rest.reply(json.dumps({"coin": "BTC", "time": 1, "levels": [[], []]}))
    top = await desk.connector.market.best_bid_offer(BTC)
    assert (top.bid_price, top.ask_price, top.ask_quantity) == (None, None, 0)


async def test_unknown_coin_is_an_unknown_symbol(desk: Any) -> None:
    desk.rest.reply("null")
    with pytest.raises(ExchangeError) as caught:
        await desk.connector.market.order_book(BTC, 20)
    assert caught.value.kind is ErrorKind.INVALID_SYMBOL


async def test_trades_come_newest_first_and_go_out_oldest_first(desk: Any) -> None:
    rows = [{**PRINT, "time": 3_000 - number, "tid": number} for number in range(45)]
    desk.rest.reply(json.dumps(rows))
    trades = await desk.connector.market.recent_trades(BTC, 2)
    assert [trade.trade_id for trade in trades] == ["1", "0"]
    assert (desk.sent, desk.weight) == ({"type": "recentTrades", "coin": "BTC"}, 20)
    assert [(cost.pool, cost.amount) for cost in desk.charges] == [("ip-weight", 2)]


def bars(first: int, count: int) -> str:
    rows = [{**BAR, "t": first + 60_000 * n, "T": first + 60_000 * (n + 1) - 1} for n in range(count)]
    return json.dumps(rows)


async def test_newest_candles(desk: Any) -> None:
    desk.rest.reply(bars(NOW_MS - 120_000, 3))
    page = await desk.connector.market.candles_page(BTC, Interval.M1, Span(), None, 2)
    assert desk.sent == {
        "type": "candleSnapshot",
        "req": {"coin": "BTC", "interval": "1m", "startTime": NOW_MS - 120_000, "endTime": NOW_MS},
    }
    assert [bar.open_ns for bar in page.items] == [(NOW_MS - 60_000) * MS, NOW_MS * MS]
    assert [bar.closed for bar in page.items] == [True, False]
    assert page.cursor is None


async def test_candles_page_by_page(desk: Any) -> None:
    start = NOW_MS - 600_000
    desk.rest.reply(bars(start, 2), bars(start + 120_000, 2))
    span = Span(start * MS, (start + 240_000) * MS)
    page = await desk.connector.market.candles_page(BTC, Interval.M1, span, None, 2)
    assert desk.sent["req"] == {
        "coin": "BTC", "interval": "1m", "startTime": start, "endTime": start + 119_999,
    }  # fmt: skip
    assert page.cursor == str(start + 120_000)
    last = await desk.connector.market.candles_page(BTC, Interval.M1, span, page.cursor, 2)
    assert (len(last.items), last.cursor) == (2, None)


async def test_a_bar_that_began_before_the_span_is_not_in_it(desk: Any) -> None:
    start = NOW_MS - 600_000
    desk.rest.reply(bars(start, 3))
    page = await desk.connector.market.candles_page(
        BTC, Interval.M1, Span((start + 30_000) * MS, (start + 150_000) * MS), None, 100
    )
    assert [bar.open_ns // MS for bar in page.items] == [start + 60_000, start + 120_000]


async def test_candles_that_do_not_exist_any_more_are_skipped_at_once(desk: Any) -> None:
    start = NOW_MS - 10_000 * 60_000
    desk.rest.reply("[]", bars(NOW_MS - 5_000 * 60_000, 130))
    page = await desk.connector.market.candles_page(BTC, Interval.M1, Span(start * MS), None, 100)
    assert len(desk.rest.requests) == 2
    assert desk.sent["req"]["startTime"] == start + 100 * 60_000
    assert len(page.items) == 100
    assert page.cursor == str(NOW_MS - 4_900 * 60_000)
    assert [cost.amount for cost in desk.charges] == [2]
    desk.rest.reply("[]", "[]")
    empty = await desk.connector.market.candles_page(BTC, Interval.MONTH1, Span(start * MS), None, 100)
    assert (empty.items, empty.cursor) == ([], None)


@pytest.mark.parametrize("interval", [Interval.S1, Interval.H6])
async def test_intervals_that_do_not_exist_are_refused(desk: Any, interval: Interval) -> None:
    with pytest.raises(InvalidArgument, match="no candles"):
        await desk.connector.market.candles_page(BTC, interval, Span(), None, 1)


def fundings(first: int, count: int) -> str:
    return json.dumps(
        [{"coin": "BTC", "fundingRate": "0.0001", "premium": None, "time": first + HOUR_MS * n} for n in range(count)]
    )


async def test_funding_history_pages_by_its_last_time(desk: Any) -> None:
    desk.rest.reply(fundings(1_000, 500), fundings(1, 3))
    page = await desk.connector.market.funding_rates_page(BTC, Span(1_000 * MS), None, 1_000)
    assert desk.sent == {"type": "fundingHistory", "coin": "BTC", "startTime": 1_000}
    assert page.cursor == str(1_000 + 499 * HOUR_MS + 1)
    assert [cost.amount for cost in desk.charges] == [25]
    page = await desk.connector.market.funding_rates_page(BTC, Span(1_000 * MS), page.cursor, 1_000)
    assert desk.sent["startTime"] == 1_000 + 499 * HOUR_MS + 1
    assert page.cursor is None
    desk.rest.reply(fundings(NOW_MS - 3 * HOUR_MS, 3))
    page = await desk.connector.market.funding_rates_page(BTC, Span(), None, 3)
    assert (desk.sent["startTime"], page.cursor) == (NOW_MS - 3 * HOUR_MS, None)


async def test_contexts_that_do_not_match_the_markets_are_not_matched_by_guessing(desk: Any) -> None:
    desk.rest.reply(json.dumps([META, [CTX, CTX]]))
    with pytest.raises(MalformedReply, match="2 contexts of the 3 markets"):
        await desk.connector.market.ticker(BTC)
