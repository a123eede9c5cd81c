"""Secrets never leave, in any encoding."""

from __future__ import annotations

import base64
import json
import logging
import pickle
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import BadRequest, MalformedReply
from lotusx.kernel.redact import LONGEST_TEXT, MASK, RedactingFilter, Redactor
from lotusx.kernel.request import Request, Verb

CANARY = "c4nary+/key=="


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        quote(CANARY, safe=""),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
        CANARY.encode().hex(),
        CANARY.encode().hex().upper(),
    ],
)
def test_a_known_secret_is_hidden_in_every_encoding(form: str) -> None:
    assert form not in Redactor([CANARY]).text(f"origin [{form}] refused")


@pytest.mark.parametrize(
    "text",
    [
        "GET /x?symbol=A&signature=deadbeef01&limit=5",
        "GET /x?apiKey=deadbeef01",
        "X-MBX-APIKEY: deadbeef01",
        '{"listenKey":"deadbeef01"}',
        '{"listenKey": "deadbeef01", "x": 1}',
        "Authorization: Bearer deadbeef01",
        r"{\"signature\":\"deadbeef01\"}",
        "X-BAPI-SIGN=deadbeef01",
        "{'api_secret': 'deadbeef01'}",
    ],
)
def test_what_is_named_like_a_secret_is_hidden(text: str) -> None:
    redacted = Redactor().text(text)

    assert "deadbeef01" not in redacted
    assert MASK in redacted


@pytest.mark.parametrize("unit", ["a", "token", "sign ", "Bearer ", "sign= ", '\\"', "=", "token-"])
def test_a_long_text_is_redacted_in_a_time_that_grows_with_its_length(unit: str) -> None:
    text = unit * (100_000 // len(unit))  # what is quadratic in it takes an hour

    assert Redactor().text(text)
    assert Redactor().value({text: "x"})


def test_a_text_that_has_no_end_is_cut_and_the_cut_shows_no_part_of_a_secret() -> None:
    for before in range(LONGEST_TEXT - 40, LONGEST_TEXT + 1):
        text = Redactor([CANARY]).text(f"{'.' * before}{CANARY} token={CANARY[::-1]}" + "." * 100_000)

        assert len(text) < LONGEST_TEXT + 20
        assert text.endswith("… (cut)")
        assert CANARY[:3] not in text
        assert CANARY[:-4:-1] not in text


@given(st.text(alphabet="abcXYZ019+/=_-", min_size=6, max_size=64))
def test_no_secret_survives_wherever_it_stands(secret: str) -> None:
    text = f"before {secret} after, twice: {secret}{secret}"

    assert secret not in Redactor([secret]).text(text).replace(MASK, "\0")


def test_ordinary_text_is_left_alone() -> None:
    text = '{"symbol":"BTCUSDT","price":"42000.10","side":"BUY"} Signature for this request is not valid.'

    assert Redactor(["", "1"]).text(text) == text


def test_what_signing_added_is_hidden_under_any_name() -> None:
    unsigned = Request(Verb.POST, "https://x.test", "/order", "symbol=BTCUSDT", b'{"coin":"a-long-coin-name-1"}')
    signed = Request(
        Verb.POST,
        "https://x.test",
        "/order",
        "symbol=BTCUSDT&zz=0123456789abcdef",
        b'{"coin":"a-long-coin-name-1","r":"fedcba9876543210"}',
        (("X-Odd", "odd-header-value"),),
    )

    text = (
        Redactor()
        .with_request(unsigned, signed)
        .text("BTCUSDT a-long-coin-name-1 0123456789abcdef fedcba9876543210 odd-header-value")
    )

    assert text == "BTCUSDT a-long-coin-name-1 *** *** ***"


def test_an_error_is_redacted_in_all_it_carries_and_still_pickles() -> None:
    details = {
        "echo": [CANARY, ("x", CANARY)],
        "raw": CANARY.encode(),
        "listenKey": "deadbeef01",
        "n": 1,
        CANARY: 2,
    }
    error = BadRequest("x", "-1", f"bad key {CANARY}", details=details)

    redacted = Redactor([CANARY]).error(error)

    assert redacted is error
    for text in (str(error), repr(error), error.text, repr(error.details), repr(pickle.loads(pickle.dumps(error)))):
        assert CANARY not in text
        assert "deadbeef01" not in text
    assert error.details["n"] == 1


def test_the_body_of_a_malformed_reply_is_redacted() -> None:
    error = Redactor([CANARY]).error(MalformedReply("no", body=json.dumps({"k": CANARY})))

    assert CANARY not in error.body


def test_the_redactor_shows_no_secret_itself() -> None:
    assert CANARY not in repr(Redactor([CANARY]))


def test_log_records_are_redacted_with_their_traceback() -> None:
    redactor = Redactor([CANARY])
    try:
        raise ValueError(f"boom {CANARY}")
    except ValueError as error:
        record = logging.LogRecord(
            "n", logging.ERROR, __file__, 1, "sent %s", (CANARY,), (type(error), error, error.__traceback__)
        )

    assert RedactingFilter(redactor).filter(record)

    text = logging.Formatter("%(message)s").format(record)
    assert CANARY not in text
    assert "boom ***" in text


def test_log_records_without_a_traceback_are_redacted() -> None:
    record = logging.LogRecord("n", logging.INFO, __file__, 1, "plain", None, None)

    assert RedactingFilter(Redactor()).filter(record)
    assert record.getMessage() == "plain"
