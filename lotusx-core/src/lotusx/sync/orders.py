"""Handles of orders."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.sync.runner import Runner, next_within, over

if TYPE_CHECKING:
    from lotusx import orders
    from lotusx.model.account import FillEvent, OrderEvent
    from lotusx.model.enums import OrderStatus
    from lotusx.model.instruments import Instrument
    from lotusx.model.orders import Fill, OrderState
    from lotusx.orders import handle


class Order:
    """Twin of `lotusx.Order`: an order the exchange has."""

    def __init__(self, twin: orders.Order, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __repr__(self) -> str:
        return self._runner.read(repr, self._twin)

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self._twin.instrument

    @property
    def poll_s(self) -> float:
        """How often it is asked for, seconds, while no account stream runs and somebody waits."""
        return self._twin.poll_s

    @poll_s.setter
    def poll_s(self, seconds: float) -> None:
        self._twin.poll_s = seconds

    @property
    def client_order_id(self) -> str:
        """The id it was placed with."""
        return self._runner.read(lambda: self._twin.client_order_id)

    @property
    def venue_order_id(self) -> str | None:
        """The exchange's id of it, the newest if it had several."""
        return self._runner.read(lambda: self._twin.venue_order_id)

    @property
    def state(self) -> OrderState:
        """All that is known of it."""
        return self._runner.read(lambda: self._twin.state)

    @property
    def status(self) -> OrderStatus:
        """Where it stands."""
        return self._runner.read(lambda: self._twin.status)

    @property
    def filled(self) -> Decimal:
        """Executed so far, base units. Never falls."""
        return self._runner.read(lambda: self._twin.filled)

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The fills known, oldest first."""
        return self._runner.read(lambda: self._twin.fills)

    def settled(self, timeout_s: float | None = None) -> OrderState:
        """Wait until the exchange has ended it, in whichever way; return its last state.

        Raises:
            TimeoutError: It still works after *timeout_s* seconds. The order is as it was.
        """
        return self._runner.call(self._twin.settled, timeout_s)

    def fetch_fills(self, timeout_s: float = 5.0) -> tuple[Fill, ...]:
        """Return its fills, oldest first; ask the exchange where those known do not add up to `filled`."""
        return self._runner.call(self._twin.fetch_fills, timeout_s)

    def events(self) -> OrderEvents:
        """Return an iterator over its events: first what is known now, then all that follow."""
        return OrderEvents(self._runner.read(self._twin.events), self._runner)


class OrderEvents:
    """Events of one order, in order; ends with it."""

    def __init__(self, twin: handle.OrderEvents, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __iter__(self) -> OrderEvents:
        return self

    def __next__(self) -> OrderEvent | FillEvent:
        return self.next()

    def next(self, timeout_s: float | None = None) -> OrderEvent | FillEvent:
        """Return the next event.

        Raises:
            TimeoutError: None came within *timeout_s* seconds.
            StopIteration: The order has ended.
        """
        event = self._runner.call(next_within, self._twin, timeout_s)
        if over(event):
            raise StopIteration
        return event

    def close(self) -> None:
        """Stop following."""
        self._runner.read(self._twin.close)
