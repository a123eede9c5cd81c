"""The corpus of Binance spot through codec and channels: WebSocket frames."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from binance_corpus import Bench, Frame, instrument

from lotusx.model import (
    BookUpdate,
    Interval,
)
from lotusx.plugin import Ack, Channel, Reply
from lotusx_binance import account_types, types
from lotusx_binance.codec import ACCOUNT_KEY
from lotusx_binance.errors import SPOT
from lotusx_binance.replies import read_api_reply

# WebSocket: the codec finds the channel, the channel's own function decodes.

METHODS: dict[str, Any] = {
    "account.status": account_types.AccountInfo,
    "depth": types.Depth,
    "avgPrice": types.AveragePrice,
    "trades.aggregate": list[types.AggregateTrade],
    "uiKlines": list[types.Kline],
    "order.status": account_types.Order,
    "openOrders.status": list[account_types.Order],
    "myTrades": list[account_types.AccountTrade],
    "order.amend.keepPriority": account_types.Amended,
    "order.test": dict[str, Any],
}


def _channel(bench: Bench, key: str) -> Channel[Any]:
    name, _, stream = key.partition("@")
    item, market = instrument(name.upper()), bench.connector.market
    if stream == "trade":
        return market.trades_channel(item)
    if stream == "aggTrade":
        return market.aggregate_trades_channel(item)
    if stream == "ticker":
        return market.ticker_channel(item)
    if stream == "bookTicker":
        return market.best_bid_offer_channel(item)
    if stream.startswith("kline_"):
        return market.candles_channel(item, Interval(stream.removeprefix("kline_")))
    if stream.partition("@")[0] == "depth":
        return market.book_channel(item, 1_000)
    if re.fullmatch(r"depth(5|10|20|Snapshot)(@100ms)?", stream):
        return market.order_book_channel(item, 20)
    raise NotImplementedError(f"no channel for {key}")


def _check_event(event: Any, data: dict[str, Any]) -> None:
    """Compare an event's values with the message's own text, whatever kind it is."""
    if isinstance(event, BookUpdate):
        assert (event.first, event.last) == (data["U"], data["u"])
        assert [list(level) for level in event.bids] == data["b"]
        assert [list(level) for level in event.asks] == data["a"]
    elif "lastUpdateId" in data:
        assert event.sequence == data["lastUpdateId"]
        assert [(level.price, level.quantity) for level in event.bids] == [
            (Decimal(p), Decimal(q)) for p, q in data["bids"]
        ]
        assert [(level.price, level.quantity) for level in event.asks] == [
            (Decimal(p), Decimal(q)) for p, q in data["asks"]
        ]
    elif data.get("e") in ("trade", "aggTrade"):
        assert (event.price_text, event.quantity_text) == (data["p"], data["q"])
        assert event.trade_id == str(data["t" if data["e"] == "trade" else "a"])
        assert (event.exchange_ns, event.taker_side) == (data["T"] * 1_000_000, "sell" if data["m"] else "buy")
    elif data.get("e") == "kline":
        bar = data["k"]
        assert [event.open, event.high, event.low, event.close] == [Decimal(bar[name]) for name in "ohlc"]
        assert (event.open_ns, event.closed, event.trade_count) == (bar["t"] * 1_000_000, bar["x"], bar["n"])
    elif data.get("e") == "24hrTicker":
        assert (event.last_price, event.bid_price) == (Decimal(data["c"]), Decimal(data["b"]))
        assert (event.base_volume, event.trade_count) == (Decimal(data["v"]), data["n"])
    else:
        assert (event.sequence, event.bid_price_text, event.ask_quantity_text) == (data["u"], data["b"], data["A"])


def ws_file(bench: Bench, path: Path) -> None:
    method = ""
    for frame in msgspec.json.decode(path.read_bytes(), type=list[Frame]):
        message = bytes(frame.msg)
        content = json.loads(message)
        if frame.dir == "out":
            method = content["method"]
            continue
        event = content.get("data", content)
        if event.get("e") in ("executionReport", "outboundAccountPosition", "balanceUpdate"):
            # The body of an event is what it was; until 2026-02-20 it came over a listenKey stream.
            message = b'{"subscriptionId":0,"event":' + json.dumps(event).encode() + b"}"
        if b'"subscriptionId"' in message and "event" in json.loads(message):
            assert bench.api.route(message) == ACCOUNT_KEY
            (account,) = bench.connector.account.channels()
            account.convert(message, frame.recv_ns)
        elif "status" in content:
            method_known = method in METHODS or method.startswith("userDataStream.")
            if not method_known:
                raise NotImplementedError(f"no typed reply for {method}")
            assert bench.api.route(message) == Reply(content["id"], message)
            result = read_api_reply("binance", message, command=False, meanings=SPOT)
            if method in METHODS:
                msgspec.json.decode(result, type=METHODS[method])
        elif "result" in content:
            assert bench.stream.route(message) == Ack(content["id"])
        else:
            key = bench.stream.route(message)
            if not isinstance(key, str):
                raise NotImplementedError(f"no combined stream message: {key}")
            (decoded,) = _channel(bench, key).convert(message, frame.recv_ns)
            _check_event(decoded, content["data"])
        bench.frames += 1


def capture(bench: Bench, path: Path) -> None:
    """Every frame of a capture, values checked, and the chain of update ids without a gap."""
    decode = msgspec.json.Decoder(Frame).decode
    channels: dict[str, Channel[Any]] = {}
    last = 0
    for line in path.read_bytes().splitlines():
        frame = decode(line)
        message = bytes(frame.msg)
        if frame.dir == "rest_snapshot":
            depth = msgspec.json.decode(message, type=types.Depth)
            assert len(depth.bids) == len(depth.asks) == 1_000
        else:
            key = bench.stream.route(message)
            assert isinstance(key, str)
            channel = channels.get(key) or channels.setdefault(key, _channel(bench, key))
            (event,) = channel.convert(message, frame.recv_ns)
            _check_event(event, json.loads(message)["data"])
            assert event.received_ns == frame.recv_ns
            if isinstance(event, BookUpdate):
                assert last == 0 or event.first == last + 1
                last = event.last
        bench.frames += 1
