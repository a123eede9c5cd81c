"""An order as the venue knows it: the engine's, and what its users said besides."""

from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.dialects.bybit.listings import Listing
from lotusx_sim.engine.orders import (
    LIQUIDATED,
    NOTHING_TO_REDUCE,
    ZERO,
    Kind,
    Leg,
    Order,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)

POSITION_INDEX = {Leg.BOTH: 0, Leg.LONG: 1, Leg.SHORT: 2}
LEGS = {index: leg for leg, index in POSITION_INDEX.items()}
SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
SIDE_NAMES = {side: name for name, side in SIDES.items()}
WOULD_TAKE = "EC_PostOnlyWillTakeLiquidity"
_REASONS = {
    "UNFILLED_IOC_QUANTITY": ("UNKNOWN", "EC_NoImmediateQtyToFill"),
    "INSUFFICIENT_LIQUIDITY": ("UNKNOWN", "EC_NoImmediateQtyToFill"),
    "UNFILLED_FOK_ORDER": ("UNKNOWN", "EC_CancelForNoFullFill"),
    NOTHING_TO_REDUCE: ("CancelByReduceOnly", "EC_PerCancelRequest"),
    LIQUIDATED: ("CancelByPrepareLiq", "EC_PerCancelRequest"),
    "EXCHANGE_CANCELED": ("CancelByAdmin", "EC_PerCancelRequest"),
    WOULD_TAKE: ("UNKNOWN", WOULD_TAKE),
}


@dataclass(slots=True)
class Facts:
    """What the venue keeps of an order beside the engine's state."""

    order_id: str
    link_id: str = ""
    side: Side = Side.BUY
    order_filter: str = "Order"
    stop_order_type: str = ""
    market_unit: str = ""
    trigger_direction: int = 0
    trigger_by: str = ""
    close_on_trigger: bool = False
    smp_type: str = "None"
    create_type: str = "CreateByUser"
    is_market: bool = False
    tif: str = "GTC"
    bound: Decimal = ZERO  # the worst price of a market order on derivatives
    last_price: Decimal = ZERO  # when it was created
    take_profit: str = ""
    stop_loss: str = ""
    tp_trigger_by: str = ""
    sl_trigger_by: str = ""
    tpsl_mode: str = ""
    rejected: str = ""  # why it was rejected after its ack
    late_cancel: bool = False  # a cancel found it filled
    attached: bool = False  # its take-profit and stop-loss were handed to the position


@dataclass(slots=True)
class Tracked:
    account: str
    listing: Listing
    facts: Facts
    order: Order | None = None  # None: acknowledged, not carried out yet

    @property
    def is_open(self) -> bool:
        return self.order is None or self.order.is_open


def status_of(order: Order, facts: Facts, *, is_spot: bool) -> str:
    if facts.rejected:
        return "Rejected"
    if order.is_open:
        if order.kind.is_conditional and order.working_ns is None:
            return "Untriggered"
        return "PartiallyFilled" if order.executed else "New"
    if order.status is Status.FILLED:
        dust = order.quote_quantity is not None and order.executed_quote < order.quote_quantity
        return "PartiallyFilledCanceled" if is_spot and dust else "Filled"
    if order.kind.is_conditional and order.working_ns is None:
        return "Deactivated"
    return "PartiallyFilledCanceled" if is_spot and order.executed else "Cancelled"


def why_ended(order: Order, facts: Facts) -> tuple[str, str]:
    """Return ``cancelType`` and ``rejectReason``."""
    if facts.rejected:
        return "UNKNOWN", facts.rejected
    if facts.late_cancel:
        return "CancelByUser", "EC_OrigClOrdIDDoesNotExist"
    if order.status is Status.CANCELED:
        return "CancelByUser", "EC_PerCancelRequest"
    if order.status is Status.EXPIRED_IN_MATCH:
        return "CancelBySmp", "EC_BySelfMatch"
    if order.status is Status.EXPIRED:
        return _REASONS.get(order.expiry_reason, ("UNKNOWN", "EC_Others"))
    return "UNKNOWN", "EC_NoError"


def never_placed(tracked: Tracked, side: Side, quantity: Decimal, price: Decimal | None, now_ns: int) -> Order:
    """Return an order that the engine has never seen, for the history: it was refused after its ack."""
    return Order(
        id=0, account=tracked.account, symbol=tracked.listing.name, side=side,
        kind=Kind.MARKET if price is None else Kind.LIMIT, time_in_force=TimeInForce.GTC, post_only=False,
        quantity=quantity, price=price, quote_quantity=None, trigger_price=None, trailing_bps=None,
        self_trade=SelfTrade.NONE, client_id=tracked.facts.link_id, created_ns=now_ns, tags={}, updated_ns=now_ns,
        working_ns=now_ns, status=Status.EXPIRED,
    )  # fmt: skip
