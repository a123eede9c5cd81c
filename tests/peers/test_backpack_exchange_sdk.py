"""backpack-exchange-sdk on Backpack: REST, batches, and its WebSocket client, which calls back from a thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import WAIT_S, Served, peer, serving

sdk = peer("backpack-exchange-sdk", "backpack_exchange_sdk")
sockets = peer("backpack-exchange-sdk", "backpack_exchange_sdk.websocket")
errors = peer("backpack-exchange-sdk", "backpack_exchange_sdk._base.errors")

KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SOL, PERP = "SOL_USDC", "SOL_USDC_PERP"


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("backpack") as served:
        yield served


@pytest.fixture
def client(sim: Served) -> Any:
    return sdk.AuthenticationClient(KEY, SECRET, base_url=sim.base_url + "/")


@pytest.fixture
def socket(sim: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Its address is written into the constructor, which connects at once."""
    connect = sockets.WebSocketClient._connect

    def to_simulator(client: Any) -> None:
        client.base_url = sim.ws_url + "/"
        connect(client)

    monkeypatch.setattr(sockets.WebSocketClient, "_connect", to_simulator)
    made = sockets.WebSocketClient(KEY, SECRET)
    yield made
    made.ws.on_close = None
    made.close()


def soon(condition: Callable[[], Any], what: str) -> Any:
    """Return the first true value of *condition*."""
    deadline = time.monotonic() + WAIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} within {WAIT_S:g} s"
        time.sleep(0.02)
    return value


def test_market_data_is_of_one_market(sim: Served) -> None:
    market = sdk.PublicClient(base_url=sim.base_url + "/")
    assert market.get_market(PERP)["marketType"] == "PERP"
    book = market.get_depth(SOL)
    assert Decimal(book["bids"][-1][0]) < Decimal(book["asks"][0][0])
    assert market.get_mark_price(PERP)[0]["symbol"] == PERP
    assert market.get_ticker(SOL)["symbol"] == SOL


def test_orders_and_batches_live_as_the_ledger_says(client: Any, sim: Served) -> None:
    placed = client.execute_order("Limit", "Bid", SOL, price="120", quantity="1", clientId=21, postOnly=True)
    assert (placed["postOnly"], sim.state("21")[0]) == (True, "NEW")
    batch = [
        {"symbol": SOL, "side": "Bid", "orderType": "Limit", "price": "121", "quantity": "1", "clientId": 22},
        {"symbol": SOL, "side": "Bid", "orderType": "Limit", "price": "121.001", "quantity": "1", "clientId": 23},
    ]
    assert [item["operation"] for item in client.execute_batch_orders(batch)] == ["Ok", "Err"]
    assert sim.open_ids() == {"21", "22"}
    assert client.cancel_open_order(SOL, orderId=placed["id"])["status"] == "Cancelled"
    client.cancel_open_orders(SOL)
    assert sim.open_ids() == set()


def test_a_refusal_is_an_error_with_its_code(client: Any) -> None:
    with pytest.raises(errors.BackpackAPIError, match="Insufficient"):
        client.execute_order("Limit", "Bid", SOL, price="150", quantity="10000")


def test_balances_and_collateral_are_the_ledgers(client: Any, sim: Served) -> None:
    held = client.get_balances()
    assert {name: (Decimal(row["available"]), Decimal(row["locked"])) for name, row in held.items()} == sim.balances()
    rows = client.get_collateral()["collateral"]
    assert {row["symbol"] for row in rows} == set(held)


def test_streams_call_back(client: Any, sim: Served, socket: Any) -> None:
    trades: list[Any] = []
    mine: list[Any] = []
    socket.subscribe([f"trade.{SOL}"], trades.append)
    socket.subscribe(["account.orderUpdate"], mine.append, is_private=True)

    def traded() -> bool:
        sim.do("trade", symbol=SOL, side="buy", quantity="0.01")
        return bool(trades)

    soon(traded, "trade")  # a subscription is not answered
    soon(lambda: client.execute_order("Limit", "Bid", SOL, price="120", quantity="1") and mine, "order")
    assert mine[0]["e"] == "orderAccepted"
    client.cancel_open_orders(SOL)
    soon(lambda: mine[-1]["e"] == "orderCancelled", "cancel")
