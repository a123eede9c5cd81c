"""Whole documents in the documented shape of USDⓈ-M futures, for the conformance kit."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
from binance_contracts import QUERIED, WAITING, order_state

from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, OrderState, Symbol, TickSize
from lotusx.plugin import Amendment, Request, Secret, SigningContext, Verb
from lotusx_binance.perp import account_types
from lotusx_binance.perp.conversions import to_instrument
from lotusx_binance.perp.order_conversions import to_conditional, to_order
from lotusx_testing import Expected, SigningVector

PERP = Instrument(
    Symbol("BTC", "USDT", "USDT"), "BTCUSDT", InstrumentKind.LINEAR, InstrumentStatus.TRADING,
    TickSize(Decimal("0.1")), Decimal("0.001"),
)  # fmt: skip
# The key pair that the documentation of futures publishes for its signing examples.
API_KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
CREDENTIALS = {
    "api_key": API_KEY,
    "api_secret": Secret("2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"),
}
_QUERY = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
VECTOR = SigningVector(
    "limit-order",
    Request(Verb.POST, "https://fapi.binance.com", "/fapi/v1/order", _QUERY, signed=True),
    SigningContext(now_ms=1_591_702_613_943, nonce=1, receive_window_ms=5_000),
    query=f"{_QUERY}&recvWindow=5000&timestamp=1591702613943"
    "&signature=3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    headers={"X-MBX-APIKEY": API_KEY},
    source="general info of USDⓈ-M futures, SIGNED endpoint examples",
)
TRADE = json.dumps(
    {"stream": "btcusdt@aggTrade", "data": {"e": "aggTrade", "E": 1770000000123, "s": "BTCUSDT", "a": 2900000001,
     "p": "68251.10", "q": "0.120", "nq": "0.120", "f": 6000000001, "l": 6000000004, "T": 1770000000050, "m": True,
     "st": 1}}
)  # fmt: skip
DEPTH = json.dumps(
    {"stream": "btcusdt@depth@100ms", "data": {"e": "depthUpdate", "E": 1770000000101, "T": 1770000000099,
     "s": "BTCUSDT", "ps": "BTCUSDT", "U": 390497796, "u": 390497878, "pu": 390497794, "b": [["68251.0", "5.120"]],
     "a": [["68251.1", "0"]], "st": 1}}
)  # fmt: skip
MARK = json.dumps(
    {"stream": "btcusdt@markPrice@1s", "data": {"e": "markPriceUpdate", "E": 1770000000000, "s": "BTCUSDT",
     "p": "68251.34000000", "ap": "68250.90000000", "i": "68260.12000000", "P": "68255.00000000", "r": "0.00010000",
     "T": 1770019200000, "st": 1}}
)  # fmt: skip
SYMBOL = json.dumps(
    {"symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
     "onboardDate": 1569398400000, "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
     "marginAsset": "USDT", "orderTypes": ["LIMIT", "MARKET"], "filters": [
         {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
         {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
         {"filterType": "MIN_NOTIONAL", "notional": "100"}]}
)  # fmt: skip
SNAPSHOT = '{"lastUpdateId": 1, "E": 2, "T": 1, "bids": [["1", "1"]], "asks": [["2", "1"]]}'
ORDER = json.dumps(QUERIED)
ORDERS = f"[{ORDER}]"
CONDITIONAL = json.dumps({**WAITING, "actualOrderId": "", "actualPrice": "0"})
UNREAD_OF_SYMBOL = ["pair", "onboardDate"]
UNREAD_OF_ORDER = [
    "cumQty", "workingType", "priceProtect", "priceMatch", "selfTradePreventionMode", "goodTillDate",
]  # fmt: skip
UNREAD_OF_CONDITIONAL = [
    "algoType", "selfTradePreventionMode", "workingType", "priceMatch", "priceProtect", "triggerTime",
    "goodTillDate", "actualPrice",
]  # fmt: skip

_SIGNED = ("recvWindow", "timestamp", "signature")
_KEY = {"X-MBX-APIKEY": API_KEY}
GET_DEPTH = Expected("GET", "/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "100"}, signed=False)
GET_ORDER = Expected(
    "GET", "/fapi/v1/order", {"symbol": "BTCUSDT", "orderId": "28"}, headers=_KEY, signed=True, added=_SIGNED
)
PUT_ORDER = Expected(
    "PUT",
    "/fapi/v1/order",
    {"symbol": "BTCUSDT", "orderId": "28", "side": "BUY", "quantity": "0.02", "price": "68000"},
    headers=_KEY,
    signed=True,
    added=_SIGNED,
)
STANDING = order_state(PERP)
LARGER = Amendment(quantity=Decimal("0.02"))


def read_symbol(body: bytes) -> Instrument:
    return to_instrument(msgspec.Raw(body))


def read_order(body: bytes) -> OrderState:
    return to_order(msgspec.json.decode(body, type=account_types.Order), symbol=PERP.symbol)


def read_conditional(body: bytes) -> OrderState:
    return to_conditional(msgspec.json.decode(body, type=account_types.AlgoOrder), symbol=PERP.symbol)
