"""Binance spot under test."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal as D
from random import Random
from urllib.parse import parse_qsl

from lotusx_sim import ApiKey, BinanceSpot, Simulator
from lotusx_sim.dialects.binance.stream_peer import StreamPeer
from lotusx_sim.dialects.binance.symbols import SpotSymbol
from lotusx_sim.dialects.binance.ws_api import WsApiPeer
from lotusx_sim.venue import Venue
from lotusx_sim.wire import HttpRequest
from rig.exchange import BookTruth, Levels, UnderTest, WireOrder

_KEY = "CanaryKey" + "k1" * 27 + "x"
_SECRET = "CanarySecret/+" + "s2" * 25
_KEPT = 3_000
"""States of a book that are remembered: more than the oldest update still under way."""

_ODD = (
    # tick 1e-8, whole coins, prices far below one; then tick 1e4; then quantities of up to thirty digits
    SpotSymbol(
        "TINYUSDT", "TINY", "USDT", price=D("0.00001234"), tick=D("1e-8"), step=D(1), spacing_ticks=2, size_steps=100,
        min_price=D("1e-8"), min_quantity=D(1), max_quantity=D("1e12"), max_market_quantity=D("1e11"),
        max_notional=D("1e12"),
    ),
    SpotSymbol(
        "HUGEUSDT", "HUGE", "USDT", price=D(5_000_000), tick=D(10_000), step=D("1e-8"), spacing_ticks=2,
        size_steps=100, min_price=D(10_000), max_price=D("1e10"), min_quantity=D("1e-8"), max_quantity=D(9_000),
        max_notional=D("1e12"),
    ),
    SpotSymbol(
        "LONGUSDT", "LONG", "USDT", price=D("2.5"), tick=D("0.00000001"), step=D("1e-8"), spacing_ticks=400,
        size_steps=1_000_000, min_price=D("1e-8"), min_quantity=D("1e-8"), max_quantity=D("1e22"),
        max_notional=D("1e30"),
    ),
)  # fmt: skip


def _more(number: int) -> SpotSymbol:
    return SpotSymbol(
        f"M{number}USDT", f"M{number}", "USDT", price=D("151.27"), tick=D("0.01"), step=D("0.001"), spacing_ticks=4,
        size_steps=80, min_price=D("0.01"), min_quantity=D("0.001"),
    )  # fmt: skip


class _Truth(BookTruth):
    def __init__(self) -> None:
        self._states: dict[str, dict[int, tuple[Levels, Levels]]] = {}

    def note(self, symbol: str, number: int, bids: Levels, asks: Levels) -> None:
        states = self._states.setdefault(symbol, {})
        states[number] = bids, asks
        if len(states) > _KEPT:
            del states[next(iter(states))]

    def newest(self, symbol: str) -> int:
        return next(reversed(self._states.get(symbol, {0: ([], [])})))

    def at(self, symbol: str, number: int) -> list[tuple[Levels, Levels]]:
        state = self._states.get(symbol, {}).get(number)
        return [] if state is None else [state]


class _WitnessedSpot(BinanceSpot):
    """Notes the book under test whenever it changed; every number Binance tells is one of those moments."""

    truth: _Truth
    symbol = "BTC/USDT"

    def flush(self, now_ns: int) -> None:
        super().flush(now_ns)
        view = self.state.views[self.symbol.replace("/", "")]
        if view.update_id != self.truth.newest(self.symbol):
            self.truth.note(self.symbol, view.update_id, view.bids.top(1_000), view.asks.top(1_000))


class Binance(UnderTest):
    """Spot: REST for commands, a socket for the market, another for the account."""

    name = "binance"
    symbol = "BTC/USDT"
    quiet_symbol = "ETH/USDT"
    odd_symbols = ("TINY/USDT", "HUGE/USDT", "LONG/USDT")
    private_keys = frozenset({"account"})
    canaries = (_KEY, _SECRET)
    credentials = {"api_key": _KEY, "api_secret": _SECRET}  # noqa: RUF012 - read only
    place = (("POST", "/api/v3/order"), ("WS", "order.place"))
    cancel = (("DELETE", "/api/v3/order"), ("WS", "order.cancel"))
    amend = (("POST", "/api/v3/order/cancelReplace"), ("PUT", "/api/v3/order/amend/keepPriority"))
    reads = (("GET", "*"),)
    private_sockets = "/ws-api*"
    user_topic = "user"
    trades_topic = "btcusdt@trade"
    announces_shutdown = True
    stamp_refused = ('"code":-1021',)

    def __init__(self, seed: int, *, actions_per_s: int, markets: int = 0) -> None:
        self._venue = _WitnessedSpot(
            seed=seed,
            keys=[ApiKey(_KEY, "main", _SECRET)],
            symbols=["BTCUSDT", "ETHUSDT", *_ODD, *map(_more, range(markets))],
            actions_per_s=actions_per_s,
        )
        self._venue.truth = self._truth = _Truth()

    @property
    def venue(self) -> Venue:
        return self._venue

    @property
    def truth(self) -> BookTruth:
        return self._truth

    def venue_symbol(self, symbol: str) -> str:
        return symbol.replace("/", "")

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
            elif isinstance(peer, WsApiPeer):
                served["account"] += len(peer._subscriptions)
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

    def balances_in(self, sim: Simulator) -> dict[str, tuple[D, D]]:
        return {asset: (balance.free, balance.locked) for asset, balance in sim.balances().items()}

    def is_order_news(self, text: str) -> bool:
        return "executionReport" in text

    def refuse_private_subscription(self, sim: Simulator, times: int) -> None:
        error = {"code": -1022, "msg": "Signature for this request is not valid."}
        sim.refuse("WS", "userDataStream.subscribe.signature", 400, error, times=times)
