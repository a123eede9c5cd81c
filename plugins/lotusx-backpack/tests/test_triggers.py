"""An order that goes on under another id is known again, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from lotusx.model import Fill, OrderState, OrderStatus, OrderType, Side, Symbol
from lotusx_backpack.triggers import CAPACITY, Triggers

SOL = Symbol.parse("SOL/USDC:USDC")
WAITING = OrderState(
    symbol=SOL, venue_order_id="8", client_order_id="a-1", side=Side.SELL, type=OrderType.STOP_LOSS,
    status=OrderStatus.PENDING, quantity=D(2), filled=D(0), trigger_price=D(130), created_ns=1, updated_ns=1,
)  # fmt: skip
MATCH = Fill(SOL, "t", "9", Side.SELL, D(130), D(1), 5)
NOW = replace(
    WAITING, venue_order_id="9", client_order_id=None, status=OrderStatus.PARTIALLY_FILLED, filled=D(1), updated_ns=5,
    created_ns=5, fills=(MATCH,),
)  # fmt: skip


@pytest.fixture
def triggers() -> Triggers:
    made = Triggers()
    assert made.known_again(WAITING, None) == [WAITING]
    return made


def test_what_it_became_comes_first_and_then_the_end_of_its_wait(triggers: Triggers) -> None:
    now, before = triggers.known_again(NOW, "8")

    assert (now.venue_order_id, now.client_order_id, now.status) == ("9", "a-1", OrderStatus.PARTIALLY_FILLED)
    assert (now.created_ns, [fill.client_order_id for fill in now.fills]) == (None, ["a-1"])
    assert (before.venue_order_id, before.status, before.updated_ns) == ("8", OrderStatus.CANCELED, 5)
    assert "order 9" in before.reason


def test_id_that_it_states_itself_stays(triggers: Triggers) -> None:
    assert triggers.known_again(replace(NOW, client_order_id="a-2"), "8")[0].client_order_id == "a-2"


@pytest.mark.parametrize(
    ("state", "related"),
    [
        (NOW, None),
        (NOW, "7"),  # not seen waiting: an order and its take-profit
        (replace(NOW, venue_order_id="8"), "8"),
        (replace(NOW, side=Side.BUY), "8"),  # the take-profit of what waits
        (replace(NOW, symbol=Symbol.parse("SOL/USDC")), "8"),
        (replace(NOW, venue_order_id=None), "8"),
    ],
)
def test_anything_else_is_what_it_says(triggers: Triggers, state: OrderState, related: str | None) -> None:
    assert triggers.known_again(state, related) == [state]


def test_bracket_that_waits_itself_is_not_taken_for_what_its_order_became(triggers: Triggers) -> None:
    bracket = replace(WAITING, venue_order_id="10")
    assert triggers.known_again(bracket, "8") == [bracket]


def test_memory_is_bounded(triggers: Triggers) -> None:
    for number in range(CAPACITY):
        triggers.known_again(replace(WAITING, venue_order_id=f"x{number}"), None)
    assert triggers.known_again(NOW, "8") == [NOW]
