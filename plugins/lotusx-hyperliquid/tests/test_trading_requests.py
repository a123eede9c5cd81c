"""The exact action of every order command, and what its answer becomes."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal as D, localcontext
from typing import Any

import pytest
from hyperliquid_documents import (
    BTC,
    CLOID,
    ETH,
    FILL_ROW,
    FULL_ORDER,
    HYPE,
    L2_BOOK,
    ORDER,
    TSLA,
    UNKNOWN_OID,
    USER,
    answer_of,
    done,
)

from lotusx.errors import (
    BadRequest,
    ConnectionFailed,
    DuplicateOrder,
    InvalidArgument,
    InvalidOrder,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    PermissionDenied,
    PostOnlyWouldTake,
    RateLimited,
    RequestTimeout,
)
from lotusx.model import OrderRequest, OrderState, OrderStatus, OrderType, TimeInForce
from lotusx.plugin import Acknowledged, Amendment, Effect, ItemDropped, Lane, OrderRef, Span
from lotusx_hyperliquid.order_conversions import asked_for

pytestmark = pytest.mark.anyio
MS = 1_000_000


def order_of(**values: Any) -> OrderRequest:
    return OrderRequest(
        **{"symbol": "BTC/USDC:USDC", "side": "buy", "quantity": "0.01", "client_order_id": CLOID, **values}
    )


def limit_buy(**changes: Any) -> OrderRequest:
    return order_of(**{"type": "limit", "price": "68000", **changes})


def market_buy(**changes: Any) -> OrderRequest:
    return order_of(**{"type": "market", "max_slippage": "0.01", **changes})


def resting(oid: int = 77738308) -> dict[str, Any]:
    return {"resting": {"oid": oid}}


def filled(size: str, oid: int = 77738308) -> dict[str, Any]:
    return {"filled": {"totalSz": size, "avgPx": "68000.5", "oid": oid}}


def open_order(**changes: Any) -> OrderState:
    known = replace(asked_for(limit_buy()), venue_order_id="77738308", status=OrderStatus.OPEN)
    return replace(known, **changes)


async def test_place_signs_one_order(desk: Any) -> None:
    desk.rest.reply(done(resting()))
    state = await desk.connector.trading.place(limit_buy(), BTC)
    assert (state.status, state.venue_order_id, state.client_order_id) == (OrderStatus.OPEN, "77738308", CLOID)
    assert (state.price, state.quantity, state.time_in_force) == (68_000, D("0.01"), TimeInForce.GTC)
    request = desk.rest.last
    assert (request.path, request.endpoint, request.effect) == ("/exchange", "exchange/order", Effect.COMMAND)
    assert request.signed
    assert desk.action == {
        "type": "order",
        "orders": [
            {"a": 0, "b": True, "p": "68000", "s": "0.01", "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": CLOID}
        ],
        "grouping": "na",
    }
    assert (desk.weight, desk.sent["expiresAfter"]) == (1, 1_770_000_005_000)


async def test_our_ids_go_out_as_cloids_and_come_back_as_ours(desk: Any) -> None:
    desk.rest.reply(done(resting()), ORDER)
    await desk.connector.trading.place(limit_buy(client_order_id="a-1"), BTC)
    cloid = desk.action["orders"][0]["c"]
    assert (cloid[:2], len(cloid)) == ("0x", 34)
    desk.rest.replies.clear()
    desk.rest.reply(answer_of({**FULL_ORDER, "cloid": cloid}))
    state = await desk.connector.trading.order(OrderRef("a-1"), BTC)
    assert desk.sent == {"type": "orderStatus", "user": USER, "oid": cloid}
    assert state.client_order_id == "a-1"


async def test_a_market_order_is_bounded_by_the_best_price(desk: Any) -> None:
    desk.rest.reply(L2_BOOK, done(filled("0.01")))
    state = await desk.connector.trading.place(market_buy(), BTC)
    (order,) = desk.action["orders"]
    assert (order["p"], order["t"]) == ("84985", {"limit": {"tif": "Ioc"}})  # 84144 and 1 %, rounded down
    assert (state.status, state.filled, state.average_price) == (OrderStatus.FILLED, D("0.01"), D("68000.5"))
    desk.rest.reply(L2_BOOK, done(filled("0.004")))
    part = await desk.connector.trading.place(market_buy(side="sell"), BTC)
    assert desk.action["orders"][0]["p"] == "83302"  # 84143 less 1 %, rounded up
    assert (part.status, part.filled) == (OrderStatus.EXPIRED, D("0.004"))


@pytest.mark.parametrize("how", [{}, {"post_only": True}, {"time_in_force": "ioc"}])
async def test_only_an_order_that_takes_at_once_is_over_when_less_than_its_size_matched(desk: Any, how: Any) -> None:
    desk.rest.reply(done(filled("0.004")))
    state = await desk.connector.trading.place(limit_buy(**how), BTC)
    expected = OrderStatus.EXPIRED if "time_in_force" in how else OrderStatus.PARTIALLY_FILLED
    assert (state.status, state.filled) == (expected, D("0.004"))


async def test_a_batch_of_market_orders_asks_for_each_book_once(desk: Any) -> None:
    desk.rest.reply(L2_BOOK, done(filled("0.01", 1), filled("0.01", 2)))
    requests = [market_buy(), market_buy(side="sell")]
    answers = await desk.connector.trading.place_batch(requests, [BTC, BTC])
    assert [order["p"] for order in desk.action["orders"]] == ["84985", "83302"]
    assert [answer.status for answer in answers] == [OrderStatus.FILLED] * 2
    assert len(desk.rest.requests) == 2


async def test_a_market_order_that_cannot_be_bounded_is_not_sent(desk: Any) -> None:
    with pytest.raises(InvalidArgument, match="max_slippage"):
        await desk.connector.trading.place(market_buy(max_slippage=None), BTC)
    desk.rest.reply(json.dumps({"coin": "BTC", "time": 1, "levels": [[], []]}))
    with pytest.raises(InvalidArgument, match="nobody"):
        await desk.connector.trading.place(market_buy(), BTC)
    desk.rest.reply(RequestTimeout("late"))
    with pytest.raises(ConnectionFailed, match="nothing was sent") as caught:
        await desk.connector.trading.place(market_buy(), BTC)
    assert not caught.value.may_have_executed


NO_MATCH = {"error": "Order could not immediately match against any resting orders. asset=0"}


async def test_what_takes_at_once_and_finds_nothing_has_expired(desk: Any) -> None:
    desk.rest.reply(done(NO_MATCH), L2_BOOK, done(NO_MATCH), done(NO_MATCH))
    state = await desk.connector.trading.place(limit_buy(time_in_force="ioc"), BTC)
    assert (state.status, state.filled, state.venue_order_id) == (OrderStatus.EXPIRED, 0, None)
    assert "could not immediately match" in state.reason
    assert (await desk.connector.trading.place(market_buy(), BTC)).status is OrderStatus.EXPIRED
    with pytest.raises(InvalidOrder):
        await desk.connector.trading.place(limit_buy(), BTC)


async def test_a_refusal_is_raised_in_the_exchanges_words(desk: Any) -> None:
    desk.rest.reply(
        done({"error": "Post only order would have immediately matched, bbo was 1@2. asset=0"}),
        '{"status":"err","response":"Invalid nonce: duplicate nonce 1"}',
    )
    with pytest.raises(PostOnlyWouldTake, match="bbo was"):
        await desk.connector.trading.place(limit_buy(post_only=True), BTC)
    assert desk.action["orders"][0]["t"] == {"limit": {"tif": "Alo"}}
    with pytest.raises(DuplicateOrder) as caught:
        await desk.connector.trading.place(limit_buy(), BTC)
    assert caught.value.may_have_executed


@pytest.mark.parametrize("answer", ["waitingForFill", "waitingForTrigger"])
async def test_what_waits_is_pending(desk: Any, answer: str) -> None:
    desk.rest.reply(done(answer))
    stop = limit_buy(type="stop_loss_limit", trigger_price="69000")
    state = await desk.connector.trading.place(stop, BTC)
    assert (state.status, state.venue_order_id, state.raw_status) == (OrderStatus.PENDING, None, answer)
    assert desk.action["orders"][0]["t"] == {"trigger": {"isMarket": False, "triggerPx": "69000", "tpsl": "sl"}}


@pytest.mark.parametrize("statuses", [[], ["surprise"], [{}], [resting(), resting()]])
async def test_an_answer_nobody_knows_leaves_the_outcome_open(desk: Any, statuses: list[Any]) -> None:
    desk.rest.reply(done(*statuses))
    with pytest.raises(MalformedReply) as caught:
        await desk.connector.trading.place(limit_buy(), BTC)
    assert caught.value.may_have_executed


STRANGE = "0x" + "ab" * 16


@pytest.mark.parametrize("answer", [resting(5), filled("0.01", 5)])
async def test_an_answer_that_names_another_order_leaves_the_outcome_open(desk: Any, answer: dict[str, Any]) -> None:
    ((kind, said),) = answer.items()
    desk.rest.reply(done({kind: {**said, "cloid": STRANGE}}))
    with pytest.raises(MalformedReply, match=f"{STRANGE}: what became of a-1 is open") as caught:
        await desk.connector.trading.place(limit_buy(client_order_id="a-1"), BTC)
    assert caught.value.may_have_executed
    desk.rest.reply(ORDER, done({kind: {**said, "cloid": STRANGE}}))
    with pytest.raises(MalformedReply, match=f"{STRANGE}: what became of {CLOID} is open"):
        await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100)), BTC)


async def test_an_answer_may_write_the_cloid_in_upper_case(desk: Any) -> None:
    desk.rest.reply(done({"resting": {"oid": 5, "cloid": "0x" + "AB" * 16}}))
    assert (await desk.connector.trading.place(limit_buy(client_order_id=STRANGE), BTC)).venue_order_id == "5"


async def test_answers_of_a_batch_that_are_out_of_place_count_only_where_they_name_their_order(desk: Any) -> None:
    first, second, third, fourth = ("0x" + f"{n:032x}" for n in range(1, 5))
    answers = [
        {"resting": {"oid": 1, "cloid": second}},
        {"error": "Order has zero size. asset=0"},
        resting(3),
        {"resting": {"oid": 4, "cloid": fourth}},
    ]
    desk.rest.reply(done(*answers))
    requests = [limit_buy(client_order_id=name) for name in (first, second, third, fourth)]
    states = await desk.connector.trading.place_batch(requests, [BTC] * 4)
    assert [type(state) for state in states] == [MalformedReply, MalformedReply, MalformedReply, OrderState]
    assert f"another order, {second}: what became of {first} is open" in str(states[0])
    assert f"out of place: what became of {third} is open" in str(states[2])
    assert states[3].venue_order_id == "4"
    orders = [open_order(client_order_id=name) for name in (first, second)]
    desk.rest.reply(ORDER, ORDER, done({"resting": {"oid": 5, "cloid": second}}, {"error": "Order was never placed"}))
    states = await desk.connector.trading.amend_batch(orders, [Amendment(price=D(68_100))] * 2, [BTC] * 2)
    assert [type(state) for state in states] == [MalformedReply] * 2
    assert desk.rest.last.path == "/exchange"  # a refusal that may be another's is not looked into


async def test_a_batch_keeps_its_order_and_tells_each_item(desk: Any) -> None:
    desk.rest.reply(done(resting(1), {"error": "Order has zero size. asset=0"}, filled("0.01", 3)))
    requests = [limit_buy(), limit_buy(), limit_buy(time_in_force="fok"), limit_buy()]
    answers = await desk.connector.trading.place_batch(requests, [BTC] * 4)
    assert [order["a"] for order in desk.action["orders"]] == [0, 0, 0]
    assert [type(answer) for answer in answers] == [OrderState, InvalidOrder, NotSupported, OrderState]
    assert [getattr(answer, "venue_order_id", None) for answer in answers] == ["1", None, None, "3"]


async def test_what_was_never_sent_is_not_in_doubt_with_the_rest_of_its_batch(desk: Any) -> None:
    lost = RequestTimeout("no reply")
    desk.rest.reply(lost)
    answers = await desk.connector.trading.place_batch([limit_buy(), market_buy(max_slippage=None)], [BTC, BTC])
    assert answers[0] is lost
    assert isinstance(answers[1], InvalidArgument)
    desk.rest.reply(ORDER, lost)
    orders = [open_order(time_in_force=TimeInForce.IOC), open_order()]
    answers = await desk.connector.trading.amend_batch(orders, [Amendment(price=D(68_100))] * 2, [BTC, BTC])
    assert isinstance(answers[0], NotSupported)
    assert answers[1] is lost


async def test_one_refusal_of_a_batch_counts_for_all(desk: Any) -> None:
    desk.rest.reply(done({"error": "Price too far from oracle"}))
    answers = await desk.connector.trading.place_batch([limit_buy(), limit_buy()], [BTC, BTC])
    assert [type(answer) for answer in answers] == [InvalidOrder, InvalidOrder]


async def test_a_batch_has_one_grouping(desk: Any) -> None:
    group = {"native": {"grouping": "normalTpsl"}}
    desk.rest.reply(done(resting(), "waitingForFill"))
    await desk.connector.trading.place_batch([limit_buy(**group), limit_buy(**group)], [BTC, BTC])
    assert desk.action["grouping"] == "normalTpsl"
    with pytest.raises(InvalidArgument, match="one grouping"):
        await desk.connector.trading.place_batch([limit_buy(**group), limit_buy()], [BTC, BTC])
    with pytest.raises(NotSupported):  # half a bracket is none
        await desk.connector.trading.place_batch(
            [limit_buy(**group), limit_buy(time_in_force="fok", **group)], [BTC] * 2
        )


async def test_batches_weigh_by_their_length(desk: Any) -> None:
    desk.rest.reply(done(*[resting(n) for n in range(81)]))
    await desk.connector.trading.place_batch([limit_buy()] * 81, [BTC] * 81)
    assert desk.weight == 3


async def test_cancel_by_order_id_or_by_cloid(desk: Any) -> None:
    desk.rest.reply(done("success", kind="cancel"), done("success", kind="cancel"))
    ref = OrderRef(CLOID, "77738308")
    assert await desk.connector.trading.cancel(ref, BTC) == Acknowledged(ref)  # nothing of what it has executed
    assert desk.action == {"type": "cancel", "cancels": [{"a": 0, "o": 77738308}]}
    assert desk.rest.last.lane is Lane.URGENT
    await desk.connector.trading.cancel(OrderRef(CLOID), BTC)
    assert desk.action == {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]}


async def test_cancels_of_both_kinds_keep_their_places(desk: Any) -> None:
    gone = {"error": "Order was never placed, already canceled, or filled. asset=0"}
    desk.rest.reply(done("success", gone, kind="cancel"), done("success", kind="cancel"))
    refs = [OrderRef(None, "1"), OrderRef(CLOID), OrderRef(None, "2")]
    answers = await desk.connector.trading.cancel_batch(refs, [BTC, TSLA, BTC])
    assert [type(answer) for answer in answers] == [Acknowledged, Acknowledged, OrderNotFound]
    assert desk.action["cancels"] == [{"asset": 110_000, "cloid": CLOID}]
    desk.rest.reply(done("success", "odd", kind="cancel"), RequestTimeout("late"))
    answers = await desk.connector.trading.cancel_batch(refs, [BTC, TSLA, BTC])
    assert [type(answer) for answer in answers] == [Acknowledged, RequestTimeout, MalformedReply]
    with pytest.raises(InvalidArgument, match="number"):
        await desk.connector.trading.cancel(OrderRef(None, "x"), BTC)
    with pytest.raises(InvalidArgument, match="name the order"):
        await desk.connector.trading.cancel(OrderRef(), BTC)


async def test_cancel_all_cancels_what_is_listed(desk: Any) -> None:
    listed = json.dumps([{**FULL_ORDER, "oid": 1}, {**FULL_ORDER, "coin": "ETH", "oid": 2}, {**FULL_ORDER, "oid": 3}])
    ended = answer_of({**FULL_ORDER, "oid": 3, "sz": "0.0"}, "filled")
    gone = {"error": "Order was never placed, already canceled, or filled. asset=0"}
    canceled = answer_of({**FULL_ORDER, "oid": 1, "sz": "0.006"}, "canceled")
    desk.rest.reply(listed, done("success", gone, kind="cancel"), canceled, ended)
    states = await desk.connector.trading.cancel_all(BTC)
    assert [(state.venue_order_id, str(state.status), state.filled) for state in states] == [
        ("1", "canceled", D("0.004")), ("3", "filled", D("0.01")),
    ]  # fmt: skip
    assert json.loads(desk.rest.requests[1].body)["action"]["cancels"] == [{"a": 0, "o": 1}, {"a": 0, "o": 3}]
    desk.rest.reply("[]")
    assert await desk.connector.trading.cancel_all(BTC) == []


async def test_cancel_all_tells_of_each_order_though_one_cannot_be_asked_for(desk: Any) -> None:
    listed = json.dumps([{**FULL_ORDER, "oid": 1}, {**FULL_ORDER, "oid": 3}])
    gone = {"error": "Order was never placed, already canceled, or filled. asset=0"}
    ended = answer_of({**FULL_ORDER, "oid": 3, "sz": "0.0"}, "filled")
    desk.rest.reply(listed, done("success", gone, kind="cancel"), RequestTimeout("no reply"), ended)

    states = await desk.connector.trading.cancel_all(BTC)

    assert [(state.venue_order_id, str(state.status)) for state in states] == [("1", "unknown"), ("3", "filled")]


async def test_an_order_that_reads_still_show_as_open_after_its_cancel_is_not_told_as_open(desk: Any) -> None:
    orders = [{**FULL_ORDER, "oid": oid} for oid in (1, 2, 3)]
    refused = {"error": "Vault not registered"}
    gone = {"error": "Order was never placed, already canceled, or filled. asset=0"}
    half = answer_of({**orders[0], "sz": "0.006"})
    desk.rest.reply(json.dumps(orders), done("success", gone, refused, kind="cancel"), half)
    desk.rest.reply(answer_of(orders[1]), answer_of(orders[2]))

    states = await desk.connector.trading.cancel_all(BTC)

    assert [(state.status, state.filled) for state in states] == [
        (OrderStatus.UNKNOWN, D("0.004")), (OrderStatus.UNKNOWN, D(0)), (OrderStatus.OPEN, D(0)),
    ]  # fmt: skip


def reports(*oids: int, status: str = "canceled", rest: str = "0.006") -> list[dict[str, Any]]:
    return [
        {"order": {**FULL_ORDER, "oid": oid, "sz": rest}, "status": status, "statusTimestamp": 3_000} for oid in oids
    ]


async def test_cancel_all_of_many_orders_asks_for_all_at_once_and_for_few_by_themselves(desk: Any) -> None:
    count = 300
    listed = json.dumps([{**FULL_ORDER, "oid": oid} for oid in range(count)])
    history = reports(*range(20, count)) + reports(*range(20), status="open")  # of 20 the end is not shown yet
    desk.rest.reply(listed, done(*["success"] * count, kind="cancel"), json.dumps(history))
    desk.rest.reply(*[answer_of({**FULL_ORDER, "oid": oid, "sz": "0.0"}, "filled") for oid in range(10)])

    states = await desk.connector.trading.cancel_all(BTC)

    assert [state.venue_order_id for state in states] == [str(oid) for oid in range(count)]
    assert [state.status for state in states] == [
        *[OrderStatus.FILLED] * 10, *[OrderStatus.UNKNOWN] * 10, *[OrderStatus.CANCELED] * (count - 20),
    ]  # fmt: skip
    assert {state.filled for state in states[10:]} == {D("0.004")}
    weight = sum(cost.amount for request in desk.rest.requests for cost in request.costs if cost.pool == "ip-weight")
    assert weight + sum(cost.amount for cost in desk.charges) < 100


async def test_cancel_all_of_many_orders_tells_of_each_though_none_can_be_asked_for(desk: Any) -> None:
    listed = json.dumps([{**FULL_ORDER, "oid": oid} for oid in range(11)])
    desk.rest.reply(listed, done(*["success"] * 11, kind="cancel"), *[RequestTimeout("late")] * 11)
    states = await desk.connector.trading.cancel_all(BTC)
    assert [state.status for state in states] == [OrderStatus.UNKNOWN] * 11


async def test_the_dead_mans_switch(desk: Any) -> None:
    ok = '{"status":"ok","response":{"type":"default"}}'
    desk.rest.reply(ok, ok)
    await desk.connector.trading.cancel_all_after(6, None)
    assert desk.action == {"type": "scheduleCancel", "time": 1_770_000_006_000}
    await desk.connector.trading.cancel_all_after(0, None)
    assert desk.action == {"type": "scheduleCancel"}
    with pytest.raises(InvalidArgument) as caught:  # the exchange wants 5 s when it has arrived
        await desk.connector.trading.cancel_all_after(5, None)
    assert caught.value.nearest == (0, 6)
    with pytest.raises(NotSupported):
        await desk.connector.trading.cancel_all_after(6, BTC)


async def test_an_amendment_is_one_modification_without_always_place(desk: Any) -> None:
    desk.rest.reply(ORDER, done(resting(5)))
    state = await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100), new_client_order_id="n"), BTC)
    order = {"a": 0, "b": True, "p": "68100", "s": "0.01", "r": False, "t": {"limit": {"tif": "Alo"}}, "c": CLOID}
    assert desk.action == {"type": "batchModify", "modifies": [{"oid": 77738308, "order": order}]}
    assert (state.venue_order_id, state.client_order_id, state.post_only) == ("5", CLOID, True)


async def test_an_amendment_asks_for_what_is_not_filled(desk: Any) -> None:
    standing = answer_of({**FULL_ORDER, "reduceOnly": True, "tif": "Alo"})
    desk.rest.reply(standing, done(resting(5)), standing)
    half = open_order(filled=D("0.004"), post_only=True, reduce_only=True)
    await desk.connector.trading.amend(half, Amendment(quantity=D("0.02")), BTC)
    order = desk.action["modifies"][0]["order"]
    assert (order["s"], order["r"], order["t"]) == ("0.016", True, {"limit": {"tif": "Alo"}})
    with pytest.raises(InvalidArgument, match="filled already"):
        await desk.connector.trading.amend(half, Amendment(quantity=D("0.004")), BTC)


@pytest.mark.parametrize(
    ("known", "change", "rest"),
    [
        ({}, {"price": D(68_100)}, "0.006"),
        ({"filled": D("0.005")}, {"price": D(68_100)}, "0.005"),  # a fill that the read does not show yet
        ({}, {"quantity": D("0.02")}, "0.016"),
        # 0.01 had filled before an earlier amendment, of which 0.004 of 0.01 have filled by now.
        ({"quantity": D("0.02"), "filled": D("0.01")}, {"price": D(68_100)}, "0.006"),
        ({"quantity": D("0.02"), "filled": D("0.01")}, {"quantity": D("0.03")}, "0.016"),
    ],
)
async def test_what_has_filled_unseen_is_not_asked_for_again(
    desk: Any, known: dict[str, Any], change: dict[str, Any], rest: str
) -> None:
    desk.rest.reply(answer_of({**FULL_ORDER, "sz": "0.006"}))
    if seen := known.get("filled") == D("0.005"):
        desk.rest.reply(done(resting(5)))
    else:
        desk.rest.reply(json.dumps([{**FILL_ROW, "sz": "0.004"}]), done(resting(5)))
    with localcontext(prec=1):
        state = await desk.connector.trading.amend(open_order(**known), Amendment(**change), BTC)
    assert json.loads(desk.rest.requests[0].body)["oid"] == 77738308
    assert (desk.action["modifies"][0]["order"]["s"], state.quantity, state.filled) == (rest, D(rest), 0)
    assert [fill.quantity for fill in state.fills] == ([] if seen else [D("0.004")])


async def test_an_order_that_was_placed_a_moment_ago_is_amended_once_it_is_shown(desk: Any) -> None:
    desk.rest.reply(UNKNOWN_OID, UNKNOWN_OID, ORDER, done(resting(5)))
    state = await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100)), BTC)
    assert (state.venue_order_id, desk.kernel.clock.slept_s) == ("5", [0.5, 0.5])


async def test_an_order_that_is_not_shown_is_not_amended(desk: Any) -> None:
    desk.rest.reply(*[UNKNOWN_OID] * 40)
    orders = [open_order(), open_order(venue_order_id="9")]
    answers = await desk.connector.trading.amend_batch(orders, [Amendment(price=D(68_100))] * 2, [BTC] * 2)
    assert [type(answer) for answer in answers] == [InvalidArgument] * 2  # proof: nothing was sent
    assert "77738308" in str(answers[0])
    assert {request.path for request in desk.rest.requests} == {"/info"}
    assert 3 <= sum(desk.kernel.clock.slept_s) <= 5  # for both together


async def test_what_was_read_before_another_order_of_the_batch_was_waited_for_is_read_again(desk: Any) -> None:
    orders = [open_order(), open_order(venue_order_id="9", client_order_id=None)]
    other = answer_of({**FULL_ORDER, "oid": 9, "cloid": None})
    meanwhile = json.dumps([{**FILL_ROW, "sz": "0.006"}])
    part = answer_of({**FULL_ORDER, "sz": "0.004"})
    desk.rest.reply(ORDER, UNKNOWN_OID, other, part, meanwhile, done(resting(5), resting(6)))
    states = await desk.connector.trading.amend_batch(orders, [Amendment(price=D(68_100))] * 2, [BTC] * 2)
    asked = [json.loads(request.body).get("oid") for request in desk.rest.requests]
    assert asked == [77738308, 9, 9, 77738308, None, None]  # then its fills, and the action
    assert [item["order"]["s"] for item in desk.action["modifies"]] == ["0.004", "0.01"]
    assert [state.venue_order_id for state in states] == ["5", "6"]
    assert [fill.quantity for fill in states[0].fills] == [D("0.006")]


@pytest.mark.parametrize(
    ("again", "kind", "said"),
    [
        ([answer_of({**FULL_ORDER, "sz": "0.004"}), "[]"], InvalidArgument, "lists the fills of 0 so far"),
        ([answer_of({**FULL_ORDER, "sz": "0.0"}, "filled")] * 2, OrderNotFound, "has ended"),
    ],
)
async def test_an_order_that_fills_while_another_is_waited_for_is_not_waited_for_in_turn(
    desk: Any, again: list[str], kind: type[Exception], said: str
) -> None:
    orders = [open_order(), open_order(venue_order_id="9", client_order_id=None)]
    other = answer_of({**FULL_ORDER, "oid": 9, "cloid": None})
    desk.rest.reply(ORDER, UNKNOWN_OID, other, *again, done(resting(6)))
    answers = await desk.connector.trading.amend_batch(orders, [Amendment(price=D(68_100))] * 2, [BTC] * 2)
    assert [type(answer) for answer in answers] == [kind, OrderState]
    assert said in str(answers[0])
    assert ([item["oid"] for item in desk.action["modifies"]], desk.kernel.clock.slept_s) == ([9], [0.5])


async def test_an_amendment_waits_for_the_fills_of_what_the_order_has_executed(desk: Any) -> None:
    part, more = answer_of({**FULL_ORDER, "sz": "0.006"}), answer_of({**FULL_ORDER, "sz": "0.005"})
    listed = json.dumps([{**FILL_ROW, "sz": "0.004", "tid": 1}, {**FILL_ROW, "sz": "0.002", "tid": 2}])
    desk.rest.reply(part, "[]", more, listed, done(resting(5)))
    state = await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100)), BTC)
    assert desk.action["modifies"][0]["order"]["s"] == "0.004"  # less what the fills prove, which came after the read
    assert [fill.quantity for fill in state.fills] == [D("0.004"), D("0.002")]
    assert desk.kernel.clock.slept_s == [0.5]


async def test_an_order_that_has_executed_more_than_its_fills_tell_is_not_amended(desk: Any) -> None:
    part = answer_of({**FULL_ORDER, "sz": "0.006"})
    desk.rest.reply(*[part, json.dumps([{**FILL_ROW, "sz": "0.001"}])] * 20)
    with pytest.raises(InvalidArgument, match=r"nothing was sent: 0\.004 .* fills of 0\.001 .* amend it again"):
        await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100)), BTC)
    assert {request.path for request in desk.rest.requests} == {"/info"}
    assert 3 <= sum(desk.kernel.clock.slept_s) <= 5  # the lag that was recorded, several times


async def test_an_order_that_has_ended_is_not_amended(desk: Any) -> None:
    gone = answer_of({**FULL_ORDER, "sz": "0.0"}, "filled")
    desk.rest.reply(gone, gone)
    with pytest.raises(OrderNotFound, match=r"nothing was sent.*filled"):
        await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100)), BTC)
    desk.rest.reply(answer_of(FULL_ORDER, "canceled"), answer_of({**FULL_ORDER, "oid": 9}))
    with pytest.raises(InvalidArgument, match="9 stands in place"):  # amended by somebody else
        await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100)), BTC)
    assert {request.path for request in desk.rest.requests} == {"/info"}


async def test_an_order_known_from_the_stream_alone_is_read_before_it_is_amended(desk: Any) -> None:
    seen = open_order(type=OrderType.UNKNOWN, client_order_id=None)
    desk.rest.reply(answer_of({**FULL_ORDER, "tif": "Alo", "cloid": None}), done(resting(5)))
    await desk.connector.trading.amend(seen, Amendment(price=D(68_100)), BTC)
    item = desk.action["modifies"][0]
    assert (item["oid"], item["order"]["t"], "c" in item["order"]) == (77738308, {"limit": {"tif": "Alo"}}, False)
    desk.rest.reply(RequestTimeout("late"))
    with pytest.raises(ConnectionFailed, match="nothing was sent"):
        await desk.connector.trading.amend(seen, Amendment(price=D(68_100)), BTC)


@pytest.mark.parametrize("made", [CLOID, "ours-1"])
async def test_the_amendment_of_an_order_without_a_client_order_id_can_be_found_when_its_answer_is_lost(
    desk: Any, made: str
) -> None:
    desk.rest.reply(answer_of({**FULL_ORDER, "cloid": None}), done(resting(5)))
    change = Amendment(price=D(68_100), new_client_order_id=made)
    state = await desk.connector.trading.amend(open_order(client_order_id=None), change, BTC)
    assert state.client_order_id == made
    cloid = desk.action["modifies"][0]["order"]["c"]
    desk.rest.reply(answer_of({**FULL_ORDER, "oid": 5, "cloid": cloid}))
    found = await desk.connector.trading.order(OrderRef(made), BTC)  # as the core looks
    assert (desk.sent["oid"], found.client_order_id) == (cloid, made)


@pytest.mark.parametrize(
    "changes",
    [
        {"time_in_force": TimeInForce.IOC},
        {"type": OrderType.STOP_LOSS_LIMIT, "trigger_price": D(1)},
        {"quantity": None},
    ],
)
async def test_what_cannot_be_amended_is_refused_before_sending(desk: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(NotSupported, match="cancel, then place"):
        await desk.connector.trading.amend(open_order(**changes), Amendment(price=D(1)), BTC)
    assert desk.rest.requests == []


async def test_amendments_of_a_batch_are_told_apart(desk: Any) -> None:
    orders = [open_order(), open_order(time_in_force=TimeInForce.IOC), open_order()]
    desk.rest.reply(ORDER, ORDER, done(resting(5), {"error": "Cannot modify canceled or filled order"}))
    answers = await desk.connector.trading.amend_batch(orders, [Amendment(price=D(1))] * 3, [BTC] * 3)
    assert [type(answer) for answer in answers] == [OrderState, NotSupported, OrderNotFound]


@pytest.mark.parametrize(
    ("left", "kind"),
    [
        (answer_of({**FULL_ORDER, "sz": "0.006"}, "canceled"), PartialFailure),
        (ORDER, PostOnlyWouldTake),
        (UNKNOWN_OID, PostOnlyWouldTake),
        (RequestTimeout("late"), PostOnlyWouldTake),
    ],
)
async def test_a_refused_amendment_says_whether_it_has_ended_the_order(
    desk: Any, left: Any, kind: type[Exception]
) -> None:
    refused = {"error": "Post only order would have immediately matched, bbo was 1@2. asset=0"}
    desk.rest.reply(ORDER, done(refused), left)
    with pytest.raises(kind, match="bbo was") as caught:
        await desk.connector.trading.amend(open_order(), Amendment(price=D(68_100)), BTC)
    assert desk.sent["oid"] == 77738308  # our id may lead to the new order, which was refused
    if isinstance(caught.value, PartialFailure):
        assert (caught.value.ended.status, caught.value.ended.filled) == (OrderStatus.CANCELED, D("0.004"))
        assert isinstance(caught.value.__cause__, PostOnlyWouldTake)


async def test_an_order_is_found_or_not(desk: Any) -> None:
    desk.rest.reply(ORDER, UNKNOWN_OID, ORDER)
    state = await desk.connector.trading.order(OrderRef(None, "77738308"), BTC)
    assert (desk.sent["oid"], desk.weight) == (77738308, 2)
    assert (state.type, state.status, state.created_ns, state.updated_ns) == (
        OrderType.LIMIT, OrderStatus.OPEN, 1_000 * MS, 2_000 * MS,
    )  # fmt: skip
    with pytest.raises(OrderNotFound):
        await desk.connector.trading.order(OrderRef(CLOID), BTC)
    with pytest.raises(OrderNotFound, match="not of ETH"):
        await desk.connector.trading.order(OrderRef(CLOID), ETH)


async def test_open_orders_are_asked_for_where_anything_trades(desk: Any) -> None:
    desk.rest.reply(json.dumps([FULL_ORDER, {**FULL_ORDER, "coin": "#12", "oid": 9}]), "[]")
    orders = await desk.connector.trading.open_orders(None)
    assert [json.loads(request.body).get("dex") for request in desk.rest.requests] == [None, "xyz"]
    assert [order.venue_order_id for order in orders] == ["77738308"]
    assert isinstance(desk.events[-1], ItemDropped)
    desk.rest.reply(json.dumps([{**FULL_ORDER, "coin": "xyz:TSLA"}]), json.dumps([FULL_ORDER]))
    assert len(await desk.connector.trading.open_orders(TSLA)) == 1
    assert desk.sent["dex"] == "xyz"
    assert await desk.connector.trading.open_orders(HYPE) == []


async def test_children_of_an_open_order_are_left_out_aloud(desk: Any) -> None:
    desk.rest.reply(json.dumps([{**FULL_ORDER, "children": [{"oid": 2, "coin": "BTC"}]}]))
    (order,) = await desk.connector.trading.open_orders(BTC)
    assert order.venue_order_id == "77738308"
    (dropped,) = (event for event in desk.events if isinstance(event, ItemDropped))
    assert ("77738308" in dropped.reason, '"oid": 2' in dropped.reason) == (True, True)


async def test_order_history_has_each_order_once_as_it_ended(desk: Any) -> None:
    def row(oid: int, status: str, at_ms: int, **more: Any) -> dict[str, Any]:
        return {"order": {**FULL_ORDER, "oid": oid, **more}, "status": status, "statusTimestamp": at_ms}

    rows = [
        row(3, "canceled", 9, timestamp=3),
        row(2, "filled", 5, timestamp=2, sz="0.0"),
        row(2, "open", 5, timestamp=2),
        row(1, "open", 1, timestamp=1),
        row(9, "open", 1, coin="ETH"),
    ]
    desk.rest.reply(json.dumps(rows), json.dumps(rows))
    page = await desk.connector.trading.orders_page(BTC, Span(2 * MS, 4 * MS), None, 100)
    assert [(state.venue_order_id, str(state.status)) for state in page.items] == [("2", "filled"), ("3", "canceled")]
    assert page.cursor is None
    newest = await desk.connector.trading.orders_page(BTC, Span(), None, 1)
    assert [state.venue_order_id for state in newest.items] == ["3"]


async def test_fills_page_by_time(desk: Any) -> None:
    full = [{**FILL_ROW, "time": 1_000 + n // 2, "tid": n, "coin": "BTC" if n % 2 else "#1"} for n in range(2_000)]
    desk.rest.reply(json.dumps(full), json.dumps([FILL_ROW]))
    page = await desk.connector.trading.account_fills_page(Span(1_000 * MS), None, 1_000)
    assert desk.sent == {"type": "userFillsByTime", "user": USER, "startTime": 1_000}
    assert (len(page.items), page.cursor) == (1_000, "1999")
    assert [cost.amount for cost in desk.charges] == [100]
    page = await desk.connector.trading.fills_page(BTC, Span(1_000 * MS), page.cursor, 1_000)
    (fill,) = page.items
    assert (fill.fee, fill.fee_asset, fill.liquidity, fill.client_order_id) == (D("0.378648"), "USDC", "taker", CLOID)
    assert page.cursor is None
    desk.rest.reply(json.dumps([FILL_ROW, {**FILL_ROW, "time": 9_000}]))
    newest = await desk.connector.trading.fills_page(BTC, Span(None, 6_000 * MS), None, 10)
    assert (desk.sent["type"], len(newest.items)) == ("userFills", 1)


async def test_a_page_full_of_fills_of_one_millisecond_is_not_told_as_all_of_them(desk: Any) -> None:
    full = json.dumps([{**FILL_ROW, "time": 1_000, "tid": n} for n in range(2_000)])
    desk.rest.reply(full, full, ORDER, full)
    page = await desk.connector.trading.fills_page(BTC, Span(500 * MS), None, 1_000)
    assert page.cursor == "1000"
    for ask in (
        desk.connector.trading.fills_page(BTC, Span(500 * MS), page.cursor, 1_000),
        desk.connector.trading.fills_of(open_order(), BTC),  # from 1000 on, too
    ):
        with pytest.raises(MalformedReply, match=r"not complete: 2000 fills .* millisecond 1000") as caught:
            await ask
        assert not caught.value.retryable


async def test_fills_of_one_order_are_looked_for_from_its_beginning(desk: Any) -> None:
    desk.rest.reply(ORDER, json.dumps([FILL_ROW, {**FILL_ROW, "oid": 1}]))
    fills = await desk.connector.trading.fills_of(open_order(), BTC)
    assert desk.sent["startTime"] == 1_000
    assert [fill.trade_id for fill in fills] == ["955441961359817"]


async def test_orders_over_the_socket(make_desk: Any) -> None:
    desk = await make_desk(order_entry="ws")

    def post(payload: Any, kind: str = "action") -> bytes:
        response = {"type": kind, "payload": payload}
        return json.dumps({"channel": "post", "data": {"id": 1, "response": response}}).encode()

    await desk.connector.trading.ready()
    desk.ws.replies.extend(
        [
            post(json.loads(done(resting()))),
            post(json.loads(done("success", kind="cancel"))),
            post("429 Too Many Requests: weight", "error"),
            post({"status": "err", "response": "Vault not registered"}),
            b'{"channel":"post"}',
            post({"status": "ok", "response": 5}),
        ]
    )
    assert (await desk.connector.trading.place(limit_buy(), BTC)).venue_order_id == "77738308"
    sent = json.loads(desk.ws.sent[0])
    assert (sent["method"], sent["id"], sent["request"]["type"]) == ("post", 1, "action")
    assert sent["request"]["payload"]["action"]["type"] == "order"
    assert {cost.pool for cost in desk.ws.costs[0]} >= {"ip-weight", "ws-messages"}
    assert isinstance(await desk.connector.trading.cancel(OrderRef(None, "1"), BTC), Acknowledged)
    assert desk.ws.names == ["order", "cancel"]
    for kind in (RateLimited, PermissionDenied, MalformedReply, MalformedReply):
        with pytest.raises(kind):
            await desk.connector.trading.place(limit_buy(), BTC)
    assert (desk.ws.opened, desk.rest.requests) == (1, [])


async def test_words_nobody_knows_are_kept(desk: Any) -> None:
    desk.rest.reply('{"status":"err","response":"The moon is too low"}')
    with pytest.raises(BadRequest, match="moon"):
        await desk.connector.trading.place(limit_buy(), BTC)
