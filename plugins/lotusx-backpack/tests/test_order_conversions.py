"""Orders and fills, from the exchange's words into the model's."""

from __future__ import annotations

from decimal import Decimal as D, localcontext
from typing import Any

import msgspec
import pytest

from lotusx.errors import ExchangeError, InsufficientFunds, ItemRejected, PostOnlyWouldTake, ReduceOnlyRejected
from lotusx.model import Liquidity, OrderRequest, OrderState, OrderStatus, OrderType, Side, Symbol, TimeInForce
from lotusx_backpack import account_types as types, order_conversions as convert

SOL = Symbol("SOL", "USDC")
PERP = Symbol("SOL", "USDC", settle="USDC")
CREATED_NS = 1_753_624_283_415_000_000

LIMIT: dict[str, Any] = {
    "id": "4227",
    "clientId": 77,
    "createdAt": 1_753_624_283_415,
    "symbol": "SOL_USDC",
    "side": "Ask",
    "orderType": "Limit",
    "price": "150.10",
    "quantity": "2",
    "postOnly": True,
    "reduceOnly": None,
    "executedQuantity": "0",
    "executedQuoteQuantity": "0",
    "status": "New",
    "timeInForce": "GTC",
    "triggerPrice": None,
    "triggerQuantity": None,
    "selfTradePrevention": "RejectTaker",
}


def ours(number: int) -> str:
    return f"our-{number}"


def order(as_of_ns: Any = None, **more: Any) -> OrderState:
    return convert.to_order(msgspec.convert(LIMIT | more, types.Order), symbol=SOL, ours=ours, as_of_ns=as_of_ns)


def test_resting_order() -> None:
    state = order()

    assert (state.symbol, state.venue_order_id, state.client_order_id) == (SOL, "4227", "our-77")
    assert (state.side, state.type, state.status) == (Side.SELL, OrderType.LIMIT, OrderStatus.OPEN)
    assert (state.price, state.quantity, state.filled) == (D("150.10"), D(2), D(0))
    assert (state.average_price, state.filled_quote, state.trigger_price) == (None, D(0), None)
    assert (state.time_in_force, state.post_only, state.reduce_only) == (TimeInForce.GTC, True, False)
    assert (state.created_ns, state.updated_ns) == (CREATED_NS, CREATED_NS)
    assert (state.raw_status, state.raw_type, state.raw_time_in_force) == ("New", "Limit", "GTC")


@pytest.mark.parametrize(
    ("word", "filled", "reason", "status"),
    [
        ("New", "0", None, OrderStatus.OPEN),
        ("New", "1", None, OrderStatus.PARTIALLY_FILLED),
        ("PartiallyFilled", "1", None, OrderStatus.PARTIALLY_FILLED),
        ("Filled", "2", None, OrderStatus.FILLED),
        ("Cancelled", "1", None, OrderStatus.CANCELED),
        ("Expired", "0", None, OrderStatus.EXPIRED),
        ("Expired", "0", "ImmediateOrCancel", OrderStatus.EXPIRED),
        ("Expired", "0", "PostOnlyTaker", OrderStatus.REJECTED),
        ("Expired", "0", "INSUFFICIENT_MARGIN", OrderStatus.REJECTED),
        ("Expired", "1", "InsufficientFunds", OrderStatus.EXPIRED),
        ("TriggerPending", "0", None, OrderStatus.PENDING),
        ("Triggered", "0", None, OrderStatus.OPEN),
        ("TriggerFailed", "0", None, OrderStatus.REJECTED),
        ("Paused", "0", None, OrderStatus.UNKNOWN),
    ],
)
def test_where_an_order_stands(word: str, filled: str, reason: str | None, status: OrderStatus) -> None:
    state = order(status=word, executedQuantity=filled, expiryReason=reason)

    assert (state.status, state.raw_status, state.reason) == (status, word, reason or "")


def test_average_price_is_what_was_spent_for_what_was_executed() -> None:
    with localcontext(prec=1):  # the caller's: it decides nothing
        state = order(status="Filled", executedQuantity="2", executedQuoteQuantity="300.3")

    assert (state.filled, state.filled_quote, state.average_price) == (D(2), D("300.3"), D("150.15"))


