"""What LotusX must know about Binance spot before anyone connects to it, and how its parts are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.plugin import hookimpl
from lotusx_binance.facts import FACTS

if TYPE_CHECKING:
    from lotusx.plugin import Connector, ExchangeFacts, Kernel, RestDialect, Signer, WsCodec


@hookimpl
def lotusx_exchanges() -> list[ExchangeFacts]:
    """Return the exchanges of this distribution."""
    return [FACTS]


@hookimpl
def lotusx_signer(exchange: str, credentials: Mapping[str, Any]) -> Signer:
    """Build the signer of one account."""
    from lotusx_binance.signer import signer_from

    return signer_from(credentials)


@hookimpl
def lotusx_rest_dialect(exchange: str) -> RestDialect:
    """Return what Binance's errors and limits look like."""
    from lotusx_binance.errors import SpotDialect

    return SpotDialect(exchange)


@hookimpl
def lotusx_codecs(exchange: str, signer: Signer | None, credentials: Mapping[str, Any]) -> Mapping[str, WsCodec]:
    """Return the dialects of the market streams and of the WebSocket API."""
    from lotusx_binance.codec import ApiCodec, StreamCodec

    return {"market": StreamCodec(), "api": ApiCodec(exchange, signer)}


@hookimpl
def lotusx_connector(exchange: str, kernel: Kernel) -> Connector:
    """Build the ports."""
    from lotusx_binance.connector import BinanceConnector

    return BinanceConnector(kernel)
