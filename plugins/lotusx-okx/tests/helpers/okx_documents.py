"""Whole documents in OKX's documented shape. Source: OKX API v5 (2026-06), the examples of each page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from lotusx.model import Instrument, OrderState
from lotusx.plugin import Request, Secret, SigningContext, Verb
from lotusx_okx import account_types, markets, order_conversions
from lotusx_okx.client_ids import ClientIds
from lotusx_testing import MessageVector, SigningVector

BASE = "https://openapi.okx.com"
VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "okx.vectors.json").read_text())
API_KEY: str = VECTORS["credentials"]["api_key"]
CREDENTIALS = {
    "api_key": API_KEY,
    "api_secret": Secret(VECTORS["credentials"]["api_secret"]),
    "passphrase": Secret(VECTORS["credentials"]["passphrase"]),
}
CONTEXT = SigningContext(now_ms=VECTORS["now_ms"], nonce=1, receive_window_ms=5_000)


def vector_of(row: dict[str, Any]) -> SigningVector:
    request = Request(Verb(row["verb"]), BASE, row["path"], row["query"], body=row["body"].encode(), signed=True)
    return SigningVector(row["name"], request, CONTEXT, headers=row["headers"], source=VECTORS["made"])


LOG_IN = MessageVector("log-in", {}, CONTEXT, VECTORS["login"], source=VECTORS["made"])


def text(content: Any) -> str:
    return json.dumps(content)


def reply(*rows: Any, code: str = "0", msg: str = "") -> str:
    """Wrap *rows* as a reply."""
    return json.dumps({"code": code, "msg": msg, "data": list(rows)}, separators=(",", ":"))


def push(channel: str, *rows: Any, inst_id: str = "BTC-USDT-SWAP", **more: Any) -> bytes:
    """Wrap *rows* as a message of a public channel."""
    head = {"arg": {"channel": channel, "instId": inst_id}, **more}
    return json.dumps({**head, "data": list(rows)}, separators=(",", ":")).encode()


def private(channel: str, *rows: Any, **more: Any) -> bytes:
    """Wrap *rows* as a message of one of the account's channels."""
    head = {"arg": {"channel": channel, "instType": "ANY", "uid": "614488474791936"}, **more}
    return json.dumps({**head, "data": list(rows)}, separators=(",", ":")).encode()


SPOT_LISTED: dict[str, Any] = {
    "alias": "", "auctionEndTime": "", "baseCcy": "BTC", "category": "1", "ctMult": "", "ctType": "", "ctVal": "",
    "ctValCcy": "", "contTdSwTime": "1704876947000", "expTime": "", "futureSettlement": False, "groupId": "1",
    "instFamily": "", "instId": "BTC-USDT", "instType": "SPOT", "lever": "10", "listTime": "1606468572000",
    "lotSz": "0.00000001", "maxIcebergSz": "9999999999.0000000000000000", "maxLmtAmt": "1000000",
    "maxLmtSz": "9999999999", "maxMktAmt": "1000000", "maxMktSz": "", "maxStopSz": "",
    "maxTriggerSz": "9999999999.0000000000000000", "maxTwapSz": "9999999999.0000000000000000", "minSz": "0.00001",
    "optType": "", "openType": "call_auction", "preMktSwTime": "", "quoteCcy": "USDT", "tradeQuoteCcyList": ["USDT"],
    "settleCcy": "", "state": "live", "ruleType": "normal", "stk": "", "tickSz": "0.1", "uly": "",
    "instIdCode": 1000000000, "instCategory": "1",
    "upcChg": [{"param": "tickSz", "newValue": "0.0001", "effTime": "1704876947000"}],
}  # fmt: skip
SWAP_LISTED = SPOT_LISTED | {
    "baseCcy": "", "quoteCcy": "", "ctMult": "1", "ctType": "linear", "ctVal": "0.01", "ctValCcy": "BTC",
    "groupId": "2", "instFamily": "BTC-USDT", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "lever": "100",
    "lotSz": "0.01", "minSz": "0.01", "maxLmtSz": "100000000", "maxMktSz": "20000", "settleCcy": "USDT",
    "uly": "BTC-USDT",
}  # fmt: skip
INVERSE_LISTED = SWAP_LISTED | {
    "ctType": "inverse", "ctVal": "100", "ctValCcy": "USD", "instFamily": "BTC-USD", "instId": "BTC-USD-SWAP",
    "settleCcy": "BTC", "uly": "BTC-USD", "lotSz": "1", "minSz": "1",
}  # fmt: skip
UNREAD_OF_LISTED = [
    "alias", "auctionEndTime", "category", "contTdSwTime", "expTime", "futureSettlement", "groupId", "instFamily",
    "lever", "listTime", "maxIcebergSz", "maxLmtAmt", "maxMktAmt", "maxStopSz", "maxTriggerSz", "maxTwapSz", "optType",
    "openType", "preMktSwTime", "tradeQuoteCcyList", "ruleType", "stk", "instIdCode", "instCategory", "upcChg",
]  # fmt: skip


