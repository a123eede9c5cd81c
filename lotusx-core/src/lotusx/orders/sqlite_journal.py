"""A journal on disk: intents last before they are sent, and the event loop never waits for the disk."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from lotusx.errors import JournalFailed
from lotusx.orders.journal import Intent
from lotusx.orders.journal_store import JournalStore, Write

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock

logger = logging.getLogger("lotusx.orders")

MAX_WAITING = 10_000
"""Intents and outcomes that may wait for the disk; more are refused at once."""
PRUNE_EVERY_NS = 3600 * 1_000_000_000


class _Entry:
    """One write, and who waits for it."""

    __slots__ = ("done", "error", "what", "write")

    def __init__(self, write: Write, what: str | None) -> None:
        self.write = write
        self.what = what  # whose outcome it is; None: somebody waits for it
        self.done = anyio.Event()
        self.error: JournalFailed | None = None


class SqliteJournal:
    """The journal of one account in a SQLite file, which others may share.

    Whatever waits is written in one transaction, so that a batch costs what one order costs. Outcomes are waited for by
    nobody: one that is lost with the process is found out again.

    Args:
        scope: Exchange, environment and account, as text without secrets.
        session: Unique to this journal object among all that open the file.
        survives_power_loss: Whether an intent survives the end of the machine, or only that of the process (faster).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        scope: str,
        clock: Clock,
        *,
        session: str,
        survives_power_loss: bool = True,
    ) -> None:
        self._path = Path(path).expanduser()
        self._scope = scope
        self._clock = clock
        self._session = session
        self._survives_power_loss = survives_power_loss
        self._store: JournalStore | None = None
        self._waiting: list[_Entry] = []
        self._filled = anyio.Event()
        self._limiter = anyio.CapacityLimiter(1)  # of its own: the program's threads may all be taken
        self._pruned_ns = 0

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Open the file, then write until cancelled; what waits then is still written.

        Raises:
            JournalFailed: It cannot be opened.
        """
        self._pruned_ns = self._clock.now_ns()
        opened = partial(
            JournalStore, self._path, self._scope, self._session, self._pruned_ns,
            survives_power_loss=self._survives_power_loss,
        )  # fmt: skip
        with anyio.CancelScope(shield=True):  # or nobody would close it
            store = self._store = await anyio.to_thread.run_sync(opened, limiter=self._limiter)
        try:
            task_status.started()
            while True:
                await self._filled.wait()
                await self._write(store)
                await self._prune(store)
        finally:
            self._store = None
            with anyio.CancelScope(shield=True):  # a thread cannot be left half way, only waited for
                await self._write(store)
                await anyio.to_thread.run_sync(store.close, limiter=self._limiter)

    async def undecided(self) -> Sequence[Intent]:
        """Take over what ended processes have left undecided for this account; oldest first."""
        return await anyio.to_thread.run_sync(self._opened().adopt, limiter=self._limiter)

    async def intend(self, intent: Intent) -> None:
        """Keep *intent*; return when it lasts.

        Raises:
            JournalFailed: It does not; the text says why. The command must not be sent.
        """
        entry = self._add(self._opened().intend(intent), None)
        await entry.done.wait()
        if entry.error is not None:
            raise entry.error

    async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None:
        """Note how it ended, with the next write."""
        write = self._opened().conclude(intent, outcome, evidence, self._clock.now_ns())
        self._add(write, intent.client_order_id)

    def _opened(self) -> JournalStore:
        if self._store is None:
            raise JournalFailed(f"the order journal {self._path} is not open: the connection has ended")
        return self._store

    def _add(self, write: Write, what: str | None) -> _Entry:
        if len(self._waiting) >= MAX_WAITING:
            raise JournalFailed(f"{MAX_WAITING} writes wait for the order journal {self._path} already")
        entry = _Entry(write, what)
        self._waiting.append(entry)
        self._filled.set()
        return entry

    async def _write(self, store: JournalStore) -> None:
        entries, self._waiting = self._waiting, []
        self._filled = anyio.Event()
        if not entries:
            return
        closed = JournalFailed(f"the order journal {self._path} was closed before it was written")
        errors: list[JournalFailed | None] = [closed] * len(entries)
        try:
            write = partial(store.write, [entry.write for entry in entries])
            with anyio.CancelScope(shield=True):
                errors = await anyio.to_thread.run_sync(write, limiter=self._limiter)
        except JournalFailed as failed:
            errors = [failed] * len(entries)
        finally:
            for entry, error in zip(entries, errors, strict=True):
                entry.error = error
                entry.done.set()
                if error is not None and entry.what is not None:
                    logger.error("how %s ended is not in the journal, and is found out again: %s", entry.what, error)

    async def _prune(self, store: JournalStore) -> None:
        now_ns = self._clock.now_ns()
        if now_ns - self._pruned_ns < PRUNE_EVERY_NS:
            return
        self._pruned_ns = now_ns
        try:
            await anyio.to_thread.run_sync(store.prune, now_ns, limiter=self._limiter)
        except JournalFailed as error:
            logger.warning("the order journal could not be pruned: %s", error)
