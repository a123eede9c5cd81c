"""Four ways to write a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import ItemRejected
from lotusx_backpack.times import S, moment_ns, utc_ns, whole


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00", 0),
        ("2025-07-27T17:39:00.092", 1_753_637_940_092_000_000),
        ("2025-01-21T06:34:54.691858", 1_737_441_294_691_858_000),
        ("2026-09-01 16:52:00", 1_788_281_520_000_000_000),
        ("2026-09-01T16:52:00Z", 1_788_281_520_000_000_000),
        ("2026-09-01T18:52:00+02:00", 1_788_281_520_000_000_000),
    ],
)
def test_text_without_a_zone_is_utc(text: str, ns: int) -> None:
    assert utc_ns(text, field="t") == ns
    assert moment_ns(text, field="t") == ns


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - the exchange states no zone
def test_every_microsecond_is_kept(moment: datetime) -> None:
    since = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert utc_ns(moment.isoformat(), field="t") == since * 1_000
    assert utc_ns(moment.isoformat(" "), field="t") == since * 1_000


@pytest.mark.parametrize("value", [1_700_000_000_123, "1700000000123"])
def test_number_is_one_of_milliseconds_unless_said_otherwise(value: int | str) -> None:
    assert moment_ns(value, field="t") == 1_700_000_000_123_000_000
    assert moment_ns(value, field="t", unit=S) == 1_700_000_000_123 * S


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00", "1.5", "²", "٣"])
def test_what_is_no_time_is_rejected(text: str) -> None:
    with pytest.raises(ItemRejected) as caught:
        moment_ns(text, field="createdAt")

    assert caught.value.field == "createdAt"


@pytest.mark.parametrize("text", ["", "-1", "1_0", " 1", "1.0", "²"])
def test_what_is_no_whole_number_is_rejected(text: str) -> None:
    with pytest.raises(ItemRejected):
        whole(text, field="u")
