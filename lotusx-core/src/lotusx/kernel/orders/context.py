"""What a check before an order is told, and may ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.ports import Amendment
    from lotusx.model.account import Balance, Position
    from lotusx.model.market_data import BestBidOffer
    from lotusx.model.orders import OrderState


class OrderContext(Protocol):
    """One order that is looked at. The reads are of its instrument and account, and cost what such reads cost.

    Attributes:
        clock: The connection's.
        before: Where an order is amended, as it is now; ``None``: a new one is placed.
        change: The amendment.
        dry_run: Whether nothing is placed whatever the answer, because the exchange is only asked to test the order.
    """

    @property
    def clock(self) -> Clock: ...
    @property
    def before(self) -> OrderState | None: ...
    @property
    def change(self) -> Amendment | None: ...
    @property
    def dry_run(self) -> bool: ...

    def known(self, client_order_id: str) -> OrderState | None:
        """Return what this connection knows of an order, by any client id it has had; ``None``: nothing.

        An order that has passed its checks is known before another is looked at.
        """

    async def look(self, client_order_id: str) -> OrderState | None:
        """Ask the exchange for an order; ``None``: it does not find it here and now."""

    async def best_bid_offer(self) -> BestBidOffer:
        """Ask for the best prices."""

    async def open_orders(self) -> Sequence[OrderState]:
        """Ask for the working orders of the instrument."""

    async def balances(self) -> Sequence[Balance]:
        """Ask what the account holds."""

    async def positions(self) -> Sequence[Position]:
        """Ask for the account's positions."""
