"""Positions and what can be set of them. Source: Bybit V5, position."""

from typing import Any

from lotusx_sim.dialects.bybit import stops
from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.errors import VenueError, bad, of_reason
from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.order_rules import checked_quantity
from lotusx_sim.dialects.bybit.paging import listed, page
from lotusx_sim.dialects.bybit.rows import position_row
from lotusx_sim.dialects.bybit.tracked import LEGS
from lotusx_sim.engine.orders import ZERO, Leg, Refused
from lotusx_sim.engine.positions import Position

_CONTRACTS = (Category.LINEAR, Category.INVERSE)
_ONE_WAY, _HEDGE = 0, 3


def _listing(call: Call, category: Category) -> Listing:
    return call.state.listed(category, call.params.needed("symbol").upper())


def positions(call: Call) -> dict[str, Any]:
    """Return positions: of one symbol also flat ones, else open ones only."""
    category = call.params.category(*_CONTRACTS)
    if "symbol" in call.params:
        listing = _listing(call, category)
        found = [(listing, position) for position in call.state.positions(call.account, listing)]
    else:
        coin = call.params.text("settleCoin")
        if category is Category.LINEAR and not coin:
            raise bad("params error: symbol or settleCoin is required")
        found = [
            (listing, position)
            for listing in call.state.directory.of(category)
            if coin in ("", listing.settle)
            for position in call.state.positions(call.account, listing)
            if position.is_open
        ]
    chosen, cursor = page(found, call.params, lambda it: f"{it[0].symbol}:{it[1].leg.value}", default=20, highest=200)
    rows = [position_row(call.state, item, position, now_ns=call.now_ns) for item, position in chosen]
    return listed(rows, cursor, category=category.value)


def set_leverage(call: Call) -> dict[str, Any]:
    category = call.params.category(*_CONTRACTS)
    listing = _listing(call, category)
    buy, sell = call.params.number("buyLeverage"), call.params.number("sellLeverage")
    if not buy or not sell:
        raise bad("buyLeverage or sellLeverage invalid")
    isolated = call.state.users[call.account].isolated
    legs = call.state.legs(call.account, listing)
    if buy != sell and (legs == (Leg.BOTH,) or not isolated):
        raise bad("buyLeverage must equal sellLeverage in one-way mode and in cross margin")
    perps = call.state.exchange.perps
    # Those that do not count in the present mode follow, so that a switch of mode keeps the leverage.
    wishes = {Leg.BOTH: buy, Leg.LONG: buy, Leg.SHORT: sell}
    before = {leg: perps.position(call.account, listing.name, leg).leverage for leg in Leg}
    if all(before[leg] == wishes[leg] for leg in legs):
        raise VenueError(110043, "leverage not modified")
    try:
        for leg, leverage in wishes.items():
            perps.set_leverage(call.account, listing.name, leverage, call.now_ns, leg)
    except Refused as refused:
        for leg, leverage in before.items():
            perps.set_leverage(call.account, listing.name, leverage, call.now_ns, leg)
        raise of_reason(category, refused.reason) from None
    return {}


def switch_isolated(call: Call) -> dict[str, Any]:
    """Refuse what unified accounts no longer have: margin mode is the account's there."""
    raise VenueError(100028, "unified account is forbidden")


def switch_mode(call: Call) -> dict[str, Any]:
    """Switch one contract, or all that settle in a coin, between one-way and hedge mode."""
    category = call.params.category(Category.LINEAR)
    mode, coin = call.params.integer("mode"), call.params.text("coin")
    if mode not in (_ONE_WAY, _HEDGE):
        raise bad("mode invalid")
    if "symbol" in call.params:
        chosen = [_listing(call, category)]
    else:
        chosen = [item for item in call.state.directory.of(category) if item.settle == coin]
    if not chosen or any(item.settle != "USDT" or not item.is_perpetual for item in chosen if "symbol" in call.params):
        raise VenueError(110029, "Hedge mode is not supported for this symbol")
    chosen = [item for item in chosen if item.settle == "USDT" and item.is_perpetual]
    user = call.state.users[call.account]
    wanted = mode == _HEDGE
    changing = [item for item in chosen if (item.name in user.hedged) != wanted]
    if not changing:
        raise VenueError(110025, "Position mode is not modified")
    for item in changing:
        if any(position.is_open for position in call.state.positions(call.account, item)):
            raise VenueError(110024, "You have an existing position, so the position mode cannot be switched")
        if call.state.exchange.open_orders(call.account, item.name):
            raise VenueError(110028, "You have existing orders, so the position mode cannot be switched")
    for item in changing:
        (user.hedged.add if wanted else user.hedged.discard)(item.name)
    return {}


def _position(call: Call, listing: Listing) -> Position:
    leg = LEGS.get(call.params.integer("positionIdx") or 0)
    if leg is None or leg not in call.state.legs(call.account, listing):
        raise bad("position idx not match position mode")
    return call.state.exchange.perps.position(call.account, listing.name, leg)


def trading_stop(call: Call) -> dict[str, Any]:
    """Set or clear (0) stops of a position: take-profit and stop-loss, also of a part of it, and a trailing stop."""
    category = call.params.category(*_CONTRACTS)
    listing = _listing(call, category)
    position = _position(call, listing)
    mode = call.params.needed("tpslMode")
    if mode not in ("Full", "Partial"):
        raise bad("tpslMode invalid")
    if not position.is_open:
        raise bad("can not set tp/sl/ts for zero position")
    changed = False
    for kind, prefix, name in ((stops.TAKE_PROFIT, "tp", "takeProfit"), (stops.STOP_LOSS, "sl", "stopLoss")):
        price = call.params.number(name)
        if price is None:
            continue
        size = None
        if mode == "Partial":
            size = checked_quantity(listing, call.params.number(f"{prefix}Size") or ZERO, is_limit=False)
        old = stops.standing(call.state, position, kind)
        if size is None and (old.trigger_price if old is not None else ZERO) == price:
            continue
        by = call.params.text(f"{prefix}TriggerBy", "LastPrice")
        stops.set_stop(call.state, listing, position, kind, price, by, call.now_ns, size=size)
        changed = True
    distance = call.params.number("trailingStop")
    if distance is not None:
        old = stops.standing(call.state, position, stops.TRAILING)
        active = call.params.number("activePrice") or None
        if (old.trailing_distance if old is not None else ZERO) != distance or (distance and active):
            stops.set_trailing(call.state, listing, position, distance, active, call.now_ns)
            changed = True
    if not changed:
        raise VenueError(34040, "not modified")
    return {}


def add_margin(call: Call) -> dict[str, Any]:
    """Add margin to an isolated position, or take some out when negative."""
    category = call.params.category(*_CONTRACTS)
    listing = _listing(call, category)
    position = _position(call, listing)
    amount = call.params.signed("margin")
    try:
        call.state.exchange.perps.change_isolated_margin(call.account, listing.name, amount, call.now_ns, position.leg)
    except Refused as refused:
        raise of_reason(category, refused.reason) from None
    row = position_row(call.state, listing, position, now_ns=call.now_ns)
    return row | {"category": category.value}
