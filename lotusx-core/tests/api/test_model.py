"""Values of the model."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st

import lotusx.model as model
from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import (
    AmendRequest,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OrderRequest,
    OrderType,
    Side,
    Symbol,
    TickSize,
)
from lotusx.model.enums import Interval, OptionRight, OrderStatus, known
from lotusx.model.market_data import BestBidOffer, Trade, as_datetime
from lotusx.model.numbers import (
    added,
    decimal_from_user,
    decimal_from_wire,
    exact,
    exact_interpreted,
    multiplied,
    negated,
    plain,
    quotient,
    shifted,
    subtracted,
)
from lotusx.model.orders import OrderState

finite = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("BTC/USDT", Symbol("BTC", "USDT")),
        ("BTC/USDT:USDT", Symbol("BTC", "USDT", "USDT")),
        ("XYZ-TSLA/USDC:USDC", Symbol("XYZ-TSLA", "USDC", "USDC")),
        ("BTC/USDT:USDT-261225", Symbol("BTC", "USDT", "USDT", date(2026, 12, 25))),
        (
            "BTC/USDT:USDT-261225-90000-C",
            Symbol("BTC", "USDT", "USDT", date(2026, 12, 25), Decimal(90000), OptionRight.CALL),
        ),
    ],
)
def test_a_symbol_reads_and_writes_its_text(text: str, symbol: Symbol) -> None:
    assert Symbol.parse(text) == symbol
    assert str(symbol) == text
    assert Symbol.parse(symbol) is symbol


@pytest.mark.parametrize("text", ["BTCUSDT", "BTC/", "/USDT", "BTC/USDT:", "BTC/USDT:USDT-261399", "BTC USDT", 5])
def test_what_is_no_symbol_is_refused(text: object) -> None:
    with pytest.raises(InvalidArgument):
        Symbol.parse(text)  # type: ignore[arg-type]


@given(finite)
def test_wire_text_has_no_exponent_and_reads_back_equal(value: Decimal) -> None:
    text = plain(value)
    assert "E" not in text.upper()
    assert Decimal(text) == value
    assert text != "-0"
    assert not ("." in text and text.endswith("0"))


@pytest.mark.parametrize("value", [0.1, float("nan"), True, None, b"1", "abc", "NaN", "Infinity"])
def test_a_number_that_is_not_exact_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument):
        decimal_from_user(value, name="price")


def test_a_float_is_shown_the_right_call() -> None:
    with pytest.raises(InvalidArgument, match=r"price=Decimal\('0.1'\)"):
        decimal_from_user(0.1, name="price")


@pytest.mark.parametrize("text", ["NaN", "inf", "-Infinity", "", "1,5", None])
def test_wire_text_that_is_no_number_rejects_the_item(text: str) -> None:
    with pytest.raises(ItemRejected):
        decimal_from_wire(text)
    with pytest.raises(ItemRejected):
        exact(text)


@given(finite)
def test_a_lazily_read_number_is_the_wire_text(value: Decimal) -> None:
    text = format(value, "f")
    trade = Trade(Symbol("A", "B"), "1", Side.BUY, exact(text), text, 5)
    assert trade.price == Decimal(text)
    assert trade.quantity == Decimal(text)
    bbo = BestBidOffer(Symbol("A", "B"), text, text, text, text)
    price = Decimal(text) or None  # where nobody is there is no price
    assert (bbo.bid_price, bbo.ask_price) == (price, price)
    assert (bbo.bid_quantity, bbo.ask_quantity) == (Decimal(text), Decimal(text))


_texts = st.text("0123456789.+-eE_ nai\u0661\ud800", max_size=12) | st.from_regex(r"[+-]?\d*\.?\d*", fullmatch=True)


@given(value=_texts | st.sampled_from([None, 1, 1.5, b"1", [], float("nan"), "1e999", "9" * 300, "9" * 309]))
def test_the_form_of_a_number_is_judged_alike_compiled_and_interpreted(value: Any) -> None:
    def judged(judge: Callable[[Any], Any]) -> Any:
        try:
            return judge(value)
        except ItemRejected as error:
            return f"{error} {error.value!r}"

    assert judged(exact) == judged(exact_interpreted)


def test_a_number_is_judged_by_name_too_and_by_one_argument_only() -> None:
    assert exact(text="1.50") == "1.50"
    with pytest.raises(ItemRejected):
        exact(text="x")
    for arguments, named in (((), {}), (("1", "2"), {}), ((), {"value": "1"}), (("1",), {"text": "1"})):
        with pytest.raises(TypeError):
            exact(*arguments, **named)
    assert list(inspect.signature(exact).parameters) == ["text"]


def test_times_are_aware_and_exact_to_the_microsecond() -> None:
    trade = Trade(Symbol("A", "B"), "1", Side.BUY, "1", "1", 1_770_000_000_123_456_789)
    assert trade.time is not None
    assert trade.time.isoformat() == "2026-02-02T02:40:00.123456+00:00"
    assert as_datetime(None) is None


def test_an_unknown_value_that_decides_money_rejects_the_item() -> None:
    assert known({"B": Side.BUY}, "B", field="S") is Side.BUY
    with pytest.raises(ItemRejected, match="'X' of S"):
        known({"B": Side.BUY}, "X", field="S")


def test_intervals_know_their_length() -> None:
    assert Interval.M1.fixed_ms == 60_000
    assert Interval.W1.fixed_ms == 604_800_000
    assert Interval.MONTH1.fixed_ms is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": 0.1}, "exact"),
        ({"quantity": "0"}, "above zero"),
        ({"price": None}, "price is missing"),
        ({"type": "market"}, "price is not used"),
        ({"type": "stop_loss_limit"}, "trigger_price is missing"),
        ({"trigger_price": "5"}, "trigger_price is not used"),
        ({"trailing_fraction": "0.1"}, "trailing_fraction is not used"),
        ({"quantity_unit": "quote"}, "market orders only"),
        ({"post_only": True, "time_in_force": "ioc"}, "post_only"),
        ({"time_in_force": "gtd"}, "expires_ns"),
        ({"expires_ns": 5}, "expires_ns"),
        ({"type": "unknown"}, "unknown type"),
        ({"side": "up"}, "side"),
        ({"colour": "red"}, "colour"),
        ({"symbol": "BTCUSDT"}, "not a symbol"),
    ],
)
def test_an_order_that_cannot_be_right_is_refused_when_written(change: dict[str, object], reason: str) -> None:
    order = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "quantity": "1", "price": "2"}
    with pytest.raises(InvalidArgument, match=reason):
        OrderRequest(**{**order, **change})


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"quantity": 1}, "name the order"),
        ({"client_order_id": "a"}, "new quantity or a new price"),
        ({"client_order_id": "a", "price": 0}, "above zero"),
        ({"venue_order_id": "7", "quantity": 0.5}, "must be exact"),
    ],
)
def test_an_amendment_that_cannot_be_right_is_refused_when_written(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        AmendRequest("BTC/USDT", **arguments)


def test_an_amendment_keeps_exact_numbers() -> None:
    assert AmendRequest("BTC/USDT", "a", price="90.10").terms == (None, Decimal("90.10"))


def test_a_bound_on_slippage_is_for_orders_without_a_limit() -> None:
    assert OrderRequest.market("BTC/USDT", "buy", 1, max_slippage="0.01").max_slippage == Decimal("0.01")
    with pytest.raises(InvalidArgument, match="fraction below 1"):
        OrderRequest.market("BTC/USDT", "buy", 1, max_slippage=1)
    with pytest.raises(InvalidArgument, match="without a limit price"):
        OrderRequest.limit("BTC/USDT", "buy", 1, 100, max_slippage="0.01")


def test_an_order_is_written_in_one_line() -> None:
    limit = OrderRequest.limit("BTC/USDT", "buy", "0.5", 100)
    assert (limit.symbol, limit.side, limit.price) == (Symbol("BTC", "USDT"), Side.BUY, Decimal(100))
    assert OrderRequest.market("BTC/USDT", Side.SELL, 1).type is OrderType.MARKET
    assert limit.with_id("a").client_order_id == "a"


def test_remaining_is_unknown_where_the_quantity_is() -> None:
    state = OrderState(Symbol("A", "B"), "1", "c", Side.BUY, OrderType.LIMIT, OrderStatus.OPEN, Decimal(5), Decimal(2))
    assert state.remaining == 3
    assert (
        OrderState(Symbol("A", "B"), "1", "c", Side.BUY, OrderType.MARKET, OrderStatus.OPEN, None, Decimal(2)).remaining
        is None
    )


def test_an_instrument_decodes_its_document_when_asked() -> None:
    calls: list[int] = []

    def document() -> dict[str, int]:
        calls.append(1)
        return {"a": 1}

    instrument = Instrument(
        Symbol("A", "B", "C"),
        "AB",
        InstrumentKind.LINEAR,
        InstrumentStatus.TRADING,
        TickSize(Decimal(1)),
        Decimal(1),
        _raw=document,
    )
    assert not calls
    assert instrument.raw == {"a": 1}
    assert (instrument.base, instrument.quote, instrument.settle) == ("A", "B", "C")


def test_the_package_lists_its_names_and_knows_no_others() -> None:
    assert "OrderRequest" in dir(model)
    for name in model.__all__:
        assert getattr(model, name) is not None
    with pytest.raises(AttributeError):
        model.nothing_of_that_name  # noqa: B018


def test_a_request_is_written_by_name_and_read_as_the_same_one() -> None:
    request = OrderRequest(
        symbol="BTC/USDT:USDT", side="sell", type="stop_loss_limit", quantity="0.10", price="1E+2",
        trigger_price="90.50", time_in_force="gtd", expires_ns=5, reduce_only=True, client_order_id="a-1",
        native={"x": "y"},
    )  # fmt: skip

    fields = request.plain_fields()

    assert (fields["quantity"], fields["price"], fields["trigger_price"]) == ("0.10", "100", "90.50")
    assert OrderRequest(**json.loads(json.dumps(fields))) == request


@given(digits=st.integers(-(10**40), 10**40), places=st.integers(-20, 20))
def test_moving_the_decimal_point_rounds_nothing_whatever_the_callers_context(digits: int, places: int) -> None:
    with localcontext(prec=2):
        moved = shifted(Decimal(digits), places)
    assert Fraction(moved) == Fraction(digits) * Fraction(10) ** places


def test_an_average_has_28_digits_whatever_the_callers_context() -> None:
    with localcontext(prec=2):
        assert quotient(Decimal("300.3"), Decimal(2)) == Decimal("150.15")
        assert len(quotient(Decimal(1), Decimal(3)).as_tuple().digits) == 28


def test_what_may_still_execute_is_exact_whatever_the_callers_context() -> None:
    state = OrderState(
        symbol=Symbol("BTC", "USDT"),
        venue_order_id="1",
        client_order_id=None,
        side=Side.BUY,
        type=OrderType.LIMIT,
        status=OrderStatus.PARTIALLY_FILLED,
        quantity=Decimal("1234567.8"),
        filled=Decimal("0.3"),
    )
    with localcontext(prec=6):
        assert state.remaining == Decimal("1234567.5")


def test_amounts_are_added_subtracted_multiplied_and_negated_exactly_in_any_context() -> None:
    a, b = Decimal("1234567.891"), Decimal("0.0000002")
    with localcontext(Context(prec=3, traps=[Inexact])):
        assert (added(a, b), subtracted(a, b)) == (Decimal("1234567.8910002"), Decimal("1234567.8909998"))
        assert (multiplied(a, b), str(negated(a))) == (Decimal("0.2469135782"), "-1234567.891")
    assert str(negated(Decimal("0.00"))) == str(negated(Decimal("-0.00"))) == "0.00"


@pytest.mark.parametrize("operation", [added, subtracted])
@pytest.mark.parametrize("far", ["1E+200", "1E-200", "1E+9999999"])
def test_amounts_that_would_have_to_be_rounded_are_rejected(operation: Any, far: str) -> None:
    with pytest.raises(ItemRejected, match="no amounts of one thing"):
        operation(Decimal("1234567.89"), Decimal(far))
