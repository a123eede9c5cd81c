"""One run: a simulated exchange, a real connection to it, a user, and what goes wrong between them."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import anyio
import trio

import lotusx
from lotusx.errors import LotusXError, StaleBook
from lotusx.streams import Overflow, StreamState
from lotusx_sim import LoopClock, Simulator
from lotusx_sim.shells import memory
from rig.all_faults import FAULTS
from rig.canary import Haystack
from rig.clocks import UserClock
from rig.comparing import unlike_fills, unlike_state
from rig.invariants import INVARIANTS
from rig.log import EventLog
from rig.notes import Notes
from rig.plan import Plan
from rig.randomness import split
from rig.readers import AccountReader, StreamReader
from rig.requests import WatchedHttp
from rig.scale import SMALL, Scale
from rig.sessions import Sessions
from rig.trader import Fate, Trader
from rig.wire import Gate, WatchedVenue, WatchedWs

if TYPE_CHECKING:
    from rig.exchange import UnderTest
    from rig.invariant import Invariant
    from rig.tamper import Broken

_RECONNECT_S = 75.0
"""Backoff of at most 30 s, a handshake that hangs for 10 s, a retry after it, and a lost answer asked for again."""
_LIMITS_S = 120.0
"""Longest that the exchange's limits may count as the reason for a late recovery."""
_POLL_S = 0.25
_UP = ("acknowledged", "live", "recovered", "silent")


@dataclass(slots=True)
class Episode:
    """One fault and its rest. Times in virtual nanoseconds; 0: not yet.

    Attributes:
        patience_s: How long the recovery may take. ``reconnect_s``: how long connecting may.
        healed_ns: Everything was mended. ``back_ns``: every socket lived again, everything was subscribed.
        judged_ns: When the invariants looked.
    """

    fault: str
    patience_s: float
    reconnect_s: float
    start_ns: int
    healed_ns: int = 0
    back_ns: int = 0
    judged_ns: int = 0


