"""Health of several connections, without ``await``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from lotusx import health, health_endpoint
from lotusx.sync.runner import Runner

if TYPE_CHECKING:
    from lotusx.health import HealthReport
    from lotusx.sync.exchange import Exchange


class HealthEndpoint:
    """Twin of `lotusx.health_endpoint.HealthEndpoint`."""

    def __init__(self, twin: health_endpoint.HealthEndpoint, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._twin.port

    @property
    def reports(self) -> tuple[HealthReport, ...]:
        """The newest; empty: none was made yet."""
        return self._twin.reports

    @property
    def ready(self) -> bool:
        """Whether every connection was healthy, not long ago."""
        return self._runner.read(lambda: self._twin.ready)

    def check(self) -> None:
        """Check now."""
        self._runner.call(self._twin.check)


def check_all(exchanges: Sequence[Exchange], *, timeout_s: float = 15.0) -> tuple[HealthReport, ...]:
    """Twin of `lotusx.health.check_all`: check several connections side by side; reports in the same order."""
    with _loop() as runner:
        return runner.call(health.check_all, [_There(each) for each in exchanges], timeout_s=timeout_s)


@contextmanager
def serve_health(
    exchanges: Sequence[Exchange],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    every_s: float = 15.0,
    timeout_s: float = 15.0,
) -> Iterator[HealthEndpoint]:
    """Twin of `lotusx.health_endpoint.serve_health`: answers supervisors from a thread while the block runs.

    Arguments and errors are as there.
    """
    there = [_There(each) for each in exchanges]
    serving = health_endpoint.serve_health(there, host=host, port=port, every_s=every_s, timeout_s=timeout_s)
    with _loop() as runner, runner.entered(serving, HealthEndpoint) as endpoint:
        yield endpoint


class _There:
    """A connection that lives in another thread's event loop."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.name = exchange.name
        self.environment = exchange.environment

    @property
    def account_name(self) -> str | None:
        return self._exchange.account_name

    async def health_check(self) -> HealthReport:
        return await asyncio.wrap_future(self._exchange.start_health_check())  # cancelling this cancels that


@contextmanager
def _loop() -> Iterator[Runner]:
    runner = Runner("asyncio")
    runner.open(nullcontext())
    try:
        yield runner
    finally:
        runner.close()
