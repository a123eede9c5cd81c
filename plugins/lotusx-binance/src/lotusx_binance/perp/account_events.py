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


class AccountReader:
    """Converts the messages of one account.

    A symbol that is not listed rejects its message: the core then asks for what it said, with a fresh list.

    Args:
        symbol_of: Raises `ItemRejected` for what is not listed.
    """

    def __init__(self, symbol_of: Callable[[str], Symbol]) -> None:
        self._symbol_of = symbol_of
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

        In hedge mode two positions of a symbol pay at one moment, each in an event of its own; what is asked for tells
        the sum. An event that says it is of one of them is therefore rejected: the core then asks.
        """
        sides = {position.ps for position in change.P} - {"BOTH"}
        if sides:
            text = "a funding fee of one position in hedge mode: those of both are told as one payment"
            raise ItemRejected(text, field="ps", value=", ".join(sorted(sides)))
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
