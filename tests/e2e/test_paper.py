"""Paper trading over every exchange, in virtual time: the simulated one is the market, and hears of no order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
import trio.testing

import lotusx
from lotusx.errors import Unavailable
from lotusx.model import InstrumentKind, OrderRequest, OrderStatus, VenueEvent
from lotusx_recorder import Recorder
from lotusx_sim import Backpack, BinancePerp, BinanceSpot, Bybit, Hyperliquid, Okx, Simulator
from lotusx_sim.shells import memory
from lotusx_sim.venue import Venue

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Place:
    """An exchange, what is traded there, and the asset that pays for it."""

    name: str
    venue: Callable[[], Venue]
    symbol: str
    pays: str = "USDT"


PLACES = (
    Place("binance", lambda: BinanceSpot(seed=7), "BTC/USDT"),
    Place("binance-perp", lambda: BinancePerp(seed=7), "BTC/USDT:USDT"),
    Place("bybit", lambda: Bybit(seed=7), "BTC/USDT"),
    Place("bybit-perp", lambda: Bybit(seed=7), "BTC/USDT:USDT"),
    Place("bybit-perp", lambda: Bybit(seed=7), "BTC/USD:BTC", "BTC"),
    Place("okx", lambda: Okx(seed=7), "BTC/USDT:USDT"),
    Place("backpack", lambda: Backpack(seed=7), "SOL/USDC:USDC", "USDC"),
    Place("hyperliquid", lambda: Hyperliquid(seed=7), "BTC/USDC:USDC", "USDC"),
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.name} {place.symbol}")
async def test_orders_are_matched_here_and_nothing_of_them_is_sent(place: Place) -> None:
    terms = {"balances": {place.pays: "1000000", "BTC": "10"}, "taker": "0.001", "maker": "0", "leverage": "5"}
    async with (
        memory.connect(Simulator(place.venue()), latency_s=0.005) as server,
        lotusx.connect(
            place.name, environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock, paper=terms,
        ) as exchange,
        exchange.stream_account() as account,
    ):  # fmt: skip
        untouched = {owner: server.sim.exchange.accounts.balances(owner) for owner in server.sim.venue.wallets_of(None)}
        instrument = await exchange.instrument(place.symbol)
        unit = "contracts" if instrument.kind is InstrumentKind.INVERSE else "base"
        quantity = (instrument.min_quantity or Decimal("0.01")) * 100
        bought = await exchange.place(OrderRequest.market(place.symbol, "buy", quantity, quantity_unit=unit))
        assert bought.status is OrderStatus.FILLED, bought.state.reason
        assert bought.filled == quantity
        best = await exchange.best_bid_offer(place.symbol)
        assert best.ask_price is not None
        rests = OrderRequest.limit(place.symbol, "sell", quantity / 2, best.ask_price, quantity_unit=unit)
        sold = await exchange.place(rests)
        with anyio.fail_after(3_600):
            assert (await sold.settled()).status is OrderStatus.FILLED  # the market trades by itself
        assert {fill.price for fill in sold.fills} == {best.ask_price}
        assert all((fill.fee == 0) == (fill.liquidity == "maker") for fill in (*bought.fills, *sold.fills))
        if instrument.kind is InstrumentKind.SPOT:
            held = {each.asset: each.total for each in await exchange.balances()}
            fees = sum((fill.fee for fill in bought.fills if fill.fee is not None), Decimal(0))
            assert held[instrument.base] == Decimal(10) + quantity / 2 - fees
        else:
            (position,) = await exchange.positions()
            assert position.quantity == quantity / 2
        assert account.counters.received > 4
        assert server.sim.orders() == []
        assert not [name for name in server.sim.requests if _is_command(*name)]
        assert untouched == {
            owner: server.sim.exchange.accounts.balances(owner) for owner in server.sim.venue.wallets_of(None)
        }


async def test_orders_on_paper_meet_a_replay(tmp_path: Path) -> None:
    recorder, shown = Recorder(to=tmp_path), set[Decimal]()
    async with memory.connect(Simulator(BinanceSpot(seed=7)), latency_s=0.005) as server:
        recorder._now_ns = server.clock.now_ns
        async with (
            lotusx.connect(
                "binance", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
                clock=server.clock, plugins=[recorder],
            ) as exchange,
            exchange.live_order_book("BTC/USDT") as book,
            exchange.stream_trades("BTC/USDT") as trades,
        ):  # fmt: skip
            for _ in range(40):
                await anext(trades)
                shown |= {level.price for level in book.asks()}
            ended_ns = server.clock.now_ns()
    assert recorder.close(30)

    terms = {"balances": {"USDT": "100000"}, "latency_s": 0.2}
    replayed = lotusx.connect("replay", options={"recording": tmp_path, "speed": None}, paper=terms)
    async with replayed as exchange, exchange.stream_account() as account:
        bought = await exchange.place(OrderRequest.market("BTC/USDT", "buy", "0.01"))
        assert bought.status is OrderStatus.FILLED
        assert {fill.price for fill in bought.fills} <= shown
        assert all(fill.exchange_ns < ended_ns for fill in bought.fills)
        with anyio.fail_after(30):
            while not isinstance(event := await anext(account), VenueEvent):
                pass
        assert (event.name, event.raw["reason"]) == (
            "paper_prints_lost", "everything that was recorded has been replayed"
        )  # fmt: skip
        with pytest.raises(Unavailable, match="everything that was recorded has been replayed"):
            await exchange.place(OrderRequest.market("BTC/USDT", "buy", "0.01"))


def _is_command(method: str, path: str) -> bool:
    """Tell whether a request in the simulator's ledger could change anything, or log in."""
    if method == "POST":
        return not path.startswith("/info")  # Hyperliquid reads by POST
    if method == "WS":
        return not any(word in path.lower() for word in ("subscribe", "ping", "list_subscriptions"))
    return method not in ("GET", "CONNECT")
