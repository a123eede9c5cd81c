"""Market data through a real broker: the same events, in order."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import anyio
import pytest
from gateway_kit import BTC, DEADLINE_S, SUBJECTS, NatsServer, desk, password, until, upstream
from msgspec.structs import replace

from lotusx.errors import InvalidArgument, NotSupported, PermissionDenied
from lotusx.plugin import Secret
from lotusx_gateway.link import Link
from lotusx_gateway.login import Login
from lotusx_gateway.messages import LEASE_S, Followed, decode

pytestmark = pytest.mark.anyio


async def test_trades_arrive_as_the_exchange_printed_them(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange, exchange.stream_trades(BTC) as trades:
        assert exchange.name == "gateway:binance"
        with anyio.fail_after(DEADLINE_S):
            await until(lambda: trades.state == "acknowledged")
            here.sim.trade("BTCUSDT", "BUY", "0.25")
            here.sim.trade("BTCUSDT", "SELL", "0.125")
            first, second = await anext(trades), await anext(trades)
        assert (first.price, first.quantity, first.taker_side) == (Decimal("60010"), Decimal("0.25"), "buy")
        assert (second.price, second.quantity, second.taker_side) == (Decimal("60000"), Decimal("0.125"), "sell")


@pytest.mark.parametrize(
    ("stream", "arguments"),
    [("stream_ticker", ()), ("stream_best_bid_offer", ()), ("stream_candles", ("1m",))],
)
async def test_every_kind_of_event_arrives_as_what_it_is(
    nats: NatsServer, stream: str, arguments: tuple[str, ...]
) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange:
        opening: Any = getattr(exchange, stream)(BTC, *arguments)
        async with opening as events:
            await until(lambda: events.state in ("acknowledged", "live"))
            here.sim.trade("BTCUSDT", "BUY", "0.25")
            with anyio.fail_after(DEADLINE_S):
                event = await anext(events)
    assert str(event.symbol) == BTC
    assert event.received_ns > 0


async def test_public_reads_answer_what_the_exchange_answers(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange, upstream(here.base_url) as direct:
        here.sim.trade("BTCUSDT", "BUY", "0.25")
        books = [await each.order_book(BTC, 5) for each in (exchange, direct)]
        assert replace(books[0], received_ns=0) == replace(books[1], received_ns=0)
        assert [each.trade_id for each in await exchange.recent_trades(BTC)] == [
            each.trade_id for each in await direct.recent_trades(BTC)
        ]
        assert (await exchange.best_bid_offer(BTC)).bid_price == (await direct.best_bid_offer(BTC)).bid_price
        assert [each.symbol for each in await exchange.tickers([BTC])] == [(await direct.instrument(BTC)).symbol]
        assert [each.symbol for each in await exchange.instruments()] == [
            each.symbol for each in await direct.instruments()
        ]
        with pytest.raises(NotSupported):
            await exchange.mark_price(BTC)  # spot has none, here as there


async def test_two_consumers_share_one_subscription_that_ends_with_the_last(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as one:
        async with one.stream_trades(BTC) as trades, here.consumer() as other, other.stream_trades(BTC) as same:
            await until(lambda: (trades.state, same.state) == ("acknowledged", "acknowledged"))
            assert here.gateway.stats()["feeds"]["trades BTC/USDT"]["followers"] == 2
            here.sim.trade("BTCUSDT", "BUY", "0.25")
            with anyio.fail_after(DEADLINE_S):
                assert (await anext(trades)).trade_id == (await anext(same)).trade_id
        here.gateway._sources.sweep(time.monotonic_ns() + int(LEASE_S * 1e9))
        assert here.gateway.stats()["feeds"] == {}


async def test_a_feed_that_there_is_not_is_refused_by_its_name(nats: NatsServer) -> None:
    async with desk(nats):
        link = Link(SUBJECTS, Login(nats.url, "reader", Secret(password("reader"))), "main")
        keys = ["news BTC/USDT", "book:7 BTC/USDT", "trades no-symbol", "trades NO/SUCH"]
        found = decode(await link.ask("follow", {"client": "c", "keys": keys}), dict[str, Followed])
        kinds = [None if each.failure is None else each.failure.type for each in found.values()]
        assert kinds == ["NotSupported", "InvalidArgument", "InvalidArgument", "UnknownSymbol"]
        with pytest.raises(PermissionDenied, match="asked for 'account main' where that is not granted"):
            await link.ask("follow", {"client": "c", "keys": ["account main"]})
        with pytest.raises(NotSupported, match="does not offer candles"):
            await link.ask("candles")
        with pytest.raises(InvalidArgument, match="'symbol' is missing"):
            await link.ask("ticker")
        await link.aclose()


@pytest.mark.slow
async def test_a_quiet_market_costs_the_exchange_nothing_and_its_book_stays(nats: NatsServer) -> None:
    async with desk(nats) as here, here.consumer("reader") as exchange, exchange.live_order_book(BTC) as book:
        asked = here.sim.requests.copy()
        seen = here.gateway.stats()["feeds"]
        await anyio.sleep(12)  # a book is asked about after five seconds of silence
        assert book.state == "synced"
        assert here.gateway.stats()["feeds"] == seen
        assert len(here.sim.requests) - len(asked) <= 30  # what the gateway itself asks, once for all
