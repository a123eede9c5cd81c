"""Checks of one exchange."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lotusx_cli.failures import Exit

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue


@pytest.mark.parametrize("name", ["binance", "bybit", "hyperliquid"])
def test_status_needs_no_key(name: str, lotusx: Lotusx, request: pytest.FixtureRequest) -> None:
    venue: Venue = request.getfixturevalue(name)
    done = lotusx(f"status {venue.options} --json")
    document = json.loads(done.out)
    assert (done.code, document["healthy"]) == (0, True)
    results = {item["name"]: item["result"] for item in document["checks"]}
    assert (results["connectivity"], results["clock"], results["credentials"]) == ("ok", "ok", "not_checked")
    assert isinstance(document["checks"][1]["data"]["offset_ms"], int)


def test_status_of_several_is_one_document(lotusx: Lotusx, binance: Venue, free_port: int) -> None:
    more = f"--environment simulator --base-url {binance.server.base_url}"
    done = lotusx(f"status -e binance -e binance {more} --json")
    document = json.loads(done.out)
    assert (done.code, document["healthy"], len(document["exchanges"])) == (0, True, 2)


def test_an_address_to_serve_at_that_is_none_is_refused(lotusx: Lotusx, binance: Venue) -> None:
    assert lotusx(f"status {binance.options} --serve here").code == Exit.USAGE


def test_an_exchange_that_cannot_be_reached_fails_the_check(lotusx: Lotusx, free_port: int) -> None:
    base = f"http://127.0.0.1:{free_port}"
    done = lotusx(f"status -e binance --environment simulator --base-url {base}")
    assert done.code == Exit.CHECK_FAILED
    assert "connectivity\tfailed" in done.out


def test_the_forms_of_the_documentation_work_verbatim(
    lotusx: Lotusx, binance: Venue, bybit: Venue, hyperliquid: Venue, key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for venue in (binance, bybit, hyperliquid):
        monkeypatch.setenv(f"LOTUSX_{venue.exchange.upper()}_ENVIRONMENT", "simulator")
        monkeypatch.setenv(f"LOTUSX_{venue.exchange.upper()}_BASE_URL", venue.server.base_url)
    assert lotusx("check-keys --exchange binance").code == 0
    assert lotusx("status --exchange hyperliquid").code == 0
    assert lotusx("get-ticker --exchange bybit --symbol BTCUSDT").code == 0
