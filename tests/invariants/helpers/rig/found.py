"""Seeds that once failed, by version of the plan and by exchange. Those of this version are run again, for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FOUND: Mapping[int, Mapping[str, Sequence[int]]] = {
    1: {
        "backpack": (39, 57, 75, 20027),
        "binance": (54, 75, 81),
        "binance-perp": (54, 75, 81, 84),
        "bybit": (53, 75),
        "bybit-perp": (17, 53, 75, 305, 30043),
        "hyperliquid": (39, 305),
    },
}
