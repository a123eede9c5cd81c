"""I24: cancellation and shutdown are clean."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import anyio
import trio

import lotusx
from lotusx.errors import LotusXError, RequestTimeout
from lotusx.model.orders import OrderState
from lotusx_sim.connection import SimulatedConnection
from rig.another import another, prepared
from rig.invariant import Invariant
from rig.randomness import split

if TYPE_CHECKING:
    from lotusx.kernel.budget import BudgetRegistry
    from rig.world import World

SCENARIO = "shutdown"
BOUND_S = 2.0
_TRIES = 6
_MOST_STEPS = 1_500
"""More turns of tasks than a whole visit takes."""
_CLEARED_S = 1.0


class _Interrupt(trio.abc.Instrument):
    """Calls *then* when so many turns of tasks have passed: at an await of some task, whichever it is."""

    def __init__(self, steps: int, then: Callable[[], None]) -> None:
        self.left = steps
        self._then = then

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count."""
        del task
        self.left -= 1
        if self.left == 0:
            self._then()


def _below(nurseries: Iterable[trio.Nursery]) -> set[trio.lowlevel.Task]:
    """Return all tasks of *nurseries*, and theirs."""
    waiting = [task for nursery in nurseries for task in nursery.child_tasks]
    found = set()
    while waiting:
        task = waiting.pop()
        found.add(task)
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return found


