"""Sockets are replaced before they grow too old, and nobody notices; requests and recovery beside the streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from lotusx.errors import ConnectionFailed, RequestTimeout, SlowConsumer, StreamGap
from lotusx.kernel.codec import Channel, ChannelKind, WsFacts
from lotusx.kernel.flow import Overflow, StreamState
from lotusx.kernel.telemetry import ItemDropped, Telemetry
from lotusx.streams import Stream
from lotusx.transport.clock import SystemClock
from lotusx.transport.fanout import Subscription

from .fakes import Codec, Connection, Log, Server, channel, group, number, until, virtually

S = StreamState


class LaggingServer(Server):
    """Brings every event to each socket with a delay of that socket's own."""

    def __init__(self, tasks: Any, rng: Random) -> None:
        super().__init__()
        self.tasks = tasks
        self.rng = rng
        self.lags: dict[int, float] = {}

    def publish(self, key: str, *numbers: int) -> None:
        for connection in self.open:
            if connection.keys[key]:
                lag = self.lags.setdefault(id(connection), self.rng.choice([0.0, 0.05, 0.3]))
                self.tasks.start_soon(self._later, connection, lag, [{"ch": key, "n": n} for n in numbers])

    async def _later(self, connection: Connection, lag: float, bodies: list[Any]) -> None:
        await anyio.sleep(lag)
        connection.bring(*bodies)


@pytest.mark.parametrize("identity", [None, lambda event: event], ids=["whole messages", "by identity"])
@pytest.mark.parametrize("how", ["age", "shutdown notice"])
def test_a_hundred_rotations_miss_nothing_and_repeat_nothing(how: str, identity: Any) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            server = LaggingServer(tasks, Random(3))
            log = Log()
            facts = WsFacts(control_per_s=100.0, lifetime_s=24.0 if how == "age" else None)
            async with group(server, facts=facts, telemetry=log.telemetry) as ws:
                stream = ws.subscribe(channel(identity=identity), buffer=10**6)
                await anyio.sleep(0.5)
                sent = rounds = 0
                while len(server.connections) < 101:
                    for _ in range(3):
                        run = server.rng.choice([1, 3])
                        server.publish("trades", *range(sent, sent + run))
                        sent += run
                        await anyio.sleep(0.2)
                    rounds += 1
                    if how != "age" and rounds % 7 == 0:
                        server.open[0].bring({"notice": "shutdown", "text": "bye"})
                await anyio.sleep(20)
                assert [await anext(stream) for _ in range(stream.counters.waiting)] == list(range(sent))
                assert log.states("trades") == ["acknowledged", "live"]
                assert len(server.open) == 1
                assert all(states[-1] in ("closed", "rotating", "live") for states in log.sessions().values())

    virtually(main)


def test_the_old_socket_is_kept_until_the_new_one_is_served() -> None:
    async def main() -> None:
        server = Server()
        refuse = [True]

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] == "subscribe" and len(server.connections) > 1 and refuse[0]:
                return []
            return None

        server.answer = answer
        async with group(server, facts=WsFacts(lifetime_s=None)) as ws:
            stream = ws.subscribe(channel(kind=ChannelKind.ACCOUNT))
            await anyio.sleep(0.5)
            server.open[0].bring({"notice": "shutdown"})
            await anyio.sleep(30)
            assert len(server.open) == 2
            server.publish("trades", 1)
            assert await anext(stream) == 1
            await anyio.sleep(15)
            refuse[0] = False
            await anyio.sleep(120)
            server.publish("trades", 2)
            assert await anext(stream) == 2
            await anyio.sleep(30)
            assert len(server.open) == 1
            assert stream.state is S.LIVE

    virtually(main)


def test_a_new_socket_that_is_announced_to_close_before_it_has_replaced_the_old_one_makes_room_for_a_third() -> None:
    async def main() -> None:
        server, log = Server(), Log()
        async with group(server, facts=WsFacts(lifetime_s=None), telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel(kind=ChannelKind.ACCOUNT))
            await until(lambda: server.subscribed()["trades"] == 1)
            server.open[0].bring({"notice": "shutdown"})
            await until(lambda: len(server.connections) == 2 and server.connections[1].keys["trades"] == 1)
            server.connections[1].bring({"notice": "shutdown"})
            await anyio.sleep(12)  # a move without proof takes ten seconds
            for leaving in server.connections[:2]:
                leaving.cut()
            await anyio.sleep(1)
            server.publish("trades", 1)
            assert await anext(stream) == 1
            assert len(server.connections) == 3
            assert "lost" not in log.states("trades")

    virtually(main)


