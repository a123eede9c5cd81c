"""What Hyperliquid signatures cover: keccak-256 over packed actions and over EIP-712 structures.

Imports pycryptodome: only signers import this. Source: hyperliquid-python-sdk 0.24.0, hyperliquid/utils/signing.py, and
EIP-712. Everything that does not depend on the action is hashed once, when this module is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from Crypto.Hash import keccak

_ZERO_ADDRESS: Final = bytes(32)


def keccak256(data: bytes) -> bytes:
    """Return the 32 bytes of Ethereum's hash, which is not SHA3-256."""
    return keccak.new(digest_bits=256, data=data).digest()


def domain_separator(name: str, chain_id: int) -> bytes:
    """Hash the EIP-712 domain *name*, version 1, of no contract."""
    kind = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    return keccak256(
        keccak256(kind) + keccak256(name.encode()) + keccak256(b"1") + chain_id.to_bytes(32, "big") + _ZERO_ADDRESS
    )


# The "phantom agent" of exchange actions: the same chain id on both networks, told apart by the source.
_AGENT = keccak256(b"Agent(string source,bytes32 connectionId)")
_L1_PREFIX = b"\x19\x01" + domain_separator("Exchange", 1_337)
_MAINNET = _AGENT + keccak256(b"a")
_TESTNET = _AGENT + keccak256(b"b")


def action_hash(packed: bytes, nonce: int, *, vault: bytes | None = None, expires_after: int | None = None) -> bytes:
    """Hash an action, packed as msgpack, with all that goes out beside it.

    Args:
        nonce: Milliseconds.
        vault: The 20 bytes of ``vaultAddress``; ``None``: none is sent.
        expires_after: Milliseconds since the epoch; ``None``: none is sent.
    """
    preimage = packed + nonce.to_bytes(8, "big") + (b"\0" if vault is None else b"\x01" + vault)
    if expires_after is not None:
        preimage += b"\0" + expires_after.to_bytes(8, "big")
    return keccak256(preimage)


def l1_digest(connection_id: bytes, *, mainnet: bool) -> bytes:
    """Return what is signed for an exchange action, from its `action_hash`."""
    return keccak256(_L1_PREFIX + keccak256((_MAINNET if mainnet else _TESTNET) + connection_id))


def _text(value: str) -> bytes:
    return keccak256(value.encode())


def _number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _address(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")).rjust(32, b"\0")


_ENCODE: Mapping[str, Callable[[Any], bytes]] = MappingProxyType(
    {
        "string": _text,
        "uint64": _number,
        "bool": _number,
        "address": _address,
        "bytes32": lambda value: bytes.fromhex(value.removeprefix("0x")),
    }
)


class TypedData:
    """One EIP-712 type of user-signed actions: its hash, and how its fields are written.

    Args:
        name: Such as ``UsdSend``; the prefix ``HyperliquidTransaction:`` is added.
        fields: ``(type, name)`` in the order in which they are hashed, without ``hyperliquidChain``, which leads.
    """

    __slots__ = ("_encode", "_names", "_type_hash")

    def __init__(self, name: str, fields: tuple[tuple[str, str], ...]) -> None:
        listed = (("string", "hyperliquidChain"), *fields)
        kind = f"HyperliquidTransaction:{name}({','.join(f'{kind} {field}' for kind, field in listed)})"
        self._type_hash = keccak256(kind.encode())
        self._names = tuple(field for _, field in listed)
        self._encode = tuple(_ENCODE[kind] for kind, _ in listed)

    def digest(self, values: Mapping[str, Any], separator: bytes) -> bytes:
        """Return what is signed for *values*, which have all fields by name, in the domain of *separator*."""
        parts = [encode(values[name]) for name, encode in zip(self._names, self._encode, strict=True)]
        return keccak256(b"\x19\x01" + separator + keccak256(self._type_hash + b"".join(parts)))


def user_domain(chain_id: str) -> bytes:
    """Hash the domain of user-signed actions whose ``signatureChainId`` is *chain_id*, such as ``0x66eee``."""
    return domain_separator("HyperliquidSignTransaction", int(chain_id, 16))