class CleanEnd(Invariant):
    """Judged over visits that end anywhere: cancelled at any await, interrupted twice, left while connecting."""

    id = "I24"
    title = "Cancellation and shutdown are clean."
    bound = "2 s; no pending task, socket or warning; open orders stay as they are"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rng = split(world.seed, "shutdown")

    async def at_leisure(self) -> None:
        if self.world.plan.scenario != SCENARIO:
            return
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for number in range(_TRIES):
                await self._cancelled(f"visit {number}")
            await self._interrupted()
            await self._while_connecting()
            await self._orders_stay()
            gc.collect()
        for each in seen:
            self.fail(f"a warning: {each.category.__name__}: {each.message}")

    def after_close(self) -> None:
        """Judge the end of the connection under test itself."""
        self.exercised += 1
        took_s = self.world.seconds() - self.world.left_s
        self.measured.append(took_s)
        if took_s > BOUND_S:
            self.fail(f"leaving took {took_s:.3f} s")

    async def _visit(self, connection: lotusx.Exchange) -> None:
        """Do what a user does: read, follow, trade."""
        world = self.world
        symbol = world.exchange.symbol
        async with (
            connection.account.stream_account() as account,
            connection.market.live_order_book(symbol, depth=20) as book,
            connection.market.stream_trades(symbol) as trades,
        ):
            account.handle(lambda _: None)
            trades.handle(lambda _: None)
            book.bids(1)
            instrument = await connection.market.instrument(symbol)
            intent = world.trader.intend()
            request = world.trader.resting(instrument, intent)
            intent.symbol = request.symbol
            with suppress(LotusXError):
                order = await connection.trading.place(request)
                intent.outcome = "accepted"
                await connection.trading.cancel(
                    request.symbol, client_order_id=order.client_order_id, venue_order_id=order.venue_order_id
                )
            await anyio.sleep(0.5)

    @property
    def _budgets(self) -> BudgetRegistry:
        """One user's connections, one after the other: together they stay within the exchange's limits."""
        return cast("BudgetRegistry", self.world.wiring()._registry)

    def _tasks(self) -> set[trio.lowlevel.Task]:
        """Return all tasks but those of the connection under test, which goes on."""
        under_test = self.world.wiring()._tasks._nursery
        root = trio.lowlevel.current_root_task()
        return _below(root.child_nurseries if root is not None else ()) - _below([under_test])

    async def _left_over(self, what: str, tasks: set[trio.lowlevel.Task], sockets: set[SimulatedConnection]) -> None:
        await anyio.sleep(_CLEARED_S)  # what is on its way to the venue arrives
        self.exercised += 1
        left = self._tasks() - tasks
        if left:
            self.fail(f"{what}: {len(left)} tasks are left, such as {next(iter(left)).name}")
        more = set(self.world.sim.ws_connections) - sockets
        if more:
            self.fail(f"{what}: {len(more)} sockets are left, such as {next(iter(more)).target}")

    async def _cancelled(self, what: str) -> None:
        """Cancel a visit at one of its awaits, drawn by the seed."""
        tasks, sockets = self._tasks(), set(self.world.sim.ws_connections)
        steps = int(_MOST_STEPS ** self._rng.random())
        cancelled_s: list[float] = []
        token = trio.lowlevel.current_trio_token()
        with anyio.CancelScope() as scope:

            def cancel() -> None:
                cancelled_s.append(self.world.seconds())
                scope.cancel()

            interrupt = _Interrupt(steps, lambda: token.run_sync_soon(cancel))
            trio.lowlevel.add_instrument(interrupt)
            try:
                async with another(self.world, what, budgets=self._budgets) as connection:
                    with suppress(RequestTimeout):  # the new connections that a minute allows are used up
                        await self._visit(connection)
            finally:
                ended_s = self.world.seconds()
                trio.lowlevel.remove_instrument(interrupt)
        if cancelled_s:
            self._took(f"{what}, cancelled after {steps} turns", ended_s - cancelled_s[0])
        await self._left_over(f"{what}, cancelled after {steps} turns", tasks, sockets)

    def _took(self, what: str, seconds: float) -> None:
        self.measured.append(seconds)
        if seconds > BOUND_S:
            self.fail(f"{what}: it took {seconds:.3f} s to end")

    async def _interrupted(self) -> None:
        """Raise in the middle of a visit, and cancel while it is being left: somebody presses Ctrl-C twice."""
        tasks, sockets = self._tasks(), set(self.world.sim.ws_connections)
        after_s = self._rng.random()
        interrupted_s = 0.0
        with anyio.CancelScope() as scope:
            try:
                async with another(self.world, "an interrupt", budgets=self._budgets) as connection:
                    await connection.market.order_book(self.world.exchange.symbol)
                    async with connection.account.stream_account():
                        await anyio.sleep(after_s)
                        interrupted_s = self.world.seconds()
                        if self._rng.random() < 0.5:
                            scope.cancel()
                        raise KeyboardInterrupt
            except KeyboardInterrupt:
                pass
            except BaseException as error:
                # The new connections that a minute allows may be used up: then there was nothing to interrupt.
                unopened = isinstance(error, RequestTimeout) and str(error).startswith("not accepted in")
                if not scope.cancel_called and (interrupted_s or not unopened):
                    self.fail(f"an interrupt came out as {error!r}")
                if interrupted_s or not unopened:
                    raise
        if interrupted_s:
            self._took("an interrupt", self.world.seconds() - interrupted_s)
        await self._left_over("an interrupt", tasks, sockets)

    async def _while_connecting(self) -> None:
        """Leave while nothing answers: in the middle of connecting, of logging in, of subscribing."""
        world = self.world
        tasks, sockets = self._tasks(), set(world.sim.ws_connections)
        connection = prepared(world, "a black hole", budgets=self._budgets)
        left_s = 0.0
        world.wake_blocking_readers(True)
        with anyio.CancelScope() as scope:
            async with connection, anyio.create_task_group() as user:
                user.start_soon(self._visit, connection)
                await anyio.sleep(self._rng.random() * 0.3)
                world.sim.black_hole()
                await anyio.sleep(self._rng.random() * 3)
                left_s = world.seconds()
                scope.cancel()
        self._took("leaving while nothing answers", world.seconds() - left_s)
        world.sim.black_hole(False)
        await self._left_over("leaving while nothing answers", tasks, sockets)

    async def _orders_stay(self) -> None:
        """Leave with an open order: it stays as it is."""
        world = self.world
        instrument = await world.connection.market.instrument(world.exchange.symbol)
        intent = world.trader.intend()
        request = world.trader.resting(instrument, intent)
        intent.symbol = request.symbol
        state: OrderState
        async with another(world, "an open order", budgets=self._budgets) as connection:
            try:
                order = await connection.trading.place(request)
            except LotusXError as error:
                self.fail(f"an order could not be placed at leisure: {error}")
                return
            intent.outcome, state = "accepted", order.state
        await anyio.sleep(_CLEARED_S)
        self.exercised += 1
        if state.venue_order_id not in {world.exchange.order_id(each) for each in world.sim.open_orders()}:
            self.fail("an order that was open when the connection was left is not open any more")
            return
        await world.connection.trading.cancel(
            request.symbol, client_order_id=state.client_order_id, venue_order_id=state.venue_order_id
        )
