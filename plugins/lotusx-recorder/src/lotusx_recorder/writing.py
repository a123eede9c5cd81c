"""Between a connection and the disk: a bounded queue, a thread, and the count of what was lost."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, time_ns

from lotusx_recorder.sinks import Origin, Sink
from lotusx_recorder.tables import LOSSES, Row

logger = logging.getLogger("lotusx.recorder")

_LOOK_S = 0.25
_AT_EXIT_S = 10.0

Make = Callable[[], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the rows of one table: ``heard == written + lost + waiting``."""

    heard: int = 0
    written: int = 0
    lost: int = 0

    @property
    def waiting(self) -> int:
        """Rows that are not on the disk yet."""
        return self.heard - self.written - self.lost


class Writer:
    """Takes rows from the connection's thread without waiting, and writes them from its own.

    What exceeds *max_bytes* is dropped, newest first, counted, and noted in the table ``losses``.

    Args:
        flush_s: How often what came is made safe; a process that is killed loses no more than that.

    Attributes:
        problem: Why nothing can be written now; empty: it can.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        max_bytes: int = 256 << 20,
        flush_s: float = 5.0,
        now_ns: Callable[[], int] = time_ns,
    ) -> None:
        self.problem = ""
        self._sink = sink
        self._max_bytes = max_bytes
        self._flush_s = flush_s
        self._now_ns = now_ns
        self._queue: deque[tuple[str, int, int, Make]] = deque()
        self._put_bytes = 0  # written by the connection's thread only,
        self._done_bytes = 0  # and this by the writer's only
        self._heard: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._written: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._reason = ""
        self._held: Counter[str] = Counter()  # added to the sink, not safe yet
        self._held_bytes = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, origin: Origin) -> None:
        """Begin to write.

        Raises:
            OSError: Nothing can be written there.
        """
        self._sink.open(origin)
        self._thread = threading.Thread(target=self._run, name="lotusx-recorder", daemon=True)
        self._thread.start()
        atexit.register(self.finish)

    def put(self, table: str, rows: int, size: int, make: Make) -> None:
        """Take *rows* rows of *table*, which *make* makes in the writer's thread; *size* is about how many bytes.

        After `close` they are lost, and counted.
        """
        self._heard[table] += rows
        if self._closing.is_set() or self._put_bytes - self._done_bytes + size > self._max_bytes:
            self._dropped[table] += rows
            return
        self._put_bytes += size
        self._queue.append((table, rows, size, make))

    def close(self, timeout_s: float = _AT_EXIT_S) -> bool:
        """Write what there is and stop; return whether it is over. May be called again."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
            if thread.is_alive():
                return False
            atexit.unregister(self.finish)
        return True

    def finish(self, timeout_s: float = _AT_EXIT_S) -> None:
        """Close at the end of the process, and say what is lost by it."""
        if not self.close(timeout_s):
            waiting = sum(each.waiting for each in self.counts().values())
            logger.error("the process ends with %d rows unwritten: %s", waiting, self.problem or "the sink is slow")

    def counts(self) -> Mapping[str, Count]:
        """Return what became of the rows of every table so far."""
        return {
            table: Count(heard, self._written[table], self._dropped[table] + self._broken[table])
            for table, heard in list(self._heard.items())
        }

    def _run(self) -> None:
        due_s = monotonic() + self._flush_s
        while not self._closing.wait(min(_LOOK_S, self._flush_s)):
            self._drain()
            much = self._held_bytes > self._max_bytes // 4 and not self.problem  # a full disk is not asked all the time
            if monotonic() >= due_s or much:
                self._flush()
                due_s = monotonic() + self._flush_s
        self._drain()
        if self._flush():
            self._flush()  # what was lost is known to the recording, too
        if self._held:
            logger.error("the recorder ends with %d rows unwritten: %s", self._held.total(), self.problem)
            self._broken.update(self._held)
        self._sink.close()

    def _drain(self) -> None:
        batches: dict[str, list[tuple[int, int, Sequence[Row]]]] = {}
        for _ in range(len(self._queue)):
            table, count, size, make = self._queue.popleft()
            try:
                batches.setdefault(table, []).append((count, size, make()))
            except Exception as error:
                self._cannot_keep(table, count, size, error)
        for table, batch in batches.items():
            try:
                self._sink.add(table, [row for _, _, rows in batch for row in rows])
            except Exception:
                self._one_by_one(table, batch)
                continue
            for count, size, _ in batch:
                self._hold(table, count, size)

    def _one_by_one(self, table: str, batch: Sequence[tuple[int, int, Sequence[Row]]]) -> None:
        """Find out which of them cannot be kept, so that the others are."""
        for count, size, rows in batch:
            try:
                self._sink.add(table, rows)
            except Exception as error:
                self._cannot_keep(table, count, size, error)
            else:
                self._hold(table, count, size)

    def _hold(self, table: str, count: int, size: int) -> None:
        self._held[table] += count
        self._held_bytes += size

    def _cannot_keep(self, table: str, count: int, size: int, error: Exception) -> None:
        if not self._broken[table]:
            logger.error("the recorder cannot keep what it heard for %s; it is counted as lost", table, exc_info=error)
        self._broken[table] += count
        self._done_bytes += size

    def _flush(self) -> bool:
        """Make safe what was added; return whether it is."""
        try:
            self._sink.flush()
        except Exception as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            if not self.problem:
                logger.error("the recording cannot be written: %s; what comes is held, and lost when too much", reason)
            self.problem = self._reason = reason
            return False
        if self.problem:
            lost = sum(each.lost for each in self.counts().values())
            logger.warning("the recording is written again; %d rows were lost so far", lost)
            self.problem = ""
        self._written.update(self._held)
        self._done_bytes += self._held_bytes
        self._held.clear()
        self._held_bytes = 0
        self._tell_losses()
        return True

    def _tell_losses(self) -> None:
        """Write down in the recording itself what it lacks."""
        for table, each in self.counts().items():
            lost = each.lost - self._told[table]
            if lost:
                self._told[table] += lost
                reason = self._reason or "more came than could be written, or it could not be kept"
                logger.error("the recorder lost %d rows of %s: %s", lost, table, reason)
                try:
                    self._sink.add(LOSSES, [(self._now_ns(), table, lost, reason)])
                except Exception:
                    logger.exception(
                        "the sink takes no rows of %s: what was lost is in the log and the counts only", LOSSES
                    )
        self._reason = ""
