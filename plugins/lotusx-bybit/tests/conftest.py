"""Connectors over a scripted kernel. The helpers beside these tests go by their own names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from bybit_desk import Desk, make_desk


@pytest.fixture
def desk() -> Desk:
    """Return spot's connector."""
    return make_desk()


@pytest.fixture
def make() -> Callable[..., Desk]:
    """Return what makes connectors of any categories, environments and options."""
    return make_desk
