"""One resting order at each simulated exchange, and how it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import e2e_backpack
import e2e_bybit
import e2e_hyperliquid
import e2e_kit

from lotusx_sim import Backpack, BinanceSpot, Bybit, Hyperliquid, Simulator


@dataclass(frozen=True, slots=True)
class Spec:
    """What a process needs to place that order, as JSON.

    Attributes:
        order: Arguments of `OrderRequest.limit`, in their order.
        place: How the simulator knows the request.
        wire_id: What the exchange calls an order of ours.
    """

    exchange: str
    venue: Callable[[], Any]
    credentials: Mapping[str, str]
    order: tuple[str, str, str, str]
    place: tuple[str, str]
    wire_id: Callable[[str], str] = str

    def simulator(self) -> Simulator:
        return Simulator(self.venue())


SPECS = [
    Spec(
        "binance",
        lambda: BinanceSpot(seed=7, actions_per_s=0),
        e2e_kit.KEY,
        (e2e_kit.BTC, "buy", "0.01", "60000"),
        e2e_kit.PLACE,
    ),
    Spec(
        "hyperliquid",
        lambda: Hyperliquid(seed=7, actions_per_s=0),
        e2e_hyperliquid.KEY,
        (e2e_hyperliquid.PERP, "buy", "0.01", "80000"),
        e2e_hyperliquid.PLACE,
        e2e_hyperliquid.cloid,
    ),
    Spec(
        "bybit",
        lambda: Bybit(seed=7, actions_per_s=0),
        e2e_bybit.KEY,
        (e2e_bybit.SPOT, "buy", "0.01", "60000"),
        e2e_bybit.CREATE,
    ),
    Spec(
        "backpack",
        lambda: Backpack(seed=7, actions_per_s=0),
        e2e_backpack.KEY,
        (e2e_backpack.SPOT, "buy", "2", "140"),
        e2e_backpack.PLACE,
        e2e_backpack.number,
    ),
]
