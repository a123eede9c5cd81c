"""ccxt on Backpack: the async client and ccxt.pro, on spot and perpetuals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from peer_sim import WAIT_S, Served, peer, serving

ccxt = peer("ccxt", "ccxt")
pro = peer("ccxt", "ccxt.pro")

pytestmark = pytest.mark.anyio

KEY = {
    "apiKey": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
    "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}
SPOT, PERP = "SOL/USDC", "SOL/USDC:USDC"


def exact(number: float) -> Decimal:
    """Return what a float shows: ccxt hands out floats made from the venue's text."""
    return Decimal(repr(number))


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("backpack") as served:
        yield served


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """Markets once loaded: ccxt takes long to read them."""
    return {}


@pytest.fixture
async def client(sim: Served, listed: dict[str, Any]) -> AsyncIterator[Any]:
    made = pro.backpack({**KEY, "enableRateLimit": False, "timeout": 15_000})
    made.urls["api"] = {
        "public": sim.base_url,
        "private": sim.base_url,
        "ws": {"public": sim.ws_url, "private": sim.ws_url},
    }
    try:
        if not listed:
            listed["markets"] = await made.load_markets()
            listed["currencies"] = made.currencies
        else:
            made.set_markets(listed["markets"], listed["currencies"])
        yield made
    finally:
        await made.close()


async def soon(awaitable: Any) -> Any:
    async with asyncio.timeout(WAIT_S):
        return await awaitable


@pytest.mark.parametrize("symbol", [SPOT, PERP])
async def test_market_data_is_of_one_market(client: Any, symbol: str) -> None:
    assert client.market(symbol)["precision"]["price"] == 0.01
    book = await client.fetch_order_book(symbol, 20)
    bids = [level[0] for level in book["bids"]]
    assert bids == sorted(bids, reverse=True)
    assert bids[0] < book["asks"][0][0]
    assert (await client.fetch_ticker(symbol))["last"] > 0
    assert {trade["side"] for trade in await client.fetch_trades(symbol, limit=5)} <= {"buy", "sell"}
    candles = await client.fetch_ohlcv(symbol, "1h", limit=3)
    assert {b[0] - a[0] for a, b in pairwise(candles)} == {3_600_000}


async def test_perpetuals_have_funding_and_interest(client: Any) -> None:
    assert (await client.fetch_funding_rate(PERP))["fundingRate"] == 0.0000125
    history = await client.fetch_funding_rate_history(PERP, limit=3)
    assert {b["timestamp"] - a["timestamp"] for a, b in pairwise(history)} == {3_600_000}
    interest = await client.fetch_open_interest(PERP)
    assert Decimal(interest["info"]["openInterest"]) > 0


@pytest.mark.parametrize(("symbol", "mine"), [(SPOT, "31"), (PERP, "32")])
async def test_an_order_is_placed_found_and_cancelled(client: Any, sim: Served, symbol: str, mine: str) -> None:
    placed = await client.create_order(symbol, "limit", "buy", 1.5, 120, {"clientOrderId": mine})
    assert sim.state(mine) == ("NEW", Decimal("1.5"), Decimal(0))
    (found,) = await client.fetch_open_orders(symbol)
    assert (found["id"], found["price"], found["status"]) == (placed["id"], 120, "open")
    await client.cancel_order(placed["id"], symbol)
    assert sim.state(mine)[0] == "CANCELED"
    with pytest.raises(ccxt.ExchangeError, match="Order not found"):
        await client.cancel_order(placed["id"], symbol)


async def test_fills_and_positions_are_the_ledgers(client: Any, sim: Served) -> None:
    placed = await client.create_order(PERP, "market", "buy", 2, None, {"clientOrderId": "33"})
    told = await client.fetch_my_trades(PERP, params={"orderId": placed["id"]})
    assert sorted((exact(t["price"]), exact(t["amount"])) for t in told) == sorted(
        (price, quantity) for _, price, quantity in sim.fills("33")
    )
    (position,) = await client.fetch_positions([PERP])
    assert (position["side"], Decimal(position["contracts"])) == ("long", Decimal(2))
    assert sim.positions() == {"SOL_USDC_PERP": Decimal(2)}
    await client.create_order(PERP, "market", "sell", 2, None, {"reduceOnly": True})
    assert sim.positions() == {}
    total = (await client.fetch_balance())["total"]
    assert exact(total["SOL"]) == sum(sim.balances()["SOL"])


async def test_triggers_and_batches(client: Any, sim: Served) -> None:
    await client.create_order(SPOT, "market", "sell", 1, None, {"triggerPrice": 100, "clientOrderId": "34"})
    item = {"symbol": SPOT, "type": "limit", "side": "buy", "amount": 1, "price": 120}
    await client.create_orders([item | {"params": {"clientOrderId": str(number)}} for number in (35, 36)])
    assert sim.open_ids() == {"34", "35", "36"}
    await client.cancel_all_orders(SPOT)
    assert sim.open_ids() == set()


async def test_refusals_become_ccxts_errors(client: Any, sim: Served) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(SPOT, "limit", "buy", 10_000, 150)
    stranger = pro.backpack({**KEY, "secret": "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="})
    stranger.urls["api"] = client.urls["api"]
    try:
        with pytest.raises(ccxt.ExchangeError, match="Invalid signature"):
            await stranger.fetch_balance()
    finally:
        await stranger.close()


@pytest.mark.parametrize("symbol", [SPOT, PERP])
async def test_public_streams_flow(client: Any, sim: Served, symbol: str) -> None:
    book = await soon(client.watch_order_book(symbol))
    for _ in range(20):
        book = await soon(client.watch_order_book(symbol))
        assert book["bids"][0][0] < book["asks"][0][0]
    assert (await soon(client.watch_ticker(symbol)))["last"] > 0
    assert await soon(client.watch_trades(symbol))


async def test_private_streams_tell_of_orders(client: Any, sim: Served) -> None:
    watching = asyncio.ensure_future(client.watch_orders(SPOT))
    while not watching.done():
        await client.create_order(SPOT, "limit", "buy", 1, 120)
        await asyncio.wait([watching], timeout=0.2)
    (order, *_) = await watching
    assert (order["symbol"], order["status"], order["price"]) == (SPOT, "open", 120)
    await client.cancel_all_orders(SPOT)
    assert sim.open_ids() == set()
