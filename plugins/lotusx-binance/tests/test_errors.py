"""What each refusal means, and whether the command behind it may have been executed."""

from __future__ import annotations

import json

import pytest

from lotusx.errors import (
    AuthenticationError,
    BadRequest,
    Banned,
    EndpointGone,
    ErrorKind as K,
    ExchangeError,
    InsufficientFunds,
    MalformedReply,
    OrderNotFound,
    PartialFailure,
    PostOnlyWouldTake,
    RateLimited,
    Unavailable,
)
from lotusx.plugin import Effect, Request, Response, Usage, Verb
from lotusx_binance.errors import KINDS, SPOT, Code, SpotDialect
from lotusx_binance.pools import ORDERS
from lotusx_binance.replies import ErrorBody, read_api_reply

DIALECT = SpotDialect("binance")
READ = Request(Verb.GET, "https://api.binance.com", "/api/v3/order")
COMMAND = Request(Verb.POST, "https://api.binance.com", "/api/v3/order", effect=Effect.COMMAND)

# The fact sheet's table (§8.2), spot rows; what is not here is BAD_REQUEST.
SHEET = {
    K.UNKNOWN_EXECUTION: (-1000, -1001, -1006, -1007, -1008),
    K.AUTHENTICATION: (-1002, -1022, -2008, -2014, -2015),
    K.RATE_LIMITED: (-1003, -1015, -1034),
    K.INVALID_ORDER: (
        *(-1010, -1013, -1014, -1111, -1112, -1114, -1115, -1116, -1117, -1158, -1161, -1168, -1196, -1199),
        *(-1210, -1211, -1222, -1225, -2010, -2011, -2022, -2038),
    ),
    K.UNAVAILABLE: (-1016,),
    K.TIMESTAMP_SKEW: (-1021,),
    K.INVALID_SYMBOL: (-1121,),
    K.MARKET_CLOSED: (-1220, -2016),
    K.ORDER_NOT_FOUND: (-2013, -2026),
    K.PARTIAL_FAILURE: (-2021,),
    K.BAD_REQUEST: (
        *(-1020, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1118, -1119, -1120, -1122, -1127, -1128),
        *(-1130, -1131, -1134, -1135, -1139, -1145, -1151, -1194, -1033, -1035, -1152, -1169, -1191, -1221),
        *(-2035, -2036, -2042, -2039, -2043, -9999),
    ),
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in SHEET.items() for code in codes])
def test_code_means_what_the_sheet_says(kind: K, code: int) -> None:
    assert SPOT.kind_of(code, "some words") is kind


def test_every_named_code_is_in_the_table() -> None:
    assert set(Code) <= set(KINDS)


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (-2010, "Account has insufficient balance for requested action.", K.INSUFFICIENT_FUNDS),
        (-2010, "Duplicate order sent.", K.DUPLICATE_ORDER),
        (-2011, "Unknown order sent.", K.ORDER_NOT_FOUND),
        (-2010, "Order would immediately match and take.", K.POST_ONLY_WOULD_TAKE),
        (-2010, "Order would trigger immediately.", K.WOULD_TRIGGER),
        (-2010, "Market is closed.", K.MARKET_CLOSED),
        (-2010, "Stop loss orders are not supported for this symbol.", K.INVALID_ORDER),
        (-2010, "This action is disabled on this account.", K.PERMISSION),
        (-2010, "This symbol is restricted for this account.", K.PERMISSION),
        (-2010, "This symbol is not permitted for this account.", K.PERMISSION),
        (-2010, "This account may not place or cancel orders.", K.PERMISSION),
        (-2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity.", K.INVALID_ORDER),
        (-2010, "The relationship of the prices for the orders is not correct.", K.INVALID_ORDER),
        (-2038, "The requested action would change no state; rejecting.", K.NO_CHANGE),
        (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS", K.ORDER_LIMIT),
        (-2011, "Order was not canceled due to cancel restrictions.", K.INVALID_ORDER),
        (-1010, "Account has insufficient balance for requested action.", K.INSUFFICIENT_FUNDS),
        (-1013, "Filter failure: LOT_SIZE", K.INVALID_ORDER),
        (-1013, "Filter failure: MAX_NUM_ORDERS", K.ORDER_LIMIT),
        (-1013, "Filter failure: EXCHANGE_MAX_NUM_ORDERS", K.ORDER_LIMIT),
        (-1013, "Filter failure: MAX_POSITION", K.ORDER_LIMIT),
        (-1003, "Way too much request weight used; IP banned until 1770000060000.", K.BANNED),
        (-1121, "Unknown order sent.", K.INVALID_SYMBOL),
    ],
)
def test_words_decide_where_one_code_means_many_things(code: int, words: str, kind: K) -> None:
    assert SPOT.kind_of(code, words) is kind


