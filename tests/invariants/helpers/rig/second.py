"""A second connection of the same user, for what would disturb the first: other facts, other streams, own observer."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import anyio

import lotusx
from lotusx.kernel.clock import Clock
from lotusx.kernel.codec import WsFacts
from lotusx.kernel.telemetry import Event, SessionChanged, StreamChanged
from lotusx.kernel.transport import WsConnection, WsHandler, WsTransport
from lotusx.plugin import hookimpl
from lotusx_sim.shells.memory import MemoryServer
from rig.randomness import split

if TYPE_CHECKING:
    from lotusx.kernel.budget import BudgetRegistry
    from rig.tamper import Broken
    from rig.world import World

_KEPT = 50


class Tap:
    """Stands in front of who takes the messages of a socket; keeps the last ones, and lets others be put in.

    Attributes:
        last: The last messages.
    """

    def __init__(self, inner: WsHandler) -> None:
        self.last: deque[bytes] = deque(maxlen=_KEPT)
        self._inner = inner

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        """See `lotusx.kernel.transport.WsHandler`."""
        self.last.extend(messages)
        self._inner.on_messages(messages, received_ns)

    def put(self, messages: list[bytes], received_ns: int) -> None:
        """Hand over *messages* as if the socket had brought them."""
        self._inner.on_messages(messages, received_ns)


class Handlers:
    """A transport that notes when it was asked to connect, and keeps hold of who takes the messages.

    Attributes:
        attempts: In virtual seconds.
        taps: Of the connections, by their order.
    """

    def __init__(self, inner: WsTransport) -> None:
        self.attempts: list[float] = []
        self.taps: list[Tap] = []
        self._inner = inner

    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        """See `lotusx.kernel.transport.WsTransport`."""
        self.attempts.append(anyio.current_time())
        tap = Tap(handler)
        connection = await self._inner.connect(url, tap, **settings)
        self.taps.append(tap)
        return connection

    async def aclose(self) -> None:
        """Nothing is held."""


class Observer:
    """What telemetry told of one connection, and the plugin that brings it in.

    Attributes:
        sessions: Time in virtual seconds, group, number, state. ``streams``: time, key, state.
    """

    def __init__(self) -> None:
        self.sessions: list[tuple[float, str, int, str]] = []
        self.streams: list[tuple[float, str, str]] = []

    @hookimpl
    def lotusx_observer(self, exchange: str) -> Callable[[Event], None]:
        """Observe."""
        del exchange
        return self._take

    def _take(self, event: Event) -> None:
        if isinstance(event, SessionChanged):
            self.sessions.append((anyio.current_time(), event.group, event.session, event.state))
        elif isinstance(event, StreamChanged):
            self.streams.append((anyio.current_time(), event.key, event.state))

    def live(self) -> int:
        """Return how many sockets live."""
        alive: dict[tuple[str, int], bool] = {}
        for _, group, number, state in self.sessions:
            alive[(group, number)] = state in ("live", "noticed", "rotating")
        return sum(alive.values())

    def count(self, state: str) -> int:
        """Return how often a socket came into *state*."""
        return sum(state == each for *_, each in self.sessions)


@dataclass(slots=True)
class Second:
    """The connection and what is seen of it."""

    connection: lotusx.Exchange
    transport: Handlers
    observer: Observer

    @property
    def groups(self) -> dict[str, Any]:
        """Its groups of sockets, by name."""
        return cast("dict[str, Any]", cast("Any", self.connection)._start.__self__.groups)


def _same(facts: WsFacts) -> WsFacts:
    return facts


@asynccontextmanager
async def second(
    world: World,
    purpose: str,
    *,
    facts: Callable[[WsFacts], WsFacts] = _same,
    server: MemoryServer | None = None,
    clock: Clock | None = None,
    budgets: BudgetRegistry | None = None,
) -> AsyncIterator[Second]:
    """Connect once more, broken in the same way, if at all.

    Args:
        purpose: Of its randomness.
        facts: Returns what the exchange is to state of a group of addresses instead.
        server: Another simulated exchange than the world's; its *clock* goes with it.
        budgets: What it shares with other connections.
    """
    broken: Broken | None = world.broken
    server = server or world.server
    transport, observer = Handlers(server.ws), Observer()
    connection = lotusx.connect(
        world.exchange.name,
        environment="simulator",
        base_url=server.base_url,
        credentials=world.exchange.credentials,
        http=server.http,
        ws=broken.ws(transport) if broken is not None and broken.ws is not None else transport,
        clock=clock or world.clock,
        random=split(world.seed, purpose),
        plugins=[observer],
        budgets=budgets,
    )
    if broken is not None:
        broken.tamper(connection)
    wiring: Any = cast("Any", connection)._start.__self__
    stated = {name: facts(each) for name, each in wiring.parts.facts.ws.items()}
    wiring.parts = replace(wiring.parts, facts=replace(wiring.parts.facts, ws=stated))
    async with connection:
        if broken is not None and broken.opened is not None:
            broken.opened(connection)
        yield Second(connection, transport, observer)
