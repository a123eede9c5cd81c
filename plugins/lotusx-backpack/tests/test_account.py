"""What the private streams say, and what is held."""

from __future__ import annotations

from decimal import Decimal as D, localcontext
from typing import Any

import msgspec
import pytest

from lotusx.errors import ItemRejected
from lotusx.model import (
    AccountEvent,
    BalanceEvent,
    Fill,
    FillEvent,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Liquidity,
    MarginMode,
    OrderEvent,
    OrderState,
    OrderStatus,
    OrderType,
    PositionEvent,
    Side,
    Symbol,
    VenueEvent,
)
from lotusx_backpack import account_conversions as convert, account_events as events, account_types as types
from lotusx_backpack.triggers import Triggers

SOL = Symbol("SOL", "USDC")
PERP = Symbol("SOL", "USDC", settle="USDC")
SYMBOLS = {"SOL_USDC": SOL, "SOL_USDC_PERP": PERP}
T_NS = 1_754_939_110_174_705_000

ACCEPTED: dict[str, Any] = {
    "e": "orderAccepted",
    "E": 1_754_939_110_175_879,
    "T": 1_754_939_110_174_705,
    "s": "SOL_USDC",
    "S": "Bid",
    "o": "LIMIT",
    "f": "GTC",
    "i": "4227",
    "c": 77,
    "X": "New",
    "q": "2",
    "Q": "300",
    "p": "150",
    "z": "0",
    "Z": "0",
    "t": None,
    "V": "RejectTaker",
    "r": False,
    "y": True,
    "O": "USER",
}
FILLED = ACCEPTED | {
    "e": "orderFill",
    "X": "Filled",
    "z": "2",
    "Z": "299",
    "t": 8_721,
    "l": "0.5",
    "L": "149.5",
    "m": False,
    "n": "0.0005",
    "N": "SOL",
    "y": False,
}


def symbol_of(venue_symbol: str) -> Symbol:
    try:
        return SYMBOLS[venue_symbol]
    except KeyError:
        raise ItemRejected(f"{venue_symbol} is not listed", field="s") from None


def message(stream: str, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"stream": stream, "data": data})


def order_events(data: dict[str, Any]) -> list[AccountEvent]:
    return events.to_order_events(
        message(events.ORDERS, data), 5, symbol_of, lambda number: f"our-{number}", Triggers().known_again
    )


def state_of(data: dict[str, Any]) -> OrderState:
    *_, last = order_events(data)
    assert isinstance(last, OrderEvent)
    return last.state


def test_accepted_order_is_one_event() -> None:
    (event,) = order_events(ACCEPTED)

    assert isinstance(event, OrderEvent)
    state = event.state
    assert (state.symbol, state.venue_order_id, state.client_order_id) == (SOL, "4227", "our-77")
    assert (state.side, state.type, state.status) == (Side.BUY, OrderType.LIMIT, OrderStatus.OPEN)
    assert (state.quantity, state.quote_quantity, state.price) == (D(2), None, D(150))
    assert (state.post_only, state.reduce_only, state.raw_type) == (True, False, "LIMIT")
    assert (state.updated_ns, state.version) == (T_NS, 1_754_939_110_175_879)
    assert state.fills == ()


def test_fill_comes_before_the_state_it_leads_to() -> None:
    first, second = order_events(FILLED)

    assert first == FillEvent(
        Fill(
            symbol=SOL,
            trade_id="8721",
            venue_order_id="4227",
            side=Side.BUY,
            price=D("149.5"),
            quantity=D("0.5"),  # the last match, not all of them
            exchange_ns=T_NS,
            client_order_id="our-77",
            fee=D("0.0005"),
            fee_asset="SOL",
            liquidity=Liquidity.TAKER,
            received_ns=5,
        )
    )
    assert isinstance(second, OrderEvent)
    assert (second.state.status, second.state.filled) == (OrderStatus.FILLED, D(2))
    assert (second.state.filled_quote, second.state.average_price) == (D(299), D("149.5"))


@pytest.mark.parametrize("part", ["t", "l", "L"])
def test_fill_that_lacks_a_part_is_rejected(part: str) -> None:
    with pytest.raises(ItemRejected, match="a fill without"):
        order_events(FILLED | {part: None})


