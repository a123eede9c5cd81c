"""What an order must fulfil before the engine sees it. Source: USDⓈ-M futures, "Filters" and "Error codes"."""

from decimal import Decimal

from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, decimals, fixed, plain
from lotusx_sim.engine.orders import Side


def check_price(symbol: UmSymbol, price: Decimal) -> None:
    if _has_more_decimals(price, symbol.tick):
        raise VenueError(-1111, "Precision is over the maximum defined for this asset.")
    if (price - symbol.tick) % symbol.tick:
        raise VenueError(-4014, "Price not increased by tick size.")
    if price > symbol.max_price:
        raise VenueError(-4002, "Price greater than max price.")


def check_quantity(symbol: UmSymbol, quantity: Decimal, *, is_market: bool) -> None:
    if _has_more_decimals(quantity, symbol.step):
        raise VenueError(-1111, "Precision is over the maximum defined for this asset.")
    if quantity % symbol.step:
        raise VenueError(-4023, "Quantity not increased by step size.")
    if quantity > (symbol.max_market_quantity if is_market else symbol.max_quantity):
        raise VenueError(-4005, "Quantity greater than max quantity.")


def check_band(symbol: UmSymbol, side: Side, price: Decimal, mark: Decimal) -> None:
    """Check that a limit price is not far beyond the mark price: above it to buy, below it to sell."""
    highest, lowest = mark * (1 + symbol.band), mark * (1 - symbol.band)
    if side is Side.BUY and price > highest:
        raise VenueError(-4016, f"Limit price can't be higher than {fixed(highest, symbol.tick)}.")
    if side is Side.SELL and price < lowest:
        raise VenueError(-4024, f"Limit price can't be lower than {fixed(lowest, symbol.tick)}.")


def check_notional(symbol: UmSymbol, quantity: Decimal, price: Decimal) -> None:
    if quantity * price < symbol.min_notional:
        raise VenueError(
            -4164,
            f"Order's notional must be no smaller than {plain(symbol.min_notional)} (unless you choose reduce only).",
        )


def _has_more_decimals(value: Decimal, step: Decimal) -> bool:
    return decimals(value) > decimals(step)
