"""Pure: Binance's orders, fills and account events → the model. What is sent is written in `order_requests`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import (
    AccountEvent,
    Balance,
    BalanceEvent,
    Fill,
    FillEvent,
    Liquidity,
    OrderEvent,
    OrderState,
    OrderStatus,
    OrderType,
    Side,
    Symbol,
    TimeInForce,
    added,
    decimal_from_wire,
    known,
    quotient,
)
from lotusx_binance import account_types as types
from lotusx_binance.conversions import MS

_SIDE = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIME_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_TYPE = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP_LOSS,
    "STOP_LOSS_LIMIT": OrderType.STOP_LOSS_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
}
_STATUS = {
    "PENDING_NEW": OrderStatus.PENDING,
    "NEW": OrderStatus.OPEN,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "PENDING_CANCEL": OrderStatus.OPEN,  # documented as unused
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,  # self-trade prevention
}


def _state(
    *,
    symbol: Symbol,
    order_id: int,
    client_order_id: str,
    side: str,
    kind: str,
    status: str,
    time_in_force: str,
    quantity: str,
    filled: str,
    price: str,
    stop_price: str | None,
    quote_quantity: str,
    filled_quote: str,
    trailing: int | None,
    working: bool,
    created_ms: int | None,
    updated_ms: int,
    version: int = 0,
    reason: str = "",
    fills: tuple[Fill, ...] = (),
) -> OrderState:
    number = decimal_from_wire
    executed = number(filled, field="executedQty")
    spent: Decimal | None = number(filled_quote, field="cummulativeQuoteQty")
    if spent is not None and spent < 0:
        spent = None  # "not available", in old history
    in_quote = number(quote_quantity, field="origQuoteOrderQty") or None
    order_type = _TYPE.get(kind, OrderType.UNKNOWN)
    if trailing and order_type is OrderType.STOP_LOSS:
        order_type = OrderType.TRAILING_STOP
    where = _STATUS.get(status, OrderStatus.UNKNOWN)
    if where is OrderStatus.OPEN and order_type.is_conditional and not working:
        where = OrderStatus.PENDING  # waits for its trigger
    return OrderState(
        symbol=symbol,
        venue_order_id=str(order_id),
        client_order_id=client_order_id or None,
        side=known(_SIDE, side, field="side"),
        type=order_type,
        status=where,
        quantity=None if in_quote else number(quantity, field="origQty"),
        filled=executed,
        price=number(price, field="price") or None,
        trigger_price=None if stop_price is None else number(stop_price, field="stopPrice") or None,
        quote_quantity=in_quote,
        filled_quote=spent,
        average_price=quotient(spent, executed) if executed and spent is not None else None,
        time_in_force=_TIME_IN_FORCE.get(time_in_force, TimeInForce.UNKNOWN),
        post_only=kind == "LIMIT_MAKER",
        created_ns=None if created_ms is None else created_ms * MS,
        updated_ns=updated_ms * MS,
        version=version,
        raw_status=status,
        raw_type=kind,
        raw_time_in_force=time_in_force,
        reason=reason,
        fills=fills,
    )


def _from_fields(
    item: types.OrderFields,
    symbol: Symbol,
    *,
    client_order_id: str,
    updated_ms: int,
    created_ms: int | None = None,
    working: bool | None = None,
    fills: tuple[Fill, ...] = (),
) -> OrderState:
    return _state(
        symbol=symbol,
        order_id=item.orderId,
        client_order_id=client_order_id,
        side=item.side,
        kind=item.type,
        status=item.status,
        time_in_force=item.timeInForce,
        quantity=item.origQty,
        filled=item.executedQty,
        price=item.price,
        stop_price=item.stopPrice,
        quote_quantity=item.origQuoteOrderQty,
        filled_quote=item.cummulativeQuoteQty,
        trailing=item.trailingDelta,
        working=(item.workingTime or -1) > 0 if working is None else working,
        created_ms=created_ms,
        updated_ms=updated_ms,
        reason=item.expiryReason or "",
        fills=fills,
    )


def to_placed(item: types.NewOrder, *, symbol: Symbol, received_ns: int) -> OrderState:
    """Convert the FULL reply to a new order; what it filled at once, it took."""
    side = known(_SIDE, item.side, field="side")
    fills = tuple(
        Fill(
            symbol=symbol,
            trade_id=str(fill.tradeId),
            venue_order_id=str(item.orderId),
            side=side,
            price=decimal_from_wire(fill.price, field="price"),
            quantity=decimal_from_wire(fill.qty, field="qty"),
            exchange_ns=item.transactTime * MS,
            client_order_id=item.clientOrderId,
            fee=decimal_from_wire(fill.commission, field="commission"),
            fee_asset=fill.commissionAsset,
            liquidity=Liquidity.TAKER,
            received_ns=received_ns,
        )
        for fill in item.fills
    )
    return _from_fields(
        item,
        symbol,
        client_order_id=item.clientOrderId,
        updated_ms=item.transactTime,
        created_ms=item.transactTime,
        fills=fills,
    )


def to_canceled(item: types.CanceledOrder, *, symbol: Symbol) -> OrderState:
    """Convert a cancel's reply: ``clientOrderId`` names the cancel, ``origClientOrderId`` the order."""
    return _from_fields(item, symbol, client_order_id=item.origClientOrderId, updated_ms=item.transactTime)


def to_order(item: types.Order, *, symbol: Symbol) -> OrderState:
    """Convert a queried order."""
    return _from_fields(
        item,
        symbol,
        client_order_id=item.clientOrderId,
        updated_ms=item.updateTime,
        created_ms=item.time,
        working=item.isWorking,
    )


