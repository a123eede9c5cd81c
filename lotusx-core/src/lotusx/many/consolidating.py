"""One market on several exchanges, as one book: whose price is best, fees considered, and who is left out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from lotusx.many.exactly import EXACT
from lotusx.model.enums import Side
from lotusx.model.market_data import Level

_ONE = Decimal(1)


class LegState(StrEnum):
    """Whether a leg's prices are part of a consolidated book."""

    USED = "used"
    STALE = "stale"  # its book cannot vouch for what it holds, or holds nothing yet
    TOO_OLD = "too_old"  # in step as far as is known, but nothing came for longer than the caller allows
    FAILED = "failed"  # for good: its connection or its book


@dataclass(frozen=True, slots=True)
class LegBook:
    """What one exchange's book says at one moment: what goes in.

    Attributes:
        name: The connection.
        bids, asks: Best first, in base units.
        taker_fee: A fraction, 0.0001 = 1 bp, below zero a rebate; ``None``: not considered.
        age_s: Seconds since something was last received for this book; ``None``: nothing was yet.
        trouble: Why it must not be used; empty: nothing speaks against it.
        failed: Whether that is for good.
    """

    name: str
    bids: Sequence[Level] = ()
    asks: Sequence[Level] = ()
    taker_fee: Decimal | None = None
    age_s: float | None = None
    trouble: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """One exchange's part in a consolidated book; ``reason`` says why it is left out, where it is."""

    name: str
    state: LegState
    reason: str = ""
    age_s: float | None = None
    taker_fee: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ConsolidatedLevel:
    """One price level of one exchange.

    Attributes:
        leg: The connection that it is on.
        price: As the exchange shows it, quote per base.
        quantity: Base units.
        effective_price: What taking it comes to: price × (1 + taker fee) for an ask, price × (1 − taker fee) for a bid;
            exact. The price itself where no fee is considered.
    """

    leg: str
    price: Decimal
    quantity: Decimal
    effective_price: Decimal


@dataclass(frozen=True, slots=True)
class ConsolidatedBook:
    """Several exchanges' books of one market as one, at one moment. It may be crossed, and is shown as it is.

    Attributes:
        bids: Highest effective price first; ties in the order of the legs.
        asks: Lowest effective price first; ties in the order of the legs.
        legs: Every leg, used or not, in the caller's order.
    """

    bids: tuple[ConsolidatedLevel, ...]
    asks: tuple[ConsolidatedLevel, ...]
    legs: tuple[Leg, ...]

    @property
    def best_bid(self) -> ConsolidatedLevel | None:
        """The bid that pays a seller most; ``None``: no leg in use has one."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> ConsolidatedLevel | None:
        """The ask that costs a buyer least; ``None``: no leg in use has one."""
        return self.asks[0] if self.asks else None

    @property
    def spread(self) -> Decimal | None:
        """Best ask − best bid by effective prices; below zero: crossed; ``None``: a side is empty."""
        if not self.bids or not self.asks:
            return None
        return EXACT.subtract(self.asks[0].effective_price, self.bids[0].effective_price)

    @property
    def is_crossed(self) -> bool:
        """Whether, fees considered as far as they are, somebody bids more than somebody asks."""
        spread = self.spread
        return spread is not None and spread < 0

    @property
    def left_out(self) -> tuple[Leg, ...]:
        """The legs whose prices are not part of it."""
        return tuple(leg for leg in self.legs if leg.state is not LegState.USED)


def consolidate(books: Iterable[LegBook], *, max_age_s: float | None = None) -> ConsolidatedBook:
    """Join *books* of one market into one.

    Args:
        max_age_s: Leave out, and say so, a leg for which nothing was received for longer; ``None``: age does not
            matter, only whether the book is in step.
    """
    found = tuple(books)
    legs = tuple(_leg(book, max_age_s) for book in found)
    used = [book for book, leg in zip(found, legs, strict=True) if leg.state is LegState.USED]
    bids = _levels(used, Side.BUY)
    asks = _levels(used, Side.SELL)
    # Sorting is stable, also in reverse: ties stay in the order of the legs.
    bids.sort(key=_effective_price, reverse=True)
    asks.sort(key=_effective_price)
    return ConsolidatedBook(tuple(bids), tuple(asks), legs)


def effective(price: Decimal, taker_fee: Decimal | None, side: Side) -> Decimal:
    """Return what taking a level of *side* (a bid: buy, an ask: sell) comes to, exactly."""
    if not taker_fee:
        return price
    add: Callable[[Any, Any], Decimal] = EXACT.subtract if side is Side.BUY else EXACT.add
    return EXACT.multiply(price, add(_ONE, taker_fee))


def _levels(books: Iterable[LegBook], side: Side) -> list[ConsolidatedLevel]:
    return [
        ConsolidatedLevel(book.name, level.price, level.quantity, effective(level.price, book.taker_fee, side))
        for book in books
        for level in (book.bids if side is Side.BUY else book.asks)
    ]


def _effective_price(level: ConsolidatedLevel) -> Decimal:
    return level.effective_price


def _leg(book: LegBook, max_age_s: float | None) -> Leg:
    state, reason = LegState.USED, book.trouble
    if book.failed:
        state = LegState.FAILED
    elif book.trouble:
        state = LegState.STALE
    elif book.age_s is None:
        state, reason = LegState.STALE, "no data yet"
    elif max_age_s is not None and book.age_s > max_age_s:
        state, reason = LegState.TOO_OLD, f"nothing was received for {book.age_s:.3f} s, more than {max_age_s} s"
    return Leg(book.name, state, reason, book.age_s, book.taker_fee)
