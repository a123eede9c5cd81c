"""Who reads which stream, and when each speaks."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from lotusx_sim.dialects.hyperliquid import market_info, stream_payloads as payloads
from lotusx_sim.dialects.hyperliquid.state import Print, VenueState
from lotusx_sim.dialects.hyperliquid.subscriptions import Subscription
from lotusx_sim.dialects.hyperliquid.user_events import UserNews
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.orders import BookEvent

_CADENCE_MS = {
    "l2Book": 5_400,
    "fast": 540,
    "allMids": 5_000,
    "activeAssetCtx": 1_000,
    "fastAssetCtxs": 1_000,
    "allDexsAssetCtxs": 14_000,
    # These follow what happens; the clock only brings what a moving mark price changes.
    "clearinghouseState": 5_000,
    "allDexsClearinghouseState": 5_000,
    "activeAssetData": 5_000,
}
_ON_EVENT = frozenset({"clearinghouseState", "allDexsClearinghouseState", "spotState", "openOrders", "activeAssetData"})


class Reader(Protocol):
    """A connection, as the hub sees it."""

    def push(self, topic: str, text: str) -> None: ...


class Hub:
    """All streams of one venue.

    Args:
        pace: What the venue's cadences are multiplied by.
    """

    def __init__(self, state: VenueState, pace: float) -> None:
        self._state = state
        self._period_ns = {name: max(1, int(ms * pace * 1_000_000)) for name, ms in _CADENCE_MS.items()}
        self._readers: dict[Subscription, dict[Reader, None]] = {}
        self._next_ns: dict[str, int] = {}  # by cadence, where somebody reads
        self._last_touch: dict[str, Any] = {}
        self._last_contexts: dict[str, Any] = {}

    # -- readers -------------------------------------------------------------------------------------------------

    def subscribe(self, reader: Reader, wanted: Subscription, now_ns: int) -> None:
        """Add a reader and tell it how things stand."""
        self._readers.setdefault(wanted, {})[reader] = None
        cadence = _cadence(wanted)
        if cadence in self._period_ns and cadence not in self._next_ns:
            period = self._period_ns[cadence]
            self._next_ns[cadence] = (now_ns // period + 1) * period
        content = payloads.first(self._state, wanted, now_ns)
        if wanted.type == "bbo":
            self._last_touch.setdefault(wanted.coin, content["bbo"])
        if wanted.type == "fastAssetCtxs":
            self._last_contexts = self._last_contexts or payloads.fast_contexts(self._state)
            content = payloads.packed(self._last_contexts)
        if content is not None:
            reader.push(wanted.topic, self._text(wanted, content))

    def unsubscribe(self, reader: Reader, wanted: Subscription) -> None:
        readers = self._readers.get(wanted, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(wanted, None)
            if wanted.type == "bbo":
                self._last_touch.pop(wanted.coin, None)
            cadence = _cadence(wanted)
            if not any(_cadence(other) == cadence for other in self._readers):
                self._next_ns.pop(cadence, None)

    def _of_type(self, kind: str) -> list[Subscription]:
        return [wanted for wanted in self._readers if wanted.type == kind]

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        return min(self._next_ns.values(), default=None)

    def skip_to(self, now_ns: int) -> None:
        """Leave out the ticks before *now_ns*."""
        for cadence, due_ns in self._next_ns.items():
            if due_ns < now_ns:
                self._next_ns[cadence] = (now_ns // self._period_ns[cadence] + 1) * self._period_ns[cadence]

    def tick(self, now_ns: int) -> None:
        """Send what the clock brings; all coins share it."""
        for cadence, due_ns in list(self._next_ns.items()):
            if due_ns > now_ns:
                continue
            period = self._period_ns[cadence]
            self._next_ns[cadence] = (now_ns // period + 1) * period
            for wanted in [other for other in self._readers if _cadence(other) == cadence]:
                self._tick(wanted, now_ns)

    def _tick(self, wanted: Subscription, now_ns: int) -> None:
        if wanted.type != "fastAssetCtxs":
            self._emit(wanted, payloads.current(self._state, wanted, now_ns))
            return
        contexts = payloads.fast_contexts(self._state)
        changed = {coin: what for coin, what in contexts.items() if self._last_contexts.get(coin) != what}
        self._last_contexts = contexts
        if changed:
            self._emit(wanted, payloads.packed(changed))

    # -- what happens --------------------------------------------------------------------------------------------

    def happened(self, events: Iterable[Event], prints: list[Print], news: dict[str, UserNews], now_ns: int) -> None:
        """Tell of everything one command has caused."""
        if not self._readers:
            return
        self._public(events, prints, now_ns)
        for user, item in news.items():
            self._private(user, item, now_ns)

    def _public(self, events: Iterable[Event], prints: list[Print], now_ns: int) -> None:
        touched = {event.symbol for event in events if isinstance(event, BookEvent)}
        for wanted in self._of_type("bbo"):
            if wanted.coin in touched:
                content = payloads.current(self._state, wanted, now_ns)
                if content["bbo"] != self._last_touch.get(wanted.coin):
                    self._last_touch[wanted.coin] = content["bbo"]
                    self._emit(wanted, content)
        if not prints:
            return
        by_coin: dict[str, list[Print]] = {}
        for item in prints:
            by_coin.setdefault(item.coin, []).append(item)
        for wanted in list(self._readers):
            if wanted.coin in by_coin and wanted.type == "trades":
                self._emit(wanted, [market_info.trade(item) for item in by_coin[wanted.coin]])
            elif wanted.coin in by_coin and wanted.type == "candle":
                self._emit(wanted, payloads.candle(self._state, wanted, now_ns))

    def _private(self, user: str, news: UserNews, now_ns: int) -> None:
        for wanted in [other for other in self._readers if other.user == user]:
            if wanted.type == "orderUpdates" and news.updates:
                self._emit(wanted, news.updates)
            elif wanted.type == "userFills" and news.fills:
                fills = payloads.fill_rows(self._state, wanted, news.fills)
                self._emit(wanted, {"user": user, "fills": fills})
            elif wanted.type == "userEvents":
                self._user_events(wanted, news)
            elif wanted.type == "userFundings" and news.fundings:
                self._emit(wanted, {"user": user, "fundings": news.fundings})
            elif wanted.type in _ON_EVENT:
                self._emit(wanted, payloads.current(self._state, wanted, now_ns))

    def _user_events(self, wanted: Subscription, news: UserNews) -> None:
        if news.fills:
            self._emit(wanted, {"fills": payloads.fill_rows(self._state, wanted, news.fills)})
        for funding in news.fundings:
            self._emit(wanted, {"funding": funding})
        for liquidation in news.liquidations:
            self._emit(wanted, {"liquidation": liquidation})
        if news.canceled:
            self._emit(wanted, {"nonUserCancel": news.canceled})

    def ledger_grew(self, user: str, row: dict[str, Any]) -> None:
        for wanted in self._of_type("userNonFundingLedgerUpdates"):
            if wanted.user == user:
                self._emit(wanted, {"user": user, "nonFundingLedgerUpdates": [row]})

    def _emit(self, wanted: Subscription, content: Any) -> None:
        text = self._text(wanted, content)
        for reader in list(self._readers.get(wanted, ())):
            reader.push(wanted.topic, text)

    def _text(self, wanted: Subscription, content: Any) -> str:
        channel = payloads.channel_of(self._state, wanted)
        return msgspec.json.encode({"channel": channel, "data": content}).decode()


def _cadence(wanted: Subscription) -> str:
    return "fast" if wanted.fast else wanted.type
