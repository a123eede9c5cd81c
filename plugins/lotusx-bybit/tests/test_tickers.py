"""Tickers, and the sparse updates that make one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import BeginningMissing, ItemRejected
from lotusx.model import Symbol
from lotusx_bybit.v5 import tickers, types
from lotusx_bybit.v5.category import Category

BTC = Symbol("BTC", "USDT", "USDT")
WHOLE: dict[str, str] = {
    "symbol": "BTCUSDT",
    "lastPrice": "61874.00",
    "prevPrice24h": "62484.60",
    "highPrice24h": "62752.90",
    "lowPrice24h": "61000.10",
    "volume24h": "98430.1050",
    "turnover24h": "6073739017.8331",
    "price24hPcnt": "-0.009772",
    "bid1Price": "61873.90",
    "bid1Size": "3.783",
    "ask1Price": "61874.00",
    "ask1Size": "16.278",
    "markPrice": "61875.25",
    "indexPrice": "61903.73",
    "openInterest": "58117.022",
    "fundingRate": "0.00008055",
    "nextFundingTime": "1715760000000",
    "fundingIntervalHour": "8",
}
FIELDS = [name for name in WHOLE if name != "symbol"]


def _push(kind: str, data: dict[str, str], *, cs: int = 1, ts: int = 1) -> types.Push[types.ContractTicker]:
    message = {"topic": "tickers.BTCUSDT", "type": kind, "ts": ts, "cs": cs, "data": {"symbol": "BTCUSDT", **data}}
    return msgspec.convert(message, types.Push[types.ContractTicker])


def _item(**changes: str) -> types.ContractTicker:
    return msgspec.convert({**WHOLE, **changes}, types.ContractTicker)


def _state(data: types.ContractTicker) -> dict[str, Any]:
    return {name: value for name in FIELDS if (value := getattr(data, name)) is not msgspec.UNSET}


def test_delta_changes_what_it_names_and_nothing_else() -> None:
    begun = tickers.merged(None, _push("snapshot", WHOLE, cs=5, ts=10))

    state = tickers.merged(begun, _push("delta", {"markPrice": "61875.06", "bid1Size": "3.543"}, cs=6, ts=20))

    assert _state(state.data) == {**_state(begun.data), "markPrice": "61875.06", "bid1Size": "3.543"}
    assert (state.ts, state.cs) == (20, 6)
    assert begun.data.markPrice == "61875.25"  # the state before is not touched


def test_delta_without_a_beginning_is_rejected() -> None:
    with pytest.raises(BeginningMissing, match="has not begun"):
        tickers.merged(None, _push("delta", {"markPrice": "1"}))


def test_older_delta_of_another_socket_changes_nothing() -> None:
    begun = tickers.merged(None, _push("snapshot", WHOLE, cs=5))

    assert tickers.merged(begun, _push("delta", {"markPrice": "1"}, cs=4)) is begun
    assert tickers.merged(begun, _push("delta", {"markPrice": "1"}, cs=5)).data.markPrice == "1"


def test_snapshot_always_begins_anew() -> None:
    begun = tickers.merged(None, _push("snapshot", WHOLE, cs=5))

    again = tickers.merged(begun, _push("snapshot", {"lastPrice": "7"}, cs=1))

    assert _state(again.data) == {"lastPrice": "7"}


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), st.integers(0, 10**12).map(str)), max_size=12))
def test_merged_deltas_equal_one_update_after_another(deltas: list[dict[str, str]]) -> None:
    state, naive = tickers.merged(None, _push("snapshot", WHOLE)), dict(WHOLE)
    for number, delta in enumerate(deltas, 2):
        state = tickers.merged(state, _push("delta", delta, cs=number))
        naive |= delta

    assert _state(state.data) == {name: naive[name] for name in FIELDS}


def test_contract_ticker_is_exact() -> None:
    found = tickers.to_contract_ticker(_item(), symbol=BTC, category=Category.LINEAR, exchange_ms=5, received_ns=9)

    assert (found.last_price, found.open_price) == (Decimal("61874.00"), Decimal("62484.60"))
    assert (found.bid_price, found.ask_quantity) == (Decimal("61873.90"), Decimal("16.278"))
    assert (found.base_volume, found.quote_volume) == (Decimal("98430.1050"), Decimal("6073739017.8331"))
    assert found.change_fraction == Decimal("-0.009772")
    assert (found.mark_price, found.index_price) == (Decimal("61875.25"), Decimal("61903.73"))
    assert (found.funding_rate, found.open_interest) == (Decimal("0.00008055"), Decimal("29058.511"))
    assert (found.exchange_ns, found.received_ns) == (5_000_000, 9)


def test_volumes_of_inverse_come_the_other_way_round() -> None:
    found = tickers.to_contract_ticker(_item(), symbol=BTC, category=Category.INVERSE, exchange_ms=5, received_ns=9)

    assert (found.base_volume, found.quote_volume) == (Decimal("6073739017.8331"), Decimal("98430.1050"))


@pytest.mark.parametrize("nothing", ["", "0"])
def test_empty_side_is_none_not_zero(nothing: str) -> None:
    item = _item(bid1Price=nothing, bid1Size=nothing, lastPrice=nothing)

    found = tickers.to_contract_ticker(item, symbol=BTC, category=Category.LINEAR, exchange_ms=None, received_ns=0)

    assert (found.bid_price, found.bid_quantity, found.last_price, found.exchange_ns) == (None,) * 4
    assert found.ask_price == Decimal("61874.00")


def test_what_a_beginning_leaves_open_is_none() -> None:
    state = tickers.merged(None, _push("snapshot", {"lastPrice": "7"}))

    found = tickers.to_contract_ticker(
        state.data, symbol=BTC, category=Category.LINEAR, exchange_ms=state.ts, received_ns=0
    )

    assert (found.last_price, found.mark_price, found.bid_price, found.open_interest) == (Decimal(7), None, None, None)


def test_mark_price_carries_funding_and_open_interest() -> None:
    found = tickers.to_mark_price(_item(singleOpenInterest="29000"), symbol=BTC, exchange_ms=5, received_ns=9)

    assert (found.mark_price, found.index_price) == (Decimal("61875.25"), Decimal("61903.73"))
    assert (found.funding_rate, found.next_funding_ns) == (Decimal("0.00008055"), 1_715_760_000_000 * 1_000_000)
    assert found.open_interest == 29_000


def test_running_funding_rate_states_its_interval() -> None:
    rate = tickers.to_funding_rate(_item(), symbol=BTC)

    assert (rate.rate, rate.funding_ns, rate.interval_s) == (
        Decimal("0.00008055"),
        1_715_760_000_000 * 1_000_000,
        28_800,
    )
    assert tickers.to_funding_rate(_item(fundingIntervalHour=""), symbol=BTC).interval_s is None


@pytest.mark.parametrize("changes", [{"fundingRate": ""}, {"nextFundingTime": "0"}, {"nextFundingTime": ""}])
def test_dated_instrument_has_no_funding(changes: dict[str, str]) -> None:
    with pytest.raises(ItemRejected, match="no funding"):
        tickers.to_funding_rate(_item(**changes), symbol=BTC)
    assert tickers.to_mark_price(_item(nextFundingTime="0"), symbol=BTC, exchange_ms=1, received_ns=0).mark_price


def test_ticker_without_mark_price_or_open_interest_says_so() -> None:
    with pytest.raises(ItemRejected, match="no mark price"):
        tickers.to_mark_price(_item(markPrice=""), symbol=BTC, exchange_ms=1, received_ns=0)
    with pytest.raises(ItemRejected, match="no open interest"):
        tickers.to_open_interest(
            _item(openInterest=""), symbol=BTC, category=Category.LINEAR, exchange_ms=1, received_ns=0
        )


def test_spot_ticker_of_a_pair_that_has_not_traded_for_a_day_leaves_open_what_is_blank() -> None:
    blank = dict.fromkeys(
        ("prevPrice24h", "highPrice24h", "lowPrice24h", "volume24h", "turnover24h", "price24hPcnt"), ""
    )
    item = msgspec.convert({**WHOLE, **blank}, types.SpotTicker)

    found = tickers.to_spot_ticker(item, symbol=BTC, exchange_ms=5, received_ns=9)

    assert (found.last_price, found.bid_price) == (Decimal("61874.00"), Decimal("61873.90"))
    assert (found.open_price, found.high_price, found.low_price, found.change_fraction) == (None,) * 4
    assert (found.base_volume, found.quote_volume) == (None, None)


def test_spot_ticker_of_the_stream_has_neither_bid_nor_offer() -> None:
    data = {name: value for name, value in WHOLE.items() if not name.startswith(("bid1", "ask1"))}
    item = msgspec.convert({**data, "usdIndexPrice": ""}, types.SpotTicker)

    found = tickers.to_spot_ticker(item, symbol=BTC, exchange_ms=5, received_ns=9)

    assert (found.last_price, found.base_volume) == (Decimal("61874.00"), Decimal("98430.1050"))
    assert (found.bid_price, found.bid_quantity, found.ask_price, found.mark_price) == (None,) * 4
    assert found.exchange_ns == 5_000_000
