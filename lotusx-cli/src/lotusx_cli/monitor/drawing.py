"""Small pictures in text: bars, lines of dots, sparklines. Pure, and exact where they reckon with prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from rich.text import Text

from lotusx.model import plain

GOOD, BAD, WARN, DIM, ACCENT = "#3fb950", "#f85149", "#d29922", "#8b949e", "#58a6ff"
"""Colours that can be told apart on dark ground; nothing is said by colour alone."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of the dots of a Braille cell, by row and column."""
_LARGE = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "G"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


def fitted(line: Text, width: int) -> Text:
    """Return *line* with exactly *width* cells: cut, or filled up with blanks."""
    line = line.copy()
    line.truncate(max(0, width), overflow="ellipsis", pad=True)
    return line


def beside(left: Sequence[Text], right: Sequence[Text], widths: tuple[int, int], gap: str = " ") -> list[Text]:
    """Return two columns as one, as long as the longer one."""
    blank = Text()
    return [
        Text.assemble(
            fitted(left[at] if at < len(left) else blank, widths[0]),
            gap,
            fitted(right[at] if at < len(right) else blank, widths[1]),
        )
        for at in range(max(len(left), len(right)))
    ]


def decimals(values: Iterable[Decimal]) -> int:
    """Return how many decimals the one with most of them has; 0 for none."""
    return max((len(plain(value).partition(".")[2]) for value in values), default=0)


def number(value: Decimal | None, width: int, places: int = 0) -> str:
    """Return *value* in at most *width* cells: fewer decimals where it has too many, then with k, M, G or T.

    Args:
        places: Decimals to fill up to with zeros, so that numbers in a column stand below each other.
    """
    if value is None:
        return "-"
    text = plain(value)
    whole, _, fraction = text.partition(".")
    if len(fraction) < places:
        text = f"{whole}.{fraction:0<{places}}"
    if len(text) <= width:
        return text
    room = max(0, width - len(whole) - 1)
    rounded = f"{value.quantize(Decimal(1).scaleb(-room), ROUND_HALF_EVEN):f}"
    if len(rounded) <= width:
        return rounded
    for size, letter in _LARGE:
        if abs(value) >= size:
            return f"{number(value / size, width - 1)}{letter}"
    return "#" * width


def bar(part: Decimal, whole: Decimal, width: int) -> str:
    """Return a bar of *part* of *whole*, in eighths of a cell; what is there at all is seen."""
    if whole <= 0 or part <= 0 or width < 1:
        return ""
    eighths = max(1, min(width * 8, int(part * width * 8 / whole)))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def spark(values: Sequence[float | None], width: int) -> Text:
    """Return the newest *width* values as a line of blocks from 0 to the highest; ``None`` is a failure, a cross."""
    newest = list(values)[-width:] if width > 0 else []
    highest = max((item for item in newest if item is not None), default=0.0)
    line = Text(" " * (width - len(newest)))
    for item in newest:
        if item is None:
            line.append("×", BAD)
        else:
            line.append(_LEVELS[min(7, int(item / highest * 8)) if highest > 0 else 0], ACCENT)
    return line


def chart(prices: Iterable[Decimal | None], width: int, height: int) -> list[Text]:
    """Return a line of dots with a scale on its right; ``None`` leaves a gap: nothing was known then.

    Two points a column, four a row; the scale takes part of *width*.
    """
    points = list(prices)
    known = [item for item in points if item is not None]
    if height < 1 or width < 12 or not known:
        return [Text("no prices yet", DIM)][: max(0, height)]
    scale = min(12, max(len(plain(item)) for item in (min(known[-1:]), max(known))))
    columns = width - scale - 1
    points = points[-columns * 2 :]
    shown = [item for item in points if item is not None] or known[-1:]
    low, high = min(shown), max(shown)
    cells = _cells(points, columns, height, low, high)
    labels = {0: high, height - 1: low}
    if height >= 5 and points and points[-1] is not None:
        labels.setdefault(_row(points[-1], low, high, height), points[-1])
    rises = len(shown) < 2 or shown[-1] >= shown[0]
    lines = []
    for row in range(height):
        line = Text("".join(chr(0x2800 + cell) for cell in cells[row]), GOOD if rises else BAD)
        label = number(labels[row], scale) if row in labels else ""
        newest = row in labels and labels[row] == points[-1]
        lines.append(line.append(f" {label:>{scale}}", "bold" if newest else DIM))
    return lines


def _row(price: Decimal, low: Decimal, high: Decimal, rows: int) -> int:
    """Return the row of *price*, the highest is 0."""
    return (rows - 1) // 2 if high == low else int((high - price) * (rows - 1) / (high - low) + Decimal("0.5"))


def _cells(points: Sequence[Decimal | None], columns: int, height: int, low: Decimal, high: Decimal) -> list[list[int]]:
    cells = [[0] * columns for _ in range(height)]
    rows = [None if item is None else _row(item, low, high, height * 4) for item in points]
    first = columns * 2 - len(rows)

    def dot(x: int, y: int) -> None:
        cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    for at, y in enumerate(rows):
        if y is not None:
            dot(first + at, y)
    for at, (one, other) in enumerate(pairwise(rows)):  # what lies between two points of a steep line
        if one is not None and other is not None:
            for y in range(min(one, other), max(one, other)):
                dot(first + at + 1, y)
    return cells
