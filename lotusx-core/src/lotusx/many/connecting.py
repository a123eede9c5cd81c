"""Several connections, used as one: opened together, watched together, closed together."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Collection, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio

from lotusx.connection import connect
from lotusx.errors import (
    ConfigurationError,
    ConnectorFailed,
    InvalidArgument,
    LotusXError,
    RequestTimeout,
    UnknownSymbol,
)
from lotusx.exchange import Exchange
from lotusx.many.books import InverseRule, LegPlan, LiveConsolidatedBook
from lotusx.many.hosting import Failures, Hosts, to_failures
from lotusx.many.matching import Match, SameQuotes, match, require_same
from lotusx.many.merging import EventSource, Merged
from lotusx.many.portfolio import Portfolio, read_all
from lotusx.model.enums import InstrumentKind
from lotusx.model.numbers import decimal_from_user
from lotusx.transport.clock import SystemClock

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.model.instruments import Instrument
    from lotusx.model.symbol import Symbol
    from lotusx.rules import Rounding

K = TypeVar("K", bound=Hashable)
E = TypeVar("E")

Connection = str | Mapping[str, Any] | Exchange
"""The name of an installed exchange; `lotusx.connect`'s arguments by name; or what `lotusx.connect` returned."""

_CONNECT = inspect.signature(connect)


def connect_many(
    connections: Mapping[str, Connection],
    *,
    failures: Failures | str = Failures.FATAL,
    open_timeout_s: float = 30.0,
    clock: Clock | None = None,
) -> Many:
    """Prepare several connections: ``async with lotusx.connect_many({…}) as many: many["spot"].market…``.

    Nothing is sent before that. Each value is one of::

        "acme"                                       the name of an installed exchange
        {"name": "acme", "account": "hedge"}         the arguments of `lotusx.connect`
        lotusx.connect("acme", account="hedge")      a connection that was not used before

    Args:
        connections: Your name of each connection → what to connect to.
        failures: What the failure of one does to the others: ``fatal`` or ``isolated``.
        open_timeout_s: How long an exchange may take to list its instruments; one that takes longer has failed.
        clock: Where the times of `Many.portfolio` come from; ``None``: the machine's.

    Raises:
        ConfigurationError: One of them is set up wrong, whatever *failures* says; the text names it.
    """
    if not connections:
        raise InvalidArgument("connect_many needs at least one connection")
    policy = to_failures(failures)
    exchanges = {name: _prepared(name, value) for name, value in connections.items()}
    return Many(exchanges, connections, policy, open_timeout_s, clock)


def _prepared(name: str, value: Connection) -> Exchange:
    if isinstance(value, Exchange):
        return value
    try:
        arguments = _CONNECT.bind(**({"name": value} if isinstance(value, str) else value))
    except TypeError as error:  # such as an argument that `connect` does not have
        raise ConfigurationError(f"the connection {name!r}: {error}; write the arguments of lotusx.connect") from None
    try:
        return connect(*arguments.args, **arguments.kwargs)
    except LotusXError as error:
        raise ConfigurationError(f"the connection {name!r}: {error}") from error


