"""One seed, split by purpose: a draw more in one place changes nothing in another."""

from __future__ import annotations

from random import Random


def split(seed: int, purpose: str) -> Random:
    """Return the source of *purpose*; the same in every process."""
    return Random(f"{purpose}:{seed}")
