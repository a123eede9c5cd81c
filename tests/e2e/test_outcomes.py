"""Whatever happens to a reply: the order ends in the exchange's true state, and nothing is sent twice."""

from __future__ import annotations

from decimal import Decimal as D

import anyio
import pytest
from e2e_kit import BTC, CANCEL, PLACE, Connect, limit_buy, market_buy, spoil_reply
from virtual_time import VirtualTime

import lotusx
from lotusx.errors import OrderNotFound, Unavailable
from lotusx_sim import Simulator
from lotusx_sim.shells import memory

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_an_order_whose_reply_is_lost_is_found_and_not_sent_again(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    sim.lose_reply_to(*PLACE, how=how)
    order = await exchange.trading.place(market_buy("a-1"))
    assert (order.status, order.filled) == (lotusx.OrderStatus.FILLED, sim.order("a-1").executed)
    assert sim.order_ids() == ["a-1"]
    assert sim.requests[PLACE] == 1


@pytest.mark.parametrize("page", ["html", "-1007", "half a reply"])
async def test_a_reply_that_proves_nothing_is_resolved_by_looking(
    exchange: lotusx.Exchange, sim: Simulator, page: str
) -> None:
    spoil_reply(sim, PLACE, page)
    order = await exchange.trading.place(limit_buy("a-1"))
    assert order.status is lotusx.OrderStatus.OPEN
    assert sim.order_ids() == ["a-1"]
    assert sim.requests[PLACE] == 1


async def test_a_cancel_whose_reply_is_lost_ends_cancelled(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    sim.lose_reply_to(*CANCEL, how="reset")
    final = await exchange.trading.cancel(BTC, client_order_id="a-1")
    assert final.status is lotusx.OrderStatus.CANCELED
    assert sim.requests[CANCEL] == 1


async def test_an_amendment_whose_reply_is_lost_ends_as_the_exchange_has_it(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    await exchange.trading.place(limit_buy("a-1"))
    sim.lose_reply_to("POST", "/api/v3/order/cancelReplace", how="reset")
    order = await exchange.trading.amend(BTC, client_order_id="a-1", price="61000")
    assert (order.state.price, order.status) == (D(61000), lotusx.OrderStatus.OPEN)
    assert [item.price for item in sim.open_orders()] == [D(61000)]
    assert sim.requests[("POST", "/api/v3/order/cancelReplace")] == 1


async def test_a_websocket_order_whose_socket_dies_is_looked_up_by_http(connect: Connect, sim: Simulator) -> None:
    async with connect(options={"order_entry": "ws"}) as exchange:
        await exchange.trading.ready()
        sim.lose_reply_to("WS", "order.place", how="reset")
        order = await exchange.trading.place(limit_buy("a-1"))
    assert order.status is lotusx.OrderStatus.OPEN
    assert sim.order_ids() == ["a-1"]
    assert (sim.requests[("WS", "order.place")], sim.requests[PLACE]) == (1, 0)


class TestUnderVirtualTime(VirtualTime):
    """The long waits: the same exchange in process, on trio's own clock."""

    async def test_a_reply_that_never_comes_is_resolved(self, exchange: lotusx.Exchange, sim: Simulator) -> None:
        sim.lose_reply_to(*PLACE, how="hang")
        order = await exchange.trading.place(market_buy("a-1"))
        assert order.status is lotusx.OrderStatus.FILLED
        assert sim.requests[PLACE] == 1

    async def test_a_refused_connection_is_proof_that_nothing_was_sent(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.market.instruments()
        sim.refuse_connections()
        begun = anyio.current_time()
        with pytest.raises(lotusx.TransportError) as caught:
            await exchange.trading.place(limit_buy("a-1"))
        assert not caught.value.may_have_executed
        assert anyio.current_time() - begun < 20.0  # nothing had to be looked for until the horizon
        assert sim.order_ids() == []

    async def test_an_order_hidden_for_three_seconds_is_waited_for(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        sim.delay_visibility(3)
        sim.lose_reply_to(*PLACE, how="reset")
        order = await exchange.trading.place(limit_buy("a-1"))
        assert order.status is lotusx.OrderStatus.OPEN
        assert sim.open_order_ids() == ["a-1"]
        assert sim.requests[PLACE] == 1

    @pytest.mark.parametrize("how", ["cut", "reset", "hang"])
    async def test_a_request_lost_on_its_way_is_proven_lost_and_not_sent_again(
        self, exchange: lotusx.Exchange, sim: Simulator, how: str
    ) -> None:
        sim.lose_request(*PLACE, how=how)
        begun = anyio.current_time()
        with pytest.raises(Unavailable) as caught:
            await exchange.trading.place(limit_buy("a-1"))
        assert caught.value.code == "lost"
        assert anyio.current_time() - begun >= 25.0  # the exchange's horizon
        assert sim.order_ids() == []
        assert sim.requests[PLACE] == 1

    async def test_an_order_stays_unknown_while_nothing_can_prove_it(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.market.instruments()
        sim.lose_reply_to(*PLACE, how="reset")
        refusal = sim.refuse("GET", "*", 503)
        with pytest.raises(lotusx.OrderOutcomeUnknown) as caught:
            await exchange.trading.place(limit_buy("a-1"))
        assert caught.value.client_order_id == "a-1"
        assert any("could not look" in sentence for sentence in caught.value.evidence)
        assert sim.open_order_ids() == ["a-1"]  # it did arrive: a retry would have bought twice
        assert sim.requests[PLACE] == 1
        refusal.clear()
        found = await exchange.trading.order(BTC, client_order_id="a-1")
        assert found.status is lotusx.OrderStatus.OPEN

    async def test_a_batch_answers_accepted_rejected_and_unknown(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.market.instruments()
        await exchange.trading.place(limit_buy("a-0"))
        sim.lose_reply_to(*PLACE, how="reset")
        sim.refuse("GET", "*", 503)
        outcomes = await exchange.trading.place_batch_orders([limit_buy("a-1"), limit_buy("a-2")], emulate=True)
        assert [type(outcome) for outcome in outcomes] == [lotusx.Unknown, lotusx.Accepted]
        assert sim.open_order_ids() == ["a-0", "a-1", "a-2"]

    async def test_a_cancel_lost_on_its_way_says_that_the_order_still_works(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.trading.place(limit_buy("a-1"))
        sim.lose_request(*CANCEL, how="reset")
        with pytest.raises(Unavailable) as caught:
            await exchange.trading.cancel(BTC, client_order_id="a-1")
        assert caught.value.code == "lost"
        assert sim.order("a-1").is_open
        assert sim.requests[CANCEL] == 1

    async def test_cancelling_what_never_was_is_not_found_after_a_second_look(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        with pytest.raises(OrderNotFound):
            await exchange.trading.cancel(BTC, client_order_id="never")
        assert sim.requests[CANCEL] == 1
        assert sim.requests[("GET", "/api/v3/order")] >= 1

    async def test_an_account_event_ends_the_doubt_before_the_horizon(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.market.instruments()
        async with exchange.account.stream_account():
            sim.lose_reply_to(*PLACE, how="hang")
            sim.refuse("GET", "*", 503)
            order = await exchange.trading.place(limit_buy("a-1"))
            assert order.status is lotusx.OrderStatus.OPEN
        assert sim.requests[PLACE] == 1

    async def test_one_wrong_clock_is_corrected_once_and_the_call_goes_through(
        self, server: memory.MemoryServer, sim: Simulator
    ) -> None:
        clock = server.clock.skewed(0)
        async with self.connected(server, clock) as exchange:
            assert await exchange.account.balances()
            clock.offset_s = 30.0
            asked = sim.requests[("GET", "/api/v3/account")]
            assert await exchange.account.balances()
            assert sim.requests[("GET", "/api/v3/account")] <= asked + 2
            clock.offset_s = -30.0
            await exchange.trading.place(limit_buy("a-1"))
        assert sim.order_ids() == ["a-1"]
        assert sim.requests[PLACE] <= 2

    async def test_the_horizon_never_ends_early_although_the_network_heals_late(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.market.instruments()
        sim.lose_reply_to(*PLACE, how="reset")
        sim.later(20.0, sim.refuse("GET", "*", 503).clear)
        order = await exchange.trading.place(limit_buy("a-1"))
        assert order.status is lotusx.OrderStatus.OPEN
        assert sim.requests[PLACE] == 1

    async def test_a_rate_limit_is_obeyed_for_as_long_as_it_says(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.market.instruments()
        sim.answer(429, "GET", "/api/v3/time", retry_after=7)
        begun = anyio.current_time()
        await exchange.market.server_time()
        assert anyio.current_time() - begun >= 7.0
        assert sim.requests[("GET", "/api/v3/time")] == 2

    async def test_a_rate_limited_order_was_not_placed_and_is_not_repeated(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        await exchange.market.instruments()
        sim.answer(429, *PLACE, retry_after=7)
        with pytest.raises(lotusx.RateLimited) as caught:
            await exchange.trading.place(limit_buy("a-1"))
        assert caught.value.after_s == 7.0
        assert sim.order_ids() == []
        assert sim.requests[PLACE] == 1

    async def test_nothing_is_sent_during_a_ban(self, exchange: lotusx.Exchange, sim: Simulator) -> None:
        await exchange.market.instruments()
        sim.ban(60)
        with pytest.raises(lotusx.ExchangeError) as caught:
            await exchange.market.server_time()
        assert caught.value.http_status == 418
        asked = sum(sim.requests.values())
        with anyio.move_on_after(30):
            for _ in range(3):
                with pytest.raises(lotusx.LotusXError):
                    await exchange.market.ticker(BTC)
        assert sum(sim.requests.values()) == asked
        await anyio.sleep(61)
        assert (await exchange.market.ticker(BTC)).last_price

    async def test_weights_are_never_knowingly_broken(self, exchange: lotusx.Exchange, sim: Simulator) -> None:
        await exchange.market.instruments()
        answers: list[str] = []

        async def ask() -> None:
            try:
                await exchange.market.order_book(BTC, 5_000)  # weight 250 of 6000 a minute
            except lotusx.RateLimited as error:
                answers.append(error.code)
            else:
                answers.append("book")

        async with anyio.create_task_group() as tasks:
            for _ in range(60):
                tasks.start_soon(ask)
        assert set(answers) == {"book", "local"}  # what has no room in time is refused here; the venue never had to
        assert answers.count("book") == sim.requests[("GET", "/api/v3/depth")]
        await anyio.sleep(120)
        assert (await exchange.market.order_book(BTC, 5_000)).bids

    @pytest.mark.parametrize("seed", range(6))
    async def test_no_order_is_doubled_and_none_forgotten_whatever_fails(
        self, server: memory.MemoryServer, sim: Simulator, seed: int
    ) -> None:
        ended: dict[str, str] = {}
        async with self.connected(server) as exchange:
            await exchange.market.instruments()
            sim.chaos(seed, rate=0.3)
            for number in range(15):
                name = f"c-{number}"
                try:
                    await exchange.trading.place(limit_buy(name, "60000", "0.001"))
                    ended[name] = "accepted"
                except lotusx.OrderOutcomeUnknown:
                    ended[name] = "unknown"
                except lotusx.LotusXError:
                    ended[name] = "rejected"
            sim.heal()
        ids = sim.order_ids()
        assert len(ids) == len(set(ids))
        assert {name for name, how in ended.items() if how == "accepted"} <= set(ids)
        assert not {name for name, how in ended.items() if how == "rejected"} & set(ids)
        assert sim.requests[PLACE] == 15
