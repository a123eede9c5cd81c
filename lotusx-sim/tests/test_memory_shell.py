"""The in-process shell under virtual time."""

import json

import anyio
import pytest
import trio
from sim_calls import signed_query
from trio.testing import MockClock

from lotusx.errors import ConnectionFailed, RequestTimeout
from lotusx.kernel.transport import HttpRequest, WsClosed
from lotusx_sim import BinanceSpot
from lotusx_sim.dialects.binance import DEFAULT_KEY
from lotusx_sim.shells import memory


class Inbox:
    """A handler that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.batches: list[int] = []

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        self.messages += messages
        self.batches.append(received_ns)


def under_virtual_time(main) -> None:  # type: ignore[no-untyped-def]
    trio.run(main, clock=MockClock(autojump_threshold=0))


def order(server: memory.MemoryServer, client_order_id: str) -> HttpRequest:
    query = signed_query(
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60000"
        f"&newClientOrderId={client_order_id}",
        server.sim.now_ns(),
    )
    headers = (("X-MBX-APIKEY", DEFAULT_KEY.key),)
    return HttpRequest("POST", f"{server.base_url}/api/v3/order?{query}", headers)


def test_an_hour_of_trades_passes_at_once() -> None:
    inbox = Inbox()

    async def main() -> None:
        async with memory.connect(BinanceSpot(symbols=["BTCUSDT"], actions_per_s=2)) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws/btcusdt@trade", inbox)
            with anyio.move_on_after(3600):
                await connection.run()

    under_virtual_time(main)

    assert len(inbox.messages) > 500
    times = [json.loads(message)["E"] for message in inbox.messages]
    assert times == sorted(times)
    assert times[-1] - times[0] > 3_000_000


def test_the_same_seed_gives_the_same_frames() -> None:
    def frames() -> list[bytes]:
        inbox = Inbox()

        async def main() -> None:
            async with memory.connect(BinanceSpot(seed=5)) as server:
                streams = "btcusdt@depth@100ms/ethusdt@trade/!miniTicker@arr"
                connection = await server.ws.connect(f"{server.ws_url}/stream?streams={streams}", inbox)
                with anyio.move_on_after(20):
                    await connection.run()

        under_virtual_time(main)
        return inbox.messages

    first = frames()
    assert len(first) > 100
    assert frames() == first


def test_an_order_whose_reply_is_lost_did_arrive() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            server.sim.lose_reply_to("POST", "/api/v3/order")
            with pytest.raises(ConnectionFailed) as caught:
                await server.http.send(order(server, "a-1"), timeout_s=5)
            assert caught.value.sent
            assert server.sim.open_order_ids() == ["a-1"]

    under_virtual_time(main)


def test_a_truncated_reply_is_a_failed_connection() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            server.sim.cut_json("POST", "/api/v3/order", how="http", keep_bytes=5)
            with pytest.raises(ConnectionFailed, match="after 5 of") as caught:
                await server.http.send(order(server, "a-1"), timeout_s=5)
            assert caught.value.sent
            assert server.sim.open_order_ids() == ["a-1"]

    under_virtual_time(main)


def test_a_hanging_reply_ends_in_a_timeout_of_virtual_time() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            server.sim.lose_reply_to("POST", "/api/v3/order", how="hang")
            before = anyio.current_time()
            with pytest.raises(RequestTimeout):
                await server.http.send(order(server, "a-1"), timeout_s=30)
            assert anyio.current_time() - before == pytest.approx(30)

    under_virtual_time(main)


@pytest.mark.parametrize(("how", "code", "clean"), [(1012, 1012, True), ("rst", 1006, False), ("fin", 1006, False)])
def test_a_cut_connection_tells_how_it_ended(how: int | str, code: int, clean: bool) -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws/btcusdt@trade", Inbox())
            assert server.sim.cut_connections(how) == 1
            ended = await connection.run()
            assert (ended.code, ended.clean) == (code, clean)
            assert server.sim.ws_connections == []

    under_virtual_time(main)


def test_a_black_hole_swallows_pings_too() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws/btcusdt@trade", Inbox())
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.run)
                await anyio.sleep(5)
                server.sim.black_hole()
                heard = connection.last_received_ns
                await connection.ping()
                await anyio.sleep(60)
                assert connection.last_received_ns == heard
                server.sim.black_hole(False)
                await connection.ping()
                assert connection.last_received_ns > heard
                tasks.cancel_scope.cancel()

    under_virtual_time(main)


def test_a_refused_connection_sent_nothing() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            server.sim.refuse_connections()
            with pytest.raises(ConnectionFailed) as caught:
                await server.http.send(order(server, "a-1"), timeout_s=5)
            assert not caught.value.sent
            with pytest.raises(ConnectionFailed):
                await server.ws.connect(f"{server.ws_url}/ws", Inbox())

    under_virtual_time(main)


def test_a_refused_handshake_carries_the_status() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            server.sim.answer(429, "CONNECT", "/ws", retry_after=7)
            with pytest.raises(ConnectionFailed, match="429") as caught:
                await server.ws.connect(f"{server.ws_url}/ws", Inbox())
            assert caught.value.after_s == 7

    under_virtual_time(main)


def test_paused_reading_holds_messages_back() -> None:
    inbox = Inbox()

    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws/btcusdt@trade", inbox)
            connection.pause_reading()
            with anyio.move_on_after(10):
                await connection.run()
            assert inbox.messages == []

    under_virtual_time(main)


def test_latency_is_paid_in_both_directions() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot(), latency_s=0.25) as server:
            before = anyio.current_time()
            await server.http.send(HttpRequest("GET", f"{server.base_url}/api/v3/ping"), timeout_s=5)
            assert anyio.current_time() - before == pytest.approx(0.5)

    under_virtual_time(main)


def test_messages_and_ends_travel_as_long_as_requests() -> None:
    inbox = Inbox()

    async def main() -> None:
        async with memory.connect(BinanceSpot(), latency_s=0.25) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws-api/v3", inbox)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.run)
                before = anyio.current_time()
                await connection.send('{"id": 1, "method": "ping"}')
                assert inbox.messages == []
                await anyio.sleep(0.3)
                assert json.loads(inbox.messages[0])["status"] == 200
                assert inbox.batches[0] >= server.clock.now_ns() - 100_000_000
                assert server.sim.cut_connections(1001) == 1
                ended = await connection.run()
                assert ended.code == 1001
                assert anyio.current_time() - before == pytest.approx(0.8)
                tasks.cancel_scope.cancel()

    under_virtual_time(main)


def test_a_message_beyond_the_limit_ends_the_connection() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws-api/v3", Inbox(), max_message_bytes=10)
            await connection.send('{"id": 1, "method": "ping"}')
            assert (await connection.run()).code == 1009
            with pytest.raises(ConnectionFailed):
                await connection.ping()

    under_virtual_time(main)


def test_a_handshake_into_a_black_hole_times_out() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            server.sim.black_hole()
            with pytest.raises(RequestTimeout, match="handshake"):
                await server.ws.connect(f"{server.ws_url}/ws", Inbox(), timeout_s=3)

    under_virtual_time(main)


def test_reading_resumes_with_what_was_held_back() -> None:
    inbox = Inbox()

    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws-api/v3", inbox)
            connection.pause_reading()
            await connection.send('{"id": 1, "method": "ping"}')
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.run)
                await anyio.sleep(1)
                assert inbox.messages == []
                connection.resume_reading()
                await anyio.sleep(1)
                assert len(inbox.messages) == 1
                await server.http.aclose()
                await server.ws.aclose()
                tasks.cancel_scope.cancel()

    under_virtual_time(main)


def test_the_callers_own_error_comes_out_as_it_is() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            assert server.base_url.startswith("http://")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        under_virtual_time(main)


def test_a_clock_can_be_wrong_by_a_constant() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            skewed = server.clock.skewed(2)
            assert skewed.now_ns() - server.clock.now_ns() == 2_000_000_000
            before = skewed.monotonic_ns()
            await skewed.sleep(5)
            assert skewed.monotonic_ns() - before == 5_000_000_000

    under_virtual_time(main)


def test_closing_is_clean_and_final() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws", Inbox())
            await connection.close()
            assert await connection.run() == WsClosed(1000, "", clean=True)
            with pytest.raises(ConnectionFailed):
                await connection.send("{}")

    under_virtual_time(main)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_runs_in_real_time_on_both_backends(backend: str) -> None:
    inbox = Inbox()

    async def main() -> None:
        async with memory.connect(BinanceSpot()) as server:
            connection = await server.ws.connect(f"{server.ws_url}/ws/btcusdt@depth@100ms", inbox)
            with anyio.move_on_after(0.5):
                await connection.run()

    anyio.run(main, backend=backend)

    assert inbox.messages


def test_a_peer_that_vanished_says_nothing_and_answers_nothing_while_a_new_one_is_there() -> None:
    inbox, again = Inbox(), Inbox()
    ends: list[WsClosed] = []
    silent_s = 600.0

    async def main() -> None:
        async with memory.connect(BinanceSpot(symbols=["BTCUSDT"], actions_per_s=10)) as server:
            old = await server.ws.connect(f"{server.ws_url}/ws/btcusdt@trade", inbox)

            async def listen() -> None:
                ends.append(await old.run())

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen)
                await anyio.sleep(30)
                assert server.sim.forget_connections() == 1
                heard_ns, count = old.last_received_ns, len(inbox.messages)
                await anyio.sleep(silent_s)
                await old.ping()
                await old.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
                await anyio.sleep(1)
                assert (old.last_received_ns, len(inbox.messages), ends) == (heard_ns, count, [])
                new = await server.ws.connect(f"{server.ws_url}/ws/btcusdt@trade", again)
                with anyio.move_on_after(30):
                    await new.run()
                tasks.cancel_scope.cancel()

    under_virtual_time(main)

    assert inbox.messages
    assert again.messages


def test_whoever_stops_waiting_for_a_handshake_leaves_no_connection_behind() -> None:
    async def main() -> None:
        async with memory.connect(BinanceSpot(), latency_s=1.0) as server:
            with anyio.move_on_after(1.5):  # the venue has accepted, its answer is on its way
                await server.ws.connect(f"{server.ws_url}/ws/btcusdt@trade", Inbox())
            assert server.sim.connections_made == 1
            assert server.sim.ws_connections == []

    under_virtual_time(main)
