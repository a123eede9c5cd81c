"""ccxt: the async client and ccxt.pro, which is the same class with ``watch_`` methods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import API_KEY, API_SECRET, WAIT_S, Served, peer, until

ccxt = peer("ccxt", "ccxt")
pro = peer("ccxt", "ccxt.pro")

pytestmark = pytest.mark.anyio

BTC = "BTC/USDT"


def exact(number: float) -> Decimal:
    """Return what a float shows: ccxt hands out floats made from the venue's text."""
    return Decimal(repr(number))


@pytest.fixture
async def client(sim: Served) -> AsyncIterator[Any]:
    made = pro.binance(
        {"apiKey": API_KEY, "secret": API_SECRET, "options": {"fetchMarkets": {"types": ["spot"]}}, "timeout": 15_000}
    )
    urls = made.urls["api"]
    for name, path in (("public", "/api/v3"), ("private", "/api/v3"), ("v1", "/api/v1"), ("sapi", "/sapi/v1")):
        urls[name] = sim.base_url + path
    urls["ws"]["spot"] = f"{sim.ws_url}/stream"
    urls["ws"]["ws-api"]["spot"] = f"{sim.ws_url}/ws-api/v3"
    try:
        await made.load_markets()
        yield made
    finally:
        await made.close()


async def place(client: Any, client_id: str, type_: str, side: str, amount: float, *price: float, **more: Any) -> Any:
    """Place an order under our own id."""
    return await client.create_order(BTC, type_, side, amount, *price, params={"newClientOrderId": client_id, **more})


async def soon(awaitable: Any) -> Any:
    async with asyncio.timeout(WAIT_S):
        return await awaitable


async def watched_balance(client: Any, asset: str) -> Any:
    """Return the first watched amounts of *asset*: ccxt shows the assets that events have named so far."""
    while asset not in (balance := await client.watch_balance()):
        pass
    return balance[asset]


async def test_load_markets_reads_every_rule(client: Any) -> None:
    market = client.market(BTC)

    assert (market["id"], market["spot"], market["active"]) == ("BTCUSDT", True, True)
    assert market["precision"] == {**market["precision"], "price": 0.01, "amount": 0.00001}
    assert market["limits"]["cost"]["min"] == 5.0


async def test_market_data_is_of_one_market(client: Any) -> None:
    book = await client.fetch_order_book(BTC, 100)
    bids, asks = [level[0] for level in book["bids"]], [level[0] for level in book["asks"]]
    assert (bids, asks) == (sorted(bids, reverse=True), sorted(asks))
    assert bids[0] < asks[0]

    ticker = await client.fetch_ticker(BTC)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]

    candles = await client.fetch_ohlcv(BTC, "1m", limit=5)
    opened = [candle[0] for candle in candles]
    assert opened == [opened[-1] - 60_000 * back for back in (4, 3, 2, 1, 0)]

    trades = await client.fetch_trades(BTC, limit=10)
    assert [int(trade["id"]) for trade in trades] == sorted(int(trade["id"]) for trade in trades)
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}


async def test_limit_order_rests_is_edited_and_cancelled(client: Any, sim: Served) -> None:
    placed = await place(client, "cx-limit", "limit", "buy", 0.01, 60000)
    assert (placed["status"], int(placed["id"])) == ("open", sim.order("cx-limit")["id"])
    assert (await client.fetch_order(placed["id"], BTC))["clientOrderId"] == "cx-limit"
    assert {order["clientOrderId"] for order in await client.fetch_open_orders(BTC)} == sim.open_ids()

    edited = await client.edit_order(  # spot: cancel and replace
        placed["id"], BTC, "limit", "buy", 0.02, 60100, {"newClientOrderId": "cx-edited"}
    )
    assert sim.state("cx-limit")[0] == "CANCELED"
    assert sim.state("cx-edited") == ("NEW", Decimal("0.02"), Decimal(0))
    assert int(edited["id"]) == sim.order("cx-edited")["id"]

    cancelled = await client.cancel_order(edited["id"], BTC)
    assert cancelled["status"] == "canceled"
    assert sim.state("cx-edited")[0] == "CANCELED"
    history = {order["clientOrderId"]: order["status"] for order in await client.fetch_orders(BTC)}
    assert (history["cx-limit"], history["cx-edited"]) == ("canceled", "canceled")


async def test_market_order_fills_and_its_trades_are_the_ledgers(client: Any, sim: Served) -> None:
    placed = await place(client, "cx-market", "market", "buy", 0.5)

    fills = sim.fills("cx-market")
    assert (placed["status"], exact(placed["filled"])) == ("closed", sum(quantity for _, _, quantity in fills))
    assert exact(placed["cost"]) == sum(price * quantity for _, price, quantity in fills)

    mine = [trade for trade in await client.fetch_my_trades(BTC) if trade["order"] == placed["id"]]
    assert [(int(t["id"]), exact(t["price"]), exact(t["amount"])) for t in mine] == fills


