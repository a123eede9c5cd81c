"""In process: a simulation behind the core's transport seams, on the event loop's own, possibly virtual, time.

No socket is opened and no byte is framed; only anyio's clock is used, so trio's MockClock can let hours pass at once.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from anyio.lowlevel import checkpoint

from lotusx.errors import ConnectionFailed, RequestTimeout
from lotusx.kernel.transport import HttpRequest, HttpResponse, WsClosed, WsHandler
from lotusx_sim import wire
from lotusx_sim.connection import ShellSide, SimulatedConnection
from lotusx_sim.shells.clock import LoopClock
from lotusx_sim.shells.sockets import run_clock
from lotusx_sim.simulator import Simulator
from lotusx_sim.venue import Venue

_SERVER_PING_S = 20.0
_HOST = "simulator.invalid"


@dataclass(frozen=True, slots=True)
class MemoryServer:
    """A simulation in this process; ``http`` and ``ws`` go where the core takes transports, ``clock`` likewise."""

    sim: Simulator
    http: "MemoryHttp"
    ws: "MemoryWs"
    clock: LoopClock

    @property
    def base_url(self) -> str:
        return f"http://{_HOST}"

    @property
    def ws_url(self) -> str:
        return f"ws://{_HOST}"


@asynccontextmanager
async def connect(
    venue: Venue | Simulator, *, clock: LoopClock | None = None, latency_s: float = 0.0, client_ip: str = "127.0.0.1"
) -> AsyncIterator[MemoryServer]:
    """Run *venue* in this process until the block ends.

    Args:
        clock: Where its time comes from; a `Simulator` that was made before gets this clock too.
        latency_s: One way, in seconds; 0 answers within the same instant.
    """
    time = clock or LoopClock()
    sim = venue if isinstance(venue, Simulator) else Simulator(venue)
    sim.clock = time
    sim.now_ns()
    network = _Network(sim, time, latency_s, client_ip)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_clock, sim)
        try:
            yield MemoryServer(sim, MemoryHttp(network), MemoryWs(network), time)
        except Exception as error:
            # The caller's own error is not to come out wrapped in a group.
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


@dataclass(frozen=True, slots=True)
class _Network:
    sim: Simulator
    clock: LoopClock
    latency_s: float
    client_ip: str

    async def travel(self) -> None:
        if self.latency_s:
            await anyio.sleep(self.latency_s)
        else:
            await checkpoint()


class MemoryHttp:
    """The core's ``HttpTransport``."""

    def __init__(self, network: _Network) -> None:
        self._network = network

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """See `lotusx.kernel.transport.HttpTransport`."""
        if self._network.sim.faults.refuses_connections:
            await checkpoint()
            raise ConnectionFailed("connection refused", sent=False)
        with anyio.move_on_after(timeout_s):
            return await self._exchange(request)
        raise RequestTimeout(f"no reply to {request.method} {_path(request.url)} within {timeout_s} s")

    async def _exchange(self, request: HttpRequest) -> HttpResponse:
        await self._network.travel()
        headers = tuple((name.lower(), value) for name, value in request.headers)
        received = wire.HttpRequest(request.method, _target(request.url), headers, request.body)
        outcome = self._network.sim.handle(received, client_ip=self._network.client_ip)
        if outcome.delay_s:
            await anyio.sleep(outcome.delay_s)
        response = outcome.response
        if response is None:
            if outcome.lost_by == "hang":
                await anyio.sleep_forever()
            raise ConnectionFailed(f"the connection ended before {request.method} {_path(request.url)} was answered")
        await self._network.travel()
        if outcome.keep_bytes is not None:
            part = f"{min(outcome.keep_bytes, len(response.body))} of {len(response.body)} bytes"
            raise ConnectionFailed(f"the connection ended after {part} of the reply to {_path(request.url)}")
        return HttpResponse(response.status, dict(response.headers), response.body)

    async def aclose(self) -> None:
        """Nothing is held."""


class MemoryWs:
    """The core's ``WsTransport``."""

    def __init__(self, network: _Network) -> None:
        self._network = network

    async def connect(
        self,
        url: str,
        handler: WsHandler,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_s: float = 10.0,
        max_message_bytes: int = 16 * 1024 * 1024,
        compression: bool = False,
    ) -> "MemoryConnection":
        """See `lotusx.kernel.transport.WsTransport`."""
        del compression
        sim = self._network.sim
        if sim.faults.refuses_connections:
            await checkpoint()
            raise ConnectionFailed("connection refused", sent=False)
        with anyio.move_on_after(timeout_s):
            await self._network.travel()
            connection = MemoryConnection(self._network, handler, max_message_bytes)
            lowered = tuple((name.lower(), value) for name, value in headers)
            accepted = sim.open_ws(_target(url), lowered, connection.shell(), client_ip=self._network.client_ip)
            if accepted is None:
                await anyio.sleep_forever()
            if isinstance(accepted, wire.HttpResponse):
                raise _handshake_refused(accepted)
            assert accepted is not None
            connection.attach(accepted)
            try:
                await self._network.travel()
            except BaseException:
                connection.abandon()  # whoever wanted it is gone, as a kernel would close its socket
                raise
            return connection
        raise RequestTimeout(f"no answer to the handshake with {_path(url)} within {timeout_s} s")

    async def aclose(self) -> None:
        """Nothing is held."""


