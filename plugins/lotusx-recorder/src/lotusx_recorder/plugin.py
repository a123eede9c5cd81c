"""The plugin: hears what a connection's public streams and reads bring, and writes it down."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from lotusx.errors import ConfigurationError
from lotusx.model.market_data import BookUpdate, OrderBook
from lotusx.plugin import (
    ChannelKind,
    Effect,
    Event,
    EventsDelivered,
    FrameSent,
    FramesReceived,
    Request,
    Response,
    SessionChanged,
    StreamChanged,
    hookimpl,
)
from lotusx_recorder.sinks import Origin, ParquetSink, Sink
from lotusx_recorder.tables import ANSWERS, EVENTS, FRAMES, STATES, Row, event_rows
from lotusx_recorder.writing import Count, Writer

logger = logging.getLogger("lotusx.recorder")

_KNOWN = ("to", "raw", "events", "flush_s", "rotate_s", "rotate_mb", "queue_mb")
SINKS = "lotusx.recorder_sinks"
"""Entry point group of sinks: the scheme of an address, and what makes a `Sink` of the address."""
_SPLIT_PASSWORD = re.compile(r"[^/?#]*:[^/?#]*[/?#].*@")
_ROW_BYTES, _LEVEL_BYTES = 512, 128
_BOOKS = (EVENTS[BookUpdate], EVENTS[OrderBook])
_PAPER = "paper:"  # orders on paper change nothing of what is public: it is the environment's own
_HARMLESS = ("accept", "content-type", "user-agent")
_IN, _OUT = "in", "out"

Following = Callable[[Request], Awaitable[Response]]


class Recorder:
    """Records one connection.

    Nothing of an account is recorded, and nothing secret can be: neither signed requests nor those that carry a key,
    neither log-ins nor sockets of an account. See docs/recording.md.

    Args:
        options: ``to`` (a folder, or the address of another sink), ``raw`` (messages and answers as they came; true),
            ``events`` (typed ones; true), ``flush_s`` (5: a process that is killed loses so many seconds), ``rotate_s``
            (120) and ``rotate_mb`` (32) of a file, ``queue_mb`` (256: what may wait for the disk; more is lost and
            counted).
        sink: Takes the rows, in the place of Parquet files.
        now_ns: Our wall time, for answers and states; messages have the time of their arrival.
    """

    def __init__(
        self,
        options: Mapping[str, Any] | None = None,
        /,
        *,
        sink: Sink | None = None,
        now_ns: Callable[[], int] = time.time_ns,
        **more: Any,
    ) -> None:
        chosen = _Options({**(options or {}), **more}, with_sink=sink is not None)
        self._raw, self._events = chosen.raw, chosen.events
        self._now_ns = now_ns
        if sink is None:
            sink = _sink(chosen)
        max_bytes = int(chosen.queue_mb * 2**20)
        self._writer = Writer(sink, max_bytes=max_bytes, flush_s=chosen.flush_s, now_ns=now_ns)
        self._seq = 0
        self._used = False
        self._public: set[tuple[str, int]] = set()

    @property
    def problem(self) -> str:
        """Why nothing can be written now; empty: it can. Trading goes on either way."""
        return self._writer.problem

    def counts(self) -> Mapping[str, Count]:
        """Return what became of the rows of every table so far."""
        return self._writer.counts()

    def close(self, timeout_s: float = 10.0) -> bool:
        """Wait until what was heard is written; return whether it is. The end of the connection waits two seconds."""
        return self._writer.close(timeout_s)

    @hookimpl
    def lotusx_observer(self, exchange: str) -> Callable[[Event], None]:
        """Hear what happens."""
        return _Ear(self._hear)

    @hookimpl
    def lotusx_lifespan(self, exchange: str, environment: str) -> AbstractAsyncContextManager[object]:
        """Write for as long as the connection is open."""
        return self._opened(exchange, environment.removeprefix(_PAPER))

    @hookimpl
    def lotusx_rest_middleware(self, exchange: str) -> Callable[[Request, Following], Awaitable[Response]] | None:
        """Hear the answers to public reads."""
        return self._answered if self._raw else None

    @asynccontextmanager
    async def _opened(self, exchange: str, environment: str) -> AsyncIterator[None]:
        if self._used:
            raise ConfigurationError("a Recorder records one connection: make another one for the next")
        self._used = True
        run = f"{time.time_ns():020d}-{os.urandom(3).hex()}"
        try:
            self._writer.start(Origin(exchange, environment, run))
        except OSError as error:
            raise ConfigurationError(f"[recorder] nothing can be recorded there: {error}") from error
        try:
            yield
        finally:
            is_over = False
            try:
                is_over = await anyio.to_thread.run_sync(self._writer.close, abandon_on_cancel=True)
            finally:  # the connection waits no longer, or whoever closes it does not
                if not is_over:
                    logger.error("the recording was not yet written when the connection had closed")

    def _next(self, rows: int) -> int:
        seq = self._seq
        self._seq += rows
        return seq

    def _hear(self, event: object) -> None:
        match event:
            case FramesReceived():
                self._public.add((event.group, event.session))
                if not self._raw:
                    return
                size = sum(map(len, event.messages)) + _ROW_BYTES
                seq = self._next(len(event.messages))
                self._writer.put(FRAMES, len(event.messages), size, lambda: _frames(seq, event))
            case EventsDelivered() if self._events:
                self._delivered(event)
            case FrameSent() if self._raw:
                seq = self._next(1)
                row = (seq, event.sent_ns, event.group, event.session, _OUT, "", "", event.text)
                self._writer.put(FRAMES, 1, len(event.text) + _ROW_BYTES, lambda: [row])
            case SessionChanged():
                known = (event.group, event.session) in self._public  # else it may be a socket of an account
                self._state("session", event.group, event.session, "", event.state, event.reason if known else "")
            case StreamChanged() if event.kind != ChannelKind.ACCOUNT.value:
                self._state("stream", "", None, event.key, event.state, event.reason)
            case _:
                pass

    def _delivered(self, event: EventsDelivered) -> None:
        events = tuple(event.events)
        table = EVENTS.get(type(events[0]), "other")
        seq = self._next(len(events))
        levels = sum(len(each.bids) + len(each.asks) for each in events) if table in _BOOKS else 0
        size = len(events) * _ROW_BYTES + levels * _LEVEL_BYTES
        self._writer.put(table, len(events), size, lambda: event_rows(seq, events))

    def _state(self, what: str, group: str, session: int | None, key: str, state: str, reason: str) -> None:
        row = (self._next(1), self._now_ns(), what, group, session, key, state, reason)
        self._writer.put(STATES, 1, _ROW_BYTES, lambda: [row])

    async def _answered(self, request: Request, following: Following) -> Response:
        sent_ns = self._now_ns()
        response = await following(request)
        if is_public(request):
            received_ns, seq = self._now_ns(), self._next(1)
            size = len(request.body) + len(response.body) + _ROW_BYTES
            self._writer.put(ANSWERS, 1, size, lambda: [_answer(seq, sent_ns, received_ns, request, response)])
        return response


class _Ear:
    """An observer that hears streams."""

    hears_streams = True

    def __init__(self, hear: Callable[[object], None]) -> None:
        self._hear = hear

    def __call__(self, event: Event) -> None:
        self._hear(event)


def is_public(request: Request) -> bool:
    """Whether anybody could have sent *request*: it reads, is not signed and carries no key."""
    carries_nothing = all(name.lower() in _HARMLESS for name, _ in request.headers)
    return request.effect is Effect.READ and not request.signed and carries_nothing


def _frames(seq: int, heard: FramesReceived) -> list[Row]:
    at_ns, group, session, key, kind = heard.received_ns, heard.group, heard.session, heard.key, heard.kind.value
    return [
        (seq + place, at_ns, group, session, _IN, key, kind, message.decode())
        for place, message in enumerate(heard.messages)
    ]


def _answer(seq: int, sent_ns: int, received_ns: int, request: Request, response: Response) -> Row:
    parts = urlsplit(request.url)
    return (
        seq, sent_ns, received_ns, request.verb.value, parts.path, parts.query, request.body.decode(),
        response.status, response.headers.get("content-type", ""), response.body.decode(),
    )  # fmt: skip


class _Options:
    def __init__(self, given: Mapping[str, Any], *, with_sink: bool) -> None:
        for name in given:
            if name not in _KNOWN:
                raise ConfigurationError(f"[recorder] has an unknown key {name!r} (known: {', '.join(_KNOWN)})")
        to = given.get("to")
        if not with_sink and (not isinstance(to, str | Path) or not str(to).strip()):
            raise ConfigurationError(f"[recorder] to must be the folder of the recording, not {to!r}")
        self.to = str(to)
        self.raw, self.events = (_flag(given, name) for name in ("raw", "events"))
        self.flush_s = _number(given, "flush_s", 5.0)
        self.rotate_s = _number(given, "rotate_s", 120.0)
        self.rotate_mb = _number(given, "rotate_mb", 32.0)
        self.queue_mb = _number(given, "queue_mb", 256.0)


def _sink(chosen: _Options) -> Sink:
    """Return what writes to ``to``: a folder, or an address whose scheme an installed sink serves."""
    scheme, mark, address = chosen.to.partition("://")
    if not mark:
        folder = Path(chosen.to).expanduser()
        return ParquetSink(folder, rotate_s=chosen.rotate_s, rotate_bytes=int(chosen.rotate_mb * 2**20))
    if _SPLIT_PASSWORD.match(address):  # a part of it would be taken for the host, and shown
        raise ConfigurationError("[recorder] / ? # and @ in a password in to are written %2F %3F %23 and %40")
    points = {point.name: point for point in entry_points(group=SINKS)}
    if scheme not in points:
        known = ", ".join(sorted(points)) or "none"
        raise ConfigurationError(f"[recorder] no installed sink serves {scheme}:// (installed: {known})")
    try:
        made: Sink = points[scheme].load()(chosen.to)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"[recorder] {scheme}:// needs one more package ({error}); for Redis, NATS and Kafka: pip install "
            "'lotusx-recorder[redis]', 'lotusx-recorder[nats]' or 'lotusx-recorder[kafka]'"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"[recorder] to is no address of a {scheme}:// sink") from error
    return made


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, True)
    if not isinstance(value, bool):
        raise ConfigurationError(f"[recorder] {name} must be true or false, not {value!r}")
    return value


def _number(given: Mapping[str, Any], name: str, usual: float) -> float:
    value = given.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ConfigurationError(f"[recorder] {name} must be a number above 0, not {value!r}")
    return float(value)