class Many:
    """Several connections, open while the ``async with`` block runs. Made by `connect_many`.

    They are opened at once; a connection counts as open when its exchange has listed its instruments. When the block
    ends, for whatever reason, all are closed. An exchange that cannot be reached for a while is no failure: its streams
    say so and come back by themselves. A connection has failed if it could not be opened, or if its machinery broke.

    Attributes:
        failures: What the failure of one does to the others.
        names: All names, in the caller's order.
    """

    def __init__(
        self,
        exchanges: Mapping[str, Exchange],
        connections: Mapping[str, Connection],
        failures: Failures,
        open_timeout_s: float,
        clock: Clock | None,
    ) -> None:
        self.failures = failures
        self._open_timeout_s = open_timeout_s
        self.names = tuple(exchanges)
        self._exchanges = dict(exchanges)
        self._connections = dict(connections)
        self._clock = clock or SystemClock()
        self._hosts: Hosts[str, Exchange] = Hosts(failures, ConnectorFailed)
        self._context: AbstractAsyncContextManager[object] | None = None

    def __repr__(self) -> str:
        return f"<Many {len(self.alive)} open, {len(self.failed)} failed, of: {', '.join(self.names)}>"

    async def __aenter__(self) -> Self:
        if self._context is not None:
            raise LotusXError("these connections were used before; call lotusx.connect_many again")
        contexts = {name: _opened(exchange, self._open_timeout_s) for name, exchange in self._exchanges.items()}
        self._context = self._hosts.run(contexts, wait=True)
        try:
            await self._context.__aenter__()
        except BaseException:
            self._connections.clear()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._context is not None
        try:
            return await self._context.__aexit__(kind, error, trace)
        finally:
            self._connections.clear()  # credentials may be among them

    # ------------------------------------------------------------------------------------------------ connections

    def __getitem__(self, name: str) -> Exchange:
        """Return the connection *name*.

        Raises:
            ConnectorFailed: It could not be opened, or broke.
            InvalidArgument: None has that name.
        """
        if name not in self._exchanges:
            raise InvalidArgument(f"no connection is called {name!r}; there are: {', '.join(self.names)}")
        failed = self.failed.get(name)
        if failed is not None:
            raise ConnectorFailed(name, failed.__cause__ or failed)
        try:
            return self._hosts.held[name]
        except KeyError:
            what = "is not open: async with lotusx.connect_many(…) as many: …"
            if self._context is not None and name in self._connections:
                what = "is just being opened again"
            raise LotusXError(f"the connection {name!r} {what}") from None

    @property
    def alive(self) -> Mapping[str, Exchange]:
        """The open connections, in the caller's order."""
        return {name: self._hosts.held[name] for name in self.names if name in self._hosts.held}

    @property
    def failed(self) -> Mapping[str, ConnectorFailed]:
        """Why the others cannot be used."""
        found = self._hosts.failed
        return MappingProxyType({name: error for name, error in found.items() if isinstance(error, ConnectorFailed)})

    async def reopen(self, name: str) -> Exchange:
        """Try to open a failed connection once more, with the arguments it had, and return it.

        What read from the old one (merged streams, consolidated books) does not come back by itself.

        Raises:
            ConnectorFailed: It cannot be opened; it stays failed.
            InvalidArgument: It is open, nobody has that name, or it was given as a prepared connection.
        """
        if name not in self.failed:
            raise InvalidArgument(f"{name!r} has not failed; failed: {', '.join(self.failed) or 'none'}")
        if name not in self._connections:
            raise LotusXError("the block of these connections has ended; nothing more can be opened in it")
        wanted = self._connections[name]
        if isinstance(wanted, Exchange):
            raise InvalidArgument(f"{name!r} was given as a prepared connection, which can be used once only")
        self._exchanges[name] = _prepared(name, wanted)
        await self._hosts.add(name, _opened(self._exchanges[name], self._open_timeout_s))
        return self[name]

    # ---------------------------------------------------------------------------------------------------- streams

    def merge(
        self,
        streams: Mapping[K, AbstractAsyncContextManager[EventSource[E]]],
        *,
        failures: Failures | str | None = None,
    ) -> AbstractAsyncContextManager[Merged[K, E]]:
        """Subscribe to *streams* and read them as one: ``async with … as merged: async for name, event in merged``.

        Args:
            streams: Your name of each → what a ``stream_…`` call returns, of any connection, with the buffer and the
                overflow policy that suits it. The block begins when each is open or has failed.
            failures: What the failure of one stream does to the others; ``None``: as for the connections.
        """
        return Merged[K, E](streams, self._policy(failures)).open()

    # ---------------------------------------------------------------------------------------------------- markets

    async def match(
        self,
        *,
        base: str | None = None,
        kind: InstrumentKind | str | None = None,
        same_quotes: SameQuotes = (),
        at_least: int = 2,
    ) -> tuple[Match, ...]:
        """Return what several of the open connections list; arguments as `lotusx.many.match`."""
        listings = {name: await exchange.market.instruments() for name, exchange in self.alive.items()}
        return match(listings, base=base, kind=kind, same_quotes=same_quotes, at_least=at_least)

    @asynccontextmanager
    async def consolidated_book(
        self,
        markets: Mapping[str, Symbol | str],
        *,
        fees: Mapping[str, Decimal | int | str] | None = None,
        ask_fees: bool = False,
        same_quotes: Collection[Collection[str]] = (),
        depth: int = 20,
        max_age_s: float | None = None,
        inverse_step: Decimal | int | str | None = None,
        inverse_rounding: Rounding | None = None,
        failures: Failures | str | None = None,
    ) -> AsyncIterator[LiveConsolidatedBook]:
        """Follow one market on several exchanges as one book; the block begins at once, see `wait_used`.

        Args:
            markets: Connection → symbol there. All must be the same thing, see `lotusx.many.require_same`.
            fees: Connection → taker fee, a fraction (``"0.001"`` = 10 bp), for effective prices. It must name each
                connection in *markets*, unless *ask_fees*: a leg without a fee would look cheaper than it is.
            ask_fees: Ask each account that *fees* does not name for its taker fee, once; needs a key that may read.
            same_quotes: Groups of quotes that you take for one, such as ``[{"USDT", "USDC"}]``. Prices are compared as
                they are: nothing converts them.
            depth: Levels a side that you may want to read of each leg.
            max_age_s: Leave out a leg for which nothing was received for longer; ``None``: only whether it is in step
                counts, as quiet markets say little.
            inverse_step, inverse_rounding: How contracts of inverse instruments become base units; needed there.
            failures: What a leg that fails for good does to the others; ``None``: as for the connections.

        Raises:
            InvalidArgument: The markets are not the same thing, or something is missing.
            UnknownSymbol: An exchange does not list its symbol.
        """
        if not markets:
            raise InvalidArgument("a consolidated book needs at least one market")
        if depth < 1 or (max_age_s is not None and max_age_s <= 0):
            raise InvalidArgument(f"depth and max_age_s must be above zero, not {depth} and {max_age_s}")
        plans = await self._plans(markets, fees, ask_fees)
        known = {name: plan.instrument for name, plan in plans.items() if plan.instrument is not None}
        inverse = None
        if known:
            kind = require_same(known, same_quotes).kind
            if kind is InstrumentKind.INVERSE:
                if inverse_step is None or inverse_rounding is None:
                    raise InvalidArgument("inverse contracts: say inverse_step= and inverse_rounding=")
                inverse = InverseRule(decimal_from_user(inverse_step, name="inverse_step"), inverse_rounding)
        live = LiveConsolidatedBook(
            plans, self._policy(failures), depth=depth, max_age_s=max_age_s, inverse=inverse
        )  # fmt: skip
        async with live.open() as book:
            yield book

    async def _plans(
        self,
        markets: Mapping[str, Symbol | str],
        fees: Mapping[str, Decimal | int | str] | None,
        ask_fees: bool,
    ) -> dict[str, LegPlan]:
        given = {name: decimal_from_user(fee, name=f"fees[{name!r}]") for name, fee in (fees or {}).items()}
        strangers = sorted(given.keys() - markets.keys())
        if strangers:
            raise InvalidArgument(f"fees names {', '.join(strangers)}, which markets does not")
        lacking = sorted(markets.keys() - given.keys())
        if given and lacking and not ask_fees:
            raise InvalidArgument(f"fees lacks {', '.join(lacking)}: a leg without a fee would look cheaper than it is")
        plans: dict[str, LegPlan] = {}
        for name, symbol in markets.items():
            exchange: Exchange | LotusXError
            instrument: Instrument | None = None
            try:
                exchange = self[name]
                instrument = await exchange.market.instrument(symbol)
            except (InvalidArgument, UnknownSymbol):
                raise
            except LotusXError as error:
                exchange = error
            plans[name] = LegPlan(name, exchange, instrument, given.get(name), ask_fees and name not in given)
        return plans

    # --------------------------------------------------------------------------------------------------- accounts

    async def portfolio(self, *, timeout_s: float = 30.0) -> Portfolio:
        """Ask every account for its balances and positions, all at once.

        What could not be read is said in the result and raises nothing: a connection that has failed, is just being
        opened again, has no key, or does not answer within *timeout_s*.
        """
        exchanges: dict[str, Exchange | LotusXError] = {}
        for name in self.names:
            try:
                exchanges[name] = self[name]
            except LotusXError as error:
                exchanges[name] = error
        return Portfolio(await read_all(exchanges, self._clock, timeout_s))

    def _policy(self, failures: Failures | str | None) -> Failures:
        return self.failures if failures is None else to_failures(failures)


@asynccontextmanager
async def _opened(exchange: Exchange, timeout_s: float) -> AsyncIterator[Exchange]:
    async with exchange:
        with anyio.move_on_after(timeout_s) as scope:
            await exchange.market.instruments()
        if scope.cancelled_caught:
            raise RequestTimeout(f"{exchange.name} did not list its instruments within {timeout_s} s")
        yield exchange
