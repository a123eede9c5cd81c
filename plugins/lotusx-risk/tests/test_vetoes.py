"""Each rule vetoes what is beyond it, exactly there, and what it cannot judge."""

from __future__ import annotations

from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from risk_desk import BTC, INVERSE, PERP, Desk, buy, market, sell

from lotusx.errors import OrderVetoed, RefusedBeforeSending
from lotusx.model import OrderRequest, Symbol
from lotusx_risk import Risk
from lotusx_risk.worth import Prices, collar


def vetoed(
    risk: Risk, request: OrderRequest, desk: Desk | None = None, symbol: Symbol = BTC, **more: str
) -> OrderVetoed:
    with pytest.raises(OrderVetoed) as caught:
        (desk or Desk()).send(risk, request, symbol, **more)
    return caught.value


def test_an_order_is_worth_its_quantity_at_its_price_and_no_more_than_the_limit() -> None:
    risk = Risk(max_notional="1000")
    Desk().send(risk, buy("10", "100"))
    veto = vetoed(risk, buy("10", "100.01"))
    assert (veto.rule, risk.vetoes) == ("max_notional", {"max_notional": 1})
    assert "1000.1 USDT" in str(veto)
    assert isinstance(veto, RefusedBeforeSending)


def test_a_sellers_limit_is_not_what_he_gets() -> None:
    assert vetoed(Risk(max_notional="1000"), sell("11", "1")).rule == "max_notional"


def test_a_market_order_is_worth_the_best_opposite_price_and_its_slippage() -> None:
    risk = Risk(max_notional="1010")
    Desk().send(risk, market("buy", "10"))
    vetoed(risk, market("buy", "10", max_slippage="0.01"))
    Desk().send(risk, market("sell", "10.1"))
    vetoed(risk, market("sell", "10.101"))


def test_a_quantity_in_quote_is_its_own_worth() -> None:
    risk = Risk(max_notional="1000")
    desk = Desk(fails="price")
    desk.send(risk, market("buy", "1000", quantity_unit="quote"))
    vetoed(risk, market("buy", "1000.5", quantity_unit="quote"), desk)


def test_contracts_are_worth_what_they_stand_for() -> None:
    risk = Risk(max_notional="1000")
    linear = OrderRequest.limit(PERP, "buy", "2", "100", quantity_unit="contracts", client_order_id="a")
    vetoed(risk, linear, symbol=PERP, contract_size="10")
    Desk().send(risk, linear, PERP, contract_size="5")
    inverse = OrderRequest.market(INVERSE, "buy", "10", quantity_unit="contracts", client_order_id="a")
    Desk(fails="price").send(risk, inverse, INVERSE, contract_size="100")
    vetoed(risk, inverse, symbol=INVERSE, contract_size="101")


def test_without_a_price_an_order_is_refused_unless_that_was_allowed() -> None:
    for desk in (Desk(fails="price"), Desk(ask="0")):
        assert "no price" in str(vetoed(Risk(max_notional="1000"), market("buy", "1"), desk))
        desk.send(Risk(max_notional="1000", unpriced="allow"), market("buy", "1"))
    vetoed(Risk(price_collar="0.1"), buy("1"), Desk(fails="price"))


def test_a_price_is_asked_for_again_when_it_is_too_old() -> None:
    risk, desk = Risk(max_notional="1000", price_age_s=2), Desk()
    desk.send(risk, market("buy", "1", "a"))
    desk.hands.s += 2
    desk.send(risk, market("buy", "1", "b"))
    assert desk.asked["price"] == 1
    desk.hands.s += 0.1
    desk.send(risk, market("buy", "1", "c"))
    assert desk.asked["price"] == 2


def test_a_conditional_order_is_judged_by_its_trigger() -> None:
    risk = Risk(max_notional="1000", price_collar="0.1")
    stop = {"type": "stop_loss_limit", "symbol": BTC, "side": "buy", "client_order_id": "a"}
    desk = Desk(fails="price")
    desk.send(risk, OrderRequest(**stop, quantity="4", price="220", trigger_price="200"))
    assert (
        vetoed(risk, OrderRequest(**stop, quantity="4", price="221", trigger_price="200"), desk).rule == "price_collar"
    )
    market_stop = {**stop, "type": "stop_loss"}
    assert vetoed(risk, OrderRequest(**market_stop, quantity="6", trigger_price="200"), desk).rule == "max_notional"


