"""The names of market streams, and how a connection's target holds them. Source: web-socket-streams.md."""

from dataclasses import dataclass
from urllib.parse import unquote

from lotusx_sim.dialects.binance.markets import INTERVALS
from lotusx_sim.dialects.binance.state import SpotState

_PARTIAL_DEPTHS = ("5", "10", "20")
_ALL_MINI = "!miniTicker@arr"


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream name, understood."""

    name: str
    symbol: str  # "" for streams over all symbols
    kind: str  # trade, aggTrade, kline, miniTicker, ticker, bookTicker, depth, partial
    argument: str = ""
    is_fast: bool = False


def parse_stream(name: str, state: SpotState) -> Stream | None:
    """Return what *name* asks for; None for anything the venue acknowledges and never serves."""
    if name == _ALL_MINI:
        return Stream(name, "", "allMini")
    lower, _, rest = name.partition("@")
    symbol = lower.upper()
    if symbol not in state.symbols or lower != symbol.lower():
        return None
    kind, _, speed = rest.partition("@")
    if kind in ("trade", "aggTrade", "miniTicker", "ticker", "bookTicker") and not speed:
        return Stream(name, symbol, kind)
    if kind.startswith("kline_") and kind.removeprefix("kline_") in INTERVALS and not speed:
        return Stream(name, symbol, "kline", kind.removeprefix("kline_"))
    if kind == "depth" and speed in ("", "100ms"):
        return Stream(name, symbol, "depth", is_fast=bool(speed))
    if kind.startswith("depth") and kind.removeprefix("depth") in _PARTIAL_DEPTHS and speed in ("", "100ms"):
        return Stream(name, symbol, "partial", kind.removeprefix("depth"), is_fast=bool(speed))
    return None


def stream_names(target: str) -> tuple[bool, list[str]] | None:
    """Read a connection's target: whether it is combined, and the streams it names; None when it is neither.

    What follows ``/stream/`` in the path is ignored: ccxt numbers its connections there.
    """
    path, _, query = target.partition("?")
    if path == "/stream" or path.startswith("/stream/"):
        values = [item.removeprefix("streams=") for item in query.split("&") if item.startswith("streams=")]
        return True, [unquote(name) for name in values[0].split("/") if name] if values else []
    if path == "/ws" or path.startswith("/ws/"):
        return False, [unquote(name) for name in path.removeprefix("/ws").split("/") if name]
    return None
