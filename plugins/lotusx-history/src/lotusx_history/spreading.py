"""One series as a task for another process, such as a worker of Dask or Ray: what goes in and out can be pickled."""

from __future__ import annotations

from typing import Any

import anyio

import lotusx
from lotusx_history.completeness import Report
from lotusx_history.downloading import Downloader
from lotusx_history.query import Query


def fetch(query: Query, exchange: str, root: str, *, at_once: int = 4, **settings: Any) -> Report:
    """Download one series over a connection of this process; return how whole it is then.

    Doing it again is safe, and fetches only what is missing: an engine may repeat a task whose worker died. Workers on
    one host share the exchange's limits by ``budgets=PATH``.

    Args:
        exchange: Name of the exchange, and *settings*, arguments of `lotusx.connect`.
        root: The folder, which every worker must reach.

    Raises:
        LotusXError: As `Downloader.fetch`.
    """

    async def run() -> Report:
        async with lotusx.connect(exchange, **{**settings, "read_only": True}) as opened:
            (report,) = await Downloader(opened, root, at_once=at_once).fetch([query])
            return report

    return anyio.run(run)
