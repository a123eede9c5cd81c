"""I04: desired subscriptions are restored exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode

_ANEW_NS = 2_000_000_000


class Subscriptions(Invariant):
    """Judged at every rest, whatever broke the sockets: what the venue serves against what was asked for."""

    id = "I04"
    title = "Desired subscriptions are restored exactly."
    bound = "set equality; no duplicate delivery"
    _lacking_since_ns: int | None = None

    def waits(self, episode: Episode) -> bool:
        """A stream that stays silent is subscribed anew now and then, and not served for a round trip."""
        del episode
        world = self.world
        served, wanted = world.exchange.subscribed(), world.expected_subscriptions()
        silent = {reader.stream.name for reader in world.readers if reader.stream.state == "silent"}
        if served == wanted or served - wanted or set(wanted - served) - silent:
            self._lacking_since_ns = None
            return False
        if self._lacking_since_ns is None:
            self._lacking_since_ns = world.now_ns()
        return world.now_ns() - self._lacking_since_ns < _ANEW_NS

    def at_rest(self, episode: Episode) -> None:
        world = self.world
        self.exercised += bool(world.sessions.lost)
        if not world.is_connected():
            self.fail(f"not connected {(episode.back_ns - episode.healed_ns) / 1e9:.1f} s after {episode.fault!r}")
            return
        served, wanted = world.exchange.subscribed(), world.expected_subscriptions()
        if served != wanted:
            missing, surplus = dict(wanted - served), dict(served - wanted)
            self.fail(f"after {episode.fault!r} the venue does not serve {missing}, and too much: {surplus}")
        for reader in world.readers:
            if reader.repeated:
                self.fail(f"{reader.name!r} was given {reader.repeated[0]} twice ({len(reader.repeated)} events)")
