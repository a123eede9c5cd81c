"""The corpus of USDⓈ-M futures through the connector: REST documents."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from binance_corpus import Recorded, number

from lotusx.errors import MalformedReply
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Interval, OrderState, Symbol, TickSize
from lotusx.plugin import Acknowledged, OrderRef, Span
from lotusx_binance.codec import ApiCodec, StreamCodec
from lotusx_binance.perp.codec import PrivateCodec
from lotusx_binance.perp.connector import BinancePerpConnector
from lotusx_binance.perp.errors import PerpDialect
from lotusx_binance.perp.facts import FACTS
from lotusx_binance.signer import signer_from
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest

CREDENTIALS = {"api_key": "k", "api_secret": "s"}


class AnyContract(FakeInstruments):
    """Lists whatever is asked for: what is listed today is not what was listed then."""

    def by_venue_symbol(self, venue_symbol: str) -> Instrument:
        return contract(venue_symbol)

    def by_symbol(self, symbol: Symbol | str) -> Instrument:
        return contract(Symbol.parse(symbol).base)


def contract(venue_symbol: str) -> Instrument:
    return Instrument(
        Symbol(venue_symbol, "X", "X"), venue_symbol, InstrumentKind.LINEAR, InstrumentStatus.TRADING, None, None
    )


@dataclass
class PerpBench:
    """The real connector over replies from the corpus."""

    rest: FakeRest = field(default_factory=lambda: FakeRest(PerpDialect("binance-perp"), signer_from(CREDENTIALS)))
    documents: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        kernel = FakeKernel(FACTS, rest=self.rest, instruments=AnyContract(), credentials=CREDENTIALS)
        self.connector = BinancePerpConnector(kernel.build())
        self.stream = StreamCodec()
        self.private = PrivateCodec()
        self.api = ApiCodec("binance-perp", None)


X = contract("X")

# Verb and path → ask the connector, and compare what it says with the document.


async def _time(bench: PerpBench, raw: Any) -> None:
    assert await bench.connector.market.server_time_ns() == raw["serverTime"] * 1_000_000


async def _aggregates(bench: PerpBench, raw: Any) -> None:
    page = await bench.connector.market.trades_page(X, Span(), None, 1_000)
    for trade, item in zip(page.items, raw, strict=True):
        assert (trade.trade_id, trade.price, trade.quantity) == (str(item["a"]), number(item["p"]), number(item["q"]))
        assert (trade.exchange_ns, trade.taker_side) == (item["T"] * 1_000_000, "sell" if item["m"] else "buy")


async def _trades(bench: PerpBench, raw: Any) -> None:
    for trade, item in zip(await bench.connector.market.recent_trades(X, 1_000), raw, strict=True):
        assert (trade.trade_id, trade.price, trade.quantity) == (
            str(item["id"]),
            number(item["price"]),
            number(item["qty"]),
        )
        assert trade.taker_side == ("sell" if item["isBuyerMaker"] else "buy")


async def _historical(bench: PerpBench, raw: Any) -> None:
    trades = await bench.connector.native.historical_trades("X")
    assert [(trade.id, trade.price, trade.qty) for trade in trades] == [
        (item["id"], item["price"], item["qty"]) for item in raw
    ]


async def _depth(bench: PerpBench, raw: Any) -> None:
    book = await bench.connector.market.order_book(X, 1_000)
    assert (book.sequence, book.exchange_ns) == (raw["lastUpdateId"], raw["T"] * 1_000_000)
    for side in ("bids", "asks"):
        assert [(level.price, level.quantity) for level in getattr(book, side)] == [
            (number(price), number(quantity)) for price, quantity in raw[side]
        ]


async def _klines(bench: PerpBench, raw: Any) -> None:
    page = await bench.connector.market.candles_page(X, Interval.M1, Span(), None, 1_500)
    for candle, row in zip(page.items, raw, strict=True):
        assert (candle.open_ns, candle.close_ns) == (row[0] * 1_000_000, (row[6] + 1) * 1_000_000)
        assert [candle.open, candle.high, candle.low, candle.close] == [*map(number, row[1:5])]
        assert (candle.base_volume, candle.trade_count) == (number(row[5]), row[8])


async def _ticker(bench: PerpBench, raw: Any) -> None:
    if isinstance(raw, list):
        tickers = list(await bench.connector.market.tickers(None))
    else:
        tickers, raw = [await bench.connector.market.ticker(X)], [raw]
    for ticker, item in zip(tickers, raw, strict=True):
        assert (ticker.last_price, ticker.bid_price) == (number(item["lastPrice"]) or None, None)
        assert (ticker.base_volume, ticker.trade_count) == (number(item["volume"]), item["count"])
        assert ticker.change_fraction == number(item["priceChangePercent"]) / 100


async def _book_ticker(bench: PerpBench, raw: Any) -> None:
    if isinstance(raw, list):  # of all symbols: one by one
        bench.rest.replies.clear()
        for item in raw:
            bench.rest.reply(json.dumps(item))
            await _book_ticker(bench, item)
        return
    top = await bench.connector.market.best_bid_offer(contract(raw["symbol"]))
    assert (top.bid_price_text, top.ask_quantity_text) == (raw["bidPrice"], raw["askQty"])
    assert top.exchange_ns == raw["time"] * 1_000_000


async def _price(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.ticker_price("X")).price == raw["price"]


async def _premium(bench: PerpBench, raw: Any) -> None:
    mark = await bench.connector.market.mark_price(X)
    assert (mark.mark_price, mark.index_price) == (number(raw["markPrice"]), number(raw["indexPrice"]))
    assert (mark.funding_rate, mark.next_funding_ns) == (
        number(raw["lastFundingRate"]),
        raw["nextFundingTime"] * 1_000_000,
    )


async def _funding(bench: PerpBench, raw: Any) -> None:
    page = await bench.connector.market.funding_rates_page(X, Span(), None, 1_000)
    assert [(item.rate, item.funding_ns) for item in page.items] == [
        (number(item["fundingRate"]), item["fundingTime"] * 1_000_000) for item in raw
    ]


async def _funding_info(bench: PerpBench, raw: Any) -> None:
    assert [item.fundingIntervalHours for item in await bench.connector.native.funding_info()] == [
        item["fundingIntervalHours"] for item in raw
    ]


async def _interest(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.market.open_interest(X)).quantity == number(raw["openInterest"])


async def _info(bench: PerpBench, raw: Any) -> None:
    instruments = await bench.connector.market.instruments()
    documents = [item for item in raw["symbols"] if item["marginAsset"] != item["baseAsset"]]
    assert len(instruments) == len(documents) == len({item.symbol for item in instruments})
    for item, document in zip(instruments, documents, strict=True):
        filters = {rule["filterType"]: rule for rule in document["filters"]}
        assert (item.venue_symbol, item.raw_status) == (document["symbol"], document["status"])
        assert (item.base, item.quote, item.settle) == tuple(
            document[f"{of}Asset"] for of in ("base", "quote", "margin")
        )
        assert (item.symbol.expiry is None) is ("_" not in document["symbol"])
        assert isinstance(item.price_rule, TickSize)
        assert item.price_rule.tick_size == number(filters["PRICE_FILTER"]["tickSize"])
        assert item.step_size == number(filters["LOT_SIZE"]["stepSize"])
        assert item.min_notional == (number(filters["MIN_NOTIONAL"]["notional"]) if "MIN_NOTIONAL" in filters else None)
        assert item.raw == document


def _same(state: OrderState | Acknowledged, raw: Any) -> None:
    assert isinstance(state, OrderState)
    assert (state.venue_order_id, state.client_order_id) == (str(raw["orderId"]), raw["clientOrderId"])
    assert (state.filled, state.quantity) == (number(raw["executedQty"]), number(raw["origQty"]))
    assert (state.raw_status, state.raw_type) == (raw["status"], raw["origType"])


async def _order(bench: PerpBench, raw: Any) -> None:
    _same(await bench.connector.trading.order(OrderRef(raw["clientOrderId"], str(raw["orderId"])), X), raw)


async def _orders(bench: PerpBench, raw: Any) -> None:
    page = await bench.connector.trading.orders_page(X, Span(), None, 1_000)
    for state, item in zip(page.items, raw, strict=True):
        _same(state, item)


async def _open_orders(bench: PerpBench, raw: Any) -> None:
    bench.rest.reply("[]")
    for state, item in zip(await bench.connector.trading.open_orders(None), raw, strict=True):
        _same(state, item)


async def _fills(bench: PerpBench, raw: Any) -> None:
    page = await bench.connector.trading.fills_page(X, Span(), None, 1_000)
    assert [(fill.trade_id, fill.fee) for fill in page.items] == [
        (str(item["id"]), number(item["commission"])) for item in raw
    ]


async def _cancel(bench: PerpBench, raw: Any) -> None:
    _same(await bench.connector.trading.cancel(OrderRef(raw["clientOrderId"], str(raw["orderId"])), X), raw)


async def _cancel_batch(bench: PerpBench, raw: Any) -> None:
    refs = [OrderRef(None, str(item.get("orderId", index + 1))) for index, item in enumerate(raw)]
    _answers(await bench.connector.trading.cancel_batch(refs, [X] * len(raw)), raw)


def _answers(answers: Any, raw: Any) -> None:
    for answer, item in zip(answers, raw, strict=True):
        if "code" in item:
            assert answer.code == str(item["code"])
        else:
            _same(answer, item)


async def _place(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.new_order({})).orderId == raw["orderId"]


async def _modify(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.modify_order({})).orderId == raw["orderId"]


async def _batch(bench: PerpBench, raw: Any) -> None:
    items = await bench.connector.native.new_orders([{}])
    instruments = [X] * len(raw)
    _answers(
        [bench.connector.trading._answer(item, place) for item, place in zip(items, instruments, strict=True)], raw
    )


def _same_algo(state: OrderState, raw: Any) -> None:
    assert (state.venue_order_id, state.client_order_id) == (f"algo:{raw['algoId']}", raw["clientAlgoId"])
    assert (state.raw_status, state.raw_type) == (raw["algoStatus"], raw.get("orderType") or raw["type"])
    assert (state.quantity, state.trigger_price) == (number(raw["quantity"]), number(raw["triggerPrice"]))


async def _algo(bench: PerpBench, raw: Any) -> None:
    _same_algo(await bench.connector.trading.order(OrderRef(None, "algo:1"), X), raw)


async def _open_algos(bench: PerpBench, raw: Any) -> None:
    reply = bench.rest.replies.popleft()
    bench.rest.reply("[]", reply)
    for state, item in zip(await bench.connector.trading.open_orders(X), raw, strict=True):
        _same_algo(state, item)


async def _all_algos(bench: PerpBench, raw: Any) -> None:
    found = await bench.connector.native.all_algo_orders("X")
    assert [(item.algoId, item.actualOrderId) for item in found] == [
        (item["algoId"], item["actualOrderId"]) for item in raw
    ]


async def _new_algo(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.new_algo_order({})).algoId == raw["algoId"]


async def _cancel_algo(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.cancel_algo_order({})).clientAlgoId == raw["clientAlgoId"]


async def _cancel_open(bench: PerpBench, raw: Any) -> None:
    await bench.connector.native.cancel_open_orders("X")


async def _countdown(bench: PerpBench, raw: Any) -> None:
    await bench.connector.trading.cancel_all_after(100, X)


async def _balances(bench: PerpBench, raw: Any) -> None:
    assert [(balance.asset, balance.total) for balance in await bench.connector.account.balances()] == [
        (item["asset"], number(item["balance"])) for item in raw
    ]


async def _positions(bench: PerpBench, raw: Any) -> None:
    bench.rest.reply("[]")
    held = [item for item in raw if number(item["positionAmt"])]
    for position, item in zip(await bench.connector.account.positions(), held, strict=True):
        assert position.quantity == number(item["positionAmt"])
        assert position.unrealized_pnl == number(item["unRealizedProfit"])


async def _config(bench: PerpBench, raw: Any) -> None:
    found = await bench.connector.native.symbol_config()
    assert [(item.symbol, item.leverage) for item in found] == [(item["symbol"], item["leverage"]) for item in raw]


async def _account_config(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.account_config()).canTrade == raw["canTrade"]


async def _brackets(bench: PerpBench, raw: Any) -> None:
    found = await bench.connector.native.brackets("X")
    assert found.brackets[0].initialLeverage == raw[0]["brackets"][0]["initialLeverage"]


async def _leverage(bench: PerpBench, raw: Any) -> None:
    await bench.connector.account.set_leverage(X, Decimal(raw["leverage"]))


async def _margin_type(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.set_margin_type("X", "CROSSED")).code == raw["code"]


async def _margin(bench: PerpBench, raw: Any) -> None:
    await bench.connector.account.change_margin(X, Decimal(1))


async def _commission(bench: PerpBench, raw: Any) -> None:
    fees = await bench.connector.account.fees(X)
    assert (fees.maker, fees.taker) == (number(raw["makerCommissionRate"]), number(raw["takerCommissionRate"]))


async def _income(bench: PerpBench, raw: Any) -> None:
    found = await bench.connector.native.income({})
    assert [(item.incomeType, item.income) for item in found] == [(item["incomeType"], item["income"]) for item in raw]


async def _limits(bench: PerpBench, raw: Any) -> None:
    assert [item.limit for item in await bench.connector.native.order_count()] == [item["limit"] for item in raw]


async def _listen_key(bench: PerpBench, raw: Any) -> None:
    assert (await bench.connector.native.keep_user_data()).listenKey == raw["listenKey"]


Ask = Callable[[PerpBench, Any], Awaitable[None]]
ENDPOINTS: dict[str, Ask] = {
    "GET /fapi/v1/time": _time,
    "GET /fapi/v1/aggTrades": _aggregates,
    "GET /fapi/v1/trades": _trades,
    "GET /fapi/v1/historicalTrades": _historical,
    "GET /fapi/v1/depth": _depth,
    "GET /fapi/v1/klines": _klines,
    "GET /fapi/v1/ticker/24hr": _ticker,
    "GET /fapi/v1/ticker/bookTicker": _book_ticker,
    "GET /fapi/v1/ticker/price": _price,
    "GET /fapi/v2/ticker/price": _price,
    "GET /fapi/v1/premiumIndex": _premium,
    "GET /fapi/v1/fundingRate": _funding,
    "GET /fapi/v1/fundingInfo": _funding_info,
    "GET /fapi/v1/openInterest": _interest,
    "GET /fapi/v1/exchangeInfo": _info,
    "GET /fapi/v1/order": _order,
    "GET /fapi/v1/openOrder": _order,
    "GET /fapi/v1/openOrders": _open_orders,
    "GET /fapi/v1/allOrders": _orders,
    "GET /fapi/v1/userTrades": _fills,
    "DELETE /fapi/v1/order": _cancel,
    "DELETE /fapi/v1/batchOrders": _cancel_batch,
    "POST /fapi/v1/order": _place,
    "PUT /fapi/v1/order": _modify,
    "POST /fapi/v1/batchOrders": _batch,
    "PUT /fapi/v1/batchOrders": _batch,
    "GET /fapi/v1/algoOrder": _algo,
    "GET /fapi/v1/openAlgoOrders": _open_algos,
    "GET /fapi/v1/allAlgoOrders": _all_algos,
    "POST /fapi/v1/algoOrder": _new_algo,
    "DELETE /fapi/v1/algoOrder": _cancel_algo,
    "DELETE /fapi/v1/allOpenOrders": _cancel_open,
    "DELETE /fapi/v1/algoOpenOrders": _cancel_open,
    "POST /fapi/v1/countdownCancelAll": _countdown,
    "GET /fapi/v3/balance": _balances,
    "GET /fapi/v2/balance": _balances,
    "GET /fapi/v3/positionRisk": _positions,
    "GET /fapi/v1/symbolConfig": _config,
    "GET /fapi/v1/accountConfig": _account_config,
    "GET /fapi/v1/leverageBracket": _brackets,
    "POST /fapi/v1/leverage": _leverage,
    "POST /fapi/v1/marginType": _margin_type,
    "POST /fapi/v1/positionMargin": _margin,
    "GET /fapi/v1/commissionRate": _commission,
    "GET /fapi/v1/income": _income,
    "GET /fapi/v1/rateLimit/order": _limits,
    "PUT /fapi/v1/listenKey": _listen_key,
    "POST /fapi/v1/listenKey": _listen_key,
}
UNNAMED = {
    "naut_balance": "GET /fapi/v3/balance",
    "naut_open_algo_orders": "GET /fapi/v1/openAlgoOrders",
    "naut_py_futures_account_orders": "GET /fapi/v1/allOrders",
    "naut_py_futures_account_positions_one_way": "GET /fapi/v3/positionRisk",
    "naut_py_futures_account_symbol_config": "GET /fapi/v1/symbolConfig",
    "naut_py_futures_account_trades": "GET /fapi/v1/userTrades",
    "naut_py_futures_market_book_ticker": "GET /fapi/v1/ticker/bookTicker",
    "naut_py_futures_market_depth": "GET /fapi/v1/depth",
    "naut_py_futures_market_exchange_info": "GET /fapi/v1/exchangeInfo",
    "naut_py_futures_market_historical_trades": "GET /fapi/v1/historicalTrades",
    "naut_py_futures_market_klines": "GET /fapi/v1/klines",
    "naut_py_futures_market_open_interest": "GET /fapi/v1/openInterest",
    "naut_py_futures_wallet_commission_rate_btcusdt": "GET /fapi/v1/commissionRate",
    "naut_py_futures_wallet_commission_rate_ethusdt": "GET /fapi/v1/commissionRate",
}


def _records(path: Path) -> list[Recorded]:
    if path.name.startswith("freqtrade_"):
        tiers = json.loads(path.read_bytes())
        return [
            Recorded(
                {"method": "GET", "path": "/fapi/v1/leverageBracket"}, msgspec.Raw(json.dumps([document]).encode())
            )
            for document in (
                {
                    "symbol": symbol,
                    "brackets": [
                        {name: int(tier["info"][name]) for name in ("bracket", "initialLeverage")} for tier in of_symbol
                    ],
                }
                for symbol, of_symbol in tiers.items()
            )
        ]
    return msgspec.json.decode(path.read_bytes(), type=list[Recorded])


async def perp_rest_file(bench: PerpBench, path: Path, damaged: set[int]) -> None:
    for index, record in enumerate(_records(path)):
        name = f"{record.request.get('method')} {record.request.get('path')}"
        ask = ENDPOINTS.get(UNNAMED.get(path.stem, name))
        bench.rest.replies.clear()
        bench.rest.reply(bytes(record.response))
        if index in damaged:
            assert ask is not None
            with pytest.raises((msgspec.DecodeError, MalformedReply)):
                await ask(bench, json.loads(bytes(record.response)))
            continue
        if ask is not None:
            await ask(bench, json.loads(bytes(record.response)))
        else:  # no typed method: the document comes as it is
            verb, where = record.request.get("method") or "GET", record.request.get("path") or "/fapi/v1/any"
            found = await bench.connector.native.call(verb, where)
            assert found == json.loads(bytes(record.response), parse_float=Decimal)
        bench.documents += 1
