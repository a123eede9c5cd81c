"""The extra ``fast``. All of `test_wsproto_ws` runs with it in the tox environment ``fast``."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from lotusx.transport.ws_asyncio import connector


async def _connector() -> object:
    return connector(asyncio.get_running_loop())


def test_where_it_is_installed_aiofastnet_makes_the_connections() -> None:
    aiofastnet = pytest.importorskip("aiofastnet", reason="the extra `fast` is not installed")

    made = asyncio.run(_connector())

    assert isinstance(made, partial)
    assert made.func is aiofastnet.create_connection
