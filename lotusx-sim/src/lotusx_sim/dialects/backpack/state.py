"""What one simulated Backpack holds: engine, users, orders as the venue names them, numbered books."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.backpack.limits import LimitRules, Limits
from lotusx_sim.dialects.backpack.listings import BY_SYMBOL, FUNDING_MS, LISTINGS, Listing
from lotusx_sim.dialects.backpack.signing import Key
from lotusx_sim.dialects.backpack.text import NS_PER_MS
from lotusx_sim.dialects.commands import Commands
from lotusx_sim.dialects.listed import candles_of, habitat_of, past_funding
from lotusx_sim.engine.candles import CandleStore, Past
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.orders import ZERO, Order, Side
from lotusx_sim.engine.terms import Fees

FIRST_ORDER_ID = 59_669_287_267
_FIRST_SYSTEM_ID = 70_000_000_001  # of orders that triggers make
FIRST_TRADE_ID = 381_731_418
_FIRST_UPDATE = 4_324_522_523
_KEPT = 2_000
_KEPT_ROWS = 20_000
SPOT_FEES = Fees(Decimal("0.0008"), Decimal("0.001"))
PERP_FEES = Fees(Decimal("0.0002"), Decimal("0.0005"))
_FUNDING_UNIT = Decimal("1e-7")  # of past rates
BASE_FUNDING = Decimal("0.0000125")
DEFAULT_BALANCES: Mapping[str, Decimal] = {
    "USDC": Decimal(100_000),
    "SOL": Decimal(100),
    "BTC": Decimal(2),
    "ETH": Decimal(20),
}
Amounts = Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Options:
    """How one exchange is set up."""

    seed: int
    keys: tuple[Key, ...]
    balances: Amounts
    lent: Amounts
    rules: LimitRules
    spot_fees: Fees
    perp_fees: Fees
    cancel_delay_ns: int
    history_lag_ns: int
    new_id_when_triggered: bool
    client_id_when_triggered: bool
    post_only_expires: bool
    past_minutes: int = 7 * 1_440


@dataclass(slots=True)
class Facts:
    """What the venue keeps of an order beside the engine's state."""

    client_id: int | None = None
    is_conditional: bool = False
    trigger_by: str = ""
    trigger_quantity: str = ""
    self_trade: str = "RejectTaker"
    brackets: dict[str, str] = field(default_factory=dict)
    asked_quote: Decimal | None = None
    related_id: str = ""
    fired_id: str = ""  # the id it bears since it was triggered
    fired_ns: int = 0
    bracketed: bool = False  # its brackets were placed


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade."""

    listing: Listing
    id: int
    price: Decimal
    quantity: Decimal
    taker_side: Side
    ns: int
    buyer_id: str
    seller_id: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a user's history."""

    symbol: str
    ns: int
    content: dict[str, Any]


@dataclass(slots=True)
class User:
    """What the venue knows of one account besides its money."""

    account: str
    leverage: Decimal = Decimal(10)
    lent: dict[str, Decimal] = field(default_factory=dict)
    auto: dict[str, bool] = field(default_factory=dict)
    fills: deque[Row] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))
    funding: deque[Row] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))
    fired: deque[Row] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))  # triggers that became orders
    position_ids: dict[str, int] = field(default_factory=dict)
    held: dict[str, Decimal] = field(default_factory=dict)  # positions as last told


