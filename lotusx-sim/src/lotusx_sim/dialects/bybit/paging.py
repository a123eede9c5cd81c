"""Cursors: opaque, and already percent-encoded, as the venue hands them out."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from lotusx_sim.dialects.bybit.errors import bad
from lotusx_sim.dialects.bybit.params import Params

T = TypeVar("T")


def page(
    items: Sequence[T], params: Params, key: Callable[[T], str], *, default: int, highest: int
) -> tuple[Sequence[T], str]:
    """Return the page that ``cursor`` and ``limit`` ask for, and the cursor of the next one, "" after the last.

    Args:
        key: What names an item in a cursor; unique.
    """
    size = params.limit(default, highest)
    start = 0
    cursor = params.text("cursor")
    if cursor:
        last = cursor.partition(",")[2]
        found = next((index for index, item in enumerate(items) if key(item) == last), None)
        if found is None:
            raise bad("params error: cursor invalid")
        start = found + 1
    chosen = items[start : start + size]
    if not chosen or start + size >= len(items):
        return chosen, ""
    return chosen, quote(f"{key(chosen[0])},{key(chosen[-1])}", safe="")


def listed(items: Sequence[Any], cursor: str, **more: Any) -> dict[str, Any]:
    return {"list": list(items), "nextPageCursor": cursor, **more}
