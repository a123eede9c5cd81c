"""Real sockets against a server whose every byte the test decides; asyncio, uvloop and trio."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import pytest
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from lotusx.errors import ConnectionFailed, RequestTimeout
from lotusx.kernel.transport import WsClosed, WsConnection
from lotusx.transport.ws import make_ws_transport
from lotusx.transport.ws_urls import READ_BYTES
from lotusx.transport.wsproto_ws import WsprotoTransport

pytestmark = pytest.mark.anyio

Serve = Callable[..., AbstractAsyncContextManager[str]]


async def run_to(end: list[WsClosed], connection: WsConnection) -> None:
    end.append(await connection.run())


async def until(condition: Callable[[], object]) -> None:
    """Wait for what the peer does."""
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - what is watched has no event to wait for
            await anyio.sleep(0.002)


async def send_for_ever(connection: WsConnection) -> None:
    while True:
        await connection.send("x" * 1_000_000)


async def test_messages_arrive_in_order_grouped_by_read(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.accept(followed_by=b"\x81\x01a\x81\x01b")  # with the answer's own packet
        await peer.hear(TextMessage)
        await peer.stream.send(b"\x81\x01c\x01\x02d1")
        await peer.hear(TextMessage)
        await peer.stream.send(b"\x80\x02d2\x81\x01e\x88\x02\x03\xe8")
        await peer.hear(CloseConnection)

    before = time.time_ns()
    async with serve(script) as at:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        await anyio.sleep(0.02)
        assert inbox.reads == []  # nothing before run
        end: list[WsClosed] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_to, end, connection)
            await inbox.wait_for(2)
            heard_ns = connection.last_received_ns
            await connection.send("go")
            await inbox.wait_for(3)
            await connection.send("go")

    assert inbox.reads == [[b"a", b"b"], [b"c"], [b"d1d2", b"e"]]
    assert end == [WsClosed(1000, "", clean=True)]
    assert connection.last_received_ns > heard_ns
    assert before <= inbox.stamps[0] <= inbox.stamps[-1] <= time.time_ns()


async def test_request_carries_target_and_headers(serve: Serve, inbox: Any) -> None:
    seen: list[Any] = []

    async def script(peer: Any) -> None:
        await peer.accept()
        seen.append(peer.request)
        await peer.answer_close()

    async with serve(script) as at:
        transport = make_ws_transport()
        connection = await transport.connect(f"ws://{at}/ws/x?y=z", inbox, headers=(("X-Key", "k"),))
        await connection.close()
    assert seen[0].target == "/ws/x?y=z"
    assert seen[0].host == at
    assert (b"x-key", b"k") in seen[0].extra_headers
    assert seen[0].extensions == []


async def test_compression_is_offered_on_request_only_and_works_both_ways(serve: Serve, inbox: Any) -> None:
    text = "compress me " * 100

    async def script(peer: Any) -> None:
        await peer.accept(compression=True)
        assert peer.request.extensions
        event = await peer.hear(TextMessage)
        await peer.send(TextMessage(data=event.data.upper()))
        await peer.answer_close()

    async with serve(script) as at, anyio.create_task_group() as tasks:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox, compression=True)
        tasks.start_soon(connection.run)
        await connection.send(text)
        assert await inbox.wait_for(1) == [text.upper().encode()]
        await connection.close()


async def test_server_pings_are_answered_and_ours_are_sent(serve: Serve, inbox: Any) -> None:
    pongs: list[bytes] = []

    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.hear(Ping)
        await peer.stream.send(b"\x89\x01a")
        pongs.append(bytes((await peer.hear(Pong)).payload))
        await peer.stream.send(b"\x89\x00" * 5000 + b"\x89\x01z" + b"\x81\x02ok")
        while not pongs[-1]:
            pongs.append(bytes((await peer.hear(Pong)).payload))
        await peer.answer_close()

    async with serve(script) as at, anyio.create_task_group() as tasks:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        tasks.start_soon(connection.run)
        await connection.ping(b"mine")
        await inbox.wait_for(1)
        await connection.close()
    assert pongs[0] == b"a"


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013, 4001])
async def test_servers_close_code_is_told(serve: Serve, inbox: Any, code: int) -> None:
    answers: list[Any] = []

    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.send(TextMessage(data="last words"))
        await peer.send(CloseConnection(code=code, reason="why"))
        answers.append(await peer.hear(CloseConnection))

    async with serve(script) as at:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        with anyio.fail_after(30):
            assert await connection.run() == WsClosed(code, "why", clean=True)
        with pytest.raises(ConnectionFailed, match=f"{code} why") as caught:
            await connection.send("too late")
        assert not caught.value.sent
        await connection.close()  # does nothing more
        await until(lambda: answers)
    assert inbox.messages == [b"last words"]
    assert answers[0].code == code


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_socket_that_breaks_ends_with_1006(serve: Serve, inbox: Any, how: str) -> None:
    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.hear(TextMessage)
        if how == "rst":
            await peer.reset()

    async with serve(script) as at:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        await connection.send("break")
        with anyio.fail_after(30):
            end = await connection.run()
    assert (end.code, end.clean) == (1006, False)
    assert end.reason
    with pytest.raises(ConnectionFailed):
        await connection.ping()


async def test_half_close_while_our_writes_are_stuck_ends_within_the_bound(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.accept()
        peer.stop_reading()
        await anyio.sleep(0.05)
        await peer.stream.send_eof()
        await peer.silence()

    async with serve(script) as at:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        async with anyio.create_task_group() as tasks:

            async def talk() -> None:
                with pytest.raises(ConnectionFailed):
                    await send_for_ever(connection)

            tasks.start_soon(talk)
            with anyio.fail_after(30):
                end = await connection.run()
    assert end.code == 1006


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\x83\x00", 1002), (b"\x81\x80\0\0\0\0", 1002), (b"\x81\x01\xff", 1007), (b"\x81\x7e\x03\xe9", 1009)],
)
async def test_broken_protocol_is_answered_with_its_code(serve: Serve, inbox: Any, data: bytes, code: int) -> None:
    told: list[int] = []

    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.stream.send(b"\x81\x02ok" + data)
        told.append((await peer.hear(CloseConnection)).code)

    async with serve(script) as at:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox, max_message_bytes=1000)
        with anyio.fail_after(30):
            end = await connection.run()
        await until(lambda: told)
    assert (end.code, end.clean) == (code, False)
    assert told == [code]
    assert inbox.messages == [b"ok"]


async def test_handlers_error_closes_the_socket_and_is_raised(serve: Serve, inbox: Any) -> None:
    told: list[int] = []
    inbox.error = LookupError("mine")

    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.stream.send(b"\x81\x01a")
        told.append((await peer.hear(CloseConnection)).code)

    async with serve(script) as at:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        with anyio.fail_after(30), pytest.raises(LookupError, match="mine"):
            await connection.run()
        await until(lambda: told)
    assert told == [1011]
    assert inbox.messages == [b"a"]


async def test_ten_megabytes_and_a_hundred_thousand_tiny_frames(serve: Serve, inbox: Any) -> None:
    big = b"x" * 10_000_000

    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.stream.send(b"\x81\x7f" + len(big).to_bytes(8, "big") + big)
        await peer.stream.send(b"\x81\x02{}" * 100_000)
        await peer.answer_close()

    async with serve(script) as at, anyio.create_task_group() as tasks:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        tasks.start_soon(connection.run)
        with anyio.fail_after(30):
            await inbox.wait_for(100_001)
        await connection.close()
    assert inbox.messages[0] == big
    assert inbox.messages[1:] == [b"{}"] * 100_000


async def test_paused_reading_leaves_everything_to_the_network(serve: Serve, inbox: Any) -> None:
    sent = 0

    async def script(peer: Any) -> None:
        nonlocal sent
        await peer.accept()
        await peer.hear(TextMessage)
        for _ in range(200):
            await peer.stream.send(b"\x82\x7e\xff\xff" + b"x" * 65535)
            sent += 1
        await peer.answer_close()

    async with serve(script) as at, anyio.create_task_group() as tasks:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        connection.pause_reading()
        tasks.start_soon(connection.run)
        await connection.send("go")
        await anyio.sleep(0.1)
        assert inbox.reads == []
        assert sent < 200
        connection.resume_reading()
        with anyio.fail_after(30):
            await inbox.wait_for(20)
        connection.pause_reading()
        got = len(inbox.messages)
        await anyio.sleep(0.05)
        assert len(inbox.messages) == got
        connection.resume_reading()
        with anyio.fail_after(30):
            await inbox.wait_for(200)
        await connection.close()


async def test_a_backlog_lets_readers_run_in_between(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.hear(TextMessage)
        for _ in range(40):
            await peer.stream.send((b"\x82\x7e\x03\xe8" + b"x" * 1_000) * 50)
        await peer.answer_close()

    seen = most = 0

    async def read() -> None:
        nonlocal seen, most
        while seen < 2_000:
            await inbox.wait_for(seen + 1)
            there = len(inbox.messages)
            most, seen = max(most, there - seen), there

    async with serve(script) as at, anyio.create_task_group() as tasks:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        connection.pause_reading()
        tasks.start_soon(connection.run)
        await connection.send("go")
        await anyio.sleep(0.2)  # until the network holds as much as it can
        connection.resume_reading()
        with anyio.fail_after(30):
            await read()
        await connection.close()
    assert most * 1_000 < 3 * READ_BYTES


async def test_send_waits_while_the_peer_does_not_read(serve: Serve, inbox: Any) -> None:
    ready = anyio.Event()
    total = 0

    async def script(peer: Any) -> None:
        nonlocal total
        await peer.accept()
        peer.stop_reading()
        await ready.wait()
        while total < 40_000_000:
            total += len(await peer.stream.receive())

    async with serve(script) as at, anyio.create_task_group() as tasks:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        tasks.start_soon(connection.run)
        with anyio.move_on_after(0.2) as gave_up:
            for _ in range(40):
                await connection.send("x" * 1_000_000)
        assert gave_up.cancelled_caught
        ready.set()
        with anyio.fail_after(30), pytest.raises(ConnectionFailed):
            await send_for_ever(connection)


async def test_close_says_goodbye_and_hears_the_answer(serve: Serve, inbox: Any) -> None:
    heard: list[Any] = []

    async def script(peer: Any) -> None:
        await peer.accept()
        heard.append(await peer.answer_close())

    async with serve(script) as at:
        end: list[WsClosed] = []
        async with anyio.create_task_group() as tasks:
            connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
            tasks.start_soon(run_to, end, connection)
            await anyio.sleep(0.01)
            await connection.close(1001, "moving on")
        with pytest.raises(ConnectionFailed):
            await connection.send("too late")
    assert (heard[0].code, heard[0].reason) == (1001, "moving on")
    assert end == [WsClosed(1001, "moving on", clean=True)]


@pytest.mark.parametrize("state", ["silent peer", "never run", "paused"])
async def test_close_is_bounded(serve: Serve, inbox: Any, state: str) -> None:
    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.silence()

    async with serve(script) as at:
        connection = await WsprotoTransport().connect(f"ws://{at}/", inbox)
        end: list[WsClosed] = []
        started = time.monotonic()
        async with anyio.create_task_group() as tasks:
            if state != "never run":
                tasks.start_soon(run_to, end, connection)
                await anyio.sleep(0.01)
            if state == "paused":
                connection.pause_reading()
            await connection.close()
        took = time.monotonic() - started
        if state == "never run":
            await run_to(end, connection)
    assert end[0].code == 1006
    assert took < (10 if state == "silent peer" else 1.9)  # a peer is given two seconds to answer


async def test_closing_the_transport_closes_all_its_connections(serve: Serve, inbox: Any) -> None:
    heard: list[int] = []

    async def script(peer: Any) -> None:
        await peer.accept()
        heard.append((await peer.answer_close()).code)

    async with serve(script) as at, anyio.create_task_group() as tasks:
        transport = WsprotoTransport()
        for _ in range(3):
            tasks.start_soon((await transport.connect(f"ws://{at}/", inbox)).run)
        await anyio.sleep(0.01)
        await transport.aclose()
        await transport.aclose()
        await until(lambda: len(heard) == 3)
    assert heard == [1001] * 3


async def test_refused_handshake_tells_status_body_and_wait(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.stream.receive()
        await peer.stream.send(b"HTTP/1.1 429 Too Many\r\nRetry-After: 12\r\nContent-Length: 8\r\n\r\ntoo many")

    async with serve(script) as at:
        with pytest.raises(ConnectionFailed, match=r"HTTP 429: too many") as caught:
            await WsprotoTransport().connect(f"ws://{at}/", inbox)
    assert caught.value.after_s == 12.0


async def test_refusal_whose_body_never_ends_is_still_told(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.stream.receive()
        await peer.stream.send(b"HTTP/1.1 403 No\r\nContent-Length: 80\r\n\r\npart")
        await peer.silence()

    async with serve(script) as at:
        with pytest.raises(ConnectionFailed, match=r"HTTP 403: part"):
            await WsprotoTransport().connect(f"ws://{at}/", inbox, timeout_s=1.0)


async def test_server_that_leaves_during_the_handshake(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.stream.receive()

    async with serve(script) as at:
        with pytest.raises(ConnectionFailed, match="ended the stream"):
            await WsprotoTransport().connect(f"ws://{at}/", inbox)


async def test_server_that_resets_during_the_handshake(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.stream.receive()
        await peer.reset()

    async with serve(script) as at:
        with pytest.raises(ConnectionFailed):
            await WsprotoTransport().connect(f"ws://{at}/", inbox)


async def test_silent_server_is_a_timeout(serve: Serve, inbox: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.silence()

    async with serve(script) as at:
        with pytest.raises(RequestTimeout, match=r"within 0\.5 s") as caught:
            await WsprotoTransport().connect(f"ws://{at}/", inbox, timeout_s=0.5)
    assert not caught.value.sent


async def test_nobody_listens(free_tcp_port: int, inbox: Any) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        await WsprotoTransport().connect(f"ws://127.0.0.1:{free_tcp_port}/", inbox)
    assert not caught.value.sent


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_address_that_does_not_answer_does_not_hold_up_the_others(
    serve: Serve, inbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.answer_close()

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:  # a full queue: the next SYN gets no answer
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        async with serve(script) as at:
            open_port = int(at.rpartition(":")[2])

            async def found(*_: Any, **__: Any) -> list[Any]:
                tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
                return [(*tcp, deaf.getsockname()), (*tcp, ("127.0.0.1", 1)), (*tcp, ("127.0.0.1", open_port))]

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
            with anyio.fail_after(8):  # connect itself would give up after ten seconds
                connection = await WsprotoTransport().connect("ws://many.example/", inbox)
            await connection.close()
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("steps", range(14))
async def test_cancelled_anywhere_leaves_no_socket(serve: Serve, inbox: Any, steps: int) -> None:
    left: list[bool] = []

    async def script(peer: Any) -> None:
        try:
            await peer.accept()
            await peer.hear(TextMessage, 1_000_000)
        finally:
            left.append(True)

    async with serve(script) as at:
        transport = WsprotoTransport()

        async def use() -> None:
            connection = await transport.connect(f"ws://{at}/", inbox)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.run)
                for _ in range(3):
                    await connection.send("x")
                    await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(use)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await anyio.sleep(0.01)
        assert not transport._open
        tracked = len(left)
    assert tracked <= 1  # ResourceWarning, an error here, tells of a socket left open


@pytest.fixture
def authority() -> Any:
    if importlib.util.find_spec("trustme") is None:
        pytest.skip("trustme is not installed")
    import trustme

    return trustme.CA()


def server_side(authority: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def client_side(authority: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def echo(peer: Any) -> None:
    await peer.accept()
    event = await peer.hear(TextMessage)
    await peer.send(TextMessage(data=event.data))
    await peer.answer_close()


async def test_tls(serve: Serve, inbox: Any, authority: Any) -> None:
    async with serve(echo, server_side(authority)) as at, anyio.create_task_group() as tasks:
        transport = WsprotoTransport(ssl_context=client_side(authority))
        connection = await transport.connect(f"wss://{at}/", inbox)
        tasks.start_soon(connection.run)
        await connection.send("secret " * 100)
        assert await inbox.wait_for(1) == [b"secret " * 100]
        await connection.close()


async def test_tls_peer_that_just_leaves(serve: Serve, inbox: Any, authority: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.accept()

    async with serve(script, server_side(authority)) as at:
        transport = WsprotoTransport(ssl_context=client_side(authority))
        connection = await transport.connect(f"wss://{at}/", inbox)
        assert (await connection.run()).code == 1006


async def test_tls_peer_that_sends_a_damaged_record(serve: Serve, inbox: Any, authority: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.accept()
        await peer.send(TextMessage(data="whole"))
        await until(lambda: inbox.messages)
        await peer.stream.transport_stream.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        await peer.silence()

    async with serve(script, server_side(authority)) as at:
        transport = WsprotoTransport(ssl_context=client_side(authority))
        connection = await transport.connect(f"wss://{at}/", inbox)
        closed = await connection.run()
        assert closed.code == 1006
        assert "decryption failed or bad record mac" in closed.reason.lower().replace("_", " ")
        assert inbox.messages == [b"whole"]


async def test_peer_that_answers_the_tls_handshake_in_plain_text(serve: Serve, inbox: Any, authority: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.stream.receive()
        await peer.stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.silence()

    async with serve(script) as at:
        transport = WsprotoTransport(ssl_context=client_side(authority))
        with pytest.raises(ConnectionFailed) as caught:
            await transport.connect(f"wss://{at}/", inbox)
        assert caught.value.sent is False
        assert not transport._open


async def test_peer_that_leaves_during_the_tls_handshake(serve: Serve, inbox: Any, authority: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.stream.receive()

    async with serve(script) as at:
        with pytest.raises(ConnectionFailed):
            await WsprotoTransport(ssl_context=client_side(authority)).connect(f"wss://{at}/", inbox)


async def test_unknown_certificate_is_refused(serve: Serve, inbox: Any, authority: Any) -> None:
    context = server_side(authority)
    async with serve_tls_failing(context) as at:
        with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
            await WsprotoTransport().connect(f"wss://{at}/", inbox)


def serve_tls_failing(context: ssl.SSLContext) -> Any:
    from contextlib import asynccontextmanager, suppress

    from anyio.streams.tls import TLSStream

    @asynccontextmanager
    async def serving() -> Any:
        async def handle(stream: anyio.abc.ByteStream) -> None:
            async with stream:
                with suppress(ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream):
                    await TLSStream.wrap(stream, server_side=True, ssl_context=context)

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handle)
            yield f"127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
            tasks.cancel_scope.cancel()

    return serving()


@pytest.mark.parametrize("secure", [False, True])
async def test_proxy_tunnel(serve: Serve, inbox: Any, authority: Any, secure: bool) -> None:
    async def proxy(peer: Any) -> None:
        head = await peer.stream.receive()
        target = head.split()[1].decode()
        host, port = target.split(":")
        async with await anyio.connect_tcp(host, int(port)) as onward, anyio.create_task_group() as tasks:
            await peer.stream.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

            async def pump(source: Any, sink: Any) -> None:
                try:
                    async for data in source:
                        await sink.send(data)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(pump, onward, peer.stream)
            await pump(peer.stream, onward)

    tls = server_side(authority) if secure else None
    async with serve(echo, tls) as at, serve(proxy) as through, anyio.create_task_group() as tasks:
        transport = WsprotoTransport(ssl_context=client_side(authority), proxy=f"http://{through}")
        connection = await transport.connect(f"{'wss' if secure else 'ws'}://{at}/", inbox)
        tasks.start_soon(connection.run)
        await connection.send("through")
        assert await inbox.wait_for(1) == [b"through"]
        await connection.close()


async def test_proxy_that_refuses(serve: Serve, inbox: Any) -> None:
    async def proxy(peer: Any) -> None:
        await peer.stream.receive()
        await peer.stream.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    async with serve(proxy) as through:
        with pytest.raises(ConnectionFailed, match="407"):
            await WsprotoTransport(proxy=f"http://{through}").connect("ws://never.example/", inbox)
