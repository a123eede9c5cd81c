"""The broker fails, and consumers are slow: nothing is lost in silence, no order is sent twice."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from gateway_kit import BTC, DEADLINE_S, READER, SUBJECTS, NatsServer, desk, password, until, upstream

import lotusx
from lotusx.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    CredentialsError,
    NotSupported,
    RateLimited,
)
from lotusx.model import OrderRequest, Trade
from lotusx.plugin import Secret, StatusChange
from lotusx.transport.clock import SystemClock
from lotusx_gateway import Gateway
from lotusx_gateway.gateway import MAX_OPEN
from lotusx_gateway.link import Link
from lotusx_gateway.login import Login
from lotusx_gateway.transport import GatewayWs
from lotusx_sim import BinanceSpot, Simulator, serve

pytestmark = pytest.mark.anyio


async def test_after_a_broker_was_killed_streams_say_so_and_go_on(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange, exchange.stream_trades(BTC) as trades:
        await until(lambda: trades.state == "acknowledged")
        seen: list[str] = []
        nats.kill()
        await until(lambda: trades.state == "lost")
        here.sim.trade("BTCUSDT", "BUY", "0.1")  # nobody can hear of it: the status says so
        nats.start()
        await until(lambda: trades.state == "acknowledged")
        here.sim.trade("BTCUSDT", "BUY", "0.2")
        with anyio.fail_after(DEADLINE_S):
            async for item in trades.with_status():
                seen.append(item.state if isinstance(item, StatusChange) else str(item.quantity))
                if isinstance(item, Trade):
                    break
    assert seen == ["requested", "acknowledged", "lost", "acknowledged", "recovered", "0.20000000"]


async def test_an_order_that_is_under_way_when_the_broker_dies_is_sent_once_and_found(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer() as exchange:
        await exchange.trading.ready()
        here.sim.delay("POST", "/api/v3/order", 0.5)
        orders: list[lotusx.Order] = []

        async def place() -> None:
            orders.append(await exchange.place(OrderRequest.limit(BTC, "buy", "0.01", "50000", client_order_id="one")))

        with anyio.fail_after(DEADLINE_S):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(place)
                await until(lambda: here.sim.order_ids() == ["one"])
                nats.kill()
                nats.start()
        assert [order.status for order in orders] == ["open"]
        assert here.sim.order_ids() == ["one"]


async def test_what_the_account_did_while_the_broker_was_down_is_delivered_afterwards(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer() as exchange, exchange.stream_account() as events:
        order = await exchange.place(OrderRequest.limit(BTC, "buy", "0.01", "50000", client_order_id="filled-unseen"))
        nats.kill()
        await until(lambda: events.state == "lost")
        here.sim.fill("filled-unseen")
        nats.start()
        with anyio.fail_after(DEADLINE_S):
            state = await order.settled()
        assert (state.status, [str(fill.quantity) for fill in order.fills]) == ("filled", ["0.01000000"])
        await until(lambda: events.state == "recovered")


class WrongClock(SystemClock):
    """Of a machine whose wall clock is wrong."""

    def __init__(self, minutes: int) -> None:
        self._wrong_ns = minutes * 60_000_000_000

    def now_ns(self) -> int:
        return super().now_ns() + self._wrong_ns


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_consumer_whose_clock_is_wrong_by_minutes_trades_and_misses_no_fill(
    nats: NatsServer, minutes: int
) -> None:
    async with (
        desk(nats) as here,
        here.consumer(clock=WrongClock(minutes)) as exchange,
        exchange.stream_account() as events,
    ):
        order = await exchange.place(OrderRequest.limit(BTC, "buy", "0.01", "50000", client_order_id="unseen"))
        nats.kill()
        await until(lambda: events.state == "lost")
        here.sim.fill("unseen")
        nats.start()
        with anyio.fail_after(DEADLINE_S):
            assert (await order.settled()).status == "filled"
        await until(lambda: [str(fill.quantity) for fill in order.fills] == ["0.01000000"])


async def test_a_slow_consumer_is_told_that_it_lost_messages(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        desk(nats) as here,
        here.consumer("reader", options={"waiting": 4}) as exchange,
        exchange.stream_trades(BTC, buffer=1, overflow=lotusx.Overflow.BLOCK) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        for _ in range(60):
            here.sim.trade("BTCUSDT", "BUY", "0.001")
        await until(lambda: "are not read fast enough" in caplog.text)
        reasons: list[str] = []
        with anyio.fail_after(DEADLINE_S):
            here.sim.trade("BTCUSDT", "BUY", "0.002")
            async for item in trades.with_status():
                if isinstance(item, StatusChange) and item.state == "lost":
                    reasons.append(item.reason)
                    break
        await until(lambda: trades.state == "acknowledged")
        here.sim.trade("BTCUSDT", "BUY", "0.003")
        with anyio.fail_after(DEADLINE_S):
            assert (await anext(trades)).quantity == Decimal("0.003")
    assert "messages of the gateway were lost on the way" in reasons[0]


async def test_what_waits_for_a_slow_consumer_is_not_taken_for_lost(nats: NatsServer) -> None:
    async with (
        desk(nats) as here,
        here.consumer("reader", options={"renew_s": 0.02}) as exchange,
        exchange.stream_trades(BTC, buffer=1, overflow=lotusx.Overflow.BLOCK) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        for _ in range(20):
            here.sim.trade("BTCUSDT", "BUY", "0.001")
        source = here.gateway._sources._open["trades BTC/USDT"]
        await until(lambda: source.seq >= 21)
        renewals: set[int] = set()
        await until(lambda: trades.holding)

        def renewed() -> bool:
            renewals.update(source.followers.values())
            return len(renewals) >= 5

        await until(renewed)
        items = []
        with anyio.fail_after(DEADLINE_S):
            async for item in trades.with_status():
                items.append(item.state if isinstance(item, StatusChange) else item.trade_id)
                if isinstance(item, Trade) and len([each for each in items if each.isdigit()]) == 20:
                    break
    assert "lost" not in items


async def test_a_book_is_stale_while_the_broker_is_away_and_right_afterwards(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange, exchange.live_order_book(BTC) as book:
        assert [(level.price, level.quantity) for level in book.bids(2)] == [(60000, 1), (59990, 2)]
        here.sim.set_book("BTCUSDT", bids=[("60001", "3")], asks=[("60010", "1")])
        await until(lambda: book.bids(1)[0].price == 60001)
        nats.kill()
        await until(lambda: book.state == "stale")
        here.sim.set_book("BTCUSDT", bids=[("60002", "4")], asks=[("60010", "1")])
        nats.start()
        await until(lambda: book.state == "synced")
        assert [(level.price, level.quantity) for level in book.bids()] == [(60002, 4)]


async def test_no_broker_at_the_start_is_said_by_both_sides(tmp_path: Path) -> None:
    nats = NatsServer(tmp_path)
    nats.start()
    nats.kill()
    credentials = {"server": nats.url, "user": "reader", "password": password("reader")}
    with pytest.raises(ConnectionFailed, match="no broker can be reached at nats://") as caught:
        async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials):
            raise AssertionError("it was opened")
    assert not caught.value.sent
    async with serve(Simulator(BinanceSpot(seed=7, actions_per_s=0))) as server, upstream(server.base_url) as public:
        with pytest.raises(ConnectionFailed, match="no broker can be reached"):
            await Gateway(public, server=nats.url, users=[READER], password="x").run()


async def test_a_broker_without_a_gateway_is_said_at_once(nats: NatsServer) -> None:
    credentials = {"server": nats.url, "user": "reader", "password": password("reader")}
    with pytest.raises(ConnectionFailed, match=r"no gateway of binance \(simulator\) listens"):
        async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials):
            raise AssertionError("it was opened")


async def test_a_wrong_password_is_an_authentication_error_that_does_not_show_it(nats: NatsServer) -> None:
    credentials = {"server": nats.url, "user": "reader", "password": "guessed-by-hand"}
    with pytest.raises(AuthenticationError, match="does not let 'reader' in") as caught:
        async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials):
            raise AssertionError("it was opened")
    assert "guessed-by-hand" not in str(caught.value)


async def test_a_connection_without_credentials_says_what_is_missing() -> None:
    with pytest.raises(CredentialsError, match="LOTUSX_GATEWAY_SERVER"):
        async with lotusx.connect("gateway:binance", environment="simulator"):
            raise AssertionError("it was opened")


async def test_a_gateway_refuses_a_broker_that_lets_anybody_in(tmp_path: Path) -> None:
    nats = NatsServer(tmp_path, config="")
    nats.start()
    try:
        async with (
            serve(Simulator(BinanceSpot(seed=7, actions_per_s=0))) as server,
            upstream(server.base_url) as public,
        ):
            with pytest.raises(ConfigurationError, match="lets anybody in without credentials"):
                await Gateway(public, server=nats.url, users=[READER]).run()
            async with anyio.create_task_group() as tasks:
                await tasks.start(Gateway(public, server=nats.url, users=[READER], allow_anonymous=True).run)
                async with lotusx.connect(
                    "gateway:binance", environment="simulator", credentials={"server": nats.url, "user": "reader"}
                ) as exchange:
                    assert await exchange.market.server_time()
                tasks.cancel_scope.cancel()
    finally:
        nats.kill()


async def test_a_second_gateway_of_the_same_exchange_is_refused(nats: NatsServer) -> None:
    async with desk(nats) as here, upstream(here.base_url) as public:
        with pytest.raises(ConfigurationError, match=r"another gateway serves lotusx\.binance\.simulator"):
            await Gateway(public, server=nats.url, users=[READER], password=password("gateway")).run()


async def test_of_gateways_that_begin_together_one_serves(nats: NatsServer) -> None:
    refused: list[str] = []
    async with (
        serve(Simulator(BinanceSpot(seed=7, actions_per_s=0))) as server,
        upstream(server.base_url) as public,
        anyio.create_task_group() as tasks,
    ):

        async def begin() -> None:
            try:
                await Gateway(public, server=nats.url, users=[READER], password=password("gateway")).run()
            except ConfigurationError as error:
                refused.append(str(error))

        for _ in range(3):
            tasks.start_soon(begin)
        await until(lambda: len(refused) >= 2)
        credentials = {"server": nats.url, "user": "reader", "password": password("reader")}

        async def is_served() -> bool:
            try:
                async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials) as one:
                    return bool(await one.market.server_time())
            except ConnectionFailed:  # the one that stays is about to begin
                return False

        await until(is_served)
        tasks.cancel_scope.cancel()
    assert refused == ["another gateway serves lotusx.binance.simulator on this broker"] * 2


def test_another_event_loop_is_refused_by_name(tmp_path: Path) -> None:
    async def run() -> None:
        credentials = {"server": "nats://127.0.0.1:1", "user": "reader", "password": "x"}
        async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials):
            raise AssertionError("it was opened")

    with pytest.raises(NotSupported, match="instead: asyncio"):
        anyio.run(run, backend="trio")


async def test_a_gateway_that_ends_is_told_and_the_next_one_takes_its_place(nats: NatsServer) -> None:
    async with (
        desk(nats) as here,
        upstream(here.base_url) as public,
        here.consumer("reader") as exchange,
        exchange.stream_trades(BTC) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        await here.stop()
        await until(lambda: trades.state == "lost")
        async with anyio.create_task_group() as tasks:
            await tasks.start(Gateway(public, server=nats.url, users=[READER], password=password("gateway")).run)
            await until(lambda: trades.state == "acknowledged")
            here.sim.trade("BTCUSDT", "BUY", "0.2")
            with anyio.fail_after(DEADLINE_S):
                assert (await anext(trades)).quantity == Decimal("0.2")
            tasks.cancel_scope.cancel()


async def test_while_the_gateway_has_lost_the_exchange_its_consumers_have_too(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange, exchange.stream_trades(BTC) as trades:
        await until(lambda: trades.state == "acknowledged")
        here.sim.refuse_connections()
        here.sim.cut_connections()
        await until(lambda: trades.state == "lost")
        here.sim.refuse_connections(False)
        await until(lambda: trades.state == "acknowledged")
        here.sim.trade("BTCUSDT", "BUY", "0.2")
        with anyio.fail_after(DEADLINE_S):
            assert (await anext(trades)).quantity == Decimal("0.2")


async def test_a_lease_that_the_gateway_forgot_is_noticed_and_taken_anew(nats: NatsServer) -> None:
    async with (
        desk(nats) as here,
        here.consumer("reader", options={"renew_s": 0.05}) as exchange,
        exchange.stream_trades(BTC) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        states: list[str] = []
        trades.handle(lambda _: None, lambda change: states.append(change.state))

        def forgotten() -> bool:
            source = here.gateway._sources._open.get("trades BTC/USDT")
            if source is not None and not states:  # once may not do: the consumer may just be following
                source.followers.clear()
            return states == ["lost", "acknowledged"]

        await until(forgotten)


async def test_a_gateway_that_vanishes_without_a_word_is_noticed_at_the_next_renewal(nats: NatsServer) -> None:
    async with (
        desk(nats) as here,
        here.consumer("reader", options={"renew_s": 0.05}) as exchange,
        exchange.stream_trades(BTC) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        assert here.gateway._broker is not None
        await here.gateway._broker.aclose()
        await here.stop()
        await until(lambda: trades.state == "lost")


async def test_a_socket_of_feeds_is_asked_for_a_sign_of_life_and_closes(nats: NatsServer) -> None:
    class Handler:
        def on_messages(self, messages: list[bytes], received_ns: int) -> None:
            raise AssertionError("nothing was asked for")

    async with desk(nats):
        link = Link(SUBJECTS, Login(nats.url, "reader", Secret(password("reader"))), "main")
        ws = GatewayWs(link, waiting=10, renew_s=5.0)
        connection = await ws.connect("wss://gateway.invalid/market", Handler())
        before = connection.last_received_ns
        await connection.ping()
        assert connection.last_received_ns > before
        await connection.close()
        with pytest.raises(ConnectionFailed, match="the feeds are closed"):
            await connection.send('{"id":1,"add":["trades BTC/USDT"]}')
        await ws.aclose()
        await link.aclose()
        with pytest.raises(ConnectionFailed, match="the connection is closed") as caught:
            await link.ask("hello")
        assert not caught.value.sent


async def test_questions_beyond_what_one_user_may_have_open_are_refused(nats: NatsServer) -> None:
    async with desk(nats) as here:
        link = Link(SUBJECTS, Login(nats.url, "reader", Secret(password("reader"))), "main")
        await link.ask("hello")
        here.gateway._open["reader"] = MAX_OPEN
        with pytest.raises(RateLimited, match="too many questions open"):
            await link.ask("ticker", {"symbol": BTC})
        await link.aclose()


async def test_an_answer_is_never_sent_to_somebody_elses_inbox(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with desk(nats):
        link = Link(SUBJECTS, Login(nats.url, "reader", Secret(password("reader"))), "main")
        broker = await link.broker()
        await broker.publish(SUBJECTS.asks("reader"), b"{}", reply="_INBOX.trader.x")
        await until(lambda: "which is not its own inbox" in caplog.text)
        await link.aclose()
