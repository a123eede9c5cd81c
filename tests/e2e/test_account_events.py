"""The account stream: in order, each fill once, across whatever happens to its socket."""

from __future__ import annotations

from decimal import Decimal as D

import anyio
import pytest
from e2e_kit import BTC, Connect, limit_buy, market_buy, until

import lotusx
from lotusx.errors import SlowConsumer
from lotusx.model import AccountEvent, BalanceEvent, FillEvent, OrderEvent, Recovered
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio


async def read_to(stream: lotusx.Stream[AccountEvent], last: type, times: int = 1) -> list[AccountEvent]:
    """Return events up to the one that is the *times*-th of its kind."""
    events: list[AccountEvent] = []
    with anyio.fail_after(30):
        while sum(isinstance(event, last) for event in events) < times:
            events.append(await anext(stream))
    return events


async def test_the_life_of_an_order_is_told_in_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as stream:
        order = await exchange.trading.place(limit_buy("a-1"))
        sim.fill("a-1", "0.004")
        await until(lambda: order.filled == D("0.004"))
        await exchange.trading.cancel(BTC, client_order_id="a-1")
        events: list[AccountEvent] = []
        with anyio.fail_after(30):
            async for event in stream:
                events.append(event)
                if isinstance(event, OrderEvent) and event.state.status is lotusx.OrderStatus.CANCELED:
                    break
    said = [(str(event.state.status), event.state.filled) for event in events if isinstance(event, OrderEvent)]
    assert said == [("open", D(0)), ("partially_filled", D("0.004")), ("canceled", D("0.004"))]
    (fill,) = [event.fill for event in events if isinstance(event, FillEvent)]
    (there,) = sim.fills()
    assert (fill.trade_id, fill.price, fill.quantity) == (str(there.trade_id), there.price, there.quantity)
    assert (fill.fee, fill.fee_asset, fill.client_order_id) == (there.fee, there.fee_asset, "a-1")


async def test_balances_are_told_as_the_ledger_has_them(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as stream:
        sim.deposit("USDT", "12.5")
        (event,) = [each for each in await read_to(stream, BalanceEvent) if isinstance(each, BalanceEvent)]
    (balance,) = event.balances
    assert (balance.asset, balance.free) == ("USDT", sim.balances()["USDT"].free)


@pytest.mark.parametrize("how", ["fin", "rst", "1001", "expired"])
async def test_fills_made_while_the_stream_is_down_come_once_and_then_it_says_recovered(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    async with exchange.account.stream_account() as stream:
        for name in ("a-1", "a-2"):
            await exchange.trading.place(limit_buy(name))
        sim.fill("a-1", "0.001")
        before = await read_to(stream, FillEvent)
        if how == "expired":
            sim.expire_user_stream()
        else:
            sim.cut_connections(1001 if how == "1001" else how, only="/ws-api*")
        sim.fill("a-1", "0.002")
        sim.fill("a-2")
        events = before + await read_to(stream, Recovered)
        sim.fill("a-1", "0.003")
        events += await read_to(stream, FillEvent)
    fills = [event.fill for event in events if isinstance(event, FillEvent)]
    assert [fill.trade_id for fill in fills] == [str(fill.trade_id) for fill in sim.fills()]
    (recovered,) = [event for event in events if isinstance(event, Recovered)]
    assert recovered.events >= 2


async def test_fills_are_told_once_through_many_cuts(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1", quantity="0.02"))
    async with exchange.account.stream_account() as stream:
        seen: list[str] = []

        async def read() -> None:
            async for event in stream:
                if isinstance(event, FillEvent):
                    seen.append(event.fill.trade_id)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            for number in range(20):
                sim.fill("a-1", "0.001")
                if number in (3, 9, 15):
                    sim.cut_connections("rst", only="/ws-api*")
                await anyio.sleep(0.02)
            await until(lambda: len(seen) >= 20)
            tasks.cancel_scope.cancel()
    assert sorted(seen) == sorted(str(fill.trade_id) for fill in sim.fills())


async def test_each_of_two_readers_gets_everything(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as one, exchange.account.stream_account() as two:
        await exchange.trading.place(market_buy("a-1"))
        first, second = await read_to(one, FillEvent), await read_to(two, FillEvent)
        assert first == second
        assert [name for name in sim.requests if "subscribe" in name[1].lower()] != []
    assert len([event for event in first if isinstance(event, FillEvent)]) == 1


async def test_a_reader_too_slow_gets_what_it_has_and_then_an_error_and_harms_no_other(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.account.stream_account(buffer=4) as slow, exchange.account.stream_account() as quick:
        await exchange.trading.place(limit_buy("a-1"))
        for _ in range(8):
            sim.fill("a-1", "0.001")
        assert len(await read_to(quick, FillEvent, 8)) >= 8
        with anyio.fail_after(30), pytest.raises(SlowConsumer):
            async for _ in slow:
                pass
    assert slow.counters.delivered == 4


async def test_orders_placed_elsewhere_are_told_too(connect: Connect) -> None:
    async with connect() as mine, connect() as other, mine.account.stream_account() as stream:
        await other.trading.place(limit_buy("b-1"))
        (event,) = [each for each in await read_to(stream, OrderEvent) if isinstance(each, OrderEvent)]
    assert event.state.client_order_id == "b-1"


async def test_an_order_the_exchange_ends_says_so(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account():
        order = await exchange.trading.place(limit_buy("a-1"))
        sim.cancel("a-1")
        final = await order.settled(5)
    assert final.status in (lotusx.OrderStatus.EXPIRED, lotusx.OrderStatus.CANCELED)


async def test_duplicated_and_reordered_events_do_no_harm(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.duplicate_next("user", times=None)
    async with exchange.account.stream_account() as stream:
        order = await exchange.trading.place(limit_buy("a-1"))
        sim.fill("a-1", "0.004")
        sim.fill("a-1", "0.006")
        await order.settled(5)
        fills = [each.fill for each in await read_to(stream, FillEvent, 2) if isinstance(each, FillEvent)]
    assert [fill.quantity for fill in fills] == [D("0.004"), D("0.006")]
    assert order.filled == D("0.01")
