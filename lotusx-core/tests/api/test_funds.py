"""Deposits, withdrawals and transfers: what the core adds to what an exchange says."""

from __future__ import annotations

import pickle
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lotusx
import lotusx.sync
from lotusx.config import Sources, resolve
from lotusx.errors import (
    ConfigurationError,
    ConnectionFailed,
    ErrorKind,
    InsufficientFunds,
    InvalidArgument,
    ItemRejected,
    LotusXError,
    NotSupported,
    RequestTimeout,
    TransferOutcomeUnknown,
    exchange_error,
)
from lotusx.model import Deposit, FundsStatus, Wallet, funds_status

from .acme import install

pytestmark = pytest.mark.anyio

KEYS = {"api_key": "key", "api_secret": "canary-secret"}
DAY_NS = 86_400_000_000_000


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return install(tmp_path)


async def test_deposits_come_oldest_first_each_once_and_only_those_of_the_span(acme: SimpleNamespace) -> None:
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        found = await exchange.deposits("BTC", start=10, end=100)

    assert [(item.deposit_id, item.exchange_ns) for item in found] == [("a", 10), ("b", 20)]
    assert acme.account.calls == [("deposits", "BTC", 10, 100)]


async def test_deposits_that_one_transaction_paid_are_told_apart(acme: SimpleNamespace) -> None:
    def paid(asset: str, amount: int, status: FundsStatus = FundsStatus.COMPLETED) -> Deposit:
        return Deposit("0x1", asset, Decimal(amount), status, "", 20, tx_id="0x1")

    async def deposits(asset: str | None, span: Any) -> list[Deposit]:
        return [paid("BTC", 1, FundsStatus.PENDING), paid("USDT", 1), paid("BTC", 2), paid("BTC", 1)]

    acme.account.deposits = deposits
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        found = await exchange.deposits(start=10, end=100)

    assert {(item.asset, item.amount, item.status) for item in found} == {
        ("BTC", 1, FundsStatus.COMPLETED), ("BTC", 2, FundsStatus.COMPLETED), ("USDT", 1, FundsStatus.COMPLETED)
    }  # fmt: skip
    assert len(found) == 3


async def test_without_a_start_ninety_days_are_asked_for(acme: SimpleNamespace) -> None:
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        assert await exchange.withdrawals() == []
        assert [item.withdrawal_id for item in await exchange.withdrawals(end=10)] == ["1", "2"]

    (_, asset, start, end), second = acme.account.calls
    assert asset is None
    assert end - start == 90 * DAY_NS
    assert second == ("withdrawals", None, 0, 10)


async def test_a_reversed_span_of_deposits_is_refused(acme: SimpleNamespace) -> None:
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        with pytest.raises(InvalidArgument, match="before end"):
            await exchange.deposits(start=5, end=5)
    assert acme.account.calls == []


async def test_a_transfer_says_what_moved_and_has_an_id_of_its_own(acme: SimpleNamespace) -> None:
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        first = await exchange.transfer("USDT", "2.50", source=Wallet.SPOT, target=Wallet.PERP)
        second = await exchange.transfer("USDT", "2.50", source="spot", target="perp")

    assert (first.amount, first.source, first.target) == (Decimal("2.50"), "spot", "perp")
    assert first.status is FundsStatus.COMPLETED
    assert len(first.transfer_id) == 36
    assert first.transfer_id != second.transfer_id


@pytest.mark.parametrize(
    "failure",
    [
        RequestTimeout("no reply"),
        exchange_error(ErrorKind.UNKNOWN_EXECUTION, "acme", "-1007", "Send status unknown"),
        ItemRejected("0 rows of transfer, not one", field="data"),
    ],
    ids=["no reply", "a reply that says so", "a reply that cannot be understood"],
)
async def test_a_transfer_in_doubt_is_sent_once_and_says_where_to_look(
    acme: SimpleNamespace, failure: LotusXError
) -> None:
    acme.account.fails = failure
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        with pytest.raises(TransferOutcomeUnknown) as caught:
            await exchange.transfer("USDT", 1, source="spot", target="perp")

    error = caught.value
    assert len(acme.account.calls) == 1
    assert error.may_have_executed
    assert not error.retryable
    assert type(failure).__name__ in error.evidence[0]
    assert error.look_up == f"native.call('GET', '/transfers/{error.transfer_id}')"
    assert error.look_up in str(error)
    assert pickle.loads(pickle.dumps(error)).look_up == error.look_up


