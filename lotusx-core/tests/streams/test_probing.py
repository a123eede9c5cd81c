"""A best bid and offer that stands still is quiet, whatever happens deeper in the book."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, cast

import pytest

from lotusx.instruments import Instruments
from lotusx.kernel.codec import ChannelKind
from lotusx.kernel.ports import MarketDataPort
from lotusx.model import Symbol
from lotusx.model.market_data import BestBidOffer, Level, OrderBook
from lotusx.probing import Probe

from .fakes import LoopClock, Server, channel, group, until, virtually

BTC = Symbol.parse("BTC/USDT")
S = 1_000_000_000


def book(bid: str, *, sequence: int, asks: bool = True) -> OrderBook:
    return OrderBook(
        BTC,
        bids=(Level(Decimal(bid), Decimal("1.50")), Level(Decimal(1), Decimal(sequence))),
        asks=(Level(Decimal("101"), Decimal(2)),) if asks else (),
        sequence=sequence,
    )


def told(bid: str, ask: str = "101.0", quantity: str = "2") -> BestBidOffer:
    return BestBidOffer(BTC, bid, "1.5", ask, quantity)


class Port:
    """Market data of which only what a probe asks for exists."""

    def __init__(self, books: Iterator[OrderBook], newest_ns: int | None = None) -> None:
        self.books = books
        self.newest_ns = newest_ns

    async def newest_trade_ns(self, instrument: Any) -> int | None:
        return self.newest_ns

    async def order_book(self, instrument: Any, depth: int) -> OrderBook:
        return next(self.books)


class Anything:
    def by_symbol(self, symbol: Symbol) -> Symbol:
        return symbol


def is_quiet(
    port: Port, last: Callable[[], BestBidOffer | None], kind: ChannelKind = ChannelKind.BEST_BID_OFFER
) -> bool:
    found: list[bool] = []

    async def main() -> None:
        probe = Probe(cast(MarketDataPort, port), cast(Instruments, Anything()), LoopClock())
        what = channel("key", kind, symbol=BTC)
        found.append(await probe(what, 5 * S, last))

    virtually(main)
    return found[0]


def test_levels_that_move_below_the_best_do_not_make_its_silence_an_alarm() -> None:
    assert is_quiet(Port(book("100", sequence=number) for number in (1, 2)), lambda: told("100.00"))


def test_a_side_where_nobody_is_equals_one_that_was_told_to_be_empty() -> None:
    assert is_quiet(Port(iter([book("100", sequence=1, asks=False)])), lambda: told("100", "0", "0"))


def test_a_best_that_is_another_than_the_last_told_is_no_quiet_market_though_it_stands_still() -> None:
    assert not is_quiet(Port(book("99", sequence=7) for _ in range(2)), lambda: told("100"))


def test_a_best_that_is_told_a_moment_later_was_under_way() -> None:
    last = iter([told("100"), told("100"), told("99")])  # asked whether there is one, then at each look
    assert is_quiet(Port(book("99", sequence=7) for _ in range(2)), lambda: next(last))


@pytest.mark.parametrize(("bids", "quiet"), [(("100", "100"), True), (("100", "99"), False), (("99", "100"), False)])
def test_after_a_print_the_best_must_be_as_told_at_two_looks(bids: tuple[str, str], *, quiet: bool) -> None:
    port = Port((book(bid, sequence=number) for number, bid in enumerate(bids)), newest_ns=6 * S)
    assert is_quiet(port, lambda: told("100")) is quiet


def test_a_print_since_then_is_no_quiet_market_where_nothing_was_told() -> None:
    assert not is_quiet(Port(iter(()), newest_ns=6 * S), lambda: None)


@pytest.mark.parametrize(("after_ns", "quiet"), [(0, True), (200_000_000, True), (300_000_000, False)])
def test_a_print_is_newer_only_by_more_than_clocks_may_differ(after_ns: int, *, quiet: bool) -> None:
    port = Port(iter(()), newest_ns=5 * S + after_ns)
    assert is_quiet(port, lambda: None, ChannelKind.TRADES) is quiet


@pytest.mark.parametrize(("sequences", "quiet"), [((7, 7), True), ((7, 8), False)])
def test_where_nothing_was_told_the_book_must_not_move(sequences: tuple[int, int], *, quiet: bool) -> None:
    assert is_quiet(Port(book("100", sequence=number) for number in sequences), lambda: None) is quiet


def test_a_subscription_keeps_the_last_best_bid_and_offer_for_whoever_asks() -> None:
    async def main() -> None:
        server = Server()
        asked: list[Any] = []

        async def probe(what: Any, since_ns: int, last: Callable[[], Any]) -> bool:
            asked.append((what.key, last()))
            return True

        async with (
            group(server, probe=probe) as ws,
            ws.subscribe(channel("b", ChannelKind.BEST_BID_OFFER)),
            ws.subscribe(channel("k", ChannelKind.BOOK)),
        ):
            await until(lambda: len(server.subscribed()) == 2)
            for key in "bk":
                server.publish(key, 4, 5)
            await until(lambda: len(asked) == 2)
            assert sorted(asked) == [("b", 5), ("k", None)]

    virtually(main)
