"""Binance's raw JSON of orders and accounts, USDⓈ-M futures, in its own field names; strict as in `types`.

Since 2026-06-30 the replies to placing, amending and cancelling carry neither average price nor quote amount.
Source: developers.binance.com, USDⓈ-M futures, "Trade" and "Account".
"""

from __future__ import annotations

from msgspec import Struct, field

from lotusx_binance.replies import ErrorBody


class Order(Struct, kw_only=True):
    """What every report of an order states; ``avgPrice``, ``cumQuote`` and ``time`` in answers to queries only."""

    symbol: str
    orderId: int
    clientOrderId: str
    price: str
    origQty: str
    executedQty: str
    status: str
    timeInForce: str
    type: str
    origType: str
    side: str
    positionSide: str
    reduceOnly: bool
    updateTime: int
    stopPrice: str | None = None
    avgPrice: str | None = None
    cumQuote: str | None = None
    time: int | None = None
    closePosition: bool = False


class BatchItem(Struct, kw_only=True):
    """One answer of a batch: an order, of which this is the name, or a refusal."""

    code: int | None = None
    msg: str = ""
    orderId: int | None = None
    clientOrderId: str | None = None

    @property
    def refusal(self) -> ErrorBody | None:
        """The refusal, if it is one."""
        return None if self.code is None else ErrorBody(self.code, self.msg)


class AlgoOrder(Struct, kw_only=True):
    """``algoOrder``: a conditional order of the algo service, with ids of its own.

    ``actualOrderId`` names the order it became; empty before it triggered, and absent from the answer to a new one.
    ``quantity`` is zero where it closes the whole position.
    """

    symbol: str
    algoId: int
    clientAlgoId: str
    side: str
    positionSide: str
    timeInForce: str
    quantity: str | None = None
    algoStatus: str
    triggerPrice: str | None = None
    reduceOnly: bool
    closePosition: bool = False
    createTime: int
    updateTime: int
    orderType: str = ""
    type: str = ""
    """Another name of ``orderType``, in some answers."""
    price: str | None = None
    actualOrderId: str = ""

    @property
    def kind(self) -> str:
        """Its type, by either name."""
        return self.orderType or self.type


class AlgoCanceled(Struct):
    """``DELETE /fapi/v1/algoOrder``: an acknowledgement; ``code`` is text."""

    algoId: int
    clientAlgoId: str


class Done(Struct):
    """``{"code": 200, "msg": "…"}``; the number may be text."""

    code: int | str
    msg: str = ""


class AccountTrade(Struct):
    """``GET /fapi/v1/userTrades``."""

    symbol: str
    id: int
    orderId: int
    side: str
    price: str
    qty: str
    commission: str
    commissionAsset: str
    time: int
    maker: bool


class AssetBalance(Struct):
    """``GET /fapi/v3/balance``."""

    asset: str
    balance: str
    crossWalletBalance: str
    availableBalance: str
    updateTime: int


class PositionRisk(Struct, kw_only=True):
    """``GET /fapi/v3/positionRisk``: says nothing of leverage and margin type. ``positionAmt`` is signed."""

    symbol: str
    positionSide: str
    positionAmt: str
    entryPrice: str
    markPrice: str
    unRealizedProfit: str
    liquidationPrice: str
    isolatedWallet: str
    updateTime: int
    positionInitialMargin: str | None = None
    """Without that of its symbol's open orders, which ``initialMargin`` counts too."""


class SymbolConfig(Struct):
    """``GET /fapi/v1/symbolConfig``."""

    symbol: str
    marginType: str
    leverage: int


class Bracket(Struct):
    """A bracket of notional: how far it may be leveraged."""

    bracket: int
    initialLeverage: int


class Brackets(Struct):
    """``GET /fapi/v1/leverageBracket``."""

    symbol: str
    brackets: list[Bracket]


class LeverageSet(Struct):
    """``POST /fapi/v1/leverage``."""

    symbol: str
    leverage: int


class AccountConfig(Struct):
    """``GET /fapi/v1/accountConfig``."""

    canTrade: bool
    dualSidePosition: bool
    multiAssetsMargin: bool


class CommissionRate(Struct):
    """``GET /fapi/v1/commissionRate``."""

    symbol: str
    makerCommissionRate: str
    takerCommissionRate: str


class Income(Struct):
    """``GET /fapi/v1/income``. ``symbol`` is empty where it concerns none."""

    symbol: str
    incomeType: str
    income: str
    asset: str
    time: int


class ListenKey(Struct):
    """``POST /fapi/v1/listenKey``."""

    listenKey: str

    def __repr__(self) -> str:
        return "ListenKey(…)"  # whoever has it reads the account


class KeptKey(ListenKey):
    """``PUT /fapi/v1/listenKey``: the key that lives. Older documents know an empty answer."""

    listenKey: str = ""


class EventHead(Struct):
    """The part of an event that says what it is; ``st`` 2: of COIN-M futures."""

    e: str
    st: int = 1


class OrderUpdate(Struct, kw_only=True):
    """``o`` of ``ORDER_TRADE_UPDATE``. ``N`` and ``n`` are absent without a fee."""

    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    ap: str
    x: str
    X: str
    i: int
    l: str  # noqa: E741 - Binance's name: last executed quantity
    z: str
    L: str
    T: int
    t: int
    """Trade id; 0 without a trade."""
    m: bool
    R: bool
    ot: str
    """Type it was placed with."""
    ps: str
    """Position side."""
    sp: str | None = None
    n: str | None = None
    N: str | None = None
    cp: bool = False
    """Whether it closes the whole position."""
    er: str | int | None = None
    """Reason of an expiry, since 2025-10-23."""


class OrderTradeUpdate(Struct):
    """An order changed."""

    E: int
    T: int
    o: OrderUpdate


class AlgoUpdateOrder(Struct, kw_only=True):
    """``o`` of ``ALGO_UPDATE``."""

    caid: str
    aid: int
    o: str
    s: str
    S: str
    f: str
    q: str
    X: str
    ai: str
    """The order it became; empty before it triggered."""
    ap: str
    aq: str
    tp: str
    p: str
    R: bool
    ps: str
    cp: bool = False
    """Whether it closes the whole position; ``q`` is zero then."""
    rm: str = ""
    """Why it was rejected."""


class AlgoUpdate(Struct):
    """A conditional order changed."""

    E: int
    T: int
    o: AlgoUpdateOrder


class BalanceChange(Struct):
    """One of ``a.B``: balances after the change, and what changed beside profit and commission."""

    a: str
    wb: str
    cw: str
    bc: str


class PositionChange(Struct):
    """One of ``a.P``. ``mt`` is lower case here."""

    s: str
    pa: str
    ep: str
    up: str
    mt: str
    iw: str
    ps: str


class AccountChange(Struct):
    """``a`` of ``ACCOUNT_UPDATE``; ``S``, since 2026-08, of funding only."""

    m: str
    B: list[BalanceChange] = field(default_factory=list)
    P: list[PositionChange] = field(default_factory=list)
    S: str = ""


class AccountUpdate(Struct):
    """Balances and positions that may have changed; absolute values."""

    E: int
    T: int
    a: AccountChange
