"""Pure: orders, from the model's words into OKX's.

Source: OKX API v5 (2026-06), order-book-trading-trade-post-place-order and -post-amend-order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import Instrument, InstrumentKind, OrderType, PositionSide, QuantityUnit, Side, TimeInForce, plain
from lotusx.plugin import Amendment, OrderRef
from lotusx.rules import in_instrument_unit
from lotusx_okx.client_ids import ClientIds
from lotusx_okx.conversions import size_of
from lotusx_okx.markets import POST_ONLY
from lotusx_okx.numbers import in_contracts

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

Value = str | bool

_EXCHANGE = "okx"
_SIDE = {Side.BUY: "buy", Side.SELL: "sell"}
_POSITION = {PositionSide.LONG: "long", PositionSide.SHORT: "short"}
_OPENS = {PositionSide.LONG: Side.BUY, PositionSide.SHORT: Side.SELL}
_LIMITS = {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}
_CROSS_SPOT = frozenset({"3", "4"})
_MODES = frozenset({"cash", "cross", "isolated"})

NATIVE: Mapping[str, frozenset[str] | None] = MappingProxyType(
    {
        "tdMode": _MODES,
        "tag": None,
        "ccy": None,
        "tradeQuoteCcy": None,
        "stpMode": frozenset({"cancel_maker", "cancel_taker", "cancel_both"}),
        "pxAmendType": frozenset({"0", "1"}),
        "banAmend": frozenset({"true", "false"}),
    }
)
"""Names of what an order may have besides, and the words that each takes; ``None``: any."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How the account is set up, as far as orders must say it."""

    level: str
    hedged: bool


def order_body(request: OrderRequest, instrument: Instrument, setup: Setup, ids: ClientIds) -> dict[str, Value]:
    """Write one order.

    Raises:
        NotSupported: OKX has no such order, or this plugin does not write it.
        InvalidArgument: A part of it does not go with its type, its market or the account's position mode.
    """
    _check_offered(request, instrument)
    spot = instrument.kind is InstrumentKind.SPOT
    body: dict[str, Value] = {
        "instId": instrument.venue_symbol,
        "tdMode": "cash" if spot and setup.level not in _CROSS_SPOT else "cross",
        "side": _SIDE[request.side],
        "ordType": _order_type(request),
        "sz": plain(_size(request, instrument)),
    }
    if request.client_order_id is not None:
        body["clOrdId"] = ids.wire(request.client_order_id)
    if request.price is not None:
        body["px"] = plain(request.price)
    if spot and request.type is OrderType.MARKET:
        body["tgtCcy"] = "quote_ccy" if request.quantity_unit is QuantityUnit.QUOTE else "base_ccy"
    if not spot:
        body.update(_position(request, instrument, setup))
    for name, text in request.native.items():
        allowed = NATIVE.get(name, frozenset())
        if allowed is not None and text not in allowed:
            names = ", ".join(sorted(allowed)) if allowed else f"part of an order here; {', '.join(NATIVE)} are"
            raise InvalidArgument(f"native[{name!r}] = {text!r} is not {names}", rule="native")
        if name == "tdMode" and spot and text != body["tdMode"]:
            # Its type would be MARGIN, which is not asked for here: no list would have it, cancel_all would leave it.
            raise NotSupported(
                _EXCHANGE,
                f"native={{'tdMode': {text!r}}} on spot, which makes an order on margin of it",
                f"no tdMode (this account has {body['tdMode']!r}), or native.call('POST', '/api/v5/trade/order', …)",
            )
        body[name] = text == "true" if name == "banAmend" else text
    return body


def _order_type(request: OrderRequest) -> str:
    if request.type is OrderType.MARKET:
        return "market"
    return "post_only" if request.post_only else _LIMITS[request.time_in_force or TimeInForce.GTC]


def _size(request: OrderRequest, instrument: Instrument) -> Decimal:
    if request.quantity_unit is QuantityUnit.QUOTE:
        return request.quantity
    quantity = in_instrument_unit(request.quantity, request.quantity_unit, instrument)
    return in_contracts(quantity, size_of(instrument))


def _position(request: OrderRequest, instrument: Instrument, setup: Setup) -> dict[str, Value]:
    side = request.position_side
    if not setup.hedged:
        if side is not None:
            raise InvalidArgument(
                "the account has one position of a swap; native.set_position_mode('long_short_mode') gives it two",
                rule="position_side",
            )
        return {"reduceOnly": True} if request.reduce_only else {}
    if side is None:
        raise InvalidArgument(
            f"the account has two positions of {instrument.symbol}: write position_side", rule="position_side"
        )
    if request.reduce_only and request.side is _OPENS[side]:
        raise InvalidArgument(f"a {request.side} order opens the {side} position: it cannot reduce", rule="reduce_only")
    return {"posSide": _POSITION[side]}  # what closes a side never does more, whatever reduceOnly says


def _check_offered(request: OrderRequest, instrument: Instrument) -> None:
    if request.type not in (OrderType.LIMIT, OrderType.MARKET):
        raise NotSupported(_EXCHANGE, f"{request.type} orders", "native.call('POST', '/api/v5/trade/order-algo', …)")
    if request.time_in_force is TimeInForce.GTD:
        raise NotSupported(_EXCHANGE, "time in force GTD", "GTC, and a cancel of your own")
    if request.max_slippage is not None:
        raise NotSupported(_EXCHANGE, "max_slippage", "a limit order with IOC")
    if request.type is OrderType.MARKET and request.time_in_force is not None:
        raise NotSupported(_EXCHANGE, "a market order with a time in force", "a market order without one")
    if request.post_only and request.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        raise InvalidArgument("an order is post-only, or it takes at once: not both", rule="post_only")
    if instrument.kind is InstrumentKind.SPOT:
        if request.reduce_only:
            raise NotSupported(_EXCHANGE, "reduce_only on spot", "an order on the swap")
        if request.position_side is not None:
            raise NotSupported(_EXCHANGE, "position_side on spot", "an order on the swap")
        if request.quantity_unit is QuantityUnit.CONTRACTS:
            raise NotSupported(_EXCHANGE, "contracts on spot", "a quantity in base units")
    if request.quantity_unit is QuantityUnit.QUOTE and (
        instrument.kind is not InstrumentKind.SPOT or request.type is not OrderType.MARKET
    ):
        raise NotSupported(_EXCHANGE, "a quantity in quote but for market orders on spot", "a quantity in base units")
    if instrument.raw_status == POST_ONLY and not request.post_only:
        raise InvalidArgument(f"{instrument.symbol} takes post-only orders only now", rule="status")


def order_name(ref: OrderRef, instrument: Instrument, ids: ClientIds) -> dict[str, Value]:
    """Name one order: by the exchange's id where both are known, which is what the exchange does.

    Raises:
        InvalidArgument: Neither is there.
    """
    if ref.venue_order_id is not None:
        return {"instId": instrument.venue_symbol, "ordId": ref.venue_order_id}
    if ref.client_order_id is not None:
        return {"instId": instrument.venue_symbol, "clOrdId": ids.wire(ref.client_order_id)}
    raise InvalidArgument("name the order: client_order_id or venue_order_id", rule="order_id")


def amend_body(ref: OrderRef, change: Amendment, instrument: Instrument, ids: ClientIds) -> dict[str, Value]:
    """Write new terms of an order, which keeps its ids; the quantity is the whole, with what was executed."""
    body = order_name(ref, instrument, ids)
    if change.quantity is not None:
        body["newSz"] = plain(in_contracts(change.quantity, size_of(instrument)))
    if change.price is not None:
        body["newPx"] = plain(change.price)
    return body
