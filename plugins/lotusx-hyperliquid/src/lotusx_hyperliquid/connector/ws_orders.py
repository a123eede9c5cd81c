"""Order entry over the WebSocket: the same signed actions on a socket that is already open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lotusx.errors import CredentialsError, LotusXError, MalformedReply
from lotusx.plugin import Cost, Lane
from lotusx_hyperliquid.account_types import ActionReply
from lotusx_hyperliquid.errors import action_error, post_error
from lotusx_hyperliquid.facts import WS_MESSAGES
from lotusx_hyperliquid.rest import action_costs

if TYPE_CHECKING:
    from lotusx.plugin import Kernel, SigningContext
    from lotusx_hyperliquid.rest import Action

_encode = msgspec.json.Encoder().encode


class _Response(msgspec.Struct):
    type: str
    payload: msgspec.Raw


class _Data(msgspec.Struct):
    id: int
    response: _Response


class _Post(msgspec.Struct):
    """``post``: what HTTP would have answered, wrapped; *type* ``error``: the status and words, as text."""

    data: _Data


_post = msgspec.json.Decoder(_Post).decode
_reply = msgspec.json.Decoder(ActionReply).decode
_text = msgspec.json.Decoder(str).decode


def write_post(request_id: int, kind: str, payload: dict[str, Any]) -> str:
    """Write one request; *kind* is ``action`` or ``info``."""
    request = {"type": kind, "payload": payload}
    return _encode({"method": "post", "id": request_id, "request": request}).decode()


def reply_error(exchange: str, message: bytes) -> LotusXError | None:
    """Return the error that the answer to a posted action stands for; ``None``: its items tell."""
    try:
        response = _post(message).data.response
        if response.type == "error":
            return post_error(exchange, _text(response.payload), command=True)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return MalformedReply(f"{exchange}: {error}", body=message[:2000].decode("utf-8", "replace"))
    return action_error(exchange, response.payload)


class WsOrders:
    """``post`` of actions on the account's socket.

    Whether posts take from the weight of REST is not documented: they are counted as if they did.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._requests = kernel.ws("account")
        self._exchange = kernel.facts.name
        self._signer = kernel.signer

    async def ready(self) -> None:
        """Open the socket."""
        await self._requests.ready()

    async def act(self, action: Action, *, items: int = 1, lane: Lane = Lane.NORMAL) -> ActionReply:
        """Sign and send *action*, of so many *items*."""
        signer = self._signer
        if signer is None:
            raise CredentialsError(f"{self._exchange}: an action must be signed, and there is no private_key")

        def text(request_id: int, context: SigningContext) -> str:
            return write_post(request_id, "action", signer.sign_message({"action": action}, context))

        def error(reply: bytes) -> LotusXError | None:
            return reply_error(self._exchange, reply)

        costs = (Cost(WS_MESSAGES, 1), *action_costs(items, lane))
        name = str(type(action).__struct_config__.tag)
        reply = await self._requests.request(text, costs=costs, lane=lane, error=error, name=name)
        try:
            return _reply(_post(reply).data.response.payload)
        except msgspec.DecodeError as problem:
            body = reply[:2000].decode("utf-8", "replace")
            raise MalformedReply(f"{self._exchange}: {problem}", body=body) from None
