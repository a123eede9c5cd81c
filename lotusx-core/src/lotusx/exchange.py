"""What `connect` hands over: one exchange, one environment, one account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from lotusx.errors import LotusXError
from lotusx.flat import FlatCalls
from lotusx.health import HealthReport
from lotusx.kernel.facts import Capability, Support

if TYPE_CHECKING:
    from lotusx.account import Account
    from lotusx.guard import Guard
    from lotusx.health_checks import Inside
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.ports import Native
    from lotusx.market import MarketData
    from lotusx.trading import Trading

COMPONENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "market": (
            "server_time",
            "instruments",
            "instrument",
            "ticker",
            "tickers",
            "best_bid_offer",
            "order_book",
            "recent_trades",
            "candles",
            "mark_price",
            "funding_rate",
            "open_interest",
            "iter_candles",
            "iter_trades",
            "iter_funding_rates",
            "stream_trades",
            "stream_ticker",
            "stream_best_bid_offer",
            "stream_order_book",
            "stream_candles",
            "stream_mark_price",
            "stream_liquidations",
            "live_order_book",
        ),
        "trading": (
            "ready",
            "place",
            "test",
            "place_batch_orders",
            "amend",
            "amend_batch_orders",
            "cancel",
            "cancel_batch_orders",
            "cancel_all",
            "cancel_all_after",
            "order",
            "open_orders",
            "recovered",
            "iter_orders",
            "iter_fills",
        ),
        "account": (
            "balances",
            "positions",
            "fees",
            "permissions",
            "leverage",
            "set_leverage",
            "set_margin_mode",
            "change_margin",
            "deposits",
            "withdrawals",
            "transfer",
            "iter_funding_payments",
            "stream_account",
        ),
    }
)
"""The one table of names: component → its calls. Each is also reachable flat, ``exchange.ticker(…)``."""

_FLAT = {name: component for component, names in COMPONENTS.items() for name in names}


class Exchange(FlatCalls):
    """An exchange, connected while its ``async with`` block runs.

    Attributes:
        market, trading, account: The components; their calls are also reachable flat.
        native: The exchange's own endpoints.
    """

    market: MarketData
    trading: Trading
    account: Account

    def __init__(
        self,
        *,
        name: str,
        environment: str,
        guard: Guard,
        clock: Clock,
        start: Callable[[Exchange], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        stats: Callable[[], Mapping[str, Any]],
        reload: Callable[[], tuple[str, ...]],
        inside: Inside,
        native: Callable[[], Native],
        holdings: str = "",
    ) -> None:
        self.name = name
        self.environment = environment
        self._guard = guard
        self._clock = clock
        self._start = start
        self._stop = stop
        self._stats = stats
        self._reload = reload
        self._inside = inside
        self._native = native
        self._holdings = holdings
        self._state = "new"

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise LotusXError(f"this {self.name} connection was used before; call lotusx.connect again")
        self._state = "open"
        self._guard.entered()
        try:
            await self._start(self)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._state = "closed"
        try:
            await self._stop()
        finally:
            self._guard.closed()

    @property
    def account_name(self) -> str | None:
        """The named account of the configuration; ``None``: the exchange's own settings."""
        return self._guard.account

    @property
    def capabilities(self) -> Mapping[Capability, Support]:
        """What this exchange offers in this environment."""
        return self._guard.capabilities

    @property
    def native(self) -> Native:
        """The exchange's own endpoints: typed methods, and ``call`` for all others."""
        return self._native()

    def stats(self) -> Mapping[str, Any]:
        """Return live sizes and counters: streams, sockets, budgets, orders known."""
        return self._stats()

    def reload(self) -> tuple[str, ...]:
        """Read the configuration again and take up what is safe while the connection runs; return what changed.

        That is ``limits.share``, from false to true ``read_only``, and the options of plugins that can (``[risk]``):
        orders that rest are not touched by it.
        Arguments of `connect` keep counting most. If anything else has changed, nothing is taken up.

        Raises:
            ConfigurationError: The configuration is wrong, or something else has changed; the text names it.
        """
        if self._state != "open":
            raise LotusXError(f"this {self.name} connection is not open; only an open one can take up settings")
        return self._reload()

    async def health_check(self) -> HealthReport:
        """Look at connectivity, clock, credentials, permissions, streams and limits, each by itself.

        A failed check does not raise.
        """
        from lotusx.health_checks import HealthChecks

        checks = HealthChecks(self._guard, self._clock, self._inside, self.market, self.account)
        return HealthReport(self.name, self.environment, await checks.run(), self.account_name)

    if not TYPE_CHECKING:  # checkers see `FlatCalls`, so that a misspelt call is an error to them

        def __getattr__(self, name: str) -> Any:
            component = _FLAT.get(name)
            if component in vars(self):
                return getattr(vars(self)[component], name)
            first = f"enter the connection first: async with lotusx.connect({self.name!r}) as exchange: …"
            if component is not None:
                self._guard.check()  # where it could not be entered, it is closed
                raise LotusXError(first)
            is_part = name in COMPONENTS or name == "native"
            raise AttributeError(first if is_part else f"{type(self).__name__} has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<Exchange {self.name} ({self.environment}), {self._state}>"
