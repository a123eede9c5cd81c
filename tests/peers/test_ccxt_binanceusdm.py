"""ccxt on Binance USDⓈ-M futures: the async client and ccxt.pro."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import API_KEY, API_SECRET, WAIT_S, Served, peer, serving, until

ccxt = peer("ccxt", "ccxt")
pro = peer("ccxt", "ccxt.pro")

pytestmark = pytest.mark.anyio
PERP = "BTC/USDT:USDT"


def exact(number: float) -> Decimal:
    """Return what a float shows: ccxt hands out floats made from the venue's text."""
    return Decimal(repr(number))


@pytest.fixture(scope="module")
def sim() -> Iterator[Served]:
    with serving("binance-perp") as served:
        yield served


def _redirect(urls: dict[str, Any], host: str) -> None:
    for name, url in urls.items():
        if isinstance(url, dict):
            _redirect(url, host)
        else:
            urls[name] = "/".join([host, *url.split("/", 3)[3:]])


@pytest.fixture
async def client(sim: Served) -> AsyncIterator[Any]:
    options = {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}}
    made = pro.binanceusdm({"apiKey": API_KEY, "secret": API_SECRET, "enableRateLimit": False, "options": options})
    ws = made.urls["api"].pop("ws")
    _redirect(made.urls["api"], sim.base_url)
    _redirect(ws, sim.ws_url)
    made.urls["api"]["ws"] = ws
    try:
        await made.load_markets()
        yield made
    finally:
        await made.close()


async def within(awaited: Any) -> Any:
    async with asyncio.timeout(WAIT_S):
        return await awaited


async def test_market_data(client: Any) -> None:
    book = await client.fetch_order_book(PERP, limit=20)
    rate = await client.fetch_funding_rate(PERP)
    candles = await client.fetch_ohlcv(PERP, "1m", limit=3)
    interest = await client.fetch_open_interest(PERP)

    assert book["bids"][0][0] < book["asks"][0][0]
    assert (rate["fundingRate"], rate["markPrice"] > 0) == (0.0001, True)
    assert len(candles) == 3
    assert interest["openInterestAmount"] > 0
    assert client.markets["BTC/USDT:USDT-261225"]["expiry"] == 1_798_185_600_000


async def test_an_order_is_placed_changed_found_and_cancelled(client: Any, sim: Served) -> None:
    placed = await client.create_order(PERP, "limit", "buy", 0.01, 66_000, {"newClientOrderId": "ccxt-1"})
    await client.edit_order(placed["id"], PERP, "limit", "buy", 0.02, 65_900)
    found = await client.fetch_order(placed["id"], PERP)
    (listed,) = await client.fetch_open_orders(PERP)
    cancelled = await client.cancel_order(placed["id"], PERP)

    assert (exact(found["price"]), exact(found["amount"])) == (Decimal("65900.0"), Decimal("0.02"))
    assert listed["clientOrderId"] == "ccxt-1"
    assert cancelled["status"] == "canceled"
    assert sim.state("ccxt-1")[0] == "CANCELED"


async def test_a_position_is_opened_and_closed(client: Any, sim: Served) -> None:
    await client.set_leverage(5, PERP)
    await client.create_order(PERP, "market", "buy", 0.01)
    (position,) = await client.fetch_positions([PERP])
    fills = await client.fetch_my_trades(PERP)
    await client.create_order(PERP, "market", "sell", 0.01, None, {"reduceOnly": True})

    assert (position["side"], exact(position["contracts"])) == ("long", Decimal("0.01"))
    assert exact(position["leverage"] or 5) == 5
    assert fills[-1]["fee"]["currency"] == "USDT"
    assert sim.positions() == {}


async def test_a_stop_order_lives_in_the_algo_service(client: Any, sim: Served) -> None:
    placed = await client.create_order(PERP, "market", "sell", 0.01, None, {"stopPrice": 60_000, "reduceOnly": True})
    (waiting,) = await client.fetch_open_orders(PERP, params={"trigger": True})
    assert await client.fetch_open_orders(PERP) == []

    await client.cancel_order(placed["id"], PERP, {"trigger": True})

    assert waiting["id"] == placed["id"]
    assert sim.open_ids() == set()


async def test_a_batch_and_cancel_all(client: Any, sim: Served) -> None:
    order = {"symbol": PERP, "type": "limit", "side": "buy", "amount": 0.01}
    placed = await client.create_orders([order | {"price": 66_000}, order | {"price": 65_000}])

    assert sim.open_ids() == {each["clientOrderId"] for each in placed}
    await client.cancel_all_orders(PERP)
    assert sim.open_ids() == set()


async def test_streams_speak(client: Any) -> None:
    book = await within(client.watch_order_book(PERP))
    (trade, *_) = await within(client.watch_trades(PERP))
    mark = await within(client.watch_mark_price(PERP))

    assert book["bids"][0][0] < book["asks"][0][0]
    assert trade["symbol"] == PERP
    assert mark["markPrice"] > 0


async def test_own_orders_are_streamed_and_entered_by_websocket(client: Any, sim: Served) -> None:
    watching = asyncio.create_task(client.watch_orders(PERP))
    await until(lambda: client.clients and any(c.connected.done() for c in client.clients.values()), "private stream")
    placed = await within(client.create_order_ws(PERP, "limit", "buy", 0.01, 65_500))
    (update, *_) = await within(watching)

    assert update["id"] == placed["id"]
    await client.cancel_order(placed["id"], PERP)
    assert sim.open_ids() == set()


async def test_refusals_are_ccxts_own_errors(client: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder):
        await client.create_order(PERP, "limit", "buy", 0.01, 68_500, {"timeInForce": "GTX"})
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("1", PERP)
