"""Order endpoints. Source: binance-spot-api-docs, rest-api.md, trading endpoints."""

from typing import Any

from lotusx_sim.dialects.binance import filters, payloads
from lotusx_sim.dialects.binance.call import Call, Operation, Security
from lotusx_sim.dialects.binance.errors import (
    VenueError,
    amendment_refused,
    missing,
    placement_refused,
    unknown_order,
)
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.symbols import DEFAULT_SELF_TRADE_MODE, SELF_TRADE_MODES, SpotSymbol, text
from lotusx_sim.engine.orders import ZERO, NewOrder, Order, Refused, Side, Status, TimeInForce

ORDER_NAMES = (
    "symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "strategyId",
    "strategyType", "stopPrice", "trailingDelta", "icebergQty", "newOrderRespType", "selfTradePreventionMode",
)  # fmt: skip
_TIMED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_CONDITIONAL = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


def read_order(call: Call) -> tuple[SpotSymbol, NewOrder]:
    """Read and check a new order up to, and without, what needs the engine."""
    params = call.params
    symbol = call.state.symbol(params)
    side_name = params.need("side")
    if side_name not in ("BUY", "SELL"):
        raise VenueError(-1117, "Invalid side.")
    type_name = params.need("type")
    if type_name not in payloads.TYPES:
        raise VenueError(-1116, "Invalid orderType.")
    time_in_force = _time_in_force(params, type_name)
    _check_required(params, type_name)
    if "icebergQty" in params:
        # Not simulated: the book would show the whole of it. `exchangeInfo` says so, too.
        raise VenueError(-2010, "Iceberg orders are not supported for this symbol.")
    quantity, price = params.decimal("quantity"), params.decimal("price")
    new = NewOrder(
        account=call.account,
        symbol=symbol.symbol,
        side=Side.BUY if side_name == "BUY" else Side.SELL,
        kind=payloads.TYPES[type_name],
        quantity=quantity if quantity is not None else ZERO,
        price=price,
        quote_quantity=params.decimal("quoteOrderQty"),
        time_in_force=time_in_force,
        post_only=type_name == "LIMIT_MAKER",
        trigger_price=params.decimal("stopPrice"),
        trailing_bps=params.integer("trailingDelta"),
        self_trade=payloads.SELF_TRADE[_self_trade_mode(params)],
        client_id=params.client_id("newClientOrderId"),
        tags=_tags(params),
    )
    filters.check_order(symbol, new, call.state.average_price(symbol, call.now_ns))
    filters.check_counts(symbol, new, call.state.exchange.open_orders(call.account, symbol.symbol))
    return symbol, new


def _time_in_force(params: Params, type_name: str) -> TimeInForce:
    name = params.text("timeInForce")
    if type_name not in _TIMED:
        if name is not None:
            raise VenueError(-1106, "Parameter 'timeInForce' sent when not required.")
        return TimeInForce.GTC
    if name is None:
        raise missing("timeInForce")
    if name not in TimeInForce.__members__:
        raise VenueError(-1115, "Invalid timeInForce.")
    return TimeInForce[name]


