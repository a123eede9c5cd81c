"""Broken ways to hand events to those who read them."""

from __future__ import annotations

from typing import Any

import lotusx
from lotusx.kernel.transport import WsConnection, WsHandler
from lotusx.streams import Overflow
from rig.tamper import Broken, Passing

_LATE_NS = 300_000_000


def _one_policy(connection: lotusx.Exchange) -> None:
    """Drop the oldest, whatever was asked for."""
    wiring: Any = connection._start.__self__  # type: ignore[attr-defined]  # the mutation
    for group in wiring.groups.values():
        subscribe = group.subscribe

        def other(channel: Any, *, buffer: int = 10_000, overflow: Any = None, subscribe: Any = subscribe) -> Any:
            chosen = overflow if channel.private else Overflow.DROP_OLDEST
            return subscribe(channel, buffer=buffer, overflow=chosen)

        group.subscribe = other


class _Late(Passing):
    """A handler behind a queue that somebody else's slowness has filled."""

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        self._inner.on_messages(messages, received_ns - _LATE_NS)


class _Behind(Passing):
    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        late: Any = _Late(handler)
        connection: WsConnection = await self._inner.connect(url, late, **settings)
        return connection


BROKEN = (
    Broken(
        "one policy for all",
        "I13",
        "the size and the policy that were asked for are ignored",
        (),
        opened=_one_policy,
        scenario="slow consumers",
    ),
    Broken(
        "one queue for all",
        "I13",
        "events wait behind those of a slow reader",
        (),
        ws=_Behind,
        scenario="slow consumers",
    ),
)
