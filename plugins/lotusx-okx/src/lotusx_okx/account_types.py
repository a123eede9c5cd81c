"""The raw JSON of one account at OKX, in its own field names. As `types`; source: OKX API v5 (2026-06)."""

from __future__ import annotations

from msgspec import Struct


class Done(Struct):
    """What became of one command: ``sCode`` 0 says that it was taken, not what came of it."""

    sCode: str
    sMsg: str = ""
    subCode: str = ""
    ordId: str = ""
    clOrdId: str = ""


class Order(Struct):
    """An order, queried or from the stream. The last four fields are of the update itself, and the stream's alone."""

    instType: str
    instId: str
    ordId: str
    side: str
    ordType: str
    state: str
    sz: str
    accFillSz: str
    cTime: str
    uTime: str
    clOrdId: str = ""
    px: str = ""
    avgPx: str = ""
    posSide: str = ""
    reduceOnly: str = "false"
    tgtCcy: str = ""
    category: str = "normal"
    cancelSource: str = ""
    cancelSourceReason: str = ""
    tradeId: str = ""
    fillSz: str = ""
    fillPx: str = ""
    fillTime: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    execType: str = ""


class Fill(Struct):
    """A match of one of our orders."""

    instType: str
    instId: str
    tradeId: str
    ordId: str
    billId: str
    side: str
    fillPx: str
    fillSz: str
    fillTime: str
    ts: str
    clOrdId: str = ""
    fee: str = ""
    feeCcy: str = ""
    execType: str = ""


class Holding(Struct):
    """What the account holds of one currency."""

    ccy: str
    cashBal: str
    uTime: str
    availBal: str = ""
    frozenBal: str = ""


class Account(Struct):
    """The trading account."""

    details: list[Holding]


class Position(Struct):
    """A position; ``pos`` counts contracts."""

    instType: str
    instId: str
    pos: str
    posSide: str
    mgnMode: str
    uTime: str
    avgPx: str = ""
    markPx: str = ""
    upl: str = ""
    lever: str = ""
    liqPx: str = ""
    margin: str = ""
    imr: str = ""
    posId: str = ""


class Config(Struct):
    """How the account is set up. ``acctLv``: 1 spot, 2 futures, 3 multi-currency margin, 4 portfolio margin."""

    acctLv: str
    posMode: str
    perm: str = ""
    ip: str = ""


class FeeGroup(Struct):
    """The rates of one group; below zero they are paid."""

    groupId: str
    maker: str
    taker: str


class FeeRates(Struct):
    """Rates by group."""

    feeGroup: list[FeeGroup]


class Leverage(Struct):
    """The leverage of one side, or of both."""

    lever: str
    mgnMode: str
    posSide: str = ""


class Bill(Struct):
    """A change of the account's balance, or of the balance that an isolated position has for itself."""

    billId: str
    ccy: str
    balChg: str
    ts: str
    instId: str = ""
    subType: str = ""
    mgnMode: str = ""
    posBalChg: str = ""
    pnl: str = ""
