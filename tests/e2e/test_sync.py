"""Without ``await``: streams, books and accounts of a simulated Binance on real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from time import monotonic, sleep
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from e2e_kit import BTC, KEY, limit_buy

import lotusx.sync
from lotusx import OrderStatus, Trade
from lotusx.errors import InvalidArgument
from lotusx.model import FillEvent, OrderEvent
from lotusx.streams import StreamState
from lotusx_sim import BinanceSpot, Server, Simulator, serve


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as running:
        yield running


@pytest.fixture
def venue(portal: BlockingPortal) -> Iterator[Server]:
    with portal.wrap_async_context_manager(serve(Simulator(BinanceSpot(seed=7, actions_per_s=0)))) as server:
        yield server


@pytest.fixture(params=["asyncio", "trio"])
def ex(venue: Server, request: pytest.FixtureRequest) -> Iterator[lotusx.sync.Exchange]:
    with lotusx.sync.connect(
        "binance", environment="simulator", base_url=venue.base_url, credentials=KEY, backend=request.param
    ) as opened:
        yield opened


def wait_up(stream: lotusx.sync.Stream[Any], within_s: float = 60.0) -> None:
    """Wait until the exchange has acknowledged the subscription."""
    late = monotonic() + within_s
    while stream.state not in (StreamState.ACKNOWLEDGED, StreamState.LIVE):
        assert monotonic() < late
        sleep(0.002)


def sell(portal: BlockingPortal, venue: Server, quantity: str, price: str | None = None) -> None:
    portal.call(lambda: venue.sim.trade("BTCUSDT", "sell", quantity, price=price))


def test_a_stream_is_read_by_a_for_loop(ex: lotusx.sync.Exchange, venue: Server, portal: BlockingPortal) -> None:
    with ex.market.stream_trades(BTC, buffer=100) as trades:
        with pytest.raises(TimeoutError):
            trades.next(timeout_s=0.01)
        wait_up(trades)
        for _ in range(3):
            sell(portal, venue, "0.01")
        seen = []
        for trade in trades:
            seen.append(trade.quantity)
            if len(seen) == 3:
                break
        assert seen == [Decimal("0.01")] * 3
        assert trades.counters.delivered == 3
        assert trades.state is StreamState.LIVE
        assert "trade" in trades.name
        assert (trades.error, trades.handled, trades.holding) == (None, False, False)
        assert trades.overflow == "drop_oldest"
        assert trades.name in repr(trades)
        trades.renew()
        statuses = trades.with_status()
        assert next(statuses) is not None
        trades.close()
        assert list(trades) == []


def test_a_callback_takes_events_in_the_connections_thread(
    ex: lotusx.sync.Exchange, venue: Server, portal: BlockingPortal
) -> None:
    from threading import Event

    came = Event()
    with ex.market.stream_trades(BTC) as trades:
        wait_up(trades)
        handling = trades.handle(lambda trade: came.set())
        sell(portal, venue, "0.01")
        assert came.wait(30)
        trades.close()
        handling.wait()


def test_a_book_is_read_and_followed(ex: lotusx.sync.Exchange, venue: Server, portal: BlockingPortal) -> None:
    with ex.market.live_order_book(BTC, depth=100) as book:
        book.wait_synced()
        bid, ask = book.best_bid, book.best_ask
        assert bid is not None
        assert ask is not None
        assert book.spread == ask.price - bid.price
        assert book.mid == (ask.price + bid.price) / 2
        assert book.bids(2)[0] == bid
        assert book.asks(1) == [ask]
        assert book.vwap("buy", "0.001") == ask.price
        assert book.depth_to("sell", "10").quantity > 0
        assert (book.state, book.stale_reason, book.resyncs, book.refreshes) == ("synced", "", 0, 0)
        assert book.age is not None
        assert book.last_update_id
        assert book.snapshot_requests == 1
        assert book.counters is not None
        assert (book.bid_horizon is None or book.bid_horizon <= bid.price, book.ask_horizon != 0) == (True, True)
        assert str(book.instrument.symbol) in repr(book)
        book.allow_stale = True
        assert book.allow_stale
        changes = book.changes()
        first = next(changes)
        assert first.best_bid == bid
        sell(portal, venue, str(bid.quantity))
        assert changes.next(timeout_s=30).best_bid != bid
    assert list(changes) == []


def test_an_order_and_its_events_come_over_the_account_stream(
    ex: lotusx.sync.Exchange, venue: Server, portal: BlockingPortal
) -> None:
    with ex.account.stream_account() as events:
        order = ex.trading.place(limit_buy("sync-1", price="68000", quantity="0.01"))
        sell(portal, venue, "100", price="68000")
        assert order.settled(timeout_s=30).status is OrderStatus.FILLED
        assert sum(fill.quantity for fill in order.fetch_fills(timeout_s=30)) == Decimal("0.01")
        kinds = set()
        for event in events:
            kinds.add(type(event))
            if {OrderEvent, FillEvent} <= kinds:
                break


def test_native_endpoints_wait_too(ex: lotusx.sync.Exchange) -> None:
    assert Decimal(ex.native.average_price("BTCUSDT").price) > 0
    assert "serverTime" in ex.native.call("GET", "/api/v3/time")


def test_an_error_in_the_block_leaves_it_as_it_is(venue: Server) -> None:
    with (
        pytest.raises(InvalidArgument, match="mine"),
        lotusx.sync.connect("binance", environment="simulator", base_url=venue.base_url) as ex,
        ex.market.stream_trades(BTC),
    ):
        raise InvalidArgument("mine")


def test_several_connections_are_read_as_one(venue: Server, portal: BlockingPortal) -> None:
    place = {"name": "binance", "environment": "simulator", "base_url": venue.base_url}
    with lotusx.sync.connect_many({"one": place, "two": place}) as many:
        with many.merge({name: each.market.stream_trades(BTC) for name, each in many.alive.items()}) as merged:
            late = monotonic() + 60
            while StreamState.REQUESTED in merged.states.values():
                assert monotonic() < late
                sleep(0.002)
            sell(portal, venue, "0.01")
            seen = [merged.next(timeout_s=30), merged.next(timeout_s=30)]
            assert sorted(name for name, _ in seen) == ["one", "two"]
            assert {event.quantity for _, event in seen if isinstance(event, Trade)} == {Decimal("0.01")}
            sell(portal, venue, "0.02")
            left = {"one", "two"}
            for name, item in merged.with_status():
                left -= {name} if isinstance(item, Trade) else set()
                if not left:
                    break
        with many.consolidated_book(dict.fromkeys(many.names, BTC), fees={"one": "0.001", "two": "0.0005"}) as book:
            found = book.wait_used()
            assert found.best_ask is not None
            assert (found.best_ask.leg, found.left_out) == ("two", ())
            sell(portal, venue, "0.01")
            changes = book.changes(depth=5)
            assert changes.next(timeout_s=30).legs
        assert list(changes) == []
