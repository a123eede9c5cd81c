"""All orders this process knows, its own and those seen on the account. Pure, and bounded.

What is remembered: every order that works or is in doubt, the last *keep_finished* orders that ended, with their
fills; of what was forgotten, the last *keep_ids* order and fill ids, so that a replay does not bring it back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from lotusx.kernel.orders.merge import FillKey, TrackedOrder, fill_key
from lotusx.model.account import AccountEvent, FillEvent, OrderEvent
from lotusx.model.orders import Fill, OrderState
from lotusx.model.symbol import Symbol


@dataclass(slots=True)
class LedgerCounts:
    """What came of the reports and fills handed in.

    Attributes:
        applied: Changed something.
        repeated: Said nothing new: duplicates, and reports older than what is known.
        forgotten: Orders that ended and were dropped to make room.
        evicted_fills: Fills of orders never seen that were dropped to make room; they had been delivered.
    """

    applied: int = 0
    repeated: int = 0
    forgotten: int = 0
    evicted_fills: int = 0


class _Remembered:
    """The last *bound* keys."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def add(self, key: Hashable) -> None:
        self._keys[key] = None
        if len(self._keys) > self._bound:
            self._keys.popitem(last=False)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)


class Ledger:
    """Finds the order a report belongs to, merges it, and says what is new. Every event is returned once."""

    def __init__(self, *, keep_finished: int = 10_000, keep_ids: int = 100_000) -> None:
        self.counts = LedgerCounts()
        self._keep_finished = keep_finished
        self._by_client: dict[str, TrackedOrder] = {}  # our own only
        self._by_venue: dict[tuple[Symbol, str], TrackedOrder] = {}
        self._finished: OrderedDict[int, TrackedOrder] = OrderedDict()
        self._strays: OrderedDict[tuple[Symbol, str], dict[FillKey, Fill]] = OrderedDict()  # of orders never seen
        self._stray_count = 0
        self._keep_strays = keep_ids
        self._seen = _Remembered(keep_ids)

    def __len__(self) -> int:
        return len({id(order) for order in self._all()})

    def sizes(self) -> dict[str, int]:
        """Return live sizes, for statistics."""
        return {
            "orders": len(self),
            "finished": len(self._finished),
            "stray_fills": self._stray_count,
            "forgotten_ids": len(self._seen),
        }

    def open(self, base: OrderState) -> TrackedOrder:
        """Remember an order this process is about to ask for; ``base`` is what was asked, with its client id."""
        order = TrackedOrder(base, own=True)
        for name in order.client_ids:
            self._by_client[name] = order
        return order

    def used(self, client_order_id: str) -> bool:
        """Whether this process has used that id before, as far as it remembers."""
        return client_order_id in self._by_client or ("client", client_order_id) in self._seen

    def find(
        self, symbol: Symbol, client_order_id: str | None = None, venue_order_id: str | None = None
    ) -> TrackedOrder | None:
        """Return the order of that name, by any id it has had. The exchange's own decides: ours may be used again."""
        order = self._by_venue.get((symbol, venue_order_id)) if venue_order_id else None
        if order is None and client_order_id:
            order = self._by_client.get(client_order_id)
        return order if order is not None and order.symbol == symbol else None

    def tells_apart(self, report: OrderState | Fill) -> bool:
        """Say whether *report* has the id of an order of ours and is of another."""
        own = self._by_client.get(report.client_order_id) if report.client_order_id else None
        return own is not None and own.symbol == report.symbol and own.excludes(report)

    def claim(self, order: TrackedOrder) -> None:
        """Make an order placed elsewhere our own: it is about to be amended, and must stay one order."""
        order.own = True
        for name in order.client_ids:
            self._by_client.setdefault(name, order)

    def alias(self, order: TrackedOrder, client_order_id: str) -> None:
        """Know *order* by one more client id."""
        order.add_alias(client_order_id)
        self._by_client[client_order_id] = order

    def unfinished(self) -> list[TrackedOrder]:
        """Return all orders believed to work or in doubt, oldest first."""
        return [order for order in self.orders() if id(order) not in self._finished]

    def orders(self) -> list[TrackedOrder]:
        """Return all orders that are remembered, ended ones too; those with our own id first."""
        return list(dict.fromkeys(self._all()))

    def close(self, order: TrackedOrder) -> None:
        """Count an order that never came to be among the finished ones."""
        self._retire(order)

    def set_amendment(self, order: TrackedOrder, name: Hashable, *, possible: bool) -> list[AccountEvent]:
        """Note whether the amendment *name* may still be carried out; where not, what was held back may show."""
        order.set_amendment(name, possible=possible)
        return self._tell(order, []) if order.told is not None else []

    def apply_state(self, state: OrderState, order: TrackedOrder | None = None) -> list[AccountEvent]:
        """Merge what the exchange said of an order, with the fills it carries. Return what is new.

        *order* names the order it belongs to where the report itself cannot: the answer to an amendment.
        """
        found = order or self._owner(state)
        events: list[AccountEvent] = []
        if found is None:
            if ("venue", state.symbol, state.venue_order_id) in self._seen:
                self.counts.repeated += 1
                return events
            found = TrackedOrder(state, own=False)
        joined = self._index(found, state.venue_order_id)
        found.add_report(state)
        for fill in state.fills:
            if fill_key(fill) not in self._seen and found.add_fill(fill):
                events.append(FillEvent(fill))
        return self._tell(found, events, joined)

    def apply_fill(self, fill: Fill) -> list[AccountEvent]:
        """Count a fill once, whichever way it came and however often. Return it if it is new."""
        order = self._owner(fill)
        joined = [] if order is None else self._index(order, fill.venue_order_id)
        if fill_key(fill) in self._seen or (order is None and not self._keep_stray(fill)):
            return self._repeated(order, joined)
        events: list[AccountEvent] = [FillEvent(fill)]
        if order is None:
            self.counts.applied += 1
            return events
        finished = order.finished
        before = order.state.filled
        if not order.add_fill(fill):
            return self._repeated(order, joined)
        if finished and order.state.filled != before:  # late: no report of it will follow
            return self._tell(order, events, joined)
        self.counts.applied += 1
        self._retire(order)
        self._call(order, joined + events)
        return events

    def _all(self) -> Iterator[TrackedOrder]:
        yield from self._by_client.values()
        yield from self._by_venue.values()

    def _owner(self, report: OrderState | Fill) -> TrackedOrder | None:
        name = report.client_order_id
        seen = self._by_venue.get((report.symbol, report.venue_order_id)) if report.venue_order_id else None
        if name is None or self.tells_apart(report) or (seen is not None and name in seen.client_ids):
            return seen  # told apart from ours, if it was seen under our id and is not ours
        own = self._by_client.get(name)
        return own if own is not None and own.symbol == report.symbol else seen

    def _index(self, order: TrackedOrder, venue_order_id: str | None) -> list[AccountEvent]:
        """Note that *order* has this venue id; an order seen under it without our id turns out to be the same.

        Return the fills that have become its own by that. The account was told of them; readers of the order were not.
        """
        if not venue_order_id:
            return []
        joined: list[Fill] = []
        holder = self._by_venue.get((order.symbol, venue_order_id))
        if holder is not None and holder is not order:
            leg = holder.leg(venue_order_id)
            if leg is not None:
                joined = [fill for key, fill in holder.fills.items() if key not in order.fills]
                order.adopt(leg, list(holder.fills.values()))
            self._finished.pop(id(holder), None)
        self._by_venue[(order.symbol, venue_order_id)] = order
        for fill in self._strays.pop((order.symbol, venue_order_id), {}).values():
            self._stray_count -= 1
            if order.add_fill(fill):
                joined.append(fill)
        return [FillEvent(fill) for fill in joined]

    def _keep_stray(self, fill: Fill) -> bool:
        group = self._strays.setdefault((fill.symbol, fill.venue_order_id), {})
        key = fill_key(fill)
        if key in group:
            return False
        group[key] = fill
        self._stray_count += 1
        while self._stray_count > self._keep_strays:
            _, oldest = self._strays.popitem(last=False)
            self._stray_count -= len(oldest)
            self.counts.evicted_fills += len(oldest)
            for old in oldest:
                self._seen.add(old)
        return True

    def _tell(
        self, order: TrackedOrder, events: list[AccountEvent], joined: Sequence[AccountEvent] = ()
    ) -> list[AccountEvent]:
        """Return *events* and what the order has become; tell its readers both, after the fills that *joined* it."""
        state = order.state
        told = order.told
        if state != told:
            order.told = state
            if told is None or not told.status.is_terminal or replace(told, updated_ns=state.updated_ns) != state:
                events.append(OrderEvent(state))  # an end is news once, whatever its time turns out to be
        if events:
            self.counts.applied += 1
        else:
            self.counts.repeated += 1
        self._retire(order)
        self._call(order, [*joined, *events])
        return events

    def _repeated(self, order: TrackedOrder | None, joined: list[AccountEvent]) -> list[AccountEvent]:
        """Tell the order's readers what has *joined* it by a fill told before, and all if that has ended it."""
        if order is not None and joined:
            if order.finished:  # no report of it will follow
                return self._tell(order, [], joined)
            self._call(order, joined)
        self.counts.repeated += 1
        return []

    def _call(self, order: TrackedOrder, events: list[AccountEvent]) -> None:
        for watcher in tuple(order.watchers):
            watcher(events)

    def _retire(self, order: TrackedOrder) -> None:
        """Keep the list of ended orders in step, and forget the oldest of them beyond the bound."""
        if order.known_to_exchange and not order.finished:
            self._finished.pop(id(order), None)  # it was revived
            return
        self._finished[id(order)] = order
        while len(self._finished) > self._keep_finished:
            self._forget(self._finished.popitem(last=False)[1])

    def _forget(self, order: TrackedOrder) -> None:
        self.counts.forgotten += 1
        for name in order.client_ids:
            if self._by_client.get(name) is order:
                del self._by_client[name]
                self._seen.add(("client", name))
        for leg in order.legs:
            if self._by_venue.pop((order.symbol, leg.venue_order_id or ""), None) is not None:
                self._seen.add(("venue", order.symbol, leg.venue_order_id))
        for key in order.fills:
            self._seen.add(key)
