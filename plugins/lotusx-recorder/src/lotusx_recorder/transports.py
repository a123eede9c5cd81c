"""The core's transports over a recording: sockets that bring recorded messages, answers that were recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

import anyio
from anyio.lowlevel import checkpoint

from lotusx.errors import ConnectionFailed
from lotusx.plugin import (
    Ack,
    Control,
    HttpRequest,
    HttpResponse,
    SigningContext,
    WsClosed,
    WsCodec,
    WsHandler,
)
from lotusx_recorder.errors import NotRecorded
from lotusx_recorder.reading import Answer, Frame, Question
from lotusx_recorder.timeline import Timeline

_OURS = b"\x00"  # no message of an exchange begins with it
_OUR_WORD = "replay "
_SOON_NS = 10_000_000_000
"""An answer that was recorded so long after a request belongs to it; a later one does not."""


_ONLY_CURRENT: ContextVar[bool] = ContextVar("lotusx_replay_only_current", default=False)


class NotOfNow(NotRecorded):
    """What was answered to this is older than messages that have come since, or much later than now."""


@contextmanager
def only_current() -> Iterator[None]:
    """Have what is asked in this block answered with nothing that is out of date, and told apart what may come yet."""
    token = _ONLY_CURRENT.set(True)
    try:
        yield
    finally:
        _ONLY_CURRENT.reset(token)


class ReplayCodec:
    """An exchange's dialect for what it sends; what it is asked is our own, so that any part of a recording can be."""

    def __init__(self, inner: WsCodec) -> None:
        self._route = inner.route

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """Ask for *keys*."""
        return [_OUR_WORD + json.dumps({"id": request_id, "add": list(keys)})]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """End *keys*."""
        return [_OUR_WORD + json.dumps({"id": request_id, "drop": list(keys)})]

    def log_in(self, request_id: int, context: SigningContext) -> None:
        """Nobody logs in."""

    def heartbeat(self, request_id: int) -> None:
        """A recording lives."""

    def answer(self, message: bytes) -> None:
        """Nothing is answered."""

    def route(self, message: bytes) -> str | Control:
        """Say whose *message* is, as live."""
        if not message.startswith(_OURS):
            return self._route(message)
        said = json.loads(message[1:])
        refused = said["refused"]
        return Ack(said["id"], NotRecorded(f"the recording has nothing of {', '.join(refused)}") if refused else None)


class ReplayWs:
    """The core's ``WsTransport``: the last part of an address is the group of sockets."""

    def __init__(self, channels: set[tuple[str | None, str]]) -> None:
        self._channels = channels
        self._open: list[ReplayConnection] = []
        self.timeline: Timeline

    async def connect(
        self,
        url: str,
        handler: WsHandler,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_s: float = 10.0,
        max_message_bytes: int = 16 * 1024 * 1024,
        compression: bool = False,
    ) -> ReplayConnection:
        """Open a socket. See `lotusx.plugin.WsTransport`."""
        await checkpoint()
        self.timeline.stir()
        if self.timeline.ended is not None:
            raise self.timeline.ended
        connection = ReplayConnection(self, urlsplit(url).path.strip("/"), handler)
        self._open.append(connection)
        return connection

    def wanted(self, frame: Frame) -> Sequence[ReplayConnection]:
        """Return the sockets that subscribe to what *frame* is of."""
        return [each for each in self._open if each.group == frame.group and frame.key in each.keys]

    def has(self, group: str, key: str) -> bool:
        """Whether *key* was recorded."""
        return (group, key) in self._channels or (None, key) in self._channels

    def gone(self, connection: ReplayConnection) -> None:
        """That socket is closed."""
        if connection in self._open:
            self._open.remove(connection)

    async def aclose(self) -> None:
        """Nothing is held."""


