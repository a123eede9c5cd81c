"""The channels of USDⓈ-M futures: which address serves them, their names, and what their messages become."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Instrument, Interval, Side
from lotusx.plugin import BookRule, ChannelKind, Cost
from lotusx_binance.pools import WEIGHT

MS = 1_000_000
DEPTH = {
    "e": "depthUpdate", "E": 101, "T": 99, "s": "BTCUSDT", "ps": "BTCUSDT", "U": 390497796, "u": 390497878,
    "pu": 390497794, "b": [["68251.0", "5.120"]], "a": [["68251.1", "0"]], "st": 1,
}  # fmt: skip


def message(stream: str, data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


@pytest.fixture
def market(futures: Any) -> Any:
    return futures.connector.market


def test_trades_are_aggregated_and_come_from_the_market_address(market: Any, perp: Instrument) -> None:
    channel = market.trades_channel(perp)
    data = {"e": "aggTrade", "E": 3, "s": "BTCUSDT", "a": 29, "p": "1.50", "q": "2", "nq": "2", "f": 1, "l": 4,
            "T": 2, "m": True, "st": 1}  # fmt: skip
    (trade,) = channel.convert(message(channel.key, data), 9)

    assert (channel.group, channel.key, channel.kind) == ("market", "btcusdt@aggTrade", ChannelKind.TRADES)
    assert (trade.trade_id, trade.taker_side, trade.exchange_ns) == ("29", Side.SELL, 2 * MS)


def test_ticker(market: Any, perp: Instrument) -> None:
    channel = market.ticker_channel(perp)
    data = {"e": "24hrTicker", "E": 5, "s": "BTCUSDT", "ps": "BTCUSDT", "p": "150", "P": "0.220", "w": "1", "c": "2",
            "Q": "1", "o": "1", "h": "3", "l": "0.5", "v": "9", "q": "18", "O": 1, "C": 5, "F": 1, "L": 7, "n": 7,
            "st": 1}  # fmt: skip
    (ticker,) = channel.convert(message(channel.key, data), 9)

    assert (channel.group, channel.key, channel.cadence_s) == ("market", "btcusdt@ticker", 2.0)
    assert (ticker.last_price, ticker.bid_price, ticker.change_fraction) == (2, None, Decimal("0.00220"))


def test_best_prices_come_from_the_public_address(market: Any, perp: Instrument) -> None:
    channel = market.best_bid_offer_channel(perp)
    data = {"e": "bookTicker", "u": 94, "E": 101, "T": 99, "s": "BTCUSDT", "ps": "BTCUSDT", "b": "1.1", "B": "2",
            "a": "1.2", "A": "3", "st": 1}  # fmt: skip
    (top,) = channel.convert(message(channel.key, data), 9)

    assert (channel.group, channel.key) == ("public", "btcusdt@bookTicker")
    assert (top.sequence, top.bid_price_text, top.ask_quantity_text, top.exchange_ns) == (94, "1.1", "3", 99 * MS)


def test_candles(market: Any, perp: Instrument) -> None:
    channel = market.candles_channel(perp, Interval.H1)
    bar = {"t": 0, "T": 3_599_999, "s": "BTCUSDT", "i": "1h", "f": 1, "L": 2, "o": "1", "c": "2", "h": "3", "l": "0.5",
           "v": "12.5", "n": 101, "x": False, "q": "20", "V": "6", "Q": "10", "B": "0"}  # fmt: skip
    (candle,) = channel.convert(message(channel.key, {"e": "kline", "E": 1, "s": "BTCUSDT", "k": bar}), 9)

    assert (channel.group, channel.key, channel.cadence_s) == ("market", "btcusdt@kline_1h", 0.25)
    assert not candle.closed


def test_mark_price(market: Any, perp: Instrument) -> None:
    channel = market.mark_price_channel(perp)
    data = {"e": "markPriceUpdate", "E": 7, "s": "BTCUSDT", "p": "68251.34", "ap": "68250.9", "i": "68260.12",
            "P": "68255", "r": "0.00010000", "T": 1770019200000, "st": 1}  # fmt: skip
    (mark,) = channel.convert(message(channel.key, data), 9)

    assert (channel.group, channel.key, channel.kind) == ("market", "btcusdt@markPrice@1s", ChannelKind.MARK_PRICE)
    assert (mark.mark_price, mark.index_price) == (Decimal("68251.34"), Decimal("68260.12"))
    assert (mark.funding_rate, mark.next_funding_ns) == (Decimal("0.0001"), 1770019200000 * MS)
    (mark,) = channel.convert(message(channel.key, {**data, "i": "0", "r": "", "T": 0}), 9)
    assert (mark.index_price, mark.funding_rate, mark.next_funding_ns) == (None, None, None)


def test_liquidations_say_which_side_was_closed_and_where(market: Any, perp: Instrument) -> None:
    channel = market.liquidations_channel(perp)
    order = {"s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "67910.0", "ap": "67950.0",
             "X": "FILLED", "l": "0.004", "z": "0.013", "T": 455}  # fmt: skip
    data = {"e": "forceOrder", "E": 460, "o": order, "ps": "BTCUSDT", "st": 1}
    (found,) = channel.convert(message(channel.key, data), 9)

    assert (channel.group, channel.key, channel.kind) == ("market", "btcusdt@forceOrder", ChannelKind.LIQUIDATIONS)
    assert (found.side, found.price, found.quantity) == (Side.SELL, 67950, Decimal("0.013"))
    assert found.exchange_ns == 455 * MS
    (found,) = channel.convert(message(channel.key, {**data, "o": {**order, "ap": "0", "z": "0"}}), 9)
    assert (found.price, found.quantity) == (67910, Decimal("0.014"))
    with pytest.raises(ItemRejected, match="'LEFT'"):
        channel.convert(message(channel.key, {**data, "o": {**order, "S": "LEFT"}}), 9)


def test_book_updates_name_the_one_before(market: Any, perp: Instrument) -> None:
    channel = market.book_channel(perp, 1_000)
    (update,) = channel.convert(message(channel.key, DEPTH), 9)

    assert (channel.group, channel.key) == ("public", "btcusdt@depth@100ms")
    assert (update.first, update.last, update.previous) == (390497796, 390497878, 390497794)
    assert (update.bids, update.exchange_ns) == ([("68251.0", "5.120")], 99 * MS)
    assert market.book_rule(1_000) == BookRule.previous_number(costs=(Cost(WEIGHT, 20),))
    assert market.book_rule(100).costs == (Cost(WEIGHT, 5),)


@pytest.mark.parametrize("depth", [5, 10, 20])
def test_partial_books_are_whole_although_they_are_named_like_changes(
    market: Any, perp: Instrument, depth: int
) -> None:
    channel = market.order_book_channel(perp, depth)
    (book,) = channel.convert(message(channel.key, DEPTH), 9)

    assert (channel.group, channel.key) == ("public", f"btcusdt@depth{depth}@100ms")
    assert (book.sequence, book.bids[0].price, book.complete) == (390497878, 68251, True)


def test_partial_book_of_another_depth_is_refused(market: Any, perp: Instrument) -> None:
    with pytest.raises(InvalidArgument, match="5, 10 or 20"):
        market.order_book_channel(perp, 50)


def test_an_update_without_its_predecessor_is_a_decode_error(market: Any, perp: Instrument) -> None:
    data = {name: value for name, value in DEPTH.items() if name != "pu"}
    with pytest.raises(msgspec.ValidationError, match="`pu`"):
        market.book_channel(perp, 5).convert(message("x", data), 9)
