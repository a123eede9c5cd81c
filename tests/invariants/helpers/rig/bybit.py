"""Bybit spot and perpetuals under test: two exchanges of one venue."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal as D
from random import Random
from typing import ClassVar

from lotusx_sim import ApiKey, Bybit as Venue, Simulator
from lotusx_sim.dialects.bybit.listings import LISTINGS, Category, Listing
from lotusx_sim.dialects.bybit.private_ws import PrivatePeer
from lotusx_sim.dialects.bybit.state import VenueState
from lotusx_sim.dialects.bybit.ws import PublicPeer
from lotusx_sim.engine.orders import Fill, Order
from lotusx_sim.venue import Venue as AnyVenue
from lotusx_sim.wire import HttpRequest
from rig.exchange import BookTruth, Levels, UnderTest, WireOrder

_KEY = "CanaryKey" + "b1" * 5 + "z"
_SECRET = "CanarySecret" + "b2" * 12
_KEPT = 3_000
"""States of a book that are remembered: more than the oldest update still under way."""
_DEPTH = 1_000
_TOPIC = re.compile(rb'\{"topic":"([^"]+)"')


def _odd(category: Category) -> tuple[Listing, ...]:
    """Return markets with a tick of 1e-8 and whole coins, with one of 1e4, and with many decimals on both sides."""
    sizes = (
        ("TINY", D("0.00001234"), D("1e-8"), D(1), 2, 100),
        ("HUGE", D(5_000_000), D(10_000), D("1e-8"), 2, 100),
        ("LONG", D("2.5"), D("0.00000001"), D("1e-8"), 400, 1_000_000),
    )
    settle = "" if category.is_spot else "USDT"
    return tuple(
        Listing(
            category, f"{base}USDT", base, "USDT", price, tick, step, spacing, lot, settle,
            min_quantity=step, max_quantity=D("1e30"), max_market_quantity=D("1e30"),
        )
        for base, price, tick, step, spacing, lot in sizes
    )  # fmt: skip


def _more(category: Category, number: int) -> Listing:
    return Listing(
        category, f"M{number}USDT", f"M{number}", "USDT", D("151.27"), D("0.01"), D("0.001"), 4, 80,
        "" if category.is_spot else "USDT", min_quantity=D("0.001"), max_quantity=D("1e9"),
        max_market_quantity=D("1e9"),
    )  # fmt: skip


class _Truth(BookTruth):
    def __init__(self) -> None:
        self._states: dict[int, list[tuple[Levels, Levels]]] = {}

    def note(self, number: int, bids: Levels, asks: Levels) -> None:
        """Every snapshot repeats a number; numbers begin again after a restart of the venue's service."""
        known = self._states.setdefault(number, [])
        if (bids, asks) not in known:
            known.append((bids, asks))
        if len(self._states) > _KEPT:
            del self._states[next(iter(self._states))]

    def at(self, symbol: str, number: int) -> list[tuple[Levels, Levels]]:
        del symbol
        return self._states.get(number, [])


