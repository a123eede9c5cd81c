"""Ctrl-C, as a terminal sends it, ends programs in order: to real processes, on the simulator."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from .conftest import EXAMPLES, WITHIN_S

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows gets no SIGINT of its own"),
]
SCRIPT = """
import lotusx.sync

with (
    lotusx.sync.connect("binance", backend={backend!r}) as exchange,
    lotusx.sync.connect("binance", backend={backend!r}) as other,
    other.market.live_order_book("BTC/USDT") as book,
    exchange.market.stream_trades("BTC/USDT") as trades,
):
    try:
        print("waiting beside", book.best_bid, flush=True)
        next(trades)  # nobody trades
    finally:
        print("still right:", book.state, exchange.market.ticker("BTC/USDT").symbol, flush=True)
print("never reached")
"""


@asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[Process]:
    async with await anyio.open_process([sys.executable, *arguments], stdout=PIPE, stderr=PIPE) as process:
        try:
            with anyio.fail_after(2 * WITHIN_S):
                yield process
        finally:
            if process.returncode is None:
                process.kill()


async def read_until(process: Process, expected: str) -> str:
    assert process.stdout is not None
    said = ""
    async for text in TextReceiveStream(process.stdout):
        said += text
        if expected in said:
            return said
    assert process.stderr is not None
    errors = "".join([text async for text in TextReceiveStream(process.stderr)])
    pytest.fail(f"ended without {expected!r}: {said}{errors}")


async def rest(process: Process) -> tuple[str, str]:
    assert process.stdout is not None
    assert process.stderr is not None
    said = "".join([text async for text in TextReceiveStream(process.stdout)])
    errors = "".join([text async for text in TextReceiveStream(process.stderr)])
    await process.wait()
    return said, errors


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
async def test_a_script_without_async_ends_at_ctrl_c_and_its_connections_serve_until_their_end(
    stage: Callable[..., Any], backend: str
) -> None:
    async with stage("binance"), program("-W", "error", "-c", SCRIPT.format(backend=backend)) as process:
        await read_until(process, "waiting beside")
        os.kill(process.pid, signal.SIGINT)
        said, errors = await rest(process)

    assert said.strip() == "still right: synced BTC/USDT"
    assert errors.strip().endswith("KeyboardInterrupt")
    assert "during handling" not in errors.lower()
    assert process.returncode == -signal.SIGINT


async def test_a_market_maker_takes_its_quotes_back_at_ctrl_c(stage: Callable[..., Any]) -> None:
    async with stage("binance-perp") as on, program(str(EXAMPLES / "market_maker.py")) as process:
        await read_until(process, "quoted buy ")
        assert len(on.sims["binance-perp"].open_order_ids()) == 2
        os.kill(process.pid, signal.SIGINT)
        said, errors = await rest(process)
        assert on.sims["binance-perp"].open_order_ids() == []

    assert "stopped; 2 quotes canceled" in said
    assert errors == ""
    assert process.returncode == 0
