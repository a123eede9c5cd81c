"""Deposits and withdrawals over the bridge: rows of the ledger → the model, and the exact requests."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest
from hyperliquid_documents import USER

from lotusx.errors import MalformedReply
from lotusx.model import FundsStatus
from lotusx.plugin import Span

pytestmark = pytest.mark.anyio
MS = 1_000_000
SPAN = Span(1_000 * MS, 9_000 * MS)


def row(kind: str, at_ms: int = 5_000, **more: Any) -> dict[str, Any]:
    return {"time": at_ms, "hash": f"0x{at_ms}", "delta": {"type": kind, "usdc": "2703997.4500000002", **more}}


TRANSFER = {
    "time": 5_000, "hash": "0x1", "delta": {"type": "spotTransfer", "token": "USDC", "amount": "10.5", "fee": "1.0",
    "usdcValue": "10.5", "user": USER, "destination": USER, "nativeTokenFee": "0.0", "nonce": None, "feeToken": ""},
}  # fmt: skip


async def test_deposits_are_exact_and_complete(desk: Any) -> None:
    desk.rest.reply(json.dumps([row("deposit"), row("withdraw", fee="1.0", nonce=7), TRANSFER]))

    (found,) = await desk.connector.account.deposits(None, SPAN)

    assert desk.sent == {
        "type": "userNonFundingLedgerUpdates", "user": USER, "startTime": 1_000, "endTime": 8_999,
    }  # fmt: skip
    assert (found.asset, found.amount, found.status) == ("USDC", D("2703997.4500000002"), FundsStatus.COMPLETED)
    assert (found.exchange_ns, found.deposit_id, found.tx_id) == (5_000 * MS, "5000-0x5000", "0x5000")


async def test_a_withdrawal_has_a_fee_and_nobody_says_whether_it_arrived(desk: Any) -> None:
    desk.rest.reply(json.dumps([row("deposit"), row("withdraw", fee="1.0", nonce=7)]))

    (found,) = await desk.connector.account.withdrawals("USDC", SPAN)

    assert (found.fee, found.fee_asset) == (D(1), "USDC")
    assert (found.status, found.raw_status) == (FundsStatus.UNKNOWN, "")


async def test_only_usdc_comes_over_the_bridge(desk: Any) -> None:
    desk.rest.reply(json.dumps([row("deposit")]))

    assert await desk.connector.account.deposits("HYPE", SPAN) == []


async def test_a_full_page_is_followed_by_the_next_and_its_last_millisecond_comes_once(desk: Any) -> None:
    full = [row("deposit", 1_000 + n) for n in range(500)]
    desk.rest.reply(json.dumps(full), json.dumps([full[-1], row("deposit", 1_500)]))

    found = await desk.connector.account.deposits(None, SPAN)

    assert desk.sent["startTime"] == 1_499
    assert [item.exchange_ns // MS for item in found] == [1_000 + n for n in range(501)]


async def test_a_page_full_of_one_millisecond_is_not_told_as_all_of_it(desk: Any) -> None:
    full = json.dumps([{**row("deposit", 1_200), "hash": f"0x{n}"} for n in range(500)])
    desk.rest.reply(full, full)

    with pytest.raises(MalformedReply, match=r"not complete: 500 ledger entries .* millisecond 1200") as caught:
        await desk.connector.account.deposits(None, SPAN)

    assert not caught.value.retryable
