"""When the population in the background of a venue trades."""

from random import Random

from lotusx_sim.engine.feed import Population

CATCH_UP_NS = 60_000_000_000  # after a long sleep, venues live through the last minute only
_DEFAULT_GAP_NS = 100_000_000


class Background:
    """The clock of background trading.

    Args:
        seed: Decides the moments.
        actions_per_s: How many there are on average; 0: none until `set_quiet` asks for them.
    """

    def __init__(self, *, seed: int, actions_per_s: int) -> None:
        self._rng = Random(f"feed clock:{seed}")
        self._gap_ns = 1_000_000_000 // actions_per_s if actions_per_s else 0
        self.due_ns: int | None = None  # None: nobody trades

    def begin(self, now_ns: int) -> None:
        if self._gap_ns:
            self.due_ns = now_ns + self._gap_ns

    def set_quiet(self, quiet: bool, now_ns: int) -> None:
        """Stop or start trading, ten times a second if there was none."""
        self._gap_ns = self._gap_ns or _DEFAULT_GAP_NS
        self.due_ns = None if quiet else now_ns + self._gap_ns

    def skip(self, now_ns: int) -> None:
        """Leave out what was due more than a minute before *now_ns*."""
        if self.due_ns is not None:
            self.due_ns = max(self.due_ns, now_ns - CATCH_UP_NS)

    def act(self, population: Population, now_ns: int) -> bool:
        """Let somebody do something if it is time; tell whether it was."""
        if self.due_ns is None or self.due_ns > now_ns:
            return False
        population.act(now_ns)
        self.due_ns = now_ns + self._rng.randint(1, 2 * self._gap_ns)
        return True
