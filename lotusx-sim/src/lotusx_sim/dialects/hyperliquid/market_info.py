"""Answers of ``POST /info`` about markets. Shapes: the venue's info endpoint pages and recorded answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from lotusx_sim.dialects.hyperliquid import books
from lotusx_sim.dialects.hyperliquid.errors import UnknownCoin, bad_body
from lotusx_sim.dialects.hyperliquid.markets import Dex, Listing
from lotusx_sim.dialects.hyperliquid.numbers import price_figures, rounded, shown, wire
from lotusx_sim.dialects.hyperliquid.schema import one_of, record, text, unsigned
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, Print, VenueState
from lotusx_sim.engine.candles import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS, Candle, Interval
from lotusx_sim.engine.orders import Side

BASE_FUNDING = Decimal("0.0000125")
INTERVALS = {
    name: Interval(name, length)
    for name, length in {
        "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS,
        "1h": HOUR_MS, "2h": 2 * HOUR_MS, "4h": 4 * HOUR_MS, "8h": 8 * HOUR_MS, "12h": 12 * HOUR_MS,
        "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": WEEK_MS, "1M": 0,
    }.items()
}  # fmt: skip
_KEPT_CANDLES = 5_000
_PAGE = 500
_RECENT = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """One info request."""

    state: VenueState
    body: Mapping[str, Any]
    now_ns: int

    @property
    def now_ms(self) -> int:
        return self.now_ns // NS_PER_MS

    def listing(self) -> Listing:
        return self.state.listed(text(self.body.get("coin")))

    def dex(self) -> Dex:
        """Return the dex asked for, the first one by default."""
        name = self.body.get("dex") or ""
        dex = self.state.universe.dexes.get(text(name))
        if dex is None:
            raise UnknownCoin(name)
        return dex

    def span(self) -> tuple[int, int]:
        """Return start and end, both included, in ms."""
        start, end = self.body.get("startTime"), self.body.get("endTime")
        return (0 if start is None else unsigned(start), self.now_ms if end is None else unsigned(end))


def exchange_status(ask: Ask) -> Any:
    return {"time": ask.now_ms, "specialStatuses": None}


def meta(ask: Ask) -> Any:
    return ask.dex().meta()


def all_perp_metas(ask: Ask) -> Any:
    return [dex.meta() for dex in ask.state.universe.dexes.values()]


def perp_dexs(ask: Ask) -> Any:
    return [dex.document() if dex.name else None for dex in ask.state.universe.dexes.values()]


def meta_and_contexts(ask: Ask) -> Any:
    dex = ask.dex()
    return [dex.meta(), [perp_context(ask.state, perp, ask.now_ns) for perp in dex.perps]]


def spot_meta(ask: Ask) -> Any:
    return ask.state.universe.spot_meta()


def spot_meta_and_contexts(ask: Ask) -> Any:
    universe = ask.state.universe
    return [universe.spot_meta(), [spot_context(ask.state, pair, ask.now_ns) for pair in universe.pairs]]


def all_mids(ask: Ask) -> Any:
    return mids(ask.state, ask.dex())


def mids(state: VenueState, dex: Dex) -> dict[str, str]:
    """Return the middle of every book of a dex, spot pairs with the first dex; the last price of an empty one."""
    listings = dex.perps if dex.name else (*dex.perps, *state.universe.pairs)
    return {listing.coin: shown(_mid(state, listing) or state.mark(listing)) for listing in listings if listing.is_open}


def _mid(state: VenueState, listing: Listing) -> Decimal | None:
    mid = state.mid(listing)
    return None if mid is None else price_figures(mid, listing.size_decimals, listing.max_decimals)


def l2_book(ask: Ask) -> Any:
    figures, mantissa = ask.body.get("nSigFigs"), ask.body.get("mantissa")
    listing = ask.listing()
    books.check_depth(figures, mantissa)
    return books.snapshot(ask.state, listing, ask.now_ns, figures=figures, mantissa=mantissa)


def recent_trades(ask: Ask) -> Any:
    prints = ask.state.prints[ask.listing().coin]
    return [trade(item) for item in list(prints)[: -_RECENT - 1 : -1]]


def trade(item: Print) -> dict[str, Any]:
    return {
        "coin": item.coin,
        "side": "B" if item.taker_side is Side.BUY else "A",
        "px": shown(item.price),
        "sz": shown(item.size),
        "time": item.ns // NS_PER_MS,
        "hash": item.hash,
        "tid": item.tid,
        "users": [item.buyer, item.seller],
    }


_CANDLES = record(coin=text, interval=one_of(*INTERVALS), startTime=unsigned)


def candle_snapshot(ask: Ask) -> Any:
    wanted = _CANDLES(ask.body.get("req"))
    end = ask.body["req"].get("endTime")
    end_ms = ask.now_ms if end is None else unsigned(end)
    listing, interval = ask.state.listed(wanted["coin"]), INTERVALS[wanted["interval"]]
    bars = ask.state.candles[listing.coin].bars(interval, now_ms=ask.now_ms)[-_KEPT_CANDLES:]
    start_ms = wanted["startTime"]
    return [
        candle(listing.coin, interval, bar)
        for bar in bars
        if interval.next_open(bar.open_ms) > start_ms and bar.open_ms <= end_ms
    ]


def candle(coin: str, interval: Interval, bar: Candle) -> dict[str, Any]:
    return {
        "t": bar.open_ms,
        "T": interval.next_open(bar.open_ms) - 1,
        "s": coin,
        "i": interval.name,
        "o": shown(bar.open),
        "c": shown(bar.close),
        "h": shown(bar.high),
        "l": shown(bar.low),
        "v": shown(bar.volume),
        "n": bar.trades,
    }


def funding_history(ask: Ask) -> Any:
    listing = ask.listing()
    if listing.is_spot:
        raise UnknownCoin(listing.coin)
    if "startTime" not in ask.body:
        raise bad_body()
    start_ms, end_ms = ask.span()
    lived = ask.state.funding_history.get(listing.coin, [])
    first_ms = lived[0]["time"] if lived else ask.now_ms
    hour_ms = max(-(-start_ms // HOUR_MS) * HOUR_MS, first_ms - 30 * DAY_MS // HOUR_MS * HOUR_MS)
    hour_ms = -(-hour_ms // HOUR_MS) * HOUR_MS
    rows: list[dict[str, Any]] = []
    while hour_ms < first_ms and hour_ms <= end_ms and len(rows) < _PAGE:
        rows.append(_drawn_funding(listing.coin, hour_ms))
        hour_ms += HOUR_MS
    rows += [row for row in lived if start_ms <= row["time"] <= end_ms]
    return rows[:_PAGE]


def _drawn_funding(coin: str, hour_ms: int) -> dict[str, Any]:
    """Return the rate of an hour before the venue was opened: the same one whenever it is asked for."""
    draw = blake2b(f"funding:{coin}:{hour_ms}".encode(), digest_size=2).digest()
    rate = BASE_FUNDING + Decimal(int.from_bytes(draw, "big") - 32_768).scaleb(-10)
    return funding_row(coin, rate, hour_ms)


def funding_row(coin: str, rate: Decimal, time_ms: int) -> dict[str, Any]:
    premium = rate * 8 - BASE_FUNDING * 8
    return {"coin": coin, "fundingRate": wire(rate), "premium": rounded(premium, 10), "time": time_ms}


def predicted_fundings(ask: Ask) -> Any:
    next_ms = (ask.now_ms // HOUR_MS + 1) * HOUR_MS
    perps = ask.state.exchange.perps
    return [
        [
            perp.coin,
            [
                [
                    "HlPerp",
                    {
                        "fundingRate": wire(perps.funding_rate(perp.coin)),
                        "nextFundingTime": next_ms,
                        "fundingIntervalHours": 1,
                    },
                ]
            ],
        ]
        for perp in ask.state.universe.dexes[""].perps
        if perp.is_open
    ]


# -- contexts ----------------------------------------------------------------------------------------------------


def perp_context(state: VenueState, perp: Listing, now_ns: int) -> dict[str, Any]:
    day, mid = state.candles[perp.coin].stats(now_ms=now_ns // NS_PER_MS), _mid(state, perp)
    mark, oracle = state.mark(perp), state.oracle(perp)
    touch = books.touch(state, perp)
    impact = [level["px"] for level in touch if level is not None]
    return {
        "funding": wire(state.exchange.perps.funding_rate(perp.coin)),
        "openInterest": shown(state.exchange.perps.open_interest(perp.coin)),
        "prevDayPx": shown(day.previous_close),
        "dayNtlVlm": rounded(day.candle.quote_volume, 10),
        "premium": None if mid is None else rounded((mid - oracle) / oracle, 10),
        "oraclePx": shown(oracle),
        "markPx": shown(mark),
        "midPx": None if mid is None else shown(mid),
        "impactPxs": impact if len(impact) == 2 else None,
        "dayBaseVlm": shown(day.candle.volume),
    }


def spot_context(state: VenueState, pair: Listing, now_ns: int) -> dict[str, Any]:
    day, mid = state.candles[pair.coin].stats(now_ms=now_ns // NS_PER_MS), _mid(state, pair)
    return {
        "prevDayPx": shown(day.previous_close),
        "dayNtlVlm": rounded(day.candle.quote_volume, 10),
        "markPx": shown(state.mark(pair)),
        "midPx": None if mid is None else shown(mid),
        "circulatingSupply": "1000000000.0",
        "coin": pair.coin,
        "totalSupply": "1000000000.0",
        "dayBaseVlm": shown(day.candle.volume),
    }
