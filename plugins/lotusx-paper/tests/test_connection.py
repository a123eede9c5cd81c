"""A whole connection on paper: the public data of a simulated exchange, which never hears of an order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest
import trio.testing

import lotusx
from lotusx.errors import (
    ConfigurationError,
    ConnectionFailed,
    LotusXError,
    NotSupported,
    OrderVetoed,
    PluginError,
    StreamClosed,
    Unavailable,
)
from lotusx.health import Health
from lotusx.model import (
    Accepted,
    AccountEvent,
    FillEvent,
    MarginMode,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    Rejected,
    VenueEvent,
)
from lotusx.plugin import OrderContext, hookimpl
from lotusx_sim import BinancePerp, BinanceSpot, Simulator
from lotusx_sim.shells import memory

BTC = "BTC/USDT"
D = Decimal
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
async def server() -> AsyncIterator[memory.MemoryServer]:
    async with memory.connect(Simulator(BinanceSpot(seed=7, actions_per_s=0)), latency_s=0.005) as running:
        running.sim.set_book("BTCUSDT", bids=[("60000", "1"), ("59990", "2")], asks=[("60010", "1"), ("60020", "2")])
        yield running


def connect(server: memory.MemoryServer, paper: Any = True, **more: Any) -> lotusx.Exchange:
    settings = {"environment": "simulator", "base_url": server.base_url, **more}
    return lotusx.connect("binance", http=server.http, ws=server.ws, clock=server.clock, paper=paper, **settings)


def assert_no_order_reached(server: memory.MemoryServer) -> None:
    assert {method for method, _ in server.sim.requests} <= {"GET", "CONNECT", "WS"}
    assert {path for method, path in server.sim.requests if method == "WS"} <= {
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "LIST_SUBSCRIPTIONS",
    }
    assert {path for method, path in server.sim.requests if method == "CONNECT"} <= {"/stream"}
    assert server.sim.orders() == []


async def until(what: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait, in virtual time, until *what* is so."""
    with anyio.fail_after(seconds):
        while True:
            if await what():
                return
            await anyio.sleep(0.1)


async def placed_when_it_can_be(exchange: lotusx.Exchange) -> lotusx.Order:
    """Place the same order until the book is there."""
    with anyio.fail_after(120):
        while True:
            try:
                return await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))
            except Unavailable:
                await anyio.sleep(1)


async def test_no_order_leaves_the_process(server: memory.MemoryServer) -> None:
    terms = {"balances": {"USDT": "100000"}, "taker": "0.0005", "latency_s": 0.05}
    key = {"api_key": "unused", "api_secret": "never-read"}
    async with connect(server, terms, credentials=key) as exchange:
        assert exchange.environment == "paper:simulator"
        began = server.clock.monotonic_ns()
        taken = await exchange.place(OrderRequest.market(BTC, "buy", "1.5"))
        assert (taken.status, taken.filled) == (OrderStatus.FILLED, D("1.5"))
        assert [(fill.price, fill.quantity) for fill in taken.fills] == [(D(60010), D(1)), (D(60020), D("0.5"))]
        assert server.clock.monotonic_ns() - began >= 50_000_000
        resting = await exchange.place(OrderRequest.limit(BTC, "sell", "0.5", "61000", client_order_id="r"))
        await exchange.amend(BTC, client_order_id="r", price="61001")
        first, second = await exchange.place_batch_orders(
            [OrderRequest.limit(BTC, "buy", "0.1", "50000"), OrderRequest.limit(BTC, "buy", "9", "50000")], emulate=True
        )
        assert isinstance(first, Accepted)
        assert isinstance(second, Rejected)
        assert isinstance(second.error, lotusx.InsufficientFunds)
        assert (await exchange.cancel(BTC, venue_order_id=resting.venue_order_id)).status is OrderStatus.CANCELED
        assert [state.status for state in await exchange.cancel_all()] == [OrderStatus.CANCELED]
        assert {each.asset: each.total for each in await exchange.balances()} == {
            "BTC": D("1.5") * (1 - D("0.0005")), "USDT": D(100_000) - 60_010 - 30_010
        }  # fmt: skip
        assert (await exchange.fees(BTC)).taker == D("0.0005")
        assert len([order async for order in exchange.iter_orders(BTC)]) == 3
        assert len([fill async for fill in exchange.iter_fills(BTC)]) == 2
        assert (await exchange.order(BTC, client_order_id="r")).status is OrderStatus.CANCELED
    assert_no_order_reached(server)


