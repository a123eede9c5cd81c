"""The rules of an instrument: rounding by a named mode, and the check every order passes before it is sent.

Nothing here rounds on its own: `check_order` refuses and names the nearest valid values; a caller who wants
rounding asks for it, and says which way. All arithmetic is exact at any magnitude and does not depend on the caller's
decimal context.
"""

from __future__ import annotations

from decimal import Clamped, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow
from enum import StrEnum
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument
from lotusx.model.enums import InstrumentKind, InstrumentStatus, QuantityUnit, Side
from lotusx.model.instruments import Instrument, SignificantDigits, TickSize
from lotusx.model.numbers import plain

if TYPE_CHECKING:
    from lotusx.model.requests import OrderRequest

MAX_EXPONENT = 1_000
"""Numbers below 1E-1000 or above 1E+1000 are refused: no exchange has them, and they would cost time."""

# Says so instead of rounding; wide enough for any product or quotient of numbers within the bounds above.
_EXACT = Context(
    prec=4 * MAX_EXPONENT,
    traps=[Clamped, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow],
)


class Rounding(StrEnum):
    """Which way to round to a step."""

    FLOOR = "floor"  # towards minus infinity
    CEIL = "ceil"  # towards plus infinity
    NEAREST = "nearest"  # the closer one; half way: the even multiple of the step

    @classmethod
    def within_limit(cls, side: Side) -> Rounding:
        """Return the mode that never makes a limit price worse for its owner: a buy rounds down, a sell up."""
        return cls.FLOOR if side is Side.BUY else cls.CEIL


def _to_rounding(mode: Rounding | str) -> Rounding:
    """Return *mode*, which may be given as text too.

    Raises:
        InvalidArgument: There is none of that name.
    """
    try:
        return mode if isinstance(mode, Rounding) else Rounding(mode)
    except ValueError:
        raise InvalidArgument(f"one rounds by: {', '.join(Rounding)}; not {mode!r}") from None


def _scaled(value: Decimal, step: Decimal) -> tuple[int, int, int]:
    """Return integers ``(v, s, e)`` with value = v × 10**e and step = s × 10**e."""
    integers: list[tuple[int, int]] = []
    for number in (value, step):
        sign, digits, power = number.as_tuple()
        if not isinstance(power, int) or abs(power) > MAX_EXPONENT or len(digits) > MAX_EXPONENT:
            raise InvalidArgument(f"{number} is not a number that can be rounded")
        integer = int("".join(map(str, digits)))
        integers.append((-integer if sign else integer, power))
    (v, value_exponent), (s, step_exponent) = integers
    exponent = min(value_exponent, step_exponent)
    return v * 10 ** (value_exponent - exponent), s * 10 ** (step_exponent - exponent), exponent


def _decimal(integer: int, exponent: int) -> Decimal:
    return Decimal(f"{integer}E{exponent}")  # the constructor never rounds, whatever the context


def round_to_step(value: Decimal, step: Decimal, mode: Rounding) -> Decimal:
    """Return a multiple of *step* next to *value*, exactly.

    >>> round_to_step(Decimal("2.2504"), Decimal("0.0001"), Rounding.FLOOR)
    Decimal('2.2504')
    >>> round_to_step(Decimal("0.17"), Decimal("0.05"), Rounding.NEAREST)
    Decimal('0.15')

    Raises:
        InvalidArgument: *step* is not above zero, a number is not finite, or there is no such mode.
    """
    mode = _to_rounding(mode)
    v, s, exponent = _scaled(value, step)
    if s <= 0:
        raise InvalidArgument(f"a step must be above zero, not {step}", rule="step")
    count, rest = divmod(v, s)
    up = rest and (mode is Rounding.CEIL or (mode is Rounding.NEAREST and (2 * rest, count % 2) > (s, 0)))
    return _decimal((count + 1 if up else count) * s, exponent)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of *step* that is not above *value*."""
    return round_to_step(value, step, Rounding.FLOOR)


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of *step* that is not below *value*."""
    return round_to_step(value, step, Rounding.CEIL)


