"""What an account stream is told when the exchange refuses its key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from lotusx.account_feed import AccountFeed
from lotusx.errors import AuthenticationError, LotusXError
from lotusx.kernel.codec import Ack, Channel, ChannelKind, Control
from lotusx.kernel.flow import StreamState
from lotusx.kernel.telemetry import SessionChanged
from lotusx.orders.owed import Owed
from lotusx.transport.supervisor import WsGroup

from .fakes import Codec, Log, Server, channel, group, virtually

REFUSED: dict[str, Any] = {"code": "-2015", "text": "Invalid API-key, IP, or permissions for action."}


class PrivateCodec(Codec):
    """Says what a refusal stands for, as its code tells."""

    def route(self, message: bytes) -> str | Control:
        routed = super().route(message)
        if isinstance(routed, Ack) and routed.error is not None:
            return Ack(routed.request_id, AuthenticationError("acme", REFUSED["code"], str(routed.error)))
        return routed


def refusing(op: str) -> Server:
    server = Server()

    def answer(connection: Any, body: dict[str, Any]) -> list[Any] | None:
        return [{"id": body["id"], "error": REFUSED["text"]}] if body["op"] == op else None

    server.answer = answer
    return server


def account_of(ws: WsGroup, server: Server) -> AccountFeed:
    private = channel("account", ChannelKind.ACCOUNT, private=True)
    desk: Any = SimpleNamespace(listen=lambda _: lambda: None, owed=Owed(server.clock))
    port: Any = SimpleNamespace(channels=lambda: [private], prepare=anyio.lowlevel.checkpoint)
    instruments: Any = SimpleNamespace(ensure=anyio.lowlevel.checkpoint, refresh=anyio.lowlevel.checkpoint)
    return AccountFeed(desk, port, port, server.clock, instruments, {"main": ws}, anyio.lowlevel.checkpoint)


@pytest.mark.parametrize(("op", "attempts", "within_s"), [("subscribe", 1, 0.1), ("login", 3, 1.0)])
def test_a_wrong_key_ends_the_account_stream_at_once_with_the_exchanges_code(
    op: str, attempts: int, within_s: float
) -> None:
    async def main() -> None:
        server = refusing(op)
        async with group(server, codec=PrivateCodec(log_in=True)) as ws:
            started = anyio.current_time()
            with pytest.raises(AuthenticationError, match="Invalid API-key") as caught:
                async with account_of(ws, server).open(10):
                    pass
            assert caught.value.code == REFUSED["code"]
            assert anyio.current_time() - started < within_s
            await anyio.sleep(600)  # nobody wants it any more: nothing is tried again
            assert len(server.attempts) == attempts
            assert ws.stats()["sockets"] == 0

    virtually(main)


def test_a_key_that_is_revoked_later_ends_the_stream_after_a_few_tries() -> None:
    async def main() -> None:
        server = Server()
        async with group(server, codec=PrivateCodec()) as ws:
            stream = ws.subscribe(channel("account", ChannelKind.ACCOUNT, private=True))
            await anyio.sleep(1)
            server.answer = refusing("subscribe").answer
            server.open[0].cut()
            with anyio.fail_after(60), pytest.raises(LotusXError) as caught:
                async for _ in stream:
                    pass
            assert isinstance(caught.value, AuthenticationError)
            assert caught.value.code == REFUSED["code"]

    virtually(main)


def test_a_message_that_may_have_been_the_accounts_is_told_to_who_follows_it() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            public = ws.subscribe(channel())
            private = ws.subscribe(channel("account", ChannelKind.ACCOUNT, private=True))
            await anyio.sleep(1)
            rejected: list[int] = []
            private.handle(lambda _: None, on_reject=rejected.append)
            server.open[0].bring(b'{"data": {"fill": ')
            await anyio.sleep(1)
            assert rejected == [1]  # nobody can tell whose it was
            assert (public.counters.rejected, ws.stats()["undecodable"]) == (0, 1)

    virtually(main)


def test_a_channel_that_is_distrusted_gets_another_socket_and_is_recovered() -> None:
    async def main() -> None:
        server, log = Server(), Log()
        restored: list[str] = []

        async def on_restored(lost: Channel[Any], lost_ns: int, restored_ns: int) -> None:
            restored.append(lost.key)

        async with group(server, telemetry=log.telemetry, on_restored=on_restored) as ws:
            private = ws.subscribe(channel("account", ChannelKind.ACCOUNT, private=True))
            await anyio.sleep(1)
            private.distrust("nothing came")
            await anyio.sleep(10)
        lost = [event.reason for event in log.events if isinstance(event, SessionChanged) and event.state == "lost"]
        assert log.states("account") == ["acknowledged", "silent", "lost", "acknowledged", "recovered"]
        assert restored == ["account"]
        assert lost == ["nothing came"]
        assert len(server.attempts) == 2

    virtually(main)


def test_a_channel_that_nobody_reads_any_more_cannot_be_distrusted() -> None:
    async def main() -> None:
        server = Server()
        async with group(server) as ws:
            private = ws.subscribe(channel("account", ChannelKind.ACCOUNT, private=True))
            public = ws.subscribe(channel())
            await anyio.sleep(1)
            await private.aclose()
            private.distrust("nothing came")
            await anyio.sleep(10)
            assert public.state is StreamState.ACKNOWLEDGED
        assert len(server.attempts) == 1

    virtually(main)
