"""What one seed will go through: drawn once, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

from rig.all_faults import FAULTS
from rig.randomness import split

VERSION = 1
"""Of what `draw` makes of a seed, and so of `SCENARIOS` and of the faults and their weights, in their order.

Whoever changes one of them counts up: every seed means something else then, and `rig.found` begins a new list. A seed
of an earlier version is shown again at the commit that its failure names.
"""
SCENARIOS = (
    "a quiet market", "many sockets", "rotations", "a price walks", "slow consumers", "limits", "shutdown",
    "fuzzed frames", "many books",
)  # fmt: skip
"""What is too costly for every run: every other seed plays one, in turn."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    Attributes:
        faults: Names of what goes wrong, one after the other, with a rest after each.
        latency_s: One way, network. ``skew_s``: how far the client's clock is ahead of the exchange's.
        actions_per_s: How busy the market is. ``pace_s``: mean pause of the trader.
        numbers: How many orders with uncomfortable numbers are tried at the end.
        blocks: Whether a reader with the policy ``block`` takes part. ``ws_orders``: orders go over a WebSocket.
        scenario: What is played at leisure besides, one of `SCENARIOS`; empty: nothing.
    """

    faults: tuple[str, ...]
    latency_s: float
    skew_s: float
    actions_per_s: int
    pace_s: float
    numbers: int
    blocks: bool
    ws_orders: bool
    scenario: str = ""


def _scenario(seed: int) -> str:
    """Return what *seed* plays besides its faults."""
    return SCENARIOS[seed // 2 % len(SCENARIOS)] if seed % 2 else ""


def draw(seed: int, *, faults: tuple[str, ...] | None = None, count: int = 4, scenario: str = "") -> Plan:
    """Return the plan of *seed*; *faults* and *scenario* set what goes wrong instead of drawing it."""
    rng = split(seed, "plan")
    names = [name for name, fault in FAULTS.items() for _ in range(fault.weight)]
    first = list(dict.fromkeys(names))[seed % len(set(names))]  # however few seeds are run, they differ in one
    chosen = (first, *(rng.choice(names) for _ in range(count - 1)))
    return Plan(
        faults=chosen if faults is None else faults,
        latency_s=rng.choice((0.001, 0.005, 0.02, 0.05)),
        skew_s=rng.choice((0.0, 0.0, -0.8, 0.6, 2.5)),
        actions_per_s=rng.choice((2, 5, 10)),
        pace_s=rng.choice((0.4, 0.8, 1.6)),
        numbers=30,
        blocks=rng.random() < 0.5,
        ws_orders=rng.random() < 0.3,
        scenario=_scenario(seed) if faults is None else scenario,
    )