def test_a_rotation_that_was_broken_off_leaves_room_for_a_third_socket_in_the_next() -> None:
    async def main() -> None:
        server, log = Server(), Log()

        def is_served(sockets: int) -> bool:
            return len(server.connections) == sockets and server.connections[-1].keys["trades"] == 1

        async with group(server, facts=WsFacts(lifetime_s=None), telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel(kind=ChannelKind.ACCOUNT))
            for count in (1, 2):
                await until(partial(is_served, count))
                server.connections[-1].bring({"notice": "shutdown"})
            await anyio.sleep(0.02)
            server.connections[0].cut()  # before the third is there
            for count in (3, 4):
                await until(partial(is_served, count))
                server.connections[-1].bring({"notice": "shutdown"})
            await anyio.sleep(12)  # a move without proof takes ten seconds
            for leaving in server.connections[2:4]:
                leaving.cut()
            await anyio.sleep(1)
            server.publish("trades", 1)
            assert await anext(stream) == 1
            assert len(server.connections) == 5
            assert log.states("trades").count("lost") == 1

    virtually(main)


def test_where_every_new_socket_is_announced_to_close_one_takes_over_and_is_replaced_in_its_turn() -> None:
    async def main() -> None:
        server, log = Server(), Log()

        def is_served_twice(sockets: int) -> bool:
            return len(server.connections) == sockets and server.subscribed()["trades"] == 2

        async with group(server, facts=WsFacts(lifetime_s=None), telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel(kind=ChannelKind.ACCOUNT))
            await until(lambda: server.subscribed()["trades"] == 1)
            server.open[0].bring({"notice": "shutdown"})
            for count in (2, 3):
                await until(partial(is_served_twice, count))
                server.connections[-1].bring({"notice": "shutdown"})
            await anyio.sleep(12)
            assert server.connections[0].closed is not None
            await anyio.sleep(25)  # so long is repetition expected after the move, before the next one
            server.connections[2].cut()
            await anyio.sleep(1)
            server.publish("trades", 1)
            assert await anext(stream) == 1
            assert "lost" not in log.states("trades")

    virtually(main)


def test_a_rotation_in_a_quiet_market_raises_no_alarm() -> None:
    async def main() -> None:
        async def probe(what: Channel[Any], since_ns: int, told: Any) -> bool:
            return True

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if len(server.connections) == 1:
                return None
            tasks.start_soon(accept_later, connection, body["id"])
            return []

        async def accept_later(connection: Connection, request_id: int) -> None:
            await anyio.sleep(0.3)  # so that the new socket's deadline comes after it has taken over
            connection.bring({"id": request_id})

        server = Server()
        server.answer = answer
        log = Log()
        facts = WsFacts(lifetime_s=None)
        async with (
            anyio.create_task_group() as tasks,
            group(server, facts=facts, probe=probe, telemetry=log.telemetry) as ws,
        ):
            ws.subscribe(channel(kind=ChannelKind.TICKER))
            await anyio.sleep(0.5)
            server.publish("trades", 1)
            await anyio.sleep(600)
            server.open[0].bring({"notice": "shutdown"})
            await anyio.sleep(600)
            assert len(server.connections) == 2
            assert len(server.open) == 1
            assert log.states("trades") == ["acknowledged", "live"]

    virtually(main)


def test_a_refusal_on_the_new_socket_leaves_the_old_one_serving() -> None:
    async def main() -> None:
        server = Server()

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] == "subscribe" and len(server.connections) == 2:
                return [{"id": body["id"], "error": "no"}]
            return None

        server.answer = answer
        async with group(server, facts=WsFacts(lifetime_s=None)) as ws:
            stream = ws.subscribe(channel(kind=ChannelKind.ACCOUNT))
            await anyio.sleep(0.5)
            server.open[0].bring({"notice": "shutdown"})
            await anyio.sleep(60)
            assert len(server.connections) == 3
            server.publish("trades", 1)
            assert await anext(stream) == 1
            await anyio.sleep(30)
            assert len(server.open) == 1

    virtually(main)


