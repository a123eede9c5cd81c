"""Where OKX is reached. Demo trading has sockets of its own and shares the REST host: a header tells the two apart.

Source: OKX API v5 (2026-06), overview-production-trading-services and overview-demo-trading-services. Accounts of OKX
US and of the EEA have other hosts, which are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lotusx.plugin import Environment

DEMO = "demo"
DEMO_HEADER = ("x-simulated-trading", "1")
"""What every request of demo trading carries."""

PUBLIC, BUSINESS, PRIVATE = "public", "business", "private"
_REST = "https://openapi.okx.com"


def _environment(name: str, rest: str, ws: str, *, real_money: bool = False) -> Environment:
    groups = {group: f"{ws}/ws/v5/{group}" for group in (PUBLIC, BUSINESS, PRIVATE)}
    return Environment(name, rest={"api": rest}, ws=groups, real_money=real_money)


ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType(
    {
        "live": _environment("live", _REST, "wss://ws.okx.com:8443", real_money=True),
        DEMO: _environment(DEMO, _REST, "wss://wspap.okx.com:8443"),
        "simulator": _environment("simulator", "{base}", "{ws}"),
    }
)
