"""The ``data`` part of each market stream. Source: binance-spot-api-docs, web-socket-streams.md."""

from typing import Any

from lotusx_sim.dialects.binance.markets import levels, weighted
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance.symbols import text
from lotusx_sim.engine.candles import Candle, Interval
from lotusx_sim.engine.market import AggregateTrade, Diff, MarketView, PublicTrade
from lotusx_sim.engine.orders import ZERO, Side


def trade(symbol: str, item: PublicTrade, now_ns: int, unit: int) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": now_ns // unit,
        "s": symbol,
        "t": item.id,
        "p": text(item.price),
        "q": text(item.quantity),
        "T": item.ns // unit,
        "m": item.taker_side is Side.SELL,
        "M": True,
    }


def aggregate(symbol: str, item: AggregateTrade, now_ns: int, unit: int) -> dict[str, Any]:
    return {
        "e": "aggTrade",
        "E": now_ns // unit,
        "s": symbol,
        "a": item.id,
        "p": text(item.price),
        "q": text(item.quantity),
        "f": item.first_id,
        "l": item.last_id,
        "T": item.ns // unit,
        "m": item.taker_side is Side.SELL,
        "M": True,
    }


def diff(symbol: str, item: Diff, now_ns: int, unit: int) -> dict[str, Any]:
    return {
        "e": "depthUpdate",
        "E": now_ns // unit,
        "s": symbol,
        "U": item.first_id,
        "u": item.last_id,
        "b": levels(item.bids),
        "a": levels(item.asks),
    }


def book_ticker(view: MarketView) -> dict[str, Any]:
    bid, ask = view.bids.best() or (ZERO, ZERO), view.asks.best() or (ZERO, ZERO)
    return {
        "u": view.update_id,
        "s": view.symbol,
        "b": text(bid[0]),
        "B": text(bid[1]),
        "a": text(ask[0]),
        "A": text(ask[1]),
    }


def kline(symbol: str, bar: Candle, interval: Interval, now_ns: int, unit: int, *, is_closed: bool) -> dict[str, Any]:
    scale = NS_PER_MS // unit
    return {
        "e": "kline",
        "E": now_ns // unit,
        "s": symbol,
        "k": {
            "t": bar.open_ms * scale,
            "T": interval.next_open(bar.open_ms) * scale - 1,
            "s": symbol,
            "i": interval.name,
            "f": bar.first_id,
            "L": bar.last_id,
            "o": text(bar.open),
            "c": text(bar.close),
            "h": text(bar.high),
            "l": text(bar.low),
            "v": text(bar.volume),
            "n": bar.trades,
            "x": is_closed,
            "q": text(bar.quote_volume),
            "V": text(bar.taker_buy_volume),
            "Q": text(bar.taker_buy_quote),
            "B": "0",
        },
    }


def mini_ticker(view: MarketView, now_ns: int, unit: int) -> dict[str, Any]:
    day = view.candles.stats(now_ms=now_ns // NS_PER_MS).candle
    return {
        "e": "24hrMiniTicker",
        "E": now_ns // unit,
        "s": view.symbol,
        "c": text(day.close),
        "o": text(day.open),
        "h": text(day.high),
        "l": text(day.low),
        "v": text(day.volume),
        "q": text(day.quote_volume),
    }


def ticker(view: MarketView, now_ns: int, unit: int) -> dict[str, Any]:
    stats = view.candles.stats(now_ms=now_ns // NS_PER_MS)
    day, scale = stats.candle, NS_PER_MS // unit
    change = day.close - day.open
    bid, ask = view.bids.best() or (ZERO, ZERO), view.asks.best() or (ZERO, ZERO)
    return {
        "e": "24hrTicker",
        "E": now_ns // unit,
        "s": view.symbol,
        "p": text(change),
        "P": f"{change / day.open * 100:.3f}",
        "w": text(weighted(day)),
        "x": text(stats.previous_close),
        "c": text(day.close),
        "Q": text(view.last_trade.quantity if view.last_trade else ZERO),
        "b": text(bid[0]),
        "B": text(bid[1]),
        "a": text(ask[0]),
        "A": text(ask[1]),
        "o": text(day.open),
        "h": text(day.high),
        "l": text(day.low),
        "v": text(day.volume),
        "q": text(day.quote_volume),
        "O": stats.open_ms * scale,
        "C": stats.close_ms * scale,
        "F": day.first_id,
        "L": day.last_id,
        "n": day.trades,
    }
