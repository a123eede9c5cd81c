"""The benchmark's exchange: blocking threads that answer REST and blast frames made beforehand. A process of its own.

Under TLS every frame is a record of its own, as an exchange's server writes it; all are encrypted before the first is
sent, and bursts of 100 leave in one piece, so that a client is never kept waiting for the server's work. With a pace,
messages leave one at a time.

``python -m bench.server FOLDER SPEC`` prints its ports; SPEC is JSON: exchange, trades, updates, pace.
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
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import venues

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BURST = 100
_QUIET_S = 1.5  # clients pause up to a second between subscriptions: Binance takes five messages a second
TICK = 20
"""Each so many messages, a client that trades sends an order."""


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
        self._turn = threading.Lock()  # one thread reads and another writes
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        while not self._shaken():
            self.socket.sendall(self._out.read())
            self._in.write(self.socket.recv(65536) or _refuse())
        self.socket.sendall(self._out.read())

    def _shaken(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def recv(self) -> bytes:
        """Return what came decrypted."""
        while True:
            with self._turn, suppress(ssl.SSLWantReadError):
                return bytes(self._tls.read(65536))
            came = self.socket.recv(65536) or _refuse()
            with self._turn:
                self._in.write(came)

    def sealed(self, messages: Sequence[bytes]) -> bytes:
        """Encrypt each message as a record of its own."""
        with self._turn:
            for message in messages:
                self._tls.write(message)
            return self._out.read()


def _refuse() -> bytes:
    raise ConnectionResetError("the client is gone")


class Peer:
    """One connection."""

    def __init__(self, server: Server, connection: Plain) -> None:
        self.server, self.connection, self.held = server, connection, b""
        self.writing = threading.Lock()
        self.heard_s = 0.0
        self.streams: list[str] = []

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
                self._reply(self.server.answer(target, body))

    def _reply(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=UTF-8\r\nx-mbx-used-weight-1m: 1\r\n"
        self._send(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    def _send(self, data: bytes) -> None:
        with self.writing:
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
            self.held += self.connection.recv() or _refuse()
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
        self._want(self.server.venue.streams_of(target))
        while True:
            opcode, data = self._message()
            if opcode == 8:
                return
            if opcode == 9:
                self._send(b"\x8a" + bytes([len(data)]) + data)
            elif opcode == 1:
                replies, streams = self.server.venue.hear(json.loads(data))
                self.server.ordered(data)
                for reply in replies:
                    self._send(venues.frame(reply))
                self._want(streams)

    def _want(self, streams: list[str]) -> None:
        streams = [stream for stream in streams if stream not in self.streams]  # some name them twice: path, message
        if not streams:
            return
        first = not self.streams
        self.heard_s = time.monotonic()
        self.streams += streams
        if first:
            threading.Thread(target=self._tell, daemon=True).start()

    def _tell(self) -> None:
        """Send everything, once the client has been quiet for a while."""
        with suppress(OSError):
            while (left := self.heard_s + _QUIET_S - time.monotonic()) > 0:
                time.sleep(left)
            server, streams = self.server, self.streams
            frames = server.venue.frames(streams)
            waiting = sum(server.venue.awaits_snapshot(stream) for stream in streams)
            if server.waits:
                server.begun.wait(100)
                server.begun.clear()
            elif waiting:
                for message in frames[: len(streams)]:
                    self._send(message)  # some clients ask for the snapshot only now
                deadline = time.monotonic() + 100
                while server.venue.snapshots < waiting and time.monotonic() < deadline:
                    time.sleep(0.01)
                server.venue.snapshots = 0
                del frames[: len(streams)]
                time.sleep(_QUIET_S)
            if server.pace:
                self._trickle(frames)
            else:
                self._burst(frames)

    def _burst(self, frames: list[bytes]) -> None:
        with self.writing:
            pieces = [self.connection.sealed(frames[at : at + _BURST]) for at in range(0, len(frames), _BURST)]
            for piece in pieces:
                self.connection.socket.sendall(piece)

    def _trickle(self, frames: list[bytes]) -> None:
        """Send one message at a time, evenly; note when those leave that a client answers with an order."""
        begun, pace, ticks = time.perf_counter(), self.server.pace, self.server.ticks
        for number, message in enumerate(frames, start=1):
            left = begun + number / pace - time.perf_counter()
            if left > 0:
                time.sleep(left)
            if number % TICK == 0:
                ticks.append(time.perf_counter_ns())
            self._send(message)

    def _message(self) -> tuple[int, bytes]:
        """Return one masked message and its kind."""
        head = self._body(2)
        size = head[1] & 0x7F
        if size == 126:
            size = int.from_bytes(self._body(2), "big")
        mask = self._body(4)
        data = self._body(size)
        return head[0] & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


class Server:
    """Listens on two ports."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.venue = venues.venue(spec)
        self.pace = float(spec.get("pace", 0))
        self.waits = bool(spec.get("waits"))  # until the client says that its books stand
        self.begun = threading.Event()
        self.ticks: deque[int] = deque()
        self.latencies: list[int] = []

    def answer(self, target: str, body: bytes) -> bytes:
        """Answer a request of a client, or of the benchmark itself."""
        if target == "/bench/begin":
            self.begun.set()
            return b"{}"
        if target == "/bench/latencies":
            found, self.latencies = self.latencies, []
            self.ticks.clear()
            return json.dumps(found).encode()
        if "/order" in target:
            self.ordered(b"order")
        return self.venue.reply(target, body)

    def ordered(self, said: bytes) -> None:
        """An order arrived: note how long after its tick."""
        if self.ticks and b"order" in said:
            self.latencies.append(time.perf_counter_ns() - self.ticks.popleft())

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
    """Make an authority and its certificate for this machine with openssl; return whom clients are to trust."""
    new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    (folder / "leaf.cnf").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n", "utf-8"
    )
    for command in (
        f"req -x509 {new} -days 30 -subj /CN=bench-authority -addext keyUsage=keyCertSign -keyout ca.key -out ca.pem",
        f"req {new} -subj /CN=localhost -keyout key.pem -out leaf.csr",
        "x509 -req -days 30 -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile leaf.cnf -out server.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder / "ca.pem"


def main() -> None:
    """Serve until standard input ends."""
    folder, spec = Path(sys.argv[1]), json.loads(sys.argv[2])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "key.pem")
    server = Server(spec)
    print(json.dumps({"plain": server.listen(None), "tls": server.listen(context)}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
