"""Deposits and withdrawals. Source: the exchange's OpenAPI document (2026-05), capital.

The exchange has no transfer between wallets: an account has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from lotusx.model import Deposit, FundsStatus, Withdrawal, decimal_from_wire, funds_status
from lotusx_backpack.connector.paging import first, last, newest_in
from lotusx_backpack.rest import MAX_ROWS, Endpoints, reader
from lotusx_backpack.times import MS, utc_ns

if TYPE_CHECKING:
    from lotusx.plugin import Response, Span

_WAITS = (
    "initiated",
    "pending",
    "ownershipVerificationRequired",
    "senderVerificationRequired",
    "senderVerificationCompleted",
    "recipientInformationRequired",
    "recipientInformationProvided",
)
STATUS: Final = {
    **dict.fromkeys(_WAITS, FundsStatus.PENDING),
    "confirmed": FundsStatus.COMPLETED,
    "cancelled": FundsStatus.CANCELED,
    "declined": FundsStatus.REJECTED,
    "refunded": FundsStatus.REJECTED,  # sent back
    "expired": FundsStatus.FAILED,
}


class DepositRow(msgspec.Struct):
    """One row of ``capital/deposits``. *createdAt*: ISO text, UTC without saying so."""

    id: int
    source: str
    status: str
    symbol: str
    quantity: str
    createdAt: str
    toAddress: str | None = None
    transactionHash: str | None = None


class WithdrawalRow(msgspec.Struct):
    """One row of ``capital/withdrawals``. *createdAt*: ISO text, UTC without saying so."""

    id: int
    blockchain: str
    status: str
    symbol: str
    quantity: str
    fee: str
    toAddress: str
    createdAt: str
    transactionHash: str | None = None
    clientId: str | None = None


Row = TypeVar("Row", DepositRow, WithdrawalRow)
_DEPOSITS = reader(list[DepositRow])
_WITHDRAWALS = reader(list[WithdrawalRow])


def to_deposit(row: DepositRow) -> Deposit:
    """Convert one deposit."""
    return Deposit(
        deposit_id=str(row.id),
        asset=row.symbol,
        amount=decimal_from_wire(row.quantity, field="quantity"),
        status=funds_status(STATUS, row.status),
        raw_status=row.status,
        exchange_ns=utc_ns(row.createdAt, field="createdAt"),
        network=row.source,
        address=row.toAddress or "",
        tx_id=row.transactionHash or "",
    )


def to_withdrawal(row: WithdrawalRow) -> Withdrawal:
    """Convert one withdrawal."""
    return Withdrawal(
        withdrawal_id=str(row.id),
        asset=row.symbol,
        amount=decimal_from_wire(row.quantity, field="quantity"),
        status=funds_status(STATUS, row.status),
        raw_status=row.status,
        exchange_ns=utc_ns(row.createdAt, field="createdAt"),
        network=row.blockchain,
        address=row.toAddress,
        tx_id=row.transactionHash or "",
        fee=decimal_from_wire(row.fee, field="fee"),
        fee_asset=row.symbol,
        client_id=row.clientId or "",
    )


class Funds(Endpoints):
    """Money that came and went. The exchange cannot be asked for one asset: the others are left out here."""

    async def deposits(self, asset: str | None, span: Span) -> list[Deposit]:
        """``GET /wapi/v1/capital/deposits``, 1000 at most."""
        return [to_deposit(row) for row in await self._rows("/wapi/v1/capital/deposits", _DEPOSITS, asset, span)]

    async def withdrawals(self, asset: str | None, span: Span) -> list[Withdrawal]:
        """``GET /wapi/v1/capital/withdrawals``, 1000 at most."""
        return [
            to_withdrawal(row) for row in await self._rows("/wapi/v1/capital/withdrawals", _WITHDRAWALS, asset, span)
        ]

    async def _rows(self, path: str, read: Callable[[Response], list[Row]], asset: str | None, span: Span) -> list[Row]:
        async def ask(limit: int, offset: int) -> Sequence[Row]:
            times = {"from": first(span, MS), "to": last(span, MS)}
            return await self._get(path, {**times, "limit": limit, "offset": offset or None}, read, signed=True)

        rows = await newest_in(
            span,
            ask,
            time_of=lambda row: utc_ns(row.createdAt, field="createdAt"),
            key_of=lambda row: row.id,
            limit=MAX_ROWS,
            most=MAX_ROWS,
        )
        return [row for row in rows if asset in (None, row.symbol)]
