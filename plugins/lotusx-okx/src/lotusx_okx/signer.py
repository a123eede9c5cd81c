"""Signatures of OKX: HMAC-SHA256 in base64, over time, verb, path with query, and body.

Source: OKX API v5 (2026-06), overview-rest-authentication and overview-websocket-login.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NoReturn

from lotusx.errors import CredentialsError
from lotusx.plugin import Request, Secret, SigningContext

WITH_DEADLINE = frozenset(
    {
        "/api/v5/trade/order",
        "/api/v5/trade/batch-orders",
        "/api/v5/trade/amend-order",
        "/api/v5/trade/amend-batch-orders",
    }
)
"""Commands that the exchange drops after a deadline. Source: overview-transaction-timeouts-rest-api."""

_LOGIN = "GET/users/self/verify"


def signing_key(secret: str) -> Callable[[bytes], str]:
    """Return a function that signs in base64."""
    prepared = hmac.new(secret.encode(), digestmod="sha256")

    def sign(payload: bytes) -> str:
        mac = prepared.copy()
        mac.update(payload)
        return b64encode(mac.digest()).decode()

    return sign


def iso_ms(now_ms: int) -> str:
    """Write a time as requests carry it.

    >>> iso_ms(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    moment = datetime.fromtimestamp(now_ms // 1_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{now_ms % 1_000:03d}Z"


def text_to_sign(request: Request, context: SigningContext) -> str:
    """Return time, verb, path with its query, and body, one after the other, as they go out."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    return f"{iso_ms(context.now_ms)}{request.verb}{target}{request.body.decode()}"


class OkxSigner:
    """Signs for one key. Holds the prepared key inside a closure: nothing here shows or pickles it."""

    __slots__ = ("_api_key", "_passphrase", "_sign")

    def __init__(self, api_key: str, sign: Callable[[bytes], str], passphrase: Secret) -> None:
        self._api_key = api_key
        self._sign = sign
        self._passphrase = passphrase

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_key='{self._api_key[:4]}…')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer holds a secret and cannot be pickled")

    def sign_request(self, request: Request, context: SigningContext) -> Request:
        """Return *request* with the headers that carry key, time, passphrase and signature.

        New orders and amendments get the deadline, too, after which the exchange drops them unread: the stamp's own
        tolerance is 30 seconds.
        """
        headers = [
            ("OK-ACCESS-KEY", self._api_key),
            ("OK-ACCESS-SIGN", self._sign(text_to_sign(request, context).encode())),
            ("OK-ACCESS-TIMESTAMP", iso_ms(context.now_ms)),
            ("OK-ACCESS-PASSPHRASE", self._passphrase.reveal()),
        ]
        if request.verb == "POST" and request.path in WITH_DEADLINE:
            headers.append(("expTime", str(context.now_ms + context.receive_window_ms)))
        return replace(request, headers=(*request.headers, *headers))

    def sign_message(self, payload: Mapping[str, Any], context: SigningContext) -> dict[str, Any]:
        """Return what logs a socket in; the time is in whole seconds."""
        stamp = str(context.now_ms // 1_000)
        return {
            **payload,
            "apiKey": self._api_key,
            "passphrase": self._passphrase.reveal(),
            "timestamp": stamp,
            "sign": self._sign(f"{stamp}{_LOGIN}".encode()),
        }


def signer_from(credentials: Mapping[str, Any]) -> OkxSigner:
    """Build the signer of one key.

    Raises:
        CredentialsError: One is missing; the value is never part of the text.
    """
    api_key, secret = _text(credentials, "api_key"), _text(credentials, "api_secret")
    passphrase = Secret(_text(credentials, "passphrase"))
    return OkxSigner(api_key, signing_key(secret), passphrase)


def _text(credentials: Mapping[str, Any], name: str) -> str:
    value = credentials.get(name)
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str) or not text:
        raise CredentialsError(f"okx: {name} is missing")
    return text
