"""The plugin on a connection to a simulated exchange: enabled by configuration, seen over HTTP, pushed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from prometheus_client import REGISTRY, CollectorRegistry

import lotusx
from lotusx.errors import ConfigurationError
from lotusx_prometheus import plugin as module
from lotusx_prometheus.options import read
from lotusx_prometheus.plugin import Prometheus
from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prot": 1}, "unknown key 'prot'; did you mean 'port'"),
        ({"port": "9464"}, "port must be a whole number"),
        ({"port": True}, "port must be a whole number"),
        ({"port": 70_000}, "from 0 to 65535"),
        ({"host": ""}, "host must be text"),
        ({"interval_s": 0}, "interval_s at least 0.1"),
        ({"interval_s": "1"}, "must be a number"),
        ({"push_s": 0.5}, "push_s must be at least 1"),
        ({"most_values": 0}, "above 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(given)


async def test_a_table_in_the_configuration_serves_what_the_connection_does(tmp_path: Path) -> None:
    document = tmp_path / "lotusx.toml"
    document.write_text("[telemetry.prometheus]\nport = 0\ninterval_s = 0.1\n", encoding="utf-8")
    async with (
        serve(Simulator(BinanceSpot(seed=7))) as server,
        lotusx.connect(
            "binance", environment="simulator", base_url=server.base_url, credentials=KEY, config=document
        ) as exchange,
        exchange.market.live_order_book("BTC/USDT"),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        await exchange.health_check()  # which asks for the exchange's time
        await exchange.trading.place(
            lotusx.OrderRequest.limit("BTC/USDT", "buy", "0.001", "20000", client_order_id="m-1")
        )
        (served,) = module._servers[REGISTRY]._open.values()
        address = f"http://127.0.0.1:{served.server.server_port}/metrics"
        wanted = (
            'http_requests_total{endpoint="POST /api/v3/order",exchange="binance",status_code="200"} 1.0',
            'lotusx_orders_total{error="none",exchange="binance",kind="place",outcome="accepted"} 1.0',
            'websocket_connection_status{exchange="binance",group="market"} 1.0',
            'lotusx_book_synced{exchange="binance",symbol="BTC/USDT"} 1.0',
            'lotusx_stream_lag_seconds_count{channel="book",exchange="binance",stage="received"}',
            'websocket_messages_total{channel="book",direction="in",exchange="binance"}',
            'lotusx_budget_limit{account="",exchange="binance",pool="ip-weight",scope="ip",window="60s"} 6000.0',
            'lotusx_clock_offset_seconds{account="",exchange="binance"}',
        )
        text = ""
        with anyio.fail_after(30):
            while not all(line in text for line in wanted):
                await anyio.sleep(0.05)
                text = (await client.get(address)).text
    assert module._servers[REGISTRY]._open == {}


def unconnected(plugin: Prometheus) -> lotusx.Exchange:
    """Return a connection to where nobody is: nothing is sent before somebody asks."""
    return lotusx.connect("binance", environment="simulator", base_url="http://127.0.0.1:1", plugins=[plugin])


async def test_connections_share_a_server_and_the_last_one_stops_it(registry: CollectorRegistry) -> None:
    def connect() -> lotusx.Exchange:
        return unconnected(Prometheus({"port": 0}, registry=registry))

    first = Prometheus({"port": 0}, registry=registry)
    async with unconnected(first):
        servers = module._servers[registry]
        assert first.port == next(iter(servers._open.values())).server.server_port
        async with connect():
            assert [each.users for each in servers._open.values()] == [2]
        assert [each.users for each in servers._open.values()] == [1]
    assert servers._open == {}
    assert first.port is None


async def test_a_port_that_is_taken_is_said_before_anything_is_connected(registry: CollectorRegistry) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        exchange = unconnected(Prometheus({"port": taken.server_port}, registry=registry))
        with pytest.raises(ConfigurationError, match=r"cannot be served at 127\.0\.0\.1"):
            async with exchange:
                raise AssertionError("connected")


@contextmanager
def gateway(answers: list[int]) -> Iterator[tuple[str, list[str]]]:
    """Answer pushes with *answers*, then with 200; yield the address and what was pushed."""
    pushed: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            pushed.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", pushed
        finally:
            server.shutdown()
            thread.join()


async def test_a_gateway_that_fails_disturbs_nothing_and_gets_the_last_push(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lotusx.telemetry")
    with gateway([503, 503]) as (address, pushed):
        async with unconnected(Prometheus({"push": address, "push_s": 1}, registry=registry)) as exchange:
            with pytest.raises(lotusx.LotusXError):
                await exchange.market.server_time()
            with anyio.fail_after(30):
                while len(pushed) < 3:  # noqa: ASYNC110 - a thread appends to it
                    await anyio.sleep(0.05)
    assert len(pushed) >= 4
    assert 'lotusx_calls_total{endpoint="GET /api/v3/time"' in pushed[-1]
    assert registry.get_sample_value("lotusx_push_failures_total") == 2
    said = [record.getMessage() for record in caplog.records if "pushed" in record.getMessage()]
    assert ["cannot be pushed" in text for text in said] == [True, False]
