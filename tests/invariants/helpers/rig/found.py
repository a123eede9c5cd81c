"""Seeds that once failed, by version of the plan and by exchange. Those of this version are run again, for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FOUND: Mapping[int, Mapping[str, Sequence[int]]] = {
    1: {
        "backpack": (39, 57, 75, 20027, 70181, 70255, 70391, 70406, 85183, 88141),
        "binance": (54, 75, 81, 50297, 70079, 70255, 70259, 71027, 81077, 85631, 86062),
        "binance-perp": (54, 75, 81, 84, 61013, 70255, 70391, 85411),
        "bybit": (53, 75, 50041, 50077, 50209),
        "bybit-perp": (17, 53, 75, 305, 30043, 50077, 72059, 83432, 83594),
        "hyperliquid": (39, 305, 50197, 60019, 70266, 70439, 74013, 74053, 81535, 88133, 88141, 910049),
    },
}