async def test_nothing_that_changes_something_can_be_sent_by_hand_either(server: memory.MemoryServer) -> None:
    async with connect(server, credentials={"api_key": "k", "api_secret": "s"}) as exchange:
        with pytest.raises(NotSupported, match="read-only connection; instead: a connection without paper"):
            await exchange.native.call("POST", "/api/v3/order", {"symbol": "BTCUSDT"})
        assert (await exchange.native.call("GET", "/api/v3/time"))["serverTime"] > 0
    assert_no_order_reached(server)


async def test_the_account_stream_tells_what_happens_here(server: memory.MemoryServer) -> None:
    async with connect(server, {"balances": {"USDT": "100000"}}) as exchange, exchange.stream_account() as account:
        order = await exchange.place(OrderRequest.limit(BTC, "buy", "1", "60000", client_order_id="a"))
        assert order.status is OrderStatus.OPEN
        server.sim.trade("BTCUSDT", "sell", "1.5", "59990")  # 1 stood at 60000 before us
        server.sim.trade("BTCUSDT", "sell", "1", "59990")
        events: list[AccountEvent] = []
        with anyio.fail_after(30):
            while not events or not isinstance(events[-1], OrderEvent) or not events[-1].state.status.is_terminal:
                events.append(await account.__anext__())
        fills = [event.fill for event in events if isinstance(event, FillEvent)]
        assert sum(fill.quantity for fill in fills) == 1
        assert {fill.price for fill in fills} == {D(60000)}
        assert order.filled == 1
    assert_no_order_reached(server)


async def test_a_reader_of_the_account_is_told_that_the_connection_has_closed(server: memory.MemoryServer) -> None:
    async def read(exchange: lotusx.Exchange, opened: anyio.Event) -> None:
        async with exchange.stream_account() as account:
            opened.set()
            with pytest.raises(StreamClosed):
                await account.__anext__()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as readers, connect(server) as exchange:
            opened = anyio.Event()
            readers.start_soon(read, exchange, opened)
            await opened.wait()
    with pytest.raises(LotusXError, match="was closed"):
        async with exchange.stream_account():
            pass


async def test_a_silent_follower_of_an_order_finds_out_by_looking(server: memory.MemoryServer) -> None:
    async with connect(server, {"balances": {"USDT": "100000"}}) as exchange:
        order = await exchange.place(OrderRequest.limit(BTC, "buy", "0.1", "60005"))
        server.sim.trade("BTCUSDT", "sell", "1", "60000")
        assert (await order.settled(30)).status is OrderStatus.FILLED


async def test_an_order_on_a_venue_that_is_down_is_refused_and_nothing_is_pending(server: memory.MemoryServer) -> None:
    async with connect(server, {"wait_s": 3}) as exchange:
        await exchange.instrument(BTC)
        server.sim.refuse_connections()
        with pytest.raises(Unavailable, match="can be matched now: its order book has not come yet"):
            await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))
        assert await exchange.open_orders() == []
        server.sim.heal()
        order = await placed_when_it_can_be(exchange)
        assert order.status is OrderStatus.FILLED


async def test_who_waits_for_a_book_is_told_when_the_connection_closes(server: memory.MemoryServer) -> None:
    async def place(exchange: lotusx.Exchange) -> None:
        with pytest.raises(ConnectionFailed, match="closed") as caught:
            await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))
        assert not caught.value.may_have_executed

    with anyio.fail_after(30):
        async with anyio.create_task_group() as others, connect(server, {"wait_s": 3_000}) as exchange:
            await exchange.instrument(BTC)
            server.sim.refuse_connections()
            others.start_soon(place, exchange)
            await anyio.sleep(1)


