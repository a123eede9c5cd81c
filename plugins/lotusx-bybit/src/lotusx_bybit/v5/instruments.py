"""Pure: Bybit's instruments → the model.

A symbol is made of what the listing states, never of the exchange's text. Quantities of inverse instruments count
contracts of one unit of quote; all others base units. Source: bybit-exchange/docs, v5/market/instrument and v5/enum.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol, TickSize, decimal_from_wire
from lotusx_bybit.v5 import types
from lotusx_bybit.v5.category import Category

_STATUS = {
    "PreLaunch": InstrumentStatus.PENDING,
    "Trading": InstrumentStatus.TRADING,
    "Delivering": InstrumentStatus.HALTED,
    "Closed": InstrumentStatus.CLOSED,
}
_TRADES_BEFORE_LAUNCH = "ContinuousTrading"
"""The phase before a launch in which orders are as free as after it: the auctions before it take limit orders only."""
_KINDS = {
    "LinearPerpetual": InstrumentKind.LINEAR,
    "LinearFutures": InstrumentKind.LINEAR,
    "InversePerpetual": InstrumentKind.INVERSE,
    "InverseFutures": InstrumentKind.INVERSE,
}
_PERPETUAL = ("LinearPerpetual", "InversePerpetual")

_spot = msgspec.json.Decoder(types.SpotInstrument).decode
_contract = msgspec.json.Decoder(types.ContractInstrument).decode


def _raw_document(document: msgspec.Raw) -> Mapping[str, Any]:
    decoded: Mapping[str, Any] = msgspec.json.decode(document)
    return decoded


def positive(text: str, field: str) -> Decimal | None:
    """Read a number of which Bybit says by an empty text or zero that there is none."""
    return (decimal_from_wire(text, field=field) or None) if text else None


def to_instrument(document: msgspec.Raw, *, category: Category) -> Instrument:
    """Convert one item of ``instruments-info``; its other fields are decoded when ``Instrument.raw`` is read.

    Raises:
        ItemRejected: A number is none. `msgspec.DecodeError`: a field is missing.
    """
    return _to_pair(document) if category is Category.SPOT else _to_contract(document)


def _to_pair(document: msgspec.Raw) -> Instrument:
    info = _spot(document)
    lots = info.lotSizeFilter
    return Instrument(
        symbol=Symbol(info.baseCoin, info.quoteCoin),
        venue_symbol=info.symbol,
        kind=InstrumentKind.SPOT,
        status=_STATUS.get(info.status, InstrumentStatus.UNKNOWN),
        price_rule=_price_rule(info.priceFilter),
        step_size=positive(lots.basePrecision, "basePrecision"),
        max_quantity=positive(lots.maxLimitOrderQty, "maxLimitOrderQty"),
        market_max_quantity=positive(lots.maxMarketOrderQty, "maxMarketOrderQty"),
        min_notional=positive(lots.minOrderAmt, "minOrderAmt"),
        raw_status=info.status,
        _raw=partial(_raw_document, document),
    )


def _to_contract(document: msgspec.Raw) -> Instrument:
    info = _contract(document)
    lots = info.lotSizeFilter
    kind = _KINDS.get(info.contractType, InstrumentKind.UNKNOWN)
    quote, settle = info.quoteCoin, info.settleCoin
    if kind is InstrumentKind.LINEAR and settle in ("USD", "USDC"):
        quote = settle = "USDC"  # rows of USDC contracts that say USD are older
    return Instrument(
        symbol=Symbol(info.baseCoin, quote, settle, _expiry(info)),
        venue_symbol=info.symbol,
        kind=kind,
        status=_contract_status(info),
        price_rule=_price_rule(info.priceFilter),
        step_size=positive(lots.qtyStep, "qtyStep"),
        min_quantity=positive(lots.minOrderQty, "minOrderQty"),
        max_quantity=positive(lots.maxOrderQty, "maxOrderQty"),
        market_max_quantity=positive(lots.maxMktOrderQty, "maxMktOrderQty"),
        min_notional=positive(lots.minNotionalValue, "minNotionalValue"),
        contract_size=Decimal(1),
        raw_status=info.status,
        _raw=partial(_raw_document, document),
    )


def _contract_status(info: types.ContractInstrument) -> InstrumentStatus:
    """Return whether a contract trades: before its launch, too, once it is past its auctions."""
    phase = None if info.preListingInfo is None else info.preListingInfo.curAuctionPhase
    if info.status == "PreLaunch" and phase == _TRADES_BEFORE_LAUNCH:
        return InstrumentStatus.TRADING
    return _STATUS.get(info.status, InstrumentStatus.UNKNOWN)


def _price_rule(rule: types.PriceFilter) -> TickSize | None:
    tick = positive(rule.tickSize, "tickSize")
    if tick is None:
        return None
    return TickSize(tick, positive(rule.minPrice, "minPrice"), positive(rule.maxPrice, "maxPrice"))


def _expiry(info: types.ContractInstrument) -> date | None:
    """Return the day of delivery. A perpetual that has a time of delivery is to be delisted then."""
    if info.contractType in _PERPETUAL or info.deliveryTime in ("", "0"):
        return None
    try:
        return datetime.fromtimestamp(int(info.deliveryTime) // 1_000, tz=UTC).date()
    except (ValueError, OverflowError, OSError):
        raise ItemRejected(
            f"deliveryTime is no time: {info.deliveryTime!r}", field="deliveryTime", value=info.deliveryTime
        ) from None
