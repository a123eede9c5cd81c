"""What every invariant is: a judge who looks at a run at its turns, at its moments of rest, and at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from rig.world import Episode, World

_KEPT = 5


class Invariant:
    """One promise with its bound. Made anew for each run.

    Attributes:
        id: Its name, ``I01`` and so on. ``title``: the promise. ``bound``: how far it may be stretched.
        failures: What broke it, worded; the first few.
        exercised: How often it was put to the test in this run.
        measured: How near to its bound it came, in seconds, where its bound is a time.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    bound: ClassVar[str]

    def __init__(self, world: World) -> None:
        self.world = world
        self.failures: list[str] = []
        self.exercised = 0
        self.measured: list[float] = []

    def fail(self, what: str) -> None:
        """Note that it is broken."""
        self.world.log.write(self.id, f"BROKEN {what}")
        if len(self.failures) < _KEPT:
            self.failures.append(f"at {self.world.seconds():.3f} s: {what}")

    def opened(self) -> None:
        """Everything is subscribed; the user begins."""

    def waits(self, episode: Episode) -> bool:
        """Whether it is too early to look after *episode*: something still has time to happen."""
        del episode
        return False

    def after_turn(self) -> None:
        """A read of a socket has been taken in full, in this very turn of the loop."""

    def at_rest(self, episode: Episode) -> None:
        """What *episode* broke is mended, nothing is under way, and the time allowed for recovery is over."""

    async def at_leisure(self) -> None:
        """Every fault is over and the market stands still: time for what needs peace."""

    def at_end(self) -> None:
        """The run is over; the connection is still open."""

    def after_close(self) -> None:
        """The connection is closed."""
