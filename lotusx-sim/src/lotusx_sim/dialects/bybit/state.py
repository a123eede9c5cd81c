"""What one simulated Bybit holds: engine, instruments, users, orders as the venue names them, limits."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.bybit.books import BookStream
from lotusx_sim.dialects.bybit.errors import unknown_symbol
from lotusx_sim.dialects.bybit.limits import LimitRules, Limits
from lotusx_sim.dialects.bybit.listings import LISTINGS, Category, Directory, Listing
from lotusx_sim.dialects.bybit.tracked import Facts, Tracked
from lotusx_sim.dialects.commands import Command, Commands
from lotusx_sim.dialects.listed import candles_of, habitat_of, past_funding
from lotusx_sim.engine.candles import CandleStore, Past
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.orders import Leg, Order, Side
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.terms import Fees

NS_PER_MS = 1_000_000
FIRST_ORDER_ID = 1_000_001
_KEPT_PRINTS = 2_000
_KEPT_ROWS = 20_000
SPOT_FEES = Fees(Decimal("0.001"), Decimal("0.001"))
PERP_FEES = Fees(Decimal("0.0002"), Decimal("0.00055"))
_FUNDING_UNIT = Decimal("1e-6")  # of past rates
BASE_FUNDING = Decimal("0.0001")
DEFAULT_BALANCES: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "USDC": Decimal(10_000),
    "BTC": Decimal(2),
    "ETH": Decimal(20),
}
LIVE, TESTNET, DEMO = "live", "testnet", "demo"


@dataclass(frozen=True, slots=True)
class Options:
    """How one exchange is set up."""

    seed: int = 1
    environment: str = LIVE
    keys: tuple[ApiKey, ...] = ()
    balances: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    rules: LimitRules = field(default_factory=LimitRules)
    spot_fees: Fees = SPOT_FEES
    perp_fees: Fees = PERP_FEES
    matching_delay_ns: int = 0
    listings: tuple[Listing, ...] = LISTINGS
    past_minutes: int = 3_000


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade."""

    listing: Listing
    id: str
    price: Decimal
    quantity: Decimal
    taker_side: Side
    ns: int
    seq: int
    tick: str  # how the price moved, such as ZeroPlusTick


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a user's history, as the venue shows it."""

    category: Category
    ns: int
    content: dict[str, Any]


@dataclass(slots=True)
class User:
    """What the venue knows of one account besides its money."""

    account: str
    hedged: set[str] = field(default_factory=set)  # listings in hedge mode, by name
    isolated: bool = False
    executions: deque[Row] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))
    log: deque[Row] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))
    orders: list[Tracked] = field(default_factory=list)  # oldest first


@dataclass(frozen=True, slots=True)
class News:
    """Something for a user's streams that no event of the engine tells."""

    account: str
    topic: str
    category: Category
    row: dict[str, Any]


