"""Broken ways to deal with an exchange's limits."""

from __future__ import annotations

from typing import Any, cast

import lotusx
from rig.tamper import Broken, Passing


class _Deaf(Passing):
    """A meter that hears no refusal."""

    def failed(self, *_: Any) -> None:
        return


class _Tireless(Passing):
    """A policy that repeats at once."""

    def next_delay_s(self, error: Any, effect: Any, attempt: int, *_: Any) -> float | None:
        return 0.01 if attempt < self._inner.attempts and self._inner.may_resend(error, effect) else None


def _impatient(connection: lotusx.Exchange) -> None:
    """Repeat a request that was refused for its number at once."""
    wiring: Any = cast("Any", connection)._start.__self__
    rest = wiring.rest
    rest._send._meter = _Deaf(rest._send._meter)
    rest._retry = _Tireless(rest._retry)


BROKEN = (
    Broken(
        "refusals are not heard",
        "I21",
        "a request that was one too many is repeated at once; Retry-After is read on successful replies only",
        (),
        opened=_impatient,
        scenario="limits",
    ),
)
