"""Actions on orders: where they go, and what the answers say of each of their items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from lotusx.errors import ConnectionFailed, ItemRejected, MalformedReply, TransportError
from lotusx.plugin import Lane, OrderRef
from lotusx_hyperliquid import order_conversions as convert
from lotusx_hyperliquid.connector.order_reads import OrderReads, order_id

if TYPE_CHECKING:
    from lotusx.model import OrderState
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid import account_types as types
    from lotusx_hyperliquid.cloids import Cloids
    from lotusx_hyperliquid.connector.listed import Listed
    from lotusx_hyperliquid.rest import Action, Endpoints
    from lotusx_hyperliquid.triggers import WaitingTriggers

T = TypeVar("T")


class OrderEntry(Protocol):
    """Where actions on orders go: REST or a WebSocket."""

    async def act(self, action: Action, *, items: int = 1, lane: Lane = Lane.NORMAL) -> types.ActionReply: ...
    async def ready(self) -> None: ...


class OrderActions(OrderReads):
    """Sends actions, by REST except where the option ``order_entry`` says otherwise."""

    def __init__(
        self,
        kernel: Kernel,
        rest: Endpoints,
        entry: OrderEntry,
        listed: Listed,
        cloids: Cloids,
        triggers: WaitingTriggers,
    ) -> None:
        super().__init__(kernel, rest, listed, cloids, triggers)
        self._entry = entry

    async def ready(self) -> None:
        """Open the connection that the first order will use."""
        await self._entry.ready()

    async def _before(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask for what a command needs; if that fails, say that nothing was sent."""
        try:
            return await ask()
        except TransportError as error:
            text = f"{self._exchange}: nothing was sent, for what it depends on could not be read first: {error}"
            raise ConnectionFailed(text, sent=False) from error

    async def _statuses(
        self, entry: OrderEntry, action: Action, items: int, *, lane: Lane = Lane.NORMAL
    ) -> Sequence[str | types.ItemStatus]:
        """Send *action*; return what became of each of its items, in their order.

        The first checks are made of the whole batch, and may be answered once for all.

        Raises:
            MalformedReply: The answers do not match the items: what became of them is open.
        """
        reply = await entry.act(action, items=items, lane=lane)
        statuses = [] if reply.response.data is None else reply.response.data.statuses
        if len(statuses) == items:
            return statuses
        if len(statuses) == 1 and not isinstance(statuses[0], str) and statuses[0].error is not None:
            return statuses * items
        raise MalformedReply(f"{self._exchange}: {len(statuses)} answers to {items} items of {reply.response.type}")

    def _answered(self, status: str | types.ItemStatus, order: OrderState) -> OrderState | Exception:
        try:
            return convert.to_answer(status, order)
        except ItemRejected as error:
            return MalformedReply(f"{self._exchange}: {error}")

    def _name(self, ref: OrderRef) -> int | str:
        """Name exactly one order: by its number where that is known."""
        return self._cloid(ref) if ref.venue_order_id is None else order_id(ref)
