"""Puts the parts of one connection together, starts them and stops them. No logic of its own."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random as randomness
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

import anyio
from anyio.lowlevel import checkpoint

from lotusx.account import Account
from lotusx.account_feed import AccountFeed
from lotusx.book import LiveOrderBook
from lotusx.errors import ConnectionFailed, LotusXError
from lotusx.exchange import Exchange
from lotusx.health_checks import Inside
from lotusx.instruments import Instruments
from lotusx.kernel.book import SnapshotPace, seconds_each
from lotusx.kernel.budget import Budget, BudgetRegistry
from lotusx.kernel.clock import ClockOffset
from lotusx.kernel.context import Kernel
from lotusx.kernel.facts import Capability
from lotusx.kernel.nonce import NonceAllocator, Stamper
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.kernel.redact import Redactor
from lotusx.kernel.rest import RestStack
from lotusx.kernel.secrets import Secret
from lotusx.kernel.telemetry import ItemDropped, Telemetry
from lotusx.kernel.ws_requests import BudgetedRequests
from lotusx.lifespans import Lifespans
from lotusx.logs import EventLog, wanted
from lotusx.market import MarketData
from lotusx.measuring import Measuring
from lotusx.orders import ClientOrderIds, OrderDesk
from lotusx.orders.reads import Reads
from lotusx.paper import ACCOUNT_GROUP
from lotusx.probing import Probe
from lotusx.reload import READ_ONLY, SHARE, changes, table_of
from lotusx.trading import Trading
from lotusx.transport.clock import SystemClock
from lotusx.transport.http import make_http_transport
from lotusx.transport.supervisor import WsGroup
from lotusx.transport.ws import make_ws_transport

if TYPE_CHECKING:
    from lotusx.config import Settings
    from lotusx.guard import Guard
    from lotusx.health_checks import Level
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.codec import Channel
    from lotusx.kernel.facts import Environment, ExchangeFacts
    from lotusx.kernel.flow import StreamState
    from lotusx.kernel.ports import Connector
    from lotusx.kernel.signer import Signer
    from lotusx.kernel.transport import HttpTransport, WsTransport
    from lotusx.model.instruments import Instrument
    from lotusx.model.requests import OrderRequest
    from lotusx.model.symbol import Symbol
    from lotusx.orders.commands import Occasion
    from lotusx.orders.journal import Journal
    from lotusx.orders.sqlite_journal import SqliteJournal
    from lotusx.paper import Paper
    from lotusx.plugin.manager import PluginManager
    from lotusx.reach import Reach
    from lotusx.streams import Overflow, Stream

logger = logging.getLogger("lotusx.connection")


@dataclass(frozen=True, slots=True)
class Parts:
    """What `connect` worked out."""

    manager: PluginManager
    facts: ExchangeFacts
    environment: Environment
    urls: Mapping[str, str]
    ws_urls: Mapping[str, str]
    settings: Settings
    credentials: Mapping[str, Secret | str] = field(repr=False)  # also an API key is nobody else's business
    signer: Signer | None
    guard: Guard
    account: str | None
    http: HttpTransport | None
    ws: WsTransport | None
    clock: Clock | None
    random: randomness.Random | None
    budgets: BudgetRegistry | None
    journal: Journal | None
    options: Mapping[str, Any]
    paper: Paper | None
    reach: Reach
    taken: Mapping[str, object]  # the settings by name, as `lotusx.reload` compares them
    reread: Callable[[], Mapping[str, object]]  # those that would hold now

    @property
    def label(self) -> str:
        """What observers and users are told: paper is never taken for the real thing."""
        return self.environment.name if self.paper is None else f"paper:{self.environment.name}"


class Wiring:
    """One connection's parts, from start to stop."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._taken = parts.taken
        self._stack = AsyncExitStack()
        self.clock: Clock = parts.clock or SystemClock()
        self.offset = ClockOffset(margin_ms=parts.facts.timestamp_margin_ms)
        self.telemetry = Telemetry(parts.facts.name)
        self._lifespans = Lifespans(parts.facts.name)
        self._registry = parts.budgets or self._own_registry(parts.settings.budgets)
        self.budget: Budget
        self._journal: Journal | None = parts.journal if parts.paper is None else None  # a paper account ends with us
        self._books: WeakValueDictionary[tuple[str, str], LiveOrderBook] = WeakValueDictionary()
        self.groups: dict[str, WsGroup] = {}
        self._measuring: Measuring | None = None
        self.instruments = Instruments(parts.facts.name, self.clock)
        self.connector: Connector
        self.rest: RestStack
        self.desk: OrderDesk
        self._tasks: anyio.abc.TaskGroup | None = None

    async def start(self, exchange: Exchange) -> None:
        """Build everything and enter what runs in the background."""
        parts, facts, rng = self.parts, self.parts.facts, self.parts.random or randomness.Random()
        registry, host = self._registry, min(parts.urls.values())
        await registry.ready()
        self.budget = registry.budget(facts.name, host, parts.reach.take(facts.limits), account=_identity(parts))
        nonces = getattr(parts.signer, "nonce_scope", None)
        for observer in parts.manager.observers(parts.label, parts.account):
            self.telemetry.observe(observer)
        if wanted():
            self.telemetry.observe(EventLog(facts.name, parts.label, parts.account))
        await self._lifespans.start(parts.manager.lifespans(parts.label, parts.account))
        http = parts.reach.over_http(parts.http or make_http_transport(proxy=parts.settings.proxy), self.clock)
        ws = parts.reach.over_ws(parts.ws or make_ws_transport(proxy=parts.settings.proxy, clock=self.clock))
        if parts.http is None:
            self._stack.push_async_callback(http.aclose)
        if parts.ws is None:
            self._stack.push_async_callback(ws.aclose)
        stamper = Stamper(
            self.clock,
            self.offset,
            NonceAllocator() if nonces is None else registry.nonces(facts.name, nonces),
            receive_window_ms=facts.receive_window_ms,
        )
        self.rest = self._rest(http, stamper, rng)
        self.rest.read_only = parts.settings.read_only or parts.paper is not None
        if parts.paper is not None:
            self.rest.sent_by = "a connection without paper"
        codecs = parts.manager.codecs(parts.environment, parts.signer, parts.credentials)
        for group, url in parts.ws_urls.items():
            self.groups[group] = WsGroup(
                exchange=facts.name,
                group=group,
                url=url,
                transport=ws,
                codec=codecs[group],
                facts=facts.ws[group],
                clock=self.clock,
                context=stamper.context,
                rng=rng,
                telemetry=self.telemetry,
                budget=registry.connects(url, facts.ws[group].connects_per_window),
                probe=lambda channel, since_ns, told: probe(channel, since_ns, told),
                on_restored=lambda channel, lost_ns, restored_ns: feed.restored(channel, lost_ns, restored_ns),
            )
        connector = parts.manager.connector(self._kernel())
        if parts.paper is not None:
            connector = parts.paper.over(connector, facts.name, self.clock)
        self.connector = connector
        for group, lease in connector.account.leases().items():
            self.groups[group].lease = lease
        self.instruments.use(parts.reach.fetch(connector.market.instruments))
        self.rest.use_time_source(connector.market.server_time_ns)
        probe = Probe(connector.market, self.instruments, self.clock, self._exchange_ns, self._book_of)
        on_disk = None
        if parts.journal is None and parts.settings.journal and self._may_send:
            on_disk = self._journal = self._journal_at(parts.settings.journal)
        self.desk = self._desk(connector, rng)
        feed = AccountFeed(
            self.desk,
            connector.trading,
            connector.account,
            self.clock,
            self.instruments,
            self.groups if parts.paper is None else {ACCOUNT_GROUP: parts.paper},
            self.rest.sync_clock if parts.paper is None else checkpoint,
            self._unlisted,
            self._exchange_ns if parts.paper is None else None,
            self.telemetry,
        )
        pace = SnapshotPace(self.clock)
        exchange.market = MarketData(
            parts.guard, connector.market, self.instruments, self._open_stream, partial(self._open_book, rng, pace)
        )
        exchange.trading = Trading(parts.guard, connector.trading, self.instruments, self.desk)
        random_bytes = rng.randbytes if parts.random is not None else os.urandom
        exchange.account = Account(
            parts.guard,
            connector.account,
            self.instruments,
            feed.open,
            lambda: self._exchange_ns(self.clock.now_ns()),
            lambda: str(uuid.UUID(bytes=random_bytes(16), version=4)),
        )
        self._tasks = await anyio.create_task_group().__aenter__()
        if on_disk is not None:
            await self._tasks.start(on_disk.run)
        if self._journal is not None and self._may_send:
            leftovers = self.desk.adopt(await self._journal.undecided())
            self._tasks.start_soon(leftovers.resolve, self.instruments.resolve)
        for each in self.groups.values():
            await self._tasks.start(each.run)
        if self.telemetry.measure_s:
            self._measuring = Measuring(
                facts.name, self.telemetry, self.clock, self.offset, self.budget, self.groups, feed.measured
            )
            self._tasks.start_soon(self._measuring.run)
        if parts.paper is not None:
            await self._tasks.start(parts.paper.run, exchange.market)
        self._tasks.start_soon(feed.run)
        self._tasks.start_soon(feed.watch)
        self._tasks.start_soon(self.desk.run)
        if parts.signer is not None:
            self._tasks.start_soon(self.rest.keep_clock)

    async def stop(self) -> None:
        """End everything. The caller's own error is not seen here: it passes through as it is."""
        tasks, self._tasks = self._tasks, None
        try:
            if tasks is not None:
                tasks.cancel_scope.cancel()
                await tasks.__aexit__(None, None, None)
        finally:  # where the caller is being cancelled, waiting for the tasks raises
            with anyio.CancelScope(shield=True), anyio.move_on_after(2.0):
                await self._stack.aclose()
            self._forget()
            if self._measuring is not None:
                self._measuring.measure()
            await self._lifespans.stop()

    def _forget(self) -> None:
        """Let go of the keys; docs/security.md says how far that reaches."""
        parts = self.parts
        for value in (*parts.credentials.values(), *parts.settings.credentials.values()):
            if isinstance(value, Secret):
                value.forget()
        self.parts = replace(parts, credentials={}, signer=None, settings=replace(parts.settings, credentials={}))
        if hasattr(self, "rest"):
            self.rest.forget()

    def reload(self) -> tuple[str, ...]:
        """Take up what has changed in the configuration; see `Exchange.reload`."""
        fresh = self.parts.reread()
        plugins = {table_of(name): prepare for name, prepare in self.parts.manager.reloads().items()}
        found = changes(self.parts.facts.name, self._taken, fresh, plugins)
        prepared = [plugins[each](cast("Mapping[str, Any]", fresh[each])) for each in found if each in plugins]
        for put_in_force in prepared:  # none of them was wrong
            put_in_force()
        if SHARE in found:
            share = fresh[SHARE]
            assert share is None or isinstance(share, Decimal)
            self.budget.adopt(self.parts.reach.retake(share), self.clock.monotonic_ns())
        if READ_ONLY in found:
            self.parts.guard.read_only = self.rest.read_only = True
        self._taken = fresh
        return found

    async def clock_offset(self) -> tuple[int, int]:
        """Measure; return (exchange minus our wall clock, round trip), both in milliseconds."""
        await self.rest.sync_clock()
        round_trip_ns = self.offset.round_trip_ns or 0
        return round(self.offset.wall_offset_ms(self.clock)), round_trip_ns // 1_000_000

    def streams(self) -> Mapping[str, StreamState]:
        """Return the state of every subscription."""
        return {name: state for group in self.groups.values() for name, state in group.states().items()}

    def levels(self) -> Sequence[Level]:
        """Return how full the exchange's limits are."""
        return self.budget.levels(self.clock.monotonic_ns())

    def stats(self) -> Mapping[str, Any]:
        """Return live sizes and counters."""
        return {
            "instruments": len(self.instruments.all()),
            "websockets": {name: dict(group.stats()) for name, group in self.groups.items()},
        }

    def _rest(self, http: HttpTransport, stamper: Stamper, rng: randomness.Random) -> RestStack:
        parts = self.parts
        return RestStack(
            exchange=parts.facts.name,
            transport=http,
            dialect=parts.manager.rest_dialect(),
            budget=self.budget,
            clock=self.clock,
            stamper=stamper,
            random=rng,
            telemetry=self.telemetry,
            signer=parts.signer,
            redactor=Redactor(
                value.reveal() if isinstance(value, Secret) else value for value in parts.credentials.values()
            ),
            middleware=parts.manager.middleware(),
            check=parts.guard.check,
        )

    def _kernel(self) -> Kernel:
        return Kernel(
            facts=self.parts.facts,
            environment=self.parts.environment,
            urls=self.parts.urls,
            rest=self.rest,
            ws=self._requests,
            exchange_ns=lambda: self._exchange_ns(self.clock.now_ns()),
            charge=lambda costs: self.budget.charge(costs, self.clock.monotonic_ns()),
            limits=lambda limits: self.budget.adopt(self.parts.reach.take(limits), self.clock.monotonic_ns()),
            instruments=self.instruments,
            clock=self.clock,
            telemetry=self.telemetry,
            credentials=self.parts.credentials,
            signer=self.parts.signer,
            options=self.parts.options,
        )

    def _requests(self, group: str) -> BudgetedRequests:
        return BudgetedRequests(
            self.groups[group],
            exchange=self.parts.facts.name,
            name=group,
            budget=self.budget,
            clock=self.clock,
            telemetry=self.telemetry,
            time=self.rest,
            check=self.parts.guard.check,
        )

    def _own_registry(self, path: str | None) -> BudgetRegistry:
        if path is None:
            return BudgetRegistry()
        from lotusx.budget_places import registry_at

        shared = registry_at(path, self.parts.settings.allowed_plugins)
        self._stack.callback(shared.close)
        return shared

    @property
    def _may_send(self) -> bool:
        return self.parts.signer is not None and not self.parts.settings.read_only

    def _journal_at(self, path: str) -> SqliteJournal:
        from lotusx.orders.sqlite_journal import SqliteJournal

        parts = self.parts
        scope = ":".join((parts.facts.name, parts.environment.name, parts.settings.base_url or "", _identity(parts)))
        session = f"{os.getpid()}-{os.urandom(6).hex()}"
        return SqliteJournal(path, scope, self.clock, session=session)

    def _desk(self, connector: Connector, rng: randomness.Random) -> OrderDesk:
        parts = self.parts
        if self._journal is None and self._may_send:
            logger.info(
                "%s: orders are remembered in memory only; after a crash, doubt about what was sent cannot be resolved",
                parts.facts.name,
            )
        return OrderDesk(
            parts.facts.name,
            connector.trading,
            self.clock,
            ids=ClientOrderIds(rng.randbytes if parts.random is not None else os.urandom),
            horizon_s=parts.facts.horizon_s,
            hidden_by=parts.facts.hidden_by,
            batch_limits=batch_limits(parts.facts),
            checks=(partial(self._look_at, connector),) if parts.manager.checks_orders else (),
            journal=self._journal,
            telemetry=self.telemetry,
            exchange_ns=self._exchange_ns if parts.paper is None else int,
            prepare=self._measure_clock if parts.facts.deadline_by_our_clock else None,
        )

    async def _look_at(
        self, connector: Connector, request: OrderRequest, instrument: Instrument, occasion: Occasion
    ) -> None:
        parts, desk = self.parts, self.desk
        reads = Reads(
            self.clock, instrument, desk.ledger, connector.market, connector.trading, connector.account, desk.query,
            occasion.before, occasion.change, occasion.dry_run,
        )  # fmt: skip
        await parts.manager.before_order(request, instrument, reads, parts.account)

    async def _measure_clock(self) -> None:
        if self.offset.synced:
            return
        try:
            await self.rest.sync_clock()
        except LotusXError as error:
            reason = f"{self.parts.facts.name}: nothing was sent, because its clock could not be read: {error}"
            raise ConnectionFailed(reason, sent=False) from error

    def _exchange_ns(self, wall_ns: int) -> int:
        return self.offset.at_wall_ns(wall_ns, self.clock)

    def _unlisted(self, symbol: Symbol) -> None:
        reason = f"{symbol} is not listed: what was missed of it was left out of a recovery"
        logger.warning("%s: %s", self.parts.facts.name, reason)
        self.telemetry.emit(ItemDropped(self.parts.facts.name, "account", reason))

    def _open_stream(
        self, channel: Channel[Any], *, buffer: int, overflow: Overflow
    ) -> AbstractAsyncContextManager[Stream[Any]]:
        return self.groups[channel.group].subscribe(channel, buffer=buffer, overflow=overflow)

    def _open_book(
        self, rng: randomness.Random, pace: SnapshotPace, instrument: Instrument, depth: int
    ) -> LiveOrderBook:
        market = self.connector.market
        channel, rule = market.book_channel(instrument, depth), market.book_rule(depth)
        each_s = seconds_each(rule.costs, self.parts.reach.limits(self.parts.facts.limits))
        book = self._books[channel.group, channel.key] = LiveOrderBook(
            instrument,
            lambda: self.groups[channel.group].subscribe(channel),
            lambda: market.order_book(instrument, depth),
            rule,
            clock=self.clock,
            random=rng,
            pace=pace.turns(each_s or 1 / self.parts.facts.snapshots_per_s),
            telemetry=self.telemetry,
            exchange=self.parts.facts.name,
        )
        if self._measuring is not None:
            self._measuring.watch(book)
        return book

    def _book_of(self, channel: Channel[Any]) -> LiveOrderBook | None:
        return self._books.get((channel.group, channel.key))


