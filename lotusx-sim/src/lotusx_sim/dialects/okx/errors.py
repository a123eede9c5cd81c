"""Why the venue says no, in its own numbers. Source: OKX API v5 (2026-06), error-code-rest-api."""

from lotusx_sim.engine.orders import Reason


class VenueError(Exception):
    """A refusal: of a whole request, or of one order of it (then it becomes ``sCode``)."""

    def __init__(self, code: str, text: str, *, status: int = 200) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.status = status


class OrderError(VenueError):
    """A refusal of one order: the request is answered with code 1 or 2."""


def bad(name: str) -> VenueError:
    return VenueError("51000", f"Parameter {name} error", status=400)


def missing(name: str) -> VenueError:
    return VenueError("50014", f"Parameter {name} can not be empty.", status=400)


def unknown_instrument() -> VenueError:
    return VenueError("51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist.")


_REASONS = {
    Reason.INSUFFICIENT_FUNDS: ("51008", "Order failed. Insufficient balance in account"),
    Reason.DUPLICATE_CLIENT_ID: ("51016", "Client order ID already exists."),
    Reason.MARKET_CLOSED: ("51022", "Contract suspended."),
    Reason.REDUCE_ONLY: ("51169", "Order failed because you don't have any positions in this direction."),
    Reason.UNKNOWN_ORDER: ("51603", "Order does not exist."),
    Reason.WOULD_TAKE: ("51511", "Modification failed as the order price did not meet the requirement for Post Only."),
}


def of_reason(reason: Reason) -> OrderError:
    code, text = _REASONS.get(reason, ("51000", f"Parameter error: {reason.value}"))
    return OrderError(code, text)
