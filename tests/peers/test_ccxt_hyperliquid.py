"""ccxt on Hyperliquid: the async client and ccxt.pro, which signs for mainnet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import WAIT_S, Served, peer, serving, until

ccxt = peer("ccxt", "ccxt")
pro = peer("ccxt", "ccxt.pro")

pytestmark = pytest.mark.anyio

PRIVATE_KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
ADDRESS = "0x14791697260e4c9a71f18484c9f997b308e59325"
BTC, ETH = "BTC/USDC:USDC", "ETH/USDC:USDC"
TSLA, HYPE = "XYZ-TSLA/USDC:USDC", "HYPE/USDC"


def exact(number: float) -> Decimal:
    """Return what a float shows: ccxt hands out floats made from the venue's text."""
    return Decimal(repr(number))


def cloid(number: int) -> str:
    return f"0x{number:032x}"


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("hyperliquid") as served:
        yield served


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    """Markets once loaded: a load costs a twelfth of what the venue allows a minute."""
    return {}


@pytest.fixture
async def client(sim: Served, listed: dict[str, Any]) -> AsyncIterator[Any]:
    made = pro.hyperliquid(
        {"walletAddress": ADDRESS, "privateKey": PRIVATE_KEY, "enableRateLimit": False, "timeout": 15_000}
    )
    made.urls["api"]["public"] = made.urls["api"]["private"] = sim.base_url
    made.urls["api"]["ws"]["public"] = f"{sim.ws_url}/ws"
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


async def test_load_markets_reads_every_rule(client: Any) -> None:
    assert {BTC, ETH, "KPEPE/USDC:USDC", TSLA, "XYZ-SP500/USDC:USDC", HYPE, "PURR/USDC"} <= set(client.markets)
    market = client.market(BTC)
    assert (market["id"], market["swap"], market["linear"], market["active"]) == ("0", True, True, True)
    assert market["precision"] == {**market["precision"], "price": 1.0, "amount": 0.00001}
    assert market["limits"]["leverage"]["max"] == 40
    assert client.market(TSLA)["baseId"] == "110000" or client.market(TSLA)["id"] == "110000"
    assert client.market("MATIC/USDC:USDC")["active"] is False


async def test_market_data_is_of_one_market(client: Any) -> None:
    book = await client.fetch_order_book(BTC)
    bids, asks = [level[0] for level in book["bids"]], [level[0] for level in book["asks"]]
    assert (len(bids), bids, asks) == (20, sorted(bids, reverse=True), sorted(asks))
    ticker = await client.fetch_ticker(BTC)
    assert bids[0] * 0.99 < ticker["last"] < asks[0] * 1.01
    candles = await client.fetch_ohlcv(BTC, "1m", limit=5)
    opened = [candle[0] for candle in candles]
    assert opened == list(range(opened[0], opened[0] + 60_000 * len(opened), 60_000))
    rates = await client.fetch_funding_rates([BTC])
    assert rates[BTC]["fundingRate"] == 0.0000125
    assert await client.fetch_funding_rate_history(BTC)
    assert (await client.fetch_status())["status"] == "ok"


async def test_limit_order_rests_is_edited_and_cancelled(client: Any, sim: Served) -> None:
    placed = await client.create_order(BTC, "limit", "buy", 0.01, 80_000, {"clientOrderId": cloid(1)})
    assert int(placed["id"]) == sim.order(cloid(1))["id"]
    found = await client.fetch_order(placed["id"], BTC)
    assert (found["status"], found["clientOrderId"], found["amount"]) == ("open", cloid(1), 0.01)
    assert [order["id"] for order in await client.fetch_open_orders(BTC)] == [placed["id"]]

    edited = await client.edit_order(placed["id"], BTC, "limit", "buy", 0.02, 80_010)
    assert edited["id"] != placed["id"]
    assert sim.state(cloid(1))[0] == "CANCELED"
    await client.cancel_order(edited["id"], BTC)
    assert not sim.open_ids()


async def test_batches_are_placed_and_cancelled(client: Any, sim: Served) -> None:
    wanted = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": 79_000 + n,
         "params": {"clientOrderId": cloid(10 + n)}}
        for n in range(3)
    ]  # fmt: skip
    placed = await client.create_orders(wanted)
    assert sim.open_ids() == {cloid(10 + n) for n in range(3)}
    await client.cancel_orders([order["id"] for order in placed], BTC)
    assert not sim.open_ids()


async def test_market_order_fills_and_its_trades_are_the_ledgers(client: Any, sim: Served) -> None:
    await client.set_margin_mode("cross", BTC, {"leverage": 5})
    await client.create_order(BTC, "market", "buy", 0.02, 84_000, {"clientOrderId": cloid(20)})
    fills = sim.fills(cloid(20))
    assert sum(quantity for _, _, quantity in fills) == sim.positions()["BTC"] == Decimal("0.02")

    oid = str(sim.order(cloid(20))["id"])
    mine = [trade for trade in await client.fetch_my_trades(BTC) if trade["order"] == oid]
    assert sorted((exact(t["price"]), exact(t["amount"])) for t in mine) == sorted(f[1:] for f in fills)
    assert all(trade["fee"]["currency"] == "USDC" for trade in mine)
    (position,) = await client.fetch_positions([BTC])
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", 0.02, 5)

    await client.create_order(BTC, "market", "sell", 0.02, 84_000, {"reduceOnly": True})
    assert sim.positions() == {}


