"""Public data, from the exchange's words into the model's."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Interval, Side, Symbol
from lotusx_backpack import conversions as convert, types

SOL = Symbol("SOL", "USDC")
SOL_PERP = Symbol("SOL", "USDC", settle="USDC")
S = 1_000_000_000
AT = {"E": 1_700_000_000_000_009, "T": 1_700_000_000_000_001, "s": "SOL_USDC"}
T_NS = 1_700_000_000_000_001_000


def numbers(text: str) -> tuple[D, ...]:
    return tuple(map(D, text.split()))


def trade(number: int | str, **more: Any) -> types.PublicTrade:
    fields = {"id": number, "price": "86700", "quantity": "0.10", "timestamp": 1_700_000_000_123, "isBuyerMaker": False}
    return msgspec.convert(fields | more, types.PublicTrade)


def test_trades_come_oldest_first_and_the_aggressor_is_who_did_not_rest() -> None:
    trades = convert.to_trades([trade(9, isBuyerMaker=True), trade(10), trade("8")], symbol=SOL, received_ns=5)

    assert [item.trade_id for item in trades] == ["8", "9", "10"]
    assert [item.taker_side for item in trades] == [Side.BUY, Side.SELL, Side.BUY]
    assert {(item.price_text, item.quantity_text, item.exchange_ns, item.received_ns) for item in trades} == {
        ("86700", "0.10", 1_700_000_000_123_000_000, 5)
    }


@pytest.mark.parametrize("stamp", [AT["T"], str(AT["T"])])
def test_streamed_trade_has_the_time_of_the_engine(stamp: object) -> None:
    event = msgspec.convert({**AT, "T": stamp, "p": "1.50", "q": "2", "t": 7, "m": True}, types.TradeEvent)

    found = convert.to_trade(event, symbol=SOL, received_ns=5)

    assert (found.trade_id, found.taker_side, found.exchange_ns) == ("7", Side.SELL, T_NS)
    assert (found.price, found.quantity) == (D("1.50"), D(2))


def test_side_of_the_top_where_nobody_is_has_quantity_zero() -> None:
    event = msgspec.convert({**AT, "b": None, "B": None, "a": "9.0", "A": "3", "u": 4}, types.BookTickerEvent)

    best = convert.to_best_bid_offer(event, symbol=SOL, received_ns=5)

    assert (best.bid_price_text, best.bid_quantity, best.ask_price, best.ask_quantity) == ("0", *numbers("0 9 3"))
    assert (best.sequence, best.exchange_ns) == (4, T_NS)


DEPTH = types.Depth(
    bids=[("9", "1"), ("9.5", "2"), ("10", "3")],
    asks=[("10.5", "1"), ("100", "2"), ("11", "3")],
    lastUpdateId="77",
    timestamp=1_700_000_000_000_001,
)


def test_book_is_best_first_whichever_end_the_exchange_begins_at() -> None:
    book = convert.to_order_book(DEPTH, symbol=SOL, wanted=3, asked=5, received_ns=5)

    assert [level.price for level in book.bids] == [10, D("9.5"), 9]
    asks = [(level.price, level.quantity) for level in book.asks]
    assert asks == [numbers("10.5 1"), numbers("11 3"), numbers("100 2")]
    assert (book.sequence, book.exchange_ns) == (77, T_NS)


@pytest.mark.parametrize(("wanted", "asked", "complete"), [(3, 5, True), (2, 5, False), (3, 3, False), (5, 5, True)])
def test_book_is_complete_where_nothing_cut_it(wanted: int, asked: int, complete: bool) -> None:
    book = convert.to_order_book(DEPTH, symbol=SOL, wanted=wanted, asked=asked, received_ns=5)

    assert len(book.bids) == min(wanted, 3)
    assert book.complete is complete


def test_top_of_a_book_is_its_best_prices() -> None:
    best = convert.top_of(DEPTH, symbol=SOL, received_ns=5)

    assert (best.bid_price, best.bid_quantity, best.ask_price, best.ask_quantity) == numbers("10 3 10.5 1")
    assert best.sequence == 77


def test_top_of_an_empty_book_is_nobody() -> None:
    best = convert.top_of(types.Depth([], [], "1", 1), symbol=SOL, received_ns=5)

    assert (best.bid_price_text, best.bid_quantity_text) == ("0", "0")
    assert (best.ask_price_text, best.ask_quantity_text) == ("0", "0")


levels = st.lists(st.tuples(st.decimals("0.0001", 10**6, places=4).map(str), st.just("1")), unique_by=lambda x: D(x[0]))


@given(levels, levels, st.randoms())
def test_any_order_of_levels_gives_the_same_book(bids: list[Any], asks: list[Any], random: Any) -> None:
    before = convert.to_order_book(types.Depth(asks, bids, 1, 1), symbol=SOL, wanted=9, asked=10, received_ns=5)
    bids, asks = random.sample(bids, len(bids)), random.sample(asks, len(asks))
    after = convert.to_order_book(types.Depth(asks, bids, 1, 1), symbol=SOL, wanted=9, asked=10, received_ns=5)

    assert before == after
    assert list(after.bids) == sorted(after.bids, key=lambda level: -level.price)
    assert list(after.asks) == sorted(after.asks, key=lambda level: level.price)


def test_change_of_a_book_keeps_its_numbers_also_where_it_is_empty() -> None:
    event = msgspec.convert({**AT, "U": 5, "u": "7", "b": [], "a": [["9.00", "0.00000"]]}, types.DepthEvent)

    update = convert.to_book_update(event, symbol=SOL, received_ns=5)

    assert (update.first, update.last, update.previous, update.snapshot) == (5, 7, None, False)
    assert (update.bids, update.asks) == ([], [("9.00", "0.00000")])
    assert update.exchange_ns == T_NS


@pytest.mark.parametrize(("depth", "asked"), [(1, 5), (5, 5), (6, 10), (51, 100), (501, 1_000), (1_000, 1_000)])
def test_depth_that_is_not_offered_is_cut_from_the_next_one(depth: int, asked: int) -> None:
    assert convert.book_depth(depth) == asked


@pytest.mark.parametrize("depth", [0, -1, 1_001])
def test_depth_beyond_what_is_offered_is_refused(depth: int) -> None:
    with pytest.raises(InvalidArgument, match="1 to 1000"):
        convert.book_depth(depth)


ROW: dict[str, Any] = {
    "start": "2026-09-01 16:52:00",
    "end": "2026-09-01 16:53:00",
    "open": "101",
    "high": "103",
    "low": "100",
    "close": "102",
    "volume": "7",
    "quoteVolume": "707",
    "trades": "3",
}
START = 1_788_281_520 * S


@pytest.mark.parametrize(("now_ns", "closed"), [(START + 60 * S - 1, False), (START + 60 * S, True)])
def test_candle_is_closed_when_its_time_is_over(now_ns: int, closed: bool) -> None:
    row = msgspec.convert(ROW, types.Kline)

    candle = convert.to_candle(row, symbol=SOL, interval=Interval.M1, now_ns=now_ns, received_ns=5)

    assert candle is not None
    assert (candle.open_ns, candle.close_ns, candle.closed) == (START, START + 60 * S, closed)
    assert (candle.open, candle.high, candle.low, candle.close) == numbers("101 103 100 102")
    assert (candle.base_volume, candle.quote_volume, candle.trade_count) == (D(7), D(707), 3)


def test_candle_without_trades_is_none() -> None:
    row = msgspec.convert(ROW | dict.fromkeys(("open", "high", "low", "close")) | {"trades": "0"}, types.Kline)
    bar = msgspec.convert(BAR | dict.fromkeys("ohlc"), types.KlineEvent)

    assert convert.to_candle(row, symbol=SOL, interval=Interval.M1, now_ns=0, received_ns=5) is None
    assert convert.to_candle_event(bar, symbol=SOL, interval=Interval.H2, received_ns=5) is None


BAR: dict[str, Any] = {
    **AT,
    "t": "2023-11-14T22:00:00",
    "T": "2023-11-15T00:00:00",
    "o": "3.0",
    "c": "3.5",
    "h": "4.0",
    "l": "2.0",
    "v": "62.1",
    "n": 255,
    "X": False,
}


@pytest.mark.parametrize(
    ("opens", "closes"),
    [(BAR["t"], BAR["T"]), (1_699_999_200, 1_700_006_400), ("1699999200", "1700006400")],
)
def test_streamed_candle_has_its_times_as_text_or_in_seconds(opens: object, closes: object) -> None:
    bar = msgspec.convert(BAR | {"t": opens, "T": closes}, types.KlineEvent)

    candle = convert.to_candle_event(bar, symbol=SOL, interval=Interval.H2, received_ns=5)

    assert candle is not None
    assert (candle.open_ns, candle.close_ns) == (1_699_999_200 * S, 1_700_006_400 * S)
    assert (candle.open, candle.high, candle.low, candle.close) == numbers("3 4 2 3.5")
    assert (candle.base_volume, candle.quote_volume, candle.trade_count, candle.closed) == (D("62.1"), None, 255, False)


def test_every_interval_has_a_word() -> None:
    words = {interval.value: convert.interval_text(interval) for interval in Interval}

    assert words.pop("1M") == "1month"
    assert all(word == ours for ours, word in words.items())


TICKER: dict[str, Any] = {
    "symbol": "SOL_USDC",
    "firstPrice": "100",
    "lastPrice": "98",
    "high": "101",
    "low": "97",
    "priceChange": "-2",
    "priceChangePercent": "-0.020000",
    "volume": "5",
    "quoteVolume": "495",
    "trades": "12",
}


@pytest.mark.parametrize(("percent", "fraction"), [("-0.020000", D("-0.02")), ("N/A", None)])
def test_change_of_a_ticker_is_a_fraction(percent: str, fraction: D | None) -> None:
    item = msgspec.convert(TICKER | {"priceChangePercent": percent}, types.DayTicker)

    ticker = convert.to_ticker(item, symbol=SOL, received_ns=5)

    assert (ticker.open_price, ticker.last_price, ticker.change) == numbers("100 98 -2")
    assert ticker.change_fraction == fraction
    assert (ticker.high_price, ticker.low_price, ticker.base_volume, ticker.quote_volume) == numbers("101 97 5 495")
    assert (ticker.trade_count, ticker.exchange_ns) == (12, None)


def test_change_that_is_no_number_is_rejected() -> None:
    item = msgspec.convert(TICKER | {"priceChangePercent": "many"}, types.DayTicker)

    with pytest.raises(ItemRejected, match="priceChangePercent"):
        convert.to_ticker(item, symbol=SOL, received_ns=5)


def test_streamed_ticker() -> None:
    fields = {"o": "100", "c": "98", "h": "101", "l": "97", "v": "5", "V": "495", "n": 12}
    item = msgspec.convert(AT | fields, types.TickerEvent)

    ticker = convert.to_ticker_event(item, symbol=SOL, received_ns=5)

    assert (ticker.open_price, ticker.last_price, ticker.high_price, ticker.low_price) == numbers("100 98 101 97")
    assert (ticker.base_volume, ticker.quote_volume, ticker.trade_count) == (D(5), D(495), 12)
    assert ticker.exchange_ns == 1_700_000_000_000_009_000


MARK = types.MarkPrice("SOL_USDC_PERP", "98.94", "98.95", "-0.0000039641039274", 1_700_003_600_000)
FUNDING_NS = 1_700_003_600 * S


def test_mark_price_is_the_same_asked_for_and_streamed_but_for_its_time() -> None:
    fields = {"p": "98.94", "i": "98.95", "f": "-0.0000039641039274", "n": "1700003600000"}
    event = msgspec.convert(AT | fields, types.MarkPriceEvent)

    asked = convert.to_mark_price(MARK, symbol=SOL_PERP, received_ns=5)
    streamed = convert.to_mark_price_event(event, symbol=SOL_PERP, received_ns=5)

    assert (asked.mark_price, asked.index_price) == (D("98.94"), D("98.95"))
    assert (asked.funding_rate, asked.next_funding_ns) == (D("-0.0000039641039274"), FUNDING_NS)
    assert (asked.exchange_ns, streamed.exchange_ns) == (None, T_NS)
    assert msgspec.structs.replace(streamed, exchange_ns=None) == asked


def test_running_rate_is_applied_at_the_end_of_the_interval() -> None:
    rate = convert.to_running_rate(MARK, symbol=SOL_PERP, interval_s=3_600)

    assert (rate.rate, rate.funding_ns, rate.interval_s) == (D("-0.0000039641039274"), FUNDING_NS, 3_600)


def test_market_without_funding_has_no_rate() -> None:
    spot = types.MarkPrice("SOL_USDC", "98")

    assert convert.to_mark_price(spot, symbol=SOL, received_ns=5).funding_rate is None
    with pytest.raises(ItemRejected, match="no funding rate"):
        convert.to_running_rate(spot, symbol=SOL, interval_s=None)


def test_funding_history_is_oldest_first_without_the_interval_that_still_runs() -> None:
    hours = ("2023-11-15T01:00:00", "2023-11-15T00:00:00", "2023-11-14T23:00:00")
    items = [types.FundingSample("SOL_USDC_PERP", hour, f"0.{place}") for place, hour in enumerate(hours)]

    rates = convert.to_funding_rates(items, symbol=SOL_PERP, interval_s=3_600, now_ns=1_700_006_400 * S)

    assert [(rate.rate, rate.funding_ns) for rate in rates] == [
        (D("0.2"), 1_700_002_800 * S),
        (D("0.1"), 1_700_006_400 * S),
    ]


def test_open_interest_counts_base_units() -> None:
    asked = types.OpenInterest("SOL_USDC_PERP", "100.5", 1_700_000_000_000)
    event = msgspec.convert(AT | {"o": "100.5"}, types.OpenInterestEvent)

    found = convert.to_open_interest(asked, symbol=SOL_PERP, received_ns=5)
    streamed = convert.to_open_interest_event(event, symbol=SOL_PERP, received_ns=5)

    assert (found.quantity, found.exchange_ns) == (D("100.5"), 1_700_000_000 * S)
    assert (streamed.quantity, streamed.exchange_ns) == (D("100.5"), 1_700_000_000_000_009_000)


@pytest.mark.parametrize(("word", "side"), [("Bid", Side.BUY), ("Ask", Side.SELL)])
def test_liquidation(word: str, side: Side) -> None:
    event = msgspec.convert(AT | {"S": word, "p": "18.70", "q": "10"}, types.LiquidationEvent)

    found = convert.to_liquidation(event, symbol=SOL_PERP, received_ns=5)

    assert (found.symbol, found.side, found.price, found.quantity) == (SOL_PERP, side, D("18.7"), D(10))
    assert (found.exchange_ns, found.received_ns) == (T_NS, 5)


@pytest.mark.parametrize("body", [b"1753131712992", b'"1753131712992"', b" 1753131712992\n"])
def test_server_time_with_and_without_quotes(body: bytes) -> None:
    assert convert.to_server_time_ns(body) == 1_753_131_712_992_000_000


@pytest.mark.parametrize("body", [b"", b"pong", b"1.5", b"-1", b"\xff", "٣".encode()])
def test_server_time_that_is_no_number_is_rejected(body: bytes) -> None:
    with pytest.raises(ItemRejected, match="time is not a whole number"):
        convert.to_server_time_ns(body)


@pytest.mark.parametrize("field", ["p", "q"])
@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1,5", "many"])
def test_price_or_quantity_that_is_no_number_rejects_its_trade(field: str, text: str) -> None:
    event = msgspec.convert({**AT, "p": "1", "q": "2", "t": 7, "m": True, field: text}, types.TradeEvent)

    with pytest.raises(ItemRejected):
        convert.to_trade(event, symbol=SOL, received_ns=5)
