"""When a request may be sent again, and after how long. Pure: time and random numbers are arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from lotusx.errors import ConnectionFailed, LotusXError, TimestampSkew, TransportError
from lotusx.kernel.request import Effect

MAX_RETRY_AFTER_S = 7 * 86_400.0
"""No exchange wants longer silence; a larger number in a header is a mistake."""

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full jitter: the n-th wait is anything between nothing and ``base_s * 2**(n-1)``, at most ``cap_s``.

    Attributes:
        attempts: How often a request is sent at most, the first time included.
        deadline_s: How long a read may take in all, waits included. A command waits for budgets for its own
            ``timeout_s`` at most.
    """

    attempts: int = 5
    base_s: float = 0.25
    cap_s: float = 30.0
    deadline_s: float = 60.0

    def may_resend(self, error: LotusXError, effect: Effect) -> bool:
        """Whether sending the same request again can do no harm.

        A read: if the error calls itself retryable. A command: only if nothing can have been sent.
        `TimestampSkew` is the kernel's own case: the clock is synced first, and one attempt follows.
        """
        if isinstance(error, TimestampSkew):
            return False
        if effect is Effect.READ:
            return error.retryable
        return isinstance(error, TransportError) and not error.sent

    def delay_s(self, attempt: int, random: Random, after_s: float | None = None) -> float:
        """Return how long to wait after the failure of *attempt* (the first is 1).

        The jitter comes on top of *after_s*, which the exchange asked for, so that not all return at once.
        """
        jitter = random.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 60)))
        return jitter + max(after_s, 0.0) if after_s is not None else jitter

    def next_delay_s(
        self, error: LotusXError, effect: Effect, attempt: int, left_s: float, random: Random
    ) -> float | None:
        """Return how long to wait before the next attempt; ``None``: raise *error*.

        *attempt* were made, and *left_s* is left of the deadline: a wait that would outlast it is not begun.
        """
        if attempt >= self.attempts or not self.may_resend(error, effect):
            return None
        if attempt == 1 and isinstance(error, ConnectionFailed) and error.after_s == 0.0:
            return 0.0  # an idle connection that the peer had closed: a new one is all it takes
        delay = self.delay_s(attempt, random, error.after_s)
        return delay if delay < left_s else None


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Read ``Retry-After``: seconds or an HTTP date.

    Args:
        headers: Of the reply, names in lower case. A date counts from the reply's own ``Date`` where it has one.
        now_s: Seconds since the epoch, for replies without a date of their own.

    Returns:
        Seconds to wait; ``None`` where the header is missing, negative or cannot be read.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return min(float(value), MAX_RETRY_AFTER_S)
    then = _date_s(value)
    if then is None:
        return None
    sent = _date_s(headers.get("date", ""))
    return min(max(then - (now_s if sent is None else sent), 0.0), MAX_RETRY_AFTER_S)


def _date_s(value: str) -> float | None:
    from email.utils import parsedate_to_datetime  # imports much, and is hardly ever needed

    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None
