"""A connection without ``await``."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lotusx import connection
from lotusx.exchange import COMPONENTS
from lotusx.sync.account import Account
from lotusx.sync.flat import FlatCalls
from lotusx.sync.market import MarketData
from lotusx.sync.runner import Runner
from lotusx.sync.trading import Trading

if TYPE_CHECKING:
    from concurrent.futures import Future
    from random import Random

    from lotusx import exchange
    from lotusx.health import HealthReport
    from lotusx.kernel.budget import BudgetRegistry
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.facts import Capability, Support
    from lotusx.kernel.secrets import Secret
    from lotusx.kernel.transport import HttpTransport, WsTransport
    from lotusx.orders.journal import Journal

_FLAT = {name: component for component, names in COMPONENTS.items() for name in names}


def connect(
    name: str,
    *,
    account: str | None = None,
    environment: str | None = None,
    base_url: str | None = None,
    credentials: Mapping[str, str | Secret] | None = None,
    config: str | os.PathLike[str] | None = None,
    read_only: bool | None = None,
    allow_withdrawals: bool | None = None,
    proxy: str | None = None,
    http: HttpTransport | None = None,
    ws: WsTransport | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    budgets: str | os.PathLike[str] | BudgetRegistry | None = None,
    journal: str | os.PathLike[str] | Journal | None = None,
    plugins: Iterable[object] = (),
    options: Mapping[str, Any] | None = None,
    paper: bool | Mapping[str, Any] = False,
    backend: str = "asyncio",
) -> Exchange:
    """Prepare a connection: ``with lotusx.sync.connect(name) as exchange: …``. Nothing is sent before that.

    Arguments and errors are those of `lotusx.connect`.

    Args:
        backend: What runs in the connection's thread: ``asyncio`` or ``trio``.
    """
    twin = connection.connect(
        name,
        account=account,
        environment=environment,
        base_url=base_url,
        credentials=credentials,
        config=config,
        read_only=read_only,
        allow_withdrawals=allow_withdrawals,
        proxy=proxy,
        http=http,
        ws=ws,
        clock=clock,
        random=random,
        budgets=budgets,
        journal=journal,
        plugins=plugins,
        options=options,
        paper=paper,
    )
    return Exchange(twin, Runner(backend))


class Exchange(FlatCalls):
    """Twin of `lotusx.Exchange`: connected while its ``with`` block runs, or from `open` to `close`.

    Attributes:
        market, trading, account: The components; their calls are also reachable flat.
    """

    market: MarketData
    trading: Trading
    account: Account

    def __init__(self, twin: exchange.Exchange, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner
        self.name = twin.name
        self.environment = twin.environment

    def open(self) -> Self:
        """Connect, where a ``with`` block is unhandy, as in a notebook. `close` must follow."""
        self._runner.open(self._twin)
        return self._ready()

    def _lend(self, runner: Runner) -> Self:
        """Run in the thread of *runner*, which holds the connection open. For `lotusx.sync.Many`."""
        self._runner = runner
        return self._ready()

    def _ready(self) -> Self:
        self.market = MarketData(self._twin.market, self._runner)
        self.trading = Trading(self._twin.trading, self._runner)
        self.account = Account(self._twin.account, self._runner)
        return self

    def close(self) -> None:
        """Disconnect. May be called twice."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._runner.close(kind, error, traceback)

    @property
    def account_name(self) -> str | None:
        """The named account of the configuration; ``None``: the exchange's own settings."""
        return self._twin.account_name

    @property
    def capabilities(self) -> Mapping[Capability, Support]:
        """What this exchange offers in this environment."""
        return self._twin.capabilities

    @property
    def native(self) -> Native:
        """The exchange's own endpoints: its typed methods, and ``call`` for all others."""
        return Native(self._twin.native, self._runner)

    def stats(self) -> Mapping[str, Any]:
        """Return live sizes and counters: streams, sockets, budgets, orders known."""
        return self._runner.read(self._twin.stats)

    def reload(self) -> tuple[str, ...]:
        """Take up what has changed in the configuration, as far as that is safe; see `lotusx.Exchange.reload`."""
        return self._runner.read(self._twin.reload)

    def health_check(self) -> HealthReport:
        """Look at connectivity, clock, credentials, permissions, streams and limits. A failed check does not raise."""
        return self._runner.call(self._twin.health_check)

    def start_health_check(self) -> Future[HealthReport]:
        """Begin `health_check` and return at once; cancelling what this returns ends it."""
        return self._runner.start(self._twin.health_check)

    if not TYPE_CHECKING:  # checkers see `FlatCalls`, so that a misspelt call is an error to them

        def __getattr__(self, name: str) -> Any:
            component = _FLAT.get(name)
            if component is None and name not in COMPONENTS:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            self._runner.check_open()
            return getattr(getattr(self, component), name) if component else self.__getattribute__(name)

    def __repr__(self) -> str:
        return repr(self._twin)


class Native:
    """The exchange's own endpoints; whichever awaits there waits here."""

    def __init__(self, twin: Any, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._twin, name)
        if not inspect.iscoroutinefunction(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._runner.call(found, *args, **kwargs)

        call.__doc__ = found.__doc__
        call.__name__ = name
        return call

    def __dir__(self) -> list[str]:
        return dir(self._twin)
