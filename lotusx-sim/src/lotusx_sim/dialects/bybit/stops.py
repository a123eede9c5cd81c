"""Take-profits and stop-losses of positions: conditional orders that reduce, and go when the position goes."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.errors import VenueError, bad
from lotusx_sim.dialects.bybit.listings import Listing
from lotusx_sim.dialects.bybit.order_rules import FALLS, RISES, SOURCES, check_trigger
from lotusx_sim.dialects.bybit.placing import conditional_kind
from lotusx_sim.dialects.bybit.state import VenueState
from lotusx_sim.dialects.bybit.tracked import Facts, Tracked
from lotusx_sim.engine.orders import Kind, NewOrder, Order, Refused, Side
from lotusx_sim.engine.positions import Position

TAKE_PROFIT, STOP_LOSS, TRAILING = "TakeProfit", "StopLoss", "TrailingStop"


def standing(state: VenueState, position: Position, kind: str) -> Order | None:
    """Return the order that is the take-profit or stop-loss of the whole position."""
    for order in state.exchange.open_orders(position.account, position.symbol):
        is_of_it = order.whole_position and order.leg is position.leg
        if is_of_it and state.tracked(order).facts.stop_order_type == kind:
            return order
    return None


def set_stop(
    state: VenueState,
    listing: Listing,
    position: Position,
    kind: str,
    trigger: Decimal,
    trigger_by: str,
    now_ns: int,
    *,
    size: Decimal | None = None,
) -> None:
    """Put *trigger* in place of the position's take-profit or stop-loss; 0 only takes that away.

    Args:
        size: For a part of the position; None: for all of it, whatever its size will be.

    Raises:
        VenueError: The price would be reached at once.
    """
    if not trigger:
        if (old := standing(state, position, kind)) is not None:
            state.exchange.cancel(old, now_ns)
        return
    if trigger_by not in SOURCES:
        raise bad("triggerBy invalid")
    side = Side.SELL if position.quantity > 0 else Side.BUY
    rises = (side is Side.SELL) == (kind == TAKE_PROFIT)
    facts = Facts(
        "", side=side, order_filter="tpslOrder", stop_order_type=kind if size is None else f"Partial{kind}", tif="IOC",
        trigger_direction=RISES if rises else FALLS, trigger_by=trigger_by, close_on_trigger=True, is_market=True,
        create_type=f"CreateBy{kind}" if size is None else f"CreateByPartial{kind}", last_price=state.last(listing),
        tpsl_mode="Full" if size is None else "Partial",
    )  # fmt: skip
    check_trigger(state, listing, trigger, facts)
    if size is None and (old := standing(state, position, kind)) is not None:
        state.exchange.cancel(old, now_ns)
    kind_of_order = conditional_kind(side, facts.trigger_direction, is_limit=False)
    _place(state, listing, position, facts, kind_of_order, now_ns, size=size, trigger_price=trigger)


def set_trailing(
    state: VenueState, listing: Listing, position: Position, distance: Decimal, active: Decimal | None, now_ns: int
) -> None:
    """Let a stop follow the best price at *distance*; 0 only takes the old one away.

    Args:
        active: The price at which it begins to follow; None: at once.

    Raises:
        VenueError: *active* is reached already.
    """
    old = standing(state, position, TRAILING)
    side = Side.SELL if position.quantity > 0 else Side.BUY
    facts = Facts(
        "", side=side, order_filter="tpslOrder", stop_order_type=TRAILING, tif="IOC", trigger_by="LastPrice",
        trigger_direction=RISES if side is Side.SELL else FALLS, close_on_trigger=True, is_market=True,
        create_type="CreateByTrailingStop", last_price=state.last(listing), tpsl_mode="Full",
    )  # fmt: skip
    if active is not None and distance:
        check_trigger(state, listing, active, facts)
    if old is not None:
        state.exchange.cancel(old, now_ns)
    if distance:
        # A take-profit, for its activation price lies where the position gains.
        kind = conditional_kind(side, facts.trigger_direction, is_limit=False)
        _place(state, listing, position, facts, kind, now_ns, trigger_price=active, trailing_distance=distance)


def _place(
    state: VenueState,
    listing: Listing,
    position: Position,
    facts: Facts,
    kind: Kind,
    now_ns: int,
    *,
    size: Decimal | None = None,
    **more: Any,
) -> None:
    facts.order_id = state.new_order_id(listing)
    tracked = Tracked(position.account, listing, facts)
    new = NewOrder(
        position.account, listing.name, facts.side, kind, abs(position.quantity) if size is None else size,
        reduce_only=True, whole_position=size is None, leg=position.leg, trigger_by=SOURCES[facts.trigger_by],
        tags={"order_id": facts.order_id}, **more,
    )  # fmt: skip
    try:
        tracked.order = state.exchange.place(new, now_ns)
    except Refused as refused:
        raise VenueError(110017, str(refused)) from None
    state.track(tracked)


def attach(state: VenueState, tracked: Tracked, now_ns: int) -> None:
    """Hand an order's take-profit and stop-loss to the position it has opened."""
    facts, order = tracked.facts, tracked.order
    if order is None or facts.attached or not (facts.take_profit or facts.stop_loss):
        return
    position = state.exchange.perps.position(order.account, order.symbol, order.leg)
    if not position.is_open or position.quantity * order.side.sign < 0:
        return
    facts.attached = True
    wishes = ((TAKE_PROFIT, facts.take_profit, facts.tp_trigger_by), (STOP_LOSS, facts.stop_loss, facts.sl_trigger_by))
    for kind, price, trigger_by in wishes:
        if price:
            try:
                set_stop(state, tracked.listing, position, kind, Decimal(price), trigger_by, now_ns)
            except VenueError:
                continue  # the market is past it since the order was placed: there is nothing left to wait for
