"""Whether connections work: network, clock, credentials, permissions, streams and limits, each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from lotusx.errors import LotusXError


class Health(StrEnum):
    """Result of one check. ``degraded``: it works, and somebody should look at it."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its result, what was seen, and how long it took.

    Attributes:
        data: What was seen, for programs; which names it has is stated in docs/health.md.
    """

    name: str
    result: Health
    detail: str
    elapsed_s: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All checks of one connection."""

    exchange: str
    environment: str
    checks: tuple[Check, ...]
    account: str | None = None

    @property
    def healthy(self) -> bool:
        """True where nothing failed."""
        return all(check.result is not Health.FAILED for check in self.checks)

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {
            "exchange": self.exchange,
            "environment": self.environment,
            "account": self.account,
            "healthy": self.healthy,
            "checks": [
                {
                    "name": check.name,
                    "result": check.result.value,
                    "detail": check.detail,
                    "ms": round(check.elapsed_s * 1_000),
                    "data": dict(check.data),
                }
                for check in self.checks
            ],
        }


class Checked(Protocol):
    """A connection that can be checked: a `lotusx.Exchange`."""

    name: str
    environment: str

    @property
    def account_name(self) -> str | None: ...

    async def health_check(self) -> HealthReport:
        """Look at each part of it."""


async def check_all(exchanges: Sequence[Checked], *, timeout_s: float = 15.0) -> tuple[HealthReport, ...]:
    """Check several connections side by side; return their reports in the same order. Never raises for one of them.

    Args:
        timeout_s: What has not answered by then has failed.
    """
    import anyio

    reports: dict[int, HealthReport] = {}
    wrong: dict[int, Check] = {}

    async def one(index: int, exchange: Checked) -> None:
        try:
            with anyio.move_on_after(timeout_s):
                reports[index] = await exchange.health_check()
        except LotusXError as error:  # it was never opened, or is closed
            wrong[index] = Check("connectivity", Health.FAILED, str(error), 0.0)

    async with anyio.create_task_group() as tasks:
        for index, exchange in enumerate(exchanges):
            tasks.start_soon(one, index, exchange)
    late = Check("connectivity", Health.FAILED, f"no answer in {timeout_s:g} s", timeout_s)
    return tuple(
        reports.get(index) or HealthReport(each.name, each.environment, (wrong.get(index, late),), each.account_name)
        for index, each in enumerate(exchanges)
    )
