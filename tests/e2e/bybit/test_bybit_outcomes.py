"""Whatever happens to a reply of Bybit: the order ends in its true state, and nothing is sent twice."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import anyio
import pytest
from e2e_bybit import AMEND, CANCEL, CREATE, INVERSE, KEY, PERP, SPOT, WS, awaited, market, name_of, resting
from e2e_kit import Connect, spoil_reply, until

import lotusx
from lotusx.errors import AuthenticationError, Banned
from lotusx.model import Accepted, FillEvent, OrderEvent, OrderStatus, PositionEvent, Recovered
from lotusx_sim import Bybit, Simulator, serve

pytestmark = pytest.mark.anyio
ALL = pytest.mark.parametrize("symbol", [SPOT, PERP, INVERSE])


@ALL
@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_order_whose_reply_is_lost_is_found_and_not_sent_again(
    connect: Connect, sim: Simulator, symbol: str, how: str
) -> None:
    async with connect(name_of(symbol)) as exchange:
        sim.lose_reply_to(*CREATE, how=how)
        order = await exchange.trading.place(market("a-1", symbol))
        assert (order.status, order.filled) == (OrderStatus.FILLED, sim.order("a-1").executed)
        assert sim.requests[CREATE] == 1


@pytest.mark.parametrize("page", ["html", "10000", "half a reply"])
async def test_reply_that_proves_nothing_is_resolved_by_looking(connect: Connect, sim: Simulator, page: str) -> None:
    async with connect() as exchange:
        spoil_reply(sim, CREATE, page)
        order = await exchange.trading.place(resting("a-1"))
        assert order.status is OrderStatus.OPEN
        assert sim.order_ids() == ["a-1"]
        assert sim.requests[CREATE] == 1


async def test_socket_that_is_lost_before_the_reply_leaves_no_doubt_in_the_end(
    connect: Connect, sim: Simulator
) -> None:
    async with connect(**WS) as exchange:
        await exchange.trading.ready()
        sim.lose_reply_to("WS", "order.create", how="reset")
        order = await exchange.trading.place(market("a-1"))
        assert order.status is OrderStatus.FILLED
        assert sim.order_ids() == ["a-1"]


async def test_cancel_and_amendment_whose_replies_are_lost_end_as_the_exchange_has_them(
    connect: Connect, sim: Simulator
) -> None:
    async with connect() as exchange:
        await exchange.trading.place(resting("a-1"))
        sim.lose_reply_to(*AMEND, how="reset")
        order = await exchange.trading.amend(PERP, client_order_id="a-1", price="79000")
        assert (order.state.price, sim.order("a-1").price) == (D(79_000), D(79_000))
        sim.lose_reply_to(*CANCEL, how="reset")
        final = await exchange.trading.cancel(PERP, client_order_id="a-1")
        assert final.status is OrderStatus.CANCELED
        assert (sim.requests[AMEND], sim.requests[CANCEL]) == (1, 1)


async def test_batch_whose_reply_is_lost_has_its_outcomes(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        sim.lose_reply_to("POST", "/v5/order/create-batch", how="reset")
        outcomes = await exchange.trading.place_batch_orders([resting("a-1"), resting("a-2")])
        assert [type(each) for each in outcomes] == [Accepted, Accepted]
        assert sim.order_ids() == ["a-1", "a-2"]


@pytest.mark.parametrize("delay_ms", [300])
async def test_commands_that_are_carried_out_later_end_as_they_were_carried_out(delay_ms: int) -> None:
    async with serve(Bybit(seed=7, actions_per_s=0, pace=0.1, matching_delay_ms=delay_ms)) as server:
        settings: dict[str, Any] = {
            "environment": "simulator",
            "base_url": server.base_url,
            "credentials": KEY,
        }
        async with lotusx.connect("bybit-perp", **settings) as exchange, exchange.account.stream_account():
            order = await exchange.trading.place(resting("a-1"))
            poor = await exchange.trading.place(resting("a-2", quantity="100"))
            assert (order.status, poor.status) == (OrderStatus.PENDING, OrderStatus.PENDING)
            await until(lambda: order.status is OrderStatus.OPEN)
            assert (await poor.settled(10)).status is OrderStatus.REJECTED
            await exchange.trading.cancel(PERP, client_order_id="a-1")
            assert (await order.settled(10)).status is OrderStatus.CANCELED
            assert server.sim.open_orders() == []


@ALL
async def test_what_happens_while_the_connection_is_down_is_told_afterwards(
    connect: Connect, sim: Simulator, symbol: str
) -> None:
    quantity = None if symbol == INVERSE else "0.01"
    async with connect(name_of(symbol)) as exchange, exchange.account.stream_account() as events:
        await exchange.trading.place(resting("a-1", symbol, quantity=quantity))
        sim.cut_connections("rst")
        sim.fill("a-1")
        seen: list[Any] = []
        with anyio.fail_after(20):
            async for event in events:
                seen.append(event)
                if isinstance(event, Recovered):
                    break
        fills = [event.fill for event in seen if isinstance(event, FillEvent)]
        assert [fill.client_order_id for fill in fills] == ["a-1"]
        assert any(isinstance(each, OrderEvent) and each.state.status is OrderStatus.FILLED for each in seen)
        if symbol != SPOT:
            (position,) = await exchange.account.positions()
            told = [each for each in seen if isinstance(each, PositionEvent)]
            assert position.quantity == told[-1].positions[-1].quantity == sum(fill.quantity for fill in fills)


async def test_events_of_the_other_product_are_left_to_its_own_connection(connect: Connect) -> None:
    async with (
        connect("bybit") as spot,
        connect() as perp,
        spot.account.stream_account() as spot_events,
        perp.account.stream_account() as perp_events,
    ):
        await spot.trading.place(resting("a-1", SPOT))
        await perp.trading.place(resting("a-2", PERP))
        for events, symbol in ((spot_events, SPOT), (perp_events, PERP)):
            event = await awaited(events, OrderEvent, lambda each: each.state.status is OrderStatus.OPEN)
            assert str(event.state.symbol) == symbol


async def test_ban_of_the_address_stops_all_traffic(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        await exchange.market.instruments()
        sim.ban(600)
        with pytest.raises(Banned) as caught:
            await exchange.market.ticker(PERP)
        asked = sum(sim.requests.values())
        with pytest.raises(Banned):
            await exchange.trading.place(resting("a-1"))
        assert sum(sim.requests.values()) == asked
        assert caught.value.after_s == 600


async def test_wrong_secret_is_refused_by_rest_and_by_every_socket(connect: Connect) -> None:
    wrong = {**KEY, "api_secret": "wrong"}
    async with connect(credentials=wrong) as exchange:
        with pytest.raises(AuthenticationError) as caught:
            await exchange.account.balances()
        assert caught.value.code == "10004"
        with pytest.raises(AuthenticationError):
            async with exchange.account.stream_account():
                pass
    async with connect(credentials=wrong, **WS) as exchange:
        with pytest.raises(AuthenticationError):
            await exchange.trading.place(resting("a-1"))
