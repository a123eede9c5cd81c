"""The network misbehaves under real sockets: on asyncio's callbacks, on uvloop's, and on trio.

The invariants I01, I07, I09, I13, I14, I24 and I02, whose bounds stand in the docs, where virtual time never looks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from decimal import Decimal as D
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import pytest
from e2e_kit import BTC, KEY, is_up, take, until

import lotusx
from lotusx.errors import StaleBook
from lotusx.streams import Overflow, StreamState
from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.fault_proxy import FaultProxy, fault_proxy

pytestmark = pytest.mark.anyio
NOTICED_S = 15.0  # I01
SLACK_S = 5.0  # a machine that does other things as well
LOOPS = [("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True}), ("trio", {})]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    chosen: tuple[str, dict[str, object]] = request.param
    if chosen[1].get("use_uvloop"):
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    return chosen


@pytest.fixture
def sim() -> Simulator:
    made = Simulator(BinanceSpot(seed=7, actions_per_s=0))
    made.set_book("BTCUSDT", bids=[("68000", "900"), ("67999", "5")], asks=[("68001", "900"), ("68002", "5")])
    return made


@pytest.fixture
async def proxy(sim: Simulator, anyio_backend: object) -> AsyncIterator[FaultProxy]:
    del anyio_backend
    async with serve(sim) as server, fault_proxy(server.host, server.port) as running:
        yield running
        running.heal()
        for _ in range(10):  # a socket that is being accepted while accepting is cancelled would never be closed
            await anyio.lowlevel.checkpoint()


def connected(proxy: FaultProxy, **more: object) -> lotusx.Exchange:
    settings = {"environment": "simulator", "base_url": f"http://{proxy.authority}", "credentials": KEY, **more}
    return lotusx.connect("binance", **settings)  # type: ignore[arg-type]


@pytest.fixture
async def exchange(proxy: FaultProxy) -> AsyncIterator[lotusx.Exchange]:
    async with connected(proxy) as opened:
        yield opened


def there(sim: Simulator) -> list[list[tuple[D, D]]]:
    view = sim.venue.state.views["BTCUSDT"]  # type: ignore[attr-defined]
    return [list(side.top(1_000)) for side in (view.bids, view.asks)]


def equal(book: lotusx.LiveOrderBook, sim: Simulator) -> bool:
    if book.state != "synced":
        return False
    here = [[(level.price, level.quantity) for level in side] for side in (book.bids(), book.asks())]
    return here == there(sim)


def trade(sim: Simulator, number: int) -> D:
    quantity = D(number + 1) / 100_000
    sim.trade("BTCUSDT", "buy" if number % 2 else "sell", quantity)
    return quantity


@pytest.mark.slow
@pytest.mark.parametrize("how", ["black hole", "abandoned"])
async def test_i01_a_peer_that_is_gone_without_a_word_is_noticed_and_replaced(
    exchange: lotusx.Exchange, proxy: FaultProxy, sim: Simulator, how: str
) -> None:
    async with exchange.market.stream_trades(BTC) as trades, exchange.market.live_order_book(BTC) as book:
        await until(lambda: is_up(trades) and equal(book, sim))
        begun = anyio.current_time()
        (proxy.black_hole if how == "black hole" else proxy.abandon)()
        await until(lambda: not is_up(trades) and book.state != "synced")
        assert anyio.current_time() - begun <= NOTICED_S + SLACK_S
        if how == "black hole":
            with pytest.raises(StaleBook):
                book.bids()
        proxy.heal()
        await until(lambda: is_up(trades) and book.state == "synced", within_s=60)
        quantity = trade(sim, 1)
        assert (await take(trades, 1))[0].quantity == quantity
        await until(lambda: equal(book, sim))


async def test_i01_a_reset_or_an_end_is_noticed_at_once(
    exchange: lotusx.Exchange, proxy: FaultProxy, sim: Simulator
) -> None:
    async with exchange.market.stream_trades(BTC) as trades, exchange.market.live_order_book(BTC) as book:
        for end in (proxy.reset, proxy.close, proxy.half_close):
            await until(lambda: is_up(trades) and equal(book, sim))
            made = proxy.connections
            ended = end()
            if ended is not None:
                await ended
            await until(lambda made=made: proxy.connections > made)  # type: ignore[misc]
            await until(lambda: is_up(trades) and equal(book, sim), within_s=60)
        quantity = trade(sim, 1)
        assert quantity in [each.quantity for each in await take(trades, 1)]


async def test_i07_a_connection_cut_within_a_frame_recovers_every_time(
    exchange: lotusx.Exchange, proxy: FaultProxy, sim: Simulator
) -> None:
    rng = Random(7)
    async with exchange.market.stream_trades(BTC) as trades, exchange.market.live_order_book(BTC) as book:
        for number in range(2):
            await until(lambda: is_up(trades) and equal(book, sim), within_s=60)
            made = proxy.connections
            proxy.cut_after(rng.randint(1, 60))
            with anyio.fail_after(60):
                while proxy.connections == made:
                    trade(sim, number)
                    await anyio.sleep(0.005)
        await until(lambda: is_up(trades) and equal(book, sim), within_s=60)


async def test_i07_messages_cut_in_the_middle_are_counted_and_the_stream_lives(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.market.stream_trades(BTC) as trades:
        await until(lambda: is_up(trades))
        sim.cut_message("btcusdt@trade", times=3)
        for number in range(4):
            trade(sim, number)
        (only,) = await take(trades, 1)
        assert only.quantity == D(4) / 100_000
        assert trades.counters.rejected == 3


async def test_i09_a_book_is_right_or_says_that_it_is_not(
    exchange: lotusx.Exchange, proxy: FaultProxy, sim: Simulator
) -> None:
    rng = Random(9)
    topic = sim.venue.depth_topic("BTCUSDT")
    async with exchange.market.live_order_book(BTC) as book:
        for number in range(60):
            match rng.randrange(12):
                case 0:
                    sim.gap("BTCUSDT")
                case 1:
                    sim.duplicate_next(topic)
                case 2:
                    sim.reorder(topic)
                case 3:
                    proxy.reset()
            trade(sim, number)
            await anyio.sleep(rng.random() * 0.01)
            if book.state == "synced":
                best_bid, best_ask = book.bids(1), book.asks(1)
                assert not best_bid or not best_ask or best_bid[0].price < best_ask[0].price
        sim.heal()
        with anyio.fail_after(60):
            number = 60
            while not equal(book, sim):
                trade(sim, number)  # a message held back waits for the next
                number += 1
                await anyio.sleep(0.05)


async def test_i13_a_reader_that_sleeps_hurts_only_itself_and_i14_every_event_is_counted(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    count = 400
    async with (
        exchange.market.stream_trades(BTC, buffer=10, overflow=Overflow.DROP_OLDEST) as asleep,
        exchange.market.stream_trades(BTC, buffer=10, overflow=Overflow.FAIL) as failing,
        exchange.market.stream_trades(BTC, buffer=count) as awake,
    ):
        await until(lambda: is_up(asleep) and is_up(failing) and is_up(awake))
        wanted = []
        for number in range(count):
            wanted.append(trade(sim, number))
            if number % 50 == 0:
                await anyio.sleep(0.001)
        assert [each.quantity for each in await take(awake, count)] == wanted
        assert failing.state is StreamState.CLOSED
        left = [each.quantity for each in await take(asleep, 10)]
        assert left == wanted[-10:]
        for stream in (asleep, awake):
            told = stream.counters
            assert told.received == told.delivered + told.conflated + told.dropped + told.rejected == count


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


async def test_i24_leaving_at_any_moment_is_quick_and_leaves_nothing_open(proxy: FaultProxy) -> None:
    rng = Random(24)
    async with connected(proxy) as warm:
        await warm.market.server_time()
    await until(lambda: proxy.live == 0)
    before = descriptors()
    for number in range(12):
        if number % 4 == 3:
            proxy.black_hole()
        with anyio.move_on_after(rng.random() * 0.15):
            async with (
                connected(proxy) as exchange,
                exchange.account.stream_account(),
                exchange.market.live_order_book(BTC),
            ):
                await anyio.sleep_forever()
        left = anyio.current_time()
        proxy.heal()
        await until(lambda: proxy.live == 0)
        assert anyio.current_time() - left <= 2.0 + SLACK_S
    await until(lambda: descriptors() <= before)


async def test_i24_leaving_while_the_network_is_silent_takes_no_longer_than_two_seconds(
    proxy: FaultProxy, sim: Simulator
) -> None:
    async with connected(proxy) as exchange, exchange.market.live_order_book(BTC) as book:
        await until(lambda: equal(book, sim))
        proxy.black_hole()
        begun = anyio.current_time()
    assert anyio.current_time() - begun <= 2.0 + SLACK_S


@pytest.mark.slow
async def test_i02_a_process_that_was_suspended_reconnects_once(
    proxy: FaultProxy, sim: Simulator, anyio_backend: tuple[str, dict[str, object]]
) -> None:
    program = str(Path(__file__).parent / "helpers" / "reading_process.py")
    task = {"base_url": f"http://{proxy.authority}", "backend": anyio_backend}
    async with await anyio.open_process([sys.executable, program, json.dumps(task)], stderr=None) as process:
        try:
            assert process.stdout is not None
            said = [b""]

            async def listen() -> None:
                assert process.stdout is not None
                async for chunk in process.stdout:
                    said[0] += chunk

            async with anyio.create_task_group() as group:
                group.start_soon(listen)
                await until(lambda: b"acknowledged" in said[0])
                process.send_signal(signal.SIGSTOP)
                proxy.abandon()  # the peer has gone meanwhile, and nothing says so
                await anyio.sleep(20)
                said[0] = b""
                made = proxy.connections
                process.send_signal(signal.SIGCONT)
                await until(lambda: b"lost" in said[0], within_s=5.0 + SLACK_S)
                await until(lambda: b"acknowledged" in said[0], within_s=60)
                trade(sim, 1)
                await until(lambda: b"trade" in said[0])
                assert said[0].count(b"lost") == 1
                assert proxy.connections - made <= 3  # one WebSocket, and what is asked by HTTP
                group.cancel_scope.cancel()
        finally:
            process.kill()
