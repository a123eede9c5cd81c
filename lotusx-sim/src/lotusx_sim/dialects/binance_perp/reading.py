"""Reads the parameters of orders, with the refusals of USDⓈ-M futures."""

import re
from decimal import Decimal

from lotusx_sim.dialects.binance.errors import VenueError, missing
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp import filters
from lotusx_sim.dialects.binance_perp.call import Call
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol
from lotusx_sim.dialects.binance_perp.words import LEGS, SELF_TRADE, SIDES
from lotusx_sim.engine.orders import Leg, Side, TimeInForce

TIMES_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTX": TimeInForce.GTC,  # post-only
    "GTD": TimeInForce.GTC,  # the venue ends it
}
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_LATEST_MS = 253_402_300_799_000
_MATCH_DEPTHS = {"": 1, "_5": 5, "_10": 10, "_20": 20}


def number(params: Params, name: str) -> Decimal | None:
    """Return a decimal above 0.

    Raises:
        VenueError: -1100 no plain decimal, -4001 or -4003 not above 0.
    """
    sent = params.text(name)
    if sent is None:
        return None
    if _NUMBER.fullmatch(sent) is None:
        raise VenueError(-1100, f"Illegal characters found in parameter '{name}'.")
    value = Decimal(sent)
    if value <= 0:
        if name == "quantity":
            raise VenueError(-4003, "Quantity less than or equal to zero.")
        raise VenueError(-4001, "Price less than 0.")
    return value


def needed(params: Params, name: str) -> Decimal:
    value = number(params, name)
    if value is None:
        raise missing(name)
    return value


def client_id(params: Params, name: str) -> str:
    """Return a client id, "" when none was sent."""
    value = params.text(name)
    if value is not None and _CLIENT_ID.fullmatch(value) is None:
        raise VenueError(-4015, "Client order id is not valid.")
    return value or ""


def side_of(params: Params) -> Side:
    side = SIDES.get(params.need("side"))
    if side is None:
        raise VenueError(-1117, "Invalid side.")
    return side


def leg_of(call: Call) -> Leg:
    """Return the position that an order is for.

    Raises:
        VenueError: -4060 no such side, -4061 not one of the account's mode.
    """
    leg = LEGS.get(call.params.text("positionSide") or "BOTH")
    if leg is None:
        raise VenueError(-4060, "Invalid position side.")
    if leg not in call.state.legs(call.account):
        raise VenueError(-4061, "Order's position side does not match user's setting.")
    return leg


def reduces_only(call: Call, side: Side, leg: Leg) -> bool:
    """Tell whether an order may only reduce: because it says so, or because it closes a side of hedge mode."""
    if leg is not Leg.BOTH and "reduceOnly" in call.params:
        raise VenueError(-1106, "Parameter 'reduceonly' sent when not required.")
    return call.params.boolean("reduceOnly") or not leg.opened_by(side)


def time_in_force(params: Params, *, is_limit: bool, default: str | None = None) -> str:
    """Return what a limit order is to be; market orders have GTC."""
    name = params.text("timeInForce")
    if not is_limit:
        if name is not None and default is None:
            raise VenueError(-1106, "Parameter 'timeInForce' sent when not required.")
        return name or "GTC"
    name = name or default
    if name is None:
        raise missing("timeInForce")
    if name not in TIMES_IN_FORCE:
        raise VenueError(-1115, "Invalid timeInForce.")
    return name


def good_till_ms(call: Call, tif: str) -> int:
    """Return when a GTD order ends, in whole seconds; 0: never."""
    sent = call.params.integer("goodTillDate")
    if tif != "GTD":
        return 0
    if sent is None:
        raise missing("goodTillDate")
    if not call.now_ns // NS_PER_MS + 600_000 < sent < _LATEST_MS:
        raise VenueError(-5040, "The goodTillDate is not valid.")
    return sent // 1_000 * 1_000


def self_trade(params: Params, default: str) -> str:
    name = params.text("selfTradePreventionMode") or default
    if name not in SELF_TRADE:
        raise VenueError(-5038, "Invalid selfTradePreventionMode.")
    return name


def working_type(params: Params) -> str:
    name = params.text("workingType") or "CONTRACT_PRICE"
    if name not in ("CONTRACT_PRICE", "MARK_PRICE"):
        raise VenueError(-4031, "Invalid working type.")
    return name


def limit_price(call: Call, symbol: UmSymbol, side: Side) -> tuple[Decimal, str]:
    """Return the price of a limit order, and how it was matched to the book: NONE where it was given."""
    match = call.params.text("priceMatch") or "NONE"
    if match != "NONE":
        if "price" in call.params:
            raise VenueError(-5037, "Invalid price match.")
        return _matched_price(call, symbol, side, match), match
    price = needed(call.params, "price")
    filters.check_price(symbol, price)
    return price, match


def _matched_price(call: Call, symbol: UmSymbol, side: Side, match: str) -> Decimal:
    name, _, _ = match.partition("_")
    depth = _MATCH_DEPTHS.get(match.removeprefix(name))
    if name not in ("OPPONENT", "QUEUE") or depth is None:
        raise VenueError(-5037, "Invalid price match.")
    view = call.state.views[symbol.symbol]
    buys_from = (side is Side.BUY) == (name == "OPPONENT")
    levels = (view.asks if buys_from else view.bids).top(depth)
    if len(levels) < depth:
        raise VenueError(-5041, "No depth matches this BBO order.")
    return levels[-1][0]
