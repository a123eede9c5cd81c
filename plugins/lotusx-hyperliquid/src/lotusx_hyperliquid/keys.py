"""One secp256k1 key: its address, and signatures that the address can be recovered from. Imports coincurve."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from coincurve import PrivateKey

from lotusx.errors import CredentialsError
from lotusx_hyperliquid.hashing import keccak256

_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


class Key:
    """A private key. Nothing here shows or pickles it.

    Args:
        text: 64 hexadecimal digits, with or without ``0x``.

    Raises:
        CredentialsError: It is no private key.
    """

    __slots__ = ("_sign", "address")

    def __init__(self, text: str) -> None:
        found = _HEX.fullmatch(text.strip())
        if found is None:
            raise CredentialsError(
                "hyperliquid: private_key must be 64 hexadecimal digits, with or without 0x in front "
                "(40 digits are an address, words are a seed phrase: neither can sign)"
            )
        try:
            key = PrivateKey(bytes.fromhex(found[1]))
        except ValueError:
            raise CredentialsError("hyperliquid: private_key is not a number the curve secp256k1 admits") from None
        self._sign = key.sign_recoverable
        self.address = "0x" + keccak256(key.public_key.format(compressed=False)[1:])[-20:].hex()

    def sign(self, digest: bytes) -> dict[str, Any]:
        """Return ``r`` and ``s`` as 64 digits of hex, and ``v``, for 32 bytes. Deterministic (RFC 6979), low s."""
        signature = self._sign(digest, hasher=None)
        return {"r": f"0x{signature[:32].hex()}", "s": f"0x{signature[32:64].hex()}", "v": 27 + signature[64]}

    def __repr__(self) -> str:
        return f"Key({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is a secret and cannot be pickled")