class World:
    """Everything of one run, for faults and invariants to reach for.

    Attributes:
        holes: Black holes: when each began, and the sessions that lived then.
        dark_reads: What reading the book gave while no peer was there, after the deadline: time, whether it answered.
    """

    book: lotusx.LiveOrderBook
    account: AccountReader
    trader: Trader
    fate: Fate
    connection: lotusx.Exchange
    transport: WatchedWs
    http: WatchedHttp
    clock: UserClock
    server: memory.MemoryServer

    def __init__(
        self, exchange: UnderTest, seed: int, plan: Plan, broken: Broken | None = None, scale: Scale = SMALL
    ) -> None:
        self.exchange = exchange
        self.seed = seed
        self.plan = plan
        self.scale = scale
        self.log = EventLog(self.now_ns)
        self.haystack = Haystack()
        self.gate = Gate()
        self.venue = WatchedVenue(exchange, self.gate)
        self.sim = Simulator(self.venue.as_venue())
        self.venue.later = self.sim.later
        self.notes = Notes()
        self.sessions = Sessions(self.log, self.haystack, self.now_ns)
        self.readers: list[StreamReader] = []
        self.episodes: list[Episode] = []
        self.holes: list[tuple[int, list[tuple[str, int]]]] = []
        self.dark_reads: list[tuple[int, bool]] = []
        self.invariants: list[Invariant] = [kind(self) for kind in INVARIANTS]
        self.broken = broken
        self.left_s = 0.0
        self._wanted: Counter[str] = Counter()

    # ------------------------------------------------------------------------------------------------------ time

    def now_ns(self) -> int:
        """Return virtual time."""
        return round(trio.current_time() * 1e9)

    def seconds(self) -> float:
        """Return virtual time in seconds."""
        return anyio.current_time()

    # ------------------------------------------------------------------------------------------------------- run

    async def live(self) -> None:
        """Run from the first connection to the last look."""
        plan, exchange = self.plan, self.exchange
        clock = LoopClock()
        async with memory.connect(self.sim, clock=clock, latency_s=plan.latency_s) as server:
            self.server = server
            self.clock = UserClock(clock, plan.skew_s)
            self.http = WatchedHttp(server.http, self.now_ns)
            self.transport = WatchedWs(server.ws, exchange, self._after_turn)
            outer = self.broken.ws(self.transport) if self.broken and self.broken.ws else self.transport
            self.connection = lotusx.connect(
                exchange.name,
                environment="simulator",
                base_url=server.base_url,
                credentials=exchange.credentials,
                http=self.http,
                ws=outer,
                clock=self.clock,
                random=split(self.seed, "connection"),
                plugins=[self.sessions],
                options={"order_entry": "ws"} if plan.ws_orders and exchange.has_ws_orders else None,
            )
            if self.broken is not None:
                self.broken.tamper(self.connection)
            async with self.connection, AsyncExitStack() as streams:
                self.gate.whose = self.channel_of
                if self.broken is not None and self.broken.opened is not None:
                    self.broken.opened(self.connection)
                await self._open(streams)
                for invariant in self.invariants:
                    invariant.opened()
                async with anyio.create_task_group() as tasks:
                    for reader in self.readers:
                        tasks.start_soon(reader.run)
                    for user in (self.account.run, self.trader.run, self.fate.run):
                        tasks.start_soon(user)
                    await self._go_through()
                    tasks.cancel_scope.cancel()
        for invariant in self.invariants:
            invariant.after_close()

    async def _go_through(self) -> None:
        await self._wait_connected(_RECONNECT_S)
        self._wanted = Counter(group for group, _ in self.sessions.live())
        for number, name in enumerate(self.plan.faults):
            await self._suffer(name, number)
        self._rest(True)
        await self.trader.finish()
        for invariant in self.invariants:
            await invariant.at_leisure()
        for invariant in self.invariants:
            invariant.at_end()
        self._keep_what_shows()
        self.left_s = self.seconds()

    async def _open(self, streams: AsyncExitStack) -> None:
        exchange, market = self.exchange, self.connection.market
        self.account = AccountReader(
            await streams.enter_async_context(self.connection.account.stream_account()),
            split(self.seed, "account reader"),
            self.log,
            self.now_ns,
        )
        self.book = await streams.enter_async_context(
            market.live_order_book(exchange.symbol, depth=exchange.book_depth)
        )
        wanted: tuple[tuple[str, Any, float, int], ...] = (
            ("all trades", market.stream_trades(exchange.symbol), 2.0, 30),
            ("few trades", market.stream_trades(exchange.symbol, buffer=10), 20.0, 4),
            ("best price", market.stream_best_bid_offer(exchange.symbol), 5.0, 3),
        )
        if self.plan.blocks:
            blocking = market.stream_trades(exchange.quiet_symbol, buffer=8, overflow=Overflow.BLOCK)
            wanted = (*wanted, ("blocking", blocking, 4.0, 6))
        for name, opening, doze_s, doze_every in wanted:
            stream = await streams.enter_async_context(opening)
            base = self.transport.events[stream.name]
            rng = split(self.seed, f"reader {name}")
            self.readers.append(StreamReader(name, stream, rng, base=base, doze_s=doze_s, doze_every=doze_every))
        self.trader = Trader(self, self.connection, split(self.seed, "trader"))
        self.trader.look()
        self.fate = Fate(self, split(self.seed, "fate"))

    async def _suffer(self, name: str, number: int) -> None:
        fault = FAULTS[name]
        rng = split(self.seed, f"fault {number}")
        await anyio.sleep(1.0 + rng.random() * 6)
        shut_out_s = self.exchange.shut_out_s if fault.shuts_out else 0.0
        episode = Episode(name, fault.patience_s + shut_out_s, _RECONNECT_S + shut_out_s, self.now_ns())
        self.episodes.append(episode)
        self.log.write("fault", f"{name} begins")
        await fault.strike(self, rng)
        self.log.write("fault", f"{name} ends")
        await self._settle(episode, rng.random() * 3)

    async def _settle(self, episode: Episode, more_s: float) -> None:
        """Mend everything, let the recovery happen while the market goes on, then stand still and look."""
        self.sim.heal()
        self.gate.open()
        self.wake_blocking_readers(True)
        self.trader.paused = True
        episode.healed_ns = self.now_ns()
        await anyio.sleep(4 * self.plan.latency_s + _POLL_S)  # what was cut last is still being noticed
        await self._wait_connected(episode.reconnect_s)
        episode.back_ns = self.now_ns()
        await self._touch()
        await anyio.sleep(more_s)
        self._rest(True)
        since_ns = episode.back_ns
        while True:
            await anyio.sleep(0.5)  # what comes too often comes now
            if any(invariant.waits(episode) for invariant in self.invariants):
                since_ns = self.now_ns()  # a command is still on its way, and what it does is told after it
            elif not self._is_behind(episode):
                break
            elif self.now_ns() >= self.due_ns(episode, since_ns) and not self.account.stream.counters.waiting:
                break  # the reader takes naps: what has reached it by then counts
        episode.judged_ns = self.now_ns()
        self.log.write("rest", f"after {episode.fault}")
        for invariant in self.invariants:
            invariant.at_rest(episode)
        self.wake_blocking_readers(False)
        self._rest(False)

    def _rest(self, still: bool) -> None:
        self.trader.paused = self.fate.paused = still
        self.sim.quiet(still)

    async def _touch(self) -> None:
        """Have something said about the account: a message that was held back goes out with it."""
        trader = self.trader
        intent = trader.intend()
        instrument = await self.connection.market.instrument(self.exchange.symbol)
        await trader.place(intent, trader.resting(instrument, intent))
        if intent.handle is not None:
            await trader.cancel(intent)

    async def _wait_connected(self, longest_s: float) -> None:
        with anyio.move_on_after(longest_s):
            while not self.is_connected():  # noqa: ASYNC110 - what is watched has no event to wait for
                await anyio.sleep(0.05)

    def _after_turn(self) -> None:
        for invariant in self.invariants:
            invariant.after_turn()

    def _keep_what_shows(self) -> None:
        """Add everything a user could print or store of this connection to what is searched for secrets."""
        connection, keep = self.connection, self.haystack
        shown = (
            connection, connection.market, connection.trading, connection.account, connection.native,
            connection.stats(), connection.capabilities, self.book, *(each.stream for each in self.readers),
            self.account.stream, *self.account.orders.values(),
        )  # fmt: skip
        for item in shown:
            keep.add(repr(item), str(item), repr(getattr(item, "__dict__", "")))
            keep.add_pickle(item)

    # ---------------------------------------------------------------------------------------- for faults to call

    def wake_blocking_readers(self, awake: bool) -> None:
        """A socket that a slow reader keeps from being read is not judged dead: nobody may doze in a black hole."""
        for reader in self.readers:
            if reader.name == "blocking":
                reader.stay_awake(awake)

    def read_in_the_dark(self) -> None:
        """Read the book where nothing can have come since the deadline, and note whether it answered."""
        try:
            self.book.bids(1)
            answered = True
        except StaleBook:
            answered = False
        self.dark_reads.append((self.now_ns(), answered))

    # --------------------------------------------------------------------------------------- for judges to read

    def is_connected(self) -> bool:
        """Whether every socket of the beginning lives, and everything is subscribed."""
        live = Counter(group for group, _ in self.sessions.live())
        if self._wanted - live:
            return False
        newest = {key: state for _, key, state in self.sessions.changes}
        if any(newest.get(key, "requested") not in _UP for key in self.exchange.private_keys):
            return False
        down = (StreamState.LOST, StreamState.REQUESTED)
        return all(reader.stream.state not in down for reader in self.readers)

    def due_ns(self, episode: Episode, back_ns: int) -> int:
        """Return when all must be well after *back_ns*; it counts from when the exchange's limits let us ask."""
        limits_ns = min(self.sessions.held_ns, back_ns + round(_LIMITS_S * 1e9))
        return max(back_ns, limits_ns) + round(episode.patience_s * 1e9)

    def _is_behind(self, episode: Episode) -> bool:
        untold = self.is_recovery_owed(episode) and self.account.error is None
        return bool(untold or unlike_state(self) or unlike_fills(self) or self.book.state != "synced")

    def losses(self, episode: Episode) -> list[int]:
        """Return when the account's channels were lost in *episode*."""
        private = self.exchange.private_keys
        return [
            ns for ns, key, state in self.sessions.changes
            if key in private and state == "lost" and ns >= episode.start_ns
        ]  # fmt: skip

    def is_recovery_owed(self, episode: Episode) -> bool:
        """Whether the account's channel was lost in *episode* and nobody said since that it is whole again."""
        losses = self.losses(episode)
        return bool(losses) and not any(ns >= losses[-1] for ns, _ in self.account.recovered)

    def expected_subscriptions(self) -> Counter[str]:
        """Return what should be subscribed now, by channel: each once."""
        keys = {reader.stream.name for reader in self.readers} | self.exchange.private_keys | {self.book_key()}
        return Counter(keys)

    def book_key(self) -> str:
        """Return the channel of the live book."""
        stream: Any = cast("Any", self.book)._stream
        return cast("str", stream.name)

    def wiring(self, connection: lotusx.Exchange | None = None) -> Any:
        """Return the parts of a connection, of the one under test unless another is named."""
        return cast("Any", connection or self.connection)._start.__self__

    def channel_of(self, message: bytes) -> str | None:
        """Return the key of the channel that *message* belongs to, as the connection's own codecs read it."""
        for group in self.wiring().groups.values():
            try:
                whose = group._codec.route(message)
            except LotusXError:
                continue
            if isinstance(whose, str):
                return whose
        return None

    def our_symbol(self, venue_symbol: str) -> str:
        """Return our name of a market."""
        return str(self._listed(venue_symbol).symbol)

    def step_of(self, venue_symbol: str) -> Decimal:
        """Return the quantity step of a market, by the venue's name of it."""
        step = self._listed(venue_symbol).step_size
        assert step is not None
        return step

    def _listed(self, venue_symbol: str) -> lotusx.Instrument:
        table: Any = cast("Any", self.connection)._start.__self__.instruments
        return cast("lotusx.Instrument", table.by_venue_symbol(self.exchange.listed_as(venue_symbol)))
