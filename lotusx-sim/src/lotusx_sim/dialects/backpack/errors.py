"""How the venue refuses. Source: the exchange's OpenAPI document (2026-08) and refusals that clients match on.

Which HTTP status goes with which code is documented for a few only; all others are 400 here.
"""

from __future__ import annotations

import msgspec

from lotusx_sim.engine.orders import Reason
from lotusx_sim.wire import HttpResponse

JSON = ("content-type", "application/json; charset=utf-8")
TEXT = ("content-type", "text/plain; charset=utf-8")
CLIENT_REQUEST = "INVALID_CLIENT_REQUEST"


class VenueError(Exception):
    """A refusal: a code with its words; without a code it is answered in plain text."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status

    def document(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}

    def response(self) -> HttpResponse:
        if not self.code:
            return HttpResponse(self.status, (TEXT,), self.message.encode())
        return HttpResponse(self.status, (JSON,), msgspec.json.encode(self.document()))


def bad(message: str) -> VenueError:
    return VenueError(CLIENT_REQUEST, message)


def unreadable(name: str, why: str) -> VenueError:
    """Return the answer to a parameter that cannot be parsed: plain text."""
    return VenueError("", f"failed to parse parameter `{name}`: {why}")


def not_found(message: str = "Not found") -> VenueError:
    return VenueError("RESOURCE_NOT_FOUND", message, 404)


def unknown_symbol() -> VenueError:
    return bad("Invalid market symbol")


def too_many() -> VenueError:
    return VenueError("TOO_MANY_REQUESTS", "Too many requests", 429)


def refusal(reason: Reason, *, is_spot: bool) -> VenueError:
    """Return what a refusal of the engine is called here."""
    if reason is Reason.INSUFFICIENT_FUNDS:
        if is_spot:
            return VenueError("INSUFFICIENT_FUNDS", "Insufficient funds")
        return VenueError("INSUFFICIENT_MARGIN", "Insufficient margin")
    if reason is Reason.WOULD_TAKE:
        return VenueError("INVALID_ORDER", "Order would immediately match and take")
    if reason is Reason.WOULD_TRIGGER:
        return VenueError("INVALID_ORDER", "Order would immediately trigger")
    if reason is Reason.REDUCE_ONLY:
        return VenueError("INVALID_ORDER", "Reduce only order would not reduce the position")
    if reason is Reason.LEVERAGE:
        return VenueError("MAX_LEVERAGE_REACHED", "Max leverage reached")
    return VenueError("INVALID_ORDER", "Invalid order")
