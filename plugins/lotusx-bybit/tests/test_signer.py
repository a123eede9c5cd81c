"""Every published vector comes out, from the same calls the kernel makes."""

from __future__ import annotations

import builtins
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import CredentialsError
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_bybit.v5.signer import V5Signer, hmac_sha256, rsa_sha256, signer_from

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
REST = [vector for vector in VECTORS if "wire" in vector]


def _pem(numbers: dict[str, str]) -> str:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    n, e, d, p, q = (int(numbers[name], 16) for name in "nedpq")
    key = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, n)
    ).private_key()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return str(key.private_bytes(*form).decode())


def _credentials(keys: dict[str, Any]) -> dict[str, Any]:
    if "rsa_numbers_hex" in keys:
        return {"api_key": keys["api_key"], "private_key": _pem(keys["rsa_numbers_hex"])}
    return {"api_key": keys["api_key"], "api_secret": Secret(keys["api_secret"])}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector_is_reproduced(vector: dict[str, Any]) -> None:
    credentials = _credentials(vector["keys"])
    pem = credentials.get("private_key")
    sign = hmac_sha256(vector["keys"]["api_secret"]) if pem is None else rsa_sha256("bybit", pem)

    assert sign(vector["payload"].encode()) == vector["expected"]


@pytest.mark.parametrize("vector", REST, ids=lambda vector: vector["name"])
def test_request_carries_the_signature_of_the_bytes_it_sends(vector: dict[str, Any]) -> None:
    query, body = (vector["wire"], b"") if vector["method"] == "GET" else ("", vector["wire"].encode())
    request = Request(Verb(vector["method"]), "https://api.bybit.com", vector["path"], query, body, signed=True)
    context = SigningContext(int(vector["timestamp"]), 1, int(vector["recv_window"]))

    signed = signer_from("bybit", _credentials(vector["keys"])).sign_request(request, context)

    assert (signed.query, signed.body) == (query, body)
    headers = dict(signed.headers)
    assert headers.pop("X-BAPI-SIGN-TYPE", "") == ("2" if "rsa_numbers_hex" in vector["keys"] else "")
    assert headers == {
        "X-BAPI-API-KEY": vector["keys"]["api_key"],
        "X-BAPI-TIMESTAMP": vector["timestamp"],
        "X-BAPI-RECV-WINDOW": vector["recv_window"],
        "X-BAPI-SIGN": vector["expected"],
    }


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector["payload"].startswith("GET/realtime")], ids=lambda v: v["name"]
)
def test_log_in_is_signed_to_expire(vector: dict[str, Any]) -> None:
    expires = int(vector["payload"].removeprefix("GET/realtime"))
    context = SigningContext(now_ms=expires - 10_000, nonce=1)

    message = signer_from("bybit", _credentials(vector["keys"])).sign_message({"req_id": "7"}, context)

    assert message == {"req_id": "7", "op": "auth", "args": [vector["keys"]["api_key"], expires, vector["expected"]]}


@given(st.integers(0, 2**53), st.integers(1, 60_000), st.text(max_size=50))
def test_signature_covers_time_window_and_body(now_ms: int, window: int, text: str) -> None:
    body = json.dumps({"x": text}, ensure_ascii=False).encode()
    signer = V5Signer("k", lambda payload: payload.hex())

    signed = signer.sign_request(Request(Verb.POST, "", "/x", body=body), SigningContext(now_ms, 1, window))

    assert bytes.fromhex(dict(signed.headers)["X-BAPI-SIGN"]) == f"{now_ms}k{window}".encode() + body


def test_signer_neither_shows_nor_pickles_its_secret() -> None:
    signer = signer_from("bybit", {"api_key": "abcdefgh", "api_secret": Secret("hunter2")})

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
        signer_from("bybit-perp", credentials)

    assert str(caught.value).startswith("bybit-perp: ")
    assert "not a key" not in str(caught.value)


def test_key_of_another_kind_is_refused() -> None:
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(CredentialsError, match="is not an RSA key"):
        signer_from("bybit", {"api_key": "k", "private_key": pem.decode()})


def test_missing_cryptography_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CredentialsError, match=r'pip install "lotusx-bybit-perp\[keys\]"'):
        signer_from("bybit-perp", {"api_key": "k", "private_key": "p"})
