"""The fault proxy does what it says to whole bytes and to nothing else."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from lotusx_sim.fault_proxy import FaultProxy, fault_proxy

pytestmark = pytest.mark.anyio
GONE = (anyio.BrokenResourceError, anyio.EndOfStream)


@asynccontextmanager
async def echo_behind_a_proxy() -> AsyncIterator[FaultProxy]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)

    async def echo(stream: SocketStream) -> None:
        async with stream:
            try:
                async for data in stream:
                    await stream.send(data)
            except GONE:
                return

    async def serve() -> None:
        async with listener:
            await listener.serve(echo)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        async with fault_proxy("127.0.0.1", listener.extra(SocketAttribute.local_port)) as proxy:
            yield proxy
        tasks.cancel_scope.cancel()


async def connected(proxy: FaultProxy) -> SocketStream:
    stream = await anyio.connect_tcp(proxy.host, proxy.port)
    assert await said(stream, b"hello") == b"hello"
    return stream


async def said(stream: SocketStream, data: bytes) -> bytes:
    await stream.send(data)
    with anyio.fail_after(30):
        return await BufferedByteReceiveStream(stream).receive_exactly(len(data))


async def silent(stream: SocketStream) -> bool:
    with anyio.move_on_after(0.1):
        await stream.receive()
        return False
    return True


async def how_it_ends(stream: SocketStream) -> type[BaseException]:
    try:
        with anyio.fail_after(30):
            while True:
                await stream.receive()
    except GONE as error:
        return type(error)


async def test_bytes_pass_whole_and_are_counted() -> None:
    async with echo_behind_a_proxy() as proxy, await connected(proxy) as stream:
        data = bytes(range(256)) * 4_000
        async with anyio.create_task_group() as group:
            group.start_soon(stream.send, data)
            with anyio.fail_after(60):
                assert await BufferedByteReceiveStream(stream).receive_exactly(len(data)) == data
        assert (proxy.to_target, proxy.to_client) == (len(data) + 5,) * 2
        assert (proxy.connections, proxy.live) == (1, 1)


async def test_a_black_hole_says_nothing_and_gives_everything_back_when_it_heals() -> None:
    async with echo_behind_a_proxy() as proxy, await connected(proxy) as stream:
        proxy.black_hole()
        await stream.send(b"lost?")
        assert await silent(stream)
        async with await anyio.connect_tcp(proxy.host, proxy.port) as late:  # also for who comes now
            await late.send(b"anyone?")
            assert await silent(late)
            proxy.heal()
            with anyio.fail_after(30):
                assert await BufferedByteReceiveStream(stream).receive_exactly(5) == b"lost?"
                assert await BufferedByteReceiveStream(late).receive_exactly(7) == b"anyone?"


@pytest.mark.parametrize(
    ("how", "expected"),
    [(FaultProxy.reset, anyio.BrokenResourceError), (FaultProxy.close, anyio.EndOfStream)],
    ids=["reset", "close"],
)
async def test_all_connections_end_as_asked_and_new_ones_work(
    how: Callable[[FaultProxy], None], expected: type[BaseException]
) -> None:
    async with echo_behind_a_proxy() as proxy, await connected(proxy) as one, await connected(proxy) as two:
        how(proxy)
        assert [await how_it_ends(one), await how_it_ends(two)] == [expected, expected]
        async with await connected(proxy):
            assert proxy.connections == 3


async def test_an_abandoned_connection_is_silent_for_ever_and_a_new_one_is_not() -> None:
    async with echo_behind_a_proxy() as proxy, await connected(proxy) as old:
        proxy.abandon()
        proxy.heal()
        await old.send(b"anyone?")
        async with await connected(proxy):
            assert await silent(old)


async def test_a_half_close_still_takes_what_is_sent() -> None:
    async with echo_behind_a_proxy() as proxy, await connected(proxy) as stream:
        await proxy.half_close()
        assert await how_it_ends(stream) is anyio.EndOfStream
        await stream.send(b"more")
        with anyio.fail_after(30):
            while proxy.to_target < 9:  # noqa: ASYNC110 - counted on the other side of a socket
                await anyio.sleep(0.002)


async def test_a_slow_line_takes_its_time() -> None:
    async with echo_behind_a_proxy() as proxy, await connected(proxy) as stream:
        proxy.slow(2_000)
        begun = anyio.current_time()
        assert await said(stream, b"x" * 400) == b"x" * 400
        assert anyio.current_time() - begun >= 0.2
        proxy.heal()
        assert await said(stream, b"y" * 400_0) == b"y" * 400_0


async def test_a_line_is_cut_after_so_many_bytes() -> None:
    async with echo_behind_a_proxy() as proxy, await connected(proxy) as stream:
        proxy.cut_after(3)
        await stream.send(b"abcdef")
        with anyio.fail_after(30):
            assert await BufferedByteReceiveStream(stream).receive_exactly(3) == b"abc"
        assert await how_it_ends(stream) is anyio.EndOfStream


async def refused(proxy: FaultProxy) -> None:
    stream = await anyio.connect_tcp(proxy.host, proxy.port)
    async with stream:
        assert await how_it_ends(stream) is anyio.BrokenResourceError


async def test_whoever_connects_is_refused_until_it_heals() -> None:
    async with echo_behind_a_proxy() as proxy:
        proxy.refuse()
        await refused(proxy)
        proxy.heal()
        async with await connected(proxy):
            pass


async def test_a_target_that_is_not_there_looks_like_a_reset() -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(SocketAttribute.local_port)
    await listener.aclose()
    async with fault_proxy("127.0.0.1", port) as proxy:
        await refused(proxy)


async def test_the_callers_error_comes_out_as_it_is() -> None:
    async def fail() -> None:
        async with fault_proxy("127.0.0.1", 9) as proxy:
            assert proxy.authority == f"127.0.0.1:{proxy.port}"
            raise ssl.SSLError("mine")

    with pytest.raises(ssl.SSLError, match="mine"):
        await fail()
