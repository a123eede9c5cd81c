"""A recording as a feed for the simulator: recorded market data that orders under test can meet."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from lotusx.errors import NotSupported
from lotusx_recorder.errors import NotRecorded
from lotusx_recorder.reading import Answer, Frame, Recording

_DEPTH = "/api/v3/depth"


def write_capture(recording: Recording, venue_symbol: str, path: Path) -> int:
    """Write what was recorded of one market for ``lotusx_sim.BinanceSpot(capture=path)``; return how many messages.

    The book begins with the first recorded snapshot. The file is complete when this returns, or is not there.

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
    found = [
        answers[0]
        for (_, where, query, _), answers in recording.answers().items()
        if where == _DEPTH and parse_qs(query).get("symbol") == [venue_symbol]
    ]
    if not found:
        raise NotRecorded(f"{recording.folder} has no snapshot of the book of {venue_symbol}: record its live book")
    return min(found, key=lambda answer: answer.received_ns)


def _snapshot_line(snapshot: Answer) -> dict[str, Any]:
    return {"recv_ns": snapshot.received_ns, "dir": "rest_snapshot", "msg": snapshot.body.decode()}


def _messages(recording: Recording, venue_symbol: str) -> Iterator[dict[str, Any]]:
    of_market = f"{venue_symbol.lower()}@"
    for frame in recording.frames():
        if frame.key.startswith(of_market):
            yield _message(frame)


def _message(frame: Frame) -> dict[str, Any]:
    return {"recv_ns": frame.received_ns, "dir": "in", "msg": frame.payload.decode()}
