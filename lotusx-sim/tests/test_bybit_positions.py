"""Positions of the simulated Bybit against sums done by hand: margin, profit, funding, liquidation, hedge mode."""

from decimal import Decimal
from typing import Any

import pytest
from bybit_calls import BybitCaller

from lotusx_sim import Bybit
from lotusx_sim.dialects.bybit import LimitRules
from lotusx_sim.engine.terms import Fees

ROOMY = LimitRules(spot_orders_per_second=1_000, derivative_orders_per_second=1_000)
LIN, INV = ("linear", "BTCUSDT"), ("inverse", "BTCUSD")
ZERO = Decimal(0)


def fresh(*, fees: Fees | None = None, **balances: str) -> BybitCaller:
    owned = {coin: Decimal(amount) for coin, amount in (balances or {"USDT": "10000", "BTC": "1"}).items()}
    caller = BybitCaller(
        Bybit(seed=7, actions_per_s=0, rules=ROOMY, balances={"main": owned}, perp_fees=fees or Fees(ZERO, ZERO))
    )
    for name, size in (("linear:BTCUSDT", "10"), ("inverse:BTCUSD", "1000000")):
        caller.sim.set_book(name, [("49990", size)], [("50000", size)])
        caller.sim.set_mark(name, "50000", "50000")
    return caller


@pytest.fixture
def caller() -> BybitCaller:
    return fresh()


def only(rows: list[Any]) -> Any:
    (row,) = rows
    return row


# -- one way, linear ---------------------------------------------------------------------------------------------


