"""Conformance cases of what the kit has none for, or not as Backpack does it: liquidations, payments of funding."""

from __future__ import annotations

from decimal import Decimal

import anyio

from lotusx.model import Liquidation, OrderRequest, Side
from lotusx.plugin import Capability as C
from lotusx.rules import Rounding, round_quantity
from lotusx.streams import StatusChange
from lotusx_testing.arena import Arena
from lotusx_testing.cases import PATIENCE_S, Case, that

LEVERAGE = 5


async def liquidation_is_told_with_the_side_that_closed_it(a: Arena) -> None:
    """A long for which the whole account does not suffice any more is sold."""
    await a.exchange.account.set_leverage(a.symbol, LEVERAGE + 1)
    instrument = await a.instrument()
    bid, ask = await a.best()
    (money,) = [each for each in await a.exchange.account.balances() if each.asset == instrument.symbol.quote]
    market = await a.market()
    quantity = round_quantity(instrument, money.total * LEVERAGE / ask, Rounding.FLOOR)
    a.sim.set_book(market, [(bid, quantity * 2)], [(ask, quantity * 2)])
    request = OrderRequest.limit(a.symbol, Side.BUY, quantity, ask, client_order_id=a.next_id())
    await (await a.exchange.trading.place(request)).settled(PATIENCE_S)

    async def fall() -> None:
        price = ask
        while True:  # a subscription is not answered: what came before it is not told
            price *= Decimal("0.97")
            a.sim.set_mark(market, price)
            await anyio.sleep(0.05)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group, a.exchange.market.stream_liquidations(a.symbol) as stream:
            group.start_soon(fall)
            async for told in stream.with_status():
                if not isinstance(told, StatusChange):
                    break
            group.cancel_scope.cancel()
    that(isinstance(told, Liquidation) and told.side is Side.SELL, f"told {told}")


async def funding_payment_is_told_when_it_is_asked_for(a: Arena) -> None:
    """Below zero for what was paid. No stream tells of it."""
    market = await a.market()
    a.sim.set_funding_rate(market, "0.0001")
    start = a.sim.now_ns()
    order = await a.exchange.trading.place(await a.crossing(Side.BUY))
    await order.settled(PATIENCE_S)
    a.sim.settle_funding(market)
    (found,) = [item async for item in a.exchange.account.iter_funding_payments(start=start)]
    that(found.amount < 0 and found.rate == Decimal("0.0001"), f"told {found}")


CASES = (
    Case(
        "funding_payment_is_told_when_it_is_asked_for",
        C.FUNDING_PAYMENTS,
        funding_payment_is_told_when_it_is_asked_for,
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
