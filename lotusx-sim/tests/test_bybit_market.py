"""Public reads of the simulated Bybit."""

from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from bybit_calls import BybitCaller

from lotusx_sim.wire import HttpRequest

HOUR_MS = 3_600_000


@pytest.fixture
def caller() -> BybitCaller:
    return BybitCaller()


def symbols(result: Any) -> list[str]:
    return [row["symbol"] for row in result["list"]]


def test_one_symbol_is_a_pair_and_a_contract(caller: BybitCaller) -> None:
    spot = caller.public("instruments-info", category="spot", symbol="BTCUSDT")["list"][0]
    linear = caller.public("instruments-info", category="linear", symbol="BTCUSDT")["list"][0]
    assert (spot["lotSizeFilter"]["basePrecision"], linear["lotSizeFilter"]["qtyStep"]) == ("0.000001", "0.001")
    assert (linear["contractType"], linear["fundingInterval"], linear["settleCoin"]) == ("LinearPerpetual", 480, "USDT")


def test_instruments_are_paged_by_an_encoded_cursor_that_is_given_back_as_it_is(caller: BybitCaller) -> None:
    found, cursor = list[str](), ""
    for _ in range(10):
        query = "category=linear&limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = caller.send(HttpRequest("GET", f"/v5/market/instruments-info?{query}"))["result"]
        found += symbols(page)
        cursor = page["nextPageCursor"]
        if not cursor:
            break
        assert unquote(cursor) != cursor
    assert found == symbols(caller.public("instruments-info", category="linear"))
    assert len(found) == len(set(found)) == 6


def test_spot_is_never_paged_and_only_open_contracts_are_listed_unasked(caller: BybitCaller) -> None:
    page = caller.public("instruments-info", category="spot", limit=2)
    assert len(page["list"]) == 5
    assert "nextPageCursor" not in page
    assert "LUNAUSDT" not in symbols(caller.public("instruments-info", category="linear"))
    assert symbols(caller.public("instruments-info", category="linear", status="Closed")) == ["LUNAUSDT"]
    assert set(symbols(caller.public("instruments-info", category="linear", baseCoin="ETH"))) == {"ETHUSDT", "ETHUSD"}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"category": "spot", "symbol": "NOPE"}, 170121),
        ({"category": "linear", "symbol": "NOPE"}, 10001),
        ({"category": "option", "symbol": "BTCUSDT"}, 10001),
        ({"symbol": "BTCUSDT"}, 10001),
        ({"category": "inverse", "symbol": "BTCUSDT"}, 10001),
    ],
)
def test_an_unknown_symbol_or_category_is_refused(caller: BybitCaller, params: dict[str, str], code: int) -> None:
    assert caller.query("/v5/market/orderbook", **params)["retCode"] == code


def test_the_book_has_the_default_depth_of_its_category_and_shows_what_was_set(caller: BybitCaller) -> None:
    caller.sim.set_book("linear:BTCUSDT", [("84000", "1"), ("83999.9", "2")], [("84001", "3")])
    book = caller.public("orderbook", category="linear", symbol="BTCUSDT")
    assert book["b"] == [["84000.00", "1.000"], ["83999.90", "2.000"]]
    assert book["a"] == [["84001.00", "3.000"]]
    assert len(caller.public("orderbook", category="spot", symbol="BTCUSDT")["b"]) == 1
    assert len(caller.public("orderbook", category="linear", symbol="ETHUSDT")["b"]) == 25
    later = caller.public("orderbook", category="linear", symbol="BTCUSDT")
    assert (later["u"], later["seq"]) == (book["u"], book["seq"])
    assert caller.sim.snapshot_calls("linear:BTCUSDT") == 2


def test_tickers_of_contracts_have_funding_mark_and_interest_of_both_sides(caller: BybitCaller) -> None:
    caller.sim.set_mark("linear:BTCUSDT", "84050.5", "84049")
    row = caller.public("tickers", category="linear", symbol="BTCUSDT")["list"][0]
    assert (row["markPrice"], row["indexPrice"], row["fundingRate"]) == ("84050.50", "84049.00", "0.0001")
    assert Decimal(row["openInterest"]) == 2 * Decimal(row["singleOpenInterest"]) > 0
    assert int(row["nextFundingTime"]) % (8 * HOUR_MS) == 0
    spot = caller.public("tickers", category="spot")["list"]
    assert len(spot) == 5
    assert "markPrice" not in spot[0]
    assert Decimal(spot[0]["bid1Price"]) < Decimal(spot[0]["ask1Price"])


