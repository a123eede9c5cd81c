"""What the configuration changes about a connection, on real sockets: further hosts, kept lists, reduced limits."""

from __future__ import annotations

import socket
from pathlib import Path

import anyio
import pytest
from e2e_kit import BTC

import lotusx
from lotusx_sim import Server

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def configure(text: str) -> None:
    Path("lotusx.toml").write_text(text, encoding="utf-8")


async def test_where_a_host_cannot_be_reached_the_next_one_serves(server: Server) -> None:
    configure(
        f'[exchanges.binance.hosts.simulator]\napi = ["{server.base_url}"]\nmarket = ["{server.ws_url}/stream"]\n'
    )
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        async with lotusx.connect("binance", environment="simulator", base_url=base, config="lotusx.toml") as exchange:
            assert (await exchange.market.ticker(BTC)).last_price
            async with exchange.market.live_order_book(BTC) as book:
                assert book.best_bid is not None


async def test_a_list_of_instruments_is_fetched_once_while_it_is_fresh(server: Server, tmp_path: Path) -> None:
    configure('[cache]\ninstruments_s = 3600\nfolder = "kept"\n')
    for _ in range(3):
        async with lotusx.connect("binance", environment="simulator", base_url=server.base_url) as exchange:
            assert (await exchange.market.instrument(BTC)).venue_symbol == "BTCUSDT"
    assert server.sim.requests[("GET", "/api/v3/exchangeInfo")] == 1
    assert len(list((tmp_path / "kept").iterdir())) == 1
    async with lotusx.connect("binance", environment="simulator", base_url=server.base_url) as exchange:
        await exchange.market.instruments()
        await exchange.market.instruments(refresh=True)
    assert server.sim.requests[("GET", "/api/v3/exchangeInfo")] == 2


async def test_no_more_than_the_share_of_the_limits_is_used(server: Server) -> None:
    configure('[exchanges.binance.limits]\nshare = "0.01"\n')  # 60 of 6 000 a minute
    async with lotusx.connect("binance", environment="simulator", base_url=server.base_url) as exchange:
        with anyio.move_on_after(1.0):  # then the rest is still waiting for the next minute
            for _ in range(30):
                await exchange.native.call("GET", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": 5}, weight=5)
    assert server.sim.requests[("GET", "/api/v3/depth")] <= 24  # a minute may end meanwhile


async def test_a_running_connection_takes_up_another_share_of_the_limits(server: Server) -> None:
    async def said() -> str:
        return (await exchange.health_check())["budgets"].detail

    configure('[exchanges.binance.limits]\nshare = "0.5"\n')
    async with lotusx.connect("binance", environment="simulator", base_url=server.base_url) as exchange:
        assert " of 3000 in " in await said()
        configure('[exchanges.binance.limits]\nshare = "0.1"\n')
        assert exchange.reload() == ("limits.share",)
        assert " of 600 in " in await said()
