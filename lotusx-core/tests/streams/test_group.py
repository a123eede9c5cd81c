"""Desired subscriptions stay subscribed, whatever happens to the sockets."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from lotusx.errors import (
    AuthenticationError,
    BeginningMissing,
    ConnectionFailed,
    InvalidArgument,
    LotusXError,
    RequestTimeout,
    StreamClosed,
    SubscriptionRefused,
    Unavailable,
)
from lotusx.kernel.codec import ChannelKind, Control, WsFacts
from lotusx.kernel.flow import Overflow, StatusChange, StreamState
from lotusx.streams import Stream
from lotusx.transport.slots import MOST_AFTER_S

from .fakes import Codec, Connection, Log, Server, channel, group, number, until, virtually

S = StreamState


async def settle(seconds: float = 0.5) -> None:
    await anyio.sleep(seconds)


async def take(stream: Stream[int], count: int) -> list[int]:
    with anyio.fail_after(120):
        return [await anext(stream) for _ in range(count)]


def test_a_subscription_is_requested_acknowledged_and_live_in_that_order() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            stream = ws.subscribe(channel())
            states = [stream.state]
            await settle()
            states.append(stream.state)
            server.publish("trades", 1, 2)
            assert await take(stream, 2) == [1, 2]
            assert [*states, stream.state] == [S.REQUESTED, S.ACKNOWLEDGED, S.LIVE]

    virtually(main)


def test_no_socket_is_opened_before_the_first_subscription_and_none_stays_after_the_last() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            await settle()
            assert server.attempts == []
            async with ws.subscribe(channel()):
                await settle()
                assert len(server.open) == 1
            await settle(2)
            assert server.open == []
            assert ws.stats() == {"sockets": 0, "subscriptions": 0, "streams": 0, "undecodable": 0}
            async with ws.subscribe(channel()) as again:
                await settle()
                server.publish("trades", 3)
                assert await take(again, 1) == [3]

    virtually(main)


def test_two_streams_of_one_channel_share_one_subscription_and_have_their_own_buffers() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            fast = ws.subscribe(channel())
            slow = ws.subscribe(channel(), buffer=2, overflow=Overflow.DROP_OLDEST)
            await settle()
            server.publish("trades", 1, 2, 3, 4)
            assert await take(fast, 4) == [1, 2, 3, 4]
            assert await take(slow, 2) == [3, 4]
            assert slow.counters.dropped == 2
            assert server.subscribed() == {"trades": 1}
            await fast.aclose()
            await settle()
            assert server.subscribed() == {"trades": 1}
            await slow.aclose()

    virtually(main)


def test_keys_are_spread_over_sockets_and_batched() -> None:
    async def main() -> None:
        server = Server()
        facts = WsFacts(max_channels=3, max_keys_per_message=2, control_per_s=100.0)
        async with group(server, facts=facts) as ws:
            streams = [ws.subscribe(channel(f"k{n}")) for n in range(7)]
            await settle()
            assert sorted(sum(each.keys.values()) for each in server.open) == [1, 3, 3]
            assert max(len(said["keys"]) for each in server.open for said in each.said) == 2
            await streams[0].aclose()
            ws.subscribe(channel("k7"))
            await settle()
            assert len(server.open) == 3
            assert server.subscribed() == {f"k{n}": 1 for n in range(1, 8)}

    virtually(main)


def test_control_messages_keep_the_pace_of_the_exchange() -> None:
    async def main() -> None:
        server = Server()
        async with group(server, facts=WsFacts(max_keys_per_message=1, control_per_s=5.0)) as ws:
            for n in range(23):
                ws.subscribe(channel(f"k{n}"))
            await settle(10)
            times = server.sent_at
            assert len(times) == 23
            assert all(times[at + 5] - times[at] >= 0.999 for at in range(len(times) - 5))

    virtually(main)


@pytest.mark.parametrize("phase", ["connect", "log-in", "subscribe", "half the acks", "live"])
def test_a_connection_killed_at_any_phase_ends_in_the_desired_set(phase: str) -> None:
    async def main() -> None:
        server = Server()
        killed: list[str] = []

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            here = {"login": "log-in", "subscribe": "subscribe"}.get(body["op"])
            half = phase == "half the acks" and body["op"] == "subscribe" and len(connection.said) > 2
            if len(killed) < 3 and (here == phase or half):
                killed.append(phase)
                connection.cut()
                return []
            return None

        def refuse(attempt: int) -> ConnectionFailed | None:
            return ConnectionFailed("no", sent=False) if phase == "connect" and attempt <= 3 else None

        server.answer = answer
        server.refuse_connect = refuse
        facts = WsFacts(max_keys_per_message=1, control_per_s=100.0)
        async with group(server, codec=Codec(log_in=True), facts=facts) as ws:
            streams = [ws.subscribe(channel(f"k{n}")) for n in range(6)]
            await settle(10)
            if phase == "live":
                for _ in range(3):
                    server.open[0].cut()
                    await settle(10)
            assert server.subscribed() == {f"k{n}": 1 for n in range(6)}
            for n, stream in enumerate(streams):
                server.publish(f"k{n}", n)
                assert await take(stream, 1) == [n]

    virtually(main)


def test_a_lost_stream_says_so_among_its_events_and_recovers() -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        async with group(server, telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel())
            await settle()
            server.publish("trades", 1)
            await settle()
            server.open[0].cut()
            await settle(5)
            server.publish("trades", 2)
            await settle()
            await anyio.lowlevel.checkpoint()
            seen = []
            async for item in stream.with_status():
                seen.append(item.state if isinstance(item, StatusChange) else item)
                if item == 2:
                    break
            assert seen == [S.REQUESTED, S.ACKNOWLEDGED, S.LIVE, 1, S.LOST, S.ACKNOWLEDGED, S.RECOVERED, 2]
            assert log.states("trades") == ["acknowledged", "live", "lost", "acknowledged", "recovered"]
            assert log.sessions() == {1: ["connecting", "live", "lost"], 2: ["connecting", "live"]}

    virtually(main)


def test_a_refused_key_ends_its_own_stream_and_no_other() -> None:
    async def main() -> None:
        server = Server()

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] == "subscribe" and "bad" in body["keys"]:
                return [{"id": body["id"], "error": "4001 no such symbol"}]
            return None

        server.answer = answer
        async with group(server) as ws:
            streams = {key: ws.subscribe(channel(key)) for key in ("a", "b", "bad", "c", "d")}
            with pytest.raises(SubscriptionRefused, match="4001 no such symbol"):
                await anext(streams["bad"])
            await settle()
            assert server.subscribed() == {"a": 1, "b": 1, "c": 1, "d": 1}
            server.publish("d", 5)
            assert await take(streams["d"], 1) == [5]

    virtually(main)


def test_a_key_accepted_before_is_asked_for_again_before_a_refusal_is_believed() -> None:
    async def main() -> None:
        server = Server()
        refused: list[int] = []

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] == "subscribe" and len(server.connections) == 2 and len(refused) < 3:
                refused.append(1)
                return [{"id": body["id"], "error": "busy"}]
            return None

        server.answer = answer
        async with group(server) as ws:
            stream = ws.subscribe(channel())
            await settle()
            server.open[0].cut()
            await settle(15)
            server.publish("trades", 1)
            assert await take(stream, 1) == [1]
            assert len(refused) == 3

    virtually(main)


def test_unanswered_and_doubly_answered_subscribes_converge() -> None:
    async def main() -> None:
        server = Server()
        said: list[int] = []

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            said.append(1)
            if len(said) == 1:
                return []  # lost
            connection.keys.update(body["keys"])
            return [{"id": body["id"]}, {"id": body["id"]}, {"id": 999_999}]

        server.answer = answer
        async with group(server) as ws:
            stream = ws.subscribe(channel())
            await settle(11)
            assert stream.state is S.ACKNOWLEDGED
            assert server.subscribed() == {"trades": 1}

    virtually(main)


def test_an_exchange_that_answers_nothing_is_believed() -> None:
    async def main() -> None:
        server = Server()

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            connection.keys.update(body.get("keys", ()))
            return []

        server.answer = answer
        async with group(server, facts=WsFacts(acknowledges=False)) as ws:
            stream = ws.subscribe(channel())
            await settle()
            assert stream.state is S.ACKNOWLEDGED

    virtually(main)


def test_a_black_hole_is_noticed_within_15_seconds() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            stream = ws.subscribe(channel())
            await settle()
            server.publish("trades", 1)
            await settle(0.1)
            started = anyio.current_time()
            server.open[0].black_hole = True
            await until(lambda: stream.state is not S.LIVE)
            assert anyio.current_time() - started <= 15
            assert server.connections[0].pings == 1

    virtually(main)


@pytest.mark.parametrize("beats", [False, True])
def test_a_quiet_but_answering_socket_is_kept_and_pinged_only_when_silent(beats: bool) -> None:
    async def main() -> None:
        server = Server()
        async with group(server, codec=Codec(heartbeat=beats)) as ws:
            ws.subscribe(channel(kind=ChannelKind.ACCOUNT))
            await settle(300)
            first = server.connections[0]
            assert len(server.connections) == 1
            beaten = [said for said in first.said if said["op"] == "beat"]
            assert len(beaten) + first.pings >= 30
            pings = first.pings + len(beaten)
            for n in range(100):
                server.publish("trades", n)
                await anyio.sleep(2)
            assert first.pings + len([said for said in first.said if said["op"] == "beat"]) - pings <= 1

    virtually(main)


@pytest.mark.parametrize("peer_is_gone", [True, False])
def test_after_a_suspension_exactly_the_dead_socket_is_replaced_within_5_seconds(peer_is_gone: bool) -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            stream = ws.subscribe(channel(kind=ChannelKind.ACCOUNT))
            await settle()
            server.open[0].black_hole = peer_is_gone
            server.clock.step_ns += 600 * 10**9
            await settle(5)
            assert len(server.connections) == (2 if peer_is_gone else 1)
            await settle(60)
            assert len(server.connections) == (2 if peer_is_gone else 1)
            assert stream.state is S.ACKNOWLEDGED

    virtually(main)


def test_reconnecting_is_endless_polite_and_jittered() -> None:
    async def main() -> None:
        server = Server()
        async with group(server, facts=WsFacts(connects_per_window=(20, 60.0), max_channels=1)) as ws:
            streams = [ws.subscribe(channel(f"k{n}", ChannelKind.ACCOUNT)) for n in range(5)]
            await settle(2)
            server.down = True
            for connection in server.open:
                connection.cut()
            await settle(1800)
            times = server.attempts
            assert all(sum(1 for each in times if start <= each < start + 59.999) <= 10 for start in times)
            assert len(times) > 100
            server.down = False
            await settle(120)
            assert server.subscribed() == {f"k{n}": 1 for n in range(5)}
            assert {stream.state for stream in streams} == {S.ACKNOWLEDGED}

    virtually(main)


def test_retry_after_is_honoured() -> None:
    async def main() -> None:
        server = Server()
        busy = Unavailable("acme", "429", "slow down", after_s=20.0)
        server.refuse_connect = lambda attempt: busy if attempt == 1 else None
        async with group(server) as ws:
            ws.subscribe(channel())
            await settle(60)
            assert 20.0 <= server.attempts[1] - server.attempts[0] <= 20.5

    virtually(main)


@pytest.mark.parametrize("asked_s", [1e9, float("inf")])
def test_an_absurd_retry_after_does_not_end_or_silence_the_group(asked_s: float) -> None:
    async def main() -> None:
        server = Server()
        busy = Unavailable("acme", "429", "slow down", after_s=asked_s)
        server.refuse_connect = lambda attempt: busy if attempt == 1 else None
        async with group(server) as ws:
            ws.subscribe(channel())
            await settle(MOST_AFTER_S + 1)
            assert len(server.attempts) == 2

    virtually(main)


def test_a_silent_key_is_named_while_its_siblings_live_and_only_it_is_subscribed_again() -> None:
    async def main() -> None:
        server = Server()
        server.mute = {"b"}
        probed: list[str] = []

        async def probe(what: Any, since_ns: int, told: Any) -> bool:
            probed.append(what.key)
            return False

        async with group(server, probe=probe) as ws:
            streams = {key: ws.subscribe(channel(key, ChannelKind.BOOK)) for key in "abc"}
            async with anyio.create_task_group() as tasks:

                async def busy() -> None:
                    for n in range(10_000):
                        for key in "abc":
                            server.publish(key, n)
                        await anyio.sleep(0.5)

                tasks.start_soon(busy)
                await settle(5.2)
                assert {key: stream.state for key, stream in streams.items()} == {
                    "a": S.LIVE,
                    "b": S.SILENT,
                    "c": S.LIVE,
                }
                assert probed == ["b"]
                again = [said["keys"] for said in server.open[0].said if said["op"] == "subscribe"]
                assert again == [["a", "b", "c"], ["b"]]
                server.mute = set()
                await settle(1)
                assert streams["b"].state is S.LIVE
                tasks.cancel_scope.cancel()

    virtually(main)


def test_a_quiet_market_raises_no_alarm_in_eight_hours() -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        asked: list[int] = []

        async def probe(what: Any, since_ns: int, told: Any) -> bool:
            asked.append(since_ns)
            await anyio.sleep(0.2)
            return True

        async with group(server, probe=probe, telemetry=log.telemetry, facts=WsFacts(lifetime_s=None)) as ws:
            ws.subscribe(channel("t", ChannelKind.TICKER))
            await settle(8 * 3_600)
            assert "silent" not in log.states("t")
            assert len(asked) < 700

    virtually(main)


def test_a_slow_probe_takes_the_alarm_back_and_a_failing_one_confirms_it() -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        answers: list[Any] = [ValueError("boom"), 3.0]

        async def probe(what: Any, since_ns: int, told: Any) -> bool:
            answer = answers.pop(0) if answers else 0.0
            if isinstance(answer, Exception):
                raise answer
            await anyio.sleep(answer)
            return True

        async with group(server, probe=probe, telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel("t", ChannelKind.TICKER))
            await settle(71)
            assert stream.state is S.LIVE
            assert log.states("t") == ["acknowledged", "silent", "live"]

    virtually(main)


def test_closing_ends_iteration_within_two_seconds_and_leaves_nothing() -> None:
    async def main() -> None:
        server = Server()
        seen: list[int] = []
        async with anyio.create_task_group() as tasks:
            ws = await tasks.start(group(server).run)
            stream = ws.subscribe(channel())

            async def read() -> None:
                async for event in stream:
                    seen.append(event)

            tasks.start_soon(read)
            await settle()
            server.publish("trades", 1)
            await settle()
            started = anyio.current_time()
            ws.close()
            ws.close()
        assert anyio.current_time() - started <= 2
        assert seen == [1]
        assert server.open == []
        with pytest.raises(StreamClosed):
            ws.subscribe(channel())
        with pytest.raises(ConnectionFailed):
            await ws.ready()

    virtually(main)


@pytest.mark.parametrize("seed", range(40))
def test_cancelled_anywhere_it_ends_clean(seed: int) -> None:
    async def main() -> None:
        server = Server()
        rng = Random(seed)

        async def work() -> None:
            ws = group(server, codec=Codec(log_in=True), rng=rng)
            async with ws, ws.subscribe(channel()) as stream, ws.subscribe(channel("other")):
                for n in range(1000):
                    server.publish("trades", n)
                    if n % 7 == 3 and server.open:
                        server.open[0].cut()
                    with anyio.move_on_after(0.05):
                        await anext(stream)

        with anyio.move_on_after(rng.choice([0.0, 0.005, 0.01, 0.011, 0.25, 1.0, 30.0]) + rng.random() / 50):
            await work()
        assert server.open == []

    virtually(main)


def test_a_refused_log_in_is_tried_again_and_told_when_it_never_worked() -> None:
    async def main() -> None:
        server = Server()
        refusals = [1]

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] == "login" and refusals[0] > 0:
                refusals[0] -= 1
                return [{"id": body["id"], "error": "bad key"}]
            return None

        server.answer = answer
        async with group(server, codec=Codec(log_in=True)) as ws:
            stream = ws.subscribe(channel())
            await settle(5)
            assert stream.state is S.ACKNOWLEDGED
        refusals[0] = 100
        async with group(server, codec=Codec(log_in=True)) as ws:
            stream = ws.subscribe(channel())
            with pytest.raises(AuthenticationError, match="bad key"):
                await anext(stream)
            with pytest.raises(AuthenticationError):
                await ws.ready()

    virtually(main)


def test_an_answer_without_a_number_answers_the_log_in() -> None:
    async def main() -> None:
        server = Server()
        refusals = [1]

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            if body["op"] != "login":
                return None
            refusals[0] -= 1
            return [{"id": None, "error": "bad key"} if refusals[0] >= 0 else {"id": None}]

        server.answer = answer
        async with group(server, codec=Codec(log_in=True)) as ws:
            stream = ws.subscribe(channel())
            await settle(5)
            assert stream.state is S.ACKNOWLEDGED
            assert len(server.connections) == 2

    virtually(main)


def test_a_channel_that_has_lost_its_beginning_is_subscribed_again_until_it_has_one() -> None:
    async def main() -> None:
        server = Server()
        begun = False
        asked: list[float] = []

        def follow(message: bytes, received_ns: int) -> list[int]:
            nonlocal begun
            (n,) = number(message, received_ns)
            begun = begun or n == 0
            if n < 0 or not begun:
                begun = False
                raise BeginningMissing(f"{n} has no beginning")
            return [n]

        def answer(connection: Connection, body: dict[str, Any]) -> None:
            if body["op"] == "subscribe":
                asked.append(server.clock.monotonic_ns() / 1e9)

        server.answer = answer
        log = Log()
        async with group(server, telemetry=log.telemetry) as ws:
            stream = ws.subscribe(replace(channel(), convert=follow))
            await settle(1)
            server.publish("trades", 0, 1, -1, 2)
            for n in range(3, 15):
                await settle(1)
                server.publish("trades", n)
            await settle(1)
            server.publish("trades", 0, 15)

            assert await take(stream, 4) == [0, 1, 0, 15]
            assert stream.counters.rejected == 14
            assert [round(at - asked[0]) for at in asked] == [0, 1, 6, 11]
            assert log.states("trades") == ["acknowledged", "live", "silent", "live"]

    virtually(main)


def test_a_converter_that_remembers_is_told_when_messages_may_have_been_missed() -> None:
    async def main() -> None:
        server = Server()
        calls: list[str] = []
        async with group(server) as ws:
            ws.subscribe(channel(lost=lambda: calls.append("lost")))
            await settle()
            assert calls == []
            server.open[0].cut()
            await settle()
            assert calls == ["lost"]

    virtually(main)


class Leased:
    """An address that is asked for, kept and lost."""

    renew_s = 100.0

    def __init__(self) -> None:
        self.given = 0
        self.renewed = 0
        self.errors: list[LotusXError] = []

    async def address(self, url: str) -> str:
        self.given += 1
        return f"{url}?key={self.given}"

    async def renew(self) -> None:
        self.renewed += 1
        if self.errors:
            raise self.errors.pop(0)


def test_a_leased_address_is_asked_for_before_each_connection_and_renewed_while_one_is_open() -> None:
    async def main() -> None:
        server = Server()
        urls: list[str] = []
        connect = server.connect

        async def noting(url: str, handler: Any, **options: Any) -> Connection:
            urls.append(url)
            return await connect(url, handler, **options)

        server.connect = noting  # type: ignore[method-assign]
        lease = Leased()
        ws = group(server)
        ws.lease = lease
        async with ws:
            await settle(250)
            assert (lease.given, lease.renewed) == (0, 0)  # no socket, no lease
            ws.subscribe(channel())
            await settle(100)
            assert (lease.given, lease.renewed) == (1, 2)  # once as it opened
            lease.errors = [RequestTimeout("late"), InvalidArgument("the key is gone")]
            await settle(111)  # a failed renewal is repeated soon
            assert (lease.given, lease.renewed) == (2, 5)
            assert urls == [f"{ws.url}?key=1", f"{ws.url}?key=2"]
            assert len(server.open) == 1

    virtually(main)


def test_a_leased_address_that_is_dead_when_its_socket_opens_is_replaced_at_once() -> None:
    async def main() -> None:
        server = Server()
        lease = Leased()
        lease.errors = [InvalidArgument("the key is gone")]
        ws = group(server)
        ws.lease = lease
        async with ws:
            stream = ws.subscribe(channel())
            await settle(5)
            assert (lease.given, lease.renewed) == (2, 2)
            assert stream.state is S.ACKNOWLEDGED

    virtually(main)


def test_two_views_of_one_channel_are_subscribed_on_two_sockets() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            plain = ws.subscribe(channel())
            tens = ws.subscribe(channel(view="tens", convert=lambda message, ns: [number(message, ns)[0] * 10]))
            await settle()
            assert [dict(connection.keys) for connection in server.open] == [{"trades": 1}, {"trades": 1}]
            server.publish("trades", 7)
            assert (await take(plain, 1), await take(tens, 1)) == ([7], [70])

    virtually(main)


def test_a_log_in_that_is_not_answered_is_given_up_and_tried_again() -> None:
    async def main() -> None:
        server = Server()

        def answer(connection: Connection, body: dict[str, Any]) -> list[Any] | None:
            return [] if body["op"] == "login" and len(server.connections) == 1 else None

        server.answer = answer
        async with group(server, codec=Codec(log_in=True)) as ws:
            stream = ws.subscribe(channel())
            await settle(12)
            assert stream.state is S.ACKNOWLEDGED

    virtually(main)


def test_what_cannot_be_decoded_is_counted_and_the_socket_lives_on() -> None:
    async def main() -> None:
        server = Server()
        log = Log()
        async with group(server, telemetry=log.telemetry) as ws:
            stream = ws.subscribe(channel())
            await settle()
            server.open[0].bring(b"\xff\xfe", {"ch": "trades"}, {"ch": "nobody", "n": 1}, {"ch": "trades", "n": 4})
            assert await take(stream, 1) == [4]
            assert (stream.counters.received, stream.counters.rejected, stream.counters.delivered) == (2, 1, 1)
            assert ws.stats()["undecodable"] == 1
            assert [type(event).__name__ for event in log.events].count("ItemDropped") == 2
            assert len(server.open) == 1

    virtually(main)


def test_one_read_may_mix_channels_controls_and_noise() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            trades, books = ws.subscribe(channel()), ws.subscribe(channel("books", ChannelKind.BOOK))
            await settle()
            server.open[0].bring(
                *[{"ch": key, "n": n} for key, n in (("trades", 1), ("trades", 2), ("books", 3), ("trades", 4))],
                {"notice": "error", "text": "?"},
                {"ch": "trades", "n": 5},
                b"noise",
                {"ch": "trades", "n": 6},
                {"ch": "nobody's", "n": 7},
                {"ch": "nobody's", "n": 8},
                {"ch": "books", "n": 9},
            )
            assert await take(trades, 5) == [1, 2, 4, 5, 6]
            assert await take(books, 2) == [3, 9]
            assert ws.stats()["undecodable"] == 1

    virtually(main)


_SAID: list[Any] = [
    *[{"ch": key, "n": n} for n in range(3) for key in ("trades", "books", "other", "tradesman", "nobody's")],
    b'{"ch": "trades", "n": ',
    b"noise",
    {"notice": "error", "text": "?"},
    {"notice": "subscription_ended", "key": "trades"},
]


class _ByPlace(Codec):
    """Counts what it is asked, and finds the channel of a message that is damaged further on."""

    routed = 0

    def route(self, message: bytes) -> str | Control:
        self.routed += 1
        return message.split(b'"')[3].decode() if message.startswith(b'{"ch"') else super().route(message)


@pytest.mark.parametrize("seed", range(20))
def test_messages_known_by_how_they_begin_are_delivered_as_if_they_were_routed(seed: int) -> None:
    rng = Random(seed)
    reads = [rng.choices(_SAID, k=rng.randint(1, 3)) * rng.randint(1, 3) for _ in range(30)]
    reads += [[said] * 3 for said in _SAID]

    def delivered(*, begins: bool) -> tuple[list[Any], int]:
        codec, found = _ByPlace(), list[Any]()

        async def main() -> None:
            server = Server()
            async with group(server, codec=codec) as ws:
                for key in ("trades", "books", "other"):
                    start = f'{{"ch": "{key}"'.encode() if begins and key != "other" else b""
                    stream = ws.subscribe(channel(key, begins=start))
                    stream.handle(found.append, on_reject=found.append)
                    found.append(stream)
                await settle()
                for read in reads:
                    server.open[0].bring(*read)
                    await settle(0.1)
                found[:] = [each.counters if isinstance(each, Stream) else each for each in found]
                found.append(ws.stats())

        virtually(main)
        return found, codec.routed

    plain, routed = delivered(begins=False)
    known, asked = delivered(begins=True)
    assert known == plain
    assert asked < routed


def test_a_channel_ended_in_the_middle_of_a_read_is_subscribed_again_and_what_follows_is_not_its_first() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            stream = ws.subscribe(channel())
            await settle()
            trade, ended = {"ch": "trades", "n": 1}, {"notice": "subscription_ended", "key": "trades"}
            server.open[0].bring(trade, ended)
            await settle()
            assert [body["op"] for body in server.open[0].said].count("subscribe") == 2
            server.open[0].bring(trade, trade)
            assert await take(stream, 3) == [1, 1, 1]
            assert stream.state is S.RECOVERED

    virtually(main)


def test_notices_are_answered_and_obeyed() -> None:
    async def main() -> None:
        server = Server()
        async with group(server, codec=Codec(log_in=True)) as ws:
            stream = ws.subscribe(channel())
            await settle()
            first = server.open[0]
            first.bring({"notice": "ignored", "text": "server_ping"}, {"notice": "pong"}, {"notice": "error"})
            first.keys.clear()
            first.bring({"notice": "subscription_ended", "key": "trades"}, {"notice": "subscription_ended", "key": "x"})
            await settle()
            assert {"op": "pong"} in first.said
            assert server.subscribed() == {"trades": 1}
            stream.renew()
            await settle()
            assert [said["op"] for said in first.said[-2:]] == ["unsubscribe", "subscribe"]
            first.bring({"notice": "login_required"})
            await settle(2)
            assert len(server.connections) == 2
            assert server.subscribed() == {"trades": 1}

    virtually(main)


def test_a_blocked_stream_stops_its_own_socket_and_loses_nothing() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            free = ws.subscribe(channel())
            held = ws.subscribe(channel(), buffer=10, overflow=Overflow.BLOCK)
            await settle()
            assert server.subscribed() == {"trades": 2}
            for n in range(100):
                server.publish("trades", n)
                await anyio.sleep(0.01)
            await settle(30)
            assert held.counters.waiting <= 12
            assert await take(free, 100) == list(range(100))
            assert len(server.connections) == 2
            assert await take(held, 100) == list(range(100))
            assert held.counters.dropped == 0

    virtually(main)


def test_a_stream_still_blocked_after_a_reconnect_stays_blocked_and_closing_frees_the_socket() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            held = ws.subscribe(channel(), buffer=1, overflow=Overflow.BLOCK)
            other = ws.subscribe(channel(), buffer=1000, overflow=Overflow.BLOCK)
            await settle()
            server.publish("trades", 1, 2, 3)
            await settle()
            server.open[0].cut()
            await settle(2)
            assert server.open[0].paused
            await held.aclose()
            await settle(1)
            server.publish("trades", 4)
            assert await take(other, 4) == [1, 2, 3, 4]

    virtually(main)


def test_a_socket_that_opens_as_everything_is_closed_ends_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    class Late(Server):
        async def connect(self, url: str, handler: Any, **options: Any) -> Connection:
            connection = await super().connect(url, handler, **options)
            with anyio.CancelScope(shield=True):
                groups[0].close()
                await anyio.sleep(0.05)
            return connection

    groups = []

    async def main() -> None:
        async with group(Late()) as ws:
            groups.append(ws)
            ws.subscribe(channel())
            await anyio.sleep(1.0)

    virtually(main)
    assert caplog.records == []


def _read_by(stream: Stream[int], got: list[list[int]]) -> None:
    stream.handle_runs(lambda events: got.append(list(events)))


def test_of_whole_messages_that_came_at_once_who_keeps_the_newest_is_given_only_that() -> None:
    async def main() -> None:
        server = Server()
        converted: list[int] = []

        def convert(message: bytes, received_ns: int) -> list[int]:
            converted.extend(number(message, received_ns))
            return number(message, received_ns)

        async with group(server) as ws:
            got: list[list[int]] = []
            stream = ws.subscribe(replace(channel(), convert=convert, whole=True))
            _read_by(stream, got)
            await settle()
            server.publish("trades", 1, 2, 3)
            await settle()
            assert (got, converted) == ([[3]], [3])
            assert (stream.counters.received, stream.counters.conflated) == (3, 2)

            stream.keeps_newest = False
            server.publish("trades", 4, 5)
            await settle()
            assert got == [[3], [4], [5]]

    virtually(main)


def test_a_newest_message_that_cannot_be_read_leaves_the_one_before() -> None:
    async def main() -> None:
        server = Server()

        def convert(message: bytes, received_ns: int) -> list[int]:
            if number(message, received_ns) == [3]:
                raise ValueError("three")
            return number(message, received_ns)

        async with group(server) as ws:
            got: list[list[int]] = []
            stream = ws.subscribe(replace(channel(), convert=convert, whole=True))
            _read_by(stream, got)
            await settle()
            server.publish("trades", 1, 2, 3)
            server.publish("trades", 3, 3)
            await settle()
            assert got == [[2]]
            counted = stream.counters
            assert (counted.received, counted.delivered, counted.conflated, counted.rejected) == (5, 1, 1, 3)

    virtually(main)


def test_a_reader_of_each_message_gets_each_beside_one_that_keeps_the_newest() -> None:
    async def main() -> None:
        server = Server()
        whole = replace(channel(), whole=True)
        async with group(server) as ws:
            got: list[list[int]] = []
            _read_by(ws.subscribe(whole), got)
            reader = ws.subscribe(whole)
            await settle()
            server.publish("trades", 1, 2, 3)
            assert await take(reader, 3) == [1, 2, 3]
            assert got == [[1, 2, 3]]

    virtually(main)
