"""What an order is worth at most, how much it may trade, and where its price may not go. Pure, and exact."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal, Inexact

from lotusx.model import BestBidOffer, Instrument, InstrumentKind, OrderRequest, QuantityUnit, Side
from lotusx.rules import in_instrument_unit

EXACT = Context(prec=2_000, traps=[Inexact])
"""Refuses to round, whatever the caller's context."""
_UP = Context(prec=40, rounding=ROUND_CEILING)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Prices:
    """The best prices of a market; ``None``: nobody is there, or it could not be asked."""

    bid: Decimal | None = None
    ask: Decimal | None = None

    @classmethod
    def of(cls, best: BestBidOffer) -> Prices:
        """Return the prices of *best*."""
        return cls(best.bid_price, best.ask_price)

    def opposite(self, side: Side) -> Decimal | None:
        """Return what an order on *side* would take first."""
        return self.ask if side is Side.BUY else self.bid


def needs_price(request: OrderRequest, instrument: Instrument) -> bool:
    """Say whether the worth of an order depends on where the market is.

    It does not where a contract is worth a fixed amount, where the quantity is in quote already, where a buyer names
    the most he pays, and where a trigger says where the order starts. A seller's limit is the least he takes.
    """
    if instrument.kind is InstrumentKind.INVERSE or request.quantity_unit is QuantityUnit.QUOTE:
        return False
    return request.trigger_price is None and (request.price is None or request.side is Side.SELL)


def notional(request: OrderRequest, instrument: Instrument, prices: Prices) -> Decimal | None:
    """Return what *request* is worth at most, in quote; ``None``: nothing says at which price it would trade.

    Market orders are valued at the best opposite price, with ``max_slippage`` where it is given: what a thin book makes
    of them beyond that cannot be known before.
    """
    if request.quantity_unit is QuantityUnit.QUOTE:
        return request.quantity
    quantity = in_instrument_unit(request.quantity, request.quantity_unit, instrument)
    if instrument.kind is InstrumentKind.INVERSE:
        return _UP.multiply(quantity, instrument.contract_size)
    price = _dearest(request, prices)
    return None if price is None else _UP.multiply(quantity, price)


def _dearest(request: OrderRequest, prices: Prices) -> Decimal | None:
    stated = [price for price in (request.price, request.trigger_price) if price is not None]
    if request.side is Side.BUY and request.price is not None:
        return request.price
    market = prices.opposite(request.side) if request.trigger_price is None else None
    if market is None and request.trigger_price is None:
        return None
    base = max([*stated, *([] if market is None else [market])])
    return base if request.max_slippage is None else _UP.multiply(base, EXACT.add(_ONE, request.max_slippage))


def quantity(request: OrderRequest, instrument: Instrument, prices: Prices) -> Decimal | None:
    """Return how much *request* may trade: base units, contracts where the product is inverse; ``None``: not known."""
    if request.quantity_unit is not QuantityUnit.QUOTE:
        return in_instrument_unit(request.quantity, request.quantity_unit, instrument)
    best = prices.opposite(request.side)
    return None if best is None else _UP.divide(request.quantity, best)


def collar(request: OrderRequest, prices: Prices, most: Decimal) -> Decimal | None:
    """Return the furthest limit price *request* may have; ``None``: there is nothing to compare it with.

    A conditional order is compared with its trigger: the market will be there when it is sent on.
    """
    start = request.trigger_price if request.trigger_price is not None else prices.opposite(request.side)
    if start is None:
        return None
    factor = EXACT.add(_ONE, most) if request.side is Side.BUY else EXACT.subtract(_ONE, most)
    return EXACT.multiply(start, factor)
