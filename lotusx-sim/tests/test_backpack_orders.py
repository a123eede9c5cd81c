"""Backpack's orders: what is taken, what is refused in which words, and what becomes of them."""

from decimal import Decimal
from typing import Any

import pytest
from backpack_calls import PERP, SOL, BackpackCaller, written

from lotusx_sim import Backpack


@pytest.fixture
def caller() -> BackpackCaller:
    """A market of which one level a side is known."""
    made = BackpackCaller()
    for symbol in (SOL, PERP):
        made.sim.set_book(symbol, [("150", "10"), ("149", "10")], [("151", "10"), ("152", "10")])
    return made


def test_a_limit_order_rests_as_it_was_written(caller: BackpackCaller) -> None:
    placed = caller.place(SOL, "Bid", "1.5", "149.5", clientId=4_294_967_295, postOnly=True)
    assert (placed["status"], placed["quantity"], placed["price"]) == ("New", "1.5", "149.5")
    assert (placed["clientId"], placed["postOnly"], placed["timeInForce"]) == (4_294_967_295, True, "GTC")
    assert caller.sim.open_order_ids() == ["4294967295"]
    for ids in ({"orderId": placed["id"]}, {"clientId": placed["clientId"]}):
        assert caller.get("/api/v1/order", symbol=SOL, **ids) == placed
    assert caller.get("/api/v1/orders") == [placed]


def test_a_market_order_answers_with_what_it_did(caller: BackpackCaller) -> None:
    placed = caller.place(SOL, "Bid", "15")
    assert (placed["status"], placed["executedQuantity"]) == ("Filled", "15")
    assert placed["executedQuoteQuantity"] == "2270"
    assert "price" not in placed
    fills = caller.history("fills", orderId=placed["id"])
    assert [(fill["price"], fill["quantity"], fill["feeSymbol"]) for fill in fills] == [
        ("152", "5", "SOL"),
        ("151", "10", "SOL"),
    ]
    assert Decimal(fills[0]["fee"]) == Decimal("0.005")


@pytest.mark.parametrize(("symbol", "side"), [(SOL, "Bid"), (SOL, "Ask"), (PERP, "Bid"), (PERP, "Ask")])
def test_a_quote_quantity_spends_no_more_than_stated(caller: BackpackCaller, symbol: str, side: str) -> None:
    placed = caller.place(symbol, side, quoteQuantity="500")
    assert (placed["status"], placed["quoteQuantity"]) == ("Filled", "500")
    assert 498 < Decimal(placed["executedQuoteQuantity"]) <= 500


