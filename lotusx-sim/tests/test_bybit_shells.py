"""The simulated Bybit on sockets, in memory, and from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bybit_calls import BybitCaller, hmac_of
from sim_ws_client import Refused, ws_connect

from lotusx.kernel.transport import HttpRequest
from lotusx_sim import Bybit, serve
from lotusx_sim.__main__ import parser
from lotusx_sim.dialects.bybit import DEFAULT_KEY
from lotusx_sim.setup import UsageError, make_venue
from lotusx_sim.shells import memory

ORDER = json.dumps(
    {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "80000"}
)


def signed(content: str, now_ms: int) -> dict[str, str]:
    return {
        "X-BAPI-API-KEY": DEFAULT_KEY.key,
        "X-BAPI-TIMESTAMP": str(now_ms),
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": hmac_of(DEFAULT_KEY.verifier, f"{now_ms}{DEFAULT_KEY.key}5000{content}"),
        "Content-Type": "application/json",
    }


def login(now_ms: int) -> dict[str, Any]:
    expires = now_ms + 5_000
    return {"op": "auth", "args": [DEFAULT_KEY.key, expires, hmac_of(DEFAULT_KEY.verifier, f"GET/realtime{expires}")]}


def test_rest_and_all_sockets_share_a_port(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with serve(Bybit(seed=7, actions_per_s=0)) as server, httpx.AsyncClient() as client:
            url = server.base_url
            now_ms = (await client.get(f"{url}/v5/market/time")).json()["time"]
            async with ws_connect(f"{server.ws_url}/v5/private") as private:
                assert (await private.ask(login(now_ms)))["success"]
                assert (await private.ask({"op": "subscribe", "args": ["order"]}))["success"]
                placed = await client.post(f"{url}/v5/order/create", content=ORDER, headers=signed(ORDER, now_ms))
                assert placed.headers["X-Bapi-Limit-Status"] == "9"
                (row,) = (await private.next())["data"]
                assert row["orderId"] == placed.json()["result"]["orderId"]
            async with ws_connect(f"{server.ws_url}/v5/public/linear") as public:
                assert (await public.ask({"op": "subscribe", "args": ["orderbook.50.BTCUSDT"]}))["success"]
                assert (await public.next())["type"] == "snapshot"
            async with ws_connect(f"{server.ws_url}/v5/trade") as trade:
                assert (await trade.ask(login(now_ms)))["retCode"] == 0
            with pytest.raises(Refused) as caught:
                async with ws_connect(f"{server.ws_url}/v5/nothing"):
                    pass
            assert caught.value.status == 404

    run(scenario)


def test_it_is_there_in_memory(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with memory.connect(Bybit(seed=7, actions_per_s=0)) as network:
            answer = await network.http.send(HttpRequest("GET", f"{network.base_url}/v5/market/time"), timeout_s=5)
            assert json.loads(answer.body)["retCode"] == 0

    run(scenario)


def test_faults_and_actions_are_scripted_over_http(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with serve(Bybit(seed=7, actions_per_s=0)) as server, httpx.AsyncClient() as client:
            url = server.base_url
            trade = {"do": "trade", "with": {"symbol": "inverse:BTCUSD", "side": "buy", "quantity": "10"}}
            assert (await client.post(f"{url}/__sim__/actions", json=trade)).json()["result"] == "10"
            fault = {"do": "refuse", "with": {"method": "GET", "path": "/v5/market/*", "status": 502}}
            assert (await client.post(f"{url}/__sim__/faults", json=fault)).status_code == 200
            assert (await client.get(f"{url}/v5/market/time")).status_code == 502

    run(scenario)


def made(*arguments: str) -> Bybit:
    venue = make_venue(parser().parse_args(["serve", "--venue", "bybit", *arguments]))
    assert isinstance(venue, Bybit)
    return venue


def test_the_command_line_makes_one_with_keys_and_an_environment(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_text('[{"account": "a", "api_key": "k", "secret": "s", "balances": {"USDT": "7"}}]')
    caller = BybitCaller(made("--account", str(accounts), "--environment", "demo", "--quiet-market"))
    assert caller.sim.balances("a")["USDT"].free == 7
    assert caller.query("/v5/account/fee-rate", True, category="spot")["retCode"] == 10003
    assert made("--api-key", "x", "--api-secret", "y").account_of(None) == "main"


@pytest.mark.parametrize(
    "arguments", [("--private-key", "0x1"), ("--network", "testnet"), ("--capture", "f"), ("--api-key", "x")]
)
def test_options_of_other_venues_and_half_a_key_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        made(*arguments)


def test_an_environment_is_for_bybit_only_and_must_be_known() -> None:
    with pytest.raises(UsageError, match="--environment is not for --venue binance"):
        make_venue(parser().parse_args(["serve", "--environment", "demo"]))
    with pytest.raises(ValueError, match="environment must be"):
        Bybit(environment="paper")
    with pytest.raises(ValueError, match="needs an API key"):
        Bybit(keys=[])
