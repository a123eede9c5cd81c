"""python-binance on USDⓈ-M futures: AsyncClient's ``futures_`` methods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import API_KEY, API_SECRET, Served, peer, serving

binance = peer("python-binance", "binance")
exceptions = peer("python-binance", "binance.exceptions")

pytestmark = pytest.mark.anyio
BTC = "BTCUSDT"


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("binance-perp") as served:
        yield served


@pytest.fixture
async def client(sim: Served, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(binance.AsyncClient, "FUTURES_URL", f"{sim.base_url}/fapi")
    made = binance.AsyncClient(API_KEY, API_SECRET)
    try:
        yield made
    finally:
        await made.close_connection()


async def test_market_data(client: Any) -> None:
    info = await client.futures_exchange_info()
    book = await client.futures_order_book(symbol=BTC, limit=20)
    mark = await client.futures_mark_price(symbol=BTC)

    assert BTC in {row["symbol"] for row in info["symbols"]}
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert Decimal(mark["markPrice"]) > 0
    assert len(await client.futures_klines(symbol=BTC, interval="1m", limit=3)) == 3
    assert (await client.futures_funding_rate(symbol=BTC, limit=2))[-1]["symbol"] == BTC


async def test_an_order_is_placed_found_and_cancelled(client: Any, sim: Served) -> None:
    placed = await client.futures_create_order(
        symbol=BTC, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="66000",
        newClientOrderId="pb-1",
    )  # fmt: skip
    found = await client.futures_get_order(symbol=BTC, orderId=placed["orderId"])
    cancelled = await client.futures_cancel_order(symbol=BTC, orderId=placed["orderId"])

    assert (found["status"], found["avgPrice"]) == ("NEW", "0.00000")
    assert cancelled["status"] == "CANCELED"
    assert sim.state("pb-1")[0] == "CANCELED"


async def test_a_position_and_its_account(client: Any, sim: Served) -> None:
    await client.futures_change_leverage(symbol=BTC, leverage=5)
    await client.futures_create_order(symbol=BTC, side="BUY", type="MARKET", quantity="0.01")
    (position,) = await client.futures_position_information(symbol=BTC)
    balances = await client.futures_account_balance()
    account = await client.futures_account()
    await client.futures_create_order(symbol=BTC, side="SELL", type="MARKET", quantity="0.01", reduceOnly="true")

    assert Decimal(position["positionAmt"]) == Decimal("0.01")
    assert "USDT" in {row["asset"] for row in balances}
    assert Decimal(account["totalWalletBalance"]) < 100_000
    assert len(await client.futures_account_trades(symbol=BTC)) >= 2
    assert sim.positions() == {}


async def test_refusals_have_the_documented_code(client: Any) -> None:
    with pytest.raises(exceptions.BinanceAPIException) as caught:
        await client.futures_create_order(symbol=BTC, side="BUY", type="LIMIT", timeInForce="GTX", quantity="0.01",
                                          price="68500")  # fmt: skip
    assert caught.value.code == -5022


async def test_the_listen_key_is_leased_and_renewed(client: Any) -> None:
    key = await client.futures_stream_get_listen_key()

    await client.futures_stream_keepalive(key)
    assert await client.futures_stream_get_listen_key() == key
