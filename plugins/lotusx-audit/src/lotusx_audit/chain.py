"""Records that hold on to each other: each states the hash of the one before. Pure.

A record is one line of JSON in canonical form (keys sorted, no blanks, UTF-8). Its ``hash`` is the SHA-256, in hex, of
the same form without ``hash``; ``prev`` is the hash of the record before it, ``seq`` counts from 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = "0" * 64
"""``prev`` of the first record."""


@dataclass(frozen=True, slots=True)
class Link:
    """The newest record of a chain: its number and hash."""

    seq: int = 0
    hash: str = GENESIS


def canonical(record: Mapping[str, Any]) -> bytes:
    """Return *record* in the one form that is hashed."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def seal(content: Mapping[str, Any], after: Link) -> tuple[bytes, Link]:
    """Return the line of *content* as the record after *after*, and its link."""
    record = {**content, "seq": after.seq + 1, "prev": after.hash}
    digest = hashlib.sha256(canonical(record)).hexdigest()
    return canonical({**record, "hash": digest}) + b"\n", Link(after.seq + 1, digest)


def read(line: bytes) -> dict[str, Any]:
    """Return the record of *line* (without its end), whose hash is right.

    Raises:
        ValueError: It is not a record, or not as it was written; the text says what is wrong.
    """
    try:
        record = json.loads(line)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(record, dict) or not isinstance(record.get("hash"), str) or type(record.get("seq")) is not int:
        raise ValueError("it is not a record of an audit log")
    if canonical(record) != line:
        raise ValueError("it is not in the form it was written in")
    digest = hashlib.sha256(canonical({name: value for name, value in record.items() if name != "hash"})).hexdigest()
    if digest != record["hash"]:
        raise ValueError("its content does not have its hash")
    return record


def link_of(record: Mapping[str, Any]) -> Link:
    """Return the link of *record*."""
    return Link(record["seq"], record["hash"])
