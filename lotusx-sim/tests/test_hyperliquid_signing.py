"""The simulated venue recovers the signers of published vectors, with code of its own."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from lotusx_sim.dialects.hyperliquid import DEFAULT_ADDRESS, DEFAULT_PRIVATE_KEY, address_of_key
from lotusx_sim.dialects.hyperliquid.actions import L1_ACTIONS, USER_ACTIONS
from lotusx_sim.dialects.hyperliquid.errors import HttpError
from lotusx_sim.dialects.hyperliquid.numbers import is_price, shown, wire
from lotusx_sim.dialects.hyperliquid.schema import number
from lotusx_sim.dialects.hyperliquid.signing import BadSignature, action_hash, l1_digest, recover, user_digest

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "hyperliquid_vectors.json").read_text())


def of(scheme: str, only: Callable[[dict[str, Any]], bool] = lambda vector: True) -> pytest.MarkDecorator:
    chosen = [vector for vector in VECTORS if vector["scheme"] == scheme and only(vector)]
    return pytest.mark.parametrize("vector", chosen, ids=[vector["name"] for vector in chosen])


def numbers(signature: dict[str, Any]) -> tuple[int, int, int]:
    return int(signature["r"], 16), int(signature["s"], 16), signature["v"]


@of("hl_l1_action")
def test_an_l1_action_recovers_to_its_signer(vector: dict[str, Any]) -> None:
    payload, expected = vector["payload"], vector["expected"]

    connection = action_hash(payload["action"], payload["nonce"], payload["vaultAddress"], payload["expiresAfter"])
    digest = l1_digest(connection, payload["network"])

    assert expected.get("action_hash") in (None, "0x" + connection.hex())
    assert expected.get("eip712_digest") in (None, "0x" + digest.hex())
    if "signature" in expected:
        assert recover(digest, *numbers(expected["signature"])) == vector["address"]


def is_canonical(vector: dict[str, Any]) -> bool:
    """Tell whether a vector is of an action of this venue; those of the Rust SDK hash a price with a zero too many."""
    return vector["payload"]["action"]["type"] in L1_ACTIONS and not vector["name"].startswith("rs_order")


@of("hl_l1_action", is_canonical)
def test_reading_an_action_and_writing_it_again_leaves_its_hash_alone(vector: dict[str, Any]) -> None:
    action = vector["payload"]["action"]
    shuffled = json.loads(json.dumps(action, sort_keys=True))

    read = L1_ACTIONS[action["type"]].read(shuffled)

    assert list(read.items()) == list(action.items())


@of("hl_user_signed")
def test_a_user_signed_action_recovers_to_its_signer(vector: dict[str, Any]) -> None:
    payload, expected = vector["payload"], vector["expected"]
    fields = [(field["name"], field["type"]) for field in payload["types"]]
    primary = payload["primaryType"].partition(":")[2]

    digest = user_digest(primary, fields, payload["action"])

    assert "0x" + digest.hex() == expected["eip712_digest"]
    assert recover(digest, *numbers(expected["signature"])) == vector["address"]
    known = next((kind for kind in USER_ACTIONS.values() if kind.primary_type == primary), None)
    assert known is None or list(known.fields) == fields


@of("hl_float_to_wire")
def test_numbers_are_hashed_in_one_form(vector: dict[str, Any]) -> None:
    value, expected = vector["payload"]["value"], vector["expected"]
    if "wire" in expected and expected["wire"] is not None:
        assert wire(Decimal(value)) == expected["wire"]
    else:
        with pytest.raises(HttpError):
            number(format(Decimal(value), "f"))


@of("hl_price_rule")
def test_prices_keep_significant_figures_and_decimals(vector: dict[str, Any]) -> None:
    payload = vector["payload"]
    most = 6 if payload["market"] == "perp" else 8
    assert is_price(Decimal(payload["px"]), payload["szDecimals"], most) is vector["expected"]["valid"]


def test_answers_pad_whole_numbers() -> None:
    assert [shown(Decimal(text)) for text in ("84143", "0.50", "-0", "1E+2")] == ["84143.0", "0.5", "0.0", "100.0"]


def test_a_changed_digest_recovers_to_somebody_else() -> None:
    vector = next(v for v in VECTORS if v["name"] == "py_order_limit_gtc/mainnet")
    other = bytes(31) + b"\1"
    assert recover(other, *numbers(vector["expected"]["signature"])) != vector["address"]


def test_numbers_that_are_no_signature_recover_to_nobody() -> None:
    with pytest.raises(BadSignature):
        recover(bytes(32), 0, 0, 27)
    with pytest.raises(BadSignature):
        recover(bytes(32), 1, 1, 29)


def test_the_default_key_is_that_of_the_published_examples() -> None:
    assert address_of_key(DEFAULT_PRIVATE_KEY) == DEFAULT_ADDRESS
