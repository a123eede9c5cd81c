"""What LotusX must know about Hyperliquid before anyone connects to it, and how its parts are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.plugin import hookimpl
from lotusx_hyperliquid.environments import is_mainnet
from lotusx_hyperliquid.facts import FACTS

if TYPE_CHECKING:
    from lotusx.plugin import Connector, Environment, ExchangeFacts, Kernel, RestDialect, Signer, WsCodec


@hookimpl
def lotusx_exchanges() -> list[ExchangeFacts]:
    """Return the exchanges of this distribution."""
    return [FACTS]


@hookimpl
def lotusx_signer(environment: Environment, credentials: Mapping[str, Any]) -> Signer | None:
    """Build the signer of one key; ``None``: an address to read is all there is."""
    from lotusx_hyperliquid.signer import signer_from

    return signer_from(credentials, mainnet=is_mainnet(environment))


@hookimpl
def lotusx_rest_dialect(exchange: str) -> RestDialect:
    """Return what Hyperliquid's errors look like."""
    from lotusx_hyperliquid.errors import HyperliquidDialect

    return HyperliquidDialect(exchange)


@hookimpl
def lotusx_codecs(signer: Signer | None, credentials: Mapping[str, Any]) -> Mapping[str, WsCodec]:
    """Return the dialects of market data, of the fast books and of the account's channels and orders."""
    from lotusx_hyperliquid.accounts import user_of
    from lotusx_hyperliquid.codec import HyperliquidCodec

    return {
        "market": HyperliquidCodec(),
        "fast": HyperliquidCodec(fast=True),
        "account": HyperliquidCodec(user_of(signer, credentials)),
    }


@hookimpl
def lotusx_connector(kernel: Kernel) -> Connector:
    """Build the ports."""
    from lotusx_hyperliquid.connector import HyperliquidConnector

    return HyperliquidConnector(kernel)
