"""OKX's own endpoints: those of `rest`, and any other by `call`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.plugin import Response, Verb, plain_path
from lotusx_okx.rest import Endpoints

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_WITHDRAWALS = (
    "/api/v5/asset/withdrawal",
    "/api/v5/asset/withdrawal-lightning",
    "/api/v5/fiat/create-withdrawal",
)


def _any(response: Response) -> Any:
    return _decode(response.body) if response.body else None


class OkxNative(Endpoints):
    """Typed methods return `lotusx_okx.types` and `account_types`; `call` JSON, with `Decimal` for every point."""

    when_position_mode_is_set: Callable[[], None] = staticmethod(lambda: None)

    async def set_position_mode(self, mode: str) -> None:
        """``POST account/set-position-mode``: as in `Endpoints`; orders are written for the new mode from now on."""
        try:
            await super().set_position_mode(mode)
        finally:
            self.when_position_mode_is_set()

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
        """Send any request, budgeted and signed, and return its JSON, ``code`` and ``data`` included.

        Parameters go into the query of a GET and the JSON body of a POST: numbers as text, ``None`` left out; a float
        is refused. A POST is never sent twice; doubt is raised, not resolved.

        Raises:
            NotSupported: A withdrawal, unless the option ``allow_withdrawals`` is set.
        """
        if service not in (None, "api"):
            raise InvalidArgument(f"{self._exchange} has one service, 'api', not {service!r}", rule="service")
        if verb.upper() not in ("GET", "POST"):
            raise InvalidArgument(f"{verb!r} is neither GET nor POST: OKX knows no others", rule="verb")
        if plain_path(path).lower() in _WITHDRAWALS and self._kernel.options.get("allow_withdrawals") is not True:
            raise NotSupported(self._exchange, "withdrawals unless allow_withdrawals=True is configured")
        request = self.request(Verb[verb.upper()], path, params, signed=signed, weight=weight)
        return await self._call(request, _any)
