"""A Redis for the tests that need one. The helpers beside these tests go by their own names."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from redis_kit import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        made = Server(Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()
