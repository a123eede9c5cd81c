"""A recording feeds the simulator: its market data as it was, with orders that meet it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from recorder_kit import VENUES, Recorded, simulated, watch

import lotusx
from lotusx_recorder import NotRecorded, Recorder, Recording, write_capture
from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.dialects.binance.recording import read_capture
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY
from lotusx_sim.shells import memory

pytestmark = pytest.mark.anyio
KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}


async def test_the_simulator_shows_what_was_recorded_and_fills_orders_from_it(
    binance: Recorded, tmp_path: Path
) -> None:
    path = tmp_path / "capture.jsonl"
    count = write_capture(Recording(binance.folder), "BTCUSDT", path)
    sim = Simulator(BinanceSpot(seed=7, capture=path))
    async with (
        memory.connect(sim) as server,
        lotusx.connect(
            "binance", environment="simulator", base_url=server.base_url, credentials=KEY, http=server.http,
            ws=server.ws, clock=server.clock,
        ) as exchange,
    ):  # fmt: skip
        order = await exchange.place(
            lotusx.OrderRequest.market(binance.symbol, "buy", Decimal("0.001"), client_order_id="a-1")
        )
        seen = await watch(exchange, binance.symbol, len(binance.seen.trades) - 5)

    assert order.state.filled == Decimal("0.001")
    assert count > len(binance.seen.trades)
    recorded = [as_was(trade) for trade in binance.seen.trades]
    assert [as_was(trade) for trade in seen.trades] == recorded[: len(seen.trades)]


def as_was(trade: Any) -> tuple[object, ...]:
    return (trade.trade_id, trade.price_text, trade.quantity_text, trade.taker_side, trade.exchange_ns)


async def test_a_capture_has_each_trade_once_and_the_whole_book_whoever_else_was_served(tmp_path: Path) -> None:
    recorder, path = Recorder(to=tmp_path / "recording"), tmp_path / "capture.jsonl"
    async with simulated("binance", recorder) as exchange:
        await exchange.order_book("BTC/USDT", 5)
        async with (
            exchange.stream_order_book("BTC/USDT", depth=5),
            exchange.stream_trades("BTC/USDT", overflow=lotusx.Overflow.BLOCK),  # has a socket of its own
        ):
            await watch(exchange, "BTC/USDT", 10)
    assert recorder.close(30)
    write_capture(Recording(tmp_path / "recording"), "BTCUSDT", path)
    capture = read_capture(path)

    trades = [record.trade.id for record in capture.records if record.trade is not None]
    assert len(trades) >= 10
    assert len(trades) == len(set(trades))
    assert len(capture.bids) > 5
    assert capture.topics == {"btcusdt@trade", "btcusdt@depth@100ms"}


def test_a_market_whose_book_was_not_recorded_is_refused(binance: Recorded, tmp_path: Path) -> None:
    with pytest.raises(NotRecorded, match="no snapshot of the book of ETHUSDT"):
        write_capture(Recording(binance.folder), "ETHUSDT", tmp_path / "capture.jsonl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("recorded", ["bybit", "hyperliquid"], indirect=True)
async def test_other_simulators_play_the_book_and_the_prints_in_their_own_dialect(
    recorded: Recorded, tmp_path: Path
) -> None:
    path = tmp_path / "capture.jsonl"
    write_capture(Recording(recorded.folder), recorded.symbol, path)
    async with playing(recorded.exchange, path) as exchange:
        seen = await watch(exchange, recorded.symbol, 20)

    assert [what(trade) for trade in seen.trades] == [what(trade) for trade in recorded.seen.trades][: len(seen.trades)]
    after = [each for each in seen.books if each[0] is seen.trades[-1]]
    assert after
    assert after[-1][2:] == next(each[2:] for each in recorded.seen.books if what(each[0]) == what(seen.trades[-1]))


@asynccontextmanager
async def playing(exchange: str, capture: Path) -> AsyncIterator[lotusx.Exchange]:
    venue = VENUES[exchange][0]
    async with (
        memory.connect(Simulator(venue(seed=3, capture=capture))) as server,
        lotusx.connect(
            exchange, environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock,
        ) as connected,
    ):  # fmt: skip
        yield connected


def what(trade: Any) -> tuple[object, ...]:
    return (trade.price, trade.quantity, trade.taker_side)


@pytest.mark.parametrize("recorded", ["bybit"], indirect=True)
def test_a_market_of_another_exchange_whose_book_was_not_recorded_is_refused(
    recorded: Recorded, tmp_path: Path
) -> None:
    with pytest.raises(NotRecorded, match="no whole book of ETH/USDT"):
        write_capture(Recording(recorded.folder), "ETH/USDT", tmp_path / "capture.jsonl")
    assert not list(tmp_path.iterdir())
