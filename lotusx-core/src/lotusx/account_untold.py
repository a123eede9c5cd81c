"""Fills that nothing has told of, though an order is known to have executed: asked for, and told late."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import NotSupported
from lotusx.kernel.orders.leg import total
from lotusx.model.account import AccountEvent, FillEvent, OrderEvent
from lotusx.orders.looking import READ_GRACE_S

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.kernel.ports import TradingPort
    from lotusx.model.instruments import Instrument
    from lotusx.model.symbol import Symbol
    from lotusx.orders import OrderDesk

logger = logging.getLogger("lotusx.orders")

TRIES = 8
"""How often the fills of an order are asked for; the pauses double, so that this takes some twenty minutes."""
MAX_WATCHED = 10_000
"""Orders that are looked at; beyond it the oldest are not."""
_NS = 1_000_000_000


@dataclass(slots=True)
class _Watched:
    order: TrackedOrder
    due_ns: int  # monotonic
    tries: int = 0


class Untold:
    """Watches the orders of this process that execute, between `start` and `stop`.

    What was missed while a channel was down is found by the recovery, but for an order whose reply came after it, or
    never: the exchange lists orders and fills late, and nobody knew then that there was something to wait for.

    Args:
        tell: Takes an event as the account's channels bring it.
    """

    def __init__(
        self,
        desk: OrderDesk,
        trading: TradingPort,
        clock: Clock,
        instrument_of: Callable[[Symbol], Instrument | None],
        tell: Callable[[AccountEvent], None],
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._clock = clock
        self._instrument_of = instrument_of
        self._tell = tell
        self._since_ns: int | None = None
        self._watched: dict[int, _Watched] = {}
        self._bell = anyio.Event()

    def start(self) -> None:
        """Fills of what is sent from now on are to be told."""
        self._since_ns = self._clock.monotonic_ns()

    def stop(self) -> None:
        """Nobody listens."""
        self._since_ns = None
        self._watched.clear()

    def note(self, events: Sequence[AccountEvent]) -> None:
        """Take note of what was told: an order that has executed is looked at in a while."""
        if self._since_ns is None:
            return
        for event in events:
            if not isinstance(event, OrderEvent) or not event.state.filled:
                continue
            state = event.state
            order = self._desk.ledger.find(state.symbol, state.client_order_id, state.venue_order_id)
            if order is None or id(order) in self._watched:
                continue
            if order.placement is None or order.placement.sent_ns < self._since_ns:
                continue  # what it executed before is no news
            self._watched[id(order)] = _Watched(order, self._due_ns(0))
            if len(self._watched) > MAX_WATCHED:
                del self._watched[next(iter(self._watched))]
            self._bell.set()

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            while not self._watched:
                self._bell = anyio.Event()
                await self._bell.wait()
            due_ns = min(each.due_ns for each in self._watched.values())
            wait_ns = max(0, due_ns - self._clock.monotonic_ns())
            await self._clock.sleep(min(wait_ns / _NS, READ_GRACE_S))  # what comes meanwhile is due no earlier
            now_ns = self._clock.monotonic_ns()
            for watched in [each for each in self._watched.values() if each.due_ns <= now_ns]:
                if not is_short(watched.order) or await self._ask(watched):
                    self._watched.pop(id(watched.order), None)

    async def _ask(self, watched: _Watched) -> bool:
        """Ask for the fills of an order, and tell them; return whether it need not be looked at again."""
        order = watched.order
        instrument = self._instrument_of(order.symbol)
        if instrument is None:
            return True
        try:
            for leg in tuple(order.legs):
                part = replace(order.state, venue_order_id=leg.venue_order_id)
                for fill in await self._trading.fills_of(part, instrument):
                    self._tell(FillEvent(fill))
        except NotSupported:
            return True
        except Exception as error:  # also a plugin's defect: it must not end the connection
            logger.warning("the fills of %s could not be asked for: %r", order.state.client_order_id, error)
        if not is_short(order):
            return True
        watched.tries += 1
        watched.due_ns = self._due_ns(watched.tries)
        if watched.tries >= TRIES:
            logger.warning(
                "%s: %s has executed more than the fills that the exchange lists add up to (%s)",
                order.symbol, order.state.client_order_id, order.filled_by_fills,
            )  # fmt: skip
        return watched.tries >= TRIES

    def _due_ns(self, tries: int) -> int:
        return self._clock.monotonic_ns() + (int(READ_GRACE_S * _NS) << tries)


def is_short(order: TrackedOrder) -> bool:
    """Whether *order* is known to have executed more than its known fills add up to."""
    return total(leg.filled for leg in order.legs) > order.filled_by_fills
