"""Public data of Backpack, and its books."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from itertools import cycle, pairwise

import anyio
import pytest
from e2e_backpack import CLOSED, KEY, MARKET, PERP, SPOT
from e2e_kit import collect, is_up, take, until
from virtual_time import VirtualTime

import lotusx
from lotusx.errors import ErrorKind, ExchangeError, NotSupported
from lotusx.model import InstrumentStatus, Interval
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio
MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize("symbol", [PERP, SPOT, "kBONK/USDC:USDC", "AAPL.US/USDC:USDC"])
async def test_every_kind_of_market_answers(exchange: lotusx.Exchange, symbol: str) -> None:
    book = await exchange.market.order_book(symbol, 20)
    top = await exchange.market.best_bid_offer(symbol)
    assert (top.bid_price, top.ask_price) == (book.bids[0].price, book.asks[0].price)
    assert [level.price for level in book.bids] == sorted((level.price for level in book.bids), reverse=True)
    instrument = await exchange.market.instrument(symbol)
    assert instrument.min_notional is None


async def test_closed_market_says_so(exchange: lotusx.Exchange) -> None:
    assert (await exchange.market.instrument(CLOSED)).status is InstrumentStatus.CLOSED
    with pytest.raises(ExchangeError) as caught:
        await exchange.market.order_book(CLOSED)
    assert caught.value.kind is ErrorKind.MARKET_CLOSED


async def test_candles_page_through_time(exchange: lotusx.Exchange, sim: Simulator) -> None:
    start = (sim.now_ns() // MINUTE_NS - 1_500) * MINUTE_NS
    bars = await collect(exchange.market.iter_candles(PERP, Interval.M1, start=start))
    assert bars
    assert bars[0].open_ns >= start
    assert all(before.open_ns < after.open_ns for before, after in pairwise(bars))
    assert bars[-1].open_ns >= sim.now_ns() - 10 * MINUTE_NS


async def test_funding_and_open_interest_are_of_perpetuals(exchange: lotusx.Exchange) -> None:
    rate = await exchange.market.funding_rate(PERP)
    assert rate.interval_s == 3_600
    assert (await exchange.market.open_interest(PERP)).quantity >= 0
    with pytest.raises(NotSupported, match="spot"):
        await exchange.market.funding_rate(SPOT)


def best_is(book: lotusx.LiveOrderBook, price: int) -> Callable[[], bool]:
    return lambda: [level.price for level in book.bids(1)] == [price]


async def test_live_book_is_the_exchanges_own_after_every_change(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(PERP) as book:
        await book.wait_synced()
        for step in range(1, 4):
            sim.set_book(MARKET, bids=[(f"{150 - step}", "5"), ("100", "1")], asks=[(f"{152 + step}", "7")])
            await until(best_is(book, 150 - step))
        assert [(level.price, level.quantity) for level in book.bids(2)] == [(D(147), D(5)), (D(100), D(1))]
        assert book.asks(1)[0].price == 155


async def test_lost_update_is_noticed_and_mended(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(PERP) as book:
        await book.wait_synced()
        sim.gap(MARKET)
        prices = cycle(("149", "147"))

        def resynced_as_the_market_moves() -> bool:  # what is lost shows with what comes after it
            sim.set_book(MARKET, bids=[(next(prices), "5")], asks=[("153", "7")])
            return book.resyncs == 1

        await until(resynced_as_the_market_moves)
        sim.set_book(MARKET, bids=[("148", "5")], asks=[("154", "7")])
        await until(best_is(book, 148))
        assert len(book.asks(10)) == 1


async def test_streams_come_back_after_their_socket_was_cut(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.stream_best_bid_offer(PERP) as tops, exchange.market.stream_ticker(SPOT) as tickers:
        await take(tickers, 1)
        sim.cut_connections("rst")
        await take(tickers, 2)
        with anyio.fail_after(20):
            while True:
                sim.set_book(MARKET, bids=[("149", "5")], asks=[("153", "7")])
                sim.set_book(MARKET, bids=[("148", "5")], asks=[("154", "7")])
                with anyio.move_on_after(0.2):
                    await anext(tops)
                    break
        assert is_up(tickers)


class TestUnderVirtualTime(VirtualTime):
    """Subscriptions are not answered, quiet markets say nothing: the same exchange in process, on trio's clock."""

    name = "backpack"
    key = KEY

    async def test_silence_of_a_quiet_market_is_proven_by_asking(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        async with exchange.market.stream_trades(PERP) as trades:
            await anyio.sleep(300)
            assert sim.requests[("GET", "/api/v1/trades")] > 0
            assert sim.connections_made == 1
            sim.trade(MARKET, "buy", "0.5")
            (trade,) = await take(trades, 1)
            assert trade.quantity == D("0.5")

    async def test_silence_of_a_busy_market_is_noticed(self, exchange: lotusx.Exchange, sim: Simulator) -> None:
        async with exchange.market.stream_trades(PERP) as trades:
            silence = sim.silence(f"trade.{MARKET}")
            with anyio.fail_after(600):
                while sim.requests[("WS", "subscribe")] < 2:
                    sim.trade(MARKET, "buy", "0.01")
                    await anyio.sleep(1)
            silence.clear()
            with anyio.fail_after(600):
                while not trades.counters.received:
                    sim.trade(MARKET, "buy", "0.01")
                    await anyio.sleep(1)
