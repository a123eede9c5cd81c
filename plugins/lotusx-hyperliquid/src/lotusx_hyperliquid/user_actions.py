"""Actions that the account's own key signs as EIP-712 structures: money leaves the account, or keys are approved.

Every field is signed; ``hyperliquidChain``, ``signatureChainId`` and the time or nonce are written by the signer. They
act for the account itself, never for a vault, and know no expiry. Whether an agent wallet may sign any of them is not
documented; no client lets it, and neither does `lotusx_hyperliquid.signer`. Source: as for
`lotusx_hyperliquid.actions`; staking deposits from nktkas/hyperliquid alone.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, get_args

import msgspec

SIGNATURE_CHAIN_ID = "0x66eee"
"""What the official client signs with, on both networks."""


Address = Annotated[str, msgspec.Meta(extra={"signed as": "address"})]
_SIGNED_AS: dict[object, str] = {str: "string", bool: "bool", int: "uint64", Address: "address"}


class UserAction(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, tag_field="type"):
    """An action signed field by field, in the order of its fields.

    Attributes:
        primary: Its EIP-712 type, after ``HyperliquidTransaction:``.
        stamp: What its last field is called, which the signer writes: the time or nonce.
    """

    primary: ClassVar[str]
    stamp: ClassVar[str] = "nonce"

    @classmethod
    def typed(cls) -> tuple[tuple[str, str], ...]:
        """Return type and name of its fields, as they are signed; the stamp is the last."""
        own = tuple((_SIGNED_AS[field.type], field.name) for field in msgspec.structs.fields(cls))
        return (*own, ("uint64", cls.stamp))


class UsdSend(UserAction, tag="usdSend"):
    """Send USDC to another account. *amount* in USD, as text."""

    primary: ClassVar[str] = "UsdSend"
    stamp: ClassVar[str] = "time"

    destination: str
    amount: str


class SpotSend(UserAction, tag="spotSend"):
    """Send a token, ``NAME:0x…``, to another account."""

    primary: ClassVar[str] = "SpotSend"
    stamp: ClassVar[str] = "time"

    destination: str
    token: str
    amount: str


class Withdraw(UserAction, tag="withdraw3"):
    """Withdraw USDC to Arbitrum."""

    primary: ClassVar[str] = "Withdraw"
    stamp: ClassVar[str] = "time"

    destination: str
    amount: str


class UsdClassTransfer(UserAction, tag="usdClassTransfer"):
    """Move USDC between spot and perpetuals. For a sub-account, *amount* is ``10 subaccount:0x…``."""

    primary: ClassVar[str] = "UsdClassTransfer"

    amount: str
    toPerp: bool


class SendAsset(UserAction, tag="sendAsset"):
    """Move a token between dexes or accounts; dex "" is the first perpetuals dex, "spot" is spot."""

    primary: ClassVar[str] = "SendAsset"

    destination: str
    sourceDex: str
    destinationDex: str
    token: str
    amount: str
    fromSubAccount: str


class ApproveAgent(UserAction, tag="approveAgent"):
    """Let a key trade for the account. The unnamed agent is signed with an empty name, which is not sent."""

    primary: ClassVar[str] = "ApproveAgent"

    agentAddress: Address
    agentName: str = ""


class ApproveBuilderFee(UserAction, tag="approveBuilderFee"):
    """Let a builder take a fee up to *maxFeeRate*, such as ``0.01%``."""

    primary: ClassVar[str] = "ApproveBuilderFee"

    maxFeeRate: str
    builder: Address


class UserSetAbstraction(UserAction, tag="userSetAbstraction"):
    """Choose the account model: ``disabled``, ``unifiedAccount`` or ``portfolioMargin``."""

    primary: ClassVar[str] = "UserSetAbstraction"

    user: Address
    abstraction: str


class TokenDelegate(UserAction, tag="tokenDelegate"):
    """Stake with a validator, or end that."""

    primary: ClassVar[str] = "TokenDelegate"

    validator: Address
    wei: int
    isUndelegate: bool


class StakingDeposit(UserAction, tag="cDeposit"):
    """Move HYPE (*wei*: 1e-8) from spot into staking."""

    primary: ClassVar[str] = "CDeposit"

    wei: int


class StakingWithdraw(UserAction, tag="cWithdraw"):
    """Move HYPE (*wei*: 1e-8) from staking into spot."""

    primary: ClassVar[str] = "CWithdraw"

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
USER_ACTIONS: tuple[type[UserAction], ...] = get_args(AnyUserAction)
