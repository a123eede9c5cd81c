"""Several exchanges together: one merged stream, one book, one portfolio, while some of them are down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal as D
from random import Random
from typing import Any

import anyio
import pytest
import trio.testing
from e2e_bybit import KEY as BYBIT_KEY
from e2e_kit import KEY, until

import lotusx
from lotusx.errors import ConnectorFailed, SlowConsumer, SourceFailed
from lotusx.many import ConsolidatedBook, LegState, Many, Merged, ReadState, SourceEnded
from lotusx.streams import Overflow, StatusChange, StreamState
from lotusx_sim import BinancePerp, BinanceSpot, Bybit, LoopClock, Okx, Simulator, serve
from lotusx_sim.shells import memory

pytestmark = pytest.mark.anyio

BTC = "BTC/USDT"
UP = (StreamState.ACKNOWLEDGED, StreamState.LIVE, StreamState.RECOVERED)
VENUES: dict[str, tuple[Callable[[], Any], str]] = {
    "binance": (lambda: BinanceSpot(seed=7, actions_per_s=0), "BTCUSDT"),
    "bybit": (lambda: Bybit(seed=7, actions_per_s=0, pace=0.1), "spot:BTCUSDT"),
    "okx": (lambda: Okx(seed=7, actions_per_s=0, pace=0.1), "BTC-USDT"),
}


class Places:
    """Simulated exchanges in process, on one virtual clock.

    Attributes:
        sims: By exchange.
        connections: How to connect to each, as `lotusx.connect_many` takes it.
    """

    def __init__(self) -> None:
        self.sims: dict[str, Simulator] = {}
        self.connections: dict[str, Mapping[str, Any]] = {}

    @asynccontextmanager
    async def run(self, **venues: Any) -> AsyncIterator[Places]:
        clock = LoopClock()
        async with AsyncExitStack() as stack:
            for name, venue in venues.items():
                exchange = name.replace("_", "-")
                server = await stack.enter_async_context(memory.connect(venue, clock=clock, latency_s=0.005))
                self.sims[exchange] = server.sim
                self.connections[exchange] = {
                    "name": exchange, "environment": "simulator", "base_url": server.base_url, "http": server.http,
                    "ws": server.ws, "clock": clock,
                }  # fmt: skip
            yield self

    def trade(self, name: str) -> None:
        self.sims[name].trade(VENUES[name][1], "buy", "0.01")

    def show(self, name: str, bid: str, ask: str) -> None:
        self.sims[name].set_book(VENUES[name][1], bids=[(bid, "1")], asks=[(ask, "2")])

    def down(self, name: str) -> None:
        self.sims[name].refuse_connections()
        self.sims[name].cut_connections("rst")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
async def places(anyio_backend: object) -> AsyncIterator[Places]:
    del anyio_backend
    async with Places().run(**{name: make() for name, (make, _) in VENUES.items()}) as running:
        yield running


def trades(many: Many, **more: Any) -> dict[str, Any]:
    return {name: exchange.market.stream_trades(BTC, **more) for name, exchange in many.alive.items()}


async def all_up(merged: Merged[str, Any]) -> None:
    await until(lambda: all(state is not StreamState.REQUESTED for state in merged.states.values()))


async def take(source: AsyncIterator[Any], wanted: Callable[[Any], object], within_s: float = 120.0) -> Any:
    """Return the first item that is *wanted*."""
    with anyio.fail_after(within_s):
        async for item in source:
            if wanted(item):
                return item
    raise AssertionError("it ended")


async def test_trades_of_three_exchanges_are_one_typed_stream(places: Places) -> None:
    async with lotusx.connect_many(places.connections) as many, many.merge(trades(many)) as merged:
        await all_up(merged)
        for name in VENUES:
            places.trade(name)
        with anyio.fail_after(30):
            got = [await anext(merged) for _ in VENUES]
        assert {name for name, _ in got} == set(VENUES)
        assert all(isinstance(trade, lotusx.Trade) and trade.quantity == D("0.01") for _, trade in got)
        total = merged.total
        assert total.received == total.delivered + total.waiting


async def test_a_venue_that_is_down_at_the_start_is_fatal_by_default_and_named(places: Places) -> None:
    places.down("bybit")
    with pytest.raises(ConnectorFailed, match="'bybit' cannot be used: .*refused") as caught:  # noqa: RUF043
        async with lotusx.connect_many(places.connections):
            raise AssertionError("never begins")
    assert caught.value.retryable


async def test_a_venue_that_is_down_at_the_start_is_isolated_and_can_be_opened_later(places: Places) -> None:
    places.down("bybit")
    async with lotusx.connect_many(places.connections, failures="isolated") as many:
        assert (list(many.alive), list(many.failed)) == (["binance", "okx"], ["bybit"])
        async with many.consolidated_book(dict.fromkeys(VENUES, BTC)) as book:
            found = await book.wait_used(2)
            assert [(leg.name, leg.state) for leg in found.left_out] == [("bybit", LegState.FAILED)]
            assert {level.leg for level in (*found.bids, *found.asks)} <= {"binance", "okx"}
        places.sims["bybit"].refuse_connections(False)
        await many.reopen("bybit")
        async with many.consolidated_book(dict.fromkeys(VENUES, BTC)) as book:
            assert (await book.wait_used()).left_out == ()


async def test_a_venue_that_does_not_answer_keeps_the_others_waiting_no_longer_than_it_may(places: Places) -> None:
    places.sims["bybit"].black_hole()
    begun_s = anyio.current_time()
    async with lotusx.connect_many(places.connections, failures="isolated", open_timeout_s=20) as many:
        assert anyio.current_time() - begun_s < 21
        assert "within 20 s" in many.failed["bybit"].reason
        assert list(many.alive) == ["binance", "okx"]


async def test_a_venue_that_goes_down_midway_is_told_in_its_place_and_the_others_go_on(places: Places) -> None:
    async with lotusx.connect_many(places.connections) as many, many.merge(trades(many)) as merged:
        await all_up(merged)
        items = merged.with_status()
        places.down("bybit")
        lost = await take(items, lambda item: item[0] == "bybit" and getattr(item[1], "state", "") == StreamState.LOST)
        assert isinstance(lost[1], StatusChange)
        for name in ("binance", "okx"):
            places.trade(name)
            await take(items, lambda item, name=name: item[0] == name and isinstance(item[1], lotusx.Trade))  # type: ignore[misc]
        places.sims["bybit"].refuse_connections(False)
        await take(items, lambda item: item[0] == "bybit" and getattr(item[1], "state", "") in UP)
        places.trade("bybit")
        await take(items, lambda item: item[0] == "bybit" and isinstance(item[1], lotusx.Trade))
        assert list(many.alive) == list(VENUES)  # an exchange that is away for a while is no failure


async def test_who_reads_too_slowly_loses_one_stream_and_is_told(places: Places) -> None:
    async with lotusx.connect_many(places.connections, failures="isolated") as many:
        careful = many["binance"].market.stream_trades(BTC, buffer=3, overflow=Overflow.FAIL)
        lossy = many["okx"].market.stream_trades(BTC, buffer=3)
        async with many.merge({"careful": careful, "lossy": lossy}) as merged:
            await all_up(merged)
            for _ in range(10):
                places.trade("binance")
                places.trade("okx")
            await until(lambda: merged.states["careful"] is StreamState.CLOSED)
            await until(lambda: merged.counters["lossy"].dropped)
            name, ended = await take(merged, lambda item: isinstance(item[1], SourceEnded))
            assert name == "careful"
            assert isinstance(ended.error.__cause__, SlowConsumer)
            total = merged.total
            assert total.received == total.delivered + total.conflated + total.dropped + total.rejected + total.waiting
            places.trade("okx")
            await take(merged, lambda item: item[0] == "lossy")
        with pytest.raises(SourceFailed, match="careful: "):
            await _fall_behind(many, places)


async def _fall_behind(many: Many, places: Places) -> None:
    careful = many["binance"].market.stream_trades(BTC, buffer=3, overflow=Overflow.FAIL)
    async with many.merge({"careful": careful}, failures="fatal") as merged:
        await all_up(merged)
        for _ in range(10):
            places.trade("binance")
        await until(lambda: merged.states["careful"] is StreamState.CLOSED)
        async for _ in merged:
            pass


async def test_the_best_price_of_three_exchanges_with_the_fees_the_accounts_pay(places: Places) -> None:
    places.show("binance", "100.00", "102.00")
    places.show("bybit", "100.05", "102.50")
    places.show("okx", "99.0", "101.9")
    markets = dict.fromkeys(VENUES, BTC)
    fees = {"binance": "0.0001", "bybit": "0.001", "okx": "0.002"}
    async with lotusx.connect_many(places.connections) as many:
        async with many.consolidated_book(markets) as book:
            found = await book.wait_used()
            assert _best(found) == [("bybit", D("100.05")), ("okx", D("101.9"))]
        async with many.consolidated_book(markets, fees=fees) as book:
            found = await book.wait_used()
            assert _best(found) == [("binance", D("99.99")), ("binance", D("102.0102"))]
            assert all(leg.age_s is not None and leg.age_s < 5 for leg in found.legs)
            changes = book.changes()
            places.show("okx", "104.0", "105.0")
            crossed = await take(changes, lambda found: found.is_crossed)
            assert _best(crossed) == [("okx", D("103.792")), ("binance", D("102.0102"))]
            assert crossed.spread == D("-1.7818")
    keyed = {"binance": {**places.connections["binance"], "credentials": KEY}}
    async with (
        lotusx.connect_many(keyed) as many,
        many.consolidated_book({"binance": BTC}, ask_fees=True) as book,
    ):
        asked = (await book.wait_used()).legs[0].taker_fee
        assert asked == (await many["binance"].account.fees(BTC)).taker


async def test_a_leg_that_loses_its_connection_is_never_used_and_comes_back(places: Places) -> None:
    places.show("binance", "100.00", "102.00")
    places.show("bybit", "99.00", "103.00")
    places.show("okx", "98.0", "104.0")
    async with (
        lotusx.connect_many(places.connections) as many,
        many.consolidated_book(dict.fromkeys(VENUES, BTC)) as book,
    ):
        assert _best(await book.wait_used()) == [("binance", D(100)), ("binance", D(102))]
        changes = book.changes()
        places.down("binance")
        found = await take(changes, lambda found: found.left_out)
        assert _best(found) == [("bybit", D(99)), ("bybit", D(103))]
        assert [(leg.name, leg.state) for leg in found.left_out] == [("binance", LegState.STALE)]
        assert "lost" in found.left_out[0].reason
        places.sims["binance"].refuse_connections(False)
        found = await take(changes, lambda found: not found.left_out)
        assert _best(found) == [("binance", D(100)), ("binance", D(102))]


async def test_after_whatever_happened_the_best_prices_are_the_best_of_what_the_exchanges_have(places: Places) -> None:
    random, checked = Random(3), 0
    async with (
        lotusx.connect_many(places.connections) as many,
        many.consolidated_book(dict.fromkeys(VENUES, BTC)) as book,
    ):
        changes = book.changes()
        await take(changes, lambda found: not found.left_out)
        for _ in range(12):
            name = random.choice(list(VENUES))
            match random.choice(("trade", "show", "gap", "cut")):
                case "trade":
                    places.trade(name)
                case "show":
                    middle = random.randint(60_000, 61_000)
                    places.show(name, f"{middle}", f"{middle + random.randint(1, 90)}")
                case "gap":
                    places.sims[name].gap(VENUES[name][1])
                    places.trade(name)
                    places.trade(name)
                case _:
                    places.sims[name].cut_connections("rst")
            await anyio.sleep(25)
            found = book.read()
            used = [leg.name for leg in found.legs if leg.state is LegState.USED]
            assert all(leg.reason for leg in found.left_out)
            theirs = {each: await many[each].market.order_book(BTC, 5) for each in used}
            assert found.best_bid is not None
            assert found.best_ask is not None
            assert found.best_bid.price == max(each.bids[0].price for each in theirs.values())
            assert found.best_ask.price == min(each.asks[0].price for each in theirs.values())
            assert found.best_bid.quantity == theirs[found.best_bid.leg].bids[0].quantity
            assert found.best_ask.quantity == theirs[found.best_ask.leg].asks[0].quantity
            checked += len(used)
        await take(changes, lambda found: not found.left_out)
    assert checked > 24


def _best(book: ConsolidatedBook) -> list[tuple[str, D]]:
    assert book.best_bid is not None
    assert book.best_ask is not None
    return [(level.leg, level.effective_price) for level in (book.best_bid, book.best_ask)]


async def test_what_three_exchanges_list_is_matched_by_what_it_is(places: Places) -> None:
    async with lotusx.connect_many(places.connections) as many:
        found = await many.match(base="BTC", kind="spot", at_least=3)
        assert [(str(each.product), list(each.listed)) for each in found] == [("BTC/USDT spot", list(VENUES))]


async def test_a_portfolio_of_spot_and_perpetual_accounts_says_whose_is_what_and_what_is_unknown() -> None:
    async with Places().run(
        binance=BinanceSpot(seed=7, actions_per_s=0), binance_perp=BinancePerp(seed=7, actions_per_s=0),
        bybit=Bybit(seed=7, actions_per_s=0),
    ) as places:  # fmt: skip
        keys = {"binance": KEY, "binance-perp": KEY, "bybit": BYBIT_KEY}
        keyed = {name: {**how, "credentials": keys[name]} for name, how in places.connections.items()}
        async with lotusx.connect_many(keyed) as many:
            await many["binance-perp"].place(lotusx.OrderRequest.market("BTC/USDT:USDT", "buy", "0.01"))
            whole = await many.portfolio()
            assert whole.is_complete
            assert [(name, str(item.symbol), item.quantity) for name, item in whole.positions] == [
                ("binance-perp", "BTC/USDT:USDT", D("0.01"))
            ]
            assert whole.accounts["binance"].positions.state is ReadState.NOT_OFFERED
            usdt = whole.asset("USDT")
            assert usdt.is_complete
            parts = [item.total for _, item in whole.balances if item.asset == "USDT"]
            assert usdt.total == sum(parts)
            places.down("bybit")
            part = await many.portfolio(timeout_s=120)
            assert list(part.unread) == ["bybit"]
            assert part.accounts["bybit"].balances.items is None
            assert part.asset("USDT").missing == ("bybit",)


async def test_a_wallet_that_serves_spot_and_perpetuals_counts_once() -> None:
    async with Places().run(bybit=Bybit(seed=7, actions_per_s=0)) as places:
        keyed = {**places.connections["bybit"], "credentials": BYBIT_KEY}
        async with lotusx.connect_many({"spot": keyed, "perp": {**keyed, "name": "bybit-perp"}}) as many:
            portfolio = await many.portfolio()
            (held,) = {item.total for _, item in portfolio.balances if item.asset == "USDT"}
            assert portfolio.asset("USDT").total == held
            assert portfolio.accounts["perp"].same_as == "spot"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_cancelling_closes_every_socket_of_every_exchange() -> None:
    async with serve(BinanceSpot(seed=7, actions_per_s=0)) as one, serve(Bybit(seed=7, actions_per_s=0)) as other:
        places = {
            name: {"name": name, "environment": "simulator", "base_url": server.base_url}
            for name, server in (("binance", one), ("bybit", other))
        }

        def open_sockets() -> list[int]:
            return [len(server.sim.ws_connections) for server in (one, other)]

        with anyio.CancelScope() as scope:
            async with lotusx.connect_many(places) as many, many.merge(trades(many)) as merged:
                await all_up(merged)
                assert open_sockets() == [1, 1]
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        await until(lambda: open_sockets() == [0, 0])
