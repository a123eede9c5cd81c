"""Public data of Hyperliquid, its books, and what bad input does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal as D
from functools import partial
from itertools import pairwise

import anyio
import pytest
from e2e_hyperliquid import DELISTED, ETH, PERP, SPOT, TSLA
from e2e_kit import is_up, take, until
from virtual_time import VirtualTime

import lotusx
from lotusx.errors import InvalidArgument, NotSupported, StaleBook, UnknownSymbol
from lotusx.model import Candle, InstrumentStatus, Interval, MarkPrice, OrderBook, Ticker
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio
MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize("symbol", [PERP, TSLA, SPOT])
async def test_every_kind_of_market_answers(exchange: lotusx.Exchange, symbol: str) -> None:
    book = await exchange.market.order_book(symbol, 20)
    top = await exchange.market.best_bid_offer(symbol)
    ticker = await exchange.market.ticker(symbol)
    assert (len(book.bids), len(book.asks)) == (20, 20)
    assert (top.bid_price, top.ask_price) == (book.bids[0].price, book.asks[0].price)
    assert ticker.mid_price == (book.bids[0].price + book.asks[0].price) / 2
    assert (ticker.funding_rate is None) == (symbol == SPOT)
    bars = await exchange.market.candles(symbol, "1m", limit=5)
    assert len(bars) == 5
    assert bars[-1].close >= bars[-1].low


async def test_all_tickers_are_those_of_what_trades(exchange: lotusx.Exchange) -> None:
    listed = await exchange.market.instruments()
    open_ones = {item.symbol for item in listed if item.status is not InstrumentStatus.CLOSED}
    assert {ticker.symbol for ticker in await exchange.market.tickers()} == open_ones
    assert [str(ticker.symbol) for ticker in await exchange.market.tickers([SPOT, PERP])] == [SPOT, PERP]


async def test_spot_has_no_funding(exchange: lotusx.Exchange) -> None:
    with pytest.raises(NotSupported, match="perpetual"):
        await exchange.market.funding_rate(SPOT)


async def test_candles_begin_where_they_begin(exchange: lotusx.Exchange, sim: Simulator) -> None:
    start = sim.now_ns() - 30 * 86_400 * 10**9
    bars = [bar async for bar in exchange.market.iter_candles(PERP, Interval.M1, start=start)]
    assert {second.open_ns - first.open_ns for first, second in pairwise(bars)} == {MINUTE_NS}
    assert 100 < len(bars) <= 5_001
    assert [bar.closed for bar in bars[-2:]] == [True, False]


async def test_a_running_candle_is_not_closed(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.stream_candles(PERP, "1m") as bars:
        await until(lambda: is_up(bars))
        sim.trade("BTC", "buy", "0.01")
        (running,) = await take(bars, 1)
    assert isinstance(running, Candle)
    assert not running.closed


async def test_ticker_and_mark_price_share_messages_and_not_events(exchange: lotusx.Exchange) -> None:
    async with exchange.market.stream_ticker(PERP) as tickers, exchange.market.stream_mark_price(PERP) as marks:
        (ticker,), (mark,) = await take(tickers, 1), await take(marks, 1)
    assert isinstance(ticker, Ticker)
    assert isinstance(mark, MarkPrice)
    assert ticker.mark_price == mark.mark_price


def equal(book: lotusx.LiveOrderBook, truth: OrderBook) -> bool:
    depth = len(truth.bids)
    return (tuple(book.bids(depth)), tuple(book.asks(depth))) == (truth.bids, truth.asks)


@pytest.mark.parametrize("depth", [5, 20])
async def test_a_live_book_follows_the_exchange(exchange: lotusx.Exchange, sim: Simulator, depth: int) -> None:
    async with exchange.market.live_order_book(PERP, depth=depth) as book:
        for number in range(5):
            sim.trade("BTC", "buy" if number % 2 else "sell", "0.01")
            truth = await exchange.market.order_book(PERP, depth)
            await until(partial(equal, book, truth))
        assert book.resyncs == 0


async def test_a_live_book_is_stale_while_its_socket_is_dead(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(PERP, depth=5) as book:
        sim.refuse_connections()
        sim.cut_connections("rst")
        await until(lambda: book.state == "stale")
        with pytest.raises(StaleBook):
            _ = book.best_bid
        sim.refuse_connections(False)
        await until(lambda: book.state == "synced")


async def test_a_crossed_book_is_never_shown(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(PERP, depth=5) as book:
        sim.crossed_level("BTC")
        await until(lambda: book.counters.breaches == 1)
        assert book.counters.refused == 1
        await until(lambda: book.state == "synced")
        assert book.best_bid is not None
        assert book.best_ask is not None
        assert book.best_bid.price < book.best_ask.price


async def test_slow_and_fast_books_do_not_mix(exchange: lotusx.Exchange) -> None:
    async with (
        exchange.market.stream_order_book(PERP, 5) as fast,
        exchange.market.stream_order_book(PERP, 20) as slow,
    ):
        few, many = await take(fast, 3), await take(slow, 2)
    assert {len(book.bids) for book in few} == {5}
    assert {len(book.bids) for book in many} == {20}
    with pytest.raises(InvalidArgument, match="5 or 20"):
        async with exchange.market.stream_order_book(PERP, 10):
            pass


@pytest.mark.parametrize("name", ["NOPE/USDC:USDC", "btc/USDC:USDC", "TSLA/USDC:USDC", DELISTED])
async def test_a_name_that_does_not_trade_takes_no_socket_down(
    exchange: lotusx.Exchange, sim: Simulator, name: str
) -> None:
    async with exchange.market.stream_trades(PERP) as trades, exchange.market.stream_best_bid_offer(ETH) as tops:
        await until(lambda: is_up(trades) and is_up(tops))
        before = sim.requests[("WS", "subscribe")]
        with pytest.raises((UnknownSymbol, InvalidArgument)):
            async with exchange.market.stream_trades(name):
                pass
        with pytest.raises((UnknownSymbol, InvalidArgument)):
            async with exchange.market.live_order_book(name, depth=5):
                pass
        assert sim.requests[("WS", "subscribe")] == before
        sim.trade("BTC", "buy", "0.01")
        sim.trade("ETH", "buy", "0.1")
        assert await take(trades, 1)
        assert await take(tops, 1)
        assert trades.counters.rejected == tops.counters.rejected == 0


async def test_messages_that_cannot_be_read_are_counted_and_the_stream_lives(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.market.stream_trades(PERP) as trades:
        await take(trades, 1)  # a subscription begins with the last prints
        sim.rewrite("trades:BTC*", lambda text: text.replace('"side":"', '"side":"X'))
        sim.trade("BTC", "buy", "0.01")
        await until(lambda: trades.counters.rejected == 1)
        sim.trade("BTC", "sell", "0.01")
        (trade,) = await take(trades, 1)
        assert (trade.quantity, str(trade.taker_side)) == (D("0.01"), "sell")


class TestUnderVirtualTime(VirtualTime):
    """What takes a minute: the same exchange in process, on trio's own clock."""

    name = "hyperliquid"
    key = None

    async def test_a_candle_is_told_as_closed_when_the_next_one_comes(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        async with exchange.market.stream_candles(PERP, "1m") as bars:
            await until(lambda: is_up(bars))
            sim.trade("BTC", "buy", "0.01")
            await anyio.sleep(61)
            sim.trade("BTC", "buy", "0.01")
            told = [bar async for bar in take_until_closed(bars)]
        closed, running = told[-2:]
        assert (closed.closed, running.closed) == (True, False)
        assert running.open_ns - closed.open_ns == MINUTE_NS
        (asked, _) = await exchange.market.candles(PERP, "1m", limit=2)
        assert (asked.open_ns, asked.close, asked.closed) == (closed.open_ns, closed.close, True)

    async def test_a_quiet_market_is_not_taken_for_a_dead_socket(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        async with (
            exchange.market.stream_best_bid_offer(PERP) as tops,
            exchange.market.live_order_book(PERP) as book,
        ):
            await until(lambda: is_up(tops))
            before = sim.requests[("WS", "subscribe")]
            await anyio.sleep(120)
            assert sim.requests[("WS", "subscribe")] == before
            assert (book.state, book.resyncs) == ("synced", 0)


async def take_until_closed(bars: lotusx.Stream[Candle]) -> AsyncIterator[Candle]:
    """Yield candles up to the first that follows a closed one."""
    closed = False
    with anyio.fail_after(30):
        async for bar in bars:
            yield bar
            if closed:
                return
            closed = bar.closed
