"""Keeps what the monitor shows up to date: connections, books, trades, own orders. Nothing here ever sends an order."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

import lotusx
from lotusx.errors import CredentialsError, LotusXError, NotSupported
from lotusx.model import FillEvent, OrderEvent
from lotusx.plugin import hookimpl
from lotusx_cli.connecting import find_instrument
from lotusx_cli.monitor.watched import SAMPLE_S, Line, Listener, Watched

if TYPE_CHECKING:
    from lotusx import Exchange
    from lotusx.kernel.telemetry import Observer

PROBE_S = 5.0
"""Seconds between two requests whose only purpose is to see how long they take."""
AGAIN_S = (1.0, 2.0, 5.0, 10.0)
"""Waits before what failed is tried again; the last one holds from then on."""
DEPTH = 200


class _Ears:
    """Has the kernel tell a `Listener`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @hookimpl
    def lotusx_observer(self, exchange: str) -> Observer:
        """Return what is told."""
        return Listener(self._line, time.time_ns)


@asynccontextmanager
async def _beside(*jobs: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run *jobs* while the block runs. What the block raises leaves as it is, not in a group."""
    raised: LotusXError | None = None
    async with anyio.create_task_group() as tasks:
        for job in jobs:
            tasks.start_soon(job)
        try:
            yield
        except LotusXError as error:
            raised = error
        tasks.cancel_scope.cancel()
    if raised is not None:
        raise raised


async def follow(lines: Sequence[Line]) -> None:
    """Follow all *lines*, each by itself, until cancelled."""
    async with anyio.create_task_group() as tasks:
        for line in lines:
            tasks.start_soon(_follow_line, line)
        while True:
            for line in lines:
                for market in line.markets:
                    market.sample()
            await anyio.sleep(SAMPLE_S)


async def _follow_line(line: Line) -> None:
    tries = 0
    while True:
        try:
            connection = lotusx.connect(line.exchange, **line.settings, read_only=True, plugins=[_Ears(line)])
            line.environment = connection.environment
            async with connection as exchange:
                line.trouble = ""
                async with anyio.create_task_group() as tasks:
                    for market in line.markets:
                        tasks.start_soon(_follow_market, line, market, exchange)
                    tasks.start_soon(_probe, line, exchange)
                    tasks.start_soon(_follow_account, line, exchange)
        except LotusXError as error:  # from connecting: settings, keys, a plugin
            line.failed = not error.retryable
            line.trouble = str(error)
            line.journal.say(time.time_ns(), line.name, str(error), "bad")
            if line.failed:
                return
        await _pause(tries)
        tries += 1


async def _follow_market(line: Line, market: Watched, exchange: Exchange) -> None:
    tries = 0
    while True:
        try:
            instrument = await find_instrument(exchange, market.wanted)
            market.symbol = str(instrument.symbol)
            async with exchange.market.live_order_book(instrument.symbol, depth=DEPTH) as book:
                market.book, market.trouble, tries = book, "", 0
                async with _beside(partial(_follow_trades, line, market, exchange)):
                    async for _ in book.changes():
                        market.changes += 1
        except LotusXError as error:
            market.trouble, market.failed = str(error), not error.retryable
            line.journal.say(time.time_ns(), line.name, f"{market.name}: {error}", "bad")
            if market.failed:
                return
        finally:
            market.book = None
        await _pause(tries)
        tries += 1


async def _follow_trades(line: Line, market: Watched, exchange: Exchange) -> None:
    tries = 0
    while True:
        try:
            async with exchange.market.stream_trades(market.symbol) as trades:
                async for trade in trades:
                    tries = 0
                    market.trades.append(trade)
                    if line.clock_ms is not None:
                        market.lag_ms = (trade.received_ns - trade.exchange_ns) / 1e6 + line.clock_ms
        except NotSupported:
            return
        except LotusXError as error:
            line.journal.say(time.time_ns(), line.name, f"trades of {market.name}: {error}", "bad")
            if not error.retryable:
                return
        await _pause(tries)
        tries += 1


async def _probe(line: Line, exchange: Exchange) -> None:
    """Ask for the time again and again; the first time also for what a health check finds."""
    report = await exchange.health_check()
    for check in report.checks:
        weight = {"ok": "good", "failed": "bad"}.get(check.result, "plain")
        line.journal.say(time.time_ns(), line.name, f"{check.name}: {check.detail}", weight)
    while True:
        await anyio.sleep(PROBE_S)
        try:
            await exchange.market.server_time()
        except LotusXError as error:  # observers were told already, with the time it took
            line.trouble = str(error)
        else:
            line.trouble = ""


async def _follow_account(line: Line, exchange: Exchange) -> None:
    tries = 0
    while True:
        try:
            async with exchange.account.stream_account() as events:
                for state in await exchange.trading.open_orders():
                    line.order(state)
                line.account = ""
                async for event in events:
                    tries = 0
                    if isinstance(event, OrderEvent):
                        line.order(event.state)
                    elif isinstance(event, FillEvent):
                        fill = event.fill
                        text = f"{fill.symbol}: fill {fill.side} {fill.quantity} at {fill.price}"
                        line.journal.say(time.time_ns(), line.name, text, "good")
        except CredentialsError:
            line.account = "no key"
            return
        except NotSupported:
            line.account = "not offered here"
            return
        except LotusXError as error:
            line.account = str(error)
            line.journal.say(time.time_ns(), line.name, f"account: {error}", "bad")
            if not error.retryable:
                return
        await _pause(tries)
        tries += 1


async def _pause(tries: int) -> None:
    await anyio.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
