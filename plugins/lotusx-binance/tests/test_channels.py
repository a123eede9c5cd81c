"""The channels of the connector: their names, and what their messages become."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Instrument, Interval, OrderEvent, Side, Symbol
from lotusx.plugin import BookRule, ChannelKind, Cost
from lotusx_binance.pools import WEIGHT

BTC = Symbol("BTC", "USDT")
TRADE = {"e": "trade", "E": 3, "s": "BTCUSDT", "t": 5, "p": "1.50", "q": "2", "T": 2, "m": True, "M": True}
TICKER = {
    "e": "24hrTicker",
    "E": 5,
    "s": "BTCUSDT",
    "p": "150",
    "P": "0.220",
    "w": "1",
    "x": "1",
    "c": "2",
    "Q": "1",
    "b": "1.9",
    "B": "1",
    "a": "2.1",
    "A": "1",
    "o": "1",
    "h": "3",
    "l": "0.5",
    "v": "9",
    "q": "18",
    "n": 7,
}
BAR = {
    "t": 60_000,
    "T": 119_999,
    "s": "BTCUSDT",
    "i": "1m",
    "f": 1,
    "L": 2,
    "o": "1",
    "c": "2",
    "h": "3",
    "l": "0.5",
    "v": "12.5",
    "n": 101,
    "x": True,
    "q": "20",
    "V": "6",
    "Q": "10",
    "B": "0",
}


def message(stream: str, data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


@pytest.fixture
def market(desk: Any) -> Any:
    return desk.connector.market


def test_trades(market: Any, btc: Instrument) -> None:
    channel = market.trades_channel(btc)
    (trade,) = channel.convert(message(channel.key, TRADE), 9)

    assert (channel.group, channel.key, channel.kind) == ("market", "btcusdt@trade", ChannelKind.TRADES)
    assert (trade.trade_id, trade.price_text, trade.taker_side) == ("5", "1.50", Side.SELL)
    assert (trade.exchange_ns, trade.received_ns, trade.symbol) == (2_000_000, 9, BTC)


def test_ticker(market: Any, btc: Instrument) -> None:
    channel = market.ticker_channel(btc)
    (ticker,) = channel.convert(message(channel.key, TICKER), 9)

    assert (channel.key, channel.cadence_s) == ("btcusdt@ticker", 1.0)
    assert (ticker.last_price, ticker.trade_count, str(ticker.change_fraction)) == (2, 7, "0.00220")


def test_best_bid_offer(market: Any, btc: Instrument) -> None:
    channel = market.best_bid_offer_channel(btc)
    data = {"u": 400900217, "s": "BTCUSDT", "b": "1.1", "B": "2", "a": "1.2", "A": "3"}
    (top,) = channel.convert(message(channel.key, data), 9)

    assert channel.key == "btcusdt@bookTicker"
    assert (top.sequence, top.bid_price_text, top.ask_quantity_text, top.exchange_ns) == (400900217, "1.1", "3", None)


def test_candles(market: Any, btc: Instrument) -> None:
    channel = market.candles_channel(btc, Interval.M1)
    (candle,) = channel.convert(message(channel.key, {"e": "kline", "E": 1, "s": "BTCUSDT", "k": BAR}), 9)

    assert channel.key == "btcusdt@kline_1m"
    assert (candle.open_ns, candle.close_ns, candle.closed) == (60_000_000_000, 120_000_000_000, True)
    assert market.candles_channel(btc, Interval.S1).cadence_s == 1.0


@pytest.mark.parametrize("depth", [5, 10, 20])
def test_partial_books(market: Any, btc: Instrument, depth: int) -> None:
    channel = market.order_book_channel(btc, depth)
    data = {"lastUpdateId": 160, "bids": [["1", "2"]], "asks": [["3", "4"]]}
    (book,) = channel.convert(message(channel.key, data), 9)

    assert channel.key == f"btcusdt@depth{depth}@100ms"
    assert (book.sequence, book.bids[0].price, book.symbol) == (160, 1, BTC)


def test_partial_book_of_another_depth_is_refused(market: Any, btc: Instrument) -> None:
    with pytest.raises(InvalidArgument, match="5, 10 or 20") as caught:
        market.order_book_channel(btc, 50)
    assert caught.value.nearest == (5, 10, 20)


def test_book_updates(market: Any, btc: Instrument) -> None:
    channel = market.book_channel(btc, 1_000)
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 157, "u": 160, "b": [["1", "2"]], "a": [["3", "0"]]}
    (update,) = channel.convert(message(channel.key, data), 9)

    assert channel.key == "btcusdt@depth@100ms"
    assert (update.first, update.last, update.bids, update.asks) == (157, 160, [("1", "2")], [("3", "0")])
    assert market.book_rule(1_000) == BookRule.contiguous(costs=(Cost(WEIGHT, 50),))
    assert market.book_rule(100).costs == (Cost(WEIGHT, 5),)


def test_account(desk: Any) -> None:
    (channel,) = desk.connector.account.channels()
    report = {
        "e": "executionReport",
        "E": 1,
        "s": "BTCUSDT",
        "c": "a-1",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "1",
        "p": "2",
        "P": "0",
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 4,
        "l": "0",
        "z": "0",
        "L": "0",
        "n": "0",
        "N": None,
        "T": 1,
        "t": -1,
        "I": 8,
        "w": True,
        "m": False,
        "O": 1,
        "Z": "0",
        "Q": "0",
    }
    (event,) = channel.convert(json.dumps({"subscriptionId": 0, "event": report}).encode(), 9)

    assert (channel.group, channel.private) == ("api", True)
    assert isinstance(event, OrderEvent)
    unlisted = json.dumps({"subscriptionId": 0, "event": {**report, "s": "NEWCOIN"}}).encode()
    with pytest.raises(ItemRejected, match="NEWCOIN"):
        channel.convert(unlisted, 9)


@pytest.mark.parametrize("cut", [10, 40, 60])
def test_truncated_message_is_a_decode_error(market: Any, btc: Instrument, cut: int) -> None:
    with pytest.raises(msgspec.DecodeError):
        market.trades_channel(btc).convert(message("btcusdt@trade", TRADE)[:cut], 9)


def test_missing_field_is_a_decode_error(market: Any, btc: Instrument) -> None:
    with pytest.raises(msgspec.ValidationError, match="`m`"):
        market.trades_channel(btc).convert(message("x", {name: TRADE[name] for name in TRADE if name != "m"}), 9)
