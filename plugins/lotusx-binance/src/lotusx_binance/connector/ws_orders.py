"""Order entry over the WebSocket API: the same parameters as REST, one round trip on a socket that is already open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lotusx.errors import CredentialsError, LotusXError, MalformedReply
from lotusx.plugin import Cost, Lane
from lotusx_binance.account_types import CanceledOrder, NewOrder
from lotusx_binance.codec import write
from lotusx_binance.errors import api_error, api_usage, read_api_reply
from lotusx_binance.facts import ORDERS, WEIGHT

if TYPE_CHECKING:
    from lotusx.plugin import Kernel, SigningContext

T = TypeVar("T")

_new_order = msgspec.json.Decoder(NewOrder).decode
_canceled = msgspec.json.Decoder(CanceledOrder).decode

_IF_IT_FAILS = Cost(WEIGHT, 1, free_on_success=True)
_ONE_ORDER = Cost(ORDERS, 1)


class WsOrders:
    """``order.place`` and ``order.cancel``. Every request is signed by itself: an HMAC key cannot log in."""

    def __init__(self, kernel: Kernel) -> None:
        self._requests = kernel.ws("api")
        self._exchange = kernel.facts.name
        self._signer = kernel.signer

    async def ready(self) -> None:
        """Open the socket."""
        await self._requests.ready()

    async def new_order(self, params: Mapping[str, Any]) -> NewOrder:
        """``order.place``."""
        return self._read(_new_order, await self._request("order.place", params, costs=(_IF_IT_FAILS, _ONE_ORDER)))

    async def cancel_order(self, params: Mapping[str, Any]) -> CanceledOrder:
        """``order.cancel``."""
        result = await self._request("order.cancel", params, costs=(_IF_IT_FAILS,), lane=Lane.URGENT)
        return self._read(_canceled, result)

    async def _request(
        self, method: str, params: Mapping[str, Any], *, costs: tuple[Cost, ...], lane: Lane = Lane.NORMAL
    ) -> msgspec.Raw:
        signer = self._signer
        if signer is None:
            raise CredentialsError(f"{method} must be signed, and no credentials were configured")

        def text(request_id: int, context: SigningContext) -> str:
            return write(request_id, method, signer.sign_message(params, context))

        def error(reply: bytes) -> LotusXError | None:
            return api_error(self._exchange, reply, command=True)

        reply = await self._requests.request(text, costs=costs, lane=lane, usage=api_usage, error=error)
        return read_api_reply(self._exchange, reply, command=True)

    def _read(self, decode: Callable[[msgspec.Raw], T], result: msgspec.Raw) -> T:
        try:
            return decode(result)
        except msgspec.DecodeError as error:
            raise MalformedReply(f"{self._exchange}: {error}", body=bytes(result)[:2000].decode()) from None
