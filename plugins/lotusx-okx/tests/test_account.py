"""Holdings, positions, fees and permissions: documents → the model."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import okx_documents as documented
import pytest
from okx_desk import Desk

from lotusx.errors import ItemRejected, NotSupported
from lotusx.model import BalanceEvent, MarginMode, PositionEvent, PositionSide
from lotusx.plugin import Span
from lotusx_okx import account_conversions as convert, account_types as types

D = Decimal
SWAP, SPOT = documented.SWAP, documented.SPOT
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # nothing here waits


def position(**changes: Any) -> Any:
    return convert.to_position(msgspec.convert(documented.POSITION | changes, types.Position), instrument=SWAP)


def test_a_balance_is_what_lies_there_and_what_of_it_is_free() -> None:
    found = convert.to_balance(msgspec.convert(documented.HOLDING, types.Holding))

    assert (found.asset, found.total) == ("USDT", D("4850.435693622894"))
    assert (found.free, found.locked) == (D("4834.317093622894"), D("158.573"))
    assert found.updated_ns == 1705449605015 * 10**6


def test_a_position_is_signed_and_in_base_units() -> None:
    found = position()

    assert (found.quantity, found.side, found.margin_mode) == (D("-0.005"), None, MarginMode.CROSS)
    assert (found.margin, found.leverage) == (D("62.9"), 5)
    assert found.position_id == documented.POSITION["posId"]  # a cross and an isolated one may stand at once


@pytest.mark.parametrize(("side", "quantity"), [("long", D("0.005")), ("short", D("-0.005"))])
def test_the_two_positions_of_long_short_mode_have_their_sides(side: str, quantity: Decimal) -> None:
    found = position(pos="0.5", posSide=side)

    assert (found.quantity, found.side) == (quantity, PositionSide(side))


def test_a_position_on_an_unknown_side_is_rejected() -> None:
    with pytest.raises(ItemRejected):
        position(posSide="sideways")


def test_messages_become_events_of_what_they_hold() -> None:
    balances = convert.to_balance_events(documented.private("account", {"details": [documented.HOLDING]}), 1)
    positions = convert.to_position_events(
        documented.private("positions", documented.POSITION), 1, traded=lambda name: SWAP
    )

    assert [type(event) for event in (*balances, *positions)] == [BalanceEvent, PositionEvent]
    assert not convert.to_balance_events(documented.private("account", {"details": []}), 1)
    assert not convert.to_position_events(documented.private("positions"), 1, traded=lambda name: SWAP)


def test_a_position_that_is_not_traded_here_keeps_no_other_from_being_told() -> None:
    inverse = documented.POSITION | {"instId": "BTC-USD-SWAP"}
    message = documented.private("positions", inverse, documented.POSITION)

    (event,) = convert.to_position_events(message, 1, traded={SWAP.venue_symbol: SWAP}.get)

    assert isinstance(event, PositionEvent)
    assert [position.symbol for position in event.positions] == [SWAP.symbol]


async def test_fees_are_those_of_the_instruments_group(desk: Desk) -> None:
    groups = [
        {"groupId": "1", "maker": "-0.0008", "taker": "-0.001", "elpMaker": ""},
        {"groupId": "2", "maker": "0.0001", "taker": "-0.0005", "elpMaker": ""},
    ]
    desk.rest.reply(documented.reply({"feeGroup": groups}), documented.reply({"feeGroup": groups}))

    swap = await desk.connector.account.fees(SWAP)
    assert desk.rest.params == {"instType": "SWAP", "instFamily": "BTC-USDT"}
    spot = await desk.connector.account.fees(SPOT)
    assert desk.rest.params == {"instType": "SPOT", "instId": "BTC-USDT"}

    assert (swap.maker, swap.taker) == (D("-0.0001"), D("0.0005"))  # OKX writes a rebate above zero
    assert (spot.maker, spot.taker) == (D("0.0008"), D("0.001"))


async def test_a_fee_group_that_is_not_there_is_no_guess(desk: Desk) -> None:
    desk.rest.reply(documented.reply({"feeGroup": [{"groupId": "9", "maker": "0", "taker": "0"}]}))

    with pytest.raises(ItemRejected):
        await desk.connector.account.fees(SWAP)


async def test_permissions_are_those_of_the_key(desk: Desk) -> None:
    desk.rest.reply(documented.reply(documented.CONFIG))

    found = await desk.connector.account.permissions()

    assert (found.read, found.trade, found.withdraw, found.ip_restricted) == (True, True, True, False)
    assert found.raw["acctLv"] == "2"


async def test_leverage_is_asked_for_in_cross_margin(desk: Desk) -> None:
    row = {"ccy": "", "instId": "BTC-USDT-SWAP", "mgnMode": "cross", "posSide": "long", "lever": "10"}
    desk.rest.reply(documented.reply(row, row | {"posSide": "short"}), documented.reply(row, row | {"lever": "5"}))

    found = await desk.connector.account.leverage(SWAP)

    assert (found.leverage, found.margin_mode, found.maximum) == (10, MarginMode.CROSS, 100)
    with pytest.raises(NotSupported):
        await desk.connector.account.leverage(SWAP)
    with pytest.raises(NotSupported):
        await desk.connector.account.leverage(SPOT)


async def test_funding_is_told_among_other_bills(desk: Desk) -> None:
    at = 1_770_000_000_000 - 3_600_000
    bill = {"billId": "5", "ccy": "USDT", "balChg": "-1.5", "ts": str(at), "instId": "BTC-USDT-SWAP", "subType": "173"}
    other = bill | {"billId": "4", "subType": "205"}
    desk.rest.reply(documented.reply(bill, other))

    page = await desk.connector.account.funding_payments_page(SWAP, Span(start_ns=(at - 5) * 10**6), None, 100)

    (payment,) = page.items
    assert (payment.amount, payment.asset, payment.exchange_ns) == (D("-1.5"), "USDT", at * 10**6)
    assert desk.rest.params == {"instType": "SWAP", "type": "8", "limit": "100"}


async def test_funding_of_two_positions_of_one_swap_and_moment_is_their_sum(desk: Desk) -> None:
    at = 1_770_000_000_000 - 3_600_000
    bill = {"billId": "5", "ccy": "USDT", "balChg": "-1.5", "ts": str(at), "instId": "BTC-USDT-SWAP", "subType": "173"}
    received = bill | {"billId": "4", "subType": "174", "balChg": "0.4"}
    before = bill | {"billId": "3", "ts": str(at - 1)}
    desk.rest.reply(documented.reply(bill, received, before))

    page = await desk.connector.account.funding_payments_page(SWAP, Span(start_ns=(at - 5) * 10**6), None, 100)

    assert [(each.amount, each.exchange_ns) for each in page.items] == [
        (D("-1.5"), (at - 1) * 10**6),
        (D("-1.1"), at * 10**6),
    ]


# A real reply to account/bills, quoted in github.com/ccxt/ccxt/issues/28103 (2026-03-09); another instId.
OF_ISOLATED = {
    "bal": "22.8625531207008386", "balChg": "0.0000000000000000", "billId": "3373589486042734612", "ccy": "USDT",
    "clOrdId": "", "earnAmt": "", "earnApr": "", "execType": "", "fee": "0", "fillFwdPx": "", "fillIdxPx": "",
    "fillMarkPx": "", "fillMarkVol": "", "fillPxUsd": "", "fillPxVol": "", "fillTime": "1773043201466", "from": "",
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "interest": "0", "mgnMode": "isolated", "notes": "", "ordId": "",
    "pnl": "-0.2540832413497432", "posBal": "2.7428167586502568", "posBalChg": "-0.2540832413497432",
    "px": "0.02606", "subType": "173", "sz": "115", "tag": "", "to": "", "tradeId": "0", "ts": "1773043201466",
    "type": "8",
}  # fmt: skip


async def test_funding_of_an_isolated_position_is_what_changes_the_positions_own_balance(desk: Desk) -> None:
    desk.rest.reply(documented.reply(OF_ISOLATED))

    page = await desk.connector.account.funding_payments_page(SWAP, Span(), None, 100)

    assert [payment.amount for payment in page.items] == [D("-0.2540832413497432")]


FUNDED_MS = 1_770_000_000_000 - 3_600_000
OF_CROSS = {
    "billId": "5", "ccy": "USDT", "balChg": "-1.5", "ts": str(FUNDED_MS), "instId": "BTC-USDT-SWAP", "subType": "173",
    "mgnMode": "cross", "pnl": "-1.5", "posBalChg": "0",
}  # fmt: skip


async def test_funding_of_a_moment_of_which_one_bill_cannot_be_read_is_left_out_whole(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable = OF_CROSS | {"billId": "4", "mgnMode": "isolated", "balChg": "0", "pnl": "-0.25", "posBalChg": ""}
    before = OF_CROSS | {"billId": "3", "ts": str(FUNDED_MS - 1)}
    desk.rest.reply(documented.reply(OF_CROSS, unreadable, before))

    page = await desk.connector.account.funding_payments_page(SWAP, Span(start_ns=1), None, 100)

    assert [(payment.amount, payment.exchange_ns) for payment in page.items] == [(D("-1.5"), (FUNDED_MS - 1) * 10**6)]
    assert "an item of bills was left out" in caplog.text


async def test_newest_funding_is_of_whole_moments(desk: Desk) -> None:
    bills = [OF_CROSS | {"billId": str(n), "ts": str(FUNDED_MS + n // 2)} for n in range(300, 100, -1)]
    pages = documented.reply(*bills[:100]), documented.reply(*bills[100:])
    desk.rest.reply(*pages, pages[0])

    page = await desk.connector.account.funding_payments_page(SWAP, Span(), None, 100)
    (newest,) = (await desk.connector.account.funding_payments_page(SWAP, Span(), None, 2)).items[1:]

    # Of two bills each; the newest moment has one so far, the oldest one was cut.
    assert [payment.amount for payment in page.items] == [D(-3)] * 99 + [D("-1.5")]
    assert (newest.amount, newest.exchange_ns) == (D("-1.5"), (FUNDED_MS + 150) * 10**6)


async def test_newest_funding_is_read_on_until_its_moment_is_whole(desk: Desk) -> None:
    moment = [documented.reply(*[OF_CROSS | {"billId": str(n - m)} for m in range(100)]) for n in (400, 300)]
    rest = documented.reply(*[OF_CROSS | {"billId": str(n)} for n in range(200, 190, -1)])
    desk.rest.reply(*moment, rest)

    page = await desk.connector.account.funding_payments_page(SWAP, Span(), None, 100)

    assert [payment.amount for payment in page.items] == [D(-315)]


def pages_of_two(bills: list[dict[str, Any]]) -> list[Any]:
    return [documented.reply(*bills[start : start + 2]) for start in range(0, len(bills) + 1, 2)]


async def test_newest_funding_of_one_swap_is_looked_for_behind_that_of_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotusx_okx.connector.account.MAX_ROWS", 2)
    bills = [OF_CROSS | {"billId": str(9 - n), "ts": str(FUNDED_MS - n), "instId": "ETH-USDT-SWAP"} for n in range(6)]
    bills[3] |= {"instId": "BTC-USDT-SWAP", "subType": "205"}  # no funding
    bills[5] |= {"instId": "BTC-USDT-SWAP"}
    desk.rest.reply(*pages_of_two(bills))

    page = await desk.connector.account.funding_payments_page(SWAP, Span(), None, 1)

    assert [payment.exchange_ns for payment in page.items] == [(FUNDED_MS - 5) * 10**6]


async def test_newest_funding_is_counted_in_payments_not_in_bills(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotusx_okx.connector.account.MAX_ROWS", 2)
    bills = [OF_CROSS | {"billId": str(20 - n), "ts": str(FUNDED_MS - n // 2)} for n in range(12)]
    desk.rest.reply(*pages_of_two(bills))

    page = await desk.connector.account.funding_payments_page(SWAP, Span(), None, 3)

    assert [(payment.amount, payment.exchange_ns) for payment in page.items] == [
        (D(-3), (FUNDED_MS - n) * 10**6) for n in (2, 1, 0)
    ]
    assert len(desk.asked) == 4  # only what follows shows that the third is whole


async def test_of_the_newest_funding_one_that_cannot_be_read_is_not_made_up_by_a_part_of_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotusx_okx.connector.account.MAX_ROWS", 2)
    bills = [OF_CROSS | {"billId": str(20 - n), "ts": str(FUNDED_MS - (n + 1) // 2)} for n in range(6)]
    bills[0] |= {"mgnMode": "isolated", "balChg": "0", "pnl": "-0.25", "posBalChg": ""}
    desk.rest.reply(*pages_of_two(bills))

    page = await desk.connector.account.funding_payments_page(SWAP, Span(), None, 2)

    assert [(payment.amount, payment.exchange_ns) for payment in page.items] == [(D(-3), (FUNDED_MS - 1) * 10**6)]


@pytest.mark.parametrize(
    "change",
    [{"posBalChg": "0"}, {"posBalChg": ""}, {"mgnMode": "cross"}, {"mgnMode": ""}],
    ids=["nothing", "not stated", "cross", "no mode"],
)
def test_funding_that_changed_no_balance_though_something_was_paid_is_no_zero(change: dict[str, str]) -> None:
    bill = msgspec.convert(OF_ISOLATED | change, types.Bill)

    with pytest.raises(ItemRejected):
        convert.to_funding_payment([bill], instrument=SWAP, received_ns=1)


def test_funding_of_nothing_is_zero() -> None:
    bill = msgspec.convert(OF_ISOLATED | {"posBalChg": "0", "pnl": "0"}, types.Bill)

    assert convert.to_funding_payment([bill], instrument=SWAP, received_ns=1).amount == 0
