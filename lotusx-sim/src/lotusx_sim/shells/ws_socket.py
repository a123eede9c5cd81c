"""One WebSocket on a TCP connection."""

import anyio
from anyio.abc import ByteStream
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from lotusx_sim.connection import ShellSide, SimulatedConnection
from lotusx_sim.shells.tcp import BROKEN, READ_BYTES, reset
from lotusx_sim.simulator import Simulator
from lotusx_sim.wire import HttpRequest, HttpResponse

_PING_EVERY_S = 20.0
_PONG_WITHIN_S = 60.0
_MAX_QUEUED = 50_000


class WsSocket:
    """Serves one client that asked for an upgrade."""

    def __init__(
        self, sim: Simulator, stream: ByteStream, request: HttpRequest, leftover: bytes, client_ip: str
    ) -> None:
        self._sim = sim
        self._stream = stream
        self._request = request
        self._leftover = leftover
        self._client_ip = client_ip
        self._ws = WSConnection(ConnectionType.SERVER)
        self._queue: list[str] = []
        self._goodbye: tuple[int, str] | None = None
        self._dropped = ""
        self._wake = anyio.Event()
        self._writing = anyio.Lock()
        self._connection: SimulatedConnection | None = None
        self._parts: list[str] = []
        self._last_pong_s = anyio.current_time()

    async def run(self) -> None:
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in self._request.headers]
        try:
            self._ws.initiate_upgrade_connection(headers, self._request.target)
        except RemoteProtocolError:
            await self._put(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            return
        offered = next((event for event in self._ws.events() if isinstance(event, Request)), None)
        if offered is None:
            return
        shell = ShellSide(self._send_later, self._close_later, self._drop_later)
        accepted = self._sim.open_ws(self._request.target, self._request.headers, shell, client_ip=self._client_ip)
        if accepted is None:
            await self._ignore()
        elif isinstance(accepted, HttpResponse):
            await self._reject(accepted)
        else:
            self._connection = accepted
            await self._converse(accepted)

    async def _put(self, out: bytes) -> None:
        # Messages, pings and answers come from several tasks, and a stream takes one writer at a time.
        async with self._writing:
            await self._stream.send(out)

    async def _reject(self, response: HttpResponse) -> None:
        headers = [(name.encode(), value.encode()) for name, value in response.headers]
        headers.append((b"content-length", str(len(response.body)).encode()))
        out = self._ws.send(RejectConnection(response.status, headers, has_body=True))
        out += self._ws.send(RejectData(data=response.body, body_finished=True))
        await self._put(out)

    async def _ignore(self) -> None:
        while True:
            await self._stream.receive(READ_BYTES)

    async def _converse(self, connection: SimulatedConnection) -> None:
        try:
            extensions: list[Extension] = [PerMessageDeflate()] if self._sim.venue.compresses else []
            await self._put(self._ws.send(AcceptConnection(extensions=extensions)))
            if self._leftover:
                self._ws.receive_data(self._leftover)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write)
                if self._sim.venue.pings_clients:
                    tasks.start_soon(self._beat)
                await self._read(connection)
                tasks.cancel_scope.cancel()
        except* BROKEN:
            pass
        finally:
            connection.gone(self._sim.now_ns())

    async def _read(self, connection: SimulatedConnection) -> None:
        while True:
            for event in self._ws.events():
                if isinstance(event, TextMessage):
                    self._parts.append(event.data)
                    if event.message_finished:
                        text = "".join(self._parts)
                        self._parts.clear()
                        connection.receive(text, self._sim.now_ns())
                elif isinstance(event, (Ping, Pong)):
                    await self._answer_beat(event, connection)
                elif isinstance(event, CloseConnection):
                    if self._goodbye is None:
                        await self._put(self._ws.send(event.response()))
                    return
                elif isinstance(event, BytesMessage):
                    self._close_later(1003, "text only")
            try:
                data = await self._stream.receive(READ_BYTES)
            except BROKEN:
                return
            if self._sim.faults.black_hole:
                continue
            try:
                self._ws.receive_data(data)
            except RemoteProtocolError as error:
                if error.event_hint is not None:
                    await self._put(self._ws.send(error.event_hint))
                return

    async def _answer_beat(self, event: Ping | Pong, connection: SimulatedConnection) -> None:
        connection.pinged(self._sim.now_ns())
        if isinstance(event, Pong):
            self._last_pong_s = anyio.current_time()
        elif self._goodbye is None:
            await self._put(self._ws.send(event.response()))

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            queued, self._queue = self._queue, []
            closing = self._ws.state is not ConnectionState.OPEN  # by the client: nothing more may be said to it
            out = b"" if closing else b"".join(self._ws.send(Message(data=text)) for text in queued)
            if out and not self._dropped:
                await self._put(out)
            if self._dropped:
                await self._drop()
                return
            if self._goodbye is not None:
                await self._say_goodbye(*self._goodbye)
                return

    async def _drop(self) -> None:
        if self._dropped == "rst":
            reset(self._stream)
        await anyio.aclose_forcefully(self._stream)

    async def _say_goodbye(self, code: int, reason: str) -> None:
        try:
            await self._put(self._ws.send(CloseConnection(code=code, reason=reason)))
        except LocalProtocolError:
            return
        # The client answers with its own close frame; one that does not is cut off.
        await anyio.sleep(2)
        await anyio.aclose_forcefully(self._stream)

    async def _beat(self) -> None:
        while True:
            await anyio.sleep(_PING_EVERY_S)
            if self._sim.faults.black_hole or self._goodbye is not None or self._ws.state is not ConnectionState.OPEN:
                continue
            if anyio.current_time() - self._last_pong_s > _PONG_WITHIN_S:
                self._close_later(1008, "Pong timeout")
                return
            payload = str(self._sim.now_ns() // 1_000_000).encode()
            await self._put(self._ws.send(Ping(payload=payload)))

    # -- called by the simulation, never waiting -----------------------------------------------------------------

    def _send_later(self, text: str) -> None:
        self._queue.append(text)
        if len(self._queue) > _MAX_QUEUED:
            self._drop_later("rst")
        self._wake.set()

    def _close_later(self, code: int, reason: str) -> None:
        self._goodbye = self._goodbye or (code, reason)
        self._wake.set()

    def _drop_later(self, how: str) -> None:
        self._dropped = how
        self._wake.set()