@pytest.mark.parametrize(
    ("more", "status", "reason", "executed"),
    [
        ({"timeInForce": "IOC", "price": "151"}, "Expired", "ImmediateOrCancel", "10"),
        ({"timeInForce": "FOK", "price": "151"}, "Expired", "FillOrKill", "0"),
        ({"timeInForce": "FOK", "price": "152"}, "Filled", None, "15"),
    ],
)
def test_what_may_not_rest_expires_for_a_reason(
    caller: BackpackCaller, more: dict[str, str], status: str, reason: str | None, executed: str
) -> None:
    placed = caller.place(SOL, "Bid", "15", **more)
    assert (placed["status"], placed["executedQuantity"]) == (status, executed)
    (row,) = caller.history(orderId=placed["id"])
    assert (row["expiryReason"], row["createdAt"]) == (reason, "2026-02-02T02:40:00")


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"price": "151", "postOnly": True}, "INVALID_ORDER", "would immediately match"),
        ({"price": "149.123"}, "INVALID_CLIENT_REQUEST", "Price decimal too long"),
        ({"quantity": "1.123"}, "INVALID_CLIENT_REQUEST", "Quantity decimal too long"),
        ({"price": "400"}, "INVALID_PRICE", "too far"),
        ({"quantity": "10000", "price": "149"}, "INSUFFICIENT_FUNDS", "Insufficient"),
        ({"reduceOnly": True}, "INVALID_ORDER", "Reduce only"),
        ({"symbol": "NO_USDC"}, "INVALID_CLIENT_REQUEST", "Invalid market symbol"),
        ({"symbol": "PYTH_USDC"}, "TRADING_PAUSED", "Closed"),
        ({"symbol": "AAPL.US_USDC_PERP", "price": "200"}, "INVALID_ORDER", "PostOnly"),
        ({"orderType": "Market", "postOnly": True}, "INVALID_ORDER", "Post only"),
        ({"takeProfitLimitPrice": "160"}, "INVALID_CLIENT_REQUEST", "Must specify `takeProfitTriggerPrice`"),
        ({"takeProfitTriggerPrice": "160"}, "NOT_IMPLEMENTED", "not simulated"),
        ({"triggerPrice": "140", "triggerQuantity": "1"}, "INVALID_CLIENT_REQUEST", "Must not specify `quantity`"),
        ({"quantity": "0.001"}, "INVALID_CLIENT_REQUEST", "Quantity decimal too long"),
        ({"triggerPrice": "140"}, "INVALID_CLIENT_REQUEST", "Must specify both `triggerPrice` and `triggerQuantity`"),
        ({"symbol": PERP, "quantity": "100000", "price": "149"}, "INSUFFICIENT_MARGIN", "Insufficient"),
        ({"symbol": PERP, "reduceOnly": True, "price": "149"}, "INVALID_ORDER", "Reduce only"),
    ],
)
def test_a_refusal_has_a_code_and_words(caller: BackpackCaller, more: dict[str, Any], code: str, words: str) -> None:
    said = caller.call("POST", "/api/v1/order", {**written(SOL, "Bid", "1", "150"), **more})
    assert (said["code"], words in said["message"]) == (code, True), said
    assert caller.sim.open_orders() == []


@pytest.mark.parametrize(
    ("more", "name"),
    [({"clientId": "7"}, "clientId"), ({"clientId": 2**32}, "clientId"), ({"side": "Buy"}, "side"),
     ({"quantity": 1}, "quantity"), ({"timeInForce": "GTD"}, "timeInForce"), ({"postOnly": "true"}, "postOnly")],
)  # fmt: skip
def test_what_cannot_be_parsed_is_answered_in_plain_text(
    caller: BackpackCaller, more: dict[str, Any], name: str
) -> None:
    said = caller.call("POST", "/api/v1/order", {**written(SOL, "Bid", "1", "150"), **more})
    assert (caller.status, said.startswith(f"failed to parse parameter `{name}`")) == (400, True), said


def test_a_client_id_may_come_twice(caller: BackpackCaller) -> None:
    first, second = (caller.place(SOL, "Bid", "1", price, clientId=7) for price in ("140", "141"))
    assert first["id"] != second["id"]
    assert caller.get("/api/v1/order", symbol=SOL, clientId=7)["id"] == second["id"]


def test_a_cancel_names_an_order_by_one_id(caller: BackpackCaller) -> None:
    placed = caller.place(SOL, "Bid", "1", "140", clientId=7)
    assert caller.cancel(SOL, orderId=placed["id"], clientId=7)["code"] == "INVALID_CLIENT_REQUEST"
    assert caller.cancel(PERP, clientId=7)["message"] == "Order not found"
    assert caller.cancel(SOL, clientId=7)["status"] == "Cancelled"
    assert caller.cancel(SOL, clientId=7)["message"] == "Order not found"
    assert caller.call("GET", "/api/v1/order", {"symbol": SOL, "clientId": 7})["code"] == "RESOURCE_NOT_FOUND"
    assert caller.status == 404


def test_a_cancel_may_be_accepted_only() -> None:
    caller = BackpackCaller(Backpack(seed=7, actions_per_s=0, cancel_delay_ms=100))
    caller.place(SOL, "Bid", "1", "140", clientId=7)
    assert (caller.cancel(SOL, clientId=7), caller.status) == ("", 202)
    assert caller.sim.open_order_ids() == ["7"]
    caller.step(0.1)
    assert caller.sim.open_order_ids() == []


