"""I06: planned rotation loses nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import anyio

from lotusx.kernel.codec import WsFacts
from lotusx.kernel.flow import StreamState
from lotusx.model.account import FillEvent
from lotusx.streams import Overflow, Stream
from rig.invariant import Invariant
from rig.randomness import split
from rig.second import Second, second

_LIFETIME_S = 30.0
_SETTLED_S = 16.0
_SPEAKS_S = 60.0
_BUFFER = 100_000


class _Collected:
    """Everything a stream brought."""

    def __init__(self, stream: Stream[Any]) -> None:
        self.events: list[Any] = []
        self.stream = stream
        self._known: list[Any] = []

    async def run(self) -> None:
        async for event in self.stream:
            self.events.append(event)

    def begin(self, known: Sequence[Any]) -> None:
        """Count from now on. *known*: the last event of one that has had any, for who came later and has had none."""
        self._known = self.events[-1:] or list(known)
        self.events.clear()

    def names(self) -> list[Any]:
        """Return what was brought since. A state that was known and is said again at once is no other event."""
        return _names([*self._known, *self.events])[len(self._known) :]


class Rotation(Invariant):
    """Judged by a connection whose sockets grow old fast, against one whose sockets stay, and the venue's ledger."""

    id = "I06"
    title = "Planned rotation loses nothing."
    bound = "0 missing and 0 duplicated events"

    async def at_leisure(self) -> None:
        if self.world.plan.scenario != "rotations":
            return
        world = self.world
        async with second(world, "rotations", facts=_short_lived) as rotating, AsyncExitStack() as streams:
            both = (world.connection, rotating.connection)
            symbol = world.exchange.symbol
            pairs = {
                name: [_Collected(await streams.enter_async_context(opening(each, symbol))) for each in both]
                for name, opening in (("trades", _trades), ("best prices", _best))
            }
            account = _Collected(await streams.enter_async_context(rotating.connection.account.stream_account()))
            book = await streams.enter_async_context(
                rotating.connection.market.live_order_book(symbol, depth=world.exchange.book_depth)
            )
            before = _fills(world)
            async with anyio.create_task_group() as tasks:
                for reader in (account, *(each for pair in pairs.values() for each in pair)):
                    tasks.start_soon(reader.run)
                await _heard(each.stream for pair in pairs.values() for each in pair)
                await self._stand_still()
                await anyio.sleep(1.0)  # some subscriptions begin with what is known, and what is on its way arrives
                for pair in pairs.values():
                    known = next((each.events[-1:] for each in pair if each.events), [])
                    for each in pair:
                        each.begin(known)
                await self._live_on(rotating)
                tasks.cancel_scope.cancel()
            self.exercised += rotating.observer.count("rotating")
            for name, (steady, moved) in pairs.items():
                self._compare(name, steady.names(), moved.names())
            self._judge_fills(Counter(_fill_names(account.events)), _fills(world) - before, before)
            if book.state != "synced" or book.resyncs:
                self.fail(f"the book is {book.state} after {book.resyncs} resyncs ({book.stale_reason})")
            self._judge_losses(rotating)

    async def _live_on(self, rotating: Second) -> None:
        """Let the market and the user go on until the sockets were replaced often enough."""
        world, rng = self.world, split(self.world.seed, "rotations")
        world.sim.quiet(False)
        world.trader.paused = world.fate.paused = False
        told, wanted = False, world.scale.rotations
        with anyio.move_on_after((wanted + 2) * _LIFETIME_S):
            while rotating.observer.count("rotating") < wanted:
                await anyio.sleep(1.0)
                if world.exchange.announces_shutdown and not told and rng.random() < 0.02:
                    told = True
                    await self._shut_down()
        await self._stand_still()
        await anyio.sleep(_SETTLED_S)

    async def _stand_still(self) -> None:
        world = self.world
        world.trader.paused = world.fate.paused = True
        await world.trader.finish()
        world.sim.quiet(True)

    async def _shut_down(self) -> None:
        """The server says that it goes, and goes."""
        world = self.world
        old = list(world.sim.ws_connections)
        world.log.write("scenario", "the server announces its end")
        world.sim.server_shutdown()
        await anyio.sleep(_SETTLED_S)
        for connection in old:
            connection.close(1001, "")

    def _compare(self, name: str, steady: Sequence[Any], moved: Sequence[Any]) -> None:
        twice = [each for each, count in Counter(moved).items() if count > Counter(steady)[each]]
        lost = Counter(steady) - Counter(moved)
        if twice:
            self.fail(f"{name}: {len(twice)} came more often than on a socket that stays, such as {twice[0]}")
        if lost:
            self.fail(f"{name}: {sum(lost.values())} of {len(steady)} are missing, such as {next(iter(lost))}")
        elif not twice and list(steady) != list(moved):
            self.fail(f"{name} came in another order than on a socket that stays")

    def _judge_fills(self, told: Counter[str], owed: Counter[str], before: Counter[str]) -> None:
        """Where a rotation is a recovery, that looks back a little further, and may tell what was before the stream."""
        earlier = Counter(dict.fromkeys(told & before, 1))
        if told - earlier != owed:
            self.fail(f"fills: {dict(owed - told)} are missing, {dict(told - earlier - owed)} are too many")

    def _judge_losses(self, rotating: Second) -> None:
        """Where two sockets may stand side by side, nothing was ever lost on the way."""
        whole = {name for name, group in rotating.groups.items() if group.facts.duplicates_allowed}
        lost = [(group, at) for at, group, _, state in rotating.observer.sessions if state == "lost" and group in whole]
        if lost and not self.world.exchange.announces_shutdown:
            self.fail(f"a socket of {lost[0][0]} was lost at {lost[0][1]:.3f} s, which nobody cut")


async def _heard(streams: Iterable[Stream[Any]]) -> None:
    """Wait until each has brought something: one that is still silent after a fault is subscribed anew now and then."""
    with anyio.move_on_after(_SPEAKS_S):
        for each in streams:
            while each.state not in (StreamState.LIVE, StreamState.RECOVERED):  # noqa: ASYNC110 - it has no event
                await anyio.sleep(0.5)


def _short_lived(facts: WsFacts) -> WsFacts:
    return replace(facts, lifetime_s=_LIFETIME_S)


def _trades(connection: Any, symbol: str) -> Any:
    return connection.market.stream_trades(symbol, buffer=_BUFFER, overflow=Overflow.DROP_OLDEST)


def _best(connection: Any, symbol: str) -> Any:
    return connection.market.stream_best_bid_offer(symbol, buffer=_BUFFER, overflow=Overflow.DROP_OLDEST)


def _names(events: Sequence[Any]) -> list[Any]:
    """Return what tells events apart, whenever they were received. A state said again at once is no other event."""
    named = [
        getattr(event, "trade_id", None)
        or (event.bid_price_text, event.bid_quantity_text, event.ask_price_text, event.ask_quantity_text)
        for event in events
    ]
    return [name for at, name in enumerate(named) if isinstance(name, str) or at == 0 or named[at - 1] != name]


def _fill_names(events: Sequence[Any]) -> list[str]:
    return [str(event.fill.trade_id) for event in events if isinstance(event, FillEvent)]


def _fills(world: Any) -> Counter[str]:
    return Counter(world.exchange.trade_id(fill) for fill in world.sim.fills())
