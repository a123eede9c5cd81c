"""What a user sends who means no good: it is refused, remembered nowhere, and nobody else notices."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest
from gateway_kit import BTC, DEADLINE_S, SUBJECTS, NatsServer, desk, password, until

from lotusx.errors import InvalidArgument, RateLimited
from lotusx.plugin import Secret
from lotusx_gateway.gateway import MAX_OPEN
from lotusx_gateway.link import Link
from lotusx_gateway.login import Login
from lotusx_gateway.messages import Followed, decode
from lotusx_gateway.sources import MAX_CLIENTS

pytestmark = pytest.mark.anyio


def link(nats: NatsServer, user: str) -> Link:
    return Link(SUBJECTS, Login(nats.url, user, Secret(password(user))), "main")


async def test_what_cannot_be_read_is_refused_and_the_gateway_goes_on(nats: NatsServer) -> None:
    async with desk(nats) as here:
        reader = link(nats, "reader")
        asked: list[tuple[str, Any, type[Exception]]] = [
            ("follow", {"client": "c", "keys": 5}, InvalidArgument),
            ("follow", {"client": "c", "keys": [{}]}, InvalidArgument),
            ("follow", {"client": "c", "keys": ["trades BTC/USDT"] * 1_001}, InvalidArgument),
            ("follow", {"client": "c" * 65, "keys": ["trades BTC/USDT"]}, InvalidArgument),
            ("follow", {"keys": ["trades BTC/USDT"]}, InvalidArgument),
            ("recent_trades", {"symbol": BTC, "limit": "many"}, InvalidArgument),
        ]
        for call, arguments, kind in asked:
            with pytest.raises(kind):
                await reader.ask(call, arguments)
        long = decode(
            await reader.ask("follow", {"client": "c", "keys": ["trades " + "A" * 300 + "/B"]}), dict[str, Followed]
        )
        assert [each.failure and each.failure.type for each in long.values()] == ["InvalidArgument"]
        broker = await reader.broker()
        for data in (b"", b"{", b"[" * 100_000, b'{"call":1}', b"\xff" * 1_000, bytes(1_000_000)):
            await broker.publish(SUBJECTS.asks("reader"), data, reply="_INBOX.reader.x")
        await reader.ask("hello")
        assert here.gateway.stats()["feeds"] == {}
        await until(lambda: here.gateway._open == {})
        await reader.aclose()


async def test_no_user_can_fill_a_feed_with_connections(nats: NatsServer) -> None:
    async with desk(nats) as here:
        sources, key = here.gateway._sources, "trades BTC/USDT"
        for number in range(MAX_CLIENTS):
            assert (await sources.follow(("reader", str(number)), key)).up
        refused = await sources.follow(("reader", "one more"), key)
        assert refused.failure is not None
        assert refused.failure.type == "RateLimited"
        assert (await sources.follow(("reader", "0"), key)).up
        assert (await sources.follow(("trader", "0"), key)).up


async def test_a_bot_that_asks_too_much_keeps_its_streams(nats: NatsServer, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        desk(nats) as here,
        here.consumer("reader", options={"renew_s": 0.05}) as exchange,
        exchange.stream_trades(BTC) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        here.gateway._open["reader"] += MAX_OPEN  # besides the renewal that may be under way
        with pytest.raises(RateLimited):
            await exchange.ticker(BTC)
        await until(lambda: "feeds could not be renewed" in caplog.text)
        here.gateway._open["reader"] -= MAX_OPEN
        assert trades.state == "acknowledged"
        here.sim.trade("BTCUSDT", "BUY", "0.2")
        with anyio.fail_after(DEADLINE_S):
            await anext(trades)


async def test_what_is_asked_for_meanwhile_is_followed_as_soon_as_it_may_be(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        desk(nats) as here,
        here.consumer("reader", options={"renew_s": 0.05}) as exchange,
        exchange.stream_trades(BTC) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        states: list[str] = []
        trades.handle(lambda _: None, lambda change: states.append(change.state))
        here.gateway._open["reader"] += MAX_OPEN
        async with anyio.create_task_group() as tasks:

            async def follow_another() -> None:
                async with exchange.stream_trades("ETH/USDT") as others:
                    await until(lambda: others.state == "acknowledged")

            tasks.start_soon(follow_another)
            await until(lambda: "trades ETH/USDT of binance is not followed yet" in caplog.text)
            here.gateway._open["reader"] -= MAX_OPEN
        assert states == []


async def test_a_feed_that_comes_back_while_a_bot_asks_too_much_is_followed_anew(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        desk(nats) as here,
        here.consumer("reader", options={"renew_s": 0.05}) as exchange,
        exchange.stream_trades(BTC) as trades,
    ):
        await until(lambda: trades.state == "acknowledged")
        here.sim.refuse_connections()
        here.sim.cut_connections()
        await until(lambda: trades.state == "lost")
        here.gateway._open["reader"] += MAX_OPEN
        here.sim.refuse_connections(False)
        await until(lambda: "trades BTC/USDT of binance is not followed yet" in caplog.text)
        here.gateway._open["reader"] -= MAX_OPEN
        await until(lambda: trades.state == "acknowledged")
    assert "gateway:binance: socket" not in caplog.text


async def test_the_end_of_a_feed_that_nobody_follows_does_not_disturb_the_next_of_that_name(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange:
        async with exchange.stream_trades(BTC) as trades:
            await until(lambda: trades.state == "acknowledged")
        here.gateway._sources.sweep(time.monotonic_ns() + 60_000_000_000)
        async with exchange.stream_trades(BTC) as trades:
            states: list[str] = []
            trades.handle(lambda _: None, lambda change: states.append(change.state))
            await until(lambda: trades.state == "acknowledged")
            here.sim.trade("BTCUSDT", "BUY", "0.2")
            await until(lambda: trades.state == "live")
        assert "lost" not in states
