"""The examples that need more than LotusX: pyarrow, matplotlib, a Jupyter kernel (tox -e docs)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest

from .conftest import EXAMPLES, WITHIN_S, example

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=30).execute()
nbformat.write(notebook, sys.argv[2])
"""


def needed(*modules: str) -> list[Any]:
    """Import what an example needs; without it the test is not run, unless this is the environment that has it."""
    if "LOTUSX_EXAMPLES_REQUIRED" in os.environ:
        return [import_module(name) for name in modules]
    return [pytest.importorskip(name, reason=f"{name} is not installed: tox -e docs has it") for name in modules]


async def run(main: Callable[..., None], *args: object) -> None:
    with anyio.fail_after(WITHIN_S):
        await anyio.to_thread.run_sync(main, *args)


async def test_candles_are_kept_exactly_and_a_second_run_goes_on_where_the_file_ends(
    stage: Callable[..., Any], tmp_path: Path
) -> None:
    parquet_module, _ = needed("pyarrow.parquet", "matplotlib")
    program = example("candles_to_parquet")
    parquet, picture = tmp_path / "btc.parquet", tmp_path / "btc.png"
    async with stage("binance") as on:
        await run(program.main, "BTC/USDT", "1h", 1, parquet, picture)
        first = parquet_module.read_table(parquet)
        await run(program.main, "BTC/USDT", "1h", 1, parquet, picture)
        said = on.printed.getvalue()

    assert len(first) in (23, 24)  # the running candle is left out, and a new hour may begin
    assert f"{len(first)} candles ({len(first)} new)" in said
    times = first["time"].to_pylist()
    assert times == sorted(set(times))
    assert all(time.minute == 0 and time < datetime.now(UTC) for time in times)
    assert all(isinstance(value, Decimal) for name in ("open", "volume") for value in first[name].to_pylist())
    assert parquet_module.read_table(parquet)["time"].to_pylist()[: len(first)] == times
    assert picture.read_bytes().startswith(b"\x89PNG")


async def test_an_empty_answer_makes_an_empty_table(stage: Callable[..., Any]) -> None:
    needed("pyarrow.parquet", "matplotlib")
    program = example("candles_to_parquet")
    moment = datetime(2001, 1, 1, tzinfo=UTC)
    async with stage("binance"):
        table = await anyio.to_thread.run_sync(program.download, "BTC/USDT", "1h", moment, moment.replace(hour=1))
    assert len(table) == 0
    assert table.schema == program.SCHEMA


async def test_the_paper_bot_trades_for_half_an_hour_and_draws_it_the_same_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needed("matplotlib")
    program = example("paper_trading")
    said = []
    for _ in range(2):
        await anyio.to_thread.run_sync(program.main, 5, 7, tmp_path / "paper.png")
        said.append(capsys.readouterr().out)

    assert said[0] == said[1]
    assert " fills, " in said[0]
    assert "fees: 0.0000" in said[0]
    assert (tmp_path / "paper.png").read_bytes().startswith(b"\x89PNG")


async def test_every_cell_of_the_notebook_runs(stage: Callable[..., Any], tmp_path: Path) -> None:
    nbformat, *_ = needed("nbformat", "nbclient", "ipykernel", "matplotlib")
    notebook, done = EXAMPLES / "notebook.ipynb", tmp_path / "done.ipynb"
    async with stage("binance", actions_per_s=50):
        with anyio.fail_after(3 * WITHIN_S):
            await anyio.run_process([sys.executable, "-c", EXECUTE, str(notebook), str(done)])
    said = "".join(
        output.get("text", "")
        for cell in nbformat.read(done, as_version=4).cells
        for output in cell.get("outputs", ())
    )  # fmt: skip
    assert "best bid" in said
    assert "buying 0.01 BTC now costs" in said
    assert " at " in said


def test_the_notebook_is_kept_without_output() -> None:
    (nbformat,) = needed("nbformat")
    cells = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4).cells
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
