"""Binance's refusals: code, message, HTTP status. Source: binance-spot-api-docs, errors.md."""

from typing import Any

from lotusx_sim.engine.orders import Reason, Refused


class VenueError(Exception):
    """The venue says no, in its own words."""

    def __init__(self, code: int, message: str, *, status: int = 400, data: Any = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data  # nested results (cancelReplace) or the time to wait (WS API)

    def body(self) -> dict[str, Any]:
        content: dict[str, Any] = {"code": self.code, "msg": self.message}
        if self.data is not None:
            content["data"] = self.data
        return content


class RateLimited(VenueError):
    """Too much was asked for; *retry_after_s* until the window ends."""

    def __init__(self, code: int, message: str, *, status: int, retry_after_s: int, retry_at_ms: int) -> None:
        super().__init__(code, message, status=status, data={"serverTime": None, "retryAfter": retry_at_ms})
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "msg": self.message}


def missing(name: str) -> VenueError:
    return VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def filter_failure(name: str) -> VenueError:
    return VenueError(-1013, f"Filter failure: {name}")


def invalid_symbol() -> VenueError:
    return VenueError(-1121, "Invalid symbol.")


def unknown_order() -> VenueError:
    return VenueError(-2011, "Unknown order sent.")


_PLACE = {
    Reason.INSUFFICIENT_FUNDS: "Account has insufficient balance for requested action.",
    Reason.WOULD_TAKE: "Order would immediately match and take.",
    Reason.WOULD_TRIGGER: "Order would trigger immediately.",
    Reason.DUPLICATE_CLIENT_ID: "Duplicate order sent.",
    Reason.MARKET_CLOSED: "Market is closed.",
}
_AMEND = {
    Reason.NO_CHANGE: "The requested action would change no state; rejecting.",
    Reason.NOT_A_DECREASE: "The amendment must reduce the order's quantity.",
    Reason.BELOW_EXECUTED: "The amended quantity must be above the executed quantity.",
    Reason.DUPLICATE_CLIENT_ID: "Duplicate order sent.",
}


def placement_refused(refused: Refused) -> VenueError:
    return VenueError(-2010, _PLACE.get(refused.reason, "Unknown error, please check your request or try again later."))


def amendment_refused(refused: Refused) -> VenueError:
    if refused.reason is Reason.UNKNOWN_ORDER:
        return VenueError(-2038, "Unknown order sent.")
    return VenueError(-2038, _AMEND.get(refused.reason, "Order amend rejected."))
