"""I07: frames are fuzz-proof. What is below messages (opcodes, compression, the cap) is tested where frames are cut."""

from __future__ import annotations

import re
import time
from contextlib import AsyncExitStack
from random import Random

import anyio

from lotusx.streams import Overflow
from rig.invariant import Invariant
from rig.randomness import split
from rig.second import Second, Tap, second

HANG_S = 1.0
"""Bound, in seconds of the processor."""
_LIVE_S = 12.0
_RECOVERED_S = 20.0
_TINY = 10_000
_ODD = (
    b"",
    b"null",
    b"[]",
    b"0",
    b'"',
    b"{}",
    b"\x1f\x8b\x08\x00",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"<html></html>",
)
_NUMBER = re.compile(rb"-?\d+\.\d+")


class FuzzProof(Invariant):
    """Judged by a connection that is fed what no exchange should send, between what it does send."""

    id = "I07"
    title = "Frames are fuzz-proof."
    bound = "no crash, no hang of more than 1 s; no stream ends, every stream goes on"

    async def at_leisure(self) -> None:
        world = self.world
        if world.plan.scenario != "fuzzed frames":
            return
        rng = split(world.seed, "fuzz")
        symbol = world.exchange.symbol
        async with second(world, "fuzz") as fuzzed, AsyncExitStack() as stack:
            market = fuzzed.connection.market
            account = await stack.enter_async_context(fuzzed.connection.account.stream_account())
            trades = await stack.enter_async_context(market.stream_trades(symbol, overflow=Overflow.DROP_OLDEST))
            best = await stack.enter_async_context(market.stream_best_bid_offer(symbol))
            book = await stack.enter_async_context(market.live_order_book(symbol, depth=world.exchange.book_depth))
            await self._trade(_LIVE_S)
            for tap in fuzzed.transport.taps:
                self._feed(tap, rng)
            before = {each.name: each.counters.received for each in (trades, best)}
            await self._trade(_LIVE_S)
            with anyio.move_on_after(_RECOVERED_S):
                await book.wait_synced()
            for stream in (trades, best, account):
                if stream.error is not None:
                    self.fail(f"{stream.name} has ended: {stream.error}")
            for stream in (trades, best):
                if stream.counters.received == before[stream.name]:
                    self.fail(f"{stream.name} brings nothing any more")
            if book.state != "synced":
                self.fail(f"the book is {book.state} ({book.stale_reason})")
            self._judge_sockets(fuzzed)

    async def _trade(self, seconds: float) -> None:
        world = self.world
        symbol = world.exchange.venue_symbol(world.exchange.symbol)
        until = anyio.current_time() + seconds
        while anyio.current_time() < until:
            world.sim.trade(symbol, "buy", world.step_of(symbol) * 3)
            world.sim.trade(symbol, "sell", world.step_of(symbol) * 3)
            await anyio.sleep(1.0)

    def _feed(self, tap: Tap, rng: Random) -> None:
        samples = list(tap.last) or [b'{"nothing":0}']
        batches = [[other] for sample in rng.sample(samples, min(len(samples), 12)) for other in _spoilt(sample, rng)]
        batches += [[odd] for odd in _ODD]
        batches += [[b'{"a":"' + b"x" * 10_000_000 + b'"}'], [b"{}"] * _TINY]
        for batch in batches:
            self.exercised += 1
            begun = time.thread_time()
            try:
                tap.put(batch, self.world.clock.now_ns())
            except Exception as error:
                self.fail(f"{batch[0][:60]!r} raised {type(error).__name__} in the task that reads the socket")
            took_s = time.thread_time() - begun
            if took_s > HANG_S:
                self.fail(f"{len(batch)} times {batch[0][:60]!r} held the loop for {took_s:.1f} s")

    def _judge_sockets(self, fuzzed: Second) -> None:
        lost = [group for _, group, _, state in fuzzed.observer.sessions if state == "lost"]
        if lost:
            self.fail(f"a socket of {lost[0]} was given up because of what one message said")


def _spoilt(message: bytes, rng: Random) -> list[bytes]:
    """Return what can become of one message."""
    at = rng.randrange(1, max(len(message), 2))
    return [
        message[:at],
        message + message,
        message[:at] + b"\xff\xfe" + message[at:],
        _NUMBER.sub(b"NaN", message, count=1),
        _NUMBER.sub(b"1e999999999", message, count=1),
        message.replace(b':"', b":[", 1),
        message[at:],
    ]
