"""Market data of simulated USDⓈ-M futures, by REST and by streams."""

from decimal import Decimal
from itertools import pairwise

import pytest
from um_calls import BTC, UmCaller


@pytest.fixture
def um() -> UmCaller:
    return UmCaller()


def test_dated_contracts_are_listed_with_their_kind_and_end(um: UmCaller) -> None:
    listed = {row["symbol"]: row for row in um.get("v1/exchangeInfo")["symbols"]}

    assert listed[BTC]["contractType"] == "PERPETUAL"
    assert listed[BTC]["deliveryDate"] == 4_133_404_800_000
    assert listed["BTCUSDT_261225"]["contractType"] == "CURRENT_QUARTER"
    assert listed["BTCUSDT_261225"]["deliveryDate"] == 1_798_185_600_000
    assert listed["LUNAUSDT"]["status"] == "SETTLING"


def test_limits_are_those_of_futures(um: UmCaller) -> None:
    limits = um.get("v1/exchangeInfo")["rateLimits"]

    assert [(row["rateLimitType"], row["interval"], row["intervalNum"], row["limit"]) for row in limits] == [
        ("REQUEST_WEIGHT", "MINUTE", 1, 2_400), ("ORDERS", "SECOND", 10, 300), ("ORDERS", "MINUTE", 1, 1_200),
    ]  # fmt: skip


@pytest.mark.parametrize(("limit", "weight"), [(5, 2), (50, 2), (100, 5), (500, 10), (1000, 20)])
def test_depth_costs_by_its_limit(um: UmCaller, limit: int, weight: int) -> None:
    um.get("v1/depth", symbol=BTC, limit=limit)

    assert um.header["x-mbx-used-weight-1m"] == str(weight)


def test_depth_of_another_limit_is_refused(um: UmCaller) -> None:
    assert um.get("v1/depth", symbol=BTC, limit=7)["code"] == -4021


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("v1/depth", {"symbol": "NOPEUSDT"}, -1121),
        ("v1/depth", {}, -1102),
        ("v1/klines", {"symbol": BTC, "interval": "1s"}, -1120),
        ("v1/aggTrades", {"symbol": BTC, "fromId": 1, "startTime": 1}, -1128),
        ("v1/continuousKlines", {"pair": "XYZ", "contractType": "PERPETUAL", "interval": "1m"}, -4144),
    ],
)
def test_wrong_questions_get_the_documented_code(um: UmCaller, path: str, params: dict[str, object], code: int) -> None:
    assert um.get(path, **params)["code"] == code


def test_old_trades_need_the_name_of_a_key(um: UmCaller) -> None:
    assert um.get("v1/historicalTrades", symbol=BTC)["code"] == -2014

    rows = um.keyed("GET", f"v1/historicalTrades?symbol={BTC}")

    assert rows[0]["isRPITrade"] is False
    assert um.header["x-mbx-used-weight-1m"] == "400"  # the refused one counts, too


def test_prices_have_the_decimals_of_the_tick(um: UmCaller) -> None:
    bid = um.get("v1/ticker/bookTicker", symbol=BTC)
    row = um.get("v1/klines", symbol=BTC, interval="1m", limit=1)[0]

    assert Decimal(bid["bidPrice"]).as_tuple().exponent == -1
    assert Decimal(row[1]).as_tuple().exponent == -1
    assert Decimal(row[5]).as_tuple().exponent == -3


def test_tickers_of_all_contracts_leave_out_closed_ones(um: UmCaller) -> None:
    for path in ("v1/ticker/24hr", "v1/ticker/bookTicker", "v2/ticker/price", "v1/premiumIndex"):
        names = [row["symbol"] for row in um.get(path)]

        assert BTC in names
        assert "LUNAUSDT" not in names


def test_bars_of_a_pair_are_those_of_its_contract(um: UmCaller) -> None:
    bars = um.get("v1/continuousKlines", pair=BTC, contractType="PERPETUAL", interval="1h", limit=3)

    assert bars == um.get("v1/klines", symbol=BTC, interval="1h", limit=3)


def test_premium_index_tells_mark_index_and_when_funding_comes(um: UmCaller) -> None:
    um.sim.set_mark(BTC, "68000", "68010")

    row = um.get("v1/premiumIndex", symbol=BTC)
    quarter = um.get("v1/premiumIndex", symbol="BTCUSDT_261225")

    assert (row["markPrice"], row["indexPrice"]) == ("68000.00000000", "68010.00000000")
    assert row["nextFundingTime"] % (8 * 3_600_000) == 0
    assert (quarter["lastFundingRate"], quarter["nextFundingTime"]) == ("", 0)


def test_funding_history_is_in_order_and_grows_when_funding_is_settled(um: UmCaller) -> None:
    before = um.get("v1/fundingRate", symbol=BTC, limit=1000)

    um.sim.set_funding_rate(BTC, "0.00025")
    um.step(8 * 3_600)
    after = um.get("v1/fundingRate", symbol=BTC, limit=1000)

    assert [row["fundingTime"] for row in after] == sorted(row["fundingTime"] for row in after)
    assert len(after) == len(before) + 1
    assert after[-1]["fundingRate"] == "0.00025000"
    assert after[-1]["rateType"] == "Regular"


def test_funding_info_names_only_unusual_intervals(um: UmCaller) -> None:
    assert [(row["symbol"], row["fundingIntervalHours"]) for row in um.get("v1/fundingInfo")] == [("SOLUSDT", 4)]


def test_open_interest_counts_long_positions(um: UmCaller) -> None:
    before = Decimal(um.get("v1/openInterest", symbol=BTC)["openInterest"])

    um.market(quantity="0.5")

    assert Decimal(um.get("v1/openInterest", symbol=BTC)["openInterest"]) - before == Decimal("0.5")


