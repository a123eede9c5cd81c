"""Names of public streams. Source: the exchange's OpenAPI document (2026-08), "Streams / Public"."""

from __future__ import annotations

from dataclasses import dataclass

from lotusx_sim.dialects.backpack.listings import BY_SYMBOL, Listing
from lotusx_sim.dialects.backpack.market import INTERVALS

BOOK_TICKER, DEPTH, TRADE, KLINE, TICKER, MARK, INTEREST, LIQUIDATION = (
    "bookTicker", "depth", "trade", "kline", "ticker", "markPrice", "openInterest", "liquidation",
)  # fmt: skip
WINDOWS_MS = {"200ms": 200, "600ms": 600, "1000ms": 1_000}
PRIVATE = ("account.orderUpdate", "account.positionUpdate", "account.balanceUpdate")
INVALID_STREAM, INVALID_WINDOW = (4006, "Invalid stream"), (4008, "Invalid depth window")
_OF_PERPETUALS = (MARK, INTEREST)


class BadStream(Exception):
    """A name that no stream has; holds code and words of the refusal."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One stream."""

    name: str
    kind: str
    listing: Listing | None  # None: liquidations of all markets
    window_ms: int = 0
    interval: str = ""


def read_topic(name: str) -> Topic | None:
    """Return what a name stands for; None: a market that does not exist, of which nobody ever hears.

    Raises:
        BadStream: There is no such stream.
    """
    kind, _, rest = name.partition(".")
    if name == LIQUIDATION:
        return Topic(name, kind, None)
    window_ms, interval = 0, ""
    if kind == DEPTH and rest.partition(".")[0].endswith("ms"):
        window, _, rest = rest.partition(".")
        if window not in WINDOWS_MS:
            raise BadStream(*INVALID_WINDOW)
        window_ms = WINDOWS_MS[window]
    elif kind == KLINE:
        interval, _, rest = rest.partition(".")
        if interval not in INTERVALS:
            raise BadStream(*INVALID_STREAM)
    if kind not in (BOOK_TICKER, DEPTH, TRADE, KLINE, TICKER, MARK, INTEREST, LIQUIDATION) or not rest:
        raise BadStream(*INVALID_STREAM)
    listing = BY_SYMBOL.get(rest)
    if listing is None or (listing.is_spot and kind in _OF_PERPETUALS):
        return None
    return Topic(name, kind, listing, window_ms, interval)
