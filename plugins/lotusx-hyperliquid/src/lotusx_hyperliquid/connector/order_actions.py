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
    from lotusx_hyperliquid import account_types as types, actions
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

    async def _answers(
        self, action: Action, items: Sequence[actions.OrderItem]
    ) -> Sequence[str | types.ItemStatus | MalformedReply]:
        """Send *action*, which places *items*; return what became of each, or that this is open.

        The answers stand in the order of the items. Where one names another order than its place has they do not, and
        only those count that name theirs.
        """
        statuses = await self._statuses(self._entry, action, len(items))
        names = [_cloid_in(status) for status in statuses]
        if all(name is None or name == item.c for name, item in zip(names, items, strict=True)):
            return statuses
        return [
            status if name is not None and name == item.c else self._out_of_place(name, item)
            for status, name, item in zip(statuses, names, items, strict=True)
        ]

    def _out_of_place(self, name: str | None, item: actions.OrderItem) -> MalformedReply:
        order = "this order" if item.c is None else self._cloids.ours(item.c)
        found = "answers are out of place" if name is None else f"answer names another order, {self._cloids.ours(name)}"
        return MalformedReply(f"{self._exchange}: the {found}: what became of {order} is open")

    def _answered(self, status: str | types.ItemStatus, order: OrderState) -> OrderState | Exception:
        try:
            return convert.to_answer(status, order)
        except ItemRejected as error:
            return MalformedReply(f"{self._exchange}: {error}")

    def _name(self, ref: OrderRef) -> int | str:
        """Name exactly one order: by its number where that is known."""
        return self._cloid(ref) if ref.venue_order_id is None else order_id(ref)


def _cloid_in(status: str | types.ItemStatus) -> str | None:
    """Return which order an answer names, as cloids are sent; ``None``: it names none, as refusals do."""
    if isinstance(status, str):
        return None
    found = status.resting or status.filled
    return None if found is None or not found.cloid else found.cloid.lower()
