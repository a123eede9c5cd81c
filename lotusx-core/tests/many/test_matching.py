"""What is the same thing on two exchanges, and how much of it a quantity is."""

from __future__ import annotations

from decimal import Decimal as D, getcontext, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument
from lotusx.many import base_quantity, match, product_of, require_same
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, QuantityUnit, Symbol
from lotusx.rules import Rounding

KINDS = {0: InstrumentKind.SPOT, 1: InstrumentKind.LINEAR, 2: InstrumentKind.INVERSE}


def instrument(text: str, kind: InstrumentKind | None = None, **more: object) -> Instrument:
    symbol = Symbol.parse(text)
    of_symbol = KINDS[0 if symbol.settle is None else 2 if symbol.settle == symbol.base else 1]
    values: dict[str, object] = {"status": InstrumentStatus.TRADING, "price_rule": None, "step_size": None, **more}
    return Instrument(symbol=symbol, venue_symbol=text, kind=kind or of_symbol, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("BTC/USDT", "BTC/USDC"),
        ("BTC/USDT", "BTC/USDT:USDT"),
        ("BTC/USD:BTC", "BTC/USD:USD"),
        ("BTC/USDT:USDT", "BTC/USDT:USDT-261225"),
        ("BTC/USDT:USDT-261225", "BTC/USDT:USDT-270326"),
        ("BTC/USDT:USDT-261225-90000-C", "BTC/USDT:USDT-261225-90000-P"),
        ("PEPE/USDT", "1000PEPE/USDT"),
    ],
)
def test_different_things_are_never_the_same_by_likeness(one: str, other: str) -> None:
    kinds = [InstrumentKind.OPTION if "-9" in text else None for text in (one, other)]
    assert product_of(instrument(one, kinds[0])) != product_of(instrument(other, kinds[1]))
    with pytest.raises(InvalidArgument, match="not the same thing"):
        require_same({"a": instrument(one, kinds[0]), "b": instrument(other, kinds[1])})


def test_quotes_are_one_only_for_a_caller_who_says_so() -> None:
    listed = {"a": instrument("BTC/USDT"), "b": instrument("BTC/USDC")}
    with pytest.raises(InvalidArgument, match="same_quotes"):
        require_same(listed)
    assert require_same(listed, [{"USDT", "USDC"}]).quote == "USDC"
    perps = {"a": instrument("BTC/USDT:USDT"), "b": instrument("BTC/USDC:USDC")}
    assert require_same(perps, iter([{"USDC", "USDT"}])).settle == "USDC"  # groups may come from an iterator


def test_one_symbol_of_different_kinds_is_not_the_same_thing() -> None:
    assert product_of(instrument("BTC/USD:USD")) != product_of(instrument("BTC/USD:USD", InstrumentKind.SPOT))


def test_a_quote_in_two_groups_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="USDC stands in two groups"):
        product_of(instrument("BTC/USDT"), [{"USDT", "USDC"}, {"USDC", "USD"}])
    with pytest.raises(InvalidArgument, match="takes groups"):
        product_of(instrument("BTC/USDT"), ["USDT"])


def test_what_is_of_unknown_kind_matches_nothing() -> None:
    odd = instrument("BTC/USDT", InstrumentKind.UNKNOWN)
    assert match({"a": [odd], "b": [odd]}) == ()
    with pytest.raises(InvalidArgument, match="nobody knows"):
        product_of(odd)


def test_matches_come_most_widely_listed_first_and_name_who_lists_them() -> None:
    btc, eth, usdc = instrument("BTC/USDT"), instrument("ETH/USDT"), instrument("BTC/USDC")
    closed = instrument("SOL/USDT", status=InstrumentStatus.CLOSED)
    listings = {"a": [btc, eth, usdc, closed], "b": [eth, btc, closed], "c": [eth]}

    found = match(listings)
    assert [(str(each.product), tuple(each.listed)) for each in found] == [
        ("ETH/USDT spot", ("a", "b", "c")),
        ("BTC/USDT spot", ("a", "b")),
    ]
    (joined,) = match(listings, base="BTC", same_quotes=[{"USDT", "USDC"}])
    assert joined.listed == {"a": (btc, usdc), "b": (btc,)}
    assert [len(each.listed) for each in match(listings, kind="spot", at_least=1)] == [3, 2, 1]
    assert match(listings, kind=InstrumentKind.LINEAR) == ()
    with pytest.raises(InvalidArgument, match=r"kind is one of: spot, linear, .*; not 'perp'"):
        match(listings, kind="perp")


