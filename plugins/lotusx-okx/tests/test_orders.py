"""Orders: what is written, what is read, what goes over the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import okx_documents as documented
import pytest
from okx_desk import Desk, MakeDesk

from lotusx.errors import (
    ConnectionFailed,
    InsufficientFunds,
    InvalidArgument,
    ItemRejected,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    PartialFailure,
)
from lotusx.model import (
    FillEvent,
    Instrument,
    Liquidity,
    OrderEvent,
    OrderRequest,
    OrderState,
    OrderStatus,
    OrderType,
    PositionSide,
    QuantityUnit,
    Side,
    TimeInForce,
    VenueEvent,
)
from lotusx.plugin import Acknowledged, Amendment, OrderRef, Span
from lotusx_okx import account_conversions, account_types, order_conversions as convert
from lotusx_okx.client_ids import ClientIds
from lotusx_okx.order_requests import Setup, order_body

D = Decimal
SWAP, SPOT = documented.SWAP, documented.SPOT
NET, HEDGED = Setup("2", hedged=False), Setup("2", hedged=True)
CONFIG, DONE = documented.reply(documented.CONFIG), documented.reply(documented.DONE)
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # nothing here waits


def limit(symbol: str = "BTC/USDT:USDT", **more: Any) -> OrderRequest:
    values = {"client_order_id": "b15", **more}
    return OrderRequest.limit(symbol, values.pop("side", "buy"), "0.02", "60000", **values)


def written(request: OrderRequest, instrument: Instrument = SWAP, setup: Setup = NET) -> dict[str, Any]:
    return dict(order_body(request, instrument, setup, ClientIds()))


LIMIT = {
    "instId": "BTC-USDT-SWAP",
    "tdMode": "cross",
    "side": "buy",
    "ordType": "limit",
    "sz": "2",
    "clOrdId": "b15",
    "px": "60000",
}


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        ({}, {}),
        ({"post_only": True}, {"ordType": "post_only"}),
        ({"time_in_force": TimeInForce.IOC}, {"ordType": "ioc"}),
        ({"time_in_force": TimeInForce.FOK}, {"ordType": "fok"}),
        ({"reduce_only": True, "side": "sell"}, {"reduceOnly": True, "side": "sell"}),
        ({"native": {"tdMode": "isolated", "tag": "desk7"}}, {"tdMode": "isolated", "tag": "desk7"}),
    ],
)
def test_a_limit_order_on_a_swap_counts_contracts(more: dict[str, Any], changes: dict[str, Any]) -> None:
    assert written(limit(**more)) == LIMIT | changes


def test_a_quantity_may_be_given_in_contracts() -> None:
    request = OrderRequest.limit("BTC/USDT:USDT", "buy", 2, 60000, quantity_unit=QuantityUnit.CONTRACTS)

    assert written(request)["sz"] == "2"


@pytest.mark.parametrize(("level", "mode"), [("1", "cash"), ("2", "cash"), ("3", "cross"), ("4", "cross")])
def test_spot_is_traded_in_the_mode_of_the_account(level: str, mode: str) -> None:
    body = written(limit("BTC/USDT"), SPOT, Setup(level, hedged=False))

    assert (body["tdMode"], body["sz"], "tgtCcy" in body) == (mode, "0.02", False)


@pytest.mark.parametrize(
    ("level", "asked"),
    [("1", "isolated"), ("2", "cross"), ("2", "isolated"), ("3", "isolated"), ("3", "cash"), ("4", "isolated")],
)
def test_a_spot_order_in_another_mode_which_would_be_one_on_margin_is_refused(level: str, asked: str) -> None:
    setup = Setup(level, hedged=False)

    with pytest.raises(NotSupported, match=f"'tdMode': '{asked}'}} on spot"):
        written(limit("BTC/USDT", native={"tdMode": asked}), SPOT, setup)

    own = str(written(limit("BTC/USDT"), SPOT, setup)["tdMode"])
    assert written(limit("BTC/USDT", native={"tdMode": own}), SPOT, setup)["tdMode"] == own


async def test_nothing_is_sent_of_a_spot_order_on_margin(desk: Desk) -> None:
    desk.rest.reply(CONFIG, DONE)
    on_margin = limit("BTC/USDT", native={"tdMode": "cross"})

    with pytest.raises(NotSupported):
        await desk.connector.trading.place(on_margin, SPOT)
    (answer,) = await desk.connector.trading.place_batch([on_margin], [SPOT])

    assert isinstance(answer, NotSupported)
    assert desk.asked == ["GET /api/v5/account/config"]


def test_a_market_order_on_spot_says_what_it_counts() -> None:
    base = OrderRequest.market("BTC/USDT", "buy", "0.5")
    quote = OrderRequest.market("BTC/USDT", "buy", 100, quantity_unit=QuantityUnit.QUOTE)

    assert (written(base, SPOT)["tgtCcy"], written(base, SPOT)["sz"]) == ("base_ccy", "0.5")
    assert (written(quote, SPOT)["tgtCcy"], written(quote, SPOT)["sz"]) == ("quote_ccy", "100")


def test_long_short_mode_names_the_position() -> None:
    opening = limit(position_side=PositionSide.LONG)
    closing = limit(position_side=PositionSide.LONG, side="sell", reduce_only=True)

    assert written(opening, setup=HEDGED)["posSide"] == "long"
    assert written(closing, setup=HEDGED) == LIMIT | {"side": "sell", "posSide": "long"}


@pytest.mark.parametrize(
    ("request_", "instrument", "setup", "error"),
    [
        (limit(position_side=PositionSide.LONG), SWAP, NET, InvalidArgument),
        (limit(), SWAP, HEDGED, InvalidArgument),
        (limit(position_side=PositionSide.LONG, reduce_only=True), SWAP, HEDGED, InvalidArgument),
        (limit("BTC/USDT", reduce_only=True), SPOT, NET, NotSupported),
        (limit(native={"px": "1"}), SWAP, NET, InvalidArgument),
        (limit(native={"stpMode": "never"}), SWAP, NET, InvalidArgument),
        (limit(time_in_force=TimeInForce.GTD, expires_ns=2 * 10**18), SWAP, NET, NotSupported),
        (OrderRequest.market("BTC/USDT:USDT", "buy", 100, quantity_unit=QuantityUnit.QUOTE), SWAP, NET, NotSupported),
        (
            OrderRequest(
                symbol="BTC/USDT:USDT", side=Side.SELL, type=OrderType.STOP_LOSS, quantity=D(1), trigger_price=D(5)
            ),
            SWAP,
            NET,
            NotSupported,
        ),
        (limit(), documented.listed(documented.SWAP_LISTED | {"state": "post_only"}), NET, InvalidArgument),
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused_before_it_is_sent(
    request_: OrderRequest, instrument: Instrument, setup: Setup, error: type[Exception]
) -> None:
    with pytest.raises(error):
        written(request_, instrument, setup)


# Client order ids


def test_an_id_that_okx_takes_goes_as_it_is_and_any_other_as_its_digest() -> None:
    ids = ClientIds()
    name = ids.wire("lx-abcdefgh")

    assert ids.wire("b15") == "b15"
    assert len(name) == 32
    assert name.isalnum()
    assert (ids.ours(name), ids.ours("b15"), ids.ours("")) == ("lx-abcdefgh", "b15", None)
    assert ClientIds().wire("lx-abcdefgh") == name  # the same in every run
    assert ClientIds().ours(name) == name


def test_ids_that_were_used_longest_ago_are_forgotten_first() -> None:
    ids = ClientIds(capacity=2)
    names = [ids.wire(f"a-{number}") for number in range(3)]

    assert [ids.ours(name) for name in names] == [names[0], "a-1", "a-2"]


# Reading


def order(**changes: Any) -> Any:
    item = msgspec.convert(documented.ORDER | changes, account_types.Order)
    return convert.to_order(item, instrument=SWAP, ids=ClientIds())


def test_an_order_is_read_in_base_units() -> None:
    state = order()

    assert (state.status, state.type, state.post_only) == (OrderStatus.OPEN, OrderType.LIMIT, True)
    assert (state.quantity, state.filled, state.price) == (D("0.075"), 0, D("13013.5"))
    assert (state.client_order_id, state.venue_order_id) == ("b15", "1752588852617379840")
    assert (state.created_ns, state.position_side, state.average_price) == (1724733617998 * 10**6, None, None)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("partially_filled", OrderStatus.PARTIALLY_FILLED),
        ("filled", OrderStatus.FILLED),
        ("canceled", OrderStatus.CANCELED),
        ("mmp_canceled", OrderStatus.CANCELED),
        ("thinking", OrderStatus.UNKNOWN),
    ],
)
def test_states_of_orders(word: str, status: OrderStatus) -> None:
    assert (order(state=word).status, order(state=word).raw_status) == (status, word)


@pytest.mark.parametrize(
    ("source", "reason", "told"),
    [("1", "", ""), ("31", "", "post-only"), ("99", "", "99"), ("2", "No margin", "No margin")],
)
def test_an_end_that_nobody_asked_for_has_its_reason(source: str, reason: str, told: str) -> None:
    state = order(state="canceled", cancelSource=source, cancelSourceReason=reason)

    assert told in state.reason
    assert bool(state.reason) == bool(told)


def test_an_order_of_a_position_that_nobody_knows_is_rejected() -> None:
    with pytest.raises(ItemRejected):
        order(posSide="sideways")


def test_a_market_order_that_spends_quote_has_no_quantity() -> None:
    item = msgspec.convert(
        documented.ORDER
        | {"instType": "SPOT", "instId": "BTC-USDT", "ordType": "market", "sz": "100", "tgtCcy": "quote_ccy"},
        account_types.Order,
    )
    state = convert.to_order(item, instrument=SPOT, ids=ClientIds())

    assert (state.quantity, state.quote_quantity) == (None, 100)


def test_a_fee_that_is_paid_is_above_zero() -> None:
    fill = convert.to_fill(
        msgspec.convert(documented.FILL, account_types.Fill), instrument=SPOT, ids=ClientIds(), received_ns=1
    )

    assert (fill.fee, fill.fee_asset, fill.liquidity) == (D("0.00000192834"), "BTC", Liquidity.TAKER)
    assert (fill.quantity, fill.trade_id, fill.client_order_id) == (D("0.00192834"), "744876980", None)


def streamed(**changes: Any) -> list[Any]:
    message = documented.private("orders", documented.ORDER_PUSH | changes)
    return account_conversions.to_order_events(message, 5, traded={SWAP.venue_symbol: SWAP}.get, ids=ClientIds())


def test_an_update_tells_its_fill_and_then_the_order() -> None:
    fill, state = streamed()

    assert isinstance(fill, FillEvent)
    assert (fill.fill.quantity, fill.fill.fee, fill.fill.liquidity) == (D("0.025"), D("0.0650675"), Liquidity.MAKER)
    assert isinstance(state, OrderEvent)
    assert (state.state.filled, state.state.status) == (D("0.025"), OrderStatus.PARTIALLY_FILLED)


def test_an_update_without_a_trade_tells_no_fill() -> None:
    assert [type(event) for event in streamed(tradeId="", fillSz="0", fillPx="")] == [OrderEvent]
    with pytest.raises(ItemRejected):
        streamed(fillSz="")


def test_what_the_exchange_did_is_announced_in_its_own_words() -> None:
    liquidation, *_ = streamed(category="full_liquidation")
    (option,) = streamed(instType="OPTION", instId="BTC-USD-260925-60000-C")
    (inverse,) = streamed(instId="BTC-USD-SWAP")

    assert isinstance(liquidation, VenueEvent)
    assert liquidation.name == "order full_liquidation SWAP"
    assert isinstance(option, VenueEvent)
    assert isinstance(inverse, VenueEvent)


# Over the wire


async def test_the_accounts_setup_is_asked_for_once(desk: Desk) -> None:
    desk.rest.reply(CONFIG, DONE, DONE)

    state = await desk.connector.trading.place(limit(), SWAP)
    await desk.connector.trading.place(limit(), SWAP)

    assert desk.asked == ["GET /api/v5/account/config", "POST /api/v5/trade/order", "POST /api/v5/trade/order"]
    assert desk.sent == LIMIT
    assert (state.status, state.venue_order_id, state.quantity) == (
        OrderStatus.PENDING,
        "312269865356374016",
        D("0.02"),
    )


async def test_nothing_is_sent_while_the_setup_cannot_be_read(desk: Desk) -> None:
    desk.rest.reply(ConnectionFailed("refused", sent=False))

    with pytest.raises(ConnectionFailed) as caught:
        await desk.connector.trading.place(limit(), SWAP)

    assert not caught.value.sent
    assert desk.asked == ["GET /api/v5/account/config"]


async def test_a_new_position_mode_is_written_from_then_on(desk: Desk) -> None:
    hedged = documented.reply(documented.CONFIG | {"posMode": "long_short_mode"})
    desk.rest.reply(CONFIG, documented.reply({"posMode": "long_short_mode"}), hedged, DONE)

    await desk.connector.trading.ready()
    await desk.connector.native.set_position_mode("long_short_mode")
    await desk.connector.trading.place(limit(position_side=PositionSide.SHORT), SWAP)

    assert desk.sent["posSide"] == "short"


async def test_demo_trading_says_so_in_every_request(make_desk: MakeDesk) -> None:
    desk = make_desk("demo")
    desk.rest.reply(CONFIG, DONE)

    await desk.connector.trading.place(limit(), SWAP)

    assert all(("x-simulated-trading", "1") in request.headers for request in desk.rest.requests)


async def test_a_refused_order_raises_its_own_reason(desk: Desk) -> None:
    failed = documented.reply(documented.DONE | {"sCode": "51008", "sMsg": "no money"}, code="1")
    desk.rest.reply(CONFIG, failed)

    with pytest.raises(InsufficientFunds, match="no money"):
        await desk.connector.trading.place(limit(), SWAP)


COMMANDS: list[Callable[[Desk], Awaitable[object]]] = [
    lambda desk: desk.connector.trading.place(limit(), SWAP),
    lambda desk: desk.connector.trading.amend(order(), Amendment(price=D("60001")), SWAP),
    lambda desk: desk.connector.trading.cancel(OrderRef("b15", "1752588852617379840"), SWAP),
    lambda desk: desk.connector.trading.cancel(OrderRef("b15"), SWAP),
]


@pytest.mark.parametrize("told", [{}, {"sCode": "51008", "sMsg": "no money"}], ids=["taken", "refused"])
@pytest.mark.parametrize("command", COMMANDS, ids=["place", "amend", "cancel", "cancel by our id"])
async def test_an_answer_that_names_another_order_says_nothing_of_the_one_that_was_meant(
    desk: Desk, command: Callable[[Desk], Awaitable[object]], told: dict[str, str]
) -> None:
    await asked_for_setup(desk)
    desk.rest.reply(documented.reply(done("z", "9", **told), code="1" if told else "0"))

    with pytest.raises(MalformedReply, match="another order") as caught:
        await command(desk)

    assert caught.value.sent  # it may have been executed


@pytest.mark.parametrize("command", COMMANDS[1:], ids=["amend", "cancel", "cancel by our id"])
async def test_a_refusal_that_names_no_order_is_of_the_one_that_was_meant(
    desk: Desk, command: Callable[[Desk], Awaitable[object]]
) -> None:
    gone = {"sCode": "51400", "sMsg": "Cancellation failed as the order does not exist."}
    desk.rest.reply(documented.reply(done("", "", **gone), code="1"))

    with pytest.raises(OrderNotFound):
        await command(desk)


async def asked_for_setup(desk: Desk) -> None:
    desk.rest.reply(CONFIG)
    await desk.connector.trading.ready()


async def test_a_batch_is_cut_into_twenties_and_answered_in_order(desk: Desk) -> None:
    rows = [documented.DONE | {"clOrdId": f"b{number}"} for number in range(23) if number != 5]
    rows[19] |= {"ordId": "", "sCode": "51008", "sMsg": "no money"}
    desk.rest.reply(CONFIG, documented.reply(*rows[:20], code="2"), documented.reply(*rows[20:]))
    requests = [limit(client_order_id=f"b{number}") for number in range(23)]
    requests[5] = limit(time_in_force=TimeInForce.GTD, expires_ns=2 * 10**18)

    answers = await desk.connector.trading.place_batch(requests, [SWAP] * 23)

    assert [index for index, item in enumerate(answers) if isinstance(item, Exception)] == [5, 20]
    assert isinstance(answers[5], NotSupported)
    assert isinstance(answers[20], InsufficientFunds)
    assert [request.costs[0].amount for request in desk.rest.requests[1:]] == [20, 2]


def done(client_order_id: str, venue_order_id: str, **more: str) -> dict[str, Any]:
    return documented.DONE | {"clOrdId": client_order_id, "ordId": venue_order_id, **more}


REFUSED = {"sCode": "51008", "sMsg": "no money"}


async def test_the_answers_of_a_batch_are_told_apart_by_the_orders_they_name(desk: Desk) -> None:
    desk.rest.reply(CONFIG, documented.reply(done("b", "2"), done("a", "", **REFUSED), code="2"))

    a, b = await desk.connector.trading.place_batch([limit(client_order_id=name) for name in "ab"], [SWAP] * 2)

    assert isinstance(a, InsufficientFunds)
    assert isinstance(b, OrderState)
    assert (b.client_order_id, b.venue_order_id) == ("b", "2")


async def test_cancels_that_are_answered_in_another_order_are_told_apart_by_the_exchanges_ids(desk: Desk) -> None:
    gone = {"sCode": "51400", "sMsg": "Cancellation failed as the order does not exist."}
    desk.rest.reply(documented.reply(done("", "2", **gone), done("", "1"), code="2"))

    first, second = await desk.connector.trading.cancel_batch([OrderRef("a", "1"), OrderRef("b", "2")], [SWAP] * 2)

    assert first == Acknowledged(OrderRef("a", "1"))
    assert isinstance(second, OrderNotFound)


@pytest.mark.parametrize(
    "rows",
    [
        [done("z", "9"), done("b", "2")],
        [done("b", "2"), done("b", "2")],
        [done("b", "2"), done("", "", **REFUSED)],
    ],
    ids=["another order's", "twice the same one's", "nobody's, and the other out of its place"],
)
async def test_an_order_of_a_batch_that_no_answer_names_is_in_doubt(desk: Desk, rows: list[dict[str, Any]]) -> None:
    desk.rest.reply(CONFIG, documented.reply(*rows, code="2"))

    answers = await desk.connector.trading.place_batch([limit(client_order_id=name) for name in "ab"], [SWAP] * 2)

    assert isinstance(answers[0], MalformedReply)
    assert answers[0].sent  # it may have been executed


async def test_one_order_of_a_batch_is_sent_as_one_order_by_whose_limit_it_is_counted(desk: Desk) -> None:
    trading = desk.connector.trading
    desk.rest.reply(CONFIG, documented.reply(done("b15", "1")), documented.reply(done("b15", "1")))
    desk.rest.reply(documented.reply(done("", "1")))

    (placed,) = await trading.place_batch([limit()], [SWAP])
    assert (desk.sent, desk.rest.last.costs[0].pool) == (LIMIT, "POST /api/v5/trade/order")
    assert isinstance(placed, OrderState)
    assert placed.venue_order_id == "1"

    (amended,) = await trading.amend_batch([placed], [Amendment(price=D(60001))], [SWAP])
    assert (desk.sent["newPx"], desk.rest.last.costs[0].pool) == ("60001", "POST /api/v5/trade/amend-order")
    assert isinstance(amended, OrderState)

    (ended,) = await trading.cancel_batch([OrderRef(None, "1")], [SWAP])
    assert (desk.sent["ordId"], desk.rest.last.costs[0].pool) == ("1", "POST /api/v5/trade/cancel-order")
    assert ended == Acknowledged(OrderRef(None, "1"))
    assert desk.rest.last.lane.value == "urgent"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (documented.reply(done("b15", "", **REFUSED), code="1"), InsufficientFunds),
        (documented.reply(done("z", "9")), MalformedReply),
        (documented.reply(), MalformedReply),
    ],
    ids=["refused", "another order's", "nobody's"],
)
async def test_the_answer_to_one_order_of_a_batch_is_its_own_or_none(
    desk: Desk, answer: str, error: type[Exception]
) -> None:
    desk.rest.reply(CONFIG, answer)

    (told,) = await desk.connector.trading.place_batch([limit()], [SWAP])

    assert isinstance(told, error)


async def test_answers_that_name_no_order_stand_in_the_order_of_the_batch(desk: Desk) -> None:
    desk.rest.reply(CONFIG, documented.reply(done("", "1"), done("", "", **REFUSED), code="2"))

    a, b = await desk.connector.trading.place_batch([limit(client_order_id=name) for name in "ab"], [SWAP] * 2)

    assert isinstance(a, OrderState)
    assert a.venue_order_id == "1"
    assert isinstance(b, InsufficientFunds)


async def test_an_amendment_states_the_whole_quantity_in_contracts(desk: Desk) -> None:
    desk.rest.reply(documented.reply(done("", documented.ORDER["ordId"])))
    change = Amendment(quantity=D("0.05"), price=D("60001"))

    state = await desk.connector.trading.amend(order(), change, SWAP)

    assert desk.sent == {
        "instId": "BTC-USDT-SWAP",
        "ordId": "1752588852617379840",
        "newSz": "5",
        "newPx": "60001",
    }
    assert (state.status, state.quantity) == (OrderStatus.PENDING, None)


async def test_a_cancel_is_acknowledged_and_urgent(desk: Desk) -> None:
    desk.rest.reply(DONE)

    found = await desk.connector.trading.cancel(OrderRef("b15", None), SWAP)

    assert found == Acknowledged(OrderRef("b15", None))
    assert desk.rest.last.lane.value == "urgent"


async def test_orders_canceled_together_that_cannot_be_asked_for_then_are_not_told_as_open(desk: Desk) -> None:
    busy = documented.reply(code="50011", msg="Rate limit reached.")
    desk.rest.reply(documented.reply(documented.ORDER), documented.reply(done("", documented.ORDER["ordId"])), busy)

    (state,) = await desk.connector.trading.cancel_all(SWAP)

    assert (state.venue_order_id, state.status) == (documented.ORDER["ordId"], OrderStatus.UNKNOWN)
    assert desk.asked[1:] == ["POST /api/v5/trade/cancel-order", "GET /api/v5/trade/order"]


async def test_of_more_orders_than_are_asked_for_after_a_cancel_nothing_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lotusx_okx.connector.trading.LOOKED_UP", 1)
    older, newer = documented.ORDER | {"ordId": "6", "clOrdId": ""}, documented.ORDER | {"ordId": "7", "clOrdId": ""}
    desk.rest.reply(documented.reply(newer, older), documented.reply(done("", "6"), done("", "7")))
    desk.rest.reply(documented.reply(older | {"state": "canceled"}))

    states = await desk.connector.trading.cancel_all(SWAP)

    assert [(state.venue_order_id, state.status) for state in states] == [
        ("6", OrderStatus.CANCELED),
        ("7", OrderStatus.UNKNOWN),
    ]


async def test_of_orders_canceled_together_those_that_could_not_be_are_named(desk: Desk) -> None:
    other = documented.ORDER | {"ordId": "7", "clOrdId": ""}
    refused = done("", documented.ORDER["ordId"], sCode="50001", sMsg="Service temporarily unavailable.")
    desk.rest.reply(documented.reply(documented.ORDER, other), documented.reply(done("", "7"), refused, code="2"))

    with pytest.raises(PartialFailure, match="not all orders were cancelled; those of BTC/USDT:USDT 7 were") as e:
        await desk.connector.trading.cancel_all(SWAP)  # what was answered second is the older one: they are sorted

    assert list(e.value.details) == [f"BTC/USDT:USDT {documented.ORDER['ordId']}"]


async def test_an_unknown_order_is_not_found(desk: Desk) -> None:
    desk.rest.reply(documented.reply(code="51603", msg="Order does not exist."))

    with pytest.raises(OrderNotFound):
        await desk.connector.trading.order(OrderRef("b15"), SWAP)


@pytest.mark.parametrize("seconds", [1, 9, 121])
async def test_a_deadline_that_okx_does_not_take_is_refused(desk: Desk, seconds: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await desk.connector.trading.cancel_all_after(seconds, None)
    assert caught.value.nearest == (10, 120)


async def test_inverse_swaps_are_not_traded(desk: Desk) -> None:
    with pytest.raises(NotSupported):
        await desk.connector.trading.order(OrderRef("b15"), documented.INVERSE)
    with pytest.raises(NotSupported):
        await desk.connector.market.order_book(documented.INVERSE, 5)


async def test_fills_are_read_backwards_page_by_page(desk: Desk) -> None:
    start_ms = 1_770_000_000_000 - 3_600_000

    def row(number: int) -> dict[str, Any]:
        at = str(start_ms + number)
        return documented.FILL | {"billId": str(number), "tradeId": str(number), "fillTime": at, "ts": at}

    desk.rest.reply(
        documented.reply(*[row(number) for number in range(150, 50, -1)]),
        documented.reply(*[row(number) for number in range(50, 0, -1)]),
    )

    page = await desk.connector.trading.fills_page(SPOT, Span(start_ns=start_ms * 10**6), None, 100)

    assert [fill.trade_id for fill in page.items] == [str(number) for number in range(1, 151)]
    assert page.cursor is None
    assert desk.rest.params["after"] == "51"
    assert set(desk.asked) == {"GET /api/v5/trade/fills"}


async def test_a_history_that_goes_on_where_it_was_is_not_told_as_complete(desk: Desk) -> None:
    at = str(1_770_000_000_000 - 1)
    bills = [documented.FILL | {"billId": str(n), "fillTime": at, "ts": at} for n in range(200, 100, -1)]
    desk.rest.reply(documented.reply(*bills), documented.reply(*bills))

    with pytest.raises(MalformedReply, match="a full page that should follow 101 ends with it") as caught:
        await desk.connector.trading.fills_page(SPOT, Span(start_ns=0), None, 100)

    assert not caught.value.retryable


async def test_what_is_older_comes_from_the_archive(desk: Desk) -> None:
    desk.rest.reply(documented.reply(), documented.reply(), documented.reply())
    long_ago = Span(start_ns=(1_770_000_000 - 30 * 86_400) * 10**9)

    await desk.connector.trading.fills_page(SPOT, long_ago, None, 100)
    await desk.connector.trading.orders_page(SPOT, long_ago, None, 100)

    assert desk.asked == [
        "GET /api/v5/trade/fills-history",
        "GET /api/v5/trade/orders-pending",
        "GET /api/v5/trade/orders-history-archive",
    ]
