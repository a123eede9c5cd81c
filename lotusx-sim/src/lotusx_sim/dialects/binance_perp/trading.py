"""Order endpoints. Source: USDⓈ-M futures, "Trade endpoints"."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance.call import Security
from lotusx_sim.dialects.binance.errors import VenueError, missing
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp import filters, payloads, reading
from lotusx_sim.dialects.binance_perp.call import Call, Operation
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol
from lotusx_sim.dialects.binance_perp.errors import no_order, placement_refused, unknown_order
from lotusx_sim.dialects.binance_perp.words import CONDITIONAL, SELF_TRADE, client_id as client_name
from lotusx_sim.engine.orders import Kind, NewOrder, Order, Reason, Refused

ORDER_NAMES = (
    "symbol", "side", "positionSide", "type", "timeInForce", "quantity", "reduceOnly", "price", "newClientOrderId",
    "priceMatch", "selfTradePreventionMode", "goodTillDate", "newOrderRespType",
)  # fmt: skip
MAX_AT_ONCE, MAX_CANCELS = 5, 10
MAX_AMENDMENTS = 10_000
CANCELLED_ALL = {"code": 200, "msg": "The operation of cancel all open order is done."}


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order that was read and checked."""

    symbol: UmSymbol
    new: NewOrder
    good_till_ms: int


