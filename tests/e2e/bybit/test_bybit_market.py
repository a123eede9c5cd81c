"""Public data of Bybit: books of every depth, tickers put together from changes, history in pages."""

from __future__ import annotations

from decimal import Decimal as D
from itertools import pairwise

import anyio
import pytest
from e2e_bybit import INVERSE, MARKETS, PERP, SPOT, USDC, name_of
from e2e_kit import Connect, collect, is_up, until

from lotusx.errors import InvalidArgument, NotSupported, UnknownSymbol
from lotusx.model import InstrumentKind, Interval
from lotusx_sim import Bybit, Simulator

pytestmark = pytest.mark.anyio
ALL = pytest.mark.parametrize("symbol", [SPOT, PERP, INVERSE])
HOUR_NS = 3_600 * 10**9


async def test_listing_names_both_categories_by_what_they_are(connect: Connect) -> None:
    async with connect() as exchange:
        kinds = {str(item.symbol): item.kind for item in await exchange.market.instruments()}
        assert kinds[PERP] is kinds[USDC] is InstrumentKind.LINEAR
        assert kinds[INVERSE] is InstrumentKind.INVERSE
        assert SPOT not in kinds
        with pytest.raises(UnknownSymbol):
            await exchange.market.ticker(SPOT)
        tickers = await exchange.market.tickers()
        assert {str(item.symbol) for item in tickers} == set(kinds)


@ALL
@pytest.mark.parametrize("depth", [1, 50, 51, 200, 1_000])
async def test_live_book_of_each_depth_is_the_exchanges(
    connect: Connect, sim: Simulator, symbol: str, depth: int
) -> None:
    async with connect(name_of(symbol)) as exchange, exchange.market.live_order_book(symbol, depth=depth) as book:
        sim.trade(MARKETS[symbol], "buy", "1")
        truth = await exchange.market.order_book(symbol, 20)
        await until(lambda: (tuple(book.bids(20)), tuple(book.asks(20))) == (truth.bids, truth.asks))
        assert book.state == "synced"


@ALL
async def test_book_starts_again_with_number_one_after_a_restart(
    connect: Connect, sim: Simulator, venue: Bybit, symbol: str
) -> None:
    async with connect(name_of(symbol)) as exchange, exchange.market.live_order_book(symbol, depth=50) as book:
        sim.trade(MARKETS[symbol], "buy", "1")
        before = book.resyncs
        venue.restart_books(MARKETS[symbol], sim.now_ns())
        sim.changed()
        sim.trade(MARKETS[symbol], "sell", "1")
        truth = await exchange.market.order_book(symbol, 20)
        await until(lambda: (tuple(book.bids(20)), tuple(book.asks(20))) == (truth.bids, truth.asks))
        assert (book.state, book.resyncs) == ("synced", before)


async def test_hole_in_the_numbers_is_only_counted_where_the_caller_wants_that(
    connect: Connect, sim: Simulator
) -> None:
    options = {"options": {"book_gaps": "log"}}
    async with connect(**options) as exchange, exchange.market.live_order_book(PERP, depth=50) as book:
        before = book.resyncs
        sim.gap(MARKETS[PERP])
        sim.trade(MARKETS[PERP], "buy", "0.01")
        sim.trade(MARKETS[PERP], "buy", "0.01")
        await until(lambda: book.counters.gaps > 0)
        assert (book.state, book.resyncs) == ("synced", before)


async def test_depth_that_no_stream_has_is_refused_with_the_nearest(connect: Connect) -> None:
    async with connect() as exchange:
        with pytest.raises(InvalidArgument, match="at most 1000"):
            async with exchange.market.live_order_book(PERP, depth=1_001):
                pass
        with pytest.raises(InvalidArgument, match="one level"):
            async with exchange.market.stream_order_book(PERP, 2):
                pass
        with pytest.raises(InvalidArgument, match="1 to 1000"):
            await exchange.market.order_book(PERP, 1_001)
        with pytest.raises(InvalidArgument, match="no candles of 8h"):
            await exchange.market.candles(PERP, Interval.H8)


