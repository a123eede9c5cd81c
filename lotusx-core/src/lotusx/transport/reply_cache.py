"""Replies to the questions that make up the list of instruments, kept on disk for a stated time.

The bytes are kept as they came, so that the plugin reads them as ever. Only what is asked while the list is being
fetched, needs no signature and succeeded is kept; a list that is asked for again, because something unknown turned up,
is always fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from pathlib import Path

import anyio.to_thread

from lotusx.kernel.clock import Clock
from lotusx.kernel.transport import HttpRequest, HttpResponse, HttpTransport
from lotusx.model.instruments import Instrument

logger = logging.getLogger("lotusx.transport")

_MODE: ContextVar[str] = ContextVar("lotusx_reply_cache", default="off")
_KEPT_HEADERS = ("content-type",)


class ReplyCache:
    """An HTTP transport that answers from disk while the list of instruments is fetched for the first time."""

    def __init__(self, inner: HttpTransport, folder: Path, lifetime_s: float, clock: Clock) -> None:
        """Keep replies in *folder*, fresh for *lifetime_s*."""
        self._inner = inner
        self._folder = folder
        self._lifetime_ns = int(lifetime_s * 1e9)
        self._clock = clock
        self._fetched = False

    def around(
        self, fetch: Callable[[], Awaitable[Sequence[Instrument]]]
    ) -> Callable[[], Awaitable[Sequence[Instrument]]]:
        """Return *fetch*, its requests cached."""

        async def fetched() -> Sequence[Instrument]:
            token = _MODE.set("write" if self._fetched else "read")
            try:
                found = await fetch()
            finally:
                _MODE.reset(token)
            self._fetched = True
            return found

        return fetched

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Answer from disk where that is wanted and fresh, or else send *request*."""
        mode = _MODE.get()
        if mode == "off":
            return await self._inner.send(request, timeout_s=timeout_s)
        path = self._folder / f"{_name(request)}.json"
        if mode == "read":
            kept = await anyio.to_thread.run_sync(self._read, path)
            if kept is not None:
                return kept
        reply = await self._inner.send(request, timeout_s=timeout_s)
        if 200 <= reply.status < 300:
            await anyio.to_thread.run_sync(self._write, path, reply)
        return reply

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._inner.aclose()

    def _read(self, path: Path) -> HttpResponse | None:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            age_ns = self._clock.now_ns() - int(kept["at_ns"])
            if not 0 <= age_ns < self._lifetime_ns:
                return None
            return HttpResponse(int(kept["status"]), dict(kept["headers"]), base64.b64decode(kept["body"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s cannot be used (%s); the list is fetched", path, type(error).__name__)
            return None

    def _write(self, path: Path, reply: HttpResponse) -> None:
        document = {
            "at_ns": self._clock.now_ns(),
            "status": reply.status,
            "headers": {name: value for name, value in reply.headers.items() if name in _KEPT_HEADERS},
            "body": base64.b64encode(reply.body).decode("ascii"),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, suffix=".new")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file)
            Path(name).replace(path)
        except OSError as error:  # without it everything works, only slower
            logger.warning("%s cannot be written (%s)", path, error.strerror)


def _name(request: HttpRequest) -> str:
    """Return a name for the whole question; headers count, since some exchanges choose an environment by them."""
    parts = (request.method, request.url, repr(sorted(request.headers)), request.body.hex())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
