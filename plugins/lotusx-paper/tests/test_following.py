"""What becomes of an instrument whose streams end while they are followed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
import trio.testing
from paper_desk import instrument

from lotusx import LiveOrderBook, Overflow, Stream, StreamError, Trade
from lotusx.model import Side, Symbol, VenueEvent
from lotusx.plugin import StreamState
from lotusx_paper.following import PAUSE_S, Following
from lotusx_paper.terms import Terms
from lotusx_paper.venue import Market, Venue
from lotusx_sim import LoopClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class Streams:
    """Market data whose prints come, and whose book ends when a test says so."""

    def __init__(self) -> None:
        self.prints: list[Stream[Trade]] = []
        self.book_ends = anyio.Event()

    @asynccontextmanager
    async def stream_trades(
        self, symbol: Symbol | str, *, buffer: int = 1, overflow: Overflow = Overflow.FAIL
    ) -> AsyncIterator[Stream[Trade]]:
        async with Stream[Trade]("trades") as stream:
            stream.change(StreamState.LIVE)
            self.prints.append(stream)
            yield stream

    def stream_mark_price(self, symbol: Symbol | str, *, buffer: int = 1, overflow: Overflow = Overflow.FAIL) -> Any:
        raise AssertionError(f"{symbol} has no mark price")

    @asynccontextmanager
    async def live_order_book(self, symbol: Symbol | str, *, depth: int = 1) -> AsyncIterator[LiveOrderBook]:
        yield cast("LiveOrderBook", SimpleNamespace(state="synced", stale_reason="", changes=lambda: self))

    def __aiter__(self) -> Streams:
        return self

    async def __anext__(self) -> None:
        await self.book_ends.wait()
        self.book_ends = anyio.Event()
        raise StreamError("no snapshot is to be had")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda streams: streams.book_ends.set(), "no snapshot is to be had"),
        (lambda streams: streams.prints[0].end(StreamError("delisted")), "delisted"),
        (lambda streams: streams.prints[0].end(), "its streams have ended"),
    ],
)
async def test_prints_that_are_missed_because_the_streams_have_ended_are_told(
    end: Callable[[Streams], None], reason: str
) -> None:
    clock, told, streams = LoopClock(), list[VenueEvent](), Streams()
    venue = Venue("example", Terms.of({}), clock.now_ns, lambda events: None)
    following = Following("example", venue, clock, 3.0, told.append)
    async with anyio.create_task_group() as tasks:
        await tasks.start(following.run, streams)
        await following.ensure(instrument())
        end(streams)
        await anyio.sleep(PAUSE_S / 2)
        assert [(event.name, event.raw["reason"]) for event in told] == [("paper_prints_lost", reason)]
        assert reason in venue.markets["BTC/USDT"].problem()

        await anyio.sleep(PAUSE_S)
        assert (len(streams.prints), venue.markets["BTC/USDT"].problem()) == (2, "")
        assert len(told) == 1
        tasks.cancel_scope.cancel()


async def test_prints_that_a_new_subscription_begins_with_are_not_counted_again() -> None:
    class Counting(Venue):
        def printed(self, market: Market, trade: Trade) -> None:
            counted.append(trade.trade_id)

    def prints(*pairs: tuple[str, int]) -> list[Trade]:
        return [Trade(Symbol("BTC", "USDT"), name, Side.SELL, "100", "1", at_ns) for name, at_ns in pairs]

    counted: list[str] = []
    clock, streams = LoopClock(), Streams()
    following = Following(
        "example", Counting("example", Terms.of({}), clock.now_ns, lambda events: None), clock, 3.0, lambda event: None
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(following.run, streams)
        await following.ensure(instrument())
        streams.prints[0].put(prints(("b", 10), ("d", 20), ("c", 20)))
        streams.book_ends.set()
        await anyio.sleep(2 * PAUSE_S)
        streams.prints[1].put(prints(("a", 5), ("b", 10), ("c", 20), ("d", 20), ("e", 20), ("f", 25)))
        await anyio.sleep(1)
        assert counted == ["b", "d", "c", "e", "f"]
        tasks.cancel_scope.cancel()
