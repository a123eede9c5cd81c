"""What each refusal of USDⓈ-M futures means, where several codes mean other things than on spot."""

from __future__ import annotations

import json

import pytest

from lotusx.errors import BadRequest, ErrorKind as K, LotusXError, RateLimited, TimestampSkew, Unavailable
from lotusx.plugin import Effect, Request, Response, Verb
from lotusx_binance.errors import SPOT
from lotusx_binance.perp.errors import PERP, PerpDialect
from lotusx_binance.pools import ORDERS
from lotusx_binance.replies import ErrorBody

DIALECT = PerpDialect("binance-perp")
READ = Request(Verb.GET, "https://fapi.binance.com", "/fapi/v1/order")
COMMAND = Request(Verb.POST, "https://fapi.binance.com", "/fapi/v1/order", effect=Effect.COMMAND)

# The fact sheet's table (§8.2), rows of both markets and of UM.
SHEET = {
    K.UNKNOWN_EXECUTION: (-1000, -1001, -1006, -1007, -4083),
    K.UNAVAILABLE: (-1008, -1016, -2012),
    K.AUTHENTICATION: (-1002, -1022, -1099, -2014, -2015),
    K.PERMISSION: (-1005, -1011, -2017, -2023, -4087, -4088, -4105, -4107, -4109, -4189, -4192, -4202, -4209, -4400),
    K.RATE_LIMITED: (-1003, -1015),
    K.TIMESTAMP_SKEW: (-1021, -5028),
    K.INVALID_SYMBOL: (-1121, -4104, -4144),
    K.MARKET_CLOSED: (-2016, -4140, -4141),
    K.INSUFFICIENT_FUNDS: (-2018, -2019, -2024, -4050, -4051),
    K.ORDER_LIMIT: (-2025, -2027, -2028, -4045),
    K.DUPLICATE_ORDER: (-4116,),
    K.ORDER_NOT_FOUND: (-2011, -2013, -4117),
    K.WOULD_TRIGGER: (-2021, -4142),
    K.REDUCE_ONLY_REJECTED: (-2022, -4118),
    K.POST_ONLY_WOULD_TAKE: (-5022,),
    K.NO_CHANGE: (-4046, -4059, -4171, -5027),
    K.INVALID_ORDER: (
        *(-1010, -1013, -1014, -1111, -1112, -1114, -1117, -2010, -2020, -2026, -4000, -4003, -4007, -4013, -4014),
        *(-4015, -4016, -4020, -4023, -4024, -4031, -4047, -4048, -4060, -4061, -4062, -4067, -4068, -4120, -4131),
        *(-4135, -4139, -4164, -4168, -4170, -4183, -4184, -4210, -4211, -4531, -5021, -5024, -5026, -5029, -5037),
        *(-5041, -5043, -5047),
    ),
    K.BAD_REQUEST: (-1004, -1020, -1023, -1100, -1108, -1110, -1120, -1125, -1126, -1136, -4021, -4028, -4082, -9999),
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in SHEET.items() for code in codes])
def test_code_means_what_the_sheet_says(kind: K, code: int) -> None:
    assert PERP.kind_of(code, "some words") is kind


@pytest.mark.parametrize(
    ("code", "spot", "futures"),
    [
        (-2021, K.PARTIAL_FAILURE, K.WOULD_TRIGGER),
        (-2022, K.INVALID_ORDER, K.REDUCE_ONLY_REJECTED),
        (-2026, K.ORDER_NOT_FOUND, K.INVALID_ORDER),
    ],
)
def test_one_code_means_another_thing_on_spot(code: int, spot: K, futures: K) -> None:
    assert (SPOT.kind_of(code, ""), PERP.kind_of(code, "")) == (spot, futures)


def test_cancel_restrictions_are_no_missing_order() -> None:
    assert PERP.kind_of(-2011, "Order was not canceled due to cancel restrictions.") is K.INVALID_ORDER


def _error(status: int, code: int, words: str, request: Request = COMMAND) -> LotusXError:
    error = DIALECT.error(request, Response(status, {}, json.dumps({"code": code, "msg": words}).encode()))
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (503, -1000, "Unknown error, please check your request or try again later."),
        (503, -1001, "Internal error; unable to process your request. Please try again."),
        (408, -1007, "Timeout waiting for response from backend server."),
        (502, 0, "bad gateway"),
        (400, -1006, "An unexpected response was received from the message bus."),
        (200, -4083, "Fail to place batch order."),
        (503, -1000, "Service Unavailable."),
        (503, -1007, "Timeout waiting for response: service unavailable."),
        (503, 0, "Service Unavailable for your order, its outcome is unknown."),
        (504, 0, "Service Unavailable."),
        (504, -1008, "Request throttled by system-level protection."),
        (408, -1008, "Request throttled by system-level protection."),
    ],
)
def test_doubtful_failures_leave_a_command_open(status: int, code: int, words: str) -> None:
    refusal = PERP.refusal("binance-perp", ErrorBody(code, words), status=status, command=True)

    assert refusal.may_have_executed


@pytest.mark.parametrize(
    ("code", "words"),
    [(-1008, "Request throttled by system-level protection."), (0, "Service Unavailable.")],
)
def test_throttling_and_absence_prove_that_nothing_was_placed(code: int, words: str) -> None:
    error = _error(503, code, words)

    assert isinstance(error, Unavailable)
    assert not error.may_have_executed


@pytest.mark.parametrize(
    "page",
    [b"Service Unavailable.", b"<html><body><h1>503 Service Unavailable</h1>No server is available.</body></html>"],
)
def test_a_page_of_something_in_between_leaves_a_command_open(page: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(503, {"content-type": "text/html"}, page))

    assert error is not None
    assert error.may_have_executed


def test_order_limit_holds_orders_alone() -> None:
    error = _error(429, -1015, "Too many new orders; current limit is 300 orders per TEN_SECONDS.")

    assert isinstance(error, RateLimited)
    assert error.pool == ORDERS


def test_lateness_at_the_matching_engine_is_no_order() -> None:
    error = _error(400, -5028, "Timestamp for this request is outside of the ME recvWindow.")

    assert isinstance(error, TimestampSkew)
    assert not error.may_have_executed


def test_unknown_listen_key_is_not_worth_another_try() -> None:
    error = _error(400, -1125, "This listenKey does not exist.", READ)

    assert isinstance(error, BadRequest)
    assert not error.retryable
