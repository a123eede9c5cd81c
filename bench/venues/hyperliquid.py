"""Hyperliquid: trades, whole books of 20 levels, and orders."""

from __future__ import annotations

import itertools
import json
from random import Random
from typing import Any

from bench.venues import frame, in_turn

FIRST_MS = 1_770_000_000_000
_LEVELS = 20

_META = {
    "universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56}],
    "marginTables": [[56, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 40}]}]],
    "collateralToken": 0,
}
_TOKENS = [
    {"name": name, "szDecimals": 8 if index == 0 else 2, "weiDecimals": 8, "index": index, "tokenId": f"0x{index:032x}",
     "isCanonical": True, "evmContract": None, "fullName": None, "deployerTradingFeeShare": "0.0"}
    for index, name in enumerate(("USDC", "PURR"))
]  # fmt: skip
_SPOT = {
    "tokens": _TOKENS,
    "universe": [{"tokens": [1, 0], "name": "PURR/USDC", "index": 0, "isCanonical": True}],
}
_CTX = {
    "funding": "0.0000125", "openInterest": "20000.0", "prevDayPx": "60000.0", "dayNtlVlm": "1000000000.0",
    "premium": "0.0001", "oraclePx": "60000.0", "markPx": "60000.0", "midPx": "60000.5",
    "impactPxs": ["60000.0", "60001.0"], "dayBaseVlm": "10000.0",
}  # fmt: skip
_SPOT_CTX = {
    "prevDayPx": "0.2", "dayNtlVlm": "100000.0", "markPx": "0.2", "midPx": "0.2", "circulatingSupply": "600000000.0",
    "coin": "PURR/USDC", "totalSupply": "600000000.0", "dayBaseVlm": "100000.0",
}  # fmt: skip
_INFO: dict[str, Any] = {
    "meta": _META,
    "spotMeta": _SPOT,
    "metaAndAssetCtxs": [_META, [_CTX]],
    "spotMetaAndAssetCtxs": [_SPOT, [_SPOT_CTX]],
    "perpDexs": [None],
    "allPerpMetas": [_META],
    "allMids": {"BTC": "60000.5"},
    "exchangeStatus": {"time": FIRST_MS, "specialStatuses": None},
    "userRole": {"role": "user"},
    "userAbstraction": "disabled",
    "clearinghouseState": {"assetPositions": [], "time": FIRST_MS},
    "userFees": {"userCrossRate": "0.00045", "userAddRate": "0.00015"},
}


def trades(count: int) -> list[bytes]:
    """Return *count* messages of one trade each, numbered from 1."""
    user = "0x" + "ab" * 20
    text = (
        '{"channel":"trades","data":[{"coin":"BTC","side":"A","px":"94321.0","sz":"0.00153","time":1770000000000,'
        f'"hash":"0x{"cd" * 32}","tid":%d,"users":["{user}","{user}"]}}]}}'
    )
    return [frame((text % number).encode()) for number in range(1, count + 1)]


def books(count: int) -> list[bytes]:
    """Return *count* whole books; their times count up by one millisecond from the first."""
    random = Random(1)
    found = []
    for number in range(1, count + 1):
        middle = 60_000 + random.randrange(-20, 20)
        levels = [
            [{"px": f"{middle + sign * n}.0", "sz": f"{random.random() * 5:.5f}", "n": random.randrange(1, 20)}
             for n in range(1, _LEVELS + 1)]
            for sign in (-1, 1)
        ]  # fmt: skip
        said = {"channel": "l2Book", "data": {"coin": "BTC", "time": FIRST_MS + number, "levels": levels}}
        found.append(frame(json.dumps(said, separators=(",", ":")).encode()))
    return found


class Exchange:
    """Hyperliquid."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.snapshots = 0
        self._order_ids = itertools.count(123_456_789_000)
        self._made = {"trades": trades(spec["trades"]), "l2Book": books(spec["updates"])}

    def reply(self, target: str, body: bytes) -> bytes:
        if target.startswith("/exchange"):
            filled = {"totalSz": "0.01", "avgPx": "60000.0", "oid": next(self._order_ids)}
            said: Any = {"status": "ok", "response": {"type": "order", "data": {"statuses": [{"filled": filled}]}}}
        else:
            said = _INFO.get(json.loads(body or b"{}").get("type", ""), [])
        return json.dumps(said).encode()

    def hear(self, message: dict[str, Any]) -> tuple[list[bytes], list[str]]:
        method = message.get("method")
        if method == "ping":
            return [b'{"channel":"pong"}'], []
        if method != "subscribe":
            return [], []
        said = {"channel": "subscriptionResponse", "data": message}
        return [json.dumps(said).encode()], [message["subscription"]["type"]]

    def streams_of(self, target: str) -> list[str]:
        return []

    def awaits_snapshot(self, stream: str) -> bool:
        return False

    def frames(self, streams: list[str]) -> list[bytes]:
        return in_turn([self._made[stream] for stream in streams])
