"""What a journal is asked to remember. Memory always remembers; a journal makes it survive the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lotusx.kernel.orders.outcome import CommandKind
from lotusx.model.symbol import Symbol

if TYPE_CHECKING:
    from lotusx.kernel.ports import Amendment
    from lotusx.model.requests import OrderRequest


@dataclass(frozen=True, slots=True)
class Intent:
    """A command about to be sent.

    Attributes:
        client_order_id: Identity of the order; for one placed elsewhere without an id, the exchange's.
        asked_ns: Wall time.
        request: The order, where one is placed.
        change: The amendment, where one is made; it carries the id made for it.
    """

    kind: CommandKind
    client_order_id: str
    symbol: Symbol
    asked_ns: int
    request: OrderRequest | None = None
    change: Amendment | None = None


class Journal(Protocol):
    """Keeps intents and their outcomes, on disk for instance."""

    async def intend(self, intent: Intent) -> None:
        """Keep *intent*; return when it would survive. If this raises, the command is not sent."""

    async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None:
        """Note how it ended: ``accepted``, ``rejected`` or ``unknown``. An error here is only logged."""