def _reply(status: int, code: int, words: str = "words", **headers: str) -> Response:
    return Response(status, headers, json.dumps({"code": code, "msg": words}).encode())


def test_refusal_carries_everything_the_exchange_said() -> None:
    error = DIALECT.error(COMMAND, _reply(400, -2010, "Account has insufficient balance for requested action."))

    assert isinstance(error, InsufficientFunds)
    assert (error.exchange, error.code, error.http_status) == ("binance", "-2010", 400)
    assert "insufficient balance" in error.text
    assert not error.may_have_executed


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008])
@pytest.mark.parametrize("status", [400, 500])
def test_doubtful_code_leaves_a_command_open_and_a_read_retryable(code: int, status: int) -> None:
    on_command = DIALECT.error(COMMAND, _reply(status, code))
    on_read = DIALECT.error(READ, _reply(status, code))

    assert isinstance(on_command, Unavailable)
    assert on_command.may_have_executed
    assert isinstance(on_read, Unavailable)
    assert on_read.retryable
    assert not on_read.may_have_executed


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"code":-2010,"msg":"x"}', b'{"code":-10'])
def test_server_error_proves_nothing_whatever_its_body(status: int, body: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(status, {}, body))

    assert error is not None
    assert error.may_have_executed


@pytest.mark.parametrize("body", [b"<html>blocked</html>", b'{"code":0,"msg":"blocked"}'])
def test_firewall_refusal_stops_traffic(body: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(403, {"retry-after": "30"}, body))

    if body.startswith(b"<"):
        assert isinstance(error, Banned)
        assert error.after_s == 30.0
    assert error is not None
    assert not error.may_have_executed


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (418, Banned), (410, EndpointGone)])
@pytest.mark.parametrize("body", [b"", b'{"code":-1003,"msg":"Too many requests."}'])
def test_status_decides_for_limits_and_retired_endpoints(status: int, kind: type[ExchangeError], body: bytes) -> None:
    error = DIALECT.error(COMMAND, Response(status, {"retry-after": "7"}, body))

    assert type(error) is kind
    assert error.after_s == 7.0
    assert not error.may_have_executed


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"retry-after": "Mon, 02 Feb 2026 02:41:00 GMT", "date": "Mon, 02 Feb 2026 02:40:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Feb 2026 02:41:00 GMT"}, None),
        ({"retry-after": "soon", "date": "Mon, 02 Feb 2026 02:40:30 GMT"}, 30.0),
        ({"date": "Mon, 02 Feb 2026 02:40:00 GMT"}, 60.0),
        ({}, None),
    ],
)
def test_wait_is_read_without_a_clock(headers: dict[str, str], after_s: float | None) -> None:
    words = "Way too much request weight used; IP banned until 1770000060000. Please use WebSocket Streams."
    error = DIALECT.error(READ, _reply(429, -1003, words, **headers))

    assert isinstance(error, Banned)
    assert error.after_s == after_s


@pytest.mark.parametrize("status", [409, 429])  # 429: the order rate limit refused the new half
def test_half_done_replacement_names_both_halves(status: int) -> None:
    data = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "FAILURE",
        "cancelResponse": {"orderId": 1},
        "newOrderResponse": {"code": -2010, "msg": "Order would immediately match and take."},
    }
    body = json.dumps({"code": -2021, "msg": "Order cancel-replace partially failed.", "data": data}).encode()

    error = DIALECT.error(COMMAND, Response(status, {}, body))

    assert isinstance(error, PartialFailure)
    assert error.details["cancelResult"] == "SUCCESS"
    assert error.details["newOrderResponse"]["code"] == -2010


