"""The plugin: writes down every order command, what came of it, and by what evidence."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from lotusx.errors import ConfigurationError, OrderVetoed
from lotusx.model import OrderRequest
from lotusx.plugin import Effect, Event, Origin, Request, Response, hookimpl
from lotusx_audit.log import AuditError, AuditLog, fsync_all
from lotusx_audit.records import command_content, content_of

logger = logging.getLogger("lotusx.audit")

_KNOWN = ("file", "fsync", "max_mb")
_FSYNC = ("always", "second", "never")
_SYNC_S = 1.0
Next = Callable[[Request], Awaitable[Response]]


class Audit:
    """One connection's audit log.

    Args:
        options: The table ``[audit]``: ``file`` (its path), ``fsync`` (``always``: each record is on the disk before
            the order is sent, and everything waits for that; ``second``, the default: once a second; ``never``: when
            the connection closes), ``max_mb`` (a file of so many megabytes is set aside; 64).
        now_ns: Wall time.

    An order, amendment or native command is refused while the log cannot be written; a cancel never is.
    """

    def __init__(
        self, options: Mapping[str, Any] | None = None, /, *, now_ns: Callable[[], int] = time.time_ns, **more: Any
    ) -> None:
        self._path, self._fsync, self._max_bytes = _read({**(options or {}), **more})
        self._now_ns = now_ns
        self._log: AuditLog | None = None
        self._session = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._where: dict[str, str] = {}
        self._lost = 0
        self._commands = 0
        self._failure = ""

    @hookimpl
    def lotusx_lifespan(self, exchange: str) -> AbstractAsyncContextManager[object]:
        """Keep the file open for as long as the connection is."""
        return self._opened()

    @hookimpl
    def lotusx_observer(self, exchange: str, environment: str, account: str | None) -> Callable[[Event], None]:
        """Write down what happens to orders."""
        self._where = {"exchange": exchange, "environment": environment, "session": self._session}
        if account is not None:
            self._where["account"] = account
        return self._observe

    @hookimpl
    def lotusx_before_order(self, request: OrderRequest) -> None:
        """Refuse an order that could not be written down.

        Raises:
            OrderVetoed: The log cannot be written; ``rule`` is ``audit``.
        """
        if self._failure and not self._append([]):
            raise OrderVetoed(f"{request.symbol}: the audit log cannot be written: {self._failure}", rule="audit")

    @hookimpl
    def lotusx_rest_middleware(self, exchange: str) -> Callable[[Request, Next], Awaitable[Response]]:
        """Write down commands that are no orders' and how they ended: leverage, transfers, all of native calls."""
        return self._around

    async def _around(self, request: Request, following: Next) -> Response:
        if request.effect is Effect.READ or request.origin is Origin.ORDER:
            return await following(request)
        self._commands += 1
        number = self._commands
        if not self._append([{"type": "command", "number": number, **command_content(request)}]):
            if request.origin is Origin.NATIVE:  # it may be an order
                raise OrderVetoed(f"{request.name}: the audit log cannot be written: {self._failure}", rule="audit")
            self._lost += 1
        try:
            response = await following(request)
        except BaseException as error:
            self._ended(number, {"error": type(error).__name__, "reason": str(error)})
            raise
        self._ended(number, {"status": response.status})
        return response

    def _ended(self, number: int, how: dict[str, Any]) -> None:
        if not self._append([{"type": "command_ended", "number": number, **how}]):
            self._lost += 1

    def _observe(self, event: object) -> None:
        content = content_of(event)
        if content is not None and not self._append([content]):
            self._lost += 1

    def _append(self, contents: list[dict[str, Any]]) -> bool:
        if self._log is None:
            self._failure = "it is not open"
            return False
        gap = [{"type": "gap", "lost": self._lost, "reason": self._failure}] if self._failure else []
        at_ns = self._now_ns()
        try:
            self._log.append([{"at_ns": at_ns, **self._where, **content} for content in (*gap, *contents)])
        except (OSError, AuditError) as error:
            self._fail(str(error) if isinstance(error, AuditError) else error.strerror or str(error))
            return False
        if self._failure:
            logger.warning("the audit log %s is written again; %d records are missing", self._path, self._lost)
            self._failure, self._lost = "", 0
        return True

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        log = AuditLog(self._path, synced=self._fsync == "always", max_bytes=self._max_bytes)
        self._log = log
        try:
            async with anyio.create_task_group() as tasks:
                if self._fsync == "second":
                    tasks.start_soon(self._keep_synced, log)
                yield
                tasks.cancel_scope.cancel()
        finally:
            self._log = None
            log.close()

    async def _keep_synced(self, log: AuditLog) -> None:
        while True:
            await anyio.sleep(_SYNC_S)
            descriptors = log.unsynced()
            if descriptors:
                try:
                    await anyio.to_thread.run_sync(fsync_all, descriptors)
                except OSError as error:
                    self._fail(error.strerror or str(error))

    def _fail(self, reason: str) -> None:
        if not self._failure:
            logger.error("the audit log %s cannot be written: %s", self._path, reason)
        self._failure = reason


def _read(options: Mapping[str, Any]) -> tuple[Path, str, int]:
    for name in options:
        if name not in _KNOWN:
            raise ConfigurationError(f"[audit] has an unknown key {name!r} (known: {', '.join(_KNOWN)})")
    file, fsync, max_mb = options.get("file"), options.get("fsync", "second"), options.get("max_mb", 64)
    if not isinstance(file, str | Path) or not str(file).strip():
        raise ConfigurationError(f"[audit] file must be the path of the log, not {file!r}")
    if fsync not in _FSYNC:
        raise ConfigurationError(f"[audit] fsync must be one of {', '.join(_FSYNC)}, not {fsync!r}")
    if isinstance(max_mb, bool) or not isinstance(max_mb, int) or max_mb < 1:
        raise ConfigurationError(f"[audit] max_mb must be a whole number of at least 1, not {max_mb!r}")
    return Path(file).expanduser(), fsync, max_mb << 20
