"""What goes over the broker comes back as it was."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from lotusx.errors import (
    ConfigurationError,
    ConnectionFailed,
    ErrorKind,
    InvalidArgument,
    ItemRejected,
    LotusXError,
    OrderOutcomeUnknown,
    RateLimited,
    Unavailable,
    UnknownSymbol,
    exchange_error,
)
from lotusx.model import (
    Balance,
    BalanceEvent,
    Fill,
    FillEvent,
    FundingEvent,
    FundingPayment,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OrderEvent,
    OrderState,
    OrderStatus,
    OrderType,
    Side,
    Symbol,
    Ticker,
    VenueEvent,
)
from lotusx.model.instruments import SignificantDigits, TickSize
from lotusx_gateway.failures import Failure, to_error, to_failure
from lotusx_gateway.messages import (
    account_event,
    arrived,
    book_depth,
    decode,
    decode_instruments,
    encode,
    encode_instruments,
    parts,
    read_account_event,
)
from lotusx_gateway.subjects import Subjects, token

BTC = Symbol.parse("BTC/USDT")
DATED = Symbol.parse("BTC/USDT:USDT-261225-90000-C")
FILL = Fill(BTC, "1", "v", Side.BUY, Decimal("1E-7"), Decimal("1.00"), 5, fee=Decimal("-0.10"), fee_asset="USDT")


@pytest.mark.parametrize("rule", [TickSize(Decimal("0.10")), SignificantDigits(5, 6), None])
def test_an_instrument_comes_back_but_for_the_exchanges_own_document(rule: TickSize | SignificantDigits | None) -> None:
    instrument = Instrument(
        DATED, "X", InstrumentKind.OPTION, InstrumentStatus.TRADING, rule, Decimal("0.001"),
        order_types=frozenset("AB"), min_notional=Decimal("5"), raw_status="Trading", _raw=lambda: {"own": 1},
    )  # fmt: skip
    (found,) = decode_instruments(encode_instruments([instrument]))
    for field in fields(Instrument):
        if field.name != "_raw":
            assert getattr(found, field.name) == getattr(instrument, field.name), field.name
    assert found.raw == {}


@pytest.mark.parametrize(
    "event",
    [
        FillEvent(FILL),
        OrderEvent(
            OrderState(
                BTC, "v", None, Side.SELL, OrderType.LIMIT, OrderStatus.OPEN, None, Decimal("0.0"), fills=(FILL,)
            )
        ),
        BalanceEvent((Balance("BTC", Decimal("1.50"), Decimal(0), Decimal("1.50")),)),
        VenueEvent("notice", {"a": "1"}, 3),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_of_an_account_comes_back(event: FillEvent | OrderEvent | BalanceEvent | VenueEvent) -> None:
    found = read_account_event(account_event(event))
    assert found == event
    assert repr(found) == repr(event)  # numbers as precise as they were


def test_what_arrives_was_received_here_and_now_whatever_the_gateways_clock_says() -> None:
    state = OrderState(BTC, "v", None, Side.SELL, OrderType.LIMIT, OrderStatus.OPEN, None, Decimal(0), fills=(FILL,))
    order = arrived(OrderEvent(state), 9)
    assert (order, [each.received_ns for each in order.state.fills]) == (OrderEvent(state), [9])
    assert arrived([FillEvent(FILL)], 9) == [FillEvent(replace(FILL, received_ns=9))]
    payment = FundingPayment(BTC, Decimal(1), "USDT", 5, received_ns=1)
    assert arrived(FundingEvent(payment), 9) == FundingEvent(replace(payment, received_ns=9))
    assert arrived(Ticker(BTC, Decimal(1), received_ns=1), 9).received_ns == 9
    assert arrived(5, 9) == 5


def test_an_event_of_an_unknown_kind_is_rejected_by_its_name() -> None:
    with pytest.raises(ItemRejected, match="'NewsEvent'"):
        read_account_event(b'["NewsEvent",{}]')


@pytest.mark.parametrize(
    "error",
    [
        InvalidArgument("no", rule="tick_size"),
        UnknownSymbol("binance", "BTX", ("BTC/USDT",)),
        ConnectionFailed("gone", sent=False),
        exchange_error(ErrorKind.RATE_LIMITED, "binance", "-1003", "slower", after_s=2.5, http_status=429),
        exchange_error(ErrorKind.PERMISSION, "binance", "-2015", "not you"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_as_what_it_was(error: LotusXError) -> None:
    found = to_error(decode(encode(to_failure(error, "binance")), Failure))
    assert type(found) is type(error)
    assert (str(found), found.retryable, found.after_s, found.may_have_executed) == (
        str(error), error.retryable, error.after_s, error.may_have_executed,
    )  # fmt: skip
    for name, value in vars(error).items():
        assert getattr(found, name) == value, name


class OwnError(RateLimited):
    """Of a plugin."""


def test_an_error_of_a_plugin_comes_back_as_the_nearest_that_everybody_has() -> None:
    found = to_error(to_failure(OwnError("binance", "1", "slower"), "binance"))
    assert type(found) is RateLimited


def test_an_outcome_that_the_gateway_does_not_know_is_doubt_for_the_consumer() -> None:
    for error in (OrderOutcomeUnknown("binance", "mine", ("no reply",)), RuntimeError("a secret thing")):
        found = to_error(to_failure(error, "binance"))
        assert isinstance(found, Unavailable)
        assert found.may_have_executed
        assert "a secret thing" not in str(found)


def test_an_error_of_a_newer_gateway_is_still_an_error() -> None:
    assert type(to_error(Failure("NewError", "new", {"kind": "new"}))) is LotusXError


def test_a_long_answer_comes_in_parts_of_which_the_last_says_so() -> None:
    data = b"x" * 1_200_000
    cut = list(parts(data))
    assert [part[:1] for part in cut] == [b"0", b"0", b"1"]
    assert b"".join(part[1:] for part in cut) == data
    assert [part[:1] for part in parts(b"")] == [b"1"]


def test_a_feed_has_a_subject_of_its_own_whatever_its_symbol() -> None:
    subjects = Subjects("binance", "live")
    assert subjects.feed("trades BTC/USDT:USDT") == "lotusx.binance.live.feed.trades.BTC/USDT:USDT"
    assert subjects.feed("trades A.B*/>C") == "lotusx.binance.live.feed.trades.A%2EB%2A/%3EC"
    assert subjects.asked(subjects.asks("me")) == ("me", None)
    assert subjects.asked(subjects.asks("me", "main")) == ("me", "main")


@pytest.mark.parametrize("name", ["", "a.b", "a>", "a b", None, "x" * 65])
def test_a_name_that_cannot_stand_in_a_subject_is_refused(name: object) -> None:
    with pytest.raises(ConfigurationError, match="the name is up to 64 letters"):
        token(name, what="the name")


def test_a_book_is_as_deep_as_asked_for_or_as_there_is() -> None:
    assert [book_depth(wanted) for wanted in (1, 20, 21, 5_000)] == [20, 20, 200, 200]
