"""OKX under test: spot and linear swaps of one account."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal as D
from random import Random
from typing import Any

from lotusx_okx.client_ids import ClientIds
from lotusx_sim import Okx as Venue, Simulator
from lotusx_sim.dialects.okx.listings import LISTINGS, Listing
from lotusx_sim.dialects.okx.signing import OkxKey
from lotusx_sim.dialects.okx.state import VenueState
from lotusx_sim.engine.orders import Order
from lotusx_sim.venue import Venue as AnyVenue
from lotusx_sim.wire import HttpRequest
from rig.exchange import BookTruth, Levels, UnderTest, WireOrder

_KEY = "CanaryKey" + "d1" * 5 + "z"
_SECRET = "CanarySecret" + "d2" * 12
_PASSPHRASE = "CanaryPhrase" + "d3" * 5
_KEPT = 3_000
"""States of a book that are remembered: more than the oldest update still under way."""
_NAME = "BTC-USDT-SWAP"
_ARG = re.compile(rb'^\{"arg":\{"channel":"([^"]+)"(?:,"instId":"([^"]+)")?')
_ODD = (  # a tick of 1e-8 and whole coins, one of 1e4, and many decimals on both sides
    Listing("TINY", "USDT", D("0.00001234"), D("1e-8"), D(1), 2, 100),
    Listing("HUGE", "USDT", D(5_000_000), D(10_000), D("1e-8"), 2, 100),
    Listing("LONG", "USDT", D("2.5"), D("0.00000001"), D("0.0001"), 400, 1_000),
)


def _more(number: int) -> Listing:
    return Listing(f"M{number}", "USDT", D("151.27"), D("0.01"), D("0.001"), 4, 80)


class _Truth(BookTruth):
    def __init__(self) -> None:
        self._states: dict[int, list[tuple[Levels, Levels]]] = {}

    def note(self, number: int, bids: Levels, asks: Levels) -> None:
        """A snapshot repeats a number; numbers begin again after maintenance."""
        known = self._states.setdefault(number, [])
        if (bids, asks) not in known:
            known.append((bids, asks))
        if len(self._states) > _KEPT:
            del self._states[next(iter(self._states))]

    def at(self, symbol: str, number: int) -> list[tuple[Levels, Levels]]:
        del symbol
        return self._states.get(number, [])


class Okx(UnderTest):
    """REST for commands, sockets of three addresses for the market, its single prints, and the account."""

    name = "okx"
    symbol = "BTC/USDT:USDT"
    quiet_symbol = "ETH/USDT:USDT"
    book_depth = 400
    odd_symbols = ("TINY/USDT", "HUGE/USDT", "LONG/USDT")
    private_keys = frozenset({"orders", "positions", "account"})
    canaries = (_KEY, _SECRET, _PASSPHRASE)
    credentials = {"api_key": _KEY, "api_secret": _SECRET, "passphrase": _PASSPHRASE}  # noqa: RUF012 - read only
    place = (("POST", "/api/v5/trade/order"),)
    cancel = (("POST", "/api/v5/trade/cancel-order"),)
    amend = (("POST", "/api/v5/trade/amend-order"),)
    reads = (("GET", "*"),)
    private_sockets = "/ws/v5/private*"
    announces_shutdown = True
    stamp_refused = ('"code":"50102"',)
    has_ws_orders = False
    user_topic = "user/*"
    trades_topic = f"trades-all:{_NAME}"

    def __init__(self, seed: int, *, actions_per_s: int, markets: int = 0) -> None:
        self._venue = Venue(
            seed=seed,
            keys=[OkxKey(_KEY, "main", _SECRET, _PASSPHRASE)],
            listings=(*LISTINGS, *_ODD, *map(_more, range(markets))),
            actions_per_s=actions_per_s,
        )
        self._truth = _Truth()
        self._names: dict[str, str] = {}

    @property
    def venue(self) -> AnyVenue:
        return self._venue

    @property
    def truth(self) -> BookTruth:
        return self._truth

    @property
    def _state(self) -> VenueState:
        return self._venue.state

    def venue_symbol(self, symbol: str) -> str:
        pair, _, settle = symbol.partition(":")
        return pair.replace("/", "-") + ("-SWAP" if settle else "")

    def client_order_id(self, number: int, rng: Random) -> str | None:
        """Names of both kinds: letters and digits go as they are, any other text as the name that it always has."""
        dash = "" if number % 3 == 0 else "-"
        name = f"i{dash}{number}{dash}x{rng.randrange(10**6)}"
        self._names[self.wire_client_id(name)] = name
        return name

    def wire_client_id(self, client_order_id: str) -> str:
        return ClientIds().wire(client_order_id)

    def order_id(self, order: Order) -> str:
        return self._state.order_id(order)

    def saw_message(self, text: str, topic: str) -> None:
        """Note the book under test whenever it is told: what was told is how it stands."""
        if topic == f"books:{_NAME}":
            book = self._venue.hub._numbers[_NAME]
            self._truth.note(book.sent, list(book.bids), list(book.asks))

    def is_order_news(self, text: str) -> bool:
        return '"channel":"orders"' in text

    def events_in(self, message: bytes) -> tuple[str, int] | None:
        found = _ARG.match(message)
        if found is None:
            return None
        channel = found[1].decode()
        return (channel if channel in self.private_keys else f"{channel}:{(found[2] or b'').decode()}"), 1

    def subscribed(self) -> Counter[str]:
        served: Counter[str] = Counter()
        for peer in self._venue._peers:
            served.update(topic.name for topic in peer._topics)
            served.update(list(peer._private))
        return served

    def orders_in(self, request: HttpRequest) -> list[WireOrder]:
        if (request.method, request.path) not in self.place:
            return []
        body: dict[str, Any] = json.loads(request.body)
        size = D(body["sz"]) * self._state.by_name[body["instId"]].contract
        return [WireOrder(self._names.get(body["clOrdId"], body["clOrdId"]), body.get("px"), format(size, "f"))]

    def positions_in(self, sim: Simulator) -> dict[str, D]:
        return {self.symbol: sim.position(_NAME)}