class ReplayConnection:
    """The core's ``WsConnection``."""

    def __init__(self, transport: ReplayWs, group: str, handler: WsHandler) -> None:
        self.group = group
        self.keys: set[str] = set()
        self._transport = transport
        self._timeline = transport.timeline
        self._handler = handler
        self._over = anyio.Event()
        self._error: Exception | None = None
        self._reading = anyio.Event()
        self._reading.set()
        self._timeline.join(self)

    @property
    def last_received_ns(self) -> int:
        """Now: a recording does not fall silent."""
        return self._timeline.monotonic_ns()

    async def run(self) -> WsClosed:
        """Wait for the end. What comes is handed over by the task that lets time pass."""
        try:
            await self._over.wait()
        finally:
            self._close()
        if self._error is not None:
            raise self._error
        return WsClosed(1000, "closed", clean=True)

    async def send(self, text: str) -> None:
        """Take a subscription."""
        await checkpoint()
        if self._over.is_set():
            raise ConnectionFailed("the WebSocket is closed")
        self._timeline.stir()
        if not text.startswith(_OUR_WORD):
            raise NotRecorded("a request over a WebSocket was made, and these are not recorded")
        asked = json.loads(text.removeprefix(_OUR_WORD))
        wanted = [key for key in asked.get("add", ()) if self._transport.has(self.group, key)]
        refused = [key for key in asked.get("add", ()) if key not in wanted]
        self.keys -= set(asked.get("drop", ()))
        if not refused:
            self.keys |= set(wanted)
        answer = _OURS + json.dumps({"id": asked["id"], "refused": refused}).encode()
        self._take([answer], self._timeline.now_ns())
        if wanted and not refused:
            self._timeline.begin()

    async def ping(self, payload: bytes = b"") -> None:
        """Any time is a sign of life."""
        await checkpoint()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close."""
        await checkpoint()
        self._close()

    def pause_reading(self) -> None:
        """Let time stand still until it is read again."""
        if self._reading.is_set():
            self._reading = anyio.Event()

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""
        self._reading.set()

    async def readable(self) -> None:
        """Wait until it is read. For the timeline, as the others that follow."""
        await self._reading.wait()

    def deliver(self, frames: Sequence[Frame]) -> None:
        """Hand over what arrived together."""
        self._take([frame.payload for frame in frames], frames[0].received_ns)

    def end(self, error: Exception) -> None:
        """Nothing will follow: `run` raises *error*."""
        self._error = error
        self._over.set()

    def _take(self, messages: list[bytes], received_ns: int) -> None:
        if self._over.is_set():
            return
        try:
            self._handler.on_messages(messages, received_ns)
        except Exception as error:  # `run` raises it
            self.end(error)

    def _close(self) -> None:
        self._over.set()
        self._reading.set()
        self._timeline.leave(self)
        self._transport.gone(self)


class ReplayHttp:
    """The core's ``HttpTransport``: gives what the exchange answered to the same question at about the same time."""

    def __init__(self, answers: Mapping[Question, Sequence[Answer]], timeline: Timeline) -> None:
        self._answers = answers
        self._timeline = timeline

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Return the first answer that came after now, when it came; if none did within 10 s, the newest before.

        Raises:
            NotRecorded: The question was not asked by then.
            NotOfNow: Within `only_current`, the newest before is older than the last message, or there is a later one.
        """
        await checkpoint()
        self._timeline.stir()
        parts = urlsplit(request.url)
        found = self._answers.get((request.method, parts.path, parts.query, request.body.decode()), ())
        what = f"{request.method} {parts.path}"
        if not found:
            raise NotRecorded(f"{what} was not asked, with these parameters, while the recording was made")
        now_ns = self._timeline.now_ns()
        answer = next((each for each in found if now_ns <= each.received_ns <= now_ns + _SOON_NS), None)
        if answer is None:
            answer = next((each for each in reversed(found) if each.received_ns < now_ns), None)
        if answer is None:
            later_s = (found[0].received_ns - now_ns) / 1e9
            kind = NotOfNow if _ONLY_CURRENT.get() else NotRecorded
            raise kind(f"{what} was first answered {later_s:.0f} s later than now in the recording")
        if _ONLY_CURRENT.get() and answer.received_ns < min(now_ns, self._timeline.passed_ns):
            ago_s = (now_ns - answer.received_ns) / 1e9
            raise NotOfNow(f"{what} was last answered {ago_s:.1f} s before now in the recording, and is out of date")
        await self._timeline.reach(answer.received_ns)
        self._timeline.stir()
        headers = {"content-type": answer.content_type} if answer.content_type else {}
        return HttpResponse(answer.status, headers, answer.body)

    async def aclose(self) -> None:
        """Nothing is held."""
