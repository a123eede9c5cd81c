"""The count of one host's limits, as it stands in Redis, and its copy in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from lotusx.plugin.budgets import Hold, Ledger, LedgerDocument, RollingWindow, Ticket, Window
from lotusx_redis.logs import logger
from lotusx_redis.place import Place, Unreachable, Version

AGAIN_NS = 100_000_000
"""How long the server is left alone after it could not be reached."""
_PATIENCE_NS = 1_000_000_000


class Question:
    """What one request asks of the limits, and what came of it."""

    def __init__(self, ticket: Ticket, loop: EventLoopToken | None = None) -> None:
        self.ticket = ticket
        self.hold: Hold | None = None
        self.answered = False
        self.abandoned = False
        self.over = anyio.Event() if loop is not None else None
        self._loop = loop

    def answer(self, hold: Hold | None) -> None:
        """Say what came of it, from any thread."""
        self.hold = hold
        self.answered = True
        if self._loop is None or self.over is None:
            return
        native = self._loop.native_token
        soon: Callable[[Callable[[], object]], object] = (
            getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon  # type: ignore[attr-defined]  # asyncio's or trio's
        )
        try:
            soon(self.over.set)
        except RuntimeError:  # that event loop has ended: nobody waits
            self.abandoned = True


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is counted, or learnt; nobody waits for it."""

    make: Callable[[], None]


Item = Question | Change


