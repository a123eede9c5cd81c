"""An exchange of one page: a WebSocket dialect in JSON and a server in memory, under virtual time."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import anyio
import trio
from trio.testing import MockClock

from lotusx.errors import ConnectionFailed, ItemRejected, LotusXError
from lotusx.kernel.codec import Ack, Channel, ChannelKind, Control, Notice, NoticeKind, Reply, WsFacts
from lotusx.kernel.request import SigningContext
from lotusx.kernel.telemetry import Event, SessionChanged, StreamChanged, Telemetry
from lotusx.kernel.transport import WsClosed, WsHandler
from lotusx.transport.supervisor import WsGroup

EPOCH = 1_700_000_000_000_000_000


def virtually(main: Callable[[], Awaitable[None]]) -> None:
    """Run *main* on trio under a clock that jumps whenever everybody waits."""
    trio.run(main, clock=MockClock(autojump_threshold=0))


class LoopClock:
    """The event loop's time; the wall clock may be stepped."""

    def __init__(self) -> None:
        self.step_ns = 0

    def now_ns(self) -> int:
        return EPOCH + self.monotonic_ns() + self.step_ns

    def monotonic_ns(self) -> int:
        return round(anyio.current_time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Codec:
    def __init__(self, *, log_in: bool = False, heartbeat: bool = False) -> None:
        self.logs_in = log_in
        self.beats = heartbeat

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [json.dumps({"op": "subscribe", "keys": list(keys), "id": request_id})]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [json.dumps({"op": "unsubscribe", "keys": list(keys), "id": request_id})]

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        return json.dumps({"op": "login", "id": request_id}) if self.logs_in else None

    def heartbeat(self, request_id: int) -> str | None:
        return json.dumps({"op": "beat", "id": request_id}) if self.beats else None

    def answer(self, message: bytes) -> str | None:
        return '{"op":"pong"}' if b'"server_ping"' in message else None

    def route(self, message: bytes) -> str | Control:
        if not message.startswith(b"{"):
            raise ItemRejected("not JSON")
        if message.startswith(b'{"ch"'):
            key = json.loads(message)["ch"]
            assert isinstance(key, str)
            return key
        body = json.loads(message)
        if "reply" in body:
            return Reply(body["reply"], message, retires=body.get("retires", False))
        if "notice" in body:
            return Notice(NoticeKind(body["notice"]), body.get("text", ""), body.get("key"))
        return Ack(body["id"], body.get("error"), body.get("key"))


def number(message: bytes, received_ns: int) -> list[int]:
    return [json.loads(message)["n"]]


def channel(key: str = "trades", kind: ChannelKind = ChannelKind.TRADES, **more: Any) -> Channel[int]:
    return Channel("main", key, kind, more.pop("convert", number), **more)


class Connection:
    def __init__(self, server: Server, handler: WsHandler) -> None:
        self.server = server
        self.handler = handler
        self.last_received_ns = server.clock.monotonic_ns()
        self.keys: Counter[str] = Counter()
        self.said: list[dict[str, Any]] = []
        self.pings = 0
        self.paused = False
        self.black_hole = False
        self.closed: WsClosed | None = None
        self._bell = anyio.Event()
        self._inbox: list[bytes] = []

    async def run(self) -> WsClosed:
        while True:
            if self._inbox and not self.paused:
                messages, self._inbox = self._inbox, []
                self.last_received_ns = self.server.clock.monotonic_ns()
                self.handler.on_messages(messages, self.server.clock.now_ns())
            if self.closed is not None:
                return self.closed
            await self._bell.wait()
            self._bell = anyio.Event()

    def bring(self, *bodies: Any) -> None:
        """Let one read of the socket bring these messages."""
        if self.closed is not None or self.black_hole:
            return
        self._inbox += [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        self._bell.set()

    def cut(self, code: int = 1006) -> None:
        self.closed = self.closed or WsClosed(code, "cut")
        self._bell.set()

    async def send(self, text: str) -> None:
        await anyio.lowlevel.checkpoint()
        if self.closed is not None:
            raise ConnectionFailed("closed")
        body = json.loads(text)
        self.said.append(body)
        self.server.sent_at.append(self.server.clock.monotonic_ns() / 1e9)
        if not self.black_hole:
            self.server.on_text(self, body)

    async def ping(self, payload: bytes = b"") -> None:
        await anyio.lowlevel.checkpoint()
        self.pings += 1
        if not self.black_hole and self.closed is None:
            self.last_received_ns = self.server.clock.monotonic_ns()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await anyio.lowlevel.checkpoint()
        self.cut(code)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
        self._bell.set()


class Server:
    """Accepts sockets, answers what they say, and publishes to those that subscribed."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.connections: list[Connection] = []
        self.attempts: list[float] = []
        self.sent_at: list[float] = []
        self.refuse_connect: Callable[[int], LotusXError | None] = lambda attempt: None
        self.answer: Callable[[Connection, dict[str, Any]], Sequence[Any] | None] = lambda connection, body: None
        self.mute: set[str] = set()
        self.down = False

    async def connect(self, url: str, handler: WsHandler, **options: Any) -> Connection:
        await anyio.sleep(0.01)
        self.attempts.append(self.clock.monotonic_ns() / 1e9)
        error = self.refuse_connect(len(self.attempts))
        if error is None and self.down:
            error = ConnectionFailed("down", sent=False)
        if error is not None:
            raise error
        connection = Connection(self, handler)
        self.connections.append(connection)
        return connection

    async def aclose(self) -> None:
        """Nothing to release."""

    @property
    def open(self) -> list[Connection]:
        return [each for each in self.connections if each.closed is None]

    def on_text(self, connection: Connection, body: dict[str, Any]) -> None:
        special = self.answer(connection, body)
        if special is not None:
            connection.bring(*special)
            return
        op = body["op"]
        if op == "subscribe":
            connection.keys.update(body["keys"])
        if op == "unsubscribe":
            for key in body["keys"]:
                del connection.keys[key]
        if op == "echo":
            connection.bring({"reply": body["id"], "text": body.get("text", "")})
        elif op != "pong":
            connection.bring({"id": body["id"]})

    def publish(self, key: str, *numbers: int) -> None:
        """Let every socket that has *key* bring *numbers* in one read."""
        for connection in self.open:
            if connection.keys[key] and key not in self.mute:
                connection.bring(*[{"ch": key, "n": n} for n in numbers])

    def subscribed(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for connection in self.open:
            total += connection.keys
        return total


async def until(holds: Callable[[], bool]) -> None:
    """Wait until *holds*."""
    while not holds():  # noqa: ASYNC110 - there is nothing to wait on
        await anyio.sleep(0.01)


class Log:
    """What observers were told, by type and key."""

    def __init__(self) -> None:
        self.telemetry = Telemetry()
        self.events: list[Event] = []
        self.telemetry.observe(self.events.append)

    def states(self, key: str) -> list[str]:
        return [event.state for event in self.events if isinstance(event, StreamChanged) and event.key == key]

    def sessions(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        for event in self.events:
            if isinstance(event, SessionChanged):
                found[event.session].append(event.state)
        return found


def group(server: Server, *, codec: Codec | None = None, facts: WsFacts | None = None, **more: Any) -> WsGroup:
    return WsGroup(
        exchange="acme",
        group="main",
        url="wss://acme.test",
        transport=server,
        codec=codec or Codec(),
        facts=facts or WsFacts(control_per_s=100.0),
        clock=server.clock,
        context=lambda: SigningContext(0, 1),
        rng=more.pop("rng", None) or Random(7),
        **more,
    )
