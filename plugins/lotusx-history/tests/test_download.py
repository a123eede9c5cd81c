"""A simulated exchange's history in files: whole, exact, resumed, and its gaps named."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pyarrow.parquet as pq
import pytest
import trio.testing

import lotusx
from lotusx.errors import InvalidArgument, LotusXError, NotSupported, UnknownSymbol
from lotusx.model import Candle, FundingRate, Interval, Symbol
from lotusx_history import Downloader, Kind, Progress, Query
from lotusx_history.completeness import look
from lotusx_history.store import Store
from lotusx_history.tables import to_table
from lotusx_sim import BinancePerp, BinanceSpot, Simulator
from lotusx_sim.shells import memory

BTC = "BTC/USDT"
S = 1_000_000_000
H = 3_600 * S
NOW = 1_769_997_600 * S  # the last full hour before the simulator's epoch
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
async def server() -> AsyncIterator[memory.MemoryServer]:
    async with memory.connect(Simulator(BinanceSpot(seed=7, actions_per_s=2)), latency_s=0.005) as running:
        yield running


@pytest.fixture
async def exchange(server: memory.MemoryServer) -> AsyncIterator[lotusx.Exchange]:
    async with lotusx.connect(
        "binance", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws, clock=server.clock
    ) as opened:
        yield opened


def files(root: Path, pattern: str = "*.parquet") -> list[Path]:
    return sorted(path for path in root.rglob(pattern) if path.is_file())


def candles(hours: int, *, end: int = NOW, piece: int = 12) -> Query:
    return Query(Kind.CANDLES, BTC, end - hours * H, end, "1h", piece * H)


async def test_candles_are_whole_and_exact_and_one_query_away(exchange: lotusx.Exchange, tmp_path: Path) -> None:
    seen: list[Progress] = []
    query = candles(30)
    (report,) = await Downloader(exchange, tmp_path, on_progress=seen.append).fetch([query])

    assert (report.rows, report.missing, report.gaps, report.failed) == (30, (), (), ())
    assert report.is_complete
    assert seen[-1] == Progress(len(seen), len(seen), 30)
    told = [item async for item in exchange.market.iter_candles(BTC, "1h", start=query.start_ns, end=query.end_ns)]
    read = (
        duckdb.connect()
        .execute(
            f"SELECT epoch_ns(open_time), open, base_volume, symbol, data "
            f"FROM read_parquet('{tmp_path}/**/*.parquet', hive_partitioning = true) ORDER BY open_time"
        )
        .fetchall()
    )
    assert [(row[0], row[1], row[2]) for row in read] == [(item.open_ns, item.open, item.base_volume) for item in told]
    assert {(row[3], row[4]) for row in read} == {("BTC/USDT", "candles-1h")}


async def test_what_is_there_is_not_asked_for_again(
    server: memory.MemoryServer, exchange: lotusx.Exchange, tmp_path: Path
) -> None:
    downloader = Downloader(exchange, tmp_path)
    await downloader.fetch([candles(14, end=NOW - 14 * H)])
    before = server.sim.requests["GET", "/api/v3/klines"]
    await downloader.fetch([candles(14, end=NOW - 14 * H)])
    assert server.sim.requests["GET", "/api/v3/klines"] == before

    (report,) = await downloader.fetch([candles(40)])  # more, on both sides of it
    assert (report.rows, report.is_complete) == (40, True)
    names = [path.name for path in files(tmp_path)]
    assert len(names) == len(set(names))


async def test_an_interrupted_download_leaves_whole_files_and_goes_on(
    server: memory.MemoryServer, exchange: lotusx.Exchange, tmp_path: Path
) -> None:
    query, downloader = candles(40), Downloader(exchange, tmp_path, at_once=1)
    server.sim.delay("GET", "/api/v3/klines", 1.0, times=None)
    with anyio.move_on_after(3.5):
        await downloader.fetch([query])
    kept = downloader.look(query)
    assert 0 < kept.rows < 40
    assert kept.missing
    assert not files(tmp_path, "*.part")
    assert sum(pq.read_metadata(path).num_rows for path in files(tmp_path)) == kept.rows

    (report,) = await downloader.fetch([query])
    assert (report.rows, report.is_complete) == (40, True)


async def test_pieces_are_fetched_side_by_side(
    server: memory.MemoryServer, exchange: lotusx.Exchange, tmp_path: Path
) -> None:
    await exchange.market.instruments()
    server.sim.delay("GET", "/api/v3/klines", 2.0, times=None)
    took = []
    for at_once in (1, 4):
        began = server.clock.monotonic_ns()
        query = candles(32, end=NOW - NOW % (8 * H), piece=8)  # four whole pieces
        (report,) = await Downloader(exchange, tmp_path / str(at_once), at_once=at_once).fetch([query])
        assert report.rows == 32
        took.append((server.clock.monotonic_ns() - began) / S)
    assert took[0] >= 8
    assert took[1] < 4


async def test_what_a_killed_process_leaves_is_not_taken_for_a_piece(exchange: lotusx.Exchange, tmp_path: Path) -> None:
    query, downloader = candles(12), Downloader(exchange, tmp_path)
    (report,) = await downloader.fetch([query])
    for path in files(tmp_path):
        path.with_name(f".{path.name}.part").write_bytes(path.read_bytes()[:100])
        path.unlink()
    assert downloader.look(query).rows == 0
    assert (await downloader.fetch([query])) == [report]
    assert files(tmp_path, "*.part") == []


async def test_a_folder_that_is_being_written_to_is_read_as_one_table(
    exchange: lotusx.Exchange, tmp_path: Path
) -> None:
    query, found = candles(12), []
    await Downloader(exchange, tmp_path).fetch([query])

    async def bars() -> AsyncIterator[Any]:
        yield bar(0)
        found.append(len(files(tmp_path, "*.part")))  # what a kill would leave there for ever
        found.append(pq.read_table(tmp_path, columns=["open_time"]).num_rows)

    await Store(tmp_path, "binance", "simulator", query).write((0, H), bars(), H)
    assert found == [1, 12]


async def test_queries_of_one_series_that_overlap_bring_no_row_twice(exchange: lotusx.Exchange, tmp_path: Path) -> None:
    queries = [candles(20, end=NOW - 4 * H), candles(20), candles(20)]
    reports = await Downloader(exchange, tmp_path).fetch(queries)

    assert [report.rows for report in reports] == [20, 20, 20]
    assert sum(pq.read_metadata(path).num_rows for path in files(tmp_path)) == 24


class Late:
    """A clock that is some seconds behind another one."""

    def __init__(self, clock: Any, behind_s: int) -> None:
        self._clock = clock
        self.behind_s = behind_s
        self.monotonic_ns, self.sleep = clock.monotonic_ns, clock.sleep

    def now_ns(self) -> int:
        return int(self._clock.now_ns()) - self.behind_s * S


async def test_a_bar_that_is_taken_for_a_running_one_is_fetched_later(
    server: memory.MemoryServer, tmp_path: Path
) -> None:
    clock = Late(server.clock, 10)
    async with lotusx.connect(
        "binance", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws, clock=clock
    ) as exchange:
        await server.clock.sleep((NOW + H + 5 * S - server.clock.now_ns()) / S)  # for us the hour is not over
        query = candles(5, end=NOW + H)
        downloader = Downloader(exchange, tmp_path)
        (report,) = await downloader.fetch([query])
        assert (report.rows, report.missing, report.gaps) == (4, ((NOW, NOW + H),), ())
        (again,) = await downloader.fetch([query])
        assert again == report

        clock.behind_s = 0
        (report,) = await downloader.fetch([query])
        assert (report.rows, report.is_complete) == (5, True)


async def test_a_venue_that_is_down_leaves_the_rest_named(
    server: memory.MemoryServer, exchange: lotusx.Exchange, tmp_path: Path
) -> None:
    query, downloader = candles(36), Downloader(exchange, tmp_path, at_once=1)
    await exchange.market.instruments()
    fault = server.sim.lose_request("GET", "/api/v3/klines", times=None)
    (report,) = await downloader.fetch([query])
    assert report.rows == 0
    assert report.missing == ((query.start_ns, query.end_ns),)
    assert len(report.failed) >= 3
    assert not report.is_complete
    fault.clear()
    (report,) = await downloader.fetch([query])
    assert report.is_complete


async def test_prints_come_page_after_page_and_once(exchange: lotusx.Exchange, tmp_path: Path) -> None:
    await anyio.sleep(600)
    query = Query(Kind.TRADES, BTC, NOW, NOW + 2 * H, piece_ns=600 * S)
    (report,) = await Downloader(exchange, tmp_path).fetch([query])

    told = [item async for item in exchange.market.iter_trades(BTC, start=NOW, end=report.query.end_ns)]
    read = (
        duckdb.connect()
        .execute(
            f"SELECT trade_id, price, quantity, taker_side "
            f"FROM read_parquet('{tmp_path}/**/*.parquet') ORDER BY trade_id::BIGINT"
        )
        .fetchall()
    )
    assert len(told) > 100
    assert read == [(item.trade_id, item.price, item.quantity, item.taker_side.value) for item in told]
    assert report.rows == len(told)
    part = replace(query, start_ns=NOW + 2_500 * S, end_ns=NOW + 2_700 * S)  # in the middle of files
    found = Downloader(exchange, tmp_path).look(part).rows
    assert found == len([item for item in told if part.start_ns <= item.exchange_ns < part.end_ns]) > 0
    assert report.query.end_ns < query.end_ns  # the rest has not been yet
    assert report.checked.startswith("nothing: prints have no rhythm")


async def test_funding_rates_say_whether_they_could_be_checked(tmp_path: Path) -> None:
    async with (
        memory.connect(Simulator(BinancePerp(seed=7, actions_per_s=0)), latency_s=0.005) as server,
        lotusx.connect(
            "binance-perp", environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock,
        ) as exchange,
    ):  # fmt: skip
        await anyio.sleep(30 * 3_600)
        query = Query(Kind.FUNDING, "BTC/USDT:USDT", NOW, NOW + 48 * H)
        (report,) = await Downloader(exchange, tmp_path).fetch([query])
    assert report.rows >= 3
    assert report.missing == ()
    assert report.checked == "nothing: the exchange states no interval with its rates"
    (file,) = files(tmp_path)
    assert "symbol=BTC%2FUSDT%3AUSDT" in str(file)


async def test_a_defect_of_the_query_is_raised_and_nothing_is_left(exchange: lotusx.Exchange, tmp_path: Path) -> None:
    downloader = Downloader(exchange, tmp_path)
    with pytest.raises(UnknownSymbol):
        await downloader.fetch([replace(candles(5), symbol="NO/SUCH")])
    with pytest.raises(NotSupported):
        await downloader.fetch([Query(Kind.FUNDING, BTC, NOW - H, NOW)])
    assert files(tmp_path, "*") == []
    with pytest.raises(InvalidArgument, match="at_once"):
        Downloader(exchange, tmp_path, at_once=0)


async def test_what_the_listener_raises_is_raised_as_it_is(exchange: lotusx.Exchange, tmp_path: Path) -> None:
    def listener(progress: Progress) -> None:
        raise ValueError("no terminal")

    with pytest.raises(ValueError, match="no terminal"):
        await Downloader(exchange, tmp_path, on_progress=listener).fetch([candles(30)])


async def test_what_has_not_been_yet_is_not_fetched(exchange: lotusx.Exchange, tmp_path: Path) -> None:
    (report,) = await Downloader(exchange, tmp_path).fetch([candles(3, end=NOW + 48 * H)])
    assert (report.rows, report.failed) == (0, ())
    assert report.missing == ((report.query.start_ns, report.query.end_ns),)


# -- what is stated of a file, without an exchange ----------------------------------------------------------------


def bar(hour: int) -> Candle:
    number = Decimal("1.5")
    opened = hour * H
    return Candle(
        Symbol.parse(BTC), Interval.H1, opened, opened + H, number, number, number, number, number, None, None
    )


async def kept(tmp_path: Path, query: Query, *pieces: tuple[tuple[int, int], list[Any]]) -> Store:
    store = Store(tmp_path, "example", "live", query)
    for stretch, items in pieces:

        async def each(items: list[Any] = items) -> AsyncIterator[Any]:
            for item in items:
                yield item

        await store.write(stretch, each(), stretch[1])
    return store


async def test_bars_that_the_exchange_does_not_have_are_gaps(tmp_path: Path) -> None:
    query = Query(Kind.CANDLES, BTC, 0, 20 * H, "1h")
    store = await kept(
        tmp_path, query, ((0, 10 * H), [bar(2), bar(3), bar(6), bar(7), bar(8)]), ((12 * H, 20 * H), [bar(12), bar(13)])
    )
    report = look(query, store)

    assert report.rows == 7
    assert report.missing == ((10 * H, 12 * H),)
    assert report.gaps == ((0, 2 * H), (4 * H, 6 * H), (9 * H, 10 * H), (14 * H, 20 * H))
    assert look(replace(query, start_ns=2 * H, end_ns=4 * H), store).is_complete
    empty = await kept(tmp_path, replace(query, symbol="ETH/USDT"), ((0, 20 * H), []))
    assert look(replace(query, symbol="ETH/USDT"), empty).gaps == ((0, 20 * H),)
    months = replace(query, interval="1M")
    assert look(months, await kept(tmp_path, months, ((0, 20 * H), []))).checked.startswith("nothing: calendar months")


async def test_rates_are_expected_in_their_interval(tmp_path: Path) -> None:
    query = Query(Kind.FUNDING, "BTC/USDT:USDT", 0, 32 * H)
    rates = [
        FundingRate(Symbol.parse(query.symbol), Decimal("0.0001"), hour * H + 5 * S, 8 * 3_600) for hour in (0, 8, 24)
    ]
    report = look(query, await kept(tmp_path, query, ((0, 32 * H), rates)))
    assert report.gaps == ((16 * H + 5 * S, 24 * H + 5 * S),)


async def test_rates_are_expected_from_the_start_to_the_end(tmp_path: Path) -> None:
    query = Query(Kind.FUNDING, "BTC/USDT:USDT", 0, 48 * H)
    rates = [FundingRate(Symbol.parse(query.symbol), Decimal("0.0001"), hour * H, 8 * 3_600) for hour in (16, 24)]
    report = look(query, await kept(tmp_path, query, ((0, 40 * H), rates)))
    assert report.missing == ((40 * H, 48 * H),)
    assert report.gaps == ((0, 16 * H), (32 * H, 40 * H))

    none = replace(query, symbol="ETH/USDT:USDT")
    assert look(none, await kept(tmp_path, none, ((0, 48 * H), []))).checked.startswith("nothing: there is no rate")


async def test_a_bar_that_ends_after_the_query_is_expected_too(tmp_path: Path) -> None:
    query = Query(Kind.CANDLES, BTC, 0, 3 * H + H // 2, "1h")
    report = look(query, await kept(tmp_path, query, ((0, query.end_ns), [bar(0), bar(1), bar(2)])))
    assert report.gaps == ((3 * H, query.end_ns),)


async def test_a_full_disk_is_named_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = Query(Kind.CANDLES, BTC, 0, 2 * H, "1h")

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lotusx_history.store.os.fsync", full)
    with pytest.raises(LotusXError, match="parquet cannot be written: No space left on device"):
        await kept(tmp_path, query, ((0, 2 * H), [bar(0)]))
    assert files(tmp_path, "*") == []


def test_a_number_that_does_not_fit_is_refused_and_never_rounded() -> None:
    finer = bar(0)
    finer = Candle(
        finer.symbol, finer.interval, 0, H, Decimal("1e-19"), finer.high, finer.low, finer.close, finer.base_volume
    )
    with pytest.raises(InvalidArgument, match="18 decimals"):
        to_table(Kind.CANDLES, [finer], {})
