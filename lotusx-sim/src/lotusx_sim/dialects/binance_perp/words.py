"""The venue's words for the engine's, and back."""

from lotusx_sim.engine.orders import Kind, Leg, Order, SelfTrade, Side, Status

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
LEGS = {"BOTH": Leg.BOTH, "LONG": Leg.LONG, "SHORT": Leg.SHORT}
SELF_TRADE = {
    "NONE": SelfTrade.NONE,
    "EXPIRE_TAKER": SelfTrade.EXPIRE_TAKER,
    "EXPIRE_MAKER": SelfTrade.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTrade.EXPIRE_BOTH,
}
CONDITIONAL = {
    "STOP": Kind.STOP_LIMIT,
    "STOP_MARKET": Kind.STOP_MARKET,
    "TAKE_PROFIT": Kind.TAKE_PROFIT_LIMIT,
    "TAKE_PROFIT_MARKET": Kind.TAKE_PROFIT_MARKET,
    # Its activation price is reached from the same side as a take-profit's trigger.
    "TRAILING_STOP_MARKET": Kind.TAKE_PROFIT_MARKET,
}
EXPIRY = {
    "UNFILLED_IOC_QUANTITY": "2",
    "UNFILLED_FOK_ORDER": "2",
    "REDUCE_ONLY": "4",
    "LIQUIDATION": "5",
    "INSUFFICIENT_LIQUIDITY": "9",
}


def side_name(side: Side) -> str:
    return "BUY" if side is Side.BUY else "SELL"


def side_of_position(leg: Leg) -> str:
    return leg.name


def status_name(order: Order) -> str:
    return Status(order.status).name


CHILD_ID = "childId"


def client_id(order: Order) -> str:
    """Return the client id; orders that the venue itself makes may have one of its own."""
    if order.working_ns is not None and CHILD_ID in order.tags:
        return order.tags[CHILD_ID]
    return f"autoclose-{order.created_ns // 1_000}" if order.is_liquidation else order.client_id


def type_name(order: Order) -> str:
    """Return what an order works as: a conditional one that triggered is a limit or market order."""
    if order.is_liquidation:
        return "LIMIT"
    return "LIMIT" if order.kind.is_limit else "MARKET"


def tif_name(order: Order) -> str:
    """Return the time in force; orders that a client never gave one have the venue's."""
    if order.is_liquidation:
        return "IOC"
    return order.tags.get("timeInForce", order.time_in_force.name)