def to_amended(item: types.Amended, *, symbol: Symbol) -> OrderState:
    """Convert the reply of an amendment that kept the order and its place."""
    order = item.amendedOrder
    return _state(
        symbol=symbol,
        order_id=order.orderId,
        client_order_id=order.clientOrderId,
        side=order.side,
        kind=order.type,
        status=order.status,
        time_in_force=order.timeInForce,
        quantity=order.qty,
        filled=order.executedQty,
        price=order.price,
        stop_price=order.stopPrice,
        quote_quantity=order.quoteOrderQty,
        filled_quote=order.cumulativeQuoteQty,
        trailing=order.trailingDelta,
        working=(order.workingTime or -1) > 0,
        created_ms=None,
        updated_ms=item.transactTime,
        version=item.executionId,
    )


def to_fill(item: types.AccountTrade, *, symbol: Symbol, received_ns: int) -> Fill:
    """Convert one item of ``myTrades``."""
    return Fill(
        symbol=symbol,
        trade_id=str(item.id),
        venue_order_id=str(item.orderId),
        side=Side.BUY if item.isBuyer else Side.SELL,
        price=decimal_from_wire(item.price, field="price"),
        quantity=decimal_from_wire(item.qty, field="qty"),
        exchange_ns=item.time * MS,
        fee=decimal_from_wire(item.commission, field="commission"),
        fee_asset=item.commissionAsset,
        liquidity=Liquidity.MAKER if item.isMaker else Liquidity.TAKER,
        received_ns=received_ns,
    )


def to_execution(report: types.ExecutionReport, *, symbol: Symbol, received_ns: int) -> list[AccountEvent]:
    """Convert an ``executionReport``: the fill, if it was one, and then the order's new state."""
    # A cancel puts its own id into c and the order's into C; an amendment makes c the order's new id.
    client_order_id = report.C if report.C and report.x != "REPLACED" else report.c
    fills: tuple[Fill, ...] = ()
    if report.x == "TRADE" and report.t >= 0:
        fills = (
            Fill(
                symbol=symbol,
                trade_id=str(report.t),
                venue_order_id=str(report.i),
                side=known(_SIDE, report.S, field="S"),
                price=decimal_from_wire(report.L, field="L"),
                quantity=decimal_from_wire(report.l, field="l"),
                exchange_ns=report.T * MS,
                client_order_id=client_order_id or None,
                fee=None if report.n is None or report.N is None else decimal_from_wire(report.n, field="n"),
                fee_asset=report.N,
                liquidity=Liquidity.MAKER if report.m else Liquidity.TAKER,
                received_ns=received_ns,
            ),
        )
    state = _state(
        symbol=symbol,
        order_id=report.i,
        client_order_id=client_order_id,
        side=report.S,
        kind=report.o,
        status=report.X,
        time_in_force=report.f,
        quantity=report.q,
        filled=report.z,
        price=report.p,
        stop_price=report.P,
        quote_quantity=report.Q,
        filled_quote=report.Z,
        trailing=report.d,
        working=report.w,
        created_ms=report.O,
        updated_ms=report.T,
        version=report.I,
        reason=report.r if report.r != "NONE" else report.eR or "",
        fills=fills,
    )
    return [*(FillEvent(fill) for fill in fills), OrderEvent(state)]


def to_balance(asset: str, free: str, locked: str, *, updated_ms: int) -> Balance:
    """Convert one asset of ``account.balances`` or of ``outboundAccountPosition``."""
    available, held = decimal_from_wire(free, field="free"), decimal_from_wire(locked, field="locked")
    return Balance(asset, available, held, available + held, updated_ms * MS)


_envelope = msgspec.json.Decoder(types.Envelope).decode
_head = msgspec.json.Decoder(types.EventHead).decode
_execution = msgspec.json.Decoder(types.ExecutionReport).decode
_position = msgspec.json.Decoder(types.AccountPosition).decode
_balance_update = msgspec.json.Decoder(types.BalanceUpdate).decode

# Order lists are told by the reports of their orders; a lock of another product shows in outboundAccountPosition.
_WITHOUT_NEWS = frozenset({"listStatus", "externalLockUpdate"})


def to_account_events(message: bytes, received_ns: int, symbol_of: Callable[[str], Symbol]) -> list[AccountEvent]:
    """Convert one message of user data.

    Raises:
        ItemRejected: An event that Binance does not document, or one of an unknown symbol or side.
    """
    event = _envelope(message).event
    kind = _head(event).e
    if kind == "executionReport":
        report = _execution(event)
        return to_execution(report, symbol=symbol_of(report.s), received_ns=received_ns)
    if kind == "outboundAccountPosition":
        position = _position(event)
        balances = tuple(to_balance(item.a, item.f, item.l, updated_ms=position.u) for item in position.B)
        return [BalanceEvent(balances)]
    if kind == "balanceUpdate":
        _balance_update(event)  # a difference only: the balance itself comes in outboundAccountPosition
        return []
    if kind in _WITHOUT_NEWS:
        return []
    raise ItemRejected(f"unknown event {kind!r} of user data", field="e", value=kind)


def commission_rate(parts: Mapping[str, types.CommissionRates], liquidity: str) -> Decimal:
    """Add up the standard, special and tax rates of *liquidity* (``maker`` or ``taker``), and the dearer side's."""
    number = decimal_from_wire
    rate, buyer, seller = (
        reduce(added, (number(getattr(part, name), field=name) for part in parts.values()), Decimal(0))
        for name in (liquidity, "buyer", "seller")
    )
    return added(rate, max(buyer, seller))
