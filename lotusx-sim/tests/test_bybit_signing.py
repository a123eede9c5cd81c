"""Whose requests the simulated Bybit takes. Vectors: the venue's documentation's own client, see their ``source``."""

import base64
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bybit_calls import BybitCaller, hmac_of

from lotusx_sim import ApiKey, Bybit
from lotusx_sim.dialects.bybit.signing import signer_of
from lotusx_sim.wire import HttpRequest

ROOT = Path(__file__).resolve().parents[2]
VECTORS = Path(os.environ.get("LOTUSX_VECTORS") or ROOT.parent / "shared" / "venues") / "bybit.vectors.json"
NOW_MS = 1_700_000_000_000


def vectors(scheme: str) -> list[Any]:
    if not VECTORS.exists():
        return []
    found: list[Any] = json.loads(VECTORS.read_text("utf-8"))
    return [v for v in found if v["scheme"].startswith(scheme) and v.get("path", "").startswith("/v5/")]


def request_of(vector: Any, signature: str) -> HttpRequest:
    method, wire = vector["method"], vector["wire"]
    headers = (
        ("x-bapi-api-key", vector["keys"]["api_key"]),
        ("x-bapi-timestamp", vector["timestamp"]),
        ("x-bapi-recv-window", vector["recv_window"]),
        ("x-bapi-sign", signature),
    )
    if method == "GET":
        return HttpRequest("GET", f"{vector['path']}?{wire}" if wire else vector["path"], headers)
    return HttpRequest("POST", vector["path"], headers, wire.encode())


@pytest.mark.skipif(not VECTORS.exists(), reason=f"no vectors at {VECTORS} ($LOTUSX_VECTORS)")
def test_every_published_signature_of_a_request_counts() -> None:
    checked = 0
    for vector in vectors("hmac"):
        if "method" not in vector:
            continue
        key = ApiKey(vector["keys"]["api_key"], "main", vector["keys"]["api_secret"])
        assert signer_of({key.key: key}, request_of(vector, vector["expected"]), int(vector["timestamp"])) is key
        checked += 1
    assert checked >= 10


def test_an_rsa_signature_counts_and_one_of_other_bytes_does_not() -> None:
    pytest.importorskip("cryptography", reason="needs lotusx-sim[keys]")
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    caller = BybitCaller(Bybit(keys=[ApiKey("r", "main", pem, kind="rsa")], actions_per_s=0))
    stamp = str(caller.now_ms)

    def ask(signed: str) -> Any:
        raw = private.sign(f"{stamp}r5000{signed}".encode(), padding.PKCS1v15(), SHA256())
        headers = (
            ("x-bapi-api-key", "r"), ("x-bapi-timestamp", stamp), ("x-bapi-recv-window", "5000"),
            ("x-bapi-sign", base64.b64encode(raw).decode()),
        )  # fmt: skip
        return caller.send(HttpRequest("GET", "/v5/account/info?a=1", headers))["retCode"]

    assert (ask("a=1"), ask("a=2")) == (0, 10004)


def test_an_encoded_cursor_is_signed_as_it_is_sent() -> None:
    caller = BybitCaller()
    query = "category=linear&cursor=a%3A2%2Cb"
    signed = HttpRequest("GET", f"/v5/execution/list?{query}", caller.headers(query))
    decoded = HttpRequest("GET", f"/v5/execution/list?{query}", caller.headers("category=linear&cursor=a:2,b"))
    assert caller.send(signed)["retMsg"] == "params error: cursor invalid"
    assert caller.send(decoded)["retCode"] == 10004


@pytest.mark.parametrize(
    ("late_ms", "window", "code"),
    [(0, "5000", 0), (5_000, "5000", 0), (5_001, "5000", 10002), (9_000, "10000", 0), (-999, "5000", 0),
     (-1_000, "60000", 10002)],
)  # fmt: skip
def test_a_timestamp_counts_for_a_window_and_less_than_a_second_ahead(late_ms: int, window: str, code: int) -> None:
    caller = BybitCaller()
    headers = caller.headers("", at_ms=caller.now_ms - late_ms, window=window)
    assert caller.send(HttpRequest("GET", "/v5/account/info", headers))["retCode"] == code


def test_unknown_keys_missing_headers_and_keys_that_may_only_read_are_refused() -> None:
    keys = [ApiKey("k", "main", "s"), ApiKey("reader", "main", "s", may_trade=False)]
    caller = BybitCaller(Bybit(keys=keys, actions_per_s=0), keys[1])
    assert caller.query("/v5/account/info", True)["retCode"] == 0
    assert caller.refused("spot", "BTCUSDT", "Buy", "0.01", "80000") == 10005

    caller.key = ApiKey("nobody", "main", "s")
    assert caller.query("/v5/account/info", True)["retCode"] == 10003
    assert caller.query("/v5/account/info") == ""
    assert caller.last.status == 401


def test_a_secret_is_in_no_answer_and_no_repr() -> None:
    secret = "do-not-tell"
    caller = BybitCaller(Bybit(keys=[ApiKey("k", "main", secret)], actions_per_s=0), ApiKey("k", "main", secret))
    said = json.dumps(caller.query("/v5/user/query-api", True))
    headers = (*caller.headers("")[:3], ("x-bapi-sign", hmac_of("wrong", "")))
    said += json.dumps(caller.send(HttpRequest("GET", "/v5/account/info", headers)))
    assert secret not in said + repr(caller.key)


def test_accounts_are_apart() -> None:
    keys = [ApiKey("one", "first", "s"), ApiKey("two", "second", "s")]
    balances = {"second": {"USDT": Decimal(7)}}
    caller = BybitCaller(Bybit(keys=keys, balances=balances, actions_per_s=0), keys[0])
    order = caller.place("linear", "BTCUSDT", "Buy", "0.01", "80000")
    caller.key = keys[1]
    assert caller.coin("USDT")["walletBalance"] == "7"
    assert caller.command("order/cancel", category="linear", symbol="BTCUSDT", orderId=order)["retCode"] == 110001
