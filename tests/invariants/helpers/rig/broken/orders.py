"""Broken ways to conclude what became of an order."""

from __future__ import annotations

from typing import Any, cast

import lotusx
from lotusx.errors import InvalidOrder, TransportError
from lotusx.kernel.context import Kernel
from lotusx.kernel.orders.ledger import Ledger
from lotusx.kernel.orders.merge import TrackedOrder
from lotusx.kernel.orders.outcome import Command
from lotusx.model.account import AccountEvent
from lotusx.model.orders import OrderState
from rig.tamper import Broken, OtherParts, Passing


class _OtherConnector(Passing):
    def __init__(self, inner: Any, trading: Any) -> None:
        super().__init__(inner)
        self.trading = trading


class _Declaring(Passing):
    """Trading for which an order whose reply was lost has failed."""

    async def place(self, request: Any, instrument: Any) -> Any:
        try:
            return await self._inner.place(request, instrument)
        except TransportError as error:
            raise InvalidOrder("here", "lost", f"the order could not be placed: {error}") from error


class _Hasty(OtherParts):
    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        return _OtherConnector(inner, _Declaring(inner.trading))


def _desk(connection: lotusx.Exchange) -> Any:
    wiring: Any = cast("Any", connection)._start.__self__
    return wiring.desk


def _no_horizon(connection: lotusx.Exchange) -> None:
    """Take the first "not found" for a proof."""

    async def absent(*_: Any) -> bool:
        return True

    desk = _desk(connection)
    desk._make._horizon_s = 0.001
    desk._look.absent = absent


def _no_second_look(connection: lotusx.Exchange) -> None:
    """Give a command in doubt up at once, and never come back to it."""
    desk = _desk(connection)

    async def give_up(command: Command, *_: Any) -> None:
        command.give_up(desk._clock.monotonic_ns())

    desk._look.resolve = give_up
    desk._run.doubts.add = lambda *_, **__: None


def _last_word(connection: lotusx.Exchange) -> None:
    """Believe what came last, however old it is."""
    ledger: Ledger = _desk(connection).ledger
    whole = ledger.apply_state

    def apply_state(state: OrderState, order: TrackedOrder | None = None) -> list[AccountEvent]:
        found = order or ledger.find(state.symbol, state.client_order_id, state.venue_order_id)
        leg = found.leg(state.venue_order_id) if found is not None and state.venue_order_id else None
        if leg is not None:
            leg._keys.clear()
            leg._updated_ns = 0
            leg._reported = leg._from_fills
        return whole(state, order)

    ledger.apply_state = apply_state  # type: ignore[method-assign]  # the mutation


BROKEN = (
    Broken(
        "a lost reply is a failed order",
        "I16",
        "any exception is read as: not placed",
        ("commands in doubt", "commands in doubt"),
        manager=_Hasty,
    ),
    Broken(
        "not found is believed at once",
        "I16",
        "a query that does not find an order ends it, though reads may be seconds behind",
        ("orders hidden",),
        opened=_no_horizon,
    ),
    Broken(
        "doubt is given up",
        "I17",
        "the outcome is unknown, and nobody ever looks again",
        ("reads fail while in doubt",),
        opened=_no_second_look,
    ),
    Broken(
        "the last word counts",
        "I20",
        "reports are applied in the order in which they arrive",
        ("old news", "account messages spoilt", "cut private"),
        opened=_last_word,
    ),
)
