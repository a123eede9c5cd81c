"""The façade for scripts: every public call has its twin, and the twins do what they are named after."""

from __future__ import annotations

import inspect
import json
import signal
import threading
from concurrent.futures import CancelledError, Future
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import urlopen

import anyio
import pytest

import lotusx.sync
from lotusx import (
    OrderRequest,
    OrderStatus,
    account,
    book,
    book_reads,
    exchange,
    health,
    health_endpoint,
    many,
    market,
    streams,
    trading,
)
from lotusx.connection import connect as async_connect
from lotusx.errors import InvalidArgument, LotusXError
from lotusx.exchange import COMPONENTS
from lotusx.health import Health
from lotusx.many import books
from lotusx.many.connecting import connect_many as async_connect_many
from lotusx.orders import Order, handle
from lotusx.sync.calls import result_of

from .acme import BTC, install

KEYS = {"api_key": "key", "api_secret": "canary-secret"}
FEEDING = {"put", "change", "reject", "conflate", "end", "aclose", "distrust", "handle_runs", "keeps_newest"}
"""For whoever feeds a stream, or judges it, or for books; `close` is the twin of `aclose`."""
MACHINERY = {"publish", "refreshed", "report", "fail", "is_comparable", "is_behind", "watch"}  # "not for users"
PAIRS = [
    (market.MarketData, lotusx.sync.MarketData, set()),
    (trading.Trading, lotusx.sync.Trading, set()),
    (account.Account, lotusx.sync.Account, set()),
    (exchange.Exchange, lotusx.sync.Exchange, set()),
    (streams.Stream, lotusx.sync.Stream, FEEDING),
    (book.LiveOrderBook, lotusx.sync.LiveOrderBook, MACHINERY),
    (book_reads.BookReads, lotusx.sync.LiveOrderBook, set()),
    (book.BookChanges, lotusx.sync.BookChanges, set()),
    (Order, lotusx.sync.Order, set()),
    (handle.OrderEvents, lotusx.sync.OrderEvents, set()),
    (health_endpoint.HealthEndpoint, lotusx.sync.HealthEndpoint, {"keep_checking", "serve"}),
    (many.Many, lotusx.sync.Many, set()),
    (many.Merged, lotusx.sync.Merged, {"open"}),  # for `merge`
    (many.LiveConsolidatedBook, lotusx.sync.LiveConsolidatedBook, {"open"}),  # for `consolidated_book`
    (books.ConsolidatedChanges, lotusx.sync.ConsolidatedChanges, set()),
]


def public(kind: type) -> dict[str, Any]:
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


@pytest.mark.parametrize(("theirs", "ours", "left_out"), PAIRS, ids=lambda item: getattr(item, "__qualname__", ""))
def test_every_public_call_has_its_twin_with_the_same_arguments(theirs: type, ours: type, left_out: set[str]) -> None:
    for name, value in public(theirs).items():
        if name in left_out:
            continue
        twin = getattr(ours, name, None)
        assert twin is not None, f"{ours.__module__}.{ours.__name__} has no {name}"
        if inspect.isfunction(value):
            wanted, found = (inspect.signature(each).parameters.values() for each in (value, twin))
            without = [str(item).replace("AbstractAsyncContext", "AbstractContext") for item in wanted]
            assert [str(item) for item in found] == without, name


def test_every_name_of_the_one_table_is_there_by_component() -> None:
    twins = {"market": lotusx.sync.MarketData, "trading": lotusx.sync.Trading, "account": lotusx.sync.Account}
    assert [
        f"{part}.{name}" for part, names in COMPONENTS.items() for name in names if not hasattr(twins[part], name)
    ] == []


