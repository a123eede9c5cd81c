"""Moving one subscription from an old socket to a new one without losing or repeating an event. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

E = TypeVar("E")


class Handover(Generic[E]):
    """Forwards the old socket until the new one is seen to overlap it, then the new one, at one moment.

    Both sockets bring the same events in the same order. What the old one brings is remembered (from before the new
    subscription was sent, so every event of the new one is either remembered or still to come); what the new one
    brings is held. Once a held event is also a remembered one, the new socket is known to have missed nothing: the
    handover is ready. At the switch the reader moves over, and what it has had already is left out. What the new socket
    brought before that event was never on the old one (the snapshot some exchanges send first): the reader has no use
    for it. Not so where a subscription begins with events that are known, in whatever order (``in_order`` is False):
    there all that was held is forwarded, and whoever takes it leaves out what it has had.

    Attributes:
        ready: The overlap is proven.
        switched: The reader has moved to the new socket.
        settled: And no event can be a repetition any more.
    """

    __slots__ = ("_forward", "_held", "_held_ids", "_in_order", "_seen", "ready", "settled", "switched")

    def __init__(self, forward: Callable[[Sequence[E]], None], *, in_order: bool = True) -> None:
        self._forward = forward
        self._in_order = in_order
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
        for identity, _ in items:
            self._seen[identity] += 1
            if identity in self._held_ids:
                self.ready = True
        self._forward([event for _, event in items])

    def new(self, items: Sequence[tuple[Hashable, E]]) -> None:
        """Take what the new socket brought."""
        if self.switched:
            self._pass(items)
            return
        self._held.extend(items)
        for identity, _ in items:
            self._held_ids.add(identity)
            if identity in self._seen:
                self.ready = True

    def switch(self) -> None:
        """Move now: the overlap is proven, or cannot be waited for (the old socket ended, or both are quiet)."""
        if self.switched:
            return
        self.switched = True
        held, self._held = self._held, []
        self._held_ids.clear()
        if self.ready and self._in_order:
            del held[: next(at for at, (identity, _) in enumerate(held) if identity in self._seen)]
        self._pass(held)

    def settle(self) -> None:
        """Stop looking for repetitions: the old socket has been gone for long enough."""
        self.settled = True
        self._seen.clear()

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
