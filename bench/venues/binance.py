"""Binance spot: trades, diff depth, orders by REST and by WebSocket, `exchangeInfo`."""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path
from random import Random
from typing import Any

from bench.venues import frame, in_turn

CHANGES = 42
LEVELS = 1_000
FIRST_UPDATE = 1_001
_MIDDLE = 6_000_000  # in ticks of 0.01


def instrument(base: str = "BTC") -> dict[str, Any]:
    """Return one symbol of ``exchangeInfo``."""
    return {
        "symbol": f"{base}USDT", "status": "TRADING", "baseAsset": base, "baseAssetPrecision": 8, "quoteAsset": "USDT",
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


def exchange_info(bases: list[str]) -> bytes:
    """Return ``exchangeInfo`` of these against USDT; its limits are none."""
    return json.dumps(
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
            "symbols": [instrument(base) for base in bases],
        }
    ).encode()


def _event(stream: str, data: str) -> bytes:
    """Return one frame of a combined stream, or of a single one."""
    return frame(f'{{"stream":"{stream}","data":{data}}}'.encode() if stream else data.encode())


def trades(stream: str, count: int, *, combined: bool) -> list[bytes]:
    """Return *count* trades, numbered from 1, as ``trade`` or ``aggTrade`` says."""
    aggregate = stream.endswith("aggTrade")
    kind, number = ("aggTrade", "a") if aggregate else ("trade", "t")
    more = '"f":4242424242,"l":4242424243,' if aggregate else ""
    symbol = stream.partition("@")[0].upper()
    return [
        _event(
            stream if combined else "",
            f'{{"e":"{kind}","E":1732153320123,"s":"{symbol}","{number}":{n},"p":"94321.15000000","q":"0.00153000",'
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


def depth(stream: str, count: int, *, combined: bool) -> list[bytes]:
    """Return *count* updates of 42 levels, contiguous, none of which crosses the book."""
    random = Random(1)
    symbol = stream.partition("@")[0].upper()

    def level(sign: int) -> list[str]:
        ticks = _MIDDLE + sign * (1 + int(abs(random.gauss(0, 200))) % LEVELS)
        quantity = "0.00000000" if random.random() < 0.4 else f"{random.random() * 5:.8f}"
        return [f"{ticks / 100:.8f}", quantity]

    found = []
    for number in range(FIRST_UPDATE, FIRST_UPDATE + count):
        sides = {name: [level(sign) for _ in range(CHANGES // 2)] for name, sign in (("b", -1), ("a", 1))}
        event = {"e": "depthUpdate", "E": 1_732_153_320_123, "s": symbol, "U": number, "u": number, **sides}
        found.append(_event(stream if combined else "", json.dumps(event, separators=(",", ":"))))
    return found


def order(client_order_id: str, order_id: int) -> bytes:
    """Return the reply to a limit order."""
    text = (
        '{"symbol":"BTCUSDT","orderId":ORDER_ID,"orderListId":-1,"clientOrderId":"CLIENT_ID",'
        '"transactTime":1770000000000,'
        '"price":"60000.00000000","origQty":"0.01000000","executedQty":"0.01000000",'
        '"origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"600.00000000","status":"FILLED",'
        '"timeInForce":"GTC","type":"LIMIT","side":"BUY","workingTime":1770000000000,'
        '"selfTradePreventionMode":"NONE","fills":[{"price":"60000.00000000","qty":"0.01000000",'
        '"commission":"0.00001000","commissionAsset":"BTC","tradeId":ORDER_ID}]}'
    )
    return text.replace("CLIENT_ID", client_order_id).replace("ORDER_ID", str(order_id)).encode()


class Exchange:
    """Binance. ``symbols`` beyond BTC are named S1, S2, …"""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.snapshots = 0
        self._order_ids = itertools.count(12_345_678_900)
        self._spec = spec
        self._snapshot = snapshot()
        self._combined = True
        self._made: dict[str, list[bytes]] = {}
        document = spec.get("document")
        bases = ["BTC", *(f"S{n}" for n in range(1, spec.get("symbols", 1)))]
        self._info = Path(document).read_bytes() if document else exchange_info(bases)
        for stream in ("btcusdt@trade", "btcusdt@aggTrade", "btcusdt@depth@100ms", "btcusdt@depth"):
            self._frames_of(stream)

    def reply(self, target: str, body: bytes) -> bytes:
        path = target.partition("?")[0]
        if path.endswith("/order"):
            return order(_named(target + "&" + body.decode()), next(self._order_ids))
        if path.endswith("/depth"):
            self.snapshots += 1
            return self._snapshot
        if path.endswith("/exchangeInfo"):
            return self._info
        if path.endswith("/time"):
            return b'{"serverTime": %d}' % (time.time() * 1e3)
        if path.endswith("/ping"):
            return b"{}"
        return b"[]" if "ticker" in path or "tradeFee" in path else b"{}"

    def hear(self, message: dict[str, Any]) -> tuple[list[bytes], list[str]]:
        method, number = message.get("method"), json.dumps(message.get("id"))
        if method == "order.place":
            result = order(str(message["params"].get("newClientOrderId", "x")), next(self._order_ids)).decode()
            return [f'{{"id":{number},"status":200,"result":{result},"rateLimits":[]}}'.encode()], []
        wanted = message.get("params", []) if method == "SUBSCRIBE" else []
        return [f'{{"result":null,"id":{number}}}'.encode()], [str(name) for name in wanted]

    def streams_of(self, target: str) -> list[str]:
        self._combined = target.startswith("/stream")
        names = target.partition("streams=")[2] or (target.removeprefix("/ws").strip("/"))
        return [name for name in names.split("/") if "@" in name]

    def awaits_snapshot(self, stream: str) -> bool:
        return "depth" in stream

    def frames(self, streams: list[str]) -> list[bytes]:
        return in_turn([self._frames_of(stream) for stream in streams])

    def _frames_of(self, stream: str) -> list[bytes]:
        key = f"{stream} {self._combined}"
        if key not in self._made:
            make, count = (depth, self._spec["updates"]) if "depth" in stream else (trades, self._spec["trades"])
            self._made[key] = make(stream, count, combined=self._combined)
        return self._made[key]


def _named(query: str) -> str:
    found = re.search(r"newClientOrderId=([^&]+)", query)
    return found[1] if found else "x"
