"""Hands on what the engine did: to the record, to the public channels, to those it concerns."""

from collections.abc import Iterable

from lotusx_sim.dialects.okx.rows import account_row, fill_row, funding_bill, order_news, position_row
from lotusx_sim.dialects.okx.state import Print, VenueState
from lotusx_sim.dialects.okx.streams import Hub
from lotusx_sim.dialects.okx.text import NS_PER_MS
from lotusx_sim.dialects.okx.ws import ACCOUNT, ORDERS, POSITIONS, Peer
from lotusx_sim.engine.events import Event, FundingEvent, PositionEvent
from lotusx_sim.engine.orders import BalanceEvent, Change, OrderEvent, TradeEvent


def tell(state: VenueState, hub: Hub, peers: Iterable[Peer], now_ns: int) -> None:
    """Send out everything that happened since the last call."""
    events: list[Event] = []
    while found := state.exchange.take_events():
        events += found
    prints = record(state, events)
    if events:
        hub.happened(events, prints, now_ns)
        for peer in list(peers):
            if peer.account:
                _tell_owner(state, peer, events, now_ns)
    hub.tick(now_ns)


def record(state: VenueState, events: Iterable[Event]) -> list[Print]:
    """Bring prints, candles and histories up to date; return the new prints."""
    prints = []
    for event in events:
        if isinstance(event, TradeEvent):
            item = Print(
                state.by_name[event.symbol], event.trade_id, event.price, event.quantity, event.taker_side, event.ns
            )
            prints.append(item)
            state.prints[event.symbol].append(item)
            state.candles[event.symbol].add(item.price, item.quantity, item.taker_side, 1, item.ns // NS_PER_MS)
        elif isinstance(event, OrderEvent) and event.fill is not None:
            state.users[event.account].fills.append((event.ns, fill_row(state, event.order, event.fill)))
        elif isinstance(event, FundingEvent) and event.account in state.users:
            row = funding_bill(state, state.by_name[event.symbol], event)
            state.users[event.account].bills.append((event.ns, row))
    return prints


def _tell_owner(state: VenueState, peer: Peer, events: Iterable[Event], now_ns: int) -> None:
    assets: set[str] = set()
    positions = {}
    for event in events:
        if isinstance(event, OrderEvent) and event.account == peer.account:
            amended = state.order_id(event.order) if event.change is Change.AMENDED else ""
            peer.tell(ORDERS, [order_news(state, event.order, event.fill, amended)])
        elif isinstance(event, BalanceEvent) and event.account == peer.account:
            assets.update(event.assets)
        elif isinstance(event, PositionEvent) and event.account == peer.account:
            positions[(event.symbol, event.position.leg)] = event.position
    peer.tell(POSITIONS, [position_row(state, position, now_ns) for position in positions.values()])
    if assets:
        peer.tell(ACCOUNT, [account_row(state, peer.account, assets, now_ns)])


def settle(state: VenueState, now_ns: int) -> None:
    """Settle funding where it is due."""
    now_ms = now_ns // NS_PER_MS
    for listing in state.listings:
        if not listing.is_spot and now_ms % (listing.funding_minutes * 60_000) == 0:
            state.exchange.perps.settle_funding(listing.name, now_ns)
            state.funding[listing.name].append((now_ms, state.exchange.perps.funding_rate(listing.name)))
