"""A way to break a connection on purpose, before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import lotusx
from lotusx.kernel.transport import WsTransport
from lotusx.plugin.manager import PluginManager

SameWs = Callable[[WsTransport], WsTransport]
SameManager = Callable[[PluginManager], "OtherParts"]


@dataclass(frozen=True, slots=True)
class Broken:
    """A deliberately broken variant of a connection, and the invariant that must catch it.

    Attributes:
        what: The mistake, and where it is found in the field.
        ws: Puts a transport in front of the real one. ``manager``: makes the plugin's parts.
        opened: Changes parts of the kernel that exist only once the connection has been opened.
        faults: What has to go wrong for the mistake to show; ``scenario``: what has to be played besides.
        exchanges: Where it is a mistake; empty: everywhere.
    """

    name: str
    invariant: str
    what: str
    faults: tuple[str, ...]
    ws: SameWs | None = None
    manager: SameManager | None = None
    opened: Callable[[lotusx.Exchange], None] | None = None
    exchanges: tuple[str, ...] = ()
    scenario: str = ""

    def tamper(self, connection: lotusx.Exchange) -> None:
        """Exchange the plugin's parts of a connection that has not been opened."""
        if self.manager is not None:
            wiring: Any = cast("Any", connection)._start.__self__
            other, parts = self.manager(wiring.parts.manager), wiring.parts
            signer = other.other_signer(parts.signer, parts.credentials)
            wiring.parts = replace(parts, manager=other, signer=signer)


class OtherParts:
    """A plugin manager that passes everything on; variants override what they break."""

    def __init__(self, inner: PluginManager) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def other_signer(self, signer: Any, credentials: Mapping[str, Any]) -> Any:
        """Return what signs instead of *signer*."""
        del credentials
        return signer


class Passing:
    """Stands in front of any object and passes everything on; variants override what they break."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