def test_fill_without_a_fee_or_a_side_of_the_book_says_so() -> None:
    first, _ = order_events(FILLED | {"n": None, "N": None, "m": None})

    assert isinstance(first, FillEvent)
    assert (first.fill.fee, first.fill.fee_asset, first.fill.liquidity) == (None, None, None)


def test_pending_trigger_has_its_quantity_beside_the_trigger() -> None:
    pending = {"e": "triggerPlaced", "X": "TriggerPending", "P": "178.05", "Y": "20.03", "q": "0", "Q": "0", "c": None}

    state = state_of(ACCEPTED | pending)

    assert (state.status, state.type, state.trigger_price) == (OrderStatus.PENDING, OrderType.UNKNOWN, D("178.05"))
    assert (state.quantity, state.quote_quantity, state.client_order_id) == (D("20.03"), None, None)


def test_expired_order_keeps_its_reason() -> None:
    state = state_of(ACCEPTED | {"e": "orderExpired", "X": "Expired", "R": "PRICE_BAND"})

    assert (state.status, state.reason) == (OrderStatus.REJECTED, "PRICE_BAND")


def test_event_of_a_new_name_still_tells_the_state() -> None:
    assert state_of(ACCEPTED | {"e": "orderReplaced", "X": "Cancelled"}).status is OrderStatus.CANCELED


def test_order_of_the_system_is_announced_in_the_exchanges_words() -> None:
    data = FILLED | {"O": "LIQUIDATION_AUTOCLOSE", "c": None}

    first, *rest = order_events(data)

    assert first == VenueEvent("LIQUIDATION_AUTOCLOSE", {}, 5)
    assert isinstance(first, VenueEvent)
    assert first.raw == data
    assert [type(event) for event in rest] == [FillEvent, OrderEvent]


def test_symbol_that_is_not_listed_rejects_its_message() -> None:
    with pytest.raises(ItemRejected, match="NEW_USDC is not listed"):
        order_events(ACCEPTED | {"s": "NEW_USDC"})


POSITION: dict[str, Any] = {
    "B": "150.5",
    "E": 1_754_943_862_040_486,
    "M": "151",
    "P": "-0.25",
    "Q": "9",
    "T": 1_754_939_110_174_705,
    "b": "150.7",
    "e": "positionOpened",
    "f": "0.02",
    "i": 5_411,
    "l": "0",
    "m": "0.0125",
    "n": "1359",
    "p": "0",
    "q": "-2.5",
    "s": "SOL_USDC_PERP",
}


@pytest.mark.parametrize("kind", ["positionOpened", "positionAdjusted", None])
def test_position_is_its_net_quantity_also_in_the_first_messages(kind: str | None) -> None:
    data = {name: value for name, value in (POSITION | {"e": kind}).items() if value is not None}

    (event,) = events.to_position_events(message(events.POSITIONS, data), 5, symbol_of)

    assert isinstance(event, PositionEvent)
    (position,) = event.positions
    assert (position.symbol, position.kind, position.quantity) == (PERP, InstrumentKind.LINEAR, D("-2.5"))
    assert (position.entry_price, position.mark_price, position.unrealized_pnl) == (D("150.5"), D(151), D("-0.25"))
    assert (position.margin_mode, position.updated_ns) == (MarginMode.CROSS, T_NS)


def test_position_that_was_asked_for_has_no_liquidation_price_where_it_says_zero() -> None:
    fields = {"netQuantity": "2", "entryPrice": "150.5", "markPrice": "151", "pnlUnrealized": "1"}
    item = msgspec.convert(fields | {"symbol": "SOL_USDC_PERP", "estLiquidationPrice": "0"}, types.Position)
    other = msgspec.structs.replace(item, estLiquidationPrice="90.5")

    found = convert.to_position(item, symbol=PERP, as_of_ns=7)

    assert (found.quantity, found.entry_price, found.liquidation_price) == (D(2), D("150.5"), None)
    assert found.updated_ns == 7
    assert convert.to_position(other, symbol=PERP, as_of_ns=7).liquidation_price == D("90.5")


