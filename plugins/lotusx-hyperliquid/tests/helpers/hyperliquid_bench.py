"""The corpus of Hyperliquid through the connector: REST documents."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hyperliquid_documents import LISTS, USER, perpetual

from lotusx.errors import ExchangeError, OrderNotFound
from lotusx.model import Instrument, InstrumentKind, Interval, Side
from lotusx.plugin import OrderRef, Span
from lotusx_hyperliquid.actions import CancelOrders, Noop
from lotusx_hyperliquid.codec import HyperliquidCodec
from lotusx_hyperliquid.connector import HyperliquidConnector
from lotusx_hyperliquid.errors import HyperliquidDialect
from lotusx_hyperliquid.facts import FACTS
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest


class Recorded(msgspec.Struct):
    """A record of a ``rest/`` file."""

    request: dict[str, Any] | None
    response: msgspec.Raw
    status: int | None = None


class AnyInstrument(FakeInstruments):
    """Lists whatever is asked for: what is listed today is not what was listed then."""

    def by_venue_symbol(self, venue_symbol: str) -> Instrument:
        return instrument(venue_symbol)


def instrument(coin: str, **changes: Any) -> Instrument:
    spot = coin.startswith("@") or "/" in coin
    base = coin.replace("/", "-").replace(":", "-")
    kind = InstrumentKind.SPOT if spot else InstrumentKind.LINEAR
    return perpetual(coin, f"{base}/USDC" if spot else f"{base}/USDC:USDC", kind=kind, **changes)


@dataclass
class Bench:
    """The real connector over replies from the corpus."""

    rest: FakeRest = field(default_factory=lambda: FakeRest(HyperliquidDialect("hyperliquid")))
    documents: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        self.codec = HyperliquidCodec(USER)
        self.start()

    def start(self) -> None:
        """Begin anew: what one document listed is not there when the next is read."""
        kernel = FakeKernel(FACTS, rest=self.rest, instruments=AnyInstrument(), credentials={"account_address": USER})
        self.connector = HyperliquidConnector(kernel.build())


def number(text: Any) -> Decimal:
    assert isinstance(text, str)
    return Decimal(text)


async def _info(bench: Bench, kind: str, body: dict[str, Any], raw: Any) -> None:
    """Ask for any document, as ``native.call`` returns it."""
    answer = await bench.connector.native.call("POST", "/info", {**body, "type": kind})
    assert answer == json.loads(json.dumps(raw), parse_float=Decimal)


async def _mids(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    assert await bench.connector.native.all_mids() == raw


async def _perps(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    state = await bench.connector.native.clearinghouse_state()
    assert state.marginSummary.accountValue == raw["marginSummary"]["accountValue"]
    bench.rest.reply(json.dumps(raw))
    positions = await bench.connector.account.positions()
    assert [(position.quantity, position.margin) for position in positions] == [
        (number(item["position"]["szi"]), number(item["position"]["marginUsed"])) for item in raw["assetPositions"]
    ]


async def _spot(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    state = await bench.connector.native.spot_state()
    assert [(item.coin, item.total) for item in state.balances] == [
        (item["coin"], item["total"]) for item in raw["balances"]
    ]


async def _open(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    orders = await bench.connector.trading.open_orders(None)
    assert len(orders) == len(raw)
    for order, item in zip(orders, raw, strict=True):
        assert (order.venue_order_id, order.price) == (str(item["oid"]), number(item["limitPx"]))
        assert order.side is (Side.BUY if item["side"] == "B" else Side.SELL)


async def _short(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    """A listing that nobody asks for, some without original sizes: what executed of those orders is not made up."""
    await _open(bench, body, [item for item in raw if "origSz" in item])


async def _status(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    if raw["status"] == "unknownOid":
        with pytest.raises(OrderNotFound):
            await bench.connector.trading.order(OrderRef(None, "1"), instrument("ETH"))
        return
    report = raw["order"]
    coin = report["order"]["coin"]
    order = await bench.connector.trading.order(OrderRef(None, str(report["order"]["oid"])), instrument(coin))
    assert (order.venue_order_id, order.raw_status) == (str(report["order"]["oid"]), report["status"])
    assert order.quantity == number(report["order"]["origSz"])
    assert order.filled == (order.quantity if report["status"] == "filled" else 0)


async def _contexts(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    names = [item["name"] for item in raw[0]["universe"]]
    by_name = {ctx["coin"]: ctx for ctx in raw[1]} if "coin" in raw[1][0] else dict(zip(names, raw[1], strict=True))
    tickers = await bench.connector.market.tickers([instrument(name) for name in names if name in by_name])
    assert len(tickers) == len([name for name in names if name in by_name])
    for ticker, name in zip(tickers, (name for name in names if name in by_name), strict=True):
        ctx = by_name[name]
        assert ticker.mark_price == number(ctx["markPx"])
        assert ticker.mid_price == (None if ctx["midPx"] is None else number(ctx["midPx"]))
        assert ticker.base_volume == number(ctx["dayBaseVlm"])
        assert ticker.open_interest == (number(ctx["openInterest"]) if "openInterest" in ctx else None)


async def _book(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    book = await bench.connector.market.order_book(instrument(raw["coin"]), 20)
    assert book.exchange_ns == raw["time"] * 1_000_000
    for side, levels in ((book.bids, raw["levels"][0]), (book.asks, raw["levels"][1])):
        assert [(level.price, level.quantity) for level in side] == [
            (number(item["px"]), number(item["sz"])) for item in levels
        ]


async def _trades(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    trades = await bench.connector.market.recent_trades(instrument(raw[0]["coin"]), 1_000)
    assert sorted(trade.trade_id for trade in trades) == sorted(str(item["tid"]) for item in raw)
    assert [trade.exchange_ns for trade in trades] == sorted(item["time"] * 1_000_000 for item in raw)


async def _candles(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    item = instrument(raw[0]["s"])
    page = await bench.connector.market.candles_page(item, Interval(raw[0]["i"]), Span(), None, 1_000)
    assert [bar.close for bar in page.items] == [number(row["c"]) for row in raw]


async def _fundings(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    page = await bench.connector.market.funding_rates_page(instrument(raw[0]["coin"]), Span(0), None, 500)
    assert [(rate.rate, rate.funding_ns) for rate in page.items] == [
        (number(item["fundingRate"]), item["time"] * 1_000_000) for item in raw
    ]


async def _fills(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    page = await bench.connector.trading.account_fills_page(Span(0), None, 2_000)
    rows = sorted(raw, key=lambda item: item["time"])
    assert len({(fill.trade_id, fill.side) for fill in page.items}) == len(rows)
    for fill, item in zip(page.items, rows, strict=True):
        assert (fill.venue_order_id, fill.price, fill.quantity) == (
            str(item["oid"]), number(item["px"]), number(item["sz"]),
        )  # fmt: skip
        assert (fill.fee, fill.liquidity) == (number(item["fee"]), "taker" if item["crossed"] else "maker")


async def _payments(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    page = await bench.connector.account.funding_payments_page(None, Span(0), None, 500)
    assert [(item.amount, item.rate) for item in page.items] == [
        (number(row["delta"]["usdc"]), number(row["delta"]["fundingRate"])) for row in raw
    ]


async def _ledger(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    assert len(await bench.connector.native.ledger(0)) == len(raw)


async def _role(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    assert (await bench.connector.native.user_role()).role == raw["role"]


async def _rate_limit(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    limit = await bench.connector.native.user_rate_limit()
    assert (limit.nRequestsUsed, limit.nRequestsCap) == (raw["nRequestsUsed"], raw["nRequestsCap"])


async def _leverage(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    found = await bench.connector.account.leverage(instrument(raw["coin"]))
    assert (found.leverage, found.margin_mode) == (raw["leverage"]["value"], raw["leverage"]["type"])


async def _dexes(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    dexes = await bench.connector.native.perp_dexs()
    assert [dex and dex.name for dex in dexes] == [item and item["name"] for item in raw]


async def _listed(bench: Bench, perp_dexs: Any, metas: list[Any], spot: Any) -> None:
    bench.rest.replies.clear()
    bench.rest.reply(json.dumps(perp_dexs), json.dumps(metas), json.dumps(spot))
    listed = {item.venue_symbol for item in await bench.connector.market.instruments()}
    names = {item["name"] for meta in metas for item in meta["universe"]}
    assert names <= listed


async def _meta(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    dex = raw["universe"][0]["name"].partition(":")[0] if ":" in raw["universe"][0]["name"] else ""
    spot = json.loads(LISTS[2])
    if raw.get("collateralToken"):
        spot["tokens"][0]["index"], spot["universe"] = raw["collateralToken"], []
    await _listed(bench, [None, *([{"name": dex}] if dex else [])], [raw], spot)


async def _spot_meta(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    tokens = {token["index"] for token in raw["tokens"]}
    assert 0 in tokens
    bench.rest.replies.clear()
    bench.rest.reply(LISTS[0], LISTS[1], json.dumps(raw))
    listed = await bench.connector.market.instruments()
    spot = [item for item in listed if item.kind is InstrumentKind.SPOT]
    assert len(spot) >= len(raw["universe"]) * 0.9  # two pairs of one name: the second is left out


async def _all_metas(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    names = [meta["universe"][0]["name"].partition(":")[0] for meta in raw[1:]]
    spot = json.loads(LISTS[2])
    token = spot["tokens"][0]
    spot["tokens"] = [
        {**token, "index": meta["collateralToken"], "name": f"T{place}"} for place, meta in enumerate(raw)
    ]
    spot["universe"] = []
    await _listed(bench, [None, *({"name": name} for name in names)], raw, spot)


async def _action(bench: Bench, body: dict[str, Any], raw: Any) -> None:
    """Any answer to an action: a refusal is raised in its own words, the rest tells of each item."""
    if raw["status"] == "err":
        with pytest.raises(ExchangeError) as caught:
            await bench.connector.native.act(Noop())
        assert caught.value.text == raw["response"]
        return
    if "response" not in raw or "statuses" not in raw["response"].get("data", {}):
        assert await bench.connector.native.do(Noop()) == raw
        return
    reply = await bench.connector.native.act(CancelOrders([]))
    assert reply.response.data is not None
    assert msgspec.to_builtins(reply.response.data.statuses) is not None
    told = [
        status if isinstance(status, str) else {k: v for k, v in msgspec.to_builtins(status).items() if v is not None}
        for status in reply.response.data.statuses
    ]
    for mine, theirs in zip(told, raw["response"]["data"]["statuses"], strict=True):
        if isinstance(theirs, str):
            assert mine == theirs
        else:
            ((kind, content),) = theirs.items()
            assert isinstance(mine, dict)
            assert mine[kind] == content or {k: v for k, v in mine[kind].items() if v is not None} == content


Ask = Callable[[Bench, dict[str, Any], Any], Awaitable[None]]
TYPES: dict[str, Ask] = {
    "allMids": _mids,
    "clearinghouseState": _perps,
    "spotClearinghouseState": _spot,
    "frontendOpenOrders": _open,
    "openOrders": _short,
    "orderStatus": _status,
    "metaAndAssetCtxs": _contexts,
    "spotMetaAndAssetCtxs": _contexts,
    "l2Book": _book,
    "recentTrades": _trades,
    "candleSnapshot": _candles,
    "fundingHistory": _fundings,
    "userFills": _fills,
    "userFillsByTime": _fills,
    "userFunding": _payments,
    "userNonFundingLedgerUpdates": _ledger,
    "userRole": _role,
    "userRateLimit": _rate_limit,
    "activeAssetData": _leverage,
    "perpDexs": _dexes,
    "meta": _meta,
    "allPerpMetas": _all_metas,
    "spotMeta": _spot_meta,
}
JUST_JSON = (
    "perpDeployAuctionStatus", "perpDexStatus", "portfolio", "userVaultEquities", "subAccounts", "maxBuilderFee",
    "perpsAtOpenInterestCap", "tokenDetails",
)  # fmt: skip
UNNAMED = {
    "jk_Futures_Account_GetAccountInfo": "clearinghouseState",
    "jk_Futures_ExchangeData_GetFundingRateHistory": "fundingHistory",
    "jk_Futures_ExchangeData_GetSymbolsAtMaxOpenInterest": "perpsAtOpenInterestCap",
    "jk_Spot_Account_GetApprovedBuilderFee": "maxBuilderFee",
    "jk_Spot_ExchangeData_GetAssetInfo": "tokenDetails",
    "jk_Spot_Account_GetBalances": "spotClearinghouseState",
    "jk_Spot_Account_GetRateLimits": "userRateLimit",
    "jk_Spot_Account_GetSubAccounts": "subAccounts",
    "jk_Spot_ExchangeData_GetOrderBook": "l2Book",
    "jk_Spot_Trading_GetOpenOrdersExtended": "frontendOpenOrders",
    "jk_Spot_Trading_GetUserTrades": "userFills",
    "naut_all_perp_metas_non_usdc_collateral": "allPerpMetas",
    "naut_funding_history": "fundingHistory",
    "naut_l2_book_btc": "l2Book",
    "naut_l2_book_snapshot": "l2Book",
    "naut_recent_trades_btc": "recentTrades",
    "naut_spot_meta_non_usdc_collateral": "spotMeta",
    "naut_user_fills_dust_conversion": "userFills",
}


def _records(path: Path) -> list[Recorded]:
    return msgspec.json.decode(path.read_bytes(), type=list[Recorded])


async def rest_file(bench: Bench, path: Path) -> None:
    for record in _records(path):
        raw = json.loads(bytes(record.response))
        request = record.request or {}
        body = request.get("body") or {}
        bench.start()
        bench.rest.replies.clear()
        bench.rest.reply(bytes(record.response))
        if request.get("path") == "/exchange":
            await _action(bench, body, raw)
        else:
            kind = UNNAMED.get(path.stem) or body.get("type")
            if kind in JUST_JSON:
                await _info(bench, kind, body, raw)
            elif kind in TYPES:
                await TYPES[kind](bench, body, raw)
            else:
                raise NotImplementedError(f"no typed method for {kind}")
        bench.documents += 1
