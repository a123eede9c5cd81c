"""Keeps what engine events mean for the public record and for the users' histories."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.listings import Listing
from lotusx_sim.dialects.bybit.numbers import amount, plain
from lotusx_sim.dialects.bybit.rows import execution_row, funding_row
from lotusx_sim.dialects.bybit.state import NS_PER_MS, Print, Row, VenueState
from lotusx_sim.engine.candles import CandleStore
from lotusx_sim.engine.events import Event, FundingEvent
from lotusx_sim.engine.orders import ZERO, BookEvent, OrderEvent, Side, TradeEvent


def record(state: VenueState, events: Iterable[Event]) -> list[Print]:
    """Bring prints, candles and histories up to date; return the new prints."""
    prints: list[Print] = []
    for name in dict.fromkeys(e.symbol for e in events if isinstance(e, (TradeEvent, BookEvent))):
        state.seq[name] += 1
        state.changed_ms[name] = state.now_ms
    for event in events:
        if isinstance(event, TradeEvent):
            prints.append(_print(state, event))
        elif isinstance(event, OrderEvent) and event.fill is not None:
            tracked = state.tracked(event.order)
            row = execution_row(state, tracked, event.order, event.fill)
            _enter(state, event.account, tracked.listing, row, event.ns)
        elif isinstance(event, FundingEvent) and event.account in state.users:
            listing = state.directory.by_name[event.symbol]
            _enter(state, event.account, listing, funding_row(state, listing, event), event.ns)
    for item in prints:
        state.prints[item.listing.name].append(item)
        state.candles[item.listing.name].add(item.price, item.quantity, item.taker_side, 1, item.ns // NS_PER_MS)
        follow_prices(state, item.listing)
    return prints


def follow_prices(state: VenueState, listing: Listing) -> None:
    """Enter mark and index price into their candles."""
    if listing.is_spot:
        return
    stores: tuple[tuple[CandleStore, Decimal], ...] = (
        (state.mark_candles[listing.name], state.mark(listing)),
        (state.index_candles[listing.name], state.index(listing)),
    )
    for store, price in stores:
        store.add(price, ZERO, Side.BUY, 1, state.now_ms)


def _print(state: VenueState, event: TradeEvent) -> Print:
    listing = state.directory.by_name[event.symbol]
    before = state.prints[event.symbol][-1] if state.prints[event.symbol] else None
    if before is None or event.price > before.price:
        tick = "PlusTick"
    elif event.price < before.price:
        tick = "MinusTick"
    else:
        tick = "ZeroPlusTick" if before.tick.endswith("PlusTick") else "ZeroMinusTick"
    number = state.trade_id(listing, event.trade_id)
    return Print(
        listing, number, event.price, event.quantity, event.taker_side, event.ns, state.seq[event.symbol], tick
    )


def _enter(state: VenueState, account: str, listing: Listing, row: dict[str, Any], ns: int) -> None:
    user = state.users[account]
    user.executions.append(Row(listing.category, ns, row))
    user.log.append(Row(listing.category, ns, _log_row(state, account, listing, row)))


def _log_row(state: VenueState, account: str, listing: Listing, row: dict[str, Any]) -> dict[str, Any]:
    """Return the line of the transaction log that goes with an execution."""
    is_funding = row["execType"] == "Funding"
    currency = row["feeCurrency"] or listing.settle or listing.quote
    fee = Decimal(row["execFee"])
    flow = Decimal(row.get("execPnl", "0"))
    balance = state.exchange.accounts.balance(account, currency).total
    return {
        "id": f"{row['execId']}_{listing.symbol}",
        "symbol": listing.symbol,
        "side": row["side"],
        "funding": amount(-fee) if is_funding else "",
        "orderLinkId": row["orderLinkId"],
        "orderId": row["orderId"],
        "fee": "0" if is_funding else row["execFee"],
        "change": amount(flow - fee),
        "cashFlow": amount(flow),
        "transactionTime": row["execTime"],
        "type": "SETTLEMENT" if is_funding else "TRADE",
        "feeRate": row["feeRate"],
        "bonusChange": "",
        "size": row["execQty"] if is_funding else _size(state, account, listing),
        "qty": row["execQty"],
        "cashBalance": amount(balance),
        "currency": currency,
        "category": listing.category.value,
        "tradePrice": row["execPrice"],
        "tradeId": row["execId"],
        "extraFees": "",
        "transSubType": "",
    }


def _size(state: VenueState, account: str, listing: Listing) -> str:
    if listing.is_spot:
        return "0"
    return plain(sum((position.quantity for position in state.positions(account, listing)), ZERO))
