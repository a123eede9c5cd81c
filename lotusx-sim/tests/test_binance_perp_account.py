"""Positions, margin, funding, settings and user data of simulated USDⓈ-M futures, against hand-made sums."""

from typing import Any

import pytest
from um_calls import BTC, UmCaller, kinds

BOOK: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([("49999", "10")], [("50000", "10")])


@pytest.fixture
def um() -> UmCaller:
    """Return a market at 50 000, with a mark price that stands there."""
    caller = UmCaller()
    caller.sim.set_book(BTC, *BOOK)
    caller.sim.set_mark(BTC, "50000")
    return caller


def of_kind(events: list[Any], kind: str) -> list[Any]:
    return [event for event in events if event["e"] == kind]


# -- positions and margin ----------------------------------------------------------------------------------------------


def test_a_position_has_margin_profit_and_fee_of_hand_made_sums(um: UmCaller) -> None:
    um.market(quantity="1")
    um.sim.set_mark(BTC, "51000")

    row = um.position()
    (usdt, _) = um.ask("GET", "v3/balance")

    assert (row["positionAmt"], row["entryPrice"]) == ("1.000", "50000.00000")
    assert row["unRealizedProfit"] == "1000.00000000"  # 1 BTC, 1000 up
    assert row["positionInitialMargin"] == "2550.00000000"  # 51 000 / 20
    assert row["maintMargin"] == "204.00000000"  # 0.4 % of 51 000
    assert usdt["balance"] == "99980.00000000"  # 100 000 less 0.04 % of 50 000
    assert usdt["crossUnPnl"] == "1000.00000000"
    assert not {"leverage", "marginType"} & set(row)


def test_closing_realizes_and_the_ledger_says_so(um: UmCaller) -> None:
    um.market(quantity="1")
    um.sim.set_book(BTC, [("51000", "5")], [("51001", "5")])
    um.market("SELL", quantity="1", reduceOnly="true")

    income = {(row["incomeType"], row["income"]) for row in um.ask("GET", "v1/income", symbol=BTC)}
    (pnl,) = um.ask("GET", "v1/income", incomeType="REALIZED_PNL")

    assert um.ask("GET", "v3/positionRisk", symbol=BTC) == []
    assert income == {
        ("COMMISSION", "-20.00000000"), ("REALIZED_PNL", "1000.00000000"), ("COMMISSION", "-20.40000000"),
    }  # fmt: skip
    assert (pnl["income"], pnl["asset"]) == ("1000.00000000", "USDT")


def test_funding_is_paid_by_longs_and_told(um: UmCaller) -> None:
    um.market(quantity="1")
    socket = um.private()
    um.sim.set_funding_rate(BTC, "0.0002")

    um.sim.settle_funding(BTC)

    (event,) = of_kind(socket.take(), "ACCOUNT_UPDATE")
    (row,) = um.ask("GET", "v1/income", incomeType="FUNDING_FEE")
    assert row["income"] == "-10.00000000"  # 0.02 % of 50 000
    assert (event["a"]["m"], event["a"]["S"], event["a"]["P"]) == ("FUNDING_FEE", BTC, [])
    assert [(row["wb"], row["bc"]) for row in event["a"]["B"]] == [("99970.00000000", "-10")]


def test_funding_of_an_isolated_position_names_the_position(um: UmCaller) -> None:
    um.ask("POST", "v1/marginType", symbol=BTC, marginType="ISOLATED")
    um.market(quantity="1")
    socket = um.private()
    um.sim.set_funding_rate(BTC, "0.0002")

    um.sim.settle_funding(BTC)

    (event,) = of_kind(socket.take(), "ACCOUNT_UPDATE")
    assert [(row["mt"], row["iw"]) for row in event["a"]["P"]] == [("isolated", "2490.00000000")]  # 2500 less 10


def test_funding_comes_every_eight_hours(um: UmCaller) -> None:
    um.market(quantity="1")

    um.step(8 * 3_600)

    assert [row["income"] for row in um.ask("GET", "v1/income", incomeType="FUNDING_FEE")] == ["-5.00000000"]


