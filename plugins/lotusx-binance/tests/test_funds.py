"""Deposits, withdrawals and transfers: documented rows → the model, and the exact requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import msgspec
import pytest

from lotusx.errors import InvalidArgument, ItemRejected, NotSupported, Unavailable
from lotusx.model import FundsStatus, Wallet
from lotusx.plugin import Effect, Response, Span
from lotusx_binance import funds

pytestmark = pytest.mark.anyio
MS = 1_000_000
DAY_NS = 86_400 * 10**9
NOW_NS = 1_770_000_000_000 * MS
# developers.binance.com, wallet/capital, "Deposit History".
DEPOSIT = {
    "id": "769800519366885376", "amount": "0.001", "coin": "BNB", "network": "BNB", "status": 0,
    "address": "bnb136ns6lfw4zs5hg4n85vdthaad7hq5m4gtkgf23", "addressTag": "101764890",
    "txId": "98A3EA560C6B3336D348B6C83F0F95ECE4F1F5919E94BD006E5BF3BF264FACFC", "insertTime": 1661493146000,
    "completeTime": 1661493146000, "transferType": 0, "confirmTimes": "1/1", "unlockConfirm": 0, "walletType": 0,
}  # fmt: skip
# "Withdraw History".
WITHDRAWAL = {
    "id": "b6ae22b3aa844210a7041aee7589627c", "amount": "8.91000000", "transactionFee": "0.004", "coin": "USDT",
    "status": 6, "address": "0x94df8b352de7f46f64b01d3666bf6e936e44ce60",
    "txId": "0xb5ef8c13b968a406cc62a93a8bd80f9e9a906ef1b3fcf20a2e48573c17659268", "applyTime": "2019-10-12 11:12:02",
    "network": "ETH", "transferType": 0, "withdrawOrderId": "WITHDRAWtest123", "info": "", "confirmNo": 3,
    "walletType": 1, "txKey": "", "completeTime": "2023-03-23 16:52:41",
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # nothing here waits


def test_a_deposit_keeps_what_is_documented() -> None:
    found = funds.to_deposit(msgspec.convert(DEPOSIT, funds.DepositRow))

    assert (found.deposit_id, found.asset, found.amount, found.fee) == ("769800519366885376", "BNB", D("0.001"), None)
    assert (found.status, found.raw_status, found.exchange_ns) == (FundsStatus.PENDING, "0", 1661493146000 * MS)
    assert (found.network, found.address, found.tag) == ("BNB", DEPOSIT["address"], "101764890")
    assert found.tx_id == DEPOSIT["txId"]


def test_an_old_deposit_is_named_by_its_transaction() -> None:
    row = {name: value for name, value in DEPOSIT.items() if name != "id"}

    assert funds.to_deposit(msgspec.convert(row, funds.DepositRow)).deposit_id == DEPOSIT["txId"]


def test_a_withdrawal_keeps_what_is_documented() -> None:
    found = funds.to_withdrawal(msgspec.convert(WITHDRAWAL, funds.WithdrawalRow))

    assert (found.withdrawal_id, found.client_id) == (WITHDRAWAL["id"], "WITHDRAWtest123")
    assert (found.amount, found.fee, found.fee_asset) == (D("8.91000000"), D("0.004"), "USDT")
    assert (found.status, found.raw_status) == (FundsStatus.COMPLETED, "6")
    assert found.exchange_ns == 1570878722 * 10**9
    with pytest.raises(ItemRejected, match="no time"):
        funds.to_withdrawal(msgspec.convert(WITHDRAWAL | {"applyTime": "yesterday"}, funds.WithdrawalRow))


@pytest.mark.parametrize(
    ("number", "deposit", "withdrawal"),
    [
        (0, FundsStatus.PENDING, FundsStatus.PENDING),
        (1, FundsStatus.COMPLETED, FundsStatus.CANCELED),
        (2, FundsStatus.REJECTED, FundsStatus.PENDING),
        (3, FundsStatus.UNKNOWN, FundsStatus.REJECTED),
        (5, FundsStatus.UNKNOWN, FundsStatus.FAILED),
        (6, FundsStatus.CREDITED, FundsStatus.COMPLETED),
        (7, FundsStatus.FAILED, FundsStatus.UNKNOWN),
        (99, FundsStatus.UNKNOWN, FundsStatus.UNKNOWN),
    ],
)
def test_the_same_number_means_another_thing_in_each_list(
    number: int, deposit: FundsStatus, withdrawal: FundsStatus
) -> None:
    came = funds.to_deposit(msgspec.convert(DEPOSIT | {"status": number}, funds.DepositRow))
    went = funds.to_withdrawal(msgspec.convert(WITHDRAWAL | {"status": number}, funds.WithdrawalRow))

    assert (came.status, went.status) == (deposit, withdrawal)
    assert (came.raw_status, went.raw_status) == (str(number), str(number))


async def test_deposits_are_asked_for_in_pieces_of_less_than_ninety_days(desk: Any) -> None:
    desk.rest.reply("[]", json.dumps([DEPOSIT]))

    found = await desk.connector.account.deposits("BNB", Span(NOW_NS - 90 * DAY_NS, NOW_NS))

    assert len(found) == 1
    verb, path, params = desk.sent
    assert (verb, path) == ("GET", "/sapi/v1/capital/deposit/hisrec")
    begin = NOW_NS - DAY_NS
    assert params == {
        "coin": "BNB", "startTime": str(begin // MS), "endTime": str(NOW_NS // MS - 1), "limit": "1000",
    }  # fmt: skip
    assert desk.costs == {"sapi-ip-weight": 1}
    assert desk.rest.requests[0].signed


async def test_a_full_page_is_followed_by_the_next(desk: Any) -> None:
    desk.rest.reply(json.dumps([DEPOSIT] * 1_000), json.dumps([DEPOSIT]))

    assert len(await desk.connector.account.deposits(None, Span(NOW_NS - DAY_NS, NOW_NS))) == 1_001
    assert desk.sent[2]["offset"] == "1000"
    assert "coin" not in desk.sent[2]


async def test_withdrawals_take_a_tenth_of_the_accounts_minute(desk: Any) -> None:
    desk.rest.reply(json.dumps([WITHDRAWAL]))

    (found,) = await desk.connector.account.withdrawals(None, Span(NOW_NS - DAY_NS, NOW_NS))

    assert found.asset == "USDT"
    assert desk.sent[1] == "/sapi/v1/capital/withdraw/history"
    assert desk.costs == {"sapi-account-weight": 18_000}


async def test_withdrawals_are_asked_for_by_the_whole_seconds_that_they_are_dated_by(desk: Any) -> None:
    desk.rest.reply(json.dumps([WITHDRAWAL]))

    await desk.connector.account.withdrawals(None, Span(NOW_NS - DAY_NS + 1, NOW_NS + 250 * MS))

    params = desk.sent[2]
    assert (params["startTime"], params["endTime"]) == ("1769913600000", "1770000000999")


@pytest.mark.parametrize("market", ["spot", "perp"])
async def test_a_transfer_is_one_signed_command(
    make_desk: Callable[..., Any], make_futures: Callable[..., Any], market: str
) -> None:
    desk = make_desk() if market == "spot" else make_futures()
    desk.rest.reply('{"tranId":13526853623}')

    moved = await desk.connector.account.transfer("USDT", D("1.50"), Wallet.SPOT, Wallet.PERP, "uuid")

    assert desk.sent == ("POST", "/sapi/v1/asset/transfer", {"type": "MAIN_UMFUTURE", "asset": "USDT", "amount": "1.5"})
    assert desk.costs == {"sapi-account-weight": 900}
    assert desk.rest.last.effect is Effect.COMMAND
    assert (moved.transfer_id, moved.status, moved.raw_status) == ("13526853623", FundsStatus.PENDING, "")
    look_up = desk.connector.account.transfer_look_up("spot", "perp", "uuid")
    assert look_up == "native.call('GET', '/sapi/v1/asset/transfer', {'type': 'MAIN_UMFUTURE'}, signed=True)"


async def test_wallets_that_do_not_exist_and_ways_that_do_not_are_refused_before_sending(desk: Any) -> None:
    with pytest.raises(InvalidArgument, match="wallets spot, funding, perp, inverse, margin, not 'unified'"):
        await desk.connector.account.transfer("USDT", D(1), Wallet.SPOT, Wallet.UNIFIED, "uuid")
    with pytest.raises(InvalidArgument, match="'spot' and 'MAIN' are the same wallet"):
        await desk.connector.account.transfer("USDT", D(1), Wallet.SPOT, "MAIN", "uuid")
    with pytest.raises(NotSupported, match="by way of 'spot'"):
        await desk.connector.account.transfer("USDT", D(1), "perp", "CMFUTURE", "uuid")
    assert desk.rest.requests == []


async def test_a_server_fault_puts_a_transfer_in_doubt(desk: Any) -> None:
    desk.rest.reply(Response(503, {}, b'{"code":-1007,"msg":"Timeout"}'))

    with pytest.raises(Unavailable) as caught:
        await desk.connector.account.transfer("USDT", D(1), "spot", "perp", "uuid")

    assert caught.value.may_have_executed
