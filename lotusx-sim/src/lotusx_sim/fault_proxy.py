"""A TCP proxy that does to its connections what networks do: black holes, resets, half-closes, slowness, cuts.

It passes bytes and understands none of them, so that it stands in front of TLS, HTTP and WebSocket alike.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import SocketAttribute, SocketStream

from lotusx_sim.shells.tcp import BROKEN, READ_BYTES, reset

_FULL_SPEED_BYTES = READ_BYTES
_SLICE_S = 0.02


class FaultProxy:
    """The faults of one address. Each holds for the connections there are and those to come, until `heal`.

    Attributes:
        host, port: Where to connect instead of the target.
        connections: How many have been accepted since the beginning.
        to_client, to_target: Bytes passed on in each direction.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.connections = 0
        self.to_client = 0
        self.to_target = 0
        self._open: set[_Connection] = set()
        self._passable = anyio.Event()
        self._passable.set()
        self._bytes_per_s: int | None = None
        self._refuses = False

    @property
    def authority(self) -> str:
        """Return host and port as they stand in an address."""
        return f"{self.host}:{self.port}"

    @property
    def live(self) -> int:
        """Return how many connections are open now."""
        return len(self._open)

    def black_hole(self) -> None:
        """Let nothing pass in either direction, without a word: no FIN, no RST. What is written waits in buffers."""
        if self._passable.is_set():
            self._passable = anyio.Event()

    def slow(self, bytes_per_s: int) -> None:
        """Pass no more than that in either direction of each connection."""
        self._bytes_per_s = bytes_per_s

    def refuse(self) -> None:
        """Reset whatever connects from now on."""
        self._refuses = True

    def heal(self) -> None:
        """Let everything pass again; what waited is delivered, late."""
        self._passable.set()
        self._bytes_per_s = None
        self._refuses = False

    def reset(self) -> None:
        """End all connections with RST, on both sides."""
        for connection in self._open:
            connection.reset()

    def close(self) -> None:
        """End all connections with FIN, on both sides."""
        for connection in self._open:
            connection.end()

    def abandon(self) -> None:
        """Forget the connections there are, without a word to either side. Those to come are whole."""
        for connection in self._open:
            connection.abandoned = True

    async def half_close(self) -> None:
        """Tell the clients that nothing more will come, and go on taking what they send."""
        for connection in tuple(self._open):
            await connection.half_close()

    def cut_after(self, count: int) -> None:
        """Pass *count* bytes more to each client, then end its connection with FIN: in the middle of a record."""
        for connection in self._open:
            connection.left = count

    async def _serve(self, client: SocketStream, target: tuple[str, int]) -> None:
        self.connections += 1
        if self._refuses:
            reset(client)
            await anyio.aclose_forcefully(client)
            return
        try:
            server = await anyio.connect_tcp(*target)
        except BaseException as error:
            reset(client)
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(client)
            if isinstance(error, OSError):
                return
            raise
        connection = _Connection(self, client, server)
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)

    async def _pass(self, count: int) -> None:
        """Wait until *count* bytes may pass."""
        while not self._passable.is_set():
            await self._passable.wait()
        if self._bytes_per_s is not None:
            await anyio.sleep(count / self._bytes_per_s)

    def _chunk(self) -> int:
        return _FULL_SPEED_BYTES if self._bytes_per_s is None else max(1, int(self._bytes_per_s * _SLICE_S))


class _Connection:
    def __init__(self, proxy: FaultProxy, client: SocketStream, server: SocketStream) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._scope = anyio.CancelScope()
        self.left: int | None = None  # bytes that may still pass to the client
        self.abandoned = False
        self._half_closed = False

    async def run(self) -> None:
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._pump_to_client)
                    group.start_soon(self._pump_to_server)
        finally:
            with anyio.CancelScope(shield=True):  # or the first one closed would be the last
                for stream in (self._client, self._server):
                    await anyio.aclose_forcefully(stream)

    def reset(self) -> None:
        for stream in (self._client, self._server):
            with suppress(OSError):
                reset(stream)
        self._scope.cancel()

    def end(self) -> None:
        self._scope.cancel()

    async def half_close(self) -> None:
        self._half_closed = True
        with suppress(*BROKEN, OSError):
            await self._client.send_eof()

    async def _pass(self, count: int) -> None:
        await self._proxy._pass(count)
        if self.abandoned:
            await anyio.sleep_forever()

    async def _pump_to_client(self) -> None:
        proxy = self._proxy
        while True:
            data = await _read(self._server, proxy._chunk())
            if data is None:
                break
            await self._pass(len(data))
            if self._half_closed:
                continue
            if self.left is not None:
                data = data[: self.left]
                self.left -= len(data)
            if not await _written(self._client, data):
                break
            proxy.to_client += len(data)
            if self.left == 0:
                break
        await self._pass(0)  # a FIN does not come through a black hole either
        self.end()

    async def _pump_to_server(self) -> None:
        proxy = self._proxy
        while True:
            data = await _read(self._client, proxy._chunk())
            if data is None:
                break
            await self._pass(len(data))
            if not await _written(self._server, data):
                break
            proxy.to_target += len(data)
        await self._pass(0)
        with suppress(*BROKEN, OSError):
            await self._server.send_eof()


async def _read(stream: SocketStream, count: int) -> bytes | None:
    try:
        return await stream.receive(count)
    except BROKEN:
        return None


async def _written(stream: SocketStream, data: bytes) -> bool:
    try:
        await stream.send(data)
    except BROKEN:
        return False
    return True


@asynccontextmanager
async def fault_proxy(
    target_host: str, target_port: int, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[FaultProxy]:
    """Stand between clients and *target* until the block ends.

    Args:
        port: 0 takes a free one.
    """
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    proxy = FaultProxy(host, listener.extra(SocketAttribute.local_port))
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            async with listener:
                await listener.serve(lambda client: proxy._serve(client, (target_host, target_port)), tasks)

        tasks.start_soon(listen)
        try:
            yield proxy
        except Exception as error:  # the caller's own is not to come out wrapped in a group
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
