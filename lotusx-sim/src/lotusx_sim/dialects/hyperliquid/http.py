"""The HTTP surface: two paths, POST only, JSON only."""

from collections.abc import Mapping
from typing import Any

import msgspec

from lotusx_sim.dialects.hyperliquid import exchange, info
from lotusx_sim.dialects.hyperliquid.errors import HttpError, bad_json
from lotusx_sim.dialects.hyperliquid.state import VenueState
from lotusx_sim.wire import HttpRequest, HttpResponse

_JSON = ("content-type", "application/json")
_PLAIN = ("content-type", "text/plain; charset=utf-8")
_SURFACES = {"/info": info.answer, "/exchange": exchange.execute}


def respond(state: VenueState, request: HttpRequest, now_ns: int, ip: str) -> HttpResponse:
    """Answer one request as the venue would."""
    surface = _SURFACES.get(request.path)
    try:
        if surface is None:
            raise HttpError(404, "")
        if request.method != "POST":
            raise HttpError(405, "")
        content_type = request.header("content-type") or ""
        if not content_type.lower().startswith("application/json"):
            raise HttpError(415, "Expected request with `Content-Type: application/json`")
        return json_response(surface(state, _read(request.body), now_ns, ip))
    except HttpError as error:
        return error_response(error)


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_json() from None


def json_response(content: Any) -> HttpResponse:
    return HttpResponse(200, (_JSON,), msgspec.json.encode(content))


def error_response(error: HttpError) -> HttpResponse:
    return HttpResponse(error.status, (_JSON if error.body == "null" else _PLAIN,), error.body.encode())


def name_of(path: str, body: Any) -> str:
    """Return what faults and counters call a request: its path and its type, such as ``/info/l2Book``."""
    inner = body.get("action") if path == "/exchange" and isinstance(body, Mapping) else body
    kind = inner.get("type") if isinstance(inner, Mapping) else None
    return f"{path}/{kind}" if isinstance(kind, str) else path
