"""The monitor's pictures: exact where they reckon with prices, and as wide as they were told to be."""

from __future__ import annotations

from decimal import Decimal

import pytest

pytest.importorskip("textual", reason="the monitor extra is not installed")

from rich.text import Text

from lotusx_cli.monitor.drawing import BAD, bar, beside, chart, decimals, fitted, number, spark


@pytest.mark.parametrize(
    ("value", "width", "shown"),
    [
        ("68250.1", 10, "68250.1"),
        ("0.123456789", 6, "0.1235"),
        ("68250.123456", 7, "68250.1"),
        ("68250.9", 6, "68251"),
        ("12345678.9", 6, "12.35M"),
        ("123456789012345", 5, "123T"),
        ("-0.5", 8, "-0.5"),
        ("1E+5", 8, "100000"),
    ],
)
def test_a_number_takes_no_more_room_than_it_has(value: str, width: int, shown: str) -> None:
    assert number(Decimal(value), width) == shown
    assert len(shown) <= width


def test_numbers_of_a_column_have_the_same_decimals() -> None:
    prices = [Decimal("1.5"), Decimal("2.25"), Decimal(3)]
    places = decimals(prices)
    assert [number(price, 8, places) for price in prices] == ["1.50", "2.25", "3.00"]
    assert decimals([]) == 0
    assert number(None, 5) == "-"


def test_a_bar_is_in_eighths_and_what_is_there_at_all_is_seen() -> None:
    assert bar(Decimal(1), Decimal(2), 4) == "██"
    assert bar(Decimal(5), Decimal(16), 2) == "▋"
    assert bar(Decimal("0.0001"), Decimal(100), 10) == "▏"
    assert bar(Decimal(9), Decimal(3), 4) == "████"
    assert bar(Decimal(0), Decimal(3), 4) == bar(Decimal(1), Decimal(0), 4) == bar(Decimal(1), Decimal(1), 0) == ""


def test_a_sparkline_reaches_from_nothing_to_the_highest_and_marks_failures() -> None:
    line = spark([9.0, 0.0, 1.0, None, 2.0], 5)
    assert line.plain == "█▁▁×▂"
    assert any(span.style == BAD for span in line.spans)
    assert spark([1.0, 2.0, 4.0], 2).plain == "▅█"
    assert spark([1.0], 3).plain == "  █"
    assert spark([0.0, 0.0], 2).plain == "▁▁"
    assert spark([1.0], 0).plain == ""


def test_a_chart_rises_with_its_prices() -> None:
    lines = chart([Decimal(at) for at in range(100, 116)], 12, 2)
    assert [line.cell_len for line in lines] == [12, 12]
    assert lines[0].plain.endswith("115")
    assert lines[1].plain.endswith("100")
    assert lines[1].plain[0] != "⠀"
    assert lines[0].plain[0] == "⠀"


def test_a_chart_leaves_a_gap_where_nothing_was_known() -> None:
    prices = [Decimal(1), Decimal(2), None, None, None, None, Decimal(2), Decimal(1)]
    columns = chart(prices, 20, 3)
    drawn = ["".join(line.plain[at] for line in columns) for at in range(18)]
    assert drawn[15] == drawn[16] == "⠀⠀⠀"
    assert drawn[14] != "⠀⠀⠀" != drawn[17]


def test_a_chart_without_prices_or_room_says_so() -> None:
    assert [line.plain for line in chart([], 30, 5)] == ["no prices yet"]
    assert [line.plain for line in chart([None, None], 30, 5)] == ["no prices yet"]
    assert chart([Decimal(1)], 30, 0) == []
    assert len(chart([Decimal(1)] * 3, 30, 4)) == 4


def test_lines_are_cut_or_filled_to_their_width() -> None:
    assert fitted(Text("abc"), 5).plain == "abc  "
    assert fitted(Text("abcdef"), 4).plain == "abc…"
    both = beside([Text("a")], [Text("long"), Text("x")], (3, 2))
    assert [line.plain for line in both] == ["a   l…", "    x "]
