"""Processes that end at any moment, in virtual time: the next one knows of every order, and sends none again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import anyio
import pytest
import trio
from e2e_kit import KEY, PLACE, limit_buy
from trio.testing import MockClock

import lotusx
from lotusx.orders.journal import Intent
from lotusx.orders.journal_store import JournalStore
from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.shells import memory

ORDERS = 8
SEEDS = 12


class Mortal:
    """The journal of a process that can die: from then on nothing is written. Threads and virtual time do not mix."""

    def __init__(self, path: Path, session: str) -> None:
        self._store = JournalStore(path, "binance:main", session, 0, survives_power_loss=False)
        self.kept: list[str] = []

    def die(self) -> None:
        self._store.close()

    async def intend(self, intent: Intent) -> None:
        self._store.write([self._store.intend(intent)])
        self.kept.append(intent.client_order_id)

    async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None:
        self._store.write([self._store.conclude(intent, outcome, evidence, 0)])

    async def undecided(self) -> Sequence[Intent]:
        return self._store.adopt()


def disturb(sim: Simulator, rng: Random) -> None:
    for _ in range(ORDERS):
        match rng.randrange(6):
            case 0:
                sim.lose_reply_to(*PLACE, how=rng.choice(["cut", "reset", "hang"]))
            case 1:
                sim.lose_request(*PLACE, how=rng.choice(["cut", "reset", "hang"]))
            case 2:
                sim.delay(*PLACE, rng.random() * 5)
            case 3:
                sim.delay_visibility(rng.random() * 3)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whenever_a_process_ends_the_next_one_finds_out_and_sends_nothing(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    sim = Simulator(BinanceSpot(seed=seed, actions_per_s=0))
    disturb(sim, rng)
    path = tmp_path / "orders.db"
    told: dict[str, str] = {}

    async def trade(exchange: lotusx.Exchange, name: str) -> None:
        try:
            await exchange.trading.place(limit_buy(name, quantity="0.001"))
            told[name] = "accepted"
        except lotusx.OrderOutcomeUnknown:
            told[name] = "unknown"
        except lotusx.LotusXError:
            told[name] = "rejected"

    async def run() -> None:
        async with memory.connect(sim, latency_s=0.02) as server:

            def connected(journal: Mortal) -> lotusx.Exchange:
                return lotusx.connect(
                    "binance", environment="simulator", base_url=server.base_url, credentials=KEY, journal=journal,
                    http=server.http, ws=server.ws, clock=server.clock,
                )  # fmt: skip

            first = Mortal(path, "first")
            async with connected(first) as exchange:
                await exchange.trading.ready()
                with anyio.move_on_after(rng.choice([0.05, 1.0, 40.0]) * rng.random()):
                    async with anyio.create_task_group() as group:
                        for number in range(ORDERS):
                            group.start_soon(trade, exchange, f"a-{number}")
                            await anyio.sleep(rng.random() * 0.05)
                first.die()
            sim.heal()
            sent = sim.requests[PLACE]
            second = Mortal(path, "second")
            async with connected(second) as exchange:
                with anyio.fail_after(120):
                    recovered = await exchange.trading.recovered()
                for one in recovered:
                    told[one.intent.client_order_id] = type(one.outcome).__name__.lower()
            second.die()
            assert sim.requests[PLACE] == sent
        assert set(told) >= set(first.kept)
        assert len(set(sim.order_ids())) == len(sim.order_ids())
        assert {name: "accepted" if name in sim.order_ids() else "rejected" for name in told} == told
        third = Mortal(path, "third")
        assert await third.undecided() == []
        third.die()

    trio.run(run, clock=MockClock(autojump_threshold=0))