@pytest.mark.parametrize("moment", ["connecting", "subscribing", "overlapping"])
def test_an_old_socket_that_dies_during_the_rotation_is_followed_by_the_new_one(moment: str) -> None:
    async def main() -> None:
        server = Server()

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if moment == "subscribing" and body["op"] == "subscribe" and len(server.connections) == 2:
                server.connections[0].cut()
            return None

        server.answer = answer
        async with group(server) as ws:
            stream = ws.subscribe(channel())
            await anyio.sleep(0.5)
            server.publish("trades", 1)
            await anyio.sleep(0.1)
            server.open[0].bring({"notice": "shutdown"})
            await anyio.sleep(0.005 if moment == "connecting" else 0.5)
            if moment == "overlapping":
                server.connections[1].bring({"ch": "trades", "n": 2})
                await anyio.sleep(0.1)
            server.connections[0].cut()
            await anyio.sleep(1)
            assert len(server.connections) == 2
            server.publish("trades", 3)
            got = [await anext(stream) for _ in range(3 if moment == "overlapping" else 2)]
            assert got == ([1, 2, 3] if moment == "overlapping" else [1, 3])

    virtually(main)


def test_a_new_socket_that_dies_during_the_rotation_changes_nothing() -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        async with group(server, telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel())
            await anyio.sleep(0.5)
            server.open[0].bring({"notice": "shutdown"})
            await anyio.sleep(0.5)
            server.connections[1].bring({"ch": "trades", "n": 1})
            late = ws.subscribe(channel("late"))
            await anyio.sleep(0.1)
            server.connections[1].cut()
            await anyio.sleep(0.01)
            server.connections[0].bring({"ch": "trades", "n": 1}, {"ch": "late", "n": 7})
            assert await anext(stream) == 1
            assert await anext(late) == 7
            await anyio.sleep(30)
            assert "lost" not in log.states("trades")
            assert len(server.open) == 1

    virtually(main)


def test_where_two_subscriptions_are_not_allowed_the_old_socket_goes_first() -> None:
    async def main() -> None:
        server = Server()
        async with group(server, facts=WsFacts(duplicates_allowed=False)) as ws:
            stream = ws.subscribe(channel())
            ws.subscribe(channel(), overflow=Overflow.BLOCK)
            await anyio.sleep(0.5)
            server.open[0].bring({"notice": "shutdown"})
            await anyio.sleep(2)
            assert len(server.connections) == 2
            assert server.subscribed() == {"trades": 1}
            assert stream.state is S.ACKNOWLEDGED

    virtually(main)


def test_the_snapshot_a_new_socket_begins_with_is_not_mixed_into_the_deltas() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            stream = ws.subscribe(channel())
            await anyio.sleep(0.5)
            server.publish("trades", 1)
            server.open[0].bring({"notice": "shutdown"})
            await anyio.sleep(0.5)
            server.connections[1].bring({"ch": "trades", "n": -1})
            server.publish("trades", 2)
            await anyio.sleep(1)
            server.publish("trades", 3)
            assert [await anext(stream) for _ in range(3)] == [1, 2, 3]

    virtually(main)


# ---------------------------------------------------------------------------------------------------------- requests


def echo(text: str = "") -> Any:
    return lambda request_id, context: f'{{"op":"echo","id":{request_id},"text":"{text}"}}'


def test_a_request_connects_logs_in_and_returns_the_whole_reply() -> None:
    async def main() -> None:
        server = Server()
        async with group(server, codec=Codec(log_in=True)) as ws:
            assert b'"text": "hi"' in await ws.request(echo("hi"))
            said = len(server.open[0].said)
            await ws.ready()
            await ws.request(echo())
            assert len(server.open[0].said) == said + 1  # one round trip
            await anyio.sleep(5)
            assert len(server.open) == 1

    virtually(main)


def test_replies_reach_whoever_asked_and_an_ack_may_be_a_reply() -> None:
    async def main() -> None:
        server = Server()
        held: list[tuple[Connection, int]] = []

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] == "echo":
                held.append((connection, body["id"]))
                return []
            return None

        server.answer = answer
        async with group(server) as ws, anyio.create_task_group() as tasks:
            replies: dict[str, bytes] = {}

            async def ask(name: str) -> None:
                replies[name] = await ws.request(echo(name))

            for name in "abc":
                tasks.start_soon(ask, name)
            await anyio.sleep(0.5)
            ids = {request_id for _, request_id in held}
            assert len(ids) == 3
            for connection, request_id in reversed(held):
                body = {"id": request_id, "error": "e"} if request_id == min(ids) else {"reply": request_id}
                connection.bring(body, body, {"reply": 10**6})
            await anyio.sleep(0.5)
            assert len(replies) == 3
            assert len(set(replies.values())) == 3

    virtually(main)


