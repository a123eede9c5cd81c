"""Orders on Backpack, and whatever happens to their replies."""

from __future__ import annotations

from decimal import Decimal as D

import anyio
import pytest
from e2e_backpack import ASK, BATCH, CANCEL, HISTORY, KEY, MARKET, PERP, PLACE, SPOT, market, number, resting, stop
from e2e_kit import collect, spoil_reply
from virtual_time import VirtualTime

import lotusx
from lotusx.errors import InvalidArgument, NotSupported, Unavailable
from lotusx.model import Accepted, OrderStatus, OrderType, Rejected
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("symbol", [SPOT, PERP])
async def test_order_is_known_by_our_id_all_its_life(exchange: lotusx.Exchange, sim: Simulator, symbol: str) -> None:
    order = await exchange.trading.place(resting("grid-1", symbol))
    assert (order.status, sim.open_order_ids()) == (OrderStatus.OPEN, [number("grid-1")])
    (listed,) = await exchange.trading.open_orders(symbol)
    assert (listed.client_order_id, listed.price, listed.quantity) == ("grid-1", D(140), D(2))
    sim.fill(number("grid-1"), "0.5")
    assert (await exchange.trading.order(symbol, client_order_id="grid-1")).filled == D("0.5")
    canceled = await exchange.trading.cancel(symbol, client_order_id="grid-1")
    assert (canceled.status, canceled.filled) == (OrderStatus.CANCELED, D("0.5"))
    asked = await exchange.trading.order(symbol, client_order_id="grid-1")
    assert (asked.status, asked.filled) == (OrderStatus.CANCELED, D("0.5"))


async def test_order_of_an_earlier_run_is_found_by_our_id(exchange: lotusx.Exchange, connect: object) -> None:
    await exchange.trading.place(resting("grid-1"))
    await exchange.trading.cancel(PERP, client_order_id="grid-1")
    await exchange.trading.place(resting("grid-2"))
    async with connect() as later:  # type: ignore[operator]  # the fixture
        assert (await later.trading.order(PERP, client_order_id="grid-1")).status is OrderStatus.CANCELED
        assert (await later.trading.order(PERP, client_order_id="grid-2")).status is OrderStatus.OPEN
        (listed,) = await later.trading.open_orders()
        assert listed.client_order_id == "grid-2"  # since it was asked for


