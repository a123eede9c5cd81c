"""The connector of Bybit's perpetuals: the ports, composed over one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx_bybit.v5 import Category, Listed, Quotas
from lotusx_bybit_perp.connector.account import PerpAccount
from lotusx_bybit_perp.connector.market_data import PerpMarketData
from lotusx_bybit_perp.connector.trading import PerpTrading
from lotusx_bybit_perp.native import BybitPerpNative

if TYPE_CHECKING:
    from lotusx.plugin import Kernel


class BybitPerpConnector:
    """What the core stands in front of. The option ``order_entry="ws"`` sends orders over the trade socket."""

    def __init__(self, kernel: Kernel) -> None:
        self.native = BybitPerpNative(kernel, Quotas(kernel))
        listed = Listed(kernel, [Category.LINEAR, Category.INVERSE])
        self.market = PerpMarketData(kernel, self.native, listed)
        self.trading = PerpTrading(kernel, self.native, listed)
        self.account = PerpAccount(kernel, self.native, listed)
