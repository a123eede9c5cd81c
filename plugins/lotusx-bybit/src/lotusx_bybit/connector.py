"""Bybit spot's connector: the ports, composed over one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx_bybit.v5 import BybitNative, Category, Listed, Quotas, V5Account, V5MarketData, V5Trading

if TYPE_CHECKING:
    from lotusx.plugin import Kernel


class BybitConnector:
    """What the core stands in front of. The option ``order_entry="ws"`` sends orders over the trade socket."""

    def __init__(self, kernel: Kernel) -> None:
        listed = Listed(kernel, [Category.SPOT])
        self.native = BybitNative(kernel, Quotas(kernel))
        self.market = V5MarketData(kernel, self.native, listed)
        self.trading = V5Trading(kernel, self.native, listed)
        self.account = V5Account(kernel, self.native, listed)
