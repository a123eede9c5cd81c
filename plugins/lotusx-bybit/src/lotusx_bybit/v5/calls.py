"""One request of Bybit: its bytes as they are signed, what it takes of the limits, which service answers it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lotusx.errors import NotSupported
from lotusx.plugin import Cost, Effect, Lane, Request, Response, Verb, plain_path
from lotusx_bybit.v5.envelope import JSON_HEADERS, Params, encode_body, encode_query
from lotusx_bybit.v5.facts import IP

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5.quotas import Quotas

T = TypeVar("T")

_PUBLIC = "/v5/market/"
_WITHDRAWALS = ("/v5/asset/withdraw/create",)
_CANCELS = ("/v5/order/cancel", "/v5/order/cancel-all", "/v5/order/cancel-batch")

_any = msgspec.json.Decoder(float_hook=Decimal).decode


class Calls:
    """Requests over the kernel's client."""

    def __init__(self, kernel: Kernel, quotas: Quotas) -> None:
        self._kernel = kernel
        self._urls = kernel.urls
        self._exchange = kernel.facts.name
        self.quotas = quotas

    def request(
        self,
        verb: Verb,
        path: str,
        params: Params,
        *,
        signed: bool = False,
        units: int = 1,
        effect: Effect | None = None,
        lane: Lane = Lane.NORMAL,
        service: str | None = None,
    ) -> Request:
        """Build a request: a query for GET, a body for all else. What is no GET is a command unless *effect* differs.

        Args:
            units: What it takes of the endpoint's quota: orders of a batch, 1 of all else.
            service: ``market`` or ``api``; left out: by the path.
        """
        base_url = self._urls[service or ("market" if path.startswith(_PUBLIC) else "api")]
        quota = (Cost(path, units),) if path in self.quotas else ()
        asks = verb is Verb.GET
        return Request(
            verb=verb,
            base_url=base_url,
            path=path,
            query=encode_query(params) if asks else "",
            body=b"" if asks else encode_body(params),
            headers=() if asks else JSON_HEADERS,
            costs=(Cost(IP, 1), *quota),
            signed=signed,
            effect=effect or (Effect.READ if asks else Effect.COMMAND),
            lane=lane,
        )

    async def send(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send *request*; keep what its reply says of the quota."""

        def decode(response: Response) -> T:
            self.quotas.learn(request.path, response.headers)
            return read(response)

        return await self._kernel.rest.call(request, decode)

    async def _get(
        self,
        path: str,
        params: Params,
        read: Callable[[Response], T],
        *,
        signed: bool = False,
        service: str | None = None,
    ) -> T:
        return await self.send(self.request(Verb.GET, path, params, signed=signed, service=service), read)

    async def _set(self, path: str, params: Params) -> None:
        """Send a setter: that it worked is all there is to know. Sending it again changes nothing."""
        request = self.request(Verb.POST, path, params, signed=True)
        await self.send(request, lambda response: None)

    async def call(
        self,
        verb: str,
        path: str,
        params: Params | None = None,
        *,
        signed: bool = False,
        weight: int = 1,
        service: str | None = None,
    ) -> Any:
        """Send any request, signed and budgeted, and return ``result`` of its JSON.

        Parameters go into the query of a GET and into the body of all else; `Decimal` is written plain, ``None`` left
        out, a float refused, and a ``cursor`` goes back as it came. *weight* counts against the endpoint's own quota,
        where it is known. A verb other than GET is never sent twice; doubt is raised, not resolved.

        Raises:
            NotSupported: A withdrawal, unless the option ``allow_withdrawals`` is set.
        """
        path = path.rstrip("/")
        if plain_path(path).lower() in _WITHDRAWALS and self._kernel.options.get("allow_withdrawals") is not True:
            raise NotSupported(self._exchange, "withdrawals unless allow_withdrawals=True is configured")
        lane = Lane.URGENT if path in _CANCELS else Lane.NORMAL
        request = self.request(
            Verb(verb.upper()), path, params or {}, signed=signed, units=weight, lane=lane, service=service
        )
        return await self.send(request, lambda response: _any(response.body)["result"])
