"""Order entry, by REST and by WebSocket alike: an answer says that a command was received, not what came of it.

What the engine decides is told by the private streams. Only what the venue is seen to refuse at once is refused here.
"""

from collections.abc import Callable
from typing import Any

from lotusx_sim.dialects.bybit import order_rules, placing
from lotusx_sim.dialects.bybit.errors import VenueError, bad, no_order, of_reason, too_many_visits
from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.rows import order_news
from lotusx_sim.dialects.bybit.state import News, VenueState
from lotusx_sim.dialects.bybit.tracked import WOULD_TAKE, Tracked, never_placed
from lotusx_sim.engine.orders import Reason, Refused, Status

Ids = dict[str, str]
_FILTERS = {"Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder"}
_LATE = {  # why an order that was acknowledged is rejected
    Reason.INSUFFICIENT_FUNDS: "EC_Others",
    Reason.WOULD_TAKE: WOULD_TAKE,
    Reason.REDUCE_ONLY: "EC_Others",
    Reason.DUPLICATE_CLIENT_ID: "EC_DuplicatedClOrdID",
    Reason.MARKET_CLOSED: "EC_InvalidSymbolStatus",
    Reason.WOULD_TRIGGER: "EC_Others",
}


def _ids(tracked: Tracked) -> Ids:
    return {"orderId": tracked.facts.order_id, "orderLinkId": tracked.facts.link_id}


# -- create ------------------------------------------------------------------------------------------------------


def create(state: VenueState, account: str, params: Params) -> Ids:
    ticket = placing.read_order(state, account, params)
    tracked, new = ticket.tracked, ticket.new
    if state.rejections:
        reason = state.rejections.popleft()
        state.track(tracked)
        state.soon(lambda now_ns: _reject(state, ticket, reason, now_ns))
        return _ids(tracked)

    def place(now_ns: int) -> None:
        try:
            tracked.order = state.exchange.place(new, now_ns)
        except Refused as refused:
            # What is left to the engine comes too late for the answer, except where no time has passed.
            if not state.options.matching_delay_ns and refused.reason is not Reason.WOULD_TAKE:
                raise
            _reject(state, ticket, _LATE.get(refused.reason, "EC_Others"), now_ns)

    if state.options.matching_delay_ns:
        state.track(tracked)
        state.soon(place)
        return _ids(tracked)
    try:
        place(state.now_ns)
    except Refused as refused:
        raise of_reason(tracked.listing.category, refused.reason) from None
    state.track(tracked)
    return _ids(tracked)


def _reject(state: VenueState, ticket: placing.Ticket, reason: str, now_ns: int) -> None:
    """End an order that was acknowledged. Post-only ones on derivatives are cancelled, all others rejected.

    How spot ends a post-only order that would take is not known for sure.
    """
    tracked, new = ticket.tracked, ticket.new
    quantity = new.quantity if new.quote_quantity is None else new.quote_quantity
    order = tracked.order = never_placed(tracked, new.side, quantity, new.price, now_ns)
    order.leg, order.reduce_only, order.trigger_price = new.leg, new.reduce_only, new.trigger_price
    if reason == WOULD_TAKE and not tracked.listing.is_spot:
        order.expiry_reason = WOULD_TAKE
    else:
        tracked.facts.rejected = reason
    _tell(state, tracked)


def _tell(state: VenueState, tracked: Tracked) -> None:
    row = order_news(tracked)
    state.news.append(News(tracked.account, "order", tracked.listing.category, row))


# -- amend and cancel --------------------------------------------------------------------------------------------


def find(state: VenueState, account: str, params: Params) -> Tracked:
    """Return the order that is meant, by orderId where both ids are given.

    Raises:
        VenueError: There is none in this category and symbol.
    """
    category = params.category()
    listing = state.listed(category, params.text("symbol").upper())
    order_id, link = params.text("orderId"), params.text("orderLinkId")
    if not order_id and not link:
        raise bad("params error: OrderNo and OrderLinkId cannot both be empty")
    found = state.by_order_id.get(order_id) if order_id else state.by_link_id.get((account, link))
    if found is None or found.account != account or found.listing is not listing:
        raise no_order(category)
    return found


