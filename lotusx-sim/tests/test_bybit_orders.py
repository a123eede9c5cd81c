"""Order entry of the simulated Bybit: an answer is an acknowledgement, the stream tells what came of it."""

from typing import Any

import pytest
from bybit_calls import BybitCaller

from lotusx_sim import Bybit
from lotusx_sim.dialects.bybit import LimitRules

ROOMY = LimitRules(spot_orders_per_second=1_000, derivative_orders_per_second=1_000)
LIN, SPT = ("linear", "BTCUSDT"), ("spot", "BTCUSDT")


def fresh(**options: Any) -> BybitCaller:
    caller = BybitCaller(Bybit(seed=7, actions_per_s=0, rules=ROOMY, **options))
    for market in ("spot:BTCUSDT", "linear:BTCUSDT"):
        caller.sim.set_book(market, [("80000", "1"), ("79900", "5")], [("80010", "1"), ("80100", "5")])
    caller.sim.trade("spot:BTCUSDT", "buy", "0.001")
    caller.sim.trade("linear:BTCUSDT", "buy", "0.001")
    return caller


@pytest.fixture
def caller() -> BybitCaller:
    return fresh()


def seen(rows: list[Any]) -> list[tuple[str, str]]:
    return [(row["orderStatus"], row["cumExecQty"]) for row in rows]


# -- outcomes ----------------------------------------------------------------------------------------------------


def test_a_limit_order_rests_is_filled_in_parts_and_ends(caller: BybitCaller) -> None:
    socket = caller.private("order", "execution")
    order_id = caller.place(*LIN, "Buy", "0.3", "79950", orderLinkId="a-1")
    caller.sim.fill("a-1", "0.1")
    assert caller.order("linear", order_id)["orderStatus"] == "PartiallyFilled"
    caller.sim.fill("a-1")

    messages = socket.take()
    orders = [row for message in messages if message["topic"] == "order" for row in message["data"]]
    fills = [row for message in messages if message["topic"] == "execution" for row in message["data"]]
    assert seen(orders) == [("New", "0"), ("PartiallyFilled", "0.100"), ("Filled", "0.300")]
    assert [(row["execQty"], row["leavesQty"], row["isMaker"]) for row in fills] == [
        ("0.100", "0.200", True), ("0.200", "0", True),
    ]  # fmt: skip
    assert len({row["execId"] for row in fills}) == 2
    row = caller.order("linear", order_id)
    assert (row["orderStatus"], row["avgPrice"], row["cumExecValue"]) == ("Filled", "79950", "23985")
    assert row["cumFeeDetail"] == {"USDT": "4.797"}  # 23985 * 0.0002


def test_a_market_order_takes_what_is_there(caller: BybitCaller) -> None:
    row = caller.order("linear", caller.place(*LIN, "Buy", "1.5"))
    # 0.999 at 80010, the rest at 80100
    assert (row["orderStatus"], row["orderType"], row["timeInForce"]) == ("Filled", "Market", "IOC")
    assert row["cumExecValue"] == "120060.09"
    assert row["price"] == "84010.50"  # not what it was filled at: the worst price, 5 % above the mark


def test_spot_market_orders_are_in_quote_to_buy_and_in_base_to_sell_unless_told(caller: BybitCaller) -> None:
    bought = caller.order("spot", caller.place(*SPT, "Buy", "100"))
    assert (bought["marketUnit"], bought["qty"], bought["cumExecQty"]) == ("quoteCoin", "100", "0.001249")
    assert bought["orderStatus"] == "PartiallyFilledCanceled"  # less than a step's worth is left
    assert caller.order("spot", caller.place(*SPT, "Sell", "0.01"))["cumExecQty"] == "0.010000"
    base = caller.order("spot", caller.place(*SPT, "Buy", "0.01", marketUnit="baseCoin"))
    assert (base["orderStatus"], base["cumExecQty"], base["marketUnit"]) == ("Filled", "0.010000", "baseCoin")


