"""What LotusX must know about Backpack before anyone connects to it, and how its parts are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.plugin import hookimpl
from lotusx_backpack.facts import FACTS

if TYPE_CHECKING:
    from lotusx.plugin import Connector, ExchangeFacts, Kernel, RestDialect, Signer, WsCodec


@hookimpl
def lotusx_exchanges() -> list[ExchangeFacts]:
    """Return the exchanges of this distribution."""
    return [FACTS]


@hookimpl
def lotusx_signer(credentials: Mapping[str, Any]) -> Signer:
    """Build the signer of one key pair."""
    from lotusx_backpack.signer import signer_from

    return signer_from(credentials)


@hookimpl
def lotusx_rest_dialect(exchange: str) -> RestDialect:
    """Return what Backpack's errors look like."""
    from lotusx_backpack.errors import BackpackDialect

    return BackpackDialect(exchange)


@hookimpl
def lotusx_codecs(signer: Signer | None) -> Mapping[str, WsCodec]:
    """Return the dialect of the streams, public and private."""
    from lotusx_backpack.codec import BackpackCodec

    return {"market": BackpackCodec(), "account": BackpackCodec(signer)}


@hookimpl
def lotusx_connector(kernel: Kernel) -> Connector:
    """Build the ports."""
    from lotusx_backpack.connector import BackpackConnector

    return BackpackConnector(kernel)
