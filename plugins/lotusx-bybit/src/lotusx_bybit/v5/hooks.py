"""Hooks that are the same for every product of Bybit; a plugin module takes them over by importing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.plugin import hookimpl

if TYPE_CHECKING:
    from lotusx.plugin import Signer


@hookimpl
def lotusx_signer(exchange: str, credentials: Mapping[str, Any]) -> Signer:
    """Build the signer of one account."""
    from lotusx_bybit.v5.signer import signer_from

    return signer_from(exchange, credentials)
