"""Which instruments of different exchanges are the same thing, and how much of it a quantity is. Pure.

Nothing is equal by likeness of names: ``BTC/USDT`` and ``BTC/USDC`` are the same only to a caller who says so, and a
base such as ``1000PEPE`` or ``kPEPE`` is never ``PEPE``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from lotusx.errors import InvalidArgument
from lotusx.model.enums import InstrumentKind, InstrumentStatus, OptionRight, QuantityUnit
from lotusx.model.instruments import Instrument
from lotusx.model.numbers import decimal_from_user
from lotusx.rules import MAX_EXPONENT, Rounding, in_instrument_unit

W = TypeVar("W", bound=StrEnum)

SameQuotes = Iterable[Collection[str]]
"""Groups of quotes the caller takes for one, such as ``[{"USDT", "USDC"}]``."""


@dataclass(frozen=True, slots=True)
class Product:
    """What an instrument is, whichever exchange lists it. Two instruments are the same thing if these are equal.

    ``quote`` and ``settle`` are, of a group of quotes that the caller takes for one, the first by alphabet.
    """

    base: str
    quote: str
    kind: InstrumentKind
    settle: str | None = None
    expiry: date | None = None
    strike: Decimal | None = None
    right: OptionRight | None = None

    def __str__(self) -> str:
        terms = [f"{self.base}/{self.quote}", self.kind.value]
        terms += [str(term) for term in (self.expiry, self.strike, self.right) if term is not None]
        return " ".join(terms)


@dataclass(frozen=True, slots=True)
class Match:
    """One product and who lists it: connection → its instruments of that product, in the exchange's order.

    One connection can list several where quotes are taken for one.
    """

    product: Product
    listed: Mapping[str, tuple[Instrument, ...]]


def product_of(instrument: Instrument, same_quotes: SameQuotes = ()) -> Product:
    """Return what *instrument* is.

    Raises:
        InvalidArgument: A quote stands in two groups, or the kind of the instrument is not known.
    """
    if instrument.kind is InstrumentKind.UNKNOWN:
        raise InvalidArgument(f"{instrument.symbol}: nobody knows what kind of instrument this is")
    return _product(instrument, _names(same_quotes))


def match(
    listings: Mapping[str, Iterable[Instrument]],
    *,
    base: str | None = None,
    kind: InstrumentKind | str | None = None,
    same_quotes: SameQuotes = (),
    at_least: int = 2,
) -> tuple[Match, ...]:
    """Return what several exchanges list, most widely listed first, then by name.

    Instruments that do not trade now, and those of unknown kind, are left out.

    Args:
        listings: Connection → instruments, as from ``exchange.market.instruments()``.
        base: Only what has this base.
        kind: Only ``spot``, ``linear``, ``inverse`` or ``option``.
        same_quotes: Groups of quotes that you take for one.
        at_least: How many connections must list it.

    Raises:
        InvalidArgument: There is no such kind, or a quote stands in two groups.
    """
    names, wanted = _names(same_quotes), None if kind is None else _one_of(InstrumentKind, kind, "kind")
    found: dict[Product, dict[str, list[Instrument]]] = {}
    for connection, instruments in listings.items():
        for instrument in instruments:
            if (
                instrument.status is InstrumentStatus.TRADING
                and instrument.kind is not InstrumentKind.UNKNOWN
                and (base is None or instrument.base == base)
                and (wanted is None or instrument.kind is wanted)
            ):
                of_product = found.setdefault(_product(instrument, names), {})
                of_product.setdefault(connection, []).append(instrument)
    matches = [
        Match(product, {connection: tuple(items) for connection, items in listed.items()})
        for product, listed in found.items()
        if len(listed) >= at_least
    ]
    return tuple(sorted(matches, key=lambda each: (-len(each.listed), str(each.product))))


def require_same(instruments: Mapping[str, Instrument], same_quotes: SameQuotes = ()) -> Product:
    """Return what all *instruments*, by connection, are.

    Raises:
        InvalidArgument: They are not the same thing, or there are none.
    """
    groups = [list(group) for group in same_quotes]
    products = {connection: product_of(instrument, groups) for connection, instrument in instruments.items()}
    if not products:
        raise InvalidArgument("name at least one instrument")
    if len(set(products.values())) > 1:
        named = ", ".join(f"{connection}: {product}" for connection, product in products.items())
        quotes = {product.quote for product in products.values()}
        hint = f"; quotes that you take for one go in same_quotes=[{sorted(quotes)}]" if len(quotes) > 1 else ""
        raise InvalidArgument(f"these are not the same thing ({named}){hint}")
    return next(iter(products.values()))


def base_quantity(
    instrument: Instrument,
    quantity: Decimal | int | str,
    unit: QuantityUnit | str,
    *,
    price: Decimal | int | str | None = None,
    step: Decimal | int | str | None = None,
    rounding: Rounding | None = None,
) -> Decimal:
    """Return how many base units *quantity* is.

    Exact where nothing is divided: base units, and contracts of spot and linear instruments. An amount of quote, and
    contracts of an inverse instrument (each worth ``contract_size`` quote), are divided by *price*: that is rounded,
    once, to a multiple of *step* in the way that you name.

    >>> from lotusx.model import Symbol
    >>> inverse = Instrument(
    ...     Symbol.parse("BTC/USD:BTC"), "BTCUSD", InstrumentKind.INVERSE, InstrumentStatus.TRADING, None, None
    ... )
    >>> base_quantity(inverse, 1000, "contracts", price=60000, step="0.00000001", rounding=Rounding.FLOOR)
    Decimal('0.01666666')

    Args:
        quantity: May be below zero, as of a short position.
        price: Quote per base, > 0.

    Raises:
        InvalidArgument: The result depends on a price and *price*, *step* or *rounding* was not given; a number is of
            the wrong kind; or an instrument is of unknown kind.
    """
    amount, counts = decimal_from_user(quantity, name="quantity"), _one_of(QuantityUnit, unit, "unit")
    if instrument.kind is InstrumentKind.UNKNOWN:
        raise InvalidArgument(f"{instrument.symbol}: nobody knows what its quantities mean")
    if counts is QuantityUnit.BASE:
        return amount
    inverse = instrument.kind is InstrumentKind.INVERSE
    if counts is QuantityUnit.CONTRACTS and not inverse:
        return in_instrument_unit(amount, counts, instrument)
    if price is None or step is None or rounding is None:
        raise InvalidArgument(
            f"{instrument.symbol}: {counts} become {instrument.base} by a price: give price=, step= and rounding="
        )
    divisor = _fraction(decimal_from_user(price, name="price"), "price")
    grid = _fraction(decimal_from_user(step, name="step"), "step")
    if divisor <= 0 or grid <= 0:
        raise InvalidArgument("price and step must be above zero")
    mode = _one_of(Rounding, rounding, "rounding")
    worth = _fraction(amount, "quantity")
    if counts is QuantityUnit.CONTRACTS:
        worth *= _fraction(instrument.contract_size, "contract_size")
    return _times(_round(worth / divisor / grid, mode), decimal_from_user(step, name="step"))


def _one_of(words: type[W], word: str, name: str) -> W:
    try:
        return words(word)
    except ValueError:
        raise InvalidArgument(f"{name} is one of: {', '.join(words)}; not {word!r}") from None


def _round(steps: Fraction, rounding: Rounding) -> int:
    if rounding is Rounding.NEAREST:
        return round(steps)  # half way: the even one
    return steps.__floor__() if rounding is Rounding.FLOOR else steps.__ceil__()


def _times(count: int, step: Decimal) -> Decimal:
    sign, digits, exponent = step.as_tuple()
    assert not sign
    assert isinstance(exponent, int)
    return Decimal(f"{count * int(''.join(map(str, digits)))}E{exponent}")  # the constructor never rounds


def _fraction(number: Decimal, name: str) -> Fraction:
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise InvalidArgument(f"{name} {number} is not a number that can be worked with")
    return Fraction(number)


def _product(instrument: Instrument, names: Mapping[str, str]) -> Product:
    symbol = instrument.symbol
    settle = symbol.settle
    return Product(
        symbol.base,
        names.get(symbol.quote, symbol.quote),
        instrument.kind,
        None if settle is None else names.get(settle, settle),
        symbol.expiry,
        symbol.strike,
        symbol.right,
    )


def _names(same_quotes: SameQuotes) -> dict[str, str]:
    """Return quote → the one that stands for its group."""
    names: dict[str, str] = {}
    for group in _groups(same_quotes):
        first = min(group)
        for quote in group:
            if quote in names:
                raise InvalidArgument(f"{quote} stands in two groups of same_quotes; write them as one")
            names[quote] = first
    return names


def _groups(same_quotes: SameQuotes) -> Sequence[set[str]]:
    groups = []
    for group in same_quotes:
        if isinstance(group, str):
            raise InvalidArgument(f"same_quotes takes groups, such as [{{{group!r}, 'USDC'}}], not a text")
        if group:
            groups.append(set(group))
    return groups