@pytest.mark.parametrize(
    ("market", "status", "reason"),
    [(LIN, "Cancelled", "EC_PostOnlyWillTakeLiquidity"), (SPT, "Rejected", "EC_PostOnlyWillTakeLiquidity")],
)
def test_post_only_that_would_take_is_acknowledged_and_then_ended(
    caller: BybitCaller, market: tuple[str, str], status: str, reason: str
) -> None:
    socket = caller.private("order")
    order_id = caller.place(*market, "Buy", "0.1", "80050", timeInForce="PostOnly")
    (row,) = socket.rows("order")
    assert (row["orderId"], row["orderStatus"], row["rejectReason"]) == (order_id, status, reason)
    assert caller.sim.open_orders() == []


@pytest.mark.parametrize(
    ("market", "tif", "qty", "status", "filled", "reason"),
    [
        (LIN, "IOC", "2", "Cancelled", "0.999", "EC_NoImmediateQtyToFill"),
        (SPT, "IOC", "2", "PartiallyFilledCanceled", "0.999000", "EC_NoImmediateQtyToFill"),
        (LIN, "FOK", "2", "Cancelled", "0", "EC_CancelForNoFullFill"),
        (SPT, "FOK", "0.5", "Filled", "0.500000", "EC_NoError"),
    ],
)
def test_ioc_and_fok_end_at_once(
    caller: BybitCaller, market: tuple[str, str], tif: str, qty: str, status: str, filled: str, reason: str
) -> None:
    caller.sim.deposit("USDT", "1000000")
    row = caller.order(market[0], caller.place(*market, "Buy", qty, "80010", timeInForce=tif))
    assert (row["orderStatus"], row["cumExecQty"], row["rejectReason"]) == (status, filled, reason)


def test_an_order_can_be_rejected_after_its_acknowledgement(caller: BybitCaller) -> None:
    caller.venue.reject_after_ack("EC_ReachRiskPriceLimit")
    socket = caller.private("order")
    order_id = caller.place(*LIN, "Buy", "0.1", "79000", orderLinkId="doomed")
    (row,) = socket.rows("order")
    assert (row["orderStatus"], row["rejectReason"], row["orderLinkId"]) == (
        "Rejected", "EC_ReachRiskPriceLimit", "doomed",
    )  # fmt: skip
    assert caller.order("linear", order_id)["orderStatus"] == "Rejected"
    assert caller.sim.order_ids() == []
    assert caller.order("linear", caller.place(*LIN, "Buy", "0.1", "79000"))["orderStatus"] == "New"


# -- with a delay between acknowledgement and matching -----------------------------------------------------------


def test_with_a_matching_delay_nothing_is_known_of_an_order_until_it_is_over() -> None:
    caller = fresh(matching_delay_ms=5)
    socket = caller.private("order")
    order_id = caller.place(*LIN, "Buy", "0.1", "79000")
    assert caller.get("order/realtime", category="linear", orderId=order_id)["list"] == []
    assert socket.take() == []
    caller.step(0.005)
    assert seen(socket.rows("order")) == [("New", "0")]


def test_with_a_matching_delay_want_of_funds_is_told_by_the_stream() -> None:
    caller = fresh(matching_delay_ms=5)
    socket = caller.private("order")
    caller.place(*LIN, "Buy", "100", "79000")
    caller.step(0.005)
    (row,) = socket.rows("order")
    assert (row["orderStatus"], row["rejectReason"]) == ("Rejected", "EC_Others")


def test_a_cancel_that_comes_after_the_fill_tells_of_the_fill_once_more() -> None:
    caller = fresh(matching_delay_ms=5)
    order_id = caller.place(*LIN, "Buy", "0.1", "79950", orderLinkId="a")
    caller.step(0.005)
    caller.post("order/cancel", category="linear", symbol="BTCUSDT", orderId=order_id)
    socket = caller.private("order", "execution")
    caller.sim.fill("a")
    caller.step(0.005)
    messages = socket.take()
    orders = [row for message in messages if message["topic"] == "order" for row in message["data"]]
    assert [(row["orderStatus"], row["cancelType"], row["rejectReason"]) for row in orders] == [
        ("Filled", "UNKNOWN", "EC_NoError"), ("Filled", "CancelByUser", "EC_OrigClOrdIDDoesNotExist"),
    ]  # fmt: skip
    assert sum(message["topic"] == "execution" for message in messages) == 1


