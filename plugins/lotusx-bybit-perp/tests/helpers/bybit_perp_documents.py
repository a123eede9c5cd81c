"""Whole documents of linear and inverse instruments in Bybit's documented shape. Source: bybit-exchange/docs, v5."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol, TickSize
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_bybit.v5 import Category
from lotusx_bybit.v5.instruments import to_instrument
from lotusx_testing import SigningVector

API_KEY = "LOTUSXTESTKEY0001"
CREDENTIALS = {"api_key": API_KEY, "api_secret": Secret("lotusx-test-secret-not-real-0123456789")}
CONTEXT = SigningContext(now_ms=1_700_000_000_000, nonce=1, receive_window_ms=5_000)


def _listed(symbol: str, venue_symbol: str, kind: InstrumentKind) -> Instrument:
    return Instrument(
        Symbol.parse(symbol), venue_symbol, kind, InstrumentStatus.TRADING, TickSize(Decimal("0.1")), Decimal("0.001"),
        _raw=lambda: {"leverageFilter": {"maxLeverage": "100.00"}},
    )  # fmt: skip


BTC = _listed("BTC/USDT:USDT", "BTCUSDT", InstrumentKind.LINEAR)
USDC = _listed("BTC/USDC:USDC", "BTCPERP", InstrumentKind.LINEAR)
INVERSE = _listed("BTC/USD:BTC", "BTCUSD", InstrumentKind.INVERSE)

VECTOR = SigningVector(
    "body",
    Request(Verb.POST, "https://api.bybit.com", "/v5/order/cancel-all", body=b"{}", signed=True),
    CONTEXT,
    headers={
        "X-BAPI-API-KEY": API_KEY,
        "X-BAPI-SIGN": "fefcede0f471621ad5bb1e7bfb6f38f81e0bb4ab942ba109feafc911112e2747",
    },
    source="pybit 5.17.0, with a frozen clock",
)

TICKER: dict[str, Any] = {
    "symbol": "BTCUSDT", "lastPrice": "16597.00", "indexPrice": "16598.54", "markPrice": "16596.00",
    "prevPrice24h": "16464.50", "price24hPcnt": "0.008047", "highPrice24h": "30912.50", "lowPrice24h": "15700.00",
    "prevPrice1h": "16595.50", "openInterest": "373504107", "openInterestValue": "22505.67",
    "singleOpenInterest": "186752053.5", "turnover24h": "2352.94950046", "volume24h": "49337318",
    "fundingRate": "-0.001034", "nextFundingTime": "1672387200000", "fundingIntervalHour": "8",
    "bid1Price": "16596.00", "bid1Size": "1", "ask1Price": "16597.50", "ask1Size": "2",
}  # fmt: skip
POSITION: dict[str, Any] = {
    "positionIdx": 0, "symbol": "BTCUSDT", "side": "Buy", "size": "0.5", "avgPrice": "93556.73", "positionValue": "46",
    "leverage": "10", "positionStatus": "Normal", "markPrice": "93694.83", "liqPrice": "62000.5", "positionIM": "46.7",
    "unrealisedPnl": "69.05", "updatedTime": "1739520443455", "seq": 172125434,
}  # fmt: skip
UNREAD_OF_TICKER = ["data.prevPrice1h"]
UNREAD_OF_POSITION = ["positionValue", "positionStatus", "seq"]
LIQUIDATION: dict[str, Any] = {"T": 1739502302929, "s": "BTCUSDT", "S": "Sell", "v": "20000", "p": "0.04499"}


def ticker_push(kind: str, cs: int, **data: str) -> bytes:
    """Return a message of the ticker's stream."""
    return json.dumps(
        {"topic": "tickers.BTCUSDT", "type": kind, "data": {"symbol": "BTCUSDT", **data}, "cs": cs, "ts": 1_000 + cs}
    ).encode()


def liquidation_push(data: Any) -> bytes:
    """Return a message of the stream of liquidations."""
    push = {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": 1739502303204, "data": data}
    return json.dumps(push).encode()


def envelope(result: Any, **more: Any) -> str:
    """Wrap *result* as a reply."""
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1_000, **more})


def rows(*items: Any, cursor: str = "") -> str:
    """Wrap *items* as one page."""
    return envelope({"list": list(items), "nextPageCursor": cursor})


LISTED: dict[str, Any] = {
    "symbol": "ETHUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "ETH",
    "quoteCoin": "USDT", "settleCoin": "USDT", "deliveryTime": "0", "priceFilter": {"tickSize": "0.01"},
    "lotSizeFilter": {"qtyStep": "0.01", "minOrderQty": "0.01", "maxOrderQty": "7240"},
}  # fmt: skip


def read_listed(body: bytes) -> Instrument:
    return to_instrument(msgspec.Raw(body), category=Category.LINEAR)
