"""Seeds that once failed, by version of the plan and by exchange. Those of this version are run again, for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FOUND: Mapping[int, Mapping[str, Sequence[int]]] = {
    1: {
        "binance": (54,),
        "binance-perp": (54, 84),
        "bybit-perp": (17, 305),
        "hyperliquid": (305,),
    },
}
