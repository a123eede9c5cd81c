"""Makes other documents of a document: every field left out, renamed, or of another type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
_MOST_ITEMS = 2
"""Elements of a list whose fields are changed: the rest is like them."""


def fields(document: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where every field of every object in *document* stands."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield (*path, name)
            yield from fields(value, (*path, name))
    elif isinstance(document, list):
        for index, value in enumerate(document[:_MOST_ITEMS]):
            if not isinstance(value, dict):
                yield (*path, index)
            yield from fields(value, (*path, index))


def at(document: Any, path: Path) -> Any:
    """Return what stands at *path*."""
    for step in path:
        document = document[step]
    return document


def retyped(value: Any) -> list[Any]:
    """Return values of other types in the place of *value*."""
    if isinstance(value, bool):
        return ["maybe", 7, None]
    if isinstance(value, int | float):
        return [str(value) + "x", [value], None]
    if isinstance(value, str):
        return [{"was": value}, [value], None, True]
    if isinstance(value, list):
        return [{"was": 1}, "list", 3]
    if isinstance(value, dict):
        return [[1], "object", 3]
    return [{"was": None}, [None]]


def mutants(text: bytes) -> Iterator[tuple[str, Path, bytes]]:
    """Yield what was done, where, and the document that came of it."""
    document = json.loads(text)
    for path in list(fields(document)):
        *above, last = path
        holder_path = tuple(above)
        if isinstance(last, str):
            yield "dropped", path, _with(text, holder_path, lambda holder, name=last: holder.pop(name))
            yield "renamed", path, _with(text, holder_path, lambda holder, name=last: _rename(holder, name))
        for other in retyped(at(document, path)):
            yield (
                f"made {other!r:.30}",
                path,
                _with(text, holder_path, lambda holder, name=last, other=other: holder.__setitem__(name, other)),
            )


def _rename(holder: dict[str, Any], name: str) -> None:
    holder[f"{name}_"] = holder.pop(name)


def _with(text: bytes, path: Path, change: Any) -> bytes:
    document = json.loads(text)
    change(at(document, path))
    return json.dumps(document, separators=(",", ":")).encode()
