"""A paper account is reckoned exactly, whatever the decimal context of the caller is."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, getcontext, localcontext
from typing import Any

import pytest
from paper_desk import BTC, INVERSE, PERP, Desk

from lotusx.model import AccountEvent, Symbol

D = Decimal
CONTEXTS = [Context(prec=6), Context(prec=28, traps=[Inexact]), Context(prec=6, traps=[Inexact])]


def session(symbol: Symbol, settle: str) -> tuple[list[AccountEvent], list[object]]:
    """Trade: take two levels, rest and be filled by a print and by the book, amend, cancel, reduce."""
    unit: dict[str, Any] = {"quantity_unit": "contracts"} if symbol == INVERSE else {}
    balances = {settle: "1234567.12345678", "BTC": "22.123456789012"}
    desk = Desk(symbol, balances=balances, maker="0.000123456", taker="0.000456789", leverage="3")
    desk.book.write(
        bids=[("61233.987654", "1.123456789"), ("61000.5", "2.1")],
        asks=[("61234.123456", "0.123456789"), ("61250.654321", "2.987654321")],
    )
    if symbol != BTC:
        desk.mark("61234.5678901")
    told: list[object] = [desk.take("buy", "1.987654321", "a", **unit)]
    told.append(desk.limit("buy", "1.234567891", "61100.123457", "b", **unit))
    desk.prints("sell", "0.234567891", "61100.123457")
    told.append(desk.amend("b", quantity="1.134567891"))
    desk.shows(asks=[("61099.7654321", "0.345678912"), ("61250.654321", "2.987654321")])
    told.append(desk.state("b"))
    told.append(desk.cancel("b"))
    told.append(desk.take("sell", "0.765432198", "c", max_slippage="0.0123456789", **unit))
    if symbol != BTC:
        desk.mark("61333.3456789")
    return desk.events, [*told, desk.held(settle), desk.held("BTC")]


@pytest.mark.parametrize("context", CONTEXTS, ids=["6 digits", "Inexact is trapped", "both"])
@pytest.mark.parametrize(("symbol", "settle"), [(BTC, "USDT"), (PERP, "USDT"), (INVERSE, "BTC")])
def test_an_account_is_the_same_in_every_decimal_context(context: Context, symbol: Symbol, settle: str) -> None:
    usual = session(symbol, settle)

    with localcontext(context):
        assert session(symbol, settle) == usual


def test_what_is_paid_for_an_order_is_told_to_the_last_digit() -> None:
    desk = Desk(balances={"USDT": "1234567.12345678"}, taker="0")
    desk.book.write(asks=[("61234.123456", "5")])

    with localcontext(Context(prec=6)):
        state = desk.limit("buy", "1.987654321", "61234.123456")

    assert state.filled_quote == D("121712.270079965853376")
    assert state.average_price == D("61234.123456")
    assert desk.held("USDT") == (D("1112854.853376814146624"), D(0))


def test_an_amount_of_more_digits_than_the_usual_context_has_is_not_rounded() -> None:
    desk = Desk(balances={"USDT": "1000000000000000.123456789012345678"}, taker="0")
    desk.book.write(asks=[("61234.123456789012", "5")])

    state = desk.limit("buy", "1.987654321", "61234.123456789012")

    assert state.filled_quote == D("121712.270081534136487120852")
    assert desk.held("USDT")[0] == D("999999999878287.853375254875858557148")  # 36 digits


def test_the_better_of_two_prices_that_differ_late_is_filled_first() -> None:
    desk = Desk(balances={"USDT": "1000000"})
    desk.book.write(bids=[("61000", "1")], asks=[("62000", "1")])

    with localcontext(Context(prec=6)):
        desk.limit("buy", "1", "61100.01", "a")
        desk.limit("buy", "1", "61100.02", "b")
        desk.shows(asks=[("61100", "1")])

    assert desk.matched == [("b", D("61100.02"), D(1))]


@pytest.mark.parametrize("rate", ["0.9999999", "-0.9999999"])
def test_terms_are_read_in_every_decimal_context(rate: str) -> None:
    with localcontext(Context(prec=6)):
        assert Desk(maker=rate).venue.engine is not None


def test_what_is_told_runs_in_the_decimal_context_of_the_caller() -> None:
    desk = Desk(PERP, balances={"USDT": "1000"})
    desk.book.write(asks=[("100", "5")])
    desk.mark("100")
    seen: list[int] = []
    desk.heard = lambda: seen.append(getcontext().prec)

    with localcontext(Context(prec=7)):
        desk.take("buy", "1")
        desk.mark("99")

    assert set(seen) == {7}
