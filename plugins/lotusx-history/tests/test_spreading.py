"""The same tasks on a cluster of processes of its own: one that dies costs nothing but time."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pytest

from lotusx_history import Kind, Query, Report, fetch
from lotusx_sim import BinanceSpot, Simulator, serve

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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Dask's own, of its sockets and of a worker that was killed
def test_a_cluster_fetches_every_series_though_a_worker_is_killed(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    sim = Simulator(BinanceSpot(seed=7, actions_per_s=0))
    end = sim.now_ns() // HOUR * HOUR
    queries = [Query(Kind.CANDLES, symbol, end - 10 * HOUR, end, "1h", 5 * HOUR) for symbol in SYMBOLS]
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(sim)) as server,
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        settings = {
            "environment": "simulator", "base_url": server.base_url, "budgets": str(tmp_path / "limits.db"),
        }  # fmt: skip
        futures = client.map(
            fetch_or_die, queries, exchange="binance", root=str(tmp_path), marker=str(tmp_path / "killed"), **settings
        )
        reports = client.gather(futures)

    assert (tmp_path / "killed").exists()
    assert [(report.query.symbol, report.rows, report.is_complete) for report in reports] == [
        (symbol, 10, True) for symbol in SYMBOLS
    ]
