"""Public reads. Source: OKX API v5 (2026-06), order-book-trading-market-data and public-data."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.okx.errors import bad
from lotusx_sim.dialects.okx.listings import SPOT, SWAP, Listing
from lotusx_sim.dialects.okx.params import Params
from lotusx_sim.dialects.okx.rows import SIDE_NAMES
from lotusx_sim.dialects.okx.state import Print, VenueState
from lotusx_sim.dialects.okx.text import amount, ms, on_tick, plain
from lotusx_sim.engine.candles import DAY_MS, MINUTE_MS, WEEK_MS, Candle, Interval
from lotusx_sim.engine.orders import Side

Rows = list[Any]
_MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1H": 60, "2H": 120, "4H": 240, "6Hutc": 360,
            "12Hutc": 720}  # fmt: skip
BARS = {name: Interval(name, minutes * MINUTE_MS) for name, minutes in _MINUTES.items()}
BARS |= {"1Dutc": Interval("1Dutc", DAY_MS), "1Wutc": Interval("1Wutc", WEEK_MS), "1Mutc": Interval("1Mutc", 0)}
_RECENT = 1_440
_BOOK_DEPTH = 400


def time(state: VenueState, params: Params) -> Rows:
    del params
    return [{"ts": str(state.now_ms)}]


def instruments(state: VenueState, params: Params) -> Rows:
    return [item.document() for item in _of_type(state, params)]


def _of_type(state: VenueState, params: Params) -> list[Listing]:
    wanted, name = params.needed("instType"), params.text("instId")
    if wanted not in (SPOT, SWAP, "FUTURES", "OPTION", "MARGIN"):
        raise bad("instType")
    return [item for item in state.listings if item.inst_type == wanted and name in ("", item.name)]


def ticker_row(state: VenueState, listing: Listing) -> dict[str, str]:
    day = state.candles[listing.name].stats(now_ms=state.now_ms)
    last = state.last(listing)
    bar = day.candle
    base, quote = bar.volume, bar.quote_volume
    row = {
        "instType": listing.inst_type,
        "instId": listing.name,
        "last": plain(last),
        "lastSz": listing.wire(listing.step),
        "open24h": plain(day.previous_close),
        "high24h": plain(max(bar.high, last)),
        "low24h": plain(min(bar.low, last)),
        "vol24h": plain(base) if listing.is_spot else listing.wire(base),
        "volCcy24h": amount(quote) if listing.is_spot else plain(base),
        "sodUtc0": plain(day.previous_close),
        "sodUtc8": plain(day.previous_close),
        "ts": str(state.now_ms),
    }
    for name, side in (("bid", Side.BUY), ("ask", Side.SELL)):
        best = state.levels(listing, side, 1)
        row[f"{name}Px"] = plain(best[0][0]) if best else ""
        row[f"{name}Sz"] = listing.wire(best[0][1]) if best else ""
    return row


def ticker(state: VenueState, params: Params) -> Rows:
    return [ticker_row(state, state.listed(params.needed("instId")))]


def tickers(state: VenueState, params: Params) -> Rows:
    return [ticker_row(state, item) for item in _of_type(state, params) if item.is_open]


def level_rows(listing: Listing, levels: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[plain(price), listing.wire(size), "0", "1" if size else "0"] for price, size in levels]


def book_row(state: VenueState, listing: Listing, depth: int) -> dict[str, Any]:
    return {
        "asks": level_rows(listing, state.levels(listing, Side.SELL, depth)),
        "bids": level_rows(listing, state.levels(listing, Side.BUY, depth)),
        "ts": str(state.now_ms),
    }


def trade_row(item: Print) -> dict[str, str]:
    return {
        "instId": item.listing.name,
        "side": SIDE_NAMES[item.taker_side],
        "sz": item.listing.wire(item.quantity),
        "source": "0",
        "px": plain(item.price),
        "tradeId": str(item.id),
        "ts": ms(item.ns),
    }


def trades(state: VenueState, params: Params) -> Rows:
    listing = state.listed(params.needed("instId"))
    newest = list(state.prints[listing.name])[-params.limit(100, 500) :]
    return [trade_row(item) for item in reversed(newest)]


def candle_row(listing: Listing, bar: Candle, *, complete: bool) -> list[str]:
    prices = [plain(price) for price in (bar.open, bar.high, bar.low, bar.close)]
    base, quote = plain(bar.volume), amount(bar.quote_volume)
    volumes = [base, quote, quote] if listing.is_spot else [listing.wire(bar.volume), base, quote]
    return [str(bar.open_ms), *prices, *volumes, "1" if complete else "0"]


def candles(state: VenueState, params: Params) -> Rows:
    return _candles(state, params, past=False)


def history_candles(state: VenueState, params: Params) -> Rows:
    return _candles(state, params, past=True)


def _candles(state: VenueState, params: Params, *, past: bool) -> Rows:
    listing = state.listed(params.needed("instId"))
    interval = BARS.get(params.text("bar", "1m"))
    if interval is None:
        raise bad("bar")
    after, before = params.integer("after"), params.integer("before")
    bars = state.candles[listing.name].bars(interval, now_ms=state.now_ms)
    running = interval.open_of(state.now_ms)
    bars = [bar for bar in bars if bar.open_ms < running] if past else bars[-_RECENT:]
    found = [
        bar for bar in bars
        if (after is None or bar.open_ms < after) and (before is None or bar.open_ms > before)
    ]  # fmt: skip
    chosen = found[-params.limit(100, 300) :]
    return [candle_row(listing, bar, complete=bar.open_ms < running) for bar in reversed(chosen)]


def _swap(state: VenueState, params: Params) -> Listing:
    listing = state.listed(params.needed("instId"))
    if listing.is_spot:
        raise bad("instId")
    return listing


def funding_rate(state: VenueState, params: Params) -> Rows:
    listing = _swap(state, params)
    every = listing.funding_minutes * 60_000
    at = (state.now_ms // every + 1) * every
    settled = state.funding[listing.name][-1][1]
    return [
        {
            "formulaType": "noRate",
            "fundingRate": plain(state.exchange.perps.funding_rate(listing.name)),
            "fundingTime": str(at),
            "impactValue": "",
            "instId": listing.name,
            "instType": SWAP,
            "interestRate": "",
            "maxFundingRate": "0.00375",
            "method": "current_period",
            "minFundingRate": "-0.00375",
            "nextFundingRate": "",
            "nextFundingTime": str(at + every),
            "premium": "0",
            "settFundingRate": plain(settled),
            "settState": "settled",
            "ts": str(state.now_ms),
        }
    ]


def funding_history(state: VenueState, params: Params) -> Rows:
    listing = _swap(state, params)
    after, before = params.integer("after"), params.integer("before")
    found = [
        {
            "formulaType": "noRate", "fundingRate": plain(rate), "fundingTime": str(at), "instId": listing.name,
            "instType": SWAP, "method": "current_period", "realizedRate": plain(rate),
        }
        for at, rate in reversed(state.funding[listing.name])
        if (after is None or at < after) and (before is None or at > before)
    ]  # fmt: skip
    return found[: params.limit(400, 400)]


def mark_row(state: VenueState, listing: Listing) -> dict[str, str]:
    return {
        "instType": SWAP,
        "instId": listing.name,
        "markPx": on_tick(state.mark(listing), listing.tick),
        "ts": str(state.now_ms),
    }


def mark_price(state: VenueState, params: Params) -> Rows:
    return [mark_row(state, item) for item in _of_type(state, params) if not item.is_spot]


def index_tickers(state: VenueState, params: Params) -> Rows:
    name = params.needed("instId")
    found = next((item for item in state.listings if not item.is_spot and f"{item.base}-{item.quote}" == name), None)
    if found is None:
        raise bad("instId")
    price = on_tick(state.exchange.perps.index(found.name) or found.price, found.tick)
    same = dict.fromkeys(("idxPx", "high24h", "low24h", "open24h", "sodUtc0", "sodUtc8"), price)
    return [{"instId": name, **same, "ts": str(state.now_ms)}]


def open_interest(state: VenueState, params: Params) -> Rows:
    rows = []
    for item in _of_type(state, params):
        if not item.is_spot:
            held = state.exchange.perps.open_interest(item.name)
            rows.append(
                {
                    "instType": SWAP, "instId": item.name, "oi": item.wire(held), "oiCcy": plain(held),
                    "oiUsd": amount(held * state.mark(item)), "ts": str(state.now_ms),
                }
            )  # fmt: skip
    return rows


def depth_of(params: Params) -> int:
    return min(params.integer("sz") or 1, _BOOK_DEPTH)
