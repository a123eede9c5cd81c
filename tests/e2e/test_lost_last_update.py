"""The last change before a market goes still is lost: the book says so, and is right again, without another change."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal as D
from typing import ClassVar

import anyio
import pytest
from virtual_time import VirtualTime

import lotusx
from lotusx_sim import Backpack, BinancePerp, BinanceSpot, Simulator

pytestmark = pytest.mark.anyio
NOTICED_S = 5.0 + 0.3  # I03: a book that brings nothing is declared silent
RIGHT_S = 15.0  # subscribed anew, and found still


class _Lost(VirtualTime):
    key: ClassVar[Mapping[str, str] | None] = None
    symbol: ClassVar[str]
    market: ClassVar[str]

    async def test_a_book_that_missed_the_last_change_is_stale_in_time_and_then_right(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        async with exchange.market.live_order_book(self.symbol) as book:
            sim.trade(self.market, "buy", D("0.01"))
            await anyio.sleep(1)
            assert book.state == "synced"
            sim.gap(self.market)
            sim.trade(self.market, "buy", D("0.02"))
            lost_s = anyio.current_time()
            with anyio.fail_after(NOTICED_S):
                while book.state == "synced":  # noqa: ASYNC110 - staleness has no event
                    await anyio.sleep(0.05)
            with anyio.fail_after(lost_s + RIGHT_S - anyio.current_time()):
                await book.wait_synced()
            right = await exchange.market.order_book(self.symbol, depth=5)
            assert (book.bids(5), book.asks(5)) == (list(right.bids), list(right.asks))

    async def test_a_still_market_is_no_reason_to_ask_for_a_book_again(
        self, exchange: lotusx.Exchange, sim: Simulator
    ) -> None:
        async with exchange.market.live_order_book(self.symbol) as book:
            sim.trade(self.market, "buy", D("0.01"))
            await anyio.sleep(600)
            assert (book.state, book.resyncs, book.snapshot_requests) == ("synced", 0, 1)


class TestBinance(_Lost):
    symbol, market = "BTC/USDT", "BTCUSDT"

    @pytest.fixture
    def sim(self) -> Simulator:
        return Simulator(BinanceSpot(seed=7, actions_per_s=0))


class TestBinancePerp(_Lost):
    name, symbol, market = "binance-perp", "BTC/USDT:USDT", "BTCUSDT"

    @pytest.fixture
    def sim(self) -> Simulator:
        return Simulator(BinancePerp(seed=7, actions_per_s=0))


class TestBackpack(_Lost):
    name, symbol, market = "backpack", "BTC/USDC:USDC", "BTC_USDC_PERP"

    @pytest.fixture
    def sim(self) -> Simulator:
        return Simulator(Backpack(seed=7, actions_per_s=0))
