"""Broken ways to end."""

from __future__ import annotations

from typing import Any

import anyio

from lotusx.kernel.transport import WsClosed, WsConnection, WsHandler
from rig.tamper import Broken, Passing

_LINGERS_S = 5.0


class _Lingering(Passing):
    """A connection that waits for the other side's goodbye, whoever is in a hurry."""

    async def run(self) -> WsClosed:
        try:
            closed: WsClosed = await self._inner.run()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(_LINGERS_S)
        return closed


class _Patient(Passing):
    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        lingering: Any = _Lingering(await self._inner.connect(url, handler, **settings))
        return lingering  # type: ignore[no-any-return]  # stands in for a connection


BROKEN = (
    Broken(
        "closing waits for an answer",
        "I24",
        "clean-up blocks, whatever cancels it",
        (),
        ws=_Patient,
        scenario="shutdown",
    ),
)
