"""What a user's type checker sees of the public API. Nothing here runs: mypy and pyright read it, both strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import assert_type

import lotusx
import lotusx.sync
from lotusx import many, model, rules, streams
from lotusx.errors import ErrorKind
from lotusx.health import HealthReport
from lotusx.model.account import AccountEvent
from lotusx.plugin import hookimpl


async def connecting() -> None:
    exchange = lotusx.connect(
        "binance", environment="testnet", credentials={"api_key": "k"}, options={"a": 1}, paper=True
    )
    assert_type(exchange, lotusx.Exchange)
    async with exchange as opened:
        assert_type(opened, lotusx.Exchange)
        assert_type(opened.name, str)
        assert_type(opened.environment, str)
        assert_type(opened.capabilities, Mapping[lotusx.Capability, lotusx.Support])
        assert_type(await opened.health_check(), HealthReport)
        opened.tickr("BTC/USDT")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


async def reads(exchange: lotusx.Exchange) -> None:
    ticker = await exchange.market.ticker("BTC/USDT")
    assert_type(ticker, model.Ticker)
    assert_type(ticker.last_price, Decimal | None)
    assert_type(await exchange.ticker(lotusx.Symbol("BTC", "USDT")), model.Ticker)  # flat: the same
    assert_type(await exchange.market.instrument("BTC/USDT"), lotusx.Instrument)
    assert_type(await exchange.market.instruments(), Sequence[lotusx.Instrument])
    book = await exchange.market.order_book("BTC/USDT", depth=5)
    assert_type(book.bids, tuple[model.Level, ...])
    assert_type(book.bids[0].price, Decimal)
    best = await exchange.best_bid_offer("BTC/USDT")
    assert_type(best.bid_price, Decimal | None)
    assert_type(await exchange.market.candles("BTC/USDT", "1h"), Sequence[model.Candle])
    assert_type(await exchange.market.funding_rate("BTC/USDT:USDT"), model.FundingRate)
    async for candle in exchange.market.iter_candles("BTC/USDT", lotusx.Interval("1h"), start=0):
        assert_type(candle, model.Candle)
    async for flat in exchange.iter_candles("BTC/USDT", "1h", start=0):
        assert_type(flat, model.Candle)


async def following(exchange: lotusx.Exchange) -> None:
    async with exchange.market.stream_trades("BTC/USDT", overflow=lotusx.Overflow.FAIL) as trades:
        assert_type(trades, lotusx.Stream[lotusx.Trade])
        assert_type(trades.counters, streams.Counters)
        async for trade in trades:
            assert_type(trade, lotusx.Trade)
            assert_type(trade.price, Decimal)
            assert_type(trade.taker_side, lotusx.Side)
        async for event in trades.with_status():
            assert_type(event, lotusx.Trade | streams.StatusChange)
    async with exchange.stream_best_bid_offer("BTC/USDT") as offers:
        assert_type(offers, lotusx.Stream[model.BestBidOffer])
    async with exchange.market.live_order_book("BTC/USDT") as book:
        assert_type(book, lotusx.LiveOrderBook)
        assert_type(book.spread, Decimal | None)
        assert_type(book.bids(5), list[model.Level])
        assert_type(book.vwap("buy", "1"), Decimal)
        async for top in book.changes():
            assert_type(top.best_bid, model.Level | None)


async def several(prepared: lotusx.Exchange) -> None:
    places: dict[str, many.Connection] = {"a": "binance", "b": {"name": "bybit", "account": "hedge"}, "c": prepared}
    async with lotusx.connect_many(places, failures="isolated") as opened:
        assert_type(opened, many.Many)
        assert_type(opened["a"], lotusx.Exchange)
        trades = {name: exchange.market.stream_trades("BTC/USDT") for name, exchange in opened.alive.items()}
        async with opened.merge(trades) as merged:
            async for name, event in merged:
                assert_type(name, str)
                assert_type(event, lotusx.Trade | many.SourceEnded)
            async for _, item in merged.with_status():
                assert_type(item, lotusx.Trade | streams.StatusChange | many.SourceEnded)
        async with opened.consolidated_book({"a": "BTC/USDT"}, fees={"a": "0.001"}) as book:
            assert_type(book.read().best_bid, many.ConsolidatedLevel | None)
            async for found in book.changes():
                assert_type(found.spread, Decimal | None)
        assert_type((await opened.portfolio()).asset("BTC").total, Decimal)
        assert_type(await opened.match(base="BTC"), tuple[many.Match, ...])


async def orders(exchange: lotusx.Exchange) -> None:
    request = lotusx.OrderRequest.limit("BTC/USDT", "buy", "0.1", Decimal(60_000), post_only=True)
    assert_type(request, lotusx.OrderRequest)
    assert_type(request.price, Decimal | None)
    order = await exchange.trading.place(request)
    assert_type(order, lotusx.Order)
    assert_type(order.status, lotusx.OrderStatus)
    assert_type(order.filled, Decimal)
    assert_type(await order.settled(), lotusx.OrderState)
    assert_type(await order.fetch_fills(), tuple[lotusx.Fill, ...])
    for outcome in await exchange.trading.place_batch_orders([request]):
        assert_type(outcome, lotusx.Accepted | lotusx.Rejected | lotusx.Unknown)
        match outcome:
            case lotusx.Accepted():
                assert_type(outcome.state, lotusx.OrderState)
            case lotusx.Rejected():
                assert_type(outcome.error, lotusx.LotusXError)
            case lotusx.Unknown():
                assert_type(outcome.evidence, tuple[str, ...])
    assert_type(await exchange.cancel("BTC/USDT", client_order_id="a"), lotusx.OrderState)
    assert_type(await exchange.trading.cancel_all(), Sequence[lotusx.OrderState])
    async for fill in exchange.trading.iter_fills("BTC/USDT"):
        assert_type(fill.fee, Decimal | None)


async def accounts(exchange: lotusx.Exchange) -> None:
    assert_type(await exchange.account.balances(), Sequence[model.Balance])
    assert_type(await exchange.positions(), Sequence[model.Position])
    async with exchange.account.stream_account() as events:
        assert_type(events, lotusx.Stream[AccountEvent])
        async for event in events:
            match event:
                case model.FillEvent(fill=fill):
                    assert_type(fill, lotusx.Fill)
                case model.OrderEvent(state=state):
                    assert_type(state, lotusx.OrderState)
                case _:
                    pass


def without_async() -> None:
    with lotusx.sync.connect("binance") as exchange:
        assert_type(exchange, lotusx.sync.Exchange)
        assert_type(exchange.market.ticker("BTC/USDT"), model.Ticker)
        assert_type(exchange.ticker("BTC/USDT"), model.Ticker)
        with exchange.market.stream_trades("BTC/USDT") as trades:
            for trade in trades:
                assert_type(trade, lotusx.Trade)
        with exchange.market.live_order_book("BTC/USDT") as book:
            assert_type(book, lotusx.sync.LiveOrderBook)
            for top in book.changes():
                assert_type(top.best_ask, model.Level | None)
        for candle in exchange.iter_candles("BTC/USDT", "1h", start=0):
            assert_type(candle, model.Candle)
        order = exchange.trading.place(lotusx.OrderRequest.market("BTC/USDT", lotusx.Side.BUY, 1))
        assert_type(order, lotusx.sync.Order)
        assert_type(order.settled(), lotusx.OrderState)


def several_without_async(prepared: lotusx.sync.Exchange) -> None:
    with lotusx.sync.connect_many({"a": "binance", "b": {"name": "bybit"}, "c": prepared}) as opened:
        assert_type(opened, lotusx.sync.Many)
        assert_type(opened["a"], lotusx.sync.Exchange)
        trades = {name: exchange.market.stream_trades("BTC/USDT") for name, exchange in opened.alive.items()}
        with opened.merge(trades) as merged:
            for name, event in merged:
                assert_type(name, str)
                assert_type(event, lotusx.Trade | many.SourceEnded)
        with opened.consolidated_book({"a": "BTC/USDT"}) as book:
            for found in book.changes():
                assert_type(found.best_ask, many.ConsolidatedLevel | None)
        assert_type(opened.portfolio().asset("BTC").total, Decimal)


def errors(error: lotusx.LotusXError) -> None:
    assert_type(error.retryable, bool)
    assert_type(error.may_have_executed, bool)
    assert_type(error.after_s, float | None)
    if isinstance(error, lotusx.ExchangeError):
        assert_type(error.kind, ErrorKind)
        assert_type(error.code, str)
    if isinstance(error, lotusx.OrderOutcomeUnknown):
        assert_type(error.client_order_id, str)


def rounding(instrument: lotusx.Instrument) -> None:
    price = rules.round_price(instrument, Decimal("1.234"), rules.Rounding.FLOOR)
    assert_type(price, Decimal)
    rules.round_price(instrument, 1.234, rules.Rounding.FLOOR)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lotusx.OrderRequest.limit("BTC/USDT", "buy", 0.1, "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Check:
    @hookimpl
    def lotusx_before_order(self, request: lotusx.OrderRequest, instrument: lotusx.Instrument) -> None:
        assert_type(request.quantity, Decimal)
        assert_type(instrument.min_notional, Decimal | None)