def test_a_request_without_a_reply_is_in_doubt_and_one_never_sent_is_not() -> None:
    async def main() -> None:
        server = Server()
        server.answer = lambda connection, body: [] if body["op"] == "echo" else None
        async with group(server) as ws, anyio.create_task_group() as tasks:
            with pytest.raises(RequestTimeout) as timed_out:
                await ws.request(echo(), timeout_s=2)
            assert timed_out.value.may_have_executed

            async def cut() -> None:
                await anyio.sleep(1)
                server.down = True
                server.open[0].cut()

            tasks.start_soon(cut)
            with pytest.raises(ConnectionFailed) as broke:
                await ws.request(echo(), timeout_s=5)
            assert broke.value.sent
            with pytest.raises(ConnectionFailed) as never:
                await ws.request(echo(), timeout_s=5)
            assert not never.value.sent

    virtually(main)


def test_a_request_that_waits_for_a_connection_ends_when_everything_is_closed() -> None:
    async def main() -> None:
        server = Server()
        server.down = True
        ended: list[ConnectionFailed] = []
        async with anyio.create_task_group() as tasks:
            ws = await tasks.start(group(server).run)

            async def wait() -> None:
                with pytest.raises(ConnectionFailed) as never:
                    await ws.ready()
                ended.append(never.value)

            tasks.start_soon(wait)
            await anyio.sleep(1)
            ws.close()
            await anyio.sleep(1)
            assert [(error.sent, "the connection is closed" in str(error)) for error in ended] == [(False, True)]

    virtually(main)


def test_a_request_that_waits_for_its_turn_beyond_its_deadline_was_not_sent() -> None:
    async def main() -> None:
        server = Server()
        async with group(server, facts=WsFacts(control_per_s=0.1)) as ws:
            await ws.request(echo())
            with pytest.raises(RequestTimeout) as waited:
                await ws.request(echo(), timeout_s=3)
            assert not waited.value.sent

    virtually(main)


def test_a_rotation_waits_for_the_replies_of_the_old_socket() -> None:
    async def main() -> None:
        server = Server()

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            return [] if body["op"] == "echo" else None

        server.answer = answer
        async with group(server) as ws, anyio.create_task_group() as tasks:
            await ws.ready()
            got: list[bytes] = []

            async def ask() -> None:
                got.append(await ws.request(echo(), timeout_s=30))

            tasks.start_soon(ask)
            await anyio.sleep(0.1)
            first = server.open[0]
            first.bring({"notice": "shutdown"})
            await anyio.sleep(3)
            assert len(server.open) == 2
            first.bring({"reply": first.said[-1]["id"]})
            await anyio.sleep(1)
            assert len(got) == 1
            assert server.open == [server.connections[1]]

    virtually(main)


# ---------------------------------------------------------------------------------------------------------- recovery


def private(key: str = "orders", **more: Any) -> Any:
    return channel(key, ChannelKind.ACCOUNT, private=True, **more)


def test_a_private_stream_is_whole_again_only_when_what_it_missed_has_been_found() -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        spans: list[tuple[int, int]] = []
        seen: list[int | S] = []

        async def restored(what: Any, lost_ns: int, restored_ns: int) -> None:
            spans.append((lost_ns, restored_ns))
            await anyio.sleep(3)
            seen.append(0)

        async with group(server, on_restored=restored, telemetry=log.telemetry) as ws:
            stream: Stream[int] = ws.subscribe(private())
            assert stream.overflow is Overflow.FAIL
            stream.handle(seen.append, lambda change: seen.append(change.state))
            await anyio.sleep(0.5)
            server.publish("orders", 1)
            await anyio.sleep(0.5)
            heard = server.connections[0].last_received_ns
            server.connections[0].cut()
            await anyio.sleep(1.5)
            server.publish("orders", 4)
            await anyio.sleep(3.5)
            server.publish("orders", 5)
            await anyio.sleep(0.1)
            assert seen == [S.ACKNOWLEDGED, S.LIVE, 1, S.LOST, S.ACKNOWLEDGED, 4, 0, S.RECOVERED, 5]
            assert len(spans) == 1
            assert abs(spans[0][0] - server.clock.now_ns() + server.clock.monotonic_ns() - heard) < 10
            assert spans[0][1] > spans[0][0]

    virtually(main)


