"""How far a position could go is never thought less than it is."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import anyio
import pytest
from risk_desk import BTC, PERP, Desk, buy, instrument, market, sell, working

from lotusx.errors import OrderVetoed
from lotusx.model import OrderRequest, OrderStatus, Side
from lotusx.plugin import Amendment
from lotusx_risk import Risk


def risk_of(most: str = "3", **more: Any) -> Risk:
    return Risk({"symbols": {"BTC/USDT": {"max_position": most}, "BTC/USDT:USDT": {"max_position": most}}, **more})


def vetoed(desk: Desk, risk: Risk, request: OrderRequest) -> str:
    with pytest.raises(OrderVetoed) as caught:
        desk.send(risk, request)
    assert caught.value.rule == "max_position"
    return str(caught.value)


def test_what_is_held_what_is_open_and_what_is_sent_count_together() -> None:
    desk, risk = Desk(held="1", listed=[working("x", Side.BUY, "1.5", "0.5")]), risk_of()
    desk.send(risk, buy("1", name="a"))
    assert "could become 3.001 long" in vetoed(desk, risk, buy("0.001", name="b"))
    desk.send(risk, sell("4", name="c"))
    assert desk.asked == {"balances": 1, "open_orders": 1}


def test_the_short_side_has_the_same_limit() -> None:
    desk, risk = Desk(held="-2"), risk_of()
    desk.send(risk, OrderRequest.limit(PERP, "sell", "1", "100", client_order_id="a"), PERP)
    with pytest.raises(OrderVetoed, match="short"):
        desk.send(risk, OrderRequest.limit(PERP, "sell", "0.001", "100", client_order_id="b"), PERP)
    desk.send(risk, OrderRequest.limit(PERP, "buy", "5", "100", client_order_id="c"), PERP)


def test_an_order_counts_in_full_from_the_moment_it_passed_whatever_fills() -> None:
    desk, risk = Desk(), risk_of()
    desk.send(risk, buy("2", name="a"))
    desk.report("a", filled=Decimal("0.5"))
    vetoed(desk, risk, buy("1.5", name="b"))
    desk.report("a", filled=Decimal(2), status=OrderStatus.FILLED)
    vetoed(desk, risk, buy("1.5", name="b"))
    desk.send(risk, buy("1", name="b"))


def test_what_was_cancelled_or_never_sent_counts_no_more() -> None:
    desk, risk = Desk(), risk_of()
    desk.send(risk, buy("3", name="a"))
    vetoed(desk, risk, buy("1", name="b"))
    desk.report("a", filled=Decimal(1), status=OrderStatus.CANCELED)
    desk.send(risk, buy("2", name="b"))
    del desk.orders["b"]
    desk.send(risk, buy("2", name="c"))


def test_what_has_ended_long_ago_stays_counted_and_is_followed_no_more() -> None:
    desk, risk = Desk(), risk_of()
    desk.send(risk, buy("2", name="a"))
    desk.report("a", filled=Decimal(1), status=OrderStatus.CANCELED)
    desk.send(risk, buy("0.5", name="b"))
    desk.report("a", filled=Decimal("1.5"))  # told late
    desk.hands.s += 9
    desk.send(risk, buy("0.5", name="c"))
    desk.hands.s += 2
    vetoed(desk, risk_of(), buy("3.001", name="x"))
    desk.send(risk, buy("0.5", name="d"))
    (exposure,) = risk._exposures.values()
    assert set(exposure._own) == {"b", "c", "d"}
    desk.fails = "balances"
    with pytest.raises(OrderVetoed):
        desk.send(risk, buy("0.001", name="e"))


def test_before_a_veto_the_exchange_is_asked_again_once_a_second() -> None:
    desk, risk = Desk(held="3"), risk_of()
    vetoed(desk, risk, buy("1", name="a"))
    desk.held = "0"
    vetoed(desk, risk, buy("1", name="a"))
    assert desk.asked["balances"] == 1
    desk.hands.s += 1.1
    desk.send(risk, buy("1", name="a"))
    assert desk.asked["balances"] == 2


def test_what_happened_elsewhere_is_noticed_after_a_while() -> None:
    desk, risk = Desk(), risk_of(position_age_s=10)
    desk.send(risk, buy("1", name="a"))
    desk.held = "2"
    desk.hands.s += 11
    vetoed(desk, risk, buy("1", name="b"))


def test_a_reading_counts_an_own_open_order_once() -> None:
    desk, risk = Desk(), risk_of(position_age_s=1)
    desk.send(risk, buy("2", name="a"))
    desk.report("a", filled=Decimal(1))
    desk.held, desk.listed = "1", [desk.orders["a"]]
    desk.hands.s += 2
    desk.send(risk, buy("1", name="b"))
    vetoed(desk, risk, buy("0.001", name="c"))


def test_an_order_that_a_reading_does_not_see_is_asked_for() -> None:
    desk, risk = Desk(), risk_of(position_age_s=1)
    desk.send(risk, buy("2", name="a"))
    desk.hands.s += 2
    vetoed(desk, risk, buy("2", name="b"))
    assert desk.asked["look"] == 1


def test_a_position_that_cannot_be_read_refuses() -> None:
    for fails in ("balances", "open_orders"):
        assert "cannot be read" in vetoed(Desk(fails=fails), risk_of(), buy("1"))


def test_what_only_reduces_always_passes() -> None:
    desk = Desk(held="-9", fails="positions")
    desk.send(risk_of(), OrderRequest.market(PERP, "buy", "1", reduce_only=True, client_order_id="a"), PERP)


def test_a_quantity_in_quote_is_counted_at_the_best_price_rounded_up() -> None:
    desk, risk = Desk(ask="3"), risk_of()
    desk.send(risk, market("buy", "8.99", quantity_unit="quote"))
    assert "3.33" in vetoed(Desk(ask="3"), risk_of(), market("buy", "10", quantity_unit="quote"))
    desk.fails, desk.hands.s = "price", desk.hands.s + 10
    vetoed(desk, risk_of(unpriced="allow"), market("buy", "1", "b", quantity_unit="quote"))


@pytest.mark.parametrize("own", [True, False], ids=["our own", "placed elsewhere"])
def test_of_an_amended_order_the_larger_shape_counts(own: bool) -> None:
    desk, risk = Desk(), risk_of()
    if own:
        desk.send(risk, buy("2", name="a"))
    else:
        desk.listed = [working("a", Side.BUY, "2")]
    desk.before = desk.orders.get("a") or desk.listed[0]
    desk.change = Amendment(quantity=Decimal("3.001"), new_client_order_id="a2")
    vetoed(desk, risk, buy("3.001", name="a2"))
    desk.change = Amendment(quantity=Decimal(3), new_client_order_id="a2")
    desk.send(risk, buy("3", name="a2"))
    desk.orders["a"] = desk.before
    desk.before = desk.change = None
    vetoed(desk, risk, buy("0.001", name="b"))


def test_what_an_amended_order_has_filled_is_not_counted_twice() -> None:
    desk, risk = Desk(), risk_of()
    desk.send(risk, buy("2", name="a"))
    desk.report("a", filled=Decimal(1))
    desk.before, desk.change = desk.orders["a"], Amendment(quantity=Decimal(3))
    desk.send(risk, buy("3", name="a2"))
    desk.change = Amendment(price=Decimal(99))
    desk.send(risk, buy("1", "99", name="a3"))


def test_positions_of_two_accounts_are_two() -> None:

    desk, risk = Desk(), risk_of()

    async def run() -> None:
        for account in ("main", "hedge"):
            await risk.lotusx_before_order("acme", account, buy("3", name=account), instrument(BTC), desk)

    anyio.run(run)


def test_callers_decimal_context_lets_nothing_through() -> None:
    held = "1234567.8"
    with localcontext(prec=6):
        desk, risk = Desk(held=held, listed=[working("x", Side.BUY, "0.2")]), risk_of("1234568.1")
        desk.send(risk, buy("0.1", name="a"))
        assert "could become 1234568.11 long" in vetoed(desk, risk, buy("0.01", name="b"))
        short = Desk(held=f"-{held}")
        with pytest.raises(OrderVetoed, match="short"):
            short.send(risk_of(held), OrderRequest.limit(PERP, "sell", "0.1", "100", client_order_id="c"), PERP)
