"""Every kind of order, and what can be done with it."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal as D

import pytest
from e2e_kit import BTC, CANCEL, KEY, PLACE, Connect, collect, limit_buy, market_buy

import lotusx
from lotusx.errors import DuplicateOrder, NoChange, OrderNotFound, PostOnlyWouldTake, WouldTrigger
from lotusx.model import FillEvent, OrderEvent
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio
Request = lotusx.OrderRequest


async def test_a_limit_order_rests_with_exactly_what_was_asked(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(limit_buy("a-1", "60000.01", "0.00123"))
    assert order.status is lotusx.OrderStatus.OPEN
    assert (order.state.price, order.state.quantity, order.filled) == (D("60000.01"), D("0.00123"), D(0))
    at_venue = sim.order("a-1")
    assert (at_venue.price, at_venue.quantity) == (D("60000.01"), D("0.00123"))
    assert order.venue_order_id == str(at_venue.id)


async def test_a_market_order_fills_and_knows_its_fills(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(market_buy("a-1"))
    assert order.status is lotusx.OrderStatus.FILLED
    assert order.filled == D("0.01")
    there = sim.fills()
    assert [(fill.trade_id, fill.price, fill.quantity, fill.fee) for fill in order.fills] == [
        (str(fill.trade_id), fill.price, fill.quantity, fill.fee) for fill in there
    ]


async def test_a_market_order_may_state_what_it_spends(exchange: lotusx.Exchange, sim: Simulator) -> None:
    request = Request.market(BTC, "buy", "1000", quantity_unit="quote", client_order_id="a-1")
    order = await exchange.trading.place(request)
    assert order.status is lotusx.OrderStatus.FILLED
    assert order.filled == sim.order("a-1").executed
    assert D("990") < sum(fill.price * fill.quantity for fill in order.fills) <= D(1000)


@pytest.mark.parametrize(("force", "ends"), [("ioc", "expired"), ("fok", "expired"), ("gtc", "open")])
async def test_a_limit_order_that_cannot_fill_ends_by_its_time_in_force(
    exchange: lotusx.Exchange, sim: Simulator, force: str, ends: str
) -> None:
    order = await exchange.trading.place(limit_buy("a-1", time_in_force=force))
    assert order.status == ends
    assert order.filled == 0
    assert bool(sim.open_orders()) is (ends == "open")


async def test_an_ioc_order_takes_what_is_there_and_lets_the_rest_go(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_book("BTCUSDT", bids=[("68000", "1")], asks=[("68001", "0.004"), ("69000", "1")])
    order = await exchange.trading.place(limit_buy("a-1", "68001", "0.01", time_in_force="ioc"))
    assert order.status is lotusx.OrderStatus.EXPIRED
    assert order.filled == D("0.004")


async def test_a_post_only_order_rests_or_is_refused(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(limit_buy("a-1", post_only=True))
    assert order.state.post_only
    with pytest.raises(PostOnlyWouldTake) as caught:
        await exchange.trading.place(limit_buy("a-2", "70000", post_only=True))
    assert caught.value.code == "-2010"
    assert sim.order_ids() == ["a-1"]


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "moves_to"),
    [
        ("stop_loss", "sell", "67000", "66900"),
        ("stop_loss", "buy", "69000", "69100"),
        ("take_profit", "sell", "69000", "69100"),
        ("take_profit", "buy", "67000", "66900"),
    ],
)
@pytest.mark.parametrize("limited", [False, True])
async def test_a_conditional_order_waits_for_its_trigger_and_then_works(
    exchange: lotusx.Exchange, sim: Simulator, kind: str, side: str, trigger: str, moves_to: str, *, limited: bool
) -> None:
    price = {"price": "1" + trigger if side == "buy" else "60000"} if limited else {}
    kind += "_limit" if limited else ""
    order = await exchange.trading.place(
        Request(
            symbol=BTC, side=side, type=kind, quantity="0.01", trigger_price=trigger, client_order_id="a-1", **price
        )
    )
    assert order.status in ("open", "pending")
    assert order.state.type == kind
    assert order.state.trigger_price == D(trigger)
    order.poll_s = 0.02
    move(sim, moves_to)
    final = await order.settled(5)
    assert final.status is lotusx.OrderStatus.FILLED
    assert final.filled == sim.order("a-1").executed == D("0.01")


def move(sim: Simulator, price: str) -> None:
    """Let the market stand and trade at *price*."""
    sim.set_book("BTCUSDT", bids=[(D(price) - 1, "5")], asks=[(D(price), "5")])
    sim.trade("BTCUSDT", "buy", "0.001")


async def test_a_conditional_order_that_would_trigger_at_once_is_refused(exchange: lotusx.Exchange) -> None:
    with pytest.raises(WouldTrigger):
        await exchange.trading.place(
            Request(symbol=BTC, side="sell", type="stop_loss", quantity="0.01", trigger_price="90000")
        )


async def test_a_trailing_order_carries_its_fraction(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(
        Request(
            symbol=BTC, side="sell", type="trailing_stop", quantity="0.01", trailing_fraction="0.01",
            client_order_id="a-1",
        )
    )  # fmt: skip
    assert sim.order("a-1").trailing_bps == 100


async def test_an_order_without_an_id_gets_one_before_it_is_sent(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(Request.limit(BTC, "buy", "0.01", "60000"))
    assert sim.order_ids() == [order.client_order_id]


async def test_a_duplicate_id_is_refused_before_sending(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    with pytest.raises(lotusx.InvalidArgument, match="used before"):
        await exchange.trading.place(limit_buy("a-1"))
    assert sim.requests[PLACE] == 1


async def test_an_id_another_connection_uses_is_a_duplicate_order(connect: Connect, sim: Simulator) -> None:
    async with connect() as one, connect() as two:
        await one.trading.place(limit_buy("a-1"))
        with pytest.raises(DuplicateOrder) as caught:
            await two.trading.place(limit_buy("a-1", "61000"))
    assert caught.value.code == "-2010"
    assert sim.order_ids() == ["a-1"]


async def test_too_little_money_is_insufficient_funds(exchange: lotusx.Exchange, sim: Simulator) -> None:
    with pytest.raises(lotusx.InsufficientFunds) as caught:
        await exchange.trading.place(limit_buy("a-1", quantity="100"))
    assert caught.value.code == "-2010"
    assert sim.order_ids() == []


async def test_cancelling_says_what_became_of_the_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    sim.fill("a-1", "0.004")
    final = await exchange.trading.cancel(BTC, client_order_id="a-1")
    assert (final.status, final.filled) == (lotusx.OrderStatus.CANCELED, D("0.004"))
    assert sim.open_order_ids() == []


async def test_cancelling_by_the_venues_id_works_too(exchange: lotusx.Exchange) -> None:
    order = await exchange.trading.place(limit_buy("a-1"))
    final = await exchange.trading.cancel(BTC, venue_order_id=order.venue_order_id)
    assert final.client_order_id == "a-1"
    assert order.status is lotusx.OrderStatus.CANCELED


async def test_cancelling_an_order_that_filled_meanwhile_tells_that(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    sim.fill("a-1")
    final = await exchange.trading.cancel(BTC, client_order_id="a-1")
    assert (final.status, final.filled) == (lotusx.OrderStatus.FILLED, D("0.01"))


async def test_cancel_all_cancels_the_symbol_and_then_the_rest(exchange: lotusx.Exchange, sim: Simulator) -> None:
    for name in ("a-1", "a-2"):
        await exchange.trading.place(limit_buy(name))
    await exchange.trading.place(Request.limit("ETH/USDT", "buy", "0.01", "2000", client_order_id="e-1"))
    gone = await exchange.trading.cancel_all(BTC)
    assert sorted(str(state.client_order_id) for state in gone) == ["a-1", "a-2"]
    assert sim.open_order_ids() == ["e-1"]
    assert [state.client_order_id for state in await exchange.trading.cancel_all()] == ["e-1"]
    assert await exchange.trading.cancel_all() == []
    assert await exchange.trading.cancel_all(BTC) == []


async def test_a_smaller_quantity_keeps_the_order_and_its_place(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(limit_buy("a-1"))
    amended = await exchange.trading.amend(BTC, client_order_id="a-1", quantity="0.004")
    assert amended.state.quantity == D("0.004")
    assert amended.venue_order_id == order.venue_order_id
    assert [(item.id, item.quantity) for item in sim.open_orders()] == [(int(order.venue_order_id or 0), D("0.004"))]


async def test_another_price_replaces_the_order_under_one_handle(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(limit_buy("a-1"))
    first = order.venue_order_id
    amended = await exchange.trading.amend(BTC, client_order_id="a-1", price="61000")
    assert (amended.state.price, amended.status) == (D(61000), lotusx.OrderStatus.OPEN)
    assert amended.client_order_id == "a-1"
    assert amended.venue_order_id != first
    assert [item.price for item in sim.open_orders()] == [D(61000)]
    final = await exchange.trading.cancel(BTC, client_order_id="a-1")
    assert final.status is lotusx.OrderStatus.CANCELED
    assert order.status is lotusx.OrderStatus.CANCELED
    assert sim.open_orders() == []


async def test_an_amendment_after_a_partial_fill_counts_what_is_filled(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    order = await exchange.trading.place(limit_buy("a-1"))
    sim.fill("a-1", "0.004")
    await exchange.trading.order(BTC, client_order_id="a-1")
    await exchange.trading.amend(BTC, client_order_id="a-1", price="61000")
    (standing,) = sim.open_orders()
    assert standing.quantity == D("0.006")
    assert order.filled == D("0.004")


async def test_an_amendment_that_changes_nothing_is_refused(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    with pytest.raises((lotusx.InvalidArgument, NoChange)):
        await exchange.trading.amend(BTC, client_order_id="a-1")
    assert sim.order("a-1").is_open


async def test_a_test_order_places_nothing(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.test(limit_buy("a-1"))
    assert sim.requests[("POST", "/api/v3/order/test")] == 1
    assert sim.orders() == []


async def test_an_order_is_looked_up_by_either_id(exchange: lotusx.Exchange) -> None:
    order = await exchange.trading.place(limit_buy("a-1"))
    by_client = await exchange.trading.order(BTC, client_order_id="a-1")
    by_venue = await exchange.trading.order(BTC, venue_order_id=order.venue_order_id)
    assert by_client == by_venue
    assert by_client.status is lotusx.OrderStatus.OPEN
    with pytest.raises(OrderNotFound) as caught:
        await exchange.trading.order(BTC, client_order_id="never")
    assert caught.value.code == "-2013"


async def test_open_orders_are_those_of_the_ledger(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    await exchange.trading.place(Request.limit("ETH/USDT", "buy", "0.01", "2000", client_order_id="e-1"))
    assert [state.client_order_id for state in await exchange.trading.open_orders(BTC)] == ["a-1"]
    assert [state.client_order_id for state in await exchange.trading.open_orders()] == sim.open_order_ids()


async def test_history_of_orders_and_fills_is_whole_and_ordered(exchange: lotusx.Exchange, sim: Simulator) -> None:
    start = sim.now_ns() - 1_000_000_000
    for number in range(12):
        await exchange.trading.place(market_buy(f"m-{number}", "0.001"))
    await exchange.trading.place(limit_buy("a-1"))
    orders = await collect(exchange.trading.iter_orders(BTC, start=start))
    assert [state.client_order_id for state in orders] == sim.order_ids()
    fills = await collect(exchange.trading.iter_fills(BTC, start=start))
    assert [(fill.trade_id, fill.price, fill.quantity, fill.fee, fill.fee_asset) for fill in fills] == [
        (str(fill.trade_id), fill.price, fill.quantity, fill.fee, fill.fee_asset) for fill in sim.fills()
    ]
    newest = await collect(exchange.trading.iter_orders(BTC))
    assert newest[-1].client_order_id == "a-1"


async def test_settled_returns_when_the_exchange_has_ended_the_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(limit_buy("a-1"))
    with pytest.raises(TimeoutError, match="still open"):
        await order.settled(0.02)
    order.poll_s = 0.02
    sim.fill("a-1")
    final = await order.settled(5)
    assert (final.status, final.filled) == (lotusx.OrderStatus.FILLED, D("0.01"))


async def test_the_events_of_an_order_tell_its_life_and_end_with_it(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account():
        order = await exchange.trading.place(limit_buy("a-1"))
        events = order.events()
        sim.fill("a-1", "0.004")
        sim.fill("a-1", "0.006")
        said = await collect(events)
    filled = [event.state.filled for event in said if isinstance(event, OrderEvent)]
    assert filled == sorted(filled)
    assert filled[-1] == D("0.01")
    assert [event.fill.quantity for event in said if isinstance(event, FillEvent)] == [D("0.004"), D("0.006")]


async def test_a_batch_is_not_offered_and_emulated_on_request(exchange: lotusx.Exchange, sim: Simulator) -> None:
    batch = [limit_buy("a-1"), limit_buy("a-2", quantity="100"), limit_buy("a-3")]
    with pytest.raises(lotusx.NotSupported, match="place, once per order"):
        await exchange.trading.place_batch_orders(batch)
    assert sim.requests[PLACE] == 0
    one, two, three = await exchange.trading.place_batch_orders(batch, emulate=True)
    assert isinstance(one, lotusx.Accepted)
    assert isinstance(two, lotusx.Rejected)
    assert isinstance(two.error, lotusx.InsufficientFunds)
    assert isinstance(three, lotusx.Accepted)
    assert sim.open_order_ids() == ["a-1", "a-3"]


async def test_an_emulated_batch_of_cancels_answers_for_each(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    outcomes = await exchange.trading.cancel_batch_orders(BTC, ["a-1"], emulate=True)
    assert [type(outcome) for outcome in outcomes] == [lotusx.Accepted]
    assert sim.open_orders() == []


@pytest.mark.parametrize("how", ["cancel_all_after", "positions"])
async def test_what_spot_does_not_have_is_refused_with_what_to_use_instead(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    with pytest.raises(lotusx.NotSupported, match="instead"):
        await (exchange.trading.cancel_all_after(5) if how == "cancel_all_after" else exchange.account.positions())
    assert not sim.requests


async def test_orders_go_over_the_websocket_api_where_that_is_chosen(connect: Connect, sim: Simulator) -> None:
    async with connect(options={"order_entry": "ws"}) as exchange:
        await exchange.trading.ready()
        order = await exchange.trading.place(limit_buy("a-1"))
        assert order.status is lotusx.OrderStatus.OPEN
        final = await exchange.trading.cancel(BTC, client_order_id="a-1")
        assert final.status is lotusx.OrderStatus.CANCELED
        with pytest.raises(lotusx.InsufficientFunds):
            await exchange.trading.place(limit_buy("a-2", quantity="100"))
    assert (sim.requests[("WS", "order.place")], sim.requests[("WS", "order.cancel")]) == (2, 1)
    assert (sim.requests[PLACE], sim.requests[CANCEL]) == (0, 0)


async def test_the_first_websocket_order_after_ready_opens_no_socket(connect: Connect, sim: Simulator) -> None:
    async with connect(options={"order_entry": "ws"}) as exchange:
        await exchange.trading.ready()
        made, asked = sim.connections_made, sum(sim.requests.values())
        await exchange.trading.place(limit_buy("a-1"))
        assert sim.connections_made == made
        assert sum(sim.requests.values()) == asked + 1


FIRST_ORDER = """
import sys
import anyio
import lotusx
from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.shells import memory


