"""One order of ours, through every id it has had: a pure merge of reports and fills from any source.

Its identity is the client order id. Ids the exchange or an amendment add are an append-only chain of aliases.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from decimal import Decimal

from lotusx.kernel.orders.leg import NEVER, Leg, add, total
from lotusx.kernel.orders.outcome import Command
from lotusx.model.account import AccountEvent
from lotusx.model.enums import OrderStatus
from lotusx.model.orders import Fill, OrderState
from lotusx.model.symbol import Symbol

FillKey = tuple[Symbol, str, str]
Watcher = Callable[[Sequence[AccountEvent]], None]


def fill_key(fill: Fill) -> FillKey:
    """Return what identifies a fill. With the side: both sides of one trade may be ours and share its id."""
    return (fill.symbol, fill.trade_id, fill.side)


class TrackedOrder:
    """What is known of one order.

    Attributes:
        symbol: What it trades.
        client_ids: Its client order ids, oldest first; the first is its identity.
        own: Whether this process asked for it. Only then does a client id join venue orders into one.
        amending: Whether an amendment is under way.
        amendments: Names of those that may still be carried out, also after their callers have left: until that is
            known, the end of a leg is not the end of the order.
        told: The state last reported to whoever follows the account.
        placement: The command that asked for it, where this process did.
        watchers: Called after every change, with the new events (perhaps none).
        hidden: Whether the exchange may hide it from every read: that it is not found never proves anything.
        is_another: Says of a report under its id that it cannot be of what was asked for; ``None``: each may be.
    """

    __slots__ = (
        "_base", "_view", "amending", "amendments", "client_ids", "fills", "hidden", "is_another", "legs", "own",
        "placement", "symbol", "told", "watchers",
    )  # fmt: skip

    def __init__(self, base: OrderState, *, own: bool) -> None:
        self.symbol = base.symbol
        self.own = own
        self.client_ids: list[str] = [base.client_order_id] if base.client_order_id else []
        self.amending = False
        self.amendments: set[Hashable] = set()
        self.fills: dict[tuple[Symbol, str, str], Fill] = {}
        self.legs: list[Leg] = []
        self.placement: Command | None = None
        self.hidden = False
        self.is_another: Callable[[OrderState | Fill], bool] | None = None
        self.told: OrderState | None = None
        self.watchers: list[Watcher] = []
        self._base = base
        self._view: OrderState | None = None

    @property
    def known_to_exchange(self) -> bool:
        """Whether anything the exchange said proves that it has, or had, this order."""
        return bool(self.legs)

    @property
    def finished(self) -> bool:
        """Whether the exchange has ended it, and nothing under way can revive it."""
        return self.state.status.is_terminal

    @property
    def client_order_id(self) -> str | None:
        """The id it was placed with."""
        return self.client_ids[0] if self.client_ids else None

    @property
    def state(self) -> OrderState:
        """The order as a whole: the newest leg's terms, what all its legs executed."""
        if self._view is None:
            self._view = self._describe()
        return self._view

    @property
    def filled_by_fills(self) -> Decimal:
        """What its fills add up to."""
        return total(fill.quantity for fill in self.fills.values())

    def excludes(self, report: OrderState | Fill) -> bool:
        """Whether *report*, under our id, is of another order: while nothing else is known of this one."""
        return not self.legs and self.is_another is not None and self.is_another(report)

    def leg(self, venue_order_id: str | None) -> Leg | None:
        """Return the leg with that id; ``None``: the newest, if there is one."""
        if venue_order_id is None:
            return self._ordered()[-1] if self.legs else None
        return next((leg for leg in self.legs if leg.venue_order_id == venue_order_id), None)

    def part(self, venue_order_id: str | None) -> OrderState:
        """Return what is known of one leg by itself, as the exchange would report it; ``None``: of the newest.

        The order as a whole is no such report: what the legs before it executed would be counted again.
        """
        leg = self.leg(venue_order_id)
        return self._base if leg is None else leg.describe(self._base)

    def add_alias(self, client_order_id: str) -> None:
        """Know it by one more client id, from now on the newest."""
        if client_order_id not in self.client_ids:
            self.client_ids.append(client_order_id)
            self._view = None

    def adopt(self, leg: Leg, fills: Sequence[Fill]) -> None:
        """Take over a leg that was first seen without our id, with its fills."""
        nameless = next((each for each in self.legs if each.venue_order_id is None), None)
        if nameless is None:
            self.legs.append(leg)
        else:
            nameless.absorb(leg)
        self.fills.update((fill_key(fill), fill) for fill in fills)
        self._view = None

    def add_report(self, state: OrderState) -> None:
        """Merge what the exchange said of one of its legs."""
        self._leg_for(state.venue_order_id, state.client_order_id).add_report(state)
        self._view = None

    def add_fill(self, fill: Fill) -> bool:
        """Count a fill once. It may come before any report of its leg. Return whether it was new."""
        key = fill_key(fill)
        if key in self.fills:
            return False
        self.fills[key] = fill
        self._leg_for(fill.venue_order_id or None, fill.client_order_id).add_fill(fill)
        self._view = None
        return True

    def set_amendment(self, name: Hashable, *, possible: bool) -> None:
        """Note whether the amendment *name* may still be carried out."""
        if possible:
            self.amendments.add(name)
        else:
            self.amendments.discard(name)
        self._view = None

    def _leg_for(self, venue_order_id: str | None, client_order_id: str | None) -> Leg:
        leg = self.leg(venue_order_id)
        if leg is None:
            nameless = next((each for each in self.legs if each.venue_order_id is None), None)
            if nameless is not None:  # until now only acknowledged, without an id
                nameless.venue_order_id = venue_order_id
                leg = nameless
            else:
                leg = Leg(venue_order_id)
                self.legs.append(leg)
        if client_order_id:
            leg.client_ids.add(client_order_id)
        return leg

    def _ordered(self) -> list[Leg]:
        """Legs, oldest first: by the newest of our ids they carry, then by the exchange's time.

        One of which no time was told is older than those that were learnt of after it.
        """
        if len(self.legs) < 2:
            return self.legs
        place = {name: index for index, name in enumerate(self.client_ids)}

        ages: list[tuple[int, int, bool, bool, int]] = []
        later_ns = NEVER
        for index in reversed(range(len(self.legs))):
            leg = self.legs[index]
            newest = max((place.get(name, -1) for name in leg.client_ids), default=-1)
            told = leg.first_ns != NEVER
            later_ns = min(later_ns, leg.first_ns)
            ages.append((newest, leg.first_ns if told else later_ns, told, told and not leg.status.is_terminal, index))
        return [self.legs[age[-1]] for age in sorted(ages)]

    def _describe(self) -> OrderState:
        legs = self._ordered()
        base = self._base
        for leg in legs:  # each leg inherits the terms it does not state itself from the one before
            if leg.reported:
                if leg is not legs[0]:
                    base = replace(base, reason="", raw_status="", average_price=None, filled_quote=None)
                base = leg.describe(base)
        if not legs:
            return base
        newest = legs[-1]
        if not newest.reported:  # a fill alone has shown this leg
            base = newest.describe(replace(base, client_order_id=self._newest_id(newest)))
        if self.amendments and base.status.is_terminal:
            base = replace(base, status=OrderStatus.PENDING)
        if len(legs) == 1:
            return base
        before = Decimal(0)
        for leg in legs[:-1]:
            before = add(before, leg.filled)
        quantity = base.quantity
        return replace(
            base,
            filled=add(before, newest.filled),
            quantity=add(before, quantity) if quantity is not None and before else quantity,
            filled_quote=None,
            average_price=None,
        )

    def _newest_id(self, leg: Leg) -> str | None:
        return next((name for name in reversed(self.client_ids) if name in leg.client_ids), self.client_order_id)
