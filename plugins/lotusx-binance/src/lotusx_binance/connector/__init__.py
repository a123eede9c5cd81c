"""Binance spot's connector: the ports, composed over one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx_binance.connector.account import SpotAccount
from lotusx_binance.connector.market_data import SpotMarketData
from lotusx_binance.connector.trading import SpotTrading
from lotusx_binance.connector.ws_orders import WsOrders
from lotusx_binance.native import BinanceNative

if TYPE_CHECKING:
    from lotusx.plugin import Kernel


class BinanceConnector:
    """What the core stands in front of. The option ``order_entry="ws"`` sends orders over the WebSocket API."""

    def __init__(self, kernel: Kernel) -> None:
        self.native = BinanceNative(kernel)
        self.market = SpotMarketData(kernel, self.native)
        orders = WsOrders(kernel) if kernel.options.get("order_entry") == "ws" else self.native
        self.trading = SpotTrading(kernel, self.native, orders)
        self.account = SpotAccount(kernel, self.native)