def test_a_linear_position_has_the_margin_and_profit_of_the_sums(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    caller.sim.set_mark("linear:BTCUSDT", "51000")
    row = only(caller.positions(*LIN))
    # 0.2 * 50000 = 10000 at entry; 0.2 * 51000 = 10200 at mark; leverage 10; maintenance 0.5 %
    assert (row["side"], row["size"], row["avgPrice"], row["positionValue"]) == ("Buy", "0.200", "50000", "10000")
    assert (row["unrealisedPnl"], row["positionIM"], row["positionMM"]) == ("200", "1020", "51")
    # 10000 + 0.2 (p - 50000) = 0.005 * 0.2 p  =>  p = 0 / 0.199: never
    assert row["liqPrice"] == ""
    coin = caller.coin("USDT")
    assert (coin["walletBalance"], coin["equity"], coin["totalPositionIM"], coin["unrealisedPnl"]) == (
        "10000", "10200", "1020", "200",
    )  # fmt: skip


def test_profit_is_realized_when_a_position_shrinks_and_fees_are_paid() -> None:
    caller = fresh(fees=Fees(Decimal("0.0002"), Decimal("0.00055")))
    caller.place(*LIN, "Buy", "0.2")  # fee 10000 * 0.00055 = 5.5
    caller.sim.set_book("linear:BTCUSDT", [("52000", "10")], [("52010", "10")])
    caller.place(*LIN, "Sell", "0.05")  # profit 0.05 * 2000 = 100, fee 2600 * 0.00055 = 1.43
    row = only(caller.positions(*LIN))
    assert (row["size"], row["curRealisedPnl"], row["avgPrice"]) == ("0.150", "100", "50000")
    assert caller.coin("USDT")["walletBalance"] == "10093.07"
    sold, bought = caller.get("execution/list", category="linear")["list"]
    assert (sold["execPnl"], sold["closedSize"], sold["execFee"]) == ("100", "0.050", "1.43")
    assert (bought["execPnl"], bought["closedSize"], bought["execFee"]) == ("0", "0", "5.5")
    log = caller.get("account/transaction-log", category="linear")["list"]
    assert [(line["type"], line["change"], line["cashBalance"]) for line in log] == [
        ("TRADE", "98.57", "10093.07"), ("TRADE", "-5.5", "9994.5"),
    ]  # fmt: skip


def test_what_was_closed_is_listed_with_its_share_of_the_fees() -> None:
    caller = fresh(fees=Fees(Decimal("0.0002"), Decimal("0.00055")))
    caller.place(*LIN, "Buy", "0.2")  # fee 5.5
    caller.sim.set_book("linear:BTCUSDT", [("52000", "10")], [("52010", "10")])
    caller.place(*LIN, "Sell", "0.05")  # fee 1.43, and a quarter of 5.5
    row = only(caller.get("position/closed-pnl", category="linear", symbol="BTCUSDT")["list"])
    assert (row["side"], row["closedSize"], row["closedPnl"]) == ("Sell", "0.050", "97.195")
    assert (row["avgEntryPrice"], row["avgExitPrice"]) == ("50000", "52000")
    assert (row["cumEntryValue"], row["cumExitValue"], row["fillCount"]) == ("2500", "2600", "1")


def test_what_was_closed_of_an_inverse_short_is_in_coins(caller: BybitCaller) -> None:
    caller.sim.set_book("inverse:BTCUSD", [("50000", "1000000")], [("50010", "1000000")])
    caller.place(*INV, "Sell", "10000")  # 0.2
    caller.sim.set_book("inverse:BTCUSD", [("39990", "1000000")], [("40000", "1000000")])
    caller.place(*INV, "Buy", "10000")  # 0.25
    row = only(caller.get("position/closed-pnl", category="inverse")["list"])
    assert (row["closedPnl"], row["cumEntryValue"], row["cumExitValue"]) == ("0.05", "0.2", "0.25")
    assert (row["avgEntryPrice"], row["avgExitPrice"]) == ("50000", "40000")


def test_a_check_tells_the_margin_an_order_would_need_and_places_nothing() -> None:
    caller = fresh(USDT="10000")
    caller.place(*LIN, "Buy", "0.2")  # 10000 at leverage 10: 1000, of 10000 a tenth
    body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "price": "50000"}
    row = caller.post("order/pre-check", **body, qty="0.4")
    assert (row["preImrE4"], row["preMmrE4"], row["postImrE4"], row["postMmrE4"]) == (1000, 50, 3000, 150)
    assert caller.command("order/pre-check", **body, qty="20")["retCode"] == 110007
    assert caller.sim.open_orders() == []
    row = caller.get("order/spot-borrow-check", category="spot", symbol="ETHUSDT", side="Sell")
    assert (row["maxTradeQty"], row["borrowCoin"]) == ("0", "ETH")
    assert caller.query("/v5/system/status")["result"] == {"list": []}


