"""Refusals, with the venue's numbers. Source: Bybit V5, error codes.

One fault has one number on spot and another on derivatives. Texts are the documented ones where they are known;
clients must not read them.
"""

from collections.abc import Mapping
from typing import Any

from lotusx_sim.dialects.bybit.listings import Category
from lotusx_sim.engine.orders import Reason

TOO_MANY_VISITS = 10006
FORBIDDEN_TEXT = "access too frequent"


class VenueError(Exception):
    """The venue answers with a code other than 0."""

    def __init__(self, code: int, text: str, result: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.result = dict(result or {})


class HttpRefusal(Exception):
    """The venue answers with an HTTP status and no envelope."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


def bad(text: str) -> VenueError:
    return VenueError(10001, text)


def too_many_visits() -> VenueError:
    return VenueError(TOO_MANY_VISITS, "Too many visits. Exceeded the API Rate Limit.")


def not_on_demo() -> VenueError:
    """Refuse what paper trading has not; the code is not documented."""
    return VenueError(10032, "Demo trading are not supported.")


def unknown_symbol(category: Category, symbol: str) -> VenueError:
    if category is Category.SPOT:
        return VenueError(170121, "Invalid symbol.")
    return bad(f"params error: symbol invalid {symbol}")


def no_order(category: Category) -> VenueError:
    if category is Category.SPOT:
        return VenueError(170213, "Order does not exist.")
    return VenueError(110001, "order not exists or too late to cancel")


def duplicate(category: Category) -> VenueError:
    if category is Category.SPOT:
        return VenueError(170141, "Duplicate clientOrderId")
    return VenueError(110072, "OrderLinkedID is duplicate")


_SPOT = {
    Reason.INSUFFICIENT_FUNDS: (170131, "Balance insufficient."),
    Reason.DUPLICATE_CLIENT_ID: (170141, "Duplicate clientOrderId"),
    Reason.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Reason.MARKET_CLOSED: (170151, "Trading pair is not open yet."),
    Reason.BELOW_EXECUTED: (170313, "The quantity must be larger than the filled one."),
    Reason.NO_CHANGE: (10001, "The order remains unchanged as the parameters entered match the existing ones."),
    Reason.WOULD_TAKE: (170218, "The LIMIT-MAKER order is rejected due to invalid price."),
    Reason.WOULD_TRIGGER: (170130, "The trigger price is reached already."),
}
_DERIVATIVES = {
    Reason.INSUFFICIENT_FUNDS: (110007, "ab not enough for new order"),
    Reason.DUPLICATE_CLIENT_ID: (110072, "OrderLinkedID is duplicate"),
    Reason.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Reason.MARKET_CLOSED: (110074, "This contract is not live"),
    Reason.BELOW_EXECUTED: (110064, "The number of contracts modified cannot be less than the filled quantity"),
    Reason.NO_CHANGE: (10001, "The order remains unchanged as the parameters entered match the existing ones."),
    Reason.REDUCE_ONLY: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Reason.LEVERAGE: (110013, "cannot set leverage due to risk limit level"),
    Reason.POSITION_OPEN: (110024, "You have an existing position, so the position mode cannot be switched"),
    Reason.NOT_ISOLATED: (110036, "You are in cross margin mode: this operation is not allowed"),
}


def of_reason(category: Category, reason: Reason) -> VenueError:
    """Return what the venue says when its engine refuses a command."""
    known = _SPOT if category is Category.SPOT else _DERIVATIVES
    code, text = known.get(reason, (10001, reason.value))
    return VenueError(code, text)
