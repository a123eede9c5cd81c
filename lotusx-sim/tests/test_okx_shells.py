"""The simulated OKX without a wire: who is let in, how often, and how a book's numbers are chained."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lotusx_sim import ManualClock, Okx, Simulator
from lotusx_sim.connection import ShellSide
from lotusx_sim.wire import HttpRequest, HttpResponse

BALANCE = "/api/v5/account/balance"
BOOK = {"channel": "books", "instId": "BTC-USDT-SWAP"}


class Caller:
    """Signs and calls like a client of OKX, with nothing of the simulator's own signing code."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.venue = Okx(seed=7, actions_per_s=20)
        self.sim = Simulator(self.venue, clock=self.clock)
        self.sim.now_ns()

    def headers(
        self, path: str, changed: dict[str, str] | None = None, *, late_s: float = 0
    ) -> tuple[tuple[str, str], ...]:
        at = datetime.fromtimestamp(self.clock.now_ns() / 1e9 - late_s, UTC)
        stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sign = base64.b64encode(hmac.new(b"sim-okx-secret", f"{stamp}GET{path}".encode(), hashlib.sha256).digest())
        told = {"key": "sim-okx-key", "passphrase": "sim-okx-passphrase", "sign": sign.decode(), "timestamp": stamp}
        return tuple((f"ok-access-{name}", value) for name, value in (told | (changed or {})).items() if value)

    def get(self, path: str, headers: tuple[tuple[str, str], ...] = ()) -> tuple[int, Any]:
        response = self.sim.handle(HttpRequest("GET", path, headers), client_ip="10.0.0.1").response
        assert response is not None
        return response.status, json.loads(response.body)

    def open(self, group: str, texts: list[str], ends: list[Any]) -> Any:
        side = ShellSide(texts.append, lambda *said: ends.append(said), lambda *said: ends.append(said))
        return self.sim.open_ws(f"/ws/v5/{group}", (), side, client_ip="10.0.0.1")


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_a_signed_request_is_answered(caller: Caller) -> None:
    status, said = caller.get(BALANCE, caller.headers(BALANCE))
    assert (status, said["code"]) == (200, "0")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"key": ""}, "50103"), ({"passphrase": ""}, "50104"), ({"sign": ""}, "50106"), ({"timestamp": ""}, "50107"),
        ({"key": "x"}, "50111"), ({"passphrase": "x"}, "50105"), ({"sign": "x"}, "50113"),
        ({"timestamp": "x"}, "50112"),
    ],
)  # fmt: skip
def test_a_request_is_refused_for_what_is_wrong_with_it(caller: Caller, changed: dict[str, str], code: str) -> None:
    status, said = caller.get(BALANCE, caller.headers(BALANCE, changed))
    assert (status, said["code"]) == (401, code)


def test_a_request_of_half_a_minute_ago_is_too_old(caller: Caller) -> None:
    assert caller.get(BALANCE, caller.headers(BALANCE, late_s=29))[0] == 200
    assert caller.get(BALANCE, caller.headers(BALANCE, late_s=31))[1]["code"] == "50102"


def test_a_fourth_socket_in_a_second_is_refused(caller: Caller) -> None:
    for _ in range(3):
        assert not isinstance(caller.open("public", [], []), HttpResponse)
    refused = caller.open("public", [], [])
    assert isinstance(refused, HttpResponse)
    assert refused.status == 429
    caller.clock.advance(1)
    assert not isinstance(caller.open("public", [], []), HttpResponse)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("{", "60012"),
        ({"op": "dance", "args": []}, "60019"),
        ({"op": "subscribe", "args": [{"channel": "books", "instId": "NO-SUCH"}]}, "60018"),
        ({"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]}, "60011"),
        ({"op": "login", "args": [{"apiKey": "x"}]}, "60005"),
    ],
)
def test_a_socket_says_what_it_does_not_understand(caller: Caller, asked: object, code: str) -> None:
    texts: list[str] = []
    socket = caller.open("private" if "orders" in str(asked) else "public", texts, [])
    socket.receive(asked if isinstance(asked, str) else json.dumps(asked), caller.clock.now_ns())
    (said,) = map(json.loads, texts)
    assert (said["event"], said["code"]) == ("error", code)


def test_each_change_of_a_book_names_the_one_before_and_a_restart_breaks_no_chain(caller: Caller) -> None:
    texts: list[str] = []
    socket = caller.open("public", texts, [])
    socket.receive(json.dumps({"op": "subscribe", "args": [BOOK]}), caller.clock.now_ns())
    for second in range(6):
        if second == 3:
            caller.venue.restart_numbers("BTC-USDT-SWAP")
        caller.clock.advance(1)
        caller.sim.advance()
    rows = [message["data"][0] for message in map(json.loads, texts) if "data" in message]
    numbers = [(row["prevSeqId"], row["seqId"]) for row in rows]
    assert numbers[0][0] == -1
    assert [before for before, _ in numbers[1:]] == [number for _, number in numbers[:-1]]
    assert sum(number < before for before, number in numbers[1:]) == 1  # the restart
