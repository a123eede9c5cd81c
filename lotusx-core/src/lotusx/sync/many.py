"""Several connections, used as one, without ``await``."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from lotusx.errors import InvalidArgument
from lotusx.many import connecting
from lotusx.many.hosting import Failures
from lotusx.sync.exchange import Exchange
from lotusx.sync.runner import Entered, Lent, Runner, next_within, over

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from lotusx import exchange
    from lotusx.errors import ConnectorFailed
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.flow import Counters, StatusChange, StreamState
    from lotusx.many import books, merging
    from lotusx.many.consolidating import ConsolidatedBook
    from lotusx.many.matching import Match, SameQuotes
    from lotusx.many.merging import SourceEnded
    from lotusx.many.portfolio import Portfolio
    from lotusx.model.enums import InstrumentKind
    from lotusx.model.symbol import Symbol
    from lotusx.rules import Rounding

K = TypeVar("K", bound=Hashable)
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)

Connection = str | Mapping[str, Any] | Exchange
"""The name of an installed exchange; `connect`'s arguments by name, without ``backend``; or what `connect` returned."""


class EventSource(Protocol[E_co]):
    """A `Stream`, as far as the type of its events goes: streams of different events may be merged."""

    def __next__(self) -> E_co:
        """Return the next event."""
        ...


def connect_many(
    connections: Mapping[str, Connection],
    *,
    failures: Failures | str = Failures.FATAL,
    open_timeout_s: float = 30.0,
    clock: Clock | None = None,
    backend: str = "asyncio",
) -> Many:
    """Prepare several connections: ``with lotusx.sync.connect_many({…}) as many: many["spot"].market…``.

    Nothing is sent before that. Arguments and errors are those of `lotusx.connect_many`; a prepared connection is one
    of `lotusx.sync.connect`, and runs in the thread of all.

    Args:
        backend: What runs in that thread: ``asyncio`` or ``trio``.
    """
    theirs = {name: value._twin if isinstance(value, Exchange) else value for name, value in connections.items()}
    twin = connecting.connect_many(theirs, failures=failures, open_timeout_s=open_timeout_s, clock=clock)
    prepared = {name: value for name, value in connections.items() if isinstance(value, Exchange)}
    return Many(twin, Runner(backend, _HOW), prepared)


_HOW = "enter the connections first: with lotusx.sync.connect_many(…) as many: …"


class Many:
    """Twin of `lotusx.many.Many`: open while its ``with`` block runs, or from `open` to `close`.

    A connection that fails where failures are fatal closes all: what waits for one of them ends, and the end of the
    block, or `close`, raises the `ConnectorFailed`.

    Attributes:
        failures: What the failure of one does to the others.
        names: All names, in the caller's order.
    """

    def __init__(self, twin: connecting.Many, runner: Runner, prepared: Mapping[str, Exchange]) -> None:
        self._twin = twin
        self._runner = runner
        self._lent = Lent(runner)
        self._exchanges = dict(prepared)
        self.failures = twin.failures
        self.names = twin.names

    def __repr__(self) -> str:
        return self._runner.read(repr, self._twin) if self._runner.is_open else repr(self._twin)

    def open(self) -> Self:
        """Open all, where a ``with`` block is unhandy, as in a notebook. `close` must follow."""
        self._runner.open(self._twin)
        return self

    def close(self) -> None:
        """Close all. May be called twice.

        Raises:
            ConnectorFailed: One has failed, and failures are fatal.
        """
        self._runner.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._runner.close(kind, error, traceback)

    def __getitem__(self, name: str) -> Exchange:
        """Return the connection *name*.

        Raises:
            ConnectorFailed: It could not be opened, or broke.
            InvalidArgument: None has that name.
        """
        return self._runner.read(lambda: self._of(name, self._twin[name]))

    @property
    def alive(self) -> Mapping[str, Exchange]:
        """The open connections, in the caller's order."""
        return self._runner.read(lambda: {name: self._of(name, each) for name, each in self._twin.alive.items()})

    @property
    def failed(self) -> Mapping[str, ConnectorFailed]:
        """Why the others cannot be used."""
        return self._runner.read(lambda: self._twin.failed)

    def reopen(self, name: str) -> Exchange:
        """Try to open a failed connection once more, with the arguments it had, and return it.

        What read from the old one (merged streams, consolidated books) does not come back by itself.

        Raises:
            ConnectorFailed: It cannot be opened; it stays failed.
            InvalidArgument: It is open, nobody has that name, or it was given as a prepared connection.
        """
        self._runner.call(self._twin.reopen, name)
        return self[name]

    def merge(
        self,
        streams: Mapping[K, AbstractContextManager[EventSource[E]]],
        *,
        failures: Failures | str | None = None,
    ) -> AbstractContextManager[Merged[K, E]]:
        """Subscribe to *streams* and read them as one: ``with … as merged: for name, event in merged``.

        Args:
            streams: Your name of each → what a ``stream_…`` call of one of these connections returns, not entered, with
                the buffer and the overflow policy that suits it. The block begins when each is open or has failed.
            failures: What the failure of one stream does to the others; ``None``: as for the connections.

        Raises:
            InvalidArgument: Something else is among *streams*, such as a stream of a connection in another thread.
        """
        theirs = {key: self._stream(key, stream) for key, stream in streams.items()}
        merged: AbstractAsyncContextManager[merging.Merged[K, E]] = self._twin.merge(theirs, failures=failures)
        return self._runner.entered(merged, Merged)

    def match(
        self,
        *,
        base: str | None = None,
        kind: InstrumentKind | str | None = None,
        same_quotes: SameQuotes = (),
        at_least: int = 2,
    ) -> tuple[Match, ...]:
        """Return what several of the open connections list; arguments as `lotusx.many.match`."""
        return self._runner.call(
            self._twin.match, base=base, kind=kind, same_quotes=same_quotes, at_least=at_least
        )  # fmt: skip

    def consolidated_book(
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
    ) -> AbstractContextManager[LiveConsolidatedBook]:
        """Follow one market on several exchanges as one book; arguments and errors as `lotusx.many.Many`'s."""
        book = self._twin.consolidated_book(
            markets,
            fees=fees,
            ask_fees=ask_fees,
            same_quotes=same_quotes,
            depth=depth,
            max_age_s=max_age_s,
            inverse_step=inverse_step,
            inverse_rounding=inverse_rounding,
            failures=failures,
        )
        return self._runner.entered(book, LiveConsolidatedBook)

    def portfolio(self, *, timeout_s: float = 30.0) -> Portfolio:
        """Ask every account for its balances and positions, all at once; the result says what could not be read."""
        return self._runner.call(self._twin.portfolio, timeout_s=timeout_s)

    def _of(self, name: str, twin: exchange.Exchange) -> Exchange:
        """Return the twin of a connection, always the same one. Called in the other thread."""
        found = self._exchanges.get(name)
        if found is None or found._twin is not twin:
            found = self._exchanges[name] = Exchange(twin, self._runner)
        return found if found._runner is self._lent else found._lend(self._lent)

    def _stream(self, key: K, stream: object) -> AbstractAsyncContextManager[Any]:
        if not isinstance(stream, Entered) or not self._runner.shares(stream.runner):
            raise InvalidArgument(
                f"{key!r} is not a stream of these connections: give what many[…].stream_…(…) returns"
            )
        return stream.context


