"""Orders, fills and engine events, in no venue's dialect."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

ZERO = Decimal(0)


class Side(Enum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """Return 1 for a buyer, -1 for a seller."""
        return 1 if self is Side.BUY else -1


class Kind(Enum):
    LIMIT = "limit"
    MARKET = "market"
    STOP_MARKET = "stop market"
    STOP_LIMIT = "stop limit"
    TAKE_PROFIT_MARKET = "take profit market"
    TAKE_PROFIT_LIMIT = "take profit limit"

    @property
    def is_conditional(self) -> bool:
        return self not in (Kind.LIMIT, Kind.MARKET)

    @property
    def is_limit(self) -> bool:
        return self in (Kind.LIMIT, Kind.STOP_LIMIT, Kind.TAKE_PROFIT_LIMIT)

    @property
    def is_stop(self) -> bool:
        return self in (Kind.STOP_MARKET, Kind.STOP_LIMIT)


class TimeInForce(Enum):
    GTC = "good till cancelled"
    IOC = "immediate or cancel"
    FOK = "fill or kill"


class Status(Enum):
    NEW = "new"
    PARTIALLY_FILLED = "partially filled"
    FILLED = "filled"
    CANCELED = "cancelled"
    EXPIRED = "expired"
    EXPIRED_IN_MATCH = "expired by self-trade prevention"

    @property
    def is_open(self) -> bool:
        return self in (Status.NEW, Status.PARTIALLY_FILLED)


class Leg(Enum):
    """Which of an account's positions in one perpetual: the only one, or one of the two of hedge mode."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"

    def opened_by(self, side: Side) -> bool:
        """Tell whether an order of *side* may open or increase this position."""
        return self is Leg.BOTH or (self is Leg.LONG) == (side is Side.BUY)


class PriceSource(Enum):
    """Which price a conditional order waits for."""

    LAST = "last"
    MARK = "mark"
    INDEX = "index"


class SelfTrade(Enum):
    """What happens when an order meets another of the same account."""

    NONE = "none"
    EXPIRE_TAKER = "expire taker"
    EXPIRE_MAKER = "expire maker"
    EXPIRE_BOTH = "expire both"
    DECREMENT = "decrement"


class Reason(Enum):
    """Why the engine refused a command."""

    INSUFFICIENT_FUNDS = "insufficient funds"
    WOULD_TAKE = "post-only order would take"
    WOULD_TRIGGER = "trigger is already reached"
    DUPLICATE_CLIENT_ID = "client order id is in use by an open order"
    UNKNOWN_ORDER = "unknown order"
    RESTRICTED = "order is not in the state that was asked for"
    NO_CHANGE = "amendment changes nothing"
    NOT_A_DECREASE = "amendment must reduce the quantity"
    BELOW_EXECUTED = "amended quantity is not above what was executed"
    MARKET_CLOSED = "market is closed"
    REDUCE_ONLY = "reduce-only order would not reduce a position"
    LEVERAGE = "leverage is below 1 or above what the market allows"
    MARGIN_MODE = "market does not allow this margin mode"
    POSITION_OPEN = "position is open"
    NOT_ISOLATED = "there is no position with isolated margin"


# Why the engine itself ended an order: values of `Order.expiry_reason`.
MARGIN_GONE = "INSUFFICIENT_MARGIN"
NOTHING_TO_REDUCE = "REDUCE_ONLY"
LIQUIDATED = "LIQUIDATION"
WOULD_HAVE_TAKEN = "POST_ONLY"


class Refused(Exception):
    """The engine did not carry out a command; nothing changed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class Order:
    """One order and its state; the engine alone writes to it."""

    id: int
    account: str
    symbol: str
    side: Side
    kind: Kind
    time_in_force: TimeInForce
    post_only: bool
    quantity: Decimal  # base; for a market order by quote it becomes what was executed
    price: Decimal | None
    quote_quantity: Decimal | None
    trigger_price: Decimal | None
    trailing_bps: int | None
    self_trade: SelfTrade
    client_id: str
    created_ns: int
    tags: Mapping[str, str]
    reduce_only: bool = False
    trigger_by: PriceSource = PriceSource.LAST
    whole_position: bool = False
    leg: Leg = Leg.BOTH
    lock_when_triggered: bool = False
    trailing_distance: Decimal | None = None
    is_liquidation: bool = False
    updated_ns: int = 0
    working_ns: int | None = None  # None: a conditional order that has not triggered
    trailing_ns: int | None = None  # when the trailing price began to be followed
    extreme: Decimal | None = None  # best price seen while trailing
    status: Status = Status.NEW
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    prevented: Decimal = ZERO
    reserved: Decimal = ZERO  # what is still locked for this order, in reserved_asset
    reserved_asset: str = ""
    amendments: int = 0
    expiry_reason: str = ""
    fills: list["Fill"] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed - self.prevented

    @property
    def is_open(self) -> bool:
        return self.status.is_open

    @property
    def trails(self) -> bool:
        return self.trailing_bps is not None or self.trailing_distance is not None

    @property
    def is_working(self) -> bool:
        return self.working_ns is not None and self.is_open

    def snapshot(self) -> "Order":
        """Copy the order, so that an event keeps the state it was about."""
        twin = copy.copy(self)
        twin.fills = list(self.fills)
        return twin


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A command to place an order; venue rules are already checked, engine rules are not."""

    account: str
    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal = ZERO
    price: Decimal | None = None
    quote_quantity: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    trigger_price: Decimal | None = None
    trailing_bps: int | None = None
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    client_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    reduce_only: bool = False  # perpetuals only
    trigger_by: PriceSource = PriceSource.LAST
    whole_position: bool = False  # a conditional reduce-only order whose quantity becomes the position's
    leg: Leg = Leg.BOTH  # perpetuals only; what closes a leg of hedge mode is reduce-only
    lock_when_triggered: bool = False  # a conditional order on spot that locks nothing before; perpetuals always do so
    trailing_distance: Decimal | None = None  # like trailing_bps, in quote
    expire_if_taking: bool = False  # a post-only order that would take is accepted, and ends at once


@dataclass(frozen=True, slots=True)
class Fill:
    """One account's half of a match."""

    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    ns: int
    start_position: Decimal = ZERO  # signed; perpetuals only
    closed_pnl: Decimal = ZERO  # in settle, before the fee; perpetuals only
    is_liquidation: bool = False

    @property
    def quote_quantity(self) -> Decimal:
        return self.price * self.quantity


class Change(Enum):
    """What happened to an order."""

    NEW = "new"
    TRADE = "trade"
    CANCELED = "cancelled"
    AMENDED = "amended"
    EXPIRED = "expired"
    PREVENTED = "self-trade prevented"


@dataclass(frozen=True, slots=True)
class OrderEvent:
    account: str
    change: Change
    order: Order  # as it was after the change
    execution_id: int
    ns: int
    fill: Fill | None = None
    request_id: str = ""  # client id of the cancel or amendment, where it has one of its own
    original_client_id: str = ""
    prevented_quantity: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class TradeEvent:
    """A public print."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    taker_side: Side
    ns: int
    taker_order_id: int


@dataclass(frozen=True, slots=True)
class BookEvent:
    """One level changed; the quantity is absolute and 0 removes the level."""

    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    ns: int


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """Balances that one command may have changed. A delta is given for transfers only."""

    account: str
    assets: tuple[str, ...]
    ns: int
    delta: Decimal | None = None
