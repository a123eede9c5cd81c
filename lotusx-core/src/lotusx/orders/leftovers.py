"""Commands that an earlier process sent, or was about to send, and whose outcome it did not live to see."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import ConnectionFailed, LotusXError, UnknownSymbol
from lotusx.model.orders import Outcome, Unknown
from lotusx.orders.journal import Intent

if TYPE_CHECKING:
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.model.instruments import Instrument
    from lotusx.model.symbol import Symbol
    from lotusx.orders.commands import Commands
    from lotusx.orders.handle import Order
    from lotusx.orders.runner import Runner

logger = logging.getLogger("lotusx.orders")

AT_ONCE = 8
"""Commands looked into side by side."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a command of an earlier process.

    Attributes:
        intent: What it had meant to do, and when.
        outcome: `Accepted`, `Rejected` with the proof, or `Unknown`: then it is looked into again at the next start.
        order: The order's handle, where anything is known of it.
    """

    intent: Intent
    outcome: Outcome
    order: Order | None


class Leftovers:
    """Finds out about each of *intents*, by looking; nothing is ever sent again."""

    def __init__(
        self,
        run: Runner,
        make: Commands,
        intents: Sequence[Intent],
        handle: Callable[[TrackedOrder, Instrument], Order],
    ) -> None:
        self._run = run
        self._make = make
        self._intents = tuple(intents)
        self._handle = handle
        self._found: dict[int, Recovered] = {}
        self._done = anyio.Event()

    async def resolve(self, instrument_of: Callable[[Symbol], Awaitable[Instrument]]) -> None:
        """Look until each is decided or given up; while the exchange cannot be reached, try again."""
        limiter = anyio.CapacityLimiter(AT_ONCE)
        async with anyio.create_task_group() as group:
            for index, intent in enumerate(self._intents):
                group.start_soon(self._resolve, index, intent, instrument_of, limiter)
        self._done.set()

    async def all(self) -> Sequence[Recovered]:
        """Wait until all are resolved; return what became of them, oldest first."""
        await self._done.wait()
        return tuple(self._found[index] for index in range(len(self._intents)))

    async def _resolve(
        self,
        index: int,
        intent: Intent,
        instrument_of: Callable[[Symbol], Awaitable[Instrument]],
        limiter: anyio.CapacityLimiter,
    ) -> None:
        async with limiter:
            instrument = await self._instrument(intent, instrument_of)
            if instrument is None:
                self._make.drop(intent)
                reason = f"{intent.symbol} is not listed any more: nothing can be asked about it"
                self._found[index] = Recovered(intent, Unknown(intent.client_order_id, (reason,)), None)
                return
            cause = ConnectionFailed("the process that sent it ended before its outcome was known", sent=True)
            outcome = await self._run.settle(self._make.again(intent, instrument), cause)
            order = self._make.adopt(intent)
            known = order is not None and order.known_to_exchange
            self._found[index] = Recovered(
                intent, outcome, self._handle(order, instrument) if order and known else None
            )
        logger.info("%s of %s, left by an earlier process: %s", intent.kind, intent.client_order_id, outcome)

    async def _instrument(
        self, intent: Intent, instrument_of: Callable[[Symbol], Awaitable[Instrument]]
    ) -> Instrument | None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await instrument_of(intent.symbol)
            except UnknownSymbol:
                return None
            except LotusXError as error:
                logger.warning("what became of %s cannot be asked yet: %s", intent.client_order_id, error)
            await self._run.clock.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
