"""Every refusal of the exchange becomes the error that says what to do next, in its own words."""

from __future__ import annotations

import json

import pytest
from hyperliquid_corpus import CORPUS, needs_corpus, replies
from hypothesis import given, strategies as st

from lotusx.errors import (
    AuthenticationError,
    BadRequest,
    DuplicateOrder,
    ExchangeError,
    InsufficientFunds,
    InvalidOrder,
    InvalidSymbol,
    LotusXError,
    MalformedReply,
    OrderLimitReached,
    OrderNotFound,
    PermissionDenied,
    PostOnlyWouldTake,
    RateLimited,
    ReduceOnlyRejected,
    TimestampSkew,
    Unavailable,
    WouldTrigger,
)
from lotusx.plugin import Effect, Request, Response, Verb
from lotusx_hyperliquid.errors import (
    HyperliquidDialect,
    action_error,
    is_unfilled_ioc,
    item_error,
    post_error,
    refusal,
)
from lotusx_hyperliquid.facts import ADDRESS_ACTIONS

ORDER = Request(Verb.POST, "", "/exchange", endpoint="order", effect=Effect.COMMAND, signed=True)
BOOK = Request(Verb.POST, "", "/info", endpoint="info/l2Book")
INFO = Request(Verb.POST, "", "/info", endpoint="userAbstraction")
ADDRESS = "0x281abb829ea0b0291ceaa3b14b5b5d893070e8d5"


def rest(request: Request, status: int, body: bytes | str) -> LotusXError | None:
    document = body if isinstance(body, bytes) else body.encode()
    return HyperliquidDialect("hyperliquid").error(request, Response(status, {}, document))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"User or API Wallet {ADDRESS} does not exist.", AuthenticationError),
        (f"Must deposit before performing actions. User: {ADDRESS}", AuthenticationError),
        ("Unable to recover signer", AuthenticationError),
        ("Mainnet and testnet require different signature", AuthenticationError),
        ("Invalid nonce: duplicate nonce 1700000000000", DuplicateOrder),
        ("Invalid nonce: nonce too low 1 < 1700000000000", TimestampSkew),
        ("Invalid nonce: nonce too high 9 > 7", TimestampSkew),
        ("Nonce mismatch", BadRequest),
        ("Action already expired", TimestampSkew),
        (f"Vault not registered: {ADDRESS}", PermissionDenied),
        ("Multi-sig required", PermissionDenied),
        ("Too many cumulative requests sent (11 > 10) for cumulative volume traded $0.0", RateLimited),
        ("Cannot set scheduled cancel time until enough volume traded. Required: $1000000", PermissionDenied),
        ("Insufficient balance for withdrawal", InsufficientFunds),
        ("Invalid leverage value", BadRequest),
        ("Order must have minimum value of $10.", InvalidOrder),  # a check that refuses a whole batch
        ("Deployer has not staked enough", BadRequest),  # not known
    ],
)
def test_refusal_of_an_action_in_an_http_200(text: str, kind: type[ExchangeError]) -> None:
    error = rest(ORDER, 200, json.dumps({"status": "err", "response": text}))

    assert type(error) is kind
    assert (error.text, error.code, error.http_status) == (text, "err", 200)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Order must have minimum value of $10. asset=173", InvalidOrder),
        ("Order must have minimum value of 10 USDC. asset=10107", InvalidOrder),
        ("Price must be divisible by tick size. asset=4", InvalidOrder),
        ("Order has invalid size.", InvalidOrder),
        ("Order has zero size.", InvalidOrder),
        ("Order has invalid price.", InvalidOrder),
        ("Order price cannot be more than 80% away from the reference price asset=1", InvalidOrder),
        ("Order price too far from oracle asset=1", InvalidOrder),
        ("Insufficient margin to place order. asset=4", InsufficientFunds),
        ("Order has insufficient spot balance to trade", InsufficientFunds),
        ("Insufficient balance for token 0", InsufficientFunds),
        ("Reduce only order would increase position. asset=4", ReduceOnlyRejected),
        ("Post only order would have immediately matched, bbo was 1.5@1.6. asset=4", PostOnlyWouldTake),
        ("Order could not immediately match against any resting orders. asset=4", InvalidOrder),
        ("No liquidity available for market order.", InvalidOrder),
        ("Invalid TP/SL price. asset=4", WouldTrigger),
        ("Order would increase open interest while open interest is capped asset=4", InvalidOrder),
        ("Order would increase open interest too quickly asset=4", InvalidOrder),
        ("Order rejected due to price more aggressive than oracle while at open interest cap asset=4", InvalidOrder),
        ("Order would exceed margin tier limit asset=4", OrderLimitReached),
        ("Order was never placed, already canceled, or filled. asset=173", OrderNotFound),
        ("TWAP was never placed, already canceled, or filled.", OrderNotFound),
        ("Something new about this order", InvalidOrder),
    ],
)
def test_refusal_of_one_item(text: str, kind: type[ExchangeError]) -> None:
    error = item_error("hyperliquid", text)

    assert type(error) is kind
    assert error.code == "error"
    words, _, asset = text.partition(" asset=")
    assert error.text == words
    assert error.details == ({"asset": int(asset)} if asset else None)
    assert not error.may_have_executed