async def test_stop_order_waits_and_goes_with_cancel_all(client: Any, sim: Served) -> None:
    placed = await place(client, "cx-stop", "limit", "sell", 0.01, 60000, triggerPrice=61000)
    found = await client.fetch_order(placed["id"], BTC)
    assert (found["status"], found["triggerPrice"]) == ("open", 61000)
    assert sim.state("cx-stop")[0] == "NEW"

    await client.cancel_all_orders(BTC)
    assert sim.state("cx-stop")[0] == "CANCELED"
    assert not sim.open_ids()


async def test_balance_is_the_ledgers(client: Any, sim: Served) -> None:
    balance = await client.fetch_balance()

    shown = {item["asset"]: (Decimal(item["free"]), Decimal(item["locked"])) for item in balance["info"]["balances"]}
    assert {asset: owned for asset, owned in shown.items() if any(owned)} == sim.balances()
    free, locked = sim.balances()["BTC"]
    assert (exact(balance["BTC"]["free"]), exact(balance["BTC"]["used"])) == (free, locked)


async def test_refusals_become_ccxts_own_errors(client: Any, sim: Served) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await place(client, "cx-poor", "limit", "buy", 100, 60000)
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("1", BTC)

    assert "cx-poor" not in {order["client_id"] for order in sim.ledger()["orders"]}


async def test_watched_trades_show_our_own_fill(client: Any, sim: Served) -> None:
    await soon(client.watch_trades(BTC))
    await place(client, "cx-print", "market", "sell", 0.01)
    trade_id, price, quantity = sim.fills("cx-print")[0]

    async with asyncio.timeout(WAIT_S):
        seen: dict[str, Any] = {}
        while str(trade_id) not in seen:
            seen |= {trade["id"]: trade for trade in await client.watch_trades(BTC)}
    trade = seen[str(trade_id)]
    assert (exact(trade["price"]), exact(trade["amount"]), trade["side"]) == (price, quantity, "sell")


async def test_watched_book_shows_our_order_and_ticker_moves(client: Any, sim: Served) -> None:
    book = await soon(client.watch_order_book(BTC))
    price = round(book["bids"][0][0] - 0.37, 2)
    before = dict(tuple(level[:2]) for level in book["bids"]).get(price, 0.0)
    await place(client, "cx-book", "limit", "buy", 0.3, price)
    assert sim.state("cx-book")[1] == Decimal("0.3")

    async with asyncio.timeout(WAIT_S):
        while dict(tuple(level[:2]) for level in book["bids"]).get(price, 0.0) <= before:
            book = await client.watch_order_book(BTC)
            assert book["bids"][0][0] < book["asks"][0][0]
    await client.cancel_all_orders(BTC)

    ticker = await soon(client.watch_ticker(BTC))
    assert ticker["low"] <= ticker["last"] <= ticker["high"]


async def test_watched_orders_trades_and_balance_follow_a_fill(client: Any, sim: Served) -> None:
    orders = asyncio.ensure_future(client.watch_orders(BTC))
    trades = asyncio.ensure_future(client.watch_my_trades(BTC))
    await until(lambda: any("ws-api" in path for path in sim.ledger()["ws_connections"]), "WS API connection")
    await asyncio.sleep(0.5)  # for its subscription, of which ccxt does not tell
    await place(client, "cx-user", "limit", "sell", 0.01, 75000)
    (order,) = await soon(orders)
    assert (order["clientOrderId"], order["status"]) == ("cx-user", "open")

    orders = asyncio.ensure_future(client.watch_orders(BTC))
    balance = asyncio.ensure_future(watched_balance(client, "USDT"))
    await asyncio.sleep(0.5)
    sim.do("fill", client_order_id="cx-user")
    assert [(int(t["id"]), exact(t["price"]), exact(t["amount"])) for t in await soon(trades)] == sim.fills("cx-user")
    (order,) = await soon(orders)
    assert (order["clientOrderId"], order["status"], order["filled"]) == ("cx-user", "closed", 0.01)
    free, _ = sim.balances()["USDT"]
    assert exact((await soon(balance))["free"]) == free


async def test_order_over_the_ws_api(client: Any, sim: Served) -> None:
    placed = await soon(client.create_order_ws(BTC, "limit", "buy", 0.01, 60000, {"newClientOrderId": "cx-ws"}))
    assert (placed["status"], int(placed["id"])) == ("open", sim.order("cx-ws")["id"])

    await soon(client.cancel_order_ws(placed["id"], BTC))
    assert sim.state("cx-ws")[0] == "CANCELED"
