"""Pure: the filters of a symbol, which every market writes in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import TickSize, decimal_from_wire
from lotusx_binance import types


class PriceAndQuantity(TypedDict):
    """The fields of an `Instrument` that ``PRICE_FILTER``, ``LOT_SIZE`` and ``MARKET_LOT_SIZE`` decide."""

    price_rule: TickSize | None
    step_size: Decimal | None
    min_quantity: Decimal | None
    max_quantity: Decimal | None
    market_step_size: Decimal | None
    market_min_quantity: Decimal | None
    market_max_quantity: Decimal | None


def raw_document(document: msgspec.Raw) -> Mapping[str, Any]:
    """Decode all of a symbol."""
    decoded: Mapping[str, Any] = msgspec.json.decode(document)
    return decoded


def unless_zero(text: str | None, field: str) -> Decimal | None:
    """Read a number of which Binance says that zero means "no such rule"."""
    if text is None:
        raise ItemRejected(f"{field} is missing", field=field)
    return decimal_from_wire(text, field=field) or None


def price_and_quantity(rules: Mapping[str, types.Filter]) -> PriceAndQuantity:
    """Read price and quantity rules, by the type of the filter; a filter that is missing states none."""
    price_rule = None
    if (prices := rules.get("PRICE_FILTER")) is not None:
        tick = unless_zero(prices.tickSize, "tickSize")
        lowest, highest = unless_zero(prices.minPrice, "minPrice"), unless_zero(prices.maxPrice, "maxPrice")
        price_rule = None if tick is None else TickSize(tick, lowest, highest)
    step, minimum, maximum = _lots(rules.get("LOT_SIZE"))
    market_step, market_minimum, market_maximum = _lots(rules.get("MARKET_LOT_SIZE"))
    return PriceAndQuantity(
        price_rule=price_rule,
        step_size=step,
        min_quantity=minimum,
        max_quantity=maximum,
        market_step_size=market_step,
        market_min_quantity=market_minimum,
        market_max_quantity=market_maximum,
    )


def _lots(lots: types.Filter | None) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    if lots is None:
        return None, None, None
    return (
        unless_zero(lots.stepSize, "stepSize"),
        unless_zero(lots.minQty, "minQty"),
        unless_zero(lots.maxQty, "maxQty"),
    )
