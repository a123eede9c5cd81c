"""Pure: orders, from the model's words into the exchange's.

There are two types, limit and market: a stop or a take-profit is either of them with a trigger, and what an order
brings along (take-profit and stop-loss of its own, self-trade prevention, lending) goes by ``native``. Source: the
exchange's OpenAPI document (2026-08), "Execute order", and the words of its refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import (
    Instrument,
    InstrumentKind,
    OrderType,
    QuantityUnit,
    Side,
    TimeInForce,
    decimal_from_user,
    plain,
)
from lotusx.rules import check_price
from lotusx_backpack.markets import LIMIT_ONLY, POST_ONLY

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

Value = str | int | bool
"""As JSON carries it: numbers with a point are text, so that what is signed is what is sent."""

DEFAULT_TRIGGER = "LastPrice"

_EXCHANGE = "backpack"
_SIDE = {Side.BUY: "Bid", Side.SELL: "Ask"}
_TIME_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
_BROKERS = 2**16


def _word(name: str, text: str) -> Value:
    if text:
        return text
    raise InvalidArgument(f"native[{name!r}] is empty", rule="native")


def _number(name: str, text: str) -> Value:
    number = decimal_from_user(text, name=f"native[{name!r}]")
    if number > 0:
        return plain(number)
    raise InvalidArgument(f"native[{name!r}] must be above zero, not {number}", rule="native")


def _flag(name: str, text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    raise InvalidArgument(f"native[{name!r}] is 'true' or 'false', not {text!r}", rule="native")


def _broker(name: str, text: str) -> Value:
    if text.isascii() and text.isdecimal() and int(text) < _BROKERS:
        return int(text)
    raise InvalidArgument(f"native[{name!r}] is a number below {_BROKERS}, not {text!r}", rule="native")


_BRACKET_PRICES = ("takeProfitTriggerPrice", "takeProfitLimitPrice", "stopLossTriggerPrice", "stopLossLimitPrice")
_BRACKETS = ("takeProfit", "stopLoss")

NATIVE: Mapping[str, Callable[[str, str], Value]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("selfTradePrevention", "triggerBy", "takeProfitTriggerBy", "stopLossTriggerBy", "slippageToleranceType"),
            _word,
        ),
        **dict.fromkeys((*_BRACKET_PRICES, "slippageTolerance"), _number),
        **dict.fromkeys(("autoLend", "autoLendRedeem", "autoBorrow", "autoBorrowRepay"), _flag),
        "brokerId": _broker,
    }
)
"""Names of what an order may have besides, and how each is read. Enumerations are sent as they are written."""


def order_body(request: OrderRequest, instrument: Instrument, *, client_id: int | None = None) -> dict[str, Value]:
    """Write one order.

    Args:
        client_id: The number that stands for its client order id.

    Raises:
        NotSupported: Backpack has no such order.
        InvalidArgument: A part of it is missing, does not go with its type, or is not taken in the market's state.
    """
    _check_offered(request, instrument)
    kind = request.type
    body: dict[str, Value] = {
        "symbol": instrument.venue_symbol,
        "side": _SIDE[request.side],
        "orderType": "Limit" if kind.has_limit_price else "Market",
    }
    if client_id is not None:
        body["clientId"] = client_id
    if request.price is not None:
        body["price"] = plain(request.price)
    if request.trigger_price is not None:
        # A quantity beside the trigger's is refused.
        body["triggerPrice"] = plain(request.trigger_price)
        body["triggerQuantity"] = plain(request.quantity)
        body["triggerBy"] = DEFAULT_TRIGGER
    else:
        body["quoteQuantity" if request.quantity_unit is QuantityUnit.QUOTE else "quantity"] = plain(request.quantity)
    if kind is OrderType.LIMIT or request.time_in_force is not None:
        body["timeInForce"] = _TIME_IN_FORCE[request.time_in_force or TimeInForce.GTC]
    if request.post_only:
        body["postOnly"] = True
    if request.reduce_only:
        body["reduceOnly"] = True
    _add_native(request, instrument, body)
    return body


def check_trigger(request: OrderRequest, reference: Decimal) -> None:
    """Refuse a conditional order that the exchange would take for its opposite, or trigger at once.

    A stop and a take-profit are sent in the same words. Which one it is, the exchange infers from where the trigger
    lies; its rule is not documented beyond that.

    Args:
        reference: The price that triggers it (last, mark or index), now.

    Raises:
        InvalidArgument: The trigger does not lie on the side of *reference* that its type needs.
    """
    if request.trigger_price is None:
        return
    stops = request.type in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
    above = stops == (request.side is Side.BUY)
    if (request.trigger_price > reference) if above else (request.trigger_price < reference):
        return
    raise InvalidArgument(
        f"trigger_price {plain(request.trigger_price)} of a {request.type} {request.side} order must be "
        f"{'above' if above else 'below'} {plain(reference)}, where the market is: the exchange tells a stop from a "
        "take-profit by that",
        rule="trigger_price",
    )


def cancel_body(venue_symbol: str, *, order_id: str | None = None, client_id: int | None = None) -> dict[str, Value]:
    """Name one order by one of its ids: giving both is refused.

    Raises:
        InvalidArgument: Neither is there.
    """
    if order_id is not None:
        return {"symbol": venue_symbol, "orderId": order_id}
    if client_id is not None:
        return {"symbol": venue_symbol, "clientId": client_id}
    raise InvalidArgument("name the order: order_id=… or client_id=…")


def _check_offered(request: OrderRequest, instrument: Instrument) -> None:
    if request.quantity_unit is QuantityUnit.CONTRACTS:
        raise NotSupported(_EXCHANGE, "a quantity in contracts", "a quantity in base units")
    if request.type is OrderType.TRAILING_STOP or request.trailing_fraction is not None:
        raise NotSupported(_EXCHANGE, "trailing orders", "a stop order that you move")
    if request.time_in_force is TimeInForce.GTD:
        raise NotSupported(_EXCHANGE, "time in force GTD", "GTC, and a cancel of your own")
    if request.max_slippage is not None:
        instead = "native={'slippageTolerance': …, 'slippageToleranceType': …}, or a limit order with IOC"
        raise NotSupported(_EXCHANGE, "max_slippage", instead)
    if request.position_side is not None:
        raise NotSupported(_EXCHANGE, "two positions of one market", "a sub-account for the other side")
    if request.reduce_only and instrument.kind is InstrumentKind.SPOT:
        raise NotSupported(_EXCHANGE, "reduce_only on spot", "an order on the perpetual")
    state = instrument.raw_status
    if state == LIMIT_ONLY and not request.type.has_limit_price:
        raise InvalidArgument(f"{instrument.symbol} takes limit orders only now", rule="status")
    if state == POST_ONLY and not request.post_only:
        raise InvalidArgument(f"{instrument.symbol} takes post-only orders only now", rule="status")


def _add_native(request: OrderRequest, instrument: Instrument, body: dict[str, Value]) -> None:
    for name, text in request.native.items():
        read = NATIVE.get(name)
        if read is None:
            raise InvalidArgument(
                f"native[{name!r}] is not part of an order; {', '.join(sorted(NATIVE))} are", rule="native"
            )
        if name == "triggerBy" and request.trigger_price is None:
            raise InvalidArgument("native['triggerBy'] goes with a trigger_price", rule="native")
        body[name] = read(name, text)
    for name in _BRACKET_PRICES:
        if name in body:
            check_price(Decimal(str(body[name])), instrument, name=f"native[{name!r}]")
    for bracket in _BRACKETS:
        trigger = f"{bracket}TriggerPrice"
        if trigger in body:
            body.setdefault(f"{bracket}TriggerBy", DEFAULT_TRIGGER)
        elif f"{bracket}LimitPrice" in body or f"{bracket}TriggerBy" in body:
            raise InvalidArgument(f"native[{trigger!r}] is missing: the {bracket} needs one", rule="native")
    if ("slippageTolerance" in body) != ("slippageToleranceType" in body):
        raise InvalidArgument("slippageTolerance and slippageToleranceType go together", rule="native")
