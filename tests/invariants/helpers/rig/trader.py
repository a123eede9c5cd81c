"""The user who trades: places, cancels, amends and looks up orders, several at once, and notes what became of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup

import lotusx
from lotusx.errors import LotusXError, RefusedBeforeSending, StaleBook
from lotusx.rules import Rounding, round_price, round_quantity
from lotusx_sim.engine.orders import Order, Refused

if TYPE_CHECKING:
    from rig.world import World

_AT_ONCE = 6
_WORTH = Decimal(60)
"""Quote an order is worth at least: above every minimum."""


@dataclass(slots=True)
class Intent:
    """An order the user meant to place, and what it was told.

    ``outcome``: ``pending``, ``accepted``, ``rejected``, ``unknown``, or ``refused`` before sending.
    """

    number: int
    client_order_id: str | None
    symbol: lotusx.Symbol | None = None
    outcome: str = "pending"
    handle: lotusx.Order | None = None
    amended: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A command that ended with an error. ``what``: ``place``, ``cancel``, ``amend``, ``look up``."""

    at_ns: int
    what: str
    intent: Intent
    error: LotusXError


class Trader:
    """One account's owner.

    Attributes:
        intents: Every order meant, oldest first. ``amendments``: how many changes were asked for.
        errors: What failed.
    """

    def __init__(self, world: World, exchange: lotusx.Exchange, rng: Random) -> None:
        self.intents: list[Intent] = []
        self.amendments = 0
        self.errors: list[Failed] = []
        self.paused = False
        self._world = world
        self._exchange = exchange
        self._rng = rng
        self._busy = 0
        self._tasks: TaskGroup
        self._instrument: lotusx.Instrument
        self._mid = Decimal(0)

    async def run(self) -> None:
        """Trade until cancelled."""
        world = self._world
        self._instrument = await self._exchange.market.instrument(world.exchange.symbol)
        async with anyio.create_task_group() as self._tasks:
            while True:
                await anyio.sleep(self._rng.random() * world.plan.pace_s * 2)
                if not self.paused and self._busy < _AT_ONCE:
                    self._act()

    async def finish(self) -> None:
        """Wait until every command has ended."""
        while self._busy:  # noqa: ASYNC110 - commands end by themselves, within a minute or so
            await anyio.sleep(0.5)

    def _act(self) -> None:
        draw = self._rng.random()
        handles = [each for each in self.intents if each.handle is not None and not each.handle.status.is_terminal]
        if draw < 0.55 or not handles:
            self._tasks.start_soon(self._place)
        elif draw < 0.80:
            self._tasks.start_soon(self.cancel, self._rng.choice(handles))
        elif draw < 0.92:
            self._tasks.start_soon(self._amend, self._rng.choice(handles))
        else:
            self._tasks.start_soon(self._look_up, self._rng.choice(handles))

    def intend(self) -> Intent:
        """Note one more order."""
        number = len(self.intents) + 1
        intent = Intent(number, self._world.exchange.client_order_id(number, self._rng))
        self.intents.append(intent)
        return intent

    def look(self) -> Decimal:
        """Return the price half-way between the best ones, or the last one known."""
        try:
            mid = self._world.book.mid
        except StaleBook:
            mid = None
        if mid is not None:
            self._mid = mid
        return self._mid

    def _request(self, intent: Intent) -> lotusx.OrderRequest:
        rng, instrument = self._rng, self._instrument
        side = rng.choice((lotusx.Side.BUY, lotusx.Side.SELL))
        mid = self.look()
        worth = _WORTH * rng.randint(1, 10)
        quantity = round_quantity(instrument, worth / mid, Rounding.CEIL)
        symbol = self._world.exchange.symbol
        draw = rng.random()
        away = Decimal(rng.randint(5, 60)) / 10_000 * (-1 if side is lotusx.Side.BUY else 1)
        if draw < 0.2:  # takes: across the spread
            away = -away / 4
        price = round_price(instrument, mid * (1 + away), Rounding.NEAREST)
        if draw > 0.85:
            more = self._world.exchange.market_order
            return lotusx.OrderRequest.market(symbol, side, quantity, client_order_id=intent.client_order_id, **more)
        return lotusx.OrderRequest.limit(symbol, side, quantity, price, client_order_id=intent.client_order_id)

    async def place(self, intent: Intent, request: lotusx.OrderRequest) -> None:
        """Place *request* and note the outcome."""
        intent.symbol = request.symbol
        said = f"{intent.number} {request.side} {request.quantity} at {request.price}"
        self._world.log.write("trader", f"place {said}")
        try:
            intent.handle = await self._exchange.trading.place(request)
            intent.outcome = "accepted"
            self._world.haystack.add(repr(intent.handle))
        except lotusx.OrderOutcomeUnknown as error:
            intent.outcome = "unknown"
            self._failed("place", intent, error)
        except RefusedBeforeSending as error:
            intent.outcome = "refused"
            self._failed("place", intent, error)
        except LotusXError as error:
            intent.outcome = "rejected"
            self._failed("place", intent, error)
        self._world.log.write("trader", f"placed {intent.number} {intent.outcome}")

    async def _place(self) -> None:
        self._busy += 1
        try:
            intent = self.intend()
            await self.place(intent, self._request(intent))
        finally:
            self._busy -= 1

    def resting(self, instrument: lotusx.Instrument, intent: Intent) -> lotusx.OrderRequest:
        """Return an order that no market reaches."""
        price = round_price(instrument, self.look() * Decimal("0.9"), Rounding.FLOOR)
        quantity = round_quantity(instrument, _WORTH / price, Rounding.CEIL)
        return lotusx.OrderRequest.limit(
            instrument.symbol, lotusx.Side.BUY, quantity, price, client_order_id=intent.client_order_id
        )

    async def cancel(self, intent: Intent) -> None:
        """Cancel the order of *intent* and note what is said."""
        assert intent.handle is not None
        self._busy += 1
        self._world.log.write("trader", f"cancel {intent.number}")
        try:
            state = intent.handle.state
            done = await self._exchange.trading.cancel(
                state.symbol, client_order_id=state.client_order_id, venue_order_id=state.venue_order_id
            )
            self._world.log.write("trader", f"cancelled {intent.number} {done.status}")
        except LotusXError as error:
            self._failed("cancel", intent, error)
        finally:
            self._busy -= 1

    async def _amend(self, intent: Intent) -> None:
        handle = intent.handle
        assert handle is not None
        self._busy += 1
        self._world.log.write("trader", f"amend {intent.number}")
        try:
            state = handle.state
            if state.price is None or intent.amended:
                return
            intent.amended = True
            self.amendments += 1
            nearer = Decimal(self._rng.randint(-10, 10)) / 10_000
            price = round_price(self._instrument, state.price * (1 + nearer), Rounding.NEAREST)
            await self._exchange.trading.amend(
                state.symbol,
                client_order_id=state.client_order_id,
                venue_order_id=state.venue_order_id,
                price=price,
            )
            self._world.log.write("trader", f"amended {intent.number} {handle.status}")
        except LotusXError as error:
            self._failed("amend", intent, error)
        finally:
            self._busy -= 1

    async def _look_up(self, intent: Intent) -> None:
        assert intent.handle is not None
        self._busy += 1
        try:
            state = intent.handle.state
            await self._exchange.trading.order(
                state.symbol, client_order_id=state.client_order_id, venue_order_id=state.venue_order_id
            )
        except LotusXError as error:
            self._failed("look up", intent, error)
        finally:
            self._busy -= 1

    def _failed(self, what: str, intent: Intent, error: LotusXError) -> None:
        self.errors.append(Failed(self._world.now_ns(), what, intent, error))
        self._world.log.write("trader", f"{what} {intent.number}: {error!r}")
        self._world.haystack.add_error(error)


class Fate:
    """What the market does to the orders that rest: it fills them, and now and then the exchange ends one."""

    def __init__(self, world: World, rng: Random) -> None:
        self.paused = False
        self._world = world
        self._rng = rng

    async def run(self) -> None:
        """Strike until cancelled."""
        rng, sim = self._rng, self._world.sim
        while True:
            await anyio.sleep(0.2 + rng.random() * self._world.plan.pace_s * 2)
            resting = [order for order in sim.open_orders() if order.is_working]
            if self.paused or not resting:
                continue
            with suppress(Refused):  # what was due at the venue comes first, and may have ended it
                self._strike(rng.choice(resting))

    def _strike(self, order: Order) -> None:
        rng, sim = self._rng, self._world.sim
        if rng.random() < 0.1:
            sim.cancel(order.client_id)
            self._world.log.write("fate", f"ends {order.client_id}")
            return
        step = self._world.step_of(order.symbol)
        steps = int(order.remaining / step)
        quantity = step * rng.randint(1, max(steps, 1)) if rng.random() < 0.7 else order.remaining
        sim.fill(order.client_id, min(quantity, order.remaining))
        self._world.log.write("fate", f"fills {order.client_id}")
