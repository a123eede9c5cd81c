"""Whole documents in Binance's documented shape, for the conformance kit. Source: binance-spot-api-docs."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
from binance_orders import QUERIED

from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, OrderState, Symbol, TickSize
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_binance import account_types
from lotusx_binance.conversions import to_instrument
from lotusx_binance.order_conversions import to_order
from lotusx_testing import Expected, SigningVector

BTC = Instrument(
    Symbol("BTC", "USDT"), "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING,
    TickSize(Decimal("0.01")), Decimal("0.00001"),
)  # fmt: skip
# The key pair that the documentation publishes for its signing examples.
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
CREDENTIALS = {
    "api_key": API_KEY,
    "api_secret": Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"),
}
VECTOR = SigningVector(
    "limit-order",
    Request(
        Verb.POST,
        "https://api.binance.com",
        "/api/v3/order",
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1",
        signed=True,
    ),
    SigningContext(now_ms=1_499_827_319_559, nonce=1, receive_window_ms=5_000),
    query="symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    "&timestamp=1499827319559&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    headers={"X-MBX-APIKEY": API_KEY},
    source="rest-api.md, SIGNED endpoint examples",
)
TRADE = json.dumps(
    {"stream": "btcusdt@trade", "data": {"e": "trade", "E": 1723161255343, "s": "BTCUSDT", "t": 3735683259,
     "p": "61837.63000000", "q": "0.02000000", "T": 1723161255342, "m": True, "M": True}}
)  # fmt: skip
DEPTH = json.dumps(
    {"stream": "btcusdt@depth@100ms", "data": {"e": "depthUpdate", "E": 1723161255308, "s": "BTCUSDT",
     "U": 50093239203, "u": 50093239207, "b": [["55653.87000000", "0.00000000"]],
     "a": [["61838.04000000", "0.32332000"]]}}
)  # fmt: skip
KLINES = json.dumps(
    [[1499040000000, "0.01634790", "0.80000000", "0.01575800", "0.01577100", "148976.11427815", 1499644799999,
      "2434.19055334", 308, "1756.87402397", "28.46694368", "0"]]
)  # fmt: skip
SYMBOL = json.dumps(
    {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "baseAssetPrecision": 8, "quoteAsset": "USDT",
     "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET"], "icebergAllowed": True,
     "isSpotTradingAllowed": True, "filters": [
         {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
          "tickSize": "0.01000000"},
         {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"}]}
)  # fmt: skip
SNAPSHOT = '{"lastUpdateId": 1, "bids": [["1", "1"]], "asks": [["2", "1"]]}'
ORDER = json.dumps({**QUERIED, "orderListId": -1, "icebergQty": "0.0", "selfTradePreventionMode": "NONE"})
ORDERS = f"[{ORDER}]"
UNREAD_OF_SYMBOL = ["baseAssetPrecision", "quotePrecision", "quoteAssetPrecision", "icebergAllowed"]

GET_DEPTH = Expected("GET", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": "100"}, signed=False)
GET_ORDERS = Expected(
    "GET",
    "/api/v3/openOrders",
    {"symbol": "BTCUSDT"},
    headers={"X-MBX-APIKEY": API_KEY},
    signed=True,
    added=("recvWindow", "timestamp", "signature"),
)


def read_symbol(body: bytes) -> Instrument:
    return to_instrument(msgspec.Raw(body))


def read_order(body: bytes) -> OrderState:
    return to_order(msgspec.json.decode(body, type=account_types.Order), symbol=BTC.symbol)
