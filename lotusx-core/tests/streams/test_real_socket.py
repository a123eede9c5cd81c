"""The same over a real socket, with the machine's own clock."""

from __future__ import annotations

import json
from random import Random

import anyio
import anyio.abc
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage

from lotusx.kernel.codec import WsFacts
from lotusx.kernel.flow import StreamState
from lotusx.kernel.request import SigningContext
from lotusx.transport.clock import SystemClock
from lotusx.transport.supervisor import WsGroup
from lotusx.transport.wsproto_ws import WsprotoTransport

from .fakes import Codec, channel

COUNT = 1_000


async def exchange(stream: anyio.abc.ByteStream) -> None:
    """Acknowledge everything; answer a subscription with a burst, and go away without a word after it."""
    ws = WSConnection(ConnectionType.SERVER)
    async with stream:
        while True:
            ws.receive_data(await stream.receive())
            for event in ws.events():
                if isinstance(event, Request):
                    await stream.send(ws.send(AcceptConnection()))
                elif isinstance(event, Ping):
                    await stream.send(ws.send(event.response()))
                elif isinstance(event, CloseConnection):
                    await stream.send(ws.send(event.response()))
                    return
                elif isinstance(event, TextMessage):
                    body = json.loads(event.data)
                    out = ws.send(TextMessage(json.dumps({"id": body["id"]})))
                    for n in range(COUNT):
                        out += ws.send(TextMessage(json.dumps({"ch": "trades", "n": n})))
                    await stream.send(out)
                    await anyio.sleep(0.2)
                    return


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_burst_arrives_whole_again_after_each_reconnect(backend: str) -> None:
    async def main() -> None:
        transport = WsprotoTransport()
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, exchange)
            async with WsGroup(
                exchange="acme",
                group="main",
                url=f"ws://127.0.0.1:{port}/",
                transport=transport,
                codec=Codec(),
                facts=WsFacts(),
                clock=SystemClock(),
                context=lambda: SigningContext(0, 1),
                rng=Random(1),
            ) as ws:
                stream = ws.subscribe(channel())
                with anyio.fail_after(20):
                    got = [await anext(stream) for _ in range(2 * COUNT)]
                assert got == [*range(COUNT), *range(COUNT)]
                assert stream.state is StreamState.RECOVERED
                started = anyio.current_time()
            assert anyio.current_time() - started < 2
            tasks.cancel_scope.cancel()
        await transport.aclose()

    anyio.run(main, backend=backend)
