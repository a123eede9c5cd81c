"""Deposits, withdrawals and transfers: documented rows → the model, and the exact requests."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from okx_desk import Desk

from lotusx.errors import ExchangeError, InvalidArgument, NotSupported, RequestTimeout
from lotusx.model import FundsStatus, Wallet
from lotusx.plugin import Effect, Span
from lotusx_okx import funds

pytestmark = pytest.mark.anyio
MS = 1_000_000
NOW_MS = 1_770_000_000_000
# OKX API v5, funding-account, "Get deposit history".
DEPOSIT = {
    "actualDepBlkConfirm": "2", "amt": "1", "areaCodeFrom": "", "ccy": "USDT", "chain": "USDT-TRC20",
    "depId": "88165462", "from": "", "fromWdId": "", "state": "2", "to": "TN4hGjVXMzy*********9b4N1aGizqs",
    "ts": "1674038705000",
    "txId": "fee235b3e812********857d36bb0426917f0df1802",
}  # fmt: skip
# "Get withdrawal history".
WITHDRAWAL = {
    "note": "", "chain": "ETH-Ethereum", "fee": "0.007", "feeCcy": "ETH", "ccy": "ETH", "clientId": "",
    "toAddrType": "1", "amt": "0.029809", "txId": "0x35c******b360a174d", "from": "156****359", "areaCodeFrom": "86",
    "to": "0xa30d1fab********7CF18C7B6C579", "areaCodeTo": "", "state": "2", "ts": "1655251200000",
    "wdId": "15447421",
    "tag": None, "memo": "105", "addrEx": None, "nonTradableAsset": False,
}  # fmt: skip
UUID = "42c0cfb0-6bca-c242-bc76-4e6df6cbcb16"
NAME = "42c0cfb06bcac242bc764e6df6cbcb16"
# "Funds transfer".
MOVED = {"transId": "754147", "ccy": "USDT", "clientId": "", "from": "6", "amt": "0.1", "to": "18"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # nothing here waits


def reply(*rows: Any, code: str = "0", text: str = "") -> str:
    return json.dumps({"code": code, "msg": text, "data": list(rows)})


def test_a_deposit_keeps_what_is_documented() -> None:
    found = funds.to_deposit(msgspec.convert(DEPOSIT, funds.DepositRow))

    assert (found.deposit_id, found.asset, found.amount, found.fee) == ("88165462", "USDT", D(1), None)
    assert (found.status, found.raw_status, found.exchange_ns) == (FundsStatus.COMPLETED, "2", 1674038705000 * MS)
    assert (found.network, found.address, found.tx_id) == ("USDT-TRC20", DEPOSIT["to"], DEPOSIT["txId"])


def test_a_withdrawal_keeps_what_is_documented() -> None:
    found = funds.to_withdrawal(msgspec.convert(WITHDRAWAL, funds.WithdrawalRow))

    assert (found.withdrawal_id, found.amount, found.tag) == ("15447421", D("0.029809"), "105")
    assert (found.fee, found.fee_asset, found.exchange_ns) == (D("0.007"), "ETH", 1655251200000 * MS)
    assert (found.status, found.raw_status) == (FundsStatus.COMPLETED, "2")


@pytest.mark.parametrize(
    ("table", "raw", "status"),
    [
        (funds.DEPOSIT_STATUS, "0", FundsStatus.PENDING),
        (funds.DEPOSIT_STATUS, "1", FundsStatus.CREDITED),
        (funds.DEPOSIT_STATUS, "12", FundsStatus.PENDING),
        (funds.DEPOSIT_STATUS, "99", FundsStatus.UNKNOWN),
        (funds.WITHDRAWAL_STATUS, "-3", FundsStatus.PENDING),
        (funds.WITHDRAWAL_STATUS, "-2", FundsStatus.CANCELED),
        (funds.WITHDRAWAL_STATUS, "-1", FundsStatus.FAILED),
        (funds.WITHDRAWAL_STATUS, "17", FundsStatus.PENDING),
        (funds.WITHDRAWAL_STATUS, "99", FundsStatus.UNKNOWN),
    ],
)
def test_states_mean_what_is_documented(table: Any, raw: str, status: FundsStatus) -> None:
    assert table.get(raw, FundsStatus.UNKNOWN) is status


async def test_deposits_are_read_backwards_by_time_and_none_of_a_full_page_is_lost(desk: Desk) -> None:
    full = [DEPOSIT | {"depId": str(n), "ts": str(NOW_MS - n)} for n in range(100)]
    desk.rest.reply(reply(*full), reply(full[-1], DEPOSIT | {"ts": str(NOW_MS - 200)}))

    found = await desk.connector.account.deposits("USDT", Span((NOW_MS - 1_000) * MS, (NOW_MS + 1) * MS))

    asked = [parse_qs(request.query) for request in desk.rest.requests]
    assert desk.asked == ["GET /api/v5/asset/deposit-history"] * 2
    assert asked[0] == {"ccy": ["USDT"], "before": [str(NOW_MS - 1_001)], "after": [str(NOW_MS + 1)], "limit": ["100"]}
    assert asked[1]["after"] == [str(NOW_MS - 98)]  # the millisecond that ended the page is asked for again
    assert len({item.deposit_id for item in found}) == 101


async def test_more_movements_of_one_millisecond_than_a_page_has_are_not_left_out_in_silence(desk: Desk) -> None:
    full = [DEPOSIT | {"depId": str(n), "ts": str(NOW_MS - 5)} for n in range(100)]
    desk.rest.reply(reply(*full), reply(*full))

    with pytest.raises(NotSupported, match=r"100 movements or more in one millisecond.*one asset at a time"):
        await desk.connector.account.deposits(None, Span((NOW_MS - 1_000) * MS, (NOW_MS + 1) * MS))


async def test_withdrawals_come_from_a_list_of_their_own(desk: Desk) -> None:
    desk.rest.reply(reply(WITHDRAWAL))

    (found,) = await desk.connector.account.withdrawals(None, Span(0, NOW_MS * MS))

    assert found.asset == "ETH"
    assert desk.asked == ["GET /api/v5/asset/withdrawal-history"]
    assert "ccy" not in parse_qs(desk.rest.last.query)


@pytest.mark.parametrize(
    "path",
    [
        "asset/withdrawal",
        "asset/withdrawal/?ccy=BTC",
        "Asset/Withdrawal",
        "asset/withdrawal-lightning",
        "fiat/create-withdrawal",
    ],
)
async def test_no_endpoint_takes_money_off_the_exchange_unless_that_is_allowed(desk: Desk, path: str) -> None:
    with pytest.raises(NotSupported, match="allow_withdrawals"):
        await desk.connector.native.call("POST", f"/api/v5/{path}", {"ccy": "BTC"}, signed=True)
    assert desk.asked == []


async def test_a_transfer_carries_an_id_and_is_asked_after(desk: Desk) -> None:
    desk.rest.reply(reply(MOVED), reply(MOVED | {"state": "success"}))

    moved = await desk.connector.account.transfer("USDT", D("0.10"), Wallet.FUNDING, Wallet.UNIFIED, UUID)

    command = desk.rest.requests[0]
    assert json.loads(command.body) == {
        "type": "0", "ccy": "USDT", "amt": "0.1", "from": "6", "to": "18", "clientId": NAME,
    }  # fmt: skip
    assert (command.signed, command.effect) == (True, Effect.COMMAND)
    assert desk.rest.last.query == "transId=754147"
    assert (moved.transfer_id, moved.status, moved.raw_status) == (NAME, FundsStatus.COMPLETED, "success")
    look_up = desk.connector.account.transfer_look_up("funding", "unified", UUID)
    assert look_up == f"native.call('GET', '/api/v5/asset/transfer-state', {{'clientId': '{NAME}'}}, signed=True)"


async def test_a_transfer_that_was_accepted_is_no_error_though_nobody_says_what_became_of_it(desk: Desk) -> None:
    desk.rest.reply(reply(MOVED), RequestTimeout("no reply"))

    moved = await desk.connector.account.transfer("USDT", D(1), "funding", "unified", UUID)

    assert (moved.status, moved.raw_status) == (FundsStatus.UNKNOWN, "")


@pytest.mark.parametrize(
    ("code", "doubtful"), [("50011", False), ("50120", False), ("58999", True)], ids=["limit", "right", "anything else"]
)
async def test_a_refusal_proves_nothing_unless_nothing_can_have_moved(desk: Desk, code: str, doubtful: bool) -> None:
    desk.rest.reply(reply(code=code, text="no"))

    with pytest.raises(ExchangeError) as caught:
        await desk.connector.account.transfer("USDT", D(1), "funding", "unified", UUID)

    assert caught.value.may_have_executed is doubtful
    assert len(desk.rest.requests) == 1


async def test_a_wallet_that_does_not_exist_is_refused_before_sending(desk: Desk) -> None:
    with pytest.raises(InvalidArgument, match="wallets funding and unified, not 'perp'"):
        await desk.connector.account.transfer("USDT", D(1), Wallet.PERP, Wallet.FUNDING, UUID)
    with pytest.raises(InvalidArgument, match="'funding' and '6' are the same wallet"):
        await desk.connector.account.transfer("USDT", D(1), Wallet.FUNDING, "6", UUID)
    assert desk.asked == []
