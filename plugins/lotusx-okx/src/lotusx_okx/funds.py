"""Deposits, withdrawals and transfers between the funding and the trading account.

Source: OKX API v5, funding-account: "Get deposit history", "Get withdrawal history", "Funds transfer", "Get funds
transfer state".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from lotusx.errors import ErrorKind as K, ExchangeError, InvalidArgument, LotusXError, NotSupported
from lotusx.model import Deposit, FundsStatus, Transfer, Wallet, Withdrawal, decimal_from_wire, funds_status
from lotusx_okx.numbers import MS, ms_of, ns_of, number
from lotusx_okx.rest import Endpoints, Params, only, rows_of

if TYPE_CHECKING:
    from lotusx.plugin import Span

PER_PAGE: Final = 100
_HELD = ("8", "11", "12", "13", "14", "17")  # suspended, on a list, frozen, intercepted, identity, travel rule
DEPOSIT_STATUS: Final = {
    "0": FundsStatus.PENDING,
    "1": FundsStatus.CREDITED,
    "2": FundsStatus.COMPLETED,
    **dict.fromkeys(_HELD, FundsStatus.PENDING),
}
_UNDER_WAY = ("0", "1", "3", "4", "5", "6", "7", "8", "9", "10", "12", "15", "16", "17", "19")
WITHDRAWAL_STATUS: Final = {
    "-3": FundsStatus.PENDING,  # is being canceled
    "-2": FundsStatus.CANCELED,
    "-1": FundsStatus.FAILED,
    "2": FundsStatus.COMPLETED,
    **dict.fromkeys(_UNDER_WAY, FundsStatus.PENDING),
}
TRANSFER_STATUS: Final = {
    "success": FundsStatus.COMPLETED,
    "pending": FundsStatus.PENDING,
    "failed": FundsStatus.FAILED,
}
WALLETS: Final[dict[str, str]] = {Wallet.FUNDING: "6", Wallet.UNIFIED: "18"}
_SURE: Final = frozenset(
    {K.AUTHENTICATION, K.PERMISSION, K.TIMESTAMP_SKEW, K.RATE_LIMITED, K.BANNED, K.INSUFFICIENT_FUNDS}
)
"""Refusals after which nothing can have moved: "failure of the request does not mean the transfer has failed"."""


class DepositRow(msgspec.Struct):
    """One row of ``asset/deposit-history``. *ts*: ms."""

    depId: str
    ccy: str
    amt: str
    state: str
    ts: str
    chain: str = ""
    to: str = ""
    txId: str = ""


class WithdrawalRow(msgspec.Struct):
    """One row of ``asset/withdrawal-history``. *ts*: ms. One of *tag*, *pmtId* and *memo* is there, or none."""

    wdId: str
    ccy: str
    amt: str
    state: str
    ts: str
    chain: str = ""
    to: str = ""
    txId: str = ""
    fee: str = ""
    feeCcy: str = ""
    tag: str | None = ""
    pmtId: str | None = ""
    memo: str | None = ""
    clientId: str = ""


class Moved(msgspec.Struct):
    """What a transfer is answered with."""

    transId: str


class MoveState(msgspec.Struct):
    """What became of a transfer."""

    state: str


_DEPOSIT = rows_of(DepositRow)
_WITHDRAWAL = rows_of(WithdrawalRow)
_MOVED = rows_of(Moved)
_STATE = rows_of(MoveState)
Row = TypeVar("Row", DepositRow, WithdrawalRow)


def to_deposit(row: DepositRow) -> Deposit:
    """Convert one deposit."""
    return Deposit(
        deposit_id=row.depId,
        asset=row.ccy,
        amount=decimal_from_wire(row.amt, field="amt"),
        status=funds_status(DEPOSIT_STATUS, row.state),
        raw_status=row.state,
        exchange_ns=ns_of(row.ts, "ts"),
        network=row.chain,
        address=row.to,
        tx_id=row.txId,
    )


def to_withdrawal(row: WithdrawalRow) -> Withdrawal:
    """Convert one withdrawal."""
    return Withdrawal(
        withdrawal_id=row.wdId,
        asset=row.ccy,
        amount=decimal_from_wire(row.amt, field="amt"),
        status=funds_status(WITHDRAWAL_STATUS, row.state),
        raw_status=row.state,
        exchange_ns=ns_of(row.ts, "ts"),
        network=row.chain,
        address=row.to,
        tag=row.tag or row.pmtId or row.memo or "",
        tx_id=row.txId,
        fee=number(row.fee, "fee"),
        fee_asset=row.feeCcy or row.ccy,
        client_id=row.clientId,
    )


def client_id_of(transfer_id: str) -> str:
    """Return an id as OKX takes it: 32 letters and digits at most."""
    return transfer_id.replace("-", "")


class Funds(Endpoints):
    """Money of one account."""

    async def deposits(self, asset: str | None, span: Span) -> list[Deposit]:
        """``GET asset/deposit-history``: newest first, by time, 100 at most."""

        async def ask(params: Params) -> Sequence[DepositRow]:
            return await self._get("/api/v5/asset/deposit-history", params, _DEPOSIT, signed=True)

        return [to_deposit(row) for row in await _all(self._exchange, ask, asset, span)]

    async def withdrawals(self, asset: str | None, span: Span) -> list[Withdrawal]:
        """``GET asset/withdrawal-history``: newest first, by time, 100 at most."""

        async def ask(params: Params) -> Sequence[WithdrawalRow]:
            return await self._get("/api/v5/asset/withdrawal-history", params, _WITHDRAWAL, signed=True)

        return [to_withdrawal(row) for row in await _all(self._exchange, ask, asset, span)]

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        """``POST asset/transfer``, and once ``GET asset/transfer-state``: the answer does not say that it is done."""
        wallets = self._wallets(source, target)
        body: dict[str, Any] = {
            "type": "0",
            "ccy": asset,
            "amt": amount,
            "from": wallets[0],
            "to": wallets[1],
            "clientId": client_id_of(transfer_id),
        }
        try:
            moved = only(await self._command("/api/v5/asset/transfer", body, _MOVED), "asset/transfer")
        except ExchangeError as error:
            if error.kind not in _SURE:
                error.may_have_executed = True
            raise
        try:
            params = {"transId": moved.transId}
            told = only(await self._get("/api/v5/asset/transfer-state", params, _STATE, signed=True), "transfer-state")
        except LotusXError:
            told = MoveState("")  # it was accepted, whatever became of the question
        status = funds_status(TRANSFER_STATUS, told.state)
        return Transfer(body["clientId"], asset, amount, str(source), str(target), status, told.state)

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


async def _all(
    exchange: str, ask: Callable[[Params], Awaitable[Sequence[Row]]], asset: str | None, span: Span
) -> list[Row]:
    """Return the rows of *span*, whose both ends are given. Rows of the millisecond that ends a page come again.

    Raises:
        NotSupported: A page is full of one millisecond: what else that has cannot be asked for.
    """
    assert span.start_ns is not None, "the core gives both ends"
    assert span.end_ns is not None, "the core gives both ends"
    before, after = span.start_ns // MS - 1, -(-span.end_ns // MS)
    found: list[Row] = []
    while True:
        rows = await ask({"ccy": asset, "before": max(before, 0), "after": after, "limit": PER_PAGE})
        found += rows
        if len(rows) < PER_PAGE:
            return found
        oldest = ms_of(rows[-1].ts, "ts")
        if oldest + 1 >= after:
            raise NotSupported(exchange, f"{PER_PAGE} movements or more in one millisecond", "one asset at a time")
        after = oldest + 1
