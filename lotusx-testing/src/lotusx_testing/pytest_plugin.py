"""What pytest finds by itself once lotusx-testing is installed: fixtures, and the parameters of `Conformance`.

Nothing of LotusX is imported before a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from lotusx_testing.arena import Simulated
    from lotusx_testing.conformance import Subject
    from lotusx_testing.http import HttpExchange

_PARTS = {
    "conformance_payload": "payloads",
    "conformance_new_value": "new_values",
    "conformance_request": "requests",
    "conformance_vector": "vectors",
    "conformance_error_table": "error_tables",
    "conformance_refusal": "refusals",
    "conformance_round_trip": "round_trips",
    "conformance_conversation": "conversations",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test of a `Conformance` class what its subject states."""
    subject: Subject | None = getattr(metafunc.cls, "subject", None)
    for name in metafunc.fixturenames:
        if subject is None or not name.startswith("conformance_"):
            continue
        if name == "conformance_case":
            chosen: Sequence[object] = subject.chosen_cases()
        else:
            chosen = getattr(subject, _PARTS[name])
        metafunc.parametrize(name, chosen, ids=str)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep this machine's own configuration out: no ``LOTUSX_*`` variables, no ``.env``, no ``lotusx.toml``."""
    for name in list(os.environ):
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def simulated(no_settings: None) -> Simulated:
    """Put a simulated exchange on a port and connect to it; an async context manager that gives an `Arena`."""
    del no_settings
    from lotusx_testing.arena import simulated

    return simulated


@pytest.fixture
def http_exchange(httpserver: HTTPServer, no_settings: None) -> HttpExchange:
    """A web server that answers from a script, and connects to itself."""
    del no_settings
    from lotusx_testing.http import HttpExchange

    return HttpExchange(httpserver)
