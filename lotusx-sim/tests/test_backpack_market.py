"""Backpack's public REST, limits and words of refusals."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from backpack_calls import PERP, SOL, BackpackCaller

from lotusx_sim import Backpack
from lotusx_sim.dialects.backpack import LimitRules


@pytest.fixture
def caller() -> BackpackCaller:
    return BackpackCaller()


def test_times_are_written_in_four_ways(caller: BackpackCaller) -> None:
    assert caller.public("time") == str(caller.now_ms)
    assert caller.public("depth", symbol=SOL)["timestamp"] == caller.now_ms * 1_000
    assert caller.public("trades", symbol=SOL)[0]["timestamp"] == caller.now_ms
    assert caller.public("fundingRates", symbol=PERP)[0]["intervalEndTimestamp"] == "2026-02-02T02:00:00"
    (bar,) = caller.public("klines", symbol=SOL, interval="1h", startTime=caller.now_ms // 1_000 - 3_599)
    assert (bar["start"], bar["end"]) == ("2026-02-02 02:00:00", "2026-02-02 03:00:00")


def test_ping_and_status_say_that_all_is_well(caller: BackpackCaller) -> None:
    assert caller.public("ping") == "pong"
    assert caller.public("status") == {"status": "Ok", "message": None}


def test_markets_are_spot_and_perpetuals_with_open_words_for_their_state(caller: BackpackCaller) -> None:
    listed = {market["symbol"]: market for market in caller.public("markets")}
    assert {market["marketType"] for market in listed.values()} == {"SPOT", "PERP"}
    assert {market["orderBookState"] for market in listed.values()} == {"Open", "Closed", "PostOnly"}
    assert listed[PERP]["fundingInterval"] == 3_600_000
    assert listed[SOL]["fundingInterval"] is None
    assert caller.public("market", symbol=PERP) == listed[PERP]
    assert {m["symbol"] for m in caller.public("markets", marketType="PERP")} == {
        name for name in listed if name.endswith("_PERP")
    }


def test_bids_ascend_as_asks_do(caller: BackpackCaller) -> None:
    book = caller.public("depth", symbol=SOL, limit=20)
    for side in (book["bids"], book["asks"]):
        assert len(side) == 20
        assert all(Decimal(a[0]) < Decimal(b[0]) for a, b in pairwise(side))
    assert Decimal(book["bids"][-1][0]) < Decimal(book["asks"][0][0])
    assert isinstance(book["lastUpdateId"], str)


def test_rest_does_not_pad_prices(caller: BackpackCaller) -> None:
    caller.sim.set_book(SOL, [("150.00", "1.00")], [("151.50", "2.50")])
    book = caller.public("depth", symbol=SOL)
    assert (book["bids"], book["asks"]) == ([["150", "1"]], [["151.5", "2.5"]])


def test_a_closed_market_has_no_book_and_no_ticker(caller: BackpackCaller) -> None:
    assert caller.public("depth", symbol="PYTH_USDC")["code"] == "RESOURCE_NOT_FOUND"
    assert caller.status == 404
    assert (caller.public("ticker", symbol="PYTH_USDC"), caller.status) == ("", 204)


def test_trades_are_newest_first_and_page_by_offset(caller: BackpackCaller) -> None:
    for side in ("buy", "sell", "buy"):
        caller.sim.trade(SOL, side, "0.5")
    recent = caller.public("trades", symbol=SOL, limit=3)
    assert [trade["isBuyerMaker"] for trade in recent] == [False, True, False]
    assert [trade["id"] for trade in recent] == sorted((trade["id"] for trade in recent), reverse=True)
    assert caller.public("trades/history", symbol=SOL, limit=2, offset=1) == recent[1:]


def test_candles_begin_where_asked_and_are_empty_where_nobody_traded(caller: BackpackCaller) -> None:
    start = caller.now_ms // 60_000 * 60 - 7_200
    bars = caller.public("klines", symbol=SOL, interval="1m", startTime=start)
    assert len(bars) == 121
    assert bars[0]["start"] == "2026-02-02 00:40:00"
    assert all(a["end"] == b["start"] for a, b in pairwise(bars))
    caller.step(180)
    *_, empty = caller.public("klines", symbol=SOL, interval="1m", startTime=start)
    assert (empty["open"], empty["close"], empty["volume"], empty["trades"]) == (None, None, "0", "0")


def test_a_page_of_candles_has_a_thousand_at_most(caller: BackpackCaller) -> None:
    bars = caller.public("klines", symbol=SOL, interval="1m", startTime=caller.now_ms // 1_000 - 100_000)
    assert len(bars) == 1_000
    part = caller.public("klines", symbol=SOL, interval="1month", startTime=0)
    assert part[-1]["start"] == "2026-02-01 00:00:00"


def test_a_ticker_sums_a_day_or_a_week(caller: BackpackCaller) -> None:
    day, week = (caller.public("ticker", symbol=SOL, interval=interval) for interval in ("1d", "1w"))
    assert day["lastPrice"] == week["lastPrice"]
    assert Decimal(day["volume"]) < Decimal(week["volume"])
    assert Decimal(day["priceChange"]) == Decimal(day["lastPrice"]) - Decimal(day["firstPrice"])
    assert day["symbol"] in {row["symbol"] for row in caller.public("tickers")}


def test_perpetuals_have_mark_funding_and_open_interest(caller: BackpackCaller) -> None:
    caller.sim.set_mark(PERP, "152.5", "152.4")
    caller.sim.set_funding_rate(PERP, "-0.00002")
    (row,) = caller.public("markPrices", symbol=PERP)
    assert (row["markPrice"], row["indexPrice"], row["fundingRate"]) == ("152.5", "152.4", "-0.00002")
    assert row["nextFundingTimestamp"] == (caller.now_ms // 3_600_000 + 1) * 3_600_000
    before = caller.public("fundingRates", symbol=PERP)
    caller.step(3_600)
    newest, *older = caller.public("fundingRates", symbol=PERP, limit=101)
    assert (newest["fundingRate"], older) == ("-0.00002", before)
    (interest,) = caller.public("openInterest", symbol=PERP)
    assert Decimal(interest["openInterest"]) > 0
    assert caller.public("markPrices", symbol=SOL) == []


Ask = Callable[[BackpackCaller], Any]


@pytest.mark.parametrize(
    ("ask", "status", "words"),
    [
        (lambda c: c.public("depth", symbol="NO_USDC"), 400, "Invalid market symbol"),
        (lambda c: c.public("depth", symbol="sol_usdc"), 400, "Invalid market symbol"),
        (lambda c: c.public("depth"), 400, "failed to parse parameter `symbol`"),
        (lambda c: c.public("depth", symbol=SOL, limit=7), 400, "failed to parse parameter `limit`"),
        (lambda c: c.public("trades", symbol=SOL, limit=1001), 400, "failed to parse parameter `limit`"),
        (lambda c: c.public("klines", symbol=SOL, interval="1m"), 400, "failed to parse parameter `startTime`"),
        (lambda c: c.public("klines", symbol=SOL, interval="7m", startTime=1), 400, "unknown variant"),
        (lambda c: c.public("nothing"), 404, "not found"),
    ],
)
def test_refusals_are_documents_or_plain_text(caller: BackpackCaller, ask: Ask, status: int, words: str) -> None:
    said = ask(caller)
    assert (caller.status, words in str(said)) == (status, True), said


def test_requests_are_counted_by_minute_and_told_by_429() -> None:
    caller = BackpackCaller(Backpack(actions_per_s=0, rules=LimitRules(requests_per_minute=5, historical_per_minute=2)))
    bars = {"symbol": SOL, "interval": "1h", "startTime": caller.now_ms // 1_000 - 3_600}
    for _ in range(2):
        caller.public("klines", **bars)
    assert caller.public("klines", **bars)["code"] == "TOO_MANY_REQUESTS"
    caller.public("time")
    caller.public("time")
    assert caller.public("time")["code"] == "TOO_MANY_REQUESTS"
    assert caller.status == 429
    assert caller.get("/api/v1/capital")  # an account has limits of its own
    caller.step(60)
    assert caller.public("time").isdecimal()


def test_assets_collateral_and_securities_are_listed(caller: BackpackCaller) -> None:
    assets = {row["symbol"] for row in caller.public("assets")}
    assert {row["symbol"] for row in caller.public("collateral")} == assets >= {"USDC", "SOL"}
    assert caller.public("securities") == []
    bars = {"symbol": SOL, "interval": "1m", "startTime": caller.now_ms // 1_000 - 60}
    assert "not simulated" in caller.public("klines", **bars, priceType="Mark")["message"]
    assert "after endTime" in caller.public("klines", **bars, endTime=1)["message"]
