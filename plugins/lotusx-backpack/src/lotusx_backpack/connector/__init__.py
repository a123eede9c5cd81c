"""Backpack's connector: the ports, composed over one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx_backpack.client_ids import ClientIds
from lotusx_backpack.connector.account import BackpackAccount
from lotusx_backpack.connector.listed import Listed
from lotusx_backpack.connector.market_data import BackpackMarketData
from lotusx_backpack.connector.trading import BackpackTrading
from lotusx_backpack.native import BackpackNative
from lotusx_backpack.triggers import Triggers

if TYPE_CHECKING:
    from lotusx.plugin import Kernel


class BackpackConnector:
    """What the core stands in front of. Trading and account share what they know of orders' names."""

    def __init__(self, kernel: Kernel) -> None:
        ids, triggers, listed = ClientIds(), Triggers(), Listed(kernel)
        self.native = BackpackNative(kernel)
        self.market = BackpackMarketData(kernel, self.native, listed)
        self.trading = BackpackTrading(kernel, self.native, listed, ids, triggers)
        self.account = BackpackAccount(kernel, self.native, listed, ids, triggers)
