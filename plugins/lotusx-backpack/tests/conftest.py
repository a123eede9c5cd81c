"""A connector over a scripted kernel. The helpers beside these tests go by their own names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from backpack_documents import CLOSED, CREDENTIALS, PERP, SPOT

from lotusx_backpack.connector import BackpackConnector
from lotusx_backpack.errors import BackpackDialect
from lotusx_backpack.facts import FACTS
from lotusx_backpack.signer import signer_from
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest


@dataclass
class Desk:
    """A connector and the fakes it stands on."""

    connector: BackpackConnector
    rest: FakeRest
    events: list[object]
    instruments: FakeInstruments
    kernel: FakeKernel

    @property
    def sent(self) -> Any:
        """The body of the newest request."""
        return json.loads(self.rest.last.body)

    @property
    def asked(self) -> list[str]:
        """Verb and path of every request so far."""
        return [f"{request.verb} {request.path}" for request in self.rest.requests]


MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk() -> MakeDesk:
    def make(**options: Any) -> Desk:
        rest = FakeRest(BackpackDialect("backpack"), signer_from(CREDENTIALS))
        instruments = FakeInstruments((PERP, SPOT, CLOSED))
        kernel = FakeKernel(FACTS, rest=rest, instruments=instruments, credentials=CREDENTIALS, options=options)
        events: list[object] = []
        kernel.telemetry.observe(events.append)
        return Desk(BackpackConnector(kernel.build()), rest, events, instruments, kernel)

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()