class VenueState:
    """The exchange behind every surface."""

    def __init__(self, options: Options, start_ns: int) -> None:
        self.options = options
        self.start_ns = start_ns
        self.now_ns = start_ns  # of what is being done
        self.exchange = Exchange(
            (listing.market() for listing in LISTINGS), first_order_id=FIRST_ORDER_ID, first_trade_id=FIRST_TRADE_ID
        )
        self.limits = Limits(options.rules)
        self.keys = {key.key: key for key in options.keys}
        self.update_id = {listing.symbol: _FIRST_UPDATE for listing in LISTINGS}
        self.changed_ns = {listing.symbol: start_ns for listing in LISTINGS}  # of the books
        self.candles = {listing.symbol: self._candles(listing) for listing in LISTINGS}
        self.prints: dict[str, deque[Print]] = {listing.symbol: deque(maxlen=_KEPT) for listing in LISTINGS}
        self.facts: dict[int, Facts] = {}  # by the engine's id
        self.by_client_id: dict[tuple[str, int], Order] = {}  # the newest
        self.by_order_id: dict[str, Order] = {}
        self.commands = Commands()
        self.visibility_delay_ns = 0
        self._next_id = _FIRST_SYSTEM_ID
        self.users = {
            account: User(account, lent=dict(options.lent.get(account, {})))
            for account in dict.fromkeys(key.account for key in options.keys)
        }
        habitats = [habitat_of(listing.symbol, listing) for listing in LISTINGS if listing.is_open]
        self.population = Population(self.exchange, habitats, seed=options.seed)
        for account in self.users:
            self.exchange.open_account(
                account,
                options.balances.get(account, DEFAULT_BALANCES),
                fees=options.spot_fees,
                perp_fees=options.perp_fees,
            )
        self.funding: dict[str, deque[tuple[int, Decimal]]] = {}  # (end in ms, rate), oldest first
        for listing in LISTINGS:
            if not listing.is_spot:
                self.exchange.perps.set_funding_rate(listing.symbol, BASE_FUNDING)
                past = past_funding(
                    listing.symbol, seed=options.seed, start_ns=start_ns, every_ms=FUNDING_MS, unit=_FUNDING_UNIT
                )
                self.funding[listing.symbol] = deque(past, maxlen=_KEPT)

    def _candles(self, listing: Listing) -> CandleStore:
        past = Past(f"{self.options.seed}:{listing.symbol}", self.options.past_minutes, 1)
        return candles_of(listing, past, start_ns=self.start_ns)

    @property
    def now_ms(self) -> int:
        return self.now_ns // NS_PER_MS

    def new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id)

    # -- orders --------------------------------------------------------------------------------------------------

    def facts_of(self, order: Order) -> Facts:
        """Return what is known of an order; one that the venue itself made has nothing of its own."""
        return self.facts.setdefault(order.id, Facts())

    def id_of(self, order: Order) -> str:
        return self.facts_of(order).fired_id or str(order.id)

    def keep(self, order: Order, facts: Facts) -> None:
        self.facts[order.id] = facts
        self.by_order_id[str(order.id)] = order
        if facts.client_id is not None:
            self.by_client_id[(order.account, facts.client_id)] = order

    def is_visible(self, order: Order) -> bool:
        """Tell whether queries see an order yet."""
        return self.now_ns - order.created_ns >= self.visibility_delay_ns

    # -- prices --------------------------------------------------------------------------------------------------

    def last(self, listing: Listing) -> Decimal:
        return self.exchange.last_price.get(listing.symbol, listing.price)

    def mark(self, listing: Listing) -> Decimal:
        return self.exchange.perps.mark(listing.symbol) or listing.price

    def index(self, listing: Listing) -> Decimal:
        return self.exchange.perps.index(listing.symbol) or listing.price

    def usd(self, asset: str) -> Decimal:
        """Return what one unit of *asset* is worth in dollars."""
        pair = BY_SYMBOL.get(f"{asset}_USDC")
        return Decimal(1) if pair is None else self.last(pair)

    def next_funding_ms(self) -> int:
        return (self.now_ms // FUNDING_MS + 1) * FUNDING_MS

    def levels(self, listing: Listing, side: Side, depth: int) -> list[tuple[Decimal, Decimal]]:
        """Return the best *depth* levels of one side, best first."""
        return self.exchange.books[listing.symbol].half(side).top(depth)

    # -- money ---------------------------------------------------------------------------------------------------

    def redeem(self, user: User, asset: str) -> None:
        """Bring back what *user* has lent of an asset."""
        amount = user.lent.pop(asset, ZERO)
        if amount:
            self.exchange.transfer(user.account, asset, amount, self.now_ns)
