"""The frame around the commands: help, exit codes, errors, processes, terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from lotusx import errors
from lotusx_cli.app import COMMANDS, cli
from lotusx_cli.failures import Exit, exit_code, innermost, next_step, report

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Lotusx, Venue

PYTHON = [sys.executable, "-m", "lotusx_cli"]


def test_help_names_every_command_and_the_exit_codes(lotusx: Lotusx) -> None:
    done = lotusx("--help")
    assert done.code == 0
    assert all(f"  {name} " in done.out for name in COMMANDS)
    assert "outcome of an order unknown" in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str, lotusx: Lotusx) -> None:
    done = lotusx(f"{name} --help")
    assert done.code == 0
    assert "Usage: lotusx" in done.out or "usage: lotusx" in done.out
    assert "\\b" not in done.out  # click's mark for lines that stay as they are, where it was not understood


def test_no_command_at_all_shows_the_help(lotusx: Lotusx) -> None:
    done = lotusx("")
    assert done.code == Exit.USAGE
    assert "Commands:" in done.out


def test_a_misspelt_command_names_the_near_one(lotusx: Lotusx) -> None:
    done = lotusx("tickr")
    assert done.code == Exit.USAGE
    assert "'ticker'" in done.err


def test_version_names_the_core_too(lotusx: Lotusx) -> None:
    assert "lotusx-core" in lotusx("--version").out


def test_help_imports_nothing_of_the_core_nor_rich() -> None:
    code = (
        "import sys; from lotusx_cli.app import run; run(['--help']);"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('lotusx','rich','anyio','httpx','pydantic')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UnknownExchange("x"), Exit.CONFIGURATION),
        (errors.CredentialsError("x"), Exit.CONFIGURATION),
        (errors.UnknownSymbol("x", "y"), Exit.REFUSED),
        (errors.InsufficientFunds("x", "1", "no"), Exit.EXCHANGE),
        (errors.ConnectionFailed("x"), Exit.NETWORK),
        (errors.SubscriptionRefused("x"), Exit.NETWORK),
        (errors.OrderOutcomeUnknown("x", "id"), Exit.UNKNOWN_OUTCOME),
        (errors.LotusXError("x"), Exit.DEFECT),
    ],
)
def test_every_kind_of_error_has_its_exit_code(error: errors.LotusXError, code: Exit) -> None:
    assert exit_code(error) is code


def test_the_next_step_says_how_long_to_wait() -> None:
    assert "wait 7 s" in next_step(errors.RateLimited("x", "1", "slow", after_s=7))
    assert next_step(errors.InsufficientFunds("x", "1", "no")) == ""


def test_one_wrapped_error_is_told_as_itself() -> None:
    cause = errors.ConnectionFailed("x")
    assert innermost(ExceptionGroup("", [ExceptionGroup("", [cause])])) is cause
    two = ExceptionGroup("", [cause, cause])
    assert innermost(two) is two


def test_a_defect_shows_where_it_happened_and_asks_for_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    assert report(caught.value) == Exit.DEFECT
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "please report it" in said


def test_a_file_that_cannot_be_written_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(PermissionError(13, "Permission denied", "/x")) == Exit.REFUSED
    assert "Permission denied (/x)" in capsys.readouterr().err
    assert report(KeyboardInterrupt()) == Exit.INTERRUPTED


def test_with_json_errors_are_json_too(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"ticker {binance.options} -s BTC/XXX --json")
    assert done.code == Exit.REFUSED
    assert done.out == ""
    assert json.loads(done.err)["error"] == "UnknownSymbol"


def test_wrong_usage_is_json_too_where_that_is_asked_for(lotusx: Lotusx) -> None:
    done = lotusx("ticker -e binance --json")
    assert done.code == Exit.USAGE
    said = json.loads(done.err)
    assert said["error"] == "UsageError"
    assert "--symbol" in said["message"]
    assert said["next"] == "lotusx ticker --help"
    assert json.loads(lotusx("nosuch --json").err)["next"] == "lotusx --help"


def test_a_symbol_that_could_be_several_is_refused_with_their_names(lotusx: Lotusx, hyperliquid: Venue) -> None:
    listed = {str(item["symbol"]): item for item in json.loads(lotusx(f"markets {hyperliquid.options} --json").out)}
    by_pair: dict[str, list[str]] = {}
    for symbol in listed:
        by_pair.setdefault(symbol.partition(":")[0].replace("/", ""), []).append(symbol)
    several = next((pair for pair, names in by_pair.items() if len(names) > 1), None)
    if several is None:
        pytest.skip("no two simulated markets share a pair")
    done = lotusx(f"ticker {hyperliquid.options} -s {several.lower()}")
    assert done.code == Exit.REFUSED
    assert all(name in done.err for name in by_pair[several])


def test_a_symbol_nobody_lists_names_near_ones(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"ticker {binance.options} -s BTCUSD")
    assert done.code == Exit.REFUSED
    assert "BTC/USDT" in done.err
    assert lotusx(f"ticker {binance.options} -s btc/usdt").code == 0


def test_exchanges_are_listed_and_one_of_them_in_detail(lotusx: Lotusx) -> None:
    assert f"binance\tlotusx-binance\t{version('lotusx-binance')}" in lotusx("exchanges").out
    assert "place_order\tfull" in lotusx("exchanges binance").out


def test_plugins_state_where_they_come_from_and_what_they_hook(lotusx: Lotusx) -> None:
    found = {item["name"]: item for item in json.loads(lotusx("plugins --json").out)}
    assert found["binance"]["contract"] == 1
    assert found["binance"]["loaded_from"].endswith("lotusx_binance")
    assert "lotusx_signer" in found["binance"]["hooks"]


def test_a_plugin_that_a_table_enables_is_shown_as_active(lotusx: Lotusx, here: Path) -> None:
    def active() -> dict[str, str]:
        return {item["name"]: item["active"] for item in json.loads(lotusx("plugins --json").out)}

    before = active()
    name = next((name for name, state in before.items() if state.startswith("no")), None)
    if name is None:
        pytest.skip("no plugin that could be enabled is installed")
    (here / "lotusx.toml").write_text(f"[telemetry.{name}]\n")
    assert active()[name] == "yes"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_script(shell: str, lotusx: Lotusx) -> None:
    assert "_LOTUSX_CLI_COMPLETE" in lotusx(f"completion {shell} --program lotusx-cli").out


def test_names_of_exchanges_are_completed() -> None:
    from click.shell_completion import ShellComplete

    completer = ShellComplete(cli, {}, "lotusx", "_LOTUSX_COMPLETE")
    assert [item.value for item in completer.get_completions(["ticker", "-e"], "bina")][:1] == ["binance"]
    assert "ticker" in [item.value for item in completer.get_completions([], "ti")]


def test_the_demo_goes_on_where_its_metrics_are_served(lotusx: Lotusx) -> None:
    done = lotusx("demo --metrics 0 --faults --seconds 0.5")
    assert done.code == 0
    assert re.search(r"metrics +address http://127\.0\.0\.1:\d+/metrics", done.out)

    refused = lotusx("demo --faults")
    assert refused.code == 2
    assert "go with --metrics" in refused.err


def test_the_demo_shows_a_book_that_heals_and_an_order(lotusx: Lotusx) -> None:
    done = lotusx("demo --updates 2")
    assert done.code == 0
    assert "the book is whole again" in done.out
    assert "cancelled" in done.lines[-1]


def test_sim_serve_passes_its_options_on(lotusx: Lotusx) -> None:
    done = lotusx("sim serve --venue nowhere")
    assert done.code == Exit.USAGE
    assert "invalid choice" in done.err


def test_a_real_process_serves_and_ends_with_control_c() -> None:
    with subprocess.Popen(
        [*PYTHON, "sim", "serve", "--venue", "binance"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "base_url" in json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    "command", ["chaos {target} --port {port}", "status -e nobody --serve {port}", "sim serve --port {port}",
                "monitor binance:BTC/USDT --web --port {port}"],
)  # fmt: skip
def test_a_port_that_is_in_use_is_named(command: str, lotusx: Lotusx, binance: Venue) -> None:
    if "monitor" in command:
        pytest.importorskip("textual_serve", reason="the monitor extra is not installed")
    target = f"127.0.0.1:{binance.server.port}"
    line = command.format(target=target, port=binance.server.port).replace("-e nobody", binance.options)
    done = lotusx(line)
    assert done.code == Exit.REFUSED
    assert "in use" in done.err
    assert f"({target})" in done.err
    assert done.out == ""


def test_an_encoding_that_lacks_a_character_is_no_defect(here: Path) -> None:
    (here / "good.toml").write_text('[exchanges.binance]\njournal = "müll"\n', encoding="utf-8")
    (here / "bad.toml").write_text('[exchanges.binance]\n"müll" = 1\n', encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    for name, code in (("good", Exit.OK), ("bad", Exit.CONFIGURATION)):
        done = subprocess.run(
            [*PYTHON, "config", "check", "-e", "binance", "--config", f"{name}.toml"],
            capture_output=True, encoding="ascii", env=environment, check=False,
        )  # fmt: skip
        assert done.returncode == code
        assert "m\\xfcll" in (done.stdout if code == Exit.OK else done.stderr)


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "2>&-"])
@pytest.mark.parametrize("line", ["exchanges", "--help", "doctor -e nowhere", "exchanges nowhere"])
def test_without_anywhere_to_write_to_there_is_no_traceback(line: str, closed: str) -> None:
    shell = f"{' '.join(PYTHON)} {line} {closed}"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode != Exit.DEFECT


def test_a_reader_that_leaves_early_is_no_error(binance: Venue) -> None:
    arguments = [*PYTHON, "stream", "best-bid-offer", *binance.options.split(), "-s", "BTCUSDT"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()


def test_control_c_ends_a_watched_book_with_the_code_of_an_interruption(binance: Venue) -> None:
    arguments = [*PYTHON, "book", *binance.options.split(), "-s", "BTCUSDT", "--watch"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == Exit.INTERRUPTED
        assert "Traceback" not in process.stderr.read()


def test_a_terminal_gets_a_picture_of_the_book(binance: Venue) -> None:
    ours, theirs = pty.openpty()
    arguments = [*PYTHON, "book", *binance.options.split(), "-s", "BTCUSDT", "--watch", "--count", "2", "--depth", "3"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(arguments, stdout=theirs, stderr=theirs, stdin=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # Linux says so when the other side is gone
                break
            if not part:
                break
            seen += part
        assert process.wait(60) == 0
    os.close(ours)
    text = seen.decode()
    assert "binance BTC/USDT" in text
    assert "█" in text
    assert "\x1b[32m" in text
