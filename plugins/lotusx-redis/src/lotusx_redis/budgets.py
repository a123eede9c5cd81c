"""The registry of all machines that name the same Redis."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio.to_thread

from lotusx.errors import BudgetsUnreachable
from lotusx.plugin.budgets import BudgetRegistry, Ledger, NonceAllocator
from lotusx_redis.count import Item, RedisCount
from lotusx_redis.logs import logger
from lotusx_redis.nonces import RedisNonces
from lotusx_redis.place import Place, Unreachable
from lotusx_redis.worker import Worker


class RedisBudgets(BudgetRegistry):
    """Shares limits, bans and nonces with every process that names the same server and database.

    Args:
        address: ``redis://``, ``rediss://`` or ``unix://``, as redis-py reads it. Two options are ours:
            ``alone=0.25`` goes on with a quarter of every limit while the server cannot be reached (default: nothing is
            sent then), ``timeout_s=0.5`` says how long to wait for it.
        monotonic_ns: The clock of this process; for tests.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    def __init__(self, address: str, *, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__()
        self._place = Place(address, monotonic_ns)
        self._worker: Worker[tuple[RedisCount, Item]] = Worker(_work)

    def _make_nonces(self, exchange: str, scope: str) -> NonceAllocator:
        return RedisNonces(self._place, f"lotusx:nonces:{exchange}:{scope}")

    async def ready(self) -> None:
        """Ask the server what time it is.

        Raises:
            BudgetsUnreachable: It does not answer.
        """
        try:
            await anyio.to_thread.run_sync(self._place.measure)
        except Unreachable as error:
            raise BudgetsUnreachable(f"{error}; nothing was sent") from error

    def close(self) -> None:
        """Write what waits, for as long as two answers may take, and close the connections."""
        self._worker.close(2 * self._place.timeout_s)
        self._place.close()

    def _make_ledger(self, host: str) -> Ledger:
        ledger = Ledger()
        ledger.common = RedisCount(
            self._place, f"lotusx:limits:{host}", ledger, lambda count, item: self._worker.put((count, item))
        )
        return ledger


def _work(items: list[tuple[RedisCount, Item]]) -> None:
    by_count: dict[RedisCount, list[Item]] = {}
    for count, item in items:
        by_count.setdefault(count, []).append(item)
    for count, its in by_count.items():
        try:
            count.work(its)
        except Exception as error:
            logger.exception("a change of the shared limits failed")
            count.refuse(its, f"the shared limits could not be changed ({error})")
