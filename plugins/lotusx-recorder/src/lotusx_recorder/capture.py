"""A recording as a feed for the simulator: recorded market data that orders under test can meet."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from lotusx.errors import NotSupported
from lotusx_recorder.errors import NotRecorded
from lotusx_recorder.reading import Answer, Frame, Recording
from lotusx_recorder.timeline import once

_DEPTH = "/api/v3/depth"
_TOPS = re.compile(r"depth\d")
"""The first levels of a book, sent whole. They do not name their market, and the simulator has them of the book."""


def write_capture(recording: Recording, venue_symbol: str, path: Path) -> int:
    """Write what was recorded of one market for ``lotusx_sim.BinanceSpot(capture=path)``; return how many messages.

    The book begins with the first of the deepest recorded snapshots. What several sockets brought is written once. The
    file is complete when this returns, or is not there.

    Args:
        venue_symbol: In the exchange's own form, ``BTCUSDT``.

    Raises:
        NotSupported: The recording is not of Binance spot; the simulator reads no other.
        NotRecorded: It has no snapshot of that book: nobody kept one in step.
    """
    if recording.exchange != "binance":
        raise NotSupported(recording.exchange, "captures for the simulator", 'connect("replay")')
    snapshot = _snapshot(recording, venue_symbol)
    lines = itertools.chain([_snapshot_line(snapshot)], _messages(recording, venue_symbol))
    beside = path.with_name(f"{path.name}.tmp")
    with beside.open("w", encoding="utf-8") as file:
        count = -1
        for line in lines:
            file.write(json.dumps(line) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return count


def _snapshot(recording: Recording, venue_symbol: str) -> Answer:
    found = []
    for (_, where, query, _), answers in recording.answers().items():
        asked = parse_qs(query)
        if where == _DEPTH and asked.get("symbol") == [venue_symbol]:
            found.append((int(asked.get("limit", ["100"])[0]), answers[0]))
    if not found:
        raise NotRecorded(f"{recording.folder} has no snapshot of the book of {venue_symbol}: record its live book")
    return min(found, key=lambda each: (-each[0], each[1].received_ns))[1]


def _snapshot_line(snapshot: Answer) -> dict[str, Any]:
    return {"recv_ns": snapshot.received_ns, "dir": "rest_snapshot", "msg": snapshot.body.decode()}


def _messages(recording: Recording, venue_symbol: str) -> Iterator[dict[str, Any]]:
    market = venue_symbol.lower()
    for frame in once(recording.frames()):
        of, _, what = frame.key.partition("@")
        if of == market and not _TOPS.match(what):
            yield _message(frame)


def _message(frame: Frame) -> dict[str, Any]:
    return {"recv_ns": frame.received_ns, "dir": "in", "msg": frame.payload.decode()}