def listed(document: dict[str, Any]) -> Instrument:
    return markets.to_instrument(msgspec.Raw(json.dumps(document).encode()))


SPOT, SWAP, INVERSE = listed(SPOT_LISTED), listed(SWAP_LISTED), listed(INVERSE_LISTED)

TICKER = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "last": "9999.99", "lastSz": "0.1", "askPx": "9999.99",
    "askSz": "11", "bidPx": "8888.88", "bidSz": "5", "open24h": "9000", "high24h": "10000", "low24h": "8888.88",
    "volCcy24h": "2222", "vol24h": "222200", "sodUtc0": "2222", "sodUtc8": "2222", "ts": "1597026383085",
}  # fmt: skip
TRADE = {
    "instId": "BTC-USDT-SWAP", "tradeId": "130639474", "px": "42219.9", "sz": "12", "side": "buy", "source": "0",
    "ts": "1630048897897",
}  # fmt: skip
BOOK = {
    "asks": [["8476.98", "415", "0", "13"], ["8477", "7", "0", "2"]],
    "bids": [["8476.97", "256", "0", "12"], ["8475.55", "101", "0", "1"]],
    "ts": "1597026383085", "checksum": 0, "prevSeqId": -1, "seqId": 123456,
}  # fmt: skip
TOP = {"asks": [["111.06", "55154", "0", "2"]], "bids": [["111.05", "57745", "0", "2"]], "ts": "1670324386802",
       "seqId": 363996337}  # fmt: skip
CANDLE = ["1597026383085", "8533.02", "8553.74", "8527.17", "8548.26", "45247", "452.47", "3861234.5", "0"]
MARK = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "markPx": "42310.6", "ts": "1630049139746"}
RATE = {
    "formulaType": "noRate", "fundingRate": "0.0000182221218054", "fundingTime": "1743609600000", "impactValue": "",
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "interestRate": "", "maxFundingRate": "0.00375",
    "method": "current_period", "minFundingRate": "-0.00375", "nextFundingRate": "",
    "nextFundingTime": "1743638400000", "premium": "0.0000910113652644", "settFundingRate": "0.0000145824401745",
    "settState": "settled", "ts": "1743588686291",
}  # fmt: skip
UNREAD_OF_RATE = [
    "formulaType", "impactValue", "instId", "instType", "interestRate", "maxFundingRate", "method", "minFundingRate",
    "nextFundingRate", "premium", "settFundingRate", "settState", "ts",
]  # fmt: skip