class Merged(Generic[K, E]):
    """Twin of `lotusx.many.Merged`: ``for name, event in merged``."""

    def __init__(self, twin: merging.Merged[K, E], runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __repr__(self) -> str:
        return self._runner.read(repr, self._twin)

    def __iter__(self) -> Merged[K, E]:
        return self

    def __next__(self) -> tuple[K, E | SourceEnded]:
        return self.next()

    def next(self, timeout_s: float | None = None) -> tuple[K, E | SourceEnded]:
        """Return the next event, or the end of a source.

        Raises:
            TimeoutError: None came within *timeout_s* seconds; the streams go on.
            SourceFailed: A source has failed, and failures are fatal.
            StopIteration: All have ended.
        """
        event = self._runner.call(next_within, self._twin, timeout_s)
        if over(event):
            raise StopIteration
        return event

    @property
    def counters(self) -> Mapping[K, Counters]:
        """Where every event of each source went; without those that could not be opened."""
        return self._runner.read(lambda: self._twin.counters)

    @property
    def total(self) -> Counters:
        """Where every event of all sources went: ``received`` is the sum of all others, always."""
        return self._runner.read(lambda: self._twin.total)

    @property
    def states(self) -> Mapping[K, StreamState]:
        """How each source is doing; one that could not be opened counts as closed."""
        return self._runner.read(lambda: self._twin.states)

    @property
    def ended(self) -> Mapping[K, SourceEnded]:
        """The sources whose end has been read, and why they ended."""
        return self._runner.read(lambda: self._twin.ended)

    def with_status(self) -> Iterator[tuple[K, E | StatusChange | SourceEnded]]:
        """Return an iterator over the events and, each in its place, the changes of state of every source."""
        return self._runner.iterate(self._twin.with_status())


class LiveConsolidatedBook:
    """Twin of `lotusx.many.LiveConsolidatedBook`; see there what is read."""

    def __init__(self, twin: books.LiveConsolidatedBook, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __repr__(self) -> str:
        return self._runner.read(repr, self._twin)

    def read(self, depth: int = 1) -> ConsolidatedBook:
        """Return the book as it is now: up to *depth* levels a side of each leg in use, and every leg's state."""
        return self._runner.read(self._twin.read, depth)

    def changes(self, depth: int = 1) -> ConsolidatedChanges:
        """Iterate over the book now, and after each change of a leg; slow readers skip to the newest."""
        return ConsolidatedChanges(self._twin.changes(depth), self._runner)

    def wait_used(self, count: int | None = None) -> ConsolidatedBook:
        """Wait until *count* legs (``None``: all) are in use, and return the book.

        Raises:
            SourceFailed: So many will never be, because legs have failed for good.
        """
        return self._runner.call(self._twin.wait_used, count)


class ConsolidatedChanges:
    """Iterates over the newest state of a consolidated book."""

    def __init__(self, twin: books.ConsolidatedChanges, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __iter__(self) -> ConsolidatedChanges:
        return self

    def __next__(self) -> ConsolidatedBook:
        return self.next()

    def next(self, timeout_s: float | None = None) -> ConsolidatedBook:
        """Return the next change.

        Raises:
            TimeoutError: There was none within *timeout_s* seconds; the book goes on.
            StopIteration: The block of the book has ended.
        """
        found = self._runner.call(next_within, self._twin, timeout_s)
        if over(found):
            raise StopIteration
        return found
