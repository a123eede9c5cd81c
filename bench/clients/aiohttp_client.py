"""aiohttp's WebSocket client, which most Python clients stand on."""

from __future__ import annotations

import asyncio
import os
import ssl
from importlib import import_module

from bench.clients.meter import Meter, Task
from bench.memory import private_kb


async def idle(task: Task) -> None:
    """Memory of one more open socket."""
    tls = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    connector = import_module("aiohttp").TCPConnector(ssl=tls, limit=0)
    async with import_module("aiohttp").ClientSession(connector=connector) as session:
        sockets = [await session.ws_connect(f"{task.ws_url}/stream") for _ in range(5)]
        before = private_kb()
        sockets += [await session.ws_connect(f"{task.ws_url}/stream") for _ in range(task.count)]
        Meter().report(kb=(private_kb() - before) / task.count)
        os._exit(0)


if __name__ == "__main__":
    given = Task.given()
    asyncio.run(globals()[given.work](given))
