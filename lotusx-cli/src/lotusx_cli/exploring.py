"""What stands around a native call: the list of endpoints, a look at the request, a guard."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lotusx.errors import NotSupported
from lotusx.plugin import hookimpl

if TYPE_CHECKING:
    from lotusx.kernel.request import Request, Response
    from lotusx.kernel.transport import HttpRequest, HttpResponse

_PLUMBING = ("call", "ready", "do", "ask", "request", "command")


def endpoints(native: type, search: str = "") -> list[dict[str, str]]:
    """Return the endpoints that *native* has methods for: name, parameters, first paragraph of documentation."""
    found = []
    for name, method in inspect.getmembers(native, inspect.iscoroutinefunction):
        if name.startswith("_") or name in _PLUMBING:
            continue
        parameters = [item for item in inspect.signature(method).parameters.values() if item.name != "self"]
        text = " ".join((inspect.getdoc(method) or "").partition("\n\n")[0].split()).replace("``", "")
        item = {
            "name": name,
            "parameters": " ".join(
                parameter.name if parameter.default is parameter.empty else f"[{parameter.name}]"
                for parameter in parameters
            ),
            "documentation": text,
        }
        if search.lower() in " ".join(item.values()).lower():
            found.append(item)
    return found


class OneRequest:
    """A middleware that refuses commands where money is real, unless they were allowed."""

    def __init__(self, *, allow_commands: bool) -> None:
        self.real_money = True
        self._allowed = allow_commands

    @hookimpl
    def lotusx_rest_middleware(self, exchange: str) -> Callable[..., Awaitable[Response]]:
        """Return the wrapper."""

        async def guarded(request: Request, send: Callable[[Request], Awaitable[Response]]) -> Response:
            if request.effect == "command" and self.real_money and not self._allowed:
                raise NotSupported(
                    exchange, "commands from here where money is real", "--live to send it, --show to see"
                )
            return await send(request)

        return guarded


class Showing:
    """An HTTP transport that sends nothing: the first request is raised as what it is."""

    class Shown(Exception):
        """The request, as it would have left."""

        def __init__(self, request: HttpRequest) -> None:
            super().__init__(request.url)
            self.request = request

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Raise `Shown`."""
        raise self.Shown(request)

    async def aclose(self) -> None:
        """There is nothing to close."""
