"""Whether a connection works: network, clock and credentials, each proven by itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """Result of one check."""

    OK = "ok"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its result, what was seen, and how long it took."""

    name: str
    result: Health
    detail: str
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All checks of one connection."""

    exchange: str
    environment: str
    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """True where nothing failed."""
        return all(check.result is not Health.FAILED for check in self.checks)

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)
