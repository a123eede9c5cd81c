"""What events mean to the private streams. Source: OpenAPI document (2026-08), "Streams / Private", recordings."""

from __future__ import annotations

from typing import Any

from lotusx_sim.dialects.backpack.listings import BY_SYMBOL
from lotusx_sim.dialects.backpack.order_rows import order_frame
from lotusx_sim.dialects.backpack.state import User, VenueState
from lotusx_sim.dialects.backpack.text import NS_PER_US, plain, rounded
from lotusx_sim.dialects.backpack.topics import PRIVATE
from lotusx_sim.engine.events import Event, PositionEvent
from lotusx_sim.engine.orders import ZERO, BalanceEvent, OrderEvent
from lotusx_sim.engine.positions import Position

ORDERS, POSITIONS, BALANCES = PRIVATE
News = tuple[str, str, str, dict[str, Any]]
"""Account, stream, symbol ("" for balances), data."""


def news_of(state: VenueState, event: Event, now_ns: int) -> list[News]:
    """Return what one event makes the private streams say."""
    if isinstance(event, OrderEvent) and event.account in state.users:
        return [(event.account, ORDERS, event.order.symbol, order_frame(state, event, now_ns))]
    if isinstance(event, PositionEvent) and event.account in state.users:
        return _position(state, state.users[event.account], event, now_ns)
    if isinstance(event, BalanceEvent) and event.account in state.users and event.delta is None:
        return [
            (event.account, BALANCES, "", _balance(state, event.account, asset, event.ns, now_ns))
            for asset in event.assets
        ]
    return []


def _balance(state: VenueState, account: str, asset: str, ns: int, now_ns: int) -> dict[str, Any]:
    owned = state.exchange.accounts.balance(account, asset)
    return {
        "e": "balanceUpdate", "E": now_ns // NS_PER_US, "T": ns // NS_PER_US, "a": asset,
        "A": plain(owned.free), "L": plain(owned.locked), "S": "0",
    }  # fmt: skip


def _position(state: VenueState, user: User, event: PositionEvent, now_ns: int) -> list[News]:
    before = user.held.get(event.symbol, ZERO)
    after = event.position.quantity
    user.held[event.symbol] = after
    if not before and not after:
        return []
    word = "positionOpened" if not before else "positionClosed" if not after else "positionAdjusted"
    data = {"e": word, **position_data(state, user, event.position, now_ns), "T": event.ns // NS_PER_US}
    return [(user.account, POSITIONS, event.symbol, data)]


def position_data(state: VenueState, user: User, position: Position, now_ns: int) -> dict[str, Any]:
    """Return what ``account.positionUpdate`` says of a position."""
    listing = BY_SYMBOL[position.symbol]
    mark = state.mark(listing)
    entry = rounded(position.entry_price or ZERO)
    orders = state.exchange.open_orders(position.account, position.symbol)
    queued = sum((order.side.sign * order.remaining for order in orders if order.working_ns is not None), ZERO)
    return {
        "E": now_ns // NS_PER_US, "T": now_ns // NS_PER_US, "s": position.symbol,
        "q": plain(position.quantity), "Q": plain(abs(position.quantity + queued)),
        "n": rounded(abs(position.quantity + queued) * mark),
        "B": entry, "b": entry, "M": plain(mark), "f": plain(listing.base_imf), "m": plain(listing.base_mmf),
        "p": rounded(position.realized_since_open), "P": rounded(position.unrealized(mark)),
        "i": user.position_ids.get(position.symbol, 0), "l": "0",
    }  # fmt: skip