ORDER: dict[str, Any] = {
    "accFillSz": "0", "algoClOrdId": "", "algoId": "", "attachAlgoClOrdId": "", "attachAlgoOrds": [], "avgPx": "",
    "cTime": "1724733617998", "cancelSource": "", "cancelSourceReason": "", "category": "normal", "ccy": "",
    "clOrdId": "b15", "fee": "0", "feeCcy": "USDT", "fillPx": "", "fillSz": "0", "fillTime": "",
    "instId": "BTC-USDT-SWAP", "instType": "SWAP", "isTpLimit": "false", "lever": "10",
    "linkedAlgoOrd": {"algoId": ""}, "ordId": "1752588852617379840", "ordType": "post_only", "pnl": "0",
    "posSide": "net", "px": "13013.5", "pxType": "", "pxUsd": "", "pxVol": "", "quickMgnType": "", "rebate": "0",
    "rebateCcy": "USDT", "reduceOnly": "false", "side": "buy", "slOrdPx": "", "slTriggerPx": "",
    "slTriggerPxType": "", "source": "", "state": "live", "stpId": "", "stpMode": "cancel_maker", "sz": "7.5",
    "tag": "", "tdMode": "cross", "tgtCcy": "", "tpOrdPx": "", "tpTriggerPx": "", "tpTriggerPxType": "",
    "tradeId": "", "tradeQuoteCcy": "USDT", "uTime": "1724733617998",
}  # fmt: skip
ORDER_PUSH: dict[str, Any] = {
    name: value for name, value in ORDER.items() if name != "cancelSourceReason"
} | {
    "accFillSz": "2.5", "avgPx": "13013.5", "amendResult": "", "amendSource": "", "code": "0", "execType": "M",
    "fillFee": "-0.06506750", "fillFeeCcy": "USDT", "fillNotionalUsd": "325.3", "fillPx": "13013.5",
    "fillSz": "2.5", "fillPnl": "0", "fillTime": "1724733620001", "fillPxVol": "", "fillPxUsd": "",
    "fillMarkVol": "", "fillFwdPx": "", "fillMarkPx": "13013", "fillIdxPx": "13012", "msg": "", "notionalUsd": "976",
    "reqId": "", "state": "partially_filled", "tradeId": "242589207", "lastPx": "13013.5",
    "uTime": "1724733620002",
}  # fmt: skip
UNREAD_OF_ORDER = [
    "algoClOrdId", "algoId", "attachAlgoClOrdId", "attachAlgoOrds", "ccy", "fee", "feeCcy", "isTpLimit", "lever",
    "linkedAlgoOrd", "pnl", "pxType", "pxUsd", "pxVol", "quickMgnType", "rebate", "rebateCcy", "slOrdPx",
    "slTriggerPx", "slTriggerPxType", "source", "stpId", "stpMode", "tag", "tdMode", "tpOrdPx", "tpTriggerPx",
    "tpTriggerPxType", "tradeQuoteCcy",
]  # fmt: skip
UNREAD_OF_PUSH = [
    *UNREAD_OF_ORDER, "amendResult", "amendSource", "code", "fillNotionalUsd", "fillPnl", "fillPxVol", "fillPxUsd",
    "fillMarkVol", "fillFwdPx", "fillMarkPx", "fillIdxPx", "msg", "notionalUsd", "reqId", "lastPx",
]  # fmt: skip
FILL = {
    "side": "buy", "fillSz": "0.00192834", "fillPx": "51858", "fillPxVol": "", "fillFwdPx": "",
    "fee": "-0.00000192834", "fillPnl": "0", "ordId": "680800019749904384", "feeRate": "-0.001", "instType": "SPOT",
    "fillPxUsd": "", "instId": "BTC-USDT", "clOrdId": "", "posSide": "net", "billId": "680800019754098688",
    "subType": "1", "fillMarkVol": "", "tag": "", "fillTime": "1708587373361", "execType": "T", "fillIdxPx": "",
    "tradeId": "744876980", "fillMarkPx": "", "feeCcy": "BTC", "ts": "1708587373362", "tradeQuoteCcy": "USDT",
}  # fmt: skip
UNREAD_OF_FILL = [
    "fillPxVol", "fillFwdPx", "fillPnl", "feeRate", "fillPxUsd", "posSide", "subType", "fillMarkVol", "tag",
    "fillIdxPx", "fillMarkPx", "tradeQuoteCcy",
]  # fmt: skip
DONE = {"clOrdId": "b15", "ordId": "312269865356374016", "tag": "", "ts": "1695190491421", "sCode": "0", "sMsg": ""}
CONFIG = {
    "acctLv": "2", "acctStpMode": "cancel_maker", "autoLoan": False, "ctIsoMode": "automatic",
    "enableSpotBorrow": False, "greeksType": "PA", "feeType": "0", "ip": "", "type": "0", "kycLv": "3",
    "label": "v5 test", "level": "Lv1", "levelTmp": "", "liquidationGear": "-1", "mainUid": "44705892343619584",
    "mgnIsoMode": "automatic", "opAuth": "1", "perm": "read_only,withdraw,trade", "posMode": "net_mode",
    "roleType": "0", "spotBorrowAutoRepay": False, "spotOffsetType": "", "spotRoleType": "0", "spotTraderInsts": [],
    "stgyType": "0", "traderInsts": [], "uid": "44705892343619584", "settleCcy": "USDC",
    "settleCcyList": ["USD", "USDC", "USDG"],
}  # fmt: skip
HOLDING = {
    "availBal": "4834.317093622894", "availEq": "4834.3170936228935", "cashBal": "4850.435693622894", "ccy": "USDT",
    "eq": "4992.890093622894", "frozenBal": "158.573", "ordFrozen": "0", "uTime": "1705449605015",
    "upl": "-7.545600000000006",
}  # fmt: skip
POSITION = {
    "adl": "1", "avgPx": "62961.4", "cTime": "1724740225685", "ccy": "USDT", "imr": "62.9", "instId": "BTC-USDT-SWAP",
    "instType": "SWAP", "last": "62892.9", "lever": "5", "liqPx": "53615.448336593756", "margin": "",
    "markPx": "62891.9", "mgnMode": "cross", "pos": "-0.5", "posId": "1752810569801498626", "posSide": "net",
    "uTime": "1724742632153", "upl": "0.3475",
}  # fmt: skip


def read_listed(body: bytes) -> Instrument:
    return markets.to_instrument(msgspec.Raw(body))


def read_order(body: bytes) -> OrderState:
    item = msgspec.json.decode(body, type=account_types.Order)
    return order_conversions.to_order(item, instrument=SWAP, ids=ClientIds())
