"""ccxt on OKX: the async client and ccxt.pro, on spot and linear swaps, whose sizes ccxt counts in contracts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from peer_sim import WAIT_S, Served, peer, serving, until

ccxt = peer("ccxt", "ccxt")
pro = peer("ccxt", "ccxt.pro")

pytestmark = pytest.mark.anyio

KEY = {"apiKey": "sim-okx-key", "secret": "sim-okx-secret", "password": "sim-okx-passphrase"}
SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
EVERY = (SPOT, SWAP)
UNITS = {SPOT: Decimal(1), SWAP: Decimal("0.01")}  # coins in one of what an amount counts


def exact(number: float) -> Decimal:
    """Return what a float shows: ccxt hands out floats made from the venue's text."""
    return Decimal(repr(number))


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("okx") as served:
        yield served


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """Markets once loaded: ccxt takes long to read them."""
    return {}


def made_for(sim: Served, **changed: str) -> Any:
    made = pro.okx({**KEY, **changed, "enableRateLimit": False, "timeout": 15_000})
    made.urls["api"] = {"rest": sim.base_url, "ws": sim.ws_url + "/ws/v5"}
    made.options["fetchMarkets"] = {"types": ["spot", "swap"]}
    made.has["fetchCurrencies"] = False  # asks for the networks of withdrawals, which the simulator has not
    return made


@pytest.fixture
async def client(sim: Served, listed: dict[str, Any]) -> AsyncIterator[Any]:
    made = made_for(sim)
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


# -- market data -------------------------------------------------------------------------------------------------


async def test_load_markets_reads_every_rule(client: Any) -> None:
    assert {*EVERY, "ETH/BTC", "ETH/USDT:USDT"} <= set(client.markets)
    spot, swap = (client.market(symbol) for symbol in EVERY)
    assert (spot["id"], swap["id"]) == ("BTC-USDT", "BTC-USDT-SWAP")
    assert (spot["spot"], swap["swap"], swap["linear"], swap["contractSize"]) == (True, True, True, 0.01)
    assert (spot["precision"]["amount"], swap["precision"]["amount"]) == (1e-8, 0.01)
    assert (swap["precision"]["price"], swap["limits"]["leverage"]["max"]) == (0.1, 100.0)


@pytest.mark.parametrize("symbol", EVERY)
async def test_market_data_is_of_one_market(client: Any, symbol: str) -> None:
    ticker = await client.fetch_ticker(symbol)
    book = await client.fetch_order_book(symbol, 50)
    trades = await client.fetch_trades(symbol, limit=5)
    candles = await client.fetch_ohlcv(symbol, "1h", limit=3)
    assert ticker["bid"] < ticker["ask"]
    assert abs(book["bids"][0][0] / ticker["bid"] - 1) < 0.01  # the last price may be one that a test has forced
    assert [level[0] for level in book["bids"]] == sorted((level[0] for level in book["bids"]), reverse=True)
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}
    assert [b[0] - a[0] for a, b in pairwise(candles)] == [3_600_000] * 2


async def test_swaps_have_funding_and_interest(client: Any) -> None:
    rate = await client.fetch_funding_rate(SWAP)
    assert (rate["fundingRate"], rate["interval"]) == (0.0001, "8h")
    history = await client.fetch_funding_rate_history(SWAP, limit=3)
    assert [b["timestamp"] - a["timestamp"] for a, b in pairwise(history)] == [28_800_000] * 2
    interest = await client.fetch_open_interest(SWAP)
    assert exact(interest["baseVolume"]) == exact(interest["openInterestAmount"]) * UNITS[SWAP]


# -- trading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("symbol", "amount"), [(SPOT, 0.01), (SWAP, 2.5)])
async def test_an_order_is_placed_found_amended_and_cancelled(
    client: Any, sim: Served, symbol: str, amount: float
) -> None:
    mine = f"life{client.market(symbol)['type']}"
    placed = await client.create_order(symbol, "limit", "buy", amount, 40_000, {"clientOrderId": mine})
    assert sim.state(mine) == ("NEW", exact(amount) * UNITS[symbol], Decimal(0))
    (found,) = await client.fetch_open_orders(symbol)
    assert (found["id"], found["clientOrderId"], found["price"], found["amount"], found["status"]) == (
        placed["id"],
        mine,
        40_000,
        amount,
        "open",
    )
    await client.edit_order(placed["id"], symbol, "limit", "buy", amount, 40_001)
    assert (await client.fetch_order(placed["id"], symbol))["price"] == 40_001
    await client.cancel_order(placed["id"], symbol)
    assert sim.state(mine)[0] == "CANCELED"
    assert (await client.fetch_order(placed["id"], symbol))["status"] == "canceled"
    assert placed["id"] in {order["id"] for order in await client.fetch_canceled_orders(symbol)}
    assert placed["id"] not in {order["id"] for order in await client.fetch_closed_orders(symbol)}


