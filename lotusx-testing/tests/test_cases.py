"""Conformance cases fail on an exchange object that is wrong, and what is declared cannot go unproven."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

import lotusx
from lotusx.model import OrderStatus
from lotusx.plugin import Capability, Support
from lotusx_binance.facts import FACTS
from lotusx_sim import BinanceSpot
from lotusx_testing import Arena, Case, Conformance, Dialect, Subject, cases
from lotusx_testing.arena import DIALECTS, Simulated
from lotusx_testing.cases import all_cases, cases_for, without_case

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Lie:
    """Stands in front of an object and answers some names itself."""

    def __init__(self, truth: Any, **lies: Any) -> None:
        self._truth, self._lies = truth, lies

    def __getattr__(self, name: str) -> Any:
        return self._lies[name] if name in self._lies else getattr(self._truth, name)


def _lying(arena: Arena, component: str, **lies: Any) -> Arena:
    exchange: Any = Lie(arena.exchange, **{component: Lie(getattr(arena.exchange, component), **lies)})
    return Arena(exchange, arena.sim, arena.symbol, arena.connect)


def _case(name: str) -> Case:
    return next(item for item in all_cases() if item.name == name)


async def _seconds(arena: Arena) -> Arena:
    async def server_time() -> int:
        return arena.sim.now_ns() // 10**9

    return _lying(arena, "market", server_time=server_time)


async def _worst_first(arena: Arena) -> Arena:
    async def order_book(symbol: str, depth: int) -> Any:
        book = await arena.exchange.market.order_book(symbol, depth)
        return lotusx.model.OrderBook(book.symbol, book.bids[::-1], book.asks)

    return _lying(arena, "market", order_book=order_book)


async def _exclusive_end_missed(arena: Arena) -> Arena:
    async def candles(*arguments: Any, **more: Any) -> Any:
        page = await arena.exchange.market.candles(*arguments, **more)
        return [lotusx.model.Candle(bar.symbol, bar.interval, bar.open_ns, bar.close_ns - 1, bar.open, bar.high,
                                    bar.low, bar.close, bar.base_volume) for bar in page]  # fmt: skip

    return _lying(arena, "market", candles=candles)


async def _cancel_forgotten(arena: Arena) -> Arena:
    async def cancel(symbol: str, *, client_order_id: str) -> Any:
        state = await arena.exchange.trading.order(symbol, client_order_id=client_order_id)
        return replace(state, status=OrderStatus.CANCELED)

    return _lying(arena, "trading", cancel=cancel)


async def _sends_again(arena: Arena) -> Arena:
    async def place(request: Any) -> Any:
        order = await arena.exchange.trading.place(request)
        kept = arena.sim.order(request.client_order_id)
        await arena.exchange.trading.place(request.with_id("again"))
        arena.sim.order("again").client_id = kept.client_id
        return order

    return _lying(arena, "trading", place=place)


async def _finds_anything(arena: Arena) -> Arena:
    async def order(symbol: str, *, client_order_id: str | None = None, venue_order_id: str | None = None) -> Any:
        known = arena.sim.open_order_ids()[0]
        return await arena.exchange.trading.order(symbol, client_order_id=known)

    return _lying(arena, "trading", order=order)


async def _basis_points(arena: Arena) -> Arena:
    async def fees(symbol: str) -> Any:
        return lotusx.model.Fees(lotusx.Symbol.parse(symbol), Decimal(10), Decimal(10))

    return _lying(arena, "account", fees=fees)


class Twice:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._held: Any = None

    def __aiter__(self) -> Twice:
        return self

    async def __anext__(self) -> Any:
        again, self._held = self._held, None
        if again is None:
            again = self._held = await anext(self._stream)
        return again


async def _repeats(arena: Arena) -> Arena:
    @asynccontextmanager
    async def stream_trades(symbol: str) -> AsyncIterator[Any]:
        async with arena.exchange.market.stream_trades(symbol) as stream:
            yield Twice(stream)

    return _lying(arena, "market", stream_trades=stream_trades)


@pytest.mark.parametrize(
    ("name", "broken", "what"),
    [
        ("server_time_is_nanoseconds_of_the_exchange", _seconds, "not nanoseconds"),
        ("order_book_is_best_first_and_not_longer_than_asked", _worst_first, "not best first"),
        ("candles_have_no_gap_and_no_repetition", _exclusive_end_missed, "exclusive"),
        ("cancelled_order_is_gone_at_the_exchange", _cancel_forgotten, "still open"),
        ("order_whose_reply_is_lost_ends_in_its_true_state", _sends_again, "another number of orders"),
        ("query_by_either_id_finds_the_same_order", _finds_anything, "does not exist"),
        ("fees_are_fractions", _basis_points, "not fractions"),
        ("trades_arrive_in_order_each_once", _repeats, "came twice"),
    ],
)
async def test_case_catches_a_broken_exchange(name: str, broken: Any, what: str, simulated: Simulated) -> None:
    case = _case(name)
    async with simulated("binance", actions_per_s=0 if case.quiet else 40) as arena:
        with pytest.raises(AssertionError, match=what):
            await case.run(await broken(arena))


def test_cases_are_those_of_the_declared_capabilities() -> None:
    facts = replace(FACTS, capabilities={Capability.TICKER: Support.full(), Capability.FEES: Support.not_offered()})

    assert {item.capability for item in cases_for(facts)} == {Capability.TICKER}
    assert without_case(facts) == []


def test_a_capability_is_proven_with_the_symbols_that_the_subject_names_for_it() -> None:
    offered = dict.fromkeys((Capability.TICKER, Capability.SERVER_TIME), Support.full())
    subject = Subject(replace(FACTS, capabilities=offered), symbols={Capability.TICKER: ["BTC/USDT", "ETH/USDT"]})

    chosen = subject.chosen_cases()

    of_ticker = [item for item in chosen if item.capability is Capability.TICKER]
    assert [item.symbol for item in of_ticker] == ["", "ETH/USDT"] * (len(of_ticker) // 2)
    assert str(of_ticker[1]) == f"{of_ticker[0]} ETH/USDT"
    assert all(not item.symbol for item in chosen if item.capability is Capability.SERVER_TIME)
    with pytest.raises(ValueError, match="ticker"):
        replace(subject, symbols={Capability.TICKER: []}).chosen_cases()


def test_declared_capability_without_case_fails_until_the_plugin_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = [item for item in all_cases() if item.capability is not Capability.DEPOSITS]
    monkeypatch.setattr(cases, "CASES", rest)
    facts = replace(FACTS, capabilities={Capability.DEPOSITS: Support.full()})
    unproven = Conformance()
    unproven.subject = Subject(facts)
    with pytest.raises(AssertionError, match="no conformance case proves it: deposits"):
        unproven.test_declared_capability_has_a_case()

    async def deposits(arena: Arena) -> None: ...

    proven = Conformance()
    proven.subject = Subject(facts, cases=[Case("deposits", Capability.DEPOSITS, deposits)])
    proven.test_declared_capability_has_a_case()


def test_subject_without_evidence_fails() -> None:
    empty = Conformance()
    empty.subject = Subject(FACTS)

    with pytest.raises(AssertionError, match="no payloads, no new_values, no requests, no vectors"):
        empty.test_evidence_is_given()


async def test_failing_case_fails_its_test(simulated: Simulated) -> None:
    async def wrong(arena: Arena) -> None:
        raise AssertionError(f"wrong on {arena.exchange.name}")

    suite = Conformance()
    suite.subject = Subject(FACTS)
    with pytest.raises(AssertionError, match="wrong on binance"):
        await suite.test_case(Case("wrong", Capability.TICKER, wrong, quiet=True), simulated)


async def test_venue_the_kit_does_not_know_needs_a_dialect(simulated: Simulated) -> None:
    with pytest.raises(LookupError, match="no simulation of 'mine'"):
        async with simulated("mine"):
            pass
    own = Dialect(lambda **more: BinanceSpot(seed=3, **more), DIALECTS["binance"]().credentials)
    async with simulated("binance", dialect=own, actions_per_s=0) as arena, arena.connect(read_only=True) as other:
        assert (await other.market.ticker(arena.symbol)).last_price
