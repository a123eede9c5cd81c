"""Bybit's raw private JSON, in its own field names: by REST and on the private streams.

``""``, ``"0"`` and ``"0.00"`` stand for "not set" in prices, ``""`` and ``"UNKNOWN"`` in words.
Source of all: bybit-exchange/docs, v5/order, v5/position, v5/account and v5/websocket/private.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct, field

T = TypeVar("T")


class OrderIds(Struct):
    """What a new, amended or canceled order is answered with: it was received, no more."""

    orderId: str = ""
    orderLinkId: str = ""


class CanceledAll(Struct):
    """What ``cancel-all`` is answered with. ``success``: ``1``, or ``0`` where it failed; not every account has it."""

    items: list[OrderIds] = field(name="list")
    success: str = "1"


class Order(Struct):
    """``GET /v5/order/realtime`` and ``history``, and the stream ``order``, which adds the category."""

    orderId: str
    orderLinkId: str
    symbol: str
    side: str
    orderType: str
    orderStatus: str
    timeInForce: str
    qty: str
    cumExecQty: str
    createdTime: str
    updatedTime: str
    positionIdx: int
    price: str = ""
    cumExecValue: str = ""
    avgPrice: str | None = ""
    triggerPrice: str = ""
    triggerDirection: int = 0
    stopOrderType: str = ""
    lastPriceOnCreated: str = ""
    basePrice: str = ""
    marketUnit: str = ""
    reduceOnly: bool = False
    rejectReason: str = ""
    cancelType: str = ""
    category: str = ""


class Execution(Struct):
    """``GET /v5/execution/list``, and the stream ``execution``, which adds the category. Funding is among them."""

    execId: str
    orderId: str
    symbol: str
    side: str
    execPrice: str
    execQty: str
    execType: str
    execTime: str
    orderLinkId: str = ""
    execFee: str = ""
    feeRate: str = ""
    feeCurrency: str = ""
    isMaker: bool | None = None
    category: str = ""


class Position(Struct):
    """``GET /v5/position/list``, and the stream ``position``, which says ``entryPrice`` for ``avgPrice``."""

    symbol: str
    side: str
    size: str
    positionIdx: int
    avgPrice: str = ""
    entryPrice: str = ""
    markPrice: str = ""
    liqPrice: str = ""
    leverage: str = ""
    positionIM: str = ""
    unrealisedPnl: str = ""
    updatedTime: str = "0"
    category: str = ""


class Coin(Struct):
    """One coin of a wallet."""

    coin: str
    walletBalance: str
    locked: str = ""
    totalOrderIM: str = ""
    totalPositionIM: str = ""
    bonus: str = ""


class Wallet(Struct):
    """One item of ``GET /v5/account/wallet-balance``, and of the stream ``wallet``."""

    coins: list[Coin] = field(name="coin")


class FeeRate(Struct):
    """One item of ``GET /v5/account/fee-rate``."""

    symbol: str
    takerFeeRate: str
    makerFeeRate: str


class KeyInfo(Struct):
    """What LotusX needs of ``GET /v5/user/query-api``."""

    readOnly: int
    permissions: dict[str, list[str]]
    ips: list[str] | None = None


class AccountInfo(Struct):
    """``GET /v5/account/info``."""

    marginMode: str
    unifiedMarginStatus: int = 0


class LogEntry(Struct):
    """One item of ``GET /v5/account/transaction-log``; funding has the type ``SETTLEMENT``."""

    symbol: str
    type: str
    transactionTime: str
    currency: str
    change: str = ""
    funding: str = ""
    feeRate: str = ""
    size: str = ""
    side: str = ""


class PrivatePush(Struct, Generic[T]):
    """A message of a private stream."""

    topic: str
    creationTime: int
    data: list[T]
