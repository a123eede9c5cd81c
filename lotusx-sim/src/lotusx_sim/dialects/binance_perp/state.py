"""What one simulated USDⓈ-M exchange holds next to what all Binance markets have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from lotusx_sim.dialects.binance.limits import LimitRules
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.state import NS_PER_MS, BinanceState
from lotusx_sim.dialects.binance_perp.algos import Algo
from lotusx_sim.dialects.binance_perp.contracts import SYMBOLS, UmSymbol
from lotusx_sim.engine.orders import Leg, Order

FIRST_ALGO_ID = 1_000_000_000_001
HOUR_NS = 3_600_000 * NS_PER_MS
LISTEN_KEY_NS = HOUR_NS
KEPT_FUNDINGS = 1_000
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
UM_RULES = LimitRules(
    weight_per_minute=2_400,
    raw_per_five_minutes=None,
    orders_per_ten_seconds=300,
    orders_per_minute=1_200,
    orders_per_day=None,
)


@dataclass(frozen=True, slots=True)
class Options:
    """How one exchange is set up."""

    seed: int = 1
    symbols: tuple[UmSymbol, ...] = SYMBOLS
    rules: LimitRules = UM_RULES
    past_minutes: int = 3_000
    own_child_ids: bool = False


@dataclass(frozen=True, slots=True)
class Income:
    """One entry of an account's ledger."""

    account: str
    symbol: str
    kind: str
    amount: Decimal
    asset: str
    ns: int
    number: int
    trade_id: str = ""


@dataclass(frozen=True, slots=True)
class Funding:
    """One settlement of a market."""

    rate: Decimal
    mark: Decimal
    ms: int


@dataclass(slots=True)
class ListenKey:
    key: str = field(repr=False)
    account: str = ""
    expires_ns: int = 0


def wire_id(update_id: int) -> int:
    """Return an update id as it is sent: ids of one market are not consecutive here."""
    return 3 * update_id


