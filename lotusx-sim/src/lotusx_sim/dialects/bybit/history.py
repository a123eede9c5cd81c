"""Public reads of what was: candles, funding rates, open interest. All newest first. Source: Bybit V5, market."""

from decimal import Decimal
from random import Random
from typing import Any

from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.errors import bad
from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.numbers import amount, plain, scaled
from lotusx_sim.dialects.bybit.paging import listed, page
from lotusx_sim.engine.candles import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS, Candle, CandleStore, Interval

INTERVALS = {name: Interval(name, int(name) * MINUTE_MS) for name in
             ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720")}  # fmt: skip
INTERVALS |= {"D": Interval("D", DAY_MS), "W": Interval("W", WEEK_MS), "M": Interval("M", 0)}
_SAMPLES = {
    "5min": 5 * MINUTE_MS, "15min": 15 * MINUTE_MS, "30min": 30 * MINUTE_MS, "1h": HOUR_MS, "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
}  # fmt: skip
_CONTRACTS = (Category.LINEAR, Category.INVERSE)


def kline(call: Call) -> dict[str, Any]:
    category = call.params.category(default=Category.LINEAR)
    listing = _listing(call, category)
    rows = [[*prices, *volumes(listing, bar)] for bar, prices in _bars(call, listing, call.state.candles)]
    return {"symbol": listing.symbol, "category": category.value, "list": rows}


def mark_kline(call: Call) -> dict[str, Any]:
    return _price_kline(call, call.state.mark_candles)


def index_kline(call: Call) -> dict[str, Any]:
    return _price_kline(call, call.state.index_candles)


def _price_kline(call: Call, stores: dict[str, CandleStore]) -> dict[str, Any]:
    category = call.params.category(*_CONTRACTS, default=Category.LINEAR)
    listing = _listing(call, category)
    rows = [prices for _, prices in _bars(call, listing, stores)]
    return {"symbol": listing.symbol, "category": category.value, "list": rows}


def _listing(call: Call, category: Category) -> Listing:
    return call.state.listed(category, call.params.needed("symbol").upper())


def _bars(call: Call, listing: Listing, stores: dict[str, CandleStore]) -> list[tuple[Candle, list[str]]]:
    name = call.params.text("interval")
    if name not in INTERVALS:
        raise bad("Invalid period!")
    start, end = call.params.integer("start"), call.params.integer("end")
    if start is not None and end is not None and start > end:
        raise bad("params error: start is after end")
    bars = [
        bar for bar in stores[listing.name].bars(INTERVALS[name], now_ms=call.now_ms)
        if (start is None or bar.open_ms >= start) and (end is None or bar.open_ms <= end)
    ]  # fmt: skip
    newest = bars[-call.params.limit(200, 1000) :][::-1]
    return [(bar, [str(bar.open_ms), *ohlc(listing, bar)]) for bar in newest]


def ohlc(listing: Listing, bar: Candle) -> list[str]:
    return [scaled(price, listing.tick) for price in (bar.open, bar.high, bar.low, bar.close)]


def volumes(listing: Listing, bar: Candle) -> tuple[str, str]:
    """Return volume and turnover: base and quote, the other way round where the contract is inverse."""
    if listing.is_inverse:
        return plain(bar.volume), amount(bar.volume / bar.close)
    return plain(bar.volume), amount(bar.quote_volume)


def funding(call: Call) -> dict[str, Any]:
    category = call.params.category(*_CONTRACTS)
    listing = _listing(call, category)
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is None:
        raise bad("params error: startTime alone is not supported")
    if start is not None and end is not None and start > end:
        raise bad("params error: startTime is after endTime")
    found = [
        {"symbol": listing.symbol, "fundingRate": plain(rate), "fundingRateTimestamp": str(at_ms)}
        for at_ms, rate in reversed(call.state.funding.get(listing.name, []))
        if (start is None or at_ms >= start) and (end is None or at_ms <= end)
    ]
    return {"category": category.value, "list": found[: call.params.limit(200, 200)]}


def open_interest(call: Call) -> dict[str, Any]:
    category = call.params.category(*_CONTRACTS)
    listing = _listing(call, category)
    every_ms = _SAMPLES.get(call.params.text("intervalTime"))
    if every_ms is None:
        raise bad("params error: intervalTime invalid")
    newest_ms = call.now_ms // every_ms * every_ms
    end = min(call.params.integer("endTime") or newest_ms, newest_ms) // every_ms * every_ms
    oldest_ms = newest_ms - 999 * every_ms
    start = max(call.params.integer("startTime") or oldest_ms, oldest_ms)
    times = range(end, -(-start // every_ms) * every_ms - 1, -every_ms)
    chosen, cursor = page(times, call.params, str, default=50, highest=200)
    rows = []
    for at_ms in chosen:
        one_side = _interest(call, listing, at_ms)
        rows.append(
            {
                "openInterest": plain(2 * one_side),
                "singleOpenInterest": plain(one_side),
                "timestamp": str(at_ms),
            }
        )
    return listed(rows, cursor, symbol=listing.symbol, category=category.value)


def _interest(call: Call, listing: Listing, at_ms: int) -> Decimal:
    """Return one side's open interest: what was sampled since the start, before that something drawn."""
    sampled = call.state.interest.get(listing.name, {}).get(at_ms)
    if sampled is not None:
        return sampled
    seed = f"interest:{call.state.options.seed}:{listing.name}:{at_ms}"
    return listing.step * listing.size_steps * Random(seed).randint(40_000, 60_000)
