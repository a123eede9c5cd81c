"""Verifies signatures over the bytes as they were received. Source: rest-api.md, request security.

REST signs the percent-encoded query followed by the body with nothing between; the WS API signs its parameters
sorted by name, raw UTF-8. Ed25519 and RSA need the ``keys`` extra.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key the venue knows. ``kind`` is hmac, ed25519 or rsa; ``verifier`` the secret, or the public key as PEM."""

    key: str
    account: str
    verifier: str = field(repr=False)
    kind: str = "hmac"
    may_trade: bool = True
    may_read: bool = True
    may_withdraw: bool = False


def rest_payload(query: str, body: str) -> tuple[str, str | None]:
    """Split what was signed from its signature; the signature is decoded, None when there is none."""
    signature: str | None = None
    kept: list[str] = []
    for part in (query, body):
        items = []
        for item in part.split("&"):
            if item.startswith("signature="):
                signature = unquote(item.removeprefix("signature="))
            else:
                items.append(item)
        kept.append("&".join(items))
    return "".join(kept), signature


def ws_payload(params: Mapping[str, str]) -> str:
    """Return what a WS API request signs: all parameters but the signature, sorted, not percent-encoded."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")


def is_signed_by(key: ApiKey, payload: str, signature: str) -> bool:
    """Tell whether *signature* proves that the owner of *key* signed *payload*."""
    if key.kind == "hmac":
        expected = hmac.new(key.verifier.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, signature.lower())
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return _verify_asymmetric(key, payload.encode(), raw)


def _verify_asymmetric(key: ApiKey, payload: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = load_pem_public_key(key.verifier.encode())
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, payload)
        elif isinstance(public, RSAPublicKey):
            public.verify(signature, payload, padding.PKCS1v15(), SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True
