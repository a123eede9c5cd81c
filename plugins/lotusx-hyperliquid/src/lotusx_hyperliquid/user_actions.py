"""Actions that the account's own key signs as EIP-712 structures: money leaves the account, or keys are approved.

Every field is signed; ``hyperliquidChain``, ``signatureChainId`` and the time or nonce are written by the signer. They
act for the account itself, never for a vault, and know no expiry. Whether an agent wallet may sign any of them is not
documented; no client lets it, and neither does `lotusx_hyperliquid.signer`. Source: as for
`lotusx_hyperliquid.actions`; staking deposits from nktkas/hyperliquid alone.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

SIGNATURE_CHAIN_ID = "0x66eee"
"""What the official client signs with, on both networks."""


class UserAction(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """An action signed field by field.

    Attributes:
        primary: Its EIP-712 type, after ``HyperliquidTransaction:``.
        typed: Type and name of its fields, in the order of that type; the last one is the time or nonce.
    """

    primary: ClassVar[str]
    typed: ClassVar[tuple[tuple[str, str], ...]]


class UsdSend(UserAction, tag="usdSend"):
    """Send USDC to another account. *amount* in USD, as text."""

    primary: ClassVar[str] = "UsdSend"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("string", "destination"),
        ("string", "amount"),
        ("uint64", "time"),
    )

    destination: str
    amount: str


class SpotSend(UserAction, tag="spotSend"):
    """Send a token, ``NAME:0x…``, to another account."""

    primary: ClassVar[str] = "SpotSend"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("string", "destination"),
        ("string", "token"),
        ("string", "amount"),
        ("uint64", "time"),
    )

    destination: str
    token: str
    amount: str


class Withdraw(UserAction, tag="withdraw3"):
    """Withdraw USDC to Arbitrum."""

    primary: ClassVar[str] = "Withdraw"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("string", "destination"),
        ("string", "amount"),
        ("uint64", "time"),
    )

    destination: str
    amount: str


class UsdClassTransfer(UserAction, tag="usdClassTransfer"):
    """Move USDC between spot and perpetuals. For a sub-account, *amount* is ``10 subaccount:0x…``."""

    primary: ClassVar[str] = "UsdClassTransfer"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("string", "amount"),
        ("bool", "toPerp"),
        ("uint64", "nonce"),
    )

    amount: str
    toPerp: bool


class SendAsset(UserAction, tag="sendAsset"):
    """Move a token between dexes or accounts; dex "" is the first perpetuals dex, "spot" is spot."""

    primary: ClassVar[str] = "SendAsset"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("string", "destination"),
        ("string", "sourceDex"),
        ("string", "destinationDex"),
        ("string", "token"),
        ("string", "amount"),
        ("string", "fromSubAccount"),
        ("uint64", "nonce"),
    )

    destination: str
    sourceDex: str
    destinationDex: str
    token: str
    amount: str
    fromSubAccount: str


class ApproveAgent(UserAction, tag="approveAgent"):
    """Let a key trade for the account. The unnamed agent is signed with an empty name, which is not sent."""

    primary: ClassVar[str] = "ApproveAgent"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("address", "agentAddress"),
        ("string", "agentName"),
        ("uint64", "nonce"),
    )

    agentAddress: str
    agentName: str = ""


class ApproveBuilderFee(UserAction, tag="approveBuilderFee"):
    """Let a builder take a fee up to *maxFeeRate*, such as ``0.01%``."""

    primary: ClassVar[str] = "ApproveBuilderFee"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("string", "maxFeeRate"),
        ("address", "builder"),
        ("uint64", "nonce"),
    )

    maxFeeRate: str
    builder: str


class UserSetAbstraction(UserAction, tag="userSetAbstraction"):
    """Choose the account model: ``disabled``, ``unifiedAccount`` or ``portfolioMargin``."""

    primary: ClassVar[str] = "UserSetAbstraction"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("address", "user"),
        ("string", "abstraction"),
        ("uint64", "nonce"),
    )

    user: str
    abstraction: str


class TokenDelegate(UserAction, tag="tokenDelegate"):
    """Stake with a validator, or end that."""

    primary: ClassVar[str] = "TokenDelegate"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("address", "validator"),
        ("uint64", "wei"),
        ("bool", "isUndelegate"),
        ("uint64", "nonce"),
    )

    validator: str
    wei: int
    isUndelegate: bool


class StakingDeposit(UserAction, tag="cDeposit"):
    """Move HYPE (*wei*: 1e-8) from spot into staking."""

    primary: ClassVar[str] = "CDeposit"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (("uint64", "wei"), ("uint64", "nonce"))

    wei: int


class StakingWithdraw(UserAction, tag="cWithdraw"):
    """Move HYPE (*wei*: 1e-8) from staking into spot."""

    primary: ClassVar[str] = "CWithdraw"
    typed: ClassVar[tuple[tuple[str, str], ...]] = (("uint64", "wei"), ("uint64", "nonce"))

    wei: int


AnyUserAction = (
    UsdSend
    | SpotSend
    | Withdraw
    | UsdClassTransfer
    | SendAsset
    | ApproveAgent
    | ApproveBuilderFee
    | UserSetAbstraction
    | TokenDelegate
    | StakingDeposit
    | StakingWithdraw
)
USER_ACTIONS: tuple[type[UserAction], ...] = (
    UsdSend,
    SpotSend,
    Withdraw,
    UsdClassTransfer,
    SendAsset,
    ApproveAgent,
    ApproveBuilderFee,
    UserSetAbstraction,
    TokenDelegate,
    StakingDeposit,
    StakingWithdraw,
)
