"""The same tasks on a cluster of processes of its own: one that dies costs nothing but time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.from_thread
import pyarrow.dataset
import pytest

from lotusx_history import Kind, Query, Report, fetch
from lotusx_sim import BinanceSpot, Server, Simulator, serve

HOUR = 3_600 * 1_000_000_000
SYMBOLS = ("BTC/USDT", "ETH/USDT")


def fetch_or_die(query: Query, exchange: str, root: str, marker: str, **settings: Any) -> Report:
    """Fetch; the first worker to try is killed in the middle of it."""
    mark = Path(marker)
    if not mark.exists():
        mark.touch()
        (Path(root) / "half.parquet.part").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return fetch(query, exchange, root, **settings)


@pytest.fixture
def server() -> Iterator[Server]:
    sim = Simulator(BinanceSpot(seed=7, actions_per_s=0))
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(sim)) as running,
    ):
        yield running


def work(server: Server, folder: Path) -> tuple[list[Query], dict[str, str]]:
    """Return the queries, and the other arguments of `fetch_or_die`."""
    end = server.sim.now_ns() // HOUR * HOUR
    return [Query(Kind.CANDLES, symbol, end - 10 * HOUR, end, "1h", 5 * HOUR) for symbol in SYMBOLS], {
        "exchange": "binance", "root": str(folder), "marker": str(folder / "killed"), "environment": "simulator",
        "base_url": server.base_url, "budgets": str(folder / "limits.db"),
    }  # fmt: skip


def check(reports: list[Report], folder: Path) -> None:
    assert (folder / "killed").exists()
    assert [(report.query.symbol, report.rows, report.is_complete) for report in reports] == [
        (symbol, 10, True) for symbol in SYMBOLS
    ]
    assert pyarrow.dataset.dataset(sorted(folder.glob("exchange=*/**/[!.]*.parquet"))).count_rows() == 20


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Dask's own, of its sockets and of a worker that was killed
def test_a_cluster_fetches_every_series_though_a_worker_is_killed(server: Server, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    queries, more = work(server, tmp_path)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        reports = client.gather(client.map(fetch_or_die, queries, **more))

    check(reports, tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, of its sockets and processes
def test_ray_fetches_every_series_though_a_worker_is_killed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="ray is not installed")
    queries, more = work(server, tmp_path)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    with TemporaryDirectory() as short:  # a socket's path must be
        workers_import = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}
        ray.init(
            address="local", num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", _temp_dir=short,
            object_store_memory=100 << 20, runtime_env=workers_import, log_to_driver=False,
        )  # fmt: skip
        try:
            task = ray.remote(fetch_or_die)
            reports = ray.get([task.remote(query, **more) for query in queries])
        finally:
            ray.shutdown()

    check(reports, tmp_path)
