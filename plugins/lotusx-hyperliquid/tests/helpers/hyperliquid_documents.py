"""Whole documents in Hyperliquid's documented shape. Source: hyperliquid-docs, "Info endpoint", "Websocket"."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, OrderState, SignificantDigits, Symbol
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_hyperliquid import account_types
from lotusx_hyperliquid.actions import CreateSubAccount
from lotusx_hyperliquid.order_conversions import to_report
from lotusx_testing import Expected, SigningVector

# The key that the official client's own tests publish, and its address.
KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
USER = "0x14791697260e4c9a71f18484c9f997b308e59325"
CREDENTIALS = {"private_key": Secret(KEY)}


def perpetual(coin: str, symbol: str, decimals: int = 5, **changes: Any) -> Instrument:
    values: dict[str, Any] = {
        "symbol": Symbol.parse(symbol),
        "venue_symbol": coin,
        "kind": InstrumentKind.LINEAR,
        "status": InstrumentStatus.TRADING,
        "price_rule": SignificantDigits(5, 6 - decimals),
        "step_size": Decimal((0, (1,), -decimals)),
        "min_notional": Decimal(10),
        **changes,
    }
    return Instrument(**values)


BTC = perpetual("BTC", "BTC/USDC:USDC")
ETH = perpetual("ETH", "ETH/USDC:USDC", 4)
TSLA = perpetual("xyz:TSLA", "XYZ-TSLA/USDC:USDC", 3)
MATIC = perpetual("MATIC", "MATIC/USDC:USDC", 1, status=InstrumentStatus.CLOSED)
HYPE = perpetual("@107", "HYPE/USDC", 2, kind=InstrumentKind.SPOT, price_rule=SignificantDigits(5, 6))

PERP_DEXS = [None, {"name": "xyz", "fullName": "XYZ", "deployer": "0x88806a71d74ad0a510b350545c9ae490912f0888"}]
META = {
    "universe": [
        {"szDecimals": 5, "name": "BTC", "maxLeverage": 40, "marginTableId": 56},
        {"szDecimals": 4, "name": "ETH", "maxLeverage": 25, "marginTableId": 55},
        {"szDecimals": 1, "name": "MATIC", "maxLeverage": 20, "marginTableId": 20, "isDelisted": True},
    ],
    "marginTables": [],
    "collateralToken": 0,
}
XYZ_META = {
    "universe": [
        {"szDecimals": 3, "name": "xyz:TSLA", "maxLeverage": 10, "marginTableId": 10, "onlyIsolated": True},
        {"szDecimals": 2, "name": "xyz:OLD", "maxLeverage": 10, "marginTableId": 10, "isDelisted": True},
    ],
    "marginTables": [],
    "collateralToken": 0,
}
SPOT_META = {
    "tokens": [
        {"name": "USDC", "index": 0, "szDecimals": 8, "weiDecimals": 8,
         "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054", "isCanonical": True},
        {"name": "HYPE", "index": 150, "szDecimals": 2, "weiDecimals": 8,
         "tokenId": "0x0d01dc56dcaaca66ad901c959b4011ec", "isCanonical": False},
    ],
    "universe": [{"name": "@107", "index": 107, "tokens": [150, 0], "isCanonical": False}],
}  # fmt: skip
LISTS = [json.dumps(document) for document in (PERP_DEXS, [META, XYZ_META], SPOT_META)]
"""What is answered when instruments are asked for."""

CTX = {
    "funding": "0.0000125", "openInterest": "22727.78266", "prevDayPx": "69557.0", "dayNtlVlm": "12377419030.34",
    "premium": "-0.0001657051", "oraclePx": "66383.0", "markPx": "66344.0", "midPx": "66371.5",
    "impactPxs": ["66371.0", "66372.0"], "dayBaseVlm": "189106.61428",
}  # fmt: skip
SPOT_CTX = {
    "prevDayPx": "17.251", "dayNtlVlm": "32755.10753", "markPx": "17.149", "midPx": "17.1235", "coin": "@107",
    "circulatingSupply": "996321.3", "totalSupply": "996321.3", "dayBaseVlm": "1915.28",
}  # fmt: skip

L2 = {
    "coin": "BTC",
    "time": 1790232237145,
    "levels": [
        [{"px": "84143.0", "sz": "10.25923", "n": 36}, {"px": "84142.0", "sz": "0.5", "n": 1}],
        [{"px": "84144.0", "sz": "50.66422", "n": 18}, {"px": "84146.0", "sz": "1.0", "n": 2}],
    ],
}
L2_BOOK = json.dumps(L2)
PRINT = {
    "coin": "BTC", "side": "A", "px": "84143.0", "sz": "0.00036", "time": 1790232216193, "hash": "0x7ab6",
    "tid": 1045359869404765, "users": ["0xbuyer", "0xseller"],
}  # fmt: skip
BAR = {
    "t": 1790232180000, "T": 1790232239999, "s": "BTC", "i": "1m", "o": "84143.0", "c": "84143.0", "h": "84144.0",
    "l": "84143.0", "v": "14.27847", "n": 114,
}  # fmt: skip


def frame(channel: str, data: Any) -> str:
    return json.dumps({"channel": channel, "data": data}, separators=(",", ":"))


TRADES = frame("trades", [PRINT])
BOOK = frame("l2Book", L2)
BBO = frame("bbo", {"coin": "BTC", "time": 1790232237145, "bbo": [L2["levels"][0][0], L2["levels"][1][0]]})  # type: ignore[index]  # the literal above
CANDLE = frame("candle", BAR)
CONTEXT = frame("activeAssetCtx", {"coin": "BTC", "ctx": CTX})
UNREAD_OF_TRADES = ["channel", "data[].hash", "data[].users"]
UNREAD_OF_CONTEXT = ["channel", "data.ctx.premium", "data.ctx.impactPxs"]

CLOID = "0x00000000000000000000000000000a01"
BASIC_ORDER = {
    "coin": "BTC", "side": "B", "limitPx": "68000.0", "sz": "0.01", "oid": 77738308, "timestamp": 1_000,
    "origSz": "0.01", "cloid": CLOID,
}  # fmt: skip
FULL_ORDER = {
    **BASIC_ORDER, "triggerCondition": "N/A", "isTrigger": False, "triggerPx": "0.0", "children": [],
    "isPositionTpsl": False, "reduceOnly": False, "orderType": "Limit", "tif": "Gtc",
}  # fmt: skip
UNREAD_OF_ORDER = ["order.order.triggerCondition"]


def answer_of(order: dict[str, Any], status: str = "open", at_ms: int = 2_000) -> str:
    report = {"order": order, "status": status, "statusTimestamp": at_ms}
    return json.dumps({"status": "order", "order": report})


ORDER = answer_of(FULL_ORDER)
UNKNOWN_OID = '{"status":"unknownOid"}'
FILL_ROW = {
    "coin": "BTC", "px": "84143.0", "sz": "0.01", "side": "B", "time": 5_000, "startPosition": "0.0",
    "dir": "Open Long", "closedPnl": "0.0", "hash": "0xa7bc", "oid": 77738308, "crossed": True, "fee": "0.378648",
    "tid": 955441961359817, "cloid": CLOID, "feeToken": "USDC", "twapId": None,
}  # fmt: skip
FILL = json.dumps(FILL_ROW)
UNREAD_OF_FILL = ["dir", "closedPnl", "twapId"]
POSITION = {
    "coin": "BTC", "szi": "0.01", "leverage": {"type": "cross", "value": 20}, "entryPx": "84143.0",
    "positionValue": "841.44", "unrealizedPnl": "0.01", "returnOnEquity": "0.0002", "liquidationPx": None,
    "marginUsed": "42.072", "maxLeverage": 40,
    "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
}  # fmt: skip
MARGIN = {"accountValue": "1000.5", "totalNtlPos": "841.44", "totalRawUsd": "159.06", "totalMarginUsed": "42.072"}
PERP_STATE = {
    "marginSummary": MARGIN, "crossMarginSummary": MARGIN, "crossMaintenanceMarginUsed": "10.5",
    "withdrawable": "958.428", "assetPositions": [{"type": "oneWay", "position": POSITION}], "time": 6_000,
}  # fmt: skip
PERPS = json.dumps(PERP_STATE)
UNREAD_OF_PERPS = [
    "marginSummary.totalNtlPos", "marginSummary.totalRawUsd", "crossMarginSummary", "crossMaintenanceMarginUsed",
    "assetPositions[].position.returnOnEquity", "assetPositions[].position.maxLeverage",
    "assetPositions[].position.cumFunding",
]  # fmt: skip
SPOT_STATE = {
    "balances": [
        {"coin": "USDC", "token": 0, "total": "100.5", "hold": "20.5", "entryNtl": "0.0"},
        {"coin": "HYPE", "token": 150, "total": "0.0", "hold": "0.0", "entryNtl": "0.0"},
    ]
}
SPOT = json.dumps(SPOT_STATE)
UNREAD_OF_SPOT = ["balances[].entryNtl"]

ASK_BOOK = Expected("POST", "/info", "", '{"type":"l2Book","coin":"BTC"}', signed=False)
ASK_OPEN = Expected(
    "POST", "/info", "", json.dumps({"type": "frontendOpenOrders", "user": USER}, separators=(",", ":"))
)

# py_create_sub_account_action of the official client's signing tests, with r and s in 64 digits.
VECTOR = SigningVector(
    "create-sub-account",
    Request(
        Verb.POST,
        "https://api.hyperliquid.xyz",
        "/exchange",
        content=CreateSubAccount("example"),
        signed=True,
    ),
    SigningContext(now_ms=0, nonce=0, receive_window_ms=5_000),
    body=b'{"action":{"type":"createSubAccount","name":"example"},"nonce":0,"signature":{'
    b'"r":"0x51096fe3239421d16b671e192f574ae24ae14329099b6db28e479b86cdd6caa7",'
    b'"s":"0x0b71f7d293af92d3772572afb8b102d167a7cef7473388286bc01f52a5c5b423","v":27}}',
    source="hyperliquid-python-sdk, tests/signing_test.py",
)


def read_order(body: bytes) -> OrderState:
    answer = msgspec.json.decode(body, type=account_types.OrderAnswer)
    assert answer.order is not None
    return to_report(answer.order, symbol=BTC.symbol, ours=lambda cloid: cloid)


def done(*statuses: Any, kind: str = "order") -> str:
    """Return the answer to an action."""
    return json.dumps({"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}})


DEFAULT = '{"status":"ok","response":{"type":"default"}}'
