"""Pure: Backpack's markets → instruments."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Symbol,
    TickSize,
    decimal_from_wire,
    known,
)
from lotusx_backpack import types
from lotusx_backpack.times import whole

LIMIT_ONLY = "LimitOnly"
POST_ONLY = "PostOnly"

# What the two narrower states refuse is told from `Instrument.raw_status` when an order is written.
_STATUS = {
    "Open": InstrumentStatus.TRADING,
    LIMIT_ONLY: InstrumentStatus.TRADING,
    POST_ONLY: InstrumentStatus.TRADING,
    "CancelOnly": InstrumentStatus.CANCEL_ONLY,
    "Closed": InstrumentStatus.CLOSED,
}
_KIND = {"SPOT": InstrumentKind.SPOT, "PERP": InstrumentKind.LINEAR}
_SUFFIX = {InstrumentKind.SPOT: "", InstrumentKind.LINEAR: "_PERP"}

_market = msgspec.json.Decoder(types.Market).decode


def _raw_document(document: msgspec.Raw) -> Mapping[str, Any]:
    decoded: Mapping[str, Any] = msgspec.json.decode(document)
    return decoded


def _bound(text: str | None, field: str) -> Decimal | None:
    """Read a bound; ``null`` and zero: there is none."""
    return None if text is None else decimal_from_wire(text, field=field) or None


def to_instrument(document: msgspec.Raw) -> Instrument:
    """Convert one of ``markets``; its other fields are decoded when ``Instrument.raw`` is read.

    Its base is what stands before the quote in the exchange's own name, which is unique: ``kPEPE`` counts 1000 PEPE.

    Raises:
        ItemRejected: A kind of market that the model cannot name (predictions, requests for quotes), or a name of
            another form than ``BASE_QUOTE`` and ``BASE_QUOTE_PERP``. `msgspec.DecodeError`: a field is missing.
    """
    market = _market(document)
    kind = known(_KIND, market.marketType, field="marketType")
    base = market.symbol.removesuffix(f"_{market.quoteSymbol}{_SUFFIX[kind]}")
    if not base or base == market.symbol:
        raise ItemRejected(f"not the name of a market: {market.symbol!r}", field="symbol", value=market.symbol)
    prices, lots = market.filters.price, market.filters.quantity
    tick = _bound(prices.tickSize, "tickSize")
    lowest, highest = _bound(prices.minPrice, "minPrice"), _bound(prices.maxPrice, "maxPrice")
    return Instrument(
        symbol=Symbol(base, market.quoteSymbol, settle=None if kind is InstrumentKind.SPOT else market.quoteSymbol),
        venue_symbol=market.symbol,
        kind=kind,
        status=_STATUS.get(market.orderBookState, InstrumentStatus.UNKNOWN),
        price_rule=None if tick is None else TickSize(tick, lowest, highest),
        step_size=_bound(lots.stepSize, "stepSize"),
        min_quantity=_bound(lots.minQuantity, "minQuantity"),
        max_quantity=_bound(lots.maxQuantity, "maxQuantity"),
        raw_status=market.orderBookState,
        _raw=partial(_raw_document, document),
    )


def funding_interval_s(instrument: Instrument) -> int | None:
    """Return how often funding is paid, in seconds; ``None``: not stated. It has changed: never assume it."""
    interval = instrument.raw.get("fundingInterval")
    return None if interval is None else whole(interval, field="fundingInterval") // 1_000