@pytest.mark.parametrize(("symbol", "amount"), [(SPOT, 0.01), (SWAP, 2.5)])
async def test_fills_and_fees_are_the_ledgers(client: Any, sim: Served, symbol: str, amount: float) -> None:
    mine = f"fill{client.market(symbol)['type']}"
    placed = await client.create_order(symbol, "market", "sell", amount, None, {"clientOrderId": mine})
    told = await client.fetch_my_trades(symbol, params={"ordId": placed["id"]})
    known = sim.fills(mine)
    assert [(exact(t["price"]), exact(t["amount"]) * UNITS[symbol]) for t in told] == [(p, q) for _, p, q in known]
    rate = {SPOT: Decimal("0.001"), SWAP: Decimal("0.0005")}[symbol]
    paid = sum((exact(trade["fee"]["cost"]) for trade in told), Decimal(0))
    cut = Decimal("1e-8") * len(known)  # the fee of each fill is cut there
    assert abs(paid - sum((p * q * rate for _, p, q in known), Decimal(0))) < cut
    order = await client.fetch_order(placed["id"], symbol)
    assert (order["status"], exact(order["filled"]) * UNITS[symbol]) == ("closed", sum(q for *_, q in known))


async def test_a_spot_market_buy_is_in_quote(client: Any) -> None:
    placed = await client.create_market_buy_order_with_cost(SPOT, 100)
    order = await client.fetch_order(placed["id"], SPOT)
    assert 99 < order["cost"] <= 100


async def test_positions_leverage_and_their_end(client: Any, sim: Served) -> None:
    eth = "ETH/USDT:USDT"
    await client.set_leverage(7, eth, {"mgnMode": "cross"})
    assert (await client.fetch_leverage(eth, {"mgnMode": "cross"}))["longLeverage"] == 7
    await client.create_order(eth, "market", "buy", 5, None, {"clientOrderId": "long"})
    (position,) = await client.fetch_positions([eth])
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", 5, 7)
    assert sim.positions()[eth.split("/", maxsplit=1)[0] + "-USDT-SWAP"] == exact(5) * exact(position["contractSize"])
    await client.create_order(eth, "market", "sell", 5, None, {"reduceOnly": True})
    assert await client.fetch_positions([eth]) == []


async def test_batches_are_placed_and_cancelled(client: Any, sim: Served) -> None:
    item = {"symbol": SWAP, "type": "limit", "side": "buy", "amount": 1, "price": 40_000}
    placed = await client.create_orders([item | {"params": {"clientOrderId": f"batch{n}"}} for n in range(3)])
    assert sim.open_ids() == {"batch0", "batch1", "batch2"}
    await client.cancel_orders([order["id"] for order in placed], SWAP)
    assert sim.open_ids() == set()


async def test_a_post_only_order_that_would_trade_is_cancelled(client: Any) -> None:
    placed = await client.create_order(SPOT, "limit", "buy", 0.001, 90_000, {"postOnly": True})
    order = await client.fetch_order(placed["id"], SPOT)
    assert (order["status"], order["filled"]) == ("canceled", 0)


async def test_refusals_become_ccxts_errors(client: Any, sim: Served) -> None:
    for symbol, amount in ((SWAP, 9_000), (SPOT, 500)):
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(symbol, "limit", "buy", amount, 40_000)
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order("999", SWAP)
    for changed in ({"secret": "wrong"}, {"password": "wrong"}, {"apiKey": "wrong"}):
        stranger = made_for(sim, **changed)
        stranger.set_markets(client.markets, client.currencies)
        with pytest.raises(ccxt.AuthenticationError):
            await stranger.fetch_balance()
        await stranger.close()


async def test_the_balance_is_the_ledgers(client: Any, sim: Served) -> None:
    balance, ledger = await client.fetch_balance(), sim.balances()
    told = {row["ccy"]: row for row in balance["info"]["data"][0]["details"]}
    assert {coin: Decimal(row["cashBal"]) for coin, row in told.items() if Decimal(row["cashBal"])} == {
        coin: free + locked for coin, (free, locked) in ledger.items()
    }
    assert {coin: total for coin, total in balance["total"].items() if total} == {
        coin: float(row["eq"])
        for coin, row in told.items()
        if float(row["eq"])  # with what positions gained
    }


# -- streams -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def free_window() -> None:
    """Wait till sockets may be opened again: OKX takes three a second, of which ccxt's clients know nothing."""
    await asyncio.sleep(1)


@pytest.mark.usefixtures("free_window")
@pytest.mark.parametrize("symbol", EVERY)
async def test_public_streams_follow_the_market(client: Any, symbol: str) -> None:
    book = await soon(client.watch_order_book(symbol))
    first = book["nonce"]
    while book["nonce"] == first:
        book = await soon(client.watch_order_book(symbol))
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await soon(client.watch_trades(symbol)))[-1]["amount"] > 0
    assert (await soon(client.watch_ticker(symbol)))["last"] > 0
    assert (await soon(client.watch_ohlcv(symbol, "1m")))[-1][4] > 0


@pytest.mark.usefixtures("free_window")
async def test_private_streams_tell_of_an_orders_life(client: Any, sim: Served) -> None:
    orders: list[Any] = []

    async def collect() -> None:
        while True:
            orders.extend(await client.watch_orders())

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(collect())
        await until(lambda: any("orders" in each.subscriptions for each in client.clients.values()), "subscription")
        balance = await soon(client.watch_balance())  # sent after it by the same socket, and answered after it
        assert balance["USDT"]["total"] > 0
        placed = await client.create_order(SWAP, "limit", "buy", 1, 40_000, {"clientOrderId": "streamed"})
        await until(lambda: any(order["id"] == placed["id"] for order in orders), "order")
        sim.do("fill", client_order_id="streamed")
        await until(
            lambda: any(o["id"] == placed["id"] and o["status"] == "closed" for o in orders), "end of the order"
        )
        watcher.cancel()
