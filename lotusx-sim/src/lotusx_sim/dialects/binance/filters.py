"""The order filters of an instrument, checked in the venue's order. Source: binance-spot-api-docs, filters.md."""

from decimal import Decimal

from lotusx_sim.dialects.binance.errors import filter_failure
from lotusx_sim.dialects.binance.symbols import MAX_AMENDMENTS, SpotSymbol
from lotusx_sim.engine.orders import Kind, NewOrder, Order


def check_order(symbol: SpotSymbol, new: NewOrder, reference: Decimal) -> None:
    """Check prices, quantities and notional of a new order.

    Args:
        reference: Average price that bands and the notional of market orders are measured by.

    Raises:
        VenueError: -1013 "Filter failure: …".
    """
    for price in (new.price, new.trigger_price):
        if price is not None:
            _check_price(symbol, price)
    if new.price is not None:
        _check_band(symbol, new.price, reference)
    if new.quote_quantity is None:
        _check_quantity(symbol, new.quantity, market=new.kind is Kind.MARKET)
    _check_notional(symbol, new, reference)
    if new.trailing_bps is not None and not symbol.min_trailing_bps <= new.trailing_bps <= symbol.max_trailing_bps:
        raise filter_failure("TRAILING_DELTA")


def check_counts(symbol: SpotSymbol, new: NewOrder, open_orders: list[Order]) -> None:
    """Check how many orders the account may have open on the symbol."""
    if len(open_orders) >= symbol.max_orders:
        raise filter_failure("MAX_NUM_ORDERS")
    waiting = sum(order.working_ns is None for order in open_orders)
    if new.kind.is_conditional and waiting >= symbol.max_conditional_orders:
        raise filter_failure("MAX_NUM_ALGO_ORDERS")


def check_amendment(symbol: SpotSymbol, order: Order, quantity: Decimal) -> None:
    if order.amendments >= MAX_AMENDMENTS:
        raise filter_failure("MAX_NUM_ORDER_AMENDS")
    _check_quantity(symbol, quantity, market=False)
    if order.price is not None and order.price * quantity < symbol.min_notional:
        raise filter_failure("NOTIONAL")


def _check_price(symbol: SpotSymbol, price: Decimal) -> None:
    if not symbol.min_price <= price <= symbol.max_price or price % symbol.tick:
        raise filter_failure("PRICE_FILTER")


def _check_band(symbol: SpotSymbol, price: Decimal, reference: Decimal) -> None:
    if not reference * symbol.band_down <= price <= reference * symbol.band_up:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def _check_quantity(symbol: SpotSymbol, quantity: Decimal, *, market: bool) -> None:
    if not symbol.min_quantity <= quantity <= symbol.max_quantity or quantity % symbol.step:
        raise filter_failure("LOT_SIZE")
    if market and quantity > symbol.max_market_quantity:
        raise filter_failure("MARKET_LOT_SIZE")


def _check_notional(symbol: SpotSymbol, new: NewOrder, reference: Decimal) -> None:
    if new.quote_quantity is not None:
        notional = new.quote_quantity
    else:
        notional = new.quantity * (new.price or new.trigger_price or reference)
    if notional < symbol.min_notional:
        raise filter_failure("NOTIONAL")
    if notional > symbol.max_notional and new.kind is not Kind.MARKET:
        raise filter_failure("NOTIONAL")
