"""Who signed a request: digests of both schemes, and the signer they recover to. Sheet: venue's signing pages.

Written from the published rules, without the plugin that signs: an error common to both would go unseen.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

MAINNET, TESTNET = "mainnet", "testnet"
_SOURCE = {MAINNET: "a", TESTNET: "b"}
_CHAIN = {MAINNET: "Mainnet", TESTNET: "Testnet"}
_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AGENT_TYPE = b"Agent(string source,bytes32 connectionId)"
_L1_CHAIN_ID = 1337
Fields = Sequence[tuple[str, str]]


class MissingLibrary(RuntimeError):
    """The libraries that recover signers are not installed."""


class BadSignature(Exception):
    """No signer can be recovered."""


def require_libraries() -> None:
    """Make sure that signers can be recovered.

    Raises:
        MissingLibrary: Says what to install.
    """
    for name in ("coincurve", "Crypto.Hash.keccak"):
        try:
            importlib.import_module(name)
        except ImportError:
            hint = "the simulated Hyperliquid recovers signers: pip install 'lotusx-sim[hyperliquid]'"
            raise MissingLibrary(hint) from None


def keccak(data: bytes) -> bytes:
    from Crypto.Hash import keccak as library

    return library.new(digest_bits=256, data=data).digest()


def chain_name(network: str) -> str:
    """Return what ``hyperliquidChain`` must say on *network*."""
    return _CHAIN[network]


def address_of_key(private_key: str) -> str:
    """Return the address, lower case, that belongs to a private key given as hex.

    Raises:
        ValueError: It is no private key.
    """
    from coincurve import PrivateKey

    raw = bytes.fromhex(private_key.removeprefix("0x"))
    return _address(PrivateKey(raw).public_key.format(compressed=False))


def action_hash(action: Mapping[str, Any], nonce: int, vault: str | None, expires_after: int | None) -> bytes:
    """Return the connection id of an L1 action, whose keys are in hash order and whose texts are canonical."""
    preimage = msgspec.msgpack.encode(action) + nonce.to_bytes(8, "big")
    preimage += b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault.removeprefix("0x"))
    if expires_after is not None:
        preimage += b"\x00" + expires_after.to_bytes(8, "big")
    return keccak(preimage)


def l1_digest(connection_id: bytes, network: str) -> bytes:
    """Return what is signed for an L1 action."""
    struct = keccak(keccak(_AGENT_TYPE) + keccak(_SOURCE[network].encode()) + connection_id)
    return keccak(b"\x19\x01" + _domain("Exchange", _L1_CHAIN_ID) + struct)


def user_digest(primary_type: str, fields: Fields, action: Mapping[str, Any]) -> bytes:
    """Return what is signed for a user-signed action: EIP-712 of *fields*, pairs of name and type in signed order."""
    signature = ",".join(f"{kind} {name}" for name, kind in fields)
    type_hash = keccak(f"HyperliquidTransaction:{primary_type}({signature})".encode())
    encoded = b"".join(_word(kind, action[name]) for name, kind in fields)
    domain = _domain("HyperliquidSignTransaction", int(action["signatureChainId"], 16))
    return keccak(b"\x19\x01" + domain + keccak(type_hash + encoded))


def recover(digest: bytes, r: int, s: int, v: int) -> str:
    """Return the lower-case address whose key signed *digest*.

    Raises:
        BadSignature: The numbers are no signature.
    """
    from coincurve import PublicKey

    if v not in (27, 28):
        raise BadSignature
    try:
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v - 27])
        public = PublicKey.from_signature_and_message(raw, digest, hasher=None)
    except (OverflowError, ValueError) as error:
        raise BadSignature from error
    return _address(public.format(compressed=False))


def _address(public: bytes) -> str:
    return "0x" + keccak(public[1:])[-20:].hex()


def _domain(name: str, chain_id: int) -> bytes:
    words = keccak(_DOMAIN_TYPE) + keccak(name.encode()) + keccak(b"1") + chain_id.to_bytes(32, "big") + bytes(32)
    return keccak(words)


def _word(kind: str, value: Any) -> bytes:
    if kind == "string":
        return keccak(str(value).encode())
    if kind == "address":
        return bytes(12) + bytes.fromhex(str(value).removeprefix("0x"))
    if kind == "bytes32":
        return bytes.fromhex(str(value).removeprefix("0x"))
    return int(value).to_bytes(32, "big")  # uint64 and bool
