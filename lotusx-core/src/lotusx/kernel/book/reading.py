"""Answers computed from a side of a book, exactly."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal

import msgspec

from lotusx.kernel.book.half import Pair
from lotusx.model.market_data import Level

_EXACT = Context(prec=100, traps=[])
"""Wide enough for sums and products of real prices and quantities; the caller's own context decides nothing."""
_QUOTIENT = Context(prec=28, traps=[])


class BookTop(msgspec.Struct, frozen=True):
    """The touch of a live book after some update.

    Attributes:
        sequence: Number of the last update in it.
        received_ns: When that update (or the snapshot) was received; 0: not stated.
    """

    bid_text: Pair | None
    ask_text: Pair | None
    sequence: int
    received_ns: int

    @property
    def best_bid(self) -> Level | None:
        """Highest bid; ``None``: there is none."""
        return to_level(self.bid_text)

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask; ``None``: there is none."""
        return to_level(self.ask_text)


class Depth(msgspec.Struct, frozen=True):
    """What taking a notional from one side means.

    Attributes:
        quantity: Base units (contracts where the instrument counts those) that it buys or sells.
        notional: As asked, in quote.
        price: The worst price reached.
        levels: How many levels are touched.
    """

    quantity: Decimal
    notional: Decimal
    price: Decimal
    levels: int


def to_level(pair: Pair | None) -> Level | None:
    """Make the numbers of a level."""
    return None if pair is None else Level(Decimal(pair[0]), Decimal(pair[1]))


def difference(ask: Decimal, bid: Decimal) -> Decimal:
    """Return ask − bid, exactly."""
    return _EXACT.subtract(ask, bid)


def middle(bid: Decimal, ask: Decimal) -> Decimal:
    """Return the number half-way between, exactly."""
    return _EXACT.multiply(_EXACT.add(bid, ask), Decimal("0.5"))


def take_notional(side: Iterable[Pair], notional: Decimal, contract_size: Decimal, *, inverse: bool) -> Depth | None:
    """Walk *side*, best first, until *notional* is taken; ``None``: the side is too short.

    Quantities count base units, where *inverse* contracts of *contract_size* quote each.

    The quantity of whole levels is exact; the part of the last level is rounded to 28 digits.
    """
    quantity = taken = Decimal(0)
    for count, (price_text, quantity_text) in enumerate(side, start=1):
        price, available = Decimal(price_text), Decimal(quantity_text)
        unit = contract_size if inverse else price
        worth = _EXACT.multiply(unit, available)
        rest = _EXACT.subtract(notional, taken)
        if worth >= rest:
            part = available if worth == rest else _QUOTIENT.divide(rest, unit)
            return Depth(_EXACT.add(quantity, part), notional, price, count)
        taken = _EXACT.add(taken, worth)
        quantity = _EXACT.add(quantity, available)
    return None


def average_price(side: Iterable[Pair], quantity: Decimal, *, inverse: bool) -> Decimal | None:
    """Return the average price of taking *quantity* from *side*; ``None``: the side is too short.

    Weighted by quantity; harmonic where contracts are worth a fixed amount of quote (inverse). Rounded once, to 28
    significant digits; exact where one level suffices.
    """
    rest, total = quantity, Decimal(0)
    for price_text, quantity_text in side:
        price, available = Decimal(price_text), Decimal(quantity_text)
        part = min(rest, available)
        if part == quantity:
            return price
        total = _EXACT.add(total, _EXACT.divide(part, price) if inverse else _EXACT.multiply(part, price))
        rest = _EXACT.subtract(rest, part)
        if not rest:
            return _QUOTIENT.divide(quantity, total) if inverse else _QUOTIENT.divide(total, quantity)
    return None
