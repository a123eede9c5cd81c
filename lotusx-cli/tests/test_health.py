"""Checks of one exchange."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
import pytest

from lotusx_cli.commands.health import _serve
from lotusx_cli.failures import Exit
from lotusx_cli.output import Out

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


def test_supervisors_are_served_until_it_is_ended(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> bytes:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_serve, [], ("127.0.0.1", 0), 15.0, Out())
            with anyio.fail_after(30):
                while not (said := capsys.readouterr().err):  # noqa: ASYNC110 - a printed line has no event
                    await anyio.sleep(0.005)
                port = int(said.split(":")[2].partition("/")[0])
                async with await anyio.connect_tcp("127.0.0.1", port) as client:
                    await client.send(b"GET /live HTTP/1.1\r\n\r\n")
                    answer = await client.receive()
            tasks.cancel_scope.cancel()
        return answer

    assert anyio.run(main).startswith(b"HTTP/1.1 200 OK")


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
