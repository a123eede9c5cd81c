"""Pure: OKX's instruments → the model. Source: OKX API v5 (2026-06), public-data-rest-api-get-instruments."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol, TickSize, decimal_from_wire
from lotusx_okx import types
from lotusx_okx.numbers import ONE, in_base, positive

SPOT, SWAP = "SPOT", "SWAP"
POST_ONLY = "post_only"

_STATUS = {
    "live": InstrumentStatus.TRADING,
    POST_ONLY: InstrumentStatus.TRADING,  # the narrower rule is read from `raw_status` when an order is written
    "suspend": InstrumentStatus.HALTED,
    "rebase": InstrumentStatus.HALTED,
    "settling": InstrumentStatus.HALTED,
    "preopen": InstrumentStatus.PENDING,
    "test": InstrumentStatus.CLOSED,
}

_listed = msgspec.json.Decoder(types.Listed).decode


def _raw_document(document: msgspec.Raw) -> Mapping[str, Any]:
    decoded: Mapping[str, Any] = msgspec.json.decode(document)
    return decoded


def to_instrument(document: msgspec.Raw) -> Instrument:
    """Convert one of ``instruments``; its other fields are decoded when ``Instrument.raw`` is read.

    Quantities of linear swaps are in base units here, in contracts at OKX; those of inverse swaps stay contracts.

    Raises:
        ItemRejected: It is of a type that was not asked for, or does not say what is traded.
    """
    item = _listed(document)
    size, kind = _contract(item)
    unit = ONE if kind is InstrumentKind.INVERSE else size
    tick = positive(item.tickSz, "tickSz")
    return Instrument(
        symbol=_symbol(item, kind),
        venue_symbol=item.instId,
        kind=kind,
        status=_STATUS.get(item.state, InstrumentStatus.UNKNOWN),
        price_rule=None if tick is None else TickSize(tick),
        step_size=_quantity(item.lotSz, unit, "lotSz"),
        min_quantity=_quantity(item.minSz, unit, "minSz"),
        max_quantity=_quantity(item.maxLmtSz, unit, "maxLmtSz"),
        # On spot the bound of market orders is in USDT.
        market_max_quantity=None if item.instType == SPOT else _quantity(item.maxMktSz, unit, "maxMktSz"),
        contract_size=size,
        raw_status=item.state,
        _raw=partial(_raw_document, document),
    )


def _quantity(text: str, unit: Decimal, field: str) -> Decimal | None:
    return (in_base(text, unit, field) or None) if text else None


def _contract(item: types.Listed) -> tuple[Decimal, InstrumentKind]:
    """Return what one contract is worth, and of what kind the instrument is.

    Swaps that settle in neither their base nor their quote, and those with a multiplier, whose meaning is not
    documented, are of an unknown kind: they are listed, and not traded.
    """
    if item.instType == SPOT:
        return ONE, InstrumentKind.SPOT
    if item.instType != SWAP:
        raise ItemRejected(f"unknown type {item.instType!r}", field="instType", value=item.instType)
    size = decimal_from_wire(item.ctVal, field="ctVal")
    plain_size = item.ctMult in ("", "1")
    if plain_size and item.ctType == "linear" and item.uly == f"{item.ctValCcy}-{item.settleCcy}":
        return size, InstrumentKind.LINEAR
    if plain_size and item.ctType == "inverse" and item.uly == f"{item.settleCcy}-{item.ctValCcy}":
        return size, InstrumentKind.INVERSE
    return size, InstrumentKind.UNKNOWN


def _symbol(item: types.Listed, kind: InstrumentKind) -> Symbol:
    if kind is InstrumentKind.SPOT:
        base, quote, settle = item.baseCcy, item.quoteCcy, None
    elif kind is InstrumentKind.INVERSE:
        base, quote, settle = item.settleCcy, item.ctValCcy, item.settleCcy
    else:
        base, settle = item.ctValCcy, item.settleCcy
        quote = item.uly.removeprefix(f"{base}-")
    if not base or not quote or settle == "":
        raise ItemRejected(f"{item.instId} does not say what is traded", field="instId", value=item.instId)
    try:
        return Symbol(base, quote, settle=settle)
    except InvalidArgument as error:
        raise ItemRejected(f"{item.instId}: {error}", field="instId", value=item.instId) from None
