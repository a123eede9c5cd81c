from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal as D, localcontext

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument
from lotusx.model.enums import InstrumentKind, InstrumentStatus, QuantityUnit, Side
from lotusx.model.instruments import Instrument, PriceRule, SignificantDigits, TickSize
from lotusx.model.numbers import plain
from lotusx.model.requests import OrderRequest
from lotusx.model.symbol import Symbol
from lotusx.rules import (
    Rounding,
    ceil_to_step,
    check_order,
    check_price,
    floor_to_step,
    is_multiple,
    nearest_to_step,
    price_step,
    round_price,
    round_quantity,
    round_to_step,
)

BTC = Instrument(
    symbol=Symbol("BTC", "USDT"),
    venue_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    status=InstrumentStatus.TRADING,
    price_rule=TickSize(D("0.01"), D("0.01"), D("1000000")),
    step_size=D("0.00001"),
    min_quantity=D("0.00001"),
    max_quantity=D("9000"),
    market_max_quantity=D("100"),
    min_notional=D("5"),
    max_notional=D("9000000"),
)
INVERSE = replace(
    BTC, symbol=Symbol("BTC", "USD", "BTC"), kind=InstrumentKind.INVERSE, step_size=D(1), min_quantity=D(1),
    contract_size=D(100), min_notional=D(200), market_max_quantity=None, max_notional=None,
)  # fmt: skip

MODES = st.sampled_from(Rounding)
STEPS = st.one_of(
    st.integers(-12, 4).map(lambda e: D(f"1E{e}")),
    st.tuples(st.sampled_from([2, 5, 25, 125]), st.integers(-10, 2)).map(lambda t: D(f"{t[0]}E{t[1]}")),
)
POSITIVE = st.tuples(st.integers(1, 10**30), st.integers(-30, 3)).map(lambda t: D(f"{t[0]}E{t[1]}"))


def refusal(request: OrderRequest, instrument: Instrument = BTC, reference: D | None = None) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        check_order(request, instrument, reference)
    return caught.value


def limit(quantity: str, price: str, symbol: Symbol = BTC.symbol) -> OrderRequest:
    return OrderRequest.limit(symbol, Side.BUY, quantity, price)


@given(POSITIVE, STEPS, MODES)
def test_a_rounded_value_is_a_multiple_less_than_one_step_away(value: D, step: D, mode: Rounding) -> None:
    with localcontext() as context:
        context.prec = 3  # the caller's context must not matter
        rounded = round_to_step(value, step, mode)
        assert is_multiple(rounded, step)
    with localcontext() as context:
        context.prec = 200
        assert abs(rounded - value) < step
        if mode is Rounding.FLOOR:
            assert rounded <= value
        elif mode is Rounding.CEIL:
            assert rounded >= value
        else:
            assert 2 * abs(rounded - value) <= step


@given(POSITIVE, STEPS, MODES)
def test_rounding_twice_changes_nothing(value: D, step: D, mode: Rounding) -> None:
    once = round_to_step(value, step, mode)
    assert round_to_step(once, step, mode) == once
    assert {floor_to_step(once, step), ceil_to_step(once, step), nearest_to_step(once, step)} == {once}


RULES: st.SearchStrategy[PriceRule] = st.one_of(
    STEPS.map(TickSize), st.tuples(st.integers(1, 8), st.integers(0, 12)).map(lambda t: SignificantDigits(*t))
)
PRICES = st.tuples(st.integers(1, 10**21), st.integers(-21, 0)).map(lambda t: D(f"{t[0]}E{t[1]}"))