async def main():
    async with memory.connect(Simulator(BinanceSpot(seed=1, actions_per_s=0))) as server:
        async with lotusx.connect(
            "binance", environment="simulator", base_url=server.base_url, credentials=KEY,
            http=server.http, ws=server.ws, clock=server.clock,
        ) as exchange:
            assert "lotusx.model.requests" not in sys.modules
            await exchange.trading.ready()
            before = set(sys.modules)
            await exchange.trading.place(lotusx.OrderRequest.limit("BTC/USDT", "buy", "0.001", "50000"))
            print(*sorted(set(sys.modules) - before))


anyio.run(main)
"""


def test_the_first_order_after_ready_imports_nothing() -> None:
    code = FIRST_ORDER.replace("KEY", repr(KEY))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == ""


async def test_balances_and_fees_are_the_ledgers(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    said = {item.asset: (item.free, item.locked, item.total) for item in await exchange.account.balances()}
    there = sim.balances()
    assert {asset: (free, locked) for asset, (free, locked, _) in said.items()} == {
        asset: (balance.free, balance.locked) for asset, balance in there.items() if balance.free or balance.locked
    }
    assert said["USDT"][1] == D(600)
    fees = await exchange.account.fees(BTC)
    assert (fees.maker, fees.taker) == (D("0.001"), D("0.001"))
    permissions = await exchange.account.permissions()
    assert (permissions.read, permissions.trade) == (True, True)


async def test_native_methods_and_calls_reach_the_exchanges_own_endpoints(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    native = exchange.native
    await exchange.trading.place(limit_buy("a-1"))
    price = await native.average_price("BTCUSDT")  # type: ignore[attr-defined]
    assert D(price.price) > 0
    raw = await native.call("GET", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, signed=True, weight=6)
    assert [item["clientOrderId"] for item in raw] == ["a-1"]
    counts = await native.unfilled_order_count()  # type: ignore[attr-defined]
    assert [item.count for item in counts] == [1, 1]
    with pytest.raises(lotusx.InvalidArgument):
        await native.call("GET", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": 0.5})
    asked = sum(sim.requests.values())
    with pytest.raises(lotusx.NotSupported, match="allow_withdrawals"):
        await native.call("POST", "/sapi/v1/capital/withdraw/apply", {"coin": "BTC"}, signed=True)
    assert sum(sim.requests.values()) == asked