def _identity(parts: Parts) -> str:
    """Return a text that tells accounts of an exchange apart and gives none of their credentials away."""
    return _hashed(_public(parts))


def _holdings(parts: Parts) -> str:
    """Return a text that connections have in common which show the same holdings; "": nobody can tell."""
    public = _public(parts)
    if parts.paper is not None or not any(public.values()):
        return ""
    shown_by = parts.facts.holdings or parts.facts.name
    return ":".join((shown_by, parts.environment.name, parts.settings.base_url or "", _hashed(public)))


def _public(parts: Parts) -> dict[str, str]:
    credentials = parts.credentials
    public = {field.name: str(credentials.get(field.name, "")) for field in parts.facts.credentials if not field.secret}
    if not any(public.values()):  # a key that is its own account
        public["nonces"] = str(getattr(parts.signer, "nonce_scope", ""))
    return public


def _hashed(public: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:16]


def batch_limits(facts: ExchangeFacts) -> dict[CommandKind, int]:
    """Return how many items a batch of each kind may have, where the exchange states it as ``max_items``."""
    kinds = {
        CommandKind.PLACE: Capability.BATCH_ORDERS,
        CommandKind.AMEND: Capability.BATCH_AMEND,
        CommandKind.CANCEL: Capability.BATCH_CANCEL,
    }
    stated = {kind: facts.capabilities.get(capability) for kind, capability in kinds.items()}
    return {kind: found.limits["max_items"] for kind, found in stated.items() if found and "max_items" in found.limits}


def wire(parts: Parts) -> Exchange:
    """Return the exchange object; nothing runs before it is entered."""
    wiring = Wiring(parts)
    return Exchange(
        name=parts.facts.name,
        environment=parts.label,
        guard=parts.guard,
        clock=wiring.clock,
        start=wiring.start,
        stop=wiring.stop,
        stats=wiring.stats,
        reload=wiring.reload,
        inside=Inside(wiring.clock_offset, wiring.streams, wiring.levels),
        native=lambda: wiring.connector.native,
        holdings=_holdings(parts),
    )