def test_a_wall_clock_set_back_does_not_put_the_loss_into_the_future() -> None:
    async def main() -> None:
        server = Server()
        spans: list[tuple[int, int]] = []

        async def restored(what: Any, lost_ns: int, restored_ns: int) -> None:
            spans.append((lost_ns, restored_ns))

        async with group(server, on_restored=restored) as ws:
            ws.subscribe(private())
            await anyio.sleep(0.5)
            server.connections[0].cut()
            server.clock.step_ns = -3_600_000_000_000
            await anyio.sleep(2.0)
            assert len(spans) == 1
            assert 0 < spans[0][1] - spans[0][0] < 5_000_000_000

    virtually(main)


def test_a_recovery_cut_short_starts_over_from_the_first_loss() -> None:
    async def main() -> None:
        server = Server()
        spans: list[int] = []

        async def restored(what: Any, lost_ns: int, restored_ns: int) -> None:
            spans.append(lost_ns)
            await anyio.sleep(3)

        async with group(server, on_restored=restored) as ws:
            stream: Stream[int] = ws.subscribe(private())
            await anyio.sleep(0.5)
            for _ in range(2):
                server.open[0].cut()
                await anyio.sleep(1.5)
            await anyio.sleep(1.4)
            states = [stream.state]
            await anyio.sleep(0.2)
            assert [*states, stream.state] == [S.ACKNOWLEDGED, S.RECOVERED]
            assert len(spans) == 2
            assert spans[0] == spans[1]
            server.open[0].cut()
            await anyio.sleep(1.5)
            await stream.aclose()  # while it recovers

    virtually(main)


def test_what_a_private_stream_missed_while_the_exchange_had_ended_it_is_recovered() -> None:
    async def main() -> None:
        server = Server()

        calls: list[str] = []

        async def restored(what: Any, lost_ns: int, restored_ns: int) -> None:
            calls.append(what.key)

        async with group(server, on_restored=restored) as ws:
            stream: Stream[int] = ws.subscribe(private())
            await anyio.sleep(0.5)
            server.publish("orders", 1)
            server.open[0].bring({"notice": "subscription_ended", "key": "orders"})
            await anyio.sleep(0.5)
            server.publish("orders", 3)
            assert [await anext(stream) for _ in range(2)] == [1, 3]
            assert calls == ["orders"]
            assert len(server.connections) == 1

    virtually(main)


def test_a_recovery_that_ends_just_as_the_connection_is_lost_again_counts_for_nothing() -> None:
    async def main() -> None:
        server = Server()
        calls: list[int] = []

        async def restored(what: Any, lost_ns: int, restored_ns: int) -> None:
            calls.append(lost_ns)
            if len(calls) == 1:
                ws.lost(ws._subs["orders"], ws._sessions[max(ws._sessions)])

        async with group(server, on_restored=restored) as ws:
            stream: Stream[int] = ws.subscribe(private())
            await anyio.sleep(0.5)
            server.publish("orders", 1)
            server.open[0].cut()
            await anyio.sleep(1.5)
            states = [stream.state]
            server.open[0].cut()
            await anyio.sleep(1.5)
            assert [*states, stream.state] == [S.LOST, S.RECOVERED]
            assert len(calls) == 2

    virtually(main)


def test_a_recovery_that_fails_ends_the_stream_with_a_gap() -> None:
    async def main() -> None:
        server = Server()

        async def restored(what: Any, lost_ns: int, restored_ns: int) -> None:
            raise ConnectionFailed("no look-up")

        async with group(server, on_restored=restored) as ws:
            stream: Stream[int] = ws.subscribe(private())
            await anyio.sleep(0.5)
            server.open[0].cut()
            with pytest.raises(StreamGap, match="no look-up"):
                await anext(stream)

    virtually(main)


def test_without_a_recovery_hook_a_private_stream_is_live_again_with_its_next_event() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            stream: Stream[int] = ws.subscribe(private())
            await anyio.sleep(0.5)
            server.open[0].cut()
            await anyio.sleep(2)
            states = [stream.state]
            server.publish("orders", 1)
            assert await anext(stream) == 1
            assert [*states, stream.state] == [S.ACKNOWLEDGED, S.RECOVERED]

    virtually(main)


