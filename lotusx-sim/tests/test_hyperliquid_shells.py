"""The simulated Hyperliquid on sockets, in memory, and from the command line."""

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from hl_calls import BTC, USER, HlCaller, limit, sign_l1
from sim_ws_client import Client, Closed, ws_connect

from lotusx.kernel.transport import HttpRequest
from lotusx_sim import Account, Hyperliquid, serve
from lotusx_sim.__main__ import main, parser
from lotusx_sim.dialects.hyperliquid import DEFAULT_PRIVATE_KEY, MissingLibrary
from lotusx_sim.setup import UsageError, make_venue, read_hyperliquid_accounts
from lotusx_sim.shells import memory


def body(now_ms: int) -> bytes:
    action = {"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000")], "grouping": "na"}
    signature = sign_l1(DEFAULT_PRIVATE_KEY, action, now_ms, None, None, "a")
    return json.dumps({"action": action, "nonce": now_ms, "signature": signature}).encode()


async def read_to_the_end(socket: Client) -> None:
    while True:
        await socket.next()


def test_it_speaks_http_and_websocket_on_one_port(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with serve(Hyperliquid(seed=7, actions_per_s=0, pace=0.02)) as server, httpx.AsyncClient() as client:
            url = server.base_url
            status = (await client.post(f"{url}/info", json={"type": "exchangeStatus"})).json()
            async with ws_connect(f"{server.ws_url}/ws") as socket:
                wanted = {"type": "orderUpdates", "user": USER}
                ack = await socket.ask({"method": "subscribe", "subscription": wanted})
                assert ack["channel"] == "subscriptionResponse"
                headers = {"content-type": "application/json"}
                placed = await client.post(f"{url}/exchange", content=body(status["time"]), headers=headers)
                oid = placed.json()["response"]["data"]["statuses"][0]["resting"]["oid"]
                assert (await socket.next())["data"][0]["order"]["oid"] == oid

                await socket.send('{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}')
                assert [(await socket.next())["channel"] for _ in range(3)] == [
                    "subscriptionResponse", "l2Book", "l2Book",
                ]  # fmt: skip
                await socket.send('{"method":"subscribe","subscription":{"type":"trades","coin":"NOPE"}}')
                with pytest.raises(Closed) as caught:
                    await read_to_the_end(socket)
                assert caught.value.code == 1006

    run(scenario)


def test_hours_pass_at_once_in_memory() -> None:
    import trio
    from trio.testing import MockClock

    async def scenario() -> None:
        async with memory.connect(Hyperliquid(actions_per_s=0)) as server:
            url = f"{server.base_url}/info"
            headers = (("content-type", "application/json"),)
            await trio.sleep(3 * 3600)
            request = HttpRequest(
                "POST", url, headers=headers, body=b'{"type":"fundingHistory","coin":"BTC","startTime":0}'
            )
            reply = await server.http.send(request, timeout_s=5)
            rows = json.loads(reply.body)
            assert len(rows) == 500
            assert server.sim.requests == {("POST", "/info/fundingHistory"): 1}

    trio.run(scenario, clock=MockClock(autojump_threshold=0))


class Silent:
    """Expects nothing to come."""

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        raise AssertionError(f"{messages} came at {received_ns}")


def test_the_venue_sends_no_pings() -> None:
    import trio
    from trio.testing import MockClock

    async def scenario() -> None:
        async with memory.connect(Hyperliquid(actions_per_s=0)) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws", Silent())
            opened_ns = connection.last_received_ns
            await trio.sleep(59)
            assert connection.last_received_ns == opened_ns
            assert (await connection.run()).code == 1000

    trio.run(scenario, clock=MockClock(autojump_threshold=0))


def test_the_venue_does_not_compress(run: Callable[[Any], Any]) -> None:
    async def scenario() -> None:
        async with (
            serve(Hyperliquid(actions_per_s=0)) as server,
            ws_connect(f"{server.ws_url}/ws", compression=True) as socket,
        ):
            assert socket.extensions == []
            assert await socket.ask({"method": "ping"}) == {"channel": "pong"}

    run(scenario)


def test_the_same_seed_gives_the_same_market() -> None:
    def market(seed: int) -> Any:
        hl = HlCaller(Hyperliquid(seed=seed))
        hl.step(5)
        return [hl.info("l2Book", coin="BTC"), hl.info("recentTrades", coin="@107"), hl.info("allMids", dex="xyz")]

    assert market(1) == market(1) != market(2)


def test_the_population_keeps_to_the_venues_price_rule() -> None:
    from lotusx_sim.dialects.hyperliquid.numbers import decimals_of, is_price

    hl = HlCaller(Hyperliquid(seed=3))
    hl.step(60)
    for listing in hl.venue.state.universe.listings:
        for item in hl.venue.state.prints[listing.coin]:
            assert is_price(item.price, listing.size_decimals, listing.max_decimals)
            assert decimals_of(item.size) <= listing.size_decimals


# -- the command line --------------------------------------------------------------------------------------------


def arguments(*words: str) -> Any:
    return parser().parse_args(["serve", "--venue", "hyperliquid", *words])


def test_one_line_starts_it_with_a_documented_key() -> None:
    venue = make_venue(arguments("--quiet-market", "--seed", "7"))
    assert isinstance(venue, Hyperliquid)
    hl = HlCaller(venue)
    assert hl.act({"type": "noop"})["status"] == "ok"


def test_key_and_network_can_be_chosen() -> None:
    key = "0x" + "35" * 32
    venue = make_venue(arguments("--private-key", key, "--network", "testnet"))
    assert isinstance(venue, Hyperliquid)
    assert HlCaller(venue, key=key, source="b").act({"type": "noop"})["status"] == "ok"


def test_an_account_file_names_agents_sub_accounts_and_money(tmp_path: Path) -> None:
    agent, sub = "0x" + "0A" * 20, "0x" + "0b" * 20
    file = tmp_path / "accounts.json"
    entry = {
        "account": "main", "private_key": DEFAULT_PRIVATE_KEY, "agents": [agent], "sub_accounts": {"one": sub},
        "volume": "1000000", "balances": {"perp": {"USDC": "12.5"}, "spot": {"HYPE": "3"}},
    }  # fmt: skip
    file.write_text(json.dumps([entry, {"address": "0x" + "0c" * 20, "account": "other"}]))

    accounts, balances = read_hyperliquid_accounts(file)
    assert accounts[0] == Account(
        USER, agents=(agent.lower(),), sub_accounts=(("one", sub),), volume=Decimal(1_000_000)
    )
    assert balances == {USER: {"perp": {"USDC": Decimal("12.5")}, "spot": {"HYPE": Decimal(3)}}}

    venue = make_venue(arguments("--account", str(file)))
    assert isinstance(venue, Hyperliquid)
    hl = HlCaller(venue)
    assert hl.info("clearinghouseState", user=USER)["withdrawable"] == "12.5"
    assert hl.info("userRole", user=agent) == {"role": "agent", "data": {"user": USER}}


@pytest.mark.parametrize(
    "words",
    [
        ("--api-key", "k", "--api-secret", "s"), ("--symbols", "BTC"), ("--private-key", "zz"),
        ("--account", "no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--venue", "hyperliquid", *words]) == 2
    assert capsys.readouterr().err.startswith("lotusx-sim: ")


def test_options_of_this_venue_are_for_no_other() -> None:
    with pytest.raises(UsageError, match="--private-key is not for --venue binance"):
        make_venue(parser().parse_args(["serve", "--private-key", "0x1"]))


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coincurve", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'lotusx-sim\[hyperliquid\]'"):
        Hyperliquid()
    with pytest.raises(UsageError, match="hyperliquid"):
        make_venue(arguments())


@pytest.mark.parametrize("wrong", [{"network": "devnet"}, {"accounts": ()}])
def test_a_venue_says_what_it_needs(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"network|account"):
        Hyperliquid(**wrong)