def test_liquidation_warns_closes_and_tells_everybody(um: UmCaller) -> None:
    um.ask("POST", "v1/leverage", symbol=BTC, leverage=100)
    um.market(quantity="10")
    socket, public = um.private(), um.open("/market/stream?streams=btcusdt@forceOrder/!forceOrder@arr")

    um.sim.set_mark(BTC, "40200")  # 99 800 less 98 000 leaves 1800, hardly more than 0.4 % of 402 000
    warning = socket.take()
    um.sim.set_mark(BTC, "40000")

    (call,) = of_kind(warning, "MARGIN_CALL")
    assert call["p"][0]["mm"] == "1608"
    fills = [event["o"] for event in of_kind(socket.take(), "ORDER_TRADE_UPDATE")]
    assert [(fill["x"], fill["X"], fill["S"], fill["o"], fill["f"]) for fill in fills] == [
        ("CALCULATED", "FILLED", "SELL", "LIMIT", "IOC")
    ]
    assert fills[0]["c"].startswith("autoclose-")
    assert {(m["stream"], m["data"]["o"]["S"], m["data"]["o"]["q"]) for m in public.take()} == {
        ("btcusdt@forceOrder", "SELL", "10.000"), ("!forceOrder@arr", "SELL", "10.000"),
    }  # fmt: skip
    (forced,) = um.ask("GET", "v1/forceOrders", symbol=BTC)
    assert forced["clientOrderId"] == fills[0]["c"]
    assert um.ask("GET", "v1/forceOrders", autoCloseType="ADL") == []
    assert [row["income"] for row in um.ask("GET", "v1/income", incomeType="INSURANCE_CLEAR")] == ["200.00000000"]


# -- settings ----------------------------------------------------------------------------------------------------------


def test_leverage_is_set_told_and_shown(um: UmCaller) -> None:
    socket = um.private()

    reply = um.ask("POST", "v1/leverage", symbol=BTC, leverage=5)

    assert reply == {"leverage": 5, "maxNotionalValue": "100000000", "symbol": BTC}
    (event,) = socket.take()
    assert (event["e"], event["ac"]) == ("ACCOUNT_CONFIG_UPDATE", {"s": BTC, "l": 5})
    assert um.ask("GET", "v1/symbolConfig", symbol=BTC)[0]["leverage"] == 5
    assert um.ask("GET", "v1/leverageBracket", symbol=BTC)["brackets"][0]["initialLeverage"] == 125
    assert isinstance(um.ask("GET", "v1/leverageBracket"), list)
    for wrong in (0, 126):
        assert um.ask("POST", "v1/leverage", symbol=BTC, leverage=wrong)["code"] == -4028


def test_margin_type_changes_only_without_orders_and_positions(um: UmCaller) -> None:
    ask = {"symbol": BTC, "marginType": "ISOLATED"}
    assert um.ask("POST", "v1/marginType", symbol=BTC, marginType="CROSSED")["code"] == -4046
    assert um.ask("POST", "v1/marginType", symbol=BTC, marginType="OTHER")["code"] == -4055
    um.limit(price="49000", newClientOrderId="a")
    assert um.ask("POST", "v1/marginType", **ask)["code"] == -4047
    um.sim.fill("a")
    assert um.ask("POST", "v1/marginType", **ask)["code"] == -4048
    um.market("SELL", reduceOnly="true")

    assert um.ask("POST", "v1/marginType", **ask) == {"code": 200, "msg": "success"}
    assert um.ask("GET", "v1/symbolConfig", symbol=BTC)[0]["marginType"] == "ISOLATED"


def test_isolated_margin_is_added_and_taken_out(um: UmCaller) -> None:
    change = {"symbol": BTC, "amount": "100", "type": "1"}
    assert um.ask("POST", "v1/positionMargin", **change)["code"] == -4046
    um.ask("POST", "v1/marginType", symbol=BTC, marginType="ISOLATED")
    assert um.ask("POST", "v1/positionMargin", **change)["code"] == -4054
    um.market(quantity="1")
    socket = um.private()

    reply = um.ask("POST", "v1/positionMargin", **change)

    assert (reply["amount"], reply["type"], reply["code"]) == (100, 1, 200)
    assert um.position()["isolatedWallet"] == "2600.00000000"
    (event,) = socket.take()
    assert event["a"]["m"] == "MARGIN_TRANSFER"
    assert um.ask("POST", "v1/positionMargin", symbol=BTC, amount="101", type="2")["code"] == -4051
    assert um.ask("POST", "v1/positionMargin", symbol=BTC, amount="1000000", type="1")["code"] == -4050
    assert um.ask("POST", "v1/positionMargin", symbol=BTC, amount="1", type="3")["code"] == -4055


