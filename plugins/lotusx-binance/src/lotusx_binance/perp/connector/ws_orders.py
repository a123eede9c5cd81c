"""Order entry of USDⓈ-M futures over the WebSocket API. Orders take nothing of the address's weight, cancels 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lotusx.plugin import Cost, Lane
from lotusx_binance.api_requests import ApiCommands
from lotusx_binance.perp.account_types import AlgoCanceled, AlgoOrder, Order
from lotusx_binance.perp.errors import PERP
from lotusx_binance.pools import ORDERS, WEIGHT

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

_order = msgspec.json.Decoder(Order).decode
_algo = msgspec.json.Decoder(AlgoOrder).decode
_algo_canceled = msgspec.json.Decoder(AlgoCanceled).decode

_ONE_ORDER = (Cost(ORDERS, 1),)
_CANCEL = (Cost(WEIGHT, 1),)


class WsOrders(ApiCommands):
    """``order.place``, ``order.modify``, ``order.cancel``, ``algoOrder.place`` and ``algoOrder.cancel``."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, PERP)

    async def new_order(self, params: Mapping[str, Any]) -> Order:
        """``order.place``."""
        return await self._command("order.place", params, _order, costs=_ONE_ORDER)

    async def modify_order(self, params: Mapping[str, Any]) -> Order:
        """``order.modify``."""
        return await self._command("order.modify", params, _order, costs=_ONE_ORDER)

    async def cancel_order(self, params: Mapping[str, Any]) -> Order:
        """``order.cancel``."""
        return await self._command("order.cancel", params, _order, costs=_CANCEL, lane=Lane.URGENT)

    async def new_algo_order(self, params: Mapping[str, Any]) -> AlgoOrder:
        """``algoOrder.place``."""
        return await self._command("algoOrder.place", params, _algo, costs=_ONE_ORDER)

    async def cancel_algo_order(self, params: Mapping[str, Any]) -> AlgoCanceled:
        """``algoOrder.cancel``."""
        return await self._command("algoOrder.cancel", params, _algo_canceled, costs=_CANCEL, lane=Lane.URGENT)
