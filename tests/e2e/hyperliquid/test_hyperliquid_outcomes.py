"""Whatever happens to a reply of Hyperliquid: the order ends in its true state, and nothing is sent twice."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import anyio
import pytest
from e2e_hyperliquid import ASK, CANCEL_BY_ID, KEY, MODIFY, PERP, PLACE, cloid, market, resting, stop
from e2e_kit import Connect, spoil_reply
from virtual_time import VirtualTime

import lotusx
from lotusx.errors import Unavailable
from lotusx.model import Accepted, Unknown
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_an_order_whose_reply_is_lost_is_found_and_not_sent_again(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    sim.lose_reply_to(*PLACE, how=how)
    order = await exchange.trading.place(market("a-1"))
    assert (order.status, order.filled) == (lotusx.OrderStatus.FILLED, sim.order(cloid("a-1")).executed)
    assert sim.requests[PLACE] == 1


@pytest.mark.parametrize("page", ["html", "504", "half a reply"])
async def test_a_reply_that_proves_nothing_is_resolved_by_looking(
    exchange: lotusx.Exchange, sim: Simulator, page: str
) -> None:
    spoil_reply(sim, PLACE, page)
    order = await exchange.trading.place(resting("a-1"))
    assert order.status is lotusx.OrderStatus.OPEN
    assert sim.order_ids() == [cloid("a-1")]
    assert sim.requests[PLACE] == 1


async def test_a_cancel_whose_reply_is_lost_ends_cancelled(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(resting("a-1"))
    sim.lose_reply_to(*CANCEL_BY_ID, how="reset")
    final = await exchange.trading.cancel(PERP, client_order_id="a-1")
    assert final.status is lotusx.OrderStatus.CANCELED
    assert sim.requests[CANCEL_BY_ID] == 1


async def test_an_amendment_whose_reply_is_lost_ends_as_the_exchange_has_it(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    before = (await exchange.trading.place(resting("a-1"))).venue_order_id
    sim.lose_reply_to(*MODIFY, how="reset")
    order = await exchange.trading.amend(PERP, client_order_id="a-1", price="80010")
    assert (order.state.price, order.status) == (D(80_010), lotusx.OrderStatus.OPEN)
    assert order.venue_order_id != before
    assert sim.requests[MODIFY] == 1


async def test_a_batch_whose_reply_is_lost_is_resolved_item_by_item(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.lose_reply_to(*PLACE, how="reset")
    outcomes = await exchange.trading.place_batch_orders([resting(f"a-{number}") for number in range(3)])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert sim.requests[PLACE] == 1


async def test_a_posted_order_whose_socket_dies_is_looked_up(connect: Connect, sim: Simulator) -> None:
    async with connect(options={"order_entry": "ws"}) as exchange:
        await exchange.trading.ready()
        sim.lose_reply_to("WS", "/exchange/order", how="reset")
        order = await exchange.trading.place(resting("a-1"))
    assert order.status is lotusx.OrderStatus.OPEN
    assert (sim.requests[("WS", "/exchange/order")], sim.requests[PLACE]) == (1, 0)


class TestUnderVirtualTime(VirtualTime):
    """The long waits: the same exchange in process, on trio's own clock."""

    name = "hyperliquid"
    key = KEY

    async def test_an_order_hidden_for_three_seconds_is_waited_for(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        sim.delay_visibility(3)
        sim.lose_reply_to(*PLACE, how="reset")
        order = await exchange.trading.place(resting("a-1"))
        assert order.status is lotusx.OrderStatus.OPEN
        assert sim.requests[PLACE] == 1
        assert sim.requests[ASK] > 1

    @pytest.mark.parametrize("how", ["cut", "hang"])
    async def test_a_request_lost_on_its_way_is_proven_lost_and_not_sent_again(
        self, exchange: lotusx.Exchange, sim: Simulator, how: str
    ) -> None:
        sim.lose_request(*PLACE, how=how)
        begun = anyio.current_time()
        with pytest.raises(Unavailable) as caught:
            await exchange.trading.place(resting("a-1"))
        assert caught.value.code == "lost"
        assert anyio.current_time() - begun >= 15.0  # expiresAfter, and how late queries may be
        assert sim.order_ids() == []
        assert sim.requests[PLACE] == 1

    async def test_an_order_stays_unknown_while_nothing_can_prove_it(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.trading.place(resting("a-0"))  # the clock is measured before the first order
        sim.lose_reply_to(*PLACE, how="reset")
        refusal = sim.refuse("POST", "/info/*", 503)
        (outcome,) = await exchange.trading.place_batch_orders([resting("a-1")])
        assert isinstance(outcome, Unknown)
        assert sim.open_order_ids() == [cloid("a-0"), cloid("a-1")]
        refusal.clear()
        found = await exchange.trading.order(PERP, client_order_id="a-1")
        assert found.status is lotusx.OrderStatus.OPEN

    async def test_children_of_a_bracket_stay_unknown_until_their_parent_fills(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        group: dict[str, Any] = {"native": {"grouping": "normalTpsl"}}
        bracket = [resting("p-1", **group), stop("t-1", "90000", type="take_profit", **group), stop("s-1", **group)]
        sim.lose_reply_to(*PLACE)
        outcomes = await exchange.trading.place_batch_orders(bracket)
        assert [type(outcome) for outcome in outcomes] == [Accepted, Unknown, Unknown]
        sim.fill(cloid("p-1"))
        for name in ("t-1", "s-1"):
            child = await exchange.trading.order(PERP, client_order_id=name)
            assert child.status is lotusx.OrderStatus.PENDING
        assert sim.requests[PLACE] == 1
