"""Orders. An answer says that a command was taken; what came of it is told by queries and the private channel.

Source: OKX API v5 (2026-06), order-book-trading-trade.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.okx.errors import OrderError, VenueError, bad, missing, of_reason
from lotusx_sim.dialects.okx.listings import Listing
from lotusx_sim.dialects.okx.params import Params
from lotusx_sim.dialects.okx.rows import LEGS, SIDES
from lotusx_sim.dialects.okx.state import VenueState
from lotusx_sim.engine.orders import Kind, Leg, NewOrder, Order, Refused, SelfTrade, Side, TimeInForce

Row = dict[str, Any]
_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_TYPES = {
    "limit": TimeInForce.GTC, "post_only": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK,
    "market": TimeInForce.GTC, "optimal_limit_ioc": TimeInForce.IOC,
}  # fmt: skip
_AT_MARKET = ("market", "optimal_limit_ioc")
BATCH = 20


def _done(state: VenueState, order: Order, **more: str) -> Row:
    client_id = "" if order.client_id.startswith("auto-") else order.client_id
    row = {"clOrdId": client_id, "ordId": state.order_id(order), "ts": str(state.now_ms), "sCode": "0", "sMsg": ""}
    return row | more


def _read(state: VenueState, account: str, params: Params) -> NewOrder:
    listing = state.listed(params.needed("instId"))
    side = SIDES.get(params.needed("side"))
    kind = params.needed("ordType")
    if side is None or kind not in _TYPES:
        raise bad("side" if side is None else "ordType")
    client_id = params.text("clOrdId")
    if client_id and not _CLIENT_ID.fullmatch(client_id):
        raise bad("clOrdId")
    mode = params.needed("tdMode")
    if listing.is_spot and mode != ("cash" if state.users[account].level in ("1", "2") else "cross"):
        raise OrderError("51010", "Request unsupported under current account mode")
    if not listing.is_spot and mode != "cross":
        raise OrderError("51010", "isolated margin is not simulated")
    at_market = kind in _AT_MARKET
    price = params.number("px")
    if not at_market and price is None:
        raise OrderError("51204", "The price for the limit order cannot be empty.")
    if price is not None and price % listing.tick:
        raise OrderError("51150", "The precision of the number of trades or the price exceeds the limit.")
    quantity, by_quote = _quantity(listing, params, side, at_market=kind == "market")
    leg, reduce_only = (Leg.BOTH, False) if listing.is_spot else _leg(state, account, params, side)
    tags = {"ordType": kind, "tdMode": mode, "tag": params.text("tag"), "tgtCcy": params.text("tgtCcy")}
    return NewOrder(
        account, listing.name, side, Kind.MARKET if at_market else Kind.LIMIT, quantity,
        None if at_market else price, by_quote, _TYPES[kind], kind == "post_only", self_trade=SelfTrade.EXPIRE_MAKER,
        client_id=client_id, tags=tags, reduce_only=reduce_only, leg=leg, expire_if_taking=True,
    )  # fmt: skip


def _quantity(listing: Listing, params: Params, side: Side, *, at_market: bool) -> tuple[Decimal, Decimal | None]:
    """Return the quantity in base units, or the amount of quote that a market order on spot spends."""
    size = params.number("sz")
    if size is None:
        raise missing("sz")
    target = params.text("tgtCcy", "quote_ccy" if side is Side.BUY else "base_ccy")
    if listing.is_spot and at_market and target == "quote_ccy":
        return Decimal(0), size
    if size < listing.lot:
        raise OrderError("51020", "Your order should meet or exceed the minimum order amount.")
    if size % listing.lot:
        raise OrderError("51121", "Order quantity must be a multiple of the lot size.")
    return size * listing.contract, None


def _leg(state: VenueState, account: str, params: Params, side: Side) -> tuple[Leg, bool]:
    name = params.text("posSide", "net")
    hedged = state.users[account].hedged
    if name not in LEGS or (name == "net") is hedged:
        raise bad("posSide")
    leg = LEGS[name]
    return leg, params.flag("reduceOnly") if not hedged else not leg.opened_by(side)


def place(state: VenueState, account: str, params: Params) -> Row:
    new = _read(state, account, params)
    try:
        order = state.exchange.place(new, state.now_ns)
    except Refused as refused:
        raise of_reason(refused.reason) from None
    return _done(state, order, tag=params.text("tag"))


def _find(state: VenueState, account: str, params: Params) -> Order | None:
    listing = state.listed(params.needed("instId"))
    order_id, client_id = params.text("ordId"), params.text("clOrdId")
    if not order_id and not client_id:
        raise VenueError("51003", "Either client order ID or order ID is required.")
    return state.find(account, listing.name, order_id, client_id)


def find(state: VenueState, account: str, params: Params) -> Order:
    order = _find(state, account, params)
    if order is None or not state.is_visible(order):
        raise VenueError("51603", "Order does not exist.")
    return order


def cancel(state: VenueState, account: str, params: Params) -> Row:
    order = _find(state, account, params)
    if order is None or not order.is_open:
        raise OrderError("51400", "Order cancellation failed as the order has been filled, canceled or does not exist.")
    state.exchange.cancel(order, state.now_ns)
    return _done(state, order)


def amend(state: VenueState, account: str, params: Params) -> Row:
    order = _find(state, account, params)
    if order is None:
        raise OrderError("51603", "Order does not exist.")
    if not order.is_open:
        raise OrderError("51503", "Your order has already been filled or canceled.")
    listing = state.by_name[order.symbol]
    size, price = params.number("newSz"), params.number("newPx")
    if size is None and price is None:
        raise OrderError("51500", "You must enter a price, quantity, or TP/SL")
    if size is not None and size % listing.lot:
        raise OrderError("51121", "Order quantity must be a multiple of the lot size.")
    if price is not None and price % listing.tick:
        raise OrderError("51150", "The precision of the number of trades or the price exceeds the limit.")
    quantity = None if size is None else size * listing.contract
    if (quantity in (None, order.quantity)) and (price in (None, order.price)):
        return _done(state, order, reqId=params.text("reqId"))
    try:
        state.exchange.amend(order, state.now_ns, quantity=quantity, price=price)
    except Refused as refused:
        raise of_reason(refused.reason) from None
    return _done(state, order, reqId=params.text("reqId"))


Single = Callable[[VenueState, str, Params], Row]


def outcome(single: Single, state: VenueState, account: str, params: Params) -> Row:
    """Do it, and say what became of it, as a row of the answer.

    A parameter that is wrong is the fault of the whole request, where there is one order alone.
    """
    try:
        return single(state, account, params)
    except VenueError as error:
        ids = {"clOrdId": params.text("clOrdId"), "ordId": params.text("ordId"), "ts": str(state.now_ms)}
        return ids | {"sCode": error.code, "sMsg": error.text, "tag": "", "subCode": ""}


def cancel_everything(state: VenueState, account: str, now_ns: int) -> None:
    """End all open orders, as the deadline of cancel-all-after does."""
    for order in state.exchange.open_orders(account):
        if order.is_open:
            state.exchange.cancel(order, now_ns)
