"""Candles: what is asked for, so that none is missed."""

from __future__ import annotations

from datetime import UTC, datetime

import okx_documents as documented
import pytest
from okx_desk import Desk

from lotusx.model import Interval
from lotusx.plugin import Span
from lotusx_okx.numbers import MS

SWAP = documented.SWAP
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # nothing here waits


def ms(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000


MONTHS = [ms(year, month) for year in range(2019, 2026) for month in range(1, 13)]


def answer(before_ms: int, count: int) -> str:
    """Answer as OKX does: the newest *count* months that began before then, newest first."""
    opens = [open_ms for open_ms in reversed(MONTHS) if open_ms < before_ms][:count]
    return documented.reply(*[[str(open_ms), *documented.CANDLE[1:-1], "1"] for open_ms in opens])


@pytest.mark.parametrize(
    ("start", "limit", "first", "until"),
    [
        (ms(2020, 2), 1, ms(2020, 2), ms(2020, 3)),
        (ms(2020, 1), 12, ms(2020, 1), ms(2021, 1)),
        (ms(2020, 1), 24, ms(2020, 1), ms(2022, 1)),
        (ms(2020, 1, 15), 2, ms(2020, 2), ms(2020, 4)),
    ],
    ids=["a short month", "a year", "two years", "from within a month"],
)
async def test_the_first_months_since_a_moment_are_asked_for_and_none_that_pushes_them_out(
    desk: Desk, start: int, limit: int, first: int, until: int
) -> None:
    desk.rest.reply(answer(until, limit))

    page = await desk.connector.market.candles_page(SWAP, Interval.MONTH1, Span(start * MS), None, limit)

    assert (desk.rest.params["after"], desk.rest.params["limit"]) == (str(until), str(limit))
    assert (page.items[0].open_ns, len(page.items)) == (first * MS, limit)
    assert page.cursor == str(until)


async def test_months_go_on_where_a_page_ended(desk: Desk) -> None:
    desk.rest.reply(answer(ms(2020, 3), 2))

    page = await desk.connector.market.candles_page(SWAP, Interval.MONTH1, Span(0), str(ms(2020, 1)), 2)

    assert [candle.open_ns for candle in page.items] == [ms(2020, 1) * MS, ms(2020, 2) * MS]
    assert page.cursor == str(ms(2020, 3))


async def test_a_month_that_has_not_begun_is_not_gone_on_to(desk: Desk) -> None:
    now_ms = 1_770_000_000_000  # 2026-02-02
    desk.rest.reply(documented.reply([str(ms(2026, 2)), *documented.CANDLE[1:]]))

    page = await desk.connector.market.candles_page(SWAP, Interval.MONTH1, Span(ms(2026, 2) * MS), None, 2)

    assert "after" not in desk.rest.params  # 2026-04-01 lies ahead
    assert ([candle.open_ns // MS <= now_ms for candle in page.items], page.cursor) == ([True], None)


async def test_other_candles_are_cut_by_their_length(desk: Desk) -> None:
    start = ms(2020, 1)
    desk.rest.reply(documented.reply([str(start), *documented.CANDLE[1:-1], "1"]))

    page = await desk.connector.market.candles_page(SWAP, Interval.D1, Span(start * MS), None, 30)

    assert desk.rest.params["after"] == page.cursor == str(start + 30 * 86_400_000)
