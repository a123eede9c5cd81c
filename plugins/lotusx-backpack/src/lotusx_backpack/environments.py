"""Where Backpack is reached. One host serves REST, one the streams, public and private alike.

Source: the exchange's OpenAPI document (2026-08), "servers" and "Streams". It names no test environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lotusx.plugin import Environment


def _environment(name: str, rest: str, ws: str, *, real_money: bool = False) -> Environment:
    # Two groups of one address, so that what belongs to an account has sockets of its own.
    return Environment(name=name, rest={"api": rest}, ws={"market": ws, "account": ws}, real_money=real_money)


ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType(
    {
        "live": _environment("live", "https://api.backpack.exchange", "wss://ws.backpack.exchange", real_money=True),
        "simulator": _environment("simulator", "{base}", "{ws}"),
    }
)
