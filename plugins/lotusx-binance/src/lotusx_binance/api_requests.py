"""Requests over the WebSocket API: the same parameters as REST, one round trip on a socket that is already open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lotusx.errors import CredentialsError, LotusXError, MalformedReply
from lotusx.plugin import Cost, Lane
from lotusx_binance.codec import write
from lotusx_binance.replies import api_error, api_usage, read_api_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from lotusx.plugin import Kernel, SigningContext
    from lotusx_binance.replies import Meanings

T = TypeVar("T")


class ApiCommands:
    """Sends commands. Every request is signed by itself: an HMAC key cannot log in."""

    def __init__(self, kernel: Kernel, meanings: Meanings) -> None:
        self._requests = kernel.ws("api")
        self._exchange = kernel.facts.name
        self._signer = kernel.signer
        self._meanings = meanings

    async def ready(self) -> None:
        """Open the socket."""
        await self._requests.ready()

    async def _command(
        self,
        method: str,
        params: Mapping[str, Any],
        decode: Callable[[msgspec.Raw], T],
        *,
        costs: tuple[Cost, ...] = (),
        lane: Lane = Lane.NORMAL,
    ) -> T:
        signer = self._signer
        if signer is None:
            raise CredentialsError(f"{method} must be signed, and no credentials were configured")

        def text(request_id: int, context: SigningContext) -> str:
            return write(request_id, method, signer.sign_message(params, context))

        def error(reply: bytes) -> LotusXError | None:
            return api_error(self._exchange, reply, command=True, meanings=self._meanings)

        reply = await self._requests.request(text, costs=costs, lane=lane, usage=api_usage, error=error, name=method)
        result = read_api_reply(self._exchange, reply, command=True, meanings=self._meanings)
        try:
            return decode(result)
        except msgspec.DecodeError as problem:
            raise MalformedReply(f"{self._exchange}: {problem}", body=bytes(result)[:2000].decode()) from None
