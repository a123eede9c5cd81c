"""What user data of USDⓈ-M futures says, as events of the model."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from binance_contracts import QUERIED, WAITING, stop_sell

from lotusx.errors import ItemRejected, RequestTimeout
from lotusx.kernel.orders.ledger import Ledger
from lotusx.model import (
    BalanceEvent,
    FillEvent,
    FundingEvent,
    Liquidity,
    MarginMode,
    OrderEvent,
    OrderStatus,
    OrderType,
    PositionEvent,
    PositionSide,
    VenueEvent,
)
from lotusx.orders.terms import asked_for
from lotusx_binance.perp import account_types as types, order_conversions as convert

MS = 1_000_000
HOUR = 3_600_000

ORDER: dict[str, Any] = {
    "s": "BTCUSDT", "c": "a-1", "S": "SELL", "o": "LIMIT", "f": "GTX", "q": "0.010", "p": "68300.0", "ap": "0",
    "sp": "0", "x": "NEW", "X": "NEW", "i": 28, "l": "0", "z": "0", "L": "0", "T": 207, "t": 0, "b": "0",
    "a": "0", "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH",
    "cp": False, "rp": "0", "pP": False, "si": 0, "ss": 0, "V": "EXPIRE_MAKER", "pm": "NONE", "gtd": 0, "er": "0",
}  # fmt: skip
TRADE = {**ORDER, "x": "TRADE", "X": "FILLED", "ap": "68300.0", "l": "0.010", "z": "0.010", "L": "68300.0",
         "n": "0.1366", "N": "USDT", "t": 11, "m": True}  # fmt: skip
ALGO: dict[str, Any] = {
    "caid": "a-1", "aid": 7, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL", "ps": "BOTH",
    "f": "GTC", "q": "0.010", "X": "NEW", "ai": "", "ap": "0", "aq": "0", "act": "0", "tp": "60000", "p": "0",
    "V": "EXPIRE_MAKER", "wt": "CONTRACT_PRICE", "pm": "NONE", "cp": False, "pP": False, "R": True, "tt": 0, "gtd": 0,
}  # fmt: skip
BALANCE = {"a": "USDT", "wb": "1000.5", "cw": "900.5", "bc": "-0.25"}
POSITION = {"s": "BTCUSDT", "pa": "-0.010", "ep": "68000", "bep": "0", "cr": "0", "up": "1.5", "mt": "isolated",
            "iw": "100", "ps": "SHORT"}  # fmt: skip


@pytest.fixture
def read(futures: Any) -> Any:
    (channel,) = futures.connector.account.channels()
    assert (channel.group, channel.private) == ("private", True)
    return lambda event: list(channel.convert(json.dumps(event).encode(), 9))


def order(**changes: Any) -> dict[str, Any]:
    return {"e": "ORDER_TRADE_UPDATE", "E": 210, "T": 207, "o": {**ORDER, **changes}}


def algo(**changes: Any) -> dict[str, Any]:
    return {"e": "ALGO_UPDATE", "E": 37, "T": 10 if changes.get("X", "NEW") == "NEW" else 30, "o": {**ALGO, **changes}}


def account(reason: str, **changes: Any) -> dict[str, Any]:
    return {"e": "ACCOUNT_UPDATE", "E": 9, "T": 8 * HOUR + 3, "a": {"m": reason, "B": [], "P": [], **changes}}


def test_a_new_order(read: Any) -> None:
    ((event),) = read(order())

    state = event.state
    assert (state.venue_order_id, state.client_order_id, state.status) == ("28", "a-1", OrderStatus.OPEN)
    assert (state.post_only, state.price, state.average_price, state.reason) == (True, 68_300, None, "")
    assert (state.updated_ns, state.position_side, state.trigger_price) == (207 * MS, None, None)


def test_a_fill_comes_before_the_state_it_made(read: Any) -> None:
    fill, state = read({"e": "ORDER_TRADE_UPDATE", "E": 210, "T": 207, "o": TRADE})

    assert isinstance(fill, FillEvent)
    assert isinstance(state, OrderEvent)
    assert (fill.fill.trade_id, fill.fill.fee, fill.fill.fee_asset) == ("11", Decimal("0.1366"), "USDT")
    assert (fill.fill.liquidity, fill.fill.client_order_id, fill.fill.received_ns) == (Liquidity.MAKER, "a-1", 9)
    assert (state.state.status, state.state.average_price) == (OrderStatus.FILLED, Decimal(68_300))


def test_a_message_may_be_wrapped_as_on_a_combined_stream(read: Any) -> None:
    (event,) = read({"stream": "key", "data": order()})

    assert isinstance(event, OrderEvent)


def test_a_liquidation_is_a_fill_without_a_fee(read: Any) -> None:
    events = read(order(**{**TRADE, "x": "CALCULATED", "n": None, "N": None, "c": "autoclose-1", "ps": "LONG"}))

    assert [type(event) for event in events] == [FillEvent, OrderEvent]
    assert (events[0].fill.fee, events[0].fill.client_order_id) == (None, "autoclose-1")
    assert events[1].state.position_side is PositionSide.LONG
    assert len(read(order(x="CALCULATED"))) == 1  # taken over, nothing executed yet


def test_an_expiry_says_why(read: Any) -> None:
    (event,) = read(order(x="EXPIRED", X="EXPIRED", er="9", sp=None))

    assert (event.state.status, event.state.reason) == (OrderStatus.EXPIRED, "er 9: the rest of a market order")


def test_an_amendment_is_the_order_with_other_terms(read: Any) -> None:
    (event,) = read(order(x="AMENDMENT", q="0.020"))

    assert (event.state.quantity, event.state.status) == (Decimal("0.020"), OrderStatus.OPEN)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NEW", "pending"),
        ("TRIGGERING", "pending"),
        ("CANCELED", "canceled"),
        ("EXPIRED", "expired"),
        ("ODD", "unknown"),
    ],
)
def test_a_conditional_order_as_it_waits(read: Any, word: str, status: str) -> None:
    (event,) = read(algo(X=word, rm="old words"))

    state = event.state
    assert (state.venue_order_id, state.client_order_id, state.status) == ("algo:7", "a-1", status)
    assert (state.type, state.trigger_price, state.price, state.reduce_only) == ("stop_loss", 60_000, None, True)
    assert state.reason == ("old words" if state.status.is_terminal else "")


def test_a_rejection_at_the_trigger_says_why(read: Any) -> None:
    (event,) = read(algo(X="REJECTED", rm="Margin is insufficient."))

    assert (event.state.status, event.state.reason) == (OrderStatus.REJECTED, "Margin is insufficient.")


def test_a_triggered_order_is_the_order_that_it_became(read: Any) -> None:
    became, ended = read(algo(X="TRIGGERED", ai="88937381063", act="MARKET"))

    assert (became.state.venue_order_id, became.state.client_order_id) == ("88937381063", "a-1")
    assert (became.state.status, became.state.type) == (OrderStatus.OPEN, OrderType.STOP_LOSS)
    assert (ended.state.venue_order_id, ended.state.status) == ("algo:7", OrderStatus.CANCELED)
    assert ended.state.reason == "it triggered, and is order 88937381063 now"
    became, _ = read(algo(X="TRIGGERED", ai="88937381063", aq="0.004"))
    assert (became.state.status, became.state.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.004"))


@pytest.mark.parametrize(
    ("word", "executed", "status"),
    [("FINISHED", "0.010", "filled"), ("FINISHED", "0.004", "unknown"), ("EXPIRED", "0", "expired")],
)
def test_the_end_of_what_it_became_is_told_as_far_as_it_is_known(
    read: Any, word: str, executed: str, status: str
) -> None:
    became, _ = read(algo(X=word, ai="88937381063", aq=executed))

    assert (became.state.status, became.state.raw_status) == (status, word)


@pytest.mark.parametrize(
    ("changes", "status", "filled"),
    [
        ({}, "pending", "0"),
        ({"X": "TRIGGERED", "ai": "88"}, "open", "0"),
        ({"X": "FINISHED", "ai": "88"}, "unknown", "0"),
        ({"X": "FINISHED", "ai": "88", "aq": "0.5"}, "unknown", "0.5"),
    ],
)
def test_an_order_that_closes_the_position_is_not_filled_by_nothing(
    read: Any, changes: dict[str, Any], status: str, filled: str
) -> None:
    event, *_ = read(algo(q="0", cp=True, **changes))

    assert (event.state.status, event.state.quantity, event.state.filled) == (status, None, Decimal(filled))
    assert read(order(q="0", cp=True))[0].state.quantity is None


def test_an_order_of_no_quantity_is_not_filled_by_nothing(read: Any) -> None:
    event, *_ = read(algo(q="0", X="FINISHED", ai="88"))

    assert event.state.status is OrderStatus.UNKNOWN


def test_events_of_what_it_became_carry_our_id_and_kind(read: Any) -> None:
    read(algo(X="TRIGGERED", ai="28"))

    fill, state = read(order(**{**TRADE, "c": "made-by-the-exchange", "ot": "MARKET"}))

    assert (fill.fill.client_order_id, state.state.client_order_id) == ("a-1", "a-1")
    assert (state.state.type, state.state.trigger_price) == (OrderType.STOP_LOSS, 60_000)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("at_once", [False, True], ids=["later", "in the same millisecond"])
def test_a_stop_is_one_order_through_its_trigger_in_whichever_order_that_is_told(
    read: Any, late: bool, at_once: bool
) -> None:
    ledger = Ledger()
    tracked = ledger.open(asked_for(stop_sell()))
    triggered = algo(X="TRIGGERED", ai="28")
    filled = order(**{**TRADE, "c": "made-by-the-exchange", "ot": "STOP_MARKET", "o": "MARKET", "p": "0", "T": 40})
    waiting = algo() | ({"T": 30} if at_once else {})
    for event in [
        waiting,
        *([filled, triggered] if late else [triggered, filled]),
        algo(X="FINISHED", ai="28", aq="0.010"),
    ]:
        for told in read(event):
            if isinstance(told, OrderEvent):
                ledger.apply_state(told.state)
            else:
                ledger.apply_fill(told.fill)

        assert not tracked.finished or tracked.filled_by_fills == Decimal("0.010")

    state = tracked.state
    assert (state.status, state.filled, state.venue_order_id) == (OrderStatus.FILLED, Decimal("0.010"), "28")
    assert [fill.trade_id for fill in tracked.fills.values()] == ["11"]
    assert (state.type, tracked.client_order_id, tracked.finished) == (OrderType.STOP_LOSS, "a-1", True)
    assert len(ledger) == 1


def test_a_stop_that_is_asked_for_is_one_order_though_its_child_was_created_with_it() -> None:
    ledger = Ledger()
    tracked = ledger.open(asked_for(stop_sell()))
    symbol = stop_sell().symbol
    waiting = convert.to_conditional(msgspec.convert(WAITING, types.AlgoOrder), symbol=symbol)
    child = {**QUERIED, "side": "SELL", "status": "FILLED", "executedQty": "0.010", "time": 1_000, "updateTime": 5_000}
    ledger.apply_state(waiting)
    became = convert.to_order(msgspec.convert(child, types.Order), symbol=symbol)
    ledger.apply_state(convert.to_triggered(became, waiting))

    assert (tracked.state.status, tracked.state.venue_order_id) == (OrderStatus.FILLED, "28")
    assert tracked.state.created_ns == 1_000 * MS


def test_a_stop_placed_elsewhere_ends_when_it_triggers_and_its_order_is_another(read: Any) -> None:
    ledger = Ledger()
    told = [event for document in (algo(), algo(X="TRIGGERED", ai="28"), order(**TRADE)) for event in read(document)]
    for event in told:
        if isinstance(event, OrderEvent):
            ledger.apply_state(event.state)

    assert ledger.unfinished() == []
    assert len(ledger) == 2


def test_remembered_orders_are_bounded(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotusx_binance.perp.account_events.CHILDREN_KNOWN", 1)
    read(algo(X="TRIGGERED", ai="28"))
    read(algo(X="TRIGGERED", ai="29", caid="a-2"))

    assert read(order(c="x"))[0].state.client_order_id == "x"
    assert read(order(c="x", i=29))[0].state.client_order_id == "a-2"


def test_balances_are_absolute(read: Any) -> None:
    (event,) = read(account("ORDER", B=[BALANCE]))

    assert isinstance(event, BalanceEvent)
    (balance,) = event.balances
    assert (balance.asset, balance.total, balance.free) == ("USDT", Decimal("1000.5"), Decimal("900.5"))
    assert balance.locked == 100


def test_positions_are_signed_and_sided(read: Any) -> None:
    one_way = {**POSITION, "ps": "BOTH", "mt": "cross", "pa": "0", "ep": "0.0"}
    balances, positions = read(account("ORDER", B=[BALANCE], P=[POSITION, one_way]))

    assert isinstance(balances, BalanceEvent)
    assert isinstance(positions, PositionEvent)
    short, none = positions.positions
    assert (short.quantity, short.side, short.entry_price) == (Decimal("-0.010"), PositionSide.SHORT, Decimal(68_000))
    assert (short.margin_mode, short.margin, short.unrealized_pnl) == (
        MarginMode.ISOLATED,
        Decimal(100),
        Decimal("1.5"),
    )
    assert (none.quantity, none.side, none.entry_price, none.margin) == (Decimal(0), None, None, None)


async def in_mode(futures: Any, *, hedge: bool) -> Any:
    """Return what reads messages of an account of that position mode."""
    futures.rest.reply(json.dumps({"canTrade": True, "dualSidePosition": hedge, "multiAssetsMargin": False}))
    await futures.connector.account.prepare()
    (channel,) = futures.connector.account.channels()
    return lambda event: list(channel.convert(json.dumps(event).encode(), 9))


def cross_fee(amount: str = "-0.25") -> dict[str, Any]:
    return account("FUNDING_FEE", S="BTCUSDT", B=[{**BALANCE, "bc": amount}])  # of a cross position: no P


@pytest.mark.anyio
@pytest.mark.parametrize("changes", [{"S": "BTCUSDT"}, {"P": [{**POSITION, "ps": "BOTH"}]}])
async def test_funding_is_of_the_hour_in_which_it_was_booked(futures: Any, changes: dict[str, Any]) -> None:
    read = await in_mode(futures, hedge=False)
    event, *_ = read(account("FUNDING_FEE", B=[BALANCE], **changes))

    assert isinstance(event, FundingEvent)
    payment = event.payment
    assert (str(payment.symbol), payment.amount, payment.asset) == ("BTC/USDT:USDT", Decimal("-0.25"), "USDT")
    assert (payment.exchange_ns, payment.received_ns) == (8 * HOUR * MS, 9)


@pytest.mark.anyio
async def test_funding_of_a_cross_position_in_hedge_mode_has_to_be_asked_for(futures: Any) -> None:
    read = await in_mode(futures, hedge=True)
    for amount in ("-10.00", "7.50"):  # LONG pays and SHORT gets: one of them is not what was paid
        with pytest.raises(ItemRejected, match="both are told as one"):
            read(cross_fee(amount))


def test_funding_has_to_be_asked_for_while_the_position_mode_is_not_known(read: Any) -> None:
    with pytest.raises(ItemRejected, match="both are told as one"):
        read(cross_fee())


@pytest.mark.anyio
async def test_the_position_mode_shows_in_the_positions_that_are_told(futures: Any) -> None:
    read = await in_mode(futures, hedge=False)
    read(account("ORDER", P=[{**POSITION, "pa": "0"}]))  # none: it proves nothing
    assert isinstance(read(cross_fee())[0], FundingEvent)
    read(account("ORDER", P=[POSITION, {**POSITION, "pa": "0", "ps": "BOTH"}]))
    with pytest.raises(ItemRejected, match="both are told as one"):
        read(cross_fee())
    read(account("ORDER", P=[{**POSITION, "ps": "BOTH"}]))
    assert isinstance(read(cross_fee())[0], FundingEvent)


@pytest.mark.anyio
async def test_the_stream_opens_though_the_position_mode_cannot_be_asked_for(futures: Any) -> None:
    futures.rest.reply(RequestTimeout("late"))
    await futures.connector.account.prepare()
    (channel,) = futures.connector.account.channels()
    with pytest.raises(ItemRejected, match="both are told as one"):
        channel.convert(json.dumps(cross_fee()).encode(), 9)


@pytest.mark.parametrize("side", ["LONG", "SHORT"])
def test_funding_of_one_of_two_positions_has_to_be_asked_for(read: Any, side: str) -> None:
    with pytest.raises(ItemRejected, match="both are told as one"):
        read(account("FUNDING_FEE", S="BTCUSDT", B=[BALANCE], P=[{**POSITION, "ps": side}]))


@pytest.mark.anyio
async def test_funding_of_nobody_knows_what_has_to_be_asked_for(futures: Any) -> None:
    read = await in_mode(futures, hedge=False)
    with pytest.raises(ItemRejected, match="which symbol"):
        read(account("FUNDING_FEE", B=[BALANCE]))


@pytest.mark.parametrize("kind", ["MARGIN_CALL", "ACCOUNT_CONFIG_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT"])
def test_what_the_model_has_no_word_for_is_passed_on(read: Any, kind: str) -> None:
    document = {"e": kind, "E": 1, "ac": {"s": "BTCUSDT", "l": 25}}
    (event,) = read(document)

    assert isinstance(event, VenueEvent)
    assert (event.name, event.raw, event.received_ns) == (kind, document, 9)


@pytest.mark.parametrize("kind", ["TRADE_LITE", "GRID_UPDATE", "STRATEGY_UPDATE"])
def test_repetitions_and_other_services_are_no_news(read: Any, kind: str) -> None:
    assert read({"e": kind, "E": 1}) == []


@pytest.mark.parametrize("event", [order(), account("ORDER", P=[POSITION]), {"e": "SOMETHING_NEW"}])
def test_coin_margined_futures_are_no_part_of_this_exchange(read: Any, event: dict[str, Any]) -> None:
    assert read({**event, "st": 2}) == []


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"e": "SOMETHING_NEW"}, "SOMETHING_NEW"),
        (order(s="NEWUSDT"), "NEWUSDT"),
        (order(S="LEFT"), "'LEFT'"),
        (algo(s="NEWUSDT"), "NEWUSDT"),
        (account("ORDER", P=[{**POSITION, "s": "NEWUSDT"}]), "NEWUSDT"),
        (account("ORDER", P=[{**POSITION, "ps": "LEFT"}]), "'LEFT'"),
    ],
)
def test_what_cannot_be_understood_is_rejected_and_asked_for(read: Any, event: dict[str, Any], words: str) -> None:
    with pytest.raises(ItemRejected, match=words):
        read(event)
