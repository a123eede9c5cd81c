"""How requests are written and replies are wrapped, by REST.

A query is written once and then signed and sent as it stands. Lists come in pages; a cursor comes percent-encoded and
goes back exactly as it came. Source: bybit-exchange/docs, v5/guide and v5/intro.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import field

from lotusx.errors import InvalidArgument
from lotusx.model import plain
from lotusx.plugin import Response

T = TypeVar("T")
Params = Mapping[str, Any]

CURSOR = "cursor"
JSON_HEADERS = (("Content-Type", "application/json"),)


class Reply(msgspec.Struct, Generic[T]):
    """A successful reply. ``time`` is the exchange's own, in ms; some endpoints leave it out."""

    result: T
    time: int | None = None


class BatchReply(msgspec.Struct, Generic[T]):
    """A reply to a batch: ``retExtInfo`` says what became of each item."""

    result: T
    retExtInfo: msgspec.Raw = msgspec.Raw(b"{}")


class Listing(msgspec.Struct, Generic[T]):
    """A list, or one page of it. ``cursor`` empty or missing: this was the last page."""

    items: list[T] = field(name="list")
    cursor: str | None = field(name="nextPageCursor", default=None)

    @property
    def following(self) -> str | None:
        """What asks for the next page, as it must be sent; ``None``: there is none."""
        return self.cursor if self.cursor and self.items else None


def text_of(name: str, value: object) -> str:
    """Write one parameter of a query. `Decimal` without exponent; a float is refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    raise InvalidArgument(f"{name} must be text, int, Decimal or bool, not {value!r}")


def encode_query(params: Params) -> str:
    """Write a query; parameters that are ``None`` are left out. ``cursor`` is encoded already and stays as it is."""
    return "&".join(
        f"{name}={text_of(name, value) if name == CURSOR else quote(text_of(name, value), safe='')}"
        for name, value in params.items()
        if value is not None
    )


_encode = msgspec.json.Encoder().encode


def _written(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _written(key, item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_written(name, item) for item in value]
    if isinstance(value, bool | int):
        return value
    return text_of(name, value)


def encode_body(params: Params) -> bytes:
    """Write a body: compact JSON, numbers that count something as text; what is ``None`` is left out."""
    return _encode(written(params))


def written(params: Params) -> object:
    """Return *params* as the exchange reads them in JSON: as `encode_body` writes them."""
    return _written("", params)


def reader(kind: type[T]) -> Callable[[Response], T]:
    """Return a function that decodes a reply's body strictly as *kind*."""
    decode = msgspec.json.Decoder(kind).decode
    return lambda response: decode(response.body)
