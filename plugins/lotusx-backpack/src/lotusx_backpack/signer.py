"""Backpack's signatures: Ed25519 over the call's parameters in a fixed order.

What is signed is ``instruction=…``, then the parameters that are really sent, sorted by name and not percent-encoded,
then ``timestamp`` and ``window``. A batch repeats the instruction for every order, in the order of the batch. Source:
the exchange's OpenAPI document (2026-08), "Authentication" and "Streams / Private", and its Rust client.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lotusx.errors import CredentialsError, InvalidArgument
from lotusx.plugin import Request, Secret, SigningContext
from lotusx_backpack.facts import MAX_RECEIVE_WINDOW_MS
from lotusx_backpack.instructions import INSTRUCTIONS, SUBSCRIBE

_KEY_BYTES = 32

# A number with a point is signed as its text on the wire, whatever its value.
_decode_body = msgspec.json.Decoder(float_hook=str).decode


def signing_key(api_key: str, api_secret: str) -> Callable[[bytes], str]:
    """Return a function that signs in base64.

    Args:
        api_key: The public key, base64 of 32 bytes.
        api_secret: Base64 of the 32-byte seed, or of seed and public key one after the other.

    Raises:
        CredentialsError: One cannot be read, or the two do not belong together.
    """
    public, secret = _key_bytes("api_key", api_key), _key_bytes("api_secret", api_secret)
    if len(public) != _KEY_BYTES:
        raise CredentialsError(f"backpack: api_key must be {_KEY_BYTES} bytes in base64, not {len(public)}")
    if len(secret) not in (_KEY_BYTES, 2 * _KEY_BYTES):
        raise CredentialsError(f"backpack: api_secret must be {_KEY_BYTES} bytes in base64, not {len(secret)}")
    key = Ed25519PrivateKey.from_private_bytes(secret[:_KEY_BYTES])
    if key.public_key().public_bytes_raw() != public or secret[_KEY_BYTES:] not in (b"", public):
        raise CredentialsError(
            "backpack: api_key is not the public key of api_secret; take both from the same pair, and do not swap them"
        )
    return lambda payload: b64encode(key.sign(payload)).decode()


def _key_bytes(name: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        raise CredentialsError(f"backpack: {name} is not base64") from None


class BackpackSigner:
    """Signs for one key pair. Holds the prepared key inside a closure: nothing here shows or pickles it."""

    __slots__ = ("_api_key", "_sign")

    def __init__(self, api_key: str, sign: Callable[[bytes], str]) -> None:
        self._api_key = api_key
        self._sign = sign

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_key='{self._api_key[:4]}…')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer holds a secret and cannot be pickled")

    def sign_request(self, request: Request, context: SigningContext) -> Request:
        """Return *request* with the headers that carry key, signature, time and receive window.

        Raises:
            InvalidArgument: The call has no instruction, or a parameter of a kind whose signing is not documented.
        """
        _, signature, stamp, window = self._signed(request_text(request), context)
        headers = (
            ("X-API-Key", self._api_key),
            ("X-Signature", signature),
            ("X-Timestamp", stamp),
            ("X-Window", window),
        )
        return replace(request, headers=request.headers + headers)

    def sign_message(self, payload: Mapping[str, Any], context: SigningContext) -> dict[str, Any]:
        """Return the message that subscribes to private streams, or ends them; their names are not signed."""
        return {**payload, "signature": self._signed(f"instruction={SUBSCRIBE}", context)}

    def _signed(self, text: str, context: SigningContext) -> list[str]:
        if not 0 < context.receive_window_ms <= MAX_RECEIVE_WINDOW_MS:
            raise InvalidArgument(
                f"backpack: receive_window_ms is at most {MAX_RECEIVE_WINDOW_MS}, not {context.receive_window_ms}",
                rule="receive_window_ms",
                nearest=(MAX_RECEIVE_WINDOW_MS,),
            )
        stamp, window = str(context.now_ms), str(context.receive_window_ms)
        signature = self._sign(f"{text}&timestamp={stamp}&window={window}".encode())
        return [self._api_key, signature, stamp, window]


def request_text(request: Request) -> str:
    """Return what is signed of a request, without time and receive window.

    Raises:
        InvalidArgument: As in `BackpackSigner.sign_request`.
    """
    instruction = INSTRUCTIONS.get((request.verb.value, request.path))
    if instruction is None:
        raise InvalidArgument(
            f"backpack: {request.verb} {request.path} has no instruction, so it cannot be signed", rule="instruction"
        )
    query, content = _query(request.query), _body(request.body)
    if isinstance(content, list):
        if not content or query:
            raise InvalidArgument("backpack: a batch holds at least one order, and has no query", rule="signature")
        return "&".join(signing_text(instruction, _object(item)) for item in content)
    parts = (f"instruction={instruction}", *_pairs(query), *_pairs(content))
    return "&".join(parts)


def signing_text(instruction: str, params: Mapping[str, Any]) -> str:
    """Return an instruction with its parameters, sorted.

    >>> signing_text("orderCancel", {"symbol": "BTC_USDT", "orderId": "28"})
    'instruction=orderCancel&orderId=28&symbol=BTC_USDT'
    """
    return "&".join((f"instruction={instruction}", *_pairs(params)))


def _pairs(params: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name}={_text(name, params[name])}" for name in sorted(params))


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    kind = "null" if value is None else "a list or an object"
    raise InvalidArgument(f"backpack: {name} is {kind}; how that is signed is not documented", rule="signature")


def _query(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise InvalidArgument("backpack: the query cannot be read, so it cannot be signed", rule="signature") from None
    params = dict(pairs)
    if len(params) != len(pairs):
        raise InvalidArgument(
            "backpack: a parameter occurs twice in the query; how that is signed is not documented", rule="signature"
        )
    return params


def _body(body: bytes) -> Mapping[str, Any] | list[Any]:
    try:
        content = _decode_body(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidArgument("backpack: the body is not JSON, so it cannot be signed", rule="signature") from None
    return content if isinstance(content, list) else _object(content)


def _object(content: object) -> Mapping[str, Any]:
    if isinstance(content, dict):
        return content
    raise InvalidArgument("backpack: only objects, and lists of them, can be signed", rule="signature")


def _reveal(credentials: Mapping[str, Any], name: str) -> str:
    value = credentials.get(name) or ""
    return (value.reveal() if isinstance(value, Secret) else str(value)).strip()


def signer_from(credentials: Mapping[str, Any]) -> BackpackSigner:
    """Build the signer of ``api_key`` and ``api_secret``.

    Raises:
        CredentialsError: One is missing or cannot be read, or the two do not belong together.
    """
    api_key, api_secret = _reveal(credentials, "api_key"), _reveal(credentials, "api_secret")
    if not api_key or not api_secret:
        raise CredentialsError(f"backpack: {'api_secret' if api_key else 'api_key'} is missing")
    return BackpackSigner(api_key, signing_key(api_key, api_secret))
