"""Pure: Bybit's wallet, positions, fees, permissions and private messages → the model.

Source: bybit-exchange/docs, v5/account, v5/position, v5/user/apikey-info and v5/websocket/private.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import (
    AccountEvent,
    Balance,
    BalanceEvent,
    Fees,
    FillEvent,
    FundingEvent,
    Leverage,
    MarginMode,
    OrderEvent,
    Permissions,
    Position,
    PositionEvent,
    Side,
    Symbol,
    VenueEvent,
    added,
    decimal_from_wire,
    known,
    negated,
    subtracted,
)
from lotusx_bybit.v5 import account_types as types
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.conversions import MS, SIDES, ms_of
from lotusx_bybit.v5.instruments import positive
from lotusx_bybit.v5.order_conversions import (
    FUNDING,
    POSITION_SIDES,
    USER_TRADE,
    to_fill,
    to_funding_payment,
    to_order,
)
from lotusx_bybit.v5.order_requests import LONG_LEG, ONE_WAY, SHORT_LEG

_ZERO = Decimal(0)
MARGIN_WORDS = {MarginMode.ISOLATED: "ISOLATED_MARGIN", MarginMode.CROSS: "REGULAR_MARGIN"}
_MARGIN_MODES = {
    "ISOLATED_MARGIN": MarginMode.ISOLATED,
    "REGULAR_MARGIN": MarginMode.CROSS,
    "PORTFOLIO_MARGIN": MarginMode.CROSS,
}

SymbolOf = Callable[[Category, str], Symbol]
"""Category and the exchange's symbol → ours. Raises `ItemRejected` where it is not listed."""
StepOf = Callable[[Category, str], Decimal | None]
"""The same → the smallest step of quantity, as in `to_order`."""


def margin_mode_of(text: str) -> MarginMode:
    """Read ``marginMode`` of the account: there is one for all its positions."""
    return _MARGIN_MODES.get(text, MarginMode.UNKNOWN)


def _amount(text: str, field: str) -> Decimal:
    """Read an amount; left out, as in portfolio margin, it is zero."""
    return decimal_from_wire(text, field=field) if text else _ZERO


def to_balance(coin: types.Coin, *, updated_ms: int) -> Balance:
    """Convert one coin of the unified wallet.

    ``free`` is exact in isolated margin. In cross and portfolio margin the limit is one sum in USD of the whole
    account, and ``free`` an estimate. Unrealized profit is no part of it.
    """
    total = decimal_from_wire(coin.walletBalance or "0", field="walletBalance")
    margin = added(_amount(coin.totalOrderIM, "totalOrderIM"), _amount(coin.totalPositionIM, "totalPositionIM"))
    locked = added(_amount(coin.locked, "locked"), margin)
    free = max(_ZERO, subtracted(total, added(locked, _amount(coin.bonus, "bonus"))))
    return Balance(coin.coin, free, locked, total, updated_ms * MS)


def signed_size(item: types.Position) -> Decimal:
    """Return the size with its sign: by the leg in hedge mode, by the side in one-way mode.

    Raises:
        ItemRejected: Neither tells it of a position that is not flat.
    """
    size = decimal_from_wire(item.size or "0", field="size")
    if not size:
        return _ZERO
    if item.positionIdx == LONG_LEG:
        return size
    if item.positionIdx == SHORT_LEG:
        return negated(size)
    if item.positionIdx != ONE_WAY:
        raise ItemRejected(f"unknown leg {item.positionIdx}", field="positionIdx", value=str(item.positionIdx))
    return size if known(SIDES, item.side, field="side") is Side.BUY else negated(size)


def to_position(
    item: types.Position, *, symbol: Symbol, category: Category, margin_mode: MarginMode | None
) -> Position:
    """Convert a position, queried or from the stream. A flat one has the quantity zero.

    Args:
        margin_mode: Of the account; ``None``: not known. Positions do not state it.
    """
    pnl = item.unrealisedPnl
    return Position(
        symbol=symbol,
        kind=category.kind,
        quantity=signed_size(item),
        entry_price=positive(item.avgPrice or item.entryPrice, "avgPrice"),
        mark_price=positive(item.markPrice, "markPrice"),
        unrealized_pnl=decimal_from_wire(pnl, field="unrealisedPnl") if pnl else None,
        liquidation_price=positive(item.liqPrice, "liqPrice"),
        leverage=positive(item.leverage, "leverage"),
        margin_mode=margin_mode,
        margin=decimal_from_wire(item.positionIM, field="positionIM") if item.positionIM else None,
        updated_ns=ms_of(item.updatedTime or "0", "updatedTime") * MS,
        side=POSITION_SIDES.get(item.positionIdx),
    )


