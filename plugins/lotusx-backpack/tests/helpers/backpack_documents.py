"""Whole documents in Backpack's documented shape. Source: the exchange's OpenAPI document (2026-08)."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from lotusx.model import Instrument, InstrumentStatus, OrderState
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_backpack import account_types
from lotusx_backpack.markets import to_instrument
from lotusx_backpack.order_conversions import to_order
from lotusx_testing import Expected, SigningVector

# The seed of the published vectors: bytes 0 to 31.
API_KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
CREDENTIALS = {"api_key": API_KEY, "api_secret": Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")}

MARKET: dict[str, Any] = {
    "symbol": "SOL_USDC_PERP", "baseSymbol": "SOL", "quoteSymbol": "USDC", "marketType": "PERP", "rwaMarketType": None,
    "filters": {
        "price": {
            "minPrice": "0.01", "maxPrice": "1000", "tickSize": "0.01", "maxMultiplier": "1.25",
            "minMultiplier": "0.75", "maxImpactMultiplier": "1.03", "minImpactMultiplier": "0.97",
            "meanMarkPriceBand": {"maxMultiplier": "1.1", "minMultiplier": "0.9"},
            "meanPremiumBand": {"tolerancePct": "0.05"},
        },
        "quantity": {"minQuantity": "0.01", "maxQuantity": None, "stepSize": "0.01"},
    },
    "imfFunction": {"type": "sqrt", "base": "0.02", "factor": "0.00006"},
    "mmfFunction": {"type": "sqrt", "base": "0.0135", "factor": "0.000036"},
    "fundingInterval": 3600000, "fundingRateUpperBound": "100", "fundingRateLowerBound": "-100",
    "openInterestLimit": "4000000", "orderBookState": "Open", "visible": True,
    "createdAt": "2025-01-21T06:34:54.691858",
}  # fmt: skip
SPOT_MARKET = {**MARKET, "symbol": "SOL_USDC", "marketType": "SPOT", "fundingInterval": None}
UNREAD_OF_MARKET = [
    "baseSymbol", "rwaMarketType", "filters.price.maxMultiplier", "filters.price.minMultiplier",
    "filters.price.maxImpactMultiplier", "filters.price.minImpactMultiplier", "filters.price.meanMarkPriceBand",
    "filters.price.meanPremiumBand", "imfFunction", "mmfFunction", "fundingInterval", "fundingRateUpperBound",
    "fundingRateLowerBound", "openInterestLimit", "visible", "createdAt",
]  # fmt: skip


def listed(**changes: Any) -> Instrument:
    """Return an instrument as the exchange lists it."""
    return to_instrument(msgspec.Raw(msgspec.json.encode({**MARKET, **changes})))


PERP, SPOT = listed(), to_instrument(msgspec.Raw(msgspec.json.encode(SPOT_MARKET)))
CLOSED = listed(symbol="OLD_USDC_PERP", orderBookState="Closed")
assert CLOSED.status is InstrumentStatus.CLOSED

ORDER: dict[str, Any] = {
    "id": "5406825793", "clientId": 7, "orderType": "Limit", "symbol": "SOL_USDC_PERP", "side": "Bid",
    "timeInForce": "GTC", "selfTradePrevention": "RejectTaker", "reduceOnly": False, "postOnly": False,
    "price": "141.25", "quantity": "0.5", "executedQuantity": "0", "executedQuoteQuantity": "0", "status": "New",
    "createdAt": 1_769_999_999_000, "triggerPrice": None, "triggerBy": None, "triggerQuantity": None,
    "triggeredAt": None, "relatedOrderId": None, "strategyId": None, "takeProfitTriggerPrice": None,
    "takeProfitTriggerBy": None, "takeProfitLimitPrice": None, "stopLossTriggerPrice": None,
    "stopLossTriggerBy": None, "stopLossLimitPrice": None,
}  # fmt: skip
UNREAD_OF_ORDER = [
    "selfTradePrevention", "triggerBy", "strategyId", "takeProfitTriggerPrice",
    "takeProfitTriggerBy", "takeProfitLimitPrice", "stopLossTriggerPrice", "stopLossTriggerBy", "stopLossLimitPrice",
]  # fmt: skip
FILL: dict[str, Any] = {
    "tradeId": 2888471, "orderId": "5406825793", "clientId": "7", "symbol": "SOL_USDC_PERP", "side": "Bid",
    "price": "141.25", "quantity": "0.2", "fee": "0.011300", "feeSymbol": "USDC", "isMaker": True,
    "timestamp": "2026-02-02T02:40:00.092", "systemOrderType": None,
}  # fmt: skip
POSITION: dict[str, Any] = {
    "symbol": "SOL_USDC_PERP", "positionId": "5411399049", "netQuantity": "-1.5", "entryPrice": "142", "markPrice":
    "141", "breakEvenPrice": "141.9", "estLiquidationPrice": "0", "imf": "0.02", "mmf": "0.0125", "netCost": "213",
    "netExposureQuantity": "1.5", "netExposureNotional": "211.5", "pnlRealized": "0", "pnlUnrealized": "1.5",
    "cumulativeFundingPayment": "0.1", "cumulativeInterest": "0", "subaccountId": None, "userId": 1,
    "imfFunction": {"type": "sqrt", "base": "0.02", "factor": "0.00006"},
}  # fmt: skip
UNREAD_OF_POSITION = sorted(
    set(POSITION) - {"symbol", "netQuantity", "entryPrice", "markPrice", "pnlUnrealized", "estLiquidationPrice"}
)
CAPITAL = {"USDC": {"available": "90", "locked": "10", "staked": "0"}}
COLLATERAL: dict[str, Any] = {
    "collateral": [
        {"symbol": "USDC", "assetMarkPrice": "1", "totalQuantity": "150", "availableQuantity": "90",
         "lendQuantity": "50", "openOrderQuantity": "10", "collateralWeight": "1", "collateralValue": "150",
         "balanceNotional": "150"}
    ],
    "netEquity": "150", "netEquityAvailable": "140", "netEquityLocked": "10", "assetsValue": "150",
    "liabilitiesValue": "0", "borrowLiability": "0", "pnlUnrealized": "0", "unsettledEquity": "0", "imf": "0.02",
    "mmf": "0.0125", "marginFraction": "0.5", "netExposureFutures": "0",
}  # fmt: skip
ACCOUNT: dict[str, Any] = {
    "autoBorrowSettlements": True, "autoLend": False, "autoRealizePnl": True, "autoRepayBorrows": True,
    "borrowLimit": "1000", "futuresMakerFee": "-0.5", "futuresTakerFee": "5", "leverageLimit": "10", "limitOrders": 3,
    "liquidating": False, "positionLimit": "1000", "spotMakerFee": "8", "spotTakerFee": "10", "triggerOrders": 1,
}  # fmt: skip
DEPTH = {
    "asks": [["141.30", "2"], ["141.40", "1"]], "bids": [["141.10", "4"], ["141.20", "3"]],
    "lastUpdateId": "6730019258", "timestamp": 1_769_999_999_123_456,
}  # fmt: skip
TICKER = {
    "symbol": "SOL_USDC_PERP", "firstPrice": "140", "lastPrice": "141.2", "priceChange": "1.2",
    "priceChangePercent": "0.008571", "high": "143", "low": "139", "volume": "1000", "quoteVolume": "141000",
    "trades": "88",
}  # fmt: skip
MARK = {
    "symbol": "SOL_USDC_PERP", "markPrice": "141.15", "indexPrice": "141.10", "fundingRate": "0.0000125",
    "nextFundingTimestamp": 1_770_001_200_000,
}  # fmt: skip
TRADE = {
    "id": 11, "price": "141.2", "quantity": "0.3", "quoteQuantity": "42.36", "timestamp": 1_769_999_999_500,
    "isBuyerMaker": False,
}  # fmt: skip


def frame(stream: str, **data: Any) -> bytes:
    """Write a message of a stream."""
    return msgspec.json.encode({"stream": stream, "data": data})


TIMES = {"E": 1_769_999_999_500_009, "T": 1_769_999_999_500_001, "s": "SOL_USDC_PERP"}
TRADES_FRAME = frame(
    "trade.SOL_USDC_PERP", e="trade", **TIMES, p="141.20", q="0.3", b="5121861755", a="5121860761", t=11, m=False
)
BEST_FRAME = frame(
    "bookTicker.SOL_USDC_PERP", e="bookTicker", **TIMES, b="141.20", B="3.00", a="141.30", A="2.00", u=6730019258
)
DEPTH_FRAME = frame("depth.SOL_USDC_PERP", e="depth", **TIMES, U=6730019259, u=6730019259, b=[["141.20", "0.00"]], a=[])
KLINE_FRAME = frame(
    "kline.1m.SOL_USDC_PERP", e="kline", E=TIMES["E"], s="SOL_USDC_PERP", t="2026-02-02T02:39:00",
    T="2026-02-02T02:40:00", o="141.1", h="141.4", l="141.0", c="141.2", v="62.26", n=255, X=True,
)  # fmt: skip
TICKER_FRAME = frame(
    "ticker.SOL_USDC_PERP", e="ticker", E=TIMES["E"], s="SOL_USDC_PERP", o="140", c="141.2", h="143", l="139",
    v="1000", V="141000", n=88,
)  # fmt: skip
MARK_FRAME = frame(
    "markPrice.SOL_USDC_PERP", e="markPrice", **TIMES, p="141.15", i="141.10", f="0.0000125", n=1_770_001_200_000
)
LIQUIDATION_FRAME = frame("liquidation.SOL_USDC_PERP", e="liquidation", **TIMES, S="Ask", p="141.20", q="10")
ORDER_EVENT: dict[str, Any] = {
    "e": "orderFill", **TIMES, "S": "Bid", "o": "LIMIT", "f": "GTC", "i": "5406825793", "c": 7, "X": "PartiallyFilled",
    "q": "0.5", "p": "141.25", "z": "0.2", "Z": "28.25", "t": 2888471, "l": "0.2", "L": "141.25", "m": True,
    "n": "0.0113", "N": "USDC", "V": "RejectTaker", "r": False, "y": False, "O": "USER",
}  # fmt: skip
POSITION_EVENT: dict[str, Any] = {
    "e": "positionOpened", **TIMES, "q": "0.2", "Q": "0.5", "n": "28.25", "B": "141.25", "b": "141.3", "M": "141.2",
    "f": "0.02", "m": "0.0125", "p": "0", "P": "-0.01", "i": 5411399049, "l": "0",
}  # fmt: skip
BALANCE_EVENT: dict[str, Any] = {
    "e": "balanceUpdate", "E": TIMES["E"], "T": TIMES["T"], "a": "USDC", "A": "61.75", "L": "38.25", "S": "0",
}  # fmt: skip

VECTOR = SigningVector(
    "post-only",
    Request(
        Verb.POST,
        "https://api.backpack.exchange",
        "/api/v1/order",
        body=json.dumps(
            {"symbol": "SOL_USDC", "side": "Bid", "orderType": "Limit", "clientId": 4294967295, "price": "141.25",
             "quantity": "0.5", "timeInForce": "GTC", "postOnly": True}
        ).encode(),
        signed=True,
    ),
    SigningContext(now_ms=1_750_793_021_519, nonce=1, receive_window_ms=5_000),
    headers={
        "X-API-Key": API_KEY,
        "X-Signature": "lwaKDQx2XBhKtzx0Iuja0NaQ+hdz8Gr2pYT+H23woSs8LVQV/jND6wYZPJGdsG4zsEtSKEH7J1YCW/REwiBcDw==",
        "X-Timestamp": "1750793021519",
        "X-Window": "5000",
    },
    source="signed alike by cryptography, pycryptodome and bpx-py 2.0.11",
)  # fmt: skip


def text(document: Any) -> str:
    """Write a document."""
    return json.dumps(document)


def asked(path: str, params: dict[str, str], *, signed: bool = False) -> Expected:
    """Return the GET request that must be seen."""
    return Expected("GET", path, params, signed=signed)


def read_order(body: bytes) -> OrderState:
    item = msgspec.json.decode(body, type=account_types.Order)
    return to_order(item, symbol=PERP.symbol, ours=str)


def read_market(body: bytes) -> Instrument:
    return to_instrument(msgspec.Raw(body))