MARKET = {"orderType": "Market", "price": None, "postOnly": None}


@pytest.mark.parametrize(
    ("quantity", "in_quote", "expected"),
    [("2", "300", (D(2), None)), (None, "300", (None, D(300))), ("2", None, (D(2), None))],
)
def test_quote_quantity_was_ordered_only_where_no_quantity_was(
    quantity: str | None, in_quote: str | None, expected: tuple[D | None, D | None]
) -> None:
    state = order(**MARKET, quantity=quantity, quoteQuantity=in_quote)

    assert (state.quantity, state.quote_quantity) == expected
    assert (state.type, state.price, state.post_only) == (OrderType.MARKET, None, False)


@pytest.mark.parametrize(("size", "quantity"), [("1.5", D("1.5")), ("80%", None)])
def test_conditional_order_has_its_quantity_beside_the_trigger(size: str, quantity: D | None) -> None:
    state = order(quantity=None, triggerPrice="140", triggerQuantity=size, status="TriggerPending")

    assert (state.trigger_price, state.quantity, state.status) == (D(140), quantity, OrderStatus.PENDING)
    assert (state.type, state.raw_type) == (OrderType.UNKNOWN, "Limit")  # which way it triggers is not said


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"timeInForce": "GTX"}, "raw_time_in_force"), ({"orderType": "Iceberg"}, "raw_type")],
)
def test_unknown_word_stays_visible(fields: dict[str, str], name: str) -> None:
    state = order(**fields)

    assert getattr(state, name) in fields.values()
    assert "unknown" in (state.time_in_force, state.type)


@pytest.mark.parametrize(
    "fields",
    [{"side": "Both"}, {"price": "many"}, {"executedQuantity": "NaN"}, {"clientId": "abc"}, {"createdAt": "soon"}],
)
def test_what_decides_about_money_rejects_the_report_if_it_cannot_be_read(fields: dict[str, str]) -> None:
    with pytest.raises(ItemRejected):
        order(**fields)


