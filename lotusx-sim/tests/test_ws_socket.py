"""A WebSocket of the simulator whose client does what it likes."""

from collections import deque

import anyio
import anyio.abc
import anyio.lowlevel
import pytest

from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.shells.ws_socket import WsSocket
from lotusx_sim.wire import HttpRequest

UPGRADE = (
    ("host", "localhost"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
)
CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"


class SlowStream(anyio.abc.ByteStream):
    """Brings *arriving*, then nothing; what is sent after the handshake waits until it may go."""

    def __init__(self, arriving: list[bytes]) -> None:
        self._arriving = deque(arriving)
        self.sent: list[bytes] = []
        self.stuck = anyio.Event()
        self.go_on = anyio.Event()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await anyio.lowlevel.checkpoint()
        if not self._arriving:
            raise anyio.EndOfStream
        return self._arriving.popleft()

    async def send(self, item: bytes) -> None:
        if self.sent:
            self.stuck.set()
            await self.go_on.wait()
        self.sent.append(item)

    async def send_eof(self) -> None: ...
    async def aclose(self) -> None: ...


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_is_to_be_said_to_a_client_that_has_closed_is_left_unsaid(backend: str) -> None:
    async def main() -> None:
        stream = SlowStream([CLOSE])
        request = HttpRequest("GET", "/ws", UPGRADE)
        served = WsSocket(Simulator(BinanceSpot(symbols=["BTCUSDT"])), stream, request, b"", "127.0.0.1")
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(served.run)
                await stream.stuck.wait()  # the answer to its close is on its way
                served._send_later('{"late": 1}')
                await anyio.wait_all_tasks_blocked()
                stream.go_on.set()
        assert len(stream.sent) == 2
        assert stream.sent[1][0] == 0x88

    anyio.run(main, backend=backend)
