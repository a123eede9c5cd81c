"""Where Binance spot is reached, and what is missing where.

Source: binance-spot-api-docs, rest-api.md and web-socket-api.md (general information), testnet/ and demo-mode/.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lotusx.plugin import Capability, Environment, Support

_NO_SAPI: Mapping[Capability, Support] = MappingProxyType(
    {
        Capability.PERMISSIONS: Support.not_offered(
            "native.account(), whose canTrade and canWithdraw say what the account may do (there is no /sapi here)"
        ),
        Capability.DEPOSITS: Support.not_offered("environment='live' (there is no /sapi here)"),
        Capability.WITHDRAWALS: Support.not_offered("environment='live' (there is no /sapi here)"),
        Capability.TRANSFER: Support.not_offered("environment='live' (there is no /sapi here)"),
    }
)

ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType(
    {
        "live": Environment(
            name="live",
            rest={"api": "https://api.binance.com", "sapi": "https://api.binance.com"},
            ws={
                "market": "wss://stream.binance.com:9443/stream",
                "api": "wss://ws-api.binance.com:443/ws-api/v3",
            },
            real_money=True,
        ),
        # Its own keys; wiped about once a month.
        "testnet": Environment(
            name="testnet",
            rest={"api": "https://testnet.binance.vision"},
            ws={
                "market": "wss://stream.testnet.binance.vision/stream",
                "api": "wss://ws-api.testnet.binance.vision/ws-api/v3",
            },
            lacks=_NO_SAPI,
        ),
        # Since 2026-01-29; keys from demo.binance.com.
        "demo": Environment(
            name="demo",
            rest={"api": "https://demo-api.binance.com"},
            ws={
                "market": "wss://demo-stream.binance.com/stream",
                "api": "wss://demo-ws-api.binance.com/ws-api/v3",
            },
            lacks=_NO_SAPI,
        ),
        "simulator": Environment(
            name="simulator",
            rest={"api": "{base}", "sapi": "{base}"},
            ws={"market": "{ws}/stream", "api": "{ws}/ws-api/v3"},
        ),
    }
)
