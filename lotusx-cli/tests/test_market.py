"""Public data through the command line."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue


def test_a_ticker_is_a_field_a_line_in_a_pipe(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"ticker {binance.options} --symbol BTC/USDT")
    assert done.code == 0
    fields = dict(line.split("\t") for line in done.lines)
    assert fields["symbol"] == "BTC/USDT"
    assert Decimal(fields["last_price"]) > 0


def test_numbers_in_json_are_exact_text(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"ticker {binance.options} --symbol BTC/USDT --json")
    document = json.loads(done.out)
    assert document["symbol"] == "BTC/USDT"
    assert isinstance(document["last_price"], str)
    assert isinstance(document["received_ns"], int)


def test_get_ticker_takes_the_exchanges_own_form_of_a_symbol(lotusx: Lotusx, bybit: Venue) -> None:
    done = lotusx(f"get-ticker {bybit.options} --symbol BTCUSDT")
    assert done.code == 0
    assert "symbol\tBTC/USDT" in done.lines


def test_markets_are_filtered_and_state_their_rules(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"markets {binance.options} --search btc --kind spot")
    head, *rows = done.lines
    assert head.split("\t")[:2] == ["symbol", "venue_symbol"]
    first = dict(zip(head.split("\t"), rows[0].split("\t"), strict=True))
    assert (first["symbol"], first["venue_symbol"], first["status"]) == ("BTC/USDT", "BTCUSDT", "trading")
    assert Decimal(first["tick"]) == Decimal("0.01")
    assert all("BTC" in row for row in rows)


def test_significant_digits_are_said_where_there_is_no_tick(lotusx: Lotusx, hyperliquid: Venue) -> None:
    done = lotusx(f"markets {hyperliquid.options} --search BTC --json")
    assert "5 digits" in {item["tick"] for item in json.loads(done.out)}


def test_a_book_is_one_level_a_line_best_prices_in_the_middle(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"book {binance.options} -s BTCUSDT --depth 3")
    rows = [line.split("\t") for line in done.lines[1:]]
    assert [row[0] for row in rows] == ["ask"] * 3 + ["bid"] * 3
    prices = [Decimal(row[1]) for row in rows]
    assert prices == sorted(prices, reverse=True)


def test_a_book_in_json_has_both_sides(lotusx: Lotusx, binance: Venue) -> None:
    document = json.loads(lotusx(f"book {binance.options} -s BTCUSDT --depth 2 --json").out)
    assert len(document["bids"]) == 2
    assert isinstance(document["asks"][0]["price"], str)


def test_a_watched_book_is_a_line_a_change_in_a_pipe(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"book {binance.options} -s BTCUSDT --watch --count 3 --json")
    changes = [json.loads(line) for line in done.lines]
    assert len(changes) == 3
    assert all(Decimal(item["bid_price"]) < Decimal(item["ask_price"]) for item in changes)


def test_newest_trades_come_oldest_first(lotusx: Lotusx, binance: Venue) -> None:
    binance.do(lambda sim: sim.trade("BTCUSDT", "buy", "0.01"))
    done = lotusx(f"trades {binance.options} -s BTC/USDT --limit 5 --json")
    times = [item["exchange_ns"] for item in json.loads(done.out)]
    assert 0 < len(times) <= 5
    assert times == sorted(times)


def test_history_of_trades_stops_at_the_limit_and_says_so(lotusx: Lotusx, binance: Venue) -> None:
    for _ in range(3):
        binance.do(lambda sim: sim.trade("BTCUSDT", "buy", "0.01"))
    done = lotusx(f"trades {binance.options} -s BTC/USDT --start 1h --limit 2")
    assert len(done.lines) == 3
    assert "stopped after 2" in done.err


def test_streams_end_after_the_count_and_say_what_was_dropped(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"stream trades {binance.options} -s BTCUSDT --count 2 --json")
    assert [json.loads(line)["symbol"] for line in done.lines] == ["BTC/USDT"] * 2
    assert "dropped" in done.err


def test_a_stream_of_books_shows_the_best_levels(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"stream order-book {binance.options} -s BTCUSDT --count 1")
    assert done.lines[0] == "received_ns\tbids\tasks"
    assert done.lines[1].count("@") == 6


def test_a_stream_of_candles_takes_an_interval(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"stream candles {binance.options} -s BTCUSDT --interval 1m --count 1 --json")
    assert json.loads(done.lines[0])["interval"] == "1m"


def test_a_symbol_belongs_to_every_stream_but_the_account(lotusx: Lotusx) -> None:
    assert "needs --symbol" in lotusx("stream trades -e binance").err
    assert "takes no --symbol" in lotusx("stream account -e binance -s BTCUSDT").err


def test_latency_is_told_in_percentiles(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"latency {binance.options} -s BTCUSDT --samples 3 --json")
    rest, stream = json.loads(done.out)
    assert (rest["what"], rest["samples"]) == ("rest round trip", 3)
    assert 0 < rest["p50_ms"] <= rest["p99_ms"] <= rest["worst_ms"]
    assert stream["samples"] == 3
