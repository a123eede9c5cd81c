"""The network misbehaves under real sockets: on asyncio's callbacks, on uvloop's, and on trio.

The invariants I01, I07, I09, I13, I14, I24 and I02, whose bounds stand in the docs, where virtual time never looks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal as D
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from e2e_kit import is_up, take, until
from places import BINANCE, HYPERLIQUID, Place, heard

import lotusx
from lotusx.errors import StaleBook
from lotusx.kernel.telemetry import Event, StreamChanged
from lotusx.plugin import hookimpl
from lotusx.streams import Overflow, StreamState
from lotusx_sim import Simulator, serve
from lotusx_sim.fault_proxy import FaultProxy, fault_proxy

pytestmark = pytest.mark.anyio
NOTICED_S = 15.0  # I01
EXTRA_S = 0.1  # I13
BLOCK_S = 0.15
SLACK_S = 5.0  # a machine that does other things as well
LOOPS = [("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True}), ("trio", {})]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop", "trio"])
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


@pytest.fixture
async def proxy(sim: Simulator, anyio_backend: object) -> AsyncIterator[FaultProxy]:
    del anyio_backend
    async with serve(sim) as server, fault_proxy(server.host, server.port) as running:
        yield running
        running.heal()
        for _ in range(10):  # a socket that is being accepted while accepting is cancelled would never be closed
            await anyio.lowlevel.checkpoint()


Connect = Callable[..., lotusx.Exchange]
Equal = Callable[[lotusx.LiveOrderBook], bool]
Trading = Callable[[int], D]


@pytest.fixture
def connected(place: Place, proxy: FaultProxy) -> Connect:
    def connect(**more: object) -> lotusx.Exchange:
        settings = {
            "environment": "simulator",
            "base_url": f"http://{proxy.authority}",
            "credentials": place.credentials,
            **more,
        }
        return lotusx.connect(place.exchange, **settings)  # type: ignore[arg-type]

    return connect


@pytest.fixture
async def exchange(connected: Connect) -> AsyncIterator[lotusx.Exchange]:
    async with connected() as opened:
        yield opened


@pytest.fixture
def equal(place: Place, sim: Simulator) -> Equal:
    def is_equal(book: lotusx.LiveOrderBook) -> bool:
        if book.state != "synced":
            return False
        here = [[(level.price, level.quantity) for level in side] for side in (book.bids(), book.asks())]
        return here == place.levels(sim)

    return is_equal


@pytest.fixture
def trade(place: Place, sim: Simulator) -> Trading:
    def make(number: int) -> D:
        quantity = D(number + 1) / 100_000
        sim.trade(place.market, "buy" if number % 2 else "sell", quantity)
        return quantity

    return make


def book_of(exchange: lotusx.Exchange, place: Place) -> Any:
    return exchange.market.live_order_book(place.symbol, depth=place.depth)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["black hole", "abandoned"])
async def test_i01_a_peer_that_is_gone_without_a_word_is_noticed_and_replaced(
    exchange: lotusx.Exchange, proxy: FaultProxy, how: str, place: Place, equal: Equal, trade: Trading
) -> None:
    async with exchange.market.stream_trades(place.symbol) as trades, book_of(exchange, place) as book:
        await until(lambda: is_up(trades) and equal(book))
        begun = anyio.current_time()
        (proxy.black_hole if how == "black hole" else proxy.abandon)()
        await until(lambda: not is_up(trades) and book.state != "synced")
        assert anyio.current_time() - begun <= NOTICED_S + SLACK_S
        if how == "black hole":
            with pytest.raises(StaleBook):
                book.bids()
        proxy.heal()
        await until(lambda: is_up(trades) and book.state == "synced", within_s=60)
        await heard(trades, trade(1))
        await until(lambda: equal(book))


async def test_i01_a_reset_or_an_end_is_noticed_at_once(
    exchange: lotusx.Exchange, proxy: FaultProxy, place: Place, equal: Equal, trade: Trading
) -> None:
    async with exchange.market.stream_trades(place.symbol) as trades, book_of(exchange, place) as book:
        for end in (proxy.reset, proxy.close, proxy.half_close):
            await until(lambda: is_up(trades) and equal(book))
            made = proxy.connections
            ended = end()
            if ended is not None:
                await ended
            await until(lambda made=made: proxy.connections > made)  # type: ignore[misc]
            await until(lambda: is_up(trades) and equal(book), within_s=60)
        await heard(trades, trade(1))


async def test_i07_a_connection_cut_within_a_frame_recovers_every_time(
    exchange: lotusx.Exchange, proxy: FaultProxy, place: Place, equal: Equal, trade: Trading
) -> None:
    rng = Random(7)
    async with exchange.market.stream_trades(place.symbol) as trades, book_of(exchange, place) as book:
        for number in range(2):
            await until(lambda: is_up(trades) and equal(book), within_s=60)
            made = proxy.connections
            proxy.cut_after(rng.randint(1, 60))
            with anyio.fail_after(60):
                while proxy.connections == made:
                    trade(number)
                    await anyio.sleep(0.005)
        await until(lambda: is_up(trades) and equal(book), within_s=60)


@pytest.mark.parametrize("place", [BINANCE], ids=["binance"])  # elsewhere half a message belongs to nobody
async def test_i07_messages_cut_in_the_middle_are_counted_and_the_stream_lives(
    exchange: lotusx.Exchange, sim: Simulator, place: Place, trade: Trading
) -> None:
    async with exchange.market.stream_trades(place.symbol) as trades:
        await until(lambda: is_up(trades))
        sim.cut_message("btcusdt@trade", times=3)
        for number in range(4):
            trade(number)
        (only,) = await take(trades, 1)
        assert only.quantity == D(4) / 100_000
        assert trades.counters.rejected == 3


async def test_i09_a_book_is_right_or_says_that_it_is_not(
    exchange: lotusx.Exchange, proxy: FaultProxy, sim: Simulator, place: Place, equal: Equal, trade: Trading
) -> None:
    rng = Random(9)
    topic = place.book_topic
    async with book_of(exchange, place) as book:
        for number in range(60):
            match rng.randrange(12):
                case 0:
                    sim.gap(place.market)
                case 1:
                    sim.duplicate_next(topic)
                case 2:
                    sim.reorder(topic)
                case 3:
                    proxy.reset()
            trade(number)
            await anyio.sleep(rng.random() * 0.01)
            if book.state == "synced":
                best_bid, best_ask = book.bids(1), book.asks(1)
                assert not best_bid or not best_ask or best_bid[0].price < best_ask[0].price
        sim.heal()
        with anyio.fail_after(60):
            number = 60
            while not equal(book):
                trade(number)  # a message held back waits for the next
                number += 1
                await anyio.sleep(0.05)


@pytest.mark.parametrize("place", [BINANCE], ids=["binance"])  # others begin with prints that are known
async def test_i13_a_reader_that_sleeps_hurts_only_itself_and_i14_every_event_is_counted(
    exchange: lotusx.Exchange, place: Place, trade: Trading
) -> None:
    count = 400
    async with (
        exchange.market.stream_trades(place.symbol, buffer=10, overflow=Overflow.DROP_OLDEST) as asleep,
        exchange.market.stream_trades(place.symbol, buffer=10, overflow=Overflow.FAIL) as failing,
        exchange.market.stream_trades(place.symbol, buffer=count) as awake,
    ):
        await until(lambda: is_up(asleep) and is_up(failing) and is_up(awake))
        wanted = []
        for number in range(count):
            wanted.append(trade(number))
            if number % 50 == 0:
                await anyio.sleep(0.001)
        assert [each.quantity for each in await take(awake, count)] == wanted
        assert failing.state is StreamState.CLOSED
        left = [each.quantity for each in await take(asleep, 10)]
        assert left == wanted[-10:]
        for stream in (asleep, awake):
            told = stream.counters
            assert told.received == told.delivered + told.conflated + told.dropped + told.rejected == count


class Reports:
    """What telemetry says of handlers that held the loop."""

    def __init__(self) -> None:
        self.blocked: list[str] = []

    @hookimpl
    def lotusx_observer(self) -> Callable[[Event], None]:
        return self._take

    def _take(self, event: Event) -> None:
        if isinstance(event, StreamChanged) and "blocked the loop" in event.reason:
            self.blocked.append(event.key)


async def test_i13_siblings_of_a_slow_consumer_are_late_by_less_than_a_tenth_of_a_second(
    place: Place, trade: Trading, connected: Connect
) -> None:
    """The typical event is compared, with and without a slow one: single ones are late for what else a machine does."""
    told: list[D] = []
    blocks = [False]

    def block(_: lotusx.Trade) -> None:
        if blocks[0]:
            time.sleep(BLOCK_S)  # what a careless handler does

    async def typical_s(count: int) -> float:
        took: list[float] = []
        for number in range(count):
            begun, quantity = time.perf_counter(), trade(number)
            await until(lambda quantity=quantity: told and told[-1] == quantity)  # type: ignore[misc]
            took.append(time.perf_counter() - begun)
        return median(took)

    reports = Reports()
    async with connected(plugins=[reports]) as exchange, exchange.market.stream_trades(place.symbol) as careless:
        careless.handle(block)  # first in the row
        async with exchange.market.stream_trades(place.symbol) as sibling:
            sibling.handle(lambda each: told.append(each.quantity))
            await until(lambda: is_up(careless) and is_up(sibling))
            usual_s, known = await typical_s(10), len(told)
            async with exchange.market.stream_trades(place.symbol, buffer=2, overflow=Overflow.DROP_OLDEST) as asleep:
                assert await typical_s(10) - usual_s < EXTRA_S
                assert asleep.counters.dropped >= 8
            assert not reports.blocked
            blocks[0] = True
            assert await typical_s(5) - usual_s < BLOCK_S + EXTRA_S
            assert len(reports.blocked) == 5
            assert len(told) - known == 15


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


async def test_i24_leaving_at_any_moment_is_quick_and_leaves_nothing_open(
    proxy: FaultProxy, place: Place, connected: Connect
) -> None:
    rng = Random(24)
    async with connected() as warm:
        await warm.market.server_time()
    await until(lambda: proxy.live == 0)
    before = descriptors()
    for number in range(12):
        if number % 4 == 3:
            proxy.black_hole()
        with anyio.move_on_after(rng.random() * 0.15):
            async with (
                connected() as exchange,
                exchange.account.stream_account(),
                book_of(exchange, place),
            ):
                await anyio.sleep_forever()
        left = anyio.current_time()
        proxy.heal()
        await until(lambda: proxy.live == 0)
        assert anyio.current_time() - left <= 2.0 + SLACK_S
    await until(lambda: descriptors() <= before)


async def test_i24_leaving_while_the_network_is_silent_takes_no_longer_than_two_seconds(
    proxy: FaultProxy, place: Place, equal: Equal, connected: Connect
) -> None:
    async with connected() as exchange, book_of(exchange, place) as book:
        await until(lambda: equal(book))
        proxy.black_hole()
        begun = anyio.current_time()
    assert anyio.current_time() - begun <= 2.0 + SLACK_S


@pytest.mark.slow
async def test_i02_a_process_that_was_suspended_reconnects_once(
    proxy: FaultProxy, anyio_backend: tuple[str, dict[str, object]], place: Place, trade: Trading
) -> None:
    program = str(Path(__file__).parent / "helpers" / "reading_process.py")
    base_url = f"http://{proxy.authority}"
    task = {"exchange": place.exchange, "symbol": place.symbol, "base_url": base_url, "backend": anyio_backend}
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
                trade(1)
                await until(lambda: b"trade" in said[0])
                assert said[0].count(b"lost") == 1
                assert proxy.connections - made <= 3  # one WebSocket, and what is asked by HTTP
                group.cancel_scope.cancel()
        finally:
            process.kill()