def test_streamed_balance_is_absolute_and_staked_counts_as_locked() -> None:
    data = {"e": "balanceUpdate", "E": 1, "T": 1_754_939_110_174_705, "a": "SOL", "A": "10", "L": "20", "S": "0.5"}

    (event,) = events.to_balance_events(message(events.BALANCES, data), 5)

    assert isinstance(event, BalanceEvent)
    (balance,) = event.balances
    assert (balance.asset, balance.wallet, balance.updated_ns) == ("SOL", "account", T_NS)
    assert (balance.free, balance.locked, balance.total) == (D(10), D("20.5"), D("30.5"))


def test_what_is_lent_is_a_wallet_of_its_own_and_the_total_is_all_that_is_owned() -> None:
    capital = {"SOL": types.Holding("1", "2", "4"), "USDC": types.Holding("0", "0", "0")}
    collateral = [
        types.CollateralAsset(
            symbol=asset, totalQuantity="0", availableQuantity="0", lendQuantity=lent, openOrderQuantity="0"
        )
        for asset, lent in (("SOL", "8"), ("USDC", "0"), ("BTC", "0.5"))
    ]

    balances = convert.to_balances(capital, collateral, as_of_ns=7)

    assert [(item.asset, item.wallet, item.free, item.locked, item.total) for item in balances] == [
        ("SOL", "account", D(1), D(6), D(7)),
        ("USDC", "account", D(0), D(0), D(0)),
        ("SOL", "lent", D(0), D(8), D(8)),
        ("BTC", "lent", D(0), D("0.5"), D("0.5")),
    ]
    assert {item.updated_ns for item in balances} == {7}


ACCOUNT = msgspec.convert(
    {
        "futuresMakerFee": "2",
        "futuresTakerFee": "5",
        "spotMakerFee": "-0.5",
        "spotTakerFee": "9.5",
        "leverageLimit": "10",
        "limitOrders": 3,
        "liquidating": False,
    },
    types.Account,
)


def instrument(symbol: Symbol) -> Instrument:
    kind = InstrumentKind.LINEAR if symbol.settle else InstrumentKind.SPOT
    return Instrument(symbol, "X", kind, InstrumentStatus.TRADING, None, None)


@pytest.mark.parametrize(
    ("symbol", "maker", "taker"), [(SOL, D("-0.00005"), D("0.00095")), (PERP, D("0.0002"), D("0.0005"))]
)
def test_fees_are_fractions_and_differ_by_product(symbol: Symbol, maker: D, taker: D) -> None:
    fees = convert.to_fees(ACCOUNT, instrument=instrument(symbol))

    assert (fees.symbol, fees.maker, fees.taker) == (symbol, maker, taker)


def test_leverage_is_the_accounts_limit() -> None:
    found = convert.to_leverage(ACCOUNT, symbol=PERP)

    assert (found.leverage, found.margin_mode, found.maximum) == (D(10), MarginMode.CROSS, None)


def test_funding_that_was_received_is_above_zero() -> None:
    item = types.FundingPayment("SOL_USDC_PERP", "-0.25", "0.0000125", "2025-07-27T14:00:00")

    paid = convert.to_funding_payment(item, symbol=PERP, received_ns=5)

    assert (paid.amount, paid.asset, paid.rate) == (D("-0.25"), "USDC", D("0.0000125"))
    assert (paid.exchange_ns, paid.received_ns) == (1_753_624_800_000_000_000, 5)
    with pytest.raises(ItemRejected, match="pays no funding"):
        convert.to_funding_payment(item, symbol=SOL, received_ns=5)


def test_callers_decimal_context_rounds_no_balance() -> None:
    with localcontext(prec=6):
        (held,) = convert.to_balances({"USDC": types.Holding("1234567.123456", "100000.5", "0.25")}, [], as_of_ns=0)

    assert (held.free, held.locked, held.total) == (D("1234567.123456"), D("100000.75"), D("1334567.873456"))


@pytest.mark.parametrize("locked", ["1E+200", "1E-200", "1E+9999999"])
def test_amounts_that_cannot_be_added_without_rounding_are_rejected(locked: str) -> None:
    with pytest.raises(ItemRejected, match="no amounts of one thing"):
        convert.to_balances({"USDC": types.Holding("1.5", locked, "0.25")}, [], as_of_ns=0)
