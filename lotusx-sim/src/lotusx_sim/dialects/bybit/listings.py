"""What this venue lists, and the documents that describe it. Shapes: Bybit V5, market/instruments-info."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from lotusx_sim.engine.terms import Contract, Market, MarketKind

_LAUNCH_MS = 1_602_720_000_000


class Category(Enum):
    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"

    @property
    def is_spot(self) -> bool:
        return self is Category.SPOT


@dataclass(frozen=True, slots=True, eq=False)  # each is there once
class Listing:
    """One instrument. The same symbol may be a spot pair and a linear contract: ``name`` tells them apart."""

    category: Category
    symbol: str
    base: str
    quote: str
    price: Decimal  # where the seeded market starts
    tick: Decimal
    step: Decimal
    spacing_ticks: int
    size_steps: int
    settle: str = ""
    min_quantity: Decimal = Decimal(0)
    max_quantity: Decimal = Decimal(0)
    max_market_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(5)
    max_leverage: int = 100
    maintenance: Decimal = Decimal("0.005")
    band: Decimal = Decimal("0.05")  # how far from last (spot) or mark a limit may be on the taking side
    band_far: Decimal = Decimal("0.1")
    funding_minutes: int = 480
    delivery_ms: int = 0  # 0: a perpetual
    status: str = "Trading"

    @property
    def name(self) -> str:
        """Return what the engine calls it, such as ``spot:BTCUSDT``."""
        return f"{self.category.value}:{self.symbol}"

    @property
    def is_spot(self) -> bool:
        return self.category.is_spot

    @property
    def is_inverse(self) -> bool:
        return self.category is Category.INVERSE

    @property
    def is_open(self) -> bool:
        return self.status == "Trading"

    @property
    def is_perpetual(self) -> bool:
        return not self.is_spot and not self.delivery_ms

    def market(self) -> Market:
        """Return what the engine must know of it."""
        if self.is_spot:
            return Market(self.name, self.base, self.quote, self.step, self.is_open)
        kind = MarketKind.INVERSE if self.is_inverse else MarketKind.LINEAR
        contract = Contract(kind, self.settle, Decimal(self.max_leverage), self.maintenance, leverage=Decimal(10))
        return Market(self.name, self.base, self.quote, self.step, self.is_open, contract)

    def document(self) -> dict[str, Any]:
        """Return the instrument as ``instruments-info`` lists it."""
        return self._spot_document() if self.is_spot else self._contract_document()

    def _spot_document(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "innovation": "0",
            "status": self.status,
            "marginTrading": "none",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": str(self.step),
                "quotePrecision": "0.00000001",
                "minOrderQty": str(self.min_quantity),
                "maxOrderQty": str(self.max_quantity),
                "minOrderAmt": str(self.min_notional),
                "maxOrderAmt": str(self.max_quantity * self.price),
                "maxLimitOrderQty": str(self.max_quantity),
                "maxMarketOrderQty": str(self.max_market_quantity),
                "postOnlyMaxLimitOrderSize": str(self.max_quantity * 5),
            },
            "priceFilter": {"tickSize": str(self.tick)},
            "riskParameters": {"priceLimitRatioX": str(self.band), "priceLimitRatioY": str(self.band_far)},
            "symbolType": "",
        }

    def _contract_document(self) -> dict[str, Any]:
        perpetual, dated = ("InversePerpetual", "InverseFutures") if self.is_inverse else (
            "LinearPerpetual", "LinearFutures",
        )  # fmt: skip
        return {
            "symbol": self.symbol,
            "contractType": perpetual if self.is_perpetual else dated,
            "status": self.status,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "launchTime": str(_LAUNCH_MS),
            "deliveryTime": str(self.delivery_ms),
            "deliveryFeeRate": "" if self.is_perpetual else "0.0005",
            "priceScale": str(max(0, -int(self.tick.as_tuple().exponent))),
            "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{self.max_leverage}.00", "leverageStep": "0.01"},
            "priceFilter": {
                "minPrice": str(self.tick),
                "maxPrice": str(self.tick * 19_999_998),
                "tickSize": str(self.tick),
            },
            "lotSizeFilter": {
                "maxOrderQty": str(self.max_quantity),
                "minOrderQty": str(self.min_quantity),
                "qtyStep": str(self.step),
                "postOnlyMaxOrderQty": str(self.max_quantity),
                "maxMktOrderQty": str(self.max_market_quantity),
                "minNotionalValue": "0" if self.is_inverse else str(self.min_notional),
            },
            "unifiedMarginTrade": True,
            "fundingInterval": self.funding_minutes if self.is_perpetual else 0,
            "settleCoin": self.settle,
            "copyTrading": "none",
            "upperFundingRate": "0.005" if self.is_perpetual else "0",
            "lowerFundingRate": "-0.005" if self.is_perpetual else "0",
            "isPreListing": False,
            "preListingInfo": None,
            "riskParameters": {"priceLimitRatioX": str(self.band), "priceLimitRatioY": str(self.band_far)},
            "displayName": "",
            "symbolType": "",
        }


def _spot(base: str, quote: str, price: str, tick: str, step: str, spacing: int, lot: int, **more: Any) -> Listing:
    grid = Decimal(step)
    return Listing(
        Category.SPOT, base + quote, base, quote, Decimal(price), Decimal(tick), grid, spacing, lot,
        min_quantity=grid, max_quantity=grid * 90_000_000, max_market_quantity=grid * 45_000_000, **more,
    )  # fmt: skip


def _linear(symbol: str, base: str, settle: str, price: str, tick: str, step: str, spacing: int, lot: int,
            **more: Any) -> Listing:  # fmt: skip
    grid = Decimal(step)
    return Listing(
        Category.LINEAR, symbol, base, settle, Decimal(price), Decimal(tick), grid, spacing, lot, settle,
        grid, grid * 1_190_000, grid * 500_000, **more,
    )  # fmt: skip


def _inverse(symbol: str, base: str, price: str, tick: str, spacing: int, lot: int, **more: Any) -> Listing:
    return Listing(
        Category.INVERSE, symbol, base, "USD", Decimal(price), Decimal(tick), Decimal(1), spacing, lot, base,
        Decimal(1), Decimal(25_000_000), Decimal(5_000_000), Decimal(0), **more,
    )  # fmt: skip


LISTINGS: tuple[Listing, ...] = (
    _spot("BTC", "USDT", "84143.1", "0.1", "0.000001", 40, 5_000),
    _spot("ETH", "USDT", "2741.35", "0.01", "0.00001", 20, 8_000),
    _spot("SOL", "USDT", "151.27", "0.01", "0.001", 4, 800),
    _spot("ETH", "BTC", "0.032579", "0.000001", "0.0001", 4, 600, min_notional=Decimal("0.0001")),
    _spot("USDC", "USDT", "0.9998", "0.0001", "0.01", 1, 8_000, min_notional=Decimal(1)),
    _linear("BTCUSDT", "BTC", "USDT", "84120.4", "0.10", "0.001", 40, 20),
    _linear("ETHUSDT", "ETH", "USDT", "2740.55", "0.01", "0.01", 20, 20),
    _linear("SOLUSDT", "SOL", "USDT", "151.22", "0.010", "0.1", 4, 60, max_leverage=50, maintenance=Decimal("0.01")),
    _linear("XRPUSDT", "XRP", "USDT", "2.2014", "0.0001", "0.1", 4, 3_000, max_leverage=50,
            maintenance=Decimal("0.01")),
    _linear("BTCPERP", "BTC", "USDC", "84101.0", "0.10", "0.001", 40, 10),
    _linear("BTCUSDT-26MAR27", "BTC", "USDT", "85410.0", "0.50", "0.001", 40, 10, delivery_ms=1_806_048_000_000),
    _linear("LUNAUSDT", "LUNA", "USDT", "0.4", "0.0001", "0.1", 4, 50, status="Closed"),
    _inverse("BTCUSD", "BTC", "84131.00", "0.50", 8, 3_000),
    _inverse("ETHUSD", "ETH", "2741.10", "0.05", 8, 3_000),
    _inverse("BTCUSDH27", "BTC", "85390.00", "0.50", 8, 1_000, delivery_ms=1_806_048_000_000),
)  # fmt: skip


class Directory:
    """All listings, by category and symbol, and by the engine's name; ``contracts`` with that name."""

    def __init__(self, listings: tuple[Listing, ...] = LISTINGS) -> None:
        self.listings = listings
        self.by_name = {listing.name: listing for listing in listings}
        self.by_symbol = {(listing.category, listing.symbol): listing for listing in listings}
        self.contracts = [(listing.name, listing) for listing in listings if not listing.is_spot]

    def of(self, category: Category) -> list[Listing]:
        return [listing for listing in self.listings if listing.category is category]