@pytest.mark.parametrize(
    ("inside", "outside"), [(buy("1", "111.1"), buy("1", "111.11")), (sell("1", "90"), sell("1", "89.99"))]
)
def test_a_limit_may_go_so_far_through_the_market(inside: OrderRequest, outside: OrderRequest) -> None:
    risk = Risk(price_collar="0.1")
    Desk().send(risk, inside)
    assert vetoed(risk, outside).rule == "price_collar"


def test_a_limit_that_rests_far_away_is_free() -> None:
    Desk().send(Risk(price_collar="0.1"), buy("1", "1"))
    Desk().send(Risk(price_collar="0.1"), sell("1", "10000"))


def test_slippage_is_collared_too() -> None:
    risk = Risk(price_collar="0.01")
    Desk().send(risk, market("buy", "1", max_slippage="0.01"))
    assert vetoed(risk, market("buy", "1", max_slippage="0.011")).rule == "price_collar"


def test_only_what_is_on_the_list_may_be_traded() -> None:
    veto = vetoed(Risk(allow=["ETH/USDT"]), buy("1"))
    assert (veto.rule, "ETH/USDT" in str(veto)) == ("allow", True)
    Desk().send(Risk(allow=["BTC/USDT"]), buy("1"))


def test_so_many_orders_in_so_long_and_the_error_says_how_long_to_wait() -> None:
    risk, desk = Risk(max_orders=2, per_s=1), Desk()
    desk.send(risk, buy("1", name="a"))
    desk.hands.s += 0.5
    desk.send(risk, buy("1", name="b"))
    veto = vetoed(risk, buy("1", name="c"), desk)
    assert (veto.rule, veto.retryable, veto.after_s) == ("max_orders", True, 0.5)
    desk.hands.s += 0.5
    desk.send(risk, buy("1", name="c"))
    vetoed(risk, buy("1", name="d"), desk)


def test_an_order_that_is_only_tested_counts_for_nothing() -> None:
    risk, desk = Risk(max_orders=1, symbols={"BTC/USDT": {"max_position": 1}}), Desk(dry_run=True)
    desk.send(risk, buy("1"))
    desk.send(risk, buy("1"))
    desk.dry_run = False
    desk.send(risk, buy("1"))


def test_a_call_a_variable_a_file_or_a_setting_halts_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "halt"
    risk, desk = Risk(kill_file=str(file)), Desk()
    desk.send(risk, buy("1", name="a"))
    file.touch()
    assert "halt exists" in str(vetoed(risk, buy("1"), desk))
    file.unlink()
    risk.halt("too many losses")
    assert "too many losses" in str(vetoed(risk, buy("1"), desk))
    risk.resume()
    monkeypatch.setenv("LOTUSX_RISK_HALTED", "1")
    assert vetoed(risk, buy("1"), desk).rule == "halted"
    monkeypatch.setenv("LOTUSX_RISK_HALTED", "0")
    desk.send(risk, buy("1", name="b"))
    vetoed(Risk(halted=True), buy("1"), desk)
    assert risk.vetoes == {"halted": 3}


def test_a_kill_file_that_cannot_be_looked_for_halts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be looked for" in str(vetoed(Risk(kill_file=str(tmp_path / "file" / "halt")), buy("1")))


def test_the_numbers_of_a_veto_are_exact() -> None:
    veto = vetoed(Risk(max_notional="0.03"), buy("0.1", "0.300000000000000001"))
    assert "0.0300000000000000001 USDT" in str(veto)
    assert Decimal("0.1") * Decimal("0.300000000000000001") > Decimal("0.03")


def test_furthest_price_is_exact_in_any_context() -> None:
    prices = Prices(Decimal("12345.67"), Decimal("12345.67"))

    with localcontext(prec=4):
        bounds = [collar(order("1", "1"), prices, Decimal("0.0001")) for order in (buy, sell)]

    assert bounds == [Decimal("12346.904567"), Decimal("12344.435433")]