def nearest_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the multiple of *step* closest to *value*; half way, the even one."""
    return round_to_step(value, step, Rounding.NEAREST)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Say whether *value* is a whole multiple of *step*."""
    try:
        return not _EXACT.remainder(value, step)
    except ArithmeticError:  # out of the context's reach: as integers, or refused there
        v, s, _ = _scaled(value, step)
        return v % s == 0


def price_step(instrument: Instrument, price: Decimal) -> Decimal | None:
    """Return the step that prices next to *price* must keep; ``None``: the exchange states none.

    With significant digits the step depends on the price: it grows tenfold with every decade.
    """
    rule = instrument.price_rule
    if isinstance(rule, SignificantDigits):
        decimals = min(rule.max_decimals, rule.digits - 1 - price.adjusted())
        return Decimal((0, (1,), -max(decimals, 0)))  # integers always pass
    return rule.tick_size if rule is not None and rule.tick_size else None


def quantity_step(instrument: Instrument, *, market: bool = False) -> Decimal | None:
    """Return the step quantities must keep; ``None``: the exchange states none."""
    return (instrument.market_step_size if market else None) or instrument.step_size or None


def round_price(instrument: Instrument, price: Decimal, mode: Rounding) -> Decimal:
    """Return a valid price next to *price*. `price_step` tells the rule that was applied.

    Raises:
        InvalidArgument: It would become zero, or leave the range of the instrument. Never clamped silently.
    """
    step = price_step(instrument, price)
    rounded = price if step is None else round_to_step(price, step, mode)
    low, high = _price_range(instrument)
    if rounded <= 0 or (low is not None and rounded < low) or (high is not None and rounded > high):
        raise InvalidArgument(
            f"price {plain(price)} of {instrument.symbol} becomes {plain(rounded)} by {mode}, "
            "which is not a valid price",
            rule="tick_size" if rounded <= 0 else "price_range",
            nearest=_between(price, step, low, high),
        )
    return rounded


def round_quantity(instrument: Instrument, quantity: Decimal, mode: Rounding, *, market: bool = False) -> Decimal:
    """Return a valid quantity next to *quantity*, in the unit the instrument counts.

    With *market*, the rules of market orders apply where the instrument has other ones.

    Raises:
        InvalidArgument: It would become zero, or leave the range of the instrument. Never clamped silently.
    """
    step = quantity_step(instrument, market=market)
    rounded = quantity if step is None else round_to_step(quantity, step, mode)
    low, high = _quantity_range(instrument, market=market)
    if rounded <= 0 or (low is not None and rounded < low) or (high is not None and rounded > high):
        raise InvalidArgument(
            f"quantity {plain(quantity)} of {instrument.symbol} becomes {plain(rounded)} by {mode}, "
            "which is not a valid quantity",
            rule="step_size" if rounded <= 0 else "quantity_range",
            nearest=_between(quantity, step, low, high),
        )
    return rounded


def check_order(request: OrderRequest, instrument: Instrument, reference_price: Decimal | None = None) -> None:
    """Refuse an order that the exchange would have to refuse. Nothing is rounded, nothing is sent.

    *reference_price* is where a market order's notional is estimated, in quote; ``None``: it is not checked.

    Raises:
        InvalidArgument: ``rule`` names the filter, ``nearest`` the valid values next to the one refused.
    """
    if request.symbol != instrument.symbol:
        raise InvalidArgument(
            f"an order for {request.symbol} cannot use the rules of {instrument.symbol}", rule="symbol"
        )
    if instrument.status not in (InstrumentStatus.TRADING, InstrumentStatus.UNKNOWN):
        said = f" ({instrument.raw_status})" if instrument.raw_status else ""
        raise InvalidArgument(
            f"{instrument.symbol} takes no orders now: it is {instrument.status}{said}", rule="status"
        )
    for name, price in (("price", request.price), ("trigger_price", request.trigger_price)):
        if price is not None:
            check_price(price, instrument, name=name)
    at_market, reduces = not request.type.has_limit_price, request.reduce_only
    price = request.price if request.price is not None else reference_price
    if request.quantity_unit is QuantityUnit.QUOTE:
        _check_notional(request.quantity, None, instrument, at_market=at_market, reduces=reduces)
        return
    quantity = in_instrument_unit(request.quantity, request.quantity_unit, instrument)
    check_quantity(quantity, instrument, market=at_market)
    if instrument.kind is InstrumentKind.INVERSE:  # a contract is worth a fixed amount of quote
        _check_notional(
            _product(quantity, instrument.contract_size), None, instrument, at_market=at_market, reduces=reduces
        )
    elif price is not None:
        _check_notional(_product(quantity, price), price, instrument, at_market=at_market, reduces=reduces)


