"""Encrypted connections through a network that misbehaves: trusted authorities, records cut in the middle, silence.

Who signs is named by ``SSL_CERT_FILE``, which both transports read; a certificate nobody vouches for is an error.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from decimal import Decimal as D
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import pytest
from e2e_kit import is_up, until
from places import BINANCE, HYPERLIQUID, Place, heard

import lotusx
from lotusx.errors import ConnectionFailed
from lotusx_sim import Simulator, serve
from lotusx_sim.fault_proxy import FaultProxy, fault_proxy
from lotusx_sim.shells.self_signed import self_signed_context

pytestmark = pytest.mark.anyio
LOOPS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop", marks=pytest.mark.slow),
    pytest.param(("trio", {}), id="trio", marks=pytest.mark.slow),
]
NOTICED_S = 15.0 + 5.0


@pytest.fixture(params=LOOPS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    chosen: tuple[str, dict[str, object]] = request.param
    if chosen[1].get("use_uvloop"):
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    return chosen


@pytest.fixture(
    params=[pytest.param(BINANCE, id="binance"), pytest.param(HYPERLIQUID, id="hyperliquid", marks=pytest.mark.slow)]
)
def place(request: pytest.FixtureRequest) -> Place:
    chosen: Place = request.param
    return chosen


@pytest.fixture
def sim(place: Place) -> Simulator:
    return place.simulator()


@pytest.fixture(scope="module")
def certified() -> tuple[ssl.SSLContext, str]:
    return self_signed_context()


@pytest.fixture
async def proxy(
    sim: Simulator, anyio_backend: object, certified: tuple[ssl.SSLContext, str]
) -> AsyncIterator[FaultProxy]:
    del anyio_backend
    async with serve(sim, tls=certified[0]) as server, fault_proxy(server.host, server.port) as running:
        yield running
        running.heal()
        for _ in range(10):  # a socket that is being accepted while accepting is cancelled would never be closed
            await anyio.lowlevel.checkpoint()


@pytest.fixture
def trusted(certified: tuple[ssl.SSLContext, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_text(certified[1])
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))


def connected(place: Place, proxy: FaultProxy) -> lotusx.Exchange:
    return lotusx.connect(
        place.exchange,
        environment="simulator",
        base_url=f"https://{proxy.authority}",
        credentials=dict(place.credentials),
    )


def trade(place: Place, sim: Simulator, number: int) -> D:
    quantity = D(number + 1) / 100_000
    sim.trade(place.market, "buy" if number % 2 else "sell", quantity)
    return quantity


def equal(book: lotusx.LiveOrderBook, place: Place, sim: Simulator) -> bool:
    if book.state != "synced":
        return False
    here = [[(level.price, level.quantity) for level in side] for side in (book.bids(), book.asks())]
    return here == place.levels(sim)


@pytest.mark.usefixtures("trusted")
async def test_i07_records_cut_in_the_middle_end_the_socket_and_nothing_else(
    place: Place, proxy: FaultProxy, sim: Simulator
) -> None:
    rng = Random(7)
    async with (
        connected(place, proxy) as exchange,
        exchange.market.stream_trades(place.symbol) as trades,
        exchange.market.live_order_book(place.symbol, depth=place.depth) as book,
    ):
        for number in range(3):
            await until(lambda: is_up(trades) and equal(book, place, sim), within_s=60)
            made = proxy.connections
            proxy.cut_after(rng.randint(1, 60))  # within a record: there is no farewell of TLS either
            with anyio.fail_after(60):
                while proxy.connections == made:
                    trade(place, sim, number)
                    await anyio.sleep(0.005)
        await until(lambda: is_up(trades) and equal(book, place, sim), within_s=60)
        assert trades.counters.rejected == 0


@pytest.mark.usefixtures("trusted")
async def test_i01_a_reset_an_end_or_half_an_end_of_an_encrypted_socket_is_noticed_at_once(
    place: Place, proxy: FaultProxy, sim: Simulator
) -> None:
    async with (
        connected(place, proxy) as exchange,
        exchange.market.stream_trades(place.symbol) as trades,
        exchange.market.live_order_book(place.symbol, depth=place.depth) as book,
    ):
        for end in (proxy.reset, proxy.close, proxy.half_close):
            await until(lambda: is_up(trades) and equal(book, place, sim), within_s=60)
            made = proxy.connections
            ended = end()
            if ended is not None:
                await ended
            await until(lambda made=made: proxy.connections > made)  # type: ignore[misc]
        await until(lambda: is_up(trades) and equal(book, place, sim), within_s=60)
        await heard(trades, trade(place, sim, 1))


@pytest.mark.slow
@pytest.mark.usefixtures("trusted")
async def test_i01_silence_within_an_encrypted_socket_is_noticed_and_within_a_handshake_too(
    place: Place, proxy: FaultProxy, sim: Simulator
) -> None:
    async with connected(place, proxy) as exchange, exchange.market.stream_trades(place.symbol) as trades:
        await until(lambda: is_up(trades))
        begun = anyio.current_time()
        proxy.black_hole()
        await until(lambda: not is_up(trades))
        assert anyio.current_time() - begun <= NOTICED_S
        made = proxy.connections
        await until(lambda: proxy.connections > made)  # its handshake hangs
        await anyio.sleep(1)
        proxy.heal()
        await until(lambda: is_up(trades), within_s=60)
        await heard(trades, trade(place, sim, 1))


@pytest.mark.usefixtures("trusted")
async def test_i24_leaving_while_a_handshake_of_tls_hangs_takes_no_longer_than_two_seconds(
    place: Place, proxy: FaultProxy
) -> None:
    async with connected(place, proxy) as exchange:
        await exchange.market.instrument(place.symbol)  # the list is there: nothing but the socket is missing
        proxy.black_hole()
        made = proxy.connections
        async with anyio.create_task_group() as tasks:

            async def subscribe() -> None:
                async with exchange.market.stream_trades(place.symbol):
                    await anyio.sleep_forever()

            tasks.start_soon(subscribe)
            await until(lambda: proxy.connections > made)
            tasks.cancel_scope.cancel()
        begun = anyio.current_time()
    assert anyio.current_time() - begun <= 2.0 + 5.0


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(
    place: Place, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with connected(place, proxy) as exchange:
        with pytest.raises(ConnectionFailed, match=r"(?i)certificate") as caught:
            await exchange.market.server_time()
    assert caught.value.sent is False
