"""The exact request of every public call of USDⓈ-M futures, and what its answer becomes."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Interval, Symbol, TickSize
from lotusx.plugin import ItemDropped, Limit, Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
HOUR = 3_600_000

CONTRACT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "orderTypes": ["LIMIT", "MARKET", "STOP"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "556.8", "maxPrice": "4529764", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
    ],
}
DAY = {
    "symbol": "BTCUSDT",
    "priceChange": "1",
    "priceChangePercent": "2",
    "weightedAvgPrice": "3",
    "lastPrice": "4",
    "lastQty": "1",
    "openPrice": "9",
    "highPrice": "10",
    "lowPrice": "11",
    "volume": "12",
    "quoteVolume": "13",
    "openTime": 1,
    "closeTime": 14,
    "firstId": 1,
    "lastId": 15,
    "count": 15,
}


def _info(*symbols: dict[str, Any]) -> str:
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    ]
    return json.dumps({"serverTime": 1, "rateLimits": limits, "symbols": symbols, "assets": []})


async def test_a_perpetual_is_linear_and_settles_in_its_margin_asset(futures: Any) -> None:
    futures.rest.reply(_info(CONTRACT))

    (item,) = await futures.connector.market.instruments()

    assert (item.symbol, item.kind) == (Symbol("BTC", "USDT", "USDT"), InstrumentKind.LINEAR)
    assert item.price_rule == TickSize(Decimal("0.10"), Decimal("556.8"), Decimal("4529764"))
    assert (item.step_size, item.market_max_quantity, item.min_notional) == (Decimal("0.001"), 120, 100)
    assert (item.order_types, item.contract_size) == ({"LIMIT", "MARKET", "STOP"}, 1)
    assert item.raw == CONTRACT
    assert futures.sent == ("GET", "/fapi/v1/exchangeInfo", {})
    assert futures.rest.last.base_url == "https://fapi.binance.com"
    assert futures.costs == {"ip-weight": 1}
    assert futures.limits == [
        Limit("ip-weight", 2_400, 60.0),
        Limit("orders", 300, 10.0, scope="account"),
        Limit("orders", 1_200, 60.0, scope="account"),
    ]


async def test_a_dated_contract_carries_the_day_of_its_delivery(futures: Any) -> None:
    quarter = {"symbol": "BTCUSDT_261225", "contractType": "CURRENT_QUARTER", "deliveryDate": 1798185600000}
    futures.rest.reply(_info({**CONTRACT, **quarter}))

    (item,) = await futures.connector.market.instruments()

    assert str(item.symbol) == "BTC/USDT:USDT-261225"
    assert item.symbol.expiry == date(2026, 12, 25)
    assert item.kind is InstrumentKind.LINEAR


@pytest.mark.parametrize(
    ("changes", "symbol", "status"),
    [
        ({"contractType": "TRADIFI_PERPETUAL", "symbol": "TSLAUSDT", "baseAsset": "TSLA"}, "TSLA/USDT:USDT", "trading"),
        ({"deliveryDate": 1798185600000, "status": "SETTLING"}, "BTC/USDT:USDT", "halted"),
        (
            {"contractType": "PERPETUAL DELIVERING", "deliveryDate": 1, "status": "DELIVERING"},
            "BTC/USDT:USDT",
            "halted",
        ),
        ({"contractType": "", "status": "PENDING_TRADING"}, "BTC/USDT:USDT", "pending"),
        ({"status": "CLOSE"}, "BTC/USDT:USDT", "closed"),
        ({"status": "DREAMING"}, "BTC/USDT:USDT", "unknown"),
    ],
)
async def test_perpetuals_stay_perpetual_while_they_are_delisted(
    futures: Any, changes: dict[str, Any], symbol: str, status: str
) -> None:
    futures.rest.reply(_info({**CONTRACT, **changes}))

    (item,) = await futures.connector.market.instruments()

    assert (str(item.symbol), item.status) == (symbol, InstrumentStatus(status))
    assert item.raw_status == changes.get("status", "TRADING")


async def test_coin_margined_contracts_are_no_part_of_this_exchange(futures: Any) -> None:
    coin = {**CONTRACT, "symbol": "BTCUSD_PERP", "quoteAsset": "USD", "marginAsset": "BTC"}
    futures.rest.reply(_info(coin, {"symbol": "ODD"}, CONTRACT))

    instruments = await futures.connector.market.instruments()

    assert [item.venue_symbol for item in instruments] == ["BTCUSDT"]
    (dropped,) = futures.events  # the odd one; the other market's is not even counted
    assert isinstance(dropped, ItemDropped)
    assert dropped.exchange == "binance-perp"


async def test_order_types_are_read_under_their_newer_name(futures: Any) -> None:
    document = {**CONTRACT, "OrderType": ["LIMIT"]}
    del document["orderTypes"]
    futures.rest.reply(_info(document))

    (item,) = await futures.connector.market.instruments()

    assert item.order_types == {"LIMIT"}


async def test_ticker_has_no_quotes(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps(DAY), json.dumps([DAY, {**DAY, "symbol": "OTHER"}]), json.dumps([DAY]))

    ticker = await futures.connector.market.ticker(perp)
    assert (ticker.last_price, ticker.bid_price, ticker.trade_count, ticker.exchange_ns) == (4, None, 15, 14 * MS)
    assert futures.sent == ("GET", "/fapi/v1/ticker/24hr", {"symbol": "BTCUSDT"})
    assert futures.costs == {"ip-weight": 1}
    assert [str(each.symbol) for each in await futures.connector.market.tickers([perp])] == ["BTC/USDT:USDT"]
    assert (futures.sent[2], futures.costs) == ({}, {"ip-weight": 40})
    assert len(await futures.connector.market.tickers(None)) == 1


async def test_best_bid_offer_has_its_time(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(
        '{"symbol":"BTCUSDT","bidPrice":"1.10","bidQty":"2","askPrice":"1.20","askQty":"3","time":5,"lastUpdateId":9}'
    )

    top = await futures.connector.market.best_bid_offer(perp)

    assert (top.bid_price_text, top.ask_quantity, top.exchange_ns) == ("1.10", 3, 5 * MS)
    assert futures.sent == ("GET", "/fapi/v1/ticker/bookTicker", {"symbol": "BTCUSDT"})


@pytest.mark.parametrize(
    ("depth", "limit", "weight"),
    [(1, 5, 2), (20, 20, 2), (21, 50, 2), (100, 100, 5), (101, 500, 10), (501, 1_000, 20), (1_000, 1_000, 20)],
)
async def test_order_book_asks_for_the_next_length_there_is(
    futures: Any, perp: Instrument, depth: int, limit: int, weight: int
) -> None:
    levels = [[str(100 - index), "1"] for index in range(3)]
    futures.rest.reply(json.dumps({"lastUpdateId": 160, "E": 4, "T": 3, "bids": levels, "asks": [["101", "1"]]}))

    book = await futures.connector.market.order_book(perp, depth)

    assert (book.sequence, book.exchange_ns) == (160, 3 * MS)
    assert len(book.bids) == min(depth, 3)
    assert book.complete is (depth > 1)
    assert futures.sent == ("GET", "/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": str(limit)})
    assert futures.costs == {"ip-weight": weight}


async def test_deeper_books_than_there_are_get_refused(futures: Any, perp: Instrument) -> None:
    with pytest.raises(InvalidArgument, match="1 to 1000"):
        await futures.connector.market.order_book(perp, 1_001)
    assert futures.rest.requests == []


async def test_recent_trades_and_server_time(futures: Any, perp: Instrument) -> None:
    trade = {"id": 28457, "price": "4.0", "qty": "12", "quoteQty": "48", "time": 1, "isBuyerMaker": True}
    futures.rest.reply(json.dumps([{**trade, "isRPITrade": False}]), '{"serverTime":7}')

    (print_,) = await futures.connector.market.recent_trades(perp, 10)
    assert (print_.trade_id, print_.taker_side) == ("28457", "sell")
    assert futures.costs == {"ip-weight": 5}
    assert await futures.connector.market.server_time_ns() == 7 * MS
    assert futures.sent == ("GET", "/fapi/v1/time", {})


async def test_trade_history_is_made_of_aggregated_prints(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps([{"a": 7, "p": "1", "q": "2", "nq": "2", "f": 1, "l": 2, "T": 6, "m": False}]))

    page = await futures.connector.market.trades_page(perp, Span(5 * MS, 20 * MS), None, 1)

    assert futures.sent == ("GET", "/fapi/v1/aggTrades", {"symbol": "BTCUSDT", "startTime": "5", "limit": "1"})
    assert futures.costs == {"ip-weight": 20}
    assert page.cursor == "8"


@pytest.mark.parametrize(("limit", "weight"), [(99, 1), (499, 2), (1_000, 5), (9_999, 10)])
async def test_candles_cost_by_number(futures: Any, perp: Instrument, limit: int, weight: int) -> None:
    row = [60_000, "1", "2", "0.5", "1.5", "10", 119_999, "15", 3, "4", "6", "0"]
    futures.rest.reply(json.dumps([row]))

    page = await futures.connector.market.candles_page(perp, Interval.M1, Span(), None, limit)

    assert page.items[0].closed
    assert futures.sent[2]["limit"] == str(min(limit, 1_500))
    assert futures.costs == {"ip-weight": weight}


async def test_there_are_no_candles_of_a_second(futures: Any, perp: Instrument) -> None:
    market = futures.connector.market

    with pytest.raises(InvalidArgument, match="one minute"):
        await market.candles_page(perp, Interval.S1, Span(), None, 1)
    with pytest.raises(InvalidArgument, match="one minute"):
        market.candles_channel(perp, Interval.S1)


MARK = {
    "symbol": "BTCUSDT",
    "markPrice": "11793.63104562",
    "indexPrice": "11781.80495970",
    "estimatedSettlePrice": "11781.16138815",
    "lastFundingRate": "0.00038246",
    "interestRate": "0.00010000",
    "nextFundingTime": 8 * HOUR,
    "time": 5,
}


async def test_mark_price_brings_index_and_running_funding(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps(MARK), json.dumps(MARK))

    mark = await futures.connector.market.mark_price(perp)
    assert (mark.mark_price, mark.index_price) == (Decimal("11793.63104562"), Decimal("11781.80495970"))
    assert (mark.funding_rate, mark.next_funding_ns, mark.exchange_ns) == (Decimal("0.00038246"), 8 * HOUR * MS, 5 * MS)
    assert futures.sent == ("GET", "/fapi/v1/premiumIndex", {"symbol": "BTCUSDT"})
    rate = await futures.connector.market.funding_rate(perp)
    assert (rate.rate, rate.funding_ns) == (Decimal("0.00038246"), 8 * HOUR * MS)


async def test_dated_contracts_have_a_mark_price_and_no_funding(futures: Any, dated: Instrument) -> None:
    futures.rest.reply(json.dumps({**MARK, "symbol": "BTCUSDT_261225", "lastFundingRate": "", "nextFundingTime": 0}))

    mark = await futures.connector.market.mark_price(dated)
    assert (mark.funding_rate, mark.next_funding_ns) == (None, None)
    with pytest.raises(NotSupported, match="BTC/USDT:USDT"):
        await futures.connector.market.funding_rate(dated)
    with pytest.raises(NotSupported, match="delivered"):
        await futures.connector.market.funding_rates_page(dated, Span(), None, 10)


async def test_a_perpetual_that_states_no_funding_has_none(futures: Any, perp: Instrument) -> None:
    futures.rest.reply(json.dumps({**MARK, "lastFundingRate": "", "nextFundingTime": 0}))

    with pytest.raises(NotSupported, match="states none"):
        await futures.connector.market.funding_rate(perp)


async def test_funding_history_goes_on_behind_a_full_page(futures: Any, perp: Instrument) -> None:
    page = futures.connector.market.funding_rates_page
    first = {"symbol": "BTCUSDT", "fundingRate": "-0.0001", "fundingTime": 8 * HOUR + 2, "markPrice": "34287.5"}
    futures.rest.reply(json.dumps([first]), json.dumps([]), json.dumps([{**first, "markPrice": ""}]), json.dumps([]))

    found = await page(perp, Span(0, 24 * HOUR * MS), None, 1)
    assert (found.items[0].rate, found.items[0].mark_price) == (Decimal("-0.0001"), Decimal("34287.5"))
    assert futures.sent == (
        "GET",
        "/fapi/v1/fundingRate",
        {"symbol": "BTCUSDT", "startTime": "0", "endTime": str(24 * HOUR - 1), "limit": "1"},
    )
    assert futures.costs == {"funding-calls": 1}
    assert found.cursor == str(8 * HOUR + 3)
    assert (await page(perp, Span(0, 24 * HOUR * MS), found.cursor, 1)).cursor is None
    assert futures.sent[2]["startTime"] == str(8 * HOUR + 3)
    newest = await page(perp, Span(), None, 1)
    assert (futures.sent[2], newest.cursor) == ({"symbol": "BTCUSDT", "limit": "1"}, None)
    assert newest.items[0].mark_price is None
    await page(perp, Span(None, 10 * HOUR * MS), None, 2)
    assert (futures.sent[2]["startTime"], futures.sent[2]["endTime"]) == (str(8 * HOUR), str(10 * HOUR - 1))


async def test_open_interest(futures: Any, perp: Instrument) -> None:
    futures.rest.reply('{"openInterest":"10659.509","symbol":"BTCUSDT","time":3}')

    found = await futures.connector.market.open_interest(perp)

    assert (found.quantity, found.exchange_ns) == (Decimal("10659.509"), 3 * MS)
    assert futures.sent == ("GET", "/fapi/v1/openInterest", {"symbol": "BTCUSDT"})


async def test_native_endpoints_of_market_data(futures: Any) -> None:
    native = futures.connector.native
    futures.rest.reply(
        "{}",
        '{"symbol":"A","price":"2","time":3}',
        '[{"symbol":"A","adjustedFundingRateCap":"1","adjustedFundingRateFloor":"-1","fundingIntervalHours":4}]',
        "[]",
    )
    await native.ready()
    assert futures.sent == ("GET", "/fapi/v1/ping", {})
    assert (await native.ticker_price("A")).price == "2"
    assert (await native.funding_info())[0].fundingIntervalHours == 4
    assert futures.costs == {"funding-calls": 1}
    assert await native.historical_trades("A", from_id=1) == []
    assert futures.sent == ("GET", "/fapi/v1/historicalTrades", {"symbol": "A", "fromId": "1", "limit": "100"})
    assert (dict(futures.rest.last.headers), futures.rest.last.signed) == ({"X-MBX-APIKEY": "key"}, False)