class MemoryConnection:
    """The core's ``WsConnection``."""

    def __init__(self, network: _Network, handler: WsHandler, max_message_bytes: int) -> None:
        self._network = network
        self._handler = handler
        self._max_message_bytes = max_message_bytes
        self._inbox: list[bytes] = []
        self._end: WsClosed | None = None
        self._is_paused = False
        self._wake = anyio.Event()
        self._connection: SimulatedConnection | None = None
        self.last_received_ns = network.clock.monotonic_ns()

    def shell(self) -> ShellSide:
        return ShellSide(self._deliver, self._ended_by_server, self._dropped)

    def attach(self, connection: SimulatedConnection) -> None:
        self._connection = connection
        if self._network.sim.venue.pings_clients:
            self._network.sim.later(_SERVER_PING_S, self._server_ping)

    async def run(self) -> WsClosed:
        """Deliver until the socket ends. See `lotusx.kernel.transport.WsConnection`."""
        try:
            while True:
                if self._inbox and not self._is_paused:
                    messages, self._inbox = self._inbox, []
                    self._handler.on_messages(messages, self._network.clock.now_ns())
                    await checkpoint()
                elif self._end is not None and not self._inbox:
                    return self._end
                else:
                    await self._wake.wait()
                    self._wake = anyio.Event()
        finally:
            self._gone()

    async def send(self, text: str) -> None:
        if self._end is not None:
            raise ConnectionFailed("the WebSocket is closed")
        await self._network.travel()
        connection = self._connection
        if connection is not None:
            connection.receive(text, self._network.sim.now_ns())

    async def ping(self, payload: bytes = b"") -> None:
        """The pong shows in ``last_received_ns``."""
        del payload
        if self._end is not None:
            raise ConnectionFailed("the WebSocket is closed")
        await self._network.travel()
        if self._connection is not None and self._connection.is_open and not self._network.sim.faults.black_hole:
            self._connection.pinged(self._network.sim.now_ns())
            self._after_travel(self._heard)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await checkpoint()
        if self._end is None:
            self._finish(WsClosed(code, reason, clean=True))
        self._gone()

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self._wake.set()

    # -- called by the simulation, never waiting -----------------------------------------------------------------

    def _deliver(self, text: str) -> None:
        self._after_travel(lambda: self._arrived(text.encode()))

    def _arrived(self, message: bytes) -> None:
        if self._end is not None:
            return
        self._heard()
        if len(message) > self._max_message_bytes:
            self._finish(WsClosed(1009, "message too big"))
            return
        self._inbox.append(message)
        self._wake.set()

    def _ended_by_server(self, code: int, reason: str) -> None:
        self._after_travel(lambda: self._finish(WsClosed(code, reason, clean=True)))

    def _dropped(self, how: str) -> None:
        self._after_travel(lambda: self._finish(WsClosed(1006, f"connection ended by {how.upper()}")))

    def _server_ping(self) -> None:
        if self._end is None and self._connection is not None and self._connection.is_open:
            if not self._network.sim.faults.black_hole:
                self._heard()
            self._network.sim.later(_SERVER_PING_S, self._server_ping)

    def _heard(self) -> None:
        self.last_received_ns = self._network.clock.monotonic_ns()

    def _finish(self, end: WsClosed) -> None:
        if self._end is None:
            self._end = end
            self._wake.set()

    def abandon(self) -> None:
        """End it without a word."""
        self._gone()

    def _gone(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.gone(self._network.sim.now_ns())
        self._finish(WsClosed(1006, "not read any more"))

    def _after_travel(self, action: Callable[[], None]) -> None:
        if self._network.latency_s:
            self._network.sim.later(self._network.latency_s, action)
        else:
            action()


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _path(url: str) -> str:
    return urlsplit(url).path


def _handshake_refused(response: wire.HttpResponse) -> ConnectionFailed:
    text = response.body[:200].decode("utf-8", "replace")
    error = ConnectionFailed(f"the handshake was answered with HTTP {response.status}: {text}")
    retry_after = dict(response.headers).get("retry-after", "")
    if retry_after.isdigit():
        error.after_s = float(retry_after)
    return error
