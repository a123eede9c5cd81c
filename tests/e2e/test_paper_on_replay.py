"""Paper trading over a recording: a bot trades a market of yesterday, and nobody has to be there."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing

import lotusx
from lotusx.errors import Unavailable
from lotusx.model import FillEvent, OrderEvent, OrderRequest, OrderStatus
from lotusx_recorder import Recorder, RecordingEnded
from lotusx_sim import BinanceSpot, Bybit, Hyperliquid, Simulator
from lotusx_sim.shells import memory

VENUES: dict[str, tuple[Any, str, str]] = {
    "binance": (BinanceSpot, "BTC/USDT", "USDT"),
    "bybit": (Bybit, "BTC/USDT", "USDT"),
    "hyperliquid": (Hyperliquid, "BTC/USDC:USDC", "USDC"),
}
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


async def record(exchange: str, folder: Path) -> None:
    venue, symbol, _ = VENUES[exchange]
    recorder = Recorder(to=folder)
    async with memory.connect(Simulator(venue(seed=7)), latency_s=0.005) as server:
        recorder._now_ns = server.clock.now_ns
        async with (
            lotusx.connect(
                exchange, environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
                clock=server.clock, plugins=[recorder],
            ) as live,
            live.live_order_book(symbol),
            live.stream_trades(symbol) as trades,
        ):  # fmt: skip
            with anyio.fail_after(600):
                for _ in range(40):
                    await anext(trades)
    assert await anyio.to_thread.run_sync(recorder.close, 30)


async def trade(exchange: str, folder: Path, speed: float | None) -> list[tuple[Decimal, Decimal, object]]:
    """Run a bot over the recording; return its fills."""
    _, symbol, asset = VENUES[exchange]
    terms = {"balances": {asset: "1000000"}, "latency_s": 0.01}
    fills: list[tuple[Decimal, Decimal, object]] = []
    async with (
        lotusx.connect("replay", options={"recording": folder, "speed": speed}, paper=terms) as replay,
        replay.account.stream_account() as events,
    ):
        assert replay.environment.startswith("paper:")
        order = await replay.place(OrderRequest.market(symbol, "buy", "0.01"))  # time begins
        with anyio.fail_after(600):
            async for event in events:
                if isinstance(event, FillEvent):
                    fill = event.fill
                    fills.append((fill.price, fill.quantity, fill.fee))
                if isinstance(event, OrderEvent) and event.state.status.is_terminal:
                    break
        assert order.status is OrderStatus.FILLED
        with suppress(RecordingEnded):
            async with replay.stream_trades(symbol) as trades:
                async for _ in trades:
                    pass
        with pytest.raises(Unavailable, match="everything that was recorded has been replayed"):
            await replay.place(OrderRequest.market(symbol, "buy", "0.01"))
    return fills


@pytest.mark.parametrize("exchange", sorted(VENUES))
async def test_a_bot_on_paper_trades_a_recorded_market_and_each_time_alike(exchange: str, tmp_path: Path) -> None:
    await record(exchange, tmp_path)
    fills = await trade(exchange, tmp_path, 20)
    assert sum(quantity for _, quantity, _ in fills) == Decimal("0.01")
    assert fills == await trade(exchange, tmp_path, 20)
