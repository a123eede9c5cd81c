"""Turns what the engine did to an account into events of user data. Source: "User data streams", UM."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp import algos, holdings
from lotusx_sim.dialects.binance_perp.algos import Algo
from lotusx_sim.dialects.binance_perp.contracts import fixed, money, plain
from lotusx_sim.dialects.binance_perp.payloads import average
from lotusx_sim.dialects.binance_perp.state import PerpState
from lotusx_sim.dialects.binance_perp.words import (
    EXPIRY,
    client_id,
    side_name,
    side_of_position,
    status_name,
    tif_name,
    type_name,
)
from lotusx_sim.engine.events import Event, FundingEvent, LiquidationEvent, PositionEvent
from lotusx_sim.engine.orders import ZERO, BalanceEvent, Change, Leg, OrderEvent
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.terms import MarginMode

News = list[tuple[str, dict[str, Any]]]
_EXECUTION = {
    Change.NEW: "NEW",
    Change.TRADE: "TRADE",
    Change.CANCELED: "CANCELED",
    Change.AMENDED: "AMENDMENT",
    Change.EXPIRED: "EXPIRED",
    Change.PREVENTED: "EXPIRED",
}
_REJECTED = {"INSUFFICIENT_MARGIN": "Margin is insufficient.", "REDUCE_ONLY": "Reduce Only reject"}
_CALL_AT = Decimal("0.8")  # share of the margin that maintenance needs, from which on a client is warned


class UserEvents:
    """Remembers what accounts were told, and tells only what changed.

    Args:
        late_trigger: Tell of a trigger after the first events of the order it made, as happens on the venue.
    """

    def __init__(self, state: PerpState, *, late_trigger: bool) -> None:
        self._state = state
        self._late_trigger = late_trigger
        self._wallets: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        self._positions: dict[tuple[str, str, Leg], tuple[Any, ...]] = {}
        self._warned: set[str] = set()

    def opened(self, account: str) -> None:
        """Take note of what an account begins with."""
        for asset in holdings.assets_of(self._state, account):
            self._wallets[(account, asset)] = self._wallet(account, asset)

    def of(self, events: Sequence[Event], now_ns: int) -> News:
        """Return the events of user data, in order, with the account that each is for."""
        state = self._state
        news: News = []
        reason, state.reason = state.reason, "ORDER"
        touched: dict[str, None] = {}
        funded = ""
        late: list[Algo] = []
        deltas: dict[tuple[str, str], Decimal] = {}
        for event in events:
            if isinstance(event, OrderEvent):
                news += self._order_news(event, late)
            elif isinstance(event, FundingEvent):
                reason, funded = "FUNDING_FEE", event.symbol
                key = (event.account, event.asset)
                deltas[key] = deltas.get(key, ZERO) + event.amount
                state.enter(event.account, event.symbol, "FUNDING_FEE", event.amount, event.asset, event.ns)
            elif isinstance(event, LiquidationEvent):
                if event.shortfall:
                    asset = state.symbols[event.symbol].quote
                    state.enter(event.account, event.symbol, "INSURANCE_CLEAR", event.shortfall, asset, event.ns)
            elif isinstance(event, BalanceEvent):
                touched[event.account] = None
                if event.delta is not None:
                    reason = "DEPOSIT" if event.delta > 0 else "WITHDRAW"
                    deltas[(event.account, event.assets[0])] = event.delta
                    state.enter(event.account, "", "TRANSFER", event.delta, event.assets[0], event.ns)
            elif isinstance(event, PositionEvent):
                touched[event.account] = None
        news += [(algo.order.account, self._told(algo, "TRIGGERED", now_ns)) for algo in late]
        for account in touched:
            news += self._account_news(account, reason, funded, deltas, now_ns)
        news += self._ends_of_algos(events, now_ns)
        return news + self._margin_calls(now_ns)

    # -- orders --------------------------------------------------------------------------------------------------

    def _order_news(self, event: OrderEvent, late: list[Algo]) -> News:
        state, order = self._state, event.order
        news: News = []
        algo = state.algo_of.get(order.id)
        if algo is not None:
            if order.working_ns is None:
                return [(event.account, each) for each in self._waiting_news(algo, event)]
            if algo.is_waiting and event.change is Change.EXPIRED:
                algo.reason = _REJECTED.get(order.expiry_reason, order.expiry_reason)
                return [(event.account, self._told(algo, "REJECTED", event.ns))]
            if algo.is_waiting:
                algo.triggered_ns = event.ns
                news.append((event.account, self._told(algo, "TRIGGERING", event.ns)))
                if self._late_trigger:
                    algo.status = "TRIGGERED"
                    late.append(algo)
                else:
                    news.append((event.account, self._told(algo, "TRIGGERED", event.ns)))
        if event.fill is not None:
            fill, symbol = event.fill, state.symbols[order.symbol]
            if fill.closed_pnl:
                state.enter(
                    event.account, order.symbol, "REALIZED_PNL", fill.closed_pnl, symbol.quote, fill.ns,
                    str(fill.trade_id),
                )  # fmt: skip
            if fill.fee:
                state.enter(
                    event.account, order.symbol, "COMMISSION", -fill.fee, fill.fee_asset, fill.ns, str(fill.trade_id)
                )
            if not order.is_liquidation:
                news.append((event.account, self._trade_lite(event)))
        news.append((event.account, self._order_update(event)))
        return news

    def _waiting_news(self, algo: Algo, event: OrderEvent) -> list[dict[str, Any]]:
        """Tell of a conditional order that has not triggered."""
        if event.change is Change.NEW and algo.activated:
            # Followed from the beginning, it is told twice: as new, then as activated.
            algo.activated = False
            first = self._told(algo, "NEW", event.ns)
            algo.activated = True
            return [first, self._told(algo, "NEW", event.ns)]
        words = {Change.NEW: "NEW", Change.CANCELED: "CANCELED"}
        return [self._told(algo, words.get(event.change, "EXPIRED"), event.ns)]

    def _told(self, algo: Algo, status: str, now_ns: int) -> dict[str, Any]:
        algo.status, algo.updated_ns = status, now_ns
        return algos.update(algo, now_ns)

    def _ends_of_algos(self, events: Sequence[Event], now_ns: int) -> News:
        """Tell which trailing stops began to follow the price, and whose child came to an end."""
        news: News = []
        for algo in self._state.algos.values():
            if algo.is_waiting and algo.activated is False and algo.order.trailing_ns is not None:
                algo.activated = True
                news.append((algo.order.account, self._told(algo, "NEW", now_ns)))
        for event in events:
            algo_of = self._state.algo_of.get(event.order.id) if isinstance(event, OrderEvent) else None
            if algo_of is not None and algo_of.status == "TRIGGERED" and not algo_of.order.is_open:
                status = algos.finished_status(algo_of.order)
                news.append((algo_of.order.account, self._told(algo_of, status, now_ns)))
        return news

    def _order_update(self, event: OrderEvent) -> dict[str, Any]:
        order, fill = event.order, event.fill
        symbol = self._state.symbols[order.symbol]
        execution = "CALCULATED" if order.is_liquidation and fill is not None else _EXECUTION[event.change]
        at_ms = event.ns // NS_PER_MS
        content: dict[str, Any] = {
            "s": order.symbol,
            "c": client_id(order),
            "S": side_name(order.side),
            "o": type_name(order),
            "f": tif_name(order),
            "q": fixed(order.quantity, symbol.step),
            "p": plain(order.price or ZERO),
            "ap": average(order, symbol) if order.executed else "0",
            "sp": plain(order.trigger_price or ZERO),
            "x": execution,
            "X": status_name(order),
            "i": order.id,
            "l": fixed(fill.quantity, symbol.step) if fill else "0",
            "z": fixed(order.executed, symbol.step) if order.executed else "0",
            "L": plain(fill.price) if fill else "0",
        }
        if fill is not None and fill.fee:
            content |= {"n": money(fill.fee), "N": fill.fee_asset}
        content |= {
            "T": at_ms,
            "t": fill.trade_id if fill else 0,
            "b": "0",
            "a": "0",
            "m": bool(fill and fill.is_maker),
            "R": order.reduce_only,
            "wt": order.tags.get("workingType", "CONTRACT_PRICE"),
            "ot": order.tags.get("origType", type_name(order)),
            "ps": side_of_position(order.leg),
            "cp": order.whole_position,
            "rp": plain(fill.closed_pnl) if fill else "0",
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": order.tags.get("selfTrade", "NONE"),
            "pm": order.tags.get("priceMatch", "NONE"),
            "gtd": int(order.tags.get("goodTillDate", "0")),
            "er": EXPIRY.get(order.expiry_reason, "1" if event.prevented_quantity else "0"),
        }
        return {"e": "ORDER_TRADE_UPDATE", "E": at_ms, "T": at_ms, "o": content}

    def _trade_lite(self, event: OrderEvent) -> dict[str, Any]:
        order, fill = event.order, event.fill
        assert fill is not None
        symbol = self._state.symbols[order.symbol]
        return {
            "e": "TRADE_LITE",
            "E": event.ns // NS_PER_MS,
            "T": event.ns // NS_PER_MS,
            "s": order.symbol,
            "q": fixed(order.quantity, symbol.step),
            "p": plain(order.price or ZERO),
            "m": fill.is_maker,
            "c": client_id(order),
            "S": side_name(order.side),
            "L": plain(fill.price),
            "l": fixed(fill.quantity, symbol.step),
            "t": fill.trade_id,
            "i": order.id,
        }

    # -- account -------------------------------------------------------------------------------------------------

    def _wallet(self, account: str, asset: str) -> tuple[Decimal, Decimal]:
        total = self._state.exchange.accounts.balance(account, asset).total
        return total, holdings.cross_wallet(self._state, account, asset)

    def _account_news(
        self, account: str, reason: str, funded: str, deltas: dict[tuple[str, str], Decimal], now_ns: int
    ) -> News:
        """Tell of balances and positions that are not as last told: locking margin for an order is no change."""
        changed = []
        for asset in holdings.assets_of(self._state, account):
            now = self._wallet(account, asset)
            if self._wallets.get((account, asset)) != now:
                self._wallets[(account, asset)] = now
                self._state.changed_ns[(account, asset)] = now_ns
                other = deltas.get((account, asset), ZERO)
                changed.append({"a": asset, "wb": money(now[0]), "cw": money(now[1]), "bc": plain(other)})
        rows = [self._position_row(position) for position in self._moved_positions(account, reason, now_ns)]
        if not changed and not rows:
            return []
        content: dict[str, Any] = {"m": reason, "B": changed, "P": rows}
        if funded:
            content["S"] = funded
        at_ms = now_ns // NS_PER_MS
        return [(account, {"e": "ACCOUNT_UPDATE", "E": at_ms, "T": at_ms, "a": content})]

    def _moved_positions(self, account: str, reason: str, now_ns: int) -> list[Position]:
        moved = []
        for symbol in self._state.symbols:
            for leg in Leg:
                position = self._state.exchange.perps.position(account, symbol, leg)
                now = (position.quantity, position.cost, position.margin, position.mode)
                before = self._positions.get((account, symbol, leg))
                self._positions[(account, symbol, leg)] = now
                known = before is not None and before != now
                if known or (before is None and position.is_open):
                    self._state.changed_ns[(account, symbol, leg.value)] = now_ns
                    if reason == "FUNDING_FEE" and position.mode is not MarginMode.ISOLATED:
                        continue
                    if leg in self._state.legs(account):
                        moved.append(position)
        return moved

    def _position_row(self, position: Position) -> dict[str, Any]:
        symbol = self._state.symbols[position.symbol]
        entry = "0" if position.entry_price is None else fixed(position.entry_price, symbol.tick.scaleb(-4))
        return {
            "s": position.symbol,
            "pa": fixed(position.quantity, symbol.step) if position.is_open else "0",
            "ep": entry,
            "cr": plain(position.realized),
            "up": plain(position.unrealized(self._state.mark(symbol))),
            "mt": "isolated" if position.mode is MarginMode.ISOLATED else "cross",
            "iw": money(position.margin) if position.margin else "0",
            "ps": side_of_position(position.leg),
            "ma": symbol.quote,
            "bep": entry,
        }

    def _margin_calls(self, now_ns: int) -> News:
        """Warn, once, those whose margin is nearly what maintenance needs."""
        state = self._state
        news: News = []
        for account in dict.fromkeys(key.account for key in state.keys.values()):
            held = [p for p in state.exchange.perps.positions(account) if p.mode is MarginMode.CROSS]
            short = [p for p in held if self._is_short(account, p.contract.settle)]
            if not short:
                self._warned.discard(account)
            elif account not in self._warned:
                self._warned.add(account)
                rows = [self._call_row(position) for position in short]
                cross = holdings.cross_wallet(state, account, short[0].contract.settle)
                call = {"e": "MARGIN_CALL", "E": now_ns // NS_PER_MS, "cw": plain(cross), "p": rows}
                news.append((account, call))
        return news

    def _is_short(self, account: str, asset: str) -> bool:
        summary = self._state.exchange.perps.summary(account, asset)
        return summary.cross_maintenance > summary.cross_equity * _CALL_AT

    def _call_row(self, position: Position) -> dict[str, Any]:
        mark = self._state.mark(self._state.symbols[position.symbol])
        return {
            "s": position.symbol,
            "ps": side_of_position(position.leg),
            "pa": plain(position.quantity),
            "mt": "CROSSED",
            "iw": "0",
            "mp": plain(mark),
            "up": plain(position.unrealized(mark)),
            "mm": plain(position.maintenance_margin(mark)),
        }
