"""Where Binance USDⓈ-M futures are reached, and what is missing where.

Market data is split over two addresses since 2026-03-06, and the old single one was retired on 2026-04-23. To connect
to that, or to the wrong one of the two, succeeds and stays silent. Source: developers.binance.com, USDⓈ-M futures,
"General info" and "WebSocket market streams".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lotusx.plugin import Capability, Environment, Support

_NO_SAPI: Mapping[Capability, Support] = MappingProxyType(
    {
        Capability.TRANSFER: Support.not_offered("environment='live' (there is no /sapi here)"),
        Capability.PERMISSIONS: Support.not_offered("native.account_config(), whose canTrade tells of the account"),
    }
)

ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType(
    {
        "live": Environment(
            name="live",
            rest={"fapi": "https://fapi.binance.com", "sapi": "https://api.binance.com"},
            ws={
                "public": "wss://fstream.binance.com/public/stream",
                "market": "wss://fstream.binance.com/market/stream",
                "private": "wss://fstream.binance.com/private/ws",
                "api": "wss://ws-fapi.binance.com/ws-fapi/v1",
            },
            real_money=True,
        ),
        # Keys from demo.binance.com. The documents also name wss://fstream.binancefuture.com for the streams; the newer
        # ones name this. Of the WebSocket API they know the older host only.
        "demo": Environment(
            name="demo",
            rest={"fapi": "https://demo-fapi.binance.com"},
            ws={
                "public": "wss://demo-fstream.binance.com/public/stream",
                "market": "wss://demo-fstream.binance.com/market/stream",
                "private": "wss://demo-fstream.binance.com/private/ws",
                "api": "wss://testnet.binancefuture.com/ws-fapi/v1",
            },
            lacks=_NO_SAPI,
        ),
        "simulator": Environment(
            name="simulator",
            rest={"fapi": "{base}", "sapi": "{base}"},
            ws={
                "public": "{ws}/public/stream",
                "market": "{ws}/market/stream",
                "private": "{ws}/private/ws",
                "api": "{ws}/ws-fapi/v1",
            },
        ),
    }
)
