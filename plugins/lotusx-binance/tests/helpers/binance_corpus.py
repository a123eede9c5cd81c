"""The corpus of Binance spot through the connector: REST documents."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lotusx.model import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Interval,
    Symbol,
    TickSize,
)
from lotusx.plugin import OrderRef, Span
from lotusx_binance.codec import ApiCodec, StreamCodec
from lotusx_binance.connector import BinanceConnector
from lotusx_binance.errors import SpotDialect
from lotusx_binance.facts import FACTS
from lotusx_binance.signer import signer_from
from lotusx_testing.fakes import FakeInstruments, FakeKernel, FakeRest


class Recorded(msgspec.Struct):
    """A record of a ``rest/`` file."""

    request: dict[str, Any]
    response: msgspec.Raw
    status: int | None = None


class Frame(msgspec.Struct):
    """A record of a ``ws/`` file, or a line of a capture."""

    msg: msgspec.Raw
    dir: str = "in"
    recv_ns: int = 0


class AnyInstrument(FakeInstruments):
    """Lists whatever is asked for: what is listed today is not what was listed then."""

    def by_venue_symbol(self, venue_symbol: str) -> Instrument:
        return instrument(venue_symbol)


def instrument(venue_symbol: str) -> Instrument:
    return Instrument(
        Symbol(venue_symbol, "X"), venue_symbol, InstrumentKind.SPOT, InstrumentStatus.TRADING, None, None
    )


@dataclass
class Bench:
    """The real connector over replies from the corpus."""

    rest: FakeRest = field(default_factory=lambda: FakeRest(SpotDialect("binance")))
    documents: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        kernel = FakeKernel(FACTS, rest=self.rest, instruments=AnyInstrument())
        self.connector = BinanceConnector(kernel.build())
        self.stream = StreamCodec()
        self.api = ApiCodec("binance", signer_from({"api_key": "k", "api_secret": "s"}))


def number(text: Any) -> Decimal:
    assert isinstance(text, str)
    return Decimal(text)


# REST: verb and path → ask the connector, and compare what it says with the document.


async def _time(bench: Bench, raw: Any) -> None:
    assert await bench.connector.market.server_time_ns() == raw["serverTime"] * 1_000_000


async def _ping(bench: Bench, raw: Any) -> None:
    await bench.connector.native.ping()


async def _aggregates(bench: Bench, raw: Any) -> None:
    page = await bench.connector.market.trades_page(instrument("X"), Span(), None, 1_000)
    assert len(page.items) == len(raw)
    for trade, item in zip(page.items, raw, strict=True):
        assert (trade.trade_id, trade.price, trade.quantity) == (str(item["a"]), number(item["p"]), number(item["q"]))
        assert (trade.exchange_ns, trade.taker_side) == (item["T"] * 1_000_000, "sell" if item["m"] else "buy")


async def _trades(bench: Bench, raw: Any) -> None:
    trades = await bench.connector.market.recent_trades(instrument("X"), 1_000)
    assert len(trades) == len(raw)
    for trade, item in zip(trades, raw, strict=True):
        assert (trade.trade_id, trade.price) == (str(item["id"]), number(item["price"]))
        assert (trade.quantity, trade.exchange_ns) == (number(item["qty"]), item["time"] * 1_000_000)
        assert trade.taker_side == ("sell" if item["isBuyerMaker"] else "buy")


async def _historical(bench: Bench, raw: Any) -> None:
    trades = await bench.connector.native.historical_trades("X")
    assert [(trade.id, trade.price, trade.qty) for trade in trades] == [
        (item["id"], item["price"], item["qty"]) for item in raw
    ]


async def _depth(bench: Bench, raw: Any) -> None:
    book = await bench.connector.market.order_book(instrument("X"), 5_000)
    assert book.sequence == raw["lastUpdateId"]
    for side in ("bids", "asks"):
        levels = [(level.price, level.quantity) for level in getattr(book, side)]
        assert levels == [(number(price), number(quantity)) for price, quantity, *_ in raw[side]]


async def _klines(bench: Bench, raw: Any) -> None:
    page = await bench.connector.market.candles_page(instrument("X"), Interval.M1, Span(), None, 1_000)
    assert len(page.items) == len(raw)
    for candle, row in zip(page.items, raw, strict=True):
        assert (candle.open_ns, candle.close_ns) == (row[0] * 1_000_000, (row[6] + 1) * 1_000_000)
        assert [candle.open, candle.high, candle.low, candle.close, candle.base_volume] == [*map(number, row[1:6])]
        assert (candle.quote_volume, candle.trade_count) == (number(row[7]), row[8])
        assert (candle.taker_buy_base_volume, candle.taker_buy_quote_volume) == (number(row[9]), number(row[10]))


async def _ticker(bench: Bench, raw: Any) -> None:
    if isinstance(raw, list):
        tickers = list(await bench.connector.market.tickers(None))
    else:
        tickers, raw = [await bench.connector.market.ticker(instrument(raw["symbol"]))], [raw]
    assert len(tickers) == len(raw)
    for ticker, item in zip(tickers, raw, strict=True):
        assert ticker.last_price == (number(item["lastPrice"]) or None)
        assert ticker.bid_price == (number(item["bidPrice"]) or None)
        assert ticker.ask_price == (number(item["askPrice"]) or None)
        assert (ticker.high_price, ticker.low_price) == (number(item["highPrice"]), number(item["lowPrice"]))
        assert (ticker.base_volume, ticker.quote_volume) == (number(item["volume"]), number(item["quoteVolume"]))
        assert ticker.change_fraction == number(item["priceChangePercent"]) / 100
        assert (ticker.exchange_ns, ticker.trade_count) == (item["closeTime"] * 1_000_000, item["count"])


async def _book_ticker(bench: Bench, raw: Any) -> None:
    top = await bench.connector.market.best_bid_offer(instrument(raw["symbol"]))
    assert (top.bid_price_text, top.ask_quantity_text) == (raw["bidPrice"], raw["askQty"])


async def _price(bench: Bench, raw: Any) -> None:
    assert (await bench.connector.native.ticker_price("X")).price == raw["price"]


async def _average(bench: Bench, raw: Any) -> None:
    average = await bench.connector.native.average_price("X")
    assert (average.mins, average.price) == (raw["mins"], raw["price"])


async def _info(bench: Bench, raw: Any) -> None:
    instruments = await bench.connector.market.instruments()
    assert len(instruments) == len(raw["symbols"]) == len({item.symbol for item in instruments})
    for item, document in zip(instruments, raw["symbols"], strict=True):
        filters = {rule["filterType"]: rule for rule in document["filters"]}
        assert (item.venue_symbol, item.raw_status) == (document["symbol"], document["status"])
        assert (item.base, item.quote) == (document["baseAsset"], document["quoteAsset"])
        assert item.order_types == set(document["orderTypes"])
        if "PRICE_FILTER" in filters:
            assert isinstance(item.price_rule, TickSize)
            assert item.price_rule.tick_size == number(filters["PRICE_FILTER"]["tickSize"])
        if "LOT_SIZE" in filters:
            assert item.step_size == number(filters["LOT_SIZE"]["stepSize"])
            assert item.max_quantity == number(filters["LOT_SIZE"]["maxQty"])
        if "MIN_NOTIONAL" in filters:
            assert item.min_notional == number(filters["MIN_NOTIONAL"]["minNotional"])
    assert instruments[0].raw == raw["symbols"][0]


async def _order(bench: Bench, raw: Any) -> None:
    state = await bench.connector.trading.order(OrderRef(None, str(raw["orderId"])), instrument(raw["symbol"]))
    assert (state.venue_order_id, state.filled) == (str(raw["orderId"]), number(raw["executedQty"]))


async def _open_orders(bench: Bench, raw: Any) -> None:
    states = await bench.connector.trading.open_orders(None)
    assert [state.venue_order_id for state in states] == [str(item["orderId"]) for item in raw]


async def _all_orders(bench: Bench, raw: Any) -> None:
    page = await bench.connector.trading.orders_page(instrument("X"), Span(), None, 1_000)
    assert [state.raw_status for state in page.items] == [item["status"] for item in raw]


async def _fills(bench: Bench, raw: Any) -> None:
    page = await bench.connector.trading.fills_page(instrument("X"), Span(), None, 1_000)
    assert [fill.fee for fill in page.items] == [number(item["commission"]) for item in raw]


async def _cancel(bench: Bench, raw: Any) -> None:
    state = await bench.connector.trading.cancel(OrderRef(raw["origClientOrderId"]), instrument("X"))
    assert state.client_order_id == raw["origClientOrderId"]


async def _cancel_all(bench: Bench, raw: Any) -> None:
    states = await bench.connector.trading.cancel_all(instrument("X"))
    expected = [order["orderId"] for item in raw for order in item.get("orderReports", [item])]
    assert [state.venue_order_id for state in states] == [str(order_id) for order_id in expected]


async def _cancel_replace(bench: Bench, raw: Any) -> None:
    replaced = await bench.connector.native.cancel_replace({})
    assert replaced.newOrderResponse.orderId == raw["newOrderResponse"]["orderId"]


async def _amend(bench: Bench, raw: Any) -> None:
    amended = await bench.connector.native.amend_keep_priority({})
    assert amended.amendedOrder.qty == raw["amendedOrder"]["qty"]


async def _place(bench: Bench, raw: Any) -> None:
    placed = await bench.connector.native.new_order({})
    assert placed.orderId == raw["orderId"]


async def _account(bench: Bench, raw: Any) -> None:
    balances = await bench.connector.account.balances()
    assert [balance.free for balance in balances] == [number(item["free"]) for item in raw["balances"]]


async def _commission(bench: Bench, raw: Any) -> None:
    await bench.connector.account.fees(instrument("X"))


async def _restrictions(bench: Bench, raw: Any) -> None:
    assert (await bench.connector.account.permissions()).raw == raw


async def _order_limits(bench: Bench, raw: Any) -> None:
    limits = await bench.connector.native.unfilled_order_count()
    assert [limit.limit for limit in limits] == [item["limit"] for item in raw]


Ask = Callable[[Bench, Any], Awaitable[None]]
ENDPOINTS: dict[str, Ask] = {
    "GET /api/v3/time": _time,
    "GET /api/v3/ping": _ping,
    "GET /api/v3/aggTrades": _aggregates,
    "GET /api/v3/trades": _trades,
    "GET /api/v3/historicalTrades": _historical,
    "GET /api/v3/depth": _depth,
    "GET /api/v3/klines": _klines,
    "GET /api/v3/uiKlines": _klines,
    "GET /api/v3/ticker/24hr": _ticker,
    "GET /api/v3/ticker/bookTicker": _book_ticker,
    "GET /api/v3/ticker/price": _price,
    "GET /api/v3/avgPrice": _average,
    "GET /api/v3/exchangeInfo": _info,
    "GET /api/v3/order": _order,
    "GET /api/v3/openOrders": _open_orders,
    "GET /api/v3/allOrders": _all_orders,
    "GET /api/v3/myTrades": _fills,
    "DELETE /api/v3/order": _cancel,
    "DELETE /api/v3/openOrders": _cancel_all,
    "POST /api/v3/order/cancelReplace": _cancel_replace,
    "PUT /api/v3/order/amend/keepPriority": _amend,
    "POST /api/v3/order": _place,
    "POST /api/v3/sor/order": _place,
    "GET /api/v3/account": _account,
    "GET /api/v3/account/commission": _commission,
    "GET /api/v3/rateLimit/order": _order_limits,
    "GET /sapi/v1/account/apiRestrictions": _restrictions,
}
UNNAMED = {
    "naut_all_orders_response": "GET /api/v3/allOrders",
    "naut_avg_price_response": "GET /api/v3/avgPrice",
    "naut_cancel_open_orders_response": "DELETE /api/v3/openOrders",
    "naut_cancel_order_response": "DELETE /api/v3/order",
    "naut_exchange_info_response": "GET /api/v3/exchangeInfo",
    "naut_klines_response": "GET /api/v3/klines",
    "naut_ping_response": "GET /api/v3/ping",
    "naut_py_spot_market_agg_trades": "GET /api/v3/aggTrades",
    "naut_py_spot_market_depth": "GET /api/v3/depth",
    "naut_py_spot_market_historical_trades": "GET /api/v3/historicalTrades",
    "naut_py_spot_market_trades": "GET /api/v3/trades",
}


def _records(path: Path) -> list[Recorded]:
    if path.name.startswith("ccxtrs_"):
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
        return [Recorded({"method": "GET", "path": "/api/v3/ticker/24hr"}, document["http_response"])]
    return msgspec.json.decode(path.read_bytes(), type=list[Recorded])


async def rest_file(bench: Bench, path: Path, damaged: set[int]) -> None:
    for index, record in enumerate(_records(path)):
        name = f"{record.request.get('method')} {record.request.get('path')}"
        ask = ENDPOINTS.get(UNNAMED.get(path.stem, name))
        if ask is None:
            raise NotImplementedError(f"no typed method for {name}")
        bench.rest.replies.clear()
        bench.rest.reply(bytes(record.response))
        if index in damaged:
            with pytest.raises(msgspec.DecodeError):
                await ask(bench, None)
            continue
        await ask(bench, json.loads(bytes(record.response)))
        bench.documents += 1
