"""When the population in the background of a venue trades."""

from random import Random

from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.recorded_market import RecordedMarket

CATCH_UP_NS = 60_000_000_000  # after a long sleep, venues live through the last minute only
_DEFAULT_GAP_NS = 100_000_000


class Background:
    """The clock of background trading.

    Args:
        seed: Decides the moments.
        actions_per_s: How many there are on average; 0: none until `set_quiet` asks for them.
        recorded: A market that is played besides, by its own clock.
    """

    def __init__(self, *, seed: int, actions_per_s: int, recorded: RecordedMarket | None = None) -> None:
        self._rng = Random(f"feed clock:{seed}")
        self._gap_ns = 1_000_000_000 // actions_per_s if actions_per_s else 0
        self._acts_ns: int | None = None  # None: nobody trades
        self.recorded = recorded

    @property
    def due_ns(self) -> int | None:
        """When something is due next; None: nothing is."""
        recorded_ns = None if self.recorded is None else self.recorded.next_due_ns()
        if recorded_ns is None or self._acts_ns is None:
            return self._acts_ns if recorded_ns is None else recorded_ns
        return min(recorded_ns, self._acts_ns)

    def settle_in(self, population: Population, exchange: Exchange, now_ns: int) -> None:
        """Open all markets."""
        if self.recorded is not None:
            self.recorded.open(exchange, now_ns)
            population.leave_to_others(self.recorded.name)
        population.settle_in(now_ns)

    def begin(self, now_ns: int) -> None:
        if self._gap_ns:
            self._acts_ns = now_ns + self._gap_ns

    def set_quiet(self, quiet: bool, now_ns: int) -> None:
        """Stop or start trading, ten times a second if there was none."""
        self._gap_ns = self._gap_ns or _DEFAULT_GAP_NS
        self._acts_ns = None if quiet else now_ns + self._gap_ns

    def skip(self, now_ns: int) -> None:
        """Leave out what was due more than a minute before *now_ns*."""
        if self._acts_ns is not None:
            self._acts_ns = max(self._acts_ns, now_ns - CATCH_UP_NS)

    def act(self, population: Population, now_ns: int) -> bool:
        """Let somebody do something if it is time; tell whether it was."""
        recorded_ns = None if self.recorded is None else self.recorded.next_due_ns()
        if self.recorded is not None and recorded_ns is not None and recorded_ns <= now_ns:
            self.recorded.step(now_ns)
            return True
        if self._acts_ns is None or self._acts_ns > now_ns:
            return False
        population.act(now_ns)
        self._acts_ns = now_ns + self._rng.randint(1, 2 * self._gap_ns)
        return True
