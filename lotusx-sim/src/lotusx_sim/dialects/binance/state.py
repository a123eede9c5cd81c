"""What one simulated Binance exchange holds: engine, public views, keys, counters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from lotusx_sim.dialects.binance.errors import VenueError, invalid_symbol
from lotusx_sim.dialects.binance.limits import LimitRules, Limits
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.symbols import SYMBOLS, SpotSymbol
from lotusx_sim.dialects.listed import Terms, candles_of, habitat_of
from lotusx_sim.engine.candles import Past
from lotusx_sim.engine.capture import Capture
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.market import MarketView, PublicTrade
from lotusx_sim.engine.orders import BookEvent, Order, OrderEvent, TradeEvent
from lotusx_sim.engine.terms import Market

FIRST_ORDER_ID = 42_000_000_001
FIRST_TRADE_ID = 5_300_000_001
FIRST_AGGREGATE_ID = 3_500_000_001
FIRST_UPDATE_ID = 50_000_000_000
NS_PER_MS = 1_000_000


class Listed(Terms, Protocol):
    """What every market needs to know of an instrument."""

    @property
    def symbol(self) -> str: ...
    @property
    def is_trading(self) -> bool: ...


SymbolT = TypeVar("SymbolT", bound=Listed)


class BinanceState(Generic[SymbolT]):
    """The exchange behind the surfaces of one Binance market.

    Args:
        recorded: The symbol whose market is a recording; "": none is.
        past_minutes: How long before its start the candles begin.
    """

    def __init__(
        self,
        symbols: Sequence[SymbolT],
        markets: Iterable[Market],
        keys: Iterable[ApiKey],
        rules: LimitRules,
        *,
        seed: int,
        start_ns: int,
        past_minutes: int,
        recorded: str = "",
    ) -> None:
        self.symbols = {symbol.symbol: symbol for symbol in symbols}
        self.exchange = Exchange(markets, first_order_id=FIRST_ORDER_ID, first_trade_id=FIRST_TRADE_ID)
        self.recorded = recorded
        self.limits = Limits(rules)
        self.keys = {key.key: key for key in keys}
        self.start_ns = start_ns
        self.views = {symbol.symbol: _view(symbol, seed, start_ns, past_minutes) for symbol in symbols}
        self.population = Population(
            self.exchange,
            [habitat_of(s.symbol, s) for s in symbols if s.is_trading and s.symbol != recorded],
            seed=seed,
        )
        self.visibility_delay_ns = 0

    def symbol(self, params: Params) -> SymbolT:
        """Return the instrument a request names.

        Raises:
            VenueError: -1102 not named, -1100 lower case, -1121 not listed.
        """
        return self.listed(params.need("symbol"))

    def listed(self, name: str) -> SymbolT:
        if any("a" <= letter <= "z" for letter in name):
            raise VenueError(
                -1100,
                "Illegal characters found in parameter 'symbol'; legal range is '^[\\w\\-._&&[^a-z]]{1,50}$'.",
            )
        symbol = self.symbols.get(name)
        if symbol is None:
            raise invalid_symbol()
        return symbol

    def is_visible(self, order: Order, now_ns: int) -> bool:
        """Tell whether queries see *order* yet."""
        return now_ns - order.created_ns >= self.visibility_delay_ns

    def last_price(self, symbol: SymbolT) -> Decimal:
        """Return the price of the last trade; where there was none, what the market starts at."""
        return self.exchange.last_price.get(symbol.symbol, symbol.price)

    def publish(self, events: Sequence[Event]) -> None:
        """Bring the public views up to date with what the engine did; a recorded market shows its recording only."""
        for event in events:
            if isinstance(event, BookEvent) and event.symbol != self.recorded:
                self.views[event.symbol].set_level(event.side, event.price, event.quantity)
            elif isinstance(event, TradeEvent) and event.symbol != self.recorded:
                trade = PublicTrade(
                    event.trade_id, event.price, event.quantity, event.taker_side, event.ns, event.taker_order_id
                )
                self.views[event.symbol].add_trade(trade)


def _view(symbol: Listed, seed: int, start_ns: int, past_minutes: int) -> MarketView:
    past = Past(f"{seed}:{symbol.symbol}", past_minutes, FIRST_TRADE_ID)
    candles = candles_of(symbol, past, start_ns=start_ns)
    return MarketView(symbol.symbol, candles, update_id=FIRST_UPDATE_ID, aggregate_id=FIRST_AGGREGATE_ID)


@dataclass(frozen=True, slots=True)
class Options:
    """How one spot exchange is set up."""

    seed: int = 1
    symbols: tuple[SpotSymbol, ...] = SYMBOLS
    rules: LimitRules = field(default_factory=LimitRules)
    past_minutes: int = 3_000
    capture: Capture | None = None


class SpotState(BinanceState[SpotSymbol]):
    """The exchange behind every Binance spot surface."""

    def __init__(self, options: Options, keys: Iterable[ApiKey], start_ns: int) -> None:
        super().__init__(
            options.symbols,
            (Market(s.symbol, s.base, s.quote, s.step, s.is_trading) for s in options.symbols),
            keys,
            options.rules,
            seed=options.seed,
            start_ns=start_ns,
            past_minutes=options.past_minutes,
            recorded=options.capture.symbol if options.capture is not None else "",
        )
        self.options = options

    def average_price(self, symbol: SpotSymbol, now_ns: int) -> Decimal:
        """Return the volume-weighted price of the last five minutes, the last price without trades."""
        trades = self.views[symbol.symbol].trades
        quote = base = Decimal(0)
        for trade in reversed(trades):
            if trade.ns < now_ns - 300 * 1_000_000_000:
                break
            quote += trade.price * trade.quantity
            base += trade.quantity
        if base:
            return (quote / base).quantize(Decimal("1e-8"))
        return self.last_price(symbol)

    def publish(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, OrderEvent) and event.fill is not None and event.order.executed == event.fill.quantity:
                self.limits.order_filled(event.account, event.ns)
        super().publish(events)
