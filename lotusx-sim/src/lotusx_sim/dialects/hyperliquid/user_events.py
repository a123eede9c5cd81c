"""What engine events mean to the streams of the users they concern."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lotusx_sim.dialects.hyperliquid import rows
from lotusx_sim.dialects.hyperliquid.numbers import shown, usd, wire
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, Rejected, user_of
from lotusx_sim.engine.events import Event, FundingEvent, LiquidationEvent, PositionEvent
from lotusx_sim.engine.orders import BalanceEvent, Change, Fill, OrderEvent

_BASIC = ("coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz", "cloid", "reduceOnly")


@dataclass(slots=True)
class UserNews:
    """All that one command brought one user, in order."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    fundings: list[dict[str, Any]] = field(default_factory=list)
    liquidations: list[dict[str, Any]] = field(default_factory=list)
    canceled: list[dict[str, Any]] = field(default_factory=list)

    def _last_of(self, oid: int) -> dict[str, Any] | None:
        return next((item for item in reversed(self.updates) if item["order"]["oid"] == oid), None)

    def add_order(self, event: OrderEvent) -> None:
        status = _status(event)
        update = {"order": rows.basic(event.order), "status": status, "statusTimestamp": event.ns // NS_PER_MS}
        last = self._last_of(event.order.id)
        if status == "iocCancelRejected":
            # An order that never rested is told of once.
            self.updates = [item for item in self.updates if item["order"]["oid"] != event.order.id]
        elif event.change is Change.TRADE and last is not None and _is_partial(last):
            self.updates.remove(last)
        self.updates.append(update)
        if event.change in (Change.EXPIRED, Change.PREVENTED) and not event.order.expiry_reason.startswith("UNFILLED"):
            self.canceled.append({"coin": event.order.symbol, "oid": event.order.id})


def _is_partial(update: dict[str, Any]) -> bool:
    order = update["order"]
    return bool(update["status"] == "open" and order["sz"] != order["origSz"])


def _status(event: OrderEvent) -> str:
    if event.change is Change.NEW:
        is_trigger_firing = event.order.kind.is_conditional and event.order.is_working
        return "triggered" if is_trigger_firing else "open"
    if event.change is Change.TRADE and event.order.is_open:
        return "open"
    return rows.status_of(event.order)


def sort_out(events: Iterable[Event], rejected: Iterable[Rejected]) -> dict[str, UserNews]:
    """Return what *events* and refused orders mean, by user."""
    news: dict[str, UserNews] = {}
    for item in rejected:
        of_user = news.setdefault(item.user, UserNews())
        row = {name: item.row[name] for name in _BASIC if item.row.get(name) not in (None, False)}
        of_user.updates.append({"order": row, "status": item.status, "statusTimestamp": item.ns // NS_PER_MS})
    for event in events:
        if not isinstance(event, (OrderEvent, BalanceEvent, PositionEvent, FundingEvent, LiquidationEvent)):
            continue
        user = user_of(event.account)
        of_user = news.setdefault(user, UserNews())
        if isinstance(event, OrderEvent):
            of_user.add_order(event)
            if event.fill is not None:
                of_user.fills.append(event.fill)
        elif isinstance(event, FundingEvent):
            of_user.fundings.append(_funding(event))
        elif isinstance(event, LiquidationEvent):
            of_user.liquidations.append(_liquidation(event, user))
    return news


def _funding(event: FundingEvent) -> dict[str, Any]:
    return {
        "time": event.ns // NS_PER_MS,
        "coin": event.symbol,
        "usdc": usd(event.amount),
        "szi": shown(event.quantity),
        "fundingRate": wire(event.rate),
        "nSamples": None,
    }


def _liquidation(event: LiquidationEvent, user: str) -> dict[str, Any]:
    return {
        "lid": event.ns // NS_PER_MS,
        "liquidator": "0x" + "0" * 40,
        "liquidated_user": user,
        "liquidated_ntl_pos": usd(event.value),
        "liquidated_account_value": usd(event.equity),
    }
