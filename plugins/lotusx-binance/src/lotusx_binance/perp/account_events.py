"""What user data says, as events of the model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import (
    AccountEvent,
    BalanceEvent,
    FillEvent,
    FundingEvent,
    OrderEvent,
    OrderState,
    PositionEvent,
    Symbol,
    VenueEvent,
    decimal_from_wire,
)
from lotusx_binance.perp import account_conversions as holdings, account_types as types, order_conversions as convert
from lotusx_binance.perp.types import USD_MARGINED

CHILDREN_KNOWN = 10_000
"""Conditional orders remembered by what they became; more than may be open at once (200)."""

_head = msgspec.json.Decoder(types.EventHead).decode
_order = msgspec.json.Decoder(types.OrderTradeUpdate).decode
_algo = msgspec.json.Decoder(types.AlgoUpdate).decode
_account = msgspec.json.Decoder(types.AccountUpdate).decode
_document = msgspec.json.Decoder(dict[str, Any]).decode

# TRADE_LITE repeats what ORDER_TRADE_UPDATE tells in full; the others concern what LotusX has no part in.
_WITHOUT_NEWS = frozenset({"TRADE_LITE", "GRID_UPDATE", "STRATEGY_UPDATE"})
# The model has no word for these. CONDITIONAL_ORDER_TRIGGER_REJECT is told as ALGO_UPDATE since 2025-12-15.
_VENUE_EVENTS = frozenset({"MARGIN_CALL", "ACCOUNT_CONFIG_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT"})


class _Wrapped(msgspec.Struct):
    """A message of a combined stream; ``stream`` is the listen key."""

    data: msgspec.Raw = msgspec.Raw()


_wrapped = msgspec.json.Decoder(_Wrapped).decode


class PositionMode:
    """Whether an account is in hedge mode: it may have two positions of a symbol.

    The exchange changes the mode only where there is no position, so every change shows in the next one that is opened.

    Attributes:
        is_hedge: ``None``: not known yet.
    """

    def __init__(self) -> None:
        self.is_hedge: bool | None = None

    def holds(self, side: str) -> None:
        """There is a position of that *side*."""
        self.is_hedge = side != "BOTH"


class AccountReader:
    """Converts the messages of one account.

    A symbol that is not listed rejects its message: the core then asks for what it said, with a fresh list.

    Args:
        symbol_of: Raises `ItemRejected` for what is not listed.
        mode: As it is known; what messages tell of it is noted there.
    """

    def __init__(self, symbol_of: Callable[[str], Symbol], mode: PositionMode) -> None:
        self._symbol_of = symbol_of
        self._mode = mode
        self._parents: OrderedDict[int, OrderState] = OrderedDict()  # order → the conditional order that it was
        self._readers: Mapping[str, Callable[[bytes | msgspec.Raw, int], Sequence[AccountEvent]]] = {
            "ORDER_TRADE_UPDATE": self._orders,
            "ALGO_UPDATE": self._conditionals,
            "ACCOUNT_UPDATE": self._holdings,
        }

    def read(self, message: bytes, received_ns: int) -> Sequence[AccountEvent]:
        """Convert one message.

        Raises:
            ItemRejected: An event that Binance does not document, or one of an unknown symbol or side.
        """
        event = _wrapped(message).data or message
        head = _head(event)
        if head.st != USD_MARGINED or head.e in _WITHOUT_NEWS:
            return ()
        reader = self._readers.get(head.e)
        if reader is not None:
            return reader(event, received_ns)
        if head.e in _VENUE_EVENTS:
            return (VenueEvent(head.e, _document(event), received_ns),)
        raise ItemRejected(f"unknown event {head.e!r} of user data", field="e", value=head.e)

    def _orders(self, event: bytes | msgspec.Raw, received_ns: int) -> Sequence[AccountEvent]:
        update = _order(event).o
        parent = self._parents.get(update.i)
        client_order_id = update.c if parent is None else parent.client_order_id or ""
        state, fill = convert.to_updated(
            update, symbol=self._symbol_of(update.s), client_order_id=client_order_id, received_ns=received_ns
        )
        if parent is not None:
            state = convert.to_triggered(state, parent)
        return [OrderEvent(state)] if fill is None else [FillEvent(fill), OrderEvent(state)]

    def _conditionals(self, event: bytes | msgspec.Raw, received_ns: int) -> Sequence[AccountEvent]:
        found = _algo(event)
        states = convert.to_algo_states(found.o, symbol=self._symbol_of(found.o.s), updated_ms=found.T)
        if found.o.ai.isdecimal():
            self._parents[int(found.o.ai)] = states[0]
            if len(self._parents) > CHILDREN_KNOWN:
                self._parents.popitem(last=False)
        return [OrderEvent(state) for state in states]

    def _holdings(self, event: bytes | msgspec.Raw, received_ns: int) -> Sequence[AccountEvent]:
        update = _account(event)
        change, time_ms = update.a, update.T
        events: list[AccountEvent] = []
        for item in change.P:
            if decimal_from_wire(item.pa, field="pa"):
                self._mode.holds(item.ps)
        if change.m == "FUNDING_FEE":
            events += self._funding(change, time_ms, received_ns)
        if change.B:
            events.append(
                BalanceEvent(tuple(holdings.to_balance_change(item, updated_ms=time_ms) for item in change.B))
            )
        if change.P:
            events.append(
                PositionEvent(
                    tuple(
                        holdings.to_position_change(item, symbol=self._symbol_of(item.s), updated_ms=time_ms)
                        for item in change.P
                    )
                )
            )
        return events

    def _funding(self, change: types.AccountChange, time_ms: int, received_ns: int) -> Sequence[AccountEvent]:
        """Convert a funding fee. Before 2026-08 it named its symbol only with an isolated position.

        In hedge mode two positions of a symbol pay at one moment, each in an event of its own, which names its position
        only where that is isolated; what is asked for tells the sum. Such an event is therefore rejected, also while
        the mode is not known: the core then asks.
        """
        sides = ", ".join(sorted({position.ps for position in change.P} - {"BOTH"}))
        if sides or self._mode.is_hedge is not False:
            text = "a funding fee of one position in hedge mode: those of both are told as one payment"
            raise ItemRejected(text, field="ps", value=sides)
        names = {change.S} if change.S else {position.s for position in change.P}
        if len(names) != 1:
            raise ItemRejected("a funding fee that does not say of which symbol", field="S")
        symbol = self._symbol_of(names.pop())
        return [
            FundingEvent(
                holdings.to_payment(
                    symbol=symbol, amount=item.bc, asset=item.a, time_ms=time_ms, received_ns=received_ns
                )
            )
            for item in change.B
        ]
