"""Moving one subscription from an old socket to a new one without losing or repeating an event. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

E = TypeVar("E")

_LONG_RUN = 100  # events in a row that both sockets brought: more prove no more


class Handover(Generic[E]):
    """Forwards the old socket until the new one is seen to overlap it, then the new one, at one moment.

    Both sockets bring the same events in the same order. What the old one brings is remembered (from before the new
    subscription was sent, so every event of the new one is either remembered or still to come); what the new one
    brings is held. Once a held event is also a remembered one, the new socket is known to have missed nothing: the
    handover is ready. At the switch the reader moves over, and what it has had already is left out. What the new socket
    brought before that event was never on the old one (the snapshot some exchanges send first): the reader has no use
    for it. Not so where a subscription begins with events that are known, in whatever order (``in_order`` is False):
    there all that was held is forwarded, and whoever takes it leaves out what it has had.

    Where events have no identity but their whole message (``whole``), one may say what an earlier one said. The sockets
    overlap then if what both brought in a row includes the last that the old one brought, or is two at least; and what
    is not proven to be old at the switch is forwarded: to tell a state twice does no harm, to leave one out does.

    Attributes:
        ready: The overlap is proven.
        switched: The reader has moved to the new socket.
        settled: And no event can be a repetition any more.
    """

    __slots__ = ("_forward", "_held", "_held_ids", "_in_order", "_order", "_seen", "ready", "settled", "switched")

    def __init__(self, forward: Callable[[Sequence[E]], None], *, in_order: bool = True, whole: bool = False) -> None:
        self._forward = forward
        self._in_order = in_order
        self._order: list[Hashable] | None = [] if whole else None  # of what the old socket brought
        self._seen: Counter[Hashable] = Counter()
        self._held: list[tuple[Hashable, E]] = []
        self._held_ids: set[Hashable] = set()
        self.ready = False
        self.switched = False
        self.settled = False

    def old(self, items: Sequence[tuple[Hashable, E]]) -> None:
        """Take what the old socket brought."""
        if self.switched:
            return
        known = False
        for identity, _ in items:
            self._seen[identity] += 1
            known = known or identity in self._held_ids
            if self._order is not None:
                self._order.append(identity)
        self._look(known)
        self._forward([event for _, event in items])

    def new(self, items: Sequence[tuple[Hashable, E]]) -> None:
        """Take what the new socket brought."""
        if self.switched:
            self._pass(items)
            return
        self._held.extend(items)
        known = False
        for identity, _ in items:
            self._held_ids.add(identity)
            known = known or identity in self._seen
        self._look(known)

    def switch(self) -> None:
        """Move now: the overlap is proven, or cannot be waited for (the old socket ended, or both are quiet)."""
        if self.switched:
            return
        self.switched = True
        shared = None if self._order is None else self._shared(self._order)
        held, self._held = self._held, []
        self._held_ids.clear()
        if self._order is not None:
            if shared is None:
                self.settle()
            else:
                self._seen = Counter(self._order[shared[1] :])
                del held[: shared[0]]
            self._order.clear()
        elif self.ready and self._in_order:
            del held[: next(at for at, (identity, _) in enumerate(held) if identity in self._seen)]
        self._pass(held)

    def settle(self) -> None:
        """Stop looking for repetitions: the old socket has been gone for long enough."""
        self.settled = True
        self._seen.clear()

    def _look(self, known: bool) -> None:
        """See whether the overlap is proven, where an event that just came is *known* from the other socket."""
        if known and not self.ready:
            self.ready = self._order is None or self._shared(self._order) is not None

    def _shared(self, seen: list[Hashable]) -> tuple[int, int] | None:
        """Return how far the held and the *seen* events reach that both have; ``None``: no overlap is proven.

        Of several ways in which they may overlap, the longest; it reaches the end of either.
        """
        held = [identity for identity, _ in self._held]
        if not seen or not held:
            return None
        ends = [(at, len(seen)) for at, identity in enumerate(held, 1) if identity == seen[-1]]
        ends += [(len(held), at) for at, identity in enumerate(seen, 1) if identity == held[-1]]
        longest, shared = 0, None
        for end in ends:
            run = 0
            while run < min(*end, _LONG_RUN) and held[end[0] - run - 1] == seen[end[1] - run - 1]:
                run += 1
            if run > longest and (self.ready or run > 1 or end[1] == len(seen)):
                longest, shared = run, end
        return shared

    def _pass(self, items: Sequence[tuple[Hashable, E]]) -> None:
        fresh: list[E] = []
        for identity, event in items:
            if self._seen.get(identity, 0) > 0:
                self._seen[identity] -= 1
                continue
            if self.ready and self._in_order and not self.settled:
                self.settle()  # past the old socket's last event: the order is the same, so all that follow are new
            fresh.append(event)
        if fresh:
            self._forward(fresh)
