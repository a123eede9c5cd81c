"""Binance's raw JSON of orders and accounts, spot, in its own field names; strict as in `types`.

Source: github.com/binance/binance-spot-api-docs, rest-api.md and user-data-stream.md.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct, field


class FillItem(Struct):
    """One of ``fills`` in a FULL order reply."""

    price: str
    qty: str
    commission: str
    commissionAsset: str
    tradeId: int


class OrderFields(Struct, kw_only=True):
    """What every report of an order states."""

    symbol: str
    orderId: int
    clientOrderId: str
    price: str
    origQty: str
    executedQty: str
    origQuoteOrderQty: str
    cummulativeQuoteQty: str
    status: str
    timeInForce: str
    type: str
    side: str
    stopPrice: str | None = None
    """With a trigger price only."""
    trailingDelta: int | None = None
    """With trailing orders only."""
    workingTime: int | None = None
    """When it went on the book; -1 or absent: it has not."""
    expiryReason: str | None = None
    """Since 2026-03-26, where there is one."""


class NewOrder(OrderFields, kw_only=True):
    """``POST /api/v3/order`` with ``newOrderRespType`` FULL (RESULT lacks ``fills``)."""

    transactTime: int
    fills: list[FillItem] = field(default_factory=list)


class CanceledOrder(OrderFields, kw_only=True):
    """``DELETE /api/v3/order``: ``origClientOrderId`` names the order, ``clientOrderId`` the cancel."""

    origClientOrderId: str
    transactTime: int


class CanceledList(Struct):
    """An order list in the reply of ``DELETE /api/v3/openOrders``."""

    contingencyType: str
    orderReports: list[CanceledOrder]


class CancelReplaced(Struct):
    """``POST /api/v3/order/cancelReplace``, HTTP 200: both halves succeeded."""

    cancelResult: str
    newOrderResult: str
    cancelResponse: CanceledOrder
    newOrderResponse: NewOrder


class AmendedOrder(Struct, kw_only=True):
    """``amendedOrder`` of keepPriority: ``qty`` instead of ``origQty``, and ``cumulativeQuoteQty`` with one m."""

    symbol: str
    orderId: int
    clientOrderId: str
    price: str
    qty: str
    executedQty: str
    quoteOrderQty: str
    cumulativeQuoteQty: str
    status: str
    timeInForce: str
    type: str
    side: str
    workingTime: int | None = None
    stopPrice: str | None = None
    trailingDelta: int | None = None


class Amended(Struct):
    """``PUT /api/v3/order/amend/keepPriority``."""

    transactTime: int
    executionId: int
    amendedOrder: AmendedOrder


class Order(OrderFields, kw_only=True):
    """``GET /api/v3/order``, ``openOrders`` and ``allOrders``."""

    time: int
    updateTime: int
    isWorking: bool
    orderListId: int = -1
    icebergQty: str | None = None
    selfTradePreventionMode: str | None = None
    strategyId: int | None = None
    strategyType: int | None = None
    trailingTime: int | None = None
    """Since when it trails; -1 or absent: it does not yet."""
    preventedQuantity: str | None = None
    """What self-trade prevention took off what may still execute, where it did; ``origQty`` still counts it."""
    pegPriceType: str | None = None
    usedSor: bool = False


class AccountTrade(Struct):
    """``GET /api/v3/myTrades``."""

    symbol: str
    id: int
    orderId: int
    price: str
    qty: str
    commission: str
    commissionAsset: str
    time: int
    isBuyer: bool
    isMaker: bool


class AssetBalance(Struct):
    """One of ``account.balances``."""

    asset: str
    free: str
    locked: str


class AccountInfo(Struct):
    """``GET /api/v3/account``."""

    canTrade: bool
    canWithdraw: bool
    updateTime: int
    balances: list[AssetBalance]


class CommissionRates(Struct):
    """Rates that add up: by liquidity and by side."""

    maker: str
    taker: str
    buyer: str
    seller: str


class Commission(Struct):
    """``GET /api/v3/account/commission``."""

    symbol: str
    standardCommission: CommissionRates
    specialCommission: CommissionRates
    taxCommission: CommissionRates


class ApiRestrictions(Struct):
    """``GET /sapi/v1/account/apiRestrictions``."""

    ipRestrict: bool
    enableReading: bool
    enableWithdrawals: bool
    enableSpotAndMarginTrading: bool
    enableFutures: bool = False


class EventHead(Struct):
    """The part of an event that says what it is."""

    e: str


class Envelope(Struct):
    """One message of user data: ``{"subscriptionId": 0, "event": {"e": …}}``."""

    event: msgspec.Raw
    subscriptionId: int | None = None
    """Absent from what concerns the whole socket."""


class ExecutionReport(Struct, kw_only=True):
    """``executionReport``: an order changed."""

    E: int
    s: str
    c: str
    """The client order id; of the cancel or amendment on CANCELED and REPLACED."""
    S: str
    o: str
    f: str
    q: str
    p: str
    P: str
    C: str
    """Empty, or the order's own client order id where ``c`` is another."""
    x: str
    X: str
    r: str
    i: int
    l: str  # noqa: E741 - Binance's name: last executed quantity
    z: str
    L: str
    n: str | None
    """Commission; the asset ``N`` may be a third one (BNB)."""
    N: str | None
    T: int
    t: int
    """Trade id; -1 without a trade."""
    I: int  # noqa: E741 - Binance's name: execution id
    w: bool
    m: bool
    O: int  # noqa: E741 - Binance's name: creation time
    Z: str
    Q: str
    d: int | None = None
    """Trailing delta, with trailing orders only."""
    eR: str | None = None
    """Expiry reason, since 2026-03-26, where there is one."""


class AssetPosition(Struct):
    """One of ``outboundAccountPosition.B``."""

    a: str
    f: str
    l: str  # noqa: E741 - Binance's name: locked


class AccountPosition(Struct):
    """``outboundAccountPosition``: absolute balances of the assets that may have changed."""

    E: int
    u: int
    B: list[AssetPosition]


class BalanceUpdate(Struct):
    """``balanceUpdate``: a deposit, withdrawal or transfer; a difference, not a balance."""

    E: int
    a: str
    d: str
    T: int
