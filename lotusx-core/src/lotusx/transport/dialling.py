"""How a TCP connection is made on asyncio and uvloop, for HTTP and for WebSockets."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from typing import Any

import anyio

_NEXT_ADDRESS_S = 0.25
"""When the next address of a host is tried beside one that has not answered (RFC 8305)."""


def on_asyncio() -> bool:
    """Tell whether an asyncio loop runs this, uvloop's included."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False


async def connected_socket(host: str, port: int) -> socket.socket:
    """Connect to whichever of the host's addresses answers first (happy eyeballs).

    ``loop.create_connection`` does that too, but loses a socket when it is cancelled in the wrong moment, and uvloop's
    does not.

    Raises:
        OSError: None answers, or there is none.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host!r} cannot be the name of a host") from None
    turn: Counter[int] = Counter()
    ranked = []
    for info in found:
        ranked.append((turn[info[0]], info))
        turn[info[0]] += 1
    ranked.sort(key=lambda item: item[0])  # families take turns
    opened: list[socket.socket] = []
    errors: list[OSError] = []
    winner: socket.socket | None = None

    async def attempt(info: Any, failed: anyio.Event) -> None:
        nonlocal winner
        family, kind, protocol, _, address = info
        try:
            sock = socket.socket(family, kind, protocol)
            opened.append(sock)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
        except OSError as error:
            errors.append(error)
            failed.set()
            return
        winner = winner or sock
        tasks.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as tasks:
            for _, info in ranked:
                failed = anyio.Event()
                tasks.start_soon(attempt, info, failed)
                with anyio.move_on_after(_NEXT_ADDRESS_S):
                    await failed.wait()
    except BaseException:
        winner = None
        raise
    finally:
        for sock in opened:
            if sock is not winner:
                sock.close()
    if winner is None:
        raise errors[0]
    return winner