def test_cancelling_all_is_by_market_and_kind(caller: BackpackCaller) -> None:
    for price in ("140", "141"):
        caller.place(SOL, "Bid", "1", price)
    caller.place(SOL, "Ask", triggerPrice="140", triggerQuantity="1")
    caller.place(PERP, "Bid", "1", "140", clientId=1)
    path = "/api/v1/orders"
    assert len(caller.call("DELETE", path, {"symbol": SOL, "orderType": "ConditionalOrder"})) == 1
    assert len(caller.call("DELETE", path, {"symbol": SOL})) == 2
    assert caller.sim.open_order_ids() == ["1"]


def test_a_batch_answers_for_each_order_in_its_order(caller: BackpackCaller) -> None:
    said = caller.call(
        "POST",
        "/api/v1/orders",
        [written(SOL, "Bid", "1", "140"), written(SOL, "Bid", "1.123", "140"), written(PERP, "Bid", "1")],
    )
    assert [item["operation"] for item in said] == ["Ok", "Err", "Ok"]
    assert [item["status"] for item in (said[0], said[2])] == ["New", "Filled"]
    assert said[1]["message"] == "Quantity decimal too long"


def test_a_batch_that_is_too_long_is_refused_whole(caller: BackpackCaller) -> None:
    said = caller.call("POST", "/api/v1/orders", [written(SOL, "Bid", "1", "140")] * 21)
    assert (said["code"], caller.sim.orders()) == ("INVALID_CLIENT_REQUEST", [])


@pytest.mark.parametrize(
    ("mode", "taker", "maker"),
    [("RejectTaker", "Expired", "New"), ("RejectMaker", "Filled", "Expired"), ("RejectBoth", "Expired", "Expired")],
)
def test_self_trades_are_prevented(caller: BackpackCaller, mode: str, taker: str, maker: str) -> None:
    resting = caller.place(SOL, "Ask", "1", "150.5")
    taking = caller.place(SOL, "Bid", "1", "151", selfTradePrevention=mode)
    states = {row["id"]: (row["status"], row["expiryReason"]) for row in caller.history()}
    assert taking["status"] == taker
    assert states[resting["id"]][0] == maker
    assert {reason for status, reason in states.values() if status == "Expired"} == {"SelfTradePrevention"}


def test_a_quantity_of_any_length_is_answered(caller: BackpackCaller) -> None:
    for quantity in ("319757604685088763986182694100", "319757604685088763986182694100.001"):
        refused = caller.try_to_place(PERP, "Bid", quantity, "149")
        assert refused["code"] in ("INSUFFICIENT_MARGIN", "INVALID_CLIENT_REQUEST")


def test_a_post_only_order_that_would_take_may_be_answered_as_expired() -> None:
    caller = BackpackCaller(Backpack(seed=7, actions_per_s=0, post_only_expires=True))
    caller.sim.set_book(PERP, [("150", "10")], [("151", "10")])
    placed = caller.place(PERP, "Bid", "1", "151", postOnly=True, clientId=9)
    assert (placed["status"], placed["executedQuantity"], "expiryReason" in placed) == ("Expired", "0", False)
    assert [(row["id"], row["expiryReason"]) for row in caller.history()] == [(placed["id"], "PostOnlyTaker")]
    assert caller.get("/api/v1/orders") == []
    assert caller.sim.fills() == []
    assert caller.place(PERP, "Bid", "1", "149", postOnly=True)["status"] == "New"


# -- triggers ----------------------------------------------------------------------------------------------------


def test_a_trigger_waits_without_a_quantity_and_locks_nothing(caller: BackpackCaller) -> None:
    placed = caller.place(SOL, "Ask", triggerPrice="145", triggerQuantity="2", clientId=9)
    assert (placed["status"], placed["quantity"], placed["triggerQuantity"]) == ("TriggerPending", None, "2")
    assert placed["triggerBy"] == "LastPrice"
    assert caller.get("/api/v1/capital")["SOL"]["locked"] == "0"


