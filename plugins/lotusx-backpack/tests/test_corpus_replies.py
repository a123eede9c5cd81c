"""Recorded replies through the real decode path; values are checked where they were recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal as D
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from backpack_corpus import HERE, Recorded, needs_corpus, replies, symbol_of

from lotusx.errors import ErrorKind, ExchangeError
from lotusx.model import (
    InstrumentKind,
    InstrumentStatus,
    Interval,
    OrderStatus,
    OrderType,
    Symbol,
)
from lotusx.plugin import Request, Response, Verb
from lotusx_backpack import (
    account_conversions,
    account_types,
    conversions as convert,
    order_conversions,
    types,
)
from lotusx_backpack.errors import BackpackDialect
from lotusx_backpack.markets import funding_interval_s, to_instrument

pytestmark = needs_corpus

DIALECT = BackpackDialect("backpack")
NOW_NS = 1_788_290_000_000_000_000


def decoded(record: Recorded, kind: Any) -> Any:
    """Decode a reply as the dialect lets it through."""
    request = Request(Verb(record.request["method"].replace("*", "GET")), "", record.request["path"])
    assert DIALECT.error(request, Response(record.status or 200, {}, bytes(record.response))) is None
    return msgspec.json.decode(record.response, type=kind)


def only(name: str, kind: Any) -> Any:
    (record,) = replies(name)
    return decoded(record, kind)


def capital() -> None:
    found = account_conversions.to_balances(only("bbgo_capital", dict[str, account_types.Holding]), [], as_of_ns=NOW_NS)

    assert [(item.asset, item.free, item.locked, item.total) for item in found] == [("USDT", D(30), D(0), D(30))]


def depth() -> None:
    recorded = only("bbgo_depth", types.Depth)
    book = convert.to_order_book(recorded, symbol=symbol_of("SOL_USDC"), wanted=20, asked=20, received_ns=NOW_NS)
    best = convert.top_of(recorded, symbol=symbol_of("SOL_USDC"), received_ns=NOW_NS)

    assert (len(book.bids), len(book.asks), book.complete) == (20, 20, False)
    assert [level.price for level in book.bids] == sorted((level.price for level in book.bids), reverse=True)
    assert [level.price for level in book.asks] == sorted(level.price for level in book.asks)
    assert (best.bid_price, best.ask_price) == (book.bids[0].price, book.asks[0].price)
    assert book.bids[0].price < book.asks[0].price == D("100.65")
    assert book.sequence is not None


def empty_pages() -> None:
    assert only("bbgo_history_fills_empty", list[account_types.Fill]) == []
    assert only("bbgo_position_empty", list[account_types.Position]) == []


def klines() -> None:
    candles = [
        convert.to_candle(row, symbol=symbol_of("SOL_USDC"), interval=Interval.M1, now_ns=NOW_NS, received_ns=NOW_NS)
        for row in only("bbgo_klines", list[types.Kline])
    ]

    assert len(candles) == 12
    kept = [candle for candle in candles if candle is not None]
    assert len(kept) == 12
    assert all(after.open_ns == before.close_ns for before, after in pairwise(kept))
    assert {candle.close_ns - candle.open_ns for candle in kept} == {60_000_000_000}
    assert all(candle.low <= min(candle.open, candle.close) for candle in kept)
    assert kept[0].open_ns == 1_788_281_520_000_000_000


def mark_prices() -> None:
    items = only("bbgo_markPrices_9", list[types.MarkPrice])
    found = {item.symbol: convert.to_mark_price(item, symbol=symbol_of(item.symbol), received_ns=5) for item in items}

    assert len(found) == 9
    assert found["SOL_USDC_PERP"].mark_price == D("100.61")
    assert found["KMNO_USDC_PERP"].funding_rate == D("-0.0001703677559048204097085472")
    assert {item.next_funding_ns for item in found.values()} == {1_788_285_600_000_000_000}


def markets() -> None:
    one = to_instrument(only("bbgo_market", msgspec.Raw))
    found = [to_instrument(item) for item in only("bbgo_markets_first10", list[msgspec.Raw])]

    assert (one.symbol, one.kind, one.status) == (Symbol("USDT", "USDC"), InstrumentKind.SPOT, InstrumentStatus.TRADING)
    assert one in found
    assert sum(item.status is InstrumentStatus.CLOSED for item in found) == 2
    assert {item.kind for item in found} == {InstrumentKind.SPOT}
    spot, perpetual = (to_instrument(item) for item in only("ccxt_parseMarket", list[msgspec.Raw]))
    assert (spot.symbol, perpetual.symbol) == (Symbol("SOL", "USDC"), Symbol("SOL", "USDC", settle="USDC"))
    assert funding_interval_s(perpetual) == 28_800


def placed_queried_canceled() -> None:
    states = [
        order_conversions.to_order(
            decoded(record, account_types.Order), symbol=symbol_of("USDT_USDC"), ours=str, as_of_ns=NOW_NS
        )
        for record in replies("bbgo_order_place_query_cancel")
    ]

    assert [state.status for state in states] == [OrderStatus.OPEN, OrderStatus.OPEN, OrderStatus.CANCELED]
    assert {(state.venue_order_id, state.price, state.quantity, state.post_only) for state in states} == {
        ("59669287267", D("1.0077"), D(20), True)
    }


def status() -> None:
    first, ping, time = replies("bbgo_status")

    assert decoded(first, types.Status).status == "Ok"
    assert only("ccxt_fetchStatus", types.Status).status == "Ok"
    assert DIALECT.error(Request(Verb.GET, "", ping.request["path"]), Response(200, {}, b"pong")) is None
    assert convert.to_server_time_ns(bytes(time.response)) == 1_788_285_151_083_000_000


def tickers() -> None:
    items = [only("bbgo_ticker", types.DayTicker), *only("bbgo_tickers_8", list[types.DayTicker])]
    found = [convert.to_ticker(item, symbol=symbol_of(item.symbol), received_ns=5) for item in items]

    assert len(found) == 9
    for ticker in found:
        assert ticker.open_price is not None
        assert ticker.last_price is not None
        assert ticker.change == ticker.last_price - ticker.open_price
        assert ticker.change_fraction is not None
        assert abs(ticker.change / ticker.open_price - ticker.change_fraction) < D("0.000001")


def trades() -> None:
    found = convert.to_trades(
        only("bbgo_trades", list[types.PublicTrade]), symbol=symbol_of("SOL_USDC"), received_ns=NOW_NS
    )
    kept = convert.to_trades([only("ccxt_parseTrade", types.PublicTrade)], symbol=symbol_of("BTC_USDC"), received_ns=5)

    assert len(found) == 10
    assert [item.exchange_ns for item in found] == sorted(item.exchange_ns for item in found)
    assert (found[-1].trade_id, found[-1].taker_side, found[-1].price) == ("381731418", "buy", D("100.67"))
    assert kept[0].trade_id == "8721563"


def errors() -> None:
    (record,) = replies("ccxt_handleErrors")
    error = DIALECT.error(Request(Verb.POST, "", "/api/v1/order"), Response(400, {}, bytes(record.response)))

    assert isinstance(error, ExchangeError)
    assert (error.kind, error.code) == (ErrorKind.INVALID_ORDER, "INVALID_ORDER")


def open_interest() -> None:
    (item,) = only("ccxt_parseOpenInterest", list[types.OpenInterest])

    assert convert.to_open_interest(item, symbol=symbol_of(item.symbol), received_ns=5).quantity == D("1273.85214")


def orders() -> None:
    live, past = (
        order_conversions.to_order(decoded(record, account_types.Order), symbol=symbol_of("ETH_USDC"), ours=str)
        for record in replies("ccxt_parseOrder")
    )

    assert (live.status, live.type, live.quantity, live.quote_quantity) == (
        OrderStatus.FILLED,
        OrderType.MARKET,
        D("0.001"),
        None,
    )
    assert live.average_price == D("3814.28")
    assert (past.status, past.quantity, past.trigger_price) == (OrderStatus.CANCELED, D("0.001"), D(4_300))
    assert past.created_ns == 1_753_639_540_897_000_000


def position() -> None:
    item = only("ccxt_parsePosition", account_types.Position)
    found = account_conversions.to_position(item, symbol=symbol_of(item.symbol), as_of_ns=NOW_NS)

    assert (found.quantity, found.liquidation_price) == (D("0.0036"), None)
    assert found.entry_price == D("3826.8888888888888888888888889")


REST: Mapping[str, Callable[[], None]] = {
    "bbgo_capital": capital,
    "bbgo_depth": depth,
    "bbgo_history_fills_empty": empty_pages,
    "bbgo_position_empty": empty_pages,
    "bbgo_klines": klines,
    "bbgo_markPrices_9": mark_prices,
    "bbgo_market": markets,
    "bbgo_markets_first10": markets,
    "ccxt_parseMarket": markets,
    "bbgo_order_place_query_cancel": placed_queried_canceled,
    "bbgo_status": status,
    "ccxt_fetchStatus": status,
    "bbgo_ticker": tickers,
    "bbgo_tickers_8": tickers,
    "bbgo_trades": trades,
    "ccxt_parseTrade": trades,
    "ccxt_handleErrors": errors,
    "ccxt_parseOpenInterest": open_interest,
    "ccxt_parseOrder": orders,
    "ccxt_parsePosition": position,
}
LEFT_OUT = {"ccxt_parseTransaction": "deposits and withdrawals go by native calls, as they come"}


@pytest.mark.parametrize("name", REST)
def test_replies(name: str) -> None:
    REST[name]()


def test_no_reply_is_left_out() -> None:
    assert {path.stem for path in (HERE / "rest").glob("*.json")} == set(REST) | set(LEFT_OUT)
