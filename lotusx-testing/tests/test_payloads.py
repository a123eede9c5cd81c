"""The payload checker catches what a structure forgets; the new-value check catches what a conversion hides."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lotusx_testing import NewValue, Payload
from lotusx_testing.payloads import NEW_VALUE


class Level(msgspec.Struct, array_like=True):
    price: str
    quantity: str


class Trade(msgspec.Struct):
    p: str
    side: str
    fee: dict[str, str] | None = None


class Book(msgspec.Struct, rename={"number": "u"}):
    number: int
    bids: list[Level]
    best: tuple[str, str] | None = None
    by_name: dict[str, Trade] = {}
    raw: msgspec.Raw = msgspec.Raw(b"null")


def test_document_that_is_read_whole_passes() -> None:
    Payload("book", b'{"u": 1, "bids": [["1", "2"]], "best": ["1", "2"]}', Book).check()


@pytest.mark.parametrize(
    ("document", "kind", "path"),
    [
        ('{"p": "1", "side": "b", "M": true}', Trade, "M"),
        ('[{"p": "1", "side": "b", "M": true}]', list[Trade], r"\[\]\.M"),
        ('{"u": 1, "bids": [["1", "2", "3"]]}', Book, r"bids\[\]\[2\]"),
        ('{"u": 1, "bids": [], "by_name": {"x": {"p": "1", "side": "b", "M": 0}}}', Book, r"by_name\{\}\.M"),
    ],
)
def test_forgotten_field_is_named(document: str, kind: Any, path: str) -> None:
    with pytest.raises(AssertionError, match=f"neither read nor ignored: {path}"):
        Payload("x", document, kind).check()


def test_ignored_field_covers_what_lies_below_it() -> None:
    Payload("x", '{"p": "1", "side": "b", "info": {"a": [1]}}', Trade, ["info"]).check()
    Payload("x", '{"u": 1, "bids": [["1", "2", "3"]]}', Book, ["bids[][2]"]).check()


def test_ignored_field_that_is_read_is_stale() -> None:
    with pytest.raises(AssertionError, match="listed as ignored, but read or not there: side"):
        Payload("x", '{"p": "1", "side": "b"}', Trade, ["side"]).check()


def test_raw_part_is_followed_where_its_reader_is_named() -> None:
    document = '{"u": 1, "bids": [], "raw": {"p": "1", "side": "b", "M": true}}'

    Payload("x", document, Book).check()
    with pytest.raises(AssertionError, match=r"raw\.M"):
        Payload("x", document, Book, within={"raw": Trade}).check()


def test_document_that_does_not_decode_is_reported_as_such() -> None:
    with pytest.raises(AssertionError, match="does not decode"):
        Payload("x", '{"p": 1}', Trade).check()


def _kept(body: bytes) -> Trade:
    return msgspec.json.decode(body, type=Trade)


def _hidden(body: bytes) -> str:
    return "buy" if _kept(body).side == "b" else "unknown"


def _raises(body: bytes) -> str:
    return {"b": "buy"}[_kept(body).side]


def test_new_value_that_stays_visible_passes() -> None:
    NewValue("side", '{"p": "1", "side": "b"}', ("side",), _kept).check()
    NewValue("side", '[{"p": "1", "side": "b"}]', (0, "side"), lambda body: body).check()


@pytest.mark.parametrize(("convert", "what"), [(_hidden, "disappears"), (_raises, "raises KeyError")])
def test_new_value_that_is_lost_or_fatal_fails(convert: Any, what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        NewValue("side", '{"p": "1", "side": "b"}', ("side",), convert).check()


def test_document_must_hold_a_value_of_today() -> None:
    with pytest.raises(AssertionError, match="value of today"):
        NewValue("side", f'{{"side": "{NEW_VALUE}"}}', ("side",), str).check()
