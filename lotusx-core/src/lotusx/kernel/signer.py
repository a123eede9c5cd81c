"""Signing: the last step before a request's bytes go out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from lotusx.kernel.request import Request, SigningContext


class Signer(Protocol):
    """Adds one exchange's authentication. Pure: reads no clock, does no I/O, keeps no state between calls.

    Where the exchange refuses a nonce that one key has used, a signer has a text ``nonce_scope`` that names its key:
    connections which were given the same `BudgetRegistry` then share their nonces.
    """

    def sign_request(self, request: Request, context: SigningContext) -> Request:
        """Return a copy of *request* that carries its signature.

        Args:
            request: ``query`` and ``body`` are final bytes; signing must not re-encode them.
            context: ``now_ms`` (Unix epoch, the exchange's clock), ``nonce``, ``receive_window_ms``.

        Raises:
            CredentialsError: The key is of the wrong kind or cannot be parsed.
        """

    def sign_message(self, payload: Mapping[str, Any], context: SigningContext) -> dict[str, Any]:
        """Return a copy of a WebSocket message's parameters that carries its signature."""
