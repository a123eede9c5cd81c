"""What each refusal means, and whether the command behind it may have been executed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import (
    AuthenticationError,
    BadRequest,
    EndpointGone,
    ErrorKind as K,
    ExchangeError,
    LotusXError,
    MalformedReply,
    MarketClosed,
    OrderNotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from lotusx.plugin import Effect, Request, Response, Verb
from lotusx_backpack.errors import KINDS, BackpackDialect, expiry_kind, item_error, kind_of

DIALECT = BackpackDialect("backpack")
READ = Request(Verb.GET, "", "/api/v1/order")
COMMAND = Request(Verb.POST, "", "/api/v1/order", effect=Effect.COMMAND)
BOOK = Request(Verb.GET, "", "/api/v1/depth")
POSITION = Request(Verb.GET, "", "/api/v1/position")

# The fact sheet's table (section 8); what is not here is BAD_REQUEST.
SHEET = {
    K.AUTHENTICATION: ("INVALID_SIGNATURE", "UNAUTHORIZED"),
    K.PERMISSION: ("FORBIDDEN", "ACCOUNT_DEACTIVATED", "ACCOUNT_LIQUIDATING", "INVALID_TWO_FACTOR_CODE"),
    K.INSUFFICIENT_FUNDS: (
        *("INSUFFICIENT_FUNDS", "INSUFFICIENT_MARGIN", "MAX_LEVERAGE_REACHED", "INSUFFICIENT_SUPPLY"),
        *("BORROW_LIMIT", "LEND_LIMIT", "BORROW_REQUIRES_LEND_REDEEM", "LEND_REQUIRES_BORROW_REPAY"),
    ),
    K.INVALID_ORDER: ("INVALID_ORDER", "INVALID_PRICE", "INVALID_QUANTITY"),
    K.ORDER_LIMIT: ("ORDER_LIMIT", "POSITION_LIMIT"),
    K.INVALID_SYMBOL: ("INVALID_MARKET", "INVALID_SYMBOL"),
    K.RATE_LIMITED: ("TOO_MANY_REQUESTS",),
    K.UNAVAILABLE: ("TRADING_PAUSED", "MAINTENANCE"),
    K.UNKNOWN_EXECUTION: ("TIMEOUT", "SERVER_ERROR", "TOO_EARLY"),
    K.BAD_REQUEST: (
        *("INVALID_CLIENT_REQUEST", "INVALID_RANGE", "INVALID_SOURCE", "INVALID_POSITION_ID", "INVALID_ASSET"),
        *("NOT_IMPLEMENTED", "PRECONDITION_FAILED", "RESOURCE_NOT_FOUND", "SOMETHING_NEW"),
    ),
}


def reply(status: int, code: str, message: str | None = "words") -> Response:
    return Response(status, {}, json.dumps({"code": code, "message": message}).encode())


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in SHEET.items() for code in codes])
def test_code_means_what_the_sheet_says(kind: K, code: str) -> None:
    assert kind_of(code, "some words") is kind


def test_the_sheet_leaves_out_no_code_of_the_table() -> None:
    assert set(KINDS) <= {code for codes in SHEET.values() for code in codes}


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        ("INVALID_CLIENT_REQUEST", "Invalid signature", K.AUTHENTICATION),
        ("INVALID_CLIENT_REQUEST", "Invalid X-Signature header", K.AUTHENTICATION),
        ("INVALID_CLIENT_REQUEST", "Request has expired", K.TIMESTAMP_SKEW),
        ("INVALID_CLIENT_REQUEST", "Invalid timestamp: must be within 60s", K.TIMESTAMP_SKEW),
        ("INVALID_CLIENT_REQUEST", "Invalid market symbol", K.INVALID_SYMBOL),
        ("INVALID_CLIENT_REQUEST", "Symbol not found", K.INVALID_SYMBOL),
        ("INVALID_CLIENT_REQUEST", "Quantity decimal too long", K.INVALID_ORDER),
        ("INVALID_CLIENT_REQUEST", "Price decimal too long", K.INVALID_ORDER),
        (
            "INVALID_CLIENT_REQUEST",
            "Must specify both `triggerPrice` and `triggerQuantity` or neither",
            K.INVALID_ORDER,
        ),
        ("INVALID_CLIENT_REQUEST", "Order not found", K.ORDER_NOT_FOUND),
        ("INVALID_ORDER", "Order would immediately match and take", K.POST_ONLY_WOULD_TAKE),
        ("INVALID_ORDER", "Reduce only order would increase the position", K.REDUCE_ONLY_REJECTED),
        ("INVALID_ORDER", "Reduce-Only rejected", K.REDUCE_ONLY_REJECTED),
        ("INVALID_PRICE", "Price is too far from the last active price", K.INVALID_ORDER),
        ("INVALID_QUANTITY", "Order not found", K.INVALID_ORDER),
    ],
)
def test_words_decide_where_one_code_means_many_things(code: str, words: str, kind: K) -> None:
    assert kind_of(code, words) is kind


def test_refusal_carries_everything_the_exchange_said() -> None:
    error = DIALECT.error(COMMAND, reply(400, "INSUFFICIENT_FUNDS", "Insufficient funds"))

    assert isinstance(error, ExchangeError)
    assert (error.kind, error.exchange, error.code, error.http_status) == (
        K.INSUFFICIENT_FUNDS,
        "backpack",
        "INSUFFICIENT_FUNDS",
        400,
    )
    assert error.text == "Insufficient funds"
    assert not error.may_have_executed


def test_refusal_without_words_says_its_code() -> None:
    error = DIALECT.error(COMMAND, reply(400, "SOMETHING_NEW", None))

    assert isinstance(error, BadRequest)
    assert error.text == "SOMETHING_NEW"


@pytest.mark.parametrize("status", [400, 425, 500, 503, 504])
@pytest.mark.parametrize("code", ["TIMEOUT", "SERVER_ERROR", "TOO_EARLY"])
def test_doubtful_code_leaves_a_command_open_and_a_read_retryable(status: int, code: str) -> None:
    on_command, on_read = (DIALECT.error(request, reply(status, code)) for request in (COMMAND, READ))

    assert isinstance(on_command, Unavailable)
    assert on_command.may_have_executed
    assert isinstance(on_read, Unavailable)
    assert on_read.retryable
    assert not on_read.may_have_executed


@pytest.mark.parametrize(
    "body", [b"", b"<html>502 Bad Gateway</html>", b'{"code":"INVALID_ORDER","message":"x"}', b"{"]
)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 520])
def test_broken_server_proves_nothing_about_a_command(status: int, body: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(status, {}, body))

    assert isinstance(error, Unavailable)
    assert error.may_have_executed


@pytest.mark.parametrize("code", ["MAINTENANCE", "TRADING_PAUSED"])
def test_pause_that_is_named_proves_that_nothing_was_done(code: str) -> None:
    error = DIALECT.error(COMMAND, reply(503, code))

    assert isinstance(error, Unavailable)
    assert not error.may_have_executed


@pytest.mark.parametrize("body", [b"Too many requests", b"", b'{"code":"WHATEVER","message":"x"}', b"<html>"])
def test_too_many_requests_whatever_the_body(body: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(429, {}, body))

    assert isinstance(error, RateLimited)
    assert not error.may_have_executed


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (READ, OrderNotFound),
        (replace(COMMAND, verb=Verb.DELETE), OrderNotFound),
        (COMMAND, BadRequest),  # a new order: no order was looked for
        (BOOK, MarketClosed),
        (POSITION, BadRequest),
    ],
)
def test_what_was_not_found_depends_on_the_call(request_: Request, kind: type[LotusXError]) -> None:
    assert type(DIALECT.error(request_, reply(404, "RESOURCE_NOT_FOUND", "Not found"))) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"not found", EndpointGone),
        (400, b"failed to parse parameter `limit`: invalid digit", BadRequest),
        (401, b"unauthorized", AuthenticationError),
        (403, b"region is blocked", PermissionDenied),
        (403, b"<html>blocked</html>", Unavailable),
        (404, b"<html>", Unavailable),
        (400, b'{"code":', MalformedReply),
        (400, b'{"code":7,"message":"x"}', MalformedReply),
        (302, b"", MalformedReply),
    ],
)
def test_plain_text_and_foreign_pages(status: int, body: bytes, kind: type[LotusXError]) -> None:
    assert type(DIALECT.error(READ, Response(status, {}, body))) is kind


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_page_in_front_of_the_exchange_proves_nothing(status: int) -> None:
    page = Response(status, {"content-type": "text/html"}, b"<html>WAF</html>")
    read, command = DIALECT.error(READ, page), DIALECT.error(COMMAND, page)

    assert isinstance(read, Unavailable)
    assert isinstance(command, Unavailable)
    assert (read.retryable, read.may_have_executed, command.may_have_executed) == (True, False, True)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/api/v1/ping", 200, b"pong"),
        ("/api/v1/time", 200, b"1753131712992"),
        ("/api/v1/ticker", 204, b""),
        ("/api/v1/order", 202, b""),
        ("/api/v1/account", 200, b""),
        ("/api/v1/orders", 200, b"[]"),
        ("/api/v1/capital", 200, b"{}"),
    ],
)
def test_success(path: str, status: int, body: bytes) -> None:
    assert DIALECT.error(Request(Verb.GET, "", path), Response(status, {}, body)) is None


@pytest.mark.parametrize("body", [b"<html>", b"pong", b"\xff", b"OK"])
def test_success_that_is_not_json_is_malformed(body: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(200, {"content-type": "text/html"}, body))

    assert isinstance(error, MalformedReply)
    assert error.may_have_executed
    assert "text/html" in str(error)


def test_replies_say_nothing_of_what_was_counted() -> None:
    assert list(DIALECT.usage(READ, Response(200, {"x-total": "7"}, b"[]"))) == []


@pytest.mark.parametrize(
    ("code", "text", "kind", "doubtful"),
    [
        ("INSUFFICIENT_FUNDS", "x", K.INSUFFICIENT_FUNDS, False),
        ("INVALID_ORDER", "Order would immediately match and take", K.POST_ONLY_WOULD_TAKE, False),
        ("TIMEOUT", "x", K.UNKNOWN_EXECUTION, True),
    ],
)
def test_one_order_of_a_batch_is_refused_like_a_single_one(code: str, text: str, kind: K, doubtful: bool) -> None:
    error = item_error("backpack", code, text)

    assert isinstance(error, ExchangeError)
    assert (error.kind, error.may_have_executed) == (kind, doubtful)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("PostOnlyTaker", K.POST_ONLY_WOULD_TAKE),
        ("POST_ONLY_MODE", K.POST_ONLY_WOULD_TAKE),
        ("ReduceOnlyNotReduced", K.REDUCE_ONLY_REJECTED),
        ("StopWithoutPosition", K.REDUCE_ONLY_REJECTED),
        ("InsufficientFunds", K.INSUFFICIENT_FUNDS),
        ("INSUFFICIENT_MARGIN", K.INSUFFICIENT_FUNDS),
        ("NegativeEquity", K.INSUFFICIENT_FUNDS),
        ("PRICE_BAND", K.INVALID_ORDER),
        ("SlippageToleranceExceeded", K.INVALID_ORDER),
        ("PositionLimit", K.ORDER_LIMIT),
        ("AccountTradingSuspended", K.PERMISSION),
        ("ImmediateOrCancel", None),
        ("FillOrKill", None),
        ("SelfTradePrevention", None),
        ("InsufficientLiquidity", None),
        ("Liquidation", None),
        ("Unknown", None),
        ("SomethingNew", None),
    ],
)
def test_reason_of_an_expiry_is_a_refusal_or_a_usual_end(reason: str, kind: K | None) -> None:
    assert expiry_kind(reason) is kind


@given(st.integers(100, 599), st.binary(max_size=60))
def test_no_reply_breaks_the_reader_and_no_doubt_is_lost(status: int, body: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(status, {}, body))

    if status >= 500 and b"MAINTENANCE" not in body and b"TRADING_PAUSED" not in body:
        assert error is not None
        assert error.may_have_executed
