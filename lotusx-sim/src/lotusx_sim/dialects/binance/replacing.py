"""Cancel and replace in one request, half-way outcomes included. Source: rest-api.md, cancelReplace."""

from typing import Any

from lotusx_sim.dialects.binance.call import Call, Operation, Security
from lotusx_sim.dialects.binance.errors import RateLimited, VenueError, missing
from lotusx_sim.dialects.binance.trading import ORDER_NAMES, cancel_found, find_order, place, read_order

_MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")


def replace(call: Call) -> dict[str, Any]:
    params = call.params
    mode = params.choice("cancelReplaceMode", _MODES, code=-1100, message="Invalid cancelReplaceMode.")
    if mode is None:
        raise missing("cancelReplaceMode")
    old = find_order(call, "cancelOrderId", "cancelOrigClientOrderId")
    # The new order's parameters and filters are checked before anything is cancelled.
    read_order(call)
    outcome: dict[str, Any] = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": None,
        "newOrderResponse": None,
    }
    failed: VenueError | None = None
    try:
        outcome["cancelResponse"] = cancel_found(call, old, params.client_id("cancelNewClientOrderId"))
    except VenueError as error:
        failed = error
        outcome["cancelResult"] = "FAILURE"
        outcome["cancelResponse"] = error.body()
        if mode == "STOP_ON_FAILURE":
            outcome["newOrderResult"] = "NOT_ATTEMPTED"
            raise VenueError(-2022, "Order cancel-replace failed.", data=outcome) from None
    try:
        outcome["newOrderResponse"] = place(call)
    except VenueError as error:
        outcome["newOrderResult"] = "FAILURE"
        outcome["newOrderResponse"] = error.body()
        if failed is not None:
            raise VenueError(-2022, "Order cancel-replace failed.", data=outcome) from None
        status = 429 if isinstance(error, RateLimited) else 409
        raise VenueError(-2021, "Order cancel-replace partially failed.", status=status, data=outcome) from None
    if failed is not None:
        raise VenueError(-2021, "Order cancel-replace partially failed.", status=409, data=outcome)
    return outcome


REPLACE = Operation(
    replace,
    (
        *ORDER_NAMES,
        "cancelReplaceMode",
        "cancelOrderId",
        "cancelOrigClientOrderId",
        "cancelNewClientOrderId",
        "cancelRestrictions",
        "orderRateLimitExceededMode",
    ),
    1,
    Security.TRADE,
    is_order=True,
)
