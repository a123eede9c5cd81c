"""Conformance cases of what the kit has none for: GTD, hedge mode, liquidations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio

from lotusx.model import Liquidation, MarginMode, OrderRequest, PositionSide, Side, TimeInForce
from lotusx.plugin import Capability as C
from lotusx.streams import StatusChange, StreamState
from lotusx_testing.arena import Arena
from lotusx_testing.cases import PATIENCE_S, Case, that

HOUR_S = 3_600
S = 1_000_000_000


async def order_with_an_end_rests_until_then(a: Arena) -> None:
    """And says so."""
    expires_ns = (a.sim.now_ns() // S + HOUR_S) * S
    request = await a.resting(time_in_force=TimeInForce.GTD, expires_ns=expires_ns)
    order = await a.exchange.trading.place(request)
    that(order.state.time_in_force is TimeInForce.GTD, f"told {order.state}")
    that(a.sim.open_order_ids() == [request.client_order_id], "it does not rest")


async def both_positions_of_a_symbol_stand_side_by_side(a: Arena) -> None:
    """Each with its own side and sign."""
    native: Any = a.exchange.native
    await native.set_hedge_mode(True)
    for side, position_side in ((Side.BUY, PositionSide.LONG), (Side.SELL, PositionSide.SHORT)):
        order = await a.exchange.trading.place(await a.crossing(side, position_side=position_side))
        await order.settled(PATIENCE_S)
    held = {position.side: position.quantity for position in await a.exchange.account.positions()}
    that(held.keys() == {PositionSide.LONG, PositionSide.SHORT}, f"told {held}")
    that(held[PositionSide.LONG] > 0 > held[PositionSide.SHORT], f"told {held}")


async def liquidation_is_told_with_the_side_that_closed_it(a: Arena) -> None:
    """A long that falls below its margin is sold."""
    await a.exchange.account.set_leverage(a.symbol, 20)
    await a.exchange.account.set_margin_mode(a.symbol, MarginMode.ISOLATED)
    top = await a.exchange.market.best_bid_offer(a.symbol)
    assert top.ask_price is not None
    request = OrderRequest.market(a.symbol, Side.BUY, await a.quantity(top.ask_price), client_order_id=a.next_id())
    order = await a.exchange.trading.place(request)
    await order.settled(PATIENCE_S)

    with anyio.fail_after(PATIENCE_S):
        async with a.exchange.market.stream_liquidations(a.symbol) as stream:
            assert top.bid_price is not None
            async for told in stream.with_status():
                if not isinstance(told, StatusChange):
                    break
                if told.state is StreamState.ACKNOWLEDGED:
                    a.sim.set_mark(await a.market(), top.bid_price * Decimal("0.9"))
    that(isinstance(told, Liquidation) and told.side is Side.SELL, f"told {told}")


CASES = (
    Case("order_with_an_end_rests_until_then", C.GTD, order_with_an_end_rests_until_then, True, None),
    Case(
        "both_positions_of_a_symbol_stand_side_by_side",
        C.HEDGE_MODE,
        both_positions_of_a_symbol_stand_side_by_side,
        True,
        None,
    ),
    Case(
        "liquidation_is_told_with_the_side_that_closed_it",
        C.STREAM_LIQUIDATIONS,
        liquidation_is_told_with_the_side_that_closed_it,
        True,
        None,
    ),
)
