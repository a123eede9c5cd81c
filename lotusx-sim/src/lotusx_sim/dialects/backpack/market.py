"""Public REST. Source: the exchange's OpenAPI document (2026-08), "Markets" and "Trades", and recordings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.backpack.call import Call
from lotusx_sim.dialects.backpack.errors import TEXT, bad, not_found, unreadable
from lotusx_sim.dialects.backpack.listings import LISTINGS, Listing
from lotusx_sim.dialects.backpack.state import Print, VenueState
from lotusx_sim.dialects.backpack.text import NS_PER_MS, NS_PER_US, iso, plain, spaced
from lotusx_sim.engine.candles import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS, Candle, Interval
from lotusx_sim.engine.orders import Side
from lotusx_sim.wire import HttpResponse

_DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)
_MOST_CANDLES = 1_000  # not documented; others assume it
_LENGTHS = {
    "1s": SECOND_MS, "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS, "1h": HOUR_MS, "2h": 2 * HOUR_MS, "4h": 4 * HOUR_MS, "6h": 6 * HOUR_MS, "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS, "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": WEEK_MS, "1month": 0,
}  # fmt: skip
INTERVALS = {name: Interval(name, length) for name, length in _LENGTHS.items()}
_TICKERS = {"1d": DAY_MS, "1w": WEEK_MS}


def ping(call: Call) -> Any:
    del call
    return HttpResponse(200, (TEXT,), b"pong")


def time(call: Call) -> Any:
    return HttpResponse(200, (TEXT,), str(call.now_ns // NS_PER_MS).encode())


def status(call: Call) -> Any:
    del call
    return {"status": "Ok", "message": None}


def markets(call: Call) -> Any:
    kind = call.params.text("marketType")
    return [item for item in (listing.document() for listing in LISTINGS) if not kind or item["marketType"] == kind]


def market(call: Call) -> Any:
    return call.params.listing().document()


def _assets() -> list[str]:
    return ["USDC", *(listing.base for listing in LISTINGS if listing.is_spot)]


def assets(call: Call) -> Any:
    del call
    token = {
        "blockchain": "Solana", "contractAddress": None, "depositEnabled": True, "minimumDeposit": "0.01",
        "withdrawEnabled": True, "minimumWithdrawal": "0.1", "maximumWithdrawal": None, "withdrawalFee": "0.01",
        "nativeDecimals": 9,
    }  # fmt: skip
    return [{"symbol": name, "displayName": name, "coingeckoId": name.lower(), "tokens": [token]} for name in _assets()]


def securities(call: Call) -> Any:
    """Return tokenised stocks that trade in sessions: none here."""
    del call
    return []


def collateral(call: Call) -> Any:
    del call
    sqrt = {"type": "sqrt", "base": "0.02", "factor": "0"}
    haircut = {"weight": "1", "kind": {"type": "identity"}}
    return [
        {"symbol": name, "imfFunction": sqrt, "mmfFunction": sqrt, "haircutFunction": haircut} for name in _assets()
    ]


def depth(call: Call) -> Any:
    """Return the book; both sides rise, so that the best bid is the last."""
    listing = call.params.listing()
    limit = call.params.integer("limit")
    if limit is not None and limit not in _DEPTHS:
        raise unreadable("limit", "expected one of 5, 10, 20, 50, 100, 500, 1000")
    if listing.state == "Closed":
        raise not_found()
    sides = {
        name: [[plain(price), plain(size)] for price, size in call.state.levels(listing, side, limit or 1_000)]
        for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
    }
    return {
        "asks": sides["asks"],
        "bids": sides["bids"][::-1],
        "lastUpdateId": str(call.state.update_id[listing.symbol]),
        "timestamp": call.now_ns // NS_PER_US,
    }


def trade_row(item: Print) -> dict[str, Any]:
    return {
        "id": item.id,
        "price": plain(item.price),
        "quantity": plain(item.quantity),
        "quoteQuantity": plain(item.price * item.quantity),
        "timestamp": item.ns // NS_PER_MS,
        "isBuyerMaker": item.taker_side is Side.SELL,
    }


def trades(call: Call) -> Any:
    """Return recent trades, newest first."""
    listing = call.params.listing()
    limit = call.params.bounded("limit", 100, 1_000)
    offset = call.params.bounded("offset", 0, 1_000_000)
    newest = list(call.state.prints[listing.symbol])[::-1]
    return [trade_row(item) for item in newest[offset : offset + limit]]


def klines(call: Call) -> Any:
    """Return candles from ``startTime``, oldest first; the running one is among them."""
    listing = call.params.listing()
    interval = call.params.one_of("interval", INTERVALS)
    start = call.params.integer("startTime")
    end = call.params.integer("endTime")
    if start is None:
        raise unreadable("startTime", "the parameter is required")
    if call.params.word("priceType", ("Last", "Index", "Mark"), "Last") != "Last":
        raise bad("Candles of mark and index prices are not simulated")
    end_ms = call.state.now_ms if end is None else end * 1_000
    if start * 1_000 > end_ms:
        raise bad("startTime is after endTime")
    bars = call.state.candles[listing.symbol].bars(interval, now_ms=call.state.now_ms)
    chosen = [bar for bar in bars if start * 1_000 <= bar.open_ms <= end_ms]
    return [_kline(bar, interval) for bar in chosen[:_MOST_CANDLES]]


def _kline(bar: Candle, interval: Interval) -> dict[str, Any]:
    def price(value: Decimal) -> str | None:
        return plain(value) if bar.trades else None

    return {
        "start": spaced(bar.open_ms), "end": spaced(interval.next_open(bar.open_ms)),
        "open": price(bar.open), "high": price(bar.high), "low": price(bar.low), "close": price(bar.close),
        "volume": plain(bar.volume), "quoteVolume": plain(bar.quote_volume), "trades": str(bar.trades),
    }  # fmt: skip


def day_of(state: VenueState, listing: Listing, length_ms: int = DAY_MS) -> Candle:
    """Sum the last 24 hours, or the last week."""
    if length_ms == DAY_MS:
        return state.candles[listing.symbol].stats(now_ms=state.now_ms).candle
    minutes = state.candles[listing.symbol].bars(INTERVALS["1m"], now_ms=state.now_ms)
    first, *rest = minutes[-(length_ms // MINUTE_MS) :]
    total = Candle(first.open_ms, first.open, first.high, first.low, first.close)
    for bar in (first, *rest):
        total.absorb(bar)
    return total


def _ticker(state: VenueState, listing: Listing, length_ms: int) -> dict[str, Any]:
    bar = day_of(state, listing, length_ms)
    change = bar.close - bar.open
    return {
        "symbol": listing.symbol,
        "firstPrice": plain(bar.open),
        "lastPrice": plain(bar.close),
        "priceChange": plain(change),
        "priceChangePercent": f"{change / bar.open:.6f}",
        "high": plain(bar.high),
        "low": plain(bar.low),
        "volume": plain(bar.volume),
        "quoteVolume": plain(bar.quote_volume),
        "trades": str(bar.trades),
    }


def ticker(call: Call) -> Any:
    listing = call.params.listing()
    length_ms = call.params.one_of("interval", _TICKERS, "1d")
    return HttpResponse(204) if listing.state == "Closed" else _ticker(call.state, listing, length_ms)


def tickers(call: Call) -> Any:
    length_ms = call.params.one_of("interval", _TICKERS, "1d")
    return [_ticker(call.state, listing, length_ms) for listing in LISTINGS if listing.state != "Closed"]


def _perpetuals(call: Call) -> list[Listing]:
    wanted = call.params.maybe_listing()
    return [listing for listing in LISTINGS if not listing.is_spot and wanted in (None, listing)]


def mark_prices(call: Call) -> Any:
    state = call.state
    return [
        {
            "symbol": listing.symbol,
            "markPrice": plain(state.mark(listing)),
            "indexPrice": plain(state.index(listing)),
            "fundingRate": plain(state.exchange.perps.funding_rate(listing.symbol)),
            "nextFundingTimestamp": state.next_funding_ms(),
        }
        for listing in _perpetuals(call)
    ]


def funding_rates(call: Call) -> Any:
    """Return what was settled, newest first."""
    listing = call.params.listing()
    limit = call.params.bounded("limit", 100, 10_000)
    offset = call.params.bounded("offset", 0, 1_000_000)
    newest = list(call.state.funding.get(listing.symbol, ()))[::-1]
    return [
        {
            "symbol": listing.symbol,
            "intervalEndTimestamp": iso(at_ms * NS_PER_MS),
            "fundingRate": plain(rate.quantize(Decimal("1e-9"))),
        }
        for at_ms, rate in newest[offset : offset + limit]
    ]


def open_interest(call: Call) -> Any:
    return [
        {
            "symbol": listing.symbol,
            "openInterest": plain(call.state.exchange.perps.open_interest(listing.symbol)),
            "timestamp": call.now_ns // NS_PER_MS,
        }
        for listing in _perpetuals(call)
    ]
