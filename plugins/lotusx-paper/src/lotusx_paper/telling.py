"""What the engine tells, as events of an account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lotusx.model import (
    AccountEvent,
    BalanceEvent,
    FillEvent,
    OrderEvent,
    PositionEvent,
    VenueEvent,
)
from lotusx_paper.conversions import to_balance, to_fill, to_state
from lotusx_paper.venue import OWN, Venue
from lotusx_sim.engine import events as engine_events, orders as engine


def told(venue: Venue, events: Sequence[engine_events.Event]) -> Iterator[AccountEvent]:
    """Convert what concerns the account, in order; what the engine prints is nobody's news."""
    for event in events:
        if isinstance(event, engine.OrderEvent):
            if event.fill is not None:
                yield FillEvent(to_fill(event.fill, event.order.client_id))
            instrument = venue.markets[event.order.symbol].instrument
            yield OrderEvent(to_state(event.order, instrument, event.execution_id))
        elif isinstance(event, engine.BalanceEvent):
            held = venue.engine.accounts
            yield BalanceEvent(tuple(to_balance(each, held.balance(OWN, each), event.ns) for each in event.assets))
        elif isinstance(event, engine_events.PositionEvent):
            yield PositionEvent((venue.position(event.position, event.ns),))
        elif isinstance(event, engine_events.LiquidationEvent):
            raw = {
                "symbol": event.symbol, "quantity": event.quantity, "price": event.price, "shortfall": event.shortfall
            }  # fmt: skip
            yield VenueEvent("paper_liquidation", raw, event.ns)
