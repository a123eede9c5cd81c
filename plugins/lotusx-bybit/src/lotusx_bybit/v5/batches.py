"""Batches: how many orders fit into a request, and what became of each.

A reply that says yes says nothing of the items: ``retExtInfo.list`` does, in the order of the request. Where an answer
names another order than its place has, they are not in that order, and only the ids that they name count. Every order
counts against the quota, and those beyond it fail one by one. Source: bybit-exchange/docs, v5/order/batch-place and
v5/rate-limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from lotusx.errors import ErrorKind as K, LotusXError, MalformedReply
from lotusx_bybit.v5.account_types import OrderIds
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.codes import REST_KINDS
from lotusx_bybit.v5.envelope import Listing
from lotusx_bybit.v5.errors import refusal_error

T = TypeVar("T")

MAX_ORDERS: Mapping[Category, int] = {Category.SPOT: 10, Category.LINEAR: 20, Category.INVERSE: 20}
"""Orders a request. For linear and inverse since 2025-02; the table of limits still says 10."""


class ItemCode(msgspec.Struct):
    """What became of one item. Its ids, in the same place of ``result.list``, are empty if it failed."""

    code: int
    msg: str = ""


_Row = tuple[ItemCode, OrderIds]

_codes = msgspec.json.Decoder(Listing[ItemCode]).decode
_ids = msgspec.json.Decoder(Listing[OrderIds]).decode


def chunks(items: Sequence[T], *, size: int, left: int) -> list[Sequence[T]]:
    """Cut *items* into requests of at most *size* orders, and no more than the *left* that the quota holds.

    What a request has beyond the quota is refused, item by item; one order is sent in any case.
    """
    step = max(1, min(size, left))
    return [items[start : start + step] for start in range(0, len(items), step)]


def names_another(ids: OrderIds, params: Mapping[str, object]) -> bool:
    """Say whether *ids* name another order than *params* do, by an id that those name it by. They may be empty."""
    order_id, link = params.get("orderId"), params.get("orderLinkId")
    return bool(
        (order_id and ids.orderId and ids.orderId != order_id) or (link and ids.orderLinkId and ids.orderLinkId != link)
    )


def outcomes(
    exchange: str,
    result: bytes | msgspec.Raw,
    info: bytes | msgspec.Raw,
    asked: Sequence[Mapping[str, object]],
    *,
    table: Mapping[int, K] = REST_KINDS,
) -> list[OrderIds | LotusXError]:
    """Say what became of each order of *asked*, in their order.

    An item of which the reply says nothing, or that was taken without an id, may have been executed.
    """
    try:
        codes, ids = _codes(info).items, _ids(result).items
    except (msgspec.DecodeError, UnicodeDecodeError):
        codes, ids = [], []
    rows: Sequence[_Row | None] = [None] * len(asked)
    if len(codes) == len(ids) == len(asked):
        rows = _assigned(list(zip(codes, ids, strict=True)), asked)
    found: list[OrderIds | LotusXError] = []
    for row in rows:
        if row is not None and row[0].code:
            found.append(refusal_error(exchange, row[0].code, row[0].msg, command=True, table=table))
        elif row is not None and row[1].orderId:
            found.append(row[1])
        else:
            found.append(MalformedReply(f"{exchange}: the reply does not say what became of each order of the batch"))
    return found


def _assigned(rows: Sequence[_Row], asked: Sequence[Mapping[str, object]]) -> Sequence[_Row | None]:
    """Return the answer to each order of *asked*; ``None``: it cannot be told which that is."""
    if not any(names_another(ids, params) for (_, ids), params in zip(rows, asked, strict=True)):
        return rows
    found: list[_Row | None] = []
    for params in asked:
        same = [row for row in rows if _names(row[1], params)]
        twins = [each for each in asked if same and _names(same[0][1], each)]
        found.append(same[0] if len(same) == len(twins) == 1 else None)
    return found


def _names(ids: OrderIds, params: Mapping[str, object]) -> bool:
    """Say whether *ids* name the order of *params* by the id that those name it by."""
    if "orderId" in params:
        return ids.orderId == params["orderId"]
    return ids.orderLinkId != "" and ids.orderLinkId == params.get("orderLinkId")
