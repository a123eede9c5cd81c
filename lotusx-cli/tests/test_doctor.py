"""The doctor: what it looks at, and what may be shared of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lotusx_cli.diagnosis import Finding, shareable
from lotusx_cli.failures import Exit

if TYPE_CHECKING:
    import pytest

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


def test_doctor_goes_on_where_something_is_wrong(lotusx: Lotusx, here: Path, free_port: int) -> None:
    (here / "lotusx.toml").write_text(
        f'[exchanges.binance]\nenvironment = "simulator"\nbase_url = "http://127.0.0.1:{free_port}"\n'
        '[exchanges.bybit]\nenviroment = "demo"\n'
    )
    done = lotusx("doctor -e binance -e bybit --timeout 0.5")
    assert done.code == Exit.CHECK_FAILED
    assert "did you mean 'environment'" in done.out
    assert "connectivity\tfailed" in done.out


def test_a_shared_report_holds_no_secret_no_address_and_no_folder(here: Path) -> None:
    secret = "A" * 40
    findings = [
        Finding("x", "y", "failed", f"{here}/lotusx.toml http://10.0.0.1:80/a?b {secret} 192.168.0.7 lotusx 0.1")
    ]
    text = json.dumps(shareable(findings))
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