def test_recent_trades_are_newest_first(caller: BybitCaller) -> None:
    caller.sim.trade("inverse:BTCUSD", "sell", "10")
    caller.step(1)
    caller.sim.trade("inverse:BTCUSD", "buy", "20")
    rows = caller.public("recent-trade", category="inverse", symbol="BTCUSD", limit=2)["list"]
    assert [(row["side"], row["size"]) for row in rows] == [("Buy", "20"), ("Sell", "10")]
    assert rows[0]["execId"] != rows[1]["execId"]


def test_candles_are_newest_first_and_inverse_counts_volume_in_dollars(caller: BybitCaller) -> None:
    caller.sim.set_book("inverse:BTCUSD", [("80000", "100000")], [("80000.5", "1")])
    caller.step(60)
    caller.sim.trade("inverse:BTCUSD", "sell", "40000")
    rows = caller.public("kline", category="inverse", symbol="BTCUSD", interval="1", limit=3)["list"]
    assert [int(rows[i][0]) - int(rows[i + 1][0]) for i in range(2)] == [60_000, 60_000]
    assert rows[0][1:] == ["80000.00"] * 4 + ["40000", "0.5"]


def test_candles_are_cut_by_start_and_end(caller: BybitCaller) -> None:
    hours = caller.public("kline", category="spot", symbol="BTCUSDT", interval="60", limit=1000)["list"]
    start, end = int(hours[9][0]), int(hours[5][0])
    some = caller.public("kline", category="spot", symbol="BTCUSDT", interval="60", start=start, end=end)["list"]
    assert some == hours[5:10]
    assert caller.query("/v5/market/kline", category="spot", symbol="BTCUSDT", interval="7")["retCode"] == 10001


def test_mark_and_index_have_candles_of_their_own(caller: BybitCaller) -> None:
    caller.sim.set_mark("linear:BTCUSDT", "90000", "70000")
    asked = {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "limit": 1}
    assert caller.public("mark-price-kline", **asked)["list"][0][4] == "90000.00"
    assert caller.public("index-price-kline", **asked)["list"][0][4] == "70000.00"
    assert caller.query("/v5/market/mark-price-kline", **(asked | {"category": "spot"}))["retCode"] == 10001


def test_funding_history_needs_an_end_and_grows_every_eight_hours(caller: BybitCaller) -> None:
    asked = {"category": "linear", "symbol": "BTCUSDT"}
    assert caller.query("/v5/market/funding/history", **asked, startTime=1)["retCode"] == 10001
    before = caller.public("funding/history", **asked)["list"]
    assert len(before) == 200
    assert int(before[0]["fundingRateTimestamp"]) - int(before[1]["fundingRateTimestamp"]) == 8 * HOUR_MS
    caller.sim.set_funding_rate("linear:BTCUSDT", "-0.00031")
    caller.step(8 * 3600)
    after = caller.public("funding/history", **asked, limit=1)["list"]
    assert (after[0]["fundingRate"], int(after[0]["fundingRateTimestamp"]) % (8 * HOUR_MS)) == ("-0.00031", 0)
    older = caller.public("funding/history", **asked, endTime=int(before[-1]["fundingRateTimestamp"]) - 1)["list"]
    assert len(older) == 100


def test_open_interest_is_paged_and_counts_both_sides(caller: BybitCaller) -> None:
    asked = {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h"}
    first = caller.public("open-interest", **asked, limit=2)
    second = caller.public("open-interest", **asked, limit=2, cursor=unquote(first["nextPageCursor"]))
    times = [int(row["timestamp"]) for row in first["list"] + second["list"]]
    assert [times[i] - times[i + 1] for i in range(3)] == [HOUR_MS] * 3
    row = first["list"][0]
    assert Decimal(row["openInterest"]) == 2 * Decimal(row["singleOpenInterest"])


def test_a_path_that_is_not_there_and_a_wrong_verb_are_refused_without_an_envelope(caller: BybitCaller) -> None:
    assert caller.send(HttpRequest("GET", "/v5/nothing")) == ""
    assert caller.last.status == 404
    assert caller.send(HttpRequest("POST", "/v5/market/time")) == ""
    assert caller.last.status == 400
    caller.send(HttpRequest("GET", "/v5/market/time", (), b"{}"))
    assert caller.last.status == 403


def test_the_same_seed_makes_the_same_market() -> None:
    def seen() -> Any:
        caller = BybitCaller()
        caller.sim.quiet(False)
        caller.step(5)
        return [
            caller.public("orderbook", category=category, symbol=symbol, limit=50)
            for category, symbol in (("spot", "BTCUSDT"), ("linear", "ETHUSDT"), ("inverse", "BTCUSD"))
        ] + [caller.public("recent-trade", category="linear", symbol="BTCUSDT")]

    assert seen() == seen()
