"""Where Hyperliquid is reached. One address serves everything; signatures, not addresses, separate the networks.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs, "API" and "Websocket".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lotusx.plugin import Environment


def _environment(name: str, rest: str, ws: str, *, real_money: bool = False) -> Environment:
    # Three groups of one address: market data; the fast books, which no message tells from the slow ones; and what
    # belongs to an account (its streams, order entry).
    groups = {"market": ws, "fast": ws, "account": ws}
    return Environment(name=name, rest={"api": rest}, ws=groups, real_money=real_money)


ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType(
    {
        "live": _environment("live", "https://api.hyperliquid.xyz", "wss://api.hyperliquid.xyz/ws", real_money=True),
        # Its own listings: asset ids and token ids differ from those of the live exchange.
        "testnet": _environment(
            "testnet", "https://api.hyperliquid-testnet.xyz", "wss://api.hyperliquid-testnet.xyz/ws"
        ),
        "simulator": _environment("simulator", "{base}", "{ws}/ws"),
    }
)


def is_mainnet(environment: Environment) -> bool:
    """Say whether signatures are those of the main network; a simulator counts as one."""
    return environment.name != "testnet"