def test_funding_is_paid_by_longs_when_the_rate_is_above_zero(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    caller.sim.set_funding_rate("linear:BTCUSDT", "0.0003")
    socket = caller.private("execution", "position", "wallet")
    caller.sim.settle_funding("linear:BTCUSDT")
    # 0.2 * 50000 * 0.0003
    messages = {message["topic"]: message["data"][0] for message in socket.take()}
    paid = messages["execution"]
    assert (paid["execType"], paid["execFee"], paid["execQty"], paid["feeRate"]) == ("Funding", "3", "0.200", "0.0003")
    assert messages["wallet"]["coin"][0]["walletBalance"] == "9997"
    assert messages["position"]["curRealisedPnl"] == "-3"
    assert [r["execType"] for r in caller.get("execution/list", category="linear", execType="Funding")["list"]] == [
        "Funding"
    ]
    line = caller.get("account/transaction-log", category="linear", type="SETTLEMENT")["list"][0]
    assert (line["funding"], line["change"], line["cashBalance"]) == ("-3", "-3", "9997")


def test_funding_is_settled_every_eight_hours(caller: BybitCaller) -> None:
    caller.place(*LIN, "Sell", "0.2")
    caller.step(8 * 3600)
    caller.step(8 * 3600)
    # shorts receive 0.2 * 50000 * 0.0001 twice
    assert caller.coin("USDT")["walletBalance"] == "10002"


def test_a_cross_position_is_liquidated_below_its_maintenance_margin() -> None:
    caller = fresh(USDT="1000")
    caller.place(*LIN, "Buy", "0.1")
    # 1000 + 0.1 (p - 50000) = 0.005 * 0.1 p  =>  p = 4000 / 0.0995 = 40201.005
    assert only(caller.positions(*LIN))["liqPrice"] == "40201.01"
    public = caller.open("/v5/public/linear")
    public.subscribe("allLiquidation.BTCUSDT")
    private = caller.private("order", "execution", "position")
    caller.sim.set_mark("linear:BTCUSDT", "40202")
    assert public.take("allLiquidation.BTCUSDT") == []
    caller.sim.set_mark("linear:BTCUSDT", "40200")

    told = only(public.rows("allLiquidation.BTCUSDT"))
    assert (told["S"], told["v"], told["p"]) == ("Buy", "0.100", "40200.00")
    messages = private.take()
    order = next(m for m in messages if m["topic"] == "order")["data"][-1]
    assert (order["createType"], order["orderStatus"], order["side"]) == ("CreateByLiq", "Filled", "Sell")
    assert next(m for m in messages if m["topic"] == "execution")["data"][0]["execType"] == "BustTrade"
    assert only(caller.positions(*LIN))["size"] == "0"
    assert caller.coin("USDT")["walletBalance"] == "20"  # 1000 - 0.1 * 9800


def test_an_isolated_position_loses_its_margin_and_nothing_else(caller: BybitCaller) -> None:
    caller.post("account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")
    assert caller.get("account/info")["marginMode"] == "ISOLATED_MARGIN"
    caller.place(*LIN, "Buy", "0.1")  # margin 500
    # 500 + 0.1 (p - 50000) = 0.0005 p  =>  p = 4500 / 0.0995 = 45226.13
    row = only(caller.positions(*LIN))
    assert (row["positionIM"], row["liqPrice"]) == ("500", "45226.13")
    caller.post("position/add-margin", category="linear", symbol="BTCUSDT", margin="100")
    # 600 + 0.1 (p - 50000) = 0.0005 p  =>  p = 4400 / 0.0995 = 44221.11
    assert only(caller.positions(*LIN))["liqPrice"] == "44221.11"
    said = caller.command("position/add-margin", category="linear", symbol="BTCUSDT", margin="-200")
    assert said["retCode"] != 0
    assert caller.command("account/set-margin-mode", setMarginMode="REGULAR_MARGIN")["retCode"] == 3400045
    caller.sim.set_mark("linear:BTCUSDT", "44221")
    # 600 - 0.1 * 5779 = 22.1 of the margin is left
    assert caller.coin("USDT")["walletBalance"] == "9422.1"


# -- one way, inverse --------------------------------------------------------------------------------------------


def test_an_inverse_position_is_counted_in_dollars_and_paid_in_coins(caller: BybitCaller) -> None:
    caller.place(*INV, "Buy", "10000")
    caller.sim.set_mark("inverse:BTCUSD", "62500")
    row = only(caller.positions(*INV))
    # 10000 / 50000 = 0.2 BTC at entry, 10000 / 62500 = 0.16 at mark
    assert (row["size"], row["avgPrice"], row["positionValue"]) == ("10000", "50000", "0.2")
    assert (row["unrealisedPnl"], row["positionIM"], row["positionMM"]) == ("0.04", "0.016", "0.0008")
    caller.sim.set_book("inverse:BTCUSD", [("62500", "1000000")], [("62510", "1000000")])
    caller.place(*INV, "Sell", "10000")
    assert caller.coin("BTC")["walletBalance"] == "1.04"


def test_inverse_fees_and_funding_are_in_the_coin() -> None:
    caller = fresh(fees=Fees(Decimal("0.0002"), Decimal("0.00055")))
    caller.place(*INV, "Sell", "10000")  # at 49990: value 0.20004001, fee * 0.00055
    fill = only(caller.get("execution/list", category="inverse")["list"])
    assert (fill["execValue"], fill["execFee"], fill["feeCurrency"]) == ("0.20004001", "0.00011002", "BTC")
    caller.sim.set_funding_rate("inverse:BTCUSD", "0.001")
    caller.sim.settle_funding("inverse:BTCUSD")
    # 1 - 0.00011002 + 10000 / 50000 * 0.001
    assert caller.coin("BTC")["walletBalance"] == "1.00008998"


def test_an_inverse_long_is_liquidated_when_its_coins_are_gone() -> None:
    caller = fresh(BTC="0.05")
    caller.place(*INV, "Buy", "10000")
    # 0.05 + 0.2 - 10000 / p = 0.005 * 10000 / p  =>  p = 10050 / 0.25 = 40200
    assert only(caller.positions(*INV))["liqPrice"] == "40200.00"
    caller.sim.set_mark("inverse:BTCUSD", "40201")
    assert only(caller.positions(*INV))["size"] == "10000"
    caller.sim.set_mark("inverse:BTCUSD", "40000")
    assert only(caller.positions(*INV))["size"] == "0"
    assert caller.coin("BTC")["walletBalance"] == "0"  # 0.05 + 0.2 - 0.25


# -- leverage ----------------------------------------------------------------------------------------------------


def test_leverage_changes_the_margin_and_says_when_it_does_not_change(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    body = {"category": "linear", "symbol": "BTCUSDT"}
    caller.post("position/set-leverage", **body, buyLeverage="5", sellLeverage="5")
    row = only(caller.positions(*LIN))
    assert (row["leverage"], row["positionIM"]) == ("5", "2000")
    for buy, sell, code in (("5", "5", 110043), ("101", "101", 110013), ("4", "3", 10001), ("0", "0", 10001)):
        assert caller.command("position/set-leverage", **body, buyLeverage=buy, sellLeverage=sell)["retCode"] == code
    assert only(caller.positions(*LIN))["leverage"] == "5"
    assert caller.command("position/switch-isolated", **body, tradeMode=1)["retCode"] == 100028


def test_reduce_only_orders_shrink_and_go_with_the_position(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    waits = caller.place(*LIN, "Sell", "0.2", "51000", reduceOnly=True)
    caller.place(*LIN, "Sell", "0.5", reduceOnly=True)
    row = caller.order("linear", waits)
    assert (row["orderStatus"], row["cancelType"]) == ("Cancelled", "CancelByReduceOnly")
    assert only(caller.positions(*LIN))["size"] == "0"


def test_quantity_zero_closes_the_whole_position(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    caller.place(*LIN, "Sell", "0", reduceOnly=True, closeOnTrigger=True)
    assert only(caller.positions(*LIN))["size"] == "0"


# -- hedge mode --------------------------------------------------------------------------------------------------


def hedged(caller: BybitCaller) -> None:
    caller.post("position/switch-mode", category="linear", symbol="BTCUSDT", mode=3)


def test_in_hedge_mode_long_and_short_stand_beside_each_other(caller: BybitCaller) -> None:
    hedged(caller)
    caller.place(*LIN, "Buy", "0.2", positionIdx=1)
    caller.place(*LIN, "Sell", "0.1", positionIdx=2)
    rows = caller.positions(*LIN)
    assert [(row["positionIdx"], row["side"], row["size"]) for row in rows] == [
        (1, "Buy", "0.200"), (2, "Sell", "0.100"),
    ]  # fmt: skip
    socket = caller.private("position")
    caller.place(*LIN, "Buy", "0.04", positionIdx=2, reduceOnly=True)  # 0.04 * (49990 - 50000)
    (told,) = socket.rows("position")
    assert (told["positionIdx"], told["size"], told["curRealisedPnl"]) == (2, "0.060", "-0.4")
    assert caller.refused(*LIN, "Buy", "0.1") == 10001
    assert caller.refused(*LIN, "Buy", "0.1", positionIdx=1, reduceOnly=True) == 110017
    assert len(caller.get("position/list", category="linear", settleCoin="USDT")["list"]) == 2


def test_each_leg_of_hedge_mode_pays_funding_of_its_own(caller: BybitCaller) -> None:
    hedged(caller)
    caller.place(*LIN, "Buy", "0.2", positionIdx=1)
    caller.place(*LIN, "Sell", "0.1", positionIdx=2)
    socket = caller.private("execution")
    caller.sim.settle_funding("linear:BTCUSDT")
    rows = socket.rows("execution")
    assert [(row["side"], row["execQty"], row["execFee"]) for row in rows] == [
        ("Buy", "0.200", "1"), ("Sell", "0.100", "-0.5"),
    ]  # fmt: skip


def test_the_position_mode_changes_only_when_nothing_is_open(caller: BybitCaller) -> None:
    body = {"category": "linear", "symbol": "BTCUSDT"}
    assert caller.command("position/switch-mode", **body, mode=0)["retCode"] == 110025
    order_id = caller.place(*LIN, "Buy", "0.01", "49000")
    assert caller.command("position/switch-mode", **body, mode=3)["retCode"] == 110028
    caller.post("order/cancel", **body, orderId=order_id)
    caller.place(*LIN, "Buy", "0.01")
    assert caller.command("position/switch-mode", **body, mode=3)["retCode"] == 110024
    assert caller.command("position/switch-mode", category="linear", symbol="BTCPERP", mode=3)["retCode"] == 110029
    assert caller.command("position/switch-mode", category="inverse", symbol="BTCUSD", mode=3)["retCode"] == 10001
    assert caller.command("position/switch-mode", category="linear", coin="USDT", mode=3)["retCode"] == 110024
    caller.place(*LIN, "Sell", "0.01")
    caller.post("position/switch-mode", category="linear", coin="USDT", mode=3)
    assert len(caller.positions("linear", "ETHUSDT")) == 2


def test_isolated_legs_have_leverage_of_their_own(caller: BybitCaller) -> None:
    caller.post("account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")
    hedged(caller)
    caller.post("position/set-leverage", category="linear", symbol="BTCUSDT", buyLeverage="20", sellLeverage="4")
    assert [row["leverage"] for row in caller.positions(*LIN)] == ["20", "4"]


# -- take-profit and stop-loss -----------------------------------------------------------------------------------


def test_a_position_can_have_a_take_profit_and_a_stop_loss_that_go_with_it(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    body = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}
    caller.post("position/trading-stop", **body, takeProfit="55000", stopLoss="45000")
    row = only(caller.positions(*LIN))
    assert (row["takeProfit"], row["stopLoss"]) == ("55000.00", "45000.00")
    assert caller.command("position/trading-stop", **body, takeProfit="55000")["retCode"] == 34040
    assert caller.command("position/trading-stop", **body, stopLoss="56000")["retCode"] == 110093
    kinds = {r["stopOrderType"] for r in caller.get("order/realtime", category="linear", symbol="BTCUSDT")["list"]}
    assert kinds == {"TakeProfit", "StopLoss"}

    caller.sim.set_book("linear:BTCUSDT", [("54999", "0.1"), ("54900", "10")], [("55000", "0.1"), ("55100", "1")])
    caller.sim.trade("linear:BTCUSDT", "buy", "0.1")
    assert only(caller.positions(*LIN))["size"] == "0"
    statuses = {r["stopOrderType"]: r["orderStatus"] for r in caller.get("order/history", category="linear")["list"]}
    assert (statuses["TakeProfit"], statuses["StopLoss"]) == ("Filled", "Deactivated")


def test_zero_clears_a_stop(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    body = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}
    caller.post("position/trading-stop", **body, stopLoss="45000")
    caller.post("position/trading-stop", **body, stopLoss="0")
    assert only(caller.positions(*LIN))["stopLoss"] == ""
    assert caller.sim.open_orders() == []


@pytest.mark.parametrize(
    ("side", "book", "prices", "left"),
    [
        ("Buy", "50000", ("50900", "50801"), "0.200"),
        ("Buy", "50000", ("50900", "50800"), "0"),  # 100 below the best price
        ("Sell", "50000", ("49000", "49099"), "0.200"),
        ("Sell", "50000", ("49000", "49100"), "0"),
    ],
)
def test_a_trailing_stop_follows_the_best_price(
    caller: BybitCaller, side: str, book: str, prices: tuple[str, ...], left: str
) -> None:
    caller.sim.trade("linear:BTCUSDT", "buy", "0.001", book)
    caller.place(*LIN, side, "0.2")
    body = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}
    caller.post("position/trading-stop", **body, trailingStop="100")
    assert only(caller.positions(*LIN))["trailingStop"] == "100.00"
    assert caller.command("position/trading-stop", **body, trailingStop="100")["retCode"] == 34040
    for price in prices:
        caller.sim.exchange.set_last_price("linear:BTCUSDT", Decimal(price), caller.sim.now_ns())
    assert only(caller.positions(*LIN))["size"] == left


def test_a_trailing_stop_can_wait_for_a_price_and_be_cleared(caller: BybitCaller) -> None:
    caller.sim.trade("linear:BTCUSDT", "buy", "0.001")
    caller.place(*LIN, "Buy", "0.2")
    body = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0, "trailingStop": "100"}
    assert caller.command("position/trading-stop", **body, activePrice="49000")["retCode"] == 110092
    caller.post("position/trading-stop", **body, activePrice="51000")
    (row,) = caller.get("order/realtime", category="linear", symbol="BTCUSDT")["list"]
    assert (row["stopOrderType"], row["triggerPrice"]) == ("TrailingStop", "51000.00")
    for price in ("50500", "50300"):  # it does not follow yet
        caller.sim.exchange.set_last_price("linear:BTCUSDT", Decimal(price), caller.sim.now_ns())
    assert only(caller.positions(*LIN))["size"] == "0.200"
    caller.post("position/trading-stop", **(body | {"trailingStop": "0"}))
    assert only(caller.positions(*LIN))["trailingStop"] == "0"
    assert caller.sim.open_orders() == []


def test_an_order_hands_its_stops_to_the_position_it_opens(caller: BybitCaller) -> None:
    caller.sim.trade("linear:BTCUSDT", "buy", "0.001")
    caller.place(*LIN, "Sell", "0.2", takeProfit="45000", stopLoss="55000", slTriggerBy="MarkPrice")
    row = only(caller.positions(*LIN))
    assert (row["takeProfit"], row["stopLoss"]) == ("45000.00", "55000.00")
    caller.sim.set_mark("linear:BTCUSDT", "55001")
    assert only(caller.positions(*LIN))["size"] == "0"


def test_money_neither_appears_nor_vanishes(caller: BybitCaller) -> None:
    def total(coin: str) -> Decimal:
        return caller.sim.exchange.accounts.total(coin)

    before = {coin: total(coin) for coin in ("USDT", "BTC")}
    hedged(caller)
    caller.place(*LIN, "Buy", "0.2", positionIdx=1)
    caller.place(*LIN, "Sell", "0.1", positionIdx=2)
    caller.place(*INV, "Buy", "20000")
    caller.place("spot", "BTCUSDT", "Buy", "100")
    for name in ("linear:BTCUSDT", "inverse:BTCUSD"):
        caller.sim.settle_funding(name)
        caller.sim.set_mark(name, "12000")
    assert {coin: total(coin) for coin in before} == before
