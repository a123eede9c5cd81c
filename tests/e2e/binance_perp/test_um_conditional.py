"""A conditional order's whole life: placed, listed, triggered, filled, cancelled; told, and recovered after a loss.

Twice: the order that it becomes may carry our id or one of the venue's own, and its first event may come before or
after that of the trigger. Neither is documented.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from e2e_kit import Connect, is_up, until

import lotusx
from lotusx.errors import NotSupported, WouldTrigger
from lotusx.model import Accepted, FillEvent, OrderEvent, OrderStatus, OrderType, Rejected
from lotusx_sim import BinancePerp, Simulator

pytestmark = pytest.mark.anyio
PERP = "BTC/USDT:USDT"


@pytest.fixture(params=[False, True], ids=["our id", "the venue's id, late"])
def sim(request: pytest.FixtureRequest) -> Simulator:
    return Simulator(BinancePerp(seed=7, actions_per_s=0, own_child_ids=request.param, late_trigger=request.param))


@pytest.fixture
async def exchange(connect: Connect) -> AsyncIterator[lotusx.Exchange]:
    async with connect() as opened:
        yield opened


def stop(name: str, **more: Any) -> lotusx.OrderRequest:
    values: dict[str, Any] = {
        "type": "stop_loss_limit", "side": "sell", "quantity": "0.01", "price": "67900", "trigger_price": "67000",
        **more,
    }  # fmt: skip
    return lotusx.OrderRequest(symbol=PERP, client_order_id=name, **values)


def fall(sim: Simulator) -> None:
    """Let the last price fall to the trigger; what sells at 67 900 then rests."""
    sim.set_book("BTCUSDT", [("66900", "1")], [("67000", "1")])
    sim.trade("BTCUSDT", "sell", "0.01")


def child(sim: Simulator) -> str:
    (order,) = [each for each in sim.open_orders() if each.is_working]
    return str(order.id)


async def test_one_that_triggers_stays_one_order_under_one_name(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account() as events:
        await until(lambda: is_up(events))
        order = await exchange.trading.place(stop("s-1"))
        assert order.status is OrderStatus.PENDING
        fall(sim)
        await until(lambda: order.status is OrderStatus.OPEN)
        assert (order.state.venue_order_id, order.client_order_id) == (child(sim), "s-1")

        found = await exchange.trading.order(PERP, client_order_id="s-1")
        assert (found.status, found.type, found.venue_order_id) == (
            OrderStatus.OPEN, OrderType.STOP_LOSS_LIMIT, child(sim),
        )  # fmt: skip
        sim.fill("s-1", "0.004")
        await until(lambda: str(order.state.filled) == "0.004")
        ended = await exchange.trading.cancel(PERP, client_order_id="s-1")
        assert (ended.status, str(ended.filled)) == (OrderStatus.CANCELED, "0.004")
        await until(lambda: order.status is OrderStatus.CANCELED)
        assert str(order.state.filled) == "0.004"
        told = [event async for event in _until_canceled(events)]
    assert [str(each.fill.quantity) for each in told if isinstance(each, FillEvent)] == ["0.004"]
    states = [each.state for each in told if isinstance(each, OrderEvent)]
    assert [state.status for state in states if state.status.is_terminal] == [OrderStatus.CANCELED]


async def _until_canceled(events: Any) -> AsyncIterator[Any]:
    async for event in events:
        yield event
        if isinstance(event, OrderEvent) and event.state.status is OrderStatus.CANCELED:
            return


@pytest.mark.parametrize("what", ["rests", "fills", "is ended"])
async def test_one_that_triggers_while_nobody_listens_is_found_again(
    exchange: lotusx.Exchange, sim: Simulator, what: str
) -> None:
    async with exchange.account.stream_account() as events:
        await until(lambda: is_up(events))
        order = await exchange.trading.place(stop("s-1"))
        sim.refuse_connections()
        sim.cut_connections("rst")
        fall(sim)
        if what == "fills":
            sim.fill("s-1")
        elif what == "is ended":
            sim.cancel("s-1")
        sim.refuse_connections(False)

        status = {"rests": OrderStatus.OPEN, "fills": OrderStatus.FILLED, "is ended": OrderStatus.EXPIRED}[what]
        await until(lambda: order.status is status)
        assert order.client_order_id == "s-1"
        if what == "fills":
            await until(lambda: len(order.state.fills) or order.state.filled == order.state.quantity)
        listed = await exchange.trading.open_orders(PERP)
        assert len(listed) == (what == "rests")


async def test_without_a_stream_the_order_it_became_is_cancelled_by_the_name_of_what_it_was(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    order = await exchange.trading.place(stop("s-1"))
    fall(sim)
    await exchange.trading.cancel(PERP, client_order_id="s-1", venue_order_id=order.state.venue_order_id)
    assert sim.open_order_ids() == []


async def test_a_batch_of_both_kinds_has_an_outcome_for_each(exchange: lotusx.Exchange, sim: Simulator) -> None:
    plain = lotusx.OrderRequest.limit(PERP, "buy", "0.01", "66000", client_order_id="a-1")
    wrong = stop("s-2", trigger_price="69000")
    outcomes = await exchange.trading.place_batch_orders([stop("s-1"), plain, wrong])

    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Rejected]
    assert isinstance(outcomes[2].error, WouldTrigger)  # type: ignore[union-attr]
    assert sorted(sim.open_order_ids()) == ["a-1", "s-1"]
    gone = await exchange.trading.cancel_batch_orders(PERP, ["s-1", "a-1"])
    assert [type(outcome) for outcome in gone] == [Accepted, Accepted]
    assert sim.open_order_ids() == []


async def test_one_cannot_be_amended_and_nothing_is_sent(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(stop("s-1"))
    with pytest.raises(NotSupported, match="cancel, then place"):
        await exchange.trading.amend(PERP, client_order_id="s-1", price="67800")
    assert str(sim.order("s-1").price) == "67900"
