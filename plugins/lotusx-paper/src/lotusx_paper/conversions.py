"""Between the engine's words and those of the model. Pure."""

from __future__ import annotations

from decimal import Decimal

from lotusx.errors import ErrorKind, ExchangeError, NotSupported, exchange_error
from lotusx.model import (
    Balance,
    Fill,
    Instrument,
    InstrumentKind,
    Liquidity,
    MarginMode,
    OrderState,
    OrderStatus,
    OrderType,
    Position,
    Side,
    Symbol,
    TimeInForce,
    quotient,
)
from lotusx_paper.exactly import as_price, exactly
from lotusx_paper.terms import Terms
from lotusx_sim.engine import accounts, orders, positions, terms as engine_terms
from lotusx_sim.engine.orders import Reason, Refused

TO_SIDE = {Side.BUY: orders.Side.BUY, Side.SELL: orders.Side.SELL}
FROM_SIDE = {engine: side for side, engine in TO_SIDE.items()}
TO_TIME_IN_FORCE = {
    None: orders.TimeInForce.GTC,
    TimeInForce.GTC: orders.TimeInForce.GTC,
    TimeInForce.IOC: orders.TimeInForce.IOC,
    TimeInForce.FOK: orders.TimeInForce.FOK,
}
TO_MARGIN_MODE = {
    MarginMode.CROSS: engine_terms.MarginMode.CROSS,
    MarginMode.ISOLATED: engine_terms.MarginMode.ISOLATED,
}
FROM_MARGIN_MODE = {engine: mode for mode, engine in TO_MARGIN_MODE.items()}
_KINDS = {
    InstrumentKind.LINEAR: engine_terms.MarketKind.LINEAR,
    InstrumentKind.INVERSE: engine_terms.MarketKind.INVERSE,
}
_STATUS = {
    orders.Status.NEW: OrderStatus.OPEN,
    orders.Status.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    orders.Status.FILLED: OrderStatus.FILLED,
    orders.Status.CANCELED: OrderStatus.CANCELED,
    orders.Status.EXPIRED: OrderStatus.EXPIRED,
    orders.Status.EXPIRED_IN_MATCH: OrderStatus.EXPIRED,
}
_ERRORS = {
    Reason.INSUFFICIENT_FUNDS: ErrorKind.INSUFFICIENT_FUNDS,
    Reason.WOULD_TAKE: ErrorKind.POST_ONLY_WOULD_TAKE,
    Reason.DUPLICATE_CLIENT_ID: ErrorKind.DUPLICATE_ORDER,
    Reason.UNKNOWN_ORDER: ErrorKind.ORDER_NOT_FOUND,
    Reason.NO_CHANGE: ErrorKind.NO_CHANGE,
    Reason.BELOW_EXECUTED: ErrorKind.INVALID_ORDER,
    Reason.NOT_A_DECREASE: ErrorKind.INVALID_ORDER,
    Reason.MARKET_CLOSED: ErrorKind.MARKET_CLOSED,
    Reason.REDUCE_ONLY: ErrorKind.REDUCE_ONLY_REJECTED,
}
_PREFIX = "paper-"
_SMALLEST_STEP = Decimal("1e-8")


def to_market(instrument: Instrument, terms: Terms) -> engine_terms.Market:
    """Return what the engine must know of *instrument*; quantities are those of the model.

    Raises:
        NotSupported: It is neither spot nor a perpetual or a future.
    """
    symbol, step = instrument.symbol, instrument.market_step_size or instrument.step_size or _SMALLEST_STEP
    if instrument.kind is InstrumentKind.SPOT:
        return engine_terms.Market(str(symbol), symbol.base, symbol.quote, step)
    kind = _KINDS.get(instrument.kind)
    if kind is None or symbol.settle is None:
        raise NotSupported("paper", f"orders of {symbol}, which is of kind {instrument.kind}")
    contract = engine_terms.Contract(
        kind,
        symbol.settle,
        terms.max_leverage,
        terms.maintenance,
        size=instrument.contract_size if instrument.kind is InstrumentKind.INVERSE else Decimal(1),
        leverage=terms.leverage,
    )
    return engine_terms.Market(str(symbol), symbol.base, symbol.quote, step, contract=contract)


