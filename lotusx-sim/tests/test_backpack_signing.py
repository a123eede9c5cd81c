"""Backpack's signatures: every published vector is accepted, and nothing that is not exactly signed."""

import json
from pathlib import Path
from typing import Any

import pytest
from backpack_calls import PERP, SOL, BackpackCaller, BackpackSocket, signature

from lotusx_sim import Backpack
from lotusx_sim.dialects.backpack import DEFAULT_API_KEY, DEFAULT_KEY, DEFAULT_SECRET, Key, public_key_of
from lotusx_sim.dialects.backpack.signing import is_signed, signing_text
from lotusx_sim.wire import HttpRequest

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "backpack_vectors.json").read_text("utf-8"))
OTHER_SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
OTHER_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_a_published_signature_is_valid_for_its_text(vector: dict[str, Any]) -> None:
    payload, expected = vector["payload"], vector["expected"]
    text = signing_text(payload.get("instruction", "subscribe"), payload.get("params", {}))
    whole = f"{text}&timestamp={payload['timestamp']}&window={payload['window']}"

    assert whole == expected["signing_string"]
    assert is_signed(vector["keys"]["api_key_base64"], expected["signature_base64"], whole)
    assert not is_signed(vector["keys"]["api_key_base64"], expected["signature_base64"], whole + "0")


def test_the_secret_of_the_default_key_is_its_own() -> None:
    assert public_key_of(DEFAULT_SECRET) == DEFAULT_API_KEY == DEFAULT_KEY.key


def refused(caller: BackpackCaller, request: HttpRequest) -> tuple[int, str, str]:
    document = caller.send(request)
    return caller.status, document["code"], document["message"]


def balances(caller: BackpackCaller, **changed: str) -> HttpRequest:
    headers = dict(caller.headers("instruction=balanceQuery")) | {
        f"x-{name}".replace("_", "-"): value for name, value in changed.items()
    }
    return HttpRequest("GET", "/api/v1/capital", tuple(item for item in headers.items() if item[1]))


def test_a_wrong_signature_a_missing_header_and_an_unknown_key_are_told_apart() -> None:
    caller = BackpackCaller()
    other = signature(OTHER_SECRET, "instruction=balanceQuery")
    assert refused(caller, balances(caller, signature=other)) == (400, "INVALID_CLIENT_REQUEST", "Invalid signature")
    assert refused(caller, balances(caller, signature=""))[2].startswith("Missing")
    assert refused(caller, balances(caller, api_key=OTHER_KEY))[:2] == (401, "UNAUTHORIZED")
    assert refused(caller, balances(caller, window="60001"))[2] == "Invalid X-Window header"


def test_a_request_is_valid_for_its_window_only() -> None:
    caller = BackpackCaller()
    now = caller.now_ms
    caller.call("GET", "/api/v1/capital", at_ms=now - 5_000)
    assert caller.status == 200
    late = caller.call("GET", "/api/v1/capital", at_ms=now - 5_001)
    assert late == {"code": "INVALID_CLIENT_REQUEST", "message": "Request has expired"}
    early = caller.call("GET", "/api/v1/capital", at_ms=now + 1_001)
    assert "timestamp" in early["message"]


def test_without_the_header_the_window_is_five_seconds() -> None:
    caller = BackpackCaller()
    caller.send(balances(caller, window=""))
    assert caller.status == 200


def test_what_is_signed_is_what_was_sent() -> None:
    caller = BackpackCaller()
    headers = caller.headers("instruction=orderExecute&orderType=Market&quantity=1&side=Bid&symbol=SOL_USDC")
    body = b'{"symbol":"SOL_USDC","side":"Bid","orderType":"Market","quantity":"2"}'
    assert refused(caller, HttpRequest("POST", "/api/v1/order", headers, body))[2] == "Invalid signature"
    assert caller.sim.orders() == []


def test_a_false_flag_is_signed_as_false() -> None:
    caller = BackpackCaller()
    placed = caller.place(PERP, "Bid", "1", "140", reduceOnly=False, postOnly=True)
    assert (placed["reduceOnly"], placed["postOnly"]) == (False, True)


def test_a_key_without_the_right_reads_and_does_not_trade() -> None:
    caller = BackpackCaller(Backpack(keys=[Key(OTHER_KEY, may_trade=False)], actions_per_s=0), OTHER_SECRET, OTHER_KEY)
    assert caller.get("/api/v1/capital")["USDC"]["available"] == "100000"
    assert caller.try_to_place(SOL, "Bid", "1")["code"] == "FORBIDDEN"
    assert caller.status == 403


def test_private_streams_need_a_signature_of_the_moment() -> None:
    caller = BackpackCaller()
    socket: BackpackSocket = caller.open()
    wish = {"method": "SUBSCRIBE", "params": ["account.orderUpdate"]}
    socket.send(wish)
    socket.send(socket.signed(wish, secret=OTHER_SECRET))
    socket.send(socket.signed(wish, at_ms=caller.now_ms - 6_000))
    assert [message["error"]["message"] for message in socket.take()] == ["Invalid signature"] * 3
    caller.place(SOL, "Bid", "1", "140")
    assert socket.take() == []
    socket.send(socket.signed(wish))
    caller.place(SOL, "Bid", "1", "140")
    assert [data["e"] for data in socket.take("account.orderUpdate")] == ["orderAccepted"]
