"""Answers of simulated USDⓈ-M futures have the shape of recorded ones. Needs ``$LOTUSX_CORPUS``."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from um_calls import BTC, UmCaller

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
pytestmark = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")

# Replies to commands have lost these since 2026-06-30; a page of documentation may still show them.
THINNED = {"avgPrice", "cumQuote", "cumBase"}
CONDITIONAL = {"activatePrice", "priceRate"}  # of orders that are placed elsewhere now


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    kinds: tuple[tuple[type, str], ...] = ((dict, "object"), (list, "list"), (str, "text"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "nothing")


def drift(recorded: Any, ours: Any, gone: set[str], path: str = "") -> list[str]:
    """Return what *recorded* has and *ours* has not, or has as something else."""
    if "nothing" in (kind(recorded), kind(ours)):
        return []
    if kind(recorded) != kind(ours):
        return [f"{path} is {kind(recorded)}, not {kind(ours)}"]
    if isinstance(recorded, list):
        if recorded and not ours:
            return [f"{path} is empty"]
        return [line for item in recorded[:1] for line in drift(item, ours[0], gone, path)]
    if not isinstance(recorded, dict):
        return []
    found = [f"{path}.{name} is missing" for name in recorded if name not in ours and name not in gone]
    shared = (name for name in recorded if name in ours and name not in gone)
    return found + [line for name in shared for line in drift(recorded[name], ours[name], gone, f"{path}.{name}")]


def recorded(name: str) -> Any:
    """Return the first answer of a file that is none of an error."""
    answers = (record["response"] for record in json.loads((CORPUS / f"binance-perp/{name}.json").read_text("utf-8")))
    return next(answer for answer in answers if not (isinstance(answer, dict) and answer.get("code", 0) < 0))


Ask = Callable[[UmCaller], Any]
GET: dict[str, tuple[Ask, set[str]]] = {
    "gct_GET_fapi_v1_time": (lambda c: c.get("v1/time"), set()),
    "gct_GET_fapi_v1_depth": (lambda c: c.get("v1/depth", symbol=BTC, limit=5), set()),
    "gct_GET_fapi_v1_trades": (lambda c: c.get("v1/trades", symbol=BTC), set()),
    "gct_GET_fapi_v1_aggTrades": (lambda c: c.get("v1/aggTrades", symbol=BTC), set()),
    "gct_GET_fapi_v1_klines": (lambda c: c.get("v1/klines", symbol=BTC, interval="1m"), set()),
    "gct_GET_fapi_v1_openInterest": (lambda c: c.get("v1/openInterest", symbol=BTC), set()),
    "gct_GET_fapi_v1_premiumIndex": (lambda c: c.get("v1/premiumIndex", symbol=BTC), set()),
    "gct_GET_fapi_v1_fundingRate": (lambda c: c.get("v1/fundingRate", symbol=BTC), set()),
    "gct_GET_fapi_v1_ticker_bookTicker": (lambda c: c.get("v1/ticker/bookTicker"), set()),
    "jk_UsdFutures_ExchangeData_GetTicker": (lambda c: c.get("v1/ticker/24hr", symbol=BTC), set()),
    "jk_UsdFutures_ExchangeData_GetMarkPrice": (lambda c: c.get("v1/premiumIndex", symbol=BTC), set()),
    "jk_UsdFutures_ExchangeData_GetExchangeInfo": (
        lambda c: c.get("v1/exchangeInfo"), {"autoAssetExchange"},  # a number in some pages, text on the venue
    ),
    "bnc_GET_fapi_v2_ticker_price": (lambda c: c.get("v2/ticker/price", symbol=BTC), {"ps"}),
    "bnc_GET_fapi_v1_fundingInfo": (lambda c: c.get("v1/fundingInfo"), set()),
    "bnc_GET_fapi_v1_allOrders": (lambda c: c.ask("GET", "v1/allOrders", symbol=BTC), {"cumBase", *CONDITIONAL}),
    "bnc_GET_fapi_v1_openOrder": (
        lambda c: c.ask("GET", "v1/openOrder", symbol=BTC, origClientOrderId="rests"), {"cumBase", *CONDITIONAL},
    ),
    "bnc_GET_fapi_v1_income": (lambda c: c.ask("GET", "v1/income"), set()),
    "bnc_GET_fapi_v3_account": (lambda c: c.ask("GET", "v3/account"), set()),
    "bnc_GET_fapi_v1_symbolConfig": (lambda c: c.ask("GET", "v1/symbolConfig"), set()),
    "bnc_GET_fapi_v1_accountConfig": (lambda c: c.ask("GET", "v1/accountConfig"), set()),
    "jk_UsdFutures_Account_GetPositionInformation": (lambda c: c.ask("GET", "v2/positionRisk"), set()),
    "jk_UsdFutures_Account_GetBalances": (lambda c: c.ask("GET", "v2/balance"), set()),
    "jk_UsdFutures_Account_GetUserCommissionRate": (lambda c: c.ask("GET", "v1/commissionRate", symbol=BTC), set()),
    "jk_UsdFutures_Account_GetBrackets": (lambda c: c.ask("GET", "v1/leverageBracket"), {"notionalCoef"}),
    "jk_UsdFutures_Account_GetOrderRateLimit": (lambda c: c.ask("GET", "v1/rateLimit/order"), set()),
    "jk_UsdFutures_Trading_GetUserTrades": (lambda c: c.ask("GET", "v1/userTrades", symbol=BTC), set()),
    "bnc_GET_fapi_v1_algoOrder": (lambda c: c.ask("GET", "v1/algoOrder", clientAlgoId="waits"), set()),
}  # fmt: skip
COMMANDS: dict[str, tuple[Ask, set[str]]] = {
    "bnc_POST_fapi_v1_algoOrder": (lambda c: c.algo(), set()),
    "jk_UsdFutures_Trading_PlaceOrder": (lambda c: c.limit(), THINNED | CONDITIONAL),
    "jk_UsdFutures_Trading_EditOrder": (
        lambda c: c.ask("PUT", "v1/order", symbol=BTC, origClientOrderId="rests", side="BUY", quantity="0.02",
                        price="66000"), THINNED,
    ),
    "bnc_DELETE_fapi_v1_order": (
        lambda c: c.ask("DELETE", "v1/order", symbol=BTC, origClientOrderId="rests"), CONDITIONAL,
    ),
    "bnc_DELETE_fapi_v1_allOpenOrders": (lambda c: c.ask("DELETE", "v1/allOpenOrders", symbol=BTC), set()),
    "jk_UsdFutures_Trading_CancelAllOrdersAfterTimeout": (
        lambda c: c.ask("POST", "v1/countdownCancelAll", symbol=BTC, countdownTime=100_000), set(),
    ),
    "jk_UsdFutures_Account_ChangeInitialLeverage": (
        lambda c: c.ask("POST", "v1/leverage", symbol=BTC, leverage=21), set(),
    ),
    "bnc_PUT_fapi_v1_listenKey": (lambda c: c.keyed("POST", "v1/listenKey"), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", [*GET, *COMMANDS])
def test_answers_have_the_recorded_shape(name: str) -> None:
    um = UmCaller()
    um.market()
    um.limit(newClientOrderId="rests")
    um.algo(clientAlgoId="waits")
    ask, gone = {**GET, **COMMANDS}[name]

    assert drift(recorded(f"rest/{name}"), ask(um), gone) == []


EVENTS = {
    "naut_order_update_new": "ORDER_TRADE_UPDATE",
    "naut_order_update_trade": "ORDER_TRADE_UPDATE",
    "naut_account_update": "ACCOUNT_UPDATE",
    "naut_py_futures_trade_lite": "TRADE_LITE",
    "naut_py_futures_algo_update_triggered": "ALGO_UPDATE",
}
NO_ALGO = {"AP", "cr", "rm", "n", "N"}  # of trailing stops, of rejections, and of fills only


@pytest.mark.parametrize("name", EVENTS)
def test_events_of_user_data_have_the_recorded_shape(name: str) -> None:
    um = UmCaller()
    socket = um.private()
    um.market()
    um.algo()
    ours = next(event for event in reversed(socket.take()) if event["e"] == EVENTS[name])
    frames = json.loads((CORPUS / f"binance-perp/ws/{name}.json").read_text("utf-8"))
    theirs = next(frame["msg"] for frame in frames if frame["dir"] == "in")

    assert drift(theirs.get("data", theirs), ours, NO_ALGO) == []


PUBLIC = {
    "naut_agg_trade_stream": "/market/ws/btcusdt@aggTrade",
    "naut_depth_update_stream": "/public/ws/btcusdt@depth@100ms",
    "naut_kline_stream_open": "/market/ws/btcusdt@kline_1m",
    "naut_ticker_stream": "/market/ws/btcusdt@ticker",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_market_streams_have_the_recorded_shape(name: str) -> None:
    um = UmCaller()
    socket = um.open(PUBLIC[name])
    um.sim.trade(BTC, "sell", "0.5")
    um.sim.trade(BTC, "buy", "0.5")
    um.step(2.1)
    ours = socket.take()[0]
    frames = json.loads((CORPUS / f"binance-perp/ws/{name}.json").read_text("utf-8"))
    theirs = next(frame["msg"] for frame in frames if frame["dir"] == "in")

    assert drift(theirs.get("data", theirs), ours, {"X"}) == []
