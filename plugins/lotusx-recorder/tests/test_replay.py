"""A replayed connection is the exchange's own, fed with what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import anyio
import pytest
from recorder_kit import BACKEND, Recorded, rows, simulated, watch

import lotusx
from lotusx.errors import ConfigurationError, NotSupported, StaleBook
from lotusx.model.market_data import Trade
from lotusx.plugin import HttpRequest, WsHandler
from lotusx_recorder import NotRecorded, Origin, ParquetSink, Recorder, RecordingEnded, RecordingError
from lotusx_recorder.reading import Answer
from lotusx_recorder.tables import FRAMES
from lotusx_recorder.timeline import Timeline
from lotusx_recorder.transports import ReplayHttp, ReplayWs
from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.shells import memory

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("anyio_backend", [BACKEND, "asyncio"], ids=["trio", "asyncio"])
async def test_a_bot_sees_the_same_trades_and_at_each_the_same_book(recorded: Recorded) -> None:
    async with recorded.replay() as exchange:
        seen = await watch(exchange, recorded.symbol)

    assert len(recorded.seen.trades) >= 40
    assert seen.trades == recorded.seen.trades
    assert len(recorded.seen.books) >= 30
    assert seen.books == recorded.seen.books  # at every trade, and so at the end


@pytest.mark.parametrize("speed", [1, None])
async def test_a_book_that_is_subscribed_late_is_right_or_not_there(recorded: Recorded, speed: float | None) -> None:
    was = {number: (bids, asks) for _, number, bids, asks in recorded.seen.books}
    oldest = recorded.seen.books[8][1]
    shown: list[bool] = []

    async def follow(exchange: lotusx.Exchange, trades: lotusx.Stream[Trade]) -> None:
        def look(_: Trade) -> None:
            if book.last_update_id in was and book.state == "synced":
                shown.append((book.bids(), book.asks()) == was[book.last_update_id])

        async with exchange.live_order_book(recorded.symbol) as book:
            shown.append((book.last_update_id or 0) >= oldest)
            await trades.handle(look)

    async with recorded.replay(speed=speed) as exchange, exchange.stream_trades(recorded.symbol) as trades:
        for _ in range(12):
            await anext(trades)
        with pytest.raises(RecordingEnded):
            await follow(exchange, trades)

    assert all(shown)
    assert bool(shown) is (recorded.exchange == "hyperliquid")  # which sends whole books all the time


def arrived(folder: Path) -> list[tuple[object, ...]]:
    frames = [row for row in rows(folder, "frames") if row["direction"] == "in"]
    return [(row["received_ns"], row["key"], row["payload"]) for row in frames]


async def test_every_event_and_message_comes_again_once_at_its_time(recorded: Recorded, tmp_path: Path) -> None:
    again = Recorder(to=tmp_path)
    async with recorded.replay(again) as exchange:
        await watch(exchange, recorded.symbol)
    assert again.close(30)

    for table in ("trades", "book_updates"):
        was, now = rows(recorded.folder, table), rows(tmp_path, table)
        assert was
        assert [{**row, "exchange": "", "seq": 0} for row in now] == [{**row, "exchange": "", "seq": 0} for row in was]
    assert arrived(tmp_path) == arrived(recorded.folder)


async def test_it_looks_like_the_exchange_it_is_of(recorded: Recorded) -> None:
    async with recorded.replay() as exchange:
        instrument = await exchange.market.instrument(recorded.symbol)

        assert (exchange.name, exchange.environment) == (recorded.exchange, "simulator")
        assert str(instrument.symbol) == recorded.symbol


async def test_recorded_time_passes_at_the_speed_that_was_asked_for(binance: Recorded) -> None:
    took = {}
    for speed in (1, 4):
        began = anyio.current_time()
        async with binance.replay(speed=speed) as exchange:
            assert len((await watch(exchange, binance.symbol)).trades) >= 40
        took[speed] = anyio.current_time() - began
    trades = binance.seen.trades
    recorded_s = (trades[-1].received_ns - trades[0].received_ns) / 1e9

    assert took[1] >= recorded_s
    assert took[1] / took[4] == pytest.approx(4, rel=0.1)


async def test_a_market_that_was_quiet_is_not_silent_at_any_speed(tmp_path: Path) -> None:
    recorder, sim, states = Recorder(to=tmp_path), Simulator(BinanceSpot(seed=7)), list[str]()
    async with memory.connect(sim, latency_s=0.005) as server:
        recorder._now_ns = server.clock.now_ns
        async with (
            lotusx.connect(
                "binance", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
                clock=server.clock, plugins=[recorder],
            ) as exchange,
            exchange.live_order_book("BTC/USDT"),
            exchange.stream_trades("BTC/USDT"),
        ):  # fmt: skip
            await anyio.sleep(3)
            sim.quiet()
            await anyio.sleep(200)
            sim.quiet(False)
            await anyio.sleep(3)
    assert recorder.close(30)

    async with lotusx.connect("replay", options={"recording": tmp_path, "speed": 50}) as exchange:
        with pytest.raises(RecordingEnded):
            async with exchange.live_order_book("BTC/USDT"), exchange.stream_trades("BTC/USDT") as trades:
                await trades.handle(lambda trade: None, lambda change: states.append(change.state))
    assert states[-1] == "closed"
    assert "silent" not in states


async def test_a_stream_ends_with_a_typed_reason(binance: Recorded) -> None:
    async with binance.replay() as exchange:
        for _ in range(2):  # whoever comes late is told the same
            async with exchange.stream_trades(binance.symbol) as trades:
                with pytest.raises(RecordingEnded, match="everything that was recorded"):
                    await anext(trade async for trade in trades if trade.trade_id == "none")


async def test_a_part_of_what_was_recorded_can_be_replayed(binance: Recorded) -> None:
    async with binance.replay() as exchange, exchange.stream_trades(binance.symbol) as trades:
        assert [await anext(trades) for _ in binance.seen.trades] == binance.seen.trades


async def test_what_was_not_asked_is_not_answered(binance: Recorded) -> None:
    async with binance.replay() as exchange:
        with pytest.raises(NotRecorded, match=r"GET /api/v3/klines was not asked"):
            await exchange.candles(binance.symbol, "1m", limit=3)


async def test_a_book_that_is_subscribed_early_begins_when_it_was_recorded(tmp_path: Path) -> None:
    recorder = Recorder(to=tmp_path)
    async with simulated("binance", recorder) as exchange, exchange.stream_trades("BTC/USDT"):
        await anyio.sleep(30)
        async with exchange.live_order_book("BTC/USDT") as book:
            began = (book.last_update_id, book.bids(), book.asks())
            await anyio.sleep(1)
    assert recorder.close(30)

    replay = lotusx.connect("replay", options={"recording": tmp_path, "speed": None})
    async with replay as exchange, exchange.stream_trades("BTC/USDT"), exchange.live_order_book("BTC/USDT") as book:
        assert (book.last_update_id, book.bids(), book.asks()) == began


async def test_a_book_of_a_moment_that_has_passed_is_not_given_for_one_of_now(binance: Recorded) -> None:
    async with binance.replay() as exchange, exchange.stream_trades(binance.symbol) as trades:
        for _ in range(12):
            await anext(trades)
        with pytest.raises(StaleBook, match=r"GET /api/v3/depth was last answered [0-9.]+ s before now") as caught:
            await exchange.order_book(binance.symbol, 1000)
    assert isinstance(caught.value.__cause__, NotRecorded)


async def test_what_was_not_subscribed_is_refused(binance: Recorded) -> None:
    async with binance.replay() as exchange, exchange.stream_ticker(binance.symbol) as tickers:
        with pytest.raises(NotRecorded, match="the recording has nothing of btcusdt@ticker"):
            await anext(tickers)


async def test_it_takes_no_orders(binance: Recorded) -> None:
    async with binance.replay() as exchange:
        with pytest.raises(NotSupported, match="a recording has no account"):
            await exchange.place(lotusx.OrderRequest.limit(binance.symbol, "buy", "1", "1", client_order_id="a"))


async def test_without_a_recording_it_says_what_is_needed() -> None:
    with pytest.raises(ConfigurationError, match=r'options=\{"recording": "FOLDER"\}'):
        async with lotusx.connect("replay"):
            pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"speed": 0}, "speed must be a number above 0"),
        ({"recording": ""}, "recording must be the folder"),
        ({"from": 1}, "replay has no option 'from'"),
        ({"exchange": "kraken"}, "no recorded messages of kraken"),
    ],
)
def test_wrong_options_are_named(binance: Recorded, options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        binance.replay(**options)


async def test_a_request_over_a_socket_is_not_answered() -> None:
    ws, handler = ReplayWs(set()), cast("WsHandler", None)
    ws.timeline = Timeline(0, lambda: iter(()), None, lambda _: [])
    connection = await ws.connect("wss://recording.invalid/api", handler)
    with pytest.raises(NotRecorded, match="a request over a WebSocket"):
        await connection.send('{"op": "order.status"}')


@pytest.fixture
def answering() -> ReplayHttp:
    """Answers at 10 s, 30 s and 100 s of a recording whose clock stands at 40 s."""
    answers = [Answer(0, at_s * 10**9, 200, "", str(at_s).encode()) for at_s in (10, 30, 100)]
    clock = Timeline(40 * 10**9, lambda: iter(()), None, lambda _: [])
    return ReplayHttp({("GET", "/a", "", ""): answers, ("GET", "/late", "", ""): answers[2:]}, clock)


async def test_an_answer_of_much_later_is_not_given_but_the_newest_before(answering: ReplayHttp) -> None:
    reply = await answering.send(HttpRequest("GET", "https://x/a"), timeout_s=1)
    assert (reply.status, reply.body) == (200, b"30")


async def test_where_only_a_later_answer_was_recorded_it_says_so(answering: ReplayHttp) -> None:
    with pytest.raises(NotRecorded, match="GET /late was first answered 60 s later than now"):
        await answering.send(HttpRequest("GET", "https://x/late"), timeout_s=1)


def test_an_environment_that_the_plugin_does_not_have_is_named(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path)
    sink.open(Origin("binance", "moon", "1"))
    sink.add(FRAMES, [(0, 5, "market", 1, "in", "k", "trades", "{}")])
    sink.flush()

    with pytest.raises(RecordingError, match="the environment 'moon' of binance"):
        lotusx.connect("replay", options={"recording": tmp_path})


async def test_two_recordings_in_one_folder_must_be_told_apart(tmp_path: Path) -> None:
    for name in ("binance", "hyperliquid"):
        sink = ParquetSink(tmp_path)
        sink.open(Origin(name, "simulator", "1"))
        sink.add(FRAMES, [(0, 5, "market", 1, "in", "k", "trades", "{}")])
        sink.flush()

    with pytest.raises(ConfigurationError, match=r"is of binance \(simulator\), hyperliquid \(simulator\): say which"):
        lotusx.connect("replay", options={"recording": tmp_path})
