"""Conformance cases of public data that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from lotusx.kernel.facts import Capability as C
from lotusx.model import Interval, Ticker
from lotusx_testing.arena import Arena
from lotusx_testing.cases import case, take, that


def _rising(values: Sequence[int]) -> bool:
    return all(first < second for first, second in pairwise(values))


async def strangers_trade(a: Arena) -> None:
    """Have two strangers trade."""
    market = await a.market()
    for side in ("buy", "sell"):
        a.sim.trade(market, side, "0.01")


@case(C.SERVER_TIME)
async def server_time_is_nanoseconds_of_the_exchange(a: Arena) -> None:
    """Within a minute of the simulation's own clock."""
    off = abs(await a.exchange.market.server_time() - a.sim.now_ns())
    that(off < 60 * 10**9, f"the exchange's clock is {off} ns off: not nanoseconds?")


@case(C.INSTRUMENTS)
async def instruments_are_unique_and_name_their_rules(a: Arena) -> None:
    """Each symbol and each venue symbol once; the traded one with its steps."""
    listed = await a.exchange.market.instruments()
    that(len({str(item.symbol) for item in listed}) == len(listed), "a symbol is listed twice")
    that(len({item.venue_symbol for item in listed}) == len(listed), "a venue symbol is listed twice")
    one = await a.instrument()
    that(one.price_rule is not None and one.step_size, f"{one.symbol} has no price rule or no step size")


def priced(ticker: Ticker) -> bool:
    """Whether it states a price, exactly; some exchanges have no last one in it."""
    return any(isinstance(price, Decimal) for price in (ticker.last_price, ticker.mid_price, ticker.mark_price))


@case(C.TICKER)
async def ticker_is_of_the_symbol_asked_for(a: Arena) -> None:
    """One, and the same out of several."""
    one = await a.exchange.market.ticker(a.symbol)
    (same,) = await a.exchange.market.tickers([a.symbol])
    that(str(one.symbol) == str(same.symbol) == a.symbol, f"asked for {a.symbol}, got {one.symbol}, {same.symbol}")
    that(priced(one), f"no exact price: {one}")


@case(C.BEST_BID_OFFER, quiet=True)
async def best_bid_offer_is_the_top_of_the_book(a: Arena) -> None:
    """And not crossed."""
    (bid, ask), book = await a.best(), await a.exchange.market.order_book(a.symbol, 5)
    that(bid < ask, f"crossed: {bid} / {ask}")
    that((bid, ask) == (book.bids[0].price, book.asks[0].price), "not the book's own best prices")


@case(C.ORDER_BOOK)
async def order_book_is_best_first_and_not_longer_than_asked(a: Arena) -> None:
    """Both sides."""
    book = await a.exchange.market.order_book(a.symbol, 5)
    for side, sign in ((book.bids, -1), (book.asks, 1)):
        prices = [level.price * sign for level in side]
        that(prices == sorted(set(prices)), f"not best first: {[level.price for level in side]}")
        that(0 < len(side) <= 5, f"{len(side)} levels, asked for 5")
        that(all(level.quantity > 0 for level in side), "a level without quantity")


@case(C.RECENT_TRADES)
async def recent_trades_are_oldest_first(a: Arena) -> None:
    """Each once."""
    await strangers_trade(a)
    trades = await a.exchange.market.recent_trades(a.symbol, 50)
    times = [trade.exchange_ns for trade in trades]
    that(trades and times == sorted(times), "no trades, or not oldest first")
    that(len({trade.trade_id for trade in trades}) == len(trades), "a trade twice")


@case(C.TRADE_HISTORY)
async def trade_history_gives_each_print_once(a: Arena) -> None:
    """Oldest first."""
    await strangers_trade(a)
    await strangers_trade(a)
    trades = await take(a.exchange.market.iter_trades(a.symbol), 2)
    that(len({trade.trade_id for trade in trades}) == 2, "two prints were to come, each once")
    that(trades[0].exchange_ns <= trades[1].exchange_ns, "not oldest first")


@case(C.CANDLES)
async def candles_have_no_gap_and_no_repetition(a: Arena) -> None:
    """A page, and history across pages."""
    minute = 60 * 10**9
    page = await a.exchange.market.candles(a.symbol, Interval.M1, limit=10)
    that(_rising([bar.open_ns for bar in page]), "a page is not oldest first")
    that(all(bar.close_ns - bar.open_ns == minute for bar in page), "close_ns is exclusive: one minute after open_ns")
    start = (a.sim.now_ns() // minute - 2_000) * minute
    bars = await take(a.exchange.market.iter_candles(a.symbol, Interval.M1, start=start), 1_500)
    steps = {second.open_ns - first.open_ns for first, second in pairwise(bars)}
    that(bars[0].open_ns == start and steps == {minute}, f"history has gaps or repetitions: steps {steps}")
