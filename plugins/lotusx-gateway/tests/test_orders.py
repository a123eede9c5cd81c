"""Orders through the gateway: their outcomes, and who may send them."""

from __future__ import annotations

import itertools

import anyio
import pytest
from gateway_kit import BTC, DEADLINE_S, READER, SUBJECTS, TRADER, NatsServer, desk, password

from lotusx.errors import (
    ErrorKind,
    InsufficientFunds,
    InvalidArgument,
    NotSupported,
    PermissionDenied,
    TimestampSkew,
    Unavailable,
)
from lotusx.model import FillEvent, OrderEvent, OrderRequest
from lotusx.plugin import Secret
from lotusx_gateway import User
from lotusx_gateway.link import Link
from lotusx_gateway.login import Login

pytestmark = pytest.mark.anyio


def limit(client_order_id: str, price: str = "50000") -> OrderRequest:
    return OrderRequest.limit(BTC, "buy", "0.01", price, client_order_id=client_order_id)


async def test_an_order_is_placed_looked_up_and_cancelled(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer() as exchange:
        order = await exchange.place(limit("mine-1"))
        assert here.sim.open_order_ids() == ["mine-1"]
        assert order.status == "open"
        found = await exchange.order(BTC, client_order_id="mine-1")
        assert (found.venue_order_id, found.price) == (order.venue_order_id, order.state.price)
        assert [each.client_order_id for each in await exchange.open_orders()] == ["mine-1"]
        ended = await exchange.cancel(BTC, client_order_id="mine-1")
        assert ended.status == "canceled"
        assert here.sim.open_order_ids() == []


async def test_a_refusal_of_the_exchange_arrives_as_it_was(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer() as exchange:
        with pytest.raises(InsufficientFunds) as caught:
            await exchange.place(OrderRequest.limit(BTC, "sell", "100", "70000", client_order_id="too-much"))
    assert caught.value.code


async def test_an_account_stream_brings_orders_and_fills(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer() as exchange, exchange.stream_account() as events:
        await exchange.place(OrderRequest.market(BTC, "buy", "0.5", client_order_id="at-once"))
        told = []
        with anyio.fail_after(DEADLINE_S):
            async for event in events:
                told.append(event)
                if any(isinstance(each, OrderEvent) and each.state.status == "filled" for each in told) and any(
                    isinstance(each, FillEvent) for each in told
                ):
                    break
        (fill,) = [each.fill for each in told if isinstance(each, FillEvent)]
        assert (str(fill.price), str(fill.quantity), fill.client_order_id) == (
            "60010.00000000",
            "0.50000000",
            "at-once",
        )
        balances = {each.asset: each for each in await exchange.balances()}
        assert balances["BTC"].total > 0


async def test_a_reader_of_market_data_cannot_reach_an_account(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange:
        assert (await exchange.ticker(BTC)).last_price
        with pytest.raises(PermissionDenied, match="permissions do not let 'reader' use"):
            await exchange.place(limit("not-mine"))
        with pytest.raises(PermissionDenied):
            await exchange.balances()
        with pytest.raises(PermissionDenied):
            async with exchange.stream_account():
                raise AssertionError("it was opened")
        assert here.sim.order_ids() == []


async def test_a_grant_is_the_gateways_own_whatever_the_broker_lets_pass(nats: NatsServer) -> None:
    async with desk(nats, users=[READER, User("trader")]) as here, here.consumer() as exchange:
        with pytest.raises(PermissionDenied, match="no grant for the account 'main'"):
            await exchange.place(limit("not-granted"))
        assert here.sim.order_ids() == []


async def test_a_user_that_the_gateway_does_not_know_reads_nothing(nats: NatsServer) -> None:
    async with desk(nats, users=[TRADER]) as here:
        with pytest.raises(PermissionDenied, match="no grant for market data"):
            async with here.consumer("reader"):
                raise AssertionError("it was let in")


async def test_a_user_cannot_ask_in_the_name_of_another(nats: NatsServer) -> None:
    async with desk(nats):
        login = Login(nats.url, "reader", Secret(password("reader")))
        link = Link(SUBJECTS, login, "main")
        broker = await link.broker()
        refused: list[str] = []
        broker.on_denied = lambda _kind, subject: refused.append(subject)
        await broker.publish(SUBJECTS.asks("trader", "main"), b"{}")
        await broker.flush()
        await broker.flush()
        await link.aclose()
    assert refused == [SUBJECTS.asks("trader", "main")]


async def test_a_command_that_comes_late_is_refused_and_never_carried_out(nats: NatsServer) -> None:
    async with desk(nats) as here:
        link = Link(SUBJECTS, Login(nats.url, "trader", Secret(password("trader"))), "main")
        await link.ask("hello")
        link._offset_ns -= 10_000_000_000  # as if it had waited ten seconds on the way
        with pytest.raises(TimestampSkew, match="after its deadline"):
            await link.ask("place", {"request": limit("late").plain_fields()}, of_account=True, command=True)
        link._offset_ns += 30_000_000_000
        with pytest.raises(InvalidArgument, match="a command is valid for 5 s"):
            await link.ask("place", {"request": limit("long").plain_fields()}, of_account=True, command=True)
        link._run = "of yesterday"
        with pytest.raises(TimestampSkew, match="made for another run"):
            await link.ask("place", {"request": limit("early").plain_fields()}, of_account=True, command=True)
        assert here.sim.order_ids() == []
        await link.aclose()


async def test_one_request_is_carried_out_once(nats: NatsServer) -> None:
    async with desk(nats) as here:
        link = Link(SUBJECTS, Login(nats.url, "trader", Secret(password("trader"))), "main")
        asked = {"request": limit("once").plain_fields()}
        await link.ask("place", asked, of_account=True, command=True)
        link._ids = itertools.count(2)  # the number that the order had: the first was the question for the clock
        with pytest.raises(Unavailable) as caught:
            await link.ask("place", asked, of_account=True, command=True)
        assert caught.value.kind is ErrorKind.UNKNOWN_EXECUTION
        assert caught.value.may_have_executed
        assert here.sim.order_ids() == ["once"]
        await link.aclose()


async def test_an_order_whose_answer_the_exchange_lost_is_found_by_looking(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer() as exchange:
        here.sim.lose_reply_to("POST", "/api/v3/order")
        order = await exchange.place(limit("found"))
        assert order.status == "open"
        assert here.sim.order_ids() == ["found"]


async def test_a_client_order_id_that_the_gateway_has_used_is_refused(nats: NatsServer) -> None:
    async with desk(nats) as here:
        async with here.consumer() as exchange:
            await exchange.place(limit("again"))
        async with here.consumer() as exchange:
            with pytest.raises(InvalidArgument, match="'again' was used before"):
                await exchange.place(limit("again", "49000"))
        assert here.sim.order_ids() == ["again"]


async def test_what_is_not_carried_is_refused_before_anything_is_sent(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer() as exchange:
        for call in (
            exchange.trading.amend(BTC, client_order_id="x", price="1"),
            exchange.trading.test(limit("test")),
            exchange.native.call("GET", "/api/v3/account"),
            exchange.account.deposits(),
            exchange.place(limit("native").model_copy(update={"native": {"sideEffectType": "MARGIN_BUY"}})),
        ):
            with pytest.raises(NotSupported, match="instead: a connection to the exchange itself"):
                await call
