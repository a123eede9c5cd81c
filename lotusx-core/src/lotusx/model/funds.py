"""Money that enters an exchange, leaves it, or moves between the wallets of one account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Wallet(StrEnum):
    """Where one account's money lies, in words of ours. An exchange has some of them, and may have others by name."""

    SPOT = "spot"
    FUNDING = "funding"  # where deposits arrive and withdrawals start, if that is a wallet of its own
    PERP = "perp"  # derivatives margined in a stable coin
    INVERSE = "inverse"  # derivatives margined in the coin itself
    MARGIN = "margin"  # borrowing for spot, shared by all pairs
    UNIFIED = "unified"  # one wallet for spot and derivatives


class FundsStatus(StrEnum):
    """How far a deposit, a withdrawal or a transfer has come."""

    PENDING = "pending"  # on its way, or waiting for somebody's approval
    CREDITED = "credited"  # a deposit that can be traded with and cannot leave yet
    COMPLETED = "completed"
    CANCELED = "canceled"
    REJECTED = "rejected"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected to happen to it."""
        return self not in (FundsStatus.PENDING, FundsStatus.CREDITED, FundsStatus.UNKNOWN)


def funds_status(table: Mapping[str, FundsStatus], raw: object) -> FundsStatus:
    """Look up an exchange's word or number; what is not in *table* is ``UNKNOWN``."""
    return table.get(str(raw), FundsStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money that came, or is coming, from outside. ``deposit_id`` identifies it at one exchange.

    Where that gives none, its transaction does, which may have paid several: what they are told apart by is the rest.

    Attributes:
        amount: In ``asset``, as the exchange states it; what it charges is not taken off.
        raw_status: The exchange's own word or number.
        exchange_ns: When the exchange noticed it; 0: not stated, or not yet.
        network, address, tag, tx_id: The chain, where it arrived, its memo, its transaction; "": not stated.
        fee: In ``asset``; ``None``: not stated.
    """

    deposit_id: str
    asset: str
    amount: Decimal
    status: FundsStatus
    raw_status: str
    exchange_ns: int
    network: str = ""
    address: str = ""
    tag: str = ""
    tx_id: str = ""
    fee: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Money that left, or is leaving. ``withdrawal_id`` identifies it at one exchange.

    Attributes:
        amount: In ``asset``, as the exchange states it.
        fee: What the exchange charges, in ``fee_asset``; ``None``: not stated.
        raw_status: The exchange's own word or number.
        exchange_ns: When it was asked for.
        network, address, tag, tx_id: The chain, where it goes, its memo, its transaction; "": not stated, or not yet.
        client_id: The caller's own id of it, where one was given.
    """

    withdrawal_id: str
    asset: str
    amount: Decimal
    status: FundsStatus
    raw_status: str
    exchange_ns: int
    network: str = ""
    address: str = ""
    tag: str = ""
    tx_id: str = ""
    fee: Decimal | None = None
    fee_asset: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that moved between two wallets of one account.

    Attributes:
        transfer_id: The id that was sent with it, as it was sent, or else the exchange's; "": neither exists.
        source, target: The wallets, as they were asked for.
        raw_status: The exchange's own word; "": it said none, and *status* is what its acceptance means there.
    """

    transfer_id: str
    asset: str
    amount: Decimal
    source: str
    target: str
    status: FundsStatus
    raw_status: str = ""
