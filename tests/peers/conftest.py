"""Other people's clients against ``lotusx-sim serve`` in another process, on real sockets.

A URL, a constant or a certificate is all that is changed in a client. Whatever a client reports is compared with the
simulator's own ledger, which is read past that client.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from peer_sim import Served, serving, versions


def pytest_report_header() -> str:
    return f"peers: {versions()}"


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    """A simulated exchange for all tests of one client."""
    with serving() as served:
        yield served


@pytest.fixture
def anyio_backend() -> str:
    """Every one of these clients is made for asyncio."""
    return "asyncio"
