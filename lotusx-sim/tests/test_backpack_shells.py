"""The simulated Backpack on sockets, in memory, and from the command line."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from backpack_calls import SOL, BackpackCaller, signature, written
from sim_ws_client import Refused, ws_connect

from lotusx.kernel.transport import HttpRequest
from lotusx_sim import Backpack, serve
from lotusx_sim.__main__ import parser
from lotusx_sim.dialects.backpack import DEFAULT_API_KEY, DEFAULT_SECRET
from lotusx_sim.setup import UsageError, make_venue
from lotusx_sim.shells import memory

OTHER_SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
OTHER_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def signed(text: str) -> list[str]:
    """Return key, signature, time and window."""
    stamp = str(time.time_ns() // 1_000_000)
    return [DEFAULT_API_KEY, signature(DEFAULT_SECRET, f"{text}&timestamp={stamp}&window=5000"), stamp, "5000"]


def test_rest_and_streams_share_a_port(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with serve(Backpack(seed=7, actions_per_s=0)) as server, httpx.AsyncClient() as client:
            async with ws_connect(f"{server.ws_url}/") as socket:
                wish = {"method": "SUBSCRIBE", "params": [f"depth.{SOL}", "account.orderUpdate"]}
                await socket.send(json.dumps(wish | {"signature": signed("instruction=subscribe")}))
                await socket.send(json.dumps({"method": "SUBSCRIBE", "params": ["nothing.SOL"]}))
                assert (await socket.next())["error"]["code"] == 4006  # so the first was read
                text = "instruction=orderExecute&orderType=Limit&price=140&quantity=1&side=Bid&symbol=SOL_USDC"
                names = ("X-API-Key", "X-Signature", "X-Timestamp", "X-Window")
                placed = await client.post(
                    f"{server.base_url}/api/v1/order",
                    json=written(SOL, "Bid", "1", "140"),
                    headers=dict(zip(names, signed(text), strict=True)),
                )
                told = [await socket.next() for _ in range(2)]
            assert placed.json()["status"] == "New"
            assert [message["stream"] for message in told] == [f"depth.{SOL}", "account.orderUpdate"]
            assert told[1]["data"]["i"] == placed.json()["id"]
            with pytest.raises(Refused) as caught:
                async with ws_connect(f"{server.ws_url}/stream"):
                    pass
            assert caught.value.status == 404

    run(scenario)


def test_it_is_there_in_memory(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with memory.connect(Backpack(seed=7, actions_per_s=0)) as network:
            answer = await network.http.send(HttpRequest("GET", f"{network.base_url}/api/v1/status"), timeout_s=5)
            assert json.loads(answer.body) == {"status": "Ok", "message": None}

    run(scenario)


def test_faults_and_actions_are_scripted_over_http(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with serve(Backpack(seed=7, actions_per_s=0)) as server, httpx.AsyncClient() as client:
            url = server.base_url
            trade = {"do": "trade", "with": {"symbol": "SOL_USDC_PERP", "side": "buy", "quantity": "2"}}
            assert (await client.post(f"{url}/__sim__/actions", json=trade)).json()["result"] == "2"
            fault = {"do": "refuse", "with": {"method": "GET", "path": "/api/v1/*", "status": 502}}
            assert (await client.post(f"{url}/__sim__/faults", json=fault)).status_code == 200
            assert (await client.get(f"{url}/api/v1/time")).status_code == 502

    run(scenario)


def made(*arguments: str) -> Backpack:
    venue = make_venue(parser().parse_args(["serve", "--venue", "backpack", *arguments]))
    assert isinstance(venue, Backpack)
    return venue


def test_the_command_line_makes_one_with_keys_balances_and_what_is_lent(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    entry = {"account": "a", "secret": OTHER_SECRET, "balances": {"USDC": "7"}, "lent": {"SOL": "3"}}
    accounts.write_text(json.dumps([entry]))
    caller = BackpackCaller(made("--account", str(accounts), "--quiet-market"), OTHER_SECRET, OTHER_KEY)
    assert caller.get("/api/v1/capital") == {"USDC": {"available": "7", "locked": "0", "staked": "0"}}
    assert caller.get("/api/v1/borrowLend/positions")[0]["netQuantity"] == "3"
    alone = BackpackCaller(made("--api-secret", OTHER_SECRET, "--quiet-market"), OTHER_SECRET, OTHER_KEY)
    assert alone.get("/api/v1/account")


@pytest.mark.parametrize(
    "arguments",
    [("--private-key", "0x1"), ("--network", "testnet"), ("--capture", "f"), ("--environment", "demo"),
     ("--api-secret", "short"), ("--api-key", OTHER_KEY, "--api-secret", DEFAULT_SECRET), ("--account", "/nothing")],
)  # fmt: skip
def test_options_of_other_venues_and_keys_that_do_not_fit_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        made(*arguments)


def test_a_venue_needs_a_key() -> None:
    with pytest.raises(ValueError, match="needs an API key"):
        Backpack(keys=[])