@pytest.mark.parametrize(
    ("cancel", "new", "kind"),
    [
        ({"code": -2011, "msg": "Unknown order sent."}, None, OrderNotFound),
        (
            {"orderId": 1},
            {"code": -2010, "msg": "Order would immediately match and take."},
            PostOnlyWouldTake,
        ),
    ],
)
def test_failed_replacement_means_what_its_failed_half_means(
    cancel: dict[str, object], new: dict[str, object] | None, kind: type[ExchangeError]
) -> None:
    data = {"cancelResponse": cancel, "newOrderResponse": new}
    body = json.dumps({"code": -2022, "msg": "Order cancel-replace failed.", "data": data}).encode()

    assert type(DIALECT.error(COMMAND, Response(400, {}, body))) is kind


@pytest.mark.parametrize("status", [200, 302, 400, 404])
def test_reply_that_is_no_json_is_malformed_and_kept(status: int) -> None:
    error = DIALECT.error(COMMAND, Response(status, {"content-type": "text/html"}, b"<html>hello</html>"))

    assert isinstance(error, MalformedReply)
    assert error.body == "<html>hello</html>"
    assert error.may_have_executed
    assert "text/html" in str(error)


def test_success_is_no_error() -> None:
    assert DIALECT.error(READ, Response(200, {}, b"{}")) is None
    assert DIALECT.error(READ, Response(200, {}, b"[]")) is None


def test_reply_headers_say_what_was_counted() -> None:
    headers = {
        "content-type": "application/json",
        "x-mbx-uuid": "1",
        "x-mbx-used-weight": "9",
        "x-mbx-used-weight-1m": "42",
        "x-mbx-order-count-10s": "3",
        "x-mbx-order-count-1d": "17",
        "x-sapi-used-ip-weight-1m": "5",
    }

    assert list(DIALECT.usage(READ, Response(200, headers))) == [
        Usage("ip-weight", 60.0, 42),
        Usage("orders", 10.0, 3),
        Usage("orders", 86_400.0, 17),
        Usage("sapi-ip-weight", 60.0, 5),
    ]


def test_websocket_reply_gives_its_result() -> None:
    assert (
        bytes(read_api_reply("binance", b'{"id":1,"status":200,"result":{"a":1}}', command=True, meanings=SPOT))
        == b'{"a":1}'
    )


def test_websocket_refusal_uses_the_same_table() -> None:
    message = b'{"id":1,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}'

    with pytest.raises(AuthenticationError, match="Invalid API-key"):
        read_api_reply("binance", message, command=True, meanings=SPOT)


def test_too_many_orders_hold_orders_and_not_reads() -> None:
    used_up = SPOT.refusal("binance", ErrorBody(-1015, "Too many new orders."), status=429, command=True)
    assert isinstance(used_up, RateLimited)
    assert used_up.pool == ORDERS
    other = SPOT.refusal("binance", ErrorBody(-1003, "Too many requests."), status=429, command=True)
    assert isinstance(other, RateLimited)
    assert other.pool is None


def test_websocket_limit_says_when_it_ends() -> None:
    message = (
        b'{"id":1,"status":429,"error":{"code":-1003,"msg":"Too much request weight used.",'
        b'"data":{"serverTime":1770000000000,"retryAfter":1770000012500}}}'
    )

    with pytest.raises(RateLimited) as caught:
        read_api_reply("binance", message, command=True, meanings=SPOT)
    assert caught.value.after_s == 12.5


def test_websocket_server_error_leaves_a_command_open() -> None:
    with pytest.raises(Unavailable) as caught:
        read_api_reply("binance", b'{"id":1,"status":503}', command=True, meanings=SPOT)
    assert caught.value.may_have_executed


def test_websocket_reply_that_cannot_be_read_leaves_a_command_open() -> None:
    with pytest.raises(MalformedReply) as caught:
        read_api_reply("binance", b'{"id":1,"stat', command=True, meanings=SPOT)
    assert caught.value.may_have_executed


def test_unknown_code_keeps_its_number_and_words() -> None:
    error = DIALECT.error(READ, _reply(400, -7777, "something new"))

    assert isinstance(error, BadRequest)
    assert (error.code, error.text) == ("-7777", "something new")
