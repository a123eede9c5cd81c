"""Broken transports."""

from __future__ import annotations

from typing import Any

import anyio

from lotusx.kernel.transport import WsConnection, WsHandler, WsTransport
from rig.tamper import Broken, Passing


class _Immortal(Passing):
    """A connection that claims to have heard something just now, whenever it is asked."""

    def __init__(self, inner: Any, now_ns: Any) -> None:
        super().__init__(inner)
        self._now_ns = now_ns

    @property
    def last_received_ns(self) -> int:
        return int(self._now_ns())


class _NeverDead(Passing):
    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        connection = await self._inner.connect(url, handler, **settings)
        alive: Any = _Immortal(connection, lambda: round(anyio.current_time() * 1e9))
        return alive  # type: ignore[no-any-return]  # stands in for a connection


class _Lossy(Passing):
    """A handler that loses every tenth read of the socket."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._reads = 0

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        self._reads += 1
        if self._reads % 10:
            self._inner.on_messages(messages, received_ns)


class _Doubling(Passing):
    """A handler that is fed by a second subscription that nobody ended."""

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        self._inner.on_messages(messages, received_ns)
        self._inner.on_messages([message for message in messages if b"trade" in message[:40]], received_ns)


class _Wrapping(Passing):
    def __init__(self, inner: WsTransport, kind: type[Passing], *, first: bool) -> None:
        super().__init__(inner)
        self._kind = kind
        self._opened = 0
        self._first = first

    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        self._opened += 1
        wrapped: Any = self._kind(handler) if self._first or self._opened > 3 else handler
        connection: WsConnection = await self._inner.connect(url, wrapped, **settings)
        return connection


BROKEN = (
    Broken(
        "a socket that is never dead",
        "I01",
        "no deadline for silence: it waits for TCP, which takes minutes",
        ("black hole",),
        ws=_NeverDead,
    ),
    Broken(
        "messages are lost below the count",
        "I14",
        "a queue between socket and stream drops what it cannot hold, and says nothing",
        ("nothing",),
        ws=lambda inner: _Wrapping(inner, _Lossy, first=True),
    ),
    Broken(
        "a second subscription after a reconnect",
        "I04",
        "the subscriptions of before are sent again beside the restored ones: every event comes twice",
        ("cut all", "cut all"),
        ws=lambda inner: _Wrapping(inner, _Doubling, first=False),
        exchanges=(
            "binance",
        ),  # where a new subscription begins with what is known, its channel leaves repetitions out
    ),
)
