"""OKX's connector: the ports, composed over one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx_okx.client_ids import ClientIds
from lotusx_okx.connector.account import OkxAccount
from lotusx_okx.connector.listed import Listed
from lotusx_okx.connector.market_data import OkxMarketData
from lotusx_okx.connector.setup import AccountSetup
from lotusx_okx.connector.trading import OkxTrading
from lotusx_okx.native import OkxNative

if TYPE_CHECKING:
    from lotusx.plugin import Kernel


class OkxConnector:
    """What the core stands in front of. Trading and account share what they know of orders' names."""

    def __init__(self, kernel: Kernel) -> None:
        listed, ids = Listed(kernel), ClientIds()
        self.native = OkxNative(kernel)
        setup = AccountSetup(kernel, self.native)
        self.market = OkxMarketData(kernel, self.native, listed)
        self.trading = OkxTrading(kernel, self.native, listed, ids, setup)
        self.account = OkxAccount(kernel, self.native, listed, ids, setup)
