"""Where the recorded data stands, and documents from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lotusx.errors import ItemRejected
from lotusx.model import Symbol

ROOT = Path(__file__).resolve().parents[4]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
HERE = CORPUS / "backpack"

needs_corpus = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")


class Recorded(msgspec.Struct):
    """A record of a ``rest/`` file."""

    request: dict[str, Any]
    response: msgspec.Raw
    status: int | None = None


class Message(msgspec.Struct):
    """A record of a ``ws/`` file, or a line of a capture."""

    msg: msgspec.Raw


def replies(name: str) -> list[Recorded]:
    """Return what ``rest/<name>.json`` holds."""
    return msgspec.json.decode((HERE / "rest" / f"{name}.json").read_bytes(), type=list[Recorded])


def messages(name: str) -> list[bytes]:
    """Return the messages in ``ws/<name>``, compact as the exchange sends them."""
    content = (HERE / "ws" / name).read_bytes()
    if name.endswith(".ndjson"):
        found = msgspec.json.Decoder(Message).decode_lines(content)
    else:
        found = msgspec.json.decode(content, type=list[Message])
    return [msgspec.json.format(bytes(each.msg), indent=-1) for each in found]


def symbol_of(venue_symbol: str) -> Symbol:
    """Return the symbol of a market's name, whether it is listed or not; what is no such name is not listed."""
    parts = venue_symbol.split("_")
    if len(parts) not in (2, 3):
        raise ItemRejected(f"{venue_symbol!r} is not listed", field="symbol", value=venue_symbol)
    base, quote, *perpetual = parts
    return Symbol(base, quote, settle=quote if perpetual else None)
