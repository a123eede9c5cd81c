"""What checks before an order may ask: reads of its instrument and account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lotusx.errors import OrderNotFound
from lotusx.kernel.ports import OrderRef

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.ledger import Ledger
    from lotusx.kernel.ports import AccountPort, Amendment, MarketDataPort, TradingPort
    from lotusx.model.account import Balance, Position
    from lotusx.model.instruments import Instrument
    from lotusx.model.market_data import BestBidOffer
    from lotusx.model.orders import OrderState


@dataclass(frozen=True, slots=True)
class Reads:
    """An `lotusx.plugin.OrderContext` over the ports of one connection."""

    clock: Clock
    instrument: Instrument
    ledger: Ledger
    market: MarketDataPort
    trading: TradingPort
    account: AccountPort
    query: Callable[[OrderRef, Instrument], Awaitable[OrderState]]
    before: OrderState | None = None
    change: Amendment | None = None
    dry_run: bool = False

    def known(self, client_order_id: str) -> OrderState | None:
        """Return what is known of an order."""
        order = self.ledger.find(self.instrument.symbol, client_order_id)
        return None if order is None else order.state

    async def look(self, client_order_id: str) -> OrderState | None:
        """Ask for an order."""
        try:
            return await self.query(OrderRef(client_order_id), self.instrument)
        except OrderNotFound:
            return None

    async def best_bid_offer(self) -> BestBidOffer:
        """Ask for the best prices."""
        return await self.market.best_bid_offer(self.instrument)

    async def open_orders(self) -> Sequence[OrderState]:
        """Ask for working orders."""
        return await self.trading.open_orders(self.instrument)

    async def balances(self) -> Sequence[Balance]:
        """Ask what the account holds."""
        return await self.account.balances()

    async def positions(self) -> Sequence[Position]:
        """Ask for positions."""
        return await self.account.positions()