def test_hedge_mode_has_a_position_on_each_side(um: UmCaller) -> None:
    assert um.ask("POST", "v1/positionSide/dual", dualSidePosition="false")["code"] == -4059
    um.ask("POST", "v1/positionSide/dual", dualSidePosition="true")
    assert um.ask("GET", "v1/positionSide/dual") == {"dualSidePosition": True}

    assert um.market()["code"] == -4061
    um.market("BUY", "0.5", positionSide="LONG")
    um.market("SELL", "0.3", positionSide="SHORT")
    rows = um.ask("GET", "v3/positionRisk", symbol=BTC)

    assert [(row["positionSide"], row["positionAmt"]) for row in rows] == [("LONG", "0.500"), ("SHORT", "-0.300")]
    assert um.market("BUY", "0.1", positionSide="SHORT", reduceOnly="true")["code"] == -1106
    assert um.market("BUY", "0.1", positionSide="SHORT")["status"] == "FILLED"
    assert [row["positionAmt"] for row in um.ask("GET", "v3/positionRisk", symbol=BTC)] == ["0.500", "-0.200"]
    assert um.ask("POST", "v1/positionSide/dual", dualSidePosition="false")["code"] == -4068


def test_position_mode_does_not_change_with_open_orders(um: UmCaller) -> None:
    um.limit(price="49000")

    assert um.ask("POST", "v1/positionSide/dual", dualSidePosition="true")["code"] == -4067


def test_the_multi_assets_mode_is_refused_not_pretended(um: UmCaller) -> None:
    assert um.ask("GET", "v1/multiAssetsMargin") == {"multiAssetsMargin": False}
    assert um.ask("POST", "v1/multiAssetsMargin", multiAssetsMargin="false")["code"] == -4171
    assert um.ask("POST", "v1/multiAssetsMargin", multiAssetsMargin="true")["code"] == -1020


def test_versions_two_list_every_contract_with_its_settings(um: UmCaller) -> None:
    rows = um.ask("GET", "v2/positionRisk")
    account = um.ask("GET", "v2/account")

    assert len(rows) == len(account["positions"]) == len(um.get("v1/exchangeInfo")["symbols"])
    assert (rows[0]["leverage"], rows[0]["marginType"], account["positions"][0]["leverage"]) == ("20", "cross", "20")
    assert um.ask("GET", "v1/accountConfig")["dualSidePosition"] is False
    assert um.ask("GET", "v1/commissionRate", symbol=BTC)["takerCommissionRate"] == "0.0004"


def test_permissions_are_those_of_the_key(um: UmCaller) -> None:
    row = um.signed("GET", "/sapi/v1/account/apiRestrictions")

    assert (row["enableFutures"], row["enableSpotAndMarginTrading"]) == (True, False)


# -- user data ---------------------------------------------------------------------------------------------------------


def test_a_fill_is_told_fast_then_in_full_then_as_balance_and_position(um: UmCaller) -> None:
    socket = um.private()
    um.market(quantity="1", newClientOrderId="f")

    events = socket.take()
    full = events[2]["o"]
    account = events[3]["a"]

    assert [event["e"] for event in events] == [
        "ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE",
    ]  # fmt: skip
    assert (full["x"], full["X"], full["ap"], full["n"], full["N"]) == (
        "TRADE", "FILLED", "50000.000", "20.00000000", "USDT",
    )  # fmt: skip
    assert full["t"] == events[1]["t"] > 0
    assert account["B"] == [{"a": "USDT", "wb": "99980.00000000", "cw": "99980.00000000", "bc": "0"}]
    assert [(row["s"], row["pa"], row["ep"], row["mt"]) for row in account["P"]] == [
        (BTC, "1.000", "50000.00000", "cross")
    ]


def test_an_order_without_a_fill_has_no_fee_and_changes_no_balance(um: UmCaller) -> None:
    socket = um.private()
    um.limit(price="49000", newClientOrderId="a")
    um.ask("PUT", "v1/order", symbol=BTC, origClientOrderId="a", side="BUY", quantity="0.01", price="48900")
    um.ask("DELETE", "v1/order", symbol=BTC, origClientOrderId="a")

    events = socket.take()

    assert [(event["e"], event["o"]["x"]) for event in events] == [
        ("ORDER_TRADE_UPDATE", "NEW"), ("ORDER_TRADE_UPDATE", "AMENDMENT"), ("ORDER_TRADE_UPDATE", "CANCELED"),
    ]  # fmt: skip
    assert all("n" not in event["o"] and event["o"]["c"] == "a" for event in events)


