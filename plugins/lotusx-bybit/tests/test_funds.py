"""Deposits, withdrawals and transfers: documented rows → the model, and the exact requests."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from bybit_conformance import envelope
from bybit_desk import Desk

from lotusx.errors import InvalidArgument
from lotusx.model import FundsStatus, Wallet
from lotusx.plugin import Effect, Span
from lotusx_bybit.v5 import funds

pytestmark = pytest.mark.anyio
MS = 1_000_000
DAY_NS = 86_400 * 10**9
NOW_NS = 1_770_000_000_500 * MS
# bybit-exchange/docs, v5/asset/deposit/deposit-record.
DEPOSIT = {
    "coin": "USDT", "chain": "TRX", "amount": "999.0496",
    "txID": "04bf3fbad2fc85b107a42cfdc5ff83110092b606ca754efa0f032f8b94b3262e", "status": 3,
    "toAddress": "TDGYpm5zPacnEqKV34TJPuhJhHom9hcXAy", "tag": "", "depositFee": "", "successAt": "1742728163000",
    "confirmations": "50", "txIndex": "0",
    "blockHash": "000000000436ab4dabc8a4a87beb2262d2d87f6761a825494c4f1d5ae11b27e8", "batchReleaseLimit": "-1",
    "depositType": "0", "fromAddress": "TJ7hhYhVhaxNx6BPyq7yFpqZrQULL3JSdb", "taxDepositRecordsId": "0",
    "taxStatus": 0, "id": "160237231",
}  # fmt: skip
# v5/asset/withdraw/withdraw-record.
WITHDRAWAL = {
    "coin": "USDC", "chain": "ETH", "amount": "41.43008",
    "txID": "0x3d7bddb797f0e86420c982c0723653b8b728fd0ec9953b6b354445848d83a185", "status": "success",
    "toAddress": "0xE3De6d711e0951d34777b5Cd93c827F822ee8514", "tag": "", "withdrawFee": "5",
    "createTime": "1742738305000", "updateTime": "1742738340000", "withdrawId": "131629076", "withdrawType": 0,
    "fee": "", "tax": "", "taxRate": "", "taxType": "",
}  # fmt: skip
UUID = "42c0cfb0-6bca-c242-bc76-4e6df6cbcb16"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # nothing here waits


def page(*items: Any, cursor: str = "") -> str:
    return envelope({"rows": list(items), "nextPageCursor": cursor})


def test_a_deposit_keeps_what_is_documented() -> None:
    found = funds.to_deposit(msgspec.convert(DEPOSIT, funds.DepositRow))

    assert (found.deposit_id, found.asset, found.amount, found.fee) == ("160237231", "USDT", D("999.0496"), None)
    assert (found.status, found.raw_status, found.exchange_ns) == (FundsStatus.COMPLETED, "3", 1742728163000 * MS)
    assert (found.network, found.address, found.tx_id) == ("TRX", DEPOSIT["toAddress"], DEPOSIT["txID"])


def test_a_deposit_that_is_not_there_yet_has_no_time_and_an_old_one_no_id() -> None:
    row = DEPOSIT | {"status": 2, "successAt": "", "id": "", "depositFee": "0.5"}
    found = funds.to_deposit(msgspec.convert(row, funds.DepositRow))

    assert (found.exchange_ns, found.status, found.fee) == (0, FundsStatus.PENDING, D("0.5"))
    assert found.deposit_id == f"TRX:{DEPOSIT['txID']}:0"


def test_a_withdrawal_keeps_what_is_documented() -> None:
    found = funds.to_withdrawal(msgspec.convert(WITHDRAWAL, funds.WithdrawalRow))

    assert (found.withdrawal_id, found.amount) == ("131629076", D("41.43008"))
    assert (found.fee, found.fee_asset, found.exchange_ns) == (D(5), "USDC", 1742738305000 * MS)
    assert (found.status, found.raw_status) == (FundsStatus.COMPLETED, "success")


@pytest.mark.parametrize(
    ("table", "raw", "status"),
    [
        (funds.DEPOSIT_STATUS, "1", FundsStatus.PENDING),
        (funds.DEPOSIT_STATUS, "4", FundsStatus.FAILED),
        (funds.DEPOSIT_STATUS, "70011", FundsStatus.FAILED),
        (funds.DEPOSIT_STATUS, "70012", FundsStatus.COMPLETED),
        (funds.DEPOSIT_STATUS, "0", FundsStatus.UNKNOWN),
        (funds.WITHDRAWAL_STATUS, "CancelByUser", FundsStatus.CANCELED),
        (funds.WITHDRAWAL_STATUS, "Reject", FundsStatus.REJECTED),
        (funds.WITHDRAWAL_STATUS, "Unknown", FundsStatus.UNKNOWN),
        (funds.TRANSFER_STATUS, "STATUS_UNKNOWN", FundsStatus.UNKNOWN),
    ],
)
def test_statuses_mean_what_is_documented(table: Any, raw: str, status: FundsStatus) -> None:
    assert table.get(raw, FundsStatus.UNKNOWN) is status


async def test_deposits_are_asked_for_in_pieces_of_whole_seconds(desk: Desk) -> None:
    desk.rest.reply(page(DEPOSIT, cursor="next"), page(DEPOSIT), page())

    found = await desk.account.deposits("USDT", Span(NOW_NS - 30 * DAY_NS, NOW_NS))

    assert len(found) == 2
    asked = [parse_qs(query) for query in desk.queries]
    assert desk.paths == ["/v5/asset/deposit/query-record"] * 3
    assert [query.get("cursor") for query in asked] == [None, ["next"], None]
    assert asked[2]["startTime"] == [str((NOW_NS - DAY_NS) // 10**9 * 1_000)]
    assert asked[2]["endTime"] == ["1770000001000"]
    assert asked[0]["coin"] == ["USDT"]


async def test_withdrawals_are_those_on_and_off_the_chain(desk: Desk) -> None:
    desk.rest.reply(page(WITHDRAWAL))

    (found,) = await desk.account.withdrawals(None, Span(NOW_NS - DAY_NS, NOW_NS))

    assert found.withdrawal_id == "131629076"
    assert parse_qs(desk.queries[0])["withdrawType"] == ["2"]
    assert [cost.pool for cost in desk.costs[0]] == ["ip", "/v5/asset/withdraw/query-record"]


async def test_a_transfer_carries_its_id(desk: Desk) -> None:
    desk.rest.reply(envelope({"transferId": UUID, "status": "SUCCESS"}))

    moved = await desk.account.transfer("BTC", D("0.05"), Wallet.UNIFIED, Wallet.FUNDING, UUID)

    assert desk.body == {
        "transferId": UUID, "coin": "BTC", "amount": "0.05", "fromAccountType": "UNIFIED", "toAccountType": "FUND",
    }  # fmt: skip
    assert (desk.rest.last.signed, desk.rest.last.effect) == (True, Effect.COMMAND)
    assert (moved.transfer_id, moved.status, moved.raw_status) == (UUID, FundsStatus.COMPLETED, "SUCCESS")
    assert f"'transferId': '{UUID}'" in desk.account.transfer_look_up("unified", "funding", UUID)


async def test_a_wallet_that_does_not_exist_is_refused_before_sending(desk: Desk) -> None:
    with pytest.raises(InvalidArgument, match="wallets unified and funding, not 'spot'"):
        await desk.account.transfer("BTC", D(1), Wallet.SPOT, Wallet.FUNDING, UUID)
    with pytest.raises(InvalidArgument, match="'FUND' and 'funding' are the same wallet"):
        await desk.account.transfer("BTC", D(1), "FUND", Wallet.FUNDING, UUID)
    assert desk.paths == []
