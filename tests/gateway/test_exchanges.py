"""Every exchange behind a gateway: the same streams, orders and holdings, and what is not carried said by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from gateway_kit import DEADLINE_S, READER, TRADER, NatsServer, password, until

import lotusx
from lotusx.errors import NotSupported
from lotusx.model import FillEvent, FundingEvent, OrderEvent, PositionEvent, Recovered
from lotusx.plugin import Capability
from lotusx_gateway import Gateway, Subjects, render_permissions
from lotusx_testing.arena import Arena, simulated

SYMBOLS = {
    "backpack": "SOL/USDC:USDC",
    "binance": "BTC/USDT",
    "binance-perp": "BTC/USDT:USDT",
    "bybit": "BTC/USDT",
    "bybit-perp": "BTC/USDT:USDT",
    "hyperliquid": "BTC/USDC:USDC",
    "okx": "BTC/USDT:USDT",
}
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize(
        "exchange", [pytest.param(each, marks=() if each == "bybit-perp" else pytest.mark.slow) for each in SYMBOLS]
    ),
]


@dataclass
class Behind:
    """An exchange, and a consumer of the gateway to it."""

    nats: NatsServer
    arena: Arena
    consumer: lotusx.Exchange

    @property
    def symbol(self) -> str:
        return self.arena.symbol


@asynccontextmanager
async def behind(exchange: str, folder: Path) -> AsyncIterator[Behind]:
    nats = NatsServer(folder, render_permissions([READER, TRADER], [Subjects(exchange, "simulator")]))
    nats.start()
    try:
        async with (
            simulated(exchange, symbol=SYMBOLS[exchange], actions_per_s=0) as arena,
            arena.connect(credentials=None) as public,
            arena.connect() as main,
            anyio.create_task_group() as tasks,
        ):
            gateway = Gateway(
                public,
                server=nats.url,
                users=[READER, TRADER],
                accounts={"main": main},
                password=password("gateway"),
            )
            await tasks.start(gateway.run)
            credentials = {"server": nats.url, "user": "trader", "password": password("trader")}
            async with lotusx.connect(
                f"gateway:{exchange}", environment="simulator", credentials=credentials
            ) as consumer:
                yield Behind(nats, arena, consumer)
            tasks.cancel_scope.cancel()
    finally:
        nats.kill()


async def test_its_market_data_is_what_the_exchange_says(exchange: str, tmp_path: Path) -> None:
    async with (
        behind(exchange, tmp_path) as here,
        here.consumer.stream_trades(here.symbol) as trades,
        here.consumer.stream_ticker(here.symbol) as tickers,
        here.consumer.live_order_book(here.symbol, depth=5) as book,
    ):
        direct = await here.arena.exchange.market.order_book(here.symbol, 5)
        assert [(each.price, each.quantity) for each in book.bids(5)] == [
            (each.price, each.quantity) for each in direct.bids[:5]
        ]
        await until(lambda: trades.state in ("acknowledged", "live") and tickers.state in ("acknowledged", "live"))
        order = await here.arena.crossing()
        await here.arena.exchange.place(order)
        with anyio.fail_after(DEADLINE_S):
            trade = await anext(trades)
            ticker = await anext(tickers)
        (printed,) = await here.arena.exchange.recent_trades(here.symbol, 1)
        assert (trade.price, trade.quantity, trade.taker_side, trade.symbol) == (
            printed.price, printed.quantity, printed.taker_side, printed.symbol
        )  # fmt: skip
        assert str(ticker.symbol) == here.symbol
        await until(lambda: book.asks(1)[0].quantity < direct.asks[0].quantity or book.asks(1)[0] != direct.asks[0])


async def test_orders_fills_and_holdings_are_those_of_the_account(exchange: str, tmp_path: Path) -> None:
    async with behind(exchange, tmp_path) as here, here.consumer.stream_account() as events:
        told: list[Any] = []
        events.handle(told.append)
        request = await here.arena.resting()
        order = await here.consumer.place(request)
        assert not order.status.is_terminal
        found = await here.consumer.order(here.symbol, client_order_id=request.client_order_id)
        assert (found.price, found.quantity) == (request.price, request.quantity)
        assert [each.client_order_id for each in await here.consumer.open_orders()] == [request.client_order_id]
        await here.consumer.cancel(here.symbol, client_order_id=request.client_order_id)  # some only take note of it
        with anyio.fail_after(DEADLINE_S):
            assert (await order.settled()).status == "canceled"
        assert await here.consumer.open_orders() == []

        taking = await here.arena.crossing()
        taken = await here.consumer.place(taking)
        with anyio.fail_after(DEADLINE_S):
            state = await taken.settled()
        assert (state.status, state.filled) == ("filled", taking.quantity)
        await until(lambda: sum(fill.quantity for fill in taken.fills) == taking.quantity)
        name = taking.client_order_id

        def all_told() -> bool:
            ids = {each.state.client_order_id for each in told if isinstance(each, OrderEvent)}
            fills = [each.fill for each in told if isinstance(each, FillEvent)]
            return {name, request.client_order_id} <= ids and sum(each.quantity for each in fills) == taking.quantity

        await until(all_told)
        direct = here.arena.exchange
        assert [replace(each, received_ns=0) async for each in here.consumer.iter_fills(here.symbol)] == [
            replace(each, received_ns=0) async for each in direct.iter_fills(here.symbol)
        ]
        assert [replace(each, updated_ns=0) for each in await here.consumer.balances()] == [
            replace(each, updated_ns=0) for each in await direct.balances()
        ]
        if direct.capabilities[Capability.POSITIONS]:
            (position,) = await here.consumer.positions()
            assert position.quantity == taking.quantity
            await until(lambda: any(isinstance(each, PositionEvent) for each in told))


async def test_what_is_not_carried_says_so_by_name_and_sends_nothing(exchange: str, tmp_path: Path) -> None:
    async with behind(exchange, tmp_path) as here:
        trading, market, account = here.consumer.trading, here.consumer.market, here.consumer.account
        symbol, request = here.symbol, await here.arena.resting()
        asked = len(here.arena.sim.requests)
        calls: list[Any] = [
            market.candles(symbol, "1m"),
            anext(market.iter_candles(symbol, "1m", start=0)),
            anext(market.iter_trades(symbol, start=0)),
            anext(market.iter_funding_rates(symbol, start=0)),
            market.stream_order_book(symbol).__aenter__(),
            trading.amend(symbol, client_order_id="1", price=request.price),
            trading.amend_batch_orders([]),
            trading.place_batch_orders([request]),
            trading.cancel_batch_orders(symbol, ["1"]),
            trading.cancel_all_after(10),
            trading.test(request),
            anext(trading.iter_orders(symbol)),
            account.permissions(),
            account.leverage(symbol),
            account.set_leverage(symbol, 2),
            account.set_margin_mode(symbol, "cross"),
            account.change_margin(symbol, 1),
            account.deposits(),
            account.withdrawals(),
            account.transfer("USDT", 1, source="spot", target="funding"),
            here.consumer.native.call("GET", "/"),
        ]
        for call in calls:
            with pytest.raises(NotSupported):
                await call
        assert len(here.arena.sim.requests) == asked


async def test_what_was_done_elsewhere_while_the_broker_was_away_is_told_as_far_as_the_exchange_tells_it(
    exchange: str, tmp_path: Path
) -> None:
    async with behind(exchange, tmp_path) as here, here.consumer.stream_account() as events:
        told: list[Any] = []
        events.handle(told.append)
        here.nats.kill()
        await until(lambda: events.state == "lost")
        elsewhere = await here.arena.crossing()
        await here.arena.exchange.place(elsewhere)
        pays = here.consumer.capabilities[Capability.FUNDING_PAYMENTS]
        if pays:
            market = await here.arena.market()
            here.arena.sim.set_funding_rate(market, "0.0002")
            here.arena.sim.settle_funding(market)
        here.nats.start()
        await until(lambda: any(isinstance(each, Recovered) for each in told))
        assert len([each for each in told if isinstance(each, FundingEvent)]) == (1 if pays else 0)
        fills = [each.fill for each in told if isinstance(each, FillEvent)]
        if exchange.startswith("binance"):  # lists fills of one market at a time, and this one nobody here has seen
            assert fills == []
            with pytest.raises(NotSupported):
                await anext(here.consumer.iter_fills())
        else:
            assert sum(each.quantity for each in fills) == elsewhere.quantity
            assert [each.trade_id async for each in here.consumer.iter_fills()] == [each.trade_id for each in fills]
