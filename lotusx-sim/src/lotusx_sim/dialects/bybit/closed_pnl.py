"""Profit and loss of what was closed, one line for each order that closed something. Source: Bybit V5, close-pnl."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.numbers import amount, plain, scaled
from lotusx_sim.dialects.bybit.paging import listed, page
from lotusx_sim.dialects.bybit.queries import span
from lotusx_sim.dialects.bybit.rows import ms
from lotusx_sim.dialects.bybit.state import NS_PER_MS
from lotusx_sim.dialects.bybit.tracked import SIDE_NAMES
from lotusx_sim.engine.orders import ZERO, Fill, Leg, Order

_PRICE = Decimal("1e-8")


@dataclass(slots=True)
class Closing:
    """What one order closed; values in settle."""

    order: Order
    listing: Listing
    quantity: Decimal = ZERO
    exit_value: Decimal = ZERO
    profit: Decimal = ZERO  # before fees
    fees: Decimal = ZERO  # of closing, and the share of those paid to open
    fills: int = 0
    ns: int = 0

    @property
    def entry_value(self) -> Decimal:
        """Return what the closed part had cost: by how the side profits, more or less than what it came to."""
        closes_long = self.order.side.sign < 0
        gains_when_dearer = closes_long != self.listing.is_inverse
        return self.exit_value - self.profit if gains_when_dearer else self.exit_value + self.profit

    def price(self, value: Decimal) -> str:
        rate = self.quantity / value if self.listing.is_inverse else value / self.quantity
        return plain(rate.quantize(_PRICE))


def closed_pnl(call: Call) -> dict[str, Any]:
    category = call.params.category(Category.LINEAR, Category.INVERSE)
    low, high = span(call)
    wanted = call.params.text("symbol").upper()
    found = [
        closing for closing in _closings(call)
        if closing.listing.category is category and low <= closing.ns // NS_PER_MS <= high
        and wanted in ("", closing.listing.symbol)
    ]  # fmt: skip
    found.sort(key=lambda closing: closing.ns, reverse=True)
    chosen, cursor = page(found, call.params, lambda item: str(item.order.id), default=50, highest=100)
    return listed([_row(call, closing) for closing in chosen], cursor, category=category.value)


def _closings(call: Call) -> Iterator[Closing]:
    """Go through all fills: fees of opening wait in a pool until the position is closed, part by part."""
    pools: dict[tuple[str, Leg], Decimal] = {}
    by_order: dict[int, Closing] = {}
    for fill in call.state.exchange.fills:
        listing = call.state.directory.by_name[fill.symbol]
        if fill.account != call.account or listing.is_spot:
            continue
        order = call.state.exchange.orders[fill.order_id]
        key, held = (fill.symbol, order.leg), abs(fill.start_position)
        closed = min(held, fill.quantity) if fill.start_position * fill.side.sign < 0 else ZERO
        paid_to_close = fill.fee * closed / fill.quantity
        if closed:
            share = pools.get(key, ZERO) * closed / held
            pools[key] = pools.get(key, ZERO) - share
            _add(by_order.setdefault(order.id, Closing(order, listing)), fill, closed, paid_to_close + share)
        pools[key] = pools.get(key, ZERO) + fill.fee - paid_to_close
    yield from by_order.values()


def _add(closing: Closing, fill: Fill, quantity: Decimal, fees: Decimal) -> None:
    closing.quantity += quantity
    closing.exit_value += quantity / fill.price if closing.listing.is_inverse else quantity * fill.price
    closing.profit += fill.closed_pnl
    closing.fees += fees
    closing.fills += 1
    closing.ns = fill.ns


def _row(call: Call, closing: Closing) -> dict[str, Any]:
    listing, order = closing.listing, closing.order
    tracked = call.state.tracked(order)
    leverage = call.state.exchange.perps.position(call.account, listing.name, order.leg).leverage
    return {
        "symbol": listing.symbol,
        "orderId": tracked.facts.order_id,
        "side": SIDE_NAMES[order.side],
        "qty": scaled(order.quantity, listing.step),
        "orderPrice": scaled(order.price, listing.tick) if order.price else "0",
        "orderType": "Market" if tracked.facts.is_market or order.is_liquidation else "Limit",
        "execType": "BustTrade" if order.is_liquidation else "Trade",
        "closedSize": scaled(closing.quantity, listing.step),
        "cumEntryValue": amount(closing.entry_value),
        "avgEntryPrice": closing.price(closing.entry_value),
        "cumExitValue": amount(closing.exit_value),
        "avgExitPrice": closing.price(closing.exit_value),
        "closedPnl": amount(closing.profit - closing.fees),
        "fillCount": str(closing.fills),
        "leverage": plain(leverage),
        "createdTime": ms(order.created_ns),
        "updatedTime": ms(closing.ns),
    }