class RedisCount:
    """Changes the common count: what was known last is changed here, and takes effect if nobody was faster there.

    Otherwise it is made again with what stands there now. So every change was made with the count of all in view, and
    no lock is held. `work` runs in one thread; it is the only one that changes the ledger.
    """

    def __init__(self, place: Place, key: str, ledger: Ledger, put: Callable[[RedisCount, Item], bool]) -> None:
        self._place = place
        self._key = key
        self._ledger = ledger
        self._put = put
        self._content = LedgerDocument(ledger)
        self._known = Version()
        self._written = b""  # what stands there as `_known`
        self._agreed = b""  # the same, and what was learnt since
        self._again_ns = -(2**63)
        self._lost = ""
        self._own: dict[Window, Window] = {}

    # ----------------------------------------------------------------------- lotusx.kernel.budget.CommonCount

    @property
    def distance_ns(self) -> int | None:
        """See `CommonCount`: the server's clock is the first estimate of the exchange's."""
        return self._place.time.by_ns

    def tell(self, change: Callable[[], None]) -> None:
        """See `CommonCount`."""
        if not self._put(self, Change(change)):
            logger.warning("%s: too many changes wait, or it was closed: one was left out", self._place.shown)

    def begin(self, ticket: Ticket) -> Question:
        """See `CommonCount`."""
        return self._begun(Question(ticket))

    async def ask(self, ticket: Ticket) -> Hold | None:
        """See `CommonCount`. One that is cancelled may have been counted already."""
        question = self._begun(Question(ticket, current_token()))
        assert question.over is not None
        try:
            await question.over.wait()
        finally:
            question.abandoned = True
        return question.hold

    def _begun(self, question: Question) -> Question:
        if not self._put(self, question):
            question.answer(self._held("the shared limits take no change now: too many wait, or they were closed"))
        return question

    # -------------------------------------------------------------------------------------------- in the thread

    def work(self, items: Iterable[Item]) -> None:
        """Make *items*, in order, and answer the questions among them."""
        made = [item for item in items if not (isinstance(item, Question) and item.abandoned)]
        try:
            holds = self._commit(made)
        except Unreachable as error:
            holds = self._alone(made, str(error))
        else:
            if self._lost:
                logger.info("%s: the shared limits are back", self._place.shown)
            self._lost = ""
        for item, hold in zip(made, holds, strict=True):
            if isinstance(item, Question):
                item.answer(hold)

    def refuse(self, items: Iterable[Item], why: str) -> None:
        """Answer the questions among *items* that nothing was taken."""
        for item in items:
            if isinstance(item, Question) and not item.answered:
                item.answer(self._held(why))

    def _commit(self, items: list[Item]) -> list[Hold | None]:
        began_ns = now_ns = self._place.monotonic_ns()
        if now_ns < self._again_ns:
            raise Unreachable(self._lost)
        try:
            if self._place.time.by_ns is None:
                self._place.measure()
            following = Version(self._known.epoch or _epoch(), self._known.number + 1)
            while now_ns - began_ns < _PATIENCE_NS:
                with self._ledger.lock:
                    self._ledger.part = None
                    self._content.by_ns = self._place.time.by_ns or 0
                    self._content.restore()
                    holds = [self._make(item, now_ns) for item in items]
                    document = self._content.dump()
                new = None if document == self._written else document
                was_set, other = self._place.change(self._key, self._known, new, following)
                now_ns = self._place.monotonic_ns()
                if other is None:
                    self._accepted(document, following if new is not None else self._known)
                    if was_set:  # what was written says when by the clock as it was
                        self._move()
                    return holds
                following = self._adopt(*other, now_ns, was_set=was_set)
        except Unreachable:
            self._again_ns = self._place.monotonic_ns() + AGAIN_NS
            raise
        raise Unreachable(f"{self._place.shown} was changed by others all the time")

    def _accepted(self, document: bytes, version: Version) -> None:
        self._known = version
        self._written = self._agreed = document
        self._own.clear()

    def _move(self) -> None:
        with self._ledger.lock:
            self._content.by_ns = self._place.time.by_ns or 0
            self._agreed = self._content.dump()

    def _adopt(self, version: Version, document: bytes, now_ns: int, *, was_set: bool) -> Version:
        """Take up what stands there instead of what was known; return what the next document is to be."""
        known, self._known, self._written = self._known, version, document
        same = known.epoch in ("", version.epoch)
        with self._ledger.lock:
            self._content.load(self._agreed)  # without what was not accepted
            self._content.by_ns = self._place.time.by_ns or 0
            if same and version.number >= known.number and not was_set:
                self._content.load(document, self._own, now_ns)
            else:  # the server has lost what it was told, or has another clock: we may know more
                self._content.outlast(document, self._own, now_ns)
            self._agreed = self._content.dump()
        goes_on = bool(version.epoch) and (version.epoch != known.epoch or version.number >= known.number)
        return Version(version.epoch if goes_on else _epoch(), version.number + 1)

    def _alone(self, items: list[Item], why: str) -> list[Hold | None]:
        """Answer without the server: with an error or, where that was chosen, out of a part of the limits."""
        if not self._lost:
            goes_on = "nothing is sent" if self._place.alone is None else f"{self._place.alone} of the limits is used"
            logger.warning("%s; until it is back %s", why, goes_on)
        self._lost = why
        now_ns = self._place.monotonic_ns()
        with self._ledger.lock:
            self._content.load(self._agreed)  # without what was not accepted
            self._ledger.part = self._place.alone
            holds = [self._make_alone(item, now_ns, why) for item in items]
            self._agreed = self._content.dump()
        return holds

    def _make_alone(self, item: Item, now_ns: int, why: str) -> Hold | None:
        if isinstance(item, Question) and self._place.alone is None:
            return self._held(why)
        windows = [window for pool in self._ledger.pools.values() for window in pool.windows]
        before = [window.used(now_ns) for window in windows]
        hold = self._make(item, now_ns)
        for window, used in zip(windows, before, strict=True):
            more = window.used(now_ns) - used  # of what the exchange says, too, though others may have used it
            if more > 0:
                # It looks back: one that is aligned may end later by a better estimate of the exchange's clock.
                self._own.setdefault(window, RollingWindow(window.limit)).add(more, now_ns)
        return hold

    @staticmethod
    def _held(why: str) -> Hold:
        return Hold(AGAIN_NS, "the limits that machines share", unreachable=why)

    def _make(self, item: Item, now_ns: int) -> Hold | None:
        if isinstance(item, Question):
            return self._ledger.attempt(item.ticket, now_ns)
        item.make()
        return None


def _epoch() -> str:
    return os.urandom(8).hex()
