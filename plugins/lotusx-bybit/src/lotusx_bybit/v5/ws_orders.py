"""Order entry over the trade socket: what `rest` sends to the order endpoints, on a socket that is already open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lotusx.errors import LotusXError, NotSupported
from lotusx.plugin import Capability, Cost, Lane, Usage
from lotusx_bybit.v5.codes import TRADE_KINDS
from lotusx_bybit.v5.envelope import BatchReply, Params, written
from lotusx_bybit.v5.trade_socket import OPS, headers_of, read_reply, reply_error, reply_usage, write_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lotusx.plugin import Kernel, SigningContext
    from lotusx_bybit.v5.quotas import Quotas


class WsOrders:
    """Create, amend and cancel, one order or a batch. Whether REST shares their quotas is documented for batches
    only; they are counted as if it did.

    Raises:
        NotSupported: This environment has no trade socket.
    """

    KINDS = TRADE_KINDS

    def __init__(self, kernel: Kernel, quotas: Quotas) -> None:
        self._exchange = kernel.facts.name
        environment = kernel.environment
        if "trade" not in environment.ws:
            lack = environment.lacks.get(Capability.WEBSOCKET_ORDERS)
            what = f"order_entry='ws' in its environment {environment.name!r}"
            raise NotSupported(self._exchange, what, lack.instead if lack is not None else "orders over REST")
        self._requests = kernel.ws("trade")
        self.quotas = quotas

    async def ready(self) -> None:
        """Open the socket and log in."""
        await self._requests.ready()

    async def order_command(
        self, path: str, params: Params, *, orders: int = 1, lane: Lane = Lane.NORMAL
    ) -> BatchReply[msgspec.Raw]:
        """Send what REST would post to *path*. Errors as there; a socket that is lost leaves doubt."""

        def write(request_id: int, context: SigningContext) -> str:
            return write_request(OPS[path], written(params), request_id, context)

        def usage(message: bytes) -> Iterable[Usage]:
            return reply_usage(path, message)

        def error(message: bytes) -> LotusXError | None:
            return reply_error(self._exchange, message, pool=path)

        costs = (Cost(path, orders),) if path in self.quotas else ()
        message = await self._requests.request(write, costs=costs, lane=lane, usage=usage, error=error, name=OPS[path])
        reply = read_reply(self._exchange, message, pool=path)
        self.quotas.learn(path, headers_of(reply))
        return BatchReply(reply.data, reply.retExtInfo)