@given(PRICES, RULES, MODES)
def test_a_rounded_price_is_valid_on_the_wire_and_never_zero(price: D, rule: PriceRule, mode: Rounding) -> None:
    instrument = replace(BTC, price_rule=rule)
    step = price_step(instrument, price)
    assert step is not None
    if not round_to_step(price, step, mode):
        with pytest.raises(InvalidArgument) as caught:  # it would become zero
            round_price(instrument, price, mode)
        assert all(value > 0 for value in caught.value.nearest)
        return
    rounded = round_price(instrument, price, mode)
    text = plain(rounded)
    assert "E" not in text.upper()
    assert D(text) == rounded > 0
    check_price(D(text), instrument)
    if isinstance(rule, SignificantDigits):
        digits, _, decimals = text.partition(".")
        assert len(decimals) <= rule.max_decimals
        assert not decimals or len((digits + decimals).lstrip("0")) <= rule.digits
    if mode is Rounding.within_limit(Side.BUY):
        assert rounded <= price
    elif mode is Rounding.within_limit(Side.SELL):
        assert rounded >= price


@given(POSITIVE, STEPS)
def test_every_nearest_value_named_by_a_refusal_is_accepted(price: D, step: D) -> None:
    instrument = replace(BTC, price_rule=TickSize(step, ceil_to_step(D("0.003"), step), floor_to_step(D(10**9), step)))
    nearest: tuple[D, ...] = (price,)
    with suppress(InvalidArgument):
        check_price(price, instrument)
        nearest = ()
    if nearest:
        with pytest.raises(InvalidArgument) as caught:
            check_price(price, instrument)
        assert caught.value.nearest
        for value in caught.value.nearest:
            check_price(value, instrument)


def test_half_way_goes_to_the_even_multiple() -> None:
    assert [nearest_to_step(D(v), D("0.1")) for v in ("0.05", "0.15", "0.25", "0.26")] == [
        D("0.0"), D("0.2"), D("0.2"), D("0.3"),
    ]  # fmt: skip
    assert floor_to_step(D("-0.15"), D("0.1")) == D("-0.2")


def test_thirty_digits_stay_thirty_digits() -> None:
    value = D("123456789012345678901234567890.123456789012345678901234567891")
    assert floor_to_step(value, D("1E-30")) == value
    assert plain(floor_to_step(value, D("1E-29"))) == "123456789012345678901234567890.12345678901234567890123456789"


@pytest.mark.parametrize("step", ["0", "-1"])
def test_a_step_of_zero_or_less_is_refused(step: str) -> None:
    with pytest.raises(InvalidArgument, match="above zero"):
        floor_to_step(D(1), D(step))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1E+2000", "1E-2000"])
def test_what_is_not_a_sane_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a number that can be rounded"):
        floor_to_step(D(value), D(1))


def test_a_good_order_passes() -> None:
    check_order(limit("0.001", "50000.01"), BTC)
    check_order(OrderRequest.market("BTC/USDT", "buy", "0.1"), BTC)
    check_order(OrderRequest.market("BTC/USDT", "buy", "10", quantity_unit="quote"), BTC)


def test_a_price_off_the_tick_names_filter_value_and_neighbours() -> None:
    error = refusal(limit("0.001", "50000.005"))
    assert error.rule == "tick_size"
    assert error.nearest == (D("50000.00"), D("50000.01"))
    assert str(error) == (
        "price 50000.005 USDT of BTC/USDT is not a multiple of tick_size 0.01; nearest valid: 50000 or 50000.01"
    )


def test_a_trigger_price_is_held_to_the_same_rule() -> None:
    error = refusal(
        OrderRequest(symbol="BTC/USDT", side="sell", type="stop_loss", quantity="0.1", trigger_price="9.999")
    )
    assert error.rule == "tick_size"
    assert "trigger_price 9.999" in str(error)


@pytest.mark.parametrize(("price", "rule", "nearest"), [("0.001", "min_price", "0.01"), ("2E6", "max_price", "1E6")])
def test_a_price_out_of_range_names_the_bound(price: str, rule: str, nearest: str) -> None:
    error = refusal(limit("0.001", price))
    assert (error.rule, error.nearest) == (rule, (D(nearest),))


@pytest.mark.parametrize(
    ("quantity", "rule", "nearest"),
    [
        ("0.001005", "step_size", ("0.00100", "0.00101")),
        ("0.000001", "min_quantity", ("0.00001",)),
        ("9000.1", "max_quantity", ("9000",)),
    ],
)
def test_a_wrong_quantity_names_filter_and_neighbours(quantity: str, rule: str, nearest: tuple[str, ...]) -> None:
    error = refusal(limit(quantity, "50000"))
    assert (error.rule, error.nearest) == (rule, tuple(map(D, nearest)))