async def test_a_resting_order_outlives_a_disconnect_and_says_what_it_may_have_missed(
    server: memory.MemoryServer,
) -> None:
    async with connect(server, {"balances": {"USDT": "200000"}}) as exchange, exchange.stream_account() as account:
        order = await exchange.place(OrderRequest.limit(BTC, "buy", "1", "60005"))
        server.sim.refuse_connections()
        server.sim.cut_connections("rst")
        with anyio.fail_after(30):
            while True:
                event = await account.__anext__()
                if isinstance(event, VenueEvent):
                    break
        assert (event.name, event.raw["symbol"]) == ("paper_prints_lost", BTC)
        with pytest.raises(Unavailable, match="can be matched now: its order book is stale"):
            await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))
        server.sim.trade("BTCUSDT", "sell", "0.5")  # nobody hears of it
        assert (await exchange.order(BTC, client_order_id=order.client_order_id)).filled == 0
        server.sim.set_book("BTCUSDT", bids=[("59000", "1")], asks=[("60000", "0.4"), ("60100", "1")])
        server.sim.heal()

        async def is_crossed() -> bool:  # by the book that came back
            return (await exchange.order(BTC, client_order_id=order.client_order_id)).filled == D("0.4")

        await until(is_crossed)
        assert (await exchange.cancel(BTC, client_order_id=order.client_order_id)).filled == D("0.4")
    assert_no_order_reached(server)


async def test_a_refused_stream_is_tried_again(server: memory.MemoryServer) -> None:
    async with connect(server, {"wait_s": 2}) as exchange:
        await exchange.instrument(BTC)
        fault = server.sim.refuse("GET", "/api/v3/depth", status=400, body={"code": -1121, "msg": "Invalid symbol."})
        with pytest.raises(Unavailable, match="can be matched now"):
            await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))
        fault.clear()
        order = await placed_when_it_can_be(exchange)
        assert order.status is OrderStatus.FILLED


async def test_what_is_missing_on_paper_is_named_before_anything_happens(server: memory.MemoryServer) -> None:
    async with connect(server) as exchange:
        assert not exchange.capabilities[lotusx.Capability.CONDITIONAL_ORDERS]
        assert not exchange.capabilities[lotusx.Capability.REDUCE_ONLY]  # the exchange has no such thing
        for call in (exchange.iter_funding_payments().__anext__(), exchange.set_leverage(BTC, 2), exchange.transfer(
            "USDT", 1, source="a", target="b"
        )):  # fmt: skip
            with pytest.raises((NotSupported, lotusx.ExchangeError)):
                await call
        report = await exchange.health_check()
        assert {check.name: check.result for check in report.checks}["credentials"] is Health.NOT_CHECKED


async def test_the_dead_mans_switch_acts_here_too() -> None:
    symbol = "BTC/USDT:USDT"
    async with (
        memory.connect(Simulator(BinancePerp(seed=7, actions_per_s=0)), latency_s=0.005) as server,
        lotusx.connect(
            "binance-perp", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock, paper=True,
        ) as exchange,
    ):  # fmt: skip
        await exchange.place(OrderRequest.limit(symbol, "buy", "0.1", "50000", client_order_id="a"))
        await exchange.cancel_all_after(10, symbol)
        await exchange.cancel_all_after(20, "ETH/USDT:USDT")
        await anyio.sleep(8)
        await exchange.cancel_all_after(10, symbol)
        await anyio.sleep(8)
        assert len(await exchange.open_orders()) == 1
        await anyio.sleep(3)
        assert (await exchange.order(symbol, client_order_id="a")).status is OrderStatus.CANCELED
        again = await exchange.place(OrderRequest.limit(symbol, "buy", "0.1", "50000"))
        await exchange.cancel_all_after(5, symbol)
        await exchange.cancel_all_after(0, symbol)
        await anyio.sleep(60)
        assert again.status is OrderStatus.OPEN


