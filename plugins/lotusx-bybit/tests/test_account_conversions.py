"""Wallet, positions, fees, permissions, and the messages that carry them."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from bybit_documents import FILL, ORDER
from hypothesis import given, strategies as st

from lotusx.errors import ItemRejected
from lotusx.model import (
    BalanceEvent,
    FillEvent,
    InstrumentKind,
    MarginMode,
    OrderEvent,
    Position,
    PositionEvent,
    Symbol,
    VenueEvent,
)
from lotusx_bybit.v5 import account_conversions as convert, account_types
from lotusx_bybit.v5.category import Category

PERP = Symbol("ETH", "USDT", "USDT")
NUMBERS = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False).map(lambda value: format(value, "f"))
POSITION: dict[str, Any] = {
    "category": "linear",
    "symbol": "ETHUSDT",
    "positionIdx": 0,
    "tradeMode": 0,
    "side": "Sell",
    "size": "0.01",
    "entryPrice": "3641.075",
    "leverage": "30",
    "markPrice": "3641.33",
    "positionIM": "1.23480936",
    "liqPrice": "51764.83003276",
    "unrealisedPnl": "-0.00255",
    "updatedTime": "1762199125472",
}


def _position(category: Category = Category.LINEAR, **changes: Any) -> Position:
    item = msgspec.convert({**POSITION, **changes}, account_types.Position)
    return convert.to_position(item, symbol=PERP, category=category, margin_mode=MarginMode.CROSS)


def test_short_position_has_a_negative_quantity() -> None:
    found = _position()

    assert (found.quantity, found.kind) == (Decimal("-0.01"), InstrumentKind.LINEAR)
    assert (found.entry_price, found.mark_price) == (Decimal("3641.075"), Decimal("3641.33"))
    assert (found.liquidation_price, found.leverage) == (Decimal("51764.83003276"), Decimal(30))
    assert (found.unrealized_pnl, found.margin) == (Decimal("-0.00255"), Decimal("1.23480936"))
    assert (found.margin_mode, found.updated_ns) == (MarginMode.CROSS, 1_762_199_125_472_000_000)


@pytest.mark.parametrize(
    ("changes", "quantity"),
    [
        ({"side": "Buy"}, "0.01"),
        ({"side": "Sell"}, "-0.01"),
        ({"side": "Buy", "positionIdx": 1}, "0.01"),
        ({"side": "Sell", "positionIdx": 2}, "-0.01"),
        ({"side": "", "size": "0"}, "0"),
        ({"side": "", "size": "0", "positionIdx": 2}, "0"),
        ({"side": "", "size": ""}, "0"),
    ],
)
def test_sign_is_that_of_the_side_or_of_the_leg(changes: dict[str, Any], quantity: str) -> None:
    assert _position(**changes).quantity == Decimal(quantity)


@pytest.mark.parametrize("changes", [{"side": ""}, {"side": "None"}, {"positionIdx": 3}, {"size": "many"}])
def test_position_of_unknown_direction_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(ItemRejected):
        _position(**changes)


def test_position_that_does_not_say_which_leg_it_is_is_no_position() -> None:
    with pytest.raises(msgspec.ValidationError, match="positionIdx"):
        msgspec.convert(
            {name: value for name, value in POSITION.items() if name != "positionIdx"}, account_types.Position
        )


def test_what_portfolio_margin_leaves_out_is_none() -> None:
    found = _position(leverage="", liqPrice="", positionIM="", unrealisedPnl="", entryPrice="0", updatedTime="")

    assert (found.leverage, found.liquidation_price, found.margin, found.unrealized_pnl, found.entry_price) == (
        None,
    ) * 5
    assert found.updated_ns == 0


def test_rest_and_stream_spell_the_entry_price_their_own_way() -> None:
    assert _position(entryPrice="", avgPrice="27464.50441675").entry_price == Decimal("27464.50441675")


def test_inverse_position_counts_contracts() -> None:
    assert _position(Category.INVERSE, size="300").kind is InstrumentKind.INVERSE


@given(total=NUMBERS, locked=NUMBERS, orders=NUMBERS, positions=NUMBERS, bonus=NUMBERS)
def test_free_is_what_nothing_holds_and_never_below_zero(
    total: str, locked: str, orders: str, positions: str, bonus: str
) -> None:
    coin = account_types.Coin("USDT", total, locked, orders, positions, bonus)

    found = convert.to_balance(coin, updated_ms=5)

    held = Decimal(locked) + Decimal(orders) + Decimal(positions)
    assert (found.total, found.locked) == (Decimal(total), held)
    assert found.free == max(Decimal(0), Decimal(total) - held - Decimal(bonus))
    assert found.updated_ns == 5_000_000


def test_amounts_that_portfolio_margin_leaves_blank_are_zero() -> None:
    found = convert.to_balance(account_types.Coin("BTC", "0.5"), updated_ms=5)

    assert (found.asset, found.free, found.locked, found.total) == ("BTC", Decimal("0.5"), Decimal(0), Decimal("0.5"))


def test_fee_of_a_maker_may_be_a_rebate() -> None:
    fees = convert.to_fees(account_types.FeeRate("ETHUSDT", "0.0006", "-0.0001"), symbol=PERP)

    assert (fees.maker, fees.taker) == (Decimal("-0.0001"), Decimal("0.0006"))


def test_leverage_is_stated_by_a_flat_position_too() -> None:
    flat = msgspec.convert({**POSITION, "side": "", "size": "0"}, account_types.Position)

    found = convert.to_leverage(flat, symbol=PERP, margin_mode=MarginMode.CROSS, maximum=Decimal(100))

    assert (found.leverage, found.margin_mode, found.maximum) == (Decimal(30), MarginMode.CROSS, Decimal(100))
    with pytest.raises(ItemRejected, match="portfolio margin"):
        convert.to_leverage(msgspec.structs.replace(flat, leverage=""), symbol=PERP, margin_mode=MarginMode.CROSS)


@pytest.mark.parametrize(
    ("permissions", "spot", "derivatives"),
    [
        ({"Spot": ["SpotTrade"]}, True, False),
        ({"ContractTrade": ["Order", "Position"]}, False, True),
        ({"Derivatives": ["DerivativesTrade"]}, False, True),
        ({"ContractTrade": ["Position"]}, False, False),
        ({}, False, False),
    ],
)
def test_permission_to_trade_is_told_per_product(
    permissions: dict[str, list[str]], spot: bool, derivatives: bool
) -> None:
    info = account_types.KeyInfo(readOnly=0, permissions=permissions, ips=["1.2.3.4"])

    assert convert.to_permissions(info, {}, spot=True).trade is spot
    assert convert.to_permissions(info, {}, spot=False).trade is derivatives
    assert convert.to_permissions(info, {}, spot=True).ip_restricted is True


def test_read_only_key_neither_trades_nor_withdraws() -> None:
    granted = {"Spot": ["SpotTrade"], "Wallet": ["AccountTransfer", "Withdraw"]}

    reads = convert.to_permissions(account_types.KeyInfo(1, granted, ["*"]), {}, spot=True)
    writes = convert.to_permissions(account_types.KeyInfo(0, granted, ["*"]), {}, spot=True)

    assert (reads.read, reads.trade, reads.withdraw, reads.ip_restricted) == (True, False, False, False)
    assert (writes.trade, writes.withdraw) == (True, True)


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("ISOLATED_MARGIN", MarginMode.ISOLATED),
        ("REGULAR_MARGIN", MarginMode.CROSS),
        ("PORTFOLIO_MARGIN", MarginMode.CROSS),
        ("LUNAR_MARGIN", MarginMode.UNKNOWN),
    ],
)
def test_margin_mode_belongs_to_the_account(word: str, mode: MarginMode) -> None:
    assert convert.margin_mode_of(word) is mode


def _symbol_of(category: Category, venue_symbol: str) -> Symbol:
    if venue_symbol == "GONE":
        raise ItemRejected("not listed")
    return Symbol(venue_symbol, category.value, "X")


def _message(topic: str, *items: dict[str, Any]) -> bytes:
    return json.dumps({"id": "x", "topic": topic, "creationTime": 1_700_000_000_123, "data": items}).encode()


PERPS: dict[str, Any] = {"categories": (Category.LINEAR, Category.INVERSE), "symbol_of": _symbol_of}


def test_order_message_holds_the_orders_of_our_categories() -> None:
    message = _message(
        "order",
        {**ORDER, "category": "linear"},
        {**ORDER, "category": "inverse"},
        {**ORDER, "category": "spot"},
        {**ORDER, "category": "option", "symbol": "BTC-30DEC26-1400-C"},
    )

    events = convert.to_order_events(message, 9, **PERPS)

    assert all(isinstance(event, OrderEvent) for event in events)
    assert [event.state.symbol.quote for event in events if isinstance(event, OrderEvent)] == ["linear", "inverse"]


@pytest.mark.parametrize("category", ["", "lunar"])
def test_item_of_an_unknown_category_is_rejected(category: str) -> None:
    with pytest.raises(ItemRejected, match="unknown category"):
        convert.to_order_events(_message("order", {**ORDER, "category": category}), 9, **PERPS)


def test_item_of_an_unlisted_symbol_is_rejected() -> None:
    with pytest.raises(ItemRejected, match="not listed"):
        convert.to_order_events(_message("order", {**ORDER, "category": "linear", "symbol": "GONE"}), 9, **PERPS)


def test_only_trades_are_fills_and_the_rest_is_handed_on() -> None:
    adl = {**FILL, "category": "linear", "execType": "AdlTrade"}
    message = _message("execution", {**FILL, "category": "linear"}, adl, {**FILL, "category": "spot"})

    fill, other = convert.to_fill_events(message, 9, **PERPS)

    assert isinstance(fill, FillEvent)
    assert (fill.fill.trade_id, fill.fill.received_ns) == ("e-1", 9)
    assert other == VenueEvent("execution AdlTrade", adl, 9)
    assert isinstance(other, VenueEvent)
    assert other.raw == adl


def test_position_message_holds_both_legs_of_a_hedged_instrument() -> None:
    message = _message(
        "position",
        {**POSITION, "positionIdx": 1, "side": "Buy", "size": "2"},
        {**POSITION, "positionIdx": 2, "side": "Sell", "size": "1"},
    )

    (event,) = convert.to_position_events(message, 9, **PERPS, margin_mode=MarginMode.ISOLATED)

    assert isinstance(event, PositionEvent)
    assert [position.quantity for position in event.positions] == [2, -1]
    assert {position.margin_mode for position in event.positions} == {MarginMode.ISOLATED}
    assert convert.to_position_events(_message("position"), 9, **PERPS) == []


def test_wallet_message_holds_the_coins_that_changed() -> None:
    coins = [{"coin": "BTC", "walletBalance": "1"}, {"coin": "USDT", "walletBalance": "2", "locked": "0.5"}]

    (event,) = convert.to_balance_events(_message("wallet", {"accountType": "UNIFIED", "coin": coins}), 9)

    assert isinstance(event, BalanceEvent)
    assert [(balance.asset, balance.free) for balance in event.balances] == [("BTC", 1), ("USDT", Decimal("1.5"))]
    assert {balance.updated_ns for balance in event.balances} == {1_700_000_000_123_000_000}
    assert convert.to_balance_events(_message("wallet"), 9) == []


def test_callers_decimal_context_rounds_neither_balance_nor_position() -> None:
    coin = {"coin": "USDT", "walletBalance": "1234567.89", "locked": "0.01", "totalOrderIM": "100000.25"}

    with localcontext(prec=6):
        held = convert.to_balance(msgspec.convert(coin, account_types.Coin), updated_ms=0)
        one_way = _position(side="Sell", size="1234567.8").quantity
        leg = _position(side="", size="1234567.8", positionIdx=2).quantity

    assert (held.free, held.locked, held.total) == (Decimal("1134567.63"), Decimal("100000.26"), Decimal("1234567.89"))
    assert one_way == leg == Decimal("-1234567.8")


@pytest.mark.parametrize("locked", ["1E+200", "1E-200", "1E+9999999"])
def test_amounts_that_cannot_be_added_without_rounding_are_rejected(locked: str) -> None:
    coin = {"coin": "USDT", "walletBalance": "1234567.89", "locked": locked, "totalOrderIM": "0.1"}

    with pytest.raises(ItemRejected, match="no amounts of one thing"):
        convert.to_balance(msgspec.convert(coin, account_types.Coin), updated_ms=0)
