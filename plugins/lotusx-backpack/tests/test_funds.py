"""Deposits and withdrawals: documented rows → the model, and the exact requests."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from lotusx.model import FundsStatus
from lotusx.plugin import Span
from lotusx_backpack.connector import funds

pytestmark = pytest.mark.anyio
MS = 1_000_000
# The shape is the OpenAPI document's (2026-05), schemas Deposit and Withdrawal.
DEPOSIT = {
    "id": 6695353, "toAddress": "0xfBe7", "fromAddress": "0x2e3a", "source": "ethereum", "status": "confirmed",
    "transactionHash": "0x58ed", "symbol": "USDC", "quantity": "120.5", "createdAt": "2025-07-23T13:55:54.267",
    "fiatAmount": None, "fiatCurrency": None, "institutionBic": None, "platformMemo": None,
}  # fmt: skip
WITHDRAWAL = {
    "id": 5479929, "blockchain": "Ethereum", "clientId": "mine", "identifier": None, "quantity": "10", "fee": "3",
    "fiatFee": None, "fiatState": None, "fiatSymbol": None, "providerId": None, "symbol": "USDC", "status": "pending",
    "subaccountId": None, "toAddress": "0x0ad4", "transactionHash": None, "createdAt": "2025-08-13T19:27:13.817",
    "isInternal": False, "bankName": None, "bankIdentifier": None, "accountIdentifier": None, "triggerAt": None,
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # nothing here waits


def test_a_deposit_keeps_what_is_documented() -> None:
    found = funds.to_deposit(msgspec.convert(DEPOSIT, funds.DepositRow))

    assert (found.deposit_id, found.asset, found.amount, found.fee) == ("6695353", "USDC", D("120.5"), None)
    assert (found.status, found.raw_status) == (FundsStatus.COMPLETED, "confirmed")
    assert found.exchange_ns == 1753278954267 * MS  # UTC
    assert (found.network, found.address, found.tx_id) == ("ethereum", "0xfBe7", "0x58ed")


def test_a_withdrawal_keeps_what_is_documented() -> None:
    found = funds.to_withdrawal(msgspec.convert(WITHDRAWAL, funds.WithdrawalRow))

    assert (found.withdrawal_id, found.client_id, found.amount) == ("5479929", "mine", D(10))
    assert (found.fee, found.fee_asset, found.tx_id) == (D(3), "USDC", "")
    assert (found.status, found.raw_status, found.network) == (FundsStatus.PENDING, "pending", "Ethereum")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("initiated", FundsStatus.PENDING),
        ("senderVerificationRequired", FundsStatus.PENDING),
        ("recipientInformationProvided", FundsStatus.PENDING),
        ("cancelled", FundsStatus.CANCELED),
        ("declined", FundsStatus.REJECTED),
        ("refunded", FundsStatus.REJECTED),
        ("expired", FundsStatus.FAILED),
        ("somethingNew", FundsStatus.UNKNOWN),
    ],
)
def test_statuses_mean_what_is_documented(raw: str, status: FundsStatus) -> None:
    assert funds.to_deposit(msgspec.convert(DEPOSIT | {"status": raw}, funds.DepositRow)).status is status


async def test_deposits_are_those_of_the_span_and_of_one_asset_where_that_is_wanted(desk: Any) -> None:
    desk.rest.reply(json.dumps([DEPOSIT, DEPOSIT | {"id": 1, "symbol": "SOL"}]))

    (found,) = await desk.connector.account.deposits("USDC", Span(1753278954267 * MS, 1753278954268 * MS))

    assert found.deposit_id == "6695353"
    assert desk.asked == ["GET /wapi/v1/capital/deposits"]
    assert parse_qs(desk.rest.last.query) == {"from": ["1753278954267"], "to": ["1753278954267"], "limit": ["1000"]}


async def test_withdrawals_go_on_until_a_page_is_not_full(desk: Any) -> None:
    rows = [WITHDRAWAL | {"id": number} for number in range(1_000)]
    desk.rest.reply(json.dumps(rows), json.dumps([WITHDRAWAL]))

    found = await desk.connector.account.withdrawals(None, Span(0, 1_800_000_000 * 10**9))

    assert len(found) == 1_001
    assert parse_qs(desk.rest.last.query)["offset"] == ["1000"]
