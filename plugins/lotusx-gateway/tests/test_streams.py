"""Market data through a real broker: the same events, in order."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest
from gateway_kit import BTC, DEADLINE_S, NatsServer, desk, until

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
