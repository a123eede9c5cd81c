"""What LotusX must know about Binance before anyone connects to it, and how the parts of each market are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.plugin import hookimpl
from lotusx_binance.facts import FACTS
from lotusx_binance.perp.facts import FACTS as PERP_FACTS

if TYPE_CHECKING:
    from lotusx.plugin import Connector, ExchangeFacts, Kernel, RestDialect, Signer, WsCodec


@hookimpl
def lotusx_exchanges() -> list[ExchangeFacts]:
    """Return the exchanges of this distribution."""
    return [FACTS, PERP_FACTS]


@hookimpl
def lotusx_signer(exchange: str, credentials: Mapping[str, Any]) -> Signer:
    """Build the signer of one account; every market signs in the same way."""
    from lotusx_binance.signer import signer_from

    return signer_from(credentials)


@hookimpl
def lotusx_rest_dialect(exchange: str) -> RestDialect:
    """Return what Binance's errors and limits look like."""
    if exchange == PERP_FACTS.name:
        from lotusx_binance.perp.errors import PerpDialect

        return PerpDialect(exchange)
    from lotusx_binance.errors import SpotDialect

    return SpotDialect(exchange)


@hookimpl
def lotusx_codecs(exchange: str, signer: Signer | None, credentials: Mapping[str, Any]) -> Mapping[str, WsCodec]:
    """Return the dialects of the streams, of user data and of the WebSocket API."""
    from lotusx_binance.codec import ApiCodec, StreamCodec

    if exchange == PERP_FACTS.name:
        from lotusx_binance.perp.codec import PrivateCodec

        return {
            "public": StreamCodec(),
            "market": StreamCodec(),
            "private": PrivateCodec(),
            "api": ApiCodec(exchange, signer),
        }
    return {"market": StreamCodec(), "api": ApiCodec(exchange, signer)}


@hookimpl
def lotusx_connector(exchange: str, kernel: Kernel) -> Connector:
    """Build the ports."""
    if exchange == PERP_FACTS.name:
        from lotusx_binance.perp.connector import BinancePerpConnector

        return BinancePerpConnector(kernel)
    from lotusx_binance.connector import BinanceConnector

    return BinanceConnector(kernel)
