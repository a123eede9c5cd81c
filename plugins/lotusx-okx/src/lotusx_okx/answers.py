"""Pure: which order an answer to a command is of.

Source: OKX API v5 (2026-06), order-book-trading-trade-post-place-order and -post-cancel-order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lotusx_okx.account_types import Done


def names_another(row: Done, body: Mapping[str, object]) -> bool:
    """Say whether *row* names another order than *body* does. It may name none: a refusal need not."""
    return _said(row, body) not in ("", _asked(body))


def answers_of(bodies: Sequence[Mapping[str, object]], rows: Sequence[Done]) -> list[Done | None]:
    """Return what answers each of *bodies*, of which there are as many as *rows*; ``None``: that cannot be told.

    They stand in the order of the request, unless one names another order than its place has: then only the ids count.
    """
    if not any(names_another(row, body) for body, row in zip(bodies, rows, strict=True)):
        return list(rows)
    found: list[Done | None] = []
    for body in bodies:
        name = _asked(body)
        same = [row for row in rows if name and _said(row, body) == name]
        twins = [each for each in bodies if _asked(each) == name]
        found.append(same[0] if len(same) == len(twins) == 1 else None)
    return found


def _asked(body: Mapping[str, object]) -> object:
    return body.get("ordId") or body.get("clOrdId") or ""


def _said(row: Done, body: Mapping[str, object]) -> str:
    """Return the id in *row* that is of the kind by which *body* names its order."""
    if "ordId" in body:
        return row.ordId
    return row.clOrdId