def in_instrument_unit(quantity: Decimal, unit: QuantityUnit, instrument: Instrument) -> Decimal:
    """Convert *quantity* to what the instrument's rules count: contracts on inverse products, base units elsewhere.

    Raises:
        InvalidArgument: The two are not related by a fixed factor.
    """
    if instrument.kind is InstrumentKind.INVERSE:
        if unit is not QuantityUnit.CONTRACTS:
            raise InvalidArgument(
                f"{instrument.symbol} is traded in contracts of {plain(instrument.contract_size)} {instrument.quote}; "
                "write quantity_unit='contracts'",
                rule="quantity_unit",
            )
        return quantity
    return _product(quantity, instrument.contract_size) if unit is QuantityUnit.CONTRACTS else quantity


def check_price(price: Decimal, instrument: Instrument, *, name: str = "price") -> None:
    """Refuse a price that breaks the instrument's price rule. Raises as `check_order`."""
    low, high = _price_range(instrument)
    step = price_step(instrument, price)
    if low is not None and price < low:
        _refuse(name, price, instrument.quote, "min_price", low, "below", instrument, _between(price, step, low, high))
    if high is not None and price > high:
        _refuse(name, price, instrument.quote, "max_price", high, "above", instrument, _between(price, step, low, high))
    if step is None or is_multiple(price, step):
        return
    rule = instrument.price_rule
    nearest = _between(price, step, low, high)
    if isinstance(rule, SignificantDigits):
        raise InvalidArgument(
            f"{name} {plain(price)} {instrument.quote} of {instrument.symbol} has too many digits: at most "
            f"{rule.digits} significant digits and {rule.max_decimals} decimals{_or(nearest)}",
            rule="significant_digits",
            nearest=nearest,
        )
    _refuse(name, price, instrument.quote, "tick_size", step, "not a multiple of", instrument, nearest)


def check_quantity(quantity: Decimal, instrument: Instrument, *, market: bool = False) -> None:
    """Refuse a quantity, in the instrument's own unit, that breaks its rules. Raises as `check_order`."""
    low, high = _quantity_range(instrument, market=market)
    step = quantity_step(instrument, market=market)
    unit = "contracts" if instrument.kind is InstrumentKind.INVERSE else instrument.base
    prefix = "market_" if market else ""
    if low is not None and quantity < low:
        rule, limit, how = f"{prefix if instrument.market_min_quantity else ''}min_quantity", low, "below"
    elif high is not None and quantity > high:
        rule, limit, how = f"{prefix if instrument.market_max_quantity else ''}max_quantity", high, "above"
    elif step is not None and not is_multiple(quantity, step):
        rule, limit, how = f"{prefix if instrument.market_step_size else ''}step_size", step, "not a multiple of"
    else:
        return
    _refuse("quantity", quantity, unit, rule, limit, how, instrument, _between(quantity, step, low, high))


