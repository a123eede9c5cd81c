"""Which of this project's packages brings which exchange. No other is ever suggested: anybody may have published it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

PACKAGES: Mapping[str, str] = {
    "backpack": "lotusx-backpack",
    "binance": "lotusx-binance",
    "binance-perp": "lotusx-binance",
    "bybit": "lotusx-bybit",
    "bybit-perp": "lotusx-bybit-perp",
    "gateway": "lotusx-gateway",
    "hyperliquid": "lotusx-hyperliquid",
    "okx": "lotusx-okx",
    "replay": "lotusx-recorder",
}
"""Exchange → package."""


def how_to_install(exchange: str) -> str:
    """Return the command that installs *exchange*, or the one that was meant; empty: this project has none like it."""
    near = difflib.get_close_matches(exchange.partition(":")[0], PACKAGES, n=1)
    return f"pip install {PACKAGES[near[0]]}" if near else ""
