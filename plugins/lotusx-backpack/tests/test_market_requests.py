"""What is asked for public data, and what becomes of the answers."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from backpack_documents import DEPTH, MARK, MARKET, PERP, SPOT, SPOT_MARKET, TICKER, TRADE, text

from lotusx.errors import ErrorKind, ExchangeError, InvalidArgument, NotSupported
from lotusx.model import Interval, Side
from lotusx.plugin import ItemDropped, Response, Span

pytestmark = pytest.mark.anyio
MS, S = 1_000_000, 1_000_000_000
HOUR_NS = 3_600 * S
NOW_S = 1_770_000_000


def pools(desk: Any) -> dict[str, int]:
    return {cost.pool: cost.amount for cost in desk.rest.last.costs}


async def test_time_is_a_bare_number_of_milliseconds(desk: Any) -> None:
    desk.rest.reply("1770000000123")

    assert await desk.connector.market.server_time_ns() == 1_770_000_000_123 * MS
    assert desk.asked == ["GET /api/v1/time"]


async def test_market_that_cannot_be_understood_is_left_out_and_counted(desk: Any) -> None:
    odd = {**MARKET, "symbol": "WHO_WINS", "marketType": "PREDICTION"}
    desk.rest.reply(text([MARKET, SPOT_MARKET, odd]))

    found = await desk.connector.market.instruments()

    assert [str(item.symbol) for item in found] == ["SOL/USDC:USDC", "SOL/USDC"]
    assert (desk.asked, desk.rest.last.query) == (["GET /api/v1/markets"], "")
    assert [event.key for event in desk.events if isinstance(event, ItemDropped)] == ["markets"]


async def test_book_asks_for_the_next_offered_depth_and_begins_with_the_best(desk: Any) -> None:
    desk.rest.reply(text(DEPTH))

    book = await desk.connector.market.order_book(PERP, 7)

    assert (desk.rest.params, pools(desk)) == ({"symbol": "SOL_USDC_PERP", "limit": "10"}, {"requests": 1})
    assert [level.price for level in book.bids] == [D("141.20"), D("141.10")]
    assert [level.price for level in book.asks] == [D("141.30"), D("141.40")]
    assert (book.sequence, book.complete) == (6730019258, True)


async def test_best_prices_come_from_the_smallest_book(desk: Any) -> None:
    desk.rest.reply(text(DEPTH))

    best = await desk.connector.market.best_bid_offer(PERP)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "5"}
    assert (best.bid_price, best.ask_price, best.sequence) == (D("141.20"), D("141.30"), 6730019258)


async def test_book_of_a_closed_market_says_so(desk: Any) -> None:
    desk.rest.reply('{"code":"RESOURCE_NOT_FOUND","message":"Resource not found"}', status=404)

    with pytest.raises(ExchangeError) as caught:
        await desk.connector.market.order_book(PERP, 5)

    assert caught.value.kind is ErrorKind.MARKET_CLOSED


async def test_trades_come_oldest_first(desk: Any) -> None:
    desk.rest.reply(text([TRADE, {**TRADE, "id": 10, "isBuyerMaker": True}]))

    trades = await desk.connector.market.recent_trades(PERP, 2)

    assert [(trade.trade_id, trade.taker_side) for trade in trades] == [("10", Side.SELL), ("11", Side.BUY)]
    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "2"}


async def test_more_trades_than_there_are_in_one_answer_are_refused(desk: Any) -> None:
    with pytest.raises(InvalidArgument, match="1 to 1000"):
        await desk.connector.market.recent_trades(PERP, 1_001)
    assert desk.asked == []


async def test_ticker_of_a_day(desk: Any) -> None:
    desk.rest.reply(text(TICKER))

    ticker = await desk.connector.market.ticker(PERP)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "interval": "1d"}
    assert (ticker.last_price, ticker.change_fraction, ticker.trade_count) == (D("141.2"), D("0.008571"), 88)


async def test_ticker_of_what_nobody_traded_states_nothing(desk: Any) -> None:
    desk.rest.reply(Response(204))

    ticker = await desk.connector.market.ticker(PERP)

    assert (ticker.symbol, ticker.last_price, ticker.base_volume) == (PERP.symbol, None, None)


async def test_tickers_are_one_request_and_hold_what_was_asked_for(desk: Any) -> None:
    rows = [TICKER, {**TICKER, "symbol": "SOL_USDC"}, {**TICKER, "symbol": "NEW_USDC"}, {"symbol": "SOL_USDC_PERP"}]
    desk.rest.reply(text(rows), text(rows))

    alone = await desk.connector.market.tickers([SPOT])
    listed = await desk.connector.market.tickers(None)

    assert [str(ticker.symbol) for ticker in alone] == ["SOL/USDC"]
    assert [str(ticker.symbol) for ticker in listed] == ["SOL/USDC:USDC", "SOL/USDC"]
    assert [event.key for event in desk.events if isinstance(event, ItemDropped)] == ["tickers", "tickers"]


async def test_mark_price_and_running_rate_come_from_one_place(desk: Any) -> None:
    desk.rest.reply(text([MARK]), text([MARK]))

    mark = await desk.connector.market.mark_price(PERP)
    rate = await desk.connector.market.funding_rate(PERP)

    assert (mark.mark_price, mark.index_price) == (D("141.15"), D("141.10"))
    assert (rate.rate, rate.funding_ns, rate.interval_s) == (D("0.0000125"), 1_770_001_200_000 * MS, 3_600)
    assert desk.rest.params == {"symbol": "SOL_USDC_PERP"}


async def test_mark_price_of_what_the_exchange_does_not_state_is_an_unknown_symbol(desk: Any) -> None:
    desk.rest.reply(text([{**MARK, "symbol": "BTC_USDC_PERP"}]))

    with pytest.raises(ExchangeError) as caught:
        await desk.connector.market.mark_price(PERP)

    assert caught.value.kind is ErrorKind.INVALID_SYMBOL


@pytest.mark.parametrize("name", ["mark_price", "funding_rate", "open_interest", "mark_price_channel"])
async def test_spot_has_none_of_what_perpetuals_have(desk: Any, name: str) -> None:
    with pytest.raises(NotSupported, match="spot"):
        await getattr(desk.connector.market, name)(SPOT)  # the channel is refused before there is one
    assert desk.asked == []


async def test_open_interest_in_base_units(desk: Any) -> None:
    desk.rest.reply(text([{"symbol": "SOL_USDC_PERP", "openInterest": "1234.5", "timestamp": 1_769_999_999_000}]))

    assert (await desk.connector.market.open_interest(PERP)).quantity == D("1234.5")


# -- funding rates: from the newest backwards ------------------------------------------------------------------------


def rate_row(hour: int) -> dict[str, str]:
    """Return the rate of the interval that ended *hour* hours after midnight of 2026-02-01; now is the 26.7th."""
    return {
        "symbol": "SOL_USDC_PERP",
        "intervalEndTimestamp": f"2026-02-0{1 + hour // 24}T{hour % 24:02}:00:00",
        "fundingRate": f"0.0000{hour:02}",
    }


MIDNIGHT_NS = (NOW_S - 2 * 3_600 - 40 * 60 - 86_400) * S


async def test_newest_rates_are_those_that_were_applied(desk: Any) -> None:
    desk.rest.reply(text([rate_row(hour) for hour in (27, 26, 25)]))

    page = await desk.connector.market.funding_rates_page(PERP, Span(), None, 2)

    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "3"}
    assert [(rate.rate, rate.interval_s) for rate in page.items] == [(D("0.000025"), None), (D("0.000026"), None)]
    assert page.cursor is None


async def test_rates_of_a_span_are_asked_for_until_it_begins(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotusx_backpack.connector.market_data.MAX_RATES", 3)
    # A new rate came between the two requests: one row is seen twice.
    desk.rest.reply(text([rate_row(h) for h in (26, 25, 24)]), text([rate_row(h) for h in (24, 23, 22)]))

    span = Span(MIDNIGHT_NS + 23 * HOUR_NS, MIDNIGHT_NS + 26 * HOUR_NS)
    page = await desk.connector.market.funding_rates_page(PERP, span, None, 100)

    assert [rate.funding_ns for rate in page.items] == [MIDNIGHT_NS + hour * HOUR_NS for hour in (23, 24, 25)]
    assert desk.rest.params == {"symbol": "SOL_USDC_PERP", "limit": "3", "offset": "3"}


class _Late:
    """A dialect with which a reply arrives at a moment that was set."""

    def __init__(self, clock: Any, at_ns: int) -> None:
        self._clock, self._at_ns = clock, at_ns

    def error(self, request: Any, response: Any) -> None:
        self._clock.ns = self._at_ns


async def test_rate_of_the_interval_that_ran_when_it_was_asked_for_was_not_applied(desk: Any) -> None:
    clock, end_ns = desk.kernel.clock, MIDNIGHT_NS + 27 * HOUR_NS
    clock.ns = end_ns - 100 * MS
    desk.rest.reply(text([rate_row(hour) for hour in (27, 26)]))
    desk.rest.dialect = _Late(clock, end_ns + 50 * MS)  # it may have been written while the interval ran

    page = await desk.connector.market.funding_rates_page(PERP, Span(MIDNIGHT_NS + 26 * HOUR_NS), None, 100)

    assert [rate.funding_ns for rate in page.items] == [MIDNIGHT_NS + 26 * HOUR_NS]


# -- candles: by seconds ---------------------------------------------------------------------------------------------


def moment(at_s: int) -> str:
    """Write a time of today as candles have it."""
    second = at_s - (NOW_S - 2 * 3_600 - 40 * 60)
    return f"2026-02-02 {second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


def bar(at_s: int, close: str | None = "141.2") -> dict[str, Any]:
    return {
        "start": moment(at_s), "end": moment(at_s + 60), "open": close, "high": close, "low": close, "close": close,
        "volume": "0" if close is None else "5", "quoteVolume": "0", "trades": "0",
    }  # fmt: skip


async def test_newest_candles_leave_out_intervals_without_trades(desk: Any) -> None:
    desk.rest.reply(text([bar(NOW_S - 160), bar(NOW_S - 100, None), bar(NOW_S - 40)]))

    page = await desk.connector.market.candles_page(PERP, Interval.M1, Span(), None, 3)

    assert desk.rest.params == {
        "symbol": "SOL_USDC_PERP", "interval": "1m", "startTime": str(NOW_S - 180), "endTime": str(NOW_S),
    }  # fmt: skip
    assert pools(desk) == {"requests": 1, "market-history": 1}
    assert [(item.open_ns // S, item.closed) for item in page.items] == [(NOW_S - 160, True), (NOW_S - 40, False)]
    assert page.cursor is None


async def test_candles_of_a_span_go_on_after_the_last_row_that_came(desk: Any) -> None:
    start = NOW_S - 6_000
    span = Span(start * S, NOW_S * S)
    market = desk.connector.market
    desk.rest.reply(text([bar(start), bar(start + 60)]))
    page = await market.candles_page(PERP, Interval.M1, span, None, 3)
    assert (desk.rest.params["startTime"], desk.rest.params["endTime"]) == (str(start), str(start + 179))
    assert (len(page.items), page.cursor) == (2, str(start + 120))  # a shorter answer than asked for loses nothing

    desk.rest.reply("[]")
    page = await market.candles_page(PERP, Interval.M1, span, page.cursor, 3)
    assert (list(page.items), page.cursor) == ([], str(start + 300))

    desk.rest.reply(text([bar(NOW_S - 60), bar(NOW_S)]))
    page = await market.candles_page(PERP, Interval.M1, span, str(NOW_S - 60), 3)
    assert desk.rest.params["endTime"] == str(NOW_S - 1)
    assert ([item.open_ns // S for item in page.items], page.cursor) == ([NOW_S - 60], None)


async def test_months_are_asked_for_by_their_own_word(desk: Any) -> None:
    desk.rest.reply("[]")

    await desk.connector.market.candles_page(PERP, Interval.MONTH1, Span(), None, 2)

    assert desk.rest.params["interval"] == "1month"
    assert int(desk.rest.params["startTime"]) == NOW_S - 2 * 31 * 86_400