class _OneOfTwo(UnderTest):
    """What both have in common: REST or a socket for commands, a socket per category, one for the account."""

    category: ClassVar[Category]
    served: ClassVar[tuple[Category, ...]]
    canaries = (_KEY, _SECRET)
    credentials = {"api_key": _KEY, "api_secret": _SECRET}  # noqa: RUF012 - read only
    place = (("POST", "/v5/order/create"), ("WS", "order.create"))
    cancel = (("POST", "/v5/order/cancel"), ("WS", "order.cancel"))
    amend = (("POST", "/v5/order/amend"), ("WS", "order.amend"))
    reads = (("GET", "*"),)
    shut_out_s = 600.0
    private_sockets = "/v5/private*"
    stamp_refused = ('"retCode":10002',)
    user_topic = "user/*"

    def __init__(self, seed: int, *, actions_per_s: int, markets: int = 0) -> None:
        self._venue = Venue(
            seed=seed,
            keys=[ApiKey(_KEY, "main", _SECRET)],
            listings=(*LISTINGS, *_odd(self.category), *(_more(self.category, each) for each in range(markets))),
            actions_per_s=actions_per_s,
            # What a command causes is told with its answer, or a little later; topics come in either form.
            matching_delay_ms=(0, 3, 40)[seed % 3],
            echoes_category=bool(seed % 2),
        )
        self._truth = _Truth()

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
        return f"{self.category.value}:{symbol.partition(':')[0].replace('/', '')}"

    def listed_as(self, symbol: str) -> str:
        return symbol.partition(":")[2]

    def client_order_id(self, number: int, rng: Random) -> str | None:
        return f"i-{number}-{rng.randrange(10**6)}"

    def order_id(self, order: Order) -> str:
        return self._state.tracked(order).facts.order_id

    def trade_id(self, fill: Fill) -> str:
        return self._state.trade_id(self._state.directory.by_name[fill.symbol], fill.trade_id)

    def saw_message(self, text: str, topic: str) -> None:
        """Note the book under test whenever it is told: what was told is how it stands."""
        if topic == f"{self.category.value}:orderbook.{_DEPTH}.BTCUSDT":
            book = self._state.book(self._state.directory.by_name[self.venue_symbol(self.symbol)], _DEPTH)
            self._truth.note(book.number, book.bids, book.asks)

    def is_order_news(self, text: str) -> bool:
        return '"topic":"order' in text or '"topic":"execution' in text

    def events_in(self, message: bytes) -> tuple[str, int] | None:
        found = _TOPIC.match(message)
        if found is None:
            return None
        name = found[1].decode()
        if not name.startswith("publicTrade"):
            return name, 1
        try:
            return name, len(json.loads(message)["data"])
        except ValueError:
            return name, 1

    def subscribed(self) -> Counter[str]:
        served: Counter[str] = Counter()
        for peer in self._venue._peers:
            if isinstance(peer, PublicPeer):
                served.update(list(peer._topics))
            elif isinstance(peer, PrivatePeer):
                served.update(key for key in self.private_keys if self._topics(key) <= peer._topics.keys())
        return served

    def _topics(self, key: str) -> set[str]:
        return {key} if key == "wallet" else {f"{key}.{category.value}" for category in self.served}

    def orders_in(self, request: HttpRequest) -> list[WireOrder]:
        return [_order(json.loads(request.body))] if (request.method, request.path) in self.place else []

    def orders_in_message(self, text: str) -> list[WireOrder]:
        message = json.loads(text)
        return [_order(message["args"][0])] if ("WS", message.get("op")) in self.place else []

    def refuse_private_subscription(self, sim: Simulator, times: int) -> None:
        sim.refuse("WS", "auth", 200, {"retCode": 10003, "retMsg": "Too many sessions"}, times=times)


class Bybit(_OneOfTwo):
    """Spot."""

    name = "bybit"
    category = Category.SPOT
    served = (Category.SPOT,)
    symbol = "BTC/USDT"
    quiet_symbol = "ETH/USDT"
    odd_symbols = ("TINY/USDT", "HUGE/USDT", "LONG/USDT")
    private_keys = frozenset({"order", "execution", "wallet"})
    trades_topic = "spot:publicTrade.BTCUSDT"

    def balances_in(self, sim: Simulator) -> dict[str, tuple[D, D]]:
        return {asset: (_told(held.free), _told(held.locked)) for asset, held in sim.balances().items()}


class BybitPerp(_OneOfTwo):
    """Linear perpetuals; inverse ones are listed beside them."""

    name = "bybit-perp"
    category = Category.LINEAR
    served = (Category.LINEAR, Category.INVERSE)
    symbol = "BTC/USDT:USDT"
    quiet_symbol = "ETH/USDT:USDT"
    odd_symbols = ("TINY/USDT:USDT", "HUGE/USDT:USDT", "LONG/USDT:USDT")
    private_keys = frozenset({"order", "execution", "position", "wallet"})
    trades_topic = "linear:publicTrade.BTCUSDT"

    def venue_symbol(self, symbol: str) -> str:
        pair, _, settle = symbol.partition(":")
        category = Category.INVERSE if pair.startswith(f"{settle}/") else Category.LINEAR
        return f"{category.value}:{pair.replace('/', '')}"

    def positions_in(self, sim: Simulator) -> dict[str, D]:
        return {self.symbol: sim.position("linear:BTCUSDT")}


def _order(params: dict[str, str]) -> WireOrder:
    return WireOrder(params["orderLinkId"], params.get("price"), params.get("qty"))


def _told(amount: D) -> D:
    """Return *amount* as the wallet states it: to eight decimals."""
    return amount.quantize(D("1e-8"))
