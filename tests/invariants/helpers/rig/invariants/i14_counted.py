"""I14: nothing is lost without a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode


class NothingUncounted(Invariant):
    """Judged in every turn by the stream's own sum, and at rest by what the wire brought and the reader got."""

    id = "I14"
    title = "Nothing is lost without a count."
    bound = "received = delivered + conflated + dropped + rejected (+ waiting), per stream, always"

    def after_turn(self) -> None:
        for reader in self.world.readers:
            self._add_up(reader.name, reader.stream.counters)

    def _add_up(self, name: str, counters: object) -> None:
        c = counters
        total = sum(getattr(c, part) for part in ("delivered", "conflated", "dropped", "rejected", "waiting"))
        if getattr(c, "received", None) != total:
            self.fail(f"{name!r} does not add up: {c}")

    def at_rest(self, episode: Episode) -> None:
        world = self.world
        for reader in world.readers:
            self.exercised += 1
            counters = reader.stream.counters
            self._add_up(reader.name, counters)
            if reader.count != counters.delivered:
                self.fail(f"{reader.name!r} was given {reader.count} events and counts {counters.delivered}")
            came = world.transport.events[reader.stream.name] - reader.base
            if came != counters.received:
                self.fail(
                    f"{reader.name!r}: the wire brought {came} events of {reader.stream.name} until after "
                    f"{episode.fault!r}, the stream counts {counters.received}"
                )
        account = world.account
        self._add_up("account", account.stream.counters)
        if account.count != account.stream.counters.delivered:
            self.fail(f"the account's reader was given {account.count} events of {account.stream.counters}")
