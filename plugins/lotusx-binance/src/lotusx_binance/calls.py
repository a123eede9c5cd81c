"""One request of Binance: its parameters as they are signed, what it takes of the limits, which service answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote

import msgspec

from lotusx.errors import CredentialsError, InvalidArgument, NotSupported
from lotusx.model import plain
from lotusx.plugin import Cost, Effect, Lane, Request, Response, Secret, Verb, plain_path
from lotusx_binance import account_types
from lotusx_binance.pools import ORDERS, RAW_REQUESTS, SAPI_WEIGHT, WEIGHT

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

_IS_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch

T = TypeVar("T")
Params = Mapping[str, Any]

_WITHDRAWALS = ("/withdraw/apply", "/fiat/withdraw", "/giftcard/createcode", "/giftcard/buycode")
"""How the paths end, in small letters, that take money off the exchange: a gift card is whoever's that has its code."""


def text_of(name: str, value: object) -> str:
    """Write one parameter. `Decimal` without exponent, lists as JSON without spaces; a float is refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Sequence | Mapping):
        return msgspec.json.encode(value).decode()
    raise InvalidArgument(f"{name} must be text, int, Decimal, bool or a list, not {value!r}")


def encode(params: Params) -> str:
    """Write a query: RFC 3986, upper-case hex; parameters that are ``None`` are left out."""
    texts = {name: text_of(name, value) for name, value in params.items() if value is not None}
    if not _IS_UNRESERVED("".join(texts.values())):
        texts = {name: quote(text, safe="") for name, text in texts.items()}
    return "&".join([f"{name}={text}" for name, text in texts.items()])


def reader(kind: type[T]) -> Callable[[Response], T]:
    """Return a function that decodes a reply's body strictly as *kind*."""
    decode = msgspec.json.Decoder(kind).decode
    return lambda response: decode(response.body)


_any = msgspec.json.Decoder(float_hook=Decimal).decode
_RESTRICTIONS = reader(account_types.ApiRestrictions)
_DOCUMENT = reader(dict[str, Any])


@lru_cache(maxsize=256)  # each endpoint asks with few numbers, and for every order
def _costs(sapi: bool, raw_requests: bool, weight: int, failure_weight: int, orders: int) -> tuple[Cost, ...]:
    """Return what a request takes of the limits."""
    taken = [Cost(RAW_REQUESTS, 1)] if raw_requests and not sapi else []
    if weight:
        taken.append(Cost(SAPI_WEIGHT if sapi else WEIGHT, weight))
    if failure_weight:
        taken.append(Cost(WEIGHT, failure_weight, free_on_success=True))
    if orders:
        taken.append(Cost(ORDERS, orders))
    return tuple(taken)


class Calls:
    """Requests over the kernel's client.

    Attributes:
        SERVICE: Which address answers what is not under ``/sapi``.
        ORDER_PATHS: A POST to a path that begins so is an order.
    """

    SERVICE: ClassVar[str]
    ORDER_PATHS: ClassVar[tuple[str, ...]]
    COUNTS_RAW_REQUESTS: ClassVar[bool] = False

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._call = kernel.rest.call
        self._urls = kernel.urls
        self._exchange = kernel.facts.name

    def request(
        self,
        verb: Verb,
        path: str,
        params: Params,
        *,
        weight: int = 0,
        failure_weight: int = 0,
        orders: int = 0,
        costs: tuple[Cost, ...] = (),
        signed: bool = False,
        keyed: bool = False,
        effect: Effect | None = None,
        lane: Lane = Lane.NORMAL,
        service: str | None = None,
    ) -> Request:
        """Build a request. What is no GET counts as a command unless *effect* says otherwise.

        Args:
            failure_weight: What it costs only if it fails.
            costs: What else it takes.
            keyed: It carries the key, and no signature.

        Raises:
            NotSupported: This environment has no such service.
        """
        service = service or ("sapi" if path.startswith("/sapi/") else self.SERVICE)
        base_url = self._urls.get(service)
        if base_url is None:
            raise NotSupported(self._exchange, f"{service} in this environment", "environment='live'")
        return Request(
            verb=verb,
            base_url=base_url,
            path=path,
            query=encode(params),
            headers=self._key_header() if keyed else (),
            costs=costs + _costs(service == "sapi", self.COUNTS_RAW_REQUESTS, weight, failure_weight, orders),
            signed=signed,
            effect=effect or (Effect.READ if verb is Verb.GET else Effect.COMMAND),
            lane=lane,
        )

    def _key_header(self) -> tuple[tuple[str, str], ...]:
        key = self._kernel.credentials.get("api_key") or ""
        if not key:
            raise CredentialsError(f"{self._exchange}: this call needs an api_key")
        return (("X-MBX-APIKEY", key.reveal() if isinstance(key, Secret) else str(key)),)

    async def _get(
        self, path: str, params: Params, read: Callable[[Response], T], weight: int, *, signed: bool = False
    ) -> T:
        return await self._call(self.request(Verb.GET, path, params, weight=weight, signed=signed), read)

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
        """Send any request, signed and budgeted, and return its JSON.

        Parameters are written as Binance reads them: `Decimal` plain, lists as JSON, ``None`` left out; a float is
        refused. A verb other than GET is never sent twice; doubt is raised, not resolved.

        Raises:
            NotSupported: A withdrawal, unless the option ``allow_withdrawals`` is set.
        """
        leaves = plain_path(path).lower().endswith(_WITHDRAWALS)
        if leaves and self._kernel.options.get("allow_withdrawals") is not True:
            raise NotSupported(self._exchange, "withdrawals unless allow_withdrawals=True is configured")
        request = self.request(
            Verb(verb.upper()),
            path,
            params or {},
            weight=weight,
            orders=1 if verb.upper() == "POST" and path.startswith(self.ORDER_PATHS) else 0,
            lane=Lane.URGENT if verb.upper() == "DELETE" else Lane.NORMAL,
            signed=signed,
            service=service,
        )
        return await self._call(request, lambda response: _any(response.body))

    async def api_restrictions(self) -> tuple[account_types.ApiRestrictions, dict[str, Any]]:
        """``GET /sapi/v1/account/apiRestrictions``, weight 1; typed, and the whole document.

        Raises:
            NotSupported: This environment has no ``/sapi``.
        """
        return await self._get(
            "/sapi/v1/account/apiRestrictions",
            {},
            lambda response: (_RESTRICTIONS(response), _DOCUMENT(response)),
            1,
            signed=True,
        )
