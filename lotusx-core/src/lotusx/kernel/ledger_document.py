"""What several ledgers have counted together, as one document of bytes. Pure."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from lotusx.kernel.counts import Ledger, Pool
from lotusx.kernel.windows import AlignedWindow, RollingWindow

logger = logging.getLogger("lotusx.budgets")

Window = AlignedWindow | RollingWindow
NOTHING: Final[Mapping[Window, Window]] = MappingProxyType({})

_Windows = dict[str, list[int]]
_Pools = dict[str, tuple[int, bool, _Windows]]
_pools_of = msgspec.msgpack.Decoder(_Pools)
_to_bytes = msgspec.msgpack.Encoder()


class LedgerDocument:
    """Brings one ledger up to date with a document, and writes it into the next one.

    What the document says of accounts and windows that this ledger does not have is kept as it stands.

    Attributes:
        by_ns: How far the document's clock is ahead of the monotonic one of this process.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.by_ns = 0
        self._ledger = ledger
        self._stored: _Pools = {}
        self._seen: set[tuple[str, str]] = set()

    def load(self, document: bytes, own: Mapping[Window, Window] = NOTHING, now_ns: int = 0) -> None:
        """Count what *document* says (empty: nothing), and of each window what its *own* says besides."""
        try:
            self._stored = _pools_of.decode(document) if document else {}
        except msgspec.DecodeError:
            logger.warning("the shared limits could not be read, and begin anew")
            self._stored = {}
        self._seen.clear()
        self.restore()
        for window, more in own.items():
            window.add(more.used(now_ns), now_ns)

    def outlast(self, document: bytes, own: Mapping[Window, Window], now_ns: int) -> None:
        """Count of each window what `load` would, or what is known here, whichever is more: the document is older."""
        known = [(window, window.used(now_ns), window.state()) for _, pool in self._pools() for window in pool.windows]
        self.load(document, own, now_ns)
        for window, used, state in known:
            if used > window.used(now_ns):
                window.restore(state)

    def restore(self) -> None:
        """Give what the ledger has got since, or does not have as it stands in the document, what is said of it."""
        for key, pool in self._pools():
            blocked_ns, banned, windows = self._stored.get(key, (0, False, {}))
            if (key, "") not in self._seen:
                if blocked_ns:
                    pool.block(blocked_ns - self.by_ns, banned=banned)
                self._seen.add((key, ""))
            for length, window in _windows(pool):
                if (key, length) not in self._seen:
                    window.restore(window.moved(windows.get(length, []), -self.by_ns))
                    self._seen.add((key, length))

    def dump(self) -> bytes:
        """Return the document as it is now."""
        self.restore()
        stored = dict(self._stored)
        for key, pool in self._pools():
            windows = dict(self._stored[key][2]) if key in self._stored else {}
            windows.update((length, window.moved(window.state(), self.by_ns)) for length, window in _windows(pool))
            blocked_ns = pool.blocked_ns + self.by_ns if pool.blocked_ns else 0
            stored[key] = (blocked_ns, pool.banned, {each: state for each, state in windows.items() if state})
        self._stored = {key: value for key, value in stored.items() if value[0] or value[2]}
        return _to_bytes.encode(self._stored)

    def forget(self, now_ns: int) -> None:
        """Leave out of the next document what has ceased to count at *now_ns*, whosever it was."""
        for _, pool in self._pools():
            for window in pool.windows:
                window.used(now_ns)
        at_ns = now_ns + self.by_ns
        for key, (blocked_ns, banned, windows) in self._stored.items():
            counting = {each: state for each, state in windows.items() if state and _ends_ns(each, state) > at_ns}
            self._stored[key] = (blocked_ns if blocked_ns > at_ns else 0, banned, counting)

    def _pools(self) -> list[tuple[str, Pool]]:
        pools = list(self._ledger.pools.items())  # at once: another thread may just meet one that has no stated limit
        return [("", self._ledger.gate), *(("\0".join(key), pool) for key, pool in pools)]


def _windows(pool: Pool) -> list[tuple[str, Window]]:
    return [(f"{window.limit.window_s:g}", window) for window in pool.windows]


def _ends_ns(length: str, state: list[int]) -> int:
    """Return when the *state* of a window of *length* seconds ceases to count: an aligned one says it itself."""
    return state[3] if len(state) == 4 else state[-2] + int(float(length) * 1e9)
