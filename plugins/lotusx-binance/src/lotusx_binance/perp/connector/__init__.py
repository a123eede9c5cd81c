"""The connector of USDⓈ-M futures: the ports, composed over one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx_binance.perp.connector.account import PerpAccount
from lotusx_binance.perp.connector.market_data import PerpMarketData
from lotusx_binance.perp.connector.trading import PerpTrading
from lotusx_binance.perp.connector.ws_orders import WsOrders
from lotusx_binance.perp.native import BinancePerpNative

if TYPE_CHECKING:
    from lotusx.plugin import Kernel


class BinancePerpConnector:
    """What the core stands in front of. The option ``order_entry="ws"`` sends orders over the WebSocket API."""

    def __init__(self, kernel: Kernel) -> None:
        self.native = BinancePerpNative(kernel)
        self.market = PerpMarketData(kernel, self.native)
        orders = WsOrders(kernel) if kernel.options.get("order_entry") == "ws" else self.native
        self.trading = PerpTrading(kernel, self.native, orders)
        self.account = PerpAccount(kernel, self.native)
