"""Pure: what the private streams say, as events of the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from lotusx.model import (
    AccountEvent,
    BalanceEvent,
    FillEvent,
    OrderEvent,
    OrderState,
    PositionEvent,
    Symbol,
    VenueEvent,
)
from lotusx_backpack import account_conversions as account, account_types as types
from lotusx_backpack.order_conversions import Ours, to_report

ORDERS = "account.orderUpdate"
POSITIONS = "account.positionUpdate"
BALANCES = "account.balanceUpdate"

SymbolOf = Callable[[str], Symbol]
"""Raises `ItemRejected` for what is not listed."""

KnownAgain = Callable[[OrderState, str | None], list[OrderState]]
"""`lotusx_backpack.triggers.Triggers.known_again`."""

_USER = "USER"

_order = msgspec.json.Decoder(types.Frame[types.OrderEvent]).decode
_position = msgspec.json.Decoder(types.Frame[types.PositionEvent]).decode
_balance = msgspec.json.Decoder(types.Frame[types.BalanceEvent]).decode
_anything = msgspec.json.Decoder(types.Frame[dict[str, Any]]).decode


def to_order_events(
    message: bytes, received_ns: int, symbol_of: SymbolOf, ours: Ours, known_again: KnownAgain
) -> list[AccountEvent]:
    """Convert a message of ``account.orderUpdate``: the fill, if it was one, and then the order's new state.

    A triggered order is told first, and then that it waits no more. One that the system made, such as a liquidation,
    is announced before that, in the exchange's own words.
    """
    event = _order(message).data
    report = to_report(event, symbol=symbol_of(event.s), ours=ours, received_ns=received_ns)
    states = known_again(report, None if event.I is None else str(event.I))
    events: list[AccountEvent] = [*(FillEvent(fill) for fill in states[0].fills), *map(OrderEvent, states)]
    if event.O is not None and event.O != _USER:
        events.insert(0, VenueEvent(event.O, _anything(message).data, received_ns))
    return events


def to_position_events(message: bytes, received_ns: int, symbol_of: SymbolOf) -> list[AccountEvent]:
    """Convert a message of ``account.positionUpdate``; those of the subscription itself are no different."""
    event = _position(message).data
    return [PositionEvent((account.to_position_event(event, symbol=symbol_of(event.s)),))]


def to_balance_events(message: bytes, received_ns: int) -> list[AccountEvent]:
    """Convert a message of ``account.balanceUpdate``."""
    return [BalanceEvent((account.to_balance(_balance(message).data),))]