class VenueState:
    """The exchange behind every surface."""

    def __init__(self, options: Options, start_ns: int) -> None:
        self.options = options
        self.start_ns = start_ns
        self.now_ns = start_ns  # of what is being done
        self.directory = Directory(options.listings)
        listings = self.directory.listings
        self.exchange = Exchange((listing.market() for listing in listings), first_order_id=FIRST_ORDER_ID)
        self.limits = Limits(options.rules)
        self.keys = {key.key: key for key in options.keys}
        self.candles = {listing.name: self._candles(listing) for listing in listings}
        self.mark_candles = {listing.name: self._candles(listing) for listing in listings if not listing.is_spot}
        self.index_candles = {listing.name: self._candles(listing) for listing in listings if not listing.is_spot}
        self.prints: dict[str, deque[Print]] = {listing.name: deque(maxlen=_KEPT_PRINTS) for listing in listings}
        self.seq = {listing.name: 4_000_000_000 for listing in listings}
        self.funding: dict[str, list[tuple[int, Decimal]]] = {}  # (ms, rate), oldest first
        self.interest: dict[str, dict[int, Decimal]] = {}  # one side's open interest, by listing and ms
        self.changed_ms = {listing.name: start_ns // NS_PER_MS for listing in listings}  # of the books
        self.books: dict[tuple[str, int], BookStream] = {}
        self.marks: dict[str, tuple[Decimal, Decimal, Decimal]] = {}  # mark, index, funding rate as last told
        self.visibility_delay_ns = 0
        self.by_order_id: dict[str, Tracked] = {}
        self.by_link_id: dict[tuple[str, str], Tracked] = {}
        self.commands = Commands()
        self.rejections: deque[str] = deque()  # reasons for which the next new orders fail after their ack
        self.news: list[News] = []
        self._next_number = 0
        self.users = {account: User(account) for account in dict.fromkeys(key.account for key in options.keys)}
        self.population = Population(
            self.exchange,
            [habitat_of(listing.name, listing) for listing in listings if listing.is_open],
            seed=options.seed,
        )
        for account in self.users:
            self.exchange.open_account(
                account,
                options.balances.get(account, DEFAULT_BALANCES),
                fees=options.spot_fees,
                perp_fees=options.perp_fees,
            )
        for listing in listings:
            if listing.is_perpetual:
                self.exchange.perps.set_funding_rate(listing.name, BASE_FUNDING)
                every_ms = listing.funding_minutes * 60_000
                self.funding[listing.name] = past_funding(
                    listing.name, seed=options.seed, start_ns=start_ns, every_ms=every_ms, unit=_FUNDING_UNIT
                )

    def _candles(self, listing: Listing) -> CandleStore:
        past = Past(f"{self.options.seed}:{listing.name}", self.options.past_minutes, 1)
        return candles_of(listing, past, start_ns=self.start_ns)

    @property
    def now_ms(self) -> int:
        return self.now_ns // NS_PER_MS

    # -- names ---------------------------------------------------------------------------------------------------

    def unique(self, what: str) -> str:
        """Return a new id in the form of a UUID, the same for the same seed and history."""
        self._next_number += 1
        return uuid_of(f"{self.options.seed}:{what}:{self._next_number}")

    def new_order_id(self, listing: Listing) -> str:
        """Return an id as the venue's look: a number on spot, a UUID on derivatives."""
        if not listing.is_spot:
            return self.unique("order")
        self._next_number += 1
        return str(1_666_800_494_330_512_128 + self._next_number)

    def trade_id(self, listing: Listing, number: int) -> str:
        if listing.is_spot:
            return str(2_100_000_000_000_000_000 + number)
        return uuid_of(f"{self.options.seed}:trade:{listing.name}:{number}")

    # -- look-ups ------------------------------------------------------------------------------------------------

    def listed(self, category: Category, symbol: str) -> Listing:
        """Return what bears this symbol.

        Raises:
            VenueError: Nothing does in this category.
        """
        listing = self.directory.by_symbol.get((category, symbol))
        if listing is None:
            raise unknown_symbol(category, symbol)
        return listing

    def track(self, tracked: Tracked) -> None:
        self.users[tracked.account].orders.append(tracked)
        self.by_order_id[tracked.facts.order_id] = tracked
        if tracked.facts.link_id:
            self.by_link_id[(tracked.account, tracked.facts.link_id)] = tracked

    def tracked(self, order: Order) -> Tracked:
        """Return what is known of an engine order; one that the venue itself made is entered now."""
        known = self.by_order_id.get(order.tags.get("order_id", "")) or self.by_order_id.get(f"engine {order.id}")
        if known is None:
            listing = self.directory.by_name[order.symbol]
            create_type = "CreateByLiq" if order.is_liquidation else "CreateByUser"
            facts = Facts(self.new_order_id(listing), create_type=create_type)
            known = Tracked(order.account, listing, facts, order)
            self.track(known)
            self.by_order_id[f"engine {order.id}"] = known
        return known

    def is_visible(self, tracked: Tracked, now_ns: int) -> bool:
        """Tell whether queries see an order yet."""
        order = tracked.order
        return order is not None and now_ns - order.created_ns >= self.visibility_delay_ns

    def legs(self, account: str, listing: Listing) -> tuple[Leg, ...]:
        hedged = listing.name in self.users[account].hedged
        return (Leg.LONG, Leg.SHORT) if hedged else (Leg.BOTH,)

    def positions(self, account: str, listing: Listing) -> list[Position]:
        """Return an account's positions in one contract, open or not: two in hedge mode."""
        return [self.exchange.perps.position(account, listing.name, leg) for leg in self.legs(account, listing)]

    def last(self, listing: Listing) -> Decimal:
        return self.exchange.last_price.get(listing.name, listing.price)

    def mark(self, listing: Listing) -> Decimal:
        return self.exchange.perps.mark(listing.name) or listing.price

    def index(self, listing: Listing) -> Decimal:
        return self.exchange.perps.index(listing.name) or listing.price

    def usd(self, asset: str) -> Decimal:
        """Return what one unit of *asset* is worth in dollars."""
        pair = self.directory.by_symbol.get((Category.SPOT, f"{asset}USDT"))
        return Decimal(1) if asset in ("USDT", "USDC", "USD") or pair is None else self.last(pair)

    def levels(self, listing: Listing, side: Side, depth: int) -> list[tuple[Decimal, Decimal]]:
        """Return the best *depth* levels of one side, best first."""
        return self.exchange.books[listing.name].half(side).top(depth)

    def book(self, listing: Listing, depth: int) -> BookStream:
        """Return the numbered book of one depth."""
        known = self.books.get((listing.name, depth))
        if known is None:
            known = self.books[(listing.name, depth)] = BookStream(
                lambda: (self.levels(listing, Side.BUY, depth), self.levels(listing, Side.SELL, depth))
            )
        return known

    # -- commands ------------------------------------------------------------------------------------------------

    def soon(self, command: Command) -> None:
        """Carry *command* out after the matching delay: at once when there is none."""
        if self.options.matching_delay_ns:
            self.commands.accept(command, self.now_ns + self.options.matching_delay_ns)
        else:
            command(self.now_ns)


def uuid_of(what: str) -> str:
    raw = blake2b(what.encode(), digest_size=16).hexdigest()
    return f"{raw[:8]}-{raw[8:12]}-5{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"
