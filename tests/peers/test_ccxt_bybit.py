"""ccxt on Bybit: the async client and ccxt.pro, on spot, linear and inverse."""

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

KEY = {"apiKey": "LOTUSXTESTKEY0001", "secret": "lotusx-test-secret-not-real-0123456789"}
SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
EVERY = (SPOT, LINEAR, INVERSE)


def exact(number: float) -> Decimal:
    """Return what a float shows: ccxt hands out floats made from the venue's text."""
    return Decimal(repr(number))


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("bybit") as served:
        yield served


def _redirect(urls: dict[str, Any], ws_url: str) -> None:
    for name, url in urls.items():
        if isinstance(url, dict):
            _redirect(url, ws_url)
        else:
            urls[name] = ws_url + "/v5" + url.partition("/v5")[2]


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """Markets once loaded: ccxt takes long to read them."""
    return {}


@pytest.fixture
async def client(sim: Served, listed: dict[str, Any]) -> AsyncIterator[Any]:
    made = pro.bybit({**KEY, "enableRateLimit": False, "timeout": 15_000})
    ws = made.urls["api"].pop("ws")
    made.urls["api"] = {**dict.fromkeys(made.urls["api"], sim.base_url), "ws": ws}
    _redirect(ws, sim.ws_url)
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


async def settle(client: Any, sim: Served) -> None:
    """Cancel what is open, so that tests do not meet."""
    for symbol in EVERY:
        await client.cancel_all_orders(symbol)
    assert sim.open_ids() == set()


# -- market data -------------------------------------------------------------------------------------------------


async def test_load_markets_reads_every_rule_and_pages_through_contracts(client: Any) -> None:
    assert {*EVERY, "BTC/USDC:USDC", "ETH/USD:ETH"} <= set(client.markets)
    spot, linear, inverse = (client.market(symbol) for symbol in EVERY)
    assert (spot["id"], linear["id"], inverse["id"]) == ("BTCUSDT", "BTCUSDT", "BTCUSD")
    assert (spot["spot"], linear["linear"], inverse["inverse"]) == (True, True, True)
    assert (spot["precision"]["amount"], linear["precision"]["amount"]) == (0.000001, 0.001)
    assert (linear["precision"]["price"], linear["limits"]["leverage"]["max"]) == (0.1, 100.0)
    assert client.market("BTC/USDT:USDT-270326")["future"] is True


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


async def test_contracts_have_funding_interest_and_mark_candles(client: Any) -> None:
    rate = await client.fetch_funding_rate(LINEAR)
    assert (rate["fundingRate"], rate["interval"]) == (0.0001, "8h")
    history = await client.fetch_funding_rate_history(LINEAR, limit=3)
    assert [b["timestamp"] - a["timestamp"] for a, b in pairwise(history)] == [28_800_000] * 2
    interest = await client.fetch_open_interest(LINEAR)
    assert interest["openInterestAmount"] > 0
    assert len(await client.fetch_mark_ohlcv(LINEAR, "1h", limit=3)) == 3
    (tier,) = await client.fetch_market_leverage_tiers(LINEAR)
    assert (tier["maxLeverage"], tier["maintenanceMarginRate"]) == (100.0, 0.005)


# -- trading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("symbol", "amount"), [(SPOT, 0.01), (LINEAR, 0.01), (INVERSE, 1000)])
async def test_an_order_is_placed_found_amended_and_cancelled(
    client: Any, sim: Served, symbol: str, amount: float
) -> None:
    mine = f"life-{client.market(symbol)['type']}-{client.market(symbol)['id']}"
    placed = await client.create_order(symbol, "limit", "buy", amount, 80_000, {"clientOrderId": mine})
    assert sim.state(mine) == ("NEW", exact(amount), Decimal(0))
    (found,) = await client.fetch_open_orders(symbol)
    assert (found["id"], found["clientOrderId"], found["price"], found["status"]) == (
        placed["id"],
        mine,
        80_000,
        "open",
    )
    await client.edit_order(placed["id"], symbol, "limit", "buy", amount, 80_001)
    assert (await client.fetch_open_order(placed["id"], symbol))["price"] == 80_001
    await client.cancel_order(placed["id"], symbol)
    assert sim.state(mine)[0] == "CANCELED"
    assert (await client.fetch_order(placed["id"], symbol, {"acknowledged": True}))["status"] == "canceled"


@pytest.mark.parametrize(("symbol", "amount"), [(SPOT, 0.01), (LINEAR, 0.01), (INVERSE, 1000)])
async def test_fills_and_fees_are_the_ledgers(client: Any, sim: Served, symbol: str, amount: float) -> None:
    mine = f"fill-{client.market(symbol)['type']}-{client.market(symbol)['id']}"
    placed = await client.create_order(symbol, "market", "sell", amount, None, {"clientOrderId": mine})
    told = await client.fetch_my_trades(symbol, params={"orderId": placed["id"]})
    known = sim.fills(mine)
    assert [(exact(t["price"]), exact(t["amount"])) for t in told] == [
        (p.normalize(), q.normalize()) for _, p, q in known
    ]
    rate = {SPOT: "0.001"}.get(symbol, "0.00055")
    assert {exact(trade["fee"]["rate"]) for trade in told} == {Decimal(rate)}
    order = await client.fetch_order(placed["id"], symbol, {"acknowledged": True})
    assert (order["status"], exact(order["filled"])) == ("closed", sum(q for *_, q in known))