@pytest.mark.parametrize(
    ("status", "body", "request_", "kind"),
    [
        (400, "Failed to parse the request body as JSON: x", INFO, BadRequest),
        (422, "Failed to deserialize the JSON body into the target type", ORDER, BadRequest),
        (415, "Expected request with `Content-Type: application/json`", INFO, BadRequest),
        (405, "", INFO, BadRequest),
        (429, "null", INFO, RateLimited),
        (429, "null", ORDER, RateLimited),
        (500, "null", INFO, Unavailable),
        (502, "<html>Bad Gateway</html>", INFO, Unavailable),
        (502, "<html>Bad Gateway</html>", ORDER, Unavailable),
        (504, "", ORDER, Unavailable),
    ],
)
def test_http_status(status: int, body: str, request_: Request, kind: type[ExchangeError]) -> None:
    error = rest(request_, status, body)

    assert type(error) is kind
    assert (error.code, error.http_status) == (str(status), status)
    assert error.may_have_executed is (request_ is ORDER and status >= 500)
    assert "null" not in str(error)


def test_unknown_coin_is_said_by_a_null_for_a_book_and_by_nothing_else() -> None:
    assert type(rest(BOOK, 200, "null")) is InvalidSymbol
    assert rest(INFO, 200, "null") is None


@pytest.mark.parametrize("body", ['"unifiedAccount"', "{}", "[]", "null", "1.5", "true"])
def test_any_json_is_an_answer_to_a_question(body: str) -> None:
    assert rest(INFO, 200, body) is None


@pytest.mark.parametrize("body", ["", "<html></html>", "Websocket connection established."])
def test_answer_that_is_no_json_is_malformed(body: str) -> None:
    assert type(rest(INFO, 200, body)) is MalformedReply


@pytest.mark.parametrize(
    "body", ["", "null", "{}", '{"status":', '{"status":"maybe"}', '{"status":"err","response":{}}']
)
def test_answer_to_an_action_that_cannot_be_read_leaves_its_outcome_open(body: str) -> None:
    error = rest(ORDER, 200, body)

    assert type(error) is MalformedReply
    assert error.may_have_executed
    assert error.body == body


def test_accepted_action_is_no_error_whatever_its_items_say() -> None:
    body = '{"status":"ok","response":{"type":"order","data":{"statuses":[{"error":"Order has zero size."}]}}}'

    assert rest(ORDER, 200, body) is None
    assert action_error("hyperliquid", b'{"status":"ok","response":{"type":"default"}}') is None


def test_used_nonce_leaves_the_outcome_open() -> None:
    error = rest(ORDER, 200, '{"status":"err","response":"Invalid nonce: duplicate nonce 17"}')

    assert error is not None
    assert error.may_have_executed


def test_spent_address_says_how_long_to_wait_and_a_spent_ip_does_not() -> None:
    spent = rest(ORDER, 200, '{"status":"err","response":"Too many cumulative requests sent (2 > 1)"}')
    ip = rest(ORDER, 429, "null")

    assert spent is not None
    assert ip is not None
    assert (spent.after_s, ip.after_s) == (10.0, None)


def test_ioc_that_matched_nothing_is_told_apart() -> None:
    assert is_unfilled_ioc("Order could not immediately match against any resting orders. asset=4")
    assert not is_unfilled_ioc("Order has zero size.")


@pytest.mark.parametrize(
    ("payload", "kind", "open_"),
    [
        ("429 Too Many Requests: slow down", RateLimited, False),
        ("422 Unprocessable Entity: Failed to deserialize the JSON body", BadRequest, False),
        ("500 Internal Server Error: null", Unavailable, True),
        ("Invalid nonce: nonce too low 1 < 2", TimestampSkew, False),
        ("Something went wrong", Unavailable, True),
    ],
)
def test_error_of_a_websocket_post(payload: str, kind: type[ExchangeError], open_: bool) -> None:
    error = post_error("hyperliquid", payload, command=True)

    assert type(error) is kind
    assert error.text == payload
    assert error.may_have_executed is open_


def test_unknown_error_of_a_question_over_a_socket_is_a_refusal() -> None:
    assert type(post_error("hyperliquid", "Something went wrong", command=False)) is BadRequest


@given(st.integers(min_value=300, max_value=599) | st.just(200), st.binary(max_size=100), st.booleans())
def test_any_reply_is_an_error_of_ours_or_a_success(status: int, body: bytes, command: bool) -> None:
    found = rest(ORDER if command else INFO, status, body)

    assert found is None or isinstance(found, LotusXError)
    assert status == 200 or found is not None


@needs_corpus
def test_recorded_replies_to_actions_are_accepted_or_say_why_not() -> None:
    names = sorted(file.stem for file in (CORPUS / "hyperliquid" / "rest").glob("gohl_exchange_*.json"))
    refused = {}
    for name in names:
        for raw in replies(name):
            error = rest(ORDER, 200, bytes(raw))
            if error is not None:
                refused[name.removeprefix("gohl_exchange_")] = type(error)

    assert len(names) > 10
    assert refused == {
        "order_Orders_Cloid": AuthenticationError,
        "perpDeploy_PerpDeployRegisterAsset_Error": BadRequest,
    }


def test_an_address_without_actions_left_holds_its_actions_and_not_reads() -> None:
    used_up = refusal(
        "hyperliquid", "Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $0."
    )
    assert isinstance(used_up, RateLimited)
    assert (used_up.pool, used_up.after_s) == (ADDRESS_ACTIONS, 10.0)


def test_a_page_in_front_of_the_exchange_proves_nothing() -> None:
    page = Response(403, {"content-type": "text/html"}, b"<html><h1>403 ERROR</h1></html>")
    read, command = (
        HyperliquidDialect("hyperliquid").error(INFO, page),
        HyperliquidDialect("hyperliquid").error(ORDER, page),
    )
    assert isinstance(read, Unavailable)
    assert (read.retryable, read.may_have_executed) == (True, False)
    assert isinstance(command, Unavailable)
    assert command.may_have_executed
