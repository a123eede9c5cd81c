"""One TCP connection: HTTP requests in turn, until it ends or becomes a WebSocket."""

import anyio
import h11
from anyio.abc import ByteStream, SocketAttribute

from lotusx_sim.control import CONTROL_PREFIX, respond_to_control
from lotusx_sim.shells.tcp import BROKEN, READ_BYTES, reset
from lotusx_sim.shells.ws_socket import WsSocket
from lotusx_sim.simulator import Simulator
from lotusx_sim.wire import HttpOutcome, HttpRequest, HttpResponse


class HttpSocket:
    """Serves one client connection."""

    def __init__(self, sim: Simulator, stream: ByteStream, *, control: bool) -> None:
        self._sim = sim
        self._stream = stream
        self._control = control
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=256 * 1024)
        self._client_ip = str(stream.extra(SocketAttribute.remote_address, ("127.0.0.1", 0))[0])

    async def run(self) -> None:
        try:
            if self._sim.faults.refuses_connections:
                reset(self._stream)
                return
            while await self._serve_one():
                self._http.start_next_cycle()
        except BROKEN:
            return
        except h11.RemoteProtocolError:
            return
        finally:
            await anyio.aclose_forcefully(self._stream)

    async def _serve_one(self) -> bool:
        """Answer one request; return whether another may follow."""
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return False
        headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers)
        method, target = event.method.decode("ascii"), event.target.decode("ascii")
        body = bytearray()
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        request = HttpRequest(method, target, headers, bytes(body))
        if (request.header("upgrade") or "").lower() == "websocket":
            leftover = self._http.trailing_data[0]
            await WsSocket(self._sim, self._stream, request, leftover, self._client_ip).run()
            return False
        if self._control and request.path.startswith(CONTROL_PREFIX):
            outcome = HttpOutcome(respond_to_control(self._sim, request))
        else:
            outcome = self._sim.handle(request, client_ip=self._client_ip)
        return await self._deliver(outcome, method)

    async def _deliver(self, outcome: HttpOutcome, method: str) -> bool:
        if outcome.delay_s:
            await anyio.sleep(outcome.delay_s)
        response = outcome.response
        if response is None:
            if outcome.lost_by == "hang":
                await self._hang()
            elif outcome.lost_by == "reset":
                reset(self._stream)
            return False
        if outcome.keep_bytes is not None and method != "HEAD":
            await self._stream.send(self._head(response) + response.body[: outcome.keep_bytes])
            return False
        await self._respond(response, method)
        if self._http.our_state is h11.MUST_CLOSE or self._http.their_state is h11.MUST_CLOSE:
            return False
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _respond(self, response: HttpResponse, method: str) -> None:
        out = self._head(response)
        if method != "HEAD":
            out += self._http.send(h11.Data(data=response.body)) or b""
        out += self._http.send(h11.EndOfMessage()) or b""
        await self._stream.send(out)

    def _head(self, response: HttpResponse) -> bytes:
        headers = [*response.headers, ("content-length", str(len(response.body)))]
        return self._http.send(h11.Response(status_code=response.status, headers=headers)) or b""

    async def _hang(self) -> None:
        """Say nothing until the client gives up."""
        while True:
            await self._stream.receive(READ_BYTES)

    async def _next_event(self) -> object:
        while True:
            event = self._http.next_event()
            if event is h11.PAUSED:
                return event
            if event is not h11.NEED_DATA:
                return event
            try:
                data = await self._stream.receive(READ_BYTES)
            except anyio.EndOfStream:
                data = b""
            self._http.receive_data(data)
