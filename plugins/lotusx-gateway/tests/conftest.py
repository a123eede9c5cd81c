"""A broker of each test's own. The helpers beside these tests go by their own names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from gateway_kit import NatsServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the broker's client knows no other


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A broker with the users of these tests."""
    server = NatsServer(tmp_path)
    server.start()
    yield server
    server.kill()
