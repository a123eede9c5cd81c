"""bybit-perp adds facts to what it shares with bybit: nothing of one is written again in the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parent.parent / "plugins"
LONGEST_RUN = 5
PAIRS = [("lotusx-bybit", "lotusx-bybit-perp")]


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """Yield each run of *length* lines that say something; a bracket alone and an import do not."""
    stripped = (line.strip() for line in text.splitlines())
    lines = [line for line in stripped if len(line) > 3 and not line.startswith(("from ", "import ", "#"))]
    yield from (tuple(lines[start : start + length]) for start in range(len(lines) - length + 1))


def written_in(distribution: str) -> dict[tuple[str, ...], Path]:
    sources = sorted((PLUGINS / distribution / "src").rglob("*.py"))
    assert sources
    return {run: path for path in sources for run in runs(path.read_text("utf-8"), LONGEST_RUN + 1)}


def test_a_copy_would_be_seen() -> None:
    copied = "\n".join(f"line number {n}" for n in range(LONGEST_RUN + 1))

    assert set(runs(f"before = 1\n{copied}\n", LONGEST_RUN + 1)) & set(runs(f"{copied}\n)\n", LONGEST_RUN + 1))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_run_of_six_lines_stands_in_both(one: str, other: str) -> None:
    first, second = written_in(one), written_in(other)

    assert not [f"{first[run]} and {second[run]}: {run[0]} …" for run in first.keys() & second.keys()]