async def test_a_spot_market_buy_is_in_quote(client: Any) -> None:
    placed = await client.create_market_buy_order_with_cost(SPOT, 100)
    order = await client.fetch_order(placed["id"], SPOT, {"acknowledged": True})
    assert 99 < order["cost"] <= 100


async def test_positions_leverage_and_their_end(client: Any, sim: Served) -> None:
    eth = "ETH/USDT:USDT"
    await client.set_leverage(7, eth)
    await client.create_order(eth, "market", "buy", 0.5)
    (position,) = await client.fetch_positions([eth])
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", 0.5, 7)
    assert sim.positions()["linear:ETHUSDT"] == Decimal("0.5")
    with pytest.raises(ccxt.ExchangeError, match="leverage not modified"):
        await client.set_leverage(7, eth)
    await client.create_order(eth, "market", "sell", 0.5, None, {"reduceOnly": True})
    (closed,) = await client.fetch_positions_history([eth])
    assert closed["info"]["closedSize"] == "0.50"


async def test_hedge_mode_has_two_positions(client: Any) -> None:
    sol = "SOL/USDT:USDT"
    await client.set_position_mode(True, sol)
    for side, index in (("buy", 1), ("sell", 2)):
        await client.create_order(sol, "market", side, 2, None, {"positionIdx": index})
    positions = await client.fetch_positions([sol])
    assert {(p["side"], p["contracts"], p["hedged"]) for p in positions} == {("long", 2.0, True), ("short", 2.0, True)}


async def test_conditional_orders_and_batches(client: Any, sim: Served) -> None:
    stop = {"triggerPrice": 70_000, "triggerDirection": "below", "clientOrderId": "stop"}
    await client.create_order(LINEAR, "market", "sell", 0.01, None, stop)
    item = {"symbol": LINEAR, "type": "limit", "side": "buy", "amount": 0.01, "price": 80_000}
    placed = await client.create_orders([item | {"params": {"clientOrderId": f"batch-{n}"}} for n in range(3)])
    assert len({order["id"] for order in placed}) == 3
    assert sim.open_ids() == {"stop", "batch-0", "batch-1", "batch-2"}
    await settle(client, sim)


async def test_refusals_become_ccxts_errors(client: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(LINEAR, "limit", "buy", 500, 80_000)
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(SPOT, "limit", "buy", 50, 80_000)
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order("nothing", LINEAR)
    stranger = pro.bybit({**KEY, "secret": "wrong"})
    stranger.urls["api"] = client.urls["api"]
    with pytest.raises(ccxt.AuthenticationError):
        await stranger.fetch_balance()
    await stranger.close()


async def test_the_balance_is_the_ledgers(client: Any, sim: Served) -> None:
    balance, ledger = await client.fetch_balance(), sim.balances()
    assert {coin: exact(amount) for coin, amount in balance["total"].items() if amount} == {
        coin: (free + locked).normalize() for coin, (free, locked) in ledger.items()
    }


# -- streams -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", EVERY)
async def test_public_streams_follow_the_market(client: Any, symbol: str) -> None:
    book = await soon(client.watch_order_book(symbol, 50))
    first = (book["timestamp"], book["nonce"])
    while (book["timestamp"], book["nonce"]) == first:
        book = await soon(client.watch_order_book(symbol, 50))
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (await soon(client.watch_trades(symbol)))[-1]["amount"] > 0
    assert (await soon(client.watch_ticker(symbol)))["last"] > 0
    assert (await soon(client.watch_ohlcv(symbol, "1m")))[-1][4] > 0


async def test_private_streams_and_order_entry_by_socket(client: Any, sim: Served) -> None:
    orders: list[Any] = []
    trades: list[Any] = []

    async def collect(watch: Any, into: list[Any]) -> None:
        while True:
            into += await watch()

    async with asyncio.TaskGroup() as group:
        watchers = [
            group.create_task(collect(client.watch_orders, orders)),
            group.create_task(collect(client.watch_my_trades, trades)),
        ]
        await until(lambda: len(client.clients) == 1 and _is_subscribed(client), "subscription")
        placed = await client.create_order_ws(LINEAR, "limit", "buy", 0.01, 80_000, {"clientOrderId": "by-socket"})
        await until(lambda: any(order["id"] == placed["id"] for order in orders), "order")
        sim.do("fill", client_order_id="by-socket")
        await until(lambda: any(trade["order"] == placed["id"] for trade in trades), "trade")
        await until(
            lambda: any(o["id"] == placed["id"] and o["status"] == "closed" for o in orders), "end of the order"
        )
        for watcher in watchers:
            watcher.cancel()
    balance = await client.fetch_balance()
    assert balance["USDT"]["total"] > 0


def _is_subscribed(client: Any) -> bool:
    (socket,) = client.clients.values()
    return {"order", "execution"} <= {key.partition(":")[0] for key in socket.subscriptions} or len(
        socket.subscriptions
    ) >= 3
