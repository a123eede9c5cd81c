"""Reads new orders: what they ask, and the rules they must keep before they are acknowledged.

Source: Bybit V5, order/create-order.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.dialects.bybit.errors import VenueError, bad, duplicate
from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.numbers import plain, scaled
from lotusx_sim.dialects.bybit.order_rules import (
    FALLS,
    RISES,
    SOURCES,
    check_caps,
    check_notional,
    check_trigger,
    checked_price,
    checked_quantity,
    price_limits,
    worst_price,
)
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.state import VenueState
from lotusx_sim.dialects.bybit.tracked import LEGS, SIDES, Facts, Tracked
from lotusx_sim.engine.orders import ZERO, Kind, Leg, NewOrder, PriceSource, SelfTrade, Side, TimeInForce

_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_TIF = {
    "GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "PostOnly": TimeInForce.GTC,
}  # fmt: skip
_SELF_TRADE = {
    "None": SelfTrade.NONE, "CancelMaker": SelfTrade.EXPIRE_MAKER, "CancelTaker": SelfTrade.EXPIRE_TAKER,
    "CancelBoth": SelfTrade.EXPIRE_BOTH,
}  # fmt: skip
_STOP = {True: Kind.STOP_LIMIT, False: Kind.STOP_MARKET}
_TAKE = {True: Kind.TAKE_PROFIT_LIMIT, False: Kind.TAKE_PROFIT_MARKET}


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order that has been understood."""

    tracked: Tracked
    new: NewOrder


def conditional_kind(side: Side, direction: int, *, is_limit: bool) -> Kind:
    """Return the kind that waits for the price to rise (1) or fall (2)."""
    return (_STOP if (side is Side.BUY) == (direction == RISES) else _TAKE)[is_limit]


def read_order(state: VenueState, account: str, params: Params) -> Ticket:
    """Return what is asked.

    Raises:
        VenueError: It breaks a rule that is checked before the acknowledgement.
    """
    category = params.category()
    listing = state.listed(category, params.text("symbol").upper())
    if not listing.is_open:
        raise (
            VenueError(170151, "Trading pair is not open yet.")
            if listing.is_spot
            else VenueError(110074, "This contract is not live")
        )
    side = SIDES[params.one_of("side", SIDES, bad("Side invalid"))]
    is_limit = params.one_of("orderType", {"Limit", "Market"}, bad("OrderType invalid")) == "Limit"
    facts = Facts(
        "", link_id(state, account, category, params), side=side, is_market=not is_limit,
        last_price=state.last(listing),
        tif=_tif(params, is_limit=is_limit),
        smp_type=params.text("smpType", "None"),
    )  # fmt: skip
    if facts.smp_type not in _SELF_TRADE:
        raise bad("smpType invalid")
    price = _price(state, listing, side, params) if is_limit else None
    leg, reduce_only = (Leg.BOTH, False) if listing.is_spot else _leg(state, account, listing, side, params)
    facts.close_on_trigger = params.flag("closeOnTrigger")
    quantity, by_quote = _quantity(state, account, listing, side, params, leg, facts, is_limit=is_limit)
    check_notional(state, listing, quantity, by_quote, price, reduce_only=reduce_only)
    kind = Kind.LIMIT if is_limit else Kind.MARKET
    trigger = _trigger(state, listing, params, facts)
    if trigger is not None:
        kind = conditional_kind(side, facts.trigger_direction, is_limit=is_limit)
    elif not is_limit and "slippageTolerance" in params:
        kind, price = Kind.LIMIT, worst_price(state, listing, side, params)
    if not is_limit and not listing.is_spot:
        highest, lowest = price_limits(state, listing)
        facts.bound = highest if side is Side.BUY else lowest
    _stops(state, listing, params, facts, price)
    check_caps(state, account, listing, is_conditional=trigger is not None)
    facts.order_id = state.new_order_id(listing)
    new = NewOrder(
        account,
        listing.name,
        side,
        kind,
        ZERO if by_quote is not None else quantity,
        price=price,
        quote_quantity=by_quote,
        time_in_force=_TIF[facts.tif],
        post_only=facts.tif == "PostOnly",
        trigger_price=trigger,
        self_trade=_SELF_TRADE[facts.smp_type],
        client_id=facts.link_id,
        tags={"order_id": facts.order_id},
        reduce_only=reduce_only,
        trigger_by=SOURCES.get(facts.trigger_by, PriceSource.LAST),
        leg=leg,
        lock_when_triggered=listing.is_spot and facts.order_filter == "StopOrder",
    )
    return Ticket(Tracked(account, listing, facts), new)


def link_id(state: VenueState, account: str, category: Category, params: Params) -> str:
    """Return the client's id. It is never forgotten: how long the venue remembers one is not documented."""
    link = params.text("orderLinkId")
    if link and _LINK_ID.fullmatch(link) is None:
        raise bad("OrderLinkedID invalid")
    if link and (account, link) in state.by_link_id:
        raise duplicate(category)
    return link


def _tif(params: Params, *, is_limit: bool) -> str:
    if not is_limit:
        return "IOC"
    name = params.text("timeInForce", "GTC")
    if name == "RPI":
        raise VenueError(110119, "RPI orders are for approved market makers only")
    if name not in _TIF:
        raise bad("TimeInForce invalid")
    return name


def _price(state: VenueState, listing: Listing, side: Side, params: Params) -> Decimal:
    invalid = (
        VenueError(170130, "Data sent for parameter price is not valid.") if listing.is_spot else bad("price invalid")
    )
    price = params.number("price", invalid)
    if price is None or not price:
        raise invalid
    return checked_price(state, listing, side, price)


