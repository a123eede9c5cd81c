"""What one command means to the private streams of those it concerns."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.rows import execution_row, order_news, position_news
from lotusx_sim.dialects.bybit.state import News, VenueState
from lotusx_sim.engine.events import Event, FundingEvent, PositionEvent
from lotusx_sim.engine.orders import BalanceEvent, Change, Leg, OrderEvent

_FAST = ("category", "symbol", "orderId", "orderLinkId", "execId", "execPrice", "execQty", "side", "isMaker",
         "execTime", "seq")  # fmt: skip
Item = tuple[str, Category, dict[str, Any]]  # topic, category, row


@dataclass(slots=True)
class UserNews:
    """All that one command brought one user; orders and positions only as they ended up."""

    executions: list[Item] = field(default_factory=list)
    orders: dict[str, Item] = field(default_factory=dict)
    positions: dict[tuple[str, Leg], Item] = field(default_factory=dict)
    coins: dict[str, None] = field(default_factory=dict)

    def items(self) -> list[Item]:
        return [*self.executions, *self.orders.values(), *self.positions.values()]


def sort_out(state: VenueState, events: Iterable[Event], extra: Iterable[News]) -> dict[str, UserNews]:
    """Return what happened, by account."""
    news: dict[str, UserNews] = {}
    for event in events:
        if not isinstance(event, (OrderEvent, PositionEvent, FundingEvent, BalanceEvent)):
            continue
        if event.account not in state.users:
            continue
        mine = news.setdefault(event.account, UserNews())
        if isinstance(event, OrderEvent):
            _order(state, mine, event)
        elif isinstance(event, PositionEvent):
            listing = state.directory.by_name[event.symbol]
            _position(state, mine, event.account, listing, event.position.leg)
        elif isinstance(event, FundingEvent):
            listing = state.directory.by_name[event.symbol]
            side = "Buy" if event.quantity > 0 else "Sell"
            found = next(
                r.content
                for r in reversed(state.users[event.account].executions)
                if r.ns == event.ns and r.content["execType"] == "Funding" and r.content["side"] == side
                and r.content["symbol"] == listing.symbol and r.category is listing.category
            )  # fmt: skip
            mine.executions.append(("execution", listing.category, found | {"category": listing.category.value}))
        else:
            mine.coins.update(dict.fromkeys(event.assets))
    for item in extra:
        mine = news.setdefault(item.account, UserNews())
        mine.orders[item.row["orderId"]] = (item.topic, item.category, item.row)
    return news


def _order(state: VenueState, mine: UserNews, event: OrderEvent) -> None:
    tracked = state.tracked(event.order)
    listing, category = tracked.listing, tracked.listing.category
    if event.fill is not None:
        row = execution_row(state, tracked, event.order, event.fill) | {"category": category.value}
        mine.executions.append(("execution", category, row))
    row = order_news(tracked, event.order)
    key = tracked.facts.order_id
    if event.change is Change.NEW and event.order.kind.is_conditional and event.order.is_working:
        mine.orders[f"{key} triggered"] = ("order", category, row | {"orderStatus": "Triggered"})
    mine.orders.pop(key, None)
    mine.orders[key] = ("order", category, row)
    if not listing.is_spot and event.fill is None:
        # The venue tells of the position with every order, changed or not.
        _position(state, mine, event.account, listing, event.order.leg)


def _position(state: VenueState, mine: UserNews, account: str, listing: Listing, leg: Leg) -> None:
    if leg not in state.legs(account, listing):
        return
    position = state.exchange.perps.position(account, listing.name, leg)
    row = position_news(state, listing, position, now_ns=state.now_ns)
    mine.positions[(listing.name, leg)] = ("position", listing.category, row)


def fast_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the short form of an execution: makers are not told their own id."""
    short = {name: row[name] for name in _FAST}
    return short | {"orderLinkId": "" if row["isMaker"] else row["orderLinkId"]}
