"""Verifies Ed25519 signatures. Source: the exchange's OpenAPI document (2026-08), "Authentication".

Signed is ``instruction=…``, the parameters that were sent, sorted by name and not percent-encoded, then ``timestamp``
and ``window``. A batch repeats the instruction for each of its orders. Needs the ``keys`` extra.
"""

from __future__ import annotations

import binascii
import importlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lotusx_sim.dialects.backpack.errors import VenueError, bad
from lotusx_sim.wire import HttpRequest

# The key pair of the worked examples: the seed is the bytes 0 to 31.
DEFAULT_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
DEFAULT_API_KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
_LONGEST_WINDOW_MS = 60_000
_AHEAD_MS = 1_000  # how far ahead a stamp may be is not documented

# A number with a point is signed as its text on the wire.
_decode = msgspec.json.Decoder(float_hook=str).decode

Body = dict[str, Any] | list[dict[str, Any]]


class MissingLibrary(Exception):
    """Signatures cannot be verified: the ``keys`` extra is not installed."""


def require_libraries() -> None:
    """Raise `MissingLibrary` unless what verifies signatures is installed."""
    try:
        importlib.import_module("cryptography")
    except ImportError:
        raise MissingLibrary("Backpack's signatures need lotusx-sim[keys]: pip install 'lotusx-sim[keys]'") from None


@dataclass(frozen=True, slots=True)
class Key:
    """A key the venue knows: ``key`` is the public one, base64, and all it needs to verify."""

    key: str
    account: str = "main"
    may_trade: bool = True
    may_withdraw: bool = False


DEFAULT_KEY = Key(DEFAULT_API_KEY)


def public_key_of(secret: str) -> str:
    """Return the API key that belongs to a secret, both base64.

    Raises:
        ValueError: It is no seed of 32 bytes, or seed and public key of 64.
    """
    from base64 import b64encode

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = b64decode(secret, validate=True)
    if len(seed) not in (32, 64):
        raise ValueError("an API secret is 32 bytes in base64")
    return b64encode(Ed25519PrivateKey.from_private_bytes(seed[:32]).public_key().public_bytes_raw()).decode()


def read_body(body: bytes) -> Body:
    """Read a JSON object, or a list of them.

    Raises:
        VenueError: It is neither.
    """
    try:
        content = _decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VenueError("", "parse request payload error: invalid JSON") from None
    if isinstance(content, dict) or (isinstance(content, list) and all(isinstance(item, dict) for item in content)):
        return content
    raise VenueError("", "parse request payload error: expected an object")


def signing_text(instruction: str, params: Body) -> str:
    if isinstance(params, list):
        return "&".join(signing_text(instruction, item) for item in params)
    pairs = (f"{name}={_text(params[name])}" for name in sorted(params))
    return "&".join((f"instruction={instruction}", *pairs))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def signer_of(keys: Mapping[str, Key], request: HttpRequest, instruction: str, now_ms: int) -> Key:
    """Return whose request this is.

    Raises:
        VenueError: Headers are missing or unreadable, it came too late or too early, the key is unknown or did not
            sign this.
    """
    name, signature = request.header("x-api-key"), request.header("x-signature")
    stamp, window = request.header("x-timestamp"), request.header("x-window") or "5000"
    if not name or not signature or not stamp:
        raise bad("Missing X-API-Key, X-Signature or X-Timestamp header")
    params: Body = dict(parse_qsl(request.query, keep_blank_values=True))
    if request.method != "GET":
        params = read_body(request.body)
    key = keys.get(name)
    if key is None:
        raise VenueError("UNAUTHORIZED", "Unauthorized", 401)
    _check_time(stamp, window, now_ms)
    if not is_signed(name, signature, f"{signing_text(instruction, params)}&timestamp={stamp}&window={window}"):
        raise bad("Invalid signature")
    return key


def stream_signer(keys: Mapping[str, Key], signature: Any, now_ms: int) -> Key | None:
    """Return who signed a subscription, four texts; None: nobody known, or not now."""
    if not isinstance(signature, list) or len(signature) != 4 or not all(isinstance(item, str) for item in signature):
        return None
    name, signed, stamp, window = signature
    try:
        _check_time(stamp, window, now_ms)
    except VenueError:
        return None
    valid = name in keys and is_signed(name, signed, f"instruction=subscribe&timestamp={stamp}&window={window}")
    return keys[name] if valid else None


def _check_time(stamp: str, window: str, now_ms: int) -> None:
    if not (stamp.isdecimal() and stamp.isascii()):
        raise bad("Invalid X-Timestamp header")
    if not (window.isdecimal() and window.isascii()) or not 0 < int(window) <= _LONGEST_WINDOW_MS:
        raise bad("Invalid X-Window header")
    if int(stamp) > now_ms + _AHEAD_MS:
        raise bad("Invalid timestamp: it is in the future")
    if int(stamp) + int(window) < now_ms:
        raise bad("Request has expired")


def is_signed(key: str, signature: str, text: str) -> bool:
    """Tell whether the owner of *key* signed *text*."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(b64decode(key, validate=True))
        public.verify(b64decode(signature, validate=True), text.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
