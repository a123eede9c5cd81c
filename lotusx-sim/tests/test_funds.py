"""Money that comes, goes and moves between wallets: nothing appears, nothing vanishes, nothing moves twice."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest
from bybit_calls import BybitCaller
from sim_calls import Caller

from lotusx_sim import BinanceSpot, Bybit, ManualClock, Okx, Simulator
from lotusx_sim.dialects.binance import DEFAULT_KEY
from lotusx_sim.dialects.bybit import DEFAULT_KEY as BYBIT_KEY
from lotusx_sim.dialects.okx import funds as okx
from lotusx_sim.dialects.okx.errors import VenueError
from lotusx_sim.dialects.okx.params import Params
from lotusx_sim.engine.orders import Refused

UUID = "42c0cfb0-6bca-c242-bc76-4e6df6cbcb16"


@pytest.fixture
def sim() -> Simulator:
    made = Simulator(Okx(actions_per_s=0), clock=ManualClock())
    made.now_ns()
    return made


def test_a_deposit_and_a_withdrawal_are_kept_and_change_what_there_is(sim: Simulator) -> None:
    before = sim.exchange.accounts.total("USDT")

    sim.deposit("USDT", "12.5")
    sim.deposit("USDT", "-2.5")

    came, went = sim.exchange.funds.deposits[-1], sim.exchange.funds.withdrawals[-1]
    assert (came.amount, went.amount, went.fee) == (D("12.5"), D("2.5"), 0)
    assert came.id != went.id
    assert came.tx_id != went.tx_id
    assert sim.exchange.accounts.total("USDT") - before == 10


def test_more_than_there_is_neither_leaves_nor_moves(sim: Simulator) -> None:
    funds, before = sim.exchange.funds, sim.exchange.accounts.total("USDT")

    with pytest.raises(Refused):
        funds.withdraw("main", "USDT", D(10**9), 0)
    with pytest.raises(Refused):
        funds.shift("main", "USDT", D(10**9), "18", "6", "18", 0)

    assert sim.exchange.accounts.total("USDT") == before
    assert (funds.withdrawals, funds.shifts) == ([], [])


# -- OKX ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(sim: Simulator) -> Callable[..., list[Any]]:
    venue: Any = sim.venue

    def asked(endpoint: Callable[..., list[Any]], **params: str) -> list[Any]:
        return endpoint(venue.state, "main", Params({name.rstrip("_"): value for name, value in params.items()}))

    return asked


def test_okx_moves_once_under_one_client_id(sim: Simulator, ask: Callable[..., list[Any]]) -> None:
    before = sim.exchange.accounts.total("USDT")
    wish = {"ccy": "USDT", "amt": "12.5", "from": "18", "to": "6", "clientId": "abc"}

    (moved,) = ask(okx.transfer, **wish)
    with pytest.raises(VenueError, match="58366"):
        ask(okx.transfer, **wish)

    assert ask(okx.transfer_state, clientId="abc")[0]["transId"] == moved["transId"]
    assert ask(okx.transfer_state, transId=moved["transId"])[0]["state"] == "success"
    assert [row["bal"] for row in ask(okx.balances, ccy="USDT")] == ["12.5"]
    assert sim.exchange.accounts.total("USDT") == before


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amt": "1000000000"}, "58350"),
        ({"to": "18"}, "51000"),
        ({"type": "1"}, "51000"),
        ({"clientId": "not-alnum"}, "51000"),
        ({"amt": ""}, "50014"),
        ({"amt": "-1"}, "51000"),
    ],
)
def test_okx_refuses_what_cannot_be_moved(ask: Callable[..., list[Any]], changed: dict[str, str], code: str) -> None:
    with pytest.raises(VenueError, match=code):
        ask(okx.transfer, **{"ccy": "USDT", "amt": "1", "from": "18", "to": "6", **changed})


def test_okx_wants_to_know_which_transfer(ask: Callable[..., list[Any]]) -> None:
    with pytest.raises(VenueError, match="50015"):
        ask(okx.transfer_state)


def test_okx_pages_by_time(sim: Simulator, ask: Callable[..., list[Any]]) -> None:
    for amount in ("1", "2"):
        sim.deposit("USDT", amount)
        clock: Any = sim.clock
        clock.advance(1.0)
    newest, oldest = ask(okx.deposits, ccy="USDT")
    assert (newest["amt"], oldest["amt"]) == ("2", "1")
    assert ask(okx.deposits, after=newest["ts"]) == [oldest]
    assert ask(okx.deposits, before=oldest["ts"]) == [newest]
    assert ask(okx.deposits, ccy="BTC") == []


# -- Bybit -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bybit() -> BybitCaller:
    return BybitCaller(Bybit(seed=7, actions_per_s=0, keys=[replace(BYBIT_KEY, may_withdraw=True)]))


def test_bybit_moves_once_under_one_id_and_lists_it(bybit: BybitCaller) -> None:
    wish = {"transferId": UUID, "coin": "USDT", "amount": "20", "fromAccountType": "UNIFIED", "toAccountType": "FUND"}
    before = bybit.sim.exchange.accounts.total("USDT")

    assert bybit.command("asset/transfer/inter-transfer", **wish)["result"]["status"] == "SUCCESS"
    assert bybit.command("asset/transfer/inter-transfer", **wish)["retCode"] == 131214

    listed = bybit.query("/v5/asset/transfer/query-inter-transfer-list", True, transferId=UUID)["result"]["list"]
    assert [(row["transferId"], row["amount"]) for row in listed] == [(UUID, "20")]
    assert bybit.sim.exchange.accounts.total("USDT") == before
    rest = {"coin": "USDT", "chain": "ETH", "address": "0x1", "timestamp": 1}
    assert bybit.command("asset/withdraw/create", **rest, amount="30")["retCode"] == 131212
    assert bybit.command("asset/withdraw/create", **rest, amount="10")["retCode"] == 0
    assert before - bybit.sim.exchange.accounts.total("USDT") == D("10.5")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"transferId": "7"}, 10001),
        ({"toAccountType": "SPOT"}, 10001),
        ({"amount": "0"}, 10001),
        ({"amount": "1000000000"}, 131212),
    ],
)
def test_bybit_refuses_what_cannot_be_moved(bybit: BybitCaller, changed: dict[str, str], code: int) -> None:
    wish = {"transferId": UUID, "coin": "USDT", "amount": "20", "fromAccountType": "UNIFIED", "toAccountType": "FUND"}
    assert bybit.command("asset/transfer/inter-transfer", **wish | changed)["retCode"] == code


def test_bybit_lists_thirty_days_at_most_page_by_page(bybit: BybitCaller) -> None:
    for amount in ("1", "2", "3"):
        bybit.sim.deposit("USDT", amount)
    first = bybit.query("/v5/asset/deposit/query-record", True, limit=2)["result"]
    assert [row["amount"] for row in first["rows"]] == ["3", "2"]
    wide = {"startTime": 0, "endTime": bybit.now_ms}
    assert bybit.query("/v5/asset/deposit/query-record", True, **wide)["retCode"] == 10001


# -- Binance -----------------------------------------------------------------------------------------------------


@pytest.fixture
def binance() -> Caller:
    return Caller(BinanceSpot(seed=7, actions_per_s=0, keys=[replace(DEFAULT_KEY, may_withdraw=True)]))


def test_binance_moves_and_lists_by_type(binance: Caller) -> None:
    exchange = binance.sim.exchange
    before = exchange.accounts.total("USDT")

    moved = binance.signed("POST", "/sapi/v1/asset/transfer", type="MAIN_UMFUTURE", asset="USDT", amount="20")
    listed = binance.signed("GET", "/sapi/v1/asset/transfer", type="MAIN_UMFUTURE")
    other = binance.signed("GET", "/sapi/v1/asset/transfer", type="UMFUTURE_MAIN")

    assert (listed["total"], listed["rows"][0]["tranId"], other["total"]) == (1, moved["tranId"], 0)
    assert exchange.accounts.total("USDT") == before


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"type": "UMFUTURE_CMFUTURE"}, -1130), ({"amount": "1000000000"}, -5013), ({"amount": "0"}, -1013)],
)
def test_binance_refuses_what_cannot_be_moved(binance: Caller, changed: dict[str, str], code: int) -> None:
    wish = {"type": "MAIN_FUNDING", "asset": "USDT", "amount": "1"} | changed
    assert binance.signed("POST", "/sapi/v1/asset/transfer", **wish)["code"] == code


def test_binance_withdraws_what_is_there_and_lists_ninety_days_at_most(binance: Caller) -> None:
    path = "/sapi/v1/capital/withdraw/apply"
    assert binance.signed("POST", path, coin="USDT", address="0x1", amount="1000000000")["code"] == -4026
    made = binance.signed("POST", path, coin="USDT", address="0x1", amount="10", withdrawOrderId="mine")
    (row,) = binance.signed("GET", "/sapi/v1/capital/withdraw/history", coin="USDT")
    assert (row["id"], row["amount"], row["transactionFee"], row["withdrawOrderId"]) == (
        made["id"],
        "10",
        "0.5",
        "mine",
    )
    day_ms = 86_400_000
    wide = {"startTime": 0, "endTime": 91 * day_ms}
    assert binance.signed("GET", "/sapi/v1/capital/deposit/hisrec", **wide)["code"] == -1127
    reversed_ = {"startTime": 5, "endTime": 1}
    assert binance.signed("GET", "/sapi/v1/capital/deposit/hisrec", **reversed_)["code"] == -1128
