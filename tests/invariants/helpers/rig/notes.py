"""What faults did that invariants must know of. Times in virtual nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from rig.sessions import Name


@dataclass(frozen=True, slots=True)
class Sleep:
    """The process stood still: when it went on, and the sockets that lived when it stopped, whose peers are gone."""

    resumed_ns: int
    sessions: tuple[Name, ...]


@dataclass(slots=True)
class Muting:
    """Acknowledged channels that brought nothing for a while: keys, and what each may take to be noticed."""

    begun_ns: int
    deadlines_s: dict[str, float]
    ended_ns: int = 0


@dataclass(slots=True)
class Muteness:
    """The account's channels brought nothing for a while: since when, and when the first command was accepted then."""

    begun_ns: int
    accepted_ns: int = 0
    ended_ns: int = 0


@dataclass(slots=True)
class Notes:
    """One run's."""

    sleeps: list[Sleep] = field(default_factory=list)
    mutings: list[Muting] = field(default_factory=list)
    mutenesses: list[Muteness] = field(default_factory=list)
    spoilt: int = 0
