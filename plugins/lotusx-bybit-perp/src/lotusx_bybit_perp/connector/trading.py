"""Orders of linear and inverse instruments: what spot does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.errors import NotSupported
from lotusx_bybit.v5 import V5Trading

if TYPE_CHECKING:
    from lotusx.model import Instrument, OrderRequest
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5 import Listed
    from lotusx_bybit_perp.native import BybitPerpNative


class PerpTrading(V5Trading):
    """Orders of linear and inverse instruments."""

    def __init__(self, kernel: Kernel, rest: BybitPerpNative, listed: Listed) -> None:
        super().__init__(kernel, rest, listed)
        self._perps = rest

    async def test(self, request: OrderRequest, instrument: Instrument) -> None:
        """Have the order's form and its margin checked, always by REST. The exchange refuses it in isolated margin.

        Raises:
            NotSupported: The order is conditional.
        """
        if request.trigger_price is not None:
            raise NotSupported(self._exchange, "a test of a conditional order", "a test of it without its trigger")
        await self._perps.pre_check(self._order(request, instrument))
