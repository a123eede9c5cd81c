"""Public data becomes exact model values, and nothing is guessed."""

from __future__ import annotations

from decimal import Decimal, localcontext

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Interval, Side, Symbol
from lotusx_bybit.v5 import conversions as convert, types
from lotusx_bybit.v5.category import Category

BTC = Symbol("BTC", "USDT", "USDT")
NUMBERS = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False).map(lambda value: format(value, "f"))
TIMES = st.integers(1, 2_000_000_000_000)
MS = convert.MS


@given(price=NUMBERS, quantity=NUMBERS, time=TIMES, side=st.sampled_from(["Buy", "Sell"]))
def test_trade_keeps_the_wire_text(price: str, quantity: str, time: int, side: str) -> None:
    item = types.TradeEvent(T=time, S=side, v=quantity, p=price, i="2290000000050703789")

    trade = convert.to_trade(item, symbol=BTC, received_ns=7)

    assert (trade.price_text, trade.quantity_text, trade.trade_id) == (price, quantity, "2290000000050703789")
    assert (trade.price, trade.quantity) == (Decimal(price), Decimal(quantity))
    assert trade.taker_side is (Side.BUY if side == "Buy" else Side.SELL)
    assert (trade.exchange_ns, trade.received_ns) == (time * MS, 7)


@pytest.mark.parametrize("text", ["", "NaN", "inf", "1e999", "one", "0x10"])
def test_number_that_is_none_rejects_the_item(text: str) -> None:
    with pytest.raises(ItemRejected):
        convert.to_trade(types.TradeEvent(T=1, S="Buy", v="1", p=text, i="1"), symbol=BTC, received_ns=0)


@pytest.mark.parametrize("side", ["", "buy", "None"])
def test_side_that_is_none_rejects_the_item(side: str) -> None:
    with pytest.raises(ItemRejected, match="unknown value"):
        convert.to_trade(types.TradeEvent(T=1, S=side, v="1", p="1", i="1"), symbol=BTC, received_ns=0)


@given(st.lists(TIMES, max_size=20), st.booleans())
def test_recent_trades_come_oldest_first_whatever_their_order_was(times: list[int], newest_first: bool) -> None:
    rows = [
        types.RecentTrade(execId=str(number), symbol="X", price="1", size="1", side="Buy", time=str(time))
        for number, time in enumerate(sorted(times))
    ]

    found = convert.to_recent_trades(rows[::-1] if newest_first else rows, symbol=BTC, received_ns=0)

    assert [trade.exchange_ns for trade in found] == [time * MS for time in sorted(times)]
    if len(set(times)) > 1:  # trades of one moment keep the order in which the exchange counted them
        assert [trade.trade_id for trade in found] == [str(number) for number in range(len(times))]


def _rows(*starts: int) -> list[types.Kline]:
    return [types.Kline(str(start), "2", "4", "1", "3", "10.5", "30.25") for start in starts]


def test_candles_come_oldest_first_and_the_running_one_is_open() -> None:
    hour = 3_600_000
    rows = _rows(2 * hour, hour, 0)

    found = convert.to_candles(
        rows, symbol=BTC, category=Category.LINEAR, interval=Interval.H1, now_ms=2 * hour, received_ns=5
    )

    assert [candle.open_ns for candle in found] == [0, hour * MS, 2 * hour * MS]
    assert [candle.closed for candle in found] == [True, True, False]
    assert found[0].close_ns == found[1].open_ns
    assert (found[0].open, found[0].high, found[0].low, found[0].close) == (
        Decimal(2),
        Decimal(4),
        Decimal(1),
        Decimal(3),
    )


