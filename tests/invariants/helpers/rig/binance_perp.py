"""Binance USDⓈ-M futures under test."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal as D
from random import Random
from urllib.parse import parse_qsl

from lotusx_sim import ApiKey, BinancePerp as Venue, Simulator
from lotusx_sim.dialects.binance.stream_peer import StreamPeer
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol
from lotusx_sim.dialects.binance_perp.private_stream import PrivatePeer
from lotusx_sim.dialects.binance_perp.state import wire_id
from lotusx_sim.venue import Venue as AnyVenue
from lotusx_sim.wire import HttpRequest
from rig.exchange import BookTruth, Levels, UnderTest, WireOrder

_KEY = "CanaryKey" + "m1" * 27 + "y"
_SECRET = "CanarySecret/+" + "u2" * 25
_KEPT = 3_000
"""States of a book that are remembered: more than the oldest update still under way."""


class _Roomy(UmSymbol):
    """A contract that takes quantities of up to thirty digits."""

    @property
    def max_quantity(self) -> D:
        return D("1e30")


_ODD = (
    # tick 1e-8 and whole coins, prices far below one; then tick 1e4; then many decimals on both sides
    _Roomy("TINYUSDT", "TINY", "USDT", D("0.00001234"), D("1e-8"), D(1), 2, 100),
    _Roomy("HUGEUSDT", "HUGE", "USDT", D(5_000_000), D(10_000), D("1e-8"), 2, 100),
    _Roomy("LONGUSDT", "LONG", "USDT", D("2.5"), D("0.00000001"), D("1e-8"), 400, 1_000_000),
)


def _more(number: int) -> UmSymbol:
    return UmSymbol(f"M{number}USDT", f"M{number}", "USDT", D("151.27"), D("0.01"), D("0.001"), 4, 80)


class _Truth(BookTruth):
    def __init__(self) -> None:
        self._states: dict[int, tuple[Levels, Levels]] = {}

    def note(self, number: int, bids: Levels, asks: Levels) -> None:
        self._states[number] = bids, asks
        if len(self._states) > _KEPT:
            del self._states[next(iter(self._states))]

    def newest(self) -> int:
        return next(reversed(self._states), 0)

    def at(self, symbol: str, number: int) -> list[tuple[Levels, Levels]]:
        del symbol
        state = self._states.get(number)
        return [] if state is None else [state]


class _Witnessed(Venue):
    """Notes the book under test whenever it changed; every number Binance tells is one of those moments."""

    truth: _Truth
    watched = "BTCUSDT"

    def flush(self, now_ns: int) -> None:
        super().flush(now_ns)
        view = self.state.views[self.watched]
        number = wire_id(view.update_id)
        if number != self.truth.newest():
            self.truth.note(number, view.bids.top(1_000), view.asks.top(1_000))


class BinancePerp(UnderTest):
    """Perpetuals: REST for commands, two sockets for the market, one at a leased address for the account."""

    name = "binance-perp"
    symbol = "BTC/USDT:USDT"
    quiet_symbol = "ETH/USDT:USDT"
    odd_symbols = ("TINY/USDT:USDT", "HUGE/USDT:USDT", "LONG/USDT:USDT")
    private_keys = frozenset({"account"})
    canaries = (_KEY, _SECRET)
    credentials = {"api_key": _KEY, "api_secret": _SECRET}  # noqa: RUF012 - read only
    place = (("POST", "/fapi/v1/order"), ("WS", "order.place"))
    cancel = (("DELETE", "/fapi/v1/order"), ("WS", "order.cancel"))
    amend = (("PUT", "/fapi/v1/order"), ("WS", "order.modify"))
    reads = (("GET", "*"), ("*", "/fapi/v1/listenKey"))
    private_sockets = "/private*"
    stamp_refused = ('"code":-1021',)
    user_topic = "user"
    trades_topic = "btcusdt@aggTrade"

    def __init__(self, seed: int, *, actions_per_s: int, markets: int = 0) -> None:
        self._venue = _Witnessed(
            seed=seed,
            keys=[ApiKey(_KEY, "main", _SECRET)],
            symbols=["BTCUSDT", "ETHUSDT", *_ODD, *map(_more, range(markets))],
            actions_per_s=actions_per_s,
            late_trigger=bool(seed % 2),
        )
        self._venue.truth = self._truth = _Truth()

    @property
    def venue(self) -> AnyVenue:
        return self._venue

    @property
    def truth(self) -> BookTruth:
        return self._truth

    def venue_symbol(self, symbol: str) -> str:
        return symbol.partition(":")[0].replace("/", "")

    def client_order_id(self, number: int, rng: Random) -> str | None:
        return f"i-{number}-{rng.randrange(10**6)}"

    _STREAM = re.compile(rb'\{"stream":"([^"]+)"')

    def events_in(self, message: bytes) -> tuple[str, int] | None:
        found = self._STREAM.match(message)
        return (found[1].decode(), 1) if found else None

    def subscribed(self) -> Counter[str]:
        served: Counter[str] = Counter()
        for peer in self._venue._peers:
            if isinstance(peer, StreamPeer):
                served.update(list(peer._names))
            elif isinstance(peer, PrivatePeer):
                served["account"] += len(peer.keys & self._venue.state.listen_keys.keys())
        return +served

    def orders_in(self, request: HttpRequest) -> list[WireOrder]:
        if (request.method, request.path) not in self.place:
            return []
        params = dict(parse_qsl(request.query + "&" + request.body.decode()))
        return [WireOrder(params["newClientOrderId"], params.get("price"), params.get("quantity"))]

    def orders_in_message(self, text: str) -> list[WireOrder]:
        message = json.loads(text)
        if message.get("method") != "order.place":
            return []
        params = message["params"]
        return [WireOrder(params["newClientOrderId"], params.get("price"), params.get("quantity"))]

    def positions_in(self, sim: Simulator) -> dict[str, D]:
        return {self.symbol: sim.position("BTCUSDT")}

    def refuse_private_subscription(self, sim: Simulator, times: int) -> None:
        sim.refuse("POST", "/fapi/v1/listenKey", 503, {"code": -1000, "msg": "An unknown error occurred."}, times=times)
