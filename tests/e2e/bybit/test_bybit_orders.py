"""Every kind of order on Bybit: what is acknowledged, what becomes of it, and what can be done with it."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from e2e_bybit import (
    BATCH,
    CANCEL_BATCH,
    CREATE,
    INVERSE,
    MARKETS,
    PERP,
    SPOT,
    WS,
    Request,
    awaited,
    market,
    name_of,
    resting,
    stop,
)
from e2e_kit import Connect, collect, until

from lotusx.errors import InsufficientFunds, InvalidArgument, NotSupported, OrderNotFound
from lotusx.model import Accepted, AmendRequest, FillEvent, OrderEvent, OrderStatus, OrderType, Rejected, TimeInForce
from lotusx_sim import Bybit, Simulator

pytestmark = pytest.mark.anyio
ALL = pytest.mark.parametrize("symbol", [SPOT, PERP, INVERSE])
ENTRY = pytest.mark.parametrize("entry", [{}, WS], ids=["rest", "ws"])


@ENTRY
@ALL
async def test_rejection_after_the_acknowledgement_reaches_the_handle_and_the_stream(
    connect: Connect, venue: Bybit, symbol: str, entry: dict[str, Any]
) -> None:
    async with connect(name_of(symbol), **entry) as exchange, exchange.account.stream_account() as events:
        venue.reject_after_ack("EC_ReachMaxTradeNum")
        order = await exchange.trading.place(resting("a-1", symbol))
        final = await order.settled(10)
        assert (final.status, final.reason) == (OrderStatus.REJECTED, "EC_ReachMaxTradeNum")
        event = await awaited(events, OrderEvent, lambda each: each.state.status is OrderStatus.REJECTED)
        assert event.state.client_order_id == "a-1"


async def test_rejection_after_the_acknowledgement_is_found_by_asking_where_nobody_follows_the_account(
    connect: Connect, venue: Bybit
) -> None:
    async with connect() as exchange:
        venue.reject_after_ack("EC_Others")
        order = await exchange.trading.place(resting("a-1"))
        assert order.status is OrderStatus.PENDING
        final = await order.settled(10)
        assert (final.status, final.reason) == (OrderStatus.REJECTED, "EC_Others")


@ALL
async def test_order_is_pending_until_a_report_says_more(connect: Connect, sim: Simulator, symbol: str) -> None:
    async with connect(name_of(symbol)) as exchange:
        order = await exchange.trading.place(resting("a-1", symbol, price="80001"))
        assert order.status is OrderStatus.PENDING
        assert sim.order("a-1").price == D("80001")
        found = await exchange.trading.order(symbol, client_order_id="a-1")
        assert (found.status, found.venue_order_id) == (OrderStatus.OPEN, order.venue_order_id)
        assert order.state.status is OrderStatus.OPEN


@ALL
async def test_market_order_fills_with_its_fees(connect: Connect, sim: Simulator, symbol: str) -> None:
    async with connect(name_of(symbol)) as exchange:
        order = await exchange.trading.place(market("a-1", symbol))
        final = await order.settled(10)
        fills = await order.fetch_fills()
        assert final.status is OrderStatus.FILLED
        assert sum(fill.quantity for fill in fills) == order.filled == sum(fill.quantity for fill in sim.fills())
        assert all(fill.fee is not None and fill.fee_asset for fill in fills)
        history = await collect(exchange.trading.iter_fills(symbol))
        assert sorted(fill.trade_id for fill in history) == sorted(fill.trade_id for fill in fills)


async def test_market_order_in_quote_spends_what_was_stated(connect: Connect) -> None:
    async with connect("bybit") as exchange:
        order = await exchange.trading.place(market("a-1", SPOT, quantity="100", quantity_unit="quote"))
        final = await order.settled(10)
        assert final.status is OrderStatus.FILLED
        assert D(90) < (final.filled_quote or 0) <= 100


@pytest.mark.parametrize("symbol", [PERP, INVERSE])
async def test_post_only_that_would_take_is_acknowledged_and_then_canceled(connect: Connect, symbol: str) -> None:
    async with connect() as exchange:
        order = await exchange.trading.place(resting("a-1", symbol, price="90000", post_only=True))
        final = await order.settled(10)
        assert (final.status, final.reason, final.filled) == (
            OrderStatus.CANCELED,
            "EC_PostOnlyWillTakeLiquidity",
            D(0),
        )


@ALL
@pytest.mark.parametrize("kind", ["ioc", "fok"])
async def test_order_that_takes_at_once_never_rests(connect: Connect, sim: Simulator, symbol: str, kind: str) -> None:
    async with connect(name_of(symbol)) as exchange:
        order = await exchange.trading.place(resting("a-1", symbol, time_in_force=kind))
        final = await order.settled(10)
        assert final.status.is_terminal
        assert (final.filled, final.time_in_force) == (D(0), TimeInForce(kind))
        assert sim.open_orders() == []


@ALL
async def test_stop_waits_and_is_found_listed_and_canceled(connect: Connect, sim: Simulator, symbol: str) -> None:
    async with connect(name_of(symbol)) as exchange:
        if symbol != SPOT:
            await (await exchange.trading.place(market("a-0", symbol))).settled(10)
        order = await exchange.trading.place(stop("a-1", symbol))
        (listed,) = await exchange.trading.open_orders(symbol)
        assert (listed.client_order_id, listed.type, listed.trigger_price) == ("a-1", OrderType.STOP_LOSS, D(80_000))
        assert listed.status is OrderStatus.PENDING
        await exchange.trading.cancel(symbol, client_order_id="a-1")
        found = await exchange.trading.order(symbol, venue_order_id=order.venue_order_id)
        assert found.status is OrderStatus.CANCELED
        assert sim.open_orders() == []


async def test_batch_cancels_stops_of_spot_too(connect: Connect, sim: Simulator) -> None:
    async with connect("bybit") as exchange:
        await exchange.trading.place(resting("a-1", SPOT))
        await exchange.trading.place(stop("a-2", SPOT))
        outcomes = await exchange.trading.cancel_batch_orders(SPOT, ["a-1", "a-2", "a-3"])
        assert [type(each) for each in outcomes] == [Accepted, Accepted, Rejected]
        assert sim.open_orders() == []


async def test_stop_of_a_position_triggers(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange, exchange.account.stream_account():
        await (await exchange.trading.place(market("a-1"))).settled(10)
        order = await exchange.trading.place(stop("a-2", reduce_only=True))
        await until(lambda: order.status is OrderStatus.PENDING and order.state.raw_status == "Untriggered")
        sim.set_book(MARKETS[PERP], bids=[("79990", "5")], asks=[("79991", "5")])
        sim.trade(MARKETS[PERP], "sell", "0.001")
        final = await order.settled(10)
        assert (final.status, final.filled) == (OrderStatus.FILLED, D("0.01"))
        assert await exchange.account.positions() == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("down", [False, True], ids=["heard", "while the connection is down"])
@ALL
async def test_stop_is_amended_and_followed_through_its_trigger(
    connect: Connect, sim: Simulator, symbol: str, down: bool
) -> None:
    quantity = D("1000") if symbol == INVERSE else D("0.01")
    async with connect(name_of(symbol)) as exchange, exchange.account.stream_account() as events:
        placed = stop("a-1", symbol, trigger="83000", type="stop_loss_limit", price="82000")
        order = await exchange.trading.place(placed)
        await awaited(events, OrderEvent, lambda each: each.state.raw_status == "Untriggered")
        await exchange.trading.amend(symbol, client_order_id="a-1", price="82500", quantity=quantity * 2)
        (waiting,) = await exchange.trading.open_orders(symbol)
        assert (waiting.price, waiting.quantity, waiting.trigger_price) == (D(82_500), quantity * 2, D(83_000))
        assert (waiting.type, waiting.status) == (OrderType.STOP_LOSS_LIMIT, OrderStatus.PENDING)
        if down:
            sim.cut_connections("rst")
        sim.set_book(MARKETS[symbol], bids=[("82990", "5000")], asks=[("82991", "5000")])
        sim.trade(MARKETS[symbol], "sell", "1" if symbol == INVERSE else "0.001")
        final = await order.settled(20)
        assert (final.status, final.filled, final.client_order_id) == (OrderStatus.FILLED, quantity * 2, "a-1")
        told = await awaited(events, FillEvent, lambda each: each.fill.client_order_id == "a-1")
        assert told.fill.quantity == quantity * 2
        assert await exchange.trading.open_orders(symbol) == []


async def test_take_profit_and_stop_loss_go_along_with_their_order(connect: Connect) -> None:
    async with connect() as exchange:
        attached = {"takeProfit": "90000", "stopLoss": "80000", "tpslMode": "Full"}
        order = await exchange.trading.place(market("a-1", native=attached))
        await order.settled(10)
        waiting = await exchange.trading.open_orders(PERP)
        assert {state.trigger_price for state in waiting} == {D(90_000), D(80_000)}
        assert {state.type for state in waiting} == {OrderType.TAKE_PROFIT, OrderType.STOP_LOSS}
        assert all(state.reduce_only for state in waiting)


@ENTRY
@ALL
async def test_amended_order_keeps_its_ids_and_has_its_new_terms(
    connect: Connect, sim: Simulator, symbol: str, entry: dict[str, Any]
) -> None:
    quantity = D("1000") if symbol == INVERSE else D("0.01")
    async with connect(name_of(symbol), **entry) as exchange:
        before = await exchange.trading.place(resting("a-1", symbol))
        order = await exchange.trading.amend(symbol, client_order_id="a-1", price="79000", quantity=quantity * 2)
        found = await exchange.trading.order(symbol, client_order_id="a-1")
        assert (found.price, found.quantity, found.venue_order_id) == (D(79_000), quantity * 2, before.venue_order_id)
        assert (order.state.price, order.state.quantity) == (D(79_000), quantity * 2)
        assert sim.open_order_ids() == ["a-1"]


@ENTRY
async def test_refusals_are_the_same_by_rest_and_by_socket(
    connect: Connect, sim: Simulator, entry: dict[str, Any]
) -> None:
    async with connect(**entry) as exchange:
        with pytest.raises(InsufficientFunds) as caught:
            await exchange.trading.place(resting("a-1", quantity="100"))
        assert caught.value.code == "110007"
        with pytest.raises(OrderNotFound):
            await exchange.trading.cancel(PERP, venue_order_id="6ba7b810-9dad-11d1-80b4-00c04fd430c8")
        assert sim.orders() == []


async def test_orders_over_the_socket_need_no_http_and_are_ready_before(connect: Connect, sim: Simulator) -> None:
    async with connect(**WS) as exchange:
        await exchange.trading.ready()
        opened = len(sim.ws_connections)
        before = dict(sim.requests)
        await exchange.trading.place(resting("a-1"))
        await exchange.trading.amend(PERP, client_order_id="a-1", price="79000")
        await exchange.trading.cancel(PERP, client_order_id="a-1")
        assert (opened, len(sim.ws_connections)) == (1, 1)
        asked = {key for key, count in sim.requests.items() if count != before.get(key) and key[0] != "WS"}
        assert asked <= {("GET", "/v5/market/time")}
        assert sim.order_ids() == ["a-1"]
        assert not sim.open_orders()


@ENTRY
async def test_batch_larger_than_the_quota_is_sent_in_parts_that_all_pass(
    connect: Connect, sim: Simulator, entry: dict[str, Any]
) -> None:
    async with connect(**entry) as exchange:
        await exchange.trading.ready()
        outcomes = await exchange.trading.place_batch_orders([resting(f"a-{index}") for index in range(23)])
        assert all(isinstance(each, Accepted) for each in outcomes), outcomes
        assert [each.client_order_id for each in outcomes] == [f"a-{index}" for index in range(23)]
        assert len(sim.open_orders()) == 23
        assert entry or sim.requests[BATCH] == 3


async def test_batch_of_both_categories_has_its_outcomes_in_order(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        requests = [
            resting("a-1", INVERSE),
            resting("a-2", PERP),
            resting("a-3", PERP, quantity="100"),
            resting("a-4", INVERSE),
        ]
        outcomes = await exchange.trading.place_batch_orders(requests)
        assert [type(each).__name__ for each in outcomes] == ["Accepted", "Accepted", "Rejected", "Accepted"]
        assert isinstance(outcomes[2], Rejected)
        assert isinstance(outcomes[2].error, InsufficientFunds)
        changes = [AmendRequest(INVERSE, client_order_id="a-1", price=79_000), AmendRequest(PERP, "a-2", price=78_000)]
        assert all(isinstance(each, Accepted) for each in await exchange.trading.amend_batch_orders(changes))
        assert sorted(order.price for order in sim.open_orders() if order.price) == [78_000, 79_000, 80_000]


@ALL
async def test_cancel_all_tells_how_each_order_ended(connect: Connect, sim: Simulator, symbol: str) -> None:
    async with connect(name_of(symbol)) as exchange:
        for name in ("a-1", "a-2"):
            await exchange.trading.place(resting(name, symbol))
        ended = await exchange.trading.cancel_all()
        assert {(state.client_order_id, state.status) for state in ended} == {
            ("a-1", OrderStatus.CANCELED),
            ("a-2", OrderStatus.CANCELED),
        }
        assert sim.open_orders() == []
        assert await exchange.trading.cancel_all(symbol) == []


@ALL
async def test_history_has_open_and_ended_orders_oldest_first(connect: Connect, symbol: str) -> None:
    async with connect(name_of(symbol)) as exchange:
        await exchange.trading.place(resting("a-1", symbol))
        await (await exchange.trading.place(market("a-2", symbol))).settled(10)
        await exchange.trading.place(resting("a-3", symbol))
        await exchange.trading.cancel(symbol, client_order_id="a-3")
        start = await exchange.market.server_time() - 20 * 86_400 * 10**9
        for found in (
            await collect(exchange.trading.iter_orders(symbol)),
            await collect(exchange.trading.iter_orders(symbol, start=start)),
        ):
            assert [state.client_order_id for state in found] == ["a-1", "a-2", "a-3"]
        fills = await collect(exchange.trading.iter_fills(symbol, start=start))
        assert {fill.client_order_id for fill in fills} == {"a-2"}


async def test_quotas_that_replies_state_are_kept(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        for index in range(14):
            await exchange.trading.place(resting(f"a-{index}"))
        assert len(sim.open_orders()) == 14
        assert sim.requests[CREATE] == 14  # none was refused for the limit, and sent again


async def test_an_id_that_bybit_would_not_keep_is_refused_before_sending(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        with pytest.raises(InvalidArgument, match="36 letters"):
            await exchange.trading.place(resting("a 1"))
        with pytest.raises(InvalidArgument, match="contracts of 1 USD"):
            await exchange.trading.place(Request.limit(INVERSE, "buy", "1000", "80000", client_order_id="a-1"))
        with pytest.raises(NotSupported):
            await exchange.trading.place(market("a-2", quantity_unit="quote"))
        assert sim.orders() == []
    assert CANCEL_BATCH not in sim.requests