def test_market_orders_have_their_own_rules_where_stated() -> None:
    market = OrderRequest.market("BTC/USDT", "buy", "101")
    assert refusal(market).rule == "market_max_quantity"
    own = replace(BTC, market_step_size=D("0.1"), market_min_quantity=D("0.2"))
    assert refusal(OrderRequest.market("BTC/USDT", "buy", "0.25"), own).rule == "market_step_size"
    assert refusal(OrderRequest.market("BTC/USDT", "buy", "0.1"), own).rule == "market_min_quantity"
    assert refusal(OrderRequest.market("BTC/USDT", "buy", "0.000015")).rule == "step_size"


def test_a_notional_too_small_names_the_quantity_that_would_do() -> None:
    error = refusal(limit("0.00009", "50000.01"))
    assert error.rule == "min_notional"
    assert error.nearest == (D("0.0001"),)
    assert "notional 4.5000009 USDT" in str(error)
    check_order(limit("0.0001", "50000.01"), BTC)


def test_a_notional_too_large_names_the_quantity_that_would_do() -> None:
    error = refusal(limit("100", "100000"))
    assert (error.rule, error.nearest) == ("max_notional", (D(90),))


def test_a_market_order_may_be_worth_more_where_the_exchange_says_so() -> None:
    large = OrderRequest.market("BTC/USDT", "buy", "9500000", quantity_unit="quote")
    assert refusal(large).rule == "max_notional"
    unbounded = replace(BTC, max_notional_applies_to_market=False)
    check_order(large, unbounded)
    assert refusal(limit("100", "100000"), unbounded).rule == "max_notional"


def test_a_market_order_is_measured_at_the_reference_price_if_there_is_one() -> None:
    small = OrderRequest.market("BTC/USDT", "buy", "0.00002")
    check_order(small, BTC)
    assert refusal(small, BTC, D(50000)).rule == "min_notional"
    check_order(small, replace(BTC, min_notional_applies_to_market=False), D(50000))


def test_what_only_reduces_a_position_may_be_worth_less_where_the_exchange_says_so() -> None:
    rest = OrderRequest.limit(BTC.symbol, "sell", "0.00001", 50000, reduce_only=True)
    with pytest.raises(InvalidArgument, match="min"):
        check_order(rest, BTC)
    check_order(rest, replace(BTC, min_notional_applies_to_reduce_only=False))


def test_a_quote_quantity_is_the_notional() -> None:
    error = refusal(OrderRequest.market("BTC/USDT", "buy", "4.99", quantity_unit="quote"))
    assert (error.rule, error.nearest) == ("min_notional", (D(5),))


@pytest.mark.parametrize("status", ["cancel_only", "halted", "pending", "closed"])
def test_an_instrument_that_does_not_trade_takes_no_orders(status: str) -> None:
    error = refusal(limit("0.001", "50000"), replace(BTC, status=InstrumentStatus(status), raw_status="BREAK"))
    assert error.rule == "status"
    assert "BREAK" in str(error)
    assert refusal(limit("0.001", "50000"), replace(BTC, status=InstrumentStatus(status))).rule == "status"


def test_the_rules_of_another_symbol_are_refused() -> None:
    assert refusal(limit("1", "1", Symbol("ETH", "USDT"))).rule == "symbol"


def test_inverse_products_count_contracts() -> None:
    symbol = INVERSE.symbol
    base = OrderRequest.limit(symbol, "buy", "1", "50000")
    assert refusal(base, INVERSE).rule == "quantity_unit"
    contracts = OrderRequest.limit(symbol, "buy", "1", "50000", quantity_unit=QuantityUnit.CONTRACTS)
    assert refusal(contracts, INVERSE).rule == "min_notional"  # 1 contract of 100 USD, 200 needed
    check_order(OrderRequest.limit(symbol, "buy", "2", "50000", quantity_unit=QuantityUnit.CONTRACTS), INVERSE)
    assert "contracts" in str(
        refusal(OrderRequest.limit(symbol, "buy", "2.5", "50000", quantity_unit=QuantityUnit.CONTRACTS), INVERSE)
    )


