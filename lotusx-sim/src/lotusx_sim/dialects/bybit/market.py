"""Public reads of what is now. Source: Bybit V5, market."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.history import INTERVALS
from lotusx_sim.dialects.bybit.listings import Category, Listing
from lotusx_sim.dialects.bybit.numbers import amount, plain, scaled
from lotusx_sim.dialects.bybit.order_rules import price_limits
from lotusx_sim.dialects.bybit.paging import listed, page
from lotusx_sim.dialects.bybit.state import NS_PER_MS, Print, VenueState
from lotusx_sim.dialects.bybit.tracked import SIDE_NAMES
from lotusx_sim.engine.orders import Side


def time(call: Call) -> dict[str, Any]:
    return {"timeSecond": str(call.now_ns // 1_000_000_000), "timeNano": str(call.now_ns)}


def instruments(call: Call) -> dict[str, Any]:
    params = call.params
    if params.text("category") == "option":  # there are none, which is no error
        return listed([], "", category="option")
    category = params.category()
    found = call.state.directory.of(category)
    if "symbol" in params:
        found = [call.state.listed(category, params.text("symbol").upper())]
    elif (base := params.text("baseCoin")) and not category.is_spot:
        # The venue mixes both kinds of contract here.
        found = [item for item in call.state.directory.listings if not item.is_spot and item.base == base]
    wanted = params.text("status", "" if "symbol" in params else "Trading")
    found = [item for item in found if wanted in ("", item.status)]
    if category.is_spot:
        return {"category": category.value, "list": [item.document() for item in found]}
    chosen, cursor = page(found, params, lambda item: item.name, default=500, highest=1000)
    return listed([item.document() for item in chosen], cursor, category=category.value)


def orderbook(call: Call) -> dict[str, Any]:
    """Return the book under the number of the stream of 1000 levels, and as that stream has told of it."""
    category = call.params.category()
    listing = call.state.listed(category, call.params.needed("symbol").upper())
    depth = call.params.limit(1 if category.is_spot else 25, 1000)
    deepest = call.state.book(listing, 1000)
    if not deepest.has_readers:
        deepest.advance()
    return {
        "s": listing.symbol,
        "b": level_rows(listing, deepest.bids[:depth]),
        "a": level_rows(listing, deepest.asks[:depth]),
        "ts": call.now_ms,
        "u": deepest.number,
        "seq": call.state.seq[listing.name],
        "cts": call.state.changed_ms[listing.name],
    }


def level_rows(listing: Listing, levels: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Write levels: spot without trailing zeros, derivatives with the decimals of tick and step, as recorded."""
    if listing.is_spot:
        return [[plain(price), plain(size)] for price, size in levels]
    return [[scaled(price, listing.tick), scaled(size, listing.step) if size else "0"] for price, size in levels]


def recent_trades(call: Call) -> dict[str, Any]:
    category = call.params.category()
    listing = call.state.listed(category, call.params.needed("symbol").upper())
    limit = call.params.limit(60, 60) if category.is_spot else call.params.limit(500, 1000)
    newest = list(call.state.prints[listing.name])[-limit:][::-1]
    return {"category": category.value, "list": [_trade(item) for item in newest]}


