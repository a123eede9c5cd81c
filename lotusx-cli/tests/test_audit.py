"""What an audit log is worth, and what the command line logs itself."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lotusx_audit import AuditLog
from lotusx_cli.failures import Exit

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue


@pytest.fixture
def log(here: Path) -> str:
    """A log of three records; returns its newest."""
    file = AuditLog(here / "audit.jsonl")
    newest = file.append([{"number": number} for number in range(3)])
    file.close()
    return f"{newest.seq}:{newest.hash}"


def test_a_log_that_is_as_it_was_written_verifies(lotusx: Lotusx, log: str) -> None:
    done = lotusx(f"audit verify audit.jsonl --expect {log} --json")
    assert done.code == 0
    assert json.loads(done.out) == {"ok": True, "problem": "", "records": 3, "newest": log, "notes": []}


def test_the_first_record_that_is_not_is_named(lotusx: Lotusx, log: str, here: Path) -> None:
    file = here / "audit.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"number":1', b'"number":7'))
    done = lotusx("audit verify audit.jsonl")
    assert done.code == Exit.CHECK_FAILED
    assert "audit.jsonl, line 2 (record 2): its content does not have its hash" in done.out


def test_what_was_noted_must_be_a_record(lotusx: Lotusx, log: str) -> None:
    assert lotusx("audit verify audit.jsonl --after 7").code == Exit.USAGE
    assert lotusx("audit verify elsewhere.jsonl").code == Exit.CONFIGURATION


def test_without_the_plugin_it_says_what_to_install(lotusx: Lotusx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lotusx_audit", None)
    done = lotusx("audit verify audit.jsonl")
    assert done.code == Exit.CONFIGURATION
    assert "lotusx-cli[audit]" in done.err


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The logger of everything, as it was before."""
    logger = logging.getLogger("lotusx")
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers, logger.level = handlers, level
    logger.setLevel(level)


def test_what_happens_is_logged_to_standard_error_as_json(
    lotusx: Lotusx, binance: Venue, logger: logging.Logger
) -> None:
    done = lotusx(f"--log-json --log-level debug ticker {binance.options} --symbol BTC/USDT --json")
    assert done.code == 0
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert {line["exchange"] for line in lines if line["logger"] == "lotusx.rest"} == {"binance"}
    assert json.loads(done.out)


def test_a_level_that_is_none_is_refused(lotusx: Lotusx, logger: logging.Logger) -> None:
    assert lotusx("--log-level loud exchanges").code == Exit.CONFIGURATION
