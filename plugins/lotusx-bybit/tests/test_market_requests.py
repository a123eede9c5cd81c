"""What is asked of Bybit for public data and the account, and what its answers and messages become."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest
from bybit_conformance import (
    BOOK,
    BOOK_PUSH,
    INVERSE_BTC,
    KLINE_PUSH,
    LINEAR_BTC,
    SPOT_BTC,
    SPOT_LISTED,
    SPOT_TICKER,
    TRADES,
    envelope,
    rows,
)
from bybit_desk import Desk

from lotusx.errors import BeginningMissing, InvalidArgument, ItemRejected, MalformedReply, NotSupported
from lotusx.model import InstrumentKind, InstrumentStatus, Interval, MarginMode, OrderEvent
from lotusx.plugin import Channel, ChannelKind, Cost, ItemDropped, Span
from lotusx_bybit.v5 import Category
from lotusx_bybit.v5.facts import IP

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
CONTRACTS = (Category.LINEAR, Category.INVERSE)
TICKER = json.loads(SPOT_TICKER)["data"]
HOUR_MS = 3_600_000


def bar(start_ms: int) -> list[str]:
    return [str(start_ms), "1", "2", "1", "2", "3", "4"]


async def test_listing_is_read_page_after_page_with_the_cursor_as_it_came(make: Make) -> None:
    desk = make(CONTRACTS)
    contract = {
        "symbol": "ETHUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "ETH",
        "quoteCoin": "USDT", "settleCoin": "USDT", "priceFilter": {"tickSize": "0.01"},
        "lotSizeFilter": {"qtyStep": "0.01"},
    }  # fmt: skip
    other = {**contract, "symbol": "XRPUSDT", "baseCoin": "XRP"}
    soon = {**contract, "symbol": "NEWUSDT", "baseCoin": "NEW", "status": "PreLaunch"}
    just_begun = {**other, "status": "PreLaunch"}
    desk.rest.reply(rows(soon, just_begun), rows(contract, {"symbol": "?"}, cursor="first%3A1%2C2"), rows(other))
    desk.rest.reply(rows(), rows())
    found = await desk.market.instruments()
    assert [(str(item.symbol), item.status) for item in found] == [
        ("NEW/USDT:USDT", InstrumentStatus.PENDING),
        ("XRP/USDT:USDT", InstrumentStatus.TRADING),
        ("ETH/USDT:USDT", InstrumentStatus.TRADING),
    ]
    assert desk.queries == [
        "category=linear&status=PreLaunch&limit=1000",
        "category=linear&limit=1000",
        "category=linear&limit=1000&cursor=first%3A1%2C2",
        "category=inverse&status=PreLaunch&limit=1000",
        "category=inverse&limit=1000",
    ]
    assert [type(event) for event in desk.events] == [ItemDropped]


async def test_listing_whose_cursor_does_not_move_is_not_told_as_complete(make: Make) -> None:
    desk = make((Category.LINEAR,))
    stuck = rows({"symbol": "?"}, cursor="c1")
    desk.rest.reply(rows(), stuck, stuck)
    with pytest.raises(MalformedReply, match="the cursor of the next page does not move"):
        await desk.market.instruments()


async def test_spot_is_listed_at_once_unsigned_from_the_public_host(desk: Desk) -> None:
    desk.rest.reply(rows(json.loads(SPOT_LISTED)))
    (found,) = await desk.market.instruments()
    sent = desk.rest.last
    assert (found.venue_symbol, sent.query, sent.signed) == ("BTCUSDT", "category=spot", False)
    assert sent.costs == (Cost(IP, 1),)


async def test_time_is_the_exchanges_in_nanoseconds(desk: Desk) -> None:
    desk.rest.reply(*[envelope({"timeSecond": "1688639403", "timeNano": "1688639403423213947"})] * 2)
    assert await desk.market.server_time_ns() == 1_688_639_403_423_213_947
    await desk.native.ready()
    assert [request.base_url for request in desk.rest.requests] == ["https://api.bybit.com"] * 2


async def test_one_ticker_is_asked_by_symbol_and_several_of_all(desk: Desk) -> None:
    unknown = {**TICKER, "symbol": "GONEUSDT"}
    desk.rest.reply(rows(TICKER), rows(TICKER), rows(TICKER, unknown))
    assert (await desk.market.ticker(SPOT_BTC)).exchange_ns == 1_000_000
    assert len(await desk.market.tickers([SPOT_BTC])) == 1
    assert [str(item.symbol) for item in await desk.market.tickers(None)] == ["BTC/USDT"]
    assert desk.queries == ["category=spot&symbol=BTCUSDT"] * 2 + ["category=spot"]
    assert len(desk.events) == 1
    assert await desk.market.tickers([LINEAR_BTC]) == []


async def test_answer_of_another_number_of_tickers_is_not_taken(desk: Desk) -> None:
    desk.rest.reply(rows())
    with pytest.raises(ItemRejected, match="got 0"):
        await desk.market.ticker(SPOT_BTC)


async def test_book_and_its_best_prices(desk: Desk) -> None:
    desk.rest.reply(BOOK, BOOK)
    top = await desk.market.best_bid_offer(SPOT_BTC)
    book = await desk.market.order_book(SPOT_BTC, 5)
    assert (top.bid_price, top.ask_price, book.sequence) == (D(1), D(2), 7)
    assert [query.rpartition("=")[2] for query in desk.queries] == ["1", "5"]
    with pytest.raises(InvalidArgument, match="1 to 1000"):
        await desk.market.order_book(SPOT_BTC, 0)


async def test_prints_are_as_many_as_spot_keeps(desk: Desk) -> None:
    item = {"execId": "1", "symbol": "BTCUSDT", "price": "1", "size": "1", "side": "Buy", "time": "5"}
    desk.rest.reply(rows(item))
    (trade,) = await desk.market.recent_trades(SPOT_BTC, 500)
    assert (trade.trade_id, desk.queries) == ("1", ["category=spot&symbol=BTCUSDT&limit=60"])


async def test_candles_of_a_span_are_asked_in_pieces_that_fit(make: Make) -> None:
    desk = make(CONTRACTS)
    start = desk.kernel.clock.ns // 10**6 - 5 * HOUR_MS
    desk.rest.reply(envelope({"list": [bar(start + HOUR_MS), bar(start), bar(start - HOUR_MS)]}))
    page = await desk.market.candles_page(LINEAR_BTC, Interval.H1, Span(start * 10**6), None, 2)
    assert [candle.open_ns for candle in page.items] == [start * 10**6, (start + HOUR_MS) * 10**6]
    assert page.cursor == str(start + 2 * HOUR_MS)
    assert desk.queries[0].endswith(f"interval=60&start={start}&end={start + 2 * HOUR_MS - 1}&limit=2")
    desk.rest.reply(envelope({"list": []}))
    span = Span(start * 10**6, (start + 3 * HOUR_MS) * 10**6)
    last = await desk.market.candles_page(LINEAR_BTC, Interval.H1, span, page.cursor, 2)
    assert (last.items, last.cursor) == ([], None)
    assert f"start={start + 2 * HOUR_MS}&end={start + 3 * HOUR_MS - 1}" in desk.queries[1]


async def test_months_are_asked_for_in_pieces_that_hold_no_more_than_is_answered(desk: Desk) -> None:
    """Bybit answers with the newest of a span: in 12 times 31 days may begin 13 months, of which the first was lost."""
    desk.rest.reply(envelope({"list": []}))
    page = await desk.market.candles_page(SPOT_BTC, Interval.MONTH1, Span(0), None, 12)
    assert page.cursor == str(12 * 28 * 24 * HOUR_MS)
    assert f"start=0&end={12 * 28 * 24 * HOUR_MS - 1}&limit=12" in desk.queries[0]


async def test_candles_without_a_start_are_the_newest(desk: Desk) -> None:
    desk.rest.reply(envelope({"list": [bar(0)]}))
    page = await desk.market.candles_page(SPOT_BTC, Interval.MONTH1, Span(None, 10**15), None, 5_000)
    assert (len(page.items), page.cursor) == (1, None)
    assert desk.queries == ["category=spot&symbol=BTCUSDT&interval=M&end=999999999&limit=1000"]


class _Late:
    """A dialect with which a reply arrives at a moment that was set."""

    def __init__(self, clock: Any, at_ns: int) -> None:
        self._clock, self._at_ns = clock, at_ns

    def error(self, request: Any, response: Any) -> None:
        self._clock.ns = self._at_ns


async def test_candle_that_ran_when_it_was_asked_for_is_not_over(desk: Desk) -> None:
    clock = desk.kernel.clock
    end_ms = (clock.ns // 10**6 // HOUR_MS + 1) * HOUR_MS
    clock.ns = (end_ms - 100) * 10**6
    desk.rest.reply(envelope({"list": [bar(end_ms - HOUR_MS)]}))
    late: Any = _Late(clock, (end_ms + 50) * 10**6)  # it may have been written while the candle ran
    desk.rest.dialect = late

    (candle,) = (await desk.market.candles_page(SPOT_BTC, Interval.H1, Span(), None, 1)).items

    assert clock.ns > candle.close_ns
    assert not candle.closed


async def test_kind_that_is_not_traded_is_listed_and_refused(desk: Desk) -> None:
    odd = replace(SPOT_BTC, kind=InstrumentKind.UNKNOWN)
    with pytest.raises(NotSupported, match="kind unknown"):
        await desk.market.order_book(odd, 5)


# Streams


@pytest.mark.parametrize(
    ("instrument", "group"), [(SPOT_BTC, "market"), (LINEAR_BTC, "linear"), (INVERSE_BTC, "inverse")]
)
def test_channels_of_each_category_have_a_socket_of_their_own(make: Make, instrument: Any, group: str) -> None:
    market = make(tuple(Category)).market
    name = instrument.venue_symbol
    channels: list[Channel[Any]] = [
        market.trades_channel(instrument),
        market.ticker_channel(instrument),
        market.best_bid_offer_channel(instrument),
        market.order_book_channel(instrument, 1),
        market.candles_channel(instrument, Interval.H4),
        market.book_channel(instrument, 60),
    ]
    assert {channel.group for channel in channels} == {group}
    assert [channel.key.removesuffix(f".{name}") for channel in channels] == [
        "publicTrade", "tickers", "orderbook.1", "orderbook.1", "kline.240", "orderbook.200",
    ]  # fmt: skip
    assert len({(channel.key, channel.view) for channel in channels}) == 6


def test_messages_become_events(make: Make) -> None:
    market = make((Category.SPOT,)).market
    (trade,) = market.trades_channel(SPOT_BTC).convert(TRADES.encode(), 9)
    (candle,) = market.candles_channel(SPOT_BTC, Interval.M5).convert(KLINE_PUSH.encode(), 9)
    (top,) = market.best_bid_offer_channel(SPOT_BTC).convert(BOOK_PUSH.encode(), 9)
    (book,) = market.order_book_channel(SPOT_BTC, 1).convert(BOOK_PUSH.encode(), 9)
    (update,) = market.book_channel(SPOT_BTC, 50).convert(BOOK_PUSH.encode(), 9)
    (ticker,) = market.ticker_channel(SPOT_BTC).convert(SPOT_TICKER.encode(), 9)
    assert (trade.trade_id, candle.closed) == ("20f43950-d8dd-5b31-9112-a178eb6023af", False)
    assert (top.bid_price_text, book.bids[0].price, update.snapshot) == ("16493.50", top.bid_price, True)
    assert (ticker.bid_price, str(ticker.last_price)) == (None, "21109.77")
    channel = market.trades_channel(SPOT_BTC)
    assert channel.identity is not None
    assert channel.identity(trade) == trade.trade_id


def test_ticker_of_a_contract_forgets_what_may_have_changed_unseen(make: Make) -> None:
    channel = make(CONTRACTS).market.ticker_channel(LINEAR_BTC)

    def push(kind: str, cs: int, **data: str) -> bytes:
        message = {"topic": "tickers.BTCUSDT", "type": kind, "cs": cs, "ts": cs, "data": {"symbol": "BTCUSDT", **data}}
        return json.dumps(message).encode()

    channel.convert(push("snapshot", 1, lastPrice="5", markPrice="6"), 0)
    (merged,) = channel.convert(push("delta", 2, markPrice="7"), 0)
    assert (merged.last_price, merged.mark_price) == (D(5), D(7))
    assert channel.kind is ChannelKind.TICKER
    assert channel.lost is not None
    channel.lost()
    with pytest.raises(BeginningMissing, match="not begun"):
        channel.convert(push("delta", 3, markPrice="8"), 0)


def test_ticker_of_a_contract_waits_for_its_beginning_after_a_change_that_cannot_be_read(make: Make) -> None:
    channel = make(CONTRACTS).market.ticker_channel(LINEAR_BTC)

    def push(kind: str, cs: int, **data: str | None) -> bytes:
        message = {"topic": "tickers.BTCUSDT", "type": kind, "cs": cs, "ts": cs, "data": {"symbol": "BTCUSDT", **data}}
        return json.dumps(message).encode()

    channel.convert(push("snapshot", 1, lastPrice="5", bid1Price="4"), 0)
    with pytest.raises(BeginningMissing, match="nextFundingTime"):
        channel.convert(push("delta", 2, lastPrice="3", bid1Price="2", nextFundingTime=None), 0)
    with pytest.raises(BeginningMissing, match="not begun"):
        channel.convert(push("delta", 3, volume24h="9"), 0)
    (again,) = channel.convert(push("snapshot", 4, lastPrice="3", bid1Price="2"), 0)
    assert (again.last_price, again.bid_price) == (D(3), D(2))


@pytest.mark.parametrize(("option", "counted_only"), [("log", True), (None, False)])
def test_holes_of_books_are_counted_only_where_asked_for(make: Make, option: Any, counted_only: bool) -> None:
    market = make(book_gaps=option).market
    assert market.book_rule(1_000).log_gaps_only is counted_only


# Account


async def test_wallet_holds_what_is_there_or_bound(desk: Desk) -> None:
    coins = [
        {"coin": "BTC", "walletBalance": "2", "locked": "0.5", "totalOrderIM": "", "bonus": ""},
        {"coin": "ETH", "walletBalance": "0", "locked": "0"},
    ]
    desk.rest.reply(rows({"coin": coins}))
    (balance,) = await desk.account.balances()
    assert (balance.asset, balance.total, balance.locked) == ("BTC", D(2), D("0.5"))
    assert (balance.free, balance.updated_ns) == (D("1.5"), 10**6)
    assert desk.queries == ["accountType=UNIFIED"]


async def test_fee_rates_of_another_number_are_not_taken(desk: Desk) -> None:
    desk.rest.reply(rows())
    with pytest.raises(ItemRejected, match="0 fee rates"):
        await desk.account.fees(SPOT_BTC)


async def test_margin_mode_is_the_accounts(desk: Desk) -> None:
    desk.rest.reply(envelope({"marginMode": "PORTFOLIO_MARGIN", "unifiedMarginStatus": 6}))
    assert await desk.account.margin_mode() is MarginMode.CROSS


async def test_spot_has_no_channel_of_positions(make: Make) -> None:
    assert [channel.key for channel in make().account.channels()] == ["order", "execution", "wallet"]
    perp = make(CONTRACTS).account.channels()
    assert [channel.key for channel in perp] == ["order", "execution", "position", "wallet"]
    assert {(channel.group, channel.private) for channel in perp} == {("account", True)}


async def test_private_messages_become_events_of_what_is_listed(make: Make) -> None:
    from bybit_documents import FILL, ORDER

    channels = {channel.key: channel.convert for channel in make(CONTRACTS).account.channels()}

    def push(topic: str, item: Any) -> bytes:
        return json.dumps({"id": "1", "topic": topic, "creationTime": 5, "data": [item]}).encode()

    (order,) = channels["order"](push("order.linear", {**ORDER, "category": "linear"}), 0)
    assert isinstance(order, OrderEvent)
    assert channels["order"](push("order", {**ORDER, "category": "spot"}), 0) == []
    assert len(channels["execution"](push("execution", {**FILL, "category": "linear"}), 0)) == 1
    position = {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "size": "1",
        "positionIdx": 0,
        "updatedTime": "5",
    }
    assert len(channels["position"](push("position", position), 0)) == 1
    assert len(channels["wallet"](push("wallet", {"coin": [{"coin": "BTC", "walletBalance": "2"}]}), 0)) == 1
    with pytest.raises(ItemRejected):
        channels["order"](push("order", {**ORDER, "category": "linear", "symbol": "GONEUSDT"}), 0)
