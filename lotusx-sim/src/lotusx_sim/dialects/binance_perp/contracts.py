"""The contracts this venue lists, with their filters. Shapes: USDⓈ-M futures, "Exchange information"."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from lotusx_sim.engine.terms import Contract, Market, MarketKind

ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]
PERPETUAL = "PERPETUAL"
NO_DELIVERY_MS = 4_133_404_800_000
ONBOARD_MS = 1_569_398_400_000


@dataclass(frozen=True, slots=True)
class UmSymbol:
    """One contract of one base unit; limits in base units, or in quote for notional values."""

    symbol: str
    base: str
    quote: str
    price: Decimal  # where the seeded market starts
    tick: Decimal
    step: Decimal
    spacing_ticks: int
    size_steps: int
    contract_type: str = PERPETUAL
    delivery_ms: int = NO_DELIVERY_MS
    status: str = "TRADING"
    max_leverage: int = 125
    maintenance: Decimal = Decimal("0.004")
    min_notional: Decimal = Decimal(5)
    band: Decimal = Decimal("0.05")
    funding_hours: int = 8
    max_orders: int = 200

    @property
    def pair(self) -> str:
        return self.base + self.quote

    @property
    def is_trading(self) -> bool:
        return self.status == "TRADING"

    @property
    def is_perpetual(self) -> bool:
        return self.contract_type == PERPETUAL

    @property
    def max_quantity(self) -> Decimal:
        return self.step * 1_000_000

    @property
    def max_market_quantity(self) -> Decimal:
        return self.step * 120_000

    @property
    def max_price(self) -> Decimal:
        return self.tick * 1_000_000_000

    def market(self) -> Market:
        """Return what the engine needs to know."""
        terms = Contract(
            MarketKind.LINEAR, self.quote, Decimal(self.max_leverage), self.maintenance, leverage=Decimal(20)
        )
        return Market(self.symbol, self.base, self.quote, self.step, self.is_trading, terms)


def decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _listed(base: str, quote: str, price: str, tick: str, step: str, spacing: int, size: int, **more: Any) -> UmSymbol:
    name = more.pop("symbol", base + quote)
    return UmSymbol(name, base, quote, Decimal(price), Decimal(tick), Decimal(step), spacing, size, **more)


SYMBOLS: tuple[UmSymbol, ...] = (
    _listed("BTC", "USDT", "68251.1", "0.1", "0.001", 40, 3),
    _listed("ETH", "USDT", "2510.55", "0.01", "0.001", 40, 60, max_leverage=100, maintenance=Decimal("0.005")),
    _listed("SOL", "USDT", "151.27", "0.01", "0.01", 4, 80, max_leverage=75, maintenance=Decimal("0.005"),
            funding_hours=4),
    _listed("1000PEPE", "USDT", "0.0123410", "0.0000001", "1", 40, 900, max_leverage=75,
            maintenance=Decimal("0.006")),
    _listed("币安人生", "USDT", "0.1834", "0.0001", "1", 4, 50, max_leverage=40, maintenance=Decimal("0.01")),
    _listed("BTC", "USDC", "68249.7", "0.1", "0.001", 40, 3),
    _listed("BTC", "USDT", "69120.4", "0.1", "0.001", 40, 3, symbol="BTCUSDT_261225",
            contract_type="CURRENT_QUARTER", delivery_ms=1_798_185_600_000, max_leverage=50),
    _listed("LUNA", "USDT", "0.4", "0.0001", "1", 4, 50, status="SETTLING", max_leverage=20,
            maintenance=Decimal("0.02")),
)  # fmt: skip


def plain(value: Decimal) -> str:
    """Write an amount without exponent and without superfluous zeros."""
    written = format(value.normalize(), "f")
    return "0" if written == "-0" else written


def fixed(value: Decimal, step: Decimal) -> str:
    """Write an amount with as many decimals as *step* has."""
    return f"{value:.{decimals(step)}f}"


def money(value: Decimal) -> str:
    """Write an amount of an asset: eight decimals."""
    return f"{value:.8f}"


def json_number(value: Decimal) -> msgspec.Raw:
    """Write an amount as a JSON number, for the few fields that are none of the usual texts."""
    return msgspec.Raw(plain(value).encode())


def filters(symbol: UmSymbol) -> list[dict[str, Any]]:
    smallest = plain(symbol.step)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": plain(symbol.tick),
            "maxPrice": plain(symbol.max_price),
            "tickSize": fixed(symbol.tick, symbol.tick),
        },
        {"filterType": "LOT_SIZE", "minQty": smallest, "maxQty": plain(symbol.max_quantity), "stepSize": smallest},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": smallest,
            "maxQty": plain(symbol.max_market_quantity),
            "stepSize": smallest,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": symbol.max_orders},
        {"filterType": "MIN_NOTIONAL", "notional": plain(symbol.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{1 + symbol.band:.4f}",
            "multiplierDown": f"{1 - symbol.band:.4f}",
            "multiplierDecimal": "4",
        },
    ]


def document(symbol: UmSymbol) -> dict[str, Any]:
    """Return the contract as ``exchangeInfo`` lists it."""
    return {
        "symbol": symbol.symbol,
        "pair": symbol.pair,
        "contractType": symbol.contract_type,
        "deliveryDate": symbol.delivery_ms,
        "onboardDate": ONBOARD_MS,
        "status": symbol.status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": symbol.base,
        "quoteAsset": symbol.quote,
        "marginAsset": symbol.quote,
        "pricePrecision": decimals(symbol.tick),
        "quantityPrecision": decimals(symbol.step),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"] if symbol.base == "BTC" else [],
        "settlePlan": 0,
        "triggerProtect": plain(symbol.band),
        "liquidationFee": "0.012500",
        "marketTakeBound": plain(symbol.band),
        "maxMoveOrderLimit": 10_000,
        "filters": filters(symbol),
        "orderTypes": ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": [],
    }