def to_venue_id(number: int) -> str:
    """Return an id that nobody takes for an exchange's."""
    return f"{_PREFIX}{number}"


def from_venue_id(text: str) -> int | None:
    """Return the engine's number; ``None``: it is no id of a paper account."""
    number = text.removeprefix(_PREFIX)
    return int(number) if number != text and number.isdecimal() else None


def to_fill(fill: orders.Fill, client_order_id: str) -> Fill:
    """Convert one own half of a match."""
    return Fill(
        symbol=Symbol.parse(fill.symbol),
        trade_id=to_venue_id(fill.trade_id),
        venue_order_id=to_venue_id(fill.order_id),
        side=FROM_SIDE[fill.side],
        price=fill.price,
        quantity=fill.quantity,
        exchange_ns=fill.ns,
        client_order_id=client_order_id,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        liquidity=Liquidity.MAKER if fill.is_maker else Liquidity.TAKER,
        received_ns=fill.ns,
    )


def to_state(order: orders.Order, instrument: Instrument, version: int) -> OrderState:
    """Convert an order as it stands."""
    asked = order.tags
    by_quote = order.quote_quantity is not None
    in_quote = instrument.kind is not InstrumentKind.INVERSE
    is_market = asked.get("type", OrderType.MARKET) == OrderType.MARKET  # a liquidation has no tags
    time_in_force = asked.get("time_in_force")
    return OrderState(
        symbol=instrument.symbol,
        venue_order_id=to_venue_id(order.id),
        client_order_id=order.client_id,
        side=FROM_SIDE[order.side],
        type=OrderType.MARKET if is_market else OrderType.LIMIT,
        status=_STATUS[order.status],
        quantity=None if by_quote else order.quantity,
        filled=order.executed,
        price=None if is_market else order.price,
        quote_quantity=order.quote_quantity,
        filled_quote=order.executed_quote if in_quote else None,
        average_price=quotient(order.executed_quote, order.executed) if order.executed and in_quote else None,
        time_in_force=TimeInForce(time_in_force) if time_in_force else None,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        created_ns=order.created_ns,
        updated_ns=order.updated_ns,
        version=version,
        raw_status=order.status.value,
        raw_type=order.kind.value,
        reason=order.expiry_reason,
        fills=tuple(to_fill(fill, order.client_id) for fill in order.fills),
    )


def to_balance(asset: str, balance: accounts.Balance, updated_ns: int = 0) -> Balance:
    """Convert what is held of one asset."""
    with exactly():
        return Balance(asset, balance.free, balance.locked, balance.total, updated_ns)


def to_position(
    position: positions.Position,
    instrument: Instrument,
    mark: Decimal | None,
    liquidation_price: Decimal | None,
    updated_ns: int = 0,
) -> Position:
    """Convert a position, flat or not; *mark* is the present mark price. To be called `exactly`."""
    return Position(
        symbol=instrument.symbol,
        kind=instrument.kind,
        quantity=position.quantity,
        entry_price=as_price(position.entry_price),
        mark_price=mark,
        unrealized_pnl=None if mark is None else position.unrealized(mark),
        liquidation_price=as_price(liquidation_price),
        leverage=position.leverage,
        margin_mode=FROM_MARGIN_MODE[position.mode],
        margin=position.margin if position.mode is engine_terms.MarginMode.ISOLATED else None,
        updated_ns=updated_ns,
    )


def to_error(exchange: str, refused: Refused) -> ExchangeError:
    """Convert the engine's refusal; nothing has changed."""
    reason = refused.reason
    kind = _ERRORS.get(reason, ErrorKind.BAD_REQUEST)
    return exchange_error(kind, exchange, f"paper-{reason.name.lower()}", f"on paper: {reason.value}")
