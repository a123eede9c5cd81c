"""The file behind a journal: one SQLite database for any number of accounts, connections and processes.

Blocking, and of one thread at a time; `lotusx.orders.sqlite_journal` keeps it off the event loop. Why it is built so
stands in docs/decisions/0008.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from lotusx.errors import JournalFailed, LotusXError
from lotusx.filelock import try_lock
from lotusx.orders.journal import Intent
from lotusx.orders.journal_codec import from_text, to_text

logger = logging.getLogger("lotusx.orders")

KEEP_S = 24 * 3600
"""How long an intent is kept after proof of its outcome."""
KEEP_UNDECIDED_S = 30 * 24 * 3600
"""How long one is kept that nothing has ever proved; then it is dropped, and the log says so."""
BUSY_S = 10.0

_APPLICATION = 0x4C6F7458
_VERSION = 1
_SCHEMA = f"""
CREATE TABLE intent (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,            -- exchange, environment and account; nothing secret
    session TEXT NOT NULL,          -- who answers for it
    kind TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    asked_ns INTEGER NOT NULL,      -- wall time
    content TEXT NOT NULL,          -- the request, the amendment, the ids: JSON
    outcome TEXT,                   -- accepted, rejected, unknown
    evidence TEXT,                  -- JSON list of sentences
    ended_ns INTEGER                -- when there was proof; NULL: there is none
) STRICT;
CREATE INDEX undecided ON intent (client_order_id, asked_ns) WHERE ended_ns IS NULL;
CREATE INDEX ended ON intent (ended_ns) WHERE ended_ns IS NOT NULL;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""
_UNREADABLE = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, LotusXError)
_OF_ONE_WRITE = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""SQLite's errors that concern what was to be written; the others concern the file, and with it all that is."""
_DECIDED = ("accepted", "rejected")

Write = Callable[[sqlite3.Connection], None]


