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

_USER = "USER"

_order = msgspec.json.Decoder(types.Frame[types.OrderEvent]).decode
_position = msgspec.json.Decoder(types.Frame[types.PositionEvent]).decode
_balance = msgspec.json.Decoder(types.Frame[types.BalanceEvent]).decode
_anything = msgspec.json.Decoder(types.Frame[dict[str, Any]]).decode


def to_order_events(message: bytes, received_ns: int, symbol_of: SymbolOf, ours: Ours) -> list[AccountEvent]:
    """Convert a message of ``account.orderUpdate``: the fill, if it was one, and then the order's new state.

    An order that the system made, such as a liquidation, is announced first, in the exchange's own words.
    """
    event = _order(message).data
    state = to_report(event, symbol=symbol_of(event.s), ours=ours, received_ns=received_ns)
    events: list[AccountEvent] = [*(FillEvent(fill) for fill in state.fills), OrderEvent(state)]
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
