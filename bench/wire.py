"""What the benchmark's server says: documents and frames in Binance's shape, made once."""

from __future__ import annotations

import json
from random import Random
from typing import Any

CHANGES = 42
LEVELS = 1_000
FIRST_UPDATE = 1_001
_MIDDLE = 6_000_000  # in ticks of 0.01


def instrument() -> dict[str, Any]:
    """Return one symbol of ``exchangeInfo``."""
    return {
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "baseAssetPrecision": 8, "quoteAsset": "USDT",
        "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"], "icebergAllowed": True, "ocoAllowed": True,
        "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True, "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
             "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
             "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
        ],
    }  # fmt: skip


EXCHANGE_INFO = json.dumps(
    {
        "timezone": "UTC",
        "serverTime": 1_770_000_000_000,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6_000_000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 5_000_000},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 50_000_000},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 30_000_000},
        ],
        "exchangeFilters": [],
        "symbols": [instrument()],
    }
).encode()


def frame(stream: str, data: str) -> bytes:
    """Return one server frame of a combined stream."""
    payload = f'{{"stream":"{stream}","data":{data}}}'.encode()
    size = len(payload)
    return (b"\x81" + bytes([size]) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")) + payload


def trades(stream: str, count: int) -> list[bytes]:
    """Return *count* trades, numbered from 1, as ``trade`` or ``aggTrade`` says."""
    aggregate = stream.endswith("aggTrade")
    kind, number = ("aggTrade", "a") if aggregate else ("trade", "t")
    more = '"f":4242424242,"l":4242424243,' if aggregate else ""
    return [
        frame(
            stream,
            f'{{"e":"{kind}","E":1732153320123,"s":"BTCUSDT","{number}":{n},"p":"94321.15000000","q":"0.00153000",'
            f'{more}"T":1732153320122,"m":true,"M":true}}',
        )
        for n in range(1, count + 1)
    ]


def snapshot() -> bytes:
    """Return the book before the first update."""
    sides = {
        name: [[f"{(_MIDDLE + sign * n) / 100:.8f}", "1.00000000"] for n in range(1, LEVELS + 1)]
        for name, sign in (("bids", -1), ("asks", 1))
    }
    return json.dumps({"lastUpdateId": FIRST_UPDATE - 1, **sides}).encode()


def depth(stream: str, count: int) -> list[bytes]:
    """Return *count* updates of 42 levels, contiguous, none of which crosses the book."""
    random = Random(1)

    def level(sign: int) -> list[str]:
        ticks = _MIDDLE + sign * (1 + int(abs(random.gauss(0, 200))) % LEVELS)
        quantity = "0.00000000" if random.random() < 0.4 else f"{random.random() * 5:.8f}"
        return [f"{ticks / 100:.8f}", quantity]

    found = []
    for number in range(FIRST_UPDATE, FIRST_UPDATE + count):
        sides = {name: [level(sign) for _ in range(CHANGES // 2)] for name, sign in (("b", -1), ("a", 1))}
        event = {"e": "depthUpdate", "E": 1_732_153_320_123, "s": "BTCUSDT", "U": number, "u": number, **sides}
        found.append(frame(stream, json.dumps(event, separators=(",", ":"))))
    return found


def order(client_order_id: str) -> bytes:
    """Return the reply to a limit order."""
    text = (
        '{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"CLIENT_ID","transactTime":1770000000000,'
        '"price":"60000.00000000","origQty":"0.01000000","executedQty":"0.01000000",'
        '"origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"600.00000000","status":"FILLED",'
        '"timeInForce":"GTC","type":"LIMIT","side":"BUY","workingTime":1770000000000,'
        '"selfTradePreventionMode":"NONE","fills":[{"price":"60000.00000000","qty":"0.01000000",'
        '"commission":"0.00001000","commissionAsset":"BTC","tradeId":56}]}'
    )
    return text.replace("CLIENT_ID", client_order_id).encode()
