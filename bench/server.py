"""The benchmark's exchange: blocking threads that answer REST and blast frames made beforehand. A process of its own.

``python -m bench.server COUNT`` prints the plain port and, where a certificate could be made, the TLS port.
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
from contextlib import suppress
from functools import cache
from pathlib import Path

from bench import wire

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SNAPSHOT = wire.snapshot()


class Peer:
    """One connection."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self.server, self.connection, self.held = server, connection, b""

    def run(self) -> None:
        """Answer requests until one of them asks for a WebSocket."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), self.connection:
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
        self.connection.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self.held:
            data = self.connection.recv(65536)
            if not data:
                return b""
            self.held += data
        head, _, self.held = self.held.partition(b"\r\n\r\n")
        return head

    def _body(self, size: int) -> bytes:
        while len(self.held) < size:
            self.held += self.connection.recv(65536)
        body, self.held = self.held[:size], self.held[size:]
        return body

    def _websocket(self, target: str, head: bytes) -> None:
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        assert key
        accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
        self.connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        stream = target.partition("streams=")[2] or self._subscribed()
        frames = self.server.frames(stream)
        self.server.snapshot_sent.clear()
        if "depth" in stream:
            self.connection.sendall(frames[0])  # some clients ask for the snapshot only now
            self.server.snapshot_sent.wait(5)
        time.sleep(0.5)
        first = 1 if "depth" in stream else 0
        for start in range(first, len(frames), 100):
            self.connection.sendall(b"".join(frames[start : start + 100]))
        while self.connection.recv(65536):
            pass

    def _subscribed(self) -> str:
        while True:
            message = json.loads(self._message())
            reply = json.dumps({"result": None, "id": message["id"]}).encode()
            self.connection.sendall(b"\x81" + bytes([len(reply)]) + reply)
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
        with suppress(OSError):
            Peer(self, tls.wrap_socket(plain, server_side=True) if tls else plain).run()


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
