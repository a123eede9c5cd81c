"""Whole documents in Bybit's documented shape, for the conformance kit. Source: bybit-exchange/docs, v5."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
from bybit_documents import FILL, ORDER

from lotusx.model import Fill, Instrument, InstrumentKind, InstrumentStatus, OrderState, Symbol, TickSize
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_bybit.v5 import account_types, order_conversions
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.instruments import to_instrument
from lotusx_testing import Expected, SigningVector

KINDS = {
    "BTC/USDT": InstrumentKind.SPOT,
    "BTC/USDT:USDT": InstrumentKind.LINEAR,
    "BTC/USD:BTC": InstrumentKind.INVERSE,
}
API_KEY = "LOTUSXTESTKEY0001"
CREDENTIALS = {"api_key": API_KEY, "api_secret": Secret("lotusx-test-secret-not-real-0123456789")}
CONTEXT = SigningContext(now_ms=1_700_000_000_000, nonce=1, receive_window_ms=5_000)


def listed(symbol: str, venue_symbol: str = "BTCUSDT") -> Instrument:
    """Return an instrument by its symbol."""
    return Instrument(
        Symbol.parse(symbol), venue_symbol, KINDS[symbol], InstrumentStatus.TRADING,
        TickSize(Decimal("0.1")), Decimal("0.000001"),
    )  # fmt: skip


SPOT_BTC, LINEAR_BTC = listed("BTC/USDT"), listed("BTC/USDT:USDT")
INVERSE_BTC = listed("BTC/USD:BTC", "BTCUSD")

VECTOR = SigningVector(
    "sorted-query",
    Request(Verb.GET, "https://api.bybit.com", "/v5/order/realtime", "category=linear&symbol=BTCUSDT", signed=True),
    CONTEXT,
    query="category=linear&symbol=BTCUSDT",
    headers={
        "X-BAPI-API-KEY": API_KEY,
        "X-BAPI-SIGN": "15f2817e394c86fc26422a613338d82d5193fe7ff94b293aea67539175aedc89",
    },
    source="pybit 5.17.0, with a frozen clock",
)


def envelope(result: Any, **more: Any) -> str:
    """Wrap *result* as a reply."""
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1, **more})


def rows(*items: Any, cursor: str = "") -> str:
    """Wrap *items* as one page."""
    return envelope({"list": list(items), "nextPageCursor": cursor})


TRADES = json.dumps(
    {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1672304486868, "data": [
        {"T": 1672304486865, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "16578.50", "L": "PlusTick",
         "i": "20f43950-d8dd-5b31-9112-a178eb6023af", "BT": False, "RPI": False, "seq": 1783284617}]}
)  # fmt: skip
BOOK_PUSH = json.dumps(
    {"topic": "orderbook.50.BTCUSDT", "type": "snapshot", "ts": 1672304484978, "data": {
        "s": "BTCUSDT", "b": [["16493.50", "0.006"]], "a": [["16611.00", "0.029"]], "u": 18521288, "seq": 7961638724},
     "cts": 1672304484976}
)  # fmt: skip
KLINE_PUSH = json.dumps(
    {"topic": "kline.5.BTCUSDT", "type": "snapshot", "ts": 1672324988882, "data": [
        {"start": 1672324800000, "end": 1672325099999, "interval": "5", "open": "16649.5", "close": "16677",
         "high": "16677", "low": "16608", "volume": "2.081", "turnover": "34666.4005", "confirm": False,
         "timestamp": 1672324988882}]}
)  # fmt: skip
SPOT_TICKER = json.dumps(
    {"topic": "tickers.BTCUSDT", "ts": 1673853746003, "type": "snapshot", "cs": 2588407389, "data": {
        "symbol": "BTCUSDT", "lastPrice": "21109.77", "highPrice24h": "21426.99", "lowPrice24h": "20575",
        "prevPrice24h": "20704.93", "volume24h": "6780.866843", "turnover24h": "141946527.22907118",
        "price24hPcnt": "0.0196", "usdIndexPrice": "21120.2400136"}}
)  # fmt: skip
SPOT_LISTED = json.dumps(
    {"symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
     "marginTrading": "utaOnly", "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.00000001",
     "minOrderAmt": "5", "maxLimitOrderQty": "83", "maxMarketOrderQty": "41.5"},
     "priceFilter": {"tickSize": "0.01"}}
)  # fmt: skip
UNREAD_OF_TRADES = ["data[].s", "data[].L", "data[].BT", "data[].RPI", "data[].seq"]
UNREAD_OF_KLINE = ["data[].interval", "data[].timestamp"]
UNREAD_OF_LISTED = ["innovation", "marginTrading", "lotSizeFilter.quotePrecision"]
UNREAD_OF_ORDER = ["leavesQty"]
DOCUMENTED_ORDER, DOCUMENTED_FILL = json.dumps(ORDER), json.dumps(FILL)
BOOK = envelope({"s": "BTCUSDT", "b": [["1", "1"]], "a": [["2", "1"]], "ts": 5, "u": 7, "seq": 9, "cts": 4})


def asked(path: str, params: dict[str, str], *, signed: bool) -> Expected:
    """Return the GET request that must be seen."""
    headers = {"X-BAPI-API-KEY": API_KEY} if signed else {}
    return Expected("GET", path, params, headers=headers, signed=signed)


def read_order(body: bytes) -> OrderState:
    item = msgspec.json.decode(body, type=account_types.Order)
    return order_conversions.to_order(item, symbol=LINEAR_BTC.symbol, category=Category.LINEAR)


def read_fill(body: bytes) -> Fill:
    item = msgspec.json.decode(body, type=account_types.Execution)
    return order_conversions.to_fill(item, symbol=LINEAR_BTC.symbol, category=Category.LINEAR, received_ns=0)


def read_listed(body: bytes) -> Instrument:
    return to_instrument(msgspec.Raw(body), category=Category.SPOT)
