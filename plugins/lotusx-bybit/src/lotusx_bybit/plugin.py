"""What LotusX must know about Bybit spot before anyone connects, and how the parts are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.plugin import hookimpl
from lotusx_bybit.facts import FACTS
from lotusx_bybit.v5 import lotusx_codecs, lotusx_rest_dialect, lotusx_signer

if TYPE_CHECKING:
    from lotusx.plugin import Connector, ExchangeFacts, Kernel

__all__ = ["lotusx_codecs", "lotusx_connector", "lotusx_exchanges", "lotusx_rest_dialect", "lotusx_signer"]


@hookimpl
def lotusx_exchanges() -> list[ExchangeFacts]:
    """Return the facts of Bybit spot."""
    return [FACTS]


@hookimpl
def lotusx_connector(kernel: Kernel) -> Connector:
    """Build the ports."""
    from lotusx_bybit.connector import BybitConnector

    return BybitConnector(kernel)
