"""The actions of ``POST /exchange``, in the exchange's spelling.

The order of the fields is part of what is signed: a field may only be added where the exchange has it. What is left out
on the wire has a default here, and is never sent as null or false. Prices and sizes are canonical text, ids and times
integers, addresses and cloids lower case. Source: hyperliquid-docs, "Exchange endpoint"; hyperliquid-python-sdk 0.24.0;
nktkas/hyperliquid (schemas of 2026-08).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec


class L1Action(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """An action that the exchange's own chain hashes; an agent wallet may sign it.

    Attributes:
        for_vault: Acts for the configured vault or sub-account; False: always for the account itself.
        expires: Is refused when it arrives later than the receive window. Used where a late execution would hurt.
    """

    for_vault: ClassVar[bool] = True
    expires: ClassVar[bool] = False


class _Part(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Part of an action."""


class LimitType(_Part):
    """``FrontendMarket`` is in no document of the exchange: an ``Ioc`` that the web page shows as a market order."""

    tif: Literal["Gtc", "Ioc", "Alo", "FrontendMarket"]


class TriggerType(_Part):
    """Compared with the mark price."""

    isMarket: bool
    triggerPx: str
    tpsl: Literal["tp", "sl"]


class OrderType(_Part):
    """``t`` of an order: exactly one of the two."""

    limit: LimitType | None = None
    trigger: TriggerType | None = None


class OrderItem(_Part):
    """One order: asset, is buy, price, size, reduce only, type, cloid."""

    a: int
    b: bool
    p: str
    s: str
    r: bool
    t: OrderType
    c: str | None = None


class Builder(_Part):
    """Who gets a fee for the order: address and tenths of a basis point."""

    b: str
    f: int


class Priority(_Part):
    """A priority fee as grouping, in 1e-8."""

    p: int


class PlaceOrders(L1Action, tag="order"):
    """Place orders; ``normalTpsl``: the first is the parent of the others, ``positionTpsl``: they follow a position."""

    expires: ClassVar[bool] = True

    orders: list[OrderItem]
    grouping: Literal["na", "normalTpsl", "positionTpsl"] | Priority
    builder: Builder | None = None


class CancelItem(_Part):
    """Asset and order id."""

    a: int
    o: int


class CancelOrders(L1Action, tag="cancel"):
    """Cancel by order id; ``f``: fast, refused for trigger orders."""

    expires: ClassVar[bool] = True

    cancels: list[CancelItem]
    f: bool = False


class CloidItem(_Part):
    """An order by its cloid."""

    asset: int
    cloid: str


class CancelByCloid(L1Action, tag="cancelByCloid"):
    """Cancel by cloid."""

    expires: ClassVar[bool] = True

    cancels: list[CloidItem]
    f: bool = False


class ModifyItem(_Part):
    """A new order in place of the one with this order id or cloid."""

    oid: int | str
    order: OrderItem


class ModifyOrder(L1Action, tag="modify"):
    """Replace one order; the answer does not tell the new id. ``a``: place the new one even if the old one is gone."""

    expires: ClassVar[bool] = True

    oid: int | str
    order: OrderItem
    a: bool = False


class ModifyOrders(L1Action, tag="batchModify"):
    """Replace orders; ``a`` as in `ModifyOrder`."""

    expires: ClassVar[bool] = True

    modifies: list[ModifyItem]
    a: bool = False


class ScheduleCancel(L1Action, tag="scheduleCancel"):
    """Cancel everything at *time* (ms); without it, no more."""

    expires: ClassVar[bool] = True

    time: int | None = None


class UpdateLeverage(L1Action, tag="updateLeverage"):
    """Set leverage and margin mode of an asset."""

    expires: ClassVar[bool] = True

    asset: int
    isCross: bool
    leverage: int


