"""The network is cut in two: between a consumer and the broker, and around the broker itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from gateway_kit import BTC, DEADLINE_S, NatsServer, desk, password, until

import lotusx
from lotusx.errors import ExchangeError, TimestampSkew
from lotusx.model import OrderRequest
from lotusx_gateway.messages import VALID_S
from lotusx_sim.fault_proxy import fault_proxy

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def limit(client_order_id: str) -> OrderRequest:
    return OrderRequest.limit(BTC, "buy", "0.01", "50000", client_order_id=client_order_id)


async def test_an_order_that_a_network_held_back_is_refused_when_it_arrives(nats: NatsServer) -> None:
    host, _, port = nats.url.removeprefix("nats://").partition(":")
    async with desk(nats) as here, fault_proxy(host, int(port)) as proxy:
        credentials = {"server": f"nats://{proxy.authority}", "user": "trader", "password": password("trader")}
        async with here.consumer(credentials=credentials) as exchange:
            await exchange.trading.ready()
            caught: list[Exception] = []

            async def place() -> None:
                try:
                    await exchange.place(limit("held-back"))
                except ExchangeError as error:
                    caught.append(error)

            async with anyio.create_task_group() as tasks:
                proxy.black_hole()
                tasks.start_soon(place)
                await anyio.sleep(VALID_S + 0.5)
                proxy.heal()
            assert [type(error) for error in caught] == [TimestampSkew]
            assert not caught[0].may_have_executed  # type: ignore[attr-defined]  # every error of ours has it
            assert here.sim.order_ids() == []


class Namespace:
    """A network of its own for the broker, and the one cable to it."""

    def __init__(self, number: int) -> None:
        self.name = f"lotusx{number}"
        self._cable = f"lx{number}a"
        self.host, self._here = f"10.213.{number % 250}.2", f"10.213.{number % 250}.1"
        ip = shutil.which("ip")
        if ip is None or os.geteuid() != 0:
            pytest.skip("network namespaces need root and iproute2")
        self._ip = ip
        if subprocess.run([ip, "netns", "add", self.name], check=False, capture_output=True).returncode:
            pytest.skip("network namespaces are not permitted here")
        inside = f"lx{number}b"
        self._do("link", "add", self._cable, "type", "veth", "peer", "name", inside, "netns", self.name)
        self._do("address", "add", f"{self._here}/24", "dev", self._cable)
        self._do("link", "set", self._cable, "up")
        self._do("-n", self.name, "address", "add", f"{self.host}/24", "dev", inside)
        self._do("-n", self.name, "link", "set", inside, "up")

    def _do(self, *words: str) -> None:
        subprocess.run([self._ip, *words], check=True, capture_output=True)

    def cut(self) -> None:
        self._do("link", "set", self._cable, "down")

    def mend(self) -> None:
        self._do("link", "set", self._cable, "up")

    def remove(self) -> None:
        self._do("netns", "del", self.name)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[tuple[NatsServer, Namespace]]:
    """A broker in a network of its own."""
    network = Namespace(os.getpid() % 100_000)
    try:
        server = NatsServer(tmp_path, host=network.host)
        server.start("ip", "netns", "exec", network.name)
        yield server, network
        server.kill()
    finally:
        network.remove()


async def test_a_partition_is_noticed_and_an_order_of_that_time_is_never_carried_out_late(
    far: tuple[NatsServer, Namespace],
) -> None:
    nats, network = far
    async with desk(nats) as here, here.consumer() as exchange, exchange.stream_trades(BTC) as trades:
        await until(lambda: trades.state == "acknowledged")
        await exchange.trading.ready()
        outcomes: list[lotusx.Order | ExchangeError] = []

        async def place() -> None:
            try:
                outcomes.append(await exchange.place(limit("in-the-dark")))
            except ExchangeError as error:
                outcomes.append(error)

        async with anyio.create_task_group() as tasks:
            network.cut()
            tasks.start_soon(place)
            await until(lambda: trades.state == "lost")
            network.mend()
            await until(lambda: trades.state == "acknowledged")
            here.sim.trade("BTCUSDT", "BUY", "0.2")
            with anyio.fail_after(DEADLINE_S):
                assert (await anext(trades)).quantity == Decimal("0.2")
        assert here.sim.order_ids() == []
        (outcome,) = outcomes
        assert isinstance(outcome, ExchangeError)  # with proof: it was never carried out, and can be sent anew
        assert not outcome.may_have_executed
