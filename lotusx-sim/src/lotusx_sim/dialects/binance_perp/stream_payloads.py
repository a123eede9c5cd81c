"""The ``data`` part of each market stream. Source: USDⓈ-M futures, "WebSocket market streams".

Since 2026-06-30 payloads say of which kind of futures they are: ``st`` 1 is USDⓈ-M, 2 COIN-M.
"""

from typing import Any

from lotusx_sim.dialects.binance.markets import weighted
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, fixed, money, plain
from lotusx_sim.dialects.binance_perp.markets import aggregate_fields, best_of, levels
from lotusx_sim.dialects.binance_perp.state import PerpState, wire_id
from lotusx_sim.engine.candles import Candle, Interval
from lotusx_sim.engine.events import LiquidationEvent
from lotusx_sim.engine.market import AggregateTrade, Diff, MarketView, PublicTrade
from lotusx_sim.engine.orders import ZERO, Side

COIN_M = {"s": "BTCUSD_PERP", "ps": "BTCUSD", "st": 2}
"""What arrays over all contracts hold of the other kind of futures."""


def trade(symbol: UmSymbol, item: PublicTrade, now_ns: int) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": now_ns // NS_PER_MS,
        "T": item.ns // NS_PER_MS,
        "s": symbol.symbol,
        "t": item.id,
        "p": fixed(item.price, symbol.tick),
        "q": fixed(item.quantity, symbol.step),
        "X": "MARKET",
        "m": item.taker_side is Side.SELL,
        "st": 1,
    }


def aggregate(symbol: UmSymbol, item: AggregateTrade, now_ns: int) -> dict[str, Any]:
    head = {"e": "aggTrade", "E": now_ns // NS_PER_MS, "s": symbol.symbol}
    return head | aggregate_fields(symbol, item) | {"st": 1}


def depth(symbol: UmSymbol, item: Diff, previous: int, now_ns: int) -> dict[str, Any]:
    """Return changes, or the top of the book; ``U`` is more than one above ``pu``."""
    now_ms = now_ns // NS_PER_MS
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "T": now_ms,
        "s": symbol.symbol,
        "ps": symbol.pair,
        "U": wire_id(item.first_id) - 1,
        "u": wire_id(item.last_id),
        "pu": previous,
        "b": levels(symbol, item.bids),
        "a": levels(symbol, item.asks),
        "st": 1,
    }


def book_ticker(symbol: UmSymbol, view: MarketView, now_ns: int) -> dict[str, Any]:
    bid, ask = best_of(view)
    now_ms = now_ns // NS_PER_MS
    return {
        "e": "bookTicker",
        "u": wire_id(view.update_id),
        "E": now_ms,
        "T": now_ms,
        "s": symbol.symbol,
        "ps": symbol.pair,
        "b": fixed(bid[0], symbol.tick),
        "B": fixed(bid[1], symbol.step),
        "a": fixed(ask[0], symbol.tick),
        "A": fixed(ask[1], symbol.step),
        "st": 1,
    }


def _bar(symbol: UmSymbol, bar: Candle, interval: Interval, *, is_closed: bool) -> dict[str, Any]:
    return {
        "t": bar.open_ms,
        "T": interval.next_open(bar.open_ms) - 1,
        "i": interval.name,
        "f": bar.first_id,
        "L": bar.last_id,
        "o": fixed(bar.open, symbol.tick),
        "c": fixed(bar.close, symbol.tick),
        "h": fixed(bar.high, symbol.tick),
        "l": fixed(bar.low, symbol.tick),
        "v": fixed(bar.volume, symbol.step),
        "n": bar.trades,
        "x": is_closed,
        "q": plain(bar.quote_volume),
        "V": fixed(bar.taker_buy_volume, symbol.step),
        "Q": plain(bar.taker_buy_quote),
        "B": "0",
    }


def kline(
    symbol: UmSymbol, bar: Candle, interval: Interval, now_ns: int, *, is_closed: bool, by_pair: bool = False
) -> dict[str, Any]:
    content = _bar(symbol, bar, interval, is_closed=is_closed)
    now_ms = now_ns // NS_PER_MS
    if by_pair:
        kind = symbol.contract_type
        return {"e": "continuous_kline", "E": now_ms, "ps": symbol.pair, "ct": kind, "k": content, "st": 1}
    return {"e": "kline", "E": now_ms, "s": symbol.symbol, "k": {"s": symbol.symbol, **content}, "st": 1}


def mini_ticker(symbol: UmSymbol, view: MarketView, now_ns: int) -> dict[str, Any]:
    day = view.candles.stats(now_ms=now_ns // NS_PER_MS).candle
    return {
        "e": "24hrMiniTicker",
        "E": now_ns // NS_PER_MS,
        "s": symbol.symbol,
        "ps": symbol.pair,
        "c": fixed(day.close, symbol.tick),
        "o": fixed(day.open, symbol.tick),
        "h": fixed(day.high, symbol.tick),
        "l": fixed(day.low, symbol.tick),
        "v": fixed(day.volume, symbol.step),
        "q": plain(day.quote_volume),
        "st": 1,
    }


def ticker(symbol: UmSymbol, view: MarketView, now_ns: int) -> dict[str, Any]:
    """Return the rolling day: without best bid and offer, unlike on spot."""
    stats = view.candles.stats(now_ms=now_ns // NS_PER_MS)
    day = stats.candle
    change = day.close - day.open
    return mini_ticker(symbol, view, now_ns) | {
        "e": "24hrTicker",
        "p": fixed(change, symbol.tick),
        "P": f"{change / day.open * 100:.3f}",
        "w": fixed(weighted(day), symbol.tick),
        "Q": fixed(view.last_trade.quantity if view.last_trade else ZERO, symbol.step),
        "O": stats.open_ms,
        "C": stats.close_ms,
        "F": day.first_id,
        "L": day.last_id,
        "n": day.trades,
    }


def mark_price(symbol: UmSymbol, state: PerpState, now_ns: int) -> dict[str, Any]:
    mark, index = money(state.mark(symbol)), money(state.index(symbol))
    perpetual = symbol.is_perpetual
    return {
        "e": "markPriceUpdate",
        "E": now_ns // NS_PER_MS,
        "s": symbol.symbol,
        "p": mark,
        "ap": mark,
        "i": index,
        "P": index,
        "r": money(state.exchange.perps.funding_rate(symbol.symbol)) if perpetual else "",
        "T": state.next_funding_ns(symbol, now_ns) // NS_PER_MS if perpetual else 0,
        "st": 1,
    }


def force_order(symbol: UmSymbol, event: LiquidationEvent, now_ns: int) -> dict[str, Any]:
    quantity = fixed(abs(event.quantity), symbol.step)
    price = fixed(event.price, symbol.tick)
    order = {
        "s": symbol.symbol,
        "S": "SELL" if event.quantity > 0 else "BUY",
        "o": "LIMIT",
        "f": "IOC",
        "q": quantity,
        "p": price,
        "ap": price,
        "X": "FILLED",
        "l": quantity,
        "z": quantity,
        "T": event.ns // NS_PER_MS,
    }
    return {"e": "forceOrder", "E": now_ns // NS_PER_MS, "o": order, "ps": symbol.pair, "st": 1}
