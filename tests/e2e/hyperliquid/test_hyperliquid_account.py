"""The account stream of Hyperliquid: several channels, one lossless order of events."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import anyio
import pytest
from e2e_hyperliquid import PERP, SPOT, TSLA, Request, cloid, market, resting
from e2e_kit import until

import lotusx
from lotusx.model import (
    AccountEvent,
    BalanceEvent,
    FillEvent,
    FundingEvent,
    MarginMode,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    Recovered,
    VenueEvent,
)
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio


async def read_to(stream: Any, last: Any) -> list[AccountEvent]:
    """Return events up to the first for which *last* holds."""
    events: list[AccountEvent] = []
    with anyio.fail_after(30):
        while not events or not last(events[-1]):
            events.append(await anext(stream))
    return events


def ended(event: AccountEvent) -> bool:
    return isinstance(event, OrderEvent) and event.state.status.is_terminal


async def test_the_life_of_an_order_is_told_in_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as stream:
        order = await exchange.trading.place(resting("a-1"))
        sim.fill(cloid("a-1"), "0.004")
        await until(lambda: order.filled == D("0.004") and order.fills)
        await exchange.trading.cancel(PERP, client_order_id="a-1")
        events = await read_to(stream, ended)
    said = [(str(event.state.status), event.state.filled) for event in events if isinstance(event, OrderEvent)]
    assert list(dict.fromkeys(said)) == [("open", D(0)), ("partially_filled", D("0.004")), ("canceled", D("0.004"))]
    (fill,) = [event.fill for event in events if isinstance(event, FillEvent)]
    (there,) = sim.fills()
    assert (fill.price, fill.quantity, fill.client_order_id) == (there.price, there.quantity, "a-1")
    assert (fill.fee_asset, fill.liquidity) == ("USDC", "maker")


async def test_a_position_is_told_and_its_end_too(exchange: lotusx.Exchange) -> None:
    async with exchange.account.stream_account() as stream:
        await exchange.trading.place(market("a-1"))
        events = await read_to(stream, lambda event: isinstance(event, PositionEvent))
        (position,) = events[-1].positions  # type: ignore[union-attr]  # the last one is a PositionEvent
        assert (str(position.symbol), position.quantity, position.margin_mode) == (PERP, D("0.01"), MarginMode.CROSS)
        await exchange.trading.place(market("a-2", "sell"))
        events = await read_to(
            stream, lambda event: isinstance(event, PositionEvent) and event.positions[0].quantity == 0
        )
        assert str(events[-1].positions[0].symbol) == PERP  # type: ignore[union-attr]  # likewise
    assert await exchange.account.positions() == []


async def test_balances_of_each_wallet_are_told_apart(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as stream:
        for wallet in ("perp", "spot", "xyz"):
            sim.deposit("USDC", "12.5", account=f"main/{wallet}")
            told = "perp:xyz" if wallet == "xyz" else wallet
            await read_to(
                stream,
                lambda event, told=told: (
                    isinstance(event, BalanceEvent)
                    and any((each.wallet, each.asset) == (told, "USDC") for each in event.balances)
                ),
            )
    held = {(each.wallet, each.asset): each.total for each in await exchange.account.balances()}
    assert held[("perp", "USDC")] == D("100012.5")
    assert held[("spot", "USDC")] == D("100012.5")
    assert held[("perp:xyz", "USDC")] == D("10012.5")


async def test_the_unified_account_has_its_balances_in_spot_alone(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.answer(200, "POST", "/info/userAbstraction", body='"unifiedAccount"', times=None)
    assert {balance.wallet for balance in await exchange.account.balances()} == {"spot"}
    async with exchange.account.stream_account() as stream:
        await exchange.trading.place(market("a-1"))
        events = await read_to(stream, lambda event: isinstance(event, PositionEvent))
    assert not [event for event in events if isinstance(event, BalanceEvent)]


async def test_funding_is_told_once_by_stream_and_history(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_funding_rate("BTC", "0.0001")
    await exchange.trading.place(market("a-1"))
    async with exchange.account.stream_account() as stream:
        sim.settle_funding("BTC")
        sim.settle_funding("BTC")
        events = await read_to(stream, lambda event: isinstance(event, FundingEvent))
    payment = events[-1].payment  # type: ignore[union-attr]  # the last one is a FundingEvent
    assert (str(payment.symbol), payment.asset, payment.rate, payment.amount < 0) == (PERP, "USDC", D("0.0001"), True)
    found = [item async for item in exchange.account.iter_funding_payments(PERP, start=payment.exchange_ns)]
    assert found[0].amount == payment.amount


async def test_what_the_exchange_does_to_orders_is_told_in_its_words(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as stream:
        order = await exchange.trading.place(resting("a-1"))
        sim.cancel(cloid("a-1"))
        events = await read_to(stream, lambda event: isinstance(event, VenueEvent))
        await until(lambda: order.status is OrderStatus.CANCELED)
    assert events[-1].name == "nonUserCancel"  # type: ignore[union-attr]  # the last one is a VenueEvent


async def test_a_liquidation_is_told(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.account.set_leverage(PERP, 40)
    async with exchange.account.stream_account() as stream:
        sim.set_book("BTC", bids=[("84000", "40")], asks=[("84001", "40")])
        await exchange.trading.place(market("a-1", quantity="15"))
        sim.set_mark("BTC", "78000")
        events = await read_to(stream, lambda event: isinstance(event, VenueEvent))
        assert events[-1].name == "liquidation"  # type: ignore[union-attr]  # the last one is a VenueEvent
        events += await read_to(
            stream, lambda event: isinstance(event, PositionEvent) and event.positions[0].quantity == 0
        )
    assert sum(isinstance(event, FillEvent) for event in events) >= 1
    assert await exchange.account.positions() == []


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_what_happens_while_the_socket_is_dead_is_found(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    async with exchange.account.stream_account() as stream:
        orders = [await exchange.trading.place(resting(f"a-{number}")) for number in range(3)]
        await exchange.trading.place(Request.limit(TSLA, "buy", "1", "390", client_order_id="x-1"))
        sim.fill(cloid("a-0"))
        await until(lambda: orders[0].status is OrderStatus.FILLED and orders[0].fills)
        sim.refuse_connections()
        sim.cut_connections(how)
        sim.fill(cloid("a-1"))
        sim.fill(cloid("a-2"), "0.003")
        sim.fill(cloid("x-1"))
        sim.refuse_connections(False)
        events = await read_to(stream, lambda event: isinstance(event, Recovered))
        sim.fill(cloid("a-2"))
        events += await read_to(stream, lambda event: ended(event) and event.state.client_order_id == "a-2")
        while sum(isinstance(event, FillEvent) and event.fill.client_order_id == "a-2" for event in events) < 2:
            events += await read_to(stream, lambda event: isinstance(event, FillEvent))  # told on a channel of its own
        await until(lambda: orders[2].fills[-1:] and sum(fill.quantity for fill in orders[2].fills) == D("0.01"))
    told = [str(event.fill.client_order_id) for event in events if isinstance(event, FillEvent)]
    assert sorted(told)[:4] == ["a-0", "a-1", "a-2", "a-2"]
    assert told.count("x-1") == 1
    assert len(told) == len(set(told)) + 1


async def test_a_reader_opened_later_hears_nothing_of_the_past(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.settle_funding("BTC")
    order = await exchange.trading.place(market("a-1", quantity="1", symbol=SPOT))
    await order.fetch_fills()
    await anyio.sleep(2.1)  # what a subscription tells of the last two seconds is news to it
    async with exchange.account.stream_account() as stream:
        await exchange.trading.place(resting("a-2"))
        events = await read_to(stream, lambda event: isinstance(event, OrderEvent))
    assert not [event for event in events if isinstance(event, FillEvent)]
