"""What each refusal means on each surface, and whether the command behind it may have been executed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import (
    AuthenticationError,
    BadRequest,
    Banned,
    ErrorKind as K,
    ExchangeError,
    InsufficientFunds,
    MalformedReply,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from lotusx.plugin import Effect, Request, Response, Usage, Verb
from lotusx_bybit.v5.codes import (
    PRIVATE_WORDS,
    PUBLIC_WORDS,
    REST_KINDS,
    TRADE_KINDS,
    kind_of,
    kind_of_words,
)
from lotusx_bybit.v5.errors import BAN_S, Quota, RestErrors, quota_of
from lotusx_bybit.v5.facts import QUOTA_S

ERRORS = RestErrors("bybit")
READ = Request(Verb.GET, "https://api.bybit.com", "/v5/order/realtime", signed=True)
COMMAND = Request(Verb.POST, "https://api.bybit.com", "/v5/order/create", signed=True, effect=Effect.COMMAND)

# The fact sheet's table (§9.2) in its own order; outcomes that §9.3 calls unknown come first.
SHEET: dict[K, tuple[int, ...]] = {
    K.UNKNOWN_EXECUTION: (
        *(429, 10000, 10014, 10016, 170001, 170007, 170032, 170035, 170146, 170147, 170310, 170234, 3400214),
        *(170149, 170150, 170311, 170190, 170212, 40004),
        *(131001, 131003, 131200, 131201),  # of v5/error, assets
    ),
    K.TIMESTAMP_SKEW: (10002, -1),
    K.AUTHENTICATION: (10003, 10004, 10007, 33004, -2015),
    K.PERMISSION: (
        *(10005, 10008, 10027, 10009, 10024, 110132, 170209, 170348, 10010, 10028, 100028, 110088, 110100),
        *(110119, 170355, 110123, 110124, 110125, 170241, 170224, 170036, 170037, 170344, 176002, 176999),
    ),
    K.RATE_LIMITED: (10006, 10018, 170005, 170222),
    K.UNAVAILABLE: (110079, 170191),
    K.BAD_REQUEST: (
        *(10001, 10017, 110019, 110032, 110024, 110028, 110029, 110036, 110038, 110015, 110076, 110077, 3400045),
        *(110073, 170105, 170130, 170115, 170116, 170117, 170201, 170202, 987654),
    ),
    K.INVALID_SYMBOL: (10029, 170121),
    K.ORDER_NOT_FOUND: (110001, 170143, 170213, 110008, 110010, 170139, 170142),
    K.INSUFFICIENT_FUNDS: (
        *(110004, 110006, 110007, 110012, 110014, 110044, 110045, 110051, 110052, 110053, 170033, 170131, 170034),
        170207,
        *(131085, 131212),
    ),
    K.ORDER_LIMIT: (110009, 110020, 110061, 170810),
    K.REDUCE_ONLY_REJECTED: (110017,),
    K.MARKET_CLOSED: (
        *(110021, 110022, 110023, 110042, 110063, 110066, 110074, 30228, 110095, 110098, 110099),
        *(170151, 170157, 170159, 170206, 170031, 170223, 170226),
    ),
    K.NO_CHANGE: (110025, 110026, 110027, 110043, 34040, 110075),
    K.DUPLICATE_ORDER: (110072, 170141),
    K.WOULD_TRIGGER: (110092, 110093),
    K.POST_ONLY_WOULD_TAKE: (170218,),
    K.INVALID_ORDER: (
        *(110003, 110120, 110121, 30208, 30209, 110011, 110039, 110040, 110046, 110013, 110085, 110086, 110087),
        *(110089, 110090, 3400139, 110057, 110058, 110059, 110060, 110064, 170313, 110094, 110103, 110118),
        *(170124, 170381, 170382, 170341, 170228, 170229, 170132, 170133, 170134, 170192, 170193, 170194, 170371),
        *(170372, 170203, 170204, 170136, 170140, 170137, 170148, 170144, 170145, 170312, 170195, 170196, 170197),
        *(170198, 170199, 170200, 170210, 170217),
    ),
}  # fmt: skip
TRADE_ONLY = {10003: K.RATE_LIMITED, 10403: K.RATE_LIMITED, 10429: K.RATE_LIMITED, 20003: K.RATE_LIMITED} | {
    10019: K.UNAVAILABLE, 10404: K.BAD_REQUEST, 20001: K.NO_CHANGE, 20006: K.UNKNOWN_EXECUTION
}  # fmt: skip


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in SHEET.items() for code in codes])
def test_code_means_what_the_sheet_says(kind: K, code: int) -> None:
    assert kind_of(code, "some words") is kind


def test_no_code_stands_in_the_tables_that_the_sheet_does_not_have() -> None:
    stated = {code for codes in SHEET.values() for code in codes}

    assert set(REST_KINDS) <= stated
    assert set(TRADE_KINDS) <= stated | set(TRADE_ONLY)


@pytest.mark.parametrize("code", [*TRADE_ONLY, 10004, 110007, 170213])
def test_trade_socket_reuses_some_numbers_and_keeps_the_others(code: int) -> None:
    assert kind_of(code, "", TRADE_KINDS) is TRADE_ONLY.get(code, REST_KINDS.get(code))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("position idx not match position mode", K.INVALID_ORDER),
        ("Not supported symbols", K.INVALID_SYMBOL),
        ("params error: symbol invalid: BTCUSDX", K.INVALID_SYMBOL),
        ("buy: [12,15] invalid", K.INVALID_ORDER),
        ("Request parameter error.", K.BAD_REQUEST),
    ],
)
def test_words_tell_the_catch_all_apart(words: str, kind: K) -> None:
    assert kind_of(10001, words) is kind
    assert kind_of(110007, words) is K.INSUFFICIENT_FUNDS


@pytest.mark.parametrize(
    ("words", "public", "private"),
    [
        ("error:handler not found,topic:orderbook.500.BTCUSDT", K.INVALID_SYMBOL, K.INVALID_SYMBOL),
        ("error:already subscribed,topic:publicTrade.BTCUSDT", K.NO_CHANGE, K.NO_CHANGE),
        ("error:invalid op", K.BAD_REQUEST, K.BAD_REQUEST),
        ("args size >10", K.BAD_REQUEST, K.BAD_REQUEST),
        ("Failed to decode incoming data: x", K.BAD_REQUEST, K.BAD_REQUEST),
        ("Params Error", K.BAD_REQUEST, K.AUTHENTICATION),
        ("never heard of", K.BAD_REQUEST, K.BAD_REQUEST),
    ],
)
def test_stream_sockets_speak_in_words(words: str, public: K, private: K) -> None:
    assert kind_of_words(words, PUBLIC_WORDS) is public
    assert kind_of_words(words, PRIVATE_WORDS) is private


def _reply(status: int, code: int, words: str = "words", **headers: str) -> Response:
    body = {"retCode": code, "retMsg": words, "result": {}, "retExtInfo": {}, "time": 1_700_000_000_000}
    return Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()
    )


def test_refusal_carries_everything_the_exchange_said() -> None:
    error = ERRORS.error(COMMAND, _reply(200, 110007, "ab not enough for new order", traceid="t-1"))

    assert isinstance(error, InsufficientFunds)
    assert (error.exchange, error.code, error.http_status, error.request_id) == ("bybit", "110007", 200, "t-1")
    assert "not enough" in error.text
    assert not error.may_have_executed


@pytest.mark.parametrize("words", ["OK", "success", "SUCCESS", ""])
def test_success_is_told_by_the_code_alone(words: str) -> None:
    assert ERRORS.error(READ, _reply(200, 0, words)) is None
    assert ERRORS.error(READ, Response(200, {}, b'{"retCode":0,"retMsg":"OK"}')) is None


def test_reasons_of_a_refused_setting_are_kept() -> None:
    body = b'{"retCode":3400045,"retMsg":"Set margin mode failed","result":{"reasons":[{"reasonCode":"3400000"}]}}'

    error = ERRORS.error(COMMAND, Response(200, {}, body))

    assert isinstance(error, BadRequest)
    assert error.details == {"reasons": [{"reasonCode": "3400000"}]}


@pytest.mark.parametrize("code", SHEET[K.UNKNOWN_EXECUTION])
def test_doubtful_code_leaves_a_command_open_and_a_read_retryable(code: int) -> None:
    on_command, on_read = ERRORS.error(COMMAND, _reply(200, code)), ERRORS.error(READ, _reply(200, code))

    assert isinstance(on_command, Unavailable)
    assert on_command.may_have_executed
    assert isinstance(on_read, Unavailable)
    assert on_read.retryable
    assert not on_read.may_have_executed


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"retCode":110007,"retMsg":"x"}', b'{"retCode":1100'])
def test_server_error_proves_nothing_whatever_its_body(status: int, body: bytes) -> None:
    error, on_read = ERRORS.error(COMMAND, Response(status, {}, body)), ERRORS.error(READ, Response(status, {}, body))

    assert error is not None
    assert error.may_have_executed
    assert on_read is not None
    assert on_read.retryable
    assert not on_read.may_have_executed


def test_address_that_asked_too_much_is_banned_for_ten_minutes() -> None:
    for page in (b"<html>access too frequent.</html>", b"usage limit", b""):
        error = ERRORS.error(READ, Response(403, {}, page))

        assert isinstance(error, Banned)
        assert error.after_s == BAN_S


def test_ban_may_come_with_a_code_and_another_refusal_is_none() -> None:
    ban = ERRORS.error(READ, Response(403, {}, b'{"retCode":10006,"retMsg":"Too many visits!"}'))
    permission = ERRORS.error(READ, Response(403, {}, b'{"retCode":10005,"retMsg":"Permission denied"}'))

    assert isinstance(ban, Banned)
    assert isinstance(permission, PermissionDenied)
    assert (permission.code, permission.http_status) == ("10005", 403)


def test_country_that_is_not_served_is_no_ban() -> None:
    page = b"The Amazon CloudFront distribution is configured to block access from your country."

    error = ERRORS.error(READ, Response(403, {}, page))

    assert isinstance(error, PermissionDenied)
    assert "country" in error.text


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", AuthenticationError),
        (401, b'{"retCode":10003,"retMsg":"API key is invalid."}', AuthenticationError),
        (404, b"<html>", BadRequest),
        (400, b"", BadRequest),
        (302, b"", MalformedReply),
        (200, b"<html>", MalformedReply),
        (200, b'{"retCode":0', MalformedReply),
        (200, b'{"x":1}', MalformedReply),
    ],
)
def test_http_status_is_read_where_there_is_no_code(status: int, body: bytes, kind: type[Exception]) -> None:
    assert isinstance(ERRORS.error(READ, Response(status, {}, body)), kind)


def test_used_up_quota_says_when_there_is_more() -> None:
    headers = {
        "x_bapi_limit": "10",
        "x_bapi_limit_status": "0",
        "x_bapi_limit_reset_timestamp": "1700000000250",
    }

    error = ERRORS.error(COMMAND, _reply(200, 10006, "Too many visits!", **headers))
    other = ERRORS.error(COMMAND, _reply(200, 110007, **headers))

    assert isinstance(error, RateLimited)
    assert error.after_s == 0.25
    assert error.pool == COMMAND.path
    assert isinstance(other, ExchangeError)
    assert other.after_s is None


def test_other_refusals_for_too_much_name_no_quota() -> None:
    error = ERRORS.error(COMMAND, _reply(200, 170222, "Too many requests"))

    assert isinstance(error, RateLimited)
    assert error.pool is None


def test_reply_tells_what_was_counted_of_its_endpoint() -> None:
    headers = {"x-bapi-limit": "10", "x-bapi-limit-status": "7", "x-bapi-limit-reset-timestamp": "1"}

    assert list(ERRORS.usage(COMMAND, Response(200, headers))) == [Usage(COMMAND.path, QUOTA_S, 3)]
    assert list(ERRORS.usage(READ, Response(200))) == []


@given(limit=st.integers(0, 1_000), left=st.integers(0, 1_000), reset=st.integers(0, 2**53))
def test_quota_is_read_from_the_headers(limit: int, left: int, reset: int) -> None:
    headers = {
        "x-bapi-limit": str(limit),
        "x-bapi-limit-status": str(left),
        "x-bapi-limit-reset-timestamp": str(reset),
    }

    quota = quota_of(headers)

    assert quota == Quota(limit, left, reset)
    assert quota.usage("p") == Usage("p", QUOTA_S, max(0, limit - left))
    assert quota.wait_s(None) is None
    assert quota.wait_s(reset) == 0.0


@pytest.mark.parametrize("headers", [{}, {"x-bapi-limit": "10"}, {"x-bapi-limit": "ten"}])
def test_reply_without_quota_has_none(headers: dict[str, str]) -> None:
    assert quota_of(headers) is None
