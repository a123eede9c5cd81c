"""Which fault happens when: decided by a seed, so that a run that broke a program can be had again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lotusx_sim.fault_proxy import FaultProxy


class Kind(StrEnum):
    """What can happen to connections. The last three last for a while, the others are over at once."""

    RESET = "reset"
    CLOSE = "close"
    HALF_CLOSE = "half-close"
    CUT = "cut"
    ABANDON = "abandon"
    BLACK_HOLE = "black-hole"
    SLOW = "slow"
    SHUT_OUT = "shut-out"


LASTING = frozenset((Kind.BLACK_HOLE, Kind.SLOW, Kind.SHUT_OUT))
MEANING = {
    Kind.RESET: "all connections end with RST",
    Kind.CLOSE: "all connections end with FIN",
    Kind.HALF_CLOSE: "clients are told that nothing more will come; what they send is taken",
    Kind.CUT: "each connection ends after {amount} bytes more",
    Kind.ABANDON: "the connections there are fall silent for good; new ones work",
    Kind.BLACK_HOLE: "nothing passes, without a word",
    Kind.SLOW: "{amount} bytes a second pass in each direction",
    Kind.SHUT_OUT: "all connections end with RST, new ones too",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One fault.

    Attributes:
        at_s: Seconds after the beginning.
        for_s: How long it lasts; 0: it is over at once.
        amount: Bytes, where the fault has a measure.
    """

    at_s: float
    kind: Kind
    for_s: float = 0.0
    amount: int = 0

    @property
    def meaning(self) -> str:
        """Say what happens."""
        return MEANING[self.kind].format(amount=self.amount)


def script(seed: int, *, every_s: float, hold_s: float, kinds: Sequence[Kind] = ()) -> Iterator[Step]:
    """Yield faults without end, one at a time, the same ones for the same arguments.

    Args:
        every_s: Time between the end of one and the next; half to one and a half of it.
        hold_s: How long those that last do so, likewise.
        kinds: Which may happen; empty: all. Each happens once before any happens again.
    """
    rng = Random(f"mischief:{seed}")
    chosen = list(dict.fromkeys(kinds)) or list(Kind)
    now = 0.0
    while True:
        for kind in rng.sample(chosen, len(chosen)):
            now = round(now + every_s * rng.uniform(0.5, 1.5), 3)
            lasts = round(hold_s * rng.uniform(0.5, 1.5), 3) if kind in LASTING else 0.0
            yield Step(now, kind, lasts, _amount(rng, kind))
            now += lasts


def first(count: int | None, steps: Iterator[Step]) -> Iterator[Step]:
    """Return the first *count*; ``None``: all of them."""
    return steps if count is None else islice(steps, count)


def _amount(rng: Random, kind: Kind) -> int:
    if kind is Kind.CUT:
        return rng.randint(1, 4_000)
    return rng.choice((100, 1_000, 10_000)) if kind is Kind.SLOW else 0


async def begin(proxy: FaultProxy, step: Step) -> None:
    """Let *step* happen; those that last do so until `FaultProxy.heal`."""
    match step.kind:
        case Kind.RESET:
            proxy.reset()
        case Kind.CLOSE:
            proxy.close()
        case Kind.HALF_CLOSE:
            await proxy.half_close()
        case Kind.CUT:
            proxy.cut_after(step.amount)
        case Kind.ABANDON:
            proxy.abandon()
        case Kind.BLACK_HOLE:
            proxy.black_hole()
        case Kind.SLOW:
            proxy.slow(step.amount)
        case Kind.SHUT_OUT:
            proxy.refuse()
            proxy.reset()
