"""Recordings that many tests read. The helpers beside these tests go by their own names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from recorder_kit import BACKEND, VENUES, Recorded, record


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return BACKEND


@pytest.fixture(scope="session", params=sorted(VENUES))
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """One recording of each of several exchanges."""
    return record(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def binance(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record("binance", tmp_path_factory.mktemp("one"))
