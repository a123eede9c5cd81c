"""The doctor: what it looks at, and what may be shared of it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lotusx.plugin import ExchangeFacts, Sunset
from lotusx_cli import sunsets
from lotusx_cli.diagnosis import Finding, shareable
from lotusx_cli.failures import Exit
from lotusx_cli.sharing import cleaned, own_texts

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue


def test_doctor_looks_at_machine_configuration_plugins_and_exchanges(
    lotusx: Lotusx, binance: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTUSX_BINANCE_ENVIRONMENT", "simulator")
    monkeypatch.setenv("LOTUSX_BINANCE_BASE_URL", binance.server.base_url)
    done = lotusx("doctor -e binance --json")
    found = {(item["area"], item["check"]): item["result"] for item in json.loads(done.out)}
    assert done.code == 0
    assert found["machine", "python"] == "ok"
    assert found["configuration", "files"] == "ok"
    assert found["plugins", "binance"] == "ok"
    assert found["binance (simulator)", "connectivity"] == "ok"


@pytest.mark.parametrize("compiled", [True, False])
def test_doctor_says_whether_order_books_are_compiled(
    lotusx: Lotusx, binance: Venue, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    monkeypatch.setattr("lotusx.kernel.book.half.COMPILED", object if compiled else None)
    monkeypatch.setenv("LOTUSX_BINANCE_ENVIRONMENT", "simulator")
    monkeypatch.setenv("LOTUSX_BINANCE_BASE_URL", binance.server.base_url)
    (said,) = [item for item in json.loads(lotusx("doctor -e binance --json").out) if item["check"] == "order books"]
    assert said["result"] == "ok"
    assert said["detail"].startswith("compiled" if compiled else "interpreted: no wheel")


def test_doctor_goes_on_where_something_is_wrong(lotusx: Lotusx, here: Path, free_port: int) -> None:
    (here / "lotusx.toml").write_text(
        f'[exchanges.binance]\nenvironment = "simulator"\nbase_url = "http://127.0.0.1:{free_port}"\n'
        '[exchanges.bybit]\nenviroment = "demo"\n'
    )
    done = lotusx("doctor -e binance -e bybit --timeout 0.5")
    assert done.code == Exit.CHECK_FAILED
    assert "did you mean 'environment'" in done.out
    assert "connectivity\tfailed" in done.out


@pytest.mark.parametrize(("name", "reason"), [("replay", "recording"), ("gateway", "behind the gateway")])
def test_an_exchange_that_is_nothing_without_options_is_not_a_problem(name: str, reason: str, lotusx: Lotusx) -> None:
    pytest.importorskip({"replay": "lotusx_recorder", "gateway": "lotusx_gateway"}[name])
    done = lotusx(f"doctor -e {name} --json")
    (found,) = [item for item in json.loads(done.out) if (item["area"], item["check"]) == (name, "connection")]
    assert found["result"] == "not_checked"
    assert reason in found["detail"]
    assert done.code == Exit.OK


def test_an_exchange_that_needs_no_options_and_cannot_be_connected_is_a_problem(lotusx: Lotusx, here: Path) -> None:
    (here / "lotusx.toml").write_text('[exchanges.binance]\nenvironment = "simulator"\n')
    done = lotusx("doctor -e binance")
    assert "connection\tfailed" in done.out
    assert done.code == Exit.CHECK_FAILED


def test_a_shared_report_holds_no_secret_no_address_and_no_folder(here: Path) -> None:
    secret = "A" * 40
    findings = [
        Finding("x", "y", "failed", f"{here}/lotusx.toml http://10.0.0.1:80/a?b {secret} 192.168.0.7 lotusx 0.1")
    ]
    text = json.dumps(shareable(findings, ()))
    assert "<here>/lotusx.toml <address> <removed> <address> lotusx 0.1" in text


def test_doctor_shares_one_document(lotusx: Lotusx, here: Path, free_port: int) -> None:
    (here / "lotusx.toml").write_text(
        f'[exchanges.binance]\nenvironment = "simulator"\nbase_url = "http://127.0.0.1:{free_port}"\n'
        '[exchanges.binance.credentials]\napi_key = "canary-key-0123456789abcdef"\napi_secret = "canary-secret-012"\n'
    )
    done = lotusx("doctor -e binance --share --timeout 0.5")
    assert done.code == Exit.CHECK_FAILED
    assert json.loads(done.out)["lotusx"]
    assert "canary" not in done.out
    assert str(free_port) not in done.out


@pytest.mark.parametrize(
    "written",
    [
        '[exchanges.binance]\nread_only = "c4nary!"',
        '[exchanges.binance]\nenvironment = "c4nary!"',
        '[exchanges.binance]\nproxy = "c4nary!"',
        '[exchanges.binance]\nproxy = "http://me:c4nary!@proxy.c4nary!"',
        '[exchanges.binance]\njournal = "c4nary!/c4nary!"',
        '[exchanges.binance.credentials]\napi_key = "c4nary!"',
        '[exchanges.binance.credentials]\napi_key = "c4nary!"\nprivate_key = "c4nary!"\npassphrase = "c4nary!"',
        '[exchanges.binance.credentials]\napi_key = { file = "c4nary!" }\napi_secret = "x"',
        '[exchanges.binance.credentials]\napi_key = { env = "c4nary!" }\napi_secret = "x"',
        '[exchanges.binance.credentials]\napi_key = { nothing = "c4nary!" }',
        '[exchanges.binance.hosts.live]\napi = ["https://c4nary!"]',
        '[exchanges.binance.limits]\nshare = "c4nary!"',
        '[cache]\nfolder = "/c4nary!"\ninstruments_s = "c4nary!"',
        '[strategy]\nname = "c4nary!"',
        'c4nary! = "c4nary!"',
    ],
)
def test_nothing_that_was_configured_is_shared(written: str, lotusx: Lotusx, here: Path, free_port: int) -> None:
    base = f"http://127.0.0.1:{free_port}"
    (here / "lotusx.toml").write_text(f"{written}\n")
    (here / ".env").write_text(f"LOTUSX_BYBIT_PROXY=c4nary!\nLOTUSX_BINANCE_BASE_URL={base}\n")
    (here / ".env.local").write_text("export LOTUSX_HYPERLIQUID_READ_ONLY = 'c4nary!'\n")
    done = lotusx("doctor -e binance --share --timeout 0.2")
    assert json.loads(done.out)["findings"]
    assert "c4nary" not in done.out
    assert str(free_port) not in done.out


def test_variables_are_not_shared_either(lotusx: Lotusx, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    monkeypatch.setenv("LOTUSX_BINANCE_READ_ONLY", "c4nary!")
    monkeypatch.setenv("LOTUSX_BINANCE_API_KEY", "c4nary!")
    done = lotusx("doctor -e binance --share --timeout 0.2")
    assert done.code == Exit.CHECK_FAILED
    assert "c4nary" not in done.out
    assert "live" not in own_texts(None)


def test_what_looks_private_is_taken_out_wherever_it_comes_from() -> None:
    text = "fe80::1 [2001:db8::2]:443 2001:0:0:1:2:3:4:5 10.0.0.1:8080 wss://host/x?key=1 socks5://me@h:1 at 14:03:12"
    assert cleaned(text) == "<address> <address> <address> <address> <address> <address> at 14:03:12"


# ------------------------------------------------------------------------------------------------ endpoints that end


TODAY = date(2026, 11, 21)


def facts(*found: Sunset, as_of: date | None = TODAY) -> ExchangeFacts:
    return ExchangeFacts("x", 1, {}, {}, sunsets=found, as_of=as_of)


def test_an_end_of_something_in_use_is_a_problem_once_it_is_near() -> None:
    def result(days: int) -> str:
        return sunsets.judge(facts(Sunset("/v1", TODAY + timedelta(days), "/v2", used=True)), TODAY)[0][0]

    assert [result(days) for days in (300, 61, 60, 0, -5)] == ["ok", "ok", "failed", "failed", "failed"]
    (_, detail), *_ = sunsets.judge(facts(Sunset("/v1", TODAY + timedelta(9), "/v2", used=True)), TODAY)
    assert detail.startswith("/v1 ends on 2026-11-30, in 9 days; instead: /v2; the plugin still uses it")


def test_an_end_of_something_not_in_use_is_told_and_is_no_problem() -> None:
    ((result, detail),) = sunsets.judge(facts(Sunset("/v1", date(2026, 1, 2), "/v2")), TODAY)
    assert result == "ok"
    assert "/v1 ended on 2026-01-02; instead: /v2" in detail


def test_old_or_missing_knowledge_is_not_a_clean_bill() -> None:
    assert sunsets.judge(facts(as_of=None), TODAY)[0][0] == "not_checked"
    old = sunsets.judge(facts(as_of=TODAY - timedelta(181)), TODAY)
    assert old[0][0] == "not_checked"
    assert "181 days ago" in old[0][1]


def test_doctor_knows_what_the_plugins_know(lotusx: Lotusx) -> None:
    found = json.loads(lotusx("doctor -e binance --json --timeout 0.1").out)
    (about,) = [item["detail"] for item in found if item["check"] == "endpoints"]
    assert "/api/v1/* ended on 2026-03-25" in about


def test_calling_an_endpoint_that_has_ended_says_so(lotusx: Lotusx) -> None:
    done = lotusx("call -e binance GET /api/v1/time --show")
    assert done.code == 0
    assert "ended on 2026-03-25; instead: /api/v3/*" in done.err
