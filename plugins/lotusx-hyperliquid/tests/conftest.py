"""A connector over a scripted kernel. The helpers beside these tests go by their own names."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from hyperliquid_documents import BTC, CREDENTIALS, ETH, HYPE, LISTS, MATIC, TSLA

from lotusx.plugin import Cost
from lotusx_hyperliquid.connector import HyperliquidConnector
from lotusx_hyperliquid.errors import HyperliquidDialect
from lotusx_hyperliquid.facts import FACTS
from lotusx_hyperliquid.signer import signer_from
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest, FakeWsRequests


@dataclass
class Desk:
    """A connector and the fakes it stands on."""

    connector: HyperliquidConnector
    rest: FakeRest
    ws: FakeWsRequests
    events: list[object]
    charges: list[Cost]
    kernel: FakeKernel

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the newest request."""
        body: dict[str, Any] = json.loads(self.rest.last.body)
        return body

    @property
    def action(self) -> dict[str, Any]:
        """The action in the newest request."""
        action: dict[str, Any] = self.sent["action"]
        return action

    @property
    def weight(self) -> int:
        """What the newest request takes of the weight of the address."""
        return sum(cost.amount for cost in self.rest.last.costs if cost.pool == "ip-weight")

    async def load(self) -> None:
        """Learn what is listed."""
        self.rest.reply(*LISTS)
        await self.connector.market.instruments()
        self.rest.requests.clear()


MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
def make_desk() -> MakeDesk:
    async def make(credentials: Any = CREDENTIALS, **options: Any) -> Desk:
        signer = signer_from(credentials, mainnet=True) if credentials else None
        rest = FakeRest(HyperliquidDialect("hyperliquid"), signer)
        kernel = FakeKernel(
            FACTS,
            rest=rest,
            instruments=FakeInstruments((BTC, ETH, TSLA, MATIC, HYPE)),
            credentials=credentials or {},
            options=options,
        )
        ws = kernel.ws.setdefault("account", FakeWsRequests())
        events: list[object] = []
        kernel.telemetry.observe(events.append)
        desk = Desk(HyperliquidConnector(kernel.build()), rest, ws, events, kernel.charges, kernel)
        await desk.load()
        return desk

    return make


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    return await make_desk()
