"""python-binance: AsyncClient and BinanceSocketManager."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import API_KEY, API_SECRET, WAIT_S, Served, peer

binance = peer("python-binance", "binance")
exceptions = peer("python-binance", "binance.exceptions")

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(sim: Served, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(binance.AsyncClient, "API_URL", f"{sim.base_url}/api")
    monkeypatch.setattr(binance.AsyncClient, "WS_API_URL", f"{sim.ws_url}/ws-api/v3")
    monkeypatch.setattr(binance.BinanceSocketManager, "STREAM_URL", f"{sim.ws_url}/")
    made = await binance.AsyncClient.create(API_KEY, API_SECRET)
    try:
        yield made
    finally:
        await made.close_connection()


async def first(socket: Any, wanted: Callable[[Any], Any]) -> Any:
    """Return the first message of an open socket that is *wanted*."""
    async with asyncio.timeout(WAIT_S):
        while not wanted(message := await socket.recv()):
            assert message.get("e") != "error", message
    return message


async def test_exchange_info_and_clock(client: Any) -> None:
    info = await client.get_symbol_info("BTCUSDT")

    assert (info["baseAsset"], info["quoteAsset"], info["status"]) == ("BTC", "USDT", "TRADING")
    assert {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL"} <= {rule["filterType"] for rule in info["filters"]}
    assert (await client.get_server_time())["serverTime"] > 1_700_000_000_000


async def test_market_data_is_of_one_market(client: Any) -> None:
    depth = await client.get_order_book(symbol="BTCUSDT", limit=100)
    bids = [Decimal(price) for price, _ in depth["bids"]]
    asks = [Decimal(price) for price, _ in depth["asks"]]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]

    last = Decimal((await client.get_symbol_ticker(symbol="BTCUSDT"))["price"])
    day = await client.get_ticker(symbol="BTCUSDT")
    assert Decimal(day["lowPrice"]) <= last <= Decimal(day["highPrice"])

    candles = await client.get_klines(symbol="BTCUSDT", interval="1m", limit=5)
    opened = [candle[0] for candle in candles]
    assert opened == [opened[-1] - 60_000 * back for back in (4, 3, 2, 1, 0)]

    trades = await client.get_recent_trades(symbol="BTCUSDT", limit=10)
    assert [trade["id"] for trade in trades] == sorted(trade["id"] for trade in trades)


async def test_limit_order_rests_is_found_and_cancelled(client: Any, sim: Served) -> None:
    placed = await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="60000", newClientOrderId="pb-limit")
    assert placed["status"] == "NEW"
    assert placed["orderId"] == sim.order("pb-limit")["id"]
    assert sim.state("pb-limit") == ("NEW", Decimal("0.01"), Decimal(0))

    found = await client.get_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert (found["status"], found["clientOrderId"]) == ("NEW", "pb-limit")
    assert {order["clientOrderId"] for order in await client.get_open_orders(symbol="BTCUSDT")} == sim.open_ids()

    cancelled = await client.cancel_order(symbol="BTCUSDT", origClientOrderId="pb-limit")
    assert (cancelled["status"], cancelled["origClientOrderId"]) == ("CANCELED", "pb-limit")
    assert sim.state("pb-limit") == ("CANCELED", Decimal("0.01"), Decimal(0))


async def test_market_order_fills_and_its_trades_are_the_ledgers(client: Any, sim: Served) -> None:
    placed = await client.order_market_buy(symbol="BTCUSDT", quantity="0.5", newClientOrderId="pb-market")

    fills = sim.fills("pb-market")
    assert placed["status"] == "FILLED"
    assert sum(quantity for _, _, quantity in fills) == Decimal("0.5")
    assert [(f["tradeId"], Decimal(f["price"]), Decimal(f["qty"])) for f in placed["fills"]] == fills

    mine = await client.get_my_trades(symbol="BTCUSDT", orderId=placed["orderId"])
    assert [(t["id"], Decimal(t["price"]), Decimal(t["qty"])) for t in mine] == fills


async def test_stop_order_waits_and_goes_with_cancel_all(client: Any, sim: Served) -> None:
    await client.create_order(
        symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC", quantity="0.01", price="60000",
        stopPrice="61000", newClientOrderId="pb-stop",
    )  # fmt: skip
    found = await client.get_order(symbol="BTCUSDT", origClientOrderId="pb-stop")
    assert (found["type"], found["status"], found["stopPrice"]) == ("STOP_LOSS_LIMIT", "NEW", "61000.00000000")
    assert sim.state("pb-stop")[0] == "NEW"

    await client.cancel_all_open_orders(symbol="BTCUSDT")
    assert sim.state("pb-stop")[0] == "CANCELED"
    assert not sim.open_ids()


async def test_account_shows_the_ledgers_balances(client: Any, sim: Served) -> None:
    account = await client.get_account(omitZeroBalances="true")

    shown = {item["asset"]: (Decimal(item["free"]), Decimal(item["locked"])) for item in account["balances"]}
    assert shown == sim.balances()


async def test_refusal_carries_the_venues_code(client: Any, sim: Served) -> None:
    with pytest.raises(exceptions.BinanceAPIException) as caught:
        await client.order_limit_buy(symbol="BTCUSDT", quantity="100", price="60000", newClientOrderId="pb-poor")

    assert caught.value.code == -2010
    assert "pb-poor" not in {order["client_id"] for order in sim.ledger()["orders"]}


async def test_order_over_the_ws_api(client: Any, sim: Served) -> None:
    placed = await client.ws_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="60000",
        newClientOrderId="pb-ws",
    )  # fmt: skip
    assert placed["orderId"] == sim.order("pb-ws")["id"]
    assert (await client.ws_get_order(symbol="BTCUSDT", origClientOrderId="pb-ws"))["status"] == "NEW"

    await client.ws_cancel_order(symbol="BTCUSDT", origClientOrderId="pb-ws")
    assert sim.state("pb-ws")[0] == "CANCELED"


async def test_trade_stream_shows_our_own_fill(client: Any, sim: Served) -> None:
    async with binance.BinanceSocketManager(client).trade_socket("BTCUSDT") as socket:
        await client.order_market_sell(symbol="BTCUSDT", quantity="0.01", newClientOrderId="pb-print")
        trade_id, price, quantity = sim.fills("pb-print")[0]
        message = await first(socket, lambda seen: seen["t"] == trade_id)

    assert (Decimal(message["p"]), Decimal(message["q"]), message["m"]) == (price, quantity, True)


async def test_depth_and_kline_streams(client: Any) -> None:
    manager = binance.BinanceSocketManager(client)
    async with manager.depth_socket("BTCUSDT", depth="5") as socket:
        top = await first(socket, lambda _: True)
    assert (len(top["bids"]), len(top["asks"])) == (5, 5)
    assert Decimal(top["bids"][0][0]) < Decimal(top["asks"][0][0])

    async with manager.kline_socket("BTCUSDT", interval="1m") as socket:
        kline = (await first(socket, lambda _: True))["k"]
    candles = await client.get_klines(symbol="BTCUSDT", interval="1m", startTime=kline["t"], limit=1)
    assert (candles[0][0], candles[0][1]) == (kline["t"], kline["o"])

    async with manager.multiplex_socket(["btcusdt@depth@100ms"]) as socket:
        one = (await first(socket, lambda seen: seen["stream"] == "btcusdt@depth@100ms"))["data"]
        two = (await first(socket, lambda seen: seen["stream"] == "btcusdt@depth@100ms"))["data"]
    assert two["U"] == one["u"] + 1


async def test_user_socket_follows_an_order_to_its_fill(client: Any, sim: Served) -> None:
    async with binance.BinanceSocketManager(client).user_socket() as socket:  # subscribes over the WS API
        await client.order_limit_sell(symbol="BTCUSDT", quantity="0.01", price="75000", newClientOrderId="pb-user")
        event = await first(socket, lambda seen: seen["e"] == "executionReport")
        assert (event["c"], event["x"], event["X"]) == ("pb-user", "NEW", "NEW")

        sim.do("fill", client_order_id="pb-user", quantity="0.004")
        event = await first(socket, lambda seen: seen["e"] == "executionReport")
        assert (event["x"], event["X"], Decimal(event["z"])) == ("TRADE", "PARTIALLY_FILLED", Decimal("0.004"))
        assert [(event["t"], Decimal(event["L"]), Decimal(event["l"]))] == sim.fills("pb-user")

        event = await first(socket, lambda seen: seen["e"] == "outboundAccountPosition")
        owned = sim.balances()
        assert {b["a"]: (Decimal(b["f"]), Decimal(b["l"])) for b in event["B"] if b["a"] == "BTC"} == {
            "BTC": owned["BTC"]
        }


async def test_gone_listen_key_reaches_the_caller(client: Any) -> None:
    with pytest.raises(exceptions.BinanceAPIException) as caught:  # still in the client, gone from the venue
        await client.stream_get_listen_key()

    assert caught.value.status_code == 410
