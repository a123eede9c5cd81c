"""What one simulated OKX holds: engine, instruments, users, prints, candles."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.listed import candles_of, habitat_of, past_funding
from lotusx_sim.dialects.okx.errors import unknown_instrument
from lotusx_sim.dialects.okx.limits import Limits
from lotusx_sim.dialects.okx.listings import Listing
from lotusx_sim.dialects.okx.signing import OkxKey
from lotusx_sim.dialects.okx.text import NS_PER_MS
from lotusx_sim.engine.candles import Past
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.orders import Leg, Order, Side
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.terms import Fees

SPOT_FEES = Fees(Decimal("0.0008"), Decimal("0.001"))
SWAP_FEES = Fees(Decimal("0.0002"), Decimal("0.0005"))
DEFAULT_BALANCES: Mapping[str, Decimal] = {"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(20)}
BASE_FUNDING = Decimal("0.0001")
_ORDERS_FROM = 1_752_588_852_000_000_000
_KEPT = 2_000
_KEPT_ROWS = 20_000
_PAST_MINUTES = 3_000
_FUNDING_UNIT = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade."""

    listing: Listing
    id: int
    price: Decimal
    quantity: Decimal
    taker_side: Side
    ns: int


@dataclass(slots=True)
class User:
    """What the venue knows of one account besides its money."""

    account: str
    level: str
    hedged: bool = False
    fills: deque[tuple[int, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))  # (ns, row)
    bills: deque[tuple[int, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=_KEPT_ROWS))
    cancel_all_ns: int | None = None


class VenueState:
    """The exchange behind every surface."""

    def __init__(
        self,
        *,
        seed: int,
        keys: Sequence[OkxKey],
        balances: Mapping[str, Mapping[str, Decimal]],
        listings: Sequence[Listing],
        level: str,
        deadline_pace: float,
        now_ns: int,
    ) -> None:
        self.seed = seed
        self.deadline_pace = deadline_pace
        self.start_ns = self.now_ns = now_ns
        self.listings = tuple(listings)
        self.by_name = {listing.name: listing for listing in listings}
        self.exchange = Exchange(listing.market() for listing in listings)
        self.limits = Limits()
        self.keys = {key.key: key for key in keys}
        self.users = {key.account: User(key.account, level) for key in keys}
        self.prints: dict[str, deque[Print]] = {listing.name: deque(maxlen=_KEPT) for listing in listings}
        self.candles = {
            item.name: candles_of(item, Past(f"{seed}:{item.name}", _PAST_MINUTES, 1), start_ns=now_ns)
            for item in listings
        }
        self.funding: dict[str, list[tuple[int, Decimal]]] = {}
        self.visibility_delay_ns = 0
        self._next_bill = 1
        open_ones = [item for item in listings if item.is_open]
        self.population = Population(self.exchange, [habitat_of(item.name, item) for item in open_ones], seed=seed)
        for account in self.users:
            held = balances.get(account, DEFAULT_BALANCES)
            self.exchange.open_account(account, held, fees=SPOT_FEES, perp_fees=SWAP_FEES)
        for item in listings:
            if not item.is_spot:
                self.exchange.perps.set_funding_rate(item.name, BASE_FUNDING)
                every_ms = item.funding_minutes * 60_000
                self.funding[item.name] = past_funding(
                    item.name, seed=seed, start_ns=now_ns, every_ms=every_ms, unit=_FUNDING_UNIT
                )

    @property
    def now_ms(self) -> int:
        return self.now_ns // NS_PER_MS

    def listed(self, name: str) -> Listing:
        """Raises `VenueError` where nothing bears that name."""
        found = self.by_name.get(name)
        if found is None:
            raise unknown_instrument()
        return found

    def bill_id(self) -> str:
        self._next_bill += 1
        return str(_ORDERS_FROM + self._next_bill)

    @staticmethod
    def order_id(order: Order) -> str:
        return str(_ORDERS_FROM + order.id)

    def find(self, account: str, name: str, order_id: str, client_id: str) -> Order | None:
        """Return an order by its id, which counts where both are given, or the newest with a client id."""
        if order_id:
            number = int(order_id) - _ORDERS_FROM if order_id.isdigit() else 0
            return self.exchange.find(account, name, order_id=number) if number > 0 else None
        return self.exchange.find(account, name, client_id=client_id)

    def orders(self, account: str) -> list[Order]:
        """Return all of an account's orders, newest first."""
        return sorted(
            (order for order in self.exchange.orders.values() if order.account == account), key=lambda o: -o.id
        )

    def is_visible(self, order: Order) -> bool:
        """Tell whether queries see an order yet."""
        return self.now_ns - order.created_ns >= self.visibility_delay_ns

    def positions(self, account: str, listing: Listing) -> list[Position]:
        legs = (Leg.LONG, Leg.SHORT) if self.users[account].hedged else (Leg.BOTH,)
        return [self.exchange.perps.position(account, listing.name, leg) for leg in legs]

    def last(self, listing: Listing) -> Decimal:
        return self.exchange.last_price.get(listing.name, listing.price)

    def mark(self, listing: Listing) -> Decimal:
        return self.exchange.perps.mark(listing.name) or listing.price

    def levels(self, listing: Listing, side: Side, depth: int) -> list[tuple[Decimal, Decimal]]:
        return self.exchange.books[listing.name].half(side).top(depth)
