"""What this venue lists, and the documents that describe it. Shape: the exchange's OpenAPI document, markets."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.backpack.text import plain
from lotusx_sim.engine.terms import Contract, MarginMode, Market, MarketKind

FUNDING_MS = 3_600_000
QUOTE = "USDC"


@dataclass(frozen=True, slots=True)
class Listing:
    """One market; the engine calls it by its symbol."""

    symbol: str
    base: str
    price: Decimal  # where the seeded market starts
    tick: Decimal
    step: Decimal
    spacing_ticks: int
    size_steps: int
    is_spot: bool
    state: str = "Open"
    rwa: str | None = None  # the kind of a tokenised asset
    lowest: Decimal = Decimal("0.25")  # price bounds, as fractions of the last price
    highest: Decimal = Decimal("2")
    base_imf: Decimal = Decimal("0.02")
    base_mmf: Decimal = Decimal("0.0125")
    quote: str = QUOTE

    @property
    def is_open(self) -> bool:
        """Tell whether orders can be matched here."""
        return self.state not in ("Closed", "CancelOnly")

    def market(self) -> Market:
        """Return what the engine must know of it."""
        if self.is_spot:
            return Market(self.symbol, self.base, self.quote, self.step, self.is_open)
        contract = Contract(
            MarketKind.LINEAR, self.quote, 1 / self.base_imf, self.base_mmf, leverage=Decimal(10),
            modes=frozenset({MarginMode.CROSS}),
        )  # fmt: skip
        return Market(self.symbol, self.base, self.quote, self.step, self.is_open, contract)

    def imf(self, kind: Decimal) -> dict[str, str] | None:
        """Return a margin function; the part that grows with the exposure is left out of the sums here."""
        return None if self.is_spot else {"type": "sqrt", "base": plain(kind), "factor": "0"}

    def document(self) -> dict[str, Any]:
        """Return the market as ``markets`` lists it."""
        perpetual = not self.is_spot
        return {
            "symbol": self.symbol,
            "baseSymbol": self.base,
            "quoteSymbol": self.quote,
            "marketType": "PERP" if perpetual else "SPOT",
            "rwaMarketType": self.rwa,
            "filters": {
                "price": {
                    "minPrice": plain(self.tick),
                    "maxPrice": plain(self.tick * 100_000_000) if perpetual else None,
                    "tickSize": plain(self.tick),
                    "maxMultiplier": plain(self.highest),
                    "minMultiplier": plain(self.lowest),
                    "maxImpactMultiplier": "1.05",
                    "minImpactMultiplier": "0.95",
                    "meanMarkPriceBand": {"maxMultiplier": "1.1", "minMultiplier": "0.9"} if perpetual else None,
                    "meanPremiumBand": {"tolerancePct": "0.05"} if perpetual else None,
                    "borrowEntryFeeMaxMultiplier": None,
                    "borrowEntryFeeMinMultiplier": None,
                    "discoveryBoundBand": None,
                    "maxPriceUpdateMultiplier": None,
                    "minPriceUpdateMultiplier": None,
                },
                "quantity": {
                    "minQuantity": plain(self.step),
                    "maxQuantity": None,
                    "stepSize": plain(self.step),
                },
            },
            "imfFunction": self.imf(self.base_imf),
            "mmfFunction": self.imf(self.base_mmf),
            "fundingInterval": FUNDING_MS if perpetual else None,
            "fundingRateUpperBound": "100" if perpetual else None,
            "fundingRateLowerBound": "-100" if perpetual else None,
            "openInterestLimit": "4000000" if perpetual else "0",
            "positionLimitWeight": None,
            "orderBookState": self.state,
            "visible": True,
            "createdAt": "2025-01-21T06:34:54.691858",
        }


def _spot(base: str, price: str, tick: str, step: str, spacing: int, lot: int, **more: Any) -> Listing:
    symbol = f"{base}_{QUOTE}"
    return Listing(symbol, base, Decimal(price), Decimal(tick), Decimal(step), spacing, lot, is_spot=True, **more)


def _perp(base: str, price: str, tick: str, step: str, spacing: int, lot: int, **more: Any) -> Listing:
    symbol = f"{base}_{QUOTE}_PERP"
    return Listing(symbol, base, Decimal(price), Decimal(tick), Decimal(step), spacing, lot, is_spot=False, **more)


LISTINGS: tuple[Listing, ...] = (
    _spot("SOL", "151.27", "0.01", "0.01", 4, 60),
    _spot("BTC", "84143.1", "0.1", "0.00001", 40, 500),
    _spot("ETH", "2741.35", "0.01", "0.0001", 20, 400),
    _spot("USDT", "0.9998", "0.0001", "1", 1, 100),
    _spot("PYTH", "0.1", "0.0001", "0.1", 4, 100, state="Closed"),
    _perp("SOL", "151.22", "0.01", "0.01", 4, 60),
    _perp("BTC", "84120.4", "0.1", "0.00001", 40, 500),
    _perp("ETH", "2740.55", "0.01", "0.0001", 20, 400),
    _perp("kBONK", "0.01337", "0.000001", "1", 4, 5_000),
    _perp("AAPL.US", "231.4", "0.01", "0.001", 4, 100, state="PostOnly", rwa="STOCK"),
)

BY_SYMBOL = {listing.symbol: listing for listing in LISTINGS}
