"""Every published vector comes out, from the same calls the kernel makes."""

from __future__ import annotations

import json
import pickle
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import CredentialsError, InvalidArgument
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_backpack.instructions import INSTRUCTIONS
from lotusx_backpack.signer import BackpackSigner, request_text, signer_from, signing_text

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
REST = [vector for vector in VECTORS if vector["scheme"] == "backpack_ed25519"]
STREAM = [vector for vector in VECTORS if vector["scheme"] == "backpack_ws_subscribe"]
KEY, SEED = VECTORS[0]["keys"]["api_key_base64"], VECTORS[0]["keys"]["secret_seed_base64"]
OTHER_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
VERBS = {verb.value for verb in Verb}


def by_name(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def signer_of(vector: dict[str, Any]) -> BackpackSigner:
    keys = vector["keys"]
    return signer_from({"api_key": keys["api_key_base64"], "api_secret": Secret(keys["secret_seed_base64"])})


def context_of(vector: dict[str, Any]) -> SigningContext:
    payload = vector["payload"]
    return SigningContext(payload["timestamp"], nonce=1, receive_window_ms=payload["window"])


def request_of(vector: dict[str, Any]) -> Request:
    payload = vector["payload"]
    verb, params = Verb(payload["method"]), payload["params"]
    query = urlencode(params, quote_via=quote) if verb is Verb.GET else ""
    body = b"" if verb is Verb.GET else json.dumps(params).encode()
    return Request(verb, "https://api.backpack.exchange", payload["path"], query, body, signed=True)


def test_no_vector_is_left_out() -> None:
    assert len(REST) + len(STREAM) == len(VECTORS) == 30


@pytest.mark.parametrize("vector", REST, ids=by_name)
def test_text_and_signature_of_a_call(vector: dict[str, Any]) -> None:
    payload, expected = vector["payload"], vector["expected"]
    params = payload["params"]
    orders = params if isinstance(params, list) else [params]

    text = "&".join(signing_text(payload["instruction"], order) for order in orders)
    signed = signer_of(vector)._signed(text, context_of(vector))

    assert f"{text}&timestamp={payload['timestamp']}&window={payload['window']}" == expected["signing_string"]
    assert signed[1] == expected["signature_base64"]
    assert INSTRUCTIONS[payload["method"], payload["path"]] == payload["instruction"]


@pytest.mark.parametrize("vector", [vector for vector in REST if vector["payload"]["method"] in VERBS], ids=by_name)
def test_request_carries_the_signature_of_the_bytes_it_sends(vector: dict[str, Any]) -> None:
    request = request_of(vector)

    signed = signer_of(vector).sign_request(request, context_of(vector))

    assert dict(signed.headers) == vector["expected"]["headers"]
    assert (signed.query, signed.body) == (request.query, request.body)


@pytest.mark.parametrize("vector", STREAM, ids=by_name)
def test_subscription_carries_key_signature_time_and_window(vector: dict[str, Any]) -> None:
    message = {"method": "SUBSCRIBE", "params": ["account.orderUpdate"]}

    signed = signer_of(vector).sign_message(message, context_of(vector))

    assert signed == {**message, "signature": vector["expected"]["signature_array"]}


def test_parameters_are_signed_in_the_order_of_their_names_and_a_batch_in_its_own() -> None:
    body = b'[{"symbol":"B","clientId":2,"side":"Bid"},{"symbol":"A","clientId":1,"side":"Ask"}]'

    assert request_text(Request(Verb.POST, "", "/api/v1/orders", body=body)) == (
        "instruction=orderExecute&clientId=2&side=Bid&symbol=B&instruction=orderExecute&clientId=1&side=Ask&symbol=A"
    )


def test_query_is_signed_as_it_reads_not_as_it_is_encoded() -> None:
    request = Request(Verb.GET, "", "/api/v1/orders", "symbol=A%25%20B&marketType=")

    assert request_text(request) == "instruction=orderQueryAll&marketType=&symbol=A% B"


def test_query_and_body_are_sorted_each_for_itself() -> None:
    request = Request(Verb.POST, "", "/api/v1/order", "b=1&a=2", b'{"d":3,"c":4}')

    assert request_text(request) == "instruction=orderExecute&a=2&b=1&c=4&d=3"


def test_number_with_a_point_is_signed_as_it_is_written() -> None:
    request = Request(Verb.POST, "", "/api/v1/order", body=b'{"price":1.10,"quantity":1e-7}')

    assert request_text(request) == "instruction=orderExecute&price=1.10&quantity=1e-7"


@given(st.dictionaries(st.text("abcXYZ", min_size=1), st.integers() | st.booleans() | st.text(max_size=9)))
def test_body_signs_like_its_parameters_in_any_order(params: dict[str, Any]) -> None:
    bodies = (dict(items) for items in (params.items(), reversed(params.items())))
    texts = {request_text(Request(Verb.POST, "", "/api/v1/order", body=json.dumps(body).encode())) for body in bodies}

    assert texts == {signing_text("orderExecute", params)}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(Verb.POST, "", "/api/v1/unheard-of"), "has no instruction"),
        (Request(Verb.GET, "", "/api/v1/markets"), "has no instruction"),
        (Request(Verb.POST, "", "/api/v1/order", body=b'{"price":null}'), "price is null"),
        (Request(Verb.POST, "", "/api/v1/order", body=b'{"price":["1"]}'), "price is a list"),
        (Request(Verb.POST, "", "/api/v1/order", body=b'{"price"'), "not JSON"),
        (Request(Verb.POST, "", "/api/v1/order", body=b"7"), "only objects"),
        (Request(Verb.POST, "", "/api/v1/orders", body=b"[]"), "at least one order"),
        (Request(Verb.POST, "", "/api/v1/orders", "a=1", b"[{}]"), "no query"),
        (Request(Verb.POST, "", "/api/v1/orders", body=b"[1]"), "only objects"),
        (Request(Verb.GET, "", "/api/v1/orders", "marketType=SPOT&marketType=PERP"), "occurs twice"),
        (Request(Verb.GET, "", "/api/v1/orders", "symbol"), "cannot be read"),
    ],
)
def test_what_nobody_documents_how_to_sign_is_refused_before_sending(request_: Request, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        signer_from({"api_key": KEY, "api_secret": SEED}).sign_request(request_, SigningContext(1, 1))


@pytest.mark.parametrize("window", [0, -1, 60_001])
def test_receive_window_beyond_a_minute_is_refused(window: int) -> None:
    with pytest.raises(InvalidArgument, match="at most 60000"):
        signer_from({"api_key": KEY, "api_secret": SEED}).sign_message({}, SigningContext(1, 1, window))


def test_secret_may_be_followed_by_its_public_key() -> None:
    both = b64encode(b64decode(SEED) + b64decode(KEY)).decode()
    context = SigningContext(1, 1)

    signed = signer_from({"api_key": KEY, "api_secret": Secret(f"{both}\n")}).sign_message({}, context)

    assert signed == signer_from({"api_key": KEY, "api_secret": SEED}).sign_message({}, context)


@pytest.mark.parametrize(
    ("api_key", "api_secret", "words"),
    [
        ("", SEED, "api_key is missing"),
        (KEY, "", "api_secret is missing"),
        (OTHER_KEY, SEED, "not the public key of api_secret"),
        (SEED, KEY, "not the public key of api_secret"),
        (KEY, b64encode(b64decode(SEED) + b64decode(OTHER_KEY)).decode(), "not the public key of api_secret"),
        ("not base64!", SEED, "api_key is not base64"),
        (KEY, "sécret", "api_secret is not base64"),
        ("AAEC", SEED, "api_key must be 32 bytes"),
        (KEY, "AAEC", "api_secret must be 32 bytes"),
    ],
)
def test_unusable_keys_are_refused_at_once_and_not_shown(api_key: str, api_secret: str, words: str) -> None:
    with pytest.raises(CredentialsError, match=words) as caught:
        signer_from({"api_key": api_key, "api_secret": api_secret})

    assert not api_secret or api_secret not in str(caught.value)


def test_signer_neither_shows_nor_pickles_its_secret() -> None:
    signer = signer_from({"api_key": KEY, "api_secret": Secret(SEED)})

    assert SEED not in repr(signer)
    assert KEY not in repr(signer)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(signer)