def test_a_deposit_is_told_with_what_it_changed(um: UmCaller) -> None:
    socket = um.private()
    um.sim.deposit("USDT", "250")

    (event,) = socket.take()

    assert (event["a"]["m"], event["a"]["B"][0]["bc"]) == ("DEPOSIT", "250")
    assert [row["incomeType"] for row in um.ask("GET", "v1/income")] == ["TRANSFER"]


def test_an_unfilled_order_says_why_it_ended(um: UmCaller) -> None:
    socket = um.private()
    um.limit(timeInForce="IOC", price="49000")

    assert [(e["o"]["x"], e["o"]["er"]) for e in socket.take()] == [("NEW", "0"), ("EXPIRED", "2")]


def test_the_listen_key_is_one_and_lives_sixty_minutes_from_its_renewal(um: UmCaller) -> None:
    first = um.keyed("POST", "v1/listenKey")["listenKey"]
    assert um.keyed("POST", "v1/listenKey")["listenKey"] == first
    um.step(59 * 60)
    assert um.keyed("PUT", "v1/listenKey") == {"listenKey": first}
    um.step(59 * 60)
    socket = um.open(f"/private/ws/{first}")
    um.step(61)

    (event,) = socket.take()

    assert (event["e"], event["listenKey"]) == ("listenKeyExpired", first)
    assert um.keyed("PUT", "v1/listenKey")["code"] == -1125
    assert um.keyed("POST", "v1/listenKey")["listenKey"] != first


def test_after_its_key_expired_a_socket_stays_open_and_silent(um: UmCaller) -> None:
    socket = um.private()
    um.venue_expires()

    um.limit(price="49000")

    assert kinds(socket) == ["listenKeyExpired"]
    assert socket.ended is None


def test_a_deleted_key_is_silent_for_everybody(um: UmCaller) -> None:
    socket = um.private()
    assert um.keyed("DELETE", "v1/listenKey") == {}

    um.limit(price="49000")

    assert socket.take() == []
    assert um.keyed("DELETE", "v1/listenKey")["code"] == -1125


def test_the_filter_of_events_is_taken_at_its_word(um: UmCaller) -> None:
    socket = um.private("&events=ACCOUNT_UPDATE")
    um.market()
    um.venue_expires()

    assert kinds(socket) == ["ACCOUNT_UPDATE"]


def test_a_wrong_key_is_accepted_and_hears_nothing(um: UmCaller) -> None:
    wrong = um.open("/private/ws?listenKey=wrong")
    key = um.keyed("POST", "v1/listenKey")["listenKey"]
    wrapped = um.open(f"/private/stream?listenKey={key}")

    um.limit(price="49000")

    assert wrong.take() == []
    (message,) = wrapped.take()
    assert (message["stream"], message["data"]["e"]) == (key, "ORDER_TRADE_UPDATE")


def test_orders_are_hidden_from_queries_while_they_are_told_to_be(um: UmCaller) -> None:
    um.sim.venue.set_visibility_delay(1_000_000_000)
    um.limit(price="49000", newClientOrderId="late")

    assert um.ask("GET", "v1/order", symbol=BTC, origClientOrderId="late")["code"] == -2013
    um.step(1)
    assert um.ask("GET", "v1/order", symbol=BTC, origClientOrderId="late")["status"] == "NEW"


def test_no_money_appears_or_vanishes(um: UmCaller) -> None:
    accounts = um.sim.exchange.accounts
    before = accounts.total("USDT")
    um.market(quantity="1")
    um.sim.settle_funding(BTC)
    um.market("SELL", quantity="1", reduceOnly="true")

    assert accounts.total("USDT") == before


def test_what_is_held_says_when_it_changed_last(um: UmCaller) -> None:
    at_ms = um.sim.now_ns() // 1_000_000
    um.market(quantity="1")
    um.sim.set_mark(BTC, "51000")
    um.limit()

    (usdt, usdc) = um.ask("GET", "v3/balance")

    assert at_ms <= um.position()["updateTime"] == usdt["updateTime"] <= um.sim.now_ns() // 1_000_000
    assert usdc["updateTime"] == 0
