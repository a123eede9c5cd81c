"""Backpack's raw JSON of orders and accounts, in its own field names; strict as in `types`.

Optional values come back as ``null``, or not at all. Source: the exchange's OpenAPI document (2026-08), its Rust
client, and recordings.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from lotusx_backpack.times import Whole

T = TypeVar("T")


class Order(Struct, kw_only=True):
    """What order endpoints and the history report of an order."""

    id: str
    symbol: str
    side: str
    orderType: str
    status: str
    timeInForce: str
    executedQuantity: str
    executedQuoteQuantity: str
    createdAt: Whole
    """Milliseconds; ISO text in the history."""
    clientId: Whole | None = None
    quantity: str | None = None
    """Of a conditional order: absent until it is triggered."""
    quoteQuantity: str | None = None
    """Market orders; stands beside ``quantity`` too, and then is what the exchange makes of it."""
    price: str | None = None
    postOnly: bool | None = None
    reduceOnly: bool | None = None
    triggerPrice: str | None = None
    triggerQuantity: str | None = None
    """An amount, or a share of the position such as ``80%``."""
    triggeredAt: Whole | None = None
    """As ``createdAt``."""
    relatedOrderId: str | None = None
    """Of what a trigger set off: the order that had waited, and there the order that it is now. Of a take-profit or
    stop-loss that an order brought along: that order."""
    expiryReason: str | None = None
    """History only, as far as documented."""


class BatchPlaced(Order, tag="Ok", tag_field="operation", kw_only=True):
    """An order of a batch that was taken."""


class BatchRefused(Struct, tag="Err", tag_field="operation"):
    """An order of a batch that was not."""

    code: str
    message: str | None = None


class Fill(Struct, kw_only=True):
    """One of ``GET /wapi/v1/history/fills``."""

    tradeId: Whole | None = None
    """Absent from some fills that the system made."""
    orderId: str
    clientId: Whole | None = None
    symbol: str
    side: str
    price: str
    quantity: str
    fee: str
    feeSymbol: str
    isMaker: bool
    timestamp: Whole


class Holding(Struct):
    """One asset of ``GET /api/v1/capital``. What is lent out is not in it."""

    available: str
    locked: str
    staked: str


class CollateralAsset(Struct, kw_only=True):
    """One asset of ``collateral``."""

    symbol: str
    totalQuantity: str
    availableQuantity: str
    lendQuantity: str
    openOrderQuantity: str
    assetMarkPrice: str | None = None
    collateralWeight: str | None = None
    collateralValue: str | None = None
    balanceNotional: str | None = None


class Collateral(Struct, kw_only=True):
    """``GET /api/v1/capital/collateral``; amounts in USD, margins as fractions."""

    collateral: list[CollateralAsset]
    netEquity: str
    netEquityAvailable: str
    netEquityLocked: str
    assetsValue: str
    liabilitiesValue: str
    borrowLiability: str
    pnlUnrealized: str
    unsettledEquity: str
    netExposureFutures: str
    imf: str | None = None
    mmf: str | None = None
    marginFraction: str | None = None


class Account(Struct, kw_only=True):
    """``GET /api/v1/account``. Fees in basis points, below zero a rebate; limits as the exchange writes them."""

    futuresMakerFee: str
    futuresTakerFee: str
    spotMakerFee: str
    spotTakerFee: str
    leverageLimit: str
    positionLimit: str | None = None
    borrowLimit: str | None = None
    limitOrders: Whole | None = None
    triggerOrders: Whole | None = None
    liquidating: bool | None = None
    autoLend: bool | None = None
    autoBorrowSettlements: bool | None = None
    autoRepayBorrows: bool | None = None
    autoRealizePnl: bool | None = None


class MaxOrderQuantity(Struct):
    """``GET /api/v1/account/limits/order``; base units."""

    symbol: str
    side: str
    maxOrderQuantity: str


class Position(Struct, kw_only=True):
    """One of ``GET /api/v1/position``."""

    symbol: str
    netQuantity: str
    """Signed, long > 0."""
    entryPrice: str
    markPrice: str
    pnlUnrealized: str
    estLiquidationPrice: str | None = None
    """0, or wrong, unless one symbol was asked for."""


class FundingPayment(Struct):
    """One of ``GET /wapi/v1/history/funding``; ``quantity`` > 0 was received."""

    symbol: str
    quantity: str
    fundingRate: str
    intervalEndTimestamp: Whole


class Frame(Struct, Generic[T]):
    """A message of a private stream."""

    data: T


class OrderEvent(Struct, kw_only=True):
    """``account.orderUpdate``."""

    e: str
    """``orderAccepted``, ``orderCancelled``, ``orderExpired``, ``orderFill``, ``orderModified``, ``triggerPlaced``…"""
    E: Whole
    T: Whole
    s: str
    S: str
    o: str
    """``LIMIT`` or ``MARKET``, in capitals here."""
    f: str
    i: Whole
    X: str
    z: str
    Z: str
    q: str | None = None
    """0 with a pending trigger."""
    Q: str | None = None
    p: str | None = None
    c: Whole | None = None
    P: str | None = None
    Y: str | None = None
    R: str | None = None
    r: bool | None = None
    y: bool | None = None
    O: str | None = None  # noqa: E741 - Backpack's name: origin
    """``USER``, or what the system did it for."""
    I: str | int | None = None  # noqa: E741 - Backpack's name: related order
    """As ``relatedOrderId``."""
    t: Whole | None = None
    l: str | None = None  # noqa: E741 - Backpack's name: last executed quantity
    L: str | None = None
    m: bool | None = None
    n: str | None = None
    N: str | None = None


class PositionEvent(Struct, kw_only=True):
    """``account.positionUpdate``; without ``e``: what is held at the time of the subscription."""

    T: Whole
    s: str
    q: str
    """Signed, long > 0, without open orders; ``Q`` has them."""
    B: str | None = None
    M: str | None = None
    P: str | None = None
    e: str | None = None


class BalanceEvent(Struct, kw_only=True):
    """``account.balanceUpdate``: absolute values. Not in the documents of 2026-08; recorded in 2026-09."""

    E: Whole
    T: Whole | None = None
    """In recordings; other clients know ``E`` alone."""
    a: str
    A: str
    L: str
    S: str