@pytest.mark.parametrize(
    ("theirs", "ours"), [(async_connect, lotusx.sync.connect), (async_connect_many, lotusx.sync.connect_many)]
)
def test_connect_takes_the_same_arguments_and_a_backend(theirs: Any, ours: Any) -> None:
    wanted = [str(item) for item in inspect.signature(theirs).parameters.values()]
    found = [str(item) for item in inspect.signature(ours).parameters.values()]
    assert found == [*wanted, "backend: 'str' = 'asyncio'"]


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    for name in ("LOTUSX_CONFIG", "LOTUSX_ACME_API_KEY", "LOTUSX_ACME_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return install(tmp_path)


def connect(**more: Any) -> lotusx.sync.Exchange:
    return lotusx.sync.connect("acme", **{"credentials": KEYS, **more})


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_public_data_is_read_by_component_and_flat(acme: SimpleNamespace, backend: str) -> None:
    with connect(backend=backend) as ex:
        assert (ex.name, ex.environment) == ("acme", "live")
        assert ex.market.server_time() == ex.server_time() == 1_770_000_000_000_000_000
        assert [item.venue_symbol for item in ex.instruments(refresh=True)] == ["BTCUSDT"]
        assert ex.market.instrument("BTC/USDT").symbol == BTC
        assert ex.market.ticker("BTC/USDT").last_price == 100
        assert len(ex.market.tickers()) == 1
        assert ex.market.order_book("BTC/USDT", 7).sequence == 1
        assert ("order_book", 7) in acme.market.asked
        assert len(ex.market.recent_trades(BTC, limit=3)) == 1
        assert len(ex.market.candles(BTC, "1m", limit=2)) == 2
        assert [bar.open_ns for bar in ex.market.iter_candles(BTC, "1m", start=0)] == [0, 1, 2, 3, 4]
        assert [trade.trade_id for trade in ex.market.iter_trades(BTC)] == ["7"]
        assert ex.market.mark_price(BTC).mark_price == 7
        assert ex.market.funding_rate(BTC).rate == Decimal("0.0001")
        assert len(list(ex.market.iter_funding_rates(BTC))) == 5
        assert ex.market.open_interest(BTC).quantity == 12
        assert ex.capabilities
        assert ex.stats()["instruments"] == 1
        assert ex.health_check()["connectivity"].result is Health.OK


def test_history_that_is_left_half_way_is_closed(acme: SimpleNamespace) -> None:
    with connect() as ex:
        bars = ex.market.iter_candles(BTC, "1m", start=0)
        assert next(bars).open_ns == 0
        bars.close()  # type: ignore[attr-defined]
        assert list(bars) == []


def test_an_order_lives_from_place_to_cancel(acme: SimpleNamespace) -> None:
    with connect() as ex:
        ex.trading.ready()
        order = ex.trading.place(OrderRequest.limit("BTC/USDT", "buy", "0.1", "100.01"))
        assert isinstance(order, lotusx.sync.Order)
        assert order.client_order_id in repr(order)
        assert order.venue_order_id == f"v-{order.client_order_id}"
        assert (order.status, order.filled, order.fills) == (OrderStatus.OPEN, 0, ())
        assert order.instrument.symbol == BTC
        assert order.fetch_fills() == ()
        order.poll_s = 0.01
        assert order.poll_s == 0.01
        with pytest.raises(TimeoutError):
            order.settled(timeout_s=0.01)
        events = order.events()
        assert next(events).state.status is OrderStatus.OPEN  # type: ignore[union-attr]
        with pytest.raises(TimeoutError):
            events.next(timeout_s=0.01)
        events.close()
        found = ex.trading.order(BTC, client_order_id=order.client_order_id)
        assert found.status is OrderStatus.OPEN
        assert len(ex.trading.open_orders()) == 1
        amended = ex.trading.amend(BTC, client_order_id=order.client_order_id, price="100.02")
        assert amended.state.price == Decimal("100.02")
        assert ex.trading.cancel(BTC, client_order_id=order.client_order_id).status is OrderStatus.CANCELED
        assert order.settled().status is OrderStatus.CANCELED
        assert [event.state.status for event in order.events()] == [OrderStatus.CANCELED]  # type: ignore[union-attr]
        assert len(list(ex.trading.iter_orders(BTC))) == 1
        assert [fill.trade_id for fill in ex.trading.iter_fills(BTC)] == ["t1"]
        ex.trading.test(OrderRequest.market(BTC, "sell", "0.1"))
        assert len(ex.trading.cancel_all(BTC)) == 1


def test_holdings_are_read(acme: SimpleNamespace) -> None:
    with connect() as ex:
        assert len(ex.account.balances()) == 1
        assert ex.account.fees(BTC).maker is not None
        assert ex.account.permissions().read


def test_errors_are_those_of_the_awaited_calls(acme: SimpleNamespace) -> None:
    with connect() as ex:
        with pytest.raises(InvalidArgument, match="not an interval"):
            ex.market.candles(BTC, "7m")
        with pytest.raises(AttributeError, match="no attribute 'tickr'"):
            ex.tickr  # type: ignore[attr-defined]  # noqa: B018
        native: Any = ex.native
        assert dir(native)


def test_several_connections_are_open_at_once_and_used_from_several_threads(acme: SimpleNamespace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with connect() as one, connect() as two, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda ex: ex.ticker("BTC/USDT").last_price, [one, two] * 10))
    assert found == [100] * 20


