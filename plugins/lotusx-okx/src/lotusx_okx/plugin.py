"""What LotusX must know about OKX before anyone connects to it, and how its parts are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.plugin import hookimpl
from lotusx_okx.facts import FACTS

if TYPE_CHECKING:
    from lotusx.plugin import Connector, ExchangeFacts, Kernel, RestDialect, Signer, WsCodec


@hookimpl
def lotusx_exchanges() -> list[ExchangeFacts]:
    """Return the exchanges of this distribution."""
    return [FACTS]


@hookimpl
def lotusx_signer(credentials: Mapping[str, Any]) -> Signer:
    """Build the signer of one key."""
    from lotusx_okx.signer import signer_from

    return signer_from(credentials)


@hookimpl
def lotusx_rest_dialect(exchange: str) -> RestDialect:
    """Return what OKX's errors look like."""
    from lotusx_okx.errors import OkxDialect

    return OkxDialect(exchange)


@hookimpl
def lotusx_codecs(exchange: str, signer: Signer | None) -> Mapping[str, WsCodec]:
    """Return the dialect of each group of WebSocket addresses."""
    from lotusx_okx.codec import OkxCodec

    public = OkxCodec(exchange)
    return {"public": public, "business": public, "private": OkxCodec(exchange, signer, private=True)}


@hookimpl
def lotusx_connector(kernel: Kernel) -> Connector:
    """Build the ports."""
    from lotusx_okx.connector import OkxConnector

    return OkxConnector(kernel)
