"""A recording as a feed for the simulator: recorded market data that orders under test can meet."""

from __future__ import annotations

import heapq
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from lotusx.model.market_data import BookUpdate, Trade
from lotusx_recorder.errors import NotRecorded
from lotusx_recorder.reading import Answer, Frame, Recording
from lotusx_recorder.timeline import once

_DEPTH = "/api/v3/depth"
_TOPS = re.compile(r"depth\d")
"""The first levels of a book, sent whole. They do not name their market, and the simulator has them of the book."""


def write_capture(recording: Recording, market: str, path: Path) -> int:
    """Write what was recorded of one market as a ``capture`` for a simulated exchange; return how many messages.

    Of Binance spot it is read by ``lotusx_sim.BinanceSpot(capture=path)``, which shows the messages as they were, each
    once, and begins with the first of the deepest recorded snapshots. Of an exchange whose stream brings whole books,
    such as Bybit and Hyperliquid, it is read by ``Bybit(capture=path)`` and ``Hyperliquid(capture=path)``, and begins
    with the first of them. The file is complete when this returns, or is not there.

    Args:
        market: Of Binance spot in the exchange's own form, ``BTCUSDT``; else ours, ``BTC/USDT:USDT``.

    Raises:
        NotRecorded: There is no whole book of it: nobody kept one in step.
    """
    if recording.exchange == "binance":
        snapshot = _snapshot(recording, market)
        return _put(path, itertools.chain([_snapshot_line(snapshot)], _messages(recording, market)))
    return _put(path, itertools.chain([{"market": market}], _moments(recording, market)))


def _put(path: Path, lines: Iterable[dict[str, Any]]) -> int:
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


def _moments(recording: Recording, market: str) -> list[dict[str, Any]]:
    """Return what happened to the book and what was printed, from the first whole book on."""
    books = [
        {"at_ns": at_ns, "bids": _pairs(bids), "asks": _pairs(asks), "whole": whole}
        for at_ns, symbol, bids, asks, whole in recording.events(BookUpdate, ("symbol", "bids", "asks", "snapshot"))
        if symbol == market
    ]
    began_ns = next((book["at_ns"] for book in books if book["whole"]), None)
    if began_ns is None:
        raise NotRecorded(
            f"{recording.folder} has no whole book of {market} among its typed events: record its live book with "
            "events = true; an exchange whose stream brings changes only is not supported, but for Binance spot"
        )
    prints = {
        trade_id: {"at_ns": at_ns, "side": side, "price": price, "quantity": quantity}
        for at_ns, symbol, trade_id, side, price, quantity in recording.events(
            Trade, ("symbol", "trade_id", "taker_side", "price", "quantity")
        )
        if symbol == market
    }  # each once, however many have read it
    happened = heapq.merge(prints.values(), books, key=lambda each: each["at_ns"])
    return [each for each in happened if each["at_ns"] >= began_ns]


def _pairs(levels: Iterable[dict[str, str]]) -> list[tuple[str, str]]:
    return [(level["price"], level["quantity"]) for level in levels]


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