def _trade(item: Print) -> dict[str, Any]:
    return {
        "execId": item.id,
        "symbol": item.listing.symbol,
        "price": scaled(item.price, item.listing.tick),
        "size": scaled(item.quantity, item.listing.step),
        "side": SIDE_NAMES[item.taker_side],
        "time": str(item.ns // NS_PER_MS),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(item.seq),
    }


def tickers(call: Call) -> dict[str, Any]:
    category = call.params.category()
    if "symbol" in call.params:
        found = [call.state.listed(category, call.params.text("symbol").upper())]
    else:
        found = [listing for listing in call.state.directory.of(category) if listing.is_open]
    return {"category": category.value, "list": [ticker(call.state, item, call.now_ms) for item in found]}


def ticker(state: VenueState, listing: Listing, now_ms: int) -> dict[str, str]:
    """Return all fields of a ticker; streams send fewer of them on spot."""
    stats = state.candles[listing.name].stats(now_ms=now_ms)
    day, last, tick = stats.candle, state.last(listing), listing.tick
    volume, turnover = day.volume, day.quote_volume
    if listing.is_inverse:
        turnover = day.volume / day.close
    before = stats.previous_close
    row = {
        "symbol": listing.symbol,
        "lastPrice": scaled(last, tick),
        "prevPrice24h": scaled(before, tick),
        "price24hPcnt": plain(((last - before) / before).quantize(Decimal("1e-6"))),
        "highPrice24h": scaled(max(day.high, last), tick),
        "lowPrice24h": scaled(min(day.low, last), tick),
        "turnover24h": amount(turnover),
        "volume24h": plain(volume),
    }
    for name, side in (("bid1", Side.BUY), ("ask1", Side.SELL)):
        best = state.levels(listing, side, 1)
        row[f"{name}Price"] = scaled(best[0][0], tick) if best else ""
        row[f"{name}Size"] = scaled(best[0][1], listing.step) if best else ""
    if listing.is_spot:
        row["usdIndexPrice"] = plain(last) if listing.quote in ("USDT", "USDC") else ""
        return row
    return row | _contract_fields(state, listing, now_ms)


def _contract_fields(state: VenueState, listing: Listing, now_ms: int) -> dict[str, str]:
    mark, index = state.mark(listing), state.index(listing)
    one_side = state.exchange.perps.open_interest(listing.name)
    value = one_side / mark if listing.is_inverse else one_side * mark
    every_ms = listing.funding_minutes * 60_000
    hour_ago = _hour_ago(state, listing, now_ms)
    perpetual = listing.is_perpetual
    return {
        "indexPrice": scaled(index, listing.tick),
        "markPrice": scaled(mark, listing.tick),
        "prevPrice1h": scaled(hour_ago, listing.tick),
        "openInterest": plain(2 * one_side),
        "openInterestValue": amount(2 * value),
        "singleOpenInterest": plain(one_side),
        "singleOpenInterestValue": amount(value),
        "fundingRate": plain(state.exchange.perps.funding_rate(listing.name)) if perpetual else "",
        "nextFundingTime": str((now_ms // every_ms + 1) * every_ms) if perpetual else "0",
        "fundingIntervalHour": str(listing.funding_minutes // 60) if perpetual else "",
        "fundingCap": "0.005" if perpetual else "",
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "basisRateYear": "",
        "basis": "",
        "deliveryFeeRate": "",
        "deliveryTime": str(listing.delivery_ms),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


def _hour_ago(state: VenueState, listing: Listing, now_ms: int) -> Decimal:
    minutes = state.candles[listing.name].bars(INTERVALS["1"], now_ms=now_ms)
    return minutes[-61].close if len(minutes) > 60 else minutes[0].open


def price_limit(call: Call) -> dict[str, Any]:
    category = call.params.category(default=Category.LINEAR)
    listing = call.state.listed(category, call.params.needed("symbol").upper())
    highest, lowest = price_limits(call.state, listing)
    return {
        "symbol": listing.symbol,
        "buyLmt": scaled(highest, listing.tick),
        "sellLmt": scaled(lowest, listing.tick),
        "ts": str(call.now_ms),
    }


def risk_limit(call: Call) -> dict[str, Any]:
    """Return the one tier that is simulated of each contract."""
    category = call.params.category(Category.LINEAR, Category.INVERSE)
    found = call.state.directory.of(category)
    if "symbol" in call.params:
        found = [call.state.listed(category, call.params.text("symbol").upper())]
    chosen, cursor = page(found, call.params, lambda item: item.name, default=15, highest=15)
    rows = [
        {
            "id": 1,
            "symbol": item.symbol,
            "riskLimitValue": "2000000",
            "maintenanceMargin": str(item.maintenance),
            "initialMargin": plain(Decimal(1) / item.max_leverage),
            "isLowestRisk": 1,
            "maxLeverage": f"{item.max_leverage}.00",
            "mmDeduction": "",
        }
        for item in chosen
    ]
    return listed(rows, cursor, category=category.value)
