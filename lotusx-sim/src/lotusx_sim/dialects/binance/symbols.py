"""The instruments this venue lists, with their filters. Shapes: binance-spot-api-docs, rest-api.md and filters.md."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ORDER_TYPES = [
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
]  # fmt: skip
SELF_TRADE_MODES = ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]
DEFAULT_SELF_TRADE_MODE = "EXPIRE_MAKER"
ASSET_DECIMALS = 8
MAX_AMENDMENTS = 10


@dataclass(frozen=True, slots=True)
class SpotSymbol:
    """One instrument; limits in base or quote units."""

    symbol: str
    base: str
    quote: str
    price: Decimal  # where the seeded market starts
    tick: Decimal
    step: Decimal
    spacing_ticks: int
    size_steps: int
    min_price: Decimal = Decimal("0.00000001")
    max_price: Decimal = Decimal(1_000_000)
    min_quantity: Decimal = Decimal("0.00001")
    max_quantity: Decimal = Decimal(9_000)
    max_market_quantity: Decimal = Decimal(1_000)
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9_000_000)
    band_up: Decimal = Decimal(5)
    band_down: Decimal = Decimal("0.2")
    max_orders: int = 200
    max_conditional_orders: int = 5
    min_trailing_bps: int = 10
    max_trailing_bps: int = 2_000
    status: str = "TRADING"

    @property
    def is_trading(self) -> bool:
        return self.status == "TRADING"


def _pair(base: str, quote: str, price: str, tick: str, step: str, spacing: int, size: int, **rules: Any) -> SpotSymbol:
    grid = Decimal(step)
    rules.setdefault("min_quantity", grid)
    rules.setdefault("max_quantity", grid * 900_000_000)
    rules.setdefault("max_market_quantity", grid * 100_000_000)
    return SpotSymbol(
        symbol=base + quote, base=base, quote=quote, price=Decimal(price), tick=Decimal(tick), step=grid,
        min_price=Decimal(tick), spacing_ticks=spacing, size_steps=size, **rules,
    )  # fmt: skip


SYMBOLS: tuple[SpotSymbol, ...] = (
    _pair("BTC", "USDT", "68250.12", "0.01", "0.00001", 400, 50),
    _pair("ETH", "USDT", "2510.55", "0.01", "0.0001", 40, 60),
    _pair("BNB", "USDT", "602.3", "0.01", "0.001", 12, 20),
    _pair("SOL", "USDT", "151.27", "0.01", "0.001", 4, 80),
    _pair("ETH", "BTC", "0.03678", "0.00001", "0.0001", 4, 60, min_notional=Decimal("0.0001")),
    _pair("币安人生", "USDT", "0.1834", "0.0001", "0.1", 4, 50),
    _pair("LUNA", "USDT", "0.4", "0.0001", "0.01", 4, 50, status="BREAK"),
)


def text(value: Decimal) -> str:
    """Write an amount as the venue does: eight decimals, no exponent."""
    return f"{value:.8f}"


def filters(symbol: SpotSymbol) -> list[dict[str, Any]]:
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text(symbol.min_price),
            "maxPrice": text(symbol.max_price),
            "tickSize": text(symbol.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text(symbol.min_quantity),
            "maxQty": text(symbol.max_quantity),
            "stepSize": text(symbol.step),
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": text(symbol.max_market_quantity),
            "stepSize": "0.00000000",
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": symbol.min_trailing_bps,
            "maxTrailingAboveDelta": symbol.max_trailing_bps,
            "minTrailingBelowDelta": symbol.min_trailing_bps,
            "maxTrailingBelowDelta": symbol.max_trailing_bps,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(symbol.band_up),
            "bidMultiplierDown": str(symbol.band_down),
            "askMultiplierUp": str(symbol.band_up),
            "askMultiplierDown": str(symbol.band_down),
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(symbol.min_notional),
            "applyMinToMarket": True,
            "maxNotional": text(symbol.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": symbol.max_orders},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": symbol.max_conditional_orders},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": MAX_AMENDMENTS},
    ]


def document(symbol: SpotSymbol, *, permission_sets: bool = True) -> dict[str, Any]:
    """Return the instrument as ``exchangeInfo`` lists it."""
    return {
        "symbol": symbol.symbol,
        "status": symbol.status,
        "baseAsset": symbol.base,
        "baseAssetPrecision": ASSET_DECIMALS,
        "quoteAsset": symbol.quote,
        "quotePrecision": ASSET_DECIMALS,
        "quoteAssetPrecision": ASSET_DECIMALS,
        "baseCommissionPrecision": ASSET_DECIMALS,
        "quoteCommissionPrecision": ASSET_DECIMALS,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(symbol),
        "permissions": [],
        "permissionSets": [["SPOT"]] if permission_sets else [],
        "defaultSelfTradePreventionMode": DEFAULT_SELF_TRADE_MODE,
        "allowedSelfTradePreventionModes": SELF_TRADE_MODES,
    }
