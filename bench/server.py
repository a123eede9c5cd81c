"""The benchmark's exchange: blocking threads that answer REST and blast frames made beforehand. A process of its own.

Under TLS every frame is a record of its own, as an exchange's server writes it; all are encrypted before the first is
sent, and bursts of 100 leave in one piece, so that a client is never kept waiting for the server's work.

``python -m bench.server FOLDER TRADES UPDATES`` prints its ports.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from bench import wire

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SNAPSHOT = wire.snapshot()
_BURST = 100


class Plain:
    """A socket's bytes as they are."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    def recv(self) -> bytes:
        """Return what came; nothing: the client is gone."""
        return self.socket.recv(65536)

    def sealed(self, messages: Sequence[bytes]) -> bytes:
        """Return what `sendall` of the socket is to send."""
        return b"".join(messages)


class Secure(Plain):
    """TLS over memory: several records can leave in one piece."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(connection)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._until_done(self._tls.do_handshake)
        self.socket.sendall(self._out.read())

    def _until_done(self, work: Callable[..., Any], *arguments: Any) -> Any:
        while True:
            try:
                return work(*arguments)
            except ssl.SSLWantReadError:
                self.socket.sendall(self._out.read())
                self._in.write(self.socket.recv(65536) or _refuse())

    def recv(self) -> bytes:
        """Return what came decrypted."""
        return bytes(self._until_done(self._tls.read, 65536))

    def sealed(self, messages: Sequence[bytes]) -> bytes:
        """Encrypt each message as a record of its own."""
        for message in messages:
            self._tls.write(message)
        return self._out.read()


def _refuse() -> bytes:
    raise ConnectionResetError("the client is gone")


class Peer:
    """One connection."""

    def __init__(self, server: Server, connection: Plain) -> None:
        self.server, self.connection, self.held = server, connection, b""

    def run(self) -> None:
        """Answer requests until one of them asks for a WebSocket."""
        with suppress(OSError):
            while head := self._head():
                line, _, rest = head.partition(b"\r\n")
                target = line.split(b" ")[1].decode()
                if b"upgrade: websocket" in rest.lower():
                    self._websocket(target, rest)
                    return
                length = re.search(rb"(?i)content-length: *(\d+)", rest)
                body = self._body(int(length[1]) if length else 0)
                self._reply(self._answer(target, body))

    def _answer(self, target: str, body: bytes) -> bytes:
        path = target.partition("?")[0]
        if path.endswith("/order"):
            named = re.search(r"newClientOrderId=([^&]+)", target + "&" + body.decode())
            return wire.order(named[1] if named else "x")
        if path.endswith("/depth"):
            self.server.snapshot_sent.set()
            return _SNAPSHOT
        if path.endswith("/exchangeInfo"):
            return wire.EXCHANGE_INFO
        if path.endswith("/time"):
            return b'{"serverTime": %d}' % (time.time() * 1e3)
        return b"{}"

    def _reply(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=UTF-8\r\nx-mbx-used-weight-1m: 1\r\n"
        self._send(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    def _send(self, data: bytes) -> None:
        self.connection.socket.sendall(self.connection.sealed((data,)))

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self.held:
            data = self.connection.recv()
            if not data:
                return b""
            self.held += data
        head, _, self.held = self.held.partition(b"\r\n\r\n")
        return head

    def _body(self, size: int) -> bytes:
        while len(self.held) < size:
            self.held += self.connection.recv()
        body, self.held = self.held[:size], self.held[size:]
        return body

    def _websocket(self, target: str, head: bytes) -> None:
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        assert key
        accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
        self._send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        stream = target.partition("streams=")[2] or self._subscribed()
        frames = self.server.frames(stream)
        self.server.snapshot_sent.clear()
        if "depth" in stream:
            self._send(frames[0])  # some clients ask for the snapshot only now
            self.server.snapshot_sent.wait(5)
        first = 1 if "depth" in stream else 0
        bursts = [self.connection.sealed(frames[at : at + _BURST]) for at in range(first, len(frames), _BURST)]
        time.sleep(0.5)
        for burst in bursts:
            self.connection.socket.sendall(burst)
        while self.connection.recv():
            pass

    def _subscribed(self) -> str:
        while True:
            message = json.loads(self._message())
            reply = json.dumps({"result": None, "id": message["id"]}).encode()
            self._send(b"\x81" + bytes([len(reply)]) + reply)
            if message["method"] == "SUBSCRIBE":
                return str(message["params"][0])

    def _message(self) -> bytes:
        """Return one masked text message; control frames before it are dropped."""
        while True:
            head = self._body(2)
            size = head[1] & 0x7F
            if size == 126:
                size = int.from_bytes(self._body(2), "big")
            mask = self._body(4)
            data = self._body(size)
            if head[0] & 0x0F == 1:
                return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


class Server:
    """Listens on two ports."""

    def __init__(self, trades: int, updates: int) -> None:
        self.trades, self.updates = trades, updates
        self.snapshot_sent = threading.Event()

    @cache  # noqa: B019 - one server, alive as long as the process
    def frames(self, stream: str) -> list[bytes]:
        """Return everything a stream says."""
        return wire.depth(stream, self.updates) if "depth" in stream else wire.trades(stream, self.trades)

    def listen(self, tls: ssl.SSLContext | None) -> int:
        """Serve on a free port, in threads."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)

        def accept() -> None:
            while True:
                plain, _ = listener.accept()
                threading.Thread(target=self._serve, args=(plain, tls), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    def _serve(self, plain: socket.socket, tls: ssl.SSLContext | None) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), plain:
            Peer(self, Secure(plain, tls) if tls else Plain(plain)).run()


def make_certificate(folder: Path) -> Path:
    """Make a certificate for this machine with openssl; return the file that clients are to trust."""
    file = folder / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost"
    more = [
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout",
        str(folder / "key.pem"),
        "-out",
        str(file),
    ]
    subprocess.run([*command.split(), *more], check=True, capture_output=True)
    return file


def main() -> None:
    """Serve until standard input ends."""
    folder, trades, updates = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "key.pem")
    server = Server(trades, updates)
    for stream in ("btcusdt@trade", "btcusdt@aggTrade", "btcusdt@depth@100ms", "btcusdt@depth"):
        server.frames(stream)
    print(json.dumps({"plain": server.listen(None), "tls": server.listen(context)}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
