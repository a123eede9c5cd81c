"""What one simulated Hyperliquid holds: engine, public prints, accounts, ledgers, limits."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from lotusx_sim.dialects.hyperliquid.accounts import Account, Member, Registry, Wallets, starting_balances
from lotusx_sim.dialects.hyperliquid.errors import UnknownCoin
from lotusx_sim.dialects.hyperliquid.limits import HostLimits, LimitRules
from lotusx_sim.dialects.hyperliquid.markets import USDC_NAME, Listing, Universe
from lotusx_sim.dialects.hyperliquid.numbers import shown, usd
from lotusx_sim.dialects.hyperliquid.signing import MAINNET, keccak
from lotusx_sim.dialects.listed import candles_of, habitat_of
from lotusx_sim.engine.candles import CandleStore, Past
from lotusx_sim.engine.events import Event, FundingEvent
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.orders import BalanceEvent, Order, OrderEvent, Side, TradeEvent
from lotusx_sim.engine.terms import Fees

NS_PER_MS = 1_000_000
FIRST_ORDER_ID = 77_000_000_001
FIRST_REJECTED_ID = 76_000_000_001
FIRST_TRADE_ID = 1
_KEPT_PRINTS = 2_000
_KEPT_ROWS = 10_000
PERP_FEES = Fees(Decimal("0.00015"), Decimal("0.00045"))
SPOT_FEES = Fees(Decimal("0.0004"), Decimal("0.0007"))

DEFAULT_BALANCES: Wallets = {
    "perp": {USDC_NAME: Decimal(100_000)},
    "spot": {
        USDC_NAME: Decimal(100_000),
        "PURR": Decimal(100_000),
        "HYPE": Decimal(1_000),
        "UBTC": Decimal(1),
    },
    "xyz": {USDC_NAME: Decimal(10_000)},
}
SPOT, PERP = "spot", "perp"


@dataclass(frozen=True, slots=True)
class Options:
    """How one exchange is set up."""

    seed: int = 1
    network: str = MAINNET
    accounts: tuple[Account, ...] = ()
    balances: Mapping[str, Wallets] = field(default_factory=dict)
    rules: LimitRules = field(default_factory=LimitRules)
    perp_fees: Fees = PERP_FEES
    spot_fees: Fees = SPOT_FEES
    past_minutes: int = 3_000
    tells_trigger_ids: bool = False


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade."""

    coin: str
    price: Decimal
    size: Decimal
    taker_side: Side
    ns: int
    tid: int
    hash: str
    buyer: str
    seller: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An order that was refused after it had been given an id."""

    user: str
    oid: int
    cloid: str | None
    row: Mapping[str, Any]
    status: str
    ns: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Bracket orders that are placed once their parent is filled."""

    items: Sequence[Mapping[str, Any]]
    member: Member
    owner: Member


@dataclass(slots=True)
class Journal:
    """What happened to one user, newest last."""

    fundings: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))
    rejected: deque[Rejected] = field(default_factory=lambda: deque(maxlen=_KEPT_PRINTS))