# -- refused at once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "qty", "price", "more", "code"),
    [
        (LIN, "100", "79000", {}, 110007),
        (SPT, "10", "79000", {}, 170131),
        (LIN, "0.0005", "79000", {}, 10001),
        (SPT, "0.0000001", "79000", {}, 170137),
        (LIN, "0.001", "79000.05", {}, 10001),
        (SPT, "0.001", "79000.05", {}, 170134),
        (LIN, "0", "79000", {}, 10001),
        (SPT, "0.00001", "79000", {}, 170140),
        (LIN, "2000", "79000", {}, 10001),
        (SPT, "99", "79000", {}, 170124),
        (SPT, "0.01", "90000", {}, 170193),
        (("spot", "NOPE"), "1", "1", {}, 170121),
        (("linear", "NOPE"), "1", "1", {}, 10001),
        (("linear", "LUNAUSDT"), "100", "0.4", {}, 110074),
        (LIN, "0.01", "79000", {"side": "Up"}, 10001),
        (LIN, "0.01", "79000", {"timeInForce": "GTD"}, 10001),
        (LIN, "0.01", "79000", {"timeInForce": "RPI"}, 110119),
        (LIN, "0.01", "79000", {"orderLinkId": "no spaces"}, 10001),
        (LIN, "0.01", "79000", {"orderLinkId": "x" * 37}, 10001),
        (LIN, "0.01", "79000", {"positionIdx": 1}, 10001),
        (LIN, "0.01", "79000", {"reduceOnly": True}, 110017),
        (LIN, "0.01", "79000", {"triggerPrice": "81000"}, 10001),
        (LIN, "0.01", "79000", {"triggerPrice": "79000", "triggerDirection": 1}, 110092),
        (LIN, "0.01", "79000", {"triggerPrice": "81000", "triggerDirection": 2}, 110093),
        (SPT, "0.01", "79000", {"orderFilter": "StopOrder"}, 170202),
        (LIN, "0.01", "79000", {"category": "option"}, 10001),
    ],
)
def test_what_breaks_a_rule_is_refused_at_once(
    caller: BybitCaller, market: tuple[str, str], qty: str, price: str, more: dict[str, Any], code: int
) -> None:
    socket = caller.private("order")
    assert caller.refused(*market, "Buy", qty, price, **more) == code
    assert socket.take() == []
    assert caller.sim.orders() == []


@pytest.mark.parametrize(("market", "code"), [(LIN, 110072), (SPT, 170141)])
def test_a_client_id_is_used_once(caller: BybitCaller, market: tuple[str, str], code: int) -> None:
    order_id = caller.place(*market, "Buy", "0.01", "79000", orderLinkId="once")
    assert caller.refused(*market, "Buy", "0.01", "79000", orderLinkId="once") == code
    caller.post("order/cancel", category=market[0], symbol=market[1], orderId=order_id)
    assert caller.refused(*market, "Buy", "0.01", "79000", orderLinkId="once") == code


