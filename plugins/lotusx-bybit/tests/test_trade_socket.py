"""Order entry over the socket, and batches on either way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import (
    BadRequest,
    InsufficientFunds,
    LotusXError,
    MalformedReply,
    OrderNotFound,
    RateLimited,
    Unavailable,
)
from lotusx.plugin import SigningContext, Usage
from lotusx_bybit.v5.account_types import OrderIds
from lotusx_bybit.v5.batches import MAX_ORDERS, chunks, outcomes
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.facts import QUOTA_S
from lotusx_bybit.v5.trade_socket import (
    OPS,
    read_reply,
    reply_error,
    reply_usage,
    request_name,
    request_number,
    write_request,
)

CONTEXT = SigningContext(now_ms=1_790_134_800_800, nonce=1)
HEADER = {
    "X-Bapi-Limit": "10",
    "X-Bapi-Limit-Status": "9",
    "X-Bapi-Limit-Reset-Timestamp": "1790134800811",
    "Traceid": "t-1",
    "Timenow": "1790134800711",
}


def _reply(code: int = 0, **more: Any) -> bytes:
    message = {"reqId": "9.1", "retCode": code, "retMsg": "words", "op": "order.create", "header": HEADER, **more}
    return json.dumps(message).encode()


def test_request_is_the_documented_one() -> None:
    params = {"category": "linear", "symbol": "ETHUSDT", "qty": "0.20", "positionIdx": 0}

    assert json.loads(write_request(OPS["/v5/order/create"], params, 9, CONTEXT)) == {
        "reqId": "9.1790134800800",
        "header": {"X-BAPI-TIMESTAMP": "1790134800800", "X-BAPI-RECV-WINDOW": "5000"},
        "op": "order.create",
        "args": [params],
    }


@given(st.integers(0, 2**63), st.integers(0, 2**53))
def test_name_of_a_request_gives_its_number_back_and_fits(request_id: int, now_ms: int) -> None:
    name = request_name(request_id, now_ms)

    assert request_number(name) == request_id
    assert len(name) <= 36


@pytest.mark.parametrize("name", ["", "test-005", "x.1", "²"])
def test_name_of_somebody_else_is_nobodys(name: str) -> None:
    assert request_number(name) is None


def test_reply_that_says_yes_is_read() -> None:
    reply = read_reply("bybit", _reply(data={"orderId": "o-1", "orderLinkId": "a-1"}, retExtInfo={}))

    assert json.loads(bytes(reply.data)) == {"orderId": "o-1", "orderLinkId": "a-1"}
    assert reply_error("bybit", _reply()) is None


@pytest.mark.parametrize(
    ("code", "kind", "doubt"),
    [
        (110007, InsufficientFunds, False),
        (10003, RateLimited, False),
        (10429, RateLimited, False),
        (10019, Unavailable, False),
        (10000, Unavailable, True),
        (20006, Unavailable, True),
        (4711, BadRequest, False),
    ],
)
def test_refusal_means_what_it_means_on_this_surface(code: int, kind: type[LotusXError], doubt: bool) -> None:
    error = reply_error("bybit", _reply(code, data={}))

    assert type(error) is kind
    assert error.may_have_executed is doubt
    assert str(code) in str(error)


def test_used_up_quota_says_when_there_is_more() -> None:
    error = reply_error("bybit", _reply(10006), pool="/v5/order/create")

    assert isinstance(error, RateLimited)
    assert (error.after_s, error.pool) == (0.1, "/v5/order/create")
    assert error.request_id == "t-1"


@pytest.mark.parametrize("message", [b"", b"{", b'{"retMsg":"x"}', b"\xff"])
def test_reply_that_cannot_be_read_proves_nothing(message: bytes) -> None:
    error = reply_error("bybit", message)

    assert isinstance(error, MalformedReply)
    assert error.may_have_executed
    assert reply_usage("p", message) == ()


def test_reply_of_any_kind_tells_what_was_counted() -> None:
    assert list(reply_usage("p", _reply(110007))) == [Usage("p", QUOTA_S, 1)]
    assert list(reply_usage("p", b'{"retCode":0}')) == []


def _batch(*items: tuple[int, str]) -> tuple[bytes, bytes]:
    result = {"list": [{"category": "spot", "symbol": "X", "orderId": name, "orderLinkId": "a"} for _, name in items]}
    info = {"list": [{"code": code, "msg": "words"} for code, _ in items]}
    return json.dumps(result).encode(), json.dumps(info).encode()


def test_each_item_of_a_batch_has_its_own_outcome() -> None:
    result, info = _batch((0, "o-1"), (170213, ""), (10006, ""), (0, ""), (10000, ""))

    placed, missing, limited, silent, doubtful = outcomes("bybit", result, info, [{}] * 5)

    assert placed == OrderIds("o-1", "a")
    assert isinstance(missing, OrderNotFound)
    assert isinstance(limited, RateLimited)
    assert not limited.may_have_executed
    assert isinstance(silent, MalformedReply)  # taken, but under no name: nothing is known of it
    assert silent.may_have_executed
    assert isinstance(doubtful, Unavailable)
    assert doubtful.may_have_executed


@pytest.mark.parametrize(("result", "info"), [_batch((0, "o-1")), (b"{}", b"{}"), (b"", b"")])
def test_batch_that_does_not_add_up_leaves_every_item_open(result: bytes, info: bytes) -> None:
    found = outcomes("bybit", result, info, [{}] * 2)

    assert len(found) == 2
    assert all(isinstance(item, MalformedReply) and item.may_have_executed for item in found)


@given(st.lists(st.integers(), max_size=100), st.sampled_from(Category), st.integers(-5, 50))
def test_chunks_keep_order_and_fit(items: list[int], category: Category, left: int) -> None:
    size = MAX_ORDERS[category]

    cut = chunks(items, size=size, left=left)

    assert [item for chunk in cut for item in chunk] == items
    assert all(1 <= len(chunk) <= max(1, min(size, left)) for chunk in cut)
