"""Every kind of order on Hyperliquid, and what can be done with it."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any, cast

import anyio
import pytest
from e2e_hyperliquid import (
    ADDRESS,
    AGENT,
    CANCEL_BY_ID,
    KEY,
    MODIFY,
    PERP,
    PLACE,
    SPOT,
    SUB,
    TSLA,
    Request,
    cloid,
    market,
    resting,
    stop,
)
from e2e_kit import Connect, collect, until

import lotusx
from lotusx.errors import (
    AuthenticationError,
    CredentialsError,
    InsufficientFunds,
    InvalidArgument,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    PermissionDenied,
    PostOnlyWouldTake,
    ReduceOnlyRejected,
    RefusedBeforeSending,
)
from lotusx.model import Accepted, AmendRequest, OrderStatus, Rejected
from lotusx_hyperliquid.native import HyperliquidNative
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio


async def test_an_order_rests_with_exactly_what_was_asked(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(resting("a-1", "80001", "0.00123"))
    there = sim.order(cloid("a-1"))
    assert order.status is OrderStatus.OPEN
    assert (there.price, there.quantity) == (D("80001"), D("0.00123"))
    assert order.client_order_id == "a-1"
    found = await exchange.trading.order(PERP, client_order_id="a-1")
    assert (found.venue_order_id, found.client_order_id) == (order.venue_order_id, "a-1")


async def test_another_run_finds_an_order_by_our_id(exchange: lotusx.Exchange, connect: Connect) -> None:
    await exchange.trading.place(resting("a-1"))
    async with connect() as other:
        found = await other.trading.order(PERP, client_order_id="a-1")
        assert (found.client_order_id, found.status) == ("a-1", OrderStatus.OPEN)


@pytest.mark.parametrize("symbol", [PERP, TSLA, SPOT])
async def test_a_market_order_fills_within_its_bound(exchange: lotusx.Exchange, sim: Simulator, symbol: str) -> None:
    best = (await exchange.market.order_book(symbol, 1)).asks[0].price
    order = await exchange.trading.place(market("a-1", quantity="1" if symbol != PERP else "0.01", symbol=symbol))
    fills = await order.fetch_fills()
    assert order.status is OrderStatus.FILLED
    history = await collect(exchange.trading.iter_fills(symbol))
    assert sorted(fill.trade_id for fill in fills) == sorted(fill.trade_id for fill in history)
    assert sum(fill.quantity for fill in fills) == sum(fill.quantity for fill in sim.fills()) == order.filled
    assert all(fill.price <= best * D("1.05") for fill in fills)


async def test_a_market_order_needs_a_bound(exchange: lotusx.Exchange, sim: Simulator) -> None:
    with pytest.raises(InvalidArgument, match="max_slippage"):
        await exchange.trading.place(market("a-1", max_slippage=None))
    assert sim.orders() == []


async def test_a_market_order_that_finds_nothing_within_its_bound_expires(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    sim.set_book("BTC", bids=[("80000", "1")], asks=[("84000", "0.004"), ("90000", "1")])
    order = await exchange.trading.place(market("a-1", max_slippage="0.01"))
    assert (order.status, order.filled) == (OrderStatus.EXPIRED, D("0.004"))
    sim.set_book("BTC", bids=[("80000", "1")], asks=[])
    with pytest.raises(InvalidArgument, match="nobody"):
        await exchange.trading.place(market("a-2"))


async def test_an_ioc_order_that_finds_nothing_is_no_error(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(resting("a-1", time_in_force="ioc"))
    assert (order.status, order.filled) == (OrderStatus.EXPIRED, D(0))
    assert sim.open_orders() == []
    assert sim.requests[PLACE] == 1


async def test_refusals_keep_the_exchanges_words(exchange: lotusx.Exchange) -> None:
    with pytest.raises(PostOnlyWouldTake, match="bbo was"):
        await exchange.trading.place(resting("a-1", "85000", post_only=True))
    with pytest.raises(InsufficientFunds, match="Insufficient margin"):
        await exchange.trading.place(resting("a-2", quantity="500"))
    with pytest.raises(ReduceOnlyRejected, match="Reduce only"):
        await exchange.trading.place(resting("a-3", reduce_only=True))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"time_in_force": "fok"}, "FOK"),
        ({"price": "80000.12"}, "price"),
        ({"quantity": "0.000001"}, "quantity"),
        ({"quantity": "0.0001", "price": "80000"}, "notional"),
    ],
)
async def test_what_cannot_work_is_refused_before_sending(
    exchange: lotusx.Exchange, sim: Simulator, changes: dict[str, str], what: str
) -> None:
    with pytest.raises(RefusedBeforeSending, match=what):
        await exchange.trading.place(resting("a-1", **changes))
    assert sim.requests[PLACE] == 0


async def test_a_trigger_waits_then_sells(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(market("a-1"))
    async with exchange.account.stream_account():
        order = await exchange.trading.place(stop("s-1"))
        assert (order.status, order.state.trigger_price) == (OrderStatus.PENDING, D(80_000))
        await until(lambda: order.venue_order_id is not None)
        assert order.status is OrderStatus.PENDING  # the stream calls it open
        sim.set_mark("BTC", "79999")
        assert (await order.settled(30.0)).status is OrderStatus.FILLED
    assert sim.position("BTC") == 0


async def test_a_bracket_is_placed_as_a_group(exchange: lotusx.Exchange, sim: Simulator) -> None:
    group: dict[str, Any] = {"native": {"grouping": "normalTpsl"}}
    take = stop("t-1", "90000", type="take_profit", **group)
    outcomes = await exchange.trading.place_batch_orders([resting("p-1", **group), take, stop("s-1", "70000", **group)])
    assert [outcome.state.status for outcome in outcomes if isinstance(outcome, Accepted)] == [
        OrderStatus.OPEN, OrderStatus.PENDING, OrderStatus.PENDING,
    ]  # fmt: skip
    assert sim.requests[PLACE] == 1
    mixed = await exchange.trading.place_batch_orders([resting("p-2", **group), resting("p-3")])
    assert [type(outcome) for outcome in mixed] == [Rejected, Rejected]
    assert sim.requests[PLACE] == 1


async def test_an_amended_order_has_a_new_id_and_is_post_only(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(resting("a-1"))
    before = order.venue_order_id
    changed = await exchange.trading.amend(PERP, client_order_id="a-1", price="80010", quantity="0.02")
    assert changed.venue_order_id != before
    assert (changed.client_order_id, changed.status) == ("a-1", OrderStatus.OPEN)
    assert (changed.state.price, changed.state.quantity, changed.state.post_only) == (D(80_010), D("0.02"), True)
    (there,) = sim.open_orders()
    assert (there.price, there.quantity, str(there.id)) == (D(80_010), D("0.02"), changed.venue_order_id)
    await exchange.trading.cancel(PERP, client_order_id="a-1")
    assert (await changed.settled(5)).status is OrderStatus.CANCELED
    assert sim.open_orders() == []


async def test_what_was_filled_is_not_bought_again_by_an_amendment(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.account.stream_account():
        order = await exchange.trading.place(resting("a-1", quantity="0.01"))
        sim.fill(cloid("a-1"), "0.004")
        await until(lambda: order.filled == D("0.004"))
        changed = await exchange.trading.amend(PERP, client_order_id="a-1", quantity="0.02")
        (there,) = sim.open_orders()
        assert there.quantity == D("0.016")
        assert (changed.state.quantity, changed.filled) == (D("0.02"), D("0.004"))


async def test_what_filled_unseen_is_not_bought_again_by_an_amendment(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    order = await exchange.trading.place(resting("a-1"))
    for part, left in (("0.004", "0.006"), ("0.002", "0.004")):
        sim.fill(cloid("a-1"), part)
        await exchange.trading.amend(PERP, client_order_id="a-1", price="80010")
        assert [there.quantity for there in sim.open_orders()] == [D(left)]
    sim.fill(cloid("a-1"))
    assert sim.position("BTC") == D("0.01")
    assert (await exchange.trading.order(PERP, client_order_id="a-1")).filled == order.filled == D("0.01")


async def test_an_amendment_that_ends_its_order_says_so(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(resting("a-1"))
    with pytest.raises(PartialFailure, match=r"has ended \(canceled\).*bbo was"):
        await exchange.trading.amend(PERP, client_order_id="a-1", price="85000")  # the simulator cancels, then places
    assert sim.open_orders() == []
    assert order.status is OrderStatus.CANCELED


async def test_an_amendment_of_what_has_filled_finds_out(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(resting("a-1"))
    sim.fill(cloid("a-1"))
    with pytest.raises(OrderNotFound, match="filled"):
        await exchange.trading.amend(PERP, client_order_id="a-1", price="80010")
    assert (order.status, order.filled) == (OrderStatus.FILLED, D("0.01"))
    assert sim.requests[MODIFY] == 0


async def test_what_cannot_be_amended_says_what_to_do_instead(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(market("a-1"))
    await exchange.trading.place(stop("s-1"))
    with pytest.raises(NotSupported, match="cancel, then place"):
        await exchange.trading.amend(PERP, client_order_id="s-1", quantity="0.02")
    assert sim.requests[MODIFY] == 0


async def test_several_are_amended_at_once(exchange: lotusx.Exchange, sim: Simulator) -> None:
    for name in ("a-1", "a-2"):
        await exchange.trading.place(resting(name))
    outcomes = await exchange.trading.amend_batch_orders(
        [AmendRequest(PERP, client_order_id=name, price="79000") for name in ("a-2", "a-1")]
    )
    assert [outcome.client_order_id for outcome in outcomes] == ["a-2", "a-1"]
    assert sim.requests[MODIFY] == 1
    assert {order.price for order in sim.open_orders()} == {D(79_000)}


async def test_a_batch_has_one_outcome_each_in_their_order(exchange: lotusx.Exchange, sim: Simulator) -> None:
    requests = [resting("a-1"), resting("a-2", "85000", post_only=True), resting("a-3", symbol=SPOT, price="30")]
    requests[2] = Request.limit(SPOT, "buy", "2", "30", client_order_id="a-3")
    outcomes = await exchange.trading.place_batch_orders(requests)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, Accepted]
    assert [outcome.client_order_id for outcome in outcomes] == ["a-1", "a-2", "a-3"]
    assert isinstance(outcomes[1], Rejected)
    assert isinstance(outcomes[1].error, PostOnlyWouldTake)
    assert sim.requests[PLACE] == 1
    gone = await exchange.trading.cancel_batch_orders(PERP, ["a-1", "never"])
    assert [type(outcome) for outcome in gone] == [Accepted, Rejected]


async def test_cancel_all_reaches_every_dex_and_spot(exchange: lotusx.Exchange, sim: Simulator) -> None:
    await exchange.trading.place(resting("a-1"))
    await exchange.trading.place(Request.limit(TSLA, "buy", "1", "390", client_order_id="a-2"))
    await exchange.trading.place(Request.limit(SPOT, "buy", "2", "30", client_order_id="a-3"))
    assert {str(state.symbol) for state in await exchange.trading.open_orders()} == {PERP, TSLA, SPOT}
    ended = await exchange.trading.cancel_all()
    assert {(state.client_order_id, state.status) for state in ended} == {
        (name, OrderStatus.CANCELED) for name in ("a-1", "a-2", "a-3")
    }
    assert sim.open_orders() == []
    assert sim.requests[CANCEL_BY_ID] == 1
    assert list(await exchange.trading.cancel_all()) == []


async def test_a_canceled_order_ends_with_what_it_executed_unseen(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(resting("a-1"))
    sim.fill(cloid("a-1"), "0.004")
    state = await exchange.trading.cancel(PERP, client_order_id="a-1")
    assert not state.status.is_terminal  # the answer does not say what had executed by then
    ended = await order.settled(5)
    assert (ended.status, ended.filled) == (OrderStatus.CANCELED, D("0.004"))


async def test_a_cancel_may_name_the_exchanges_id(exchange: lotusx.Exchange, sim: Simulator) -> None:
    order = await exchange.trading.place(resting("a-1"))
    there = await exchange.trading.cancel(PERP, venue_order_id=order.venue_order_id)
    assert (there.side, there.client_order_id) == ("buy", "a-1")
    assert (await order.settled(5)).status is OrderStatus.CANCELED
    with pytest.raises(InvalidArgument, match="number"):
        await exchange.trading.cancel(PERP, venue_order_id="abc")
    with pytest.raises(OrderNotFound):
        await exchange.trading.order(PERP, venue_order_id="1")


async def test_orders_go_over_the_socket_if_that_is_wanted(connect: Connect, sim: Simulator) -> None:
    async with connect(options={"order_entry": "ws"}) as exchange:
        await exchange.trading.ready()
        await exchange.trading.place(resting("a-1"))
        await exchange.account.set_leverage(PERP, 7)  # by REST, with nonces of the same row
        await exchange.trading.amend(PERP, client_order_id="a-1", price="80010")
        await exchange.trading.cancel(PERP, client_order_id="a-1")
        with pytest.raises(PostOnlyWouldTake):
            await exchange.trading.place(resting("a-2", "85000", post_only=True))
    assert sim.open_orders() == []
    commands = {key for key in sim.requests if "/exchange/" in key[1]}
    assert {key[1] for key in commands if key[0] == "WS"} == {
        "/exchange/order", "/exchange/batchModify", "/exchange/cancel",
    }  # fmt: skip
    assert {key[1] for key in commands if key[0] == "POST"} == {"/exchange/updateLeverage"}


async def test_no_nonce_is_used_twice_however_many_actions_go_out_at_once(connect: Connect, sim: Simulator) -> None:
    outcomes: list[OrderStatus] = []
    async with connect(options={"order_entry": "ws"}) as exchange:
        await exchange.trading.ready()

        async def place(number: int) -> None:
            outcomes.append((await exchange.trading.place(resting(f"a-{number}", quantity="0.001"))).status)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(place, number)
                group.start_soon(exchange.account.set_leverage, PERP, 5 + number)
    assert outcomes == [OrderStatus.OPEN] * 20
    assert sim.requests[("WS", "/exchange/order")] == sim.requests[("POST", "/exchange/updateLeverage")] == 20


async def test_an_agent_wallet_trades_for_its_account(connect: Connect, sim: Simulator) -> None:
    async with connect(credentials=AGENT, options={"allow_withdrawals": True}) as exchange:
        await exchange.trading.place(resting("a-1"))
        assert [order.client_order_id for order in await exchange.trading.open_orders()] == ["a-1"]
        permissions = await exchange.account.permissions()
        assert (permissions.trade, permissions.withdraw) == (True, False)
        with pytest.raises(CredentialsError, match="agent wallet"):
            await cast("HyperliquidNative", exchange.native).withdraw("0x" + "1" * 40, D(5))
    assert len(sim.open_orders()) == 1


async def test_a_sub_account_is_traded_for_by_its_master(connect: Connect, sim: Simulator) -> None:
    async with connect(credentials={**KEY, "vault_address": SUB}) as exchange:
        await exchange.trading.place(resting("a-1", quantity="0.001"))
        assert [order.client_order_id for order in await exchange.trading.open_orders()] == ["a-1"]
        (balance,) = await exchange.account.balances()
        assert (balance.wallet, balance.asset, balance.total) == ("perp", "USDC", D(1_000))
    assert sim.open_orders() == []
    assert len(sim.open_orders("sub")) == 1


async def test_an_address_alone_reads_and_does_not_trade(connect: Connect, exchange: lotusx.Exchange) -> None:
    await exchange.trading.place(resting("a-1"))
    async with connect(credentials=ADDRESS) as reader, reader.account.stream_account() as events:
        assert len(await reader.trading.open_orders()) == 1
        assert {balance.wallet for balance in await reader.account.balances()} == {"spot", "perp", "perp:xyz"}
        assert (await reader.account.permissions()).trade is False
        with pytest.raises(CredentialsError):
            await reader.trading.place(resting("a-2"))
        await exchange.trading.cancel(PERP, client_order_id="a-1")
        await until(lambda: events.counters.received)


async def test_a_key_nobody_knows_is_told_in_the_exchanges_words(connect: Connect) -> None:
    async with connect(credentials={"private_key": "0x" + "11" * 32}) as exchange:
        with pytest.raises(AuthenticationError, match=r"0x[0-9a-f]{40} does not exist"):
            await exchange.trading.place(resting("a-1"))


async def test_the_dead_mans_switch_tells_its_volume_condition(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        await exchange.trading.cancel_all_after(6)  # the shortest that is said to work
        sim.venue.state.registry.members[ADDRESS["account_address"]].volume = D(0)  # type: ignore[attr-defined]
        with pytest.raises(PermissionDenied, match=r"Required: \$1000000"):
            await exchange.trading.cancel_all_after(10)
        with pytest.raises(InvalidArgument, match="6 s"):
            await exchange.trading.cancel_all_after(5)
        with pytest.raises(NotSupported):
            await exchange.trading.cancel_all_after(10, PERP)
