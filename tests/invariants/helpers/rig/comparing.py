"""What the user was told, held against the venue's ledger. Empty text: no difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx import OrderStatus

if TYPE_CHECKING:
    from rig.readers import FillName
    from rig.world import World


def unlike_fills(world: World) -> str:
    """Return how the fills told differ from the ledger's."""
    owed: Counter[FillName] = Counter()
    for fill in world.sim.fills():
        owed[
            (world.our_symbol(fill.symbol), world.exchange.trade_id(fill), fill.side.value, fill.price, fill.quantity)
        ] += 1
    missing, surplus = owed - world.account.fills, world.account.fills - owed
    said = [f"{len(missing)} missing, such as {next(iter(missing))}"] if missing else []
    said += [f"{len(surplus)} too many, such as {next(iter(surplus))}"] if surplus else []
    return "; ".join(said)


def unlike_state(world: World) -> str:
    """Return how orders, balances and positions as the user knows them differ from the venue's."""
    return "; ".join((*_unlike_orders(world), *_unlike_holdings(world)))


def _unlike_orders(world: World) -> Iterator[str]:
    theirs = {world.exchange.order_id(order): order.executed for order in world.sim.open_orders()}
    ours, doubtful = _open_here(world)
    lost, ghosts = theirs.keys() - ours.keys() - doubtful, ours.keys() - theirs.keys()
    wrong = [name for name in theirs.keys() & ours.keys() if ours[name] not in (None, theirs[name])]
    for names, what in (
        (lost, "open at the venue, not here"),
        (ghosts, "open here, not at the venue"),
        (wrong, "filled differently"),
    ):
        if names:
            yield f"{what}: {sorted(names)[:3]}"


def _open_here(world: World) -> tuple[dict[str, Decimal | None], set[str]]:
    """Return the orders the user believes to be open, by the venue's id, and those a command in doubt keeps pending.

    Of an amended order only the whole is known, not what its last leg executed: ``None``.
    """
    ours: dict[str, Decimal | None] = {}
    doubtful: set[str] = set()
    handled: set[str | None] = set()
    for intent in world.trader.intents:
        if intent.handle is None:
            continue
        state = intent.handle.state
        handled |= {intent.client_order_id or intent.handle.client_order_id, state.client_order_id}
        if state.status is OrderStatus.PENDING:
            doubtful.add(str(state.venue_order_id))
        elif not state.status.is_terminal:
            ours[str(state.venue_order_id)] = None if intent.amended else state.filled
    for name, state in world.account.orders.items():
        if name not in handled and not state.status.is_terminal:
            ours[str(state.venue_order_id)] = state.filled
    return ours, doubtful


def _unlike_holdings(world: World) -> Iterator[str]:
    for symbol, quantity in world.exchange.positions_in(world.sim).items():
        ours = world.account.positions.get(symbol, Decimal(0))
        if ours != quantity:
            yield f"{symbol}: a position of {ours} here, {quantity} at the venue"
    theirs = world.exchange.balances_in(world.sim)
    for asset, held in world.account.balances.items():
        there = theirs.get(asset, held)
        if held != there:
            yield f"{asset}: {held[0]} + {held[1]} here, {there[0]} + {there[1]} at the venue"
