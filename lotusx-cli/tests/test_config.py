"""``lotusx config``: what holds and where from, and never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lotusx_cli.failures import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Lotusx


def test_settings_are_explained_with_their_source(lotusx: Lotusx, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "lotusx.toml").write_text(
        '[exchanges.binance]\nproxy = "http://document"\n[exchanges.binance.credentials]\napi_secret = "canary"\n'
        "[exchanges.binance.accounts.hedge]\nread_only = true\n"
    )
    monkeypatch.setenv("LOTUSX_BINANCE_PROXY", "http://variable")
    done = lotusx("config check -e binance --json")
    found = {item["setting"]: item for item in json.loads(done.out)}
    assert found["proxy"]["value"] == "http://variable"
    assert found["proxy"]["overruled"] == ["lotusx.toml"]
    assert found["credentials.api_secret"]["source"] == "lotusx.toml"
    assert "canary" not in done.out + done.err
    assert "read_only\ttrue\tlotusx.toml" in lotusx("config check -e binance -a hedge").out


def test_without_an_exchange_documents_and_problems_are_told(lotusx: Lotusx, here: Path) -> None:
    done = lotusx("config check")
    assert (done.code, done.out) == (0, "")
    assert "documents: none" in done.err
    (here / "lotusx.toml").write_text("[exchange.binance]\n")
    done = lotusx("config check --json")
    assert done.code == Exit.CONFIGURATION
    assert "did you mean 'exchanges'" in json.loads(done.out)["problems"][0]
    assert "problem:" in lotusx("config check -e binance").err


def test_a_document_that_is_not_toml_ends_with_the_code_of_the_configuration(lotusx: Lotusx, here: Path) -> None:
    (here / "lotusx.toml").write_text("= =")
    done = lotusx("ticker -e binance -s BTCUSDT")
    assert done.code == Exit.CONFIGURATION
    assert "not valid TOML" in done.err


def test_the_schema_is_printed(lotusx: Lotusx) -> None:
    assert "exchanges" in json.loads(lotusx("config schema").out)["properties"]


def test_a_misspelt_environment_is_an_error_and_never_live(lotusx: Lotusx, here: Path) -> None:
    (here / "lotusx.toml").write_text('[exchanges.binance]\nenvironment = "tesnet"\n')
    done = lotusx("status -e binance")
    assert done.code == Exit.CONFIGURATION
    assert "testnet" in done.err


def test_options_of_plugins_are_checked_too(lotusx: Lotusx, here: Path) -> None:
    (here / "lotusx.toml").write_text('[audit]\nfyle = "audit.jsonl"\n')
    done = lotusx("config check")
    assert done.code == Exit.CONFIGURATION
    assert "unknown key 'fyle'" in done.err


def test_what_connect_would_refuse_ends_the_check_with_the_code_of_the_configuration(
    lotusx: Lotusx, here: Path
) -> None:
    (here / "lotusx.toml").write_text('[exchanges.binance.credentials]\napi_secret = "canary"\n')
    done = lotusx("config check -e binance")
    assert done.code == Exit.CONFIGURATION
    assert "problem: binance: this call needs credentials, and api_key is missing" in done.err
    assert "credentials.api_secret" in done.out
    assert "canary" not in done.out + done.err


def test_what_is_written_for_a_gateway_is_looked_at_for_the_exchange_behind_it(lotusx: Lotusx, here: Path) -> None:
    pytest.importorskip("lotusx_gateway")
    (here / "lotusx.toml").write_text('[exchanges.gateway.credentials]\nserver = "nats://127.0.0.1:1"\n')
    done = lotusx("config check -e gateway:binance")
    assert done.code == Exit.CONFIGURATION
    assert "user is missing" in done.err
