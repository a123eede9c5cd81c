"""Reads captures of Binance spot streams: lines of ``{"recv_ns", "dir", "msg"}``, a REST depth snapshot among them."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lotusx_sim.engine.capture import Capture, CaptureError, Record
from lotusx_sim.engine.market import Diff, LevelPair, PublicTrade
from lotusx_sim.engine.orders import Side

__all__ = ["CaptureError", "capture_of", "read_capture"]


def read_capture(path: Path) -> Capture:
    """Read one market's capture.

    Raises:
        CaptureError: Unreadable, no snapshot, more than one market, or a gap between its depth updates.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            return capture_of(lines)
    except OSError as error:
        raise CaptureError(f"cannot read {path}: {error}") from None
    except (msgspec.DecodeError, KeyError, TypeError, ArithmeticError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path} is not a capture: {type(error).__name__}: {error}") from None


def capture_of(lines: Iterable[str]) -> Capture:
    """Return what *lines* recorded, from its snapshot on."""
    frames = list(_frames(lines))
    snapshot = next((frame for frame in frames if frame[1] == "rest_snapshot"), None)
    if snapshot is None:
        raise CaptureError("there is no depth snapshot in the capture")
    began_ns, _, book = snapshot
    update_id = int(book["lastUpdateId"])
    names = [(at_ns, message["stream"], message["data"]) for at_ns, kind, message in frames if kind == "in"]
    symbols = {data["s"] for _, _, data in names}
    if len(symbols) != 1:
        raise CaptureError(f"a capture holds one market, this one has {', '.join(sorted(symbols)) or 'none'}")
    records = [_record(max(0, at_ns - began_ns), name, data) for at_ns, name, data in names]
    kept = [r for r in records if (r.offset_ns > 0 if r.diff is None else r.diff.last_id > update_id)]
    _check_chain(kept, update_id)
    return Capture(symbols.pop(), _levels(book["bids"]), _levels(book["asks"]), update_id, kept)


def _frames(lines: Iterable[str]) -> Iterator[tuple[int, str, Any]]:
    for line in lines:
        frame = msgspec.json.decode(line)
        message = frame["msg"]
        if isinstance(message, str):
            message = msgspec.json.decode(message)
        at_ns = frame["recv_ns"] if "recv_ns" in frame else round(frame["recv"] * 1e9)
        yield at_ns, frame["dir"], message


def _record(offset_ns: int, name: str, data: dict[str, Any]) -> Record:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    diff = trade = None
    if data.get("e") == "depthUpdate":
        diff = Diff(data["U"], data["u"], _levels(data["b"]), _levels(data["a"]))
    elif data.get("e") == "trade":
        side = Side.SELL if data["m"] else Side.BUY
        price, quantity = Decimal(data["p"]), Decimal(data["q"])
        trade = PublicTrade(data["t"], price, quantity, side, data["T"] * 1_000_000, data["t"])
    return Record(offset_ns, name, text, diff, trade)


def _levels(pairs: Iterable[tuple[str, str]]) -> tuple[LevelPair, ...]:
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def _check_chain(records: Iterable[Record], update_id: int) -> None:
    for record in records:
        if record.diff is not None:
            if record.diff.first_id > update_id + 1:
                raise CaptureError(f"depth updates {update_id + 1} to {record.diff.first_id - 1} are missing")
            update_id = record.diff.last_id
