"""What is asked for, and the pieces that are still to be fetched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lotusx.errors import InvalidArgument
from lotusx_history.query import Kind, Query, merged, missing, pieces

S = 1_000_000_000
H = 3_600 * S


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * S  # type: ignore[arg-type,misc]


def trades(start: int, end: int) -> Query:
    return Query(Kind.TRADES, "BTC/USDT", start, end)


def test_pieces_end_at_the_same_moments_whatever_was_asked_for() -> None:
    assert pieces(trades(H // 2, 3 * H), []) == [(H // 2, H), (H, 2 * H), (2 * H, 3 * H)]
    assert pieces(trades(0, 3 * H), [(H // 2, H), (H, 2 * H)]) == [(0, H // 2), (2 * H, 3 * H)]
    assert pieces(trades(0, 2 * H), [(0, 5 * H)]) == []


def test_stretches_that_touch_are_one() -> None:
    assert merged([(5, 9), (0, 3), (3, 4), (6, 7)]) == [(0, 4), (5, 9)]
    assert missing((2, 10), [(0, 3), (5, 6), (9, 20)]) == [(3, 5), (6, 9)]
    assert missing((2, 3), [(4, 5), (0, 1)]) == [(2, 3)]


def test_only_what_has_closed_is_history() -> None:
    query = Query(Kind.CANDLES, "BTC/USDT", 0, 10 * H, "1h")
    past = query.until(3 * H + 5)
    assert past is not None
    assert past.end_ns == 3 * H
    assert query.until(H - 1) is None
    assert query.until(99 * H) == query
    week = Query(Kind.CANDLES, "BTC/USDT", 0, ns(2030, 1, 1), "1w").until(ns(2026, 11, 21, 12))
    assert week is not None
    assert week.end_ns == ns(2026, 11, 16)  # a Monday
    month = Query(Kind.CANDLES, "BTC/USDT", 0, ns(2030, 1, 1), "1M").until(ns(2026, 11, 21, 12))
    assert month is not None
    assert month.end_ns == ns(2026, 11, 1)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("books", "BTC/USDT", 0, H), "no history"),
        (("trades", "BTCUSDT", 0, H), "is not a symbol"),
        (("candles", "BTC/USDT", 0, H), "have an interval"),
        (("trades", "BTC/USDT", 0, H, "1h"), "only candles"),
        (("candles", "BTC/USDT", 0, H, "7m"), "not an interval"),
        (("trades", "BTC/USDT", H, H + 5), "start must lie before end"),
        (("trades", "BTC/USDT", 0, H, None, 5), "whole seconds"),
    ],
)
def test_what_cannot_be_right_is_refused(arguments: tuple[object, ...], match: str) -> None:
    with pytest.raises(InvalidArgument, match=match):
        Query(*arguments)  # type: ignore[arg-type]
