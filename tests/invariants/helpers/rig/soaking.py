"""A long time in a connection's life: a user who never stops and keeps nothing, and one trouble after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import anyio

import lotusx
from lotusx.errors import LotusXError
from lotusx.model.account import FillEvent, Recovered
from lotusx.rules import Rounding, round_price, round_quantity
from lotusx_sim import Simulator

if TYPE_CHECKING:
    from rig.exchange import UnderTest

_WORTH = Decimal(60)
_PARTS = ("delivered", "conflated", "dropped", "rejected", "waiting")
_ENDS: tuple[int | str, ...] = ("fin", "rst", 1000, 1001, 1008, 1011, 1012)


@dataclass(slots=True)
class Tally:
    """What a user got. ``traded``: the fills, added up; ``errors``: how commands failed, by kind."""

    events: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    fills: int = 0
    traded: Decimal = Decimal(0)
    recoveries: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class User:
    """Reads everything and trades, and keeps nothing but sums.

    Attributes:
        paused: Whether it sends no more orders.
    """

    def __init__(self, exchange: UnderTest, connection: lotusx.Exchange, rng: Random, pause_s: float) -> None:
        self.tally = Tally()
        self.paused = False
        self.streams: dict[str, lotusx.Stream[Any]] = {}
        self.book: lotusx.LiveOrderBook
        self._exchange = exchange
        self._connection = connection
        self._rng = rng
        self._pause_s = pause_s

    async def run(self, during: Callable[[User], Awaitable[None]]) -> None:
        """Open everything, and read and trade until *during* returns."""
        market, symbol = self._connection.market, self._exchange.symbol
        async with AsyncExitStack() as stack:
            self.book = await stack.enter_async_context(market.live_order_book(symbol, depth=self._exchange.book_depth))
            for name, opening in (
                ("account", self._connection.account.stream_account()),
                ("trades", market.stream_trades(symbol)),
                ("best price", market.stream_best_bid_offer(symbol)),
            ):
                self.streams[name] = await stack.enter_async_context(opening)
            async with anyio.create_task_group() as tasks:
                for name in self.streams:
                    tasks.start_soon(self._read, name)
                tasks.start_soon(self._trade)
                await during(self)
                tasks.cancel_scope.cancel()

    def unsound(self) -> list[str]:
        """Return the streams whose counters do not add up."""
        found = []
        for name, stream in self.streams.items():
            counters = stream.counters
            if counters.received != sum(getattr(counters, part) for part in _PARTS):
                found.append(f"{name}: {counters}")
        return found

    def counters(self) -> dict[str, str]:
        """Return what each stream counts."""
        return {name: str(stream.counters) for name, stream in self.streams.items()}

    async def _read(self, name: str) -> None:
        tally = self.tally
        async for event in self.streams[name]:
            tally.events[name] += 1
            if isinstance(event, FillEvent):
                tally.fills += 1
                tally.traded += event.fill.quantity
            elif isinstance(event, Recovered):
                tally.recoveries += 1

    async def _trade(self) -> None:
        rng = self._rng
        instrument = await self._connection.market.instrument(self._exchange.symbol)
        while True:
            await anyio.sleep(self._pause_s * (0.5 + rng.random()))
            if self.paused:
                continue
            self.tally.orders += 1
            try:
                await self._one_order(instrument)
            except LotusXError as error:
                self.tally.errors[type(error).__name__] += 1

    async def _one_order(self, instrument: lotusx.Instrument) -> None:
        mid = self.book.mid
        if mid is None:
            return
        trading, symbol = self._connection.trading, self._exchange.symbol
        if not self.tally.orders % 3:
            side = (lotusx.Side.BUY, lotusx.Side.SELL)[self.tally.orders // 3 % 2]
            more = self._exchange.market_order
            quantity = round_quantity(instrument, _WORTH / mid, Rounding.CEIL)
            await trading.place(lotusx.OrderRequest.market(symbol, side, quantity, **more))
            return
        price = round_price(instrument, mid * Decimal("0.9"), Rounding.FLOOR)
        quantity = round_quantity(instrument, _WORTH / price, Rounding.CEIL)
        order = await trading.place(lotusx.OrderRequest.limit(symbol, lotusx.Side.BUY, quantity, price))
        await trading.cancel(symbol, client_order_id=order.client_order_id, venue_order_id=order.venue_order_id)


async def trouble(sim: Simulator, exchange: UnderTest, rng: Random) -> str:
    """Do one bad thing to every connection, for some seconds, and mend it; return what it was."""
    symbol = exchange.venue_symbol(exchange.symbol)
    method, path = rng.choice(exchange.place)
    lasts_s = 2 + rng.random() * 18
    what = rng.choice(
        ("cut", "cut", "cut private", "gap", "crossed", "lost reply", "502", "black hole", "unreachable", "doubled",
         "cut message", "expired", "shutdown")
    )  # fmt: skip
    if what == "cut":
        for _ in range(rng.randint(1, 3)):
            sim.cut_connections(rng.choice(_ENDS))
            await anyio.sleep(rng.random() * 3)
    elif what == "cut private":
        sim.cut_connections(rng.choice(_ENDS), only=exchange.private_sockets)
    elif what == "gap":
        sim.gap(symbol)
    elif what == "crossed":
        sim.crossed_level(symbol)
    elif what == "lost reply":
        sim.lose_reply_to(method, path, how=rng.choice(("cut", "hang")))
    elif what == "502":
        sim.html_502(times=rng.randint(1, 4))
    elif what == "black hole":
        sim.black_hole()
    elif what == "unreachable":
        sim.refuse_connections()
        sim.cut_connections("rst")
    elif what == "doubled":
        sim.duplicate_next(exchange.user_topic, times=3)
    elif what == "cut message":
        sim.cut_message(exchange.user_topic)
    elif what == "expired":
        sim.expire_user_stream()
    elif exchange.announces_shutdown:
        sim.server_shutdown()
    await anyio.sleep(lasts_s)
    if what == "black hole":
        sim.black_hole(False)
        sim.cut_connections("rst")  # what TCP could not repeat any more
    sim.refuse_connections(False)
    sim.heal()
    return what
