"""bpx-py on Backpack: its REST clients, which sign by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from peer_sim import Served, peer, serving

# It asks for cryptography < 44 and ccxt for a newer one: it has an environment of its own, `peers-bpx`.
account, public = peer("bpx-py", "bpx.account"), peer("bpx-py", "bpx.public")

KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SOL, PERP = "SOL_USDC", "SOL_USDC_PERP"


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("backpack") as served:
        yield served


@pytest.fixture
def client(sim: Served) -> Any:
    made = account.Account(KEY, SECRET)
    made.BPX_API_URL = sim.base_url + "/"
    return made


@pytest.fixture
def market(sim: Served) -> Any:
    made = public.Public()
    made.BASE_URL = sim.base_url + "/"
    return made


@pytest.mark.parametrize("symbol", [SOL, PERP])
def test_market_data_is_of_one_market(market: Any, sim: Served, symbol: str) -> None:
    assert {row["symbol"] for row in market.get_markets()} >= {SOL, PERP}
    book = market.get_depth(symbol)
    assert Decimal(book["bids"][-1][0]) < Decimal(book["asks"][0][0])
    assert market.get_ticker(symbol)["symbol"] == symbol
    assert market.get_recent_trades(symbol, limit=5)[0]["id"]
    start = int(market.get_time()) // 1_000 - 7_200
    bars = market.get_klines(symbol, "1m", start)
    assert all(a["end"] == b["start"] for a, b in pairwise(bars))
    assert (market.get_ping(), market.get_status()["status"]) == ("pong", "Ok")


def test_a_perpetual_has_funding_and_open_interest(market: Any) -> None:
    assert Decimal(market.get_open_interest(PERP)[0]["openInterest"]) > 0
    assert len(market.get_funding_interval_rates(PERP, limit=3)) == 3


def test_an_order_lives_as_the_ledger_says(client: Any, sim: Served) -> None:
    placed = client.execute_order(SOL, "Bid", "Limit", quantity="1", price="120", client_id=11, post_only=True)
    assert (placed["status"], sim.state("11")) == ("New", ("NEW", Decimal(1), Decimal(0)))
    assert client.get_open_order(SOL, order_id=placed["id"])["clientId"] == 11
    assert [order["id"] for order in client.get_open_orders(SOL)] == [placed["id"]]
    assert client.cancel_order(SOL, order_id=placed["id"])["status"] == "Cancelled"
    assert sim.state("11")[0] == "CANCELED"
    assert client.cancel_order(SOL, order_id=placed["id"])["message"] == "Order not found"


def test_fills_balances_and_positions_are_the_ledgers(client: Any, sim: Served) -> None:
    client.execute_order(PERP, "Ask", "Market", quantity="2", client_id=12)
    fills = client.get_fill_history(symbol=PERP, limit=10)
    mine = [fill for fill in fills if fill["clientId"] == "12"]
    assert [(Decimal(f["price"]), Decimal(f["quantity"])) for f in reversed(mine)] == [
        (price, quantity) for _, price, quantity in sim.fills("12")
    ]
    (position,) = client.get_open_positions()
    assert sim.positions() == {PERP: Decimal(position["netQuantity"])} == {PERP: Decimal(-2)}
    held = client.get_balances()
    assert {name: (Decimal(row["available"]), Decimal(row["locked"])) for name, row in held.items()} == sim.balances()
    client.execute_order(PERP, "Bid", "Market", quantity="2", reduce_only=True)
    assert sim.positions() == {}


def test_a_market_is_emptied_at_once(client: Any, sim: Served) -> None:
    for number in (13, 14):
        client.execute_order(SOL, "Bid", "Limit", quantity="1", price="120", client_id=number)
    assert sim.open_ids() == {"13", "14"}
    assert len(client.cancel_all_orders(SOL)) == 2
    assert sim.open_ids() == set()


def test_settings_are_patched(client: Any) -> None:
    client.update_account(leverage_limit="7")
    assert client.get_account()["leverageLimit"] == "7"
