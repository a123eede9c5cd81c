"""Hooks that are the same for every product of Bybit; a plugin module takes them over by importing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.plugin import hookimpl

if TYPE_CHECKING:
    from lotusx.plugin import Environment, RestDialect, Signer, WsCodec


@hookimpl
def lotusx_signer(exchange: str, credentials: Mapping[str, Any]) -> Signer:
    """Build the signer of one account."""
    from lotusx_bybit.v5.signer import signer_from

    return signer_from(exchange, credentials)


@hookimpl
def lotusx_rest_dialect(exchange: str) -> RestDialect:
    """Return what Bybit's errors and quotas look like."""
    from lotusx_bybit.v5.errors import RestErrors

    return RestErrors(exchange)


@hookimpl
def lotusx_codecs(exchange: str, environment: Environment, signer: Signer | None) -> Mapping[str, WsCodec]:
    """Return the dialects of the public streams, the account's streams and order entry, as far as they are here."""
    from lotusx_bybit.v5.category import Category
    from lotusx_bybit.v5.codec import AccountCodec, PublicCodec, TradeCodec

    public = {group: url for group, url in environment.ws.items() if "/public/" in url}
    categories = [Category(url.rpartition("/")[2]) for url in public.values()]
    codecs: dict[str, WsCodec] = {group: PublicCodec(exchange) for group in public}
    codecs["account"] = AccountCodec(exchange, signer, categories)
    if "trade" in environment.ws:
        codecs["trade"] = TradeCodec(exchange, signer)
    return codecs