# ------------------------------------------------------------------------------------------------------- isolation


def test_a_slow_reader_hurts_only_itself() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            slow = ws.subscribe(channel(), buffer=10, overflow=Overflow.FAIL)
            quick = ws.subscribe(channel())
            await anyio.sleep(0.5)
            server.publish("trades", *range(1000))
            assert [await anext(quick) for _ in range(1000)] == list(range(1000))
            assert [await anext(slow) for _ in range(10)] == list(range(10))
            with pytest.raises(SlowConsumer):
                await anext(slow)
            assert (slow.counters.delivered, slow.counters.dropped) == (10, slow.counters.received - 10)

    virtually(main)


def test_a_handler_that_blocks_the_loop_is_named_and_one_that_raises_ends_only_its_stream() -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        clock: Any = server.clock
        jump = [0]
        real = clock.monotonic_ns
        clock.monotonic_ns = lambda: real() + jump[0]

        def block(event: int) -> None:
            jump[0] += 200_000_000

        def boom(event: int) -> None:
            raise ValueError("mine")

        async with group(server, telemetry=log.telemetry) as ws:
            slow = ws.subscribe(channel())
            slow.handle(block)
            broken = ws.subscribe(channel())
            end = broken.handle(boom)
            fine = ws.subscribe(channel())
            await anyio.sleep(0.5)
            server.publish("trades", 1)
            with pytest.raises(ValueError, match="mine"):
                await end
            assert await anext(fine) == 1
            assert any("blocked the loop for 0.200 s" in getattr(event, "reason", "") for event in log.events)

    virtually(main)