class JournalStore:
    """An open journal.

    Args:
        scope: Whose intents this is about: exchange, environment and account.
        session: Names whoever opened it; unique, and part of a file name.
        now_ns: Wall time.
        busy_s: How long to wait for another process that writes.
        survives_power_loss: Whether a written intent survives the end of the machine, or only that of the process.

    Raises:
        JournalFailed: It cannot be opened, is damaged, or is no journal of this version.
    """

    def __init__(
        self,
        path: Path,
        scope: str,
        session: str,
        now_ns: int,
        *,
        survives_power_loss: bool = True,
        busy_s: float = BUSY_S,
    ) -> None:
        self.path = path
        self._scope = scope
        self._session = session
        self._busy_s = busy_s
        self._lock: IO[bytes] | None = None
        try:
            # Before SQLite makes it: what was traded is nobody else's business.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._lock = self._lock_path(session).open("xb")
            try_lock(self._lock)
        except OSError as error:
            self._unlock()
            raise JournalFailed(f"the order journal {path} cannot be opened: {error}") from error
        with self._reported("opened"):
            self._db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
        try:
            with self._reported("opened"):
                self._open(survives_power_loss)
                self._prune(now_ns)
        except BaseException:
            self.close()
            raise

    def write(self, writes: Sequence[Write]) -> list[JournalFailed | None]:
        """Carry out *writes* in one transaction; those for which no error is returned last then.

        Raises:
            JournalFailed: The disk is full, the file is damaged or locked for too long. None of them was carried out.
        """
        failed: list[JournalFailed | None] = []
        with self._reported("written"), self._transaction():
            for one in writes:
                try:
                    one(self._db)
                    failed.append(None)
                except Exception as error:
                    if isinstance(error, sqlite3.Error) and not isinstance(error, _OF_ONE_WRITE):
                        raise
                    failed.append(JournalFailed(f"the order journal {self.path} cannot hold it: {error}"))
        return failed

    def intend(self, intent: Intent) -> Write:
        """Return the write that keeps *intent*."""
        row = (
            self._scope, self._session, intent.kind.value, intent.client_order_id, str(intent.symbol), intent.asked_ns,
            to_text(intent),
        )  # fmt: skip

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO intent (scope, session, kind, client_order_id, symbol, asked_ns, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

        return write

    def conclude(self, intent: Intent, outcome: str, evidence: Sequence[str], now_ns: int) -> Write:
        """Return the write that notes how *intent* ended."""
        ended_ns = now_ns if outcome in _DECIDED else None
        row = (
            outcome, json.dumps(list(evidence)), ended_ns, intent.client_order_id, intent.asked_ns, intent.kind.value,
            self._session,
        )  # fmt: skip

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE intent SET outcome = ?, evidence = ?, ended_ns = ?"
                " WHERE client_order_id = ? AND asked_ns = ? AND ended_ns IS NULL AND kind = ? AND session = ?",
                row,
            )

        return write

    def adopt(self) -> list[Intent]:
        """Take over the undecided intents of this account whose owners have ended; return them, oldest first."""
        with self._reported("read"), self._transaction():
            owners = self._db.execute(
                "SELECT DISTINCT session FROM intent WHERE ended_ns IS NULL AND scope = ? AND session != ?",
                (self._scope, self._session),
            )
            gone = [owner for (owner,) in owners.fetchall() if not self._lives(owner)]
            for owner in gone:
                self._db.execute(
                    "UPDATE intent SET session = ? WHERE ended_ns IS NULL AND scope = ? AND session = ?",
                    (self._session, self._scope, owner),
                )
            rows = self._db.execute(
                "SELECT kind, client_order_id, symbol, asked_ns, content FROM intent"
                " WHERE ended_ns IS NULL AND scope = ? AND session = ? ORDER BY asked_ns, id",
                (self._scope, self._session),
            ).fetchall()
            try:
                return [from_text(*row) for row in rows]
            except _UNREADABLE as error:
                raise JournalFailed(_damaged(self.path, f"an intent cannot be read: {error}")) from error

    def prune(self, now_ns: int) -> None:
        """Drop what ended longer than `KEEP_S` ago. Its pages are used again, so the file stops growing."""
        with self._reported("written"):
            self._prune(now_ns)
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Close the file. What is undecided is taken over by whoever opens it next for this account."""
        self._db.close()
        self._unlock()

    def _open(self, survives_power_loss: bool) -> None:
        db = self._db
        if db.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise JournalFailed(
                f"the order journal {self.path} is on a file system that cannot share it: use a local one"
            )
        db.execute(f"PRAGMA synchronous = {'FULL' if survives_power_loss else 'NORMAL'}")
        with self._transaction():
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables and not version:
                for statement in _SCHEMA.split(";\n"):
                    db.execute(statement)
            elif application != _APPLICATION:
                raise JournalFailed(f"{self.path} is a database, but no order journal: name another file")
            elif version != _VERSION:
                raise JournalFailed(
                    f"the order journal {self.path} has version {version}, and this LotusX writes version {_VERSION}: "
                    "use the LotusX that wrote it, or name another file once nothing is open"
                )
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise JournalFailed(_damaged(self.path, found))

    def _prune(self, now_ns: int) -> None:
        with self._transaction():
            self._db.execute("DELETE FROM intent WHERE ended_ns < ?", (now_ns - KEEP_S * 1_000_000_000,))
            old_ns = now_ns - KEEP_UNDECIDED_S * 1_000_000_000
            lost = self._db.execute(
                "DELETE FROM intent WHERE ended_ns IS NULL AND asked_ns < ? RETURNING scope, kind, client_order_id",
                (old_ns,),
            ).fetchall()
        for scope, kind, name in lost:
            logger.warning("nothing has ever proved how the %s of %s (%s) ended: it is dropped", kind, name, scope)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled back already
                self._db.execute("ROLLBACK")
            raise
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        try:
            yield
        except JournalFailed:
            raise
        except Exception as error:  # whatever it is, it must not end those who wait for the next write
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                text = _damaged(self.path, str(error))
            elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                text = f"another process has kept the order journal {self.path} locked for {self._busy_s:g} s"
            else:
                text = f"the order journal {self.path} cannot be {what}: {error}"
            raise JournalFailed(text) from error

    def _lock_path(self, session: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{session}.lock")

    def _lives(self, session: str) -> bool:
        """Whether the process behind *session* still runs: then it finds out by itself."""
        path = self._lock_path(session)
        try:
            with path.open("r+b") as file:
                if not try_lock(file):
                    return True
        except OSError:
            return False
        path.unlink(missing_ok=True)
        return False

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock_path(self._session).unlink(missing_ok=True)
            self._lock = None


def _damaged(path: Path, what: str) -> str:
    return (
        f"the order journal {path} is damaged ({' '.join(what.split())}). Move it away to start a new one; what it "
        "knew of orders in doubt is lost then: compare the open orders and fills of the account by hand"
    )
