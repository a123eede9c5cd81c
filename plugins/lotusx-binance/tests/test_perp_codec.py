"""User data of USDⓈ-M futures: an address that is leased, and what it says."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from lotusx.errors import BadRequest, CredentialsError, ItemRejected, StreamClosed
from lotusx.model import Symbol
from lotusx.plugin import Effect, Notice, NoticeKind, Response, SigningContext
from lotusx_binance.codec import ACCOUNT_KEY
from lotusx_binance.perp.account_events import AccountReader, PositionMode
from lotusx_binance.perp.codec import PrivateCodec
from lotusx_binance.perp.connector import BinancePerpConnector
from lotusx_binance.perp.facts import FACTS
from lotusx_testing.fakes import FakeKernel

KEY = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"
CODEC = PrivateCodec()


def test_the_address_is_the_subscription() -> None:
    context = SigningContext(now_ms=1, nonce=1)

    assert CODEC.subscribe([ACCOUNT_KEY], 1, context) == []
    assert CODEC.unsubscribe([ACCOUNT_KEY], 2, context) == []
    assert CODEC.log_in(3, context) is None
    assert not FACTS.ws["private"].acknowledges


@pytest.mark.parametrize("kind", ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "SOMETHING_NEW"])
def test_every_event_is_the_accounts_wrapped_or_not(kind: str) -> None:
    event = {"e": kind, "E": 1, "T": 1}

    assert CODEC.route(json.dumps(event).encode()) == ACCOUNT_KEY
    assert CODEC.route(json.dumps({"stream": KEY, "data": event}).encode()) == ACCOUNT_KEY


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_key_that_expired_asks_for_a_new_socket(wrapped: bool) -> None:
    event: dict[str, Any] = {"e": "listenKeyExpired", "E": 1, "listenKey": KEY}
    message = {"stream": KEY, "data": event} if wrapped else event

    notice = CODEC.route(json.dumps(message).encode())

    assert notice == Notice(NoticeKind.LOGIN_REQUIRED, "listenKeyExpired")
    assert KEY not in str(notice)


def test_what_is_no_event_is_an_answer() -> None:
    assert CODEC.route(b'{"code":2,"msg":"Invalid request"}') == Notice(NoticeKind.ERROR, "Invalid request (code 2)")


@pytest.mark.parametrize("message", [b'{"e":', b"\xff", b"[]", b'{"e":1}', b'{"e":"ORDER_TRADE_UPDATE","E":1,"T'])
def test_what_cannot_be_read_may_have_been_a_fill_and_counts_as_the_accounts(message: bytes) -> None:
    assert CODEC.route(message) == ACCOUNT_KEY
    with pytest.raises((ItemRejected, msgspec.MsgspecError, UnicodeDecodeError)):
        AccountReader(lambda name: Symbol.parse("BTC/USDT:USDT"), PositionMode()).read(message, 1)


@pytest.mark.anyio
async def test_a_key_is_asked_for_before_each_connection(futures: Any) -> None:
    lease = futures.connector.account.leases()["private"]
    futures.rest.reply(json.dumps({"listenKey": KEY}), json.dumps({"listenKey": "a/b"}))

    assert await lease.address("wss://x/private/ws") == f"wss://x/private/ws?listenKey={KEY}"
    request = futures.rest.last
    assert (str(request.verb), request.path, request.query) == ("POST", "/fapi/v1/listenKey", "")
    assert (dict(request.headers), request.signed, request.effect) == ({"X-MBX-APIKEY": "key"}, False, Effect.READ)
    assert await lease.address("wss://x/private/ws") == "wss://x/private/ws?listenKey=a%2Fb"


@pytest.mark.anyio
async def test_a_lease_is_renewed_before_an_hour_is_over_even_if_one_renewal_fails(futures: Any) -> None:
    lease = futures.connector.account.leases()["private"]
    futures.rest.reply(*[json.dumps({"listenKey": KEY})] * 2, "{}")
    await lease.address("wss://x/private/ws")

    await lease.renew()
    await lease.renew()  # as older documents know the answer

    assert (str(futures.rest.last.verb), futures.rest.last.path) == ("PUT", "/fapi/v1/listenKey")
    assert 2 * lease.renew_s < 3_600


@pytest.mark.anyio
async def test_a_lease_notices_that_the_account_has_another_key(futures: Any) -> None:
    lease = futures.connector.account.leases()["private"]
    futures.rest.reply(json.dumps({"listenKey": KEY}), json.dumps({"listenKey": "other"}))
    await lease.address("wss://x/private/ws")

    with pytest.raises(StreamClosed) as caught:
        await lease.renew()
    assert not caught.value.retryable
    assert KEY not in str(caught.value)


@pytest.mark.anyio
async def test_a_lease_that_is_gone_is_not_worth_another_try(futures: Any) -> None:
    futures.rest.reply(Response(400, {}, b'{"code":-1125,"msg":"This listenKey does not exist."}'))

    with pytest.raises(BadRequest) as caught:
        await futures.connector.account.leases()["private"].renew()
    assert not caught.value.retryable


@pytest.mark.anyio
async def test_without_a_key_there_is_no_lease() -> None:
    connector = BinancePerpConnector(FakeKernel(FACTS).build())

    with pytest.raises(CredentialsError, match="api_key"):
        await connector.account.leases()["private"].address("wss://x")


def test_a_listen_key_is_never_shown() -> None:
    from lotusx_binance.perp.account_types import KeptKey, ListenKey

    assert KEY not in repr(ListenKey(KEY)) + repr(KeptKey(KEY))
