"""The ``lotusx-sim`` command."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from lotusx_sim import BinanceSpot
from lotusx_sim.__main__ import main, parser, serve_until_told
from lotusx_sim.setup import UsageError, make_venue, read_accounts


def test_help_tells_how_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--help"])
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"lotusx-sim {version('lotusx-sim')}\n"


def test_the_overview_leads_to_serve(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "lotusx-sim serve --help" in capsys.readouterr().out


def test_it_serves_as_a_task_until_cancelled(run: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parser().parse_args(["serve", "--symbols", "BTCUSDT", "--quiet-market"])

    async def scenario() -> None:
        async with anyio.create_task_group() as tasks:
            ready = await tasks.start(serve_until_told, arguments)
            assert json.loads(capsys.readouterr().out) == ready
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{ready['base_url']}/api/v3/ping")).json() == {}
            tasks.cancel_scope.cancel()

    run(scenario)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_task(run: Callable[[Any], Any], stop: signal.Signals) -> None:
    arguments = parser().parse_args(["serve", "--symbols", "BTCUSDT", "--quiet-market", "--tls-self-signed"])

    async def scenario() -> None:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                ready = await tasks.start(serve_until_told, arguments)
                assert "BEGIN CERTIFICATE" in ready["certificate_pem"]
                signal.raise_signal(stop)

    run(scenario)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_addresses_and_ends_when_told(stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "lotusx_sim", "serve", "--symbols", "BTCUSDT", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{ready['base_url']}/api/v3/ping") as response:
            assert response.read() == b"{}"
        process.send_signal(stop)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--symbols", "NOPE"],
        ["--api-key", "k"],
        ["--account", "/nowhere/at/all.json"],
        ["--capture", "/nowhere/at/all.ndjson"],
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *arguments]) == 2
    assert capsys.readouterr().err.startswith("lotusx-sim: ")


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_is_none_is_refused_before_anything_is_served(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", f"--port={port}"])
    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_a_port_that_cannot_be_had_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "192.0.2.1", "--symbols", "BTCUSDT"]) == 1
    assert "cannot serve" in capsys.readouterr().err


def test_a_missing_certificate_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--tls-cert", "/nowhere.pem", "--symbols", "BTCUSDT"]) == 1
    assert "cannot serve" in capsys.readouterr().err


def test_an_account_file_gives_keys_and_balances(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    entry = {"account": "a", "api_key": "k", "secret": "s", "balances": {"USDT": "5"}, "may_trade": False}
    path.write_text(json.dumps([entry]), encoding="utf-8")
    keys, balances = read_accounts(path)
    assert (keys[0].key, keys[0].may_trade, str(balances["a"]["USDT"])) == ("k", False, "5")
    venue = make_venue(parser().parse_args(["serve", "--account", str(path)]))
    assert venue.account_of(None) == "a"


@pytest.mark.parametrize("content", ["{", "[1]", '[{"api_key":"k"}]', '[{"api_key":"k","secret":"s","balances":1}]'])
def test_a_wrong_account_file_is_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot read accounts"):
        read_accounts(path)


def test_a_key_pair_can_be_given_on_the_command_line() -> None:
    venue = make_venue(parser().parse_args(["serve", "--api-key", "k", "--api-secret", "s", "--quiet-market"]))
    venue.start(1)
    assert isinstance(venue, BinanceSpot)
    assert list(venue.state.keys) == ["k"]
    assert venue.next_due_ns() is None


@pytest.mark.parametrize("name", ["lotusx_sim", "lotusx_sim.dialects.binance.symbols"])
def test_examples_in_docstrings_hold(name: str) -> None:
    import doctest
    import importlib

    assert doctest.testmod(importlib.import_module(name)).failed == 0