class PerpState(BinanceState[UmSymbol]):
    """The exchange behind every surface of USDⓈ-M futures."""

    def __init__(self, options: Options, keys: Iterable[ApiKey], start_ns: int) -> None:
        super().__init__(
            options.symbols,
            [symbol.market() for symbol in options.symbols],
            keys,
            options.rules,
            seed=options.seed,
            start_ns=start_ns,
            past_minutes=options.past_minutes,
        )
        self.options = options
        self.hedged: set[str] = set()
        self.algos: dict[int, Algo] = {}
        self.algo_of: dict[int, Algo] = {}  # by the engine's order id
        self.listen_keys: dict[str, ListenKey] = {}
        self.income: list[Income] = []
        self.fundings: dict[str, list[Funding]] = {symbol.symbol: [] for symbol in options.symbols}
        self.countdowns: dict[tuple[str, str], int] = {}  # when the orders of (account, symbol) are cancelled
        self.good_till: dict[int, int] = {}  # order id -> ns
        self.news: list[tuple[str, dict[str, Any]]] = []  # events of user data that no engine event causes
        self.reason = "ORDER"  # why balances and positions change just now
        self.changed_ns: dict[tuple[str, ...], int] = {}  # (account, asset) or (account, symbol, leg)
        self._keys_rng = Random(f"listen keys:{options.seed}")
        self._next_algo_id = FIRST_ALGO_ID
        self._draw_past_fundings()

    def _draw_past_fundings(self) -> None:
        """Let every perpetual have settled at 0.01 % for the last ten days."""
        for symbol in self.options.symbols:
            if not symbol.is_perpetual:
                continue
            self.exchange.perps.set_funding_rate(symbol.symbol, Decimal("0.0001"))
            length_ms = symbol.funding_hours * HOUR_NS // NS_PER_MS
            last_ms = self.start_ns // NS_PER_MS // length_ms * length_ms
            times = range(last_ms - 29 * length_ms, last_ms + 1, length_ms)
            self.fundings[symbol.symbol] = [Funding(Decimal("0.0001"), symbol.price, at_ms) for at_ms in times]

    # -- prices --------------------------------------------------------------------------------------------------

    def mark(self, symbol: UmSymbol) -> Decimal:
        return self.exchange.perps.mark(symbol.symbol) or symbol.price

    def index(self, symbol: UmSymbol) -> Decimal:
        return self.exchange.perps.index(symbol.symbol) or symbol.price

    def next_funding_ns(self, symbol: UmSymbol, now_ns: int) -> int:
        """Return when *symbol* settles next."""
        length_ns = symbol.funding_hours * HOUR_NS
        return (now_ns // length_ns + 1) * length_ns

    # -- accounts ------------------------------------------------------------------------------------------------

    def legs(self, account: str) -> tuple[Leg, ...]:
        return (Leg.LONG, Leg.SHORT) if account in self.hedged else (Leg.BOTH,)

    def changed_ms(self, *place: str) -> int:
        """Return when what is held there changed last; 0: never."""
        return self.changed_ns.get(place, 0) // NS_PER_MS

    def assets(self) -> list[str]:
        return list(dict.fromkeys(symbol.quote for symbol in self.options.symbols))

    def enter(
        self, account: str, symbol: str, kind: str, amount: Decimal, asset: str, ns: int, trade: str = ""
    ) -> None:
        """Enter an amount into the ledger that ``income`` shows."""
        number = 9_689_322_000 + len(self.income)
        self.income.append(Income(account, symbol, kind, amount, asset, ns, number, trade))

    # -- orders --------------------------------------------------------------------------------------------------

    def next_algo_id(self) -> int:
        number = self._next_algo_id
        self._next_algo_id += 1
        return number

    def keep_algo(self, algo: Algo) -> None:
        self.algos[algo.id] = algo
        self.algo_of[algo.order.id] = algo

    def algos_of(self, account: str) -> list[Algo]:
        return [algo for algo in self.algos.values() if algo.order.account == account]

    def is_order(self, order: Order) -> bool:
        """Tell whether *order* is one for the order endpoints: conditional ones became one when they triggered."""
        algo = self.algo_of.get(order.id)
        return algo is None or (order.working_ns is not None and algo.status != "REJECTED")

    def orders_of(self, account: str, symbol: str | None, now_ns: int) -> list[Order]:
        """Return the orders that queries see, oldest first, open or not."""
        return [
            order
            for order in self.exchange.orders.values()
            if order.account == account and symbol in (None, order.symbol) and self.is_order(order)
            and self.is_visible(order, now_ns)
        ]  # fmt: skip

    # -- listen keys ---------------------------------------------------------------------------------------------

    def lease(self, account: str, now_ns: int) -> str:
        """Return the account's key, with another 60 minutes to live."""
        lease = self.live_key(account, now_ns)
        if lease is None:
            key = "".join(self._keys_rng.choice(_KEY_LETTERS) for _ in range(64))
            lease = self.listen_keys[key] = ListenKey(key, account)
        lease.expires_ns = now_ns + LISTEN_KEY_NS
        return lease.key

    def live_key(self, account: str, now_ns: int) -> ListenKey | None:
        keys = (lease for lease in self.listen_keys.values() if lease.account == account)
        return next((lease for lease in keys if lease.expires_ns > now_ns), None)


def chosen(symbols: Iterable[str | UmSymbol] | None) -> tuple[UmSymbol, ...]:
    """Return what is to be listed.

    Raises:
        ValueError: There is no such built-in contract.
    """
    if symbols is None:
        return SYMBOLS
    known: Mapping[str, UmSymbol] = {symbol.symbol: symbol for symbol in SYMBOLS}
    found: list[UmSymbol] = []
    for symbol in symbols:
        if isinstance(symbol, str) and symbol not in known:
            raise ValueError(f"no built-in instrument {symbol!r}; there are {', '.join(known)}")
        found.append(known[symbol] if isinstance(symbol, str) else symbol)
    return tuple(found)
