"""What refusals become: codes of requests, codes of orders, broken servers, pages."""

from __future__ import annotations

import json

import pytest

from lotusx.errors import ErrorKind as K, ExchangeError, MalformedReply, RateLimited
from lotusx.plugin import Cost, Effect, Request, Response, Verb
from lotusx_okx.account_types import Done
from lotusx_okx.errors import KINDS, OkxDialect, item_error, kind_of

ORDER = Request(
    Verb.POST,
    "https://x",
    "/api/v5/trade/order",
    effect=Effect.COMMAND,
    costs=(Cost("POST /api/v5/trade/order", 1),),
)
READ = Request(Verb.GET, "https://x", "/api/v5/trade/order")
BATCH = Request(Verb.POST, "https://x", "/api/v5/trade/batch-orders", effect=Effect.COMMAND)


def judged(request: Request, status: int, content: object) -> Exception | None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return OkxDialect("okx").error(request, Response(status, {}, body))


def refusal(request: Request, status: int, content: object) -> ExchangeError:
    error = judged(request, status, content)
    assert isinstance(error, ExchangeError)
    return error


def row(code: str, text: str = "why") -> dict[str, str]:
    return {"clOrdId": "", "ordId": "", "sCode": code, "sMsg": text}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (200, "51603", K.ORDER_NOT_FOUND),
        (200, "51400", K.ORDER_NOT_FOUND),
        (200, "51016", K.DUPLICATE_ORDER),
        (200, "51001", K.INVALID_SYMBOL),
        (200, "51121", K.INVALID_ORDER),
        (200, "51022", K.MARKET_CLOSED),
        (200, "50037", K.TIMESTAMP_SKEW),
        (200, "50110", K.PERMISSION),
        (401, "50113", K.AUTHENTICATION),
        (401, "59998", K.AUTHENTICATION),  # not known: its status decides
        (200, "59999", K.BAD_REQUEST),
        (400, "50004", K.UNKNOWN_EXECUTION),
        (503, "50001", K.UNKNOWN_EXECUTION),
        (500, "51149", K.UNKNOWN_EXECUTION),
    ],
)
def test_a_code_means_what_is_documented(status: int, code: str, kind: K) -> None:
    error = refusal(ORDER, status, {"code": code, "msg": "text", "data": []})

    assert (error.kind, error.code, error.text) == (kind, code, "text")
    assert error.may_have_executed == (kind is K.UNKNOWN_EXECUTION)


def test_a_read_is_never_in_doubt() -> None:
    assert refusal(READ, 400, {"code": "50004", "msg": "", "data": []}).kind is K.UNAVAILABLE
    assert refusal(READ, 502, b"<html>bad gateway</html>").kind is K.UNAVAILABLE


def test_the_reason_of_one_order_stands_with_it() -> None:
    error = refusal(ORDER, 200, {"code": "1", "msg": "All operations failed", "data": [row("51008", "no money")]})

    assert (error.kind, error.code, error.text) == (K.INSUFFICIENT_FUNDS, "51008", "no money")


@pytest.mark.parametrize("code", ["1", "2"])
def test_a_batch_is_answered_order_by_order(code: str) -> None:
    assert judged(BATCH, 200, {"code": code, "msg": "", "data": [row("0"), row("51008")]}) is None


def test_a_batch_that_failed_without_items_is_an_error() -> None:
    assert refusal(BATCH, 200, {"code": "1", "msg": "failed", "data": []}).code == "1"


def test_a_rate_limit_holds_its_own_pool_only() -> None:
    error = judged(ORDER, 429, {"code": "50011", "msg": "Too Many Requests", "data": []})

    assert isinstance(error, RateLimited)
    assert error.pool == "POST /api/v5/trade/order"


def test_a_page_instead_of_json_is_malformed_or_in_doubt() -> None:
    assert isinstance(judged(ORDER, 200, b"<html>welcome</html>"), MalformedReply)
    assert refusal(ORDER, 502, b"<html>bad gateway</html>").may_have_executed
    assert refusal(ORDER, 403, b"<html>no</html>").kind is K.BANNED


def test_a_success_is_no_error() -> None:
    assert judged(READ, 200, {"code": "0", "msg": "", "data": []}) is None
    assert judged(READ, 200, b'{"msg":"","code":"0","data":[]}') is None


def test_a_sub_code_says_the_same_more_closely() -> None:
    assert kind_of("51008_1000") is KINDS["51008"]
    error = item_error("okx", Done("51008", "no money", "1000"))
    assert error is not None
    assert (error.code, error.kind) == ("51008_1000", K.INSUFFICIENT_FUNDS)
    assert item_error("okx", Done("0")) is None
