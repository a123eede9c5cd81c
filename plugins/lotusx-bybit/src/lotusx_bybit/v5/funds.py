"""Deposits, withdrawals and transfers between the wallets of one account. Source: bybit-exchange/docs, v5/asset."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from lotusx.errors import InvalidArgument
from lotusx.model import Deposit, FundsStatus, Transfer, Wallet, Withdrawal, decimal_from_wire, funds_status
from lotusx.plugin import Verb
from lotusx_bybit.v5.calls import Calls
from lotusx_bybit.v5.conversions import MS
from lotusx_bybit.v5.envelope import Listing, Params, Reply, reader
from lotusx_bybit.v5.pieces import Ask, everything

if TYPE_CHECKING:
    from lotusx.plugin import Span

T = TypeVar("T")

PER_PAGE: Final = 50
LONGEST_NS: Final = 29 * 86_400_000 * MS
"""Start and end must be less than 30 days apart."""

DEPOSIT_STATUS: Final = {
    "1": FundsStatus.PENDING,  # to be confirmed
    "2": FundsStatus.PENDING,
    "3": FundsStatus.COMPLETED,
    "4": FundsStatus.FAILED,
    "7": FundsStatus.PENDING,  # the chain was rolled back: under review
    "70011": FundsStatus.FAILED,  # rolled back, and taken back
    "70012": FundsStatus.COMPLETED,  # stays, in spite of the roll-back
    "70013": FundsStatus.PENDING,  # the roll-back failed: under review
    "10011": FundsStatus.PENDING,
    "10012": FundsStatus.COMPLETED,
}
WITHDRAWAL_STATUS: Final = {
    "SecurityCheck": FundsStatus.PENDING,
    "Pending": FundsStatus.PENDING,
    "MoreInformationRequired": FundsStatus.PENDING,
    "BlockchainConfirmed": FundsStatus.COMPLETED,
    "success": FundsStatus.COMPLETED,
    "CancelByUser": FundsStatus.CANCELED,
    "Reject": FundsStatus.REJECTED,
    "Fail": FundsStatus.FAILED,
}
TRANSFER_STATUS: Final = {
    "SUCCESS": FundsStatus.COMPLETED,
    "PENDING": FundsStatus.PENDING,
    "FAILED": FundsStatus.FAILED,
}
WALLETS: Final[dict[str, str]] = {Wallet.UNIFIED: "UNIFIED", Wallet.FUNDING: "FUND"}


class Records(msgspec.Struct, Generic[T]):
    """One page of what came or went. The cursor is empty after the last."""

    items: list[T] = msgspec.field(name="rows")
    cursor: str | None = msgspec.field(name="nextPageCursor", default=None)

    def listing(self) -> Listing[T]:
        """Return it in the shape of all other pages."""
        return Listing(self.items, self.cursor)


class DepositRow(msgspec.Struct):
    """One row of ``deposit/query-record``; *successAt* (ms) is empty before it succeeds."""

    coin: str
    chain: str
    amount: str
    txID: str
    status: int
    toAddress: str = ""
    tag: str = ""
    depositFee: str = ""
    successAt: str = ""
    txIndex: str = ""
    id: str = ""


class WithdrawalRow(msgspec.Struct):
    """One row of ``withdraw/query-record``. *createTime*: ms."""

    withdrawId: str
    coin: str
    chain: str
    amount: str
    status: str
    createTime: str
    txID: str = ""
    toAddress: str = ""
    tag: str = ""
    withdrawFee: str = ""


class Moved(msgspec.Struct):
    """What a transfer is answered with."""

    transferId: str
    status: str = ""


_DEPOSITS = reader(Reply[Records[DepositRow]])
_WITHDRAWALS = reader(Reply[Records[WithdrawalRow]])
_MOVED = reader(Reply[Moved])


def to_deposit(row: DepositRow) -> Deposit:
    """Convert one deposit; without an id its place on the chain names it. Before it succeeds it has no time."""
    return Deposit(
        deposit_id=row.id or f"{row.chain}:{row.txID}:{row.txIndex}",
        asset=row.coin,
        amount=decimal_from_wire(row.amount, field="amount"),
        status=funds_status(DEPOSIT_STATUS, row.status),
        raw_status=str(row.status),
        exchange_ns=int(row.successAt or "0") * MS,
        network=row.chain,
        address=row.toAddress,
        tag=row.tag,
        tx_id=row.txID,
        fee=decimal_from_wire(row.depositFee, field="depositFee") if row.depositFee else None,
    )


def to_withdrawal(row: WithdrawalRow) -> Withdrawal:
    """Convert one withdrawal, on the chain or to another user, whose number is the address then."""
    return Withdrawal(
        withdrawal_id=row.withdrawId,
        asset=row.coin,
        amount=decimal_from_wire(row.amount, field="amount"),
        status=funds_status(WITHDRAWAL_STATUS, row.status),
        raw_status=row.status,
        exchange_ns=int(row.createTime) * MS,
        network=row.chain,
        address=row.toAddress,
        tag=row.tag,
        tx_id=row.txID,
        fee=decimal_from_wire(row.withdrawFee, field="withdrawFee") if row.withdrawFee else None,
        fee_asset=row.coin,
    )


class Funds(Calls):
    """Money of one account."""

    async def deposits(self, asset: str | None, span: Span) -> list[Deposit]:
        """``GET /v5/asset/deposit/query-record``, in pieces of less than 30 days."""

        async def ask(params: Params) -> Listing[DepositRow]:
            found = await self._get("/v5/asset/deposit/query-record", params, _DEPOSITS, signed=True)
            return found.result.listing()

        return [to_deposit(row) for row in await _all(ask, {"coin": asset}, span)]

    async def withdrawals(self, asset: str | None, span: Span) -> list[Withdrawal]:
        """``GET /v5/asset/withdraw/query-record``, on and off the chain, in pieces of less than 30 days."""

        async def ask(params: Params) -> Listing[WithdrawalRow]:
            found = await self._get("/v5/asset/withdraw/query-record", params, _WITHDRAWALS, signed=True)
            return found.result.listing()

        return [to_withdrawal(row) for row in await _all(ask, {"coin": asset, "withdrawType": 2}, span)]

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        """``POST /v5/asset/transfer/inter-transfer``: *transfer_id* is the exchange's id of it as well."""
        wallets = self._wallets(source, target)
        params = {
            "transferId": transfer_id,
            "coin": asset,
            "amount": amount,
            "fromAccountType": wallets[0],
            "toAccountType": wallets[1],
        }
        request = self.request(Verb.POST, "/v5/asset/transfer/inter-transfer", params, signed=True)
        moved = (await self.send(request, _MOVED)).result
        status = funds_status(TRANSFER_STATUS, moved.status)
        return Transfer(moved.transferId, asset, amount, str(source), str(target), status, moved.status)

    def _wallets(self, source: str, target: str) -> tuple[str, str]:
        found = self._wallet(source), self._wallet(target)
        if found[0] == found[1]:
            raise InvalidArgument(f"{str(source)!r} and {str(target)!r} are the same wallet", rule="wallet")
        return found

    def _wallet(self, wallet: str) -> str:
        name = WALLETS.get(wallet, wallet)
        if name not in WALLETS.values():
            text = f"{self._exchange} has the wallets {' and '.join(WALLETS)}, not {str(wallet)!r}"
            raise InvalidArgument(text, rule="wallet")
        return name


async def _all(ask: Ask[T], params: Params, span: Span) -> list[T]:
    """Return the rows of *span*; the exchange counts its ends in seconds."""
    found: list[T] = []
    for piece in span.split(LONGEST_NS):
        assert piece.start_ns is not None, "split"
        assert piece.end_ns is not None, "split"
        first_s, last_s = piece.start_ns // 1_000 // MS, -(-piece.end_ns // 1_000 // MS)
        times = {"startTime": first_s * 1_000, "endTime": last_s * 1_000, "limit": PER_PAGE}
        found += await everything(ask, {**params, **times})
    return found