@pytest.mark.parametrize(
    ("category", "base", "quote"),
    [(Category.SPOT, "10.5", "30.25"), (Category.LINEAR, "10.5", "30.25"), (Category.INVERSE, "30.25", "10.5")],
)
def test_volumes_of_inverse_come_the_other_way_round(category: Category, base: str, quote: str) -> None:
    (candle,) = convert.to_candles(
        _rows(0), symbol=BTC, category=category, interval=Interval.M1, now_ms=0, received_ns=0
    )
    event = types.KlineEvent(0, 59_999, "2", "4", "1", "3", "10.5", "30.25", True)
    streamed = convert.to_candle(event, symbol=BTC, category=category, interval=Interval.M1, received_ns=0)

    assert (candle.base_volume, candle.quote_volume) == (Decimal(base), Decimal(quote))
    assert (streamed.base_volume, streamed.quote_volume) == (Decimal(base), Decimal(quote))
    assert (streamed.open_ns, streamed.close_ns, streamed.closed) == (0, 60_000 * MS, True)
    assert (streamed.open, streamed.high, streamed.low, streamed.close) == (
        Decimal(2),
        Decimal(4),
        Decimal(1),
        Decimal(3),
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (1_764_547_200_000, 1_767_225_600_000),  # December 2025
        (1_769_904_000_000, 1_772_323_200_000),  # February 2026
    ],
)
def test_month_ends_where_the_next_begins(start: int, end: int) -> None:
    (candle,) = convert.to_candles(
        _rows(start), symbol=BTC, category=Category.SPOT, interval=Interval.MONTH1, now_ms=end - 1, received_ns=0
    )

    assert (candle.close_ns, candle.closed) == (end * MS, False)


def test_interval_that_bybit_lacks_names_those_it_has() -> None:
    assert convert.interval_text(Interval.H4) == "240"
    assert convert.interval_text(Interval.MONTH1) == "M"
    for interval in (Interval.S1, Interval.H8, Interval.D3):
        with pytest.raises(InvalidArgument, match="1m, 3m"):
            convert.interval_text(interval)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "²", "soon"])
def test_time_that_is_none_rejects_the_item(text: str) -> None:
    with pytest.raises(ItemRejected, match="start is no time"):
        convert.ms_of(text, "start")


def test_applied_funding_comes_oldest_first() -> None:
    rows = [types.FundingRecord("X", "-0.0001", "2000"), types.FundingRecord("X", "0.00015", "1000")]

    found = convert.to_funding_rates(rows, symbol=BTC)

    assert [(rate.funding_ns, rate.rate) for rate in found] == [
        (1_000 * MS, Decimal("0.00015")),
        (2_000 * MS, Decimal("-0.0001")),
    ]


def test_open_interest_counts_one_side_exactly() -> None:
    digits = "1234567890123456789012345678901.1"
    with localcontext() as context:
        context.prec = 3
        half = convert.one_sided("", digits)

    assert half == Decimal("617283945061728394506172839450.55")
    assert convert.one_sided("7", "15") == 7
    assert convert.one_sided("", "") is None


def test_contracts_of_inverse_are_worth_their_number_in_quote() -> None:
    linear, inverse = (
        convert.open_interest(Decimal(4), symbol=BTC, category=category, exchange_ns=1, received_ns=2)
        for category in (Category.LINEAR, Category.INVERSE)
    )

    assert (linear.quantity, linear.notional) == (Decimal(4), None)
    assert (inverse.quantity, inverse.notional) == (Decimal(4), Decimal(4))
    with pytest.raises(ItemRejected, match="no open interest"):
        convert.open_interest(None, symbol=BTC, category=Category.LINEAR, exchange_ns=1, received_ns=2)


@pytest.mark.parametrize(("position", "order"), [("Buy", Side.SELL), ("Sell", Side.BUY)])
def test_liquidated_long_is_a_forced_sale(position: str, order: Side) -> None:
    raw = {"T": 5, "s": "SOLUSDT", "S": position, "v": "120.5", "p": "141.82"}

    found = convert.to_liquidation(msgspec.convert(raw, types.LiquidationEvent), symbol=BTC, received_ns=9)

    assert found.side is order
    assert (found.quantity, found.price) == (Decimal("120.5"), Decimal("141.82"))
    assert (found.exchange_ns, found.received_ns) == (5 * MS, 9)