def test_contracts_of_a_linear_instrument_are_base_units_exactly() -> None:
    linear = instrument("BTC/USDT:USDT", contract_size=D("0.001"))
    with localcontext() as context:
        context.prec = 3  # the caller's own context decides nothing
        assert base_quantity(linear, "123456789", "contracts") == D("123456.789")
    assert base_quantity(linear, D("0.5"), QuantityUnit.BASE) == D("0.5")
    assert getcontext().prec == 28


def test_contracts_of_an_inverse_instrument_need_a_price_a_step_and_a_named_rounding() -> None:
    inverse = instrument("BTC/USD:BTC", contract_size=D(100))
    for given_ones in ({}, {"price": 60_000}, {"price": 60_000, "step": "0.001"}):
        with pytest.raises(InvalidArgument, match="give price=, step= and rounding="):
            base_quantity(inverse, 7, "contracts", **given_ones)
    for mode, rounded in (("floor", "0.01166"), ("ceil", "0.01167"), ("nearest", "0.01167")):
        assert base_quantity(inverse, 7, "contracts", price=60_000, step="0.00001", rounding=mode) == D(rounded)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="rounding is one of: floor, ceil, nearest; not 'down'"):
        base_quantity(inverse, 7, "contracts", price=60_000, step="1", rounding="down")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="exact"):
        base_quantity(inverse, 7, "contracts", price=60_000.5, step="1", rounding=Rounding.FLOOR)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="above zero"):
        base_quantity(inverse, 7, "contracts", price=0, step="1", rounding=Rounding.FLOOR)
    with pytest.raises(InvalidArgument, match="worked with"):
        base_quantity(inverse, "1E+5000", "contracts", price=1, step="1", rounding=Rounding.FLOOR)
    with pytest.raises(InvalidArgument, match="nobody knows"):
        base_quantity(instrument("A/B", InstrumentKind.UNKNOWN), 1, "base")


_NUMBERS = st.decimals(min_value="0.00000001", max_value="1000000000", places=8)


@given(
    quantity=st.decimals(min_value="-1000000000", max_value="1000000000", places=3),
    size=st.sampled_from(["1", "10", "100"]),
    price=_NUMBERS,
    step=st.sampled_from(["1", "0.001", "0.00000001", "5"]),
    rounding=st.sampled_from(Rounding),
)
def test_a_quotient_is_the_neighbour_on_the_grid_that_the_rule_names(
    quantity: D, size: str, price: D, step: str, rounding: Rounding
) -> None:
    inverse = instrument("BTC/USD:BTC", contract_size=D(size))
    got = base_quantity(inverse, quantity, "contracts", price=price, step=step, rounding=rounding)
    true, grid = Fraction(quantity) * int(size) / Fraction(price), Fraction(step)
    assert (Fraction(got) / grid).denominator == 1
    off = Fraction(got) - true
    if rounding is Rounding.FLOOR:
        assert -grid < off <= 0
    elif rounding is Rounding.CEIL:
        assert 0 <= off < grid
    else:
        assert abs(off) <= grid / 2
    assert base_quantity(
        instrument("BTC/USDT"), quantity * int(size), "quote", price=price, step=step, rounding=rounding
    ) == got  # fmt: skip


@given(quantity=st.decimals(allow_nan=False, allow_infinity=False, places=6), size=_NUMBERS)
def test_a_product_is_exact(quantity: D, size: D) -> None:
    if quantity and abs(quantity.adjusted()) > 500:
        return
    linear = instrument("BTC/USDT:USDT", contract_size=size)
    assert Fraction(base_quantity(linear, quantity, "contracts")) == Fraction(quantity) * Fraction(size)
