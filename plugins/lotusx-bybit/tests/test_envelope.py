"""What is sent, byte for byte, and how pages are asked for."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument
from lotusx.plugin import Response
from lotusx_bybit.v5.envelope import Listing, Reply, encode_body, encode_query, reader


def test_cursor_goes_back_as_it_came() -> None:
    params = {"category": "linear", "cursor": "132766%3A2%2C132766%3A2", "limit": 50}

    assert encode_query(params) == "category=linear&cursor=132766%3A2%2C132766%3A2&limit=50"


def test_query_encodes_everything_else_once() -> None:
    params = {"coin": "USDT,USDC", "qty": Decimal("1E-7"), "flag": True, "off": False, "none": None}

    assert encode_query(params) == "coin=USDT%2CUSDC&qty=0.0000001&flag=true&off=false"


@given(st.dictionaries(st.sampled_from("abcdef"), st.text(max_size=20)))
def test_query_is_ascii_and_reads_back(params: dict[str, str]) -> None:
    query = encode_query(params)

    assert query.isascii()
    assert dict(parse_qsl(query, keep_blank_values=True)) == params


def test_body_is_compact_and_its_numbers_are_text() -> None:
    params = {
        "category": "linear",
        "request": [{"symbol": "SOLUSDT", "qty": Decimal("10"), "positionIdx": 0, "reduceOnly": True, "price": None}],
        "note": "café",
    }

    assert (
        encode_body(params)
        == (
            '{"category":"linear","request":[{"symbol":"SOLUSDT","qty":"10","positionIdx":0,"reduceOnly":true}],'
            '"note":"café"}'
        ).encode()
    )


@given(st.decimals(min_value=0, max_value=10**12, allow_nan=False, places=12))
def test_number_loses_nothing_on_its_way_into_a_body(value: Decimal) -> None:
    text = json.loads(encode_body({"qty": value}))["qty"]

    assert Decimal(text) == value
    assert "E" not in text


@pytest.mark.parametrize("write", [encode_query, encode_body])
def test_float_is_refused(write: object) -> None:
    assert callable(write)
    with pytest.raises(InvalidArgument, match=r"qty must be text, int, Decimal or bool, not 0\.1"):
        write({"qty": 0.1})


@pytest.mark.parametrize(
    ("page", "following"),
    [
        ({"list": [1], "nextPageCursor": "a%3Ab"}, "a%3Ab"),
        ({"list": [1], "nextPageCursor": ""}, None),
        ({"list": [1], "nextPageCursor": None}, None),
        ({"list": [1]}, None),
        ({"list": [], "nextPageCursor": "a%3Ab"}, None),
    ],
)
def test_last_page_has_no_cursor_or_no_rows(page: dict[str, object], following: str | None) -> None:
    assert msgspec.convert(page, Listing[int]).following == following


def test_reply_is_unwrapped() -> None:
    body = b'{"retCode":0,"retMsg":"OK","result":{"list":["a"],"nextPageCursor":""},"retExtInfo":{},"time":17}'

    reply = reader(Reply[Listing[str]])(Response(200, {}, body))

    assert (reply.result.items, reply.time) == (["a"], 17)
