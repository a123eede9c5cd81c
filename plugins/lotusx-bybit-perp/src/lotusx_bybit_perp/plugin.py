"""What LotusX must know about Bybit's perpetuals before anyone connects, and how the parts are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.plugin import hookimpl
from lotusx_bybit.v5 import lotusx_codecs, lotusx_signer
from lotusx_bybit_perp.facts import FACTS

if TYPE_CHECKING:
    from lotusx.plugin import ExchangeFacts

__all__ = ["lotusx_codecs", "lotusx_exchanges", "lotusx_signer"]


@hookimpl
def lotusx_exchanges() -> list[ExchangeFacts]:
    """Return the facts of Bybit's perpetuals."""
    return [FACTS]