async def test_a_stop_waits_with_its_position_and_a_bracket_with_its_parent(client: Any, sim: Served) -> None:
    params = {"stopLoss": {"triggerPrice": 2500}, "takeProfit": {"triggerPrice": 3000}}
    await client.create_order(ETH, "market", "buy", 0.1, 2750, params)
    waiting = await client.fetch_open_orders(ETH)
    assert sorted(order["triggerPrice"] for order in waiting) == [2500, 3000]
    await client.create_order(ETH, "market", "sell", 0.1, 2600, {"stopLossPrice": 2600, "reduceOnly": True})
    assert len(sim.open_ids()) == 3
    await client.cancel_orders([order["id"] for order in await client.fetch_open_orders(ETH)], ETH)
    await client.create_order(ETH, "market", "sell", 0.1, 2750, {"reduceOnly": True})
    assert sim.positions() == {}


async def test_builder_perpetuals_and_spot_are_traded(client: Any, sim: Served) -> None:
    await client.create_order(TSLA, "limit", "buy", 1, 420, {"timeInForce": "ioc"})
    assert sim.positions()["xyz:TSLA"] == 1
    await client.create_order(TSLA, "limit", "sell", 1, 390, {"timeInForce": "ioc", "reduceOnly": True})
    before = sim.balances()["HYPE"][0]
    await client.create_order(HYPE, "limit", "buy", 2, 40, {"timeInForce": "ioc"})
    assert sim.balances()["HYPE"][0] == before + Decimal("1.9986")


async def test_balances_are_the_venues(client: Any, sim: Served) -> None:
    perp = await client.fetch_balance()
    assert perp["USDC"]["total"] == float(perp["info"]["marginSummary"]["accountValue"])
    spot = await client.fetch_balance({"type": "spot"})
    assert exact(spot["HYPE"]["total"]) == sum(sim.balances()["HYPE"])


async def test_money_moves(client: Any) -> None:
    before = (await client.fetch_balance({"type": "spot"}))["USDC"]["total"]
    await client.transfer("USDC", 5, "swap", "spot")
    assert (await client.fetch_balance({"type": "spot"}))["USDC"]["total"] == before + 5
    await client.withdraw("USDC", 5, ADDRESS)
    assert {row["info"]["delta"]["type"] for row in await client.fetch_ledger()} >= {"accountClassTransfer", "withdraw"}


async def test_refusals_become_ccxts_own_errors(client: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(BTC, "limit", "buy", 100, 80_000)
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order("1", BTC)
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("1", BTC)
    with pytest.raises(ccxt.InvalidOrder):
        await client.create_order(BTC, "limit", "buy", 0.0001, 80_000)


async def test_watched_market_data(client: Any) -> None:
    book = await soon(client.watch_order_book(BTC))
    assert book["bids"][0][0] < book["asks"][0][0]
    ticker = await soon(client.watch_ticker(BTC))
    assert ticker["last"] > 0
    tickers = await soon(client.watch_tickers())
    assert BTC in tickers
    trades = await soon(client.watch_trades(BTC))
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}
    candles = await soon(client.watch_ohlcv(BTC, "1m"))
    assert candles[0][0] % 60_000 == 0


async def test_watched_orders_trades_and_balance_follow_a_fill(client: Any, sim: Served) -> None:
    orders = asyncio.ensure_future(client.watch_orders(BTC))
    trades = asyncio.ensure_future(client.watch_my_trades(BTC))
    balance = asyncio.ensure_future(client.watch_balance())
    await until(lambda: sim.ledger()["ws_connections"], "connection")
    await asyncio.sleep(0.5)  # for its subscriptions, of which ccxt does not tell
    placed = await client.create_order(BTC, "market", "buy", 0.01, 84_000, {"clientOrderId": cloid(50)})
    (order,) = await soon(orders)
    assert (order["id"], order["status"]) == (placed["id"], "closed")
    await soon(trades)  # what it shows first may be the snapshot; the rest is in ccxt's own list
    await until(lambda: placed["id"] in {trade["order"] for trade in client.myTrades}, "trade of the order")
    assert (await soon(balance))["USDC"]["total"] > 0
    await client.create_order(BTC, "market", "sell", 0.01, 84_000, {"reduceOnly": True})


async def test_orders_go_over_the_websocket(client: Any, sim: Served) -> None:
    placed = await soon(client.create_order_ws(BTC, "limit", "buy", 0.01, 79_500, {"clientOrderId": cloid(60)}))
    assert sim.open_ids() == {cloid(60)}
    edited = await soon(client.edit_order_ws(placed["id"], BTC, "limit", "buy", 0.01, 79_501))
    assert edited["id"] != placed["id"]
    await soon(client.cancel_order_ws(edited["id"], BTC))
    assert not sim.open_ids()
