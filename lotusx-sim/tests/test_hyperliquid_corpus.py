"""Answers and frames of the simulated venue have the shape of recorded ones. Needs ``$LOTUSX_CORPUS``."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from hl_calls import BTC, HYPE_SPOT, TSLA, USER, HlCaller, limit

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
pytestmark = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")

# What recordings have and this venue leaves out, with the reason.
_LEFT_OUT = {
    "growthMode", "lastGrowthModeChangeTime",  # a fee scale that is not simulated
    "maxTradeSzs",  # in positions: of 2023, gone since
    "builderFee",  # only in fills of orders that name a builder
    "cloid",  # only where an order has one
}  # fmt: skip


@pytest.fixture
def hl() -> HlCaller:
    """Return a venue on which something has happened."""
    caller = HlCaller()
    caller.place(
        limit(BTC, "buy", "0.01", "85000", "Ioc"),
        limit(TSLA, "buy", "1", "420", "Ioc"),
        limit(HYPE_SPOT, "buy", "1", "40", "Ioc"),
        limit(BTC, "buy", "0.01", "80000"),
    )
    return caller


def recorded(name: str) -> Any:
    """Return the response of a recorded call."""
    return json.loads((CORPUS / "hyperliquid" / "rest" / f"{name}.json").read_text("utf-8"))[0]["response"]


def shape(value: Any) -> Any:
    """Return what kind of thing a value is, numbers in texts told from other texts."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return "text"
        return "number as text"
    return type(value).__name__


def missing(theirs: Any, ours: Any, path: str = "") -> Iterable[str]:
    """Iterate what a recording has and our answer has not, or has as another kind of thing."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name, value in theirs.items():
            if name in ours:
                yield from missing(value, ours[name], f"{path}.{name}")
            elif name not in _LEFT_OUT:
                yield f"{path}.{name}"
    elif isinstance(theirs, list) and isinstance(ours, list):
        if theirs and ours:
            yield from missing(theirs[0], ours[0], f"{path}[0]")
    elif theirs is not None and ours is not None and shape(theirs) != shape(ours):
        yield f"{path}: {shape(theirs)} there, {shape(ours)} here"


_ANSWERS: dict[str, Callable[[HlCaller], Any]] = {
    "gohl_info_meta_Meta": lambda hl: hl.info("meta"),
    "gohl_info_metaAndAssetCtxs_MetaAndAssetCtxs": lambda hl: hl.info("metaAndAssetCtxs", dex="xyz"),
    "gohl_info_metaAndAssetCtxs_MetaAndAssetCtxs_2": lambda hl: hl.info("metaAndAssetCtxs"),
    "gohl_info_perpDexs_PerpDexs": lambda hl: hl.info("perpDexs")[1:],
    "gohl_info_spotMetaAndAssetCtxs": lambda hl: hl.info("spotMetaAndAssetCtxs"),
    "gohl_info_activeAssetData": lambda hl: hl.info("activeAssetData", user=USER, coin="HYPE"),
    "gohl_info_orderStatus_QueryOrderByOid_3": lambda hl: hl.info(
        "orderStatus", user=USER, oid=hl.info("openOrders", user=USER)[0]["oid"]
    ),
    "gohl_info_spotClearinghouseState": lambda hl: hl.info("spotClearinghouseState", user=USER),
    "jk_Futures_Account_GetAccountInfo": lambda hl: hl.info("clearinghouseState", user=USER, dex="xyz"),
    "jk_Spot_Account_GetRateLimits": lambda hl: hl.info("userRateLimit", user=USER),
    "jk_Spot_ExchangeData_GetOrderBook": lambda hl: hl.info("l2Book", coin="@107"),
    "jk_Spot_Trading_GetOpenOrdersExtended": lambda hl: hl.info("frontendOpenOrders", user=USER),
    "pysdk_get_l2_snapshot": lambda hl: hl.info("l2Book", coin="BTC"),
    "pysdk_get_open_orders": lambda hl: hl.info("openOrders", user=USER),
    "pysdk_get_user_fills": lambda hl: hl.info("userFills", user=USER),
    "pysdk_get_user_state": lambda hl: hl.info("clearinghouseState", user=USER),
    "pysdk_get_funding_history_None": lambda hl: hl.info("fundingHistory", coin="BTC", startTime=0),
    "naut_recent_trades_btc": lambda hl: hl.info("recentTrades", coin="BTC"),
}


@pytest.mark.parametrize("name", _ANSWERS)
def test_an_answer_has_all_that_a_recorded_one_has(hl: HlCaller, name: str) -> None:
    theirs = recorded(name)
    if name == "gohl_info_perpDexs_PerpDexs":
        theirs = theirs[1:]
    assert list(missing(theirs, _ANSWERS[name](hl))) == []


def test_a_payment_of_funding_has_all_that_a_recorded_one_has(hl: HlCaller) -> None:
    hl.step(3600)
    theirs = recorded("pysdk_user_funding_history_without_end_time")
    theirs[0]["delta"]["nSamples"] = None
    assert list(missing(theirs, hl.info("userFunding", user=USER, startTime=0))) == []


def test_frames_have_all_that_recorded_ones_have(hl: HlCaller) -> None:
    socket = hl.open()
    socket.subscribe("orderUpdates", user=USER)
    hl.place(limit(BTC, "buy", "0.01", "80001", c="0x" + "ab" * 16))
    ours = {"orderUpdates": socket.take("orderUpdates")[0]}
    for kind, more in (("bbo", {}), ("l2Book", {"fast": True}), ("trades", {})):
        ours[kind] = socket.subscribe(kind, coin="BTC", **more)[1]["data"]
    checked = set()
    for name in ("hbt_orderUpdates_open_canceled", "hbt_bbo_and_fast_l2Book"):
        for frame in json.loads((CORPUS / "hyperliquid" / "ws" / f"{name}.json").read_text("utf-8")):
            channel = frame["msg"]["channel"]
            assert list(missing(frame["msg"]["data"], ours[channel])) == [], channel
            checked.add(channel)
    with (CORPUS / "hyperliquid" / "ws" / "capture_BTC_l2Book_trades_20250126.ndjson").open("rb") as lines:
        for line in lines:
            message = json.loads(line)["msg"]
            assert list(missing(message["data"], ours[message["channel"]])) == []
            checked.add(message["channel"])
    assert checked == {"orderUpdates", "bbo", "l2Book", "trades"}


def test_the_comparison_finds_what_differs() -> None:
    theirs = {"px": "1.0", "sz": ["1"], "time": 5}
    assert list(missing(theirs, {"px": "one", "sz": [1]})) == [
        ".px: number as text there, text here", ".sz[0]: number as text there, int here", ".time",
    ]  # fmt: skip
