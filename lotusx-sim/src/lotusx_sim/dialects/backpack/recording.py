"""Keeps what engine events mean for the public record and for the users' histories."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from lotusx_sim.dialects.backpack.listings import BY_SYMBOL, FUNDING_MS, LISTINGS
from lotusx_sim.dialects.backpack.order_rows import fill_row, history_row
from lotusx_sim.dialects.backpack.placing import place_brackets
from lotusx_sim.dialects.backpack.state import Print, Row, VenueState
from lotusx_sim.dialects.backpack.text import NS_PER_MS, iso, plain
from lotusx_sim.engine.events import Event, FundingEvent, PositionEvent
from lotusx_sim.engine.orders import Change, Order, OrderEvent, Side, TradeEvent


def record(state: VenueState, events: Iterable[Event]) -> list[Print]:
    """Bring prints, candles and histories up to date; return the new prints."""
    events = list(events)
    makers = {
        (event.fill.symbol, event.fill.trade_id): str(event.fill.order_id)
        for event in events
        if isinstance(event, OrderEvent) and event.fill is not None and event.fill.is_maker
    }
    prints: list[Print] = []
    for event in events:
        if isinstance(event, TradeEvent):
            prints.append(_print(event, makers.get((event.symbol, event.trade_id))))
        elif isinstance(event, OrderEvent):
            _order(state, event)
        elif isinstance(event, PositionEvent) and event.account in state.users:
            user, symbol = state.users[event.account], event.symbol
            if event.position.is_open and not user.held.get(symbol) and symbol not in user.position_ids:
                user.position_ids[symbol] = int(state.new_id())
            elif not event.position.is_open:
                user.position_ids.pop(symbol, None)
        elif isinstance(event, FundingEvent) and event.account in state.users:
            row = {
                "userId": 1_813_870, "subaccountId": None, "symbol": event.symbol,
                "quantity": plain(event.amount), "intervalEndTimestamp": iso(event.ns),
                "fundingRate": plain(event.rate.quantize(Decimal("1e-10"))),
            }  # fmt: skip
            state.users[event.account].funding.append(Row(event.symbol, event.ns, row))
    for item in prints:
        symbol = item.listing.symbol
        state.prints[symbol].append(item)
        state.candles[symbol].add(item.price, item.quantity, item.taker_side, 1, item.ns // NS_PER_MS)
    return prints


def _print(event: TradeEvent, maker_id: str | None) -> Print:
    taker = str(event.taker_order_id)
    # Whose order of the population was met is nobody's business: some older one.
    maker = maker_id or str(event.taker_order_id - 1)
    buyer, seller = (taker, maker) if event.taker_side is Side.BUY else (maker, taker)
    listing = BY_SYMBOL[event.symbol]
    return Print(listing, event.trade_id, event.price, event.quantity, event.taker_side, event.ns, buyer, seller)


def _order(state: VenueState, event: OrderEvent) -> None:
    order = event.order
    user = state.users.get(event.account)
    if user is None:
        return
    if event.change is Change.NEW and order.kind.is_conditional and order.working_ns is not None:
        _fire(state, state.exchange.orders[order.id], event.ns)
    state.by_order_id.setdefault(str(order.id), state.exchange.orders[order.id])
    if event.fill is not None:
        user.fills.append(Row(order.symbol, event.ns, fill_row(state, order, event.fill)))
        place_brackets(state, state.exchange.orders[order.id])


def _fire(state: VenueState, order: Order, now_ns: int) -> None:
    """Let a triggered order go on under an id of its own, and keep the trigger in the history."""
    facts = state.facts_of(order)
    facts.fired_ns = now_ns
    if not state.options.new_id_when_triggered:
        return
    facts.fired_id, facts.related_id = state.new_id(), str(order.id)
    row = history_row(state, order) | {
        "id": str(order.id), "status": "Triggered", "relatedOrderId": facts.fired_id, "executedQuantity": "0",
        "executedQuoteQuantity": "0", "quantity": None, "expiryReason": None,
    }  # fmt: skip
    state.users[order.account].fired.append(Row(order.symbol, order.created_ns, row))
    state.by_order_id[facts.fired_id] = order
    if facts.client_id is not None and not state.options.client_id_when_triggered:
        state.by_client_id.pop((order.account, facts.client_id), None)
        facts.client_id = None


def settle_funding(state: VenueState, now_ns: int) -> None:
    """Let every perpetual pay funding, and note the rate."""
    end_ms = now_ns // NS_PER_MS // FUNDING_MS * FUNDING_MS
    for listing in LISTINGS:
        if not listing.is_spot:
            state.exchange.perps.settle_funding(listing.symbol, now_ns)
            rate = state.exchange.perps.funding_rate(listing.symbol)
            state.funding[listing.symbol].append((end_ms, rate))
