"""One unified account of Bybit: holdings, positions in both modes, margin, funding, permissions."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any, cast

import anyio
import pytest
from e2e_bybit import INVERSE, KEY, MARKETS, PERP, SPOT, awaited, market, name_of
from e2e_kit import Connect, collect

import lotusx
from lotusx.errors import InvalidOrder, NotSupported
from lotusx.model import FundingEvent, MarginMode, OrderStatus, PositionEvent, PositionSide
from lotusx_bybit_perp.native import BybitPerpNative
from lotusx_sim import Bybit, Simulator, serve
from lotusx_sim.dialects.bybit import DEMO

pytestmark = pytest.mark.anyio


def native(exchange: lotusx.Exchange) -> BybitPerpNative:
    return cast("BybitPerpNative", exchange.native)


async def test_both_products_hold_the_same_coins(connect: Connect) -> None:
    async with connect("bybit") as spot, connect() as perp:
        held = [{each.asset: each.total for each in await x.account.balances()} for x in (spot, perp)]
        assert held[0] == held[1]
        assert len(held[0]) > 2


@pytest.mark.parametrize("symbol", [PERP, INVERSE])
async def test_short_position_is_below_zero_by_query_and_stream(connect: Connect, symbol: str) -> None:
    async with connect() as exchange, exchange.account.stream_account() as events:
        order = await exchange.trading.place(market("a-1", symbol, side="sell"))
        assert (await order.settled(10)).status is OrderStatus.FILLED
        (position,) = await exchange.account.positions()
        assert (str(position.symbol), position.quantity) == (symbol, -order.filled)
        event = await awaited(events, PositionEvent, lambda each: each.positions[0].quantity)
        told = event.positions[0]
        assert (told.quantity, told.margin_mode, told.side) == (-order.filled, MarginMode.CROSS, None)


async def test_positions_of_hedge_mode_are_streamed_side_by_side(connect: Connect) -> None:
    async with connect() as exchange:
        await native(exchange).switch_position_mode(3, coin="USDT")
        with pytest.raises(InvalidOrder, match="position idx"):
            await exchange.trading.place(market("a-0"))
        async with exchange.account.stream_account() as events:
            for name, side, position in (("a-1", "buy", "long"), ("a-2", "sell", "short")):
                order = await exchange.trading.place(market(name, side=side, position_side=position))
                final = await order.settled(10)
                assert final.position_side == position
            held: dict[Any, D] = {}
            with anyio.fail_after(10):
                async for event in events:
                    if isinstance(event, PositionEvent):
                        held.update({each.side: each.quantity for each in event.positions})
                    if len([quantity for quantity in held.values() if quantity]) == 2:
                        break
        assert held == {PositionSide.LONG: D("0.01"), PositionSide.SHORT: D("-0.01")}
        assert (await exchange.account.leverage(PERP)).leverage == 10


@pytest.mark.parametrize("symbol", [PERP, INVERSE])
async def test_funding_is_told_once_by_stream_query_and_recovery(connect: Connect, sim: Simulator, symbol: str) -> None:
    async with connect() as exchange, exchange.account.stream_account() as events:
        await (await exchange.trading.place(market("a-1", symbol))).settled(10)
        start = sim.now_ns() - 10**9
        sim.set_funding_rate(MARKETS[symbol], "-0.0002")
        sim.settle_funding(MARKETS[symbol])
        sim.cut_connections("rst")
        told = []
        with anyio.fail_after(20):
            async for event in events:
                if isinstance(event, FundingEvent):
                    told.append(event.payment)
                if isinstance(event, lotusx.model.Recovered):
                    break
        (asked,) = await collect(exchange.account.iter_funding_payments(symbol, start=start))
        assert [(each.amount, each.exchange_ns) for each in told] == [(asked.amount, asked.exchange_ns)]
        assert asked.amount > 0  # the rate is below zero: shorts pay the long
        assert (asked.rate, asked.asset) == (D("-0.0002"), "USDT" if symbol == PERP else "BTC")


async def test_leverage_and_margin_mode_that_are_already_so_are_no_error(connect: Connect) -> None:
    async with connect() as exchange:
        for _ in range(2):
            await exchange.account.set_leverage(PERP, 7)
            await exchange.account.set_margin_mode(PERP, "isolated")
        found = await exchange.account.leverage(PERP)
        assert (found.leverage, found.margin_mode, found.maximum) == (D(7), MarginMode.ISOLATED, D(100))


@pytest.mark.parametrize("symbol", [SPOT, PERP])
async def test_permissions_are_those_of_the_product(connect: Connect, symbol: str) -> None:
    async with connect(name_of(symbol)) as exchange:
        found = await exchange.account.permissions()
        assert (found.read, found.trade, found.withdraw) == (True, True, False)
        assert "secret" in found.raw
        assert found.raw["secret"] == ""


async def test_native_calls_are_signed_and_withdrawals_refused(connect: Connect) -> None:
    async with connect() as exchange:
        info = await exchange.native.call("GET", "/v5/account/info", signed=True)
        assert info["marginMode"] == "REGULAR_MARGIN"
        with pytest.raises(NotSupported, match="allow_withdrawals"):
            await exchange.native.call("POST", "/v5/asset/withdraw/create", {"coin": "BTC"}, signed=True)
        log = await native(exchange).transaction_log({"accountType": "UNIFIED"})
        assert log.items == []


async def test_demo_has_paper_money_and_no_fee_rates() -> None:
    async with serve(Bybit(seed=7, actions_per_s=0, environment=DEMO)) as server:
        settings: dict[str, Any] = {"environment": "simulator", "base_url": server.base_url, "credentials": KEY}
        async with lotusx.connect("bybit-perp", **settings) as exchange:
            before = {each.asset: each.total for each in await exchange.account.balances()}
            await native(exchange).demo_money()
            after = {each.asset: each.total for each in await exchange.account.balances()}
            assert after["USDT"] > before["USDT"]
            with pytest.raises(lotusx.ExchangeError):
                await exchange.account.fees(PERP)
