"""What faults and counters call requests, and which of them ask for a book."""

import json
from typing import Any
from urllib.parse import unquote

from lotusx_sim.wire import HttpRequest


def name_of_ws(text: str) -> str:
    """Return the method of a WebSocket message."""
    try:
        message: Any = json.loads(text)
    except ValueError:
        return "?"
    method = message.get("method") if isinstance(message, dict) else None
    return method if isinstance(method, str) else "?"


def snapshot_symbol(request: HttpRequest) -> str | None:
    """Return the market whose book a request asks for."""
    if request.method != "GET" or not request.path.endswith("/depth"):
        return None
    values = [item.removeprefix("symbol=") for item in request.query.split("&") if item.startswith("symbol=")]
    return unquote(values[0]) if values else ""
