"""The limits stand before every way an order can take, of a whole connection to a simulated exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio.testing

import lotusx
from lotusx.errors import ConfigurationError, ExchangeError, OrderVetoed
from lotusx.model import Accepted, AmendRequest
from lotusx_risk import Risk
from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY
from lotusx_sim.shells import memory

BTC = "BTC/USDT"
KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
async def server() -> AsyncIterator[memory.MemoryServer]:
    async with memory.connect(Simulator(BinanceSpot(seed=7, actions_per_s=0)), latency_s=0.005) as running:
        yield running


def connect(server: memory.MemoryServer, *plugins: object, **more: Any) -> lotusx.Exchange:
    return lotusx.connect(
        "binance", environment="simulator", base_url=server.base_url, credentials=KEY,
        http=server.http, ws=server.ws, clock=server.clock, plugins=plugins, **more,
    )  # fmt: skip


def rests(name: str, quantity: str = "0.01", price: str = "60000") -> lotusx.OrderRequest:
    return lotusx.OrderRequest.limit(BTC, "buy", quantity, price, client_order_id=name)


@pytest.mark.parametrize("entry", ["rest", "ws"])
async def test_a_veto_stands_before_every_way_to_the_exchange(server: memory.MemoryServer, entry: str) -> None:
    risk = Risk(max_notional="700")
    options = {"order_entry": "ws"} if entry == "ws" else None
    async with connect(server, risk, options=options) as exchange:
        await exchange.place(rests("a"))
        with pytest.raises(OrderVetoed, match="max_notional"):
            await exchange.place(rests("b", "0.02"))
        first, second = await exchange.place_batch_orders([rests("c"), rests("d", "0.02")], emulate=True)
        assert isinstance(first, lotusx.Accepted)
        assert isinstance(second, lotusx.Rejected)
        assert isinstance(second.error, OrderVetoed)
        with pytest.raises(OrderVetoed):
            await exchange.amend(BTC, client_order_id="a", quantity="0.02")
        (changed,) = await exchange.amend_batch_orders(
            [AmendRequest(BTC, client_order_id="a", price="80000")], emulate=True
        )
        assert isinstance(changed, lotusx.Rejected)
        assert {each.client_order_id for each in await exchange.open_orders(BTC)} == {"a", "c"}
        assert risk.vetoes == {"max_notional": 4}


async def test_cancels_pass_while_everything_is_halted(server: memory.MemoryServer) -> None:
    risk = Risk(max_notional="10000")
    async with connect(server, risk) as exchange:
        await exchange.place(rests("a"))
        await exchange.place(rests("b"))
        risk.halt("test")
        with pytest.raises(OrderVetoed, match="halted"):
            await exchange.place(rests("c"))
        assert (await exchange.cancel(BTC, client_order_id="a")).status is lotusx.OrderStatus.CANCELED
        assert len(await exchange.cancel_all(BTC)) == 1


async def test_orders_sent_together_do_not_pass_together(server: memory.MemoryServer) -> None:
    async with connect(server) as plain:
        held = next(item.total for item in await plain.balances() if item.asset == "BTC")
    risk = Risk(symbols={BTC: {"max_position": str(held + Decimal("0.025"))}})
    ended: list[str] = []
    async with connect(server, risk) as exchange:

        async def place(name: str) -> None:
            try:
                await exchange.place(rests(name))
            except OrderVetoed as veto:
                ended.append(veto.rule)
            else:
                ended.append("placed")

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(place, f"n-{number}")
    assert sorted(ended) == ["max_position"] * 3 + ["placed"] * 2


async def test_a_market_order_is_followed_into_the_position(server: memory.MemoryServer) -> None:
    async with connect(server) as plain:
        held = next(item.total for item in await plain.balances() if item.asset == "BTC")
    risk = Risk(symbols={BTC: {"max_position": str(held + Decimal("0.02"))}})
    async with connect(server, risk) as exchange:
        for _ in range(2):
            await exchange.place(lotusx.OrderRequest.market(BTC, "buy", "0.01"))
        with pytest.raises(OrderVetoed, match="max_position"):
            await exchange.place(lotusx.OrderRequest.market(BTC, "buy", "0.001"))
        await exchange.place(lotusx.OrderRequest.market(BTC, "sell", "0.01"))
        await server.clock.sleep(2)
        await exchange.place(lotusx.OrderRequest.market(BTC, "buy", "0.005"))


async def test_an_order_that_is_amended_again_and_again_counts_once(server: memory.MemoryServer) -> None:
    async with connect(server) as plain:
        held = next(item.total for item in await plain.balances() if item.asset == "BTC")
    risk = Risk(symbols={BTC: {"max_position": str(held + Decimal("0.03"))}})
    async with connect(server, risk) as exchange:
        await exchange.place(rests("a"))
        for quantity in ("0.02", "0.025", "0.03"):
            await exchange.amend(BTC, client_order_id="a", quantity=quantity)
        with pytest.raises(OrderVetoed, match="max_position"):
            await exchange.amend(BTC, client_order_id="a", quantity="0.031")
        await server.clock.sleep(61)  # the position is read anew
        await exchange.amend(BTC, client_order_id="a", quantity="0.03", price="60001")
        with pytest.raises(OrderVetoed, match="max_position"):
            await exchange.place(rests("b", "0.001"))
        await exchange.cancel(BTC, client_order_id="a")
        await exchange.place(rests("c", "0.03"))


async def test_the_table_of_the_configuration_enables_it(
    server: memory.MemoryServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lotusx.toml").write_text('[risk]\nmax_notional = "700"\n')
    monkeypatch.chdir(tmp_path)
    async with connect(server) as exchange:
        with pytest.raises(OrderVetoed, match="max_notional"):
            await exchange.place(rests("a", "0.02"))


async def test_native_commands_are_refused_where_the_limits_say_so_and_nothing_else_is(
    server: memory.MemoryServer,
) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    risk = Risk(native="refuse")
    async with connect(server, risk) as exchange:
        with pytest.raises(OrderVetoed, match="native command cannot be checked") as caught:
            await exchange.native.call("POST", "/api/v3/order", order, signed=True)
        assert caught.value.rule == "native"
        assert await exchange.native.call("GET", "/api/v3/account", signed=True)  # reads are free
        placed = await exchange.place(lotusx.OrderRequest.limit(BTC, "buy", "0.01", "60000", client_order_id="a"))
        await exchange.amend(BTC, client_order_id="a", price="60001")
        batch = [lotusx.OrderRequest.limit(BTC, "buy", "0.01", "60000", client_order_id=name) for name in "bc"]
        assert all(isinstance(each, Accepted) for each in await exchange.place_batch_orders(batch, emulate=True))
        await exchange.cancel(BTC, client_order_id=placed.client_order_id)
        await exchange.cancel_all(BTC)
        assert await exchange.open_orders(BTC) == []
    assert risk.vetoes == {"native": 1}


async def test_native_commands_pass_unless_the_limits_speak_of_them(server: memory.MemoryServer) -> None:
    async with connect(server, Risk(max_notional="1")) as exchange:
        with pytest.raises(ExchangeError):
            await exchange.native.call("DELETE", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": 1}, signed=True)


async def test_a_running_connection_takes_up_other_limits_and_none_that_are_wrong(
    server: memory.MemoryServer, tmp_path: Path
) -> None:
    config = tmp_path / "lotusx.toml"

    def order(quantity: str) -> lotusx.OrderRequest:
        return lotusx.OrderRequest.limit(BTC, "buy", quantity, "60000")

    config.write_text('[risk]\nmax_notional = "1000"\n')
    async with connect(server, config=str(config)) as exchange:
        with pytest.raises(OrderVetoed, match="max_notional"):
            await exchange.place(order("0.1"))
        config.write_text('[risk]\nmax_notional = "10000"\n')
        assert exchange.reload() == ("risk",)
        await exchange.place(order("0.1"))
        config.write_text('[risk]\nmax_notional = "0"\n[exchanges.binance]\nread_only = true\n')
        with pytest.raises(ConfigurationError, match="above zero"):
            exchange.reload()
        await exchange.place(order("0.1"))  # neither was taken up
        config.write_text('[risk]\nhalted = true\nnative = "refuse"\n')
        assert exchange.reload() == ("risk",)
        with pytest.raises(OrderVetoed, match="halted"):
            await exchange.place(order("0.1"))
        with pytest.raises(OrderVetoed, match="native"):
            await exchange.native.call("DELETE", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, signed=True)
        await exchange.cancel_all(BTC)
        config.write_text('[risk]\nmax_notional = "10000"\n')
        exchange.reload()
        await exchange.place(order("0.1"))
        for other in ("", '[risk]\nmax_notional = "10000"\n[audit]\nfile = "x"\n'):
            config.write_text(other)
            with pytest.raises(ConfigurationError, match="plugins"):  # there are others, or none
                exchange.reload()


def test_taking_up_limits_leaves_a_halt_that_somebody_called_for() -> None:
    risk = Risk(max_orders=5)
    risk.halt("enough for today")
    risk.reload({"max_orders": 2})()
    assert risk.halted == "enough for today"
    risk.resume()
    risk.reload({"halted": True})()
    assert risk.halted
    risk.reload({"max_orders": 2})()
    assert not risk.halted