def _check_notional(
    notional: Decimal, price: Decimal | None, instrument: Instrument, *, at_market: bool, reduces: bool
) -> None:
    """*price*: quote per unit of quantity; ``None``: the quantity is the notional, or unrelated to a price."""
    least, most = instrument.min_notional, instrument.max_notional
    exempt = (at_market and not instrument.min_notional_applies_to_market) or (
        reduces and not instrument.min_notional_applies_to_reduce_only
    )
    if least and notional < least and not exempt:
        nearest = _quantity_worth(least, price, instrument, market=at_market, mode=Rounding.CEIL)
        _refuse_notional(notional, "min_notional", least, "below", instrument, nearest, quantities=price is not None)
    if most and notional > most and (instrument.max_notional_applies_to_market or not at_market):
        nearest = _quantity_worth(most, price, instrument, market=at_market, mode=Rounding.FLOOR)
        _refuse_notional(notional, "max_notional", most, "above", instrument, nearest, quantities=price is not None)


def _quantity_worth(
    notional: Decimal, price: Decimal | None, instrument: Instrument, *, market: bool, mode: Rounding
) -> tuple[Decimal, ...]:
    """The quantity on the step that is worth *notional* at *price*, rounded by *mode*."""
    step = quantity_step(instrument, market=market)
    if price is None:
        return (notional,)
    if step is None:
        return ()
    per_step = _product(price, step)
    worth, unit, _ = _scaled(round_to_step(notional, per_step, mode), per_step)
    quantity = _product(Decimal(worth // unit), step)
    return (quantity,) if quantity else ()


def _refuse_notional(
    notional: Decimal,
    rule: str,
    limit: Decimal,
    how: str,
    instrument: Instrument,
    nearest: tuple[Decimal, ...],
    *,
    quantities: bool,
) -> None:
    fix = f"; nearest valid quantity: {plain(nearest[0])}" if nearest and quantities else ""
    raise InvalidArgument(
        f"notional {plain(notional)} {instrument.quote} of {instrument.symbol} is {how} {rule} {plain(limit)}{fix}",
        rule=rule,
        nearest=nearest,
    )


def _refuse(
    name: str,
    value: Decimal,
    unit: str,
    rule: str,
    limit: Decimal,
    how: str,
    instrument: Instrument,
    nearest: tuple[Decimal, ...],
) -> None:
    raise InvalidArgument(
        f"{name} {plain(value)} {unit} of {instrument.symbol} is {how} {rule} {plain(limit)}{_or(nearest)}",
        rule=rule,
        nearest=nearest,
    )


def _or(nearest: tuple[Decimal, ...]) -> str:
    return f"; nearest valid: {' or '.join(plain(value) for value in nearest)}" if nearest else ""


def _price_range(instrument: Instrument) -> tuple[Decimal | None, Decimal | None]:
    rule = instrument.price_rule
    return (rule.minimum or None, rule.maximum or None) if isinstance(rule, TickSize) else (None, None)


def _quantity_range(instrument: Instrument, *, market: bool) -> tuple[Decimal | None, Decimal | None]:
    low = (instrument.market_min_quantity if market else None) or instrument.min_quantity
    high = (instrument.market_max_quantity if market else None) or instrument.max_quantity
    return low or None, high or None


def _between(value: Decimal, step: Decimal | None, low: Decimal | None, high: Decimal | None) -> tuple[Decimal, ...]:
    """The valid values next to *value*, lower first: multiples of *step* above zero, within [low, high]."""
    bounded = value
    if low is not None and bounded < low:
        bounded = low
    if high is not None and bounded > high:
        bounded = high
    if step is None:
        return (bounded,)
    pair = dict.fromkeys((floor_to_step(bounded, step), ceil_to_step(bounded, step)))
    return tuple(v for v in pair if v > 0 and (low is None or v >= low) and (high is None or v <= high))


def _product(a: Decimal, b: Decimal) -> Decimal:
    """A × b without rounding."""
    try:
        return _EXACT.multiply(a, b)
    except ArithmeticError:
        raise InvalidArgument(f"{a} × {b} is not a number that can be worked with") from None