def _check_required(params: Params, type_name: str) -> None:
    if type_name == "MARKET":
        if ("quantity" in params) == ("quoteOrderQty" in params):
            if "quantity" in params:
                raise VenueError(-1128, "Combination of optional parameters invalid.")
            raise missing("quantity")
    else:
        params.need("quantity")
        if "quoteOrderQty" in params:
            raise VenueError(-1106, "Parameter 'quoteOrderQty' sent when not required.")
    if type_name in _TIMED or type_name == "LIMIT_MAKER":
        params.need("price")
    elif "price" in params:
        raise VenueError(-1106, "Parameter 'price' sent when not required.")
    if type_name in _CONDITIONAL:
        if "stopPrice" not in params and "trailingDelta" not in params:
            raise VenueError(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
    else:
        for name in ("stopPrice", "trailingDelta"):
            if name in params:
                raise VenueError(-1106, f"Parameter '{name}' sent when not required.")


def _self_trade_mode(params: Params) -> str:
    mode = params.text("selfTradePreventionMode") or DEFAULT_SELF_TRADE_MODE
    if mode != "NONE" and mode not in SELF_TRADE_MODES:
        raise VenueError(-1100, "Illegal characters found in parameter 'selfTradePreventionMode'.")
    return mode


def _tags(params: Params) -> dict[str, str]:
    tags = {}
    for name in ("strategyId", "strategyType"):
        value = params.integer(name)
        if value is not None:
            if name == "strategyType" and value < 1_000_000:
                raise VenueError(-1134, "Value of strategyType was less than 1000000.")
            tags[name] = str(value)
    return tags


def place(call: Call) -> dict[str, Any]:
    _, new = read_order(call)
    response_type = _response_type(call.params)
    call.state.limits.count_order(call.account, call.now_ns)
    try:
        order = call.state.exchange.place(new, call.now_ns)
    except Refused as refused:
        raise placement_refused(refused) from None
    return placed(order, response_type, call.unit)


def _response_type(params: Params) -> str:
    default = "FULL" if params.need("type") in ("LIMIT", "MARKET") else "ACK"
    message = "Illegal characters found in parameter 'newOrderRespType'."
    return params.choice("newOrderRespType", ("ACK", "RESULT", "FULL"), code=-1100, message=message) or default


def placed(order: Order, response_type: str, unit: int) -> dict[str, Any]:
    shape = {"ACK": payloads.order_ack, "RESULT": payloads.order_result, "FULL": payloads.order_full}[response_type]
    return shape(order, unit)


def test(call: Call) -> dict[str, Any]:
    symbol, _ = read_order(call)
    if not call.params.boolean("computeCommissionRates"):
        return {}
    fees = call.state.exchange.fees_of(call.account)
    rates = {"maker": text(fees.maker), "taker": text(fees.taker)}
    none = {"maker": "0.00000000", "taker": "0.00000000"}
    return {
        "standardCommissionForOrder": rates,
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": _no_discount(symbol),
    }


def _no_discount(symbol: SpotSymbol) -> dict[str, Any]:
    del symbol
    return {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0.00000000"}


def find_order(call: Call, id_name: str = "orderId", client_name: str = "origClientOrderId") -> Order | None:
    symbol = call.state.symbol(call.params)
    order_id, client_id = call.params.integer(id_name), call.params.text(client_name)
    if order_id is None and client_id is None:
        raise VenueError(-1102, f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!")
    return call.state.exchange.find(call.account, symbol.symbol, order_id=order_id, client_id=client_id or "")


def cancel(call: Call) -> dict[str, Any]:
    return cancel_found(call, find_order(call), call.params.client_id("newClientOrderId"))


def cancel_found(call: Call, order: Order | None, request_id: str) -> dict[str, Any]:
    if order is None or not order.is_open:
        raise unknown_order()
    _check_restrictions(call.params, order)
    request_id = request_id or f"cancel-{order.id}"
    call.state.exchange.cancel(order, call.now_ns, request_id=request_id)
    return payloads.order_cancelled(order, request_id, call.unit)


def _check_restrictions(params: Params, order: Order) -> None:
    allowed = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}
    wanted = params.choice("cancelRestrictions", allowed, code=-1145, message="Invalid cancelRestrictions")
    if wanted is not None and order.status is not allowed[wanted]:
        raise VenueError(-2011, "Order was not canceled due to cancel restrictions.")


def cancel_all(call: Call) -> list[dict[str, Any]]:
    symbol = call.state.symbol(call.params)
    orders = call.state.exchange.open_orders(call.account, symbol.symbol)
    if not orders:
        raise unknown_order()
    return [cancel_found(call, order, "") for order in orders]


def amend(call: Call) -> dict[str, Any]:
    order = find_order(call)
    call.params.need("newQty")
    quantity = call.params.decimal("newQty")
    assert quantity is not None
    client_id = call.params.client_id("newClientOrderId")
    if order is None or not order.is_open:
        raise VenueError(-2038, "Unknown order sent.")
    original = order.client_id
    filters.check_amendment(call.state.symbols[order.symbol], order, quantity)
    try:
        call.state.exchange.reduce(
            order, quantity, call.now_ns, client_id=client_id or f"amend-{order.id}-{order.amendments + 1}"
        )
    except Refused as refused:
        raise amendment_refused(refused) from None
    return payloads.order_amended(order, original, order.id + order.amendments, call.unit)


def query(call: Call) -> dict[str, Any]:
    order = find_order(call)
    if order is None or not call.state.is_visible(order, call.now_ns):
        raise VenueError(-2013, "Order does not exist.")
    return payloads.order_query(order, call.unit)


def open_orders(call: Call) -> list[dict[str, Any]]:
    name = call.params.text("symbol")
    symbol = call.state.listed(name).symbol if name is not None else None
    orders = call.state.exchange.open_orders(call.account, symbol)
    return [payloads.order_query(o, call.unit) for o in orders if call.state.is_visible(o, call.now_ns)]


_FIND = ("symbol", "orderId", "origClientOrderId")
PLACE = Operation(place, ORDER_NAMES, 1, Security.TRADE, is_order=True)
TEST = Operation(
    test, (*ORDER_NAMES, "computeCommissionRates"),
    lambda params: 20 if "computeCommissionRates" in params else 1, Security.TRADE,
)  # fmt: skip
CANCEL = Operation(cancel, (*_FIND, "newClientOrderId", "cancelRestrictions"), 1, Security.TRADE, is_order=True)
CANCEL_ALL = Operation(cancel_all, ("symbol",), 1, Security.TRADE, is_order=True)
AMEND = Operation(amend, (*_FIND, "newClientOrderId", "newQty"), 4, Security.TRADE)
QUERY = Operation(query, _FIND, 4, Security.USER_DATA)
OPEN_ORDERS = Operation(open_orders, ("symbol",), lambda params: 6 if "symbol" in params else 80, Security.USER_DATA)
