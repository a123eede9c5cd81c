"""Everything an exchange said of one of its orders, merged so that neither order nor repetition of reports matters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from decimal import Context, Decimal
from typing import Any

from lotusx.model.enums import OrderStatus, OrderType, TimeInForce
from lotusx.model.orders import Fill, OrderState

NEVER = 1 << 80
"""The time of a leg of which the exchange has told none: an answer may carry no time."""
_EXACT = Context(prec=2_000)
_RANK = {
    OrderStatus.UNKNOWN: 0,
    OrderStatus.PENDING: 1,
    OrderStatus.OPEN: 2,
    OrderStatus.PARTIALLY_FILLED: 3,
    OrderStatus.REJECTED: 4,
    OrderStatus.EXPIRED: 5,
    OrderStatus.CANCELED: 6,
    OrderStatus.FILLED: 7,
}
_EITHER = ("post_only", "reduce_only")  # an exchange that says it once means it
_MERGED = tuple(
    field.name
    for field in fields(OrderState)
    if field.name not in ("symbol", "venue_order_id", "filled", "fills", "updated_ns", *_EITHER)
)

_SPENT = ("filled_quote", "average_price")  # these belong to what was filled: they are as true as that is much

Key = tuple[Any, ...]


def add(a: Decimal, b: Decimal) -> Decimal:
    """Return a + b without rounding, whatever the caller's context."""
    return _EXACT.add(a, b)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Return the exact sum of *numbers*."""
    found = Decimal(0)
    for number in numbers:
        found = add(found, number)
    return found


def report_key(state: OrderState) -> Key:
    """Return what decides which of two reports of one order is the truer.

    An end beats no end, complete execution beats any other end, then the exchange's time and version decide, then
    the larger execution. An exchange whose reports can share a moment must number them (``version``).
    """
    status = state.status
    filled = status is OrderStatus.FILLED
    return (status.is_terminal, filled, state.updated_ns, state.version, state.filled, _RANK[status])


class Leg:
    """One order at the exchange. An amendment that gives a new venue id adds a leg to the same `TrackedOrder`.

    Each field keeps the value of the truest report that states it, so a bare acknowledgement erases nothing.
    """

    __slots__ = ("_best", "_flags", "_from_fills", "_reported", "client_ids", "first_ns", "venue_order_id")

    def __init__(self, venue_order_id: str | None) -> None:
        self.venue_order_id = venue_order_id
        self.client_ids: set[str] = set()
        self.first_ns = NEVER
        self._best: dict[str, tuple[Key, Any]] = {}
        self._flags = [False, False]
        self._reported = Decimal(0)
        self._from_fills = Decimal(0)

    @property
    def reported(self) -> bool:
        """Whether the exchange has described it, beyond fills."""
        return bool(self._best)

    @property
    def filled(self) -> Decimal:
        """Executed so far: the larger of what reports say and what the fills add up to. Never falls."""
        return max(self._reported, self._from_fills)

    @property
    def status(self) -> OrderStatus:
        """Where it stands; what the exchange calls by a word we do not know stays ``UNKNOWN``."""
        found = self._best.get("status")
        status: OrderStatus = found[1] if found else OrderStatus.OPEN
        if self.filled and status in (OrderStatus.OPEN, OrderStatus.PENDING):
            return OrderStatus.PARTIALLY_FILLED
        return status if found else OrderStatus.UNKNOWN

    def add_report(self, state: OrderState) -> None:
        """Merge one report: idempotent, commutative, associative."""
        key = report_key(state)
        for name in _MERGED:
            value = getattr(state, name)
            if value is None or value is OrderType.UNKNOWN or value is TimeInForce.UNKNOWN or value == "":
                continue  # not stated
            self._keep(name, (state.filled, *key) if name in _SPENT else key, value)
        self._keep("updated_ns", (state.updated_ns,), state.updated_ns)  # the end may be told without its time
        for index, name in enumerate(_EITHER):
            self._flags[index] |= getattr(state, name)
        self._reported = max(self._reported, state.filled)
        if state.client_order_id:
            self.client_ids.add(state.client_order_id)
        for moment in (state.created_ns, state.updated_ns):
            if moment:
                self.first_ns = min(self.first_ns, moment)

    def add_fill(self, fill: Fill) -> None:
        """Count a fill; the caller has made sure that it is new."""
        self._from_fills = add(self._from_fills, fill.quantity)
        self.first_ns = min(self.first_ns, fill.exchange_ns)
        if fill.client_order_id:
            self.client_ids.add(fill.client_order_id)

    def absorb(self, other: Leg) -> None:
        """Take over all that is known of *other*, which has turned out to be the same; also its venue id."""
        self.venue_order_id = other.venue_order_id
        for name, (key, value) in other._best.items():
            self._keep(name, key, value)
        self._flags = [mine or theirs for mine, theirs in zip(self._flags, other._flags, strict=True)]
        self._reported = max(self._reported, other._reported)
        self._from_fills = add(self._from_fills, other._from_fills)
        self.first_ns = min(self.first_ns, other.first_ns)
        self.client_ids |= other.client_ids

    def _keep(self, name: str, key: Key, value: Any) -> None:
        held = self._best.get(name)
        if held is None or key > held[0] or (key == held[0] and str(value) > str(held[1])):
            self._best[name] = (key, value)

    def describe(self, base: OrderState) -> OrderState:
        """Return its state; what the exchange never said comes from *base*."""
        values = {name: held[1] for name, held in self._best.items()}
        values.update({name: self._flags[index] or getattr(base, name) for index, name in enumerate(_EITHER)})
        values["venue_order_id"] = self.venue_order_id
        values["filled"] = self.filled
        values["status"] = self.status
        return _replace(base, values)


_NAMES = tuple(field.name for field in fields(OrderState))


def _replace(base: OrderState, values: dict[str, Any]) -> OrderState:
    return OrderState(**{name: values[name] if name in values else getattr(base, name) for name in _NAMES})