def test_a_codec_that_breaks_ends_the_session_and_not_the_group(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        server = Server()
        codec: Any = Codec()
        good = codec.subscribe
        calls: list[int] = []

        def subscribe(*arguments: Any) -> list[str]:
            calls.append(1)
            if len(calls) == 1:
                raise KeyError("bug")
            result: list[str] = good(*arguments)
            return result

        codec.subscribe = subscribe
        async with group(server, codec=codec) as ws:
            stream = ws.subscribe(channel())
            await anyio.sleep(2)
            assert stream.state is S.ACKNOWLEDGED
        assert "bug" in caplog.text

    virtually(main)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
def test_the_same_on_both_event_loops(anyio_backend: str) -> None:
    async def main() -> None:
        server = Server()
        async with group(server, codec=Codec(log_in=True)) as ws, ws.subscribe(channel()) as stream:
            await until(lambda: stream.state is S.ACKNOWLEDGED)
            server.publish("trades", *range(100))
            assert [await anext(stream) for _ in range(100)] == list(range(100))
            assert b"yes" in await ws.request(echo("yes"))
            server.open[0].cut()
            await until(lambda: len(server.connections) == 2 and stream.state is S.ACKNOWLEDGED)
            server.publish("trades", 100)
            assert await anext(stream) == 100
        assert server.open == []

        async def fail() -> None:
            async with group(server) as ws:
                ws.subscribe(channel())
                raise ValueError("as it is")

        with pytest.raises(ValueError, match="as it is"):
            await fail()

    anyio.run(main, backend=anyio_backend)


def test_every_message_reaches_the_converter_once() -> None:
    async def main() -> None:
        server = Server()
        calls: list[bytes] = []

        def convert(message: bytes, received_ns: int) -> list[int]:
            calls.append(message)
            return number(message, received_ns)

        async with group(server) as ws:
            first, second = ws.subscribe(channel(convert=convert)), ws.subscribe(channel(convert=convert))
            await anyio.sleep(0.5)
            server.publish("trades", 1)
            assert await anext(first) == await anext(second) == 1
            assert len(calls) == 1

    virtually(main)


@pytest.mark.parametrize("handled", [False, True])
def test_one_read_is_handed_over_whole_but_to_a_handler_as_each_message_is_decoded(handled: bool) -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        seen: list[str] = []

        def convert(message: bytes, received_ns: int) -> list[int]:
            (n,) = number(message, received_ns)
            seen.append(f"decode {n}")
            if n == 3:
                raise ValueError("3")
            return [n]

        async with group(server, telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel(convert=convert))
            if handled:
                stream.handle(lambda n: seen.append(f"take {n}"), on_reject=lambda count: seen.append("reject"))
            await anyio.sleep(0.5)
            server.publish("trades", 1, 2, 3, 4)
            await anyio.sleep(0.5)
            if handled:
                assert seen == [
                    "decode 1", "take 1", "decode 2", "take 2", "decode 3", "reject", "decode 4", "take 4"
                ]  # fmt: skip
            else:
                assert seen == ["decode 1", "decode 2", "decode 3", "decode 4"]
                assert [await anext(stream) for _ in range(3)] == [1, 2, 4]
            counters = stream.counters
            assert (counters.received, counters.delivered, counters.rejected, counters.waiting) == (4, 3, 1, 0)
            assert [event.reason for event in log.events if isinstance(event, ItemDropped)] == ["3"]

    virtually(main)


def test_what_one_read_brought_is_taken_whole_unless_a_handover_is_under_way() -> None:
    keeper: Any = None
    subscription: Subscription[int] = Subscription("trades", channel(), keeper)
    assert subscription.takes_runs(subscription.feed)
    subscription.begin_handover()
    handover = subscription.handover
    assert handover is not None
    assert not subscription.takes_runs(subscription.feed_old)
    assert not subscription.takes_runs(subscription.feed_new)
    subscription.switch()
    assert not subscription.takes_runs(subscription.feed_new)
    handover.settle()
    assert subscription.takes_runs(subscription.feed_new)
    subscription.end_handover()
    assert subscription.takes_runs(subscription.feed_new)


def test_two_sockets_side_by_side_do_not_share_a_memory() -> None:
    def summing() -> Channel[int]:
        sums: list[int] = []

        def convert(message: bytes, received_ns: int) -> list[int]:
            sums.append(int(message))
            return [sum(sums)]

        return replace(channel(convert=convert), another=summing, lost=sums.clear)

    async def main() -> None:
        keeper: Any = SimpleNamespace(exchange="x", clock=SystemClock(), telemetry=Telemetry())
        subscription: Subscription[int] = Subscription("sums", summing(), keeper)
        stream: Stream[int] = Stream("sums", owner=subscription)
        subscription.add(stream)
        subscription.acked()
        subscription.feed(b"10", 0)
        subscription.begin_handover()
        subscription.feed_old(b"1", 0)
        for message in (b"11", b"2"):  # begins with a summary, as such subscriptions do
            subscription.feed_new(message, 0)
        subscription.feed_old(b"2", 0)
        subscription.switch()
        subscription.feed_old(b"9", 0)
        subscription.feed_new(b"3", 0)
        subscription.end_handover()
        subscription.feed(b"4", 0)
        assert [await anext(stream) for _ in range(5)] == [10, 11, 13, 16, 20]
        subscription.lost(0, "cut", recover=False)
        subscription.feed(b"5", 0)
        assert await anext(stream) == 5

    virtually(main)


def test_a_reply_that_retires_its_socket_is_given_and_the_next_request_goes_over_another() -> None:
    async def main() -> None:
        server = Server()

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            first = connection is server.connections[0]
            return [{"reply": body["id"], "retires": True}] if body["op"] == "echo" and first else None

        server.answer = answer
        async with group(server) as ws:
            assert b"retires" in await ws.request(echo())
            await anyio.sleep(30)
            assert b'"text": "again"' in await ws.request(echo("again"))
            assert len(server.connections) == 2
            assert server.connections[0].closed is not None

    virtually(main)


def test_a_subscription_that_begins_with_what_is_known_keeps_the_order_of_what_follows() -> None:
    """As where every new subscription repeats the last prints: the new socket overlaps the old one at once."""

    async def main() -> None:
        server = Server()
        known: list[int] = []
        seen: set[int] = set()

        def fresh(events: Sequence[Any]) -> list[Any]:
            new = [event for event in events if event not in seen]
            seen.update(new)
            return new

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] == "subscribe" and known:
                connection.bring(*({"ch": "trades", "n": each} for each in known[-20:]))
            return None

        server.answer = answer
        async with group(server, facts=WsFacts(lifetime_s=None)) as ws:
            stream = ws.subscribe(channel(identity=lambda event: event, fresh=fresh))
            await anyio.sleep(0.5)
            for number in range(60):
                known.append(number)
                server.publish("trades", number)
                await anyio.sleep(0.3)
                if number in (5, 40):
                    server.open[0].bring({"notice": "shutdown"})
            assert [await anext(stream) for _ in range(stream.counters.waiting)] == list(range(60))
            assert stream.counters.received == 60
            assert len(server.connections) == 3

    virtually(main)
