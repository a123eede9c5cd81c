"""Limits and nonces that the processes of one host share: files in a directory, no daemon.

A process takes what it needs for one request from the common count, under a lock that the system ends with the process.
Nothing is reserved ahead, so a process that is killed leaves nothing behind but what it has used, which the exchange
counts as well until its window has passed. Why not otherwise stands in docs/decisions/0009.
"""

from __future__ import annotations

import hashlib
import logging
import mmap
import os
import struct
import threading
import time
from pathlib import Path
from typing import IO

from lotusx.errors import ConfigurationError, ConnectionFailed
from lotusx.filelock import try_lock, unlock
from lotusx.kernel.budget import BudgetRegistry
from lotusx.kernel.counts import Ledger
from lotusx.kernel.ledger_document import LedgerDocument
from lotusx.kernel.nonce import NonceAllocator

logger = logging.getLogger("lotusx.budgets")

LOCK_S = 0.1
"""How long to wait for another process, which holds a lock for some ten microseconds unless it is stopped meanwhile."""
NONCE_LOCK_S = 2.0

_MAGIC = b"LotusX\x00\x01"
_HEAD = struct.Struct("<8sq")  # magic, and the document's number: odd or even, it says in which half it stands
_LENGTH = struct.Struct("<q")  # at the beginning of either half
_HALF = 256 * 1024
_SIZE = _HEAD.size + 2 * _HALF
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.00002, 0.001


class SharedBudgets(BudgetRegistry):
    """The registry of every process that names the same directory.

    Args:
        path: The directory; made if it does not exist. On a local disk; it need not survive the machine's next start.

    Raises:
        ConfigurationError: The directory cannot be made or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self._path = Path(path).expanduser()
        self._boot = _boot()
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"the directory of shared limits {self._path} cannot be made: {error}") from error

    def close(self) -> None:
        """Close the files. Called by whoever made this object."""
        for ledger in self._ledgers.values():
            if isinstance(ledger.lock, SharedLock):
                ledger.lock.close()
        for nonces in self._nonces.values():
            if isinstance(nonces, SharedNonces):
                nonces.close()

    def _make_ledger(self, host: str) -> Ledger:
        ledger = Ledger()
        lock = SharedLock(self._file(host, "limits"), ledger)
        ledger.lock, ledger.is_behind = lock, lambda: not lock.current
        return ledger

    def _make_nonces(self, exchange: str, scope: str) -> NonceAllocator:
        return SharedNonces(self._file(f"{exchange} {scope}", "nonces"))

    def _file(self, name: str, kind: str) -> SharedFile:
        # Monotonic time begins anew with the machine, so what was counted before says nothing.
        return SharedFile(self._path / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}-{self._boot}.{kind}")


class SharedFile:
    """A document of bytes that processes read and replace under a lock. It is whole even if one dies while writing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._memory: mmap.mmap | None = None
        self._process = 0

    def lock(self, wait_s: float) -> bool:
        """Lock it; False: another process has held it all the time."""
        file = self._opened()
        pause_s, late = _FIRST_PAUSE_S, 0.0
        while not try_lock(file):
            now = time.monotonic()
            if late == 0.0:
                late = now + wait_s
            elif now >= late:
                return False
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return True

    def unlock(self) -> None:
        """Give the lock back."""
        assert self._file is not None
        unlock(self._file)

    def read(self, known: int = -1) -> tuple[int, bytes | None]:
        """Return the number of the document, and itself unless that number is *known*. While it is locked."""
        assert self._memory is not None
        magic, number = _HEAD.unpack_from(self._memory)
        if magic != _MAGIC:
            return 0, b""
        if number == known:
            return number, None
        begin = _HEAD.size + (number % 2) * _HALF
        (length,) = _LENGTH.unpack_from(self._memory, begin)
        begin += _LENGTH.size
        return number, self._memory[begin : begin + length]

    def write(self, number: int, document: bytes) -> None:
        """Replace the document; *number* is one more than the last. While it is locked."""
        assert self._memory is not None
        if len(document) > _HALF - _LENGTH.size:
            raise ConfigurationError(f"{self._path} has no room for so many accounts: use several directories")
        begin = _HEAD.size + (number % 2) * _HALF  # the half that nobody reads
        _LENGTH.pack_into(self._memory, begin, len(document))
        begin += _LENGTH.size
        self._memory[begin : begin + len(document)] = document
        _HEAD.pack_into(self._memory, 0, _MAGIC, number)

    def close(self) -> None:
        """Close it; what it holds stays for others."""
        if self._memory is not None:
            self._memory.close()
        if self._file is not None:
            self._file.close()
        self._memory = self._file = None

    def _opened(self) -> IO[bytes]:
        if self._file is None or self._process != os.getpid():  # a lock that was inherited would be its parent's
            self.close()
            self._process = os.getpid()
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
                self._file = os.fdopen(handle, "r+b", buffering=0)
                if os.fstat(handle).st_size < _SIZE:
                    self._file.truncate(_SIZE)
                self._memory = mmap.mmap(handle, _SIZE)
            except OSError as error:
                self.close()
                raise ConfigurationError(f"the shared limits {self._path} cannot be opened: {error}") from error
        return self._file


