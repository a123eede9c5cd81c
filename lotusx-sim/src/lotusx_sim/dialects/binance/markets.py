"""Public market data endpoints. Source: rest-api.md, general and market data endpoints."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance import symbols as documents
from lotusx_sim.dialects.binance.call import Call, Operation
from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance.symbols import SpotSymbol, text
from lotusx_sim.engine.candles import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS, Candle, Interval
from lotusx_sim.engine.market import AggregateTrade, LevelPair, MarketView, PublicTrade
from lotusx_sim.engine.orders import ZERO, Side

INTERVALS = {
    interval.name: interval
    for interval in (
        Interval("1s", SECOND_MS),
        *(Interval(f"{n}m", n * MINUTE_MS) for n in (1, 3, 5, 15, 30)),
        *(Interval(f"{n}h", n * HOUR_MS) for n in (1, 2, 4, 6, 8, 12)),
        *(Interval(f"{n}d", n * DAY_MS) for n in (1, 3)),
        Interval("1w", WEEK_MS),
        Interval("1M", 0),
    )
}
_STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")


def ping(call: Call) -> dict[str, Any]:
    del call
    return {}


def time(call: Call) -> dict[str, Any]:
    return {"serverTime": call.now_ns // call.unit}


def exchange_info(call: Call) -> dict[str, Any]:
    params, listed = call.params, call.state.symbols
    chosen = [name for name in ("symbol", "symbols", "permissions") if name in params]
    if len(chosen) > 1:
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    wanted = _wanted(call) if chosen and chosen != ["permissions"] else list(listed.values())
    status = params.choice("symbolStatus", _STATUSES, code=-1122, message="Invalid symbolStatus.")
    if status is not None:
        wanted = [symbol for symbol in wanted if symbol.status == status]
    sets = params.boolean("showPermissionSets", default=True)
    return {
        "timezone": "UTC",
        "serverTime": call.now_ns // call.unit,
        "rateLimits": call.state.options.rules.document(),
        "exchangeFilters": [],
        "symbols": [documents.document(symbol, permission_sets=sets) for symbol in wanted],
    }


def _wanted(call: Call) -> list[SpotSymbol]:
    """Return the instruments ``symbol`` or ``symbols`` names, all of them without either."""
    names = call.params.names("symbols")
    if names is not None:
        if "symbol" in call.params:
            raise VenueError(-1128, "Combination of optional parameters invalid.")
        return [call.state.listed(name) for name in names]
    name = call.params.text("symbol")
    return [call.state.listed(name)] if name is not None else list(call.state.symbols.values())


def levels(pairs: list[LevelPair] | tuple[LevelPair, ...]) -> list[list[str]]:
    return [[text(price), text(quantity)] for price, quantity in pairs]


def depth(call: Call) -> dict[str, Any]:
    view = call.state.views[call.state.symbol(call.params).symbol]
    limit = call.params.bounded("limit", 100, 5000)
    return snapshot(view, limit)


def snapshot(view: MarketView, limit: int) -> dict[str, Any]:
    return {
        "lastUpdateId": view.update_id,
        "bids": levels(view.bids.top(limit)),
        "asks": levels(view.asks.top(limit)),
    }


def trade(item: PublicTrade, unit: int) -> dict[str, Any]:
    return {
        "id": item.id,
        "price": text(item.price),
        "qty": text(item.quantity),
        "quoteQty": text(item.price * item.quantity),
        "time": item.ns // unit,
        "isBuyerMaker": item.taker_side is Side.SELL,
        "isBestMatch": True,
    }


def trades(call: Call) -> list[dict[str, Any]]:
    view = call.state.views[call.state.symbol(call.params).symbol]
    limit = call.params.bounded("limit", 500, 1000)
    return [trade(item, call.unit) for item in list(view.trades)[-limit:]]


def historical_trades(call: Call) -> list[dict[str, Any]]:
    view = call.state.views[call.state.symbol(call.params).symbol]
    limit, from_id = call.params.bounded("limit", 500, 1000), call.params.integer("fromId")
    if from_id is None:
        return [trade(item, call.unit) for item in list(view.trades)[-limit:]]
    return [trade(item, call.unit) for item in view.trades if item.id >= from_id][:limit]


def aggregate(item: AggregateTrade, unit: int) -> dict[str, Any]:
    return {
        "a": item.id,
        "p": text(item.price),
        "q": text(item.quantity),
        "f": item.first_id,
        "l": item.last_id,
        "T": item.ns // unit,
        "m": item.taker_side is Side.SELL,
        "M": True,
    }


def aggregate_trades(call: Call) -> list[dict[str, Any]]:
    view = call.state.views[call.state.symbol(call.params).symbol]
    return [aggregate(item, call.unit) for item in chosen_aggregates(view, call.params)]


def chosen_aggregates(view: MarketView, params: Params) -> list[AggregateTrade]:
    """Return what a request asks for, oldest first."""
    limit, from_id = params.bounded("limit", 500, 1000), params.integer("fromId")
    start, end = params.integer("startTime"), params.integer("endTime")
    if from_id is not None and (start is not None or end is not None):
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    found = [
        item
        for item in view.aggregates
        if (from_id is None or item.id >= from_id)
        and (start is None or item.ns // NS_PER_MS >= start)
        and (end is None or item.ns // NS_PER_MS <= end)
    ]
    forward = from_id is not None or start is not None
    return found[:limit] if forward else found[-limit:]


def kline_row(bar: Candle, interval: Interval, unit: int) -> list[Any]:
    scale = NS_PER_MS // unit
    return [
        bar.open_ms * scale,
        text(bar.open),
        text(bar.high),
        text(bar.low),
        text(bar.close),
        text(bar.volume),
        interval.next_open(bar.open_ms) * scale - 1,
        text(bar.quote_volume),
        bar.trades,
        text(bar.taker_buy_volume),
        text(bar.taker_buy_quote),
        "0",
    ]


def interval_of(name: str) -> Interval:
    interval = INTERVALS.get(name)
    if interval is None:
        raise VenueError(-1120, "Invalid interval.")
    return interval


def klines(call: Call) -> list[list[Any]]:
    view = call.state.views[call.state.symbol(call.params).symbol]
    interval = interval_of(call.params.need("interval"))
    limit = call.params.bounded("limit", 500, 1000)
    chosen = chosen_bars(view, interval, call.params, limit, call.now_ns // NS_PER_MS)
    return [kline_row(bar, interval, call.unit) for bar in chosen]


def chosen_bars(view: MarketView, interval: Interval, params: Params, limit: int, now_ms: int) -> list[Candle]:
    """Return the bars a request asks for, oldest first."""
    start, end = params.integer("startTime"), params.integer("endTime")
    bars = [
        bar
        for bar in view.candles.bars(interval, now_ms=now_ms)
        if (start is None or bar.open_ms >= start) and (end is None or bar.open_ms <= end)
    ]
    return bars[:limit] if start is not None else bars[-limit:]


def average_price(call: Call) -> dict[str, Any]:
    symbol = call.state.symbol(call.params)
    view = call.state.views[symbol.symbol]
    closed_ns = view.last_trade.ns if view.last_trade is not None else call.now_ns
    return {
        "mins": 5,
        "price": text(call.state.average_price(symbol, call.now_ns)),
        "closeTime": closed_ns // call.unit,
    }


def ticker_day(call: Call) -> Any:
    kind = call.params.choice("type", ("FULL", "MINI"), code=-1139, message="Invalid ticker type.") or "FULL"
    wanted = _wanted(call)
    shape = ticker_full if kind == "FULL" else ticker_mini
    found = [shape(call, symbol) for symbol in wanted]
    return found[0] if "symbol" in call.params else found


def ticker_mini(call: Call, symbol: SpotSymbol) -> dict[str, Any]:
    view = call.state.views[symbol.symbol]
    stats = view.candles.stats(now_ms=call.now_ns // NS_PER_MS)
    day, scale = stats.candle, NS_PER_MS // call.unit
    return {
        "symbol": symbol.symbol,
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "lastPrice": text(day.close),
        "volume": text(day.volume),
        "quoteVolume": text(day.quote_volume),
        "openTime": stats.open_ms * scale,
        "closeTime": stats.close_ms * scale,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def ticker_full(call: Call, symbol: SpotSymbol) -> dict[str, Any]:
    view = call.state.views[symbol.symbol]
    stats = view.candles.stats(now_ms=call.now_ns // NS_PER_MS)
    day, mini = stats.candle, ticker_mini(call, symbol)
    change = day.close - day.open
    bid, ask = view.bids.best() or (ZERO, ZERO), view.asks.best() or (ZERO, ZERO)
    return {
        "symbol": symbol.symbol,
        "priceChange": text(change),
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "weightedAvgPrice": text(weighted(day)),
        "prevClosePrice": text(stats.previous_close),
        "lastPrice": text(day.close),
        "lastQty": text(view.last_trade.quantity if view.last_trade else ZERO),
        "bidPrice": text(bid[0]),
        "bidQty": text(bid[1]),
        "askPrice": text(ask[0]),
        "askQty": text(ask[1]),
        **{name: value for name, value in mini.items() if name not in ("symbol", "lastPrice")},
    }


def weighted(day: Candle) -> Decimal:
    return day.quote_volume / day.volume if day.volume else ZERO


def ticker_price(call: Call) -> Any:
    found = [{"symbol": s.symbol, "price": text(call.state.last_price(s))} for s in _wanted(call)]
    return found[0] if "symbol" in call.params else found


def ticker_book(call: Call) -> Any:
    found = []
    for symbol in _wanted(call):
        view = call.state.views[symbol.symbol]
        bid, ask = view.bids.best() or (ZERO, ZERO), view.asks.best() or (ZERO, ZERO)
        found.append(
            {
                "symbol": symbol.symbol,
                "bidPrice": text(bid[0]),
                "bidQty": text(bid[1]),
                "askPrice": text(ask[0]),
                "askQty": text(ask[1]),
            }
        )
    return found[0] if "symbol" in call.params else found


def _depth_weight(params: Params) -> int:
    limit = params.bounded("limit", 100, 5000)
    return next(weight for top, weight in ((100, 5), (500, 25), (1000, 50), (5000, 250)) if limit <= top)


def _day_weight(params: Params) -> int:
    if "symbol" in params:
        return 2
    names = params.names("symbols")
    if names is None or len(names) > 100:
        return 80
    return 2 if len(names) <= 20 else 40


def _ticker_weight(params: Params) -> int:
    return 2 if "symbol" in params else 4


_ONE_OR_MORE = ("symbol", "symbols", "symbolStatus")
_KLINES = ("symbol", "interval", "startTime", "endTime", "timeZone", "limit")
PING = Operation(ping)
TIME = Operation(time)
EXCHANGE_INFO = Operation(exchange_info, ("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"), 20)
DEPTH = Operation(depth, ("symbol", "limit", "symbolStatus"), _depth_weight)
TRADES = Operation(trades, ("symbol", "limit"), 25)
HISTORICAL_TRADES = Operation(historical_trades, ("symbol", "limit", "fromId"), 25)
AGGREGATE_TRADES = Operation(aggregate_trades, ("symbol", "fromId", "startTime", "endTime", "limit"), 4)
KLINES = Operation(klines, _KLINES, 2)
AVERAGE_PRICE = Operation(average_price, ("symbol",), 2)
TICKER_DAY = Operation(ticker_day, (*_ONE_OR_MORE, "type"), _day_weight)
TICKER_PRICE = Operation(ticker_price, _ONE_OR_MORE, _ticker_weight)
TICKER_BOOK = Operation(ticker_book, _ONE_OR_MORE, _ticker_weight)
