"""Conformance cases of public streams and of the live order book."""

from __future__ import annotations

import anyio

from lotusx.kernel.facts import Capability as C
from lotusx.model import Interval
from lotusx_testing.arena import Arena, both
from lotusx_testing.cases import PATIENCE_S, case, first, take, that
from lotusx_testing.market_cases import priced, strangers_trade


@case(C.STREAM_TRADES)
async def trades_arrive_in_order_each_once(a: Arena) -> None:
    """None repeated, also across a dead connection."""
    async with a.exchange.market.stream_trades(a.symbol) as trades:
        for _ in range(5):
            await strangers_trade(a)
        before = await take(trades, 5)
        a.sim.cut_connections("rst")
        with anyio.fail_after(PATIENCE_S):
            while not a.sim.ws_connections:  # noqa: ASYNC110 - the simulation has no event for it
                await anyio.sleep(0.01)
        found = [*before, *await take(trades, 5)]
    that(len({trade.trade_id for trade in found}) == 10, "a trade came twice")
    times = [trade.exchange_ns for trade in found]
    that(times == sorted(times), "trades came out of order")
    that(all(str(trade.symbol) == a.symbol for trade in found), "a trade of another symbol")


@case(C.STREAM_TICKER)
async def ticker_stream_speaks_of_its_symbol(a: Arena) -> None:
    """With an exact price."""
    ticker = await first(a.exchange.market.stream_ticker(a.symbol))
    that(str(ticker.symbol) == a.symbol and priced(ticker), f"unexpected: {ticker}")


@case(C.STREAM_BEST_BID_OFFER)
async def best_bid_offer_stream_is_not_crossed(a: Arena) -> None:
    """Of its symbol."""
    top = await first(a.exchange.market.stream_best_bid_offer(a.symbol))
    bid, ask = both(top)
    that(str(top.symbol) == a.symbol and bid < ask, f"unexpected: {top}")


@case(C.STREAM_ORDER_BOOK)
async def order_book_stream_gives_whole_books(a: Arena) -> None:
    """Best first on both sides."""
    depth = min(a.exchange.capabilities[C.STREAM_ORDER_BOOK].limits.get("max_depth", 5), 5)
    book = await first(a.exchange.market.stream_order_book(a.symbol, depth))
    that(0 < len(book.bids) <= depth and book.bids[0].price < book.asks[0].price, f"unexpected: {book}")


@case(C.STREAM_CANDLES)
async def candle_stream_has_whole_intervals(a: Arena) -> None:
    """Of the interval asked for."""
    bar = await first(a.exchange.market.stream_candles(a.symbol, Interval.M1))
    that(bar.close_ns - bar.open_ns == 60 * 10**9 and bar.low <= bar.close <= bar.high, f"unexpected: {bar}")


@case(C.LIVE_ORDER_BOOK)
async def live_book_survives_a_gap_and_equals_the_exchange(a: Arena) -> None:
    """A message is lost; the book finds out, and ends as the exchange's own."""
    market = await a.market()
    async with a.exchange.market.live_order_book(a.symbol) as book:
        before = book.resyncs
        a.sim.gap(market)
        with anyio.fail_after(PATIENCE_S):
            while (a.dialect.books_show_gaps and book.resyncs == before) or book.state != "synced":
                that(book.state != "synced" or book.bids(1)[0].price < book.asks(1)[0].price, "a crossed book")
                await anyio.sleep(0.02)
        a.sim.quiet()
        with anyio.fail_after(PATIENCE_S):
            while True:
                truth = await a.exchange.market.order_book(a.symbol, 20)
                ours = (tuple(book.bids(20)), tuple(book.asks(20)))
                if book.state == "synced" and ours == (truth.bids, truth.asks):
                    break
                await anyio.sleep(0.1)
