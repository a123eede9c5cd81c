"""Signatures: every published vector verifies, everything else does not."""

import json
from pathlib import Path
from typing import Any

import pytest
from sim_calls import Caller

from lotusx_sim import BinanceSpot
from lotusx_sim.dialects.binance import DEFAULT_KEY, ApiKey
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.signing import is_signed_by, rest_payload, ws_payload

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "signing_vectors.json").read_text("utf-8"))


def key_of(vector: dict[str, Any]) -> ApiKey:
    keys = vector["keys"]
    if "secret" in keys:
        return ApiKey("k", "main", keys["secret"])
    kind = vector["scheme"].partition("-")[0]
    if "public_key_pem" in keys:
        return ApiKey("k", "main", keys["public_key_pem"], kind=kind)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(keys["public_key_hex"]))
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return ApiKey("k", "main", pem, kind=kind)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_published_signature_verifies(vector: dict[str, Any]) -> None:
    assert is_signed_by(key_of(vector), vector["payload"], vector["expected"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_changed_payload_does_not_verify(vector: dict[str, Any]) -> None:
    assert not is_signed_by(key_of(vector), vector["payload"] + "0", vector["expected"])


@pytest.mark.parametrize("signature", ["", "nonsense", "é", "AAAA"])
@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_malformed_signature_is_just_wrong(kind: str, signature: str) -> None:
    vector = next(v for v in VECTORS if v["scheme"].startswith(kind))
    assert not is_signed_by(key_of(vector), vector["payload"], signature)


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if isinstance(v.get("params"), dict)], ids=lambda vector: vector["name"]
)
def test_ws_parameters_are_signed_sorted_and_raw(vector: dict[str, Any]) -> None:
    params = Params.of_json(vector["params"] | {"signature": "x"})
    assert ws_payload(params.texts) == vector["payload"]


def test_query_and_body_are_signed_with_nothing_between() -> None:
    vector = next(v for v in VECTORS if v["name"] == "spot_rest_hmac_mixed_query_and_body")
    payload, signature = rest_payload(vector["query"], vector["body"] + "&signature=" + vector["expected"])
    assert (payload, signature) == (vector["payload"], vector["expected"])


def test_a_base64_signature_is_percent_decoded() -> None:
    assert rest_payload("a=1&signature=x%2By%2F%3D", "") == ("a=1", "x+y/=")


def test_bytes_are_verified_as_they_were_sent(caller: Caller) -> None:
    """Signing the text and then encoding it is what the venue refuses since 2026-01-15."""
    import hashlib
    import hmac

    stamp = caller.clock.now_ns() // 1_000_000
    signed = hmac.new(DEFAULT_KEY.verifier.encode(), f"symbol=币安人生USDT&timestamp={stamp}".encode(), hashlib.sha256)
    encoded = "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"
    target = f"/api/v3/openOrders?symbol={encoded}&timestamp={stamp}&signature={signed.hexdigest()}"
    answer = caller.raw("GET", target, headers={"x-mbx-apikey": DEFAULT_KEY.key})
    assert (caller.last.status, answer["code"]) == (400, -1022)
    assert caller.signed("GET", "/api/v3/openOrders", symbol="币安人生USDT") == []


def test_an_upper_case_hmac_signature_is_accepted() -> None:
    vector = VECTORS[0]
    assert is_signed_by(key_of(vector), vector["payload"], vector["expected"].upper())


def test_a_signed_form_body_is_accepted(caller: Caller) -> None:
    from sim_calls import signed_query

    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60000"
    body = signed_query(query, caller.clock.now_ns()).encode()
    answer = caller.raw("POST", "/api/v3/order", body=body, headers={"x-mbx-apikey": DEFAULT_KEY.key})
    assert answer["status"] == "NEW"


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, -2014), ("short", -2014), ("A" * 64, -2015)],
)
def test_a_key_that_is_missing_malformed_or_unknown_is_refused(caller: Caller, key: str | None, code: int) -> None:
    headers = {"x-mbx-apikey": key} if key else {}
    answer = caller.raw("GET", "/api/v3/account?timestamp=1&signature=x", headers=headers)
    assert (caller.last.status, answer["code"]) == (401, code)


def test_a_read_only_key_may_look_but_not_trade() -> None:
    key = ApiKey("reader", "main", "secret", may_trade=False)
    caller = Caller(BinanceSpot(keys=[key], actions_per_s=0), key)
    assert caller.signed("GET", "/api/v3/account")["accountType"] == "SPOT"
    assert caller.limit()["code"] == -2015
    assert caller.signed("GET", "/sapi/v1/account/apiRestrictions")["enableSpotAndMarginTrading"] is False


def test_a_wrong_secret_is_refused(caller: Caller) -> None:
    caller.key = ApiKey(DEFAULT_KEY.key, "main", "wrong")
    assert caller.signed("GET", "/api/v3/account")["code"] == -1022


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", -1102),
        ("timestamp=", -1102),
        ("timestamp=1", -1102),
        ("timestamp=now&signature=x", -1022),
    ],
)
def test_unsigned_or_unstamped_requests_are_refused(caller: Caller, query: str, code: int) -> None:
    answer = caller.raw("GET", f"/api/v3/account?{query}", headers={"x-mbx-apikey": DEFAULT_KEY.key})
    assert answer["code"] == code


@pytest.mark.parametrize(
    ("late_ms", "window", "code"),
    [
        (0, None, None),
        (5_000, None, None),
        (5_001, None, -1021),
        (-999, None, None),
        (-1_000, None, -1021),
        (59_000, "60000", None),
        (0, "60001", -1131),
        (2, "1.5", -1021),
        (0, "x", -1100),
    ],
)
def test_a_timestamp_must_be_inside_the_receive_window(
    caller: Caller, late_ms: int, window: str | None, code: int | None
) -> None:
    from sim_calls import signed_query

    query = f"recvWindow={window}" if window else ""
    signed = signed_query(query, caller.clock.now_ns() - late_ms * 1_000_000)
    answer = caller.raw("GET", f"/api/v3/account?{signed}", headers={"x-mbx-apikey": DEFAULT_KEY.key})
    assert answer.get("code") == code
    assert caller.last.status == (200 if code is None else 400)


def test_a_secret_is_not_part_of_a_keys_text() -> None:
    assert DEFAULT_KEY.verifier not in repr(DEFAULT_KEY)
