"""Bybit's signatures: HMAC-SHA256 without any extra package, RSA (PKCS#1 v1.5, SHA-256) with the extra ``[keys]``.

What is signed is ``timestamp + api key + receive window + query (or body)``, as the bytes that are sent; path, host and
method are not. Both WebSocket log-ins sign ``GET/realtime`` and their expiry. Source: bybit-exchange/docs, v5/guide
("Integration Guidance") and v5/ws/connect.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from lotusx.errors import CredentialsError
from lotusx.plugin import Request, Secret, SigningContext

LOG_IN_MARGIN_MS = 10_000
"""How long a WebSocket log-in stays valid. One second, another client's choice, has made log-ins fail."""


def hmac_sha256(secret: str) -> Callable[[bytes], str]:
    """Return a function that signs with *secret*, in lower-case hex."""
    key = secret.encode()
    return lambda payload: hmac.digest(key, payload, "sha256").hex()


def rsa_sha256(exchange: str, pem: str, passphrase: str | None = None) -> Callable[[bytes], str]:
    """Return a function that signs with the RSA key in *pem*, in base64.

    Raises:
        CredentialsError: ``cryptography`` is not installed, or *pem* is no such key.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise CredentialsError(
            f'{exchange}: an RSA key needs the package cryptography: pip install "lotusx-{exchange}[keys]"'
        ) from None
    try:
        key = load_pem_private_key(pem.encode(), passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CredentialsError(f"{exchange}: private_key cannot be read as PEM ({type(error).__name__})") from None
    if not isinstance(key, RSAPrivateKey):
        raise CredentialsError(f"{exchange}: private_key is not an RSA key but {type(key).__name__}")
    rsa, padding, digest = key, PKCS1v15(), SHA256()
    return lambda payload: b64encode(rsa.sign(payload, padding, digest)).decode()


class V5Signer:
    """Signs for one API key. Holds the prepared key inside a closure: nothing here shows or pickles it.

    Args:
        sign_type: Value of ``X-BAPI-SIGN-TYPE``; empty: the header is left out. It is optional, and sources disagree
            what an HMAC key has to say in it.
    """

    __slots__ = ("_api_key", "_sign", "_standing")

    def __init__(self, api_key: str, sign: Callable[[bytes], str], *, sign_type: str = "") -> None:
        self._api_key = api_key
        self._sign = sign
        self._standing = (("X-BAPI-API-KEY", api_key), *([("X-BAPI-SIGN-TYPE", sign_type)] if sign_type else ()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_key='{self._api_key[:4]}…')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer holds a secret and cannot be pickled")

    def sign_request(self, request: Request, context: SigningContext) -> Request:
        """Return *request* with the headers that carry key, time, receive window and signature."""
        stamp, window = str(context.now_ms), str(context.receive_window_ms)
        payload = f"{stamp}{self._api_key}{window}".encode() + (request.body or request.query.encode())
        headers = (
            *request.headers,
            *self._standing,
            ("X-BAPI-TIMESTAMP", stamp),
            ("X-BAPI-RECV-WINDOW", window),
            ("X-BAPI-SIGN", self._sign(payload)),
        )
        return replace(request, headers=headers)

    def sign_message(self, payload: Mapping[str, Any], context: SigningContext) -> dict[str, Any]:
        """Return the log-in of a private or a trade socket: *payload* with ``op`` and ``args``.

        Nothing else is signed on a socket; orders over the trade socket carry a time stamp only.
        """
        expires = context.now_ms + LOG_IN_MARGIN_MS
        signature = self._sign(f"GET/realtime{expires}".encode())
        return {**payload, "op": "auth", "args": [self._api_key, expires, signature]}


def _reveal(credentials: Mapping[str, Any], name: str) -> str:
    value = credentials.get(name) or ""
    return value.reveal() if isinstance(value, Secret) else str(value)


def signer_from(exchange: str, credentials: Mapping[str, Any]) -> V5Signer:
    """Build the signer that *credentials* ask for: ``api_key`` with ``api_secret`` or ``private_key``.

    Raises:
        CredentialsError: One is missing, both are there, or the key cannot be used.
    """
    api_key = _reveal(credentials, "api_key")
    secret, pem = _reveal(credentials, "api_secret"), _reveal(credentials, "private_key")
    if not api_key:
        raise CredentialsError(f"{exchange}: api_key is missing")
    if not api_key.isascii() or not api_key.isprintable():
        raise CredentialsError(f"{exchange}: api_key holds characters that no HTTP header may carry")
    if bool(secret) == bool(pem):
        raise CredentialsError(f"{exchange}: give one of api_secret (HMAC key) and private_key (RSA key)")
    if secret:
        return V5Signer(api_key, hmac_sha256(secret))
    return V5Signer(api_key, rsa_sha256(exchange, pem, _reveal(credentials, "passphrase")), sign_type="2")
