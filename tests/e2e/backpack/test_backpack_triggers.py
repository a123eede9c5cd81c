"""Conditional orders on Backpack over their whole life: what triggers goes on under another id, and stays one order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal as D

import anyio
import pytest
import trio.testing
from e2e_backpack import KEY, MARKET, PERP, Request, market, resting
from e2e_kit import collect

import lotusx
from lotusx.errors import PostOnlyWouldTake
from lotusx.model import Accepted, FillEvent, OrderEvent, OrderStatus, OrderType, Recovered, Rejected
from lotusx_sim import Simulator
from lotusx_sim.dialects.backpack import Backpack
from lotusx_sim.shells import memory

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture(params=["keeps its client id", "loses its client id"])
def sim(request: pytest.FixtureRequest) -> Simulator:
    keeps = request.param.startswith("keeps")
    return Simulator(Backpack(seed=7, actions_per_s=0, client_id_when_triggered=keeps, post_only_expires=keeps))


@pytest.fixture
async def exchange(sim: Simulator) -> AsyncIterator[lotusx.Exchange]:
    async with memory.connect(sim, latency_s=0.005) as server:
        opened = lotusx.connect(
            "backpack", environment="simulator", base_url=server.base_url, credentials=KEY,
            http=server.http, ws=server.ws, clock=server.clock,
        )  # fmt: skip
        async with opened as connected:
            yield connected


def stop_limit(name: str) -> Request:
    """Return a sell that rests at 190 once the mark price is 145."""
    return Request(
        symbol=PERP, side="sell", type="stop_loss_limit", quantity="2", price="190", trigger_price="145",
        client_order_id=name, native={"triggerBy": "MarkPrice"},
    )  # fmt: skip


def trigger(sim: Simulator) -> str:
    """Let the mark price fall; return the exchange's new id of what that triggered."""
    (waiting,) = sim.open_orders()
    sim.set_mark(MARKET, "144")
    assert waiting.is_working
    return str(sim.venue.state.id_of(waiting))  # type: ignore[attr-defined]  # Backpack's own


async def test_life_of_a_triggered_order_is_that_of_one_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    states, fills = [], []
    async with exchange.account.stream_account() as stream:
        order = await exchange.trading.place(stop_limit("a-1"))
        (listed,) = await exchange.trading.open_orders()
        assert (order.status, listed.status, listed.trigger_price) == (OrderStatus.PENDING,) * 2 + (D(145),)
        waited = order.state.venue_order_id
        now_id = trigger(sim)
        sim.fill(sim.open_orders()[0].client_id, "0.5")
        await anyio.sleep(1)
        assert (order.status, order.filled) == (OrderStatus.PARTIALLY_FILLED, D("0.5"))
        assert now_id == order.state.venue_order_id != waited
        assert (order.state.type, order.state.price, order.state.quantity) == (OrderType.STOP_LOSS_LIMIT, D(190), D(2))
        sim.fill(sim.open_orders()[0].client_id)
        with anyio.move_on_after(5):
            async for event in stream:
                if isinstance(event, OrderEvent):
                    states.append((event.state.client_order_id, str(event.state.status), event.state.filled))
                elif isinstance(event, FillEvent):
                    fills.append((event.fill.client_order_id, event.fill.quantity))
    assert list(dict.fromkeys(states)) == [
        ("a-1", "pending", 0), ("a-1", "open", 0), ("a-1", "partially_filled", D("0.5")), ("a-1", "filled", 2)
    ]  # fmt: skip
    assert fills == [("a-1", D("0.5")), ("a-1", D("1.5"))]
    assert order.status is OrderStatus.FILLED


async def test_triggered_order_is_found_listed_and_cancelled_without_a_stream(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    order = await exchange.trading.place(stop_limit("a-1"))
    now_id = trigger(sim)
    asked = await exchange.trading.order(PERP, client_order_id="a-1")
    assert (asked.status, asked.venue_order_id, asked.type) == (OrderStatus.OPEN, now_id, OrderType.STOP_LOSS_LIMIT)
    (listed,) = await exchange.trading.open_orders()
    assert (listed.client_order_id, listed.venue_order_id) == ("a-1", now_id)
    sim.fill(sim.open_orders()[0].client_id, "0.5")
    canceled = await exchange.trading.cancel(PERP, client_order_id="a-1")
    assert (canceled.status, canceled.filled) == (OrderStatus.CANCELED, D("0.5"))
    assert sim.open_orders() == []
    ended = await exchange.trading.order(PERP, client_order_id="a-1")
    assert (ended.status, ended.filled, ended.venue_order_id) == (OrderStatus.CANCELED, D("0.5"), now_id)
    await order.fetch_fills()
    assert [fill.quantity for fill in order.fills] == [D("0.5")]


async def test_cancel_of_an_order_that_triggers_meanwhile_does_not_say_that_it_is_gone(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    order = await exchange.trading.place(stop_limit("a-1"))
    now_id = trigger(sim)
    try:
        told = (await exchange.trading.cancel(PERP, client_order_id="a-1")).status
    except lotusx.LotusXError:
        told = OrderStatus.OPEN
    assert (told is OrderStatus.CANCELED) == (not sim.open_orders())
    assert order.state.venue_order_id == now_id
    await exchange.trading.cancel(PERP, client_order_id="a-1")
    assert sim.open_orders() == []


async def test_what_triggers_while_the_socket_is_dead_is_recovered_as_one_order(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.account.stream_account() as stream:
        first = await exchange.trading.place(stop_limit("a-1"))
        sim.refuse_connections()
        sim.cut_connections("rst")
        now_id = trigger(sim)
        sim.fill(sim.open_orders()[0].client_id)
        await anyio.sleep(2)
        sim.refuse_connections(False)
        fills = []
        with anyio.fail_after(60):
            async for event in stream:
                if isinstance(event, FillEvent):
                    fills.append(event.fill.quantity)
                if isinstance(event, Recovered):
                    break
    assert (fills, first.status, first.state.venue_order_id) == ([D(2)], OrderStatus.FILLED, now_id)


async def test_history_has_the_wait_and_what_came_of_it(exchange: lotusx.Exchange, sim: Simulator) -> None:
    start = sim.now_ns() - 10**9
    order = await exchange.trading.place(stop_limit("a-1"))
    now_id = trigger(sim)
    found = {state.venue_order_id: state for state in await collect(exchange.trading.iter_orders(PERP, start=start))}
    assert found[now_id].status is OrderStatus.OPEN
    assert found[str(order.state.venue_order_id)].status is OrderStatus.CANCELED
    assert now_id in found[str(order.state.venue_order_id)].reason


async def test_post_only_order_that_would_take_is_refused_in_either_way(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.account.stream_account() as stream:
        with pytest.raises(PostOnlyWouldTake):
            await exchange.trading.place(resting("a-1", price="160", post_only=True))
        batch = [resting("a-2", price="160", post_only=True), resting("a-3", post_only=True)]
        first, second = await exchange.trading.place_batch_orders(batch)
        assert isinstance(first, Rejected)
        assert isinstance(first.error, PostOnlyWouldTake)
        await exchange.trading.place(market("a-4"))
        told: dict[str | None, str] = {}
        with anyio.move_on_after(5):
            async for event in stream:
                if isinstance(event, OrderEvent):
                    told[event.state.client_order_id] = str(event.state.status)
    assert told.get("a-1", "rejected") == told.get("a-2", "rejected") == "rejected"
    assert (told["a-3"], told["a-4"]) == ("open", "filled")
    assert [order.client_id for order in sim.open_orders()] == [sim.order_ids()[-2]]
    assert isinstance(second, Accepted)
