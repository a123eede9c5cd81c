"""How whole a downloaded series is, stated."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lotusx_history.query import Kind, Query, Stretch, missing
from lotusx_history.store import Store

_CHECKS = {
    Kind.CANDLES: "every bar of the interval",
    Kind.TRADES: "nothing: prints have no rhythm; the pages of the exchange were followed from end to end",
    Kind.FUNDING: "the interval that the exchange states with each rate",
}
_LATE_NS = 1_500_000_000
"""How much later than its interval, nanoseconds for each second of it, the next rate counts as absent."""


@dataclass(frozen=True, slots=True)
class Report:
    """What of a query is there.

    Attributes:
        rows: Rows between start and end.
        missing: Stretches that were not downloaded.
        gaps: Stretches that were, and in which the exchange has not what should be there. Also where it does not reach
            back so far, or makes no bar while nobody trades.
        checked: What gaps were looked for by.
        failed: Stretches that could not be fetched in this run, and why.
    """

    query: Query
    rows: int
    missing: tuple[Stretch, ...]
    gaps: tuple[Stretch, ...]
    checked: str
    failed: tuple[tuple[Stretch, str], ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all was downloaded, and no gap was found."""
        return not (self.missing or self.gaps)


def look(query: Query, store: Store, failed: tuple[tuple[Stretch, str], ...] = ()) -> Report:
    """Return what of *query* is in *store*."""
    wanted = (query.start_ns, query.end_ns)
    absent = missing(wanted, store.have())
    checked, gaps = _CHECKS[query.kind], list[Stretch]()
    if query.kind is Kind.CANDLES:
        if query.bar_ns is None:
            checked = "nothing: calendar months have no fixed length"
        else:
            gaps = _bar_gaps(wanted, store.times(wanted), query.bar_ns)
    elif query.kind is Kind.FUNDING:
        rates = store.column("interval_s", wanted)
        gaps = _funding_gaps(wanted, rates)
        if not rates:
            checked = "nothing: there is no rate, which would state its interval"
        elif all(interval_s is None for _, interval_s in rates):
            checked = "nothing: the exchange states no interval with its rates"
    gaps = [part for gap in gaps for part in missing(gap, absent)]
    return Report(query, store.count(wanted), tuple(absent), tuple(gaps), checked, failed)


def _bar_gaps(wanted: Stretch, opens: list[int], bar_ns: int) -> list[Stretch]:
    if not opens:
        return [wanted] if wanted[1] - wanted[0] >= bar_ns else []
    gaps = []
    head = (opens[0] - wanted[0]) // bar_ns * bar_ns  # a part of a bar before the first is none
    if head:
        gaps.append((opens[0] - head, opens[0]))
    gaps += [(one + bar_ns, other) for one, other in pairwise(opens) if other > one + bar_ns]
    last = opens[-1] + bar_ns
    if last < wanted[1]:
        gaps.append((last, wanted[1]))
    return gaps


def _funding_gaps(wanted: Stretch, rates: list[tuple[int, object]]) -> list[Stretch]:
    gaps = []
    if rates and isinstance(rates[0][1], int) and rates[0][0] - wanted[0] > rates[0][1] * _LATE_NS:
        gaps.append((wanted[0], rates[0][0]))
    for (one, interval_s), (other, _) in pairwise([*rates, (wanted[1], None)]):
        if isinstance(interval_s, int) and other - one > interval_s * _LATE_NS:
            gaps.append((one + interval_s * 1_000_000_000, other))
    return gaps