async def test_market_order_in_quote_fills_at_once(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(market("a-1", symbol=SPOT, quantity="100", quantity_unit="quote"))
    await order.fetch_fills()
    there = sim.fills()
    assert order.status in (OrderStatus.FILLED, OrderStatus.EXPIRED)
    assert sum(fill.quantity for fill in there) == order.filled > 0
    assert [fill.quantity for fill in order.fills] == [fill.quantity for fill in there]


async def test_stop_waits_for_its_trigger(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(market("a-1"))
    order = await exchange.trading.place(stop("a-2", native={"triggerBy": "MarkPrice"}))
    assert (order.status, order.state.type, order.state.trigger_price) == (
        OrderStatus.PENDING, OrderType.STOP_LOSS, D(140),
    )  # fmt: skip
    with pytest.raises(InvalidArgument, match="below"):
        await exchange.trading.place(stop("a-3", "190"))
    sim.set_mark(MARKET, "139")
    assert sim.position(MARKET) == 0


async def test_batch_has_an_outcome_for_each(exchange: lotusx.Exchange) -> None:
    requests = [resting(f"a-{n}") for n in range(23)] + [resting("poor", quantity="1000000")]
    outcomes = await exchange.trading.place_batch_orders(requests)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 23 + [Rejected]
    canceled = await exchange.trading.cancel_all(PERP)
    assert len(canceled) == 23
    assert await exchange.trading.open_orders() == []


async def test_cancel_all_reaches_every_symbol_and_conditional_orders(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    await exchange.trading.place(resting("a-1"))
    await exchange.trading.place(resting("a-2", SPOT))
    await exchange.trading.place(market("a-3"))
    await exchange.trading.place(stop("a-4"))
    canceled = await exchange.trading.cancel_all()
    assert sorted(str(state.client_order_id) for state in canceled) == ["a-1", "a-2", "a-4"]
    assert sim.open_orders() == []


async def test_what_the_exchange_does_not_have_says_what_to_use(exchange: lotusx.Exchange) -> None:
    order = await exchange.trading.place(resting("a-1"))
    for call in (
        exchange.trading.amend(PERP, client_order_id=order.client_order_id, price="141"),
        exchange.trading.cancel_all_after(10),
        exchange.trading.test(resting("a-2")),
    ):
        with pytest.raises(NotSupported) as caught:
            await call
        assert caught.value.instead


async def test_history_is_oldest_first(exchange: lotusx.Exchange, sim: Simulator) -> None:
    start = sim.now_ns() - 10**9
    for name in ("a-1", "a-2", "a-3"):
        await exchange.trading.place(resting(name))
        await exchange.trading.cancel(PERP, client_order_id=name)
    await exchange.trading.place(market("a-4"))
    orders = await collect(exchange.trading.iter_orders(PERP, start=start))
    assert [order.client_order_id for order in orders] == ["a-1", "a-2", "a-3", "a-4"]
    fills = await collect(exchange.trading.iter_fills(PERP, start=start))
    assert [fill.quantity for fill in fills] == [fill.quantity for fill in sim.fills()]


# -- doubt -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_order_whose_reply_is_lost_is_found_and_not_sent_again(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    sim.lose_reply_to(*PLACE, how=how)
    order = await exchange.trading.place(market("a-1"))  # it has ended: only the history has it
    assert (order.status, order.filled) == (OrderStatus.FILLED, sim.order(number("a-1")).executed)
    assert sim.requests[PLACE] == 1


@pytest.mark.parametrize("page", ["html", "504", "half a reply"])
async def test_reply_that_proves_nothing_is_resolved_by_looking(
    exchange: lotusx.Exchange, sim: Simulator, page: str
) -> None:
    spoil_reply(sim, PLACE, page)
    order = await exchange.trading.place(resting("a-1"))
    assert order.status is OrderStatus.OPEN
    assert (sim.order_ids(), sim.requests[PLACE]) == ([number("a-1")], 1)


async def test_cancel_whose_reply_is_lost_ends_cancelled(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(resting("a-1"))
    sim.lose_reply_to(*CANCEL, how="reset")
    final = await exchange.trading.cancel(PERP, client_order_id="a-1")
    assert (final.status, sim.requests[CANCEL]) == (OrderStatus.CANCELED, 1)


async def test_batch_whose_reply_is_lost_is_resolved_item_by_item(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.lose_reply_to(*BATCH, how="reset")
    outcomes = await exchange.trading.place_batch_orders([resting("a-1"), market("a-2"), resting("a-3")])
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
    assert sim.requests[BATCH] == 1


class TestUnderVirtualTime(VirtualTime):
    """The long waits: the same exchange in process, on trio's own clock."""

    name = "backpack"
    key = KEY

    async def test_order_that_shows_late_is_waited_for(self, exchange: lotusx.Exchange, sim: Simulator) -> None:
        sim.delay_visibility(3)
        sim.lose_reply_to(*PLACE, how="reset")
        order = await exchange.trading.place(resting("a-1"))
        assert order.status is OrderStatus.OPEN
        assert sim.requests[PLACE] == 1
        assert sim.requests[ASK] > 1

    @pytest.mark.parametrize("how", ["cut", "hang"])
    async def test_request_lost_on_its_way_is_proven_lost_and_not_sent_again(
        self, exchange: lotusx.Exchange, sim: Simulator, how: str
    ) -> None:
        sim.lose_request(*PLACE, how=how)
        begun = anyio.current_time()
        with pytest.raises(Unavailable) as caught:
            await exchange.trading.place(resting("a-1"))
        assert caught.value.code == "lost"
        assert anyio.current_time() - begun >= 60.0
        assert (sim.order_ids(), sim.requests[PLACE]) == ([], 1)
        assert sim.requests[HISTORY] > 1  # it might have ended

    async def test_order_stays_unknown_while_nothing_can_prove_it(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        sim.lose_reply_to(*PLACE, how="reset")
        refusal = sim.refuse(*ASK, 503)
        with pytest.raises(lotusx.OrderOutcomeUnknown):
            await exchange.trading.place(resting("a-1"))
        assert sim.open_order_ids() == [number("a-1")]
        refusal.clear()
        assert (await exchange.trading.order(PERP, client_order_id="a-1")).status is OrderStatus.OPEN