# -- streams -----------------------------------------------------------------------------------------------------------


def test_depth_events_are_chained_by_the_previous_number_and_not_consecutive(um: UmCaller) -> None:
    socket = um.open("/public/stream?streams=btcusdt@depth@100ms")
    events = []
    for _ in range(3):
        um.sim.trade(BTC, "sell", "0.01")
        um.step(0.1)
        events += [message["data"] for message in socket.take()]

    assert len(events) == 3
    for before, event in pairwise(events):
        assert event["pu"] == before["u"]
        assert event["U"] > before["u"] + 1
    assert {event["st"] for event in events} == {1}


def test_a_snapshot_falls_into_the_event_of_its_time(um: UmCaller) -> None:
    socket = um.open("/public/stream?streams=btcusdt@depth@500ms")
    um.sim.trade(BTC, "sell", "0.01")
    snapshot = um.get("v1/depth", symbol=BTC, limit=5)
    um.sim.trade(BTC, "buy", "0.01")
    um.step(0.5)

    (message,) = socket.take()

    assert message["data"]["U"] <= snapshot["lastUpdateId"] <= message["data"]["u"]


@pytest.mark.parametrize(
    ("path", "served", "silent"),
    [
        ("/public", {"btcusdt@bookTicker", "btcusdt@depth5@100ms"}, {"btcusdt@aggTrade", "btcusdt@markPrice@1s"}),
        ("/market", {"btcusdt@aggTrade", "btcusdt@markPrice@1s"}, {"btcusdt@bookTicker", "btcusdt@depth5@100ms"}),
        ("", {"btcusdt@bookTicker", "btcusdt@depth5@100ms"}, {"btcusdt@aggTrade", "btcusdt@markPrice@1s"}),
    ],
)
def test_a_stream_of_another_path_is_acknowledged_and_silent(
    um: UmCaller, path: str, served: set[str], silent: set[str]
) -> None:
    socket = um.open(f"{path}/stream")
    reply = socket.ask({"method": "SUBSCRIBE", "params": [*served, *silent], "id": 1})

    um.sim.trade(BTC, "sell", um.get("v1/depth", symbol=BTC, limit=5)["bids"][0][1])
    um.step(1.1)
    heard = {message["stream"] for message in socket.take()}

    assert reply == {"result": None, "id": 1}
    assert heard == served


def test_partial_depth_is_the_whole_top_of_the_book(um: UmCaller) -> None:
    socket = um.open("/public/ws/btcusdt@depth5@100ms")
    um.step(0.1)

    (event,) = socket.take()

    assert event["e"] == "depthUpdate"
    assert event["b"] == um.get("v1/depth", symbol=BTC, limit=5)["bids"]


def test_arrays_of_all_contracts_hold_coin_margined_ones_too(um: UmCaller) -> None:
    socket = um.open("/market/stream?streams=!markPrice@arr@1s/!ticker@arr/!miniTicker@arr")
    um.step(1.1)

    arrays = {message["stream"]: message["data"] for message in socket.take()}

    assert set(arrays) == {"!markPrice@arr@1s", "!ticker@arr", "!miniTicker@arr"}
    for rows in arrays.values():
        assert {row["s"] for row in rows if row["st"] == 2} == {"BTCUSD_PERP"}
        assert BTC in {row["s"] for row in rows if row["st"] == 1}


def test_a_bar_is_closed_before_the_next_one_opens(um: UmCaller) -> None:
    socket = um.open("/market/stream?streams=btcusdt@kline_1m/btcusdt_perpetual@continuousKline_1m")
    um.step(59)
    um.sim.trade(BTC, "buy", "0.01")
    um.step(2)

    bars = [m["data"]["k"] for m in socket.take() if m["stream"] == "btcusdt@kline_1m"]

    closed = [bar for bar in bars if bar["x"]]
    assert len(closed) == 1
    assert bars.index(closed[0]) == len(bars) - 2
    assert closed[0]["T"] + 1 == bars[-1]["t"]


def test_trades_come_one_by_one_and_added_up(um: UmCaller) -> None:
    socket = um.open("/market/stream?streams=btcusdt@trade/btcusdt@aggTrade/btcusdt@ticker/!bookTicker")
    quantity = sum((Decimal(q) for _, q in um.get("v1/depth", symbol=BTC, limit=5)["bids"][:2]), Decimal(0))
    um.sim.trade(BTC, "sell", quantity)
    um.step(2.1)

    by_stream: dict[str, list[str]] = {}
    for message in socket.take():
        by_stream.setdefault(message["stream"], []).append(message["data"]["e"])

    assert by_stream == {"btcusdt@trade": ["trade"] * 2, "btcusdt@aggTrade": ["aggTrade"] * 2,
                         "btcusdt@ticker": ["24hrTicker"]}  # fmt: skip


def test_unknown_paths_are_not_found(um: UmCaller) -> None:
    response = um.open("/nowhere").accepted

    assert getattr(response, "status", None) == 404


def test_ten_messages_a_second_are_allowed(um: UmCaller) -> None:
    socket = um.open("/public/ws")
    for number in range(10):
        socket.send({"method": "LIST_SUBSCRIPTIONS", "id": number})
    assert socket.ended is None

    socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 11})

    assert socket.ended == (1008, "Too many requests")


def test_who_left_hears_nothing_more(um: UmCaller) -> None:
    socket = um.open("/public/stream?streams=btcusdt@bookTicker")
    socket.ask({"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 2})

    um.sim.trade(BTC, "sell", "0.9")

    assert socket.take() == []
