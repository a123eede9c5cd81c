"""Backpack under test."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal as D
from random import Random

from lotusx_backpack.client_ids import ClientIds
from lotusx_sim import Simulator
from lotusx_sim.dialects.backpack import Backpack as Venue
from lotusx_sim.dialects.backpack.listings import BY_SYMBOL
from lotusx_sim.dialects.backpack.signing import DEFAULT_API_KEY, DEFAULT_SECRET
from lotusx_sim.engine.orders import Side
from lotusx_sim.venue import Outbox, Venue as AnyVenue, WsPeer
from lotusx_sim.wire import HttpRequest, HttpResponse
from rig.exchange import BookTruth, Levels, UnderTest, WireOrder

_KEPT = 3_000
"""States of a book that are remembered: more than the oldest update still under way."""
_PRIVATE = "account.subscribe"
_UNSIGNED = 4003  # not documented; the simulator's own


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
    """Notes the book under test whenever it changed; every number Backpack tells is one of those moments."""

    truth: _Truth
    name_first = False
    watched = BY_SYMBOL["BTC_USDC_PERP"]

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        """Write the name of a stream first or last: recordings have both."""
        plain = out.send

        def send(text: str, topic: str) -> None:
            data, found, name = text.rpartition(',"stream":')
            plain(f'{{"stream":{name[:-1]},{data[1:]}}}' if found else text, topic)

        chosen = replace(out, send=send) if self.name_first else out
        return super().open_ws(target, headers, now_ns=now_ns, client_ip=client_ip, out=chosen)

    def flush(self, now_ns: int) -> None:
        super().flush(now_ns)
        number = self.state.update_id[self.watched.symbol]
        if number != self.truth.newest():
            bids, asks = (self.state.levels(self.watched, side, 1_000) for side in (Side.BUY, Side.SELL))
            self.truth.note(number, bids, asks)

    def name_of_ws(self, target: str, text: str) -> str:
        """Tell signed subscriptions from others, so that they can be refused alone."""
        return _PRIVATE if '"account.' in text and '"SUBSCRIBE"' in text else super().name_of_ws(target, text)


class Backpack(UnderTest):
    """Spot and perpetuals on one account: REST for commands, sockets of one address for the market and the account."""

    name = "backpack"
    symbol = "BTC/USDC:USDC"
    quiet_symbol = "ETH/USDC:USDC"
    odd_symbols = ("kBONK/USDC:USDC", "USDT/USDC", "BTC/USDC")
    private_keys = frozenset({"account.orderUpdate", "account.positionUpdate", "account.balanceUpdate"})
    canaries = (DEFAULT_SECRET,)
    credentials = {"api_key": DEFAULT_API_KEY, "api_secret": DEFAULT_SECRET}  # noqa: RUF012 - read only
    place = (("POST", "/api/v1/order"),)
    cancel = (("DELETE", "/api/v1/order"),)
    amend = ()
    reads = (("GET", "*"),)
    private_sockets = "*"
    stamp_refused = ("Request has expired", "Invalid timestamp")
    has_ws_orders = False
    user_topic = "user/*"
    trades_topic = "trade.BTC_USDC_PERP"

    def __init__(self, seed: int, *, actions_per_s: int, markets: int = 0) -> None:
        del markets  # its list is fixed
        self._venue = _Witnessed(
            seed=seed,
            actions_per_s=actions_per_s,
            cancel_delay_ms=(0, 0, 40, 700)[seed % 4],
            history_lag_ms=(0, 300, 2_000)[seed % 3],
            post_only_expires=bool(seed % 2),
        )
        self._venue.truth = self._truth = _Truth()
        self._venue.name_first = bool(seed % 2)
        self._names: dict[int, str] = {}

    @property
    def venue(self) -> AnyVenue:
        return self._venue

    @property
    def truth(self) -> BookTruth:
        return self._truth

    def venue_symbol(self, symbol: str) -> str:
        base, _, rest = symbol.partition("/")
        quote, _, settle = rest.partition(":")
        return f"{base}_{quote}_PERP" if settle else f"{base}_{quote}"

    def client_order_id(self, number: int, rng: Random) -> str | None:
        """Names of both kinds: numbers go as they are, any other text as the number that it always has."""
        drawn = rng.randrange(10**6)
        name = str(number * 10**6 + drawn) if number % 3 == 0 and number < 4_000 else f"i-{number}-{drawn}"
        self._names[ClientIds().of(name)] = name
        return name

    _STREAM = re.compile(rb'^\{"stream":"([^"]+)"|"stream":"([^"]+)"\}$')

    def events_in(self, message: bytes) -> tuple[str, int] | None:
        """Count one event a message; where the stream's name is written last, one that is cut belongs to nobody."""
        found = self._STREAM.search(message)
        return ((found[1] or found[2]).decode(), 1) if found else None

    def subscribed(self) -> Counter[str]:
        served: Counter[str] = Counter()
        for peer in self._venue._peers:
            served.update(list(peer._topics))
            served.update(name for _, name in peer._private)
        return served

    def orders_in(self, request: HttpRequest) -> list[WireOrder]:
        if (request.method, request.path) not in self.place:
            return []
        body = json.loads(request.body)
        name = self._names.get(body["clientId"], str(body["clientId"]))
        return [WireOrder(name, body.get("price"), body.get("quantity"))]

    def balances_in(self, sim: Simulator) -> dict[str, tuple[D, D]]:
        return {asset: (balance.free, balance.locked) for asset, balance in sim.balances().items()}

    def positions_in(self, sim: Simulator) -> dict[str, D]:
        return {self.symbol: sim.position("BTC_USDC_PERP")}

    def refuse_private_subscription(self, sim: Simulator, times: int) -> None:
        sim.refuse("WS", _PRIVATE, _UNSIGNED, "Invalid signature", times=times)
