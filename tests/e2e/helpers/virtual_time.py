"""An exchange in process, on trio's own clock: for tests of long waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

import pytest
import trio.testing
from e2e_kit import KEY

import lotusx
from lotusx.kernel.clock import Clock
from lotusx_sim import Simulator
from lotusx_sim.shells import memory


class VirtualTime:
    """What a class of such tests inherits; it names its exchange where that is not Binance."""

    name: ClassVar[str] = "binance"
    key: ClassVar[Mapping[str, str] | None] = KEY

    @pytest.fixture
    def anyio_backend(self) -> tuple[str, dict[str, object]]:
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}

    @pytest.fixture
    async def server(self, sim: Simulator) -> AsyncIterator[memory.MemoryServer]:
        async with memory.connect(sim, latency_s=0.005) as running:
            yield running

    @pytest.fixture
    async def exchange(self, server: memory.MemoryServer) -> AsyncIterator[lotusx.Exchange]:
        async with self.connected(server) as opened:
            yield opened

    def connected(self, server: memory.MemoryServer, clock: Clock | None = None) -> lotusx.Exchange:
        """Return the exchange at *server*, by another clock than the server's if the test says so."""
        return lotusx.connect(
            self.name, environment="simulator", base_url=server.base_url, credentials=self.key,
            http=server.http, ws=server.ws, clock=clock or server.clock,
        )  # fmt: skip