class SharedLock:
    """Keeps one ledger the same in all processes: brings it up to date when entered, writes it back when left.

    Where another process holds the lock for longer than it ever should, `current` is false: then nothing is taken, and
    what is counted meanwhile is forgotten; the exchange's own counts make up for that.
    """

    def __init__(self, file: SharedFile, ledger: Ledger) -> None:
        self.current = False
        self._file = file
        self._content = LedgerDocument(ledger)
        self._thread = threading.Lock()
        self._number = -1
        self._document = b""

    def __enter__(self) -> object:
        self._thread.acquire()
        try:
            self.current = self._file.lock(LOCK_S)
        except BaseException:
            self._thread.release()
            raise
        if not self.current:
            logger.warning("another process has held the shared limits for %g s", LOCK_S)
            return self
        try:
            self._load()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self.current:
                self._store()
        finally:
            self._leave()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _leave(self) -> None:
        if self.current:
            self.current = False
            self._file.unlock()
        self._thread.release()

    def _load(self) -> None:
        number, document = self._file.read(self._number)
        self._number = number
        if document is None:
            self._content.restore()
        else:
            self._content.load(document)
            self._document = document

    def _store(self) -> None:
        document = self._content.dump()
        if len(document) > _HALF // 2:
            self._content.forget(time.monotonic_ns())
            document = self._content.dump()
        if document != self._document:
            self._number += 1
            self._file.write(self._number, document)
            self._document = document


class SharedNonces(NonceAllocator):
    """Nonces of one key, unique and increasing over all processes that share the file."""

    __slots__ = ("_file", "_lock_s", "_thread")

    def __init__(self, file: SharedFile, *, lock_s: float = NONCE_LOCK_S) -> None:
        super().__init__()
        self._file = file
        self._lock_s = lock_s
        self._thread = threading.Lock()

    def next(self, now_ms: int) -> int:
        """Return the next nonce.

        Raises:
            ConnectionFailed: Another process has held the file all the while; nothing was sent.
        """
        with self._thread:
            if not self._file.lock(self._lock_s):
                raise ConnectionFailed("another process holds the nonces of this key; nothing was sent", sent=False)
            try:
                number, document = self._file.read()
                nonce = max(now_ms, int.from_bytes(document or b"", "little") + 1)
                self._file.write(number + 1, nonce.to_bytes(8, "little"))
            finally:
                self._file.unlock()
        return nonce

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _boot() -> str:
    """Return what tells the machine's starts apart, where the system says it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()[:8]
    except OSError:
        return "here"