def _leg(state: VenueState, account: str, listing: Listing, side: Side, params: Params) -> tuple[Leg, bool]:
    """Return the leg, and whether the order can only reduce it."""
    index = params.integer("positionIdx") or 0
    legs = state.legs(account, listing)
    leg = LEGS.get(index)
    if leg is None or leg not in legs:
        raise bad("position idx not match position mode")
    reduce_only = params.flag("reduceOnly")
    if reduce_only and leg is not Leg.BOTH and leg.opened_by(side):
        raise VenueError(110017, "Reduce-only rule not satisfied")
    return leg, reduce_only or not leg.opened_by(side)


def _quantity(
    state: VenueState,
    account: str,
    listing: Listing,
    side: Side,
    params: Params,
    leg: Leg,
    facts: Facts,
    *,
    is_limit: bool,
) -> tuple[Decimal, Decimal | None]:
    """Return how much, in the instrument's unit; and where it is given in quote, how much of that."""
    invalid = VenueError(170130, "Data sent for parameter qty is not valid.") if listing.is_spot else bad("Qty invalid")
    quantity = params.number("qty", invalid)
    if quantity is None:
        raise invalid
    if listing.is_spot:
        if not is_limit:
            default = "quoteCoin" if side is Side.BUY else "baseCoin"
            facts.market_unit = params.text("marketUnit", default)
            if facts.market_unit not in ("baseCoin", "quoteCoin"):
                raise bad("marketUnit invalid")
            if facts.market_unit == "quoteCoin":
                if not quantity:
                    raise invalid
                return ZERO, quantity
        if not quantity:
            raise invalid
        return checked_quantity(listing, quantity, is_limit=is_limit), None
    if not quantity and params.flag("reduceOnly") and facts.close_on_trigger:
        held = state.exchange.perps.position(account, listing.name, leg).quantity
        return min(abs(held), listing.max_quantity if is_limit else listing.max_market_quantity), None
    return checked_quantity(listing, quantity, is_limit=is_limit), None


def _trigger(state: VenueState, listing: Listing, params: Params, facts: Facts) -> Decimal | None:
    """Return the price a conditional order waits for; None: it does not wait."""
    trigger = params.number("triggerPrice")
    if listing.is_spot:
        facts.order_filter = params.text("orderFilter", "Order")
        if facts.order_filter not in ("Order", "StopOrder", "tpslOrder"):
            raise VenueError(170201, "Invalid orderFilter.")
        if facts.order_filter == "Order":
            return None  # a trigger price alone makes no conditional order here
        if not trigger:
            raise VenueError(170202, "Please enter the TP/SL price.")
        facts.stop_order_type = "Stop" if facts.order_filter == "StopOrder" else "tpslOrder"
        # There is no direction on spot; that it follows from the last price is an assumption.
        facts.trigger_direction = RISES if trigger > state.last(listing) else FALLS
    elif not trigger:
        return None
    else:
        facts.order_filter, facts.stop_order_type = "StopOrder", "Stop"
        facts.trigger_by = params.text("triggerBy", "LastPrice")
        if facts.trigger_by not in SOURCES:
            raise bad("triggerBy invalid")
        facts.trigger_direction = params.integer("triggerDirection") or 0
        if facts.trigger_direction not in (RISES, FALLS):
            raise bad("TriggerDirection invalid")
        check_trigger(state, listing, trigger, facts)
    if trigger % listing.tick:
        raise (
            VenueError(170134, "Order price has too many decimals.")
            if listing.is_spot
            else bad("params error: triggerPrice must be a multiple of the tick size")
        )
    return trigger


def _stops(state: VenueState, listing: Listing, params: Params, facts: Facts, price: Decimal | None) -> None:
    """Read the take-profit and stop-loss that the position gets when the order is filled."""
    if not params.number("takeProfit") and not params.number("stopLoss"):
        return
    if listing.is_spot:
        raise bad("takeProfit and stopLoss of spot orders are not simulated")
    if params.flag("reduceOnly"):
        raise VenueError(110057, "Wrong TPSL params: reduce-only orders cannot have them")
    if params.text("tpslMode", "Full") != "Full":
        raise bad("tpslMode Partial with an order is not simulated")
    read_stops(listing, params, facts, base=price or state.last(listing))


def read_stops(listing: Listing, params: Params, facts: Facts, *, base: Decimal) -> None:
    """Enter the stops that *params* name, 0 to clear one; they must lie on their sides of the price *base*."""
    profit, loss = params.number("takeProfit"), params.number("stopLoss")
    sign = facts.side.sign
    if profit and (profit - base) * sign <= 0:
        raise bad(f"TakeProfit:{plain(profit)} is on the wrong side of base_price:{plain(base)}")
    if loss and (loss - base) * sign >= 0:
        raise bad(f"StopLoss:{plain(loss)} is on the wrong side of base_price:{plain(base)}")
    sources = [params.text(name, "LastPrice") for name in ("tpTriggerBy", "slTriggerBy")]
    if set(sources) - set(SOURCES):
        raise bad("tpTriggerBy or slTriggerBy invalid")
    if profit is not None:
        facts.take_profit, facts.tp_trigger_by = (scaled(profit, listing.tick), sources[0]) if profit else ("", "")
    if loss is not None:
        facts.stop_loss, facts.sl_trigger_by = (scaled(loss, listing.tick), sources[1]) if loss else ("", "")
    facts.tpsl_mode = "Full" if facts.take_profit or facts.stop_loss else ""
