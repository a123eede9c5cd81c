"""Hands on what the engine did: to the record, to the public streams, to those it concerns."""

from collections.abc import Iterable

from lotusx_sim.dialects.bybit import stops
from lotusx_sim.dialects.bybit.listings import Listing
from lotusx_sim.dialects.bybit.private_news import sort_out
from lotusx_sim.dialects.bybit.private_ws import PrivatePeer
from lotusx_sim.dialects.bybit.recording import follow_prices, record
from lotusx_sim.dialects.bybit.state import NS_PER_MS, Print, VenueState
from lotusx_sim.dialects.bybit.streams import Hub
from lotusx_sim.dialects.bybit.ws import Peer
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.orders import Change, OrderEvent

_KEPT_SAMPLES = 2_000


def tell(state: VenueState, hub: Hub, peers: Iterable[Peer], now_ns: int) -> None:
    """Send out everything that happened since the last call."""
    seen, prints = list[Event](), list[Print]()
    while events := state.exchange.take_events():
        prints += record(state, events)
        seen += events
        for event in events:
            if isinstance(event, OrderEvent) and event.change is Change.TRADE:
                stops.attach(state, state.tracked(event.order), now_ns)
    for name, listing in state.directory.contracts:
        if _prices_moved(state, name, listing):
            follow_prices(state, listing)
            hub.prices_moved(listing, now_ns)
    if seen:
        hub.happened(seen, prints, now_ns)
    extra, state.news = state.news, []
    if seen or extra:
        news = sort_out(state, seen, extra)
        for peer in list(peers):
            if isinstance(peer, PrivatePeer) and peer.account in news:
                peer.tell(news[peer.account], now_ns)
    hub.tick(now_ns)


def _prices_moved(state: VenueState, name: str, listing: Listing) -> bool:
    """Tell whether mark, index or funding rate are others than at the last call."""
    perps = state.exchange.perps
    now = (perps.mark(name) or listing.price, perps.index(name) or listing.price, perps.funding_rate(name))
    moved = state.marks.get(name) != now
    state.marks[name] = now
    return moved


def sample(state: VenueState, now_ns: int) -> None:
    """Note the open interest, and settle funding where it is due."""
    now_ms = now_ns // NS_PER_MS
    perps = state.exchange.perps
    for listing in state.directory.listings:
        if listing.is_spot or not listing.is_open:
            continue
        known = state.interest.setdefault(listing.name, {})
        known[now_ms] = perps.open_interest(listing.name)
        if len(known) > _KEPT_SAMPLES:
            del known[next(iter(known))]
        if listing.is_perpetual and now_ms % (listing.funding_minutes * 60_000) == 0:
            perps.settle_funding(listing.name, now_ns)
            state.funding[listing.name].append((now_ms, perps.funding_rate(listing.name)))
