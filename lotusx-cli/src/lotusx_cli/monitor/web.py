"""The monitor in a browser: each page runs the command in a process of its own, on this machine only."""

from __future__ import annotations

import logging
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

HOST = "127.0.0.1"
MAX_PAGES = 8
"""Pages open at a time; each is a process with connections of its own."""


def serve(arguments: Sequence[str], port: int) -> None:
    """Serve ``lotusx monitor`` with *arguments* until interrupted.

    Raises:
        OSError: Nothing can listen on *port*; names the address.
    """
    server(shlex.join([sys.executable, "-m", "lotusx_cli", "monitor", *arguments]), port).serve()


def server(command: str, port: int) -> Server:
    """Return what serves *command*."""
    return _Local(command, port)


class _Local(Server):
    """Answers to this machine only, and to none of its browser's other pages."""

    def __init__(self, command: str, port: int) -> None:
        super().__init__(command, HOST, port, "LotusX", templates_path=Path(__file__).parent / "templates")
        self._pages = 0

    def serve(self, debug: bool = False) -> None:
        """Serve until interrupted. It listens before it says where it is, and only then."""
        self.debug = debug
        self.initialize_logging()
        try:
            listener = socket.create_server((HOST, self.port))
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{HOST}:{self.port}") from error
        with listener:
            web.run_app(self._make_app(), sock=listener, print=None)

    def initialize_logging(self) -> None:
        """Say what goes wrong, not who asked for what."""
        logging.basicConfig(level=logging.WARNING, format="%(message)s")

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is."""
        print(f"the monitor is at http://{HOST}:{self.port}; Ctrl-C ends it", flush=True)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse who comes under another name, or from a page of somebody else: browsers let those open sockets."""
        origin = request.headers.get("origin")
        is_ours = urlsplit(f"//{request.host}").hostname in (HOST, "localhost")
        if not is_ours or (origin is not None and urlsplit(origin).netloc != request.host):
            raise web.HTTPForbidden(text="this page is for this machine only")
        return await handler(request)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run one page; more than `MAX_PAGES` are refused."""
        if self._pages >= MAX_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{MAX_PAGES} pages are open already")
        self._pages += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._pages -= 1
