"""Real sockets: HTTP/1.1 and WebSocket on one port, plain or TLS, on asyncio and on trio."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import ByteStream, Listener, SocketAttribute, TaskGroup
from anyio.streams.tls import TLSListener

from lotusx_sim.shells.http_socket import HttpSocket
from lotusx_sim.simulator import Simulator
from lotusx_sim.venue import Venue

_IDLE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running simulation on a port of this machine."""

    sim: Simulator
    host: str
    port: int
    is_tls: bool

    @property
    def base_url(self) -> str:
        """Return where REST is, without a trailing slash."""
        return f"{'https' if self.is_tls else 'http'}://{self._authority}"

    @property
    def ws_url(self) -> str:
        """Return where WebSockets are; add ``/ws``, ``/stream`` or ``/ws-api/v3``."""
        return f"{'wss' if self.is_tls else 'ws'}://{self._authority}"

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@asynccontextmanager
async def serve(
    venue: Venue | Simulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    control: bool = True,
) -> AsyncIterator[Server]:
    """Serve *venue* until the block ends.

    Args:
        port: 0 takes a free one.
        tls: A server-side context; None serves plain text.
        control: Whether ``POST /__sim__/…`` may script faults and trades.
    """
    sim = venue if isinstance(venue, Simulator) else Simulator(venue)
    sim.now_ns()
    tcp = await anyio.create_tcp_listener(local_host=host, local_port=port)
    bound = tcp.extra(SocketAttribute.local_port)
    listener = tcp if tls is None else TLSListener(tcp, tls, standard_compatible=False)

    async def accept(stream: ByteStream) -> None:
        await HttpSocket(sim, stream, control=control).run()

    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_clock, sim)
        tasks.start_soon(_listen, listener, accept, tasks)
        try:
            yield Server(sim, host, bound, tls is not None)
        except Exception as error:
            # The caller's own error is not to come out wrapped in a group.
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _listen(
    listener: Listener[ByteStream], accept: Callable[[ByteStream], Awaitable[None]], tasks: TaskGroup
) -> None:
    async with listener:
        await listener.serve(accept, tasks)


async def run_clock(sim: Simulator) -> None:
    """Let the venue act when something is due, for as long as it is served."""
    changed = anyio.Event()
    due_ns: int | None = None

    def wake() -> None:
        # Only an earlier deadline is news; waking for every request would be a busy loop.
        next_ns = sim.next_due_ns()
        if next_ns is not None and (due_ns is None or next_ns < due_ns):
            changed.set()

    sim.on_change(wake)
    try:
        while True:
            sim.advance()
            due_ns = sim.next_due_ns()
            wait_s = _IDLE_S if due_ns is None else max(0.0, (due_ns - sim.now_ns()) / 1e9)
            with anyio.move_on_after(wait_s):
                await changed.wait()
            if changed.is_set():
                changed = anyio.Event()
    finally:
        sim.off_change(wake)
