"""Raw values become exact model values, and nothing is guessed."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import ItemRejected
from lotusx.model import (
    InstrumentStatus,
    Interval,
    Side,
    Symbol,
    TickSize,
)
from lotusx_binance import conversions as convert, types

BTC = Symbol("BTC", "USDT")
NUMBERS = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False).map(lambda value: format(value, "f"))
TIMES = st.integers(1, 2_000_000_000_000)


def _symbol_document(**changes: Any) -> msgspec.Raw:
    document = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": "0.00001"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "90.00", "stepSize": "0.00000000"},
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "SOMETHING_NEW", "limit": 7},
        ],
        "aNewField": [1],
        **changes,
    }
    return msgspec.Raw(msgspec.json.encode(document))


def test_instrument_carries_its_rules_and_its_whole_document() -> None:
    instrument = convert.to_instrument(_symbol_document())

    assert instrument.symbol == BTC
    assert instrument.price_rule == TickSize(Decimal("0.01"), Decimal("0.01"), Decimal(1_000_000))
    assert (instrument.step_size, instrument.min_quantity, instrument.max_quantity) == (
        Decimal("0.00001"),
        Decimal("0.00001"),
        Decimal(9000),
    )
    # A zero step or minimum of MARKET_LOT_SIZE is no rule of its own.
    assert (instrument.market_step_size, instrument.market_min_quantity) == (None, None)
    assert instrument.market_max_quantity == Decimal(90)
    assert (instrument.min_notional, instrument.max_notional) == (Decimal(5), Decimal(9_000_000))
    assert instrument.min_notional_applies_to_market
    assert not instrument.max_notional_applies_to_market
    assert instrument.order_types == {"LIMIT", "MARKET"}
    assert instrument.raw["aNewField"] == [1]


def test_older_notional_filter_and_disabled_rules() -> None:
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.0", "maxPrice": "0", "tickSize": "0.00000000"},
        {"filterType": "MIN_NOTIONAL", "minNotional": "10.0", "applyToMarket": False, "avgPriceMins": 5},
    ]
    instrument = convert.to_instrument(_symbol_document(filters=filters))

    assert instrument.price_rule is None
    assert instrument.step_size is None
    assert instrument.min_notional == 10
    assert not instrument.min_notional_applies_to_market


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "HALT"}, InstrumentStatus.HALTED),
        ({"status": "BREAK"}, InstrumentStatus.HALTED),
        ({"status": "CANCEL_ONLY"}, InstrumentStatus.CANCEL_ONLY),
        ({"status": "END_OF_DAY"}, InstrumentStatus.CLOSED),
        ({"status": "MOON_PHASE"}, InstrumentStatus.UNKNOWN),
        ({"isSpotTradingAllowed": False}, InstrumentStatus.HALTED),
    ],
)
def test_status_that_is_new_stays_visible(changes: dict[str, Any], status: InstrumentStatus) -> None:
    instrument = convert.to_instrument(_symbol_document(**changes))

    assert instrument.status is status
    assert instrument.raw_status == changes.get("status", "TRADING")


def test_rule_without_its_number_is_rejected() -> None:
    with pytest.raises(ItemRejected, match="stepSize is missing"):
        convert.to_instrument(_symbol_document(filters=[{"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "2"}]))


@given(price=NUMBERS, quantity=NUMBERS, time=TIMES, maker_bought=st.booleans())
def test_trade_keeps_the_wire_text(price: str, quantity: str, time: int, maker_bought: bool) -> None:
    item = types.TradeEvent(t=5, p=price, q=quantity, T=time, m=maker_bought)
    trade = convert.to_trade(item, symbol=BTC, received_ns=7)

    assert (trade.price_text, trade.quantity_text) == (price, quantity)
    assert (trade.price, trade.quantity) == (Decimal(price), Decimal(quantity))
    assert trade.taker_side is (Side.SELL if maker_bought else Side.BUY)
    assert trade.exchange_ns == time * 1_000_000
    assert trade.received_ns == 7


@pytest.mark.parametrize("text", ["", "NaN", "inf", "1e999", "one", "0x10"])
def test_number_that_is_none_rejects_the_item(text: str) -> None:
    item = types.TradeEvent(t=5, p=text, q="1", T=1, m=True)

    with pytest.raises(ItemRejected):
        convert.to_trade(item, symbol=BTC, received_ns=0)


def test_empty_side_of_a_ticker_is_none_not_zero() -> None:
    raw = dict.fromkeys(types.DayTicker.__struct_fields__, "0.00000000")
    item = msgspec.convert(
        {**raw, "symbol": "BTCUSDT", "closeTime": 5, "count": 0, "priceChangePercent": "1.234"}, types.DayTicker
    )
    with localcontext(prec=1):  # the caller's: it decides nothing
        ticker = convert.to_ticker(item, symbol=BTC, received_ns=0)

    assert (ticker.bid_price, ticker.bid_quantity, ticker.ask_price, ticker.last_price) == (None, None, None, None)
    assert ticker.change_fraction == Decimal("0.01234")


def test_a_day_without_trades_has_no_prices() -> None:
    day = dict.fromkeys(types.DayTicker.__struct_fields__, "0.00000000") | {"lastPrice": "0.5", "closeTime": 5}
    event = dict.fromkeys(types.DayTickerEvent.__struct_fields__, "0.00000000") | {"c": "0.5", "E": 5}
    for ticker in (
        convert.to_ticker(msgspec.convert(day | {"count": 0}, types.DayTicker), symbol=BTC, received_ns=0),
        convert.to_ticker_event(msgspec.convert(event | {"n": 0}, types.DayTickerEvent), symbol=BTC, received_ns=0),
    ):
        assert (ticker.open_price, ticker.high_price, ticker.low_price, ticker.vwap) == (None, None, None, None)
        assert (ticker.last_price, ticker.base_volume, ticker.trade_count) == (Decimal("0.5"), 0, 0)


def test_candle_closes_when_its_last_millisecond_has_passed() -> None:
    row = msgspec.convert([1_000, "1", "2", "0.5", "1.5", "10", 1_999, "15", 3, "4", "6", "0"], types.Kline)
    running = convert.to_candle(row, symbol=BTC, interval=Interval.S1, now_ms=1_999, received_ns=0)
    closed = convert.to_candle(row, symbol=BTC, interval=Interval.S1, now_ms=2_000, received_ns=0)

    assert (running.closed, closed.closed) == (False, True)
    assert (closed.open_ns, closed.close_ns) == (1_000_000_000, 2_000_000_000)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5))
def test_book_snapshot_is_exact(levels: list[tuple[str, str]]) -> None:
    depth = types.Depth(lastUpdateId=9, bids=levels, asks=[])
    book = convert.to_order_book(depth, symbol=BTC, limit=5, received_ns=0)

    assert [(level.price, level.quantity) for level in book.bids] == [(Decimal(p), Decimal(q)) for p, q in levels]
    assert book.complete is (len(levels) < 5)
