"""Refusals of USDⓈ-M futures. Source: USDⓈ-M futures, "Error codes"."""

from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.engine.orders import Reason, Refused

_PLACE = {
    Reason.INSUFFICIENT_FUNDS: (-2019, "Margin is insufficient."),
    Reason.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be"
        " recorded in the order history",
    ),
    Reason.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Reason.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Reason.MARKET_CLOSED: (-4140, "Invalid symbol status for opening position."),
    Reason.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
}
_SETTING = {
    Reason.LEVERAGE: (-4028, "Leverage is not valid"),
    Reason.POSITION_OPEN: (-4048, "Margin type cannot be changed if there exists position."),
    Reason.NOT_ISOLATED: (-4046, "No need to change margin type."),
    Reason.INSUFFICIENT_FUNDS: (-2019, "Margin is insufficient."),
}


def placement_refused(refused: Refused) -> VenueError:
    code, message = _PLACE.get(refused.reason, (-2010, "NEW_ORDER_REJECTED"))
    return VenueError(code, message)


def setting_refused(refused: Refused) -> VenueError:
    code, message = _SETTING.get(refused.reason, (-4028, "Leverage is not valid"))
    return VenueError(code, message)


def unknown_order() -> VenueError:
    return VenueError(-2011, "Unknown order sent.")


def no_order() -> VenueError:
    return VenueError(-2013, "Order does not exist.")


def no_listen_key() -> VenueError:
    return VenueError(-1125, "This listenKey does not exist.")
