"""Recorded messages through the real decode path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal as D
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from backpack_corpus import HERE, messages, needs_corpus, symbol_of

from lotusx.model import (
    BalanceEvent,
    BookUpdate,
    Interval,
    OrderEvent,
    OrderStatus,
    OrderType,
    PositionEvent,
)
from lotusx.plugin import Notice, NoticeKind
from lotusx_backpack import (
    account_events,
    conversions as convert,
    types,
)
from lotusx_backpack.codec import BackpackCodec
from lotusx_backpack.triggers import Triggers

pytestmark = needs_corpus

CODEC = BackpackCodec()


def order_messages(message: bytes) -> list[object]:
    return list(account_events.to_order_events(message, 5, symbol_of, str, Triggers().known_again))


def private_order_and_balance() -> None:
    first, second = messages("bbgo_private_order_and_balance.json")
    (event,) = order_messages(first)
    (balance,) = account_events.to_balance_events(second, 5)

    assert (CODEC.route(first), CODEC.route(second)) == (account_events.ORDERS, account_events.BALANCES)
    assert isinstance(event, OrderEvent)
    assert (event.state.status, event.state.price, event.state.post_only) == (OrderStatus.OPEN, D("1.0076"), True)
    assert isinstance(balance, BalanceEvent)
    assert [(item.free, item.locked) for item in balance.balances] == [(D(10), D(20))]


def capture() -> None:
    updates: list[BookUpdate] = []
    others: dict[str, int] = {}
    tops: list[int] = []
    for message in messages("capture_SOL_USDC_depth_bookTicker_20260902.ndjson"):
        key = CODEC.route(message)
        assert isinstance(key, str)
        stream, _, symbol = key.partition(".")
        if stream == "depth":
            frame = msgspec.json.decode(message, type=types.Frame[types.DepthEvent])
            updates.append(convert.to_book_update(frame.data, symbol=symbol_of(symbol), received_ns=5))
            continue
        others[key] = others.get(key, 0) + 1
        decode, to = STREAMS[stream]
        found = to(decode(message).data, symbol=symbol_of(symbol), received_ns=5)
        assert found.exchange_ns is not None
        if stream == "bookTicker":
            tops.append(found.sequence)
            assert found.bid_price < found.ask_price

    assert len(updates) == 146
    assert all(after.first == before.last + 1 for before, after in pairwise(updates))
    assert (updates[0].first, updates[-1].last) == (4_330_360_995, 4_330_361_140)
    assert sum(others.values()) == 187 - 146
    assert tops == sorted(set(tops) & {update.last for update in updates})  # both count the same changes


STREAMS: Mapping[str, tuple[Callable[[bytes], Any], Callable[..., Any]]] = {
    "bookTicker": (msgspec.json.Decoder(types.Frame[types.BookTickerEvent]).decode, convert.to_best_bid_offer),
    "ticker": (msgspec.json.Decoder(types.Frame[types.TickerEvent]).decode, convert.to_ticker_event),
    "markPrice": (msgspec.json.Decoder(types.Frame[types.MarkPriceEvent]).decode, convert.to_mark_price_event),
}


def kept_book_ticker() -> None:
    (message,) = messages("ccxt_bookTicker.json")
    event = msgspec.json.decode(message, type=types.BookTickerEvent)
    found = convert.to_best_bid_offer(event, symbol=symbol_of(event.s), received_ns=5)

    assert (found.bid_price, found.ask_quantity, found.sequence) == (D("3667.49"), D("0.4087"), 1_328_288_557)
    assert found.exchange_ns == 1_754_517_402_449_064_000


def kept_depth() -> None:
    (message,) = messages("ccxt_depth.json")
    event = msgspec.json.decode(message, type=types.Frame[types.DepthEvent]).data
    update = convert.to_book_update(event, symbol=symbol_of(event.s), received_ns=5)

    assert CODEC.route(message) == "depth.ETH_USDC"
    assert (update.first, update.last, update.bids, update.asks) == (1_345_937_436, 1_345_937_436, [], [])


def kept_error() -> None:
    (message,) = messages("ccxt_error.json")

    assert CODEC.route(message) == Notice(NoticeKind.ERROR, "Invalid stream (code 4006)")


def kept_kline() -> None:
    (message,) = messages("ccxt_kline.json")
    event = msgspec.json.decode(message, type=types.Frame[types.KlineEvent]).data
    candle = convert.to_candle_event(event, symbol=symbol_of(event.s), interval=Interval.H2, received_ns=5)

    assert CODEC.route(message) == "kline.2h.ETH_USDC"
    assert candle is not None
    assert candle.close_ns - candle.open_ns == 7_200_000_000_000


def kept_order() -> None:
    (message,) = messages("ccxt_orderAccepted.json")
    (event,) = order_messages(message)

    assert CODEC.route(message) == account_events.ORDERS
    assert isinstance(event, OrderEvent)
    assert (event.state.type, event.state.quantity, event.state.quote_quantity) == (OrderType.MARKET, D("0.001"), None)


def kept_position() -> None:
    message, _ = messages("ccxt_positionOpened.json")
    (event,) = account_events.to_position_events(message, 5, symbol_of)

    assert isinstance(event, PositionEvent)
    assert [(item.quantity, item.entry_price) for item in event.positions] == [(D("0.001"), D("4236.36"))]


def kept_ticker() -> None:
    (message,) = messages("ccxt_ticker.json")
    event = msgspec.json.decode(message, type=types.Frame[types.TickerEvent]).data

    assert convert.to_ticker_event(event, symbol=symbol_of(event.s), received_ns=5).last_price == D("3398.57")


def kept_trade() -> None:
    (message,) = messages("ccxt_trade.json")
    event = msgspec.json.decode(message, type=types.Frame[types.TradeEvent]).data
    found = convert.to_trade(event, symbol=symbol_of(event.s), received_ns=5)

    assert (found.trade_id, found.taker_side, found.exchange_ns) == ("10782547", "buy", 1_754_601_477_744_000_000)


WS: Mapping[str, Callable[[], None]] = {
    "bbgo_private_order_and_balance.json": private_order_and_balance,
    "capture_SOL_USDC_depth_bookTicker_20260902.ndjson": capture,
    "ccxt_bookTicker.json": kept_book_ticker,
    "ccxt_depth.json": kept_depth,
    "ccxt_error.json": kept_error,
    "ccxt_kline.json": kept_kline,
    "ccxt_orderAccepted.json": kept_order,
    "ccxt_positionOpened.json": kept_position,
    "ccxt_ticker.json": kept_ticker,
    "ccxt_trade.json": kept_trade,
}


@pytest.mark.parametrize("name", WS)
def test_messages(name: str) -> None:
    WS[name]()


def test_no_message_is_left_out() -> None:
    assert {path.name for path in (HERE / "ws").iterdir()} == set(WS)
