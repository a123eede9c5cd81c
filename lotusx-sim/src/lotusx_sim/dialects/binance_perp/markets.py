"""Public market data endpoints. Source: USDⓈ-M futures, "Market data endpoints"."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance.markets import INTERVALS, chosen_aggregates, chosen_bars, weighted
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp import contracts
from lotusx_sim.dialects.binance_perp.call import Call, Operation
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, fixed, money
from lotusx_sim.dialects.binance_perp.state import wire_id
from lotusx_sim.engine.candles import Candle, Interval
from lotusx_sim.engine.market import AggregateTrade, LevelPair, MarketView, PublicTrade
from lotusx_sim.engine.orders import ZERO, Side

UM_INTERVALS = {name: interval for name, interval in INTERVALS.items() if name != "1s"}
_DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)


def ping(call: Call) -> dict[str, Any]:
    del call
    return {}


def time(call: Call) -> dict[str, Any]:
    return {"serverTime": call.now_ns // NS_PER_MS}


def exchange_info(call: Call) -> dict[str, Any]:
    state = call.state
    return {
        "timezone": "UTC",
        "serverTime": call.now_ns // NS_PER_MS,
        "futuresType": "U_MARGINED",
        "rateLimits": state.limits.rules.document(),
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in state.assets()
        ],
        "symbols": [contracts.document(symbol) for symbol in state.symbols.values()],
    }


def levels(symbol: UmSymbol, pairs: list[LevelPair] | tuple[LevelPair, ...]) -> list[list[str]]:
    return [[fixed(price, symbol.tick), fixed(quantity, symbol.step)] for price, quantity in pairs]


def depth(call: Call) -> dict[str, Any]:
    symbol = call.state.symbol(call.params)
    limit = call.params.integer("limit") or 500
    if limit not in _DEPTHS:
        raise VenueError(-4021, f"Depth limit {limit} is not valid.")
    view, now_ms = call.state.views[symbol.symbol], call.now_ns // NS_PER_MS
    return {
        "lastUpdateId": wire_id(view.update_id),
        "E": now_ms,
        "T": now_ms,
        "bids": levels(symbol, view.bids.top(limit)),
        "asks": levels(symbol, view.asks.top(limit)),
    }


def trade(symbol: UmSymbol, item: PublicTrade) -> dict[str, Any]:
    return {
        "id": item.id,
        "price": fixed(item.price, symbol.tick),
        "qty": fixed(item.quantity, symbol.step),
        "quoteQty": contracts.plain(item.price * item.quantity),
        "time": item.ns // NS_PER_MS,
        "isBuyerMaker": item.taker_side is Side.SELL,
        "isRPITrade": False,
    }


def trades(call: Call) -> list[dict[str, Any]]:
    symbol = call.state.symbol(call.params)
    limit = call.params.bounded("limit", 500, 1000)
    return [trade(symbol, item) for item in list(call.state.views[symbol.symbol].trades)[-limit:]]


def historical_trades(call: Call) -> list[dict[str, Any]]:
    symbol = call.state.symbol(call.params)
    limit, from_id = call.params.bounded("limit", 100, 500), call.params.integer("fromId")
    found = [item for item in call.state.views[symbol.symbol].trades if from_id is None or item.id >= from_id]
    return [trade(symbol, item) for item in (found[-limit:] if from_id is None else found[:limit])]


def aggregate_fields(symbol: UmSymbol, item: AggregateTrade) -> dict[str, Any]:
    return {
        "a": item.id,
        "p": fixed(item.price, symbol.tick),
        "q": fixed(item.quantity, symbol.step),
        "nq": fixed(item.quantity, symbol.step),
        "f": item.first_id,
        "l": item.last_id,
        "T": item.ns // NS_PER_MS,
        "m": item.taker_side is Side.SELL,
    }


def aggregate_trades(call: Call) -> list[dict[str, Any]]:
    symbol = call.state.symbol(call.params)
    found = chosen_aggregates(call.state.views[symbol.symbol], call.params)
    return [aggregate_fields(symbol, item) for item in found]


def kline_row(symbol: UmSymbol, bar: Candle, interval: Interval) -> list[Any]:
    tick, step = symbol.tick, symbol.step
    return [
        bar.open_ms,
        *(fixed(price, tick) for price in (bar.open, bar.high, bar.low, bar.close)),
        fixed(bar.volume, step),
        interval.next_open(bar.open_ms) - 1,
        contracts.plain(bar.quote_volume),
        bar.trades,
        fixed(bar.taker_buy_volume, step),
        contracts.plain(bar.taker_buy_quote),
        "0",
    ]


def klines(call: Call) -> list[list[Any]]:
    symbol = call.state.symbol(call.params)
    return _klines(call, symbol)


def continuous_klines(call: Call) -> list[list[Any]]:
    """Return the bars of whatever contract of a pair is of one type."""
    pair, kind = call.params.need("pair"), call.params.need("contractType")
    found = [s for s in call.state.symbols.values() if s.pair == pair and s.contract_type == kind]
    if not found:
        raise VenueError(-4144, "Invalid pair.")
    return _klines(call, found[0])


def _klines(call: Call, symbol: UmSymbol) -> list[list[Any]]:
    interval = interval_of(call.params)
    limit = call.params.bounded("limit", 500, 1500)
    view = call.state.views[symbol.symbol]
    bars = chosen_bars(view, interval, call.params, limit, call.now_ns // NS_PER_MS)
    return [kline_row(symbol, bar, interval) for bar in bars]


def interval_of(params: Params) -> Interval:
    interval = UM_INTERVALS.get(params.need("interval"))
    if interval is None:
        raise VenueError(-1120, "Invalid interval.")
    return interval


def ticker_fields(symbol: UmSymbol, view: MarketView, now_ns: int) -> dict[str, Any]:
    """Return the rolling day, without what names the contract."""
    stats = view.candles.stats(now_ms=now_ns // NS_PER_MS)
    day, tick = stats.candle, symbol.tick
    change = day.close - day.open
    return {
        "priceChange": fixed(change, tick),
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "weightedAvgPrice": fixed(weighted(day), tick),
        "lastPrice": fixed(day.close, tick),
        "lastQty": fixed(view.last_trade.quantity if view.last_trade else ZERO, symbol.step),
        "openPrice": fixed(day.open, tick),
        "highPrice": fixed(day.high, tick),
        "lowPrice": fixed(day.low, tick),
        "volume": fixed(day.volume, symbol.step),
        "quoteVolume": contracts.plain(day.quote_volume),
        "openTime": stats.open_ms,
        "closeTime": stats.close_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


Row = Callable[[Call, UmSymbol], dict[str, Any]]


def _one_or_all(row: Row) -> Callable[[Call], Any]:
    """Return an endpoint that answers for one symbol with an object, and for all with a list."""

    def answer(call: Call) -> Any:
        name = call.params.text("symbol")
        if name is not None:
            return row(call, call.state.listed(name))
        return [row(call, symbol) for symbol in call.state.symbols.values() if symbol.is_trading]

    return answer


def _day(call: Call, symbol: UmSymbol) -> dict[str, Any]:
    return {"symbol": symbol.symbol, **ticker_fields(symbol, call.state.views[symbol.symbol], call.now_ns)}


def _price(call: Call, symbol: UmSymbol) -> dict[str, Any]:
    price = fixed(call.state.last_price(symbol), symbol.tick)
    return {"symbol": symbol.symbol, "price": price, "time": call.now_ns // NS_PER_MS}


def best_of(view: MarketView) -> tuple[LevelPair, LevelPair]:
    return view.bids.best() or (ZERO, ZERO), view.asks.best() or (ZERO, ZERO)


def _book_ticker(call: Call, symbol: UmSymbol) -> dict[str, Any]:
    view = call.state.views[symbol.symbol]
    bid, ask = best_of(view)
    return {
        "symbol": symbol.symbol,
        "bidPrice": fixed(bid[0], symbol.tick),
        "bidQty": fixed(bid[1], symbol.step),
        "askPrice": fixed(ask[0], symbol.tick),
        "askQty": fixed(ask[1], symbol.step),
        "time": call.now_ns // NS_PER_MS,
        "lastUpdateId": wire_id(view.update_id),
    }


def rate_text(rate: Decimal) -> str:
    return money(rate)


def _premium(call: Call, symbol: UmSymbol) -> dict[str, Any]:
    state, mark = call.state, call.state.mark(symbol)
    perpetual = symbol.is_perpetual
    return {
        "symbol": symbol.symbol,
        "markPrice": money(mark),
        "indexPrice": money(state.index(symbol)),
        "estimatedSettlePrice": money(state.index(symbol)),
        "lastFundingRate": rate_text(state.exchange.perps.funding_rate(symbol.symbol)) if perpetual else "",
        "interestRate": "0.00010000" if perpetual else "",
        "nextFundingTime": state.next_funding_ns(symbol, call.now_ns) // NS_PER_MS if perpetual else 0,
        "time": call.now_ns // NS_PER_MS,
    }


def funding_rates(call: Call) -> list[dict[str, Any]]:
    params, state = call.params, call.state
    name = params.text("symbol")
    wanted = [state.listed(name)] if name is not None else list(state.symbols.values())
    limit = params.bounded("limit", 100, 1000)
    start, end = params.integer("startTime"), params.integer("endTime")
    found = [
        (symbol, item)
        for symbol in wanted
        for item in state.fundings[symbol.symbol]
        if (start is None or item.ms >= start) and (end is None or item.ms <= end)
    ]
    found.sort(key=lambda pair: pair[1].ms)
    return [
        {
            "symbol": symbol.symbol,
            "fundingTime": item.ms,
            "fundingRate": rate_text(item.rate),
            "markPrice": money(item.mark),
            "rateType": "Regular",
        }
        for symbol, item in (found[:limit] if start is not None else found[-limit:])
    ]


def funding_info(call: Call) -> list[dict[str, Any]]:
    """Return the contracts whose interval is not the usual one."""
    return [
        {
            "symbol": symbol.symbol,
            "adjustedFundingRateCap": "0.02000000",
            "adjustedFundingRateFloor": "-0.02000000",
            "fundingIntervalHours": symbol.funding_hours,
            "disclaimer": False,
        }
        for symbol in call.state.symbols.values()
        if symbol.is_perpetual and symbol.funding_hours != 8
    ]


def open_interest(call: Call) -> dict[str, Any]:
    symbol = call.state.symbol(call.params)
    held = call.state.exchange.perps.open_interest(symbol.symbol)
    return {"openInterest": fixed(held, symbol.step), "symbol": symbol.symbol, "time": call.now_ns // NS_PER_MS}


def _depth_weight(params: Params) -> int:
    limit = params.integer("limit") or 500
    return next((weight for top, weight in ((50, 2), (100, 5), (500, 10)) if limit <= top), 20)


def _kline_weight(params: Params) -> int:
    limit = params.integer("limit") or 500
    return next((weight for top, weight in ((99, 1), (499, 2), (1000, 5)) if limit <= top), 10)


def _by_symbol(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if "symbol" in params else every


_WINDOW = ("startTime", "endTime", "limit")
PING = Operation(ping)
TIME = Operation(time)
EXCHANGE_INFO = Operation(exchange_info)
DEPTH = Operation(depth, ("symbol", "limit"), _depth_weight)
TRADES = Operation(trades, ("symbol", "limit"), 5)
AGGREGATE_TRADES = Operation(aggregate_trades, ("symbol", "fromId", *_WINDOW), 20)
KLINES = Operation(klines, ("symbol", "interval", *_WINDOW), _kline_weight)
CONTINUOUS_KLINES = Operation(continuous_klines, ("pair", "contractType", "interval", *_WINDOW), _kline_weight)
TICKER_DAY = Operation(_one_or_all(_day), ("symbol",), _by_symbol(1, 40))
TICKER_PRICE = Operation(_one_or_all(_price), ("symbol",), _by_symbol(1, 2))
TICKER_BOOK = Operation(_one_or_all(_book_ticker), ("symbol",), _by_symbol(2, 5))
PREMIUM_INDEX = Operation(_one_or_all(_premium), ("symbol",), _by_symbol(1, 10))
FUNDING_RATES = Operation(funding_rates, ("symbol", *_WINDOW), 0)
FUNDING_INFO = Operation(funding_info, (), 0)
OPEN_INTEREST = Operation(open_interest, ("symbol",), 1)
