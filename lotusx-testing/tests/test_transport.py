"""Documents are served over no socket at all, to a whole connection; what goes out is compared to the byte."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

import lotusx
from lotusx.plugin import Request
from lotusx_binance.facts import FACTS
from lotusx_testing import Document, DocumentTransport, FakeClock, FakeMoments

pytestmark = pytest.mark.anyio
LIVE = FACTS.environments["live"].rest["api"]
KEY = {"api_key": "k", "api_secret": "s"}


def _is_signed(request: Request) -> bool:
    covered, _, signature = request.query.rpartition("&signature=")
    return hmac.new(b"s", covered.encode(), hashlib.sha256).hexdigest() == signature


async def test_connection_reads_a_document_from_a_file(tmp_path: Path, no_settings: None) -> None:
    (tmp_path / "time.json").write_text('{"serverTime": 1770000000123}')
    http = DocumentTransport().serve(Document("GET", f"{LIVE}/api/v3/time", tmp_path / "time.json"))

    async with lotusx.connect("binance", http=http) as exchange:
        assert await exchange.market.server_time() == 1_770_000_000_123_000_000

    http.check()
    assert [request.path for request in http.requests] == ["/api/v3/time"]


async def test_request_that_differs_is_refused_and_told_twice() -> None:
    http = DocumentTransport().serve(Document("GET", "https://x/a?b=1", b"{}", sent=b"", signed=_is_signed))
    request = lotusx.kernel.transport.HttpRequest("GET", "https://x/a?b=2", (("X-A", "1"),), b"body")

    with pytest.raises(AssertionError, match=r"scripted is GET https://x/a\?b=1; the body is b'body'.*; the signature"):
        await http.send(request, timeout_s=1.0)
    with pytest.raises(AssertionError, match="nothing was scripted"):
        await http.send(request, timeout_s=1.0)
    with pytest.raises(AssertionError, match=r"scripted is GET .*nothing was scripted"):
        http.check()
    assert (http.requests[0].base_url, http.requests[0].path, http.requests[0].query) == ("https://x", "/a", "b=2")
    assert http.requests[0].headers == (("x-a", "1"),)


async def test_signature_is_judged_over_what_went_out() -> None:
    signed = hmac.new(b"s", b"a=1", hashlib.sha256).hexdigest()
    url = f"https://x/a?a=1&signature={signed}"
    http = DocumentTransport().serve(Document("GET", url, b"{}", signed=_is_signed))

    reply = await http.send(lotusx.kernel.transport.HttpRequest("GET", url), timeout_s=1.0)

    assert (reply.status, reply.headers["content-type"], reply.body) == (200, "application/json", b"{}")
    http.check()
    await http.aclose()
    assert http.closed


def test_document_nobody_asked_for_is_named() -> None:
    with pytest.raises(AssertionError, match="not asked for: GET https://x/a"):
        DocumentTransport().serve(Document("GET", "https://x/a", b"{}")).check()


async def test_moments_follow_the_clock_and_nonces_never_repeat() -> None:
    clock = FakeClock(ns=1_770_000_000_000_000_000)
    moments = FakeMoments(clock, nonce=5, receive_window_ms=1_000)

    first = moments.next()
    await clock.sleep(1.5)
    second = moments.next()

    assert (first.now_ms, first.nonce, first.receive_window_ms) == (1_770_000_000_000, 6, 1_000)
    assert (second.now_ms, second.nonce) == (1_770_000_001_500, 7)
