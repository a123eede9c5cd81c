"""Checks of requests: what a call sends, against the exchange's documentation; what a signer adds, against vectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from lotusx.kernel.facts import ExchangeFacts
from lotusx.kernel.request import Request, SigningContext
from lotusx.kernel.signer import Signer
from lotusx.plugin.manager import PluginManager
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest

Text = str | bytes


@dataclass(frozen=True)
class Expected:
    """A request as the documentation has it.

    Attributes:
        query: Exact text, or names and decoded values in any order; ``None``: whatever it is.
        body: Likewise; a mapping is compared with a form. Bytes or text are compared exactly.
        headers: Those that must be there; names are compared in lower case.
        signed: Whether it must ask for a signature; ``None``: whatever it does.
        added: Parameters that signing adds, not compared where *query* or *body* is a mapping.
    """

    method: str
    path: str
    query: str | Mapping[str, str] | None = ""
    body: Text | Mapping[str, str] | None = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    signed: bool | None = None
    added: Sequence[str] = ()

    def check(self, request: Request) -> None:
        """Compare.

        Raises:
            AssertionError: It names every difference.
        """
        pairs: list[tuple[str, object, object]] = [
            ("method", str(request.verb), self.method),
            ("path", request.path, self.path),
        ]
        if self.query is not None:
            pairs.append(("query", self._same_form(request.query, self.query), self.query))
        if self.body is not None:
            wanted = self.body.encode() if isinstance(self.body, str) else self.body
            found = request.body if isinstance(wanted, bytes) else self._same_form(request.body.decode(), wanted)
            pairs.append(("body", found, wanted))
        if self.signed is not None:
            pairs.append(("signed", request.signed, self.signed))
        sent = {name.lower(): value for name, value in request.headers}
        pairs += [(f"header {name}", sent.get(name.lower()), value) for name, value in self.headers.items()]
        wrong = [f"{what} is {is_!r}, documented {should!r}" for what, is_, should in pairs if is_ != should]
        if wrong:
            raise AssertionError(f"{request.verb} {request.path}: " + "; ".join(wrong))

    def _same_form(self, text: str, wanted: str | Mapping[str, str]) -> object:
        if isinstance(wanted, str):
            return text
        parts = parse_qsl(text, keep_blank_values=True)
        found = {name: value for name, value in parts if name not in self.added}
        # A name that is there twice must not hide behind the last of its values.
        return found if len({name for name, _ in parts}) == len(parts) else parts


@dataclass(frozen=True)
class RequestExample:
    """One call of a connector and the request the documentation asks for.

    Attributes:
        call: Makes the call, such as ``lambda x: x.market.order_book(BTC, 100)``.
        reply: A reply in the documented shape.
    """

    name: str
    call: Callable[[Any], Awaitable[Any]]
    reply: Text
    expected: Expected

    def __str__(self) -> str:
        return self.name

    async def check(
        self,
        facts: ExchangeFacts,
        *,
        credentials: Mapping[str, Any] | None = None,
        instruments: FakeInstruments | None = None,
        plugins: PluginManager | None = None,
    ) -> Any:
        """Make the call over a scripted kernel, compare the request, return what the call returned."""
        manager = plugins or PluginManager(facts.name)
        signer = manager.signer(facts.environments[FakeKernel.environment], credentials) if credentials else None
        rest = FakeRest(manager.rest_dialect(), signer).reply(self.reply)
        kernel = FakeKernel(facts, rest=rest, credentials=credentials or {})
        kernel.instruments = instruments or kernel.instruments
        result = await self.call(manager.connector(kernel.build()))
        self.expected.check(rest.last)
        return result


@dataclass(frozen=True)
class SigningVector:
    """A published signature: the request before, the moment, and the request after.

    Attributes:
        query, headers, body: After signing; ``None``: not stated by the source.
        source: The document it stands in.
        environment: Whose signer made it, where signatures differ.
    """

    name: str
    request: Request
    context: SigningContext
    query: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    environment: str = "live"

    def __str__(self) -> str:
        return self.name

    def check(self, signer: Signer) -> None:
        """Sign and compare; signing must be pure and change nothing that was to be signed.

        Raises:
            AssertionError: The result differs, or differs the second time, or the request was turned into another.
        """
        if self.query is None and self.body is None and not self.headers:
            raise AssertionError(f"{self.name}: the vector states nothing that a signature could differ from")
        signed = signer.sign_request(self.request, self.context)
        again = signer.sign_request(self.request, self.context)
        if signed != again:
            raise AssertionError(f"{self.name}: signing the same request twice gives two results")
        if self.request.query and not signed.query.startswith(self.request.query):
            raise AssertionError(f"{self.name}: signing rewrote the query {self.request.query!r} to {signed.query!r}")
        expected = Expected(str(self.request.verb), self.request.path, self.query, self.body, self.headers)
        try:
            expected.check(signed)
        except AssertionError as error:
            raise AssertionError(f"{self.name}: {error} ({self.source or 'no source given'})") from None


@dataclass(frozen=True)
class MessageVector:
    """A published signature of a message, such as a log-in over a WebSocket or an order on one.

    Attributes:
        payload: Before signing. ``signed``: after it, whole.
        source: The document it stands in.
        environment: Whose signer made it, where signatures differ.
    """

    name: str
    payload: Mapping[str, Any]
    context: SigningContext
    signed: Mapping[str, Any]
    source: str = ""
    environment: str = "live"

    def __str__(self) -> str:
        return self.name

    def check(self, signer: Signer) -> None:
        """Sign and compare; signing must be pure and leave what it was given as it was.

        Raises:
            AssertionError: The result differs, or differs the second time, or the payload was changed.
        """
        given = deepcopy(dict(self.payload))
        found, again = (dict(signer.sign_message(given, self.context)) for _ in range(2))
        if found != again:
            raise AssertionError(f"{self.name}: signing the same message twice gives two results")
        if given != self.payload:
            raise AssertionError(f"{self.name}: signing changed the payload that it was given")
        wrong = sorted(key for key in {*found, *self.signed} if found.get(key) != self.signed.get(key))
        if wrong:  # names only: values may be secrets
            raise AssertionError(f"{self.name}: {', '.join(wrong)} differ ({self.source or 'no source given'})")
