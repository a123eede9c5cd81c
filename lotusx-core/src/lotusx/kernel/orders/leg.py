"""Everything an exchange said of one of its orders, merged so that neither order nor repetition of reports matters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from decimal import Context, Decimal
from operator import attrgetter
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
_NAMES = tuple(field.name for field in fields(OrderState))
_all_of = attrgetter(*_NAMES)
_BY_ITSELF = tuple(
    map(
        _NAMES.index,
        ("symbol", "venue_order_id", "status", "filled", "fills", "updated_ns", "post_only", "reduce_only"),
    )
)
_SYMBOL, _VENUE_ORDER_ID, _STATUS, _FILLED, _FILLS, _UPDATED_NS, _POST_ONLY, _REDUCE_ONLY = _BY_ITSELF
_BY_TRUTH = tuple(index for index in range(len(_NAMES)) if index not in _BY_ITSELF)
_SPENT = (_NAMES.index("filled_quote"), _NAMES.index("average_price"))
_VAGUE = (
    (_NAMES.index("type"), OrderType.UNKNOWN),
    (_NAMES.index("time_in_force"), TimeInForce.UNKNOWN),
    *((_NAMES.index(name), "") for name in ("raw_status", "raw_type", "raw_time_in_force", "reason")),
)
_NOTHING: list[Any] = [None] * len(_NAMES)
_NOT_STARTED = (OrderStatus.OPEN, OrderStatus.PENDING)

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


def _stated(state: OrderState) -> list[Any]:
    """Return what a report says, in the order of the fields; ``None``: nothing."""
    values = list(_all_of(state))
    for index, vague in _VAGUE:
        if values[index] == vague:
            values[index] = None
    return values


class Leg:
    """One order at the exchange. An amendment that gives a new venue id adds a leg to the same `TrackedOrder`.

    Each field keeps the value of the truest report that states it, so a bare acknowledgement erases nothing.
    """

    __slots__ = (
        "_from_fills", "_keys", "_post_only", "_reduce_only", "_reported", "_updated_ns", "_values",
        "client_ids", "first_ns", "venue_order_id",
    )  # fmt: skip

    def __init__(self, venue_order_id: str | None) -> None:
        self.venue_order_id = venue_order_id
        self.client_ids: set[str] = set()
        self.first_ns = NEVER
        self._values: list[Any] = _NOTHING
        self._keys: list[Key] = []  # how true each of them is
        self._updated_ns = 0  # by itself: the end may be told without its time
        self._post_only = self._reduce_only = False  # an exchange that says it once means it
        self._reported = Decimal(0)
        self._from_fills = Decimal(0)

    @property
    def reported(self) -> bool:
        """Whether the exchange has described it, beyond fills."""
        return bool(self._keys)

    @property
    def filled(self) -> Decimal:
        """Executed so far: the larger of what reports say and what the fills add up to. Never falls."""
        return max(self._reported, self._from_fills)

    @property
    def status(self) -> OrderStatus:
        """Where it stands; what the exchange calls by a word we do not know stays ``UNKNOWN``."""
        status: OrderStatus | None = self._values[_STATUS]
        if (status is None or status in _NOT_STARTED) and self.filled:
            return OrderStatus.PARTIALLY_FILLED
        return status or OrderStatus.UNKNOWN

    def add_report(self, state: OrderState) -> None:
        """Merge one report: idempotent, commutative, associative."""
        values, key = _stated(state), report_key(state)
        keys = [key] * len(values)
        for index in _SPENT:  # these belong to what was filled: they are as true as that is much
            keys[index] = (state.filled, *key)
        self._merge(values, keys)
        self._updated_ns = max(self._updated_ns, state.updated_ns)
        self._post_only |= state.post_only
        self._reduce_only |= state.reduce_only
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
        if other._keys:
            self._merge(list(other._values), list(other._keys))
        self._updated_ns = max(self._updated_ns, other._updated_ns)
        self._post_only |= other._post_only
        self._reduce_only |= other._reduce_only
        self._reported = max(self._reported, other._reported)
        self._from_fills = add(self._from_fills, other._from_fills)
        self.first_ns = min(self.first_ns, other.first_ns)
        self.client_ids |= other.client_ids

    def _merge(self, values: list[Any], keys: list[Key]) -> None:
        """Of each field keep the truest value. Both lists become this leg's own."""
        if not self._keys:
            self._values, self._keys = values, keys
            return
        for index, value in enumerate(values):
            held, key, its_key = self._values[index], keys[index], self._keys[index]
            if value is not None and (held is None or key > its_key or (key == its_key and str(value) > str(held))):
                self._values[index], self._keys[index] = value, key

    def describe(self, base: OrderState) -> OrderState:
        """Return its state; what the exchange never said comes from *base*."""
        values = self._values.copy()
        values[_SYMBOL] = base.symbol
        values[_VENUE_ORDER_ID] = self.venue_order_id
        values[_STATUS] = self.status
        values[_FILLED] = self.filled
        values[_FILLS] = base.fills
        values[_UPDATED_NS] = self._updated_ns if self._keys else base.updated_ns
        values[_POST_ONLY] = self._post_only or base.post_only
        values[_REDUCE_ONLY] = self._reduce_only or base.reduce_only
        for index in _SPENT:  # of less than is known to be filled
            if values[index] is not None and self._keys[index][0] < self.filled:
                values[index] = None
        for index in _BY_TRUTH:
            if values[index] is None and (index not in _SPENT or base.filled == self.filled):
                values[index] = getattr(base, _NAMES[index])
        return OrderState(*values)