class VenueState:
    """The exchange behind every surface."""

    def __init__(self, options: Options, start_ns: int) -> None:
        self.options = options
        self.start_ns = start_ns
        self.now_ns = start_ns  # of what is being done
        self.universe = Universe()
        self.exchange = Exchange(
            (listing.market() for listing in self.universe.listings),
            first_order_id=FIRST_ORDER_ID,
            first_trade_id=FIRST_TRADE_ID,
        )
        self.limits = HostLimits(options.rules)
        self.registry = Registry(options.accounts, options.rules.address_requests)
        self.candles = {listing.coin: self._candles(listing) for listing in self.universe.listings}
        self.prints: dict[str, deque[Print]] = {
            listing.coin: deque(maxlen=_KEPT_PRINTS) for listing in self.universe.listings
        }
        self.funding_history: dict[str, list[dict[str, Any]]] = {}
        self.visibility_delay_ns = 0
        self.by_cloid: dict[tuple[str, str], int] = {}  # (user, cloid) -> newest oid
        self.waiting: dict[int, Waiting] = {}  # by oid of the parent
        self.siblings: dict[int, tuple[int, ...]] = {}  # oid -> the bracket it belongs to
        self.news: list[Rejected] = []  # refused orders that no stream has told of yet
        self.leaving: dict[tuple[str, Decimal], dict[str, Any]] = {}  # withdrawals under way: (account, amount): row
        self.ledger_news: list[tuple[str, dict[str, Any]]] = []  # likewise: (user, row)
        self._journals: dict[str, Journal] = {}
        self._next_rejected_id = FIRST_REJECTED_ID
        self.population = Population(
            self.exchange, [habitat_of(s.coin, s) for s in self.universe.listings if s.is_open], seed=options.seed
        )
        for account in options.accounts:
            self.open_wallets(
                self.registry.members[account.address.lower()],
                starting_balances(options.balances, account) or DEFAULT_BALANCES,
            )
        for member in self.registry.members.values():
            if member.master:
                self.open_wallets(member, options.balances.get(member.name, {}))

    def _candles(self, listing: Listing) -> CandleStore:
        past = Past(f"{self.options.seed}:{listing.coin}", self.options.past_minutes, FIRST_TRADE_ID)
        return candles_of(listing, past, start_ns=self.start_ns)

    # -- wallets -------------------------------------------------------------------------------------------------

    def open_wallets(self, member: Member, balances: Wallets) -> None:
        """Open the engine accounts of *member*: spot, the first dex, every builder dex; one for all if unified."""
        for kind in (PERP, SPOT, *(name for name in self.universe.dexes if name)):
            self.exchange.open_account(
                self.wallet(member.address, kind),
                balances.get(kind, {}),
                fees=self.options.spot_fees,
                perp_fees=self.options.perp_fees,
            )

    def wallet(self, user: str, kind: str) -> str:
        """Return the engine account that holds a user's money for spot, or for a dex ("" or ``perp``: the first)."""
        member = self.registry.members.get(user)
        if kind in (PERP, "") or (member is not None and is_unified(member)):
            return user
        return f"{user}/{kind}"

    def wallets(self, user: str) -> tuple[str, ...]:
        """Return all engine accounts of a user, the first dex first."""
        kinds = (PERP, SPOT, *(name for name in self.universe.dexes if name))
        return tuple(dict.fromkeys(self.wallet(user, kind) for kind in kinds))

    def wallet_for(self, user: str, listing: Listing) -> str:
        return self.wallet(user, SPOT if listing.is_spot else listing.dex)

    # -- look-ups ------------------------------------------------------------------------------------------------

    def listed(self, coin: Any) -> Listing:
        """Return what bears this name.

        Raises:
            UnknownCoin: Nothing does.
        """
        listing = self.universe.by_coin.get(coin) if isinstance(coin, str) else None
        if listing is None:
            raise UnknownCoin(str(coin))
        return listing

    def is_visible(self, order: Order, now_ns: int) -> bool:
        """Tell whether queries see *order* yet."""
        return now_ns - order.created_ns >= self.visibility_delay_ns

    def orders_of(self, user: str) -> list[Order]:
        """Return all orders of a user, oldest first."""
        wallets = set(self.wallets(user))
        return [order for order in self.exchange.orders.values() if order.account in wallets]

    def open_orders_of(self, user: str) -> list[Order]:
        found = [order for wallet in self._opened(user) for order in self.exchange.open_orders(wallet)]
        return sorted(found, key=lambda order: order.id)

    def _opened(self, user: str) -> list[str]:
        return [wallet for wallet in self.wallets(user) if self.exchange.accounts.has(wallet)]

    def find_order(self, user: str, oid: int | str) -> Order | Rejected | None:
        """Return a user's order by oid, or the newest one with that cloid."""
        number = self.by_cloid.get((user, oid)) if isinstance(oid, str) else oid
        if number is None:
            return None
        order = self.exchange.orders.get(number)
        if order is not None:
            return order if user_of(order.account) == user else None
        return next((item for item in self.journal(user).rejected if item.oid == number), None)

    def journal(self, user: str) -> Journal:
        return self._journals.setdefault(user, Journal())

    def mid(self, listing: Listing) -> Decimal | None:
        """Return the middle of the book, None while a side is empty."""
        book = self.exchange.books[listing.coin]
        bid, ask = book.best_bid(), book.best_ask()
        return None if bid is None or ask is None else (bid + ask) / 2

    def mark(self, listing: Listing) -> Decimal:
        mark = self.exchange.perps.mark(listing.coin)
        return listing.price if mark is None else mark

    def oracle(self, listing: Listing) -> Decimal:
        index = self.exchange.perps.index(listing.coin)
        return listing.price if index is None else index

    # -- what happens --------------------------------------------------------------------------------------------

    def reject(self, user: str, cloid: str | None, row: Mapping[str, Any], status: str, now_ns: int) -> Rejected:
        """Keep an order that was refused, so that queries and streams tell of it."""
        oid = self._next_rejected_id
        self._next_rejected_id += 1
        rejected = Rejected(user, oid, cloid, {**row, "oid": oid}, status, now_ns)
        self.journal(user).rejected.append(rejected)
        if cloid is not None:
            self.by_cloid[(user, cloid)] = oid
        return rejected

    def note(self, user: str, delta: dict[str, Any], now_ns: int) -> None:
        """Enter a deposit or transfer into a user's ledger."""
        number = len(self.journal(user).ledger)
        row = {"time": now_ns // NS_PER_MS, "hash": hash_of(f"ledger:{user}:{number}:{now_ns}"), "delta": delta}
        self.journal(user).ledger.append(row)
        self.ledger_news.append((user, row))

    def publish(self, events: Sequence[Event]) -> list[Print]:
        """Bring prints, candles, volumes and ledgers up to date with what the engine did; return the new prints."""
        parties: dict[tuple[str, int], dict[Side, str]] = {}
        for event in events:
            if isinstance(event, OrderEvent):
                self._note_order(event)
                if event.fill is not None:
                    sides = parties.setdefault((event.fill.symbol, event.fill.trade_id), {})
                    sides[event.fill.side] = user_of(event.account)
            elif isinstance(event, FundingEvent):
                self._note_funding(event)
        self._note_deposits([event for event in events if isinstance(event, BalanceEvent)])
        prints = [self._print(event, parties) for event in events if isinstance(event, TradeEvent)]
        for item in prints:
            self.prints[item.coin].append(item)
            self.candles[item.coin].add(item.price, item.size, item.taker_side, 1, item.ns // NS_PER_MS)
        return prints

    def _note_order(self, event: OrderEvent) -> None:
        user = user_of(event.account)
        if cloid := cloid_of(event.order):
            self.by_cloid[(user, cloid)] = max(event.order.id, self.by_cloid.get((user, cloid), 0))
        if event.fill is not None and (member := self.registry.members.get(user)) is not None:
            member.volume += event.fill.quote_quantity

    def _note_deposits(self, events: Sequence[BalanceEvent]) -> None:
        """Enter what came from outside, money that nobody here has sent; and what left for there."""
        moved = [(event, event.delta) for event in events if event.delta is not None]
        sent = Counter((event.assets, -delta) for event, delta in moved if delta < 0)
        got = Counter((event.assets, delta) for event, delta in moved if delta > 0)
        for event, delta in moved:
            if user_of(event.account) not in self.registry.members:
                continue
            from_here, others = (event.assets, abs(delta)), sent if delta > 0 else got
            if others[from_here]:
                others[from_here] -= 1
            elif delta > 0:
                self.note(user_of(event.account), _deposit(event, delta), event.ns)
            elif event.assets == (USDC_NAME,):
                row = self.leaving.pop((event.account, -delta), None)
                self.note(user_of(event.account), row or _withdrawal(-delta, event.ns), event.ns)

    def _note_funding(self, event: FundingEvent) -> None:
        user, time_ms = user_of(event.account), event.ns // NS_PER_MS
        if user in self.registry.members:
            self.journal(user).fundings.append(
                {"time_ms": time_ms, "coin": event.symbol, "amount": event.amount, "size": event.quantity,
                 "rate": event.rate}
            )  # fmt: skip

    def _print(self, event: TradeEvent, parties: Mapping[tuple[str, int], Mapping[Side, str]]) -> Print:
        known = parties.get((event.symbol, event.trade_id), {})
        strangers = _strangers(event.symbol, event.trade_id)
        return Print(
            event.symbol, event.price, event.quantity, event.taker_side, event.ns,
            tid_of(event.symbol, event.trade_id), hash_of(f"trade:{event.symbol}:{event.trade_id}"),
            known.get(Side.BUY, strangers[0]), known.get(Side.SELL, strangers[1]),
        )  # fmt: skip


def is_unified(member: Member) -> bool:
    """Tell whether spot and all dexes share one balance."""
    return member.abstraction in ("unifiedAccount", "portfolioMargin")


def user_of(account: str) -> str:
    """Return the address an engine account belongs to."""
    return account.partition("/")[0]


def cloid_of(order: Order) -> str | None:
    return order.client_id if order.client_id.startswith("0x") else None


def tid_of(coin: str, trade_id: int) -> int:
    """Return a trade id as the venue's look: fifty bits, in no order."""
    return int.from_bytes(blake2b(f"{coin}:{trade_id}".encode(), digest_size=8).digest(), "big") >> 14


def hash_of(what: str) -> str:
    """Return a transaction hash."""
    return "0x" + keccak(what.encode()).hex()


def _deposit(event: BalanceEvent, amount: Decimal) -> dict[str, Any]:
    """Return a deposit as the ledger shows it: by the bridge if it is of USDC, else as a transfer from nobody."""
    if event.assets == (USDC_NAME,):
        return {"type": "deposit", "usdc": usd(amount)}
    return {"type": "spotTransfer", "token": event.assets[0], "amount": shown(amount), "user": "0x" + "0" * 40,
            "destination": user_of(event.account), "fee": "0.0"}  # fmt: skip


def _withdrawal(amount: Decimal, ns: int) -> dict[str, Any]:
    return {"type": "withdraw", "usdc": usd(amount), "nonce": ns // NS_PER_MS, "fee": "0.0"}


def _strangers(coin: str, trade_id: int) -> tuple[str, str]:
    raw = blake2b(f"{coin}:{trade_id}:parties".encode(), digest_size=40).hexdigest()
    return "0x" + raw[:40], "0x" + raw[40:]
