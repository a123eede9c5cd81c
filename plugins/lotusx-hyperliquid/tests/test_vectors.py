"""Every published vector comes out: what is packed, what is hashed, what is signed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lotusx.plugin import Request, SigningContext, Verb
from lotusx_hyperliquid.actions import AnyL1Action, EvmUserModify, L1Action, SubAccountModify, TopUpIsolatedOnlyMargin
from lotusx_hyperliquid.hashing import TypedData, action_hash, l1_digest, user_domain
from lotusx_hyperliquid.keys import Key
from lotusx_hyperliquid.signer import HyperliquidSigner
from lotusx_hyperliquid.user_actions import AnyUserAction, StakingDeposit, StakingWithdraw, UserAction

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
TYPES = {kind.primary: kind for kind in UserAction.__subclasses__()}


def params(vectors: Iterable[dict[str, Any]]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def of(*schemes: str) -> list[Any]:
    return params(vector for vector in VECTORS if vector["scheme"] in schemes)


def is_typed(vector: dict[str, Any]) -> bool:
    """Whether the signer can be given it: no dummy, and no part of a multi-sig envelope."""
    payload = vector["payload"]
    if vector["scheme"] == "hl_user_signed":
        return payload["primaryType"].partition(":")[2] in TYPES
    return isinstance(payload["action"], dict) and payload["action"]["type"] != "dummy"


TYPED_L1 = params(vector for vector in VECTORS if vector["scheme"] == "hl_l1_action" and is_typed(vector))
TYPED_USER = params(vector for vector in VECTORS if vector["scheme"] == "hl_user_signed" and is_typed(vector))


def test_no_scheme_is_left_out() -> None:
    here = {"hl_l1_action", "hl_action_hash", "hl_phantom_agent", "hl_user_signed", "hl_address"}
    in_test_numbers = {"hl_float_to_wire", "hl_float_to_int", "hl_price_rule"}

    assert {vector["scheme"] for vector in VECTORS} == here | in_test_numbers


def numbers(signature: dict[str, Any]) -> tuple[int, int, int]:
    return int(signature["r"], 16), int(signature["s"], 16), signature["v"]


def raw(text: str | None) -> bytes | None:
    return bytes.fromhex(text.removeprefix("0x")) if text else None


@pytest.mark.parametrize("vector", of("hl_l1_action", "hl_action_hash"))
def test_packed_action_and_its_hash(vector: dict[str, Any]) -> None:
    payload, expected = vector["payload"], vector["expected"]

    packed = msgspec.msgpack.encode(payload["action"])
    hashed = action_hash(
        packed, payload["nonce"], vault=raw(payload["vaultAddress"]), expires_after=payload["expiresAfter"]
    )

    assert packed.hex() == expected["msgpack_hex"]
    assert f"0x{hashed.hex()}" == expected["action_hash"]


@pytest.mark.parametrize("vector", of("hl_l1_action"))
def test_signature_of_an_exchange_action(vector: dict[str, Any]) -> None:
    expected, key = vector["expected"], Key(vector["keys"]["private_key"])

    digest = l1_digest(bytes.fromhex(expected["action_hash"][2:]), mainnet=vector["payload"]["network"] == "mainnet")

    assert f"0x{digest.hex()}" == expected["eip712_digest"]
    assert numbers(key.sign(digest)) == numbers(expected["signature"])
    assert key.address == vector["keys"]["address"]


@pytest.mark.parametrize("vector", of("hl_phantom_agent"))
def test_signature_of_a_connection_id(vector: dict[str, Any]) -> None:
    payload, expected = vector["payload"], vector["expected"]

    digest = l1_digest(bytes.fromhex(payload["connectionId"][2:]), mainnet=payload["source"] == "a")

    assert f"0x{digest.hex()}" == expected["eip712_digest"]
    assert numbers(Key(vector["keys"]["private_key"]).sign(digest)) == numbers(expected["signature"])


@pytest.mark.parametrize("vector", of("hl_user_signed"))
def test_signature_of_a_structure(vector: dict[str, Any]) -> None:
    payload, expected = vector["payload"], vector["expected"]
    fields = tuple((field["type"], field["name"]) for field in payload["types"])
    assert fields[0] == ("string", "hyperliquidChain")

    typed = TypedData(payload["primaryType"].removeprefix("HyperliquidTransaction:"), fields[1:])
    digest = typed.digest(payload["action"], user_domain(payload["action"]["signatureChainId"]))

    assert f"0x{digest.hex()}" == expected["eip712_digest"]
    assert numbers(Key(vector["keys"]["private_key"]).sign(digest)) == numbers(expected["signature"])


@pytest.mark.parametrize("vector", of("hl_address"))
def test_address_of_a_key(vector: dict[str, Any]) -> None:
    assert Key(vector["keys"]["private_key"]).address == vector["expected"]["address"]


@pytest.mark.parametrize("vector", TYPED_L1)
def test_typed_action_packs_in_the_order_that_is_hashed_and_is_sent_as_it_was(vector: dict[str, Any]) -> None:
    action = msgspec.convert(vector["payload"]["action"], AnyL1Action)

    assert msgspec.msgpack.encode(action).hex() == vector["expected"]["msgpack_hex"]
    assert json.loads(msgspec.json.encode(action)) == vector["payload"]["action"]


@pytest.mark.parametrize("vector", TYPED_L1)
def test_signer_writes_the_body_of_an_exchange_action(vector: dict[str, Any]) -> None:
    payload = vector["payload"]
    action: Any = msgspec.convert(payload["action"], AnyL1Action)
    if (payload["expiresAfter"] is not None) != action.expires or (payload["vaultAddress"] and not action.for_vault):
        action = _like(action, expires=payload["expiresAfter"] is not None)
    signer = HyperliquidSigner(
        Key(vector["keys"]["private_key"]), mainnet=payload["network"] == "mainnet", vault=payload["vaultAddress"]
    )
    context = SigningContext((payload["expiresAfter"] or 0) - 5_000, payload["nonce"], 5_000)

    request = signer.sign_request(Request(Verb.POST, "", "/exchange", content=action, signed=True), context)

    body = json.loads(request.body)
    assert numbers(body.pop("signature")) == numbers(vector["expected"]["signature"])
    wanted = {name: payload[name] for name in ("action", "nonce", "vaultAddress", "expiresAfter")}
    assert body == {name: value for name, value in wanted.items() if value is not None}


def _like(action: Any, *, expires: bool) -> Any:
    """The same action as a client would send it that has another view of which actions expire."""
    kind = type(action)
    tag = kind.__struct_config__.tag
    other = msgspec.defstruct(
        kind.__name__, [], bases=(kind,), namespace={"expires": expires}, tag=tag, tag_field="type"
    )
    return other(*(getattr(action, name) for name in kind.__struct_fields__))


@pytest.mark.parametrize("vector", TYPED_USER)
def test_signer_writes_the_body_of_a_structure(vector: dict[str, Any]) -> None:
    payload = vector["payload"]
    kind = TYPES[payload["primaryType"].partition(":")[2]]
    written = ("hyperliquidChain", "signatureChainId", kind.stamp)
    stated = {name: value for name, value in payload["action"].items() if name not in written and name != "type"}
    action = msgspec.convert(stated | {"type": kind.__struct_config__.tag}, AnyUserAction)
    stamp = payload["action"][kind.stamp]
    signer = HyperliquidSigner(
        Key(vector["keys"]["private_key"]), mainnet=payload["action"]["hyperliquidChain"] == "Mainnet"
    )

    signed = signer.sign_message({"action": action}, SigningContext(1, stamp))

    if payload["action"]["signatureChainId"] == "0x66eee":
        assert numbers(signed["signature"]) == numbers(vector["expected"]["signature"])
    assert signed["nonce"] == stamp
    assert sorted(signed) == ["action", "nonce", "signature"]
    sent = payload["action"] | {"type": kind.__struct_config__.tag, "signatureChainId": "0x66eee"}
    if not sent.get("agentName", "x"):
        del sent["agentName"]  # signed, and not sent
    assert signed["action"] == sent


WITHOUT_VECTOR: list[tuple[L1Action, list[str]]] = [
    (SubAccountModify("0x1", "a"), ["type", "subAccountUser", "name"]),
    (TopUpIsolatedOnlyMargin(1, "2"), ["type", "asset", "leverage"]),
    (EvmUserModify(True), ["type", "usingBigBlocks"]),
]


@pytest.mark.parametrize(("action", "keys"), WITHOUT_VECTOR)
def test_typed_action_without_a_vector_has_the_documented_keys_in_order(action: L1Action, keys: list[str]) -> None:
    assert list(msgspec.msgpack.decode(msgspec.msgpack.encode(action))) == keys


def test_every_typed_action_has_a_vector_or_is_named_as_having_none() -> None:
    proven = {param.values[0]["payload"]["action"]["type"] for param in TYPED_L1}
    named = {type(action).__struct_config__.tag for action, _ in WITHOUT_VECTOR}
    assert {kind.__struct_config__.tag for kind in L1Action.__subclasses__()} == proven | named

    structures = {param.values[0]["payload"]["primaryType"].partition(":")[2] for param in TYPED_USER}
    assert set(TYPES) - structures == {StakingDeposit.primary, StakingWithdraw.primary}
