"""Three ways to say the same: a table on a terminal, tab-separated text in a pipe, JSON where asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lotusx_cli.values import fields_of, shown, to_plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class Out:
    """Where results go. Remarks go to standard error, so that a pipe carries results only.

    Attributes:
        as_json: One JSON document a result; one a line where results follow each other.
        terminal: Whether somebody looks at it.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.terminal = sys.stdout.isatty() and not as_json
        self._headed: tuple[str, ...] | None = None

    def rows(self, items: Iterable[object], columns: Sequence[str], *, title: str = "", empty: str = "nothing") -> None:
        """Show *items* (structures or mappings): *columns* of them to people, all fields as JSON."""
        found = [_fields(item) for item in items]
        if self.as_json:
            print(json.dumps([to_plain(item) for item in found], indent=2))
        elif self.terminal:
            if found:
                self._table(found, columns, title)
            else:
                print(empty)
        else:
            self._head(columns)
            for item in found:
                print("\t".join(shown(name, item.get(name), empty="") for name in columns))

    def record(self, item: object, *, title: str = "") -> None:
        """Show one structure or mapping, a field a line; fields without a value are left out of the table."""
        values = _fields(item)
        if self.as_json:
            print(json.dumps(to_plain(values), indent=2))
            return
        if self.terminal and title:
            self.console().print(f"[bold]{_safe(title)}[/bold]")
        width = max((len(name) for name in values), default=0)
        for name, value in values.items():
            if value is not None and value != "":
                text = shown(name, value)
                print(f"{_label(name):<{width}}  {text}" if self.terminal else f"{name}\t{text}")

    def event(self, item: object, columns: Sequence[str]) -> None:
        """Show one of a sequence that may never end, at once."""
        values = _fields(item)
        if self.as_json:
            print(json.dumps(to_plain(values)), flush=True)
        else:
            if not self.terminal:
                self._head(columns)
            texts = [shown(name, values.get(name), empty="" if not self.terminal else "-") for name in columns]
            print("  ".join(texts) if self.terminal else "\t".join(texts), flush=True)

    def note(self, text: str) -> None:
        """Tell people something that is not the result."""
        print(text, file=sys.stderr, flush=True)

    def console(self) -> Console:
        """Return rich's console on standard output."""
        from rich.console import Console

        return Console(highlight=False)

    def _head(self, columns: Sequence[str]) -> None:
        if self._headed != tuple(columns):
            self._headed = tuple(columns)
            print("\t".join(columns), flush=True)

    def _table(self, found: Sequence[Mapping[str, object]], columns: Sequence[str], title: str) -> None:
        """Draw a table, with its head in several lines where that is needed; where nothing helps, blocks."""
        from rich.measure import Measurement

        console = self.console()
        boundless = console.options.update(max_width=100_000)
        for stacked in (False, True):
            table = _drawn(found, columns, title, stacked=stacked)
            if Measurement.get(console, boundless, table).minimum <= console.width:
                console.print(table)
                return
        self._blocks(found, columns, title)  # words and numbers would be cut in pieces

    def _blocks(self, found: Sequence[Mapping[str, object]], columns: Sequence[str], title: str) -> None:
        for number, item in enumerate(found):
            if number:
                print()
            self.record({name: item.get(name) for name in columns}, title="" if number else title)


def _drawn(found: Sequence[Mapping[str, object]], columns: Sequence[str], title: str, *, stacked: bool) -> Table:
    from decimal import Decimal

    from rich.cells import cell_len
    from rich.table import Table

    rows = [[shown(name, item.get(name)) for name in columns] for item in found]
    table = Table(title=_safe(title) or None, title_justify="left", header_style="bold")
    for at, name in enumerate(columns):
        numeric = any(isinstance(item.get(name), Decimal | int) for item in found)
        label = _label(name).replace(" ", "\n") if stacked else _label(name)
        cells = [row[at] for row in rows]
        whole = all(" " not in cell for cell in cells)  # an id or a number is never cut in pieces
        table.add_column(
            label,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=whole,
            min_width=max(map(cell_len, (*label.split("\n"), *cells))) if whole else None,
        )
    for row in rows:
        table.add_row(*map(_safe, row))
    return table


def _fields(item: object) -> Mapping[str, object]:
    if isinstance(item, Mapping):
        return item
    fields = fields_of(item)
    if fields is None:
        raise TypeError(f"{type(item).__name__} has no fields to show")
    return fields


def _label(name: str) -> str:
    return name.removesuffix("_ns").replace("_", " ")


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(text)
