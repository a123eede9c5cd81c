"""Order entry of spot over the WebSocket API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lotusx.plugin import Cost, Lane
from lotusx_binance.account_types import CanceledOrder, NewOrder
from lotusx_binance.api_requests import ApiCommands
from lotusx_binance.errors import SPOT
from lotusx_binance.pools import ORDERS, WEIGHT

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

_new_order = msgspec.json.Decoder(NewOrder).decode
_canceled = msgspec.json.Decoder(CanceledOrder).decode

_IF_IT_FAILS = Cost(WEIGHT, 1, free_on_success=True)
_ONE_ORDER = Cost(ORDERS, 1)


class WsOrders(ApiCommands):
    """``order.place`` and ``order.cancel``."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, SPOT)

    async def new_order(self, params: Mapping[str, Any]) -> NewOrder:
        """``order.place``."""
        return await self._command("order.place", params, _new_order, costs=(_IF_IT_FAILS, _ONE_ORDER))

    async def cancel_order(self, params: Mapping[str, Any]) -> CanceledOrder:
        """``order.cancel``."""
        return await self._command("order.cancel", params, _canceled, costs=(_IF_IT_FAILS,), lane=Lane.URGENT)
