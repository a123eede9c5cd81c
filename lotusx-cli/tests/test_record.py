"""Recording from the command line: counters as JSON in a pipe, files that a replay reads."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from lotusx_cli.commands.record import _table
from lotusx_cli.failures import Exit
from lotusx_recorder import Count, Recorder, Recording

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGTERM")
def test_counters_come_a_document_a_line_and_the_recording_is_whole_when_it_is_told_to_end(
    binance: Venue, here: Path
) -> None:
    wanted = {"frames", "answers", "trades", "tickers", "book_updates"}
    where = ("--environment", "simulator", "--base-url", binance.server.base_url)
    command = [sys.executable, "-m", "lotusx_cli", "record", "binance", "BTCUSDT", "--to", str(here / "tape"), *where]
    with subprocess.Popen([*command, "--streams", "trades,book,ticker"], stdout=subprocess.PIPE, text=True) as process:
        guard = Timer(60, process.kill)
        guard.start()
        assert process.stdout is not None
        for line in process.stdout:
            if wanted <= json.loads(line)["tables"].keys():
                break
        process.send_signal(signal.SIGTERM)
        *_, last = process.stdout
        code = process.wait()
        guard.cancel()

    said = json.loads(last)
    assert (code, said["problem"]) == (Exit.OK, "")
    assert all(each["heard"] == each["written"] > 0 and not each["lost"] for each in said["tables"].values())
    assert {key for _, key in Recording(here / "tape").channels()} >= {"btcusdt@trade", "btcusdt@ticker"}


def test_streams_that_do_not_exist_are_named(lotusx: Lotusx) -> None:
    done = lotusx("record binance BTC/USDT --streams trades,tickers --to tape")
    assert done.code == Exit.USAGE
    assert "'tickers' is none of trades, book" in done.err


def test_a_folder_that_cannot_be_made_ends_it_at_once(lotusx: Lotusx, binance: Venue, here: Path) -> None:
    (here / "file").write_text("", "utf-8")
    where = f"--environment simulator --base-url {binance.server.base_url}"
    done = lotusx(f"record binance BTC/USDT --to file/tape {where}")
    assert done.code == Exit.CONFIGURATION
    assert "nothing can be recorded there" in done.err


def test_rows_that_the_end_did_not_wait_for_are_not_called_lost(
    lotusx: Lotusx, binance: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "close", lambda _: False)
    where = f"--environment simulator --base-url {binance.server.base_url}"
    done = lotusx(f"record binance BTC/USDT --to tape --seconds 0.1 {where}")
    assert done.code == Exit.CHECK_FAILED
    assert "rows are not written: the end did not wait for them" in done.err
    assert "lost:" not in done.err


def test_without_the_plugin_it_says_what_to_install(lotusx: Lotusx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lotusx_recorder", None)
    done = lotusx("record binance BTC/USDT --to tape")
    assert done.code == Exit.CONFIGURATION
    assert "lotusx-cli[recorder]" in done.err


def test_a_terminal_gets_a_table_of_the_counters_and_what_is_wrong() -> None:
    recorder: Any = SimpleNamespace(counts=lambda: {"trades": Count(12, 7, 2)}, problem="No space left on device")
    console = Console(file=StringIO(), width=100)
    console.print(_table(recorder, {"trades": 10}))

    shown = console.file.getvalue()  # type: ignore[attr-defined]  # it is the one given above
    assert re.findall(r"\d+|trades", shown) == ["trades", "2", "12", "7", "3", "2"]
    assert "cannot be written: No space left on device" in shown