def test_a_triggered_order_may_lose_its_client_id() -> None:
    caller = BackpackCaller(Backpack(seed=7, actions_per_s=0, client_id_when_triggered=False))
    caller.sim.set_book(SOL, [("150", "10"), ("144", "10")], [("152", "10")])
    caller.sim.trade(SOL, "sell", "1")
    placed = caller.place(SOL, "Ask", price="149", triggerPrice="145", triggerQuantity="2", clientId=9)
    caller.sim.trade(SOL, "sell", "10")
    (now,) = caller.get("/api/v1/orders")
    assert (now["status"], now["clientId"], now["relatedOrderId"]) == ("New", None, placed["id"])
    waited = next(row for row in caller.history() if row["id"] == placed["id"])
    assert (waited["status"], waited["clientId"], waited["relatedOrderId"]) == ("Triggered", 9, now["id"])
    assert caller.call("GET", "/api/v1/order", {"symbol": SOL, "clientId": 9})["code"] == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize("renamed", [True, False])
def test_a_triggered_order_has_an_id_of_its_own(renamed: bool) -> None:
    caller = BackpackCaller(Backpack(seed=7, actions_per_s=0, new_id_when_triggered=renamed))
    caller.sim.set_book(SOL, [("150", "10"), ("144", "10")], [("152", "10")])
    caller.sim.trade(SOL, "sell", "1")
    placed = caller.place(SOL, "Ask", triggerPrice="145", triggerQuantity="2", clientId=9)
    caller.sim.trade(SOL, "sell", "10")
    rows = {row["id"]: row for row in caller.history()}
    old = rows.pop(placed["id"])
    if not renamed:
        assert (old["status"], old["executedQuantity"]) == ("Filled", "2")
        return
    (new,) = rows.values()
    assert (old["status"], old["relatedOrderId"]) == ("Triggered", new["id"])
    assert (new["status"], new["relatedOrderId"], new["clientId"]) == ("Filled", old["id"], 9)
    assert new["executedQuantity"] == "2"


def test_a_share_is_one_of_the_position(caller: BackpackCaller) -> None:
    wish = written(PERP, "Ask", triggerPrice="140", triggerQuantity="80%", reduceOnly=True)
    assert caller.call("POST", "/api/v1/order", wish)["message"] == "There is no position"
    caller.place(PERP, "Bid", "5")
    caller.place(**{k: v for k, v in wish.items() if k != "orderType"})
    (order,) = caller.sim.open_orders()
    assert order.quantity == 4


def test_brackets_stand_once_there_is_a_position_and_go_with_it(caller: BackpackCaller) -> None:
    opened = caller.place(PERP, "Bid", "2", takeProfitTriggerPrice="160", stopLossTriggerPrice="145",
                          stopLossTriggerBy="MarkPrice")  # fmt: skip
    standing = caller.get("/api/v1/orders", symbol=PERP)
    assert [(row["triggerPrice"], row["triggerBy"], row["reduceOnly"]) for row in standing] == [
        ("160", "LastPrice", True),
        ("145", "MarkPrice", True),
    ]
    assert {row["relatedOrderId"] for row in standing} == {opened["id"]}
    caller.sim.set_mark(PERP, "144")
    assert caller.sim.positions() == {}
    assert caller.get("/api/v1/orders") == []
    failed = next(row for row in caller.history() if row["status"] == "TriggerFailed")
    assert (failed["triggerPrice"], failed["expiryReason"]) == ("160", "StopWithoutPosition")


# -- the account -------------------------------------------------------------------------------------------------


def test_positions_are_signed_and_know_where_they_end_only_alone(caller: BackpackCaller) -> None:
    caller.place(PERP, "Ask", "2")
    (every,) = caller.get("/api/v1/position")
    (alone,) = caller.get("/api/v1/position", symbol=PERP)
    assert (every["netQuantity"], every["entryPrice"], every["estLiquidationPrice"]) == ("-2", "150", "0")
    assert Decimal(alone["estLiquidationPrice"]) > 150
    caller.call("GET", "/api/v1/position", {"symbol": "BTC_USDC_PERP"})
    assert caller.status == 404


