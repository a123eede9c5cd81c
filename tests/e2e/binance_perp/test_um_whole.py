"""USDⓈ-M futures through the whole of LotusX: market data, orders of both services, positions, user data."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import anyio
import pytest
from e2e_kit import Connect, is_up, until

import lotusx
from lotusx.errors import InvalidOrder, OrderNotFound, PostOnlyWouldTake, ReduceOnlyRejected
from lotusx.model import FillEvent, FundingEvent, OrderStatus, PositionEvent
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio
PERP = "BTC/USDT:USDT"
Request = lotusx.OrderRequest


def resting(name: str, price: str = "66000", quantity: str = "0.01", **more: Any) -> Request:
    return Request.limit(PERP, "buy", quantity, price, client_order_id=name, **more)


def market(name: str, side: str = "buy", quantity: str = "0.01", **more: Any) -> Request:
    return Request.market(PERP, side, quantity, client_order_id=name, **more)


def stop(name: str, trigger: str = "67000", **more: Any) -> Request:
    values: dict[str, Any] = {"type": "stop_loss", "side": "sell", "quantity": "0.01", **more}
    return Request(symbol=PERP, trigger_price=trigger, client_order_id=name, **values)


async def test_market_data_by_query(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_mark("BTCUSDT", "68000", "68010")
    mark = await exchange.market.mark_price(PERP)
    book = await exchange.market.order_book(PERP)
    listed = {str(each.symbol) for each in await exchange.market.instruments()}

    assert (mark.mark_price, mark.index_price) == (D(68000), D(68010))
    assert book.bids[0].price < book.asks[0].price
    assert {PERP, "BTC/USDC:USDC"} <= listed
    assert (await exchange.market.funding_rate(PERP)).rate == D("0.0001")


async def test_streams_of_both_paths_speak(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with (
        exchange.market.stream_trades(PERP) as trades,
        exchange.market.stream_best_bid_offer(PERP) as tops,
        exchange.market.stream_mark_price(PERP) as marks,
    ):
        await until(lambda: is_up(trades) and is_up(tops) and is_up(marks))
        sim.trade("BTCUSDT", "sell", sim.exchange.books["BTCUSDT"].bids.best().total)  # type: ignore[union-attr]
        with anyio.fail_after(15):
            assert (await anext(trades)).price == D("68251.0")
            assert (await anext(tops)).bid_price is not None
            assert (await anext(marks)).mark_price > 0


async def test_book_follows_the_previous_numbers(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(PERP) as book:
        for number in range(10):
            sim.trade("BTCUSDT", "buy" if number % 2 else "sell", "0.01")
            view = sim.venue.state.views["BTCUSDT"]  # type: ignore[attr-defined]
            await until(
                lambda view=view: (
                    book.state == "synced"  # type: ignore[misc]
                    and [(level.price, level.quantity) for level in book.bids()] == view.bids.top(1_000)
                    and [(level.price, level.quantity) for level in book.asks()] == view.asks.top(1_000)
                )
            )
        assert book.resyncs == 0


@pytest.mark.parametrize("entry", [{}, {"options": {"order_entry": "ws"}}], ids=["rest", "ws"])
async def test_order_rests_is_changed_and_cancelled(connect: Connect, sim: Simulator, entry: dict[str, Any]) -> None:
    async with connect(**entry) as exchange:
        order = await exchange.trading.place(resting("a-1"))
        assert order.status is OrderStatus.OPEN
        await exchange.trading.amend(PERP, client_order_id="a-1", quantity="0.02", price="65900")
        assert (sim.order("a-1").price, sim.order("a-1").quantity) == (D(65900), D("0.02"))
        await exchange.trading.cancel(PERP, client_order_id="a-1")
        assert sim.open_order_ids() == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_neither_service_knows_is_not_found(exchange: lotusx.Exchange) -> None:
    with pytest.raises(OrderNotFound):
        await exchange.trading.cancel(PERP, client_order_id="never")


async def test_average_price_comes_from_events_never_from_the_thinned_reply(exchange: lotusx.Exchange) -> None:
    async with exchange.account.stream_account() as events:
        await until(lambda: is_up(events))
        order = await exchange.trading.place(market("a-1"))
        final = await order.settled(10)
        assert (final.status, final.filled) == (OrderStatus.FILLED, D("0.01"))
        await until(lambda: order.state.average_price == D("68251.2"), 10)
        seen: set[type] = set()
        with anyio.fail_after(10):
            async for event in events:
                seen.add(type(event))
                if {FillEvent, PositionEvent} <= seen:
                    break
    (position,) = await exchange.account.positions()
    assert (position.quantity, position.entry_price) == (D("0.01"), D("68251.2"))


async def test_refusals_have_the_meaning_of_this_market(exchange: lotusx.Exchange) -> None:
    with pytest.raises(PostOnlyWouldTake):
        await exchange.trading.place(resting("a-1", price="68300", post_only=True))
    with pytest.raises(ReduceOnlyRejected):
        await exchange.trading.place(resting("a-2", reduce_only=True))
    with pytest.raises(InvalidOrder):
        await exchange.trading.place(resting("a-3", position_side="long"))


async def test_conditional_order_waits_is_listed_and_becomes_an_order(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.account.stream_account() as events:
        await until(lambda: is_up(events))
        await exchange.trading.place(market("a-1"))
        order = await exchange.trading.place(stop("s-1", reduce_only=True))
        assert "s-1" in {each.client_order_id for each in await exchange.trading.open_orders(PERP)}
        sim.set_book("BTCUSDT", [("66900", "1")], [("66910", "1")])
        sim.trade("BTCUSDT", "sell", "0.01")
        final = await order.settled(10)
        assert (final.status, final.filled) == (OrderStatus.FILLED, D("0.01"))
    assert sim.positions() == {}


async def test_conditional_order_is_cancelled_and_cancel_all_reaches_both_services(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    await exchange.trading.place(stop("s-1"))
    await exchange.trading.cancel(PERP, client_order_id="s-1")
    assert sim.open_order_ids() == []
    await exchange.trading.place(stop("s-2"))
    await exchange.trading.place(resting("a-1"))
    await exchange.trading.cancel_all(PERP)
    assert sim.open_order_ids() == []


async def test_batch_has_an_outcome_for_each_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    outcomes = await exchange.trading.place_batch_orders([resting(f"b-{n}", price=f"{65_000 + n}") for n in range(7)])
    assert len(outcomes) == 7
    assert sim.open_order_ids() == [f"b-{n}" for n in range(7)]


async def test_leverage_margin_mode_and_funding(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.account.set_leverage(PERP, 7)
    await exchange.account.set_margin_mode(PERP, "isolated")
    leverage = await exchange.account.leverage(PERP)
    assert leverage.leverage == 7
    await exchange.trading.place(market("a-1", quantity="0.1"))
    sim.settle_funding("BTCUSDT")
    paid = [each async for each in exchange.account.iter_funding_payments(PERP)]
    assert [each.amount < 0 for each in paid] == [True]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_funding_of_hedge_mode_is_told_as_one_sum_by_stream_and_query(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    native: Any = exchange.native
    await native.set_hedge_mode(True)
    await native.set_hedge_mode(True)  # it is so already
    async with exchange.account.stream_account() as events:
        await until(lambda: is_up(events))
        await exchange.trading.place(market("a-1", quantity="0.1", position_side="long"))
        await exchange.trading.place(market("a-2", "sell", quantity="0.04", position_side="short"))
        sim.settle_funding("BTCUSDT")
        with anyio.fail_after(10):
            told = await anext(event.payment async for event in events if isinstance(event, FundingEvent))
    (asked,) = [each async for each in exchange.account.iter_funding_payments()]
    rows = [entry.amount for entry in sim.venue.state.income if entry.kind == "FUNDING_FEE"]  # type: ignore[attr-defined]
    assert len(rows) == 2
    assert asked.amount == told.amount == sum(rows)
    assert asked.exchange_ns == told.exchange_ns


async def test_expired_listen_key_is_replaced_and_nothing_is_lost(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as events:
        await until(lambda: is_up(events))
        sim.venue.expire_user_streams(sim.now_ns())
        order = await exchange.trading.place(resting("a-1"))
        sim.fill("a-1")
        final = await order.settled(20)
        assert final.status is OrderStatus.FILLED


async def test_dead_mans_switch_cancels(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(resting("a-1"))
    await exchange.trading.cancel_all_after(1, symbol=PERP)
    await until(lambda: not sim.open_order_ids())