@pytest.mark.parametrize("field", ["id", "side", "status", "executedQuantity", "orderType", "createdAt"])
def test_report_without_a_field_is_an_error_and_not_an_empty_one(field: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({name: value for name, value in LIMIT.items() if name != field}, types.Order)


@pytest.mark.parametrize("client_id", [None, ""])
def test_order_of_somebody_else_has_no_client_order_id(client_id: object) -> None:
    assert order(clientId=client_id).client_order_id is None


@pytest.mark.parametrize(
    ("as_of_ns", "updated_ns"), [(None, CREATED_NS), (CREATED_NS - 1, CREATED_NS), (CREATED_NS + 9, CREATED_NS + 9)]
)
def test_report_is_as_old_as_what_is_certain_of_it(as_of_ns: int | None, updated_ns: int) -> None:
    state = order(as_of_ns)

    assert (state.created_ns, state.updated_ns) == (CREATED_NS, updated_ns)


def test_history_states_times_as_text_and_ids_too() -> None:
    state = order(createdAt="2025-07-27T13:51:23.415", clientId="77")

    assert (state.created_ns, state.client_order_id) == (CREATED_NS, "our-77")


STOP = OrderRequest(
    symbol=SOL, side="buy", type="stop_loss_limit", quantity=1, price=150, trigger_price=160, client_order_id="a-1"
)
MAKER = OrderRequest.limit(SOL, "buy", 1, 150, post_only=True, client_order_id="a-2")


def answer(document: dict[str, Any], request: OrderRequest = STOP) -> object:
    raw = msgspec.Raw(msgspec.json.encode(document))
    return convert.to_batch_answer(raw, request, exchange="backpack", symbol=SOL, ours=ours)


def test_order_of_a_batch_that_was_taken_has_the_type_that_was_asked_for() -> None:
    state = answer(LIMIT | {"operation": "Ok", "triggerPrice": "140"})

    assert isinstance(state, OrderState)
    assert (state.type, state.venue_order_id) == (OrderType.STOP_LOSS_LIMIT, "4227")


EXPIRED = LIMIT | {"operation": "Ok", "status": "Expired", "executedQuantity": "0", "executedQuoteQuantity": "0"}


@pytest.mark.parametrize(
    ("request_", "more", "kind"),
    [
        (MAKER, {}, PostOnlyWouldTake),
        (MAKER, {"expiryReason": "PostOnlyMode"}, PostOnlyWouldTake),
        (MAKER, {"expiryReason": "InsufficientMargin"}, InsufficientFunds),
        (STOP, {"expiryReason": "ReduceOnlyNotReduced"}, ReduceOnlyRejected),
    ],
)
def test_success_that_is_a_refusal_is_one(
    request_: OrderRequest, more: dict[str, Any], kind: type[ExchangeError]
) -> None:
    error = answer(EXPIRED | more, request_)

    assert type(error) is kind
    assert not error.may_have_executed
    assert "order 4227" in str(error)


@pytest.mark.parametrize(
    ("request_", "more"),
    [
        (STOP, {}),  # nothing says why
        (MAKER, {"expiryReason": "SelfTradePrevention"}),
        (MAKER, {"executedQuantity": "0.1", "executedQuoteQuantity": "15"}),
    ],
)
def test_end_that_is_no_refusal_stays_an_end(request_: OrderRequest, more: dict[str, Any]) -> None:
    state = answer(EXPIRED | more, request_)

    assert isinstance(state, OrderState)
    assert state.status is OrderStatus.EXPIRED


def test_waiting_order_that_goes_on_under_another_id_has_ended_its_wait() -> None:
    waited = order(status="Triggered", relatedOrderId="9")
    working = order(status="Triggered")

    assert (waited.status, waited.raw_status, "9" in waited.reason) == (OrderStatus.CANCELED, "Triggered", True)
    assert working.status is OrderStatus.OPEN


def test_triggered_order_is_as_young_as_its_trigger() -> None:
    assert order(triggeredAt=CREATED_NS // 1_000_000 + 5).updated_ns == CREATED_NS + 5_000_000


def test_order_of_a_batch_that_was_refused_is_its_error() -> None:
    error = answer({"operation": "Err", "code": "INSUFFICIENT_FUNDS", "message": "Insufficient funds"})

    assert isinstance(error, InsufficientFunds)
    assert isinstance(answer({"operation": "Err", "code": "INVALID_ORDER"}), ExchangeError)


@pytest.mark.parametrize("document", [{}, {"operation": "Perhaps"}, LIMIT, {"operation": "Ok"}, {"operation": "Err"}])
def test_answer_of_another_form_leaves_open_what_became_of_the_order(document: dict[str, Any]) -> None:
    with pytest.raises(ItemRejected, match="not the answer to an order of a batch"):
        answer(document)


FILL: dict[str, Any] = {
    "tradeId": 8_721,
    "orderId": "4227",
    "clientId": "77",
    "symbol": "SOL_USDC",
    "side": "Bid",
    "price": "150.1",
    "quantity": "0.2",
    "fee": "0.0001",
    "feeSymbol": "SOL",
    "isMaker": False,
    "systemOrderType": None,
    "timestamp": "2025-07-27T13:51:23.415",
}


def test_fill_of_the_history() -> None:
    fill = convert.to_fill(msgspec.convert(FILL, types.Fill), symbol=SOL, ours=ours, received_ns=5)

    assert (fill.trade_id, fill.venue_order_id, fill.client_order_id) == ("8721", "4227", "our-77")
    assert (fill.side, fill.price, fill.quantity) == (Side.BUY, D("150.1"), D("0.2"))
    assert (fill.fee, fill.fee_asset, fill.liquidity) == (D("0.0001"), "SOL", Liquidity.TAKER)
    assert (fill.exchange_ns, fill.received_ns) == (CREATED_NS, 5)


def test_fill_without_a_trade_id_is_told_apart_by_what_happened_and_when() -> None:
    fields: tuple[dict[str, Any], ...]
    fields = ({}, {"orderId": "9"}, {"price": "151"}, {"quantity": "1"}, {"timestamp": "2025-07-27T13:51:23.416"})
    fills = [msgspec.convert(FILL | {"tradeId": None} | more, types.Fill) for more in fields]

    ids = {convert.to_fill(fill, symbol=SOL, ours=ours, received_ns=5).trade_id for fill in fills}

    assert len(ids) == len(fields)
