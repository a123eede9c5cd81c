"""Placing one order: what is checked before, what the engine is told, what the answer says.

Wordings are the venue's, from its documentation and from recordings; where none is known a comment says so.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.hyperliquid import rows
from lotusx_sim.dialects.hyperliquid.deed import Deed
from lotusx_sim.dialects.hyperliquid.errors import ItemError
from lotusx_sim.dialects.hyperliquid.markets import Listing
from lotusx_sim.dialects.hyperliquid.numbers import decimals_of, is_price, shown
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, Rejected, cloid_of
from lotusx_sim.engine.orders import (
    Fill,
    Kind,
    NewOrder,
    Order,
    PriceSource,
    Reason,
    Refused,
    SelfTrade,
    Side,
    TimeInForce,
)

_MIN_VALUE = Decimal(10)
_BAND_DOWN, _BAND_UP = Decimal("0.2"), Decimal(5)  # of the reference price: strictly above, up to and including
_MOST_OPEN_ORDERS = 5_000
_VOLUME_PER_OPEN_ORDER = 5_000_000
_AT_ONCE = ("Ioc", "FrontendMarket")
WHOLE_POSITION = "positionTpsl"
_REFUSALS: dict[Reason, tuple[str, str]] = {
    Reason.REDUCE_ONLY: ("Reduce only order would increase position.", "reduceOnlyRejected"),
    Reason.WOULD_TRIGGER: ("Invalid TP/SL price.", "badTriggerPxRejected"),
    # The next two wordings are not the venue's: nothing tells what it says.
    Reason.MARKET_CLOSED: ("Trading is halted.", "rejected"),
    Reason.DUPLICATE_CLIENT_ID: ("Client order id is in use by an open order.", "rejected"),
}


def check_static(deed: Deed, item: Mapping[str, Any], grouping: Any) -> Listing:
    """Check what can be told from the order alone; one failure refuses the whole batch.

    Raises:
        ItemError: Tick, lot, price band, or a bracket order that would not reduce.
    """
    listing = deed.listing(item["a"])
    price, size = Decimal(item["p"]), Decimal(item["s"])
    if price <= 0:
        raise ItemError("Order has invalid price.", asset=listing.asset)
    if not is_price(price, listing.size_decimals, listing.max_decimals):
        raise ItemError("Price must be divisible by tick size.", asset=listing.asset, status="tickRejected")
    trigger = item["t"].get("trigger")
    if trigger is not None and not is_price(Decimal(trigger["triggerPx"]), listing.size_decimals, listing.max_decimals):
        raise ItemError("Price must be divisible by tick size.", asset=listing.asset, status="tickRejected")
    if size < 0 or decimals_of(size) > listing.size_decimals:
        raise ItemError("Order has invalid size.", asset=listing.asset)
    if not size and grouping != WHOLE_POSITION:
        raise ItemError("Order has zero size.", asset=listing.asset)
    if trigger is not None and grouping in ("normalTpsl", WHOLE_POSITION) and not item["r"]:
        # The venue's wording is not known.
        raise ItemError("TP/SL orders must be reduce only.", asset=listing.asset)
    reference = deed.state.mark(listing)
    if not reference * _BAND_DOWN < price <= reference * _BAND_UP:
        text = "Order price cannot be more than 80% away from the reference price"
        raise ItemError(text, status="oracleRejected")
    return listing


def place(deed: Deed, item: Mapping[str, Any], grouping: Any) -> tuple[Order | None, Any]:
    """Place an order that has passed `check_static`; return it with its entry in ``statuses``.

    A refusal is kept as an order with an id, and comes back as an error entry.
    """
    listing = deed.listing(item["a"])
    try:
        order = _place(deed, listing, item, grouping)
    except ItemError as error:
        _keep(deed, listing, item, error.status)
        return None, {"error": str(error)}
    return order, _entry(order, listing, tells_id=deed.state.options.tells_trigger_ids and grouping != "normalTpsl")


def _place(deed: Deed, listing: Listing, item: Mapping[str, Any], grouping: Any) -> Order:
    state = deed.state
    _check_value(deed, listing, item)
    trigger = item["t"].get("trigger")
    wallet = state.wallet_for(deed.user, listing)
    _check_open_orders(deed, listing, is_held_back=trigger is not None or item["r"])
    tif = None if trigger is not None else item["t"]["limit"]["tif"]
    is_market = tif == "FrontendMarket" or (trigger is not None and trigger["isMarket"])
    whole = grouping == WHOLE_POSITION and not Decimal(item["s"])
    new = NewOrder(
        wallet,
        listing.coin,
        Side.BUY if item["b"] else Side.SELL,
        _kind(trigger),
        Decimal(item["s"]),
        price=Decimal(item["p"]),
        time_in_force=TimeInForce.IOC if tif in _AT_ONCE or is_market else TimeInForce.GTC,
        post_only=tif == "Alo",
        trigger_price=None if trigger is None else Decimal(trigger["triggerPx"]),
        trigger_by=PriceSource.MARK,
        reduce_only=item["r"] and not listing.is_spot,
        whole_position=whole,
        self_trade=SelfTrade.EXPIRE_MAKER,
        client_id=item.get("c", ""),
        tags=_tags(item, grouping, tif, is_market=is_market),
    )
    try:
        return state.exchange.place(new, deed.now_ns)
    except Refused as refused:
        raise _refusal(deed, listing, new, refused.reason) from None


def _kind(trigger: Mapping[str, Any] | None) -> Kind:
    """A triggered market order is a limit at the worst price its sender accepts, at once or never."""
    if trigger is None:
        return Kind.LIMIT
    return Kind.STOP_LIMIT if trigger["tpsl"] == "sl" else Kind.TAKE_PROFIT_LIMIT


def _tags(item: Mapping[str, Any], grouping: Any, tif: str | None, *, is_market: bool) -> dict[str, str]:
    tags = {"p": item["p"], "s": item["s"]}
    if tif is not None:
        tags["tif"] = tif
    elif not is_market:
        tags["tif"] = "Gtc"
    if is_market:
        tags["market"] = "yes"
    if isinstance(grouping, str):
        tags["grouping"] = grouping
    return tags


def _check_value(deed: Deed, listing: Listing, item: Mapping[str, Any]) -> None:
    size = Decimal(item["s"])
    if size * Decimal(item["p"]) >= _MIN_VALUE or (not size and item["r"]):
        return
    if item["r"] and not listing.is_spot:
        wallet = deed.state.wallet_for(deed.user, listing)
        if size == abs(deed.state.exchange.perps.position(wallet, listing.coin).quantity):
            return  # what is left of a position may be closed, however little it is
    amount = f"10 {listing.quote}" if listing.is_spot else "$10"
    text = f"Order must have minimum value of {amount}."
    raise ItemError(text, asset=listing.asset, status="minTradeNtlRejected")


def _check_open_orders(deed: Deed, listing: Listing, *, is_held_back: bool) -> None:
    """Beyond the basic number of open orders, those that reduce or wait for a trigger are refused first."""
    basic = deed.state.options.rules.open_orders
    most = min(_MOST_OPEN_ORDERS, basic + int(deed.member.volume) // _VOLUME_PER_OPEN_ORDER)
    count = len(deed.state.open_orders_of(deed.user))
    if count >= (basic if is_held_back else most):
        # The venue's wording is not known.
        raise ItemError("Too many open orders.", asset=listing.asset, status="tooManyOpenOrdersRejected")


def _refusal(deed: Deed, listing: Listing, new: NewOrder, reason: Reason) -> ItemError:
    if reason is Reason.WOULD_TAKE:
        book = deed.state.exchange.books[listing.coin]
        bid, ask = (shown(price) if price is not None else "none" for price in (book.best_bid(), book.best_ask()))
        text = f"Post only order would have immediately matched, bbo was {bid}@{ask}."
        return ItemError(text, asset=listing.asset, status="badAloPxRejected")
    if reason is Reason.INSUFFICIENT_FUNDS and listing.is_spot:
        text = "Order has insufficient spot balance to trade"
        return ItemError(text, asset=listing.asset, status="insufficientSpotBalanceRejected")
    if reason is Reason.INSUFFICIENT_FUNDS:
        text = "Insufficient margin to place order."
        return ItemError(text, asset=listing.asset, status="perpMarginRejected")
    text, status = _REFUSALS[reason]
    return ItemError(text, asset=listing.asset, status=status)


def _keep(deed: Deed, listing: Listing, item: Mapping[str, Any], status: str) -> Rejected:
    trigger = item["t"].get("trigger")
    size = shown(Decimal(item["s"]))
    tif = None if trigger is not None else item["t"]["limit"]["tif"]
    row = {
        "coin": listing.coin,
        "side": "B" if item["b"] else "A",
        "limitPx": shown(Decimal(item["p"])),
        "sz": size,
        "oid": 0,
        "timestamp": deed.now_ns // NS_PER_MS,
        "triggerCondition": "N/A",
        "isTrigger": trigger is not None,
        "triggerPx": "0.0" if trigger is None else shown(Decimal(trigger["triggerPx"])),
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": item["r"],
        "orderType": "Limit",
        "origSz": size,
        "tif": tif,
        "cloid": item.get("c"),
    }
    rejected = deed.state.reject(deed.user, item.get("c"), row, status, deed.now_ns)
    deed.state.news.append(rejected)
    return rejected


def _entry(order: Order, listing: Listing, *, tells_id: bool) -> Any:
    if order.kind.is_conditional and not tells_id:
        return "waitingForTrigger"
    status = rows.status_of(order)
    if status == "iocCancelRejected":
        market = "market" in order.tags
        text = "Order could not immediately match against any resting orders."
        if market:
            text = "No liquidity available for market order."
        return {"error": f"{text} asset={listing.asset}"}
    if order.is_open:
        return {"resting": _named(order, {"oid": order.id})}
    if order.executed:
        return {"filled": _named(order, _filled(order, order.fills))}
    # Nothing was traded and nothing rests: a reduce-only order met a position that was gone.
    return {"error": f"Reduce only order would increase position. asset={listing.asset}"}


def _filled(order: Order, fills: list[Fill]) -> dict[str, Any]:
    return {"totalSz": shown(order.executed), "avgPx": rows.average_price(fills), "oid": order.id}


def _named(order: Order, content: dict[str, Any]) -> dict[str, Any]:
    cloid = cloid_of(order)
    return content if cloid is None else {**content, "cloid": cloid}
