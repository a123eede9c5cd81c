"""The request validator names each difference; the signing check catches a signer that is wrong or not pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from lotusx.plugin import Request, Response, SigningContext, Verb
from lotusx_testing import Expected, FakeInstruments, MessageVector, RequestExample, SigningVector

REQUEST = Request(Verb.GET, "", "/depth", "symbol=BTC&limit=5", headers=(("X-Key", "k"),))
CONTEXT = SigningContext(now_ms=1, nonce=1)


def test_documented_request_passes_as_text_and_as_mapping() -> None:
    Expected("GET", "/depth", "symbol=BTC&limit=5", headers={"x-key": "k"}, signed=False).check(REQUEST)
    Expected("GET", "/depth", {"limit": "5", "symbol": "BTC"}).check(REQUEST)
    Expected("GET", "/depth", {"symbol": "BTC"}, added=("limit",)).check(REQUEST)
    Expected("GET", "/depth", query=None, body=None).check(REQUEST)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"verb": Verb.POST}, "method is 'POST', documented 'GET'"),
        ({"path": "/book"}, "path is '/book'"),
        ({"query": "symbol=ETH&limit=5"}, "query is"),
        ({"query": "symbol=BTC&limit=5&limit=5"}, "query is"),
        ({"body": b"x"}, "body is b'x'"),
        ({"headers": ()}, "header X-Key is None"),
        ({"signed": True}, "signed is True"),
    ],
)
def test_each_difference_is_named(changes: dict[str, Any], what: str) -> None:
    expected = Expected("GET", "/depth", {"symbol": "BTC", "limit": "5"}, headers={"X-Key": "k"}, signed=False)

    with pytest.raises(AssertionError, match=what):
        expected.check(replace(REQUEST, **changes))


def test_body_is_compared_as_bytes_text_or_form() -> None:
    request = replace(REQUEST, verb=Verb.POST, query="", body=b"a=1&b=x%20y")

    for body in (b"a=1&b=x%20y", "a=1&b=x%20y", {"b": "x y", "a": "1"}):
        Expected("POST", "/depth", body=body).check(request)
    with pytest.raises(AssertionError, match="body is"):
        Expected("POST", "/depth", body={"a": "2"}).check(request)


class Signer:
    def sign_request(self, request: Request, context: SigningContext) -> Request:
        return replace(request, query=f"{request.query}&t={context.now_ms}&s=ok")

    def sign_message(self, payload: Any, context: SigningContext) -> dict[str, Any]:
        return dict(payload)


class Impure(Signer):
    calls = 0

    def sign_request(self, request: Request, context: SigningContext) -> Request:
        self.calls += 1
        return replace(request, query=f"{request.query}&n={self.calls}")


class Rewriting(Signer):
    def sign_request(self, request: Request, context: SigningContext) -> Request:
        return replace(request, query="limit=5&symbol=BTC&t=1&s=ok")


VECTOR = SigningVector("v", REQUEST, CONTEXT, query="symbol=BTC&limit=5&t=1&s=ok", source="the manual")


def test_published_signature_passes() -> None:
    VECTOR.check(Signer())


@pytest.mark.parametrize(
    ("signer", "vector", "what"),
    [
        (Impure(), VECTOR, "two results"),
        (Rewriting(), VECTOR, "rewrote the query"),
        (Signer(), replace(VECTOR, query="symbol=BTC&limit=5&t=1&s=no"), r"query is .* \(the manual\)"),
        (Signer(), replace(VECTOR, headers={"x-key": "other"}), "header x-key is 'k'"),
        (Signer(), replace(VECTOR, query=None), "states nothing"),
    ],
)
def test_wrong_signer_and_empty_vector_fail(signer: Any, vector: SigningVector, what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        vector.check(signer)


class LogIn:
    """Signs messages. ``noise``: what is different each time."""

    def __init__(self, noise: str = "") -> None:
        self.noise = noise

    def sign_request(self, request: Request, context: SigningContext) -> Request:
        raise NotImplementedError

    def sign_message(self, payload: Mapping[str, Any], context: SigningContext) -> dict[str, Any]:
        if self.noise == "changes":
            cast("dict[str, Any]", payload)["op"] = "x"
        self.noise += "." if self.noise.startswith("different") else ""
        return {**payload, "at": context.now_ms, "sign": f"s3cret{self.noise}"}


LOG_IN = MessageVector(
    "log-in", {"op": "login"}, CONTEXT, {"op": "login", "at": CONTEXT.now_ms, "sign": "s3cret"}, "manual"
)


def test_published_log_in_passes() -> None:
    LOG_IN.check(LogIn())
    assert str(LOG_IN) == "log-in"


@pytest.mark.parametrize(
    ("noise", "what"),
    [
        ("different", "two results"),
        ("changes", "changed the payload"),
        ("wrong", r"log-in: sign differ \(manual\)"),
    ],
)
def test_wrong_log_in_fails_without_showing_it(noise: str, what: str) -> None:
    with pytest.raises(AssertionError, match=what) as caught:
        LOG_IN.check(LogIn(noise))
    assert "s3cret" not in str(caught.value)


class Manager:
    """A plugin whose one call asks for the path it was built with."""

    def __init__(self, path: str) -> None:
        self.path = path

    def signer(self, environment: Any, credentials: Any) -> Signer:
        return Signer()

    def rest_dialect(self) -> Manager:
        return self

    def error(self, request: Request, response: Response) -> None:
        return None

    def connector(self, kernel: Any) -> Any:
        async def depth() -> bytes:
            request = Request(Verb.GET, "", self.path, "a=1", signed=True)
            body: bytes = await kernel.rest.call(request, lambda response: response.body)
            return body

        return depth


@pytest.mark.anyio
async def test_example_makes_the_call_and_compares_what_was_sent() -> None:
    from lotusx_binance.facts import FACTS

    example = RequestExample(
        "depth", lambda depth: depth(), b"{}", Expected("GET", "/depth", "a=1&t=1770000000000&s=ok")
    )
    given: dict[str, Any] = {"credentials": {"key": "k"}, "instruments": FakeInstruments()}

    assert await example.check(FACTS, plugins=Manager("/depth"), **given) == b"{}"  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="path is '/book'"):
        await example.check(FACTS, plugins=Manager("/book"), **given)  # type: ignore[arg-type]
