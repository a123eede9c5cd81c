"""What the benchmark's exchanges say: documents and frames in each one's shape, made before anything is measured."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast


class Venue(Protocol):
    """One exchange's dialect.

    Attributes:
        snapshots: Snapshots of books asked for so far, where a client must fetch them.
    """

    snapshots: int

    def reply(self, target: str, body: bytes) -> bytes:
        """Return the document that a request asks for."""

    def hear(self, message: dict[str, Any]) -> tuple[list[bytes], list[str]]:
        """Return the answers to what a client says on a socket, and the streams that it wants from now on."""

    def streams_of(self, target: str) -> list[str]:
        """Return the streams that an address asks for."""

    def frames(self, streams: list[str]) -> list[bytes]:
        """Return all messages of *streams*, in turn."""

    def awaits_snapshot(self, stream: str) -> bool:
        """Whether the rest of *stream* is only to be sent once its snapshot was asked for."""


def venue(spec: dict[str, Any]) -> Venue:
    """Make the exchange that *spec* names, with its figures."""
    name = spec.get("exchange", "binance")
    return cast("Venue", import_module(f"bench.venues.{name}").Exchange(spec))


def frame(payload: bytes) -> bytes:
    """Return one server frame."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes([size]) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def in_turn(columns: list[list[bytes]]) -> list[bytes]:
    """Return one of each, then the next of each."""
    return [item for row in zip(*columns, strict=True) for item in row]