def amend(state: VenueState, account: str, params: Params) -> Ids:
    tracked = find(state, account, params)
    listing, facts = tracked.listing, tracked.facts
    if not tracked.is_open:
        raise no_order(listing.category)
    known = tracked.order
    is_limit = not facts.is_market
    quantity, price, trigger = params.number("qty"), params.number("price"), params.number("triggerPrice")
    wanted: dict[str, Any] = {}
    if quantity:
        wanted["quantity"] = order_rules.checked_quantity(listing, quantity, is_limit=is_limit)
        if known is not None and known.quote_quantity is not None:
            raise VenueError(170312, "The order cannot be modified: its quantity is in quote")
    if price:
        wanted["price"] = order_rules.checked_price(state, listing, facts.side, price)
    if trigger:
        if not listing.is_spot and known is not None and known.working_ns is None:
            order_rules.check_trigger(state, listing, trigger, facts)
        wanted["trigger_price"] = trigger
    if not listing.is_spot and ("takeProfit" in params or "stopLoss" in params):
        base = price or (known.price if known is not None else None) or state.last(listing)
        placing.read_stops(listing, params, facts, base=base)
        if known is not None and not wanted:
            _tell(state, tracked)
            return _ids(tracked)

    def change(now_ns: int) -> None:
        order = tracked.order
        if order is None or not order.is_open:
            return
        try:
            state.exchange.amend(order, now_ns, **wanted)
        except Refused as refused:
            if refused.reason is Reason.WOULD_TAKE:
                state.exchange.expire(order, now_ns, WOULD_TAKE)
            elif not state.options.matching_delay_ns:
                raise
            else:  # nothing was changed, and the stream says so by telling of the order as it is
                _tell(state, tracked)

    _carry_out(state, listing, change)
    return _ids(tracked)


def cancel(state: VenueState, account: str, params: Params) -> Ids:
    tracked = find(state, account, params)
    if not tracked.is_open:
        raise no_order(tracked.listing.category)

    def end(now_ns: int) -> None:
        order = tracked.order
        if order is None:
            return
        if order.is_open:
            state.exchange.cancel(order, now_ns)
        elif order.status is Status.FILLED:
            # The fill was faster: the venue tells of the filled order once more.
            tracked.facts.late_cancel = True
            _tell(state, tracked)

    _carry_out(state, tracked.listing, end)
    return _ids(tracked)


def _carry_out(state: VenueState, listing: Listing, command: Callable[[int], None]) -> None:
    try:
        state.soon(command)
    except Refused as refused:
        raise of_reason(listing.category, refused.reason) from None


def cancel_all(state: VenueState, account: str, params: Params) -> dict[str, Any]:
    category = params.category()
    names = ("symbol", "baseCoin", "settleCoin")
    if not category.is_spot and not any(name in params for name in names):
        raise bad("params error: symbol, baseCoin or settleCoin is required")
    wanted = params.text("orderFilter", "Order" if category.is_spot else "")
    if wanted and wanted not in _FILTERS:
        raise bad("orderFilter invalid")
    if "symbol" in params:
        state.listed(category, params.text("symbol").upper())
    chosen = [
        tracked
        for tracked in state.users[account].orders
        if tracked.is_open and tracked.listing.category is category and is_meant(tracked, params)
        and (not wanted or tracked.facts.order_filter == wanted)
        and params.text("stopOrderType") in ("", tracked.facts.stop_order_type)
    ][: state.options.rules.cancel_all]  # fmt: skip
    for tracked in chosen:
        own = Params({"category": category.value, "symbol": tracked.listing.symbol} | _ids(tracked))
        if tracked.is_open:  # one before it may have ended it
            cancel(state, account, own)
    return {"list": [_ids(tracked) for tracked in chosen], "success": "1"}


def is_meant(tracked: Tracked, params: Params) -> bool:
    """Tell whether symbol, base coin and settle coin, as far as they are given, are those of an order."""
    listing = tracked.listing
    if "symbol" in params:
        return listing.symbol == params.text("symbol").upper()
    return params.text("baseCoin") in ("", listing.base) and params.text("settleCoin") in ("", listing.settle)


# -- batches -----------------------------------------------------------------------------------------------------

Single = Callable[[VenueState, str, Params], Ids]


def batch(
    state: VenueState, account: str, params: Params, single: Single, *, may_act: Callable[[Category], bool]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Do *single* with each item; return the result and what goes beside it, one code for each item.

    Args:
        may_act: Counts one order against the quota; False: it is one too many.
    """
    category = params.category()
    items = params.raw("request")
    if not isinstance(items, list) or not items:
        raise bad("params error: request is required")
    rules = state.options.rules
    if len(items) > (rules.batch_spot if category.is_spot else rules.batch_derivatives):
        raise bad("params error: too many orders in one request")
    results: list[dict[str, Any]] = []
    codes: list[dict[str, Any]] = []
    for item in items:
        values = item if isinstance(item, dict) else {}
        result: dict[str, Any] = {
            "category": category.value, "symbol": str(values.get("symbol", "")), "orderId": "",
            "orderLinkId": str(values.get("orderLinkId", "")),
        }  # fmt: skip
        code: dict[str, Any] = {"code": 0, "msg": "OK"}
        try:
            if not may_act(category):
                raise too_many_visits()
            params = Params(values | {"category": category.value})
            if single is amend and (order := find(state, account, params).order) and order.kind.is_conditional:
                raise bad("conditional orders are not supported")
            result |= single(state, account, params)
        except VenueError as error:
            code = {"code": error.code, "msg": error.text}
        if single is create:
            result["createAt"] = str(state.now_ms) if not code["code"] else ""
        results.append(result)
        codes.append(code)
    return {"list": results}, {"list": codes}
