"""What this venue lists. Shape: OKX API v5 (2026-06), public-data-rest-api-get-instruments."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.okx.text import plain
from lotusx_sim.engine.terms import Contract, Market, MarketKind

SPOT, SWAP = "SPOT", "SWAP"
_ONE = Decimal(1)
_LISTED_MS = "1606468572000"


@dataclass(frozen=True, slots=True, eq=False)  # each is there once
class Listing:
    """One instrument. The engine counts base units; the wire counts contracts of ``contract`` base units on swaps."""

    base: str
    quote: str
    price: Decimal  # where the seeded market starts
    tick: Decimal
    lot: Decimal  # as the wire counts
    spacing_ticks: int
    size_steps: int
    contract: Decimal = _ONE
    is_spot: bool = True
    max_leverage: int = 100
    maintenance: Decimal = Decimal("0.004")
    funding_minutes: int = 480
    state: str = "live"

    @property
    def name(self) -> str:
        return f"{self.base}-{self.quote}" if self.is_spot else f"{self.base}-{self.quote}-SWAP"

    @property
    def inst_type(self) -> str:
        return SPOT if self.is_spot else SWAP

    @property
    def step(self) -> Decimal:
        """Return the least quantity in base units."""
        return self.lot * self.contract

    @property
    def is_open(self) -> bool:
        return self.state == "live"

    def wire(self, quantity: Decimal) -> str:
        """Write base units as the venue counts them."""
        return plain(quantity / self.contract)

    def market(self) -> Market:
        """Return what the engine must know of it."""
        if self.is_spot:
            return Market(self.name, self.base, self.quote, self.step, self.is_open)
        terms = Contract(
            MarketKind.LINEAR, self.quote, Decimal(self.max_leverage), self.maintenance, leverage=Decimal(10)
        )
        return Market(self.name, self.base, self.quote, self.step, self.is_open, terms)

    def document(self) -> dict[str, Any]:
        """Return the instrument as ``public/instruments`` lists it."""
        lot, most = plain(self.lot), plain(self.lot * 1_000_000)
        row: dict[str, Any] = {
            "alias": "", "auctionEndTime": "", "category": "1", "contTdSwTime": "", "expTime": "",
            "futureSettlement": False, "groupId": "1" if self.is_spot else "2", "instCategory": "1",
            "instId": self.name, "instIdCode": None, "instType": self.inst_type, "listTime": _LISTED_MS,
            "lotSz": lot, "maxIcebergSz": most, "maxLmtAmt": "20000000", "maxLmtSz": most, "maxStopSz": most,
            "maxTriggerSz": most, "maxTwapSz": most, "minSz": lot, "optType": "", "preMktSwTime": "",
            "ruleType": "normal", "state": self.state, "stk": "", "tickSz": plain(self.tick),
            "tradeQuoteCcyList": [self.quote], "upcChg": [],
        }  # fmt: skip
        if self.is_spot:
            return row | {
                "baseCcy": self.base, "quoteCcy": self.quote, "settleCcy": "", "ctMult": "", "ctType": "",
                "ctVal": "", "ctValCcy": "", "instFamily": "", "uly": "", "lever": "10", "maxMktAmt": "1000000",
                "maxMktSz": "1000000", "openType": "fix_price",
            }  # fmt: skip
        family = f"{self.base}-{self.quote}"
        return row | {
            "baseCcy": "", "quoteCcy": "", "settleCcy": self.quote, "ctMult": "1", "ctType": "linear",
            "ctVal": plain(self.contract), "ctValCcy": self.base, "instFamily": family, "uly": family,
            "lever": str(self.max_leverage), "maxMktAmt": "", "maxMktSz": plain(self.lot * 500_000), "openType": "",
        }  # fmt: skip


def _of(base: str, quote: str, price: str, tick: str, lot: str, spacing: int, size: int, **more: Any) -> Listing:
    return Listing(base, quote, Decimal(price), Decimal(tick), Decimal(lot), spacing, size, **more)


def _swap(base: str, quote: str, price: str, tick: str, contract: str, spacing: int, size: int) -> Listing:
    return _of(base, quote, price, tick, "0.01", spacing, size, contract=Decimal(contract), is_spot=False)


LISTINGS = (
    _of("BTC", "USDT", "60000", "0.1", "0.00000001", 20, 100_000),
    _of("ETH", "USDT", "3000", "0.01", "0.000001", 20, 10_000),
    _of("ETH", "BTC", "0.05", "0.00001", "0.000001", 2, 10_000),
    _swap("BTC", "USDT", "60000", "0.1", "0.01", 20, 10),
    _swap("ETH", "USDT", "3000", "0.01", "0.1", 20, 10),
    _swap("DOGE", "USDT", "0.2", "0.00001", "1000", 4, 10),
)