class UpdateIsolatedMargin(L1Action, tag="updateIsolatedMargin"):
    """Add (or take, below zero) *ntli* millionths of the collateral; ``isBuy`` is always true."""

    expires: ClassVar[bool] = True

    asset: int
    isBuy: bool
    ntli: int


class TopUpIsolatedOnlyMargin(L1Action, tag="topUpIsolatedOnlyMargin"):
    """Bring an isolated position to a leverage, as text."""

    asset: int
    leverage: str


class Twap(_Part):
    """Asset, is buy, size, reduce only, minutes, randomize."""

    a: int
    b: bool
    s: str
    r: bool
    m: int
    t: bool


class TwapOrder(L1Action, tag="twapOrder"):
    """Start a TWAP."""

    expires: ClassVar[bool] = True

    twap: Twap


class TwapCancel(L1Action, tag="twapCancel"):
    """End a TWAP: asset and its id."""

    expires: ClassVar[bool] = True

    a: int
    t: int


class CreateSubAccount(L1Action, tag="createSubAccount"):
    """Make a sub-account."""

    for_vault: ClassVar[bool] = False

    name: str


class SubAccountModify(L1Action, tag="subAccountModify"):
    """Rename a sub-account."""

    for_vault: ClassVar[bool] = False

    subAccountUser: str
    name: str


class SubAccountTransfer(L1Action, tag="subAccountTransfer"):
    """Move perpetuals collateral to a sub-account or back; *usd* in millionths."""

    for_vault: ClassVar[bool] = False

    subAccountUser: str
    isDeposit: bool
    usd: int


class SubAccountSpotTransfer(L1Action, tag="subAccountSpotTransfer"):
    """Move a token, ``NAME:0x…``, to a sub-account or back."""

    for_vault: ClassVar[bool] = False

    subAccountUser: str
    isDeposit: bool
    token: str
    amount: str


class VaultTransfer(L1Action, tag="vaultTransfer"):
    """Move into a vault or out of it; *usd* in millionths."""

    for_vault: ClassVar[bool] = False

    vaultAddress: str
    isDeposit: bool
    usd: int


class AgentSendAsset(L1Action, tag="agentSendAsset"):
    """Move a token between the owner's own places, which an agent wallet may do. The signer writes ``nonce``."""

    destination: str
    sourceDex: str
    destinationDex: str
    token: str
    amount: str
    fromSubAccount: str
    nonce: int = 0


class AgentSetAbstraction(L1Action, tag="agentSetAbstraction"):
    """Choose the account model: ``i`` disabled, ``u`` unified, ``p`` portfolio margin."""

    abstraction: Literal["i", "u", "p"]


class SetReferrer(L1Action, tag="setReferrer"):
    """Name a referral code."""

    for_vault: ClassVar[bool] = False

    code: str


class ClaimRewards(L1Action, tag="claimRewards"):
    """Take out referral rewards."""


class Noop(L1Action, tag="noop"):
    """Use up a nonce."""


class ReserveRequestWeight(L1Action, tag="reserveRequestWeight"):
    """Buy more actions for the address."""

    weight: int
    destination: str | None = None


class EvmUserModify(L1Action, tag="evmUserModify"):
    """Choose big or small blocks of the EVM."""

    for_vault: ClassVar[bool] = False

    usingBigBlocks: bool


AnyL1Action = (
    PlaceOrders
    | CancelOrders
    | CancelByCloid
    | ModifyOrder
    | ModifyOrders
    | ScheduleCancel
    | UpdateLeverage
    | UpdateIsolatedMargin
    | TopUpIsolatedOnlyMargin
    | TwapOrder
    | TwapCancel
    | CreateSubAccount
    | SubAccountModify
    | SubAccountTransfer
    | SubAccountSpotTransfer
    | VaultTransfer
    | AgentSendAsset
    | AgentSetAbstraction
    | SetReferrer
    | ClaimRewards
    | Noop
    | ReserveRequestWeight
    | EvmUserModify
)
