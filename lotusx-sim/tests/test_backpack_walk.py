"""Whatever is sent to the simulated Backpack, its streams and its history tell the same."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from backpack_calls import PERP, SOL, BackpackCaller

from lotusx_sim import Backpack

ORDERS = "account.orderUpdate"
ACTIONS = 120


def _extras(draw: Random, symbol: str, last: Decimal) -> dict[str, Any]:
    more: dict[str, Any] = draw.choice(
        [{}, {}, {"timeInForce": "IOC"}, {"timeInForce": "FOK"}, {"reduceOnly": True}, {"clientId": draw.randrange(20)}]
    )
    if symbol == PERP and draw.random() < 0.2:
        brackets = {"takeProfitTriggerPrice": last * Decimal("1.01"), "stopLossTriggerPrice": last * Decimal("0.99")}
        more = more | {name: f"{price:.2f}" for name, price in brackets.items()}
    return more | {"selfTradePrevention": draw.choice(["RejectTaker", "RejectMaker", "RejectBoth"])}


def act(caller: BackpackCaller, draw: Random) -> None:
    """Send something that may be fine or not."""
    symbol, side = draw.choice([SOL, PERP]), draw.choice(["Bid", "Ask"])
    last = Decimal(caller.public("ticker", symbol=symbol)["lastPrice"])
    price = f"{last * Decimal(draw.randint(980, 1_020)) / 1_000:.2f}"
    quantity, more = draw.choice(["0.5", "2", "30", "900"]), _extras(draw, symbol, last)
    choice = draw.randrange(10)
    if choice < 5:
        caller.try_to_place(symbol, side, quantity, price, postOnly=draw.random() < 0.2, **more)
    elif choice < 6:
        caller.try_to_place(symbol, side, quantity, **more)
    elif choice < 7:
        caller.try_to_place(symbol, side, quoteQuantity="200")
    elif choice < 8:
        trigger = {"triggerPrice": price, "triggerQuantity": draw.choice([quantity, "50%", "100%"])}
        caller.try_to_place(symbol, side, **trigger, **more)
    elif choice < 9:
        caller.call("DELETE", "/api/v1/orders", {"symbol": symbol})
    else:
        caller.call("PATCH", "/api/v1/account", {"leverageLimit": draw.choice(["3", "20", "50"])})
    assert caller.status < 500


@pytest.mark.parametrize(("seed", "delay_ms"), [(1, 0), (2, 30)])
def test_the_last_that_is_told_of_an_order_is_what_the_history_has(seed: int, delay_ms: int) -> None:
    caller = BackpackCaller(Backpack(seed=seed, cancel_delay_ms=delay_ms))
    draw = Random(seed)
    socket = caller.reading(ORDERS)
    for _ in range(ACTIONS):
        act(caller, draw)
        caller.step(draw.uniform(0, 2))

    told = {frame["i"]: (frame["X"], frame["z"]) for frame in socket.take(ORDERS)}
    kept = {row["id"]: (row["status"], row["executedQuantity"]) for row in caller.history(limit=1_000)}
    triggers = {order_id for order_id, (status, _) in kept.items() if status == "Triggered"}
    assert len(kept) > ACTIONS // 3
    assert {name: told[name] for name in kept if name not in triggers} == {
        name: state for name, state in kept.items() if name not in triggers
    }
    assert {told[name][0] for name in triggers} <= {"TriggerPending"}  # another id has the rest
    amounts = dict.fromkeys(kept, Decimal(0))
    for fill in caller.history("fills", limit=1_000):
        amounts[fill["orderId"]] += Decimal(fill["quantity"])
    assert {name: Decimal(filled) for name, (_, filled) in kept.items()} == amounts
