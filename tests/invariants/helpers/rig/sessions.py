"""What telemetry told: which sockets live, when each was lost, and what became of the account's channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lotusx.kernel.telemetry import BudgetWait, Event, OrderOutcome, SessionChanged, StreamChanged
from lotusx.plugin import hookimpl

if TYPE_CHECKING:
    from rig.canary import Haystack
    from rig.log import EventLog

Name = tuple[str, int]
"""Group and number of a session."""


class Sessions:
    """An observer, and at the same time the plugin that brings it in.

    Attributes:
        lost: When sessions were lost, in order. ``history``: every change of theirs: time, name, state.
        ``changes``: what became of streams: time, key, state.
        outcomes: How commands ended. ``doubts``: how many were in doubt at some time.
        held_ns: Until when a request had to wait because the exchange's limits were used up. ``holds``: each such wait,
            from when until when.
    """

    def __init__(self, log: EventLog, haystack: Haystack, now_ns: Callable[[], int]) -> None:
        self.lost: list[tuple[int, Name]] = []
        self.history: list[tuple[int, Name, str]] = []
        self.changes: list[tuple[int, str, str]] = []
        self.doubts = 0
        self.outcomes: list[OrderOutcome] = []
        self.held_ns = 0
        self.holds: list[tuple[int, int]] = []
        self._live: dict[Name, None] = {}
        self._log = log
        self._haystack = haystack
        self._now_ns = now_ns

    @hookimpl
    def lotusx_observer(self, exchange: str) -> Callable[[Event], None]:
        """Observe."""
        del exchange
        return self._take

    def live(self) -> list[Name]:
        """Return the sessions that are connected and logged in."""
        return list(self._live)

    def _take(self, event: Event) -> None:
        shown = repr(event)
        self._log.write("telemetry", shown)
        self._haystack.add(shown)
        if isinstance(event, SessionChanged):
            name = (event.group, event.session)
            self.history.append((self._now_ns(), name, event.state))
            if event.state == "live":
                self._live[name] = None
            elif event.state in ("lost", "closed"):
                self._live.pop(name, None)
                self.lost.append((self._now_ns(), name))
        elif isinstance(event, StreamChanged):
            self.changes.append((self._now_ns(), event.key, event.state))
        elif isinstance(event, BudgetWait):
            until_ns = self._now_ns() + round(event.delay_s * 1e9)
            self.held_ns = max(self.held_ns, until_ns)
            self.holds.append((self._now_ns(), until_ns))
        elif isinstance(event, OrderOutcome):
            self.outcomes.append(event)
            self.doubts += len(event.evidence) > 1
