"""Observers that hear streams: every public message and event once, nothing of an account, nothing for anybody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lotusx.errors import StreamClosed
from lotusx.kernel.codec import ChannelKind
from lotusx.kernel.telemetry import (
    MAX_FAILURES,
    Event,
    EventsDelivered,
    FrameSent,
    FramesReceived,
    Telemetry,
)
from lotusx.transport.session import Session

from .fakes import Codec, Server, channel, group, until, virtually


class Ear:
    """An observer that hears streams."""

    hears_streams = True

    def __init__(self) -> None:
        self.telemetry = Telemetry("acme")
        self.telemetry.observe(self)
        self.heard: list[Any] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, FramesReceived | FrameSent | EventsDelivered):
            self.heard.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.heard if type(event) is kind]


def test_messages_and_events_are_heard_as_they_come() -> None:
    async def main() -> None:
        server, ear = Server(), Ear()
        async with group(server, telemetry=ear.telemetry) as ws, ws.subscribe(channel()) as stream:
            await until(lambda: server.subscribed()["trades"] > 0)
            server.publish("trades", 1, 2)
            assert [await anext(stream), await anext(stream)] == [1, 2]
            now_ns = server.clock.now_ns()

        messages = tuple(json.dumps({"ch": "trades", "n": number}).encode() for number in (1, 2))
        assert ear.of(FramesReceived) == [
            FramesReceived("acme", "main", 1, "trades", ChannelKind.TRADES, now_ns, messages)
        ]
        assert ear.of(EventsDelivered) == [EventsDelivered("acme", "main", "trades", ChannelKind.TRADES, [1, 2])]
        assert next(json.loads(event.text)["op"] for event in ear.of(FrameSent)) == "subscribe"

    virtually(main)


def test_two_readers_and_two_sockets_make_no_event_heard_twice() -> None:
    async def main() -> None:
        server, ear = Server(), Ear()
        trades = channel(identity=lambda number: number)
        async with group(server, telemetry=ear.telemetry) as ws, ws.subscribe(trades), ws.subscribe(trades):
            await until(lambda: server.subscribed()["trades"] > 0)
            server.publish("trades", 1)
            await until(lambda: len(ear.of(EventsDelivered)) == 1)
            server.connections[0].bring({"notice": "shutdown"})
            await until(lambda: server.subscribed()["trades"] == 2)
            for number in range(2, 40):
                server.publish("trades", number)
                await until(lambda: any(number in event.events for event in ear.of(EventsDelivered)))  # noqa: B023

        heard = [number for event in ear.of(EventsDelivered) for number in event.events]
        assert heard == list(range(1, 40))
        assert {event.session for event in ear.of(FramesReceived)} == {1, 2}

    virtually(main)


def test_a_channel_that_leaves_out_the_known_is_heard_without_it() -> None:
    async def main() -> None:
        server, ear = Server(), Ear()
        fresh = channel(fresh=lambda events: [event for event in events if event > 1])
        async with group(server, telemetry=ear.telemetry) as ws, ws.subscribe(fresh) as stream:
            await until(lambda: server.subscribed()["trades"] > 0)
            server.publish("trades", 1)
            server.publish("trades", 2)
            assert await anext(stream) == 2

        assert [event.events for event in ear.of(EventsDelivered)] == [[2]]

    virtually(main)


def test_nothing_of_an_account_is_heard() -> None:
    async def main() -> None:
        server, ear = Server(), Ear()
        codec = Codec(log_in=True, heartbeat=True)
        account = channel("account", ChannelKind.ACCOUNT, private=True)
        async with group(server, codec=codec, telemetry=ear.telemetry) as ws:
            await ws.request(lambda request_id, context: json.dumps({"op": "echo", "id": request_id}))
            async with ws.subscribe(account) as stream:
                await until(lambda: server.subscribed()["account"] > 0)
                server.publish("account", 1)
                assert await anext(stream) == 1
            await until(lambda: any(said["op"] == "unsubscribe" for said in server.connections[0].said))

        assert {said["op"] for said in server.connections[0].said} >= {"login", "subscribe", "unsubscribe", "echo"}
        assert ear.heard == []

    virtually(main)


def test_where_nobody_hears_nothing_is_put_in_between() -> None:
    async def main() -> None:
        server, telemetry = Server(), Telemetry("acme")
        seen: list[Event] = []
        telemetry.observe(seen.append)
        async with group(server, telemetry=telemetry) as ws, ws.subscribe(channel()) as stream:
            await until(lambda: server.subscribed()["trades"] > 0)
            server.publish("trades", 1)
            await anext(stream)

            assert {type(session) for session in ws._sessions.values()} == {Session}
        assert not [event for event in seen if isinstance(event, FramesReceived | FrameSent | EventsDelivered)]

    virtually(main)


def test_one_that_raises_is_switched_off_and_the_stream_goes_on() -> None:
    async def main() -> None:
        server, telemetry = Server(), Telemetry("acme")

        class Broken:
            hears_streams = True

            def __call__(self, event: Event) -> None:
                raise ValueError("no")

        telemetry.observe(Broken())
        async with group(server, telemetry=telemetry) as ws, ws.subscribe(channel()) as stream:
            await until(lambda: server.subscribed()["trades"] > 0)
            for number in range(20):
                server.publish("trades", number)
                assert await anext(stream) == number

        assert telemetry.failures == MAX_FAILURES
        assert not telemetry.hears_streams

    virtually(main)


def test_a_socket_that_is_closed_for_good_ends_its_streams_with_the_reason() -> None:
    async def main() -> None:
        server = Server()
        over = StreamClosed("the recording is over")
        server.refuse_connect = lambda attempt: over if attempt > 1 else None
        async with group(server) as ws, ws.subscribe(channel()) as stream:
            await until(lambda: server.subscribed()["trades"] > 0)
            server.publish("trades", 1)
            assert await anext(stream) == 1
            server.connections[0].cut()
            with pytest.raises(StreamClosed, match="the recording is over"):
                await anext(stream)
            assert len(server.attempts) == 2

    virtually(main)
