"""What a journal is asked to remember. Memory always remembers; a journal makes it survive the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lotusx.kernel.orders.outcome import CommandKind
from lotusx.model.frozen import quick
from lotusx.model.symbol import Symbol

if TYPE_CHECKING:
    from decimal import Decimal

    from lotusx.kernel.ports import Amendment, OrderRef
    from lotusx.model.requests import OrderRequest


@quick
@dataclass(frozen=True, slots=True)
class Intent:
    """A command about to be sent.

    Attributes:
        client_order_id: Identity of the order; for one placed elsewhere without an id, the exchange's.
        asked_ns: Wall time.
        request: The order where one is placed; where one is amended, what it would be.
        change: The amendment, where one is made; it carries the id made for it.
        names: The ids by which a cancel or an amendment names the order.
        before: Quantity and price that an amendment changes, as the exchange has them.
        hidden: Whether the exchange may hide the order from every read.
    """

    kind: CommandKind
    client_order_id: str
    symbol: Symbol
    asked_ns: int
    request: OrderRequest | None = None
    change: Amendment | None = None
    names: OrderRef | None = None
    before: tuple[Decimal | None, Decimal | None] | None = None
    hidden: bool = False


class Journal(Protocol):
    """Keeps the intents of one account and their outcomes, on disk for instance.

    Commands made side by side are handed over side by side: a journal may write them together.
    """

    async def intend(self, intent: Intent) -> None:
        """Keep *intent*; return when it would survive. If this raises, the command is not sent."""

    async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None:
        """Note how it ended: ``accepted``, ``rejected`` or ``unknown``. An error here is only logged."""

    async def undecided(self) -> Sequence[Intent]:
        """Return, oldest first, the intents without proof either way that processes which have ended left behind.

        They are asked for once, before anything is sent. Their outcomes are told to `conclude` like those of others.
        """
