"""Hyperliquid under test."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal as D
from random import Random
from typing import Any

from lotusx_hyperliquid.cloids import Cloids
from lotusx_sim import Simulator
from lotusx_sim.dialects.hyperliquid import Account, Hyperliquid as Venue
from lotusx_sim.dialects.hyperliquid.state import tid_of
from lotusx_sim.engine.orders import Fill
from lotusx_sim.wire import HttpRequest
from rig.exchange import BookTruth, Levels, UnderTest, WireOrder

_KEY = "0x" + "c0ffee5eed" * 6 + "ca11"
_KEPT = 2_000


class _Truth(BookTruth):
    """Every message is a whole book, and its number is its time: what was sent is the truth."""

    def __init__(self) -> None:
        self._states: dict[int, list[tuple[Levels, Levels]]] = {}

    def note(self, message: dict[str, Any]) -> None:
        bids, asks = (
            [(D(level["px"]), D(level["sz"])) for level in side] for side in message["data"]["levels"]
        )  # fmt: skip
        self._states.setdefault(message["data"]["time"], []).append((bids, asks))
        if len(self._states) > _KEPT:
            del self._states[next(iter(self._states))]

    def at(self, symbol: str, number: int) -> list[tuple[Levels, Levels]]:
        del symbol
        return self._states.get(number, [])


class Hyperliquid(UnderTest):
    """Perpetuals: signed actions and questions by POST, a socket for the market, another for the account."""

    name = "hyperliquid"
    symbol = "BTC/USDC:USDC"
    quiet_symbol = "ETH/USDC:USDC"
    odd_symbols = ("kPEPE/USDC:USDC", "PURR/USDC", "HYPE/USDC")
    book_depth = 20
    private_keys = frozenset(
        {
            "orderUpdates", "userFills", "userFundings", "userEvents", "spotState", "clearinghouseState",
            "clearinghouseState xyz",
        }
    )  # fmt: skip
    canaries = (_KEY,)
    credentials = {"private_key": _KEY}  # noqa: RUF012 - read only
    place = (("POST", "/exchange/order"), ("WS", "/exchange/order"))
    cancel = (("*", "/exchange/cancel"), ("*", "/exchange/cancelByCloid"))
    amend = (("*", "/exchange/modify"), ("*", "/exchange/batchModify"))
    reads = (("POST", "/info/*"),)
    amend_keeps_id = True
    private_sockets = "*"
    user_topic = "user/*"
    trades_topic = "trades:BTC"
    max_sockets = 10
    stamp_refused = ("already expired", "Invalid nonce")
    market_order = {"max_slippage": "0.05"}  # noqa: RUF012 - read only

    def __init__(self, seed: int, *, actions_per_s: int, markets: int = 0) -> None:
        del markets  # its list is fixed
        # Books five times as often as the venue sends them: more of them in the same run.
        self._venue = Venue(seed=seed, accounts=[Account.of_key(_KEY)], actions_per_s=actions_per_s, pace=0.2)
        self._truth = _Truth()
        self._prints: set[tuple[str, int, int]] = set()
        self._cloids = Cloids()

    @property
    def venue(self) -> Venue:
        return self._venue

    @property
    def truth(self) -> BookTruth:
        return self._truth

    def venue_symbol(self, symbol: str) -> str:
        return symbol.partition("/")[0]

    def client_order_id(self, number: int, rng: Random) -> str | None:
        return f"i-{number}-{rng.randrange(10**6)}"

    def trade_id(self, fill: Fill) -> str:
        return str(tid_of(fill.symbol, fill.trade_id))

    def saw_message(self, text: str, topic: str) -> None:
        if topic.startswith("l2Book:BTC"):
            self._truth.note(json.loads(text))

    def events_in(self, message: bytes) -> tuple[str, int] | None:
        """Prints count once: a new subscription begins with those that are known, which are no events."""
        kind = message[12:24]
        if not kind.startswith((b"trades", b"bbo")):
            return None
        name = kind.partition(b'"')[0].decode()
        coin = message.partition(b'{"coin":"')[2].partition(b'"')[0].decode()
        try:
            data = json.loads(message)["data"]
        except ValueError:
            return (f"{name} {coin}", 1) if coin else None
        if name == "bbo":
            return f"bbo {coin}", 1
        fresh = {(coin, item["time"], item["tid"]) for item in data} - self._prints
        self._prints |= fresh
        return f"trades {coin}", len(fresh)

    def subscribed(self) -> Counter[str]:
        served: Counter[str] = Counter()
        for peer in self._venue._peers:
            for item in peer._subscriptions:
                served[" ".join(part for part in (item.type, item.coin, item.interval, item.dex) if part)] += 1
        return served

    def orders_in(self, request: HttpRequest) -> list[WireOrder]:
        if request.path != "/exchange":
            return []
        return _orders_in(json.loads(request.body)["action"])

    def orders_in_message(self, text: str) -> list[WireOrder]:
        request = json.loads(text).get("request", {})
        return _orders_in(request["payload"]["action"]) if request.get("type") == "action" else []

    def wire_client_id(self, client_order_id: str) -> str:
        return self._cloids.wire(client_order_id)

    _NONCE = re.compile(rb'"nonce":(\d+)')

    def nonces_in(self, body: bytes) -> list[int]:
        found = self._NONCE.search(body)
        return [int(found[1])] if found else []

    def is_order_news(self, text: str) -> bool:
        return '"channel":"orderUpdates"' in text or '"channel":"userFills"' in text

    def positions_in(self, sim: Simulator) -> dict[str, D]:
        return {self.symbol: sim.position("BTC")}


def _orders_in(action: dict[str, Any]) -> list[WireOrder]:
    if action["type"] != "order":
        return []
    return [WireOrder(item["c"], item["p"], item["s"]) for item in action["orders"]]