def read_order(call: Call, default_self_trade: str = "EXPIRE_MAKER") -> Ticket:
    """Read a limit or market order, up to what needs the engine."""
    params, state = call.params, call.state
    symbol = state.symbol(params)
    side = reading.side_of(params)
    kind = params.need("type")
    if kind in CONDITIONAL:
        raise VenueError(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints.")
    if kind not in ("LIMIT", "MARKET"):
        raise VenueError(-1116, "Invalid orderType.")
    is_limit = kind == "LIMIT"
    if not symbol.is_trading:
        raise VenueError(-4140, "Invalid symbol status for opening position.")
    leg = reading.leg_of(call)
    reduce_only = reading.reduces_only(call, side, leg)
    tif = reading.time_in_force(params, is_limit=is_limit)
    good_till_ms = reading.good_till_ms(call, tif)
    quantity = reading.needed(params, "quantity")
    filters.check_quantity(symbol, quantity, is_market=not is_limit)
    mark, price, match = state.mark(symbol), None, "NONE"
    if is_limit:
        price, match = reading.limit_price(call, symbol, side)
        filters.check_band(symbol, side, price, mark)
    elif "price" in params:
        raise VenueError(-1106, "Parameter 'price' sent when not required.")
    if not reduce_only:
        filters.check_notional(symbol, quantity, price or mark)
    self_trade = reading.self_trade(params, default_self_trade)
    if len(state.exchange.open_orders(call.account, symbol.symbol)) >= symbol.max_orders:
        raise VenueError(-2025, "Reach max open order limit.")
    new = NewOrder(
        account=call.account,
        symbol=symbol.symbol,
        side=side,
        kind=Kind.LIMIT if is_limit else Kind.MARKET,
        quantity=quantity,
        price=price,
        time_in_force=reading.TIMES_IN_FORCE[tif],
        post_only=tif == "GTX",
        self_trade=SELF_TRADE[self_trade],
        client_id=reading.client_id(params, "newClientOrderId"),
        reduce_only=reduce_only,
        leg=leg,
        tags={
            "timeInForce": tif, "priceMatch": match, "selfTrade": self_trade, "goodTillDate": str(good_till_ms),
        },
    )  # fmt: skip
    return Ticket(symbol, new, good_till_ms)


def place(call: Call, default_self_trade: str = "EXPIRE_MAKER") -> dict[str, Any]:
    ticket = read_order(call, default_self_trade)
    waits = _waits(call.params)
    call.state.limits.count_order(call.account, call.now_ns)
    return _placed(call, ticket, waits=waits)


def _waits(params: Params) -> bool:
    """Tell whether the reply is to tell the end of an order: of one that cannot rest, where asked for."""
    message = "Invalid newOrderRespType."
    wanted = params.choice("newOrderRespType", ("ACK", "RESULT"), code=-1136, message=message)
    cannot_rest = params.need("type") == "MARKET" or params.text("timeInForce") in ("IOC", "FOK")
    return wanted == "RESULT" and cannot_rest


def _placed(call: Call, ticket: Ticket, *, waits: bool) -> dict[str, Any]:
    try:
        order = call.state.exchange.place(ticket.new, call.now_ns)
    except Refused as refused:
        raise placement_refused(refused) from None
    if ticket.good_till_ms and order.is_open:
        call.state.good_till[order.id] = ticket.good_till_ms * NS_PER_MS
    return (payloads.order_reply if waits else payloads.order_ack)(order, ticket.symbol)


def test(call: Call) -> dict[str, Any]:
    """Check an order and place none; the reply is that of one that rests."""
    ticket = read_order(call)
    now_ns = call.now_ns
    fields = {name: getattr(ticket.new, name) for name in ("account", "symbol", "side", "kind", "time_in_force")}
    new = ticket.new
    order = Order(
        **fields, id=0, post_only=new.post_only, quantity=new.quantity, price=new.price, quote_quantity=None,
        trigger_price=None, trailing_bps=None, self_trade=new.self_trade, client_id=new.client_id, created_ns=now_ns,
        tags=new.tags, reduce_only=new.reduce_only, leg=new.leg, updated_ns=now_ns,
    )  # fmt: skip
    return payloads.order_ack(order, ticket.symbol)


def find_order(call: Call) -> Order | None:
    """Return the order that ``orderId`` or ``origClientOrderId`` names, if the order endpoints know it."""
    symbol = call.state.symbol(call.params)
    order_id, client_id = call.params.integer("orderId"), call.params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise VenueError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    if order_id is not None:
        order = call.state.exchange.find(call.account, symbol.symbol, order_id=order_id)
    else:
        order = call.state.exchange.find(call.account, symbol.symbol, client_id=client_id or "")
        if order is None or client_name(order) != client_id:
            theirs = call.state.orders_of(call.account, symbol.symbol, call.now_ns)
            order = next((each for each in theirs if client_name(each) == client_id), None)
    return order if order is not None and call.state.is_order(order) else None


def cancel(call: Call) -> dict[str, Any]:
    order = find_order(call)
    if order is None or not order.is_open:
        raise unknown_order()
    call.state.exchange.cancel(order, call.now_ns)
    return payloads.order_reply(order, call.state.symbols[order.symbol])


def cancel_all(call: Call) -> dict[str, Any]:
    symbol = call.state.symbol(call.params)
    cancel_orders(call, call.account, symbol.symbol)
    return CANCELLED_ALL


def cancel_orders(call: Call, account: str, symbol: str) -> None:
    for order in call.state.exchange.open_orders(account, symbol):
        if call.state.is_order(order) and order.is_open:
            call.state.exchange.cancel(order, call.now_ns)


def modify(call: Call) -> dict[str, Any]:
    call.state.limits.count_order(call.account, call.now_ns)
    return _modified(call)


def _modified(call: Call) -> dict[str, Any]:
    """Change price and quantity of a limit order, or end it where the change leaves nothing to do."""
    params = call.params
    order = find_order(call)
    side, quantity = reading.side_of(params), reading.needed(params, "quantity")
    if order is None or not order.is_open:
        raise no_order()
    symbol = call.state.symbols[order.symbol]
    if side is not order.side:
        raise VenueError(-1117, "Invalid side.")
    if not order.kind.is_limit:
        raise VenueError(-5024, "Only limit orders can be modified.")
    if "reduceOnly" in params and params.boolean("reduceOnly") != order.reduce_only:
        raise VenueError(-5047, "The reduceOnly of the order cannot be changed.")
    if order.amendments >= MAX_AMENDMENTS:
        raise VenueError(-5026, "Exceed maximum modify order limit.")
    price, _ = reading.limit_price(call, symbol, side)
    filters.check_quantity(symbol, quantity, is_market=False)
    filters.check_band(symbol, side, price, call.state.mark(symbol))
    if not order.reduce_only:
        filters.check_notional(symbol, quantity, price)
    _amend(call, order, quantity, price)
    reply = payloads.order_reply(order, symbol)
    number = params.integer("modifyId")
    return reply if number is None else reply | {"modifyId": number}


def _amend(call: Call, order: Order, quantity: Decimal, price: Decimal) -> None:
    try:
        call.state.exchange.amend(order, call.now_ns, quantity=quantity, price=price)
    except Refused as refused:
        if refused.reason in (Reason.BELOW_EXECUTED, Reason.WOULD_TAKE):
            call.state.exchange.cancel(order, call.now_ns)
        elif refused.reason is Reason.NO_CHANGE:
            raise VenueError(-5027, "No need to modify the order.") from None
        else:
            raise placement_refused(refused) from None


def query(call: Call) -> dict[str, Any]:
    order = find_order(call)
    if order is None or not call.state.is_visible(order, call.now_ns):
        raise no_order()
    return payloads.order_query(order, call.state.symbols[order.symbol])


def open_order(call: Call) -> dict[str, Any]:
    order = find_order(call)
    if order is None or not order.is_open or not call.state.is_visible(order, call.now_ns):
        raise no_order()
    return payloads.order_query(order, call.state.symbols[order.symbol])


def open_orders(call: Call) -> list[dict[str, Any]]:
    name = call.params.text("symbol")
    symbol = call.state.listed(name).symbol if name is not None else None
    orders = call.state.exchange.open_orders(call.account, symbol)
    state = call.state
    return [
        payloads.order_query(order, state.symbols[order.symbol])
        for order in orders
        if state.is_order(order) and state.is_visible(order, call.now_ns)
    ]


# -- batches ---------------------------------------------------------------------------------------------------------


def _batch(call: Call, run: Callable[[Call], dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Run every item of ``batchOrders`` by itself; what is refused says so in its place."""
    items = _objects(call.params)
    if len(items) > MAX_AT_ONCE:
        raise VenueError(-4082, "Invalid number of batch place orders.")
    call.state.limits.count_order(call.account, call.now_ns, at_once=len(items))
    return [_outcome(replace(call, params=Params.of_json(item)), run, names) for item in items]


def _outcome(call: Call, run: Callable[[Call], dict[str, Any]], names: tuple[str, ...]) -> dict[str, Any]:
    try:
        call.params.allow(names)
        return run(call)
    except VenueError as error:
        return error.body()


def _objects(params: Params) -> list[Mapping[str, Any]]:
    try:
        items = json.loads(params.need("batchOrders"), parse_float=str)
    except ValueError:
        items = None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise VenueError(-1130, "Data sent for parameter 'batchOrders' is not valid.")
    return items


def _place_one(call: Call) -> dict[str, Any]:
    ticket = read_order(call, "NONE")
    return _placed(call, ticket, waits=_waits(call.params))


def place_batch(call: Call) -> list[dict[str, Any]]:
    return _batch(call, _place_one, ORDER_NAMES)


def modify_batch(call: Call) -> list[dict[str, Any]]:
    return _batch(call, _modified, _MODIFY)


def cancel_batch(call: Call) -> list[dict[str, Any]]:
    params = call.params
    chosen = [name for name in ("orderIdList", "origClientOrderIdList") if name in params]
    if not chosen:
        raise missing("orderIdList")
    try:
        ids = json.loads(params.need(chosen[0]))
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not ids:
        raise VenueError(-1130, f"Data sent for parameter '{chosen[0]}' is not valid.")
    if len(ids) > MAX_CANCELS:
        raise VenueError(-4082, "Invalid number of batch place orders.")
    name = "orderId" if chosen[0] == "orderIdList" else "origClientOrderId"
    symbol = params.need("symbol")
    one = (Params.of_json({"symbol": symbol, name: each}) for each in ids)
    return [_outcome(replace(call, params=each), cancel, FIND) for each in one]


def countdown(call: Call) -> dict[str, Any]:
    """Set, move or stop the timer after which the orders of a symbol are cancelled."""
    symbol = call.state.symbol(call.params)
    call.params.need("countdownTime")
    after_ms = call.params.integer("countdownTime") or 0
    key = (call.account, symbol.symbol)
    if after_ms:
        call.state.countdowns[key] = call.now_ns + after_ms * NS_PER_MS
    else:
        call.state.countdowns.pop(key, None)
    return {"symbol": symbol.symbol, "countdownTime": str(after_ms)}


FIND = ("symbol", "orderId", "origClientOrderId")
_MODIFY = (*FIND, "side", "quantity", "price", "priceMatch", "modifyId", "reduceOnly", "positionSide")
PLACE = Operation(place, ORDER_NAMES, 0, Security.TRADE, is_order=True)
PLACE_BY_WS = Operation(lambda call: place(call, "NONE"), ORDER_NAMES, 0, Security.TRADE, is_order=True)
TEST = Operation(test, ORDER_NAMES, 1, Security.TRADE)
MODIFY = Operation(modify, _MODIFY, 0, Security.TRADE, is_order=True)
CANCEL = Operation(cancel, FIND, 1, Security.TRADE)
CANCEL_ALL = Operation(cancel_all, ("symbol",), 1, Security.TRADE)
QUERY = Operation(query, FIND, 1, Security.USER_DATA)
OPEN_ORDER = Operation(open_order, FIND, 1, Security.USER_DATA)
OPEN_ORDERS = Operation(open_orders, ("symbol",), lambda params: 1 if "symbol" in params else 40, Security.USER_DATA)
PLACE_BATCH = Operation(place_batch, ("batchOrders",), 5, Security.TRADE)
MODIFY_BATCH = Operation(modify_batch, ("batchOrders",), 5, Security.TRADE)
CANCEL_BATCH = Operation(cancel_batch, ("symbol", "orderIdList", "origClientOrderIdList"), 1, Security.TRADE)
COUNTDOWN = Operation(countdown, ("symbol", "countdownTime"), 10, Security.TRADE)