async def test_ticker_is_whole_after_a_change_and_after_a_lost_connection(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange, exchange.market.stream_ticker(PERP) as tickers:
        whole = await anext(aiter(tickers))
        sim.set_mark(MARKETS[PERP], "84000")
        with anyio.fail_after(10):
            async for changed in tickers:
                if changed.mark_price == 84_000:
                    break
        assert (changed.last_price, changed.bid_price) == (whole.last_price, whole.bid_price)
        sim.cut_connections("rst")
        sim.set_mark(MARKETS[PERP], "83000")
        with anyio.fail_after(20):
            async for changed in tickers:
                if changed.mark_price == 83_000:
                    break
        assert (changed.last_price, changed.bid_price) == (whole.last_price, whole.bid_price)
        assert tickers.counters.rejected == 0


async def test_ticker_begins_anew_after_a_change_that_cannot_be_read(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange, exchange.market.stream_ticker(PERP) as tickers:
        whole = await anext(aiter(tickers))
        sim.rewrite("*:tickers.BTCUSDT", lambda text: text.replace('"markPrice":', '"markPrice":[],"was":'))
        sim.set_mark(MARKETS[PERP], "84000")
        with anyio.fail_after(10):
            async for changed in tickers:
                if changed.mark_price == 84_000:
                    break
        assert (changed.last_price, changed.bid_price) == (whole.last_price, whole.bid_price)
        assert tickers.counters.rejected > 0


async def test_best_bid_offer_of_spot_has_both_sides_and_says_when_nobody_is_there(
    connect: Connect, sim: Simulator
) -> None:
    async with connect("bybit") as exchange, exchange.market.stream_best_bid_offer(SPOT) as tops:
        first = await anext(aiter(tops))
        assert first.bid_price is not None
        assert first.ask_price is not None
        sim.set_book(MARKETS[SPOT], bids=[("80000", "1")], asks=[])
        with anyio.fail_after(10):
            async for top in tops:
                if top.ask_price is None:
                    break
        assert (top.bid_price, top.ask_quantity) == (D(80_000), D(0))
        asked = await exchange.market.best_bid_offer(SPOT)
        assert (asked.bid_price, asked.ask_price) == (D(80_000), None)


@pytest.mark.parametrize("symbol", [PERP, INVERSE])
async def test_funding_history_has_every_rate_over_many_pages(connect: Connect, sim: Simulator, symbol: str) -> None:
    async with connect() as exchange:
        start = sim.now_ns() - 40 * 24 * HOUR_NS
        rates = await collect(exchange.market.iter_funding_rates(symbol, start=start))
        times = [rate.funding_ns for rate in rates]
        assert times == sorted(set(times))
        newest = await collect(exchange.market.iter_funding_rates(symbol))
        assert newest[-1] == rates[-1]


async def test_candles_of_months_and_of_pages_have_no_hole(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        months = await exchange.market.candles(PERP, Interval.MONTH1, limit=3)
        assert [bar.close_ns for bar in months[:-1]] == [bar.open_ns for bar in months[1:]]
        start = sim.now_ns() - 30 * HOUR_NS
        bars = [bar async for bar in exchange.market.iter_candles(PERP, Interval.M1, start=start)]
        assert len(bars) == 1_800
        assert {after.open_ns - before.open_ns for before, after in pairwise(bars)} == {60 * 10**9}
        assert [bar.closed for bar in bars[-2:]] == [True, False]


async def test_open_interest_counts_one_side(connect: Connect) -> None:
    async with connect() as exchange:
        found = await exchange.market.open_interest(PERP)
        history = await exchange.native.open_interest_history(  # type: ignore[attr-defined]  # Bybit's own
            {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "5min"}
        )
        assert all(D(item.openInterest) == 2 * D(item.singleOpenInterest) for item in history.items)
        assert found.quantity >= 0


async def test_spot_says_where_derivatives_are(connect: Connect) -> None:
    async with connect("bybit") as exchange:
        with pytest.raises(NotSupported, match="bybit-perp"):
            await exchange.market.funding_rate(SPOT)
        async with exchange.market.stream_trades(SPOT) as trades:
            await until(lambda: is_up(trades))
