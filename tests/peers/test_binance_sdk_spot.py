"""binance-sdk-spot, Binance's official SDK: REST, WS API, user data and market streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from peer_sim import API_KEY, API_SECRET, Served, peer, until

spot = peer("binance-sdk-spot", "binance_sdk_spot.spot")
errors = peer("binance-sdk-spot", "binance_common.errors")

pytestmark = pytest.mark.anyio

TIMEOUT_MS = 15_000  # its default of one second is short for a busy machine


@pytest.fixture
def sdk(sim: Served) -> Any:
    keys = {"api_key": API_KEY, "api_secret": API_SECRET}
    return spot.Spot(
        config_rest_api=spot.ConfigurationRestAPI(**keys, base_path=sim.base_url, timeout=TIMEOUT_MS),
        config_ws_api=spot.ConfigurationWebSocketAPI(**keys, stream_url=f"{sim.ws_url}/ws-api/v3", timeout=TIMEOUT_MS),
        config_ws_streams=spot.ConfigurationWebSocketStreams(stream_url=sim.ws_url),
    )


@pytest.fixture
def rest(sdk: Any) -> Any:
    return sdk.rest_api


@pytest.fixture
async def ws(sdk: Any) -> AsyncIterator[Any]:
    await sdk.websocket_api.create_connection()
    try:
        yield sdk.websocket_api
    finally:
        await sdk.websocket_api.close_connection(close_session=True)


@pytest.fixture
async def streams(sdk: Any) -> AsyncIterator[Any]:
    await sdk.websocket_streams.create_connection()
    try:
        yield sdk.websocket_streams
    finally:
        await sdk.websocket_streams.close_connection(close_session=True)


def limit_buy(client_id: str) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": 60000,
        "new_client_order_id": client_id,
    }  # fmt: skip


def test_rest_market_data_is_of_one_market(rest: Any) -> None:
    (symbol,) = rest.exchange_info(symbol="BTCUSDT").data().symbols
    assert (symbol.symbol, symbol.base_asset, symbol.status) == ("BTCUSDT", "BTC", "TRADING")

    depth = rest.depth("BTCUSDT", limit=100).data()
    bids = [Decimal(price) for price, _ in depth.bids]
    asks = [Decimal(price) for price, _ in depth.asks]
    assert (bids, asks) == (sorted(bids, reverse=True), sorted(asks))
    assert bids[0] < asks[0]

    candles = rest.klines("BTCUSDT", "1m", limit=5).data()
    opened = [int(candle[0]) for candle in candles]
    assert opened == [opened[-1] - 60_000 * back for back in (4, 3, 2, 1, 0)]
    trades = rest.get_trades("BTCUSDT", limit=10).data()
    assert [trade.id for trade in trades] == sorted(trade.id for trade in trades)


def test_rest_reports_the_weight_that_the_venue_counts(rest: Any) -> None:
    before = rest.time().rate_limits[0].count
    assert rest.depth("BTCUSDT", limit=100).rate_limits[0].count >= before + 5


def test_rest_limit_order_rests_is_found_and_cancelled(rest: Any, sim: Served) -> None:
    placed = rest.new_order(**limit_buy("sdk-limit")).data()
    assert (placed.status, placed.order_id) == ("NEW", sim.order("sdk-limit")["id"])
    assert rest.get_order("BTCUSDT", order_id=placed.order_id).data().client_order_id == "sdk-limit"
    assert {order.client_order_id for order in rest.get_open_orders("BTCUSDT").data()} == sim.open_ids()

    assert rest.delete_order("BTCUSDT", orig_client_order_id="sdk-limit").data().status == "CANCELED"
    assert sim.state("sdk-limit") == ("CANCELED", Decimal("0.01"), Decimal(0))


def test_rest_market_order_fills_and_its_trades_are_the_ledgers(rest: Any, sim: Served) -> None:
    placed = rest.new_order("BTCUSDT", "BUY", "MARKET", quantity=0.5, new_client_order_id="sdk-market").data()

    fills = sim.fills("sdk-market")
    assert (placed.status, Decimal(placed.executed_qty)) == ("FILLED", sum(quantity for _, _, quantity in fills))
    assert [(f.trade_id, Decimal(f.price), Decimal(f.qty)) for f in placed.fills] == fills
    mine = rest.my_trades("BTCUSDT", order_id=placed.order_id).data()
    assert [(t.id, Decimal(t.price), Decimal(t.qty)) for t in mine] == fills


def test_rest_stop_order_waits_and_goes_with_cancel_all(rest: Any, sim: Served) -> None:
    rest.new_order(**limit_buy("sdk-stop") | {"side": "SELL", "type": "STOP_LOSS_LIMIT", "stop_price": 61000})
    assert sim.state("sdk-stop")[0] == "NEW"

    rest.delete_open_orders("BTCUSDT")
    assert sim.state("sdk-stop")[0] == "CANCELED"
    assert not sim.open_ids()


def test_rest_account_shows_the_ledgers_balances(rest: Any, sim: Served) -> None:
    account = rest.get_account(omit_zero_balances=True).data()

    assert {b.asset: (Decimal(b.free), Decimal(b.locked)) for b in account.balances} == sim.balances()


def test_rest_refusal_carries_the_venues_code(rest: Any, sim: Served) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        rest.new_order(**limit_buy("sdk-poor") | {"quantity": 100})

    assert caught.value.status_code == -2010  # the SDK keeps the venue's code there
    assert "sdk-poor" not in {order["client_id"] for order in sim.ledger()["orders"]}


async def test_ws_api_places_finds_and_cancels(ws: Any, sim: Served) -> None:
    placed = (await ws.order_place(**limit_buy("sdk-ws"))).data().result
    assert (placed.status, placed.order_id) == ("NEW", sim.order("sdk-ws")["id"])

    found = (await ws.order_status(symbol="BTCUSDT", orig_client_order_id="sdk-ws")).data().result
    assert (found.status, found.order_id) == ("NEW", placed.order_id)

    await ws.order_cancel(symbol="BTCUSDT", orig_client_order_id="sdk-ws")
    assert sim.state("sdk-ws")[0] == "CANCELED"
    account = (await ws.account_status(omit_zero_balances=True)).data().result
    assert {b.asset: (Decimal(b.free), Decimal(b.locked)) for b in account.balances} == sim.balances()


async def test_user_data_follows_an_order_to_its_fill(ws: Any, sim: Served) -> None:
    seen: list[Any] = []
    subscription = await ws.user_data_stream_subscribe_signature()
    subscription.stream.on("message", lambda event: seen.append(event.actual_instance))

    def report(kind: str) -> Any:
        return next((e for e in seen if type(e).__name__ == "ExecutionReport" and e.x == kind), None)

    await ws.order_place(**limit_buy("sdk-user") | {"side": "SELL", "price": 75000})
    event = await until(lambda: report("NEW"), "report of the new order")
    assert (event.c, event.X) == ("sdk-user", "NEW")

    sim.do("fill", client_order_id="sdk-user")
    event = await until(lambda: report("TRADE"), "report of the fill")
    assert (event.X, [(event.t, Decimal(event.L), Decimal(event.l))]) == ("FILLED", sim.fills("sdk-user"))
    usdt = sim.balances()["USDT"]
    await until(
        lambda: any(
            (Decimal(b.f), Decimal(b.l)) == usdt
            for e in seen
            if type(e).__name__ == "OutboundAccountPosition"
            for b in e.B
            if b.a == "USDT"
        ),
        "balance of the ledger",
    )


async def test_trade_stream_shows_our_own_fill(streams: Any, rest: Any, sim: Served) -> None:
    seen: dict[int, Any] = {}
    stream = await streams.trade(symbol="btcusdt")
    stream.on("message", lambda trade: seen.setdefault(trade.t, trade))
    await until(lambda: seen, "trade")

    rest.new_order("BTCUSDT", "SELL", "MARKET", quantity=0.01, new_client_order_id="sdk-print")
    trade_id, price, quantity = sim.fills("sdk-print")[0]
    trade = await until(lambda: seen.get(trade_id), "own trade")
    assert (Decimal(trade.p), Decimal(trade.q), trade.m) == (price, quantity, True)


async def test_depth_and_kline_streams(streams: Any, rest: Any) -> None:
    changes: list[Any] = []
    klines: list[Any] = []
    depth = await streams.diff_book_depth(symbol="btcusdt", update_speed="100ms")
    depth.on("message", changes.append)
    kline = await streams.kline(symbol="btcusdt", interval="1m")
    kline.on("message", klines.append)

    await until(lambda: len(changes) > 2 and klines, "three book changes and a candle")
    assert [change.U for change in changes[1:]] == [change.u + 1 for change in changes[:-1]]
    (candle,) = rest.klines("BTCUSDT", "1m", start_time=klines[0].k.t, limit=1).data()
    assert (int(candle[0]), candle[1]) == (klines[0].k.t, klines[0].k.o)
