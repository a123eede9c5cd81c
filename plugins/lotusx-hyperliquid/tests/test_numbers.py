"""From a Decimal to wire text and nothing is rounded; which prices pass, over everything that is recorded as listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hyperliquid_corpus import needs_corpus, recorded_catalogues
from hypothesis import assume, given, strategies as st

from lotusx.errors import InvalidArgument
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Side, SignificantDigits, Symbol
from lotusx.rules import check_price, check_quantity, price_step
from lotusx_hyperliquid.numbers import scaled, wire, worst_price

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
MAX_DECIMALS = {"perp": 6, "spot": 8}
PRICES = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10**7), places=8)
FRACTIONS = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal("0.9999"), places=4)


def of(scheme: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS if vector["scheme"] == scheme]


def instrument(decimals: int, market: str = "perp") -> Instrument:
    return Instrument(
        Symbol("A", "USDC", "USDC" if market == "perp" else None),
        "A",
        InstrumentKind.LINEAR if market == "perp" else InstrumentKind.SPOT,
        InstrumentStatus.TRADING,
        SignificantDigits(5, max(MAX_DECIMALS[market] - decimals, 0)),
        Decimal((0, (1,), -decimals)),
    )


@pytest.mark.parametrize("vector", of("hl_float_to_wire"))
def test_number_to_text_vector(vector: dict[str, Any]) -> None:
    value = Decimal(vector["payload"]["value"])
    if "error" in vector["expected"]:
        with pytest.raises(InvalidArgument, match="more than 8 decimals"):
            wire(value, name="price")
    else:
        assert wire(value, name="price") == vector["expected"]["wire"]


@pytest.mark.parametrize("vector", of("hl_float_to_int"))
def test_number_to_count_vector(vector: dict[str, Any]) -> None:
    payload = vector["payload"]

    assert scaled(Decimal(payload["value"]), payload["power"], name="usd") == vector["expected"]["int"]


@pytest.mark.parametrize("vector", of("hl_price_rule"))
def test_price_rule_vector(vector: dict[str, Any]) -> None:
    payload = vector["payload"]
    listed = instrument(payload["szDecimals"], payload["market"])
    if vector["expected"]["valid"]:
        check_price(Decimal(payload["px"]), listed)
    else:
        with pytest.raises(InvalidArgument, match="too many digits"):
            check_price(Decimal(payload["px"]), listed)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-sNaN", "1E+2000"])
def test_what_is_no_number_is_refused(value: str) -> None:
    for write in (wire, lambda number, name: scaled(number, 6, name=name)):
        with pytest.raises(InvalidArgument):
            write(Decimal(value), name="price")


def test_count_is_signed_and_refuses_a_seventh_decimal() -> None:
    assert scaled(Decimal("-1.5"), 6, name="margin") == -1_500_000
    with pytest.raises(InvalidArgument, match="more than 6 decimals"):
        scaled(Decimal("0.0000001"), 6, name="margin")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=8))
def test_text_is_canonical_and_reads_back(value: Decimal) -> None:
    text = wire(value, name="price")

    assert Decimal(text) == value
    assert "E" not in text
    assert text != "-0"
    assert "." not in text or not text.endswith(("0", "."))
    assert wire(Decimal(text), name="price") == text


@given(PRICES, FRACTIONS, st.integers(0, 6), st.sampled_from(sorted(MAX_DECIMALS)), st.sampled_from(Side))
def test_worst_price_is_valid_and_within_the_bound(
    reference: Decimal, slippage: Decimal, decimals: int, market: str, side: Side
) -> None:
    listed = instrument(decimals, market)
    bound = reference * (1 + slippage if side is Side.BUY else 1 - slippage)
    step = price_step(listed, bound)
    assert step is not None
    if side is Side.BUY and bound < step:  # down to nothing
        with pytest.raises(InvalidArgument, match="not a valid price"):
            worst_price(listed, side, reference, slippage)
        return

    price = worst_price(listed, side, reference, slippage)

    check_price(price, listed)
    wire(price, name="price")
    assert price <= bound if side is Side.BUY else price >= bound
    assert abs(price - bound) < step


def test_worst_price_does_not_depend_on_the_callers_arithmetic() -> None:
    with localcontext(Context(prec=2)):
        assert worst_price(instrument(5), Side.BUY, Decimal("84143.5"), Decimal("0.0123")) == Decimal(85178)
        assert worst_price(instrument(5), Side.SELL, Decimal("84143.5"), Decimal("0.0123")) == Decimal(83109)


def test_number_too_long_to_work_with_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="not a number that can be worked with"):
        worst_price(instrument(5), Side.BUY, Decimal("1." + "1" * 4_001), Decimal("0.01"))


@cache
def listed_instruments() -> tuple[Instrument, ...]:
    return tuple(item for found in recorded_catalogues() for item in found.instruments)


def by_the_words_of_the_exchange(price: Decimal, item: Instrument) -> bool:
    """The rule as it is written down, from the document itself and by counting characters."""
    text = format(price.normalize(), "f")
    if "." not in text:
        return True
    whole, _, part = text.partition(".")
    decimals = item.raw.get("szDecimals")
    if decimals is None:
        assert item.step_size is not None
        decimals = len(format(item.step_size, "f").partition(".")[2])
    figures = len((whole + part).lstrip("0"))
    return figures <= 5 and len(part) <= (8 if item.kind is InstrumentKind.SPOT else 6) - decimals


def accepts(check: Callable[[Decimal, Instrument], None], value: Decimal, item: Instrument) -> bool:
    try:
        check(value, item)
    except InvalidArgument:
        return False
    return True


@needs_corpus
@given(st.data())
def test_prices_pass_exactly_where_the_written_rule_lets_them_over_all_that_is_listed(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(listed_instruments()))
    digits = data.draw(st.integers(1, 10**8))
    price = Decimal((0, tuple(map(int, str(digits))), data.draw(st.integers(-10, 2))))
    valid = by_the_words_of_the_exchange(price, item)

    assert accepts(check_price, price, item) is valid
    if valid:
        assert Decimal(wire(price, name="price")) == price


@needs_corpus
@given(st.data())
def test_quantities_pass_exactly_up_to_their_decimals_over_all_that_is_listed(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(listed_instruments()))
    quantity = data.draw(st.decimals(min_value=Decimal("1E-9"), max_value=10**9, places=9))
    assume(quantity > 0)
    assert item.step_size is not None
    valid = -int(quantity.normalize().as_tuple().exponent) <= -int(item.step_size.as_tuple().exponent)

    assert accepts(check_quantity, quantity, item) is valid
    if valid:
        assert Decimal(wire(quantity, name="quantity")) == quantity


@needs_corpus
@given(st.data())
def test_bound_of_a_market_order_is_valid_over_all_that_is_listed(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(listed_instruments()))
    reference = data.draw(st.decimals(min_value=1, max_value=10**6, places=6))

    price = worst_price(item, data.draw(st.sampled_from(Side)), reference, data.draw(FRACTIONS))

    assert by_the_words_of_the_exchange(price, item)
