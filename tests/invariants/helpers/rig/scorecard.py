"""What many runs came to, per exchange and version: counts that add up, and how near each bound was come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from rig.invariants import INVARIANTS
from rig.lab import commit, failures
from rig.plan import VERSION
from rig.running import Result

_COUNTERS = ("faults", "scenarios", "exercised")
_SUMS = ("virtual_s", "cpu_s", "orders", "fills")


@dataclass(slots=True)
class Card:
    """Runs of one exchange at one version. Everything in it is merged by adding.

    Attributes:
        seeds: Those that were run; ``failed``: those in which something broke.
        faults: How often each was injected; ``scenarios``: how often each was played.
        exercised: How often each invariant was put to the test.
        measured: Per invariant, how often each time was measured, in hundredths of a second.
    """

    seeds: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    scenarios: Counter[str] = field(default_factory=Counter)
    exercised: Counter[str] = field(default_factory=Counter)
    measured: dict[str, Counter[int]] = field(default_factory=dict)
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    orders: float = 0
    fills: float = 0

    def take(self, seed: int, result: Result | None) -> list[str]:
        """Add one run; return its failures, a line each. ``None``: the run itself broke."""
        self.seeds.add(seed)
        if result is None:
            self.failed.add(seed)
            return []
        lines = [line for invariant in INVARIANTS for line in failures(result, invariant.id)]
        if lines:
            self.failed.add(seed)
        self.faults.update(result.plan.faults)
        self.scenarios.update([result.plan.scenario or "none"])
        self.exercised.update(result.exercised)
        for name, seconds in result.measured.items():
            self.measured.setdefault(name, Counter()).update(round(each * 100) for each in seconds)
        self.virtual_s += result.virtual_s
        self.cpu_s += result.cpu_s
        self.orders += result.orders
        self.fills += result.fills
        return lines

    def add(self, other: Card) -> None:
        """Add what another came to."""
        self.seeds |= other.seeds
        self.failed |= other.failed
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for name, times in other.measured.items():
            self.measured.setdefault(name, Counter()).update(times)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "seeds": ranges(self.seeds),
            "failed": sorted(self.failed),
            **{name: dict(sorted(getattr(self, name).items())) for name in _COUNTERS},
            "measured": {
                name: {str(time): count for time, count in sorted(times.items())}
                for name, times in sorted(self.measured.items())
            },
            "bounds": {name: reached(times) for name, times in sorted(self.measured.items()) if times},
            **{name: round(getattr(self, name), 1) for name in _SUMS},
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Card:
        """Return what *document* holds."""
        card = cls()
        card.seeds = {seed for first, last in document["seeds"] for seed in range(first, last + 1)}
        card.failed = set(document["failed"])
        for name, times in document["measured"].items():
            card.measured[name] = Counter({int(time): count for time, count in times.items()})
        for name in _COUNTERS:
            setattr(card, name, Counter(document[name]))
        for name in _SUMS:
            setattr(card, name, document[name])
        return card


def this_version() -> str:
    """Return what is being run: the core's version, the commit, and the version of the plan."""
    return f"{version('lotusx-core')} ({commit()}, plan {VERSION})"


def ranges(seeds: Iterable[int]) -> list[tuple[int, int]]:
    """Return *seeds* as first and last of each unbroken run."""
    found: list[tuple[int, int]] = []
    for seed in sorted(seeds):
        if found and found[-1][1] == seed - 1:
            found[-1] = (found[-1][0], seed)
        else:
            found.append((seed, seed))
    return found


def reached(times: Counter[int]) -> dict[str, float]:
    """Return p50, p99 and the longest of *times* (hundredths of a second), in seconds, and how many there are."""
    total = sum(times.values())
    found: dict[str, float] = {"count": total, "max": max(times) / 100}
    seen = 0
    for time, count in sorted(times.items()):
        seen += count
        for name, part in (("p50", 0.5), ("p99", 0.99)):
            if name not in found and seen >= part * total:
                found[name] = time / 100
    return found


Cards = dict[str, dict[str, Card]]
"""By exchange, then by version."""


def read(document: Mapping[str, Any]) -> Cards:
    """Return the cards of a stored document."""
    return {
        exchange: {name: Card.of(card) for name, card in versions.items()}
        for exchange, versions in document.get("exchanges", {}).items()
    }


def write(cards: Cards) -> dict[str, Any]:
    """Return the document that holds *cards*."""
    return {
        "exchanges": {
            exchange: {name: card.document() for name, card in sorted(versions.items())}
            for exchange, versions in sorted(cards.items())
        }
    }


def merge(into: Cards, other: Cards) -> None:
    """Add *other*, of other seeds, to *into*."""
    for exchange, versions in other.items():
        for name, card in versions.items():
            into.setdefault(exchange, {}).setdefault(name, Card()).add(card)
