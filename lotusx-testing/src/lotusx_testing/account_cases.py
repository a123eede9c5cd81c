"""Conformance cases of holdings and of the account stream."""

from __future__ import annotations

from decimal import Decimal

import anyio

import lotusx
from lotusx.kernel.facts import Capability as C
from lotusx_testing.arena import Arena
from lotusx_testing.cases import PATIENCE_S, case, that

DUST = Decimal("0.000001")
"""What an exchange may leave out of an amount when it writes it."""


@case(C.BALANCES, quiet=True)
async def balances_add_up(a: Arena) -> None:
    """What an order locks is locked."""
    await a.exchange.trading.place(await a.resting())
    for balance in await a.exchange.account.balances():
        kept = a.sim.balances(a.dialect.wallet(balance.wallet))[balance.asset]
        pairs = ((balance.free, kept.free), (balance.locked, kept.locked), (balance.total, kept.free + kept.locked))
        that(all(abs(told - has) < DUST for told, has in pairs), f"told {balance}, has {kept}")


@case(C.FEES)
async def fees_are_fractions(a: Arena) -> None:
    """Not per cent, not basis points."""
    fees = await a.exchange.account.fees(a.symbol)
    that(abs(fees.maker) < Decimal("0.05") and abs(fees.taker) < Decimal("0.05"), f"not fractions: {fees}")


@case(C.PERMISSIONS)
async def permissions_say_whether_the_key_may_trade(a: Arena) -> None:
    """Yes, no or not stated."""
    found = await a.exchange.account.permissions()
    that(found.trade in (True, False, None) and found.read is not False, f"unexpected: {found}")


@case(C.STREAM_ACCOUNT, quiet=True)
async def account_stream_tells_of_orders_fills_and_balances(a: Arena) -> None:
    """Each fill once, also those that happen while the connection is dead."""
    async with a.exchange.account.stream_account() as events:
        first, second = await a.resting(), await a.resting()
        placed = [await a.exchange.trading.place(request) for request in (first, second)]
        a.sim.fill(first.client_order_id or "")
        a.sim.cut_connections("rst")
        a.sim.fill(second.client_order_id or "")
        fills: list[str] = []
        kinds: set[str] = set()
        with anyio.fail_after(PATIENCE_S):
            async for event in events:
                kinds.add(type(event).__name__)
                if isinstance(event, lotusx.model.FillEvent):
                    fills.append(event.fill.venue_order_id)
                if len(fills) >= 2 and "Recovered" in kinds:
                    break
    that(sorted(fills) == sorted(str(order.venue_order_id) for order in placed), f"told of fills of {fills}")
    that({"OrderEvent", "FillEvent"} <= kinds, f"kinds of events: {sorted(kinds)}")
