"""The connection to the broker, when the network holds everything back."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest
from anyio.lowlevel import checkpoint
from gateway_kit import NatsServer, desk, password

from lotusx.errors import ConnectionFailed
from lotusx.plugin import Secret
from lotusx_gateway.broker import Broker
from lotusx_gateway.login import Login
from lotusx_sim.fault_proxy import fault_proxy

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_network_that_holds_back_more_than_fits_ends_the_connection_and_leaves_nobody_waiting(
    nats: NatsServer,
) -> None:
    host, _, port = nats.url.removeprefix("nats://").partition(":")
    ended: list[int] = []
    async with fault_proxy(host, int(port)) as proxy:
        broker = Broker(Login(f"nats://{proxy.authority}", "gateway", Secret(password("gateway"))))
        await broker.open()
        proxy.black_hole()

        async def publish(number: int) -> None:
            try:
                while True:
                    await broker.publish("lotusx.binance.simulator.feed.x", bytes(100_000))
                    await checkpoint()
            except ConnectionFailed:
                ended.append(number)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for number in range(4):
                    tasks.start_soon(publish, number)
                await broker.gone.wait()
        assert sorted(ended) == [0, 1, 2, 3]
        await broker.aclose()


async def test_a_broker_that_takes_short_messages_only_is_refused_by_name(nats: NatsServer) -> None:
    nats.kill()
    nats.config = f"max_payload: 32768\n{nats.config}"
    nats.start()
    broker = Broker(Login(nats.url, "gateway", Secret(password("gateway"))))

    with pytest.raises(ConnectionFailed, match="32768 bytes at most") as raised:
        await broker.open()

    assert raised.value.sent is False


async def test_a_long_answer_reaches_its_asker_through_a_broker_that_takes_short_messages(nats: NatsServer) -> None:
    nats.kill()
    nats.config = f"max_payload: 65536\n{nats.config}"
    nats.start()
    async with desk(nats) as gateway, gateway.consumer() as exchange:
        for _ in range(700):
            gateway.sim.trade("BTCUSDT", "buy", Decimal("0.001"))
        assert len(await exchange.market.recent_trades("BTC/USDT", limit=1_000)) >= 700
