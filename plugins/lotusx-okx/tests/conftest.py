"""A connector over a scripted kernel. The helpers beside these tests go by their own names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from okx_desk import Desk, MakeDesk
from okx_documents import CREDENTIALS, INVERSE, SPOT, SWAP

from lotusx_okx.connector import OkxConnector
from lotusx_okx.errors import OkxDialect
from lotusx_okx.facts import FACTS
from lotusx_okx.signer import signer_from
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest


@pytest.fixture
def make_desk() -> MakeDesk:
    def make(environment: str = "live", **options: Any) -> Desk:
        rest = FakeRest(OkxDialect("okx"), signer_from(CREDENTIALS))
        instruments = FakeInstruments((SPOT, SWAP, INVERSE))
        kernel = FakeKernel(
            FACTS, rest=rest, instruments=instruments, credentials=CREDENTIALS, options=options, environment=environment
        )
        return Desk(OkxConnector(kernel.build()), rest)

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()