async def test_what_stands_before_orders_stands_before_these_too(server: memory.MemoryServer) -> None:
    class Cautious:
        @hookimpl
        async def lotusx_before_order(self, request: OrderRequest, context: OrderContext) -> None:
            held = {each.asset: each.total for each in await context.balances()}
            if held.get("BTC", D(0)) + request.quantity > D("0.2"):
                raise OrderVetoed("enough", rule="position")

    async with connect(server, plugins=[Cautious()]) as exchange:
        await exchange.place(OrderRequest.market(BTC, "buy", "0.15"))
        with pytest.raises(OrderVetoed, match="enough"):
            await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))


async def test_read_only_holds_on_paper(server: memory.MemoryServer) -> None:
    async with connect(server, read_only=True) as exchange:
        with pytest.raises(NotSupported, match="read-only"):
            await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))
        assert len(await exchange.balances()) == 2


async def test_a_journal_is_not_written(server: memory.MemoryServer, tmp_path: Any) -> None:
    async with connect(server, journal=tmp_path / "orders.db") as exchange:
        await exchange.place(OrderRequest.market(BTC, "buy", "0.1"))
        assert await exchange.recovered() == ()
    assert not (tmp_path / "orders.db").exists()


async def test_wrong_settings_are_refused_before_anything_is_connected(
    server: memory.MemoryServer, tmp_path: Any
) -> None:
    with pytest.raises(ConfigurationError, match="no setting 'balance'"):
        connect(server, {"balance": 1})
    with pytest.raises(ConfigurationError, match="True, False or a mapping"):
        connect(server, "yes")
    (tmp_path / "lotusx.toml").write_text('[plugins]\nallow = ["lotusx-binance"]\n')
    with pytest.raises(PluginError, match="lotusx-paper, which is not on the list"):
        connect(server)


async def test_perpetuals_take_the_exchanges_mark_price() -> None:
    symbol, terms = "BTC/USDT:USDT", {"balances": {"USDT": "50000"}, "leverage": "5"}
    async with (
        memory.connect(Simulator(BinancePerp(seed=7, actions_per_s=0)), latency_s=0.005) as server,
        lotusx.connect(
            "binance-perp", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock, paper=terms,
        ) as exchange,
    ):  # fmt: skip
        assert (await exchange.leverage(symbol)).leverage == 5
        await exchange.set_leverage(symbol, 10)
        await exchange.set_margin_mode(symbol, MarginMode.ISOLATED)
        bought = await exchange.place(OrderRequest.market(symbol, "buy", "1"))
        assert bought.status is OrderStatus.FILLED
        quotes = [OrderRequest.limit(symbol, "buy", "0.1", "50000", client_order_id=name) for name in ("x", "y")]
        placed = await exchange.place_batch_orders([*quotes, OrderRequest.limit(symbol, "buy", "50", "50000")])
        assert [type(outcome) for outcome in placed] == [Accepted, Accepted, Rejected]
        ended = await exchange.cancel_batch_orders(symbol, ["x", "y", "nobody"])
        assert [type(outcome) for outcome in ended[:2]] == [Accepted, Accepted]
        assert not isinstance(ended[2], Accepted)
        assert await bought.fetch_fills() == bought.fills
        server.sim.set_mark("BTCUSDT", "70000")

        async def is_marked() -> bool:
            return (await exchange.positions())[0].mark_price == 70000

        await until(is_marked)
        (position,) = await exchange.positions()
        assert (position.quantity, position.leverage, position.margin_mode) == (1, 10, MarginMode.ISOLATED)
        assert position.unrealized_pnl == 70000 - sum(fill.price * fill.quantity for fill in bought.fills)
        sold = await exchange.place(OrderRequest.market(symbol, "sell", "1", reduce_only=True))
        assert sold.status is OrderStatus.FILLED
        assert await exchange.positions() == []
        assert server.sim.orders() == []
        assert not [path for method, path in server.sim.requests if method not in ("GET", "CONNECT", "WS")]
