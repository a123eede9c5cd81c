"""What lotusx-testing asks of every connector; the documents it is asked with are Bybit's own."""

from __future__ import annotations

import json
from decimal import Decimal

import anyio
import bybit_perp_documents as documented

from lotusx.kernel.facts import Capability
from lotusx.kernel.flow import StreamState
from lotusx.model import Liquidation, OrderRequest, PositionSide, Side
from lotusx_bybit.v5 import account_types, types
from lotusx_bybit_perp.facts import FACTS
from lotusx_testing import Case, Conformance, Expected, NewValue, Payload, RequestExample, Subject
from lotusx_testing.arena import Arena

BTC = documented.BTC


async def hedge_mode_has_two_positions(a: Arena) -> None:
    """A long and a short one of the same instrument, each closed by its own order."""
    instrument = await a.instrument()
    await a.exchange.native.switch_position_mode(3, symbol=instrument.venue_symbol)  # type: ignore[attr-defined]  # Bybit's own
    for side, position in ((Side.BUY, PositionSide.LONG), (Side.SELL, PositionSide.SHORT)):
        order = await a.exchange.trading.place(await a.crossing(side, position_side=position))
        await order.settled(10)
    held = {each.side: each.quantity for each in await a.exchange.account.positions()}
    assert held[PositionSide.LONG] > 0 > held[PositionSide.SHORT]
    close = OrderRequest.market(
        a.symbol, Side.SELL, held[PositionSide.LONG], position_side=PositionSide.LONG, client_order_id=a.next_id()
    )
    order = await a.exchange.trading.place(close)
    await order.settled(10)
    assert [each.side for each in await a.exchange.account.positions()] == [PositionSide.SHORT]


async def liquidation_is_streamed(a: Arena) -> None:
    """A long that the price leaves behind: what ends it is a sale."""
    await a.exchange.account.set_leverage(a.symbol, 100)
    for balance in await a.exchange.account.balances():
        a.sim.deposit(balance.asset, -(balance.total - (1_000 if balance.asset == "USDT" else 0)))
    order = await a.exchange.trading.place(OrderRequest.market(a.symbol, Side.BUY, "0.2", client_order_id=a.next_id()))
    await order.settled(10)
    async with a.exchange.market.stream_liquidations(a.symbol) as events:
        with anyio.fail_after(10):
            while events.state is not StreamState.ACKNOWLEDGED:  # noqa: ASYNC110 - a stream has no event for it
                await anyio.sleep(0.01)
            a.sim.set_mark(await a.market(), "42000")
            event = await anext(aiter(events))
    assert isinstance(event, Liquidation)
    assert (event.side, event.quantity, str(event.symbol)) == (Side.SELL, Decimal("0.2"), a.symbol)


class TestBybitPerp(Conformance):
    subject = Subject(
        FACTS,
        symbol="BTC/USDT:USDT",
        credentials=documented.CREDENTIALS,
        instruments=[BTC],
        vectors=[documented.VECTOR],
        payloads=[
            Payload(
                "ticker",
                documented.ticker_push("snapshot", 1, **documented.TICKER),
                types.Push[types.ContractTicker],
                documented.UNREAD_OF_TICKER,
            ),
            Payload(
                "liquidation",
                documented.liquidation_push([documented.LIQUIDATION]),
                types.Push[list[types.LiquidationEvent]],
            ),
            Payload("position", json.dumps(documented.POSITION), account_types.Position, documented.UNREAD_OF_POSITION),
        ],
        new_values=[
            NewValue("status", json.dumps(documented.LISTED), ("status",), documented.read_listed),
        ],
        requests=[
            RequestExample(
                "leverage",
                lambda x: x.account.set_leverage(BTC, Decimal(5)),
                documented.envelope({}),
                Expected(
                    "POST",
                    "/v5/position/set-leverage",
                    body=b'{"category":"linear","symbol":"BTCUSDT","buyLeverage":"5","sellLeverage":"5"}',
                    headers={"X-BAPI-API-KEY": documented.API_KEY},
                    signed=True,
                ),
            ),
        ],
        cases=[
            Case("hedge_mode_has_two_positions", Capability.HEDGE_MODE, hedge_mode_has_two_positions, True),
            Case("liquidation_is_streamed", Capability.STREAM_LIQUIDATIONS, liquidation_is_streamed, True),
        ],
    )
