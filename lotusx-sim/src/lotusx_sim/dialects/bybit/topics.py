"""Names of public streams."""

from dataclasses import dataclass

from lotusx_sim.dialects.bybit.books import DEPTHS_MS
from lotusx_sim.dialects.bybit.history import INTERVALS
from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.state import VenueState

BOOK, TRADES, TICKER, KLINE, LIQUIDATIONS = "orderbook", "publicTrade", "tickers", "kline", "allLiquidation"


@dataclass(frozen=True, slots=True)
class Topic:
    text: str  # as it was asked for, such as orderbook.50.BTCUSDT
    kind: str
    listing: Listing
    depth: int = 0
    interval: str = ""

    @property
    def name(self) -> str:
        """Return what faults call it: with the category, which the text lacks."""
        return f"{self.listing.category.value}:{self.text}"


def read_topic(state: VenueState, category: Category, text: str) -> Topic | None:
    """Return what *text* names on a socket of *category*; None: nothing."""
    kind, *middle, symbol = text.split(".") if text.count(".") else ("", text)
    listing = state.directory.by_symbol.get((category, symbol))
    if listing is None or len(middle) != (1 if kind in (BOOK, KLINE) else 0):
        return None
    if kind == BOOK and middle[0].isdigit() and int(middle[0]) in DEPTHS_MS:
        return Topic(text, kind, listing, depth=int(middle[0]))
    if kind == KLINE and middle[0] in INTERVALS:
        return Topic(text, kind, listing, interval=middle[0])
    if kind in (TRADES, TICKER) or (kind == LIQUIDATIONS and not category.is_spot):
        return Topic(text, kind, listing)
    return None
