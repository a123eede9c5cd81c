"""Several connections as one, without ``await``, over an exchange that answers from memory."""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

import lotusx.sync
from lotusx.errors import ConnectorFailed, InvalidArgument, LotusXError, SourceFailed
from lotusx.many import LegState, SourceEnded

from .acme import install
from .test_connect_many import KEYED, KEYS, break_down, broken_journal

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    for name in ("LOTUSX_CONFIG", "LOTUSX_ACME_API_KEY", "LOTUSX_ACME_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return install(tmp_path)


def trades(many: lotusx.sync.Many) -> dict[str, Any]:
    return {name: exchange.market.stream_trades("BTC/USDT") for name, exchange in many.alive.items()}


def enter(context: AbstractContextManager[object]) -> None:
    with context:
        raise AssertionError("never begins")


def interrupt(work: Callable[[], object], reached: Callable[[], bool]) -> None:
    """Do *work*, which is to end by Ctrl-C, pressed as soon as *reached* says so."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    main, done = threading.get_ident(), threading.Event()

    def press() -> None:
        while not reached():
            if done.wait(0.001):
                return
        signal.pthread_kill(main, signal.SIGINT)

    helper = threading.Thread(target=press)
    helper.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        done.set()
        helper.join()


@BACKENDS
def test_each_is_given_as_a_name_as_arguments_or_prepared(acme: SimpleNamespace, backend: str) -> None:
    prepared = lotusx.sync.connect("acme", credentials=KEYS)
    many = lotusx.sync.connect_many({"a": "acme", "b": KEYED, "c": prepared}, backend=backend)
    with pytest.raises(LotusXError, match=r"with lotusx\.sync\.connect_many"):
        many["a"]
    with many:
        assert (many.names, list(many.alive), dict(many.failed), many.failures) == (
            ("a", "b", "c"), ["a", "b", "c"], {}, "fatal",
        )  # fmt: skip
        assert many["a"] is many["a"] is many.alive["a"]
        assert many["c"] is prepared
        assert prepared.ticker("BTC/USDT").last_price == many["a"].market.ticker("BTC/USDT").last_price == 100
        assert [bar.open_ns for bar in many["b"].iter_candles("BTC/USDT", "1m", start=0)] == [0, 1, 2, 3, 4]
        (found,) = many.match(base="BTC")
        assert list(found.listed) == ["a", "b", "c"]
        portfolio = many.portfolio(timeout_s=30)
        assert (portfolio.asset("BTC").total, portfolio.asset("BTC").missing) == (Decimal(1), ("a",))
        assert "3 open, 0 failed" in repr(many)
        with pytest.raises(InvalidArgument, match="no connection is called 'd'"):
            many["d"]
    assert "0 open" in repr(many)
    with pytest.raises(LotusXError, match=r"with lotusx\.sync\.connect_many"):
        prepared.ticker("BTC/USDT")
    with pytest.raises(LotusXError, match="used before"):
        many.open()


def test_they_may_be_opened_and_closed_by_hand_but_together_only(acme: SimpleNamespace) -> None:
    many = lotusx.sync.connect_many({"a": "acme"}).open()
    with pytest.raises(LotusXError, match=r"together with others, by lotusx\.sync\.connect_many"):
        many["a"].close()
    with pytest.raises(LotusXError, match=r"together with others, by lotusx\.sync\.connect_many"), many["a"]:
        pass
    assert many["a"].server_time()
    many.close()
    many.close()
    with pytest.raises(LotusXError, match="enter the connections first"):
        many.portfolio()


def test_one_that_cannot_be_opened_is_fatal_or_kept_with_its_error(acme: SimpleNamespace, tmp_path: Path) -> None:
    places: dict[str, Any] = {"a": "acme", "b": broken_journal(tmp_path)}
    with pytest.raises(ConnectorFailed, match="'b' cannot be used"), lotusx.sync.connect_many(places):
        raise AssertionError("never begins")
    with lotusx.sync.connect_many(places, failures="isolated") as many:
        assert (list(many.alive), list(many.failed)) == (["a"], ["b"])
        with pytest.raises(ConnectorFailed, match="damaged"):
            many["b"]
        (tmp_path / "orders.db").unlink()
        exchange = many.reopen("b")
        assert many["b"] is exchange
        assert exchange.ticker("BTC/USDT").last_price == 100


@BACKENDS
def test_what_waits_ends_when_one_breaks_and_the_block_says_which(acme: SimpleNamespace, backend: str) -> None:
    seen: list[Any] = []

    def live() -> None:
        with (
            lotusx.sync.connect_many({"a": "acme", "b": "acme"}, backend=backend) as many,
            many.merge(trades(many)) as merged,
        ):
            with pytest.raises(TimeoutError):
                merged.next(timeout_s=0.01)
            many._runner.read(break_down, many["b"]._twin)
            seen.extend(merged)

    with pytest.raises(ConnectorFailed, match="'b' cannot be used: a bug"):
        live()
    assert sorted(seen) == [("a", SourceEnded(None)), ("b", SourceEnded(None))]


def test_one_that_breaks_is_told_in_its_place_where_failures_are_isolated(acme: SimpleNamespace) -> None:
    with (
        lotusx.sync.connect_many({"a": "acme", "b": "acme"}, failures="isolated") as many,
        many.merge(trades(many)) as merged,
    ):
        many._runner.read(break_down, many["b"]._twin)
        assert next(merged) == ("b", SourceEnded(None))
        assert (list(merged.ended), list(merged.counters), merged.total.received) == (["b"], ["a", "b"], 0)
        assert list(merged.states) == ["a", "b"]
        assert "2 sources, 1 ended" in repr(merged)
        assert many["a"].server_time()


def test_only_streams_of_these_connections_are_merged(acme: SimpleNamespace) -> None:
    with (
        lotusx.sync.connect_many({"a": "acme"}) as many,
        lotusx.sync.connect("acme") as stranger,
    ):
        other: Any
        for other in (stranger.stream_trades("BTC/USDT"), [1]):
            with pytest.raises(InvalidArgument, match="'x' is not a stream of these connections"):
                many.merge({"x": other})
        with many.merge({"x": many["a"].stream_trades("NO/SUCH")}, failures="isolated") as merged:
            assert "does not list" in next(merged)[1].reason  # type: ignore[union-attr]
        with (
            pytest.raises(SourceFailed, match="does not list"),
            many.merge({"x": many["a"].stream_trades("NO/SUCH")}),
        ):
            pass


def test_a_consolidated_book_names_the_legs_that_have_failed(acme: SimpleNamespace) -> None:
    with (
        lotusx.sync.connect_many({"a": KEYED}, failures="isolated") as many,
        many.consolidated_book({"a": "BTC/USDT"}) as book,  # this exchange has no live order book, and says so
    ):
        with pytest.raises(SourceFailed):
            book.wait_used()
        (leg,) = book.read().legs
        assert leg.state is LegState.FAILED
        assert "a: failed" in repr(book)
        changes = book.changes()
        assert changes.next(timeout_s=30).legs == (leg,)
        with pytest.raises(TimeoutError):
            changes.next(timeout_s=0.01)
    with (
        lotusx.sync.connect_many({"a": KEYED}) as many,
        pytest.raises(InvalidArgument, match="at least one market"),
        many.consolidated_book({}),
    ):
        pass


@BACKENDS
def test_an_interruption_ends_a_wait_and_the_streams_live_on(acme: SimpleNamespace, backend: str) -> None:
    with (
        lotusx.sync.connect_many({"a": "acme", "b": "acme"}, backend=backend) as many,
        many.merge(trades(many)) as merged,
    ):
        interrupt(lambda: next(merged), lambda: merged._twin._waiter is not None)
        with pytest.raises(TimeoutError):  # its place as the one reader is free again
            merged.next(timeout_s=0.01)
        assert many["a"].server_time()


@BACKENDS
def test_an_interruption_ends_the_opening_and_closes_all(acme: SimpleNamespace, backend: str) -> None:
    waiting, ended = [], []

    async def never() -> Any:
        waiting.append(True)
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    acme.market.instruments = never
    many = lotusx.sync.connect_many({"a": "acme", "b": "acme"}, backend=backend)
    interrupt(lambda: enter(many), lambda: len(waiting) == 2)
    assert ended == [True, True]
    assert all("closed" in repr(exchange) for exchange in many._twin._exchanges.values())


@BACKENDS
def test_an_interruption_while_streams_are_opened_leaves_nothing_behind(acme: SimpleNamespace, backend: str) -> None:
    waiting, ended = threading.Event(), threading.Event()

    @asynccontextmanager
    async def never() -> AsyncIterator[Any]:
        waiting.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()
        yield

    with lotusx.sync.connect_many({"a": "acme"}, backend=backend) as many:
        stream: Any = many._runner.entered(never(), lambda found, runner: found)
        interrupt(lambda: enter(many.merge({"x": stream})), waiting.is_set)
        assert many["a"].server_time()
        assert ended.is_set()
