"""Reads recordings of one market of any exchange, as ``lotusx_recorder.write_capture`` writes them.

Lines of JSON: first ``{"market": "BTC/USDT:USDT"}``, then in the order of their arrival
``{"at_ns", "bids", "asks", "whole"}`` (pairs of price and absolute quantity, as text) and
``{"at_ns", "side", "price", "quantity"}`` (a print, with its taker's side).
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from lotusx_sim.engine.capture import CaptureError
from lotusx_sim.engine.market import LevelPair
from lotusx_sim.engine.orders import Side
from lotusx_sim.engine.recorded_market import BookChange, MarketCapture, RecordedPrint


def read_market(path: Path) -> MarketCapture:
    """Read one market's capture.

    Raises:
        CaptureError: Unreadable, without a whole book, or not in order.
    """
    try:
        with path.open("rb") as lines:
            return market_of(lines)
    except OSError as error:
        raise CaptureError(f"cannot read {path}: {error}") from None
    except CaptureError as error:
        raise CaptureError(f"{path} cannot be played: {error}") from None
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise CaptureError(f"{path} is not a capture of a market: {type(error).__name__}: {error}") from None


def market_of(lines: Iterable[bytes]) -> MarketCapture:
    """Return what *lines* recorded, from the first whole book on."""
    documents = (msgspec.json.decode(line) for line in lines)
    first: dict[str, Any] = next(documents, {})
    if "market" not in first:
        raise CaptureError("the first line names no market")
    began = list(_from_whole_book(documents))
    if not began:
        raise CaptureError("there is no whole book in the capture")
    if any(later["at_ns"] < before["at_ns"] for before, later in pairwise(began)):
        raise CaptureError("the capture is not in order")
    began_ns = began[0]["at_ns"]
    moments = [(document["at_ns"] - began_ns, _moment(document)) for document in began[1:]]
    return MarketCapture(first["market"], _change(began[0]), moments)


def _from_whole_book(documents: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    begun = False
    for document in documents:
        begun = begun or bool(document.get("whole") and (document["bids"] or document["asks"]))
        if begun:
            yield document


def _moment(document: dict[str, Any]) -> BookChange | RecordedPrint:
    if "side" in document:
        return RecordedPrint(Side(document["side"]), Decimal(document["price"]), Decimal(document["quantity"]))
    return _change(document)


def _change(document: dict[str, Any]) -> BookChange:
    return BookChange(_levels(document["bids"]), _levels(document["asks"]), bool(document["whole"]))


def _levels(pairs: Iterable[tuple[str, str]]) -> tuple[LevelPair, ...]:
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in pairs)
