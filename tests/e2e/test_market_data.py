"""Every market data call and every stream, number for number against the exchange's own."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack
from decimal import Decimal as D
from itertools import pairwise

import anyio
import pytest
from e2e_kit import BTC, Connect, collect, is_up, take, until

import lotusx
from lotusx.errors import MalformedReply
from lotusx.model import Interval
from lotusx.streams import Overflow, StatusChange
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio
MINUTE_NS = 60_000_000_000


async def test_server_time_is_the_exchanges(exchange: lotusx.Exchange, sim: Simulator) -> None:
    before = sim.now_ns()
    assert before - 2_000_000 <= await exchange.market.server_time() <= sim.now_ns()


async def test_instruments_carry_the_venues_rules(exchange: lotusx.Exchange, sim: Simulator) -> None:
    listed = await exchange.market.instruments()
    assert len(listed) == 7
    instrument = await exchange.market.instrument(BTC)
    assert instrument.venue_symbol == "BTCUSDT"
    assert (instrument.step_size, instrument.min_quantity) == (D("0.00001"), D("0.00001"))
    assert (instrument.min_notional, instrument.max_notional) == (D(5), D(9_000_000))
    assert "PRICE_FILTER" in str(instrument.raw)
    (luna,) = [item for item in listed if item.base == "LUNA"]
    assert (luna.status, luna.raw_status) == ("halted", "BREAK")
    assert sim.requests[("GET", "/api/v3/exchangeInfo")] == 1
    await exchange.market.instruments(refresh=True)
    assert sim.requests[("GET", "/api/v3/exchangeInfo")] == 2


async def test_a_symbol_that_is_not_latin_works_like_any_other(exchange: lotusx.Exchange, sim: Simulator) -> None:
    symbol = "币安人生/USDT"
    assert (await exchange.market.instrument(symbol)).base == "币安人生"
    book = await exchange.market.order_book(symbol)
    async with exchange.market.stream_trades(symbol) as trades:
        await until(lambda: is_up(trades))
        sim.trade("币安人生USDT", "buy", "1")
        (trade,) = await take(trades, 1)
    assert trade.price == book.asks[0].price


async def test_the_book_is_the_venues_book(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_book(
        "BTCUSDT", bids=[("68000.01", "0.5"), ("67999.99", "1.25")], asks=[("68000.02", "2"), ("68000.03", "0.00001")]
    )
    book = await exchange.market.order_book(BTC)
    assert [(level.price, level.quantity) for level in book.bids] == [
        (D("68000.01"), D("0.5")),
        (D("67999.99"), D("1.25")),
    ]
    assert [(level.price, level.quantity) for level in book.asks] == [
        (D("68000.02"), D(2)),
        (D("68000.03"), D("0.00001")),
    ]
    assert len((await exchange.market.order_book(BTC, 1)).bids) == 1
    best = await exchange.market.best_bid_offer(BTC)
    assert (best.bid_price, best.bid_quantity) == (D("68000.01"), D("0.5"))
    assert (best.ask_price, best.ask_quantity) == (D("68000.02"), D(2))


async def test_recent_trades_are_what_was_traded(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_book("BTCUSDT", bids=[("68000", "1")], asks=[("68001", "1")])
    sim.trade("BTCUSDT", "buy", "0.123")
    sim.trade("BTCUSDT", "sell", "0.321")
    bought, sold = (await exchange.market.recent_trades(BTC))[-2:]
    assert (bought.taker_side, bought.price, bought.quantity) == (lotusx.Side.BUY, D(68001), D("0.123"))
    assert (sold.taker_side, sold.price, sold.quantity) == (lotusx.Side.SELL, D(68000), D("0.321"))
    assert len(await exchange.market.recent_trades(BTC, 1)) == 1


async def test_tickers_know_the_last_trade_and_the_touch(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_book("BTCUSDT", bids=[("68000", "1")], asks=[("68001", "1")])
    sim.trade("BTCUSDT", "buy", "0.5")
    ticker = await exchange.market.ticker(BTC)
    assert (ticker.last_price, ticker.bid_price, ticker.ask_price) == (D(68001), D(68000), D(68001))
    some = await exchange.market.tickers([BTC, "ETH/USDT"])
    assert {str(item.symbol) for item in some} == {BTC, "ETH/USDT"}
    assert len(await exchange.market.tickers()) == 7
    assert (await exchange.ticker(BTC)).last_price == D(68001)  # the flat name is the same call


@pytest.mark.parametrize("minutes", [1, 999, 1_000, 1_001, 2_500])
async def test_candles_page_without_gap_or_repetition(exchange: lotusx.Exchange, sim: Simulator, minutes: int) -> None:
    end = sim.now_ns() // MINUTE_NS * MINUTE_NS
    start = end - minutes * MINUTE_NS
    candles = await collect(exchange.market.iter_candles(BTC, "1m", start=start, end=end))
    assert [candle.open_ns for candle in candles] == list(range(start, end, MINUTE_NS))
    assert all(one.close_ns == two.open_ns for one, two in pairwise(candles))
    assert all(candle.low <= min(candle.open, candle.close) <= candle.high for candle in candles)
    assert sim.requests[("GET", "/api/v3/klines")] <= math.ceil(minutes / 1_000) + 1


async def test_the_running_candle_is_not_closed(exchange: lotusx.Exchange, sim: Simulator) -> None:
    page = await exchange.market.candles(BTC, Interval.M1, limit=3)
    assert [candle.closed for candle in page] == [True, True, False]
    with pytest.raises(lotusx.InvalidArgument, match="1m"):
        await exchange.market.candles(BTC, "7m")
    assert sim.requests[("GET", "/api/v3/klines")] == 1


async def test_public_trades_page_whole_although_many_share_a_millisecond(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    start = sim.now_ns() - 5_000_000
    sim.set_book("BTCUSDT", bids=[("68000", "1")], asks=[("68001", "900")])
    engine, now = sim.exchange, sim.now_ns()
    from lotusx_sim.engine.feed import OUTSIDER
    from lotusx_sim.engine.orders import Kind, NewOrder, Side

    for number in range(2_300):
        engine.place(NewOrder(OUTSIDER, "BTCUSDT", Side.BUY, Kind.MARKET, D(number + 1) / 100_000), now)
    sim.flush()
    trades = await collect(exchange.market.iter_trades(BTC, start=start))
    assert [trade.quantity for trade in trades] == [D(number + 1) / 100_000 for number in range(2_300)]


async def test_streams_tell_what_happened_number_for_number(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_book("BTCUSDT", bids=[("68000", "1")], asks=[("68001", "1"), ("68002", "3")])
    async with (
        exchange.market.stream_trades(BTC) as trades,
        exchange.market.stream_best_bid_offer(BTC) as bests,
        exchange.market.stream_order_book(BTC, 5) as books,
        exchange.market.stream_candles(BTC, "1m") as candles,
        exchange.market.stream_ticker(BTC) as tickers,
    ):
        await until(lambda: all(is_up(each) for each in (trades, bests, books, candles, tickers)))
        sim.trade("BTCUSDT", "buy", "1.5")
        one, two = await take(trades, 2)
        assert [(one.price, one.quantity), (two.price, two.quantity)] == [(D(68001), D(1)), (D(68002), D("0.5"))]
        assert one.taker_side is lotusx.Side.BUY
        with anyio.fail_after(30):
            async for best in bests:
                if best.ask_price == D(68002):
                    assert best.ask_quantity == D("2.5")
                    break
            async for book in books:
                if book.asks[0].price == D(68002):
                    assert (book.asks[0].quantity, book.bids[0].price) == (D("2.5"), D(68000))
                    break
            async for candle in candles:
                if candle.close == D(68002):
                    assert not candle.closed
                    break
            async for ticker in tickers:
                if ticker.last_price == D(68002):
                    break


async def test_equal_streams_share_one_subscription(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.stream_trades(BTC) as one, exchange.market.stream_trades(BTC) as two:
        await until(lambda: is_up(one) and is_up(two))
        sim.trade("BTCUSDT", "buy", "0.1")
        assert await take(one, 1) == await take(two, 1)
    assert sim.requests[("WS", "SUBSCRIBE")] == 1


async def test_a_stream_of_a_depth_the_venue_lacks_is_refused_with_those_it_has(exchange: lotusx.Exchange) -> None:
    with pytest.raises(lotusx.InvalidArgument) as caught:
        async with exchange.market.stream_order_book(BTC, 7):
            pytest.fail("7 levels are not offered")
    assert caught.value.nearest == (5, 10, 20)


async def test_a_stream_comes_back_after_each_way_to_end(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.stream_trades(BTC) as trades:
        await until(lambda: is_up(trades))
        for how in ("fin", "rst", 1001, 1008):
            made = sim.connections_made
            sim.cut_connections(how)
            await until(lambda made=made: sim.connections_made > made and is_up(trades))  # type: ignore[misc]
            sim.trade("BTCUSDT", "buy", "0.001")
            await take(trades, 1)
    counters = trades.counters
    assert counters.received == counters.delivered == 4


async def test_a_message_that_cannot_be_read_is_counted_and_the_stream_lives_on(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.market.stream_trades(BTC) as trades:
        await until(lambda: is_up(trades))
        sim.rewrite("btcusdt@trade", lambda text: text.replace('"p":"', '"p":"not a number '))
        sim.trade("BTCUSDT", "buy", "0.001")
        sim.trade("BTCUSDT", "buy", "0.002")
        (trade,) = await take(trades, 1)
        assert trade.quantity == D("0.002")
        assert trades.counters.rejected == 1
        assert trades.counters.received == 2


async def test_an_unknown_field_is_not_fatal(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.stream_trades(BTC) as trades:
        await until(lambda: is_up(trades))
        sim.rewrite("btcusdt@trade", lambda text: text.replace('"e":"trade"', '"e":"trade","new":{"deep":[1]}'))
        sim.trade("BTCUSDT", "buy", "0.001")
        await take(trades, 1)


async def test_a_slow_reader_loses_the_oldest_and_every_loss_is_counted(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    sim.set_book("BTCUSDT", bids=[("68000", "900")], asks=[("68001", "900")])
    async with exchange.market.stream_trades(BTC, buffer=3) as slow, exchange.market.stream_trades(BTC) as quick:
        await until(lambda: is_up(slow) and is_up(quick))
        for number in range(10):
            sim.trade("BTCUSDT", "buy", D(number + 1) / 1_000)
        assert len(await take(quick, 10)) == 10
        assert [trade.quantity for trade in await take(slow, 3)] == [D("0.008"), D("0.009"), D("0.01")]
        counters = slow.counters
        assert (counters.received, counters.delivered, counters.dropped) == (10, 3, 7)


async def test_a_planned_shutdown_loses_and_doubles_no_trade(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_book("BTCUSDT", bids=[("68000", "900")], asks=[("68001", "900")])
    async with exchange.market.stream_trades(BTC) as trades:
        await until(lambda: is_up(trades))
        made, sent = sim.connections_made, 0
        sim.server_shutdown()
        with anyio.fail_after(30):
            while sim.connections_made == made or sent < 60:
                sim.trade("BTCUSDT", "buy", D(sent + 1) / 100_000)
                sent += 1
                await anyio.sleep(0.005)
        seen = [trade.quantity for trade in await take(trades, sent)]
    assert seen == [D(number + 1) / 100_000 for number in range(sent)]


async def test_status_changes_come_in_band_on_request(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.stream_trades(BTC) as trades:
        await until(lambda: is_up(trades))
        made = sim.connections_made
        sim.cut_connections("rst")
        await until(lambda: sim.connections_made > made and is_up(trades))
        sim.trade("BTCUSDT", "buy", "0.001")
        said = []
        with anyio.fail_after(30):
            async for item in trades.with_status():
                said.append(item.state if isinstance(item, StatusChange) else "trade")
                if said[-1] == "trade":
                    break
    assert said[-4:] == ["lost", "acknowledged", "recovered", "trade"]


async def test_used_weight_follows_the_venues_own_count(connect: Connect, sim: Simulator) -> None:
    async with connect() as exchange:
        await exchange.market.order_book(BTC, 5_000)
        await exchange.market.server_time()
    assert sim.requests[("GET", "/api/v3/depth")] == 1


@pytest.mark.parametrize("fault", ["html", "cut", "empty"])
async def test_a_reply_that_is_no_json_is_retried_for_a_read(
    exchange: lotusx.Exchange, sim: Simulator, fault: str
) -> None:
    if fault == "html":
        sim.html_502("GET", "/api/v3/time")
    elif fault == "cut":
        sim.cut_json("GET", "/api/v3/time")
    else:
        sim.refuse("GET", "/api/v3/time", 200, b"", times=1)
    assert await exchange.market.server_time() > 0
    assert sim.requests[("GET", "/api/v3/time")] == 2


async def test_a_reply_of_another_shape_is_a_typed_error_that_keeps_the_body(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    sim.refuse("GET", "/api/v3/time", 200, b'["another shape"]', times=1)
    with pytest.raises(MalformedReply) as caught:
        await exchange.market.server_time()
    assert caught.value.body == '["another shape"]'


async def test_what_a_blocking_stream_still_holds_can_be_read_after_its_connection_was_closed(
    connect: Connect, sim: Simulator
) -> None:
    exchange = connect()
    async with AsyncExitStack() as stack:
        async with exchange:
            trades = await stack.enter_async_context(
                exchange.market.stream_trades(BTC, buffer=4, overflow=Overflow.BLOCK)
            )
            await until(lambda: is_up(trades))
            with anyio.fail_after(30):
                while not trades.holding:
                    sim.trade("BTCUSDT", "buy", "0.001")
                    await anyio.sleep(0.001)
        waiting = trades.counters.waiting
        assert waiting > 4
        assert len([trade async for trade in trades]) == waiting