@pytest.mark.parametrize(
    "failure",
    [ConnectionFailed("refused", sent=False), InsufficientFunds("acme", "1", "too little")],
    ids=["never sent", "refused"],
)
async def test_a_transfer_that_surely_did_not_happen_raises_why(acme: SimpleNamespace, failure: LotusXError) -> None:
    acme.account.fails = failure
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        with pytest.raises(type(failure)):
            await exchange.transfer("USDT", 1, source="spot", target="perp")


async def test_a_transfer_to_where_the_money_is_already_is_not_sent(acme: SimpleNamespace) -> None:
    async with lotusx.connect("acme", credentials=KEYS) as exchange:
        with pytest.raises(InvalidArgument, match="both 'spot'"):
            await exchange.transfer("USDT", 1, source=Wallet.SPOT, target="spot")
    assert acme.account.calls == []


async def test_a_read_only_connection_lists_and_transfers_nothing(acme: SimpleNamespace) -> None:
    async with lotusx.connect("acme", credentials=KEYS, read_only=True) as exchange:
        assert await exchange.deposits(start=10, end=20)
        with pytest.raises(NotSupported, match="read-only"):
            await exchange.transfer("USDT", 1, source="spot", target="perp")


def test_the_twin_for_scripts_lists_and_transfers(acme: SimpleNamespace) -> None:
    with lotusx.sync.connect("acme", credentials=KEYS) as exchange:
        assert [item.deposit_id for item in exchange.deposits(start=0, end=50)] == ["a", "b"]
        assert [item.withdrawal_id for item in exchange.account.withdrawals(start=0, end=50)] == ["1", "2"]
        assert exchange.transfer("USDT", 1, source="spot", target=Wallet.FUNDING).target == "funding"


def test_a_status_nobody_knows_stays_unknown() -> None:
    assert funds_status({"1": FundsStatus.COMPLETED}, 1) is FundsStatus.COMPLETED
    assert funds_status({"1": FundsStatus.COMPLETED}, "7") is FundsStatus.UNKNOWN
    assert not FundsStatus.UNKNOWN.is_final
    assert not FundsStatus.CREDITED.is_final
    assert FundsStatus.REJECTED.is_final


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ({}, None),
        ({"allow_withdrawals": True}, True),
        ({"options": {"allow_withdrawals": True}}, True),
        ({"allow_withdrawals": True, "options": {"allow_withdrawals": False}}, False),
    ],
    ids=["not said", "argument", "option", "taken back"],
)
async def test_withdrawals_are_allowed_by_argument_or_option_only(
    acme: SimpleNamespace, arguments: dict[str, Any], allowed: bool | None
) -> None:
    async with lotusx.connect("acme", credentials=KEYS, **arguments):
        assert acme.kernels[-1].options.get("allow_withdrawals") is allowed


@pytest.mark.parametrize(("variable", "allowed"), [("true", True), ("false", False), (None, True)])
def test_withdrawals_are_allowed_by_document_and_variable(variable: str | None, allowed: bool) -> None:
    variables = {} if variable is None else {"LOTUSX_ACME_ALLOW_WITHDRAWALS": variable}
    found = resolve("acme", sources=Sources(variables, {}, {"exchanges": {"acme": {"allow_withdrawals": True}}}))

    assert found.allow_withdrawals is allowed


def test_a_word_that_is_no_boolean_allows_no_withdrawals() -> None:
    with pytest.raises(ConfigurationError, match="allow_withdrawals"):
        resolve("acme", sources=Sources({"LOTUSX_ACME_ALLOW_WITHDRAWALS": "yes"}, {}, {}))
