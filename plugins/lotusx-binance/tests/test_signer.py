"""Every published vector comes out, from the same calls the kernel makes."""

from __future__ import annotations

import builtins
import hashlib
import hmac
import json
import pickle
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import CredentialsError
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_binance.calls import encode
from lotusx_binance.signer import BinanceSigner, hmac_sha256, private_key, signer_from, ws_payload

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
CONTEXT = SigningContext(now_ms=1_499_827_319_559, nonce=1, receive_window_ms=5_000)


def _pem(keys: dict[str, str]) -> str:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    passphrase = keys["passphrase"].encode() if "passphrase" in keys else None
    if "seed_hex" in keys:
        key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys["seed_hex"]))
    else:
        der = next(value for name, value in keys.items() if name.startswith("private_key") and "der" in name)
        key = serialization.load_der_private_key(b64decode(der), passphrase)
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    return str(key.private_bytes(*form, how).decode())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector_is_reproduced(vector: dict[str, Any]) -> None:
    keys, scheme = vector["keys"], vector["scheme"]
    if scheme == "percent-encode":
        assert quote(vector["payload"], safe="") == vector["expected"]
        return
    hmac_key = scheme.startswith("hmac")
    sign = hmac_sha256(keys["secret"]) if hmac_key else private_key(_pem(keys), keys.get("passphrase"))
    assert sign(vector["payload"].encode()) == vector["expected"]


def _by_name(name: str) -> dict[str, Any]:
    return next(vector for vector in VECTORS if vector["name"] == name)


def test_rest_request_signs_what_it_sends_and_puts_the_signature_last() -> None:
    vector = _by_name("spot_rest_hmac_order_ascii")
    params = {"symbol": "LTCBTC", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.1"}
    request = Request(Verb.POST, "https://api.binance.com", "/api/v3/order", encode(params), signed=True)

    signed = signer_from(vector["keys"] | {"api_secret": vector["keys"]["secret"]}).sign_request(request, CONTEXT)

    assert signed.query == f"{vector['payload']}&signature={vector['expected']}"
    assert signed.headers == (("X-MBX-APIKEY", vector["keys"]["api_key"]),)


def test_rest_request_signs_query_and_body_with_nothing_between() -> None:
    secret = _by_name("spot_rest_hmac_order_ascii")["keys"]["secret"]
    request = Request(Verb.POST, "", "/api/v3/order", "symbol=LTCBTC", body=b"quantity=1")

    signed = BinanceSigner("k", hmac_sha256(secret)).sign_request(request, CONTEXT)

    payload = b"symbol=LTCBTC&recvWindow=5000&timestamp=1499827319559quantity=1"
    assert signed.query.endswith("&signature=" + hmac.digest(secret.encode(), payload, "sha256").hex())
    assert signed.body == b"quantity=1"


def test_base64_signature_is_percent_encoded_in_a_url_and_bare_in_json() -> None:
    signer = BinanceSigner("k", lambda payload: "a+b/c=")

    assert signer.sign_request(Request(Verb.GET, "", "/x"), CONTEXT).query.endswith("&signature=a%2Bb%2Fc%3D")
    assert signer.sign_message({}, CONTEXT)["signature"] == "a+b/c="


@pytest.mark.parametrize(
    "name", [vector["name"] for vector in VECTORS if vector["scheme"] == "hmac-sha256-hex/ws-sorted"]
)
def test_websocket_parameters_are_sorted_and_raw(name: str) -> None:
    vector = _by_name(name)
    params = dict(part.split("=", 1) for part in vector["payload"].split("&"))

    assert ws_payload(dict(reversed(params.items()))) == vector["payload"].encode()


def test_websocket_booleans_sign_as_json_writes_them() -> None:
    assert ws_payload({"b": True, "a": False, "c": 1}) == b"a=false&b=true&c=1"


@given(st.text(min_size=1, max_size=200), st.binary(max_size=300))
def test_prepared_hmac_equals_the_library(secret: str, payload: bytes) -> None:
    assert hmac_sha256(secret)(payload) == hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def test_secret_longer_than_a_block_is_hashed_first() -> None:
    secret = "s" * 65

    assert hmac_sha256(secret)(b"x") == hmac.new(secret.encode(), b"x", hashlib.sha256).hexdigest()


@given(st.dictionaries(st.sampled_from("abcdef"), st.text(max_size=20)))
def test_query_is_ascii_and_reads_back(params: dict[str, str]) -> None:
    from urllib.parse import parse_qsl

    query = encode(params)

    assert query.isascii()
    assert dict(parse_qsl(query, keep_blank_values=True)) == params


def test_signer_neither_shows_nor_pickles_its_secret() -> None:
    signer = signer_from({"api_key": "abcdefgh", "api_secret": Secret("hunter2")})

    assert "hunter2" not in repr(signer)
    assert "abcdefgh" not in repr(signer)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(signer)


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({"api_secret": "s"}, "api_key is missing"),
        ({"api_key": "k"}, "give one of"),
        ({"api_key": "k", "api_secret": "s", "private_key": "p"}, "give one of"),
        ({"api_key": "k\n", "api_secret": "s"}, "no HTTP header"),
        ({"api_key": "k", "private_key": "not a key"}, "cannot be read"),
    ],
)
def test_unusable_credentials_are_named(credentials: dict[str, str], words: str) -> None:
    if "private_key" in credentials:
        pytest.importorskip("cryptography")
    with pytest.raises(CredentialsError, match=words) as caught:
        signer_from(credentials)

    assert "not a key" not in str(caught.value)


def test_key_of_another_kind_is_refused() -> None:
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(CredentialsError, match="neither Ed25519 nor RSA"):
        signer_from({"api_key": "k", "private_key": pem.decode()})


def test_missing_cryptography_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CredentialsError, match=r'pip install "lotusx-binance\[keys\]"'):
        signer_from({"api_key": "k", "private_key": "p"})
