"""Hyperliquid's raw JSON of accounts: answers to actions, orders, fills, holdings, and the events of an account.

As in `types`: strict where a field is always there, with a default where it is not.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

# Answers of POST /exchange


class Resting(Struct):
    """The order rests, perhaps partly filled already."""

    oid: int
    cloid: str | None = None


class Filled(Struct):
    """The order matched; of an IOC it is over, and less than its size a partial fill."""

    oid: int
    totalSz: str
    avgPx: str
    cloid: str | None = None


class ItemStatus(Struct):
    """What became of one item of an action; exactly one of them is there."""

    resting: Resting | None = None
    filled: Filled | None = None
    error: str | None = None


class Statuses(Struct):
    """One per item, in their order; bare texts are ``success``, ``waitingForFill`` and ``waitingForTrigger``."""

    statuses: list[str | ItemStatus]


class ActionResponse(Struct):
    """*data* is there for orders, modifications and cancels."""

    type: str
    data: Statuses | None = None


class ActionReply(Struct):
    """An answer whose *status* is ``ok``: refusals are errors before they are decoded."""

    status: str
    response: ActionResponse


# Orders and fills


class OrderCore(Struct):
    """An order as streams and queries describe it. *sz* is what remains, *origSz* what was asked for."""

    coin: str
    side: str
    limitPx: str
    sz: str
    oid: int
    timestamp: int
    origSz: str | None = None
    cloid: str | None = None
    reduceOnly: bool | None = None
    orderType: str | None = None
    tif: str | None = None
    isTrigger: bool = False
    triggerPx: str | None = None
    isPositionTpsl: bool = False
    children: list[msgspec.Raw] | None = None  # what is in them is not documented


class OrderReport(Struct):
    """An order, where it stands, and since when (ms)."""

    order: OrderCore
    status: str
    statusTimestamp: int


class OrderAnswer(Struct):
    """``orderStatus``: *status* is ``order`` or ``unknownOid``."""

    status: str
    order: OrderReport | None = None


class UserFill(Struct):
    """One match of an order of ours; *crossed*: it took. *fee* includes *builderFee*."""

    coin: str
    px: str
    sz: str
    side: str
    time: int
    oid: int
    crossed: bool
    fee: str
    hash: str = ""
    startPosition: str = ""
    tid: int | None = None  # not in records of 2023; 0 in dust conversions
    feeToken: str | None = None
    cloid: str | None = None


# Holdings


class LeverageSetting(Struct):
    """*type* is ``cross`` or ``isolated``."""

    type: str
    value: int


class PositionData(Struct):
    """One open position; *szi* is signed."""

    coin: str
    szi: str
    leverage: LeverageSetting
    marginUsed: str
    positionValue: str
    unrealizedPnl: str
    entryPx: str | None = None
    liquidationPx: str | None = None


class AssetPosition(Struct):
    """*type* is always ``oneWay``."""

    position: PositionData
    type: str = "oneWay"


class MarginSummary(Struct):
    """In the collateral token of the dex."""

    accountValue: str
    totalMarginUsed: str


class PerpState(Struct):
    """``clearinghouseState`` of one dex."""

    marginSummary: MarginSummary
    withdrawable: str
    assetPositions: list[AssetPosition]
    time: int = 0  # not in records of 2023


class SpotBalance(Struct):
    """One token; *hold* is bound by orders."""

    coin: str
    token: int
    total: str
    hold: str


class SpotState(Struct):
    """``spotClearinghouseState``."""

    balances: list[SpotBalance]


class AssetData(Struct):
    """``activeAssetData``: an account's leverage in one perpetual."""

    coin: str
    leverage: LeverageSetting


class UserFees(Struct):
    """``userFees``: fractions of the notional, cross = taker, add = maker."""

    userCrossRate: str
    userAddRate: str
    userSpotCrossRate: str
    userSpotAddRate: str


class UserRole(Struct):
    """``userRole``: ``user``, ``agent`` (then *data* names its master), ``vault``, ``subAccount`` or ``missing``."""

    role: str
    data: dict[str, str] | None = None


class RateLimit(Struct):
    """``userRateLimit``: actions an address has sent and may send; *cumVlm* in USDC."""

    cumVlm: str
    nRequestsUsed: int
    nRequestsCap: int


class FundingDelta(Struct):
    """*usdc* > 0 was received; *szi* is the position that it was reckoned on."""

    coin: str
    usdc: str
    szi: str
    fundingRate: str


class FundingEntry(Struct):
    """One row of ``userFunding``."""

    time: int
    delta: FundingDelta


class LedgerDelta(Struct):
    """What a row of the ledger is about; the fields of deposits and withdrawals, of many other kinds."""

    type: str
    usdc: str = ""
    fee: str = ""
    nonce: int | None = None


class LedgerEntry(Struct):
    """One row of ``userNonFundingLedgerUpdates``."""

    time: int
    hash: str
    delta: LedgerDelta


# Events


class FillsEvent(Struct):
    """The data of ``userFills``; *isSnapshot*: history, told on subscribing."""

    fills: list[UserFill]
    isSnapshot: bool = False


class UserFunding(Struct):
    """One payment as streams tell it."""

    time: int
    coin: str
    usdc: str
    szi: str
    fundingRate: str


class FundingsEvent(Struct):
    """The data of ``userFundings``."""

    fundings: list[UserFunding]
    isSnapshot: bool = False


class PerpStateEvent(Struct):
    """The data of ``clearinghouseState``: absolute."""

    dex: str
    clearinghouseState: PerpState


class SpotStateEvent(Struct):
    """The data of ``spotState``: absolute."""

    spotState: SpotState


class UserEvent(Struct):
    """The data of channel ``user``: one key that names the kind, kept raw."""

    fills: msgspec.Raw | None = None
    funding: UserFunding | None = None
