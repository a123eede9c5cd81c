"""Whether a bar is over, and which is the last, is told by the exchange, however wrong our clock is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import trio.testing

import lotusx
from lotusx_sim import Backpack, BinancePerp, BinanceSpot, Bybit, Hyperliquid, Okx, Simulator
from lotusx_sim.dialects import backpack, binance, bybit, hyperliquid
from lotusx_sim.shells import memory

pytestmark = pytest.mark.anyio
MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS
_BINANCE = {"api_key": binance.DEFAULT_KEY.key, "api_secret": binance.DEFAULT_KEY.verifier}
PLACES: list[tuple[str, Callable[[], Any], Mapping[str, str], str]] = [
    ("binance", lambda: BinanceSpot(seed=7, actions_per_s=0), _BINANCE, "BTC/USDT"),
    ("binance-perp", lambda: BinancePerp(seed=7, actions_per_s=0), _BINANCE, "BTC/USDT:USDT"),
    (
        "bybit",
        lambda: Bybit(seed=7, actions_per_s=0),
        {"api_key": bybit.DEFAULT_KEY.key, "api_secret": bybit.DEFAULT_KEY.verifier},
        "BTC/USDT",
    ),
    (
        "backpack",
        lambda: Backpack(seed=7, actions_per_s=0),
        {"api_key": backpack.DEFAULT_API_KEY, "api_secret": backpack.DEFAULT_SECRET},
        "SOL/USDC",
    ),
    (
        "hyperliquid",
        lambda: Hyperliquid(seed=7, actions_per_s=0),
        {"private_key": hyperliquid.DEFAULT_PRIVATE_KEY},
        "BTC/USDC:USDC",
    ),
]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.mark.parametrize("wrong_s", [-3_000.0, 3_000.0], ids=["late", "early"])
@pytest.mark.parametrize(("name", "venue", "key", "symbol"), PLACES, ids=[place[0] for place in PLACES])
async def test_a_bar_is_over_when_the_exchanges_clock_says_so(
    name: str, venue: Callable[[], Any], key: Mapping[str, str], symbol: str, wrong_s: float
) -> None:
    async with (
        memory.connect(Simulator(venue()), latency_s=0.005) as server,
        lotusx.connect(
            name, environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock.skewed(wrong_s), credentials=key,
        ) as exchange,
    ):  # fmt: skip
        await exchange.health_check()
        now_ns = await exchange.market.server_time()
        hour = now_ns // HOUR_NS * HOUR_NS
        bars = await exchange.market.candles(symbol, "1h", start=hour - 4 * HOUR_NS, end=hour + HOUR_NS)

        assert len(bars) >= 2
        assert [(bar.open_ns, bar.closed) for bar in bars] == [(bar.open_ns, bar.open_ns < hour) for bar in bars]


@pytest.mark.parametrize("wrong_s", [-1_500.0, 1_500.0], ids=["late", "early"])
async def test_no_bar_is_missed_though_nobody_has_measured_the_clock(wrong_s: float) -> None:
    async with (
        memory.connect(Simulator(Okx(seed=7, actions_per_s=0)), latency_s=0.005) as server,
        lotusx.connect(
            "okx", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock.skewed(wrong_s),
        ) as exchange,
    ):  # fmt: skip
        end = await exchange.market.server_time() // MINUTE_NS * MINUTE_NS
        wanted = range(end - 310 * MINUTE_NS, end, MINUTE_NS)
        found = exchange.market.iter_candles("BTC/USDT", "1m", start=wanted[0], end=end)
        assert [bar.open_ns async for bar in found] == list(wanted)
