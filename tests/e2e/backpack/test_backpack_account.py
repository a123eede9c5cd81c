"""The account of Backpack, and its stream: several channels, one lossless order of events."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import anyio
import pytest
from e2e_backpack import KEY, MARKET, PERP, SPOT, awaited, market, number, resting
from e2e_kit import collect, until

import lotusx
from lotusx.errors import AuthenticationError, CredentialsError
from lotusx.model import (
    AccountEvent,
    BalanceEvent,
    FillEvent,
    MarginMode,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    Recovered,
)
from lotusx_sim import Simulator
from lotusx_sim.dialects.backpack import Backpack

pytestmark = pytest.mark.anyio
# A pair that fits, of nobody's account: the seed is the bytes 1 to 32.
STRANGER = {
    "api_key": "ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ=",
    "api_secret": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
}


async def read_to(stream: Any, last: Callable[[AccountEvent], object]) -> list[AccountEvent]:
    """Return events up to the first for which *last* holds."""
    events: list[AccountEvent] = []
    with anyio.fail_after(20):
        while not events or not last(events[-1]):
            events.append(await anext(stream))
    return events


class TestWithMoneyLent:
    """Of 150 USDC, 50 are lent."""

    @pytest.fixture
    def sim(self) -> Simulator:
        name = Backpack().account_of(None)
        return Simulator(
            Backpack(seed=7, actions_per_s=0, balances={name: {"USDC": D(100)}}, lent={name: {"USDC": D(50)}})
        )

    async def test_what_is_lent_is_a_wallet_of_its_own(self, exchange: lotusx.Exchange) -> None:
        found = {(each.asset, each.wallet): each.total for each in await exchange.account.balances()}
        assert found == {("USDC", "account"): D(100), ("USDC", "lent"): D(50)}


async def test_life_of_an_order_is_told_in_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as stream:
        order = await exchange.trading.place(resting("a-1"))
        sim.fill(number("a-1"), "0.5")
        await until(lambda: order.filled == D("0.5") and order.fills)
        await exchange.trading.cancel(PERP, client_order_id="a-1")
        events = await read_to(stream, lambda event: isinstance(event, OrderEvent) and event.state.status.is_terminal)
    said = [(str(event.state.status), event.state.filled) for event in events if isinstance(event, OrderEvent)]
    assert list(dict.fromkeys(said)) == [("open", D(0)), ("partially_filled", D("0.5")), ("canceled", D("0.5"))]
    (fill,) = [event.fill for event in events if isinstance(event, FillEvent)]
    (there,) = sim.fills()
    assert (fill.price, fill.quantity, fill.client_order_id) == (there.price, there.quantity, "a-1")


async def test_position_and_balance_are_told(exchange: lotusx.Exchange) -> None:
    async with exchange.account.stream_account() as stream:
        await exchange.trading.place(market("a-1"))
        told = await awaited(stream, PositionEvent)
        assert [(str(each.symbol), each.quantity, each.margin_mode) for each in told.positions] == [
            (PERP, D(2), MarginMode.CROSS)
        ]
        await exchange.trading.place(resting("a-2", SPOT))
        locked = await awaited(stream, BalanceEvent, lambda event: event.balances[0].locked == 280)
        assert (locked.balances[0].asset, locked.balances[0].wallet) == ("USDC", "account")
        await exchange.trading.place(market("a-3", "sell"))
        await awaited(stream, PositionEvent, lambda event: event.positions[0].quantity == 0)
    assert await exchange.account.positions() == []


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_what_happens_while_the_socket_is_dead_is_found(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    async with exchange.account.stream_account() as stream:
        orders = [await exchange.trading.place(resting(f"a-{n}")) for n in range(3)]
        await exchange.trading.place(resting("b-1", SPOT))
        sim.fill(number("a-0"))
        await until(lambda: orders[0].status is OrderStatus.FILLED and orders[0].fills)
        sim.refuse_connections()
        sim.cut_connections(how)
        sim.fill(number("a-1"))
        sim.fill(number("a-2"), "0.3")
        sim.fill(number("b-1"))
        sim.refuse_connections(False)
        seen = await read_to(stream, lambda event: isinstance(event, Recovered))
        sim.fill(number("a-2"))
        seen += await read_to(stream, lambda event: isinstance(event, FillEvent) and event.fill.quantity == D("1.7"))
    told = [str(event.fill.client_order_id) for event in seen if isinstance(event, FillEvent)]
    assert sorted(told) == ["a-0", "a-1", "a-2", "a-2", "b-1"]


async def test_fees_and_leverage(exchange: lotusx.Exchange) -> None:
    fees = await exchange.account.fees(PERP)
    assert -D("0.001") < fees.maker < fees.taker < D("0.01")
    await exchange.account.set_leverage(PERP, 4)
    assert (await exchange.account.leverage("BTC/USDC:USDC")).leverage == 4  # one for the whole account
    account = await exchange.native.account()  # type: ignore[attr-defined]  # Backpack's own
    assert account.leverageLimit == "4"


async def test_funding_is_paid_once(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_funding_rate(MARKET, "0.0001")
    start = sim.now_ns()
    await exchange.trading.place(market("a-1"))
    sim.settle_funding(MARKET)
    (payment,) = await collect(exchange.account.iter_funding_payments(start=start))
    assert (str(payment.symbol), payment.asset, payment.rate, payment.amount < 0) == (PERP, "USDC", D("0.0001"), True)


async def test_native_position_states_what_the_list_does_not(exchange: lotusx.Exchange) -> None:
    await exchange.trading.place(market("a-1"))
    (listed,) = await exchange.account.positions()
    alone = await exchange.native.position(MARKET)  # type: ignore[attr-defined]  # Backpack's own
    assert (listed.liquidation_price, alone.netQuantity) == (None, "2")


async def test_swapped_keys_are_refused_before_anything_is_sent(connect: object, sim: Simulator) -> None:
    swapped = {"api_key": KEY["api_secret"], "api_secret": KEY["api_key"]}
    with pytest.raises(CredentialsError, match="do not swap"):
        connect(credentials=swapped)  # type: ignore[operator]  # the fixture
    assert not sim.requests


async def test_key_that_is_not_the_accounts_is_refused_before_a_subscription_that_nobody_would_answer(
    connect: Callable[..., lotusx.Exchange], sim: Simulator
) -> None:
    async with connect(credentials=STRANGER) as exchange:
        with pytest.raises(AuthenticationError):
            async with exchange.account.stream_account():
                pytest.fail("the stream opened")
    assert sim.requests["GET", "/api/v1/account"] == 1
    assert sim.connections_made == 0
