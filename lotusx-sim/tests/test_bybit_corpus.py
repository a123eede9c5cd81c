"""Answers and frames of the simulated venue have the shape of recorded ones. Needs ``$LOTUSX_CORPUS``."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bybit_calls import BybitCaller

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
pytestmark = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")

# What some recordings have and the simulated venue leaves out: fields that are deprecated, or gone since.
GONE = {
    "result.list.mmrSysUpdateTime",  # a spelling of mmrSysUpdatedTime
    "result.list.accountIMRateByMp", "result.list.totalInitialMarginByMp", "result.list.accountMMRateByMp",
    "result.list.totalMaintenanceMarginByMp",
    "data.positionIMByMp", "data.positionMMByMp",
    "data.totalPerpUpl",  # a spelling of totalPerpUPL
    "data.cumFeeDetail.MNT",  # named after the coin that was paid
}  # fmt: skip
PERMISSIONS = "result.permissions."  # a key has some of them, and ever more words exist


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    names = {"dict": "object", "list": "list", "str": "text"}
    return names.get(type(value).__name__, "nothing")


def drift(recorded: Any, ours: Any, path: str = "") -> list[str]:
    """Return what *recorded* has and *ours* has not, or has as something else."""
    if path.startswith(PERMISSIONS) or kind(recorded) == "nothing" or kind(ours) == "nothing":
        return []
    if kind(recorded) != kind(ours):
        return [f"{path} is {kind(recorded)}, not {kind(ours)}"]
    if isinstance(recorded, list):
        if recorded and not ours:
            return [f"{path} is empty"]
        return [line for item in recorded for line in drift(item, ours[0], path)]
    if not isinstance(recorded, dict):
        return []
    found = []
    for name, value in recorded.items():
        where = f"{path}.{name}" if path else name
        if name in ours:
            found += drift(value, ours[name], where)
        elif where not in GONE and not where.startswith(PERMISSIONS):
            found.append(f"{where} is missing")
    return list(dict.fromkeys(found))


def recorded_rest(name: str) -> Any:
    return json.loads((CORPUS / f"{name}.json").read_text("utf-8"))[0]["response"]


def traded(caller: BybitCaller) -> None:
    """Let an account have orders, fills, positions and funding."""
    for category, symbol, quantity in (
        ("spot", "BTCUSDT", "100"), ("linear", "BTCUSDT", "0.01"), ("inverse", "BTCUSD", "100"),
    ):  # fmt: skip
        caller.place(category, symbol, "Buy", quantity)
    caller.place("linear", "BTCUSDT", "Buy", "0.01", "80000", orderLinkId="rests")
    caller.sim.settle_funding("linear:BTCUSDT")


REST: dict[str, Callable[[BybitCaller], Any]] = {
    "bybit/rest/naut_get_instruments_spot": lambda c: c.query("/v5/market/instruments-info", category="spot"),
    "bybit/rest/jk_V5Api_ExchangeData_GetSpotSymbols": lambda c: c.query(
        "/v5/market/instruments-info", category="spot"
    ),
    "bybit-perp/rest/naut_get_instruments_linear": lambda c: c.query(
        "/v5/market/instruments-info", category="linear"
    ),
    "bybit-perp/rest/naut_get_instruments_inverse": lambda c: c.query(
        "/v5/market/instruments-info", category="inverse"
    ),
    "bybit/rest/jk_V5Api_ExchangeData_GetOrderbook": lambda c: c.query(
        "/v5/market/orderbook", category="spot", symbol="BTCUSDT"
    ),
    "bybit/rest/jk_V5Api_ExchangeData_GetSpotTickers": lambda c: c.query("/v5/market/tickers", category="spot"),
    "bybit-perp/rest/docs_market_tickers": lambda c: c.query("/v5/market/tickers", category="inverse"),
    "bybit/rest/jk_V5Api_ExchangeData_GetTradeHistory": lambda c: c.query(
        "/v5/market/recent-trade", category="spot", symbol="BTCUSDT"
    ),
    "bybit/rest/jk_V5Api_ExchangeData_GetKlines": lambda c: c.query(
        "/v5/market/kline", category="inverse", symbol="BTCUSD", interval="60"
    ),
    "bybit-perp/rest/jk_V5Api_ExchangeData_GetMarkPriceKlines": lambda c: c.query(
        "/v5/market/mark-price-kline", category="linear", symbol="BTCUSDT", interval="60"
    ),
    "bybit-perp/rest/docs_market_history_fund_rate": lambda c: c.query(
        "/v5/market/funding/history", category="linear", symbol="BTCUSDT"
    ),
    "bybit-perp/rest/jk_V5Api_ExchangeData_GetOpenInterest": lambda c: c.query(
        "/v5/market/open-interest", category="inverse", symbol="BTCUSD", intervalTime="5min"
    ),
    "bybit/rest/naut_get_user_query_api": lambda c: c.query("/v5/user/query-api", True),
    "bybit/rest/docs_account_account_info": lambda c: c.query("/v5/account/info", True),
    "bybit/rest/docs_account_wallet_balance": lambda c: c.query(
        "/v5/account/wallet-balance", True, accountType="UNIFIED", coin="BTC"
    ),
    "bybit/rest/naut_get_wallet_balance": lambda c: c.query(
        "/v5/account/wallet-balance", True, accountType="UNIFIED"
    ),
    "bybit/rest/jk_V5Api_Account_GetFeeRate": lambda c: c.query(
        "/v5/account/fee-rate", True, category="linear", symbol="ETHUSDT"
    ),
    "bybit/rest/jk_V5Api_Account_GetTransactionHistory": lambda c: c.query(
        "/v5/account/transaction-log", True, category="linear"
    ),
    "bybit-perp/rest/naut_get_orders_realtime": lambda c: c.query(
        "/v5/order/realtime", True, category="linear", symbol="BTCUSDT"
    ),
    "bybit-perp/rest/jk_V5Api_Trading_GetOrders": lambda c: c.query(
        "/v5/order/realtime", True, category="linear", symbol="BTCUSDT"
    ),
    "bybit/rest/jk_V5Api_Trading_GetOrderHistory": lambda c: c.query(
        "/v5/order/history", True, category="spot"
    ),
    "bybit-perp/rest/naut_get_executions": lambda c: c.query("/v5/execution/list", True, category="linear"),
    "bybit-perp/rest/naut_get_positions": lambda c: c.query(
        "/v5/position/list", True, category="linear", symbol="BTCUSDT"
    ),
    "bybit-perp/rest/jk_V5Api_Trading_GetPositions": lambda c: c.query(
        "/v5/position/list", True, category="inverse", symbol="BTCUSD"
    ),
    "bybit-perp/rest/docs_order_create_order": lambda c: c.command(
        "order/create", category="linear", symbol="BTCUSDT", side="Buy", orderType="Limit", qty="0.01", price="80000"
    ),
    "bybit-perp/rest/docs_order_cancel_order": lambda c: c.command(
        "order/cancel", category="linear", symbol="BTCUSDT", orderLinkId="rests"
    ),
    "bybit/rest/jk_V5Api_Trading_PlaceMultipleOrders": lambda c: c.command(
        "order/create-batch", category="spot",
        request=[{"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "80000"}],
    ),
    "bybit/rest/jk_V5Api_Trading_CancelMultipleOrders": lambda c: c.command(
        "order/cancel-batch", category="spot", request=[{"symbol": "BTCUSDT", "orderId": "1"}]
    ),
    "bybit/rest/jk_V5Api_Trading_PreCheckOrder": lambda c: c.command(
        "order/pre-check", category="linear", symbol="BTCUSDT", side="Buy", orderType="Limit", qty="1", price="80000"
    ),
    "bybit/rest/docs_order_spot_borrow_quota": lambda c: c.query(
        "/v5/order/spot-borrow-check", True, category="spot", symbol="BTCUSDT", side="Buy"
    ),
    "bybit-perp/rest/docs_position_close_pnl": lambda c: (
        c.place("linear", "BTCUSDT", "Sell", "0.01"),
        c.query("/v5/position/closed-pnl", True, category="linear"),
    )[1],
    "bybit-perp/rest/jk_V5Api_Account_SetLeverage": lambda c: c.command(
        "position/set-leverage", category="linear", symbol="BTCUSDT", buyLeverage="6", sellLeverage="6"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REST)
def test_an_answer_has_the_shape_of_the_recorded_one(name: str) -> None:
    caller = BybitCaller()
    traded(caller)
    recorded, ours = recorded_rest(name), REST[name](caller)
    assert ours["retCode"] == 0, ours
    recorded["result"].pop("nextPageCursor", None)  # documented, and absent where the venue does not page
    assert drift(recorded, ours) == []


def frames(name: str) -> list[Any]:
    return [f["msg"] for f in json.loads((CORPUS / f"{name}.json").read_text("utf-8")) if f["dir"] == "in"]


@pytest.mark.parametrize(
    ("name", "category", "topic"),
    [
        ("bybit/ws/gct_tickers_spot", "spot", "tickers.BTCUSDT"),
        ("bybit-perp/ws/gct_tickers_linear_snapshot_delta", "linear", "tickers.BTCUSDT"),
        ("bybit/ws/gct_orderbook50_snapshot_and_update", "spot", "orderbook.50.BTCUSDT"),
        ("bybit-perp/ws/naut_orderbook_snapshot", "linear", "orderbook.50.BTCUSDT"),
        ("bybit-perp/ws/naut_kline", "linear", "kline.5.BTCUSDT"),
        ("bybit-perp/ws/naut_public_trade", "linear", "publicTrade.BTCUSDT"),
    ],
)
def test_a_public_frame_has_the_shape_of_the_recorded_one(name: str, category: str, topic: str) -> None:
    caller = BybitCaller()
    socket = caller.open(f"/v5/public/{category}")
    socket.send({"op": "subscribe", "args": [topic]})
    caller.sim.trade(f"{category}:BTCUSDT", "buy", "0.1")
    told = socket.take(topic)
    (recorded, *_) = frames(name)
    assert drift(recorded, told[0]) == []


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("bybit-perp/ws/naut_account_order_filled", "order"),
        ("bybit-perp/ws/naut_account_order_stop_market", "order"),
        ("bybit-perp/ws/docs_websocket_private_order", "order"),
        ("bybit-perp/ws/naut_account_position", "position"),
        ("bybit-perp/ws/docs_websocket_private_fast_execution", "execution.fast"),
        ("bybit/ws/naut_account_wallet", "wallet"),
        ("bybit/ws/jk_V5_Private_Balance", "wallet"),
    ],
)
def test_a_private_frame_has_the_shape_of_the_recorded_one(name: str, topic: str) -> None:
    caller = BybitCaller()
    socket = caller.private(topic)
    caller.place("linear", "BTCUSDT", "Buy", "0.01")
    (ours, *_) = socket.take(topic)
    (recorded,) = [frame for frame in frames(name) if frame.get("topic") == topic]
    assert drift(recorded, ours) == []


def test_an_execution_frame_has_the_shape_of_the_recorded_one() -> None:
    caller = BybitCaller()
    socket = caller.private("execution")
    caller.place("linear", "BTCUSDT", "Buy", "0.01")
    (ours,) = socket.take("execution")
    (recorded,) = [frame for frame in frames("bybit-perp/ws/gct_private_frames") if frame["topic"] == "execution"]
    recorded["data"][0].pop("isLeverage")  # of spot by the documentation
    assert drift(recorded, ours) == []


def test_drift_is_found() -> None:
    recorded = {"a": "1", "b": {"c": 1}, "d": [{"e": True}]}
    assert drift(recorded, {"a": 1, "b": {}, "d": [{"e": "x"}]}) == [
        "a is text, not number", "b.c is missing", "d.e is bool, not text",
    ]  # fmt: skip