def to_leverage(
    item: types.Position, *, symbol: Symbol, margin_mode: MarginMode, maximum: Decimal | None = None
) -> Leverage:
    """Read the leverage out of a position, which is listed by symbol even when it is flat.

    Raises:
        ItemRejected: None is stated, as in portfolio margin.
    """
    leverage = positive(item.leverage, "leverage")
    if leverage is None:
        raise ItemRejected(f"no leverage of {symbol} is stated (portfolio margin)", field="leverage")
    return Leverage(symbol, leverage, margin_mode, maximum)


def to_fees(item: types.FeeRate, *, symbol: Symbol) -> Fees:
    """Convert one item of ``fee-rate``; a maker's may be below zero."""
    number = decimal_from_wire
    return Fees(
        symbol, number(item.makerFeeRate, field="makerFeeRate"), number(item.takerFeeRate, field="takerFeeRate")
    )


def to_permissions(info: types.KeyInfo, raw: dict[str, Any], *, spot: bool) -> Permissions:
    """Convert what a key may do, on spot or on derivatives. Bybit leaves the place of the secret in *raw* empty."""
    granted = info.permissions
    if spot:
        trade = "SpotTrade" in granted.get("Spot", ())
    else:
        trade = "Order" in granted.get("ContractTrade", ()) or "DerivativesTrade" in granted.get("Derivatives", ())
    writes = info.readOnly == 0
    return Permissions(
        read=True,
        trade=trade and writes,
        withdraw="Withdraw" in granted.get("Wallet", ()) and writes,
        ip_restricted=None if info.ips is None else bool(info.ips) and "*" not in info.ips,
        raw=raw,
    )


_Raws = types.PrivatePush[msgspec.Raw]
_items = msgspec.json.Decoder(_Raws).decode
_orders = msgspec.json.Decoder(types.PrivatePush[types.Order]).decode
_execution = msgspec.json.Decoder(types.Execution).decode
_positions = msgspec.json.Decoder(types.PrivatePush[types.Position]).decode
_wallets = msgspec.json.Decoder(types.PrivatePush[types.Wallet]).decode


def _ours(category: str, wanted: Container[Category]) -> Category | None:
    """Return the category of an item; ``None``: of a product that this connection does not serve."""
    try:
        found = Category(category)
    except ValueError:
        if category == "option":
            return None
        raise ItemRejected(f"unknown category {category!r}", field="category", value=category) from None
    return found if found in wanted else None


def to_order_events(
    message: bytes,
    received_ns: int,
    *,
    categories: Container[Category],
    symbol_of: SymbolOf,
    step_of: StepOf = lambda category, venue_symbol: None,
) -> list[AccountEvent]:
    """Convert a message of the stream ``order``."""
    events: list[AccountEvent] = []
    for item in _orders(message).data:
        category = _ours(item.category, categories)
        if category is not None:
            symbol, step = symbol_of(category, item.symbol), step_of(category, item.symbol)
            events.append(OrderEvent(to_order(item, symbol=symbol, category=category, step=step)))
    return events


def to_fill_events(
    message: bytes, received_ns: int, *, categories: Container[Category], symbol_of: SymbolOf
) -> list[AccountEvent]:
    """Convert a message of the stream ``execution``: fills and funding. What is neither is handed on as it came."""
    events: list[AccountEvent] = []
    for document in _items(message).data:
        item = _execution(document)
        category = _ours(item.category, categories)
        if category is None:
            continue
        if item.execType == USER_TRADE:
            symbol = symbol_of(category, item.symbol)
            events.append(FillEvent(to_fill(item, symbol=symbol, category=category, received_ns=received_ns)))
        elif item.execType == FUNDING:
            symbol = symbol_of(category, item.symbol)
            payment = to_funding_payment(item, symbol=symbol, category=category, received_ns=received_ns)
            events.append(FundingEvent(payment))
        else:
            raw: Mapping[str, Any] = msgspec.json.decode(document)
            events.append(VenueEvent(f"execution {item.execType}", raw, received_ns))
    return events


def to_position_events(
    message: bytes,
    received_ns: int,
    *,
    categories: Container[Category],
    symbol_of: SymbolOf,
    margin_mode: MarginMode | None = None,
) -> list[AccountEvent]:
    """Convert a message of the stream ``position``, which comes with every order even if nothing changed."""
    positions = tuple(
        to_position(item, symbol=symbol_of(category, item.symbol), category=category, margin_mode=margin_mode)
        for item in _positions(message).data
        if (category := _ours(item.category, categories)) is not None
    )
    return [PositionEvent(positions)] if positions else []


def to_balance_events(message: bytes, received_ns: int) -> list[AccountEvent]:
    """Convert a message of the stream ``wallet``: the coins that changed, of all products."""
    push = _wallets(message)
    balances = tuple(to_balance(coin, updated_ms=push.creationTime) for wallet in push.data for coin in wallet.coins)
    return [BalanceEvent(balances)] if balances else []
