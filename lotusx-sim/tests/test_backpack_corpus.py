"""The simulated Backpack's answers and frames have the fields and kinds of values of recorded ones.

Read where they stand, in ``$LOTUSX_CORPUS``, by default beside the repository.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backpack_calls import PERP, SOL, BackpackCaller

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
pytestmark = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")

# Fields of one recording that others do not have: names from before a change.
GONE = {"filters.price.borrowmarketFeeMaxMultiplier", "filters.price.borrowmarketFeeMinMultiplier"}

EITHER = {"fundingInterval"}  # seen as number and as text


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    names = {"dict": "object", "list": "list", "str": "text"}
    return names.get(type(value).__name__, "nothing")


def drift(recorded: Any, ours: Any, path: str = "") -> list[str]:
    """Return what *recorded* has and *ours* has not, or has as something else; ``null`` goes with everything."""
    if "nothing" in (kind(recorded), kind(ours)) or path in EITHER:
        return []
    # Streams of 2025 wrote times as text, those of 2026 as numbers.
    as_text = path.rpartition(".")[2] in ("E", "T") and kind(recorded) == "text" and recorded.isdecimal()
    if kind(recorded) != kind(ours) and not as_text:
        return [f"{path} is {kind(recorded)}, not {kind(ours)}"]
    if isinstance(recorded, list) and recorded and isinstance(recorded[0], (dict, list)):
        return [line for item in recorded for line in drift(item, ours[0], path)] if ours else []
    if not isinstance(recorded, dict):
        return []
    found = []
    for name, value in recorded.items():
        where = f"{path}.{name}" if path else name
        if name in ours:
            found += drift(value, ours[name], where)
        elif where not in GONE:
            found.append(f"{where} is missing")
    return list(dict.fromkeys(found))


def recorded_rest(name: str, index: int = 0) -> Any:
    return json.loads((CORPUS / "backpack" / "rest" / f"{name}.json").read_text("utf-8"))[index]["response"]


def position_of(caller: BackpackCaller) -> Any:
    caller.place(PERP, "Bid", "1")
    return caller.get("/api/v1/position")[0]


REST: dict[tuple[str, int], Callable[[BackpackCaller], Any]] = {
    ("bbgo_status", 0): lambda c: c.public("status"),
    ("bbgo_status", 1): lambda c: c.public("ping"),
    ("bbgo_status", 2): lambda c: c.public("time"),
    ("bbgo_markets_first10", 0): lambda c: c.public("markets"),
    ("bbgo_market", 0): lambda c: c.public("market", symbol=SOL),
    ("ccxt_parseMarket", 0): lambda c: [c.public("market", symbol=PERP)],
    ("bbgo_depth", 0): lambda c: c.public("depth", symbol=SOL, limit=20),
    ("bbgo_trades", 0): lambda c: c.public("trades", symbol=SOL, limit=10),
    ("bbgo_ticker", 0): lambda c: c.public("ticker", symbol=SOL),
    ("bbgo_tickers_8", 0): lambda c: c.public("tickers"),
    ("bbgo_klines", 0): lambda c: c.public("klines", symbol=SOL, interval="1m", startTime=c.now_ms // 1_000 - 600),
    ("bbgo_markPrices_9", 0): lambda c: c.public("markPrices"),
    ("ccxt_parseOpenInterest", 0): lambda c: c.public("openInterest"),
    ("bbgo_capital", 0): lambda c: {"USDT": c.get("/api/v1/capital")["USDC"]},
    ("bbgo_order_place_query_cancel", 0): lambda c: c.place(SOL, "Ask", "1", "160", postOnly=True),
    ("ccxt_parseOrder", 0): lambda c: c.place(SOL, "Bid", quoteQuantity="200"),
    ("ccxt_parseOrder", 1): lambda c: (c.place(SOL, "Ask", "1", "160"), c.history()[0])[1],
    ("ccxt_parsePosition", 0): position_of,
    ("ccxt_handleErrors", 0): lambda c: c.try_to_place(SOL, "Bid", "1", "150", reduceOnly=True),
}


@pytest.mark.parametrize(("name", "index"), REST, ids=lambda value: str(value))
def test_an_answer_has_the_shape_of_the_recorded_one(name: str, index: int) -> None:
    assert drift(recorded_rest(name, index), REST[(name, index)](BackpackCaller())) == []


def recorded_frames() -> dict[str, Any]:
    """Return recorded data by the name of the event, and of orders by that of the change."""
    folder = CORPUS / "backpack" / "ws"
    frames = [item["msg"] for path in sorted(folder.glob("*.json")) for item in json.loads(path.read_text("utf-8"))]
    (capture,) = folder.glob("capture_*.ndjson")
    frames += [json.loads(line)["msg"] for line in capture.read_text("utf-8").splitlines()]
    found: dict[str, Any] = {}
    for frame in frames:
        data = frame.get("data", frame)
        if "e" in data:
            found[data["e"]] = data
    return found


def test_frames_have_the_shapes_of_recorded_ones() -> None:
    caller = BackpackCaller()
    public = [f"{name}.{PERP}" for name in ("bookTicker", "depth", "trade", "kline.1m", "ticker", "markPrice")]
    socket = caller.reading(*public, "account.orderUpdate", "account.positionUpdate", "account.balanceUpdate")
    caller.place(PERP, "Bid", "1", "151", postOnly=True)
    caller.place(PERP, "Bid", "100")
    caller.step(1)
    ours = {message["data"]["e"]: message["data"] for message in reversed(socket.take())}
    recorded = recorded_frames()
    assert set(recorded) <= set(ours)
    assert {name: drift(data, ours[name]) for name, data in recorded.items() if drift(data, ours[name])} == {}


def test_drift_is_found() -> None:
    recorded = {"a": "1", "b": {"c": 1}, "d": [{"e": True}], "f": None}
    assert drift(recorded, {"a": 1, "b": {}, "d": [{"e": "x"}], "f": 2}) == [
        "a is text, not number", "b.c is missing", "d.e is bool, not text",
    ]  # fmt: skip
