"""A live book over real sockets: right, or marked stale."""

from __future__ import annotations

from decimal import Decimal as D

import anyio
import pytest
from e2e_kit import BTC, until

import lotusx
from lotusx.errors import StaleBook
from lotusx_sim import Simulator

pytestmark = pytest.mark.anyio
Levels = list[tuple[D, D]]


def there(sim: Simulator, symbol: str = "BTCUSDT") -> tuple[Levels, Levels]:
    """Return what the exchange itself has."""
    view = sim.venue.state.views[symbol]  # type: ignore[attr-defined]
    return list(view.bids.top(1_000)), list(view.asks.top(1_000))


def here(book: lotusx.LiveOrderBook) -> tuple[Levels, Levels]:
    return (
        [(level.price, level.quantity) for level in book.bids()],
        [(level.price, level.quantity) for level in book.asks()],
    )


def equal(book: lotusx.LiveOrderBook, sim: Simulator, symbol: str = "BTCUSDT") -> bool:
    return book.state == "synced" and here(book) == there(sim, symbol)


def change(sim: Simulator, number: int, symbol: str = "BTCUSDT") -> None:
    """Change the book a little."""
    sim.trade(symbol, "buy" if number % 2 else "sell", "0.01")


async def test_a_book_begins_synced_and_follows_every_change(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(BTC) as book:
        assert equal(book, sim)
        for number in range(20):
            change(sim, number)
            await until(lambda: equal(book, sim))
        assert sim.snapshot_calls("BTCUSDT") == 1
        assert book.resyncs == 0


async def test_a_book_answers_what_a_trader_asks(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.set_book("BTCUSDT", bids=[("99", "1"), ("98", "2")], asks=[("101", "1"), ("102", "4")])
    async with exchange.market.live_order_book(BTC) as book:
        assert book.best_bid is not None
        assert book.best_ask is not None
        assert (book.best_bid.price, book.best_ask.price) == (D(99), D(101))
        assert (book.spread, book.mid) == (D(2), D(100))
        assert [level.price for level in book.bids(1)] == [D(99)]
        assert book.vwap(lotusx.Side.BUY, D(2)) == D("101.5")
        assert book.age is not None
        assert book.last_update_id is not None


async def test_changes_conflate_for_a_slow_reader(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(BTC) as book:
        changes = book.changes()
        await anext(changes)
        for number in range(20):
            change(sim, number)
        await until(lambda: equal(book, sim))
        top = await anext(changes)
        assert book.best_bid is not None
        assert top.best_bid == book.best_bid


@pytest.mark.parametrize("how", ["rst", "fin", "1001", "1008", "1011"])
async def test_a_book_is_stale_while_the_socket_is_down_and_heals(
    exchange: lotusx.Exchange, sim: Simulator, how: str
) -> None:
    async with exchange.market.live_order_book(BTC) as book:
        sim.cut_connections(int(how) if how.isdigit() else how)
        await until(lambda: book.state != "synced")
        with pytest.raises(StaleBook):
            book.best_bid  # noqa: B018
        assert book.stale_reason
        change(sim, 1)
        with anyio.fail_after(30):
            await book.wait_synced()
        await until(lambda: equal(book, sim))
        assert book.resyncs == 1


async def test_a_gap_makes_the_book_stale_at_once_and_costs_one_snapshot(
    exchange: lotusx.Exchange, sim: Simulator
) -> None:
    async with exchange.market.live_order_book(BTC) as book, exchange.market.live_order_book("ETH/USDT") as other:
        change(sim, 1)
        await until(lambda: equal(book, sim))
        dropped = sim.gap("BTCUSDT")
        change(sim, 2)
        await until(lambda: dropped.applied)
        sim.delay("GET", "/api/v3/depth", 1.0)
        change(sim, 3)
        await until(lambda: book.state != "synced")
        with pytest.raises(StaleBook):
            book.bids()
        assert other.state == "synced"
        await until(lambda: equal(book, sim))
        assert (sim.snapshot_calls("BTCUSDT"), sim.snapshot_calls("ETHUSDT")) == (2, 1)
        assert equal(other, sim, "ETHUSDT")


async def test_a_crossed_level_is_never_shown(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(BTC) as book:
        tops: list[bool] = []

        async def watch() -> None:
            async for top in book.changes():
                assert top.best_bid is not None
                assert top.best_ask is not None
                tops.append(top.best_bid.price < top.best_ask.price)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            for number in range(4):
                fault = sim.crossed_level("BTCUSDT")
                change(sim, number)
                await until(lambda fault=fault: fault.applied)  # type: ignore[misc]
                change(sim, number + 1)
                await until(lambda: equal(book, sim))
            tasks.cancel_scope.cancel()
        assert tops
        assert all(tops)


@pytest.mark.parametrize("mischief", ["duplicate_next", "reorder", "cut_message"])
async def test_a_mangled_stream_never_leaves_a_wrong_book(
    exchange: lotusx.Exchange, sim: Simulator, mischief: str
) -> None:
    async with exchange.market.live_order_book(BTC) as book:
        getattr(sim, mischief)("btcusdt@depth*")
        for number in range(4):
            change(sim, number)
            await anyio.sleep(0.12)  # one message per hundred milliseconds
        await until(lambda: equal(book, sim))


async def test_a_snapshot_that_fails_is_asked_for_again(exchange: lotusx.Exchange, sim: Simulator) -> None:
    sim.html_502("GET", "/api/v3/depth", times=2)
    with anyio.fail_after(30):
        async with exchange.market.live_order_book(BTC) as book:
            assert equal(book, sim)


async def test_leaving_one_book_leaves_the_other_alone(exchange: lotusx.Exchange, sim: Simulator) -> None:
    async with exchange.market.live_order_book(BTC) as book:
        async with exchange.market.live_order_book(BTC) as twin:
            assert here(twin) == here(book)
        change(sim, 1)
        await until(lambda: equal(book, sim))
