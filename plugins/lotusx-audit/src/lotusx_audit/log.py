"""The file: append-only, chained, shared by any number of writers, and whole again after a crash.

Beside ``FILE`` stand ``FILE.head``, which names its newest record so that cutting records off is noticed,
``FILE.lock``, which writers hold while they write, and ``FILE.1``, ``FILE.2``, …, what was full, oldest first.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from lotusx.errors import ConfigurationError
from lotusx.filelock import try_lock, unlock
from lotusx_audit.chain import Link, link_of, read, seal

LOCK_S = 1.0
"""How long to wait for another writer."""
_PAUSE_S = 0.001
_TAIL = 1 << 20
_HEAD_BYTES = 128
_SHOWN = 2_000


class AuditError(ConfigurationError):
    """The audit log cannot be read or written; the text says why, and what to do."""


class AuditLog:
    """Appends records to *path*. Not for use from several threads.

    A record is handed to the operating system before `append` returns: it survives the process. What survives the
    machine is decided by *synced* and `sync`.

    Args:
        synced: Whether each record is on the disk before `append` returns.
        max_bytes: The file is set aside, and a new one begun, when it has reached this size.
    """

    def __init__(self, path: Path, *, synced: bool = False, max_bytes: int = 64 << 20) -> None:
        self.path = path
        self._synced = synced
        self._max_bytes = max_bytes
        self._end = -1  # unknown: somebody else may have written
        self._link = Link()
        self._unsynced = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _opened(_beside(path, "lock"))
            self._head = _opened(_beside(path, "head"))
            self._file = _opened(path)
        except OSError as error:
            raise AuditError(f"the audit log {path} cannot be opened: {error.strerror}") from error

    def close(self) -> None:
        """Bring everything to the disk, and close."""
        try:
            self.sync()
        finally:
            for file in (self._file, self._head, self._lock):
                file.close()

    def sync(self) -> None:
        """Bring to the disk what has been appended."""
        fsync_all(self.unsynced())

    def unsynced(self) -> list[int]:
        """Return descriptors of what has been appended since this was last asked, for `fsync_all`; may be none."""
        if not self._unsynced:
            return []
        self._unsynced = False
        return [os.dup(file.fileno()) for file in (self._file, self._head)]

    def append(self, contents: Sequence[Mapping[str, Any]]) -> Link:
        """Append a record of each of *contents*; return the link of the last.

        Raises:
            AuditError: Another writer does not let go, or the newest record is not as it was written.
            OSError: The file system refuses.
        """
        self._acquire()
        try:
            self._catch_up()
            if self._end >= self._max_bytes:
                self._rotate()
            self._write(contents)
        except BaseException:
            self._end = -1
            raise
        finally:
            unlock(self._lock)
        if self._synced:
            self.sync()
        return self._link

    def _write(self, contents: Sequence[Mapping[str, Any]]) -> None:
        lines = []
        link = self._link
        for content in contents:
            line, link = seal(content, link)
            lines.append(line)
        text = b"".join(lines)
        self._unsynced = True
        written = self._file.write(text)
        if written != len(text):
            raise OSError(None, f"only {written} of {len(text)} bytes could be written")
        self._end += len(text)
        self._link = link
        self._head.seek(0)
        self._head.write(_head(link))

    def _acquire(self) -> None:
        deadline = time.monotonic() + LOCK_S
        while not try_lock(self._lock):
            if time.monotonic() > deadline:
                raise AuditError(f"the audit log {self.path} has been held by another writer for {LOCK_S:g} s")
            time.sleep(_PAUSE_S)

    def _catch_up(self) -> None:
        """Find the end of the chain, wherever another writer or an earlier process has left it."""
        if not _is_same(self._file, self.path):
            self._file.close()
            self._file = _opened(self.path)
            self._end = -1
        size = os.fstat(self._file.fileno()).st_size
        if size == self._end:
            return
        notes: list[dict[str, Any]] = []
        torn = self._cut_torn_tail(size)
        if torn:
            notes.append(_torn_note(torn))
        self._end = os.fstat(self._file.fileno()).st_size
        before = rotated(self.path)
        if self._end:
            self._link = _last_link(self.path)
        elif before:
            self._link = _last_link(before[-1])
            notes.insert(0, {"type": "continued", "file": before[-1].name})
        else:
            self._link = Link()
        head = read_head(self.path)
        if head is not None and head.seq > self._link.seq:
            notes.append({"type": "missing", "head_seq": head.seq, "head_hash": head.hash, "last_seq": self._link.seq})
        if notes:
            self._write([{"at_ns": time.time_ns(), **note} for note in notes])

    def _cut_torn_tail(self, size: int) -> bytes:
        """Cut off a record that a crash has left unfinished; return it."""
        with self.path.open("rb") as file:
            start = max(size - _TAIL, 0)
            file.seek(start)
            tail = file.read()
        end = tail.rfind(b"\n") + 1
        if end == len(tail):
            return b""
        before, torn = tail[:end].rstrip(b"\n").rpartition(b"\n")[2], tail[end:]
        if not (_is_record(before) if end else start == 0 and _may_be_torn(torn)):
            raise AuditError(f"{self.path} does not end as an audit log does: name another file, or move it away")
        self._file.truncate(start + end)
        return tail[end:]

    def _rotate(self) -> None:
        self._unsynced = True
        self.sync()
        self._file.close()
        full = rotated(self.path)
        number = int(full[-1].suffix[1:]) + 1 if full else 1
        aside = _beside(self.path, str(number))
        os.rename(self.path, aside)
        self._file = _opened(self.path)
        self._end = 0
        self._write([{"at_ns": time.time_ns(), "type": "continued", "file": aside.name}])


def fsync_all(descriptors: Sequence[int]) -> None:
    """Bring files to the disk, and close these *descriptors* of them; may be called in another thread."""
    try:
        for each in descriptors:
            os.fsync(each)
    finally:
        for each in descriptors:
            os.close(each)


def rotated(path: Path) -> list[Path]:
    """Return the files that stand before *path*, oldest first."""
    found = [each for each in path.parent.glob(f"{path.name}.*") if each.suffix[1:].isdigit()]
    return sorted(found, key=lambda each: int(each.suffix[1:]))


def read_head(path: Path) -> Link | None:
    """Return what the head beside *path* says is the newest record; ``None``: there is none.

    Raises:
        AuditError: There is one, and it cannot be read.
    """
    file = _beside(path, "head")
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return None
    if not text.strip():
        return None
    try:
        found = json.loads(text)
        return Link(int(found["seq"]), str(found["hash"]))
    except (ValueError, LookupError, TypeError) as error:
        raise AuditError(f"{file} is damaged: which record was the newest cannot be told") from error


def _head(link: Link) -> bytes:
    return json.dumps({"seq": link.seq, "hash": link.hash}).encode().ljust(_HEAD_BYTES - 1) + b"\n"


def _last_link(path: Path) -> Link:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TAIL, 0))
        last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        return link_of(read(last))
    except ValueError as error:
        raise AuditError(
            f"the newest record of the audit log {path} is damaged ({error}): move the log away, and verify it"
        ) from error


def _is_record(line: bytes) -> bool:
    try:
        read(line)
    except ValueError:
        return False
    return True


def _may_be_torn(text: bytes) -> bool:
    """Say whether *text* can be the unfinished first record of a log, rather than somebody's document."""
    try:
        json.loads(text)
    except ValueError:
        return text.startswith(b'{"') or text == b"{"
    return False


def _torn_note(torn: bytes) -> dict[str, Any]:
    shown = torn[:_SHOWN].decode("utf-8", "replace")
    return {"type": "torn", "bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest(), "text": shown}


def _is_same(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _opened(path: Path) -> IO[bytes]:
    appends = path.suffix not in (".head", ".lock")
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | (os.O_APPEND if appends else 0)
    return os.fdopen(os.open(path, flags, 0o600), "a+b" if appends else "r+b", buffering=0)


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")
