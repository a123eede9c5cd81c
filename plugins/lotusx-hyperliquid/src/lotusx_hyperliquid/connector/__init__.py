"""Hyperliquid's connector: the ports, composed over one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx_hyperliquid.cloids import Cloids
from lotusx_hyperliquid.connector.account import HyperliquidAccount
from lotusx_hyperliquid.connector.listed import Listed
from lotusx_hyperliquid.connector.market_data import HyperliquidMarketData
from lotusx_hyperliquid.connector.trading import HyperliquidTrading
from lotusx_hyperliquid.connector.ws_orders import WsOrders
from lotusx_hyperliquid.native import HyperliquidNative
from lotusx_hyperliquid.triggers import WaitingTriggers

if TYPE_CHECKING:
    from lotusx.plugin import Kernel


class HyperliquidConnector:
    """What the core stands in front of. The option ``order_entry="ws"`` sends orders over the WebSocket."""

    def __init__(self, kernel: Kernel) -> None:
        self.native = HyperliquidNative(kernel)
        listed = Listed(kernel, self.native)
        cloids, triggers = Cloids(), WaitingTriggers()
        self.market = HyperliquidMarketData(kernel, self.native, listed)
        orders = WsOrders(kernel) if kernel.options.get("order_entry") == "ws" else self.native
        self.trading = HyperliquidTrading(kernel, self.native, orders, listed, cloids, triggers)
        self.account = HyperliquidAccount(kernel, self.native, listed, cloids, triggers)
