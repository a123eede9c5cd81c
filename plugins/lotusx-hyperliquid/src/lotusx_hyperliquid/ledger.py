"""Pure: rows of Hyperliquid's ledger → deposits and withdrawals over the bridge, which are of USDC.

Rows have no ids: their time and hash tell them apart. Source: Hyperliquid docs, info endpoint, "non-funding ledger
updates"; recordings of the official Python SDK (2024-11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.model import Deposit, FundsStatus, Withdrawal, decimal_from_wire
from lotusx_hyperliquid.conversions import MS

if TYPE_CHECKING:
    from lotusx_hyperliquid.account_types import LedgerEntry

USDC = "USDC"


def to_deposit(row: LedgerEntry) -> Deposit:
    """Convert a row of kind ``deposit``: it is entered when the money is there."""
    return Deposit(
        deposit_id=f"{row.time}-{row.hash}",
        asset=USDC,
        amount=decimal_from_wire(row.delta.usdc, field="usdc"),
        status=FundsStatus.COMPLETED,
        raw_status="",
        exchange_ns=row.time * MS,
        tx_id=row.hash,
    )


def to_withdrawal(row: LedgerEntry) -> Withdrawal:
    """Convert a row of kind ``withdraw``: it is entered when the money leaves, and nothing says when it arrives."""
    return Withdrawal(
        withdrawal_id=f"{row.time}-{row.hash}",
        asset=USDC,
        amount=decimal_from_wire(row.delta.usdc, field="usdc"),
        status=FundsStatus.UNKNOWN,
        raw_status="",
        exchange_ns=row.time * MS,
        tx_id=row.hash,
        fee=decimal_from_wire(row.delta.fee, field="fee") if row.delta.fee else None,
        fee_asset=USDC,
    )
