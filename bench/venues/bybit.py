"""Bybit spot, v5: public trades, and books of a snapshot with deltas of 42 levels."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

from bench.venues import frame, in_turn

LEVELS, CHANGES = 200, 42
_MIDDLE = 6_000_000  # in ticks of 0.01
_NOW = 1_770_000_000_000

_INSTRUMENT = {
    "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
    "marginTrading": "utaOnly", "stTag": "0", "symbolType": "",
    "lotSizeFilter": {
        "basePrecision": "0.000001", "quotePrecision": "0.00000001", "minOrderQty": "0.000001",
        "maxOrderQty": "1000", "minOrderAmt": "5", "maxOrderAmt": "8000000", "maxLimitOrderQty": "1000",
        "maxMarketOrderQty": "500", "postOnlyMaxLimitOrderSize": "1000",
    },
    "priceFilter": {"tickSize": "0.01"},
    "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.03"},
}  # fmt: skip


def trades(topic: str, count: int) -> list[bytes]:
    """Return *count* messages of one trade each, numbered from 1."""
    head = f'{{"topic":"{topic}","ts":{_NOW},"type":"snapshot","data":[{{'
    symbol = topic.rpartition(".")[2]
    body = f'"i":"%d","T":{_NOW},"p":"60000.01","v":"0.00153","S":"Buy","s":"{symbol}","BT":false,"RPI":false,'
    return [frame((head + body % n + f'"seq":{n}}}]}}').encode()) for n in range(1, count + 1)]


def book(topic: str, count: int) -> list[bytes]:
    """Return a snapshot of 200 levels a side, numbered 1, and *count* deltas of 42 levels after it."""
    random = Random(1)

    def changes(sign: int, count: int) -> list[list[str]]:
        """Only what is there is ever deleted, as Bybit does."""
        found: dict[str, str] = {}
        while len(found) < count:
            ticks = _MIDDLE + sign * (1 + int(abs(random.gauss(0, 40))) % LEVELS)
            price = f"{ticks / 100:.2f}"
            if price in there and price not in found and len(there) > LEVELS and random.random() < 0.4:
                there.discard(price)
                found[price] = "0"
            elif price not in found:
                there.add(price)
                found[price] = f"{random.random() * 5 + 1e-6:.6f}"
        return [list(pair) for pair in found.items()]

    def message(kind: str, number: int, sides: dict[str, Any]) -> bytes:
        data = {"s": "BTCUSDT", **sides, "u": number, "seq": number}
        said = {"topic": topic, "ts": _NOW + number, "type": kind, "data": data, "cts": _NOW + number}
        return frame(json.dumps(said, separators=(",", ":")).encode())

    whole = {
        side: [[f"{(_MIDDLE + sign * n) / 100:.2f}", "1"] for n in range(1, LEVELS + 1)]
        for side, sign in (("b", -1), ("a", 1))
    }
    there = {price for side in whole.values() for price, _ in side}
    found = [message("snapshot", 1, whole)]
    for number in range(2, count + 2):
        half = CHANGES // 2
        found.append(message("delta", number, {"b": changes(-1, half), "a": changes(1, half)}))
    return found


class Exchange:
    """Bybit. ``symbols`` beyond BTC are named S1, S2, …"""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.snapshots = 0
        self._spec = spec
        self._made: dict[str, list[bytes]] = {}

    def reply(self, target: str, body: bytes) -> bytes:
        result: dict[str, Any] = {"list": []}
        if "/instruments-info" in target:
            bases = ["BTC", *(f"S{n}" for n in range(1, self._spec.get("symbols", 1)))]
            rows = [{**_INSTRUMENT, "symbol": f"{base}USDT", "baseCoin": base} for base in bases]
            listed = rows if "category=spot" in target else []
            result = {"category": "spot", "list": listed, "nextPageCursor": ""}
        elif target.startswith("/v5/market/time"):
            result = {"timeSecond": str(int(time.time())), "timeNano": str(time.time_ns())}
        now = int(time.time() * 1e3)
        return json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now}).encode()

    def hear(self, message: dict[str, Any]) -> tuple[list[bytes], list[str]]:
        kind = message.get("op", "")
        said = {"success": True, "ret_msg": kind, "conn_id": "1", "req_id": message.get("req_id", ""), "op": kind}
        if kind == "ping":
            said["ret_msg"] = "pong"
        return [json.dumps(said).encode()], list(message.get("args", [])) if kind == "subscribe" else []

    def streams_of(self, target: str) -> list[str]:
        return []

    def awaits_snapshot(self, stream: str) -> bool:
        return False

    def frames(self, streams: list[str]) -> list[bytes]:
        return in_turn([self._frames_of(stream) for stream in streams])

    def _frames_of(self, topic: str) -> list[bytes]:
        if topic not in self._made:
            make, count = (book, self._spec["updates"]) if "orderbook" in topic else (trades, self._spec["trades"])
            self._made[topic] = make(topic, count)
        return self._made[topic]
