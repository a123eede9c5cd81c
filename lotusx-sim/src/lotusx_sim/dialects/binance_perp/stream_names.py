"""The names of market streams, their cadence, and the path that serves them. Source: "WebSocket market streams"."""

from dataclasses import dataclass

from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp.markets import UM_INTERVALS
from lotusx_sim.dialects.binance_perp.state import PerpState

PUBLIC, MARKET = "public", "market"
_SPEEDS = {"": 250, "500ms": 500, "100ms": 100}
_PARTIAL = ("5", "10", "20")
_ALL = {
    "!bookTicker": ("bookTicker", PUBLIC, 5_000),
    "!miniTicker@arr": ("allMini", MARKET, 1_000),
    "!ticker@arr": ("allTicker", MARKET, 1_000),
    "!markPrice@arr": ("allMark", MARKET, 3_000),
    "!markPrice@arr@1s": ("allMark", MARKET, 1_000),
    "!forceOrder@arr": ("forceOrder", MARKET, 0),
}


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream name, understood."""

    name: str
    kind: str
    path: str  # public or market; "" both
    period_ns: int = 0  # 0: it speaks when something happens
    symbol: str = ""  # "": all contracts
    argument: str = ""


def parse_stream(name: str, state: PerpState) -> Stream | None:
    """Return what *name* asks for; None for anything the venue acknowledges and never serves."""
    if name in _ALL:
        kind, path, period_ms = _ALL[name]
        return Stream(name, kind, path, period_ms * NS_PER_MS)
    lower, _, rest = name.partition("@")
    symbol = lower.upper()
    if lower != symbol.lower():
        return None
    kind, _, speed = rest.partition("@")
    if kind.startswith("continuousKline_") and not speed:
        return _continuous(name, symbol, kind.removeprefix("continuousKline_"), state)
    return _of_symbol(name, symbol, kind, speed) if symbol in state.symbols else None


def _of_symbol(name: str, symbol: str, kind: str, speed: str) -> Stream | None:
    if kind in ("aggTrade", "forceOrder") and not speed:
        return Stream(name, kind, MARKET, 0, symbol)
    if kind == "trade" and not speed:
        # Not documented: clients have looked for it on either path.
        return Stream(name, kind, "", 0, symbol)
    if kind == "bookTicker" and not speed:
        return Stream(name, kind, PUBLIC, 0, symbol)
    if kind in ("ticker", "miniTicker") and not speed:
        return Stream(name, kind, MARKET, 2_000 * NS_PER_MS, symbol)
    if kind == "markPrice" and speed in ("", "1s"):
        return Stream(name, kind, MARKET, (1_000 if speed else 3_000) * NS_PER_MS, symbol)
    if kind.startswith("kline_") and kind.removeprefix("kline_") in UM_INTERVALS and not speed:
        return Stream(name, "kline", MARKET, 250 * NS_PER_MS, symbol, kind.removeprefix("kline_"))
    if speed not in _SPEEDS:
        return None
    period_ns = _SPEEDS[speed] * NS_PER_MS
    if kind == "depth":
        return Stream(name, "depth", PUBLIC, period_ns, symbol)
    if kind.startswith("depth") and kind.removeprefix("depth") in _PARTIAL:
        return Stream(name, "partial", PUBLIC, period_ns, symbol, kind.removeprefix("depth"))
    return None


def _continuous(name: str, pair_and_type: str, interval: str, state: PerpState) -> Stream | None:
    for symbol in state.symbols.values():
        if f"{symbol.pair}_{symbol.contract_type}" == pair_and_type and interval in UM_INTERVALS:
            return Stream(name, "continuous", MARKET, 250 * NS_PER_MS, symbol.symbol, interval)
    return None
