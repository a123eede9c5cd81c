"""The endpoints of conditional orders. Source: USDⓈ-M futures, "Algo orders"."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance.call import Security
from lotusx_sim.dialects.binance.errors import VenueError, missing
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp import algos, filters, reading
from lotusx_sim.dialects.binance_perp.algos import Algo
from lotusx_sim.dialects.binance_perp.call import Call, Operation
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol
from lotusx_sim.dialects.binance_perp.errors import placement_refused
from lotusx_sim.dialects.binance_perp.words import CHILD_ID, CONDITIONAL, SELF_TRADE
from lotusx_sim.engine.orders import ZERO, NewOrder, PriceSource, Refused, Side

MAX_WAITING = 200
_TRAILING = "TRAILING_STOP_MARKET"
_CLOSING = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
_NAMES = (
    "algoType", "symbol", "side", "positionSide", "type", "timeInForce", "quantity", "price", "triggerPrice",
    "workingType", "priceMatch", "closePosition", "priceProtect", "reduceOnly", "activatePrice", "callbackRate",
    "clientAlgoId", "newOrderRespType", "selfTradePreventionMode", "goodTillDate",
)  # fmt: skip


def place(call: Call) -> dict[str, Any]:
    """Accept a conditional order. Whether its margin suffices is asked when it triggers, not before."""
    params, state = call.params, call.state
    if params.need("algoType") != "CONDITIONAL":
        raise VenueError(-1130, "Data sent for parameter 'algoType' is not valid.")
    symbol = state.symbol(params)
    if not symbol.is_trading:
        raise VenueError(-4140, "Invalid symbol status for opening position.")
    kind = params.need("type")
    if kind not in CONDITIONAL:
        raise VenueError(-1116, "Invalid orderType.")
    if sum(algo.is_waiting for algo in state.algos_of(call.account)) >= MAX_WAITING:
        raise VenueError(-4045, "Reach max stop order limit.")
    side = reading.side_of(params)
    new, algo_facts = _read(call, symbol, side, kind)
    state.limits.count_order(call.account, call.now_ns)
    try:
        order = state.exchange.place(new, call.now_ns)
    except Refused as refused:
        raise placement_refused(refused) from None
    algo = Algo(id=state.next_algo_id(), symbol=symbol, order=order, type=kind, updated_ns=call.now_ns, **algo_facts)
    if state.options.own_child_ids:
        order.tags = {**order.tags, CHILD_ID: f"algo-{algo.id}"}
    state.keep_algo(algo)
    if algo.good_till_ms:
        state.good_till[order.id] = algo.good_till_ms * NS_PER_MS
    return algos.acknowledged(algo)


def _read(call: Call, symbol: UmSymbol, side: Side, kind: str) -> tuple[NewOrder, dict[str, Any]]:
    params = call.params
    is_limit = kind in ("STOP", "TAKE_PROFIT")
    leg = reading.leg_of(call)
    closes = params.boolean("closePosition")
    tif = reading.time_in_force(params, is_limit=is_limit, default="GTC")
    price, match = reading.limit_price(call, symbol, side) if is_limit else (None, "NONE")
    trigger, callback = _trigger(call, symbol, kind)
    working, self_trade = reading.working_type(params), reading.self_trade(params, "NONE")
    good_till_ms = reading.good_till_ms(call, tif)
    new = NewOrder(
        account=call.account,
        symbol=symbol.symbol,
        side=side,
        kind=CONDITIONAL[kind],
        quantity=_quantity(call, symbol, kind, closes=closes),
        price=price,
        time_in_force=reading.TIMES_IN_FORCE.get(tif, reading.TIMES_IN_FORCE["GTC"]),
        post_only=tif == "GTX",
        trigger_price=trigger,
        trailing_bps=int(Decimal(callback) * 100) if callback else None,
        trigger_by=PriceSource.MARK if working == "MARK_PRICE" else PriceSource.LAST,
        self_trade=SELF_TRADE[self_trade],
        client_id=reading.client_id(params, "clientAlgoId"),
        reduce_only=closes or reading.reduces_only(call, side, leg),
        whole_position=closes,
        leg=leg,
        tags={
            "timeInForce": tif, "priceMatch": match, "selfTrade": self_trade, "workingType": working,
            "origType": kind, "goodTillDate": str(good_till_ms),
        },
    )  # fmt: skip
    facts = {
        "time_in_force": tif, "self_trade": self_trade, "working_type": working, "price_match": match,
        "price_protect": params.boolean("priceProtect"), "close_position": closes, "good_till_ms": good_till_ms,
        "callback_rate": callback, "activated": trigger is None if callback else None,
    }  # fmt: skip
    return new, facts


def _quantity(call: Call, symbol: UmSymbol, kind: str, *, closes: bool) -> Decimal:
    params = call.params
    if not closes:
        quantity = reading.needed(params, "quantity")
        filters.check_quantity(symbol, quantity, is_market=kind not in ("STOP", "TAKE_PROFIT"))
        return quantity
    if kind not in _CLOSING:
        raise VenueError(-4136, "Target strategy invalid for orderType: closePosition must not be sent.")
    if "quantity" in params:
        raise VenueError(-4137, "Quantity must be zero with closePosition equals true.")
    if "reduceOnly" in params:
        raise VenueError(-4138, "Reduce only must be true with closePosition equals true.")
    return ZERO


def _trigger(call: Call, symbol: UmSymbol, kind: str) -> tuple[Decimal | None, str]:
    """Return the trigger or activation price, and the callback rate of a trailing stop (1 is 1 %)."""
    params = call.params
    if kind != _TRAILING:
        trigger = reading.needed(params, "triggerPrice")
        filters.check_price(symbol, trigger)
        return trigger, ""
    rate = reading.needed(params, "callbackRate")
    if not Decimal("0.1") <= rate <= 20 or rate % Decimal("0.01"):
        raise VenueError(-2007, "Invalid callBack rate.")
    activation = reading.number(params, "activatePrice")
    if activation is not None:
        filters.check_price(symbol, activation)
    return activation, params.need("callbackRate")


def find(call: Call) -> Algo | None:
    params, state = call.params, call.state
    number, client_id = params.integer("algoId"), params.text("clientAlgoId")
    if number is None and client_id is None:
        raise missing("algoId")
    if number is not None:
        algo = state.algos.get(number)
        return algo if algo is not None and algo.order.account == call.account else None
    mine = [algo for algo in state.algos_of(call.account) if algo.order.client_id == client_id]
    return mine[-1] if mine else None


def cancel(call: Call) -> dict[str, Any]:
    algo = find(call)
    if algo is None or not algo.is_waiting:
        raise VenueError(-2011, "Unknown order sent.")
    call.state.exchange.cancel(algo.order, call.now_ns)
    return {"algoId": algo.id, "clientAlgoId": algo.order.client_id, "code": "200", "msg": "success"}


def cancel_all(call: Call) -> dict[str, Any]:
    symbol = call.state.symbol(call.params)
    for algo in call.state.algos_of(call.account):
        if algo.is_waiting and algo.symbol is symbol:
            call.state.exchange.cancel(algo.order, call.now_ns)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def query(call: Call) -> dict[str, Any]:
    algo = find(call)
    if algo is None or not call.state.is_visible(algo.order, call.now_ns):
        raise VenueError(-2013, "Order does not exist.")
    return algos.queried(algo)


def open_ones(call: Call) -> list[dict[str, Any]]:
    name, number = call.params.text("symbol"), call.params.integer("algoId")
    symbol = call.state.listed(name) if name is not None else None
    return [
        algos.queried(algo)
        for algo in call.state.algos_of(call.account)
        if algo.is_waiting and symbol in (None, algo.symbol) and number in (None, algo.id)
        and call.state.is_visible(algo.order, call.now_ns)
    ]  # fmt: skip


def history(call: Call) -> list[dict[str, Any]]:
    symbol, params = call.state.symbol(call.params), call.params
    limit = params.bounded("limit", 500, 1000)
    start, end = params.integer("startTime"), params.integer("endTime")
    number = params.integer("algoId")
    found = [
        algo
        for algo in call.state.algos_of(call.account)
        if algo.symbol is symbol and (number is None or algo.id >= number)
        and (start is None or algo.order.created_ns // NS_PER_MS >= start)
        and (end is None or algo.order.created_ns // NS_PER_MS <= end)
        and call.state.is_visible(algo.order, call.now_ns)
    ]  # fmt: skip
    return [algos.queried(algo) for algo in found[-limit:]]


_FIND = ("symbol", "algoId", "clientAlgoId")
PLACE = Operation(place, _NAMES, 0, Security.TRADE, is_order=True)
CANCEL = Operation(cancel, _FIND, 1, Security.TRADE)
CANCEL_ALL = Operation(cancel_all, ("symbol",), 1, Security.TRADE)
QUERY = Operation(query, _FIND, 1, Security.USER_DATA)
OPEN = Operation(
    open_ones, ("algoType", "symbol", "algoId"), lambda params: 1 if "symbol" in params else 40, Security.USER_DATA
)
HISTORY = Operation(
    history, ("symbol", "algoId", "startTime", "endTime", "page", "limit"), 5, Security.USER_DATA
)  # fmt: skip