def test_funding_is_paid_on_the_hour_and_kept(caller: BackpackCaller) -> None:
    caller.place(PERP, "Bid", "2")
    caller.sim.set_mark(PERP, "150")
    caller.sim.set_funding_rate(PERP, "0.0001")
    caller.step(3_600)
    (row,) = caller.history("funding", symbol=PERP)
    assert (row["quantity"], row["fundingRate"]) == ("-0.03", "0.0001")
    assert row["intervalEndTimestamp"] == "2026-02-02T03:00:00"


def test_what_is_lent_is_collateral_and_comes_back_for_an_order() -> None:
    amounts = {"main": {"USDC": Decimal(10)}}
    caller = BackpackCaller(
        Backpack(seed=7, actions_per_s=0, balances=amounts, lent={"main": {"USDC": Decimal(1_000)}})
    )
    assert caller.get("/api/v1/capital")["USDC"]["available"] == "10"
    (row,) = caller.get("/api/v1/capital/collateral")["collateral"]
    assert (row["totalQuantity"], row["lendQuantity"]) == ("1010", "1000")
    assert caller.try_to_place(SOL, "Bid", "1", "150")["code"] == "INSUFFICIENT_FUNDS"
    caller.place(SOL, "Bid", "1", "150", autoLendRedeem=True)
    assert caller.get("/api/v1/capital")["USDC"] == {"available": "860", "locked": "150", "staked": "0"}
    assert caller.get("/api/v1/borrowLend/positions") == []


def test_fees_are_basis_points_and_leverage_is_the_accounts(caller: BackpackCaller) -> None:
    before = caller.get("/api/v1/account")
    assert (before["spotTakerFee"], before["futuresMakerFee"], before["leverageLimit"]) == ("10", "2", "10")
    large = caller.get("/api/v1/account/limits/order", symbol=PERP, side="Bid", price="150")["maxOrderQuantity"]
    assert caller.call("PATCH", "/api/v1/account", {"leverageLimit": "5", "autoLend": True}) == ""
    after = caller.get("/api/v1/account")
    assert (after["leverageLimit"], after["autoLend"]) == ("5", True)
    small = caller.get("/api/v1/account/limits/order", symbol=PERP, side="Bid", price="150")["maxOrderQuantity"]
    assert Decimal(small) == Decimal(large) / 2 // Decimal("0.01") * Decimal("0.01")
    assert caller.call("PATCH", "/api/v1/account", {"leverageLimit": "51"})["code"] == "MAX_LEVERAGE_REACHED"


def test_a_liquidation_is_the_systems(caller: BackpackCaller) -> None:
    caller.place(PERP, "Bid", "10")
    caller.sim.deposit("USDC", "-99500")
    caller.sim.set_mark(PERP, "100")
    (fill, *_) = caller.history("fills")
    assert (fill["systemOrderType"], fill["side"]) == ("LiquidatePositionOnBook", "Ask")
    assert fill not in caller.history("fills", fillType="User")


def test_histories_page_and_sort_and_may_lag() -> None:
    caller = BackpackCaller(Backpack(seed=7, actions_per_s=0, history_lag_ms=1_000))
    ids = [caller.place(SOL, "Bid", "1", str(price))["id"] for price in (140, 141, 142)]
    assert caller.history() == []
    caller.step(1)
    assert [row["id"] for row in caller.history(limit=2)] == ids[:0:-1]
    assert [row["id"] for row in caller.history(limit=2, offset=1, sortDirection="Asc")] == ids[1:]
    assert caller.history(symbol=PERP) == []


def test_an_entry_price_has_all_its_digits(caller: BackpackCaller) -> None:
    caller.place(PERP, "Bid", "15")
    caller.place(PERP, "Bid", "3")
    (position,) = caller.get("/api/v1/position")
    assert position["entryPrice"] == "151.4444444444444444444444444"