def test_a_connection_may_be_opened_and_closed_by_hand(acme: SimpleNamespace) -> None:
    ex = connect().open()
    assert ex.ticker("BTC/USDT").last_price == 100
    assert "acme" in repr(ex)
    ex.close()
    ex.close()
    with pytest.raises(LotusXError, match="enter the connection first"):
        ex.market.ticker("BTC/USDT")


@pytest.mark.parametrize("name", ["market", "ticker"])
def test_nothing_is_asked_of_a_connection_that_is_not_open(acme: SimpleNamespace, name: str) -> None:
    with pytest.raises(LotusXError, match=r"with lotusx\.sync\.connect"):
        getattr(connect(), name)


def test_an_interruption_cancels_what_is_waited_for(acme: SimpleNamespace) -> None:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    reached, cancelled = threading.Event(), threading.Event()

    async def slow(*_: Any) -> Any:
        reached.set()
        try:
            await anyio.sleep(60)
        except BaseException:
            cancelled.set()
            raise

    def interrupt() -> None:
        assert reached.wait(30)
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.get_ident()
    acme.market.ticker = slow
    with connect() as ex:
        helper = threading.Thread(target=interrupt)
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            ex.market.ticker("BTC/USDT")
        helper.join()
        assert cancelled.wait(30)
        assert ex.market.server_time()


@pytest.mark.parametrize("name", ["check_all", "serve_health"])
def test_health_of_several_takes_the_same_arguments(name: str) -> None:
    theirs = getattr(health, name, None) or getattr(health_endpoint, name)
    wanted, found = (inspect.signature(each).parameters for each in (theirs, getattr(lotusx.sync, name)))
    assert list(found) == list(wanted)
    assert [each.default for each in found.values()] == [each.default for each in wanted.values()]


def test_several_connections_are_checked_at_once_whatever_they_run_in(acme: SimpleNamespace) -> None:
    with connect() as one, connect(backend="trio") as other:
        reports = lotusx.sync.check_all([one, other], timeout_s=30)
    assert [report["connectivity"].result for report in reports] == [Health.OK, Health.OK]
    (closed,) = lotusx.sync.check_all([one])
    assert not closed.healthy
    assert "enter the connection first" in closed["connectivity"].detail


def test_a_connection_that_does_not_answer_in_time_has_failed_and_is_not_waited_for(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    async def hang(_: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    monkeypatch.setattr(exchange.Exchange, "health_check", hang)
    with connect() as ex:
        (report,) = lotusx.sync.check_all([ex], timeout_s=0.01)
    assert report["connectivity"].detail == "no answer in 0.01 s"
    assert ended == [True]


def test_supervisors_are_answered_from_a_thread(acme: SimpleNamespace) -> None:
    with connect() as ex, lotusx.sync.serve_health([ex]) as endpoint:
        endpoint.check()
        assert (endpoint.ready, endpoint.reports[0].exchange) == (endpoint.reports[0].healthy, "acme")
        with urlopen(f"http://127.0.0.1:{endpoint.port}/live", timeout=30) as answer:
            assert json.load(answer) == {"live": True}


def wait_from(begins: threading.Event, future: Future[None]) -> None:
    begins.set()
    result_of(future)


def test_an_interruption_in_the_moment_in_which_a_wait_begins_is_not_lost() -> None:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    main = threading.get_ident()
    for pause in range(60):  # a wait that is not cut into slices misses one in fifteen
        future, begins = Future[None](), threading.Event()
        giving_up = threading.Timer(10, future.set_result, (None,))

        def press(pause: int = pause, begins: threading.Event = begins) -> None:
            begins.wait()
            for _ in range(pause):
                pass
            signal.pthread_kill(main, signal.SIGINT)

        helper = threading.Thread(target=press)
        giving_up.start()
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            wait_from(begins, future)
        giving_up.cancel()
        helper.join()


def test_a_wait_passes_on_what_it_waits_for() -> None:
    late, failed, timed_out, cancelled = Future[int](), Future[int](), Future[int](), Future[int]()
    threading.Timer(0.6, late.set_result, (7,)).start()
    failed.set_exception(InvalidArgument("no"))
    timed_out.set_exception(TimeoutError("its own"))
    cancelled.cancel()
    assert result_of(late) == 7
    with pytest.raises(InvalidArgument):
        result_of(failed)
    with pytest.raises(TimeoutError, match="its own"):
        result_of(timed_out)
    with pytest.raises(CancelledError):
        result_of(cancelled)
