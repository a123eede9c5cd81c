"""I23: numbers are exact."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

import lotusx
from lotusx.errors import LotusXError
from lotusx.model.instruments import SignificantDigits, TickSize
from rig.invariant import Invariant
from rig.randomness import split

if TYPE_CHECKING:
    from rig.world import World

_PLAIN = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
"""No sign, no exponent, no leading zeros."""


class ExactNumbers(Invariant):
    """Judged at leisure: orders with uncomfortable numbers, as they were meant against as they arrived."""

    id = "I23"
    title = "Numbers are exact."
    bound = "wire text = decimal intent; refuse, never round silently"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rng = split(world.seed, "numbers")

    async def at_leisure(self) -> None:
        world, rng = self.world, self._rng
        instrument = await world.connection.market.instrument(world.exchange.symbol)
        for _ in range(world.plan.numbers):
            symbol = rng.choice((world.exchange.symbol, *world.exchange.odd_symbols))
            instrument = await world.connection.market.instrument(symbol)
            await self._try(instrument, _price(instrument, rng), _quantity(instrument, rng))
        for wrong in (0.1, 9e-05, float("nan")):
            self._refuses(instrument, wrong, "1")
            self._refuses(instrument, "1", wrong)
        for text in ("NaN", "Infinity", "-1", "0", "-0", "0.1.1", ""):
            self._refuses(instrument, "1", text)

    def _refuses(self, instrument: lotusx.Instrument, quantity: object, price: object) -> None:
        self.exercised += 1
        try:
            lotusx.OrderRequest.limit(instrument.symbol, "buy", quantity, price)  # type: ignore[arg-type]  # the point
        except lotusx.InvalidArgument:
            return
        self.fail(f"an order of {quantity!r} at {price!r} could be written")

    async def _try(self, instrument: lotusx.Instrument, price: Decimal | str, quantity: Decimal | str) -> None:
        world = self.world
        self.exercised += 1
        intent = world.trader.intend()
        seen = len(world.venue.orders)
        meant = Decimal(price), Decimal(quantity)
        request = lotusx.OrderRequest.limit(
            instrument.symbol, "buy", quantity, price, client_order_id=intent.client_order_id
        )
        await world.trader.place(intent, request)
        arrived = world.venue.orders[seen:]
        valid = _fits_price(instrument, meant[0]) and _fits_step(instrument, meant[1])
        if not arrived:
            if intent.outcome != "refused" and intent.outcome != "rejected":
                self.fail(f"an order of {quantity} at {price} was {intent.outcome} and never arrived")
            return
        if not valid:
            self.fail(f"{instrument.symbol}: {quantity} at {price} breaks the rules and was sent as {arrived[0]}")
        for sent in arrived:
            for name, text, number in (("price", sent.price, meant[0]), ("quantity", sent.quantity, meant[1])):
                if text is None or not _PLAIN.fullmatch(text) or Decimal(text) != number:
                    self.fail(f"{instrument.symbol}: {name} {number} was sent as {text!r}")
        if intent.handle is not None and not intent.handle.status.is_terminal:
            try:
                await world.connection.trading.cancel(instrument.symbol, client_order_id=intent.handle.client_order_id)
            except LotusXError as error:
                world.haystack.add_error(error)


def _digits(rng: Random, count: int) -> int:
    return rng.randrange(10 ** (count - 1), 10**count)


def _price(instrument: lotusx.Instrument, rng: Random) -> Decimal | str:
    """Return a price: on the grid, between its lines by very little, or far from any."""
    rule = instrument.price_rule
    if isinstance(rule, TickSize):
        tick = rule.tick_size
        base = tick * rng.choice((1, 2, 10, _digits(rng, 4), _digits(rng, 7)))
    else:
        assert isinstance(rule, SignificantDigits)
        tick = Decimal(1).scaleb(-rule.max_decimals)
        base = Decimal(_digits(rng, rng.randint(1, rule.digits))).scaleb(-rng.randint(0, rule.max_decimals))
    return _vary(base, tick, rng)


def _quantity(instrument: lotusx.Instrument, rng: Random) -> Decimal | str:
    step = instrument.step_size
    assert step is not None
    return _vary(step * rng.choice((1, 3, _digits(rng, 3), _digits(rng, 8), _digits(rng, 30))), step, rng)


def _vary(number: Decimal, grid: Decimal, rng: Random) -> Decimal | str:
    way = rng.randrange(8)
    if way == 0:
        return number + grid / 10
    if way == 1:
        return number + grid.scaleb(-12)
    if way == 2:
        return Decimal(repr(float(number) * 1.1))  # what is left of a float
    if way == 3:
        return f"{number:E}"
    if way == 4:
        return Decimal(f"{number:f}" + ("000" if "." in f"{number:f}" else ".000"))
    return number


def _fits_step(instrument: lotusx.Instrument, quantity: Decimal) -> bool:
    assert instrument.step_size is not None
    return (Fraction(quantity) / Fraction(instrument.step_size)).denominator == 1


def _fits_price(instrument: lotusx.Instrument, price: Decimal) -> bool:
    rule = instrument.price_rule
    if isinstance(rule, TickSize):
        return (Fraction(price) / Fraction(rule.tick_size)).denominator == 1
    assert isinstance(rule, SignificantDigits)
    if Fraction(price).denominator == 1:
        return True
    decimals = -int(price.normalize().as_tuple().exponent)
    digits = len(price.normalize().as_tuple().digits)
    return digits <= rule.digits and decimals <= rule.max_decimals