def test_a_contract_order_beyond_the_band_is_brought_inside(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Buy", "0.1", "99000", timeInForce="IOC")
    # The mark is 80010, the last price; 80010 * 1.05
    assert caller.order("linear", order_id)["price"] == "84010.50"
    assert caller.public("price-limit", category="linear", symbol="BTCUSDT")["buyLmt"] == "84010.50"


# -- amend and cancel --------------------------------------------------------------------------------------------


def test_an_amended_order_keeps_its_id_and_quantity_is_the_new_total(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Buy", "0.3", "79000", orderLinkId="a")
    caller.sim.fill("a", "0.1")
    socket = caller.private("order")
    caller.post("order/amend", category="linear", symbol="BTCUSDT", orderLinkId="a", qty="0.5", price="79100")
    (row,) = socket.rows("order")
    assert (row["orderId"], row["qty"], row["price"], row["leavesQty"]) == (order_id, "0.500", "79100.00", "0.400")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [({"qty": "0.05"}, 110064), ({"price": "79000"}, 10001), ({"qty": "100"}, 110007), ({"orderLinkId": "b"}, 110001),
     ({"orderLinkId": ""}, 10001)],
)  # fmt: skip
def test_an_amendment_that_breaks_a_rule_changes_nothing(
    caller: BybitCaller, wanted: dict[str, str], code: int
) -> None:
    order_id = caller.place(*LIN, "Buy", "0.3", "79000", orderLinkId="a")
    caller.sim.fill("a", "0.1")
    body = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a"} | wanted
    assert caller.command("order/amend", **body)["retCode"] == code
    row = caller.order("linear", order_id)
    assert (row["qty"], row["price"], row["orderStatus"]) == ("0.300", "79000.00", "PartiallyFilled")


def test_a_post_only_order_amended_into_the_market_is_ended(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Buy", "0.3", "79000", timeInForce="PostOnly")
    caller.post("order/amend", category="linear", symbol="BTCUSDT", orderId=order_id, price="80050")
    row = caller.order("linear", order_id)
    assert (row["orderStatus"], row["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")


@pytest.mark.parametrize(
    ("market", "status", "code"), [(LIN, "Cancelled", 110001), (SPT, "PartiallyFilledCanceled", 170213)]
)
def test_a_cancelled_order_keeps_its_fills_and_cannot_be_cancelled_again(
    caller: BybitCaller, market: tuple[str, str], status: str, code: int
) -> None:
    order_id = caller.place(*market, "Buy", "0.3", "79000", orderLinkId="a")
    caller.sim.fill("a", "0.1")
    body = {"category": market[0], "symbol": market[1], "orderId": order_id}
    caller.post("order/cancel", **body)
    row = caller.order(market[0], order_id)
    assert (row["orderStatus"], row["cancelType"], float(row["cumExecQty"])) == (status, "CancelByUser", 0.1)
    assert row["leavesQty"] == "0"
    assert caller.command("order/cancel", **body)["retCode"] == code


def test_cancel_all_takes_conditional_orders_of_contracts_and_leaves_those_of_spot(caller: BybitCaller) -> None:
    for market in (LIN, SPT):
        caller.place(*market, "Buy", "0.01", "79000", orderLinkId=f"{market[0]}-1")
    caller.place(*LIN, "Buy", "0.01", triggerPrice="81000", triggerDirection=1, orderLinkId="linear-2")
    caller.place(*SPT, "Buy", "0.01", "81000", triggerPrice="81000", orderFilter="StopOrder", orderLinkId="spot-2")
    assert caller.command("order/cancel-all", category="linear")["retCode"] == 10001
    gone = caller.post("order/cancel-all", category="linear", settleCoin="USDT")
    assert [row["orderLinkId"] for row in gone["list"]] == ["linear-1", "linear-2"]
    assert gone["success"] == "1"
    gone = caller.post("order/cancel-all", category="spot")
    assert [row["orderLinkId"] for row in gone["list"]] == ["spot-1"]
    assert caller.sim.open_order_ids() == ["spot-2"]


# -- conditional orders ------------------------------------------------------------------------------------------


def test_a_conditional_order_waits_triggers_and_keeps_its_id(caller: BybitCaller) -> None:
    socket = caller.private("order")
    order_id = caller.place(*LIN, "Buy", "0.01", triggerPrice="80050", triggerDirection=1, orderLinkId="s")
    caller.sim.trade("linear:BTCUSDT", "buy", "2")
    rows = socket.rows("order")
    assert [row["orderStatus"] for row in rows] == ["Untriggered", "Triggered", "Filled"]
    assert {row["orderId"] for row in rows} == {order_id}
    assert (rows[0]["stopOrderType"], rows[0]["triggerBy"], rows[0]["triggerPrice"]) == (
        "Stop",
        "LastPrice",
        "80050.00",
    )


def test_a_conditional_order_can_wait_for_the_mark_price(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Sell", "0.01", triggerPrice="79000", triggerDirection=2, triggerBy="MarkPrice")
    caller.sim.set_mark("linear:BTCUSDT", "78999")
    assert caller.order("linear", order_id)["orderStatus"] == "Filled"


def test_a_cancelled_conditional_order_is_deactivated_and_its_trigger_can_be_amended(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Buy", "0.01", triggerPrice="81000", triggerDirection=1)
    body = {"category": "linear", "symbol": "BTCUSDT", "orderId": order_id}
    caller.post("order/amend", **body, triggerPrice="82000")
    assert caller.order("linear", order_id)["triggerPrice"] == "82000.00"
    assert caller.command("order/amend", **body, triggerPrice="70000")["retCode"] == 110092
    caller.post("order/cancel", **body)
    assert caller.order("linear", order_id)["orderStatus"] == "Deactivated"


def test_on_spot_a_trigger_price_alone_makes_no_conditional_order(caller: BybitCaller) -> None:
    at_once = caller.place(*SPT, "Buy", "100", triggerPrice="81000")
    assert caller.order("spot", at_once)["cumExecQty"] != "0"
    caller.place(*SPT, "Buy", "0.1", "81000", triggerPrice="81000", orderFilter="StopOrder", orderLinkId="late")
    assert caller.coin("USDT")["locked"] == "0"
    caller.place(*SPT, "Buy", "0.1", "81000", triggerPrice="81000", orderFilter="tpslOrder", orderLinkId="early")
    assert caller.coin("USDT")["locked"] == "8100"


# -- queries -----------------------------------------------------------------------------------------------------


def test_realtime_finds_open_orders_and_with_an_id_any(caller: BybitCaller) -> None:
    first = caller.place(*LIN, "Buy", "0.01", "79000", orderLinkId="a")
    caller.place(*LIN, "Buy", "0.01", "79001", orderLinkId="b")
    caller.post("order/cancel", category="linear", symbol="BTCUSDT", orderId=first)
    asked = {"category": "linear", "symbol": "BTCUSDT"}
    assert [r["orderLinkId"] for r in caller.get("order/realtime", **asked)["list"]] == ["b"]
    assert [r["orderLinkId"] for r in caller.get("order/realtime", **asked, openOnly=1)["list"]] == ["a"]
    assert [r["orderLinkId"] for r in caller.get("order/realtime", category="linear", orderLinkId="a")["list"]] == ["a"]
    assert caller.get("order/realtime", category="linear", orderLinkId="c")["list"] == []
    assert caller.query("/v5/order/realtime", True, category="linear")["retCode"] == 10001


def test_orders_and_executions_are_paged_newest_first(caller: BybitCaller) -> None:
    from urllib.parse import unquote

    ids = [caller.place(*LIN, "Buy", "0.001") for _ in range(5)]
    for path, key, expected in (("order/history", "orderId", ids[::-1]), ("execution/list", "orderId", ids[::-1])):
        found, cursor = [], ""
        while True:
            page = caller.get(path, category="linear", limit=2, **({"cursor": cursor} if cursor else {}))
            found += [row[key] for row in page["list"]]
            cursor = unquote(page["nextPageCursor"])
            if not cursor:
                break
        assert found == expected


def test_an_order_without_fills_leaves_the_history_after_a_day(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Buy", "0.01", "79000")
    caller.post("order/cancel", category="linear", symbol="BTCUSDT", orderId=order_id)
    filled = caller.place(*LIN, "Buy", "0.01")
    asked = {"category": "linear", "symbol": "BTCUSDT"}
    assert len(caller.get("order/history", **asked)["list"]) == 2
    caller.step(25 * 3600)
    assert [row["orderId"] for row in caller.get("order/history", **asked)["list"]] == [filled]
    assert caller.query("/v5/order/history", True, **asked, startTime=0, endTime=8 * 86_400_000)["retCode"] == 10001


def test_fees_of_spot_are_paid_in_what_is_received(caller: BybitCaller) -> None:
    caller.place(*SPT, "Buy", "0.1", marketUnit="baseCoin")
    caller.place(*SPT, "Sell", "0.1")
    sold, bought = caller.get("execution/list", category="spot")["list"]
    assert (bought["execFee"], bought["feeCurrency"], bought["feeRate"]) == ("0.0001", "BTC", "0.001")
    assert (sold["execFee"], sold["feeCurrency"], sold["execPrice"]) == ("8", "USDT", "80000.0")


# -- batches -----------------------------------------------------------------------------------------------------


def item(link: str, **more: Any) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "79000",
            "orderLinkId": link} | more  # fmt: skip


def test_a_batch_answers_each_item_in_order(caller: BybitCaller) -> None:
    said = caller.command("order/create-batch", category="linear", request=[item("a"), item("a"), item("b", qty="0")])
    assert said["retCode"] == 0
    assert [code["code"] for code in said["retExtInfo"]["list"]] == [0, 110072, 10001]
    assert [bool(row["orderId"]) for row in said["result"]["list"]] == [True, False, False]
    assert caller.sim.open_order_ids() == ["a"]

    changes = [{"symbol": "BTCUSDT", "orderLinkId": link, "price": "78000"} for link in ("a", "b")]
    said = caller.command("order/amend-batch", category="linear", request=changes)
    assert [code["code"] for code in said["retExtInfo"]["list"]] == [0, 110001]
    said = caller.command("order/cancel-batch", category="linear", request=changes)
    assert [code["code"] for code in said["retExtInfo"]["list"]] == [0, 110001]
    assert caller.sim.open_order_ids() == []


def test_a_batch_is_cut_where_the_quota_ends_and_has_a_size() -> None:
    caller = BybitCaller()
    said = caller.command(
        "order/create-batch", category="linear", request=[item(f"a{n}", price="79000") for n in range(12)]
    )
    assert [code["code"] for code in said["retExtInfo"]["list"]] == [0] * 10 + [10006] * 2
    assert len(caller.sim.open_orders()) == 10
    for category, size in (("linear", 21), ("spot", 11)):
        said = caller.command("order/create-batch", category=category, request=[item(f"b{n}") for n in range(size)])
        assert said["retCode"] == 10001


def test_a_batch_says_what_is_left_of_its_quota_and_amends_no_conditional_orders() -> None:
    caller = BybitCaller()
    caller.command("order/create-batch", category="linear", request=[item("a"), item("b")])
    assert (caller.header("x-bapi-limit"), caller.header("x-bapi-limit-status")) == ("10", "8")
    caller.place(*LIN, "Buy", "0.01", triggerPrice="90000", triggerDirection=1, orderLinkId="stop")
    change = [{"symbol": "BTCUSDT", "orderLinkId": "stop", "triggerPrice": "91000"}]
    said = caller.command("order/amend-batch", category="linear", request=change)
    assert [code["code"] for code in said["retExtInfo"]["list"]] == [10001]


def test_smp_ends_the_order_it_is_told_to(caller: BybitCaller) -> None:
    maker = caller.place(*LIN, "Buy", "0.1", "80005")
    taker = caller.place(*LIN, "Sell", "0.1", "80005", smpType="CancelMaker")
    row = caller.order("linear", maker)
    assert (row["orderStatus"], row["cancelType"]) == ("Cancelled", "CancelBySmp")
    assert caller.order("linear", taker)["orderStatus"] == "New"


def test_slippage_tolerance_bounds_a_market_order(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Buy", "2", slippageToleranceType="Percent", slippageTolerance="0.01")
    row = caller.order("linear", order_id)
    # Best ask 80010, at most 80010 * 1.0001 = 80018.0: only the first level
    assert (row["orderType"], row["price"], row["cumExecQty"], row["orderStatus"]) == (
        "Market", "80018.00", "0.999", "Cancelled",
    )  # fmt: skip