def test_contracts_of_a_linear_product_are_converted_to_base() -> None:
    linear = replace(BTC, kind=InstrumentKind.LINEAR, contract_size=D("0.001"))
    check_order(OrderRequest.limit("BTC/USDT", "buy", "1", "50000", quantity_unit="contracts"), linear)
    assert refusal(
        OrderRequest.limit("BTC/USDT", "buy", "0.001", "50000", quantity_unit="contracts"), linear
    ).rule == "min_quantity"  # fmt: skip


def test_significant_digits_refuse_the_sixth_digit_but_pass_any_integer() -> None:
    instrument = replace(BTC, price_rule=SignificantDigits(5, 6), min_notional=None)
    check_price(D("123456"), instrument)
    check_price(D("1234.5"), instrument)
    check_price(D("0.001234"), instrument)
    error = refusal(limit("1", "1234.56"), instrument)
    assert (error.rule, error.nearest) == ("significant_digits", (D("1234.5"), D("1234.6")))
    assert refusal(limit("1", "0.0012345"), instrument).nearest == (D("0.001234"), D("0.001235"))
    assert refusal(limit("1", "123456.5"), instrument).nearest == (D("123456"), D("123457"))


def test_without_rules_anything_positive_passes() -> None:
    free = Instrument(
        BTC.symbol, "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING, price_rule=None, step_size=None
    )
    check_order(limit("0.123456789", "1.23456789"), free)
    assert round_price(free, D("1.23"), Rounding.FLOOR) == D("1.23")
    assert round_quantity(free, D("1.23"), Rounding.FLOOR) == D("1.23")
    stated = replace(free, min_notional=D(5), min_quantity=D(1))
    assert refusal(limit("1", "1"), stated).nearest == ()
    assert refusal(limit("0.5", "1"), stated).nearest == (D(1),)


def test_a_filter_of_zero_is_switched_off() -> None:
    off = replace(
        BTC, price_rule=TickSize(D(0), D(0), D(0)), step_size=D(0), min_quantity=D(0), max_quantity=D(0),
        market_step_size=D(0), market_max_quantity=D(0), min_notional=D(0), max_notional=D(0),
    )  # fmt: skip
    check_order(limit("0.000000001", "0.000000001"), off)
    check_order(OrderRequest.market("BTC/USDT", "buy", "1E-9"), off)


def test_a_maximum_below_one_step_has_no_valid_quantity() -> None:
    odd = replace(BTC, max_notional=D("0.1"), min_notional=None)
    assert refusal(limit("0.001", "50000"), odd).nearest == ()


def test_rounding_a_quantity_refuses_zero_and_the_outside_of_the_range() -> None:
    assert round_quantity(BTC, D("0.123456"), Rounding.FLOOR) == D("0.12345")
    assert round_quantity(BTC, D("0.123456"), Rounding.CEIL, market=True) == D("0.12346")
    with pytest.raises(InvalidArgument, match="becomes 0 by floor") as zero:
        round_quantity(BTC, D("0.000001"), Rounding.FLOOR)
    assert zero.value.nearest == (D("0.00001"),)
    with pytest.raises(InvalidArgument) as above:
        round_quantity(BTC, D("101"), Rounding.FLOOR, market=True)
    assert above.value.rule == "quantity_range"
    with pytest.raises(InvalidArgument) as price:
        round_price(BTC, D("1000000.5"), Rounding.FLOOR)
    assert price.value.rule == "price_range"


def test_a_mode_given_as_text_is_that_mode_and_never_another() -> None:
    for mode, rounded in (("floor", "2.2"), ("ceil", "2.3"), ("nearest", "2.3")):
        assert round_to_step(D("2.26"), D("0.1"), mode) == D(rounded)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="rounds by: floor, ceil, nearest; not 'up'"):
        round_to_step(D("2.26"), D("0.1"), "up")  # type: ignore[arg-type]
