"""Backpack's own endpoints: those of `rest`, and any other by `call`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lotusx.errors import BadRequest, InvalidArgument, NotSupported
from lotusx.model import plain
from lotusx.plugin import Response, Verb, plain_path
from lotusx_backpack import account_types
from lotusx_backpack.rest import Endpoints

_decode_any = msgspec.json.Decoder(float_hook=Decimal).decode
_WITHDRAW = "/wapi/v1/capital/withdrawals"
_PING = "/api/v1/ping"


def _text(response: Response) -> str:
    return response.body.decode("utf-8", "replace")


def _any(response: Response) -> Any:
    return _decode_any(response.body) if response.body else None


def _json_of(name: str, value: object) -> object:
    """Write one value of a body: `Decimal` as text, ``None`` left out of objects; a float is refused."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, str | int):  # and bool
        return value
    if isinstance(value, Mapping):
        return {str(key): _json_of(str(key), item) for key, item in value.items() if item is not None}
    if isinstance(value, Sequence):
        return [_json_of(name, item) for item in value]
    raise InvalidArgument(f"{name} must be text, int, Decimal, bool, a list or an object, not {value!r}")


class BackpackNative(Endpoints):
    """Typed methods return `lotusx_backpack.types` and `account_types`; `call` JSON, with `Decimal` for every point."""

    async def ping(self) -> str:
        """``GET /api/v1/ping``."""
        return await self._get(_PING, {}, _text)

    async def position(self, symbol: str) -> account_types.Position | None:
        """``GET /api/v1/position`` of one symbol: only this one states a reliable liquidation price."""
        try:
            found = await self.positions(symbol)
        except BadRequest as error:
            if error.code == "RESOURCE_NOT_FOUND":
                return None
            raise
        return next((item for item in found if item.symbol == symbol), None)

    async def call(
        self,
        verb: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        signed: bool = False,
        weight: int = 1,
        service: str | None = None,
    ) -> Any:
        """Send any request, signed and budgeted, and return its JSON; ``None``: there was none.

        Parameters go into the query of a GET and the JSON body of anything else: `Decimal` as text, ``None`` left out;
        a float is refused. A verb other than GET is never sent twice; doubt is raised, not resolved.

        Raises:
            NotSupported: A withdrawal, unless the option ``allow_withdrawals`` is set.
            InvalidArgument: It is to be signed, and the exchange documents no instruction for it.
        """
        method = Verb(verb.upper())
        leaves = method is not Verb.GET and plain_path(path).lower() == _WITHDRAW
        if leaves and self._kernel.options.get("allow_withdrawals") is not True:
            raise NotSupported(self._exchange, "withdrawals unless allow_withdrawals=True is configured")
        if service not in (None, "api"):
            raise InvalidArgument(f"backpack has one service, 'api', not {service!r}", rule="service")
        if method is Verb.GET:
            request = self.request(method, path, query=params, signed=signed, weight=weight)
        else:
            body = {name: _json_of(name, value) for name, value in (params or {}).items() if value is not None}
            request = self.request(method, path, body=body, signed=signed, weight=weight)
        return await self._call(request, _text if path == _PING else _any)
