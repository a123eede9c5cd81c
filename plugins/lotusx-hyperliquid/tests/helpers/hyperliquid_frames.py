"""The corpus of Hyperliquid through codec and channels: WebSocket frames."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from hyperliquid_bench import Bench, instrument

from lotusx.model import BookUpdate, Interval, OrderEvent, Trade
from lotusx.plugin import Ack, Channel, Notice, Reply


class Frame(msgspec.Struct):
    """A record of a ``ws/`` file, or a line of a capture."""

    msg: msgspec.Raw
    dir: str = "in"
    recv_ns: int = 0


ACCOUNT = ("orderUpdates", "userFills", "userFundings", "userEvents", "spotState", "clearinghouseState")


def _channel(bench: Bench, key: str) -> Channel[Any]:
    kind, *rest = key.split(" ")
    market = bench.connector.market
    if kind in ACCOUNT:
        return next(channel for channel in bench.connector.account.channels() if channel.key == key)
    if not rest:
        raise NotImplementedError(f"no channel for {key}")
    item = instrument(rest[0])
    if kind == "trades":
        return market.trades_channel(item)
    if kind == "l2Book":
        return market.book_channel(item, 20)
    if kind == "bbo":
        return market.best_bid_offer_channel(item)
    if kind == "activeAssetCtx":
        return market.ticker_channel(item)
    if kind == "candle":
        return market.candles_channel(item, Interval(rest[1]))
    raise NotImplementedError(f"no channel for {key}")


def _check(events: list[Any], channel: str, data: Any) -> None:
    """Compare events with the message's own values."""
    if channel == "trades":
        assert all(isinstance(event, Trade) for event in events)
        assert sorted((event.trade_id, event.price_text, event.quantity_text) for event in events) == sorted(
            (str(item["tid"]), item["px"], item["sz"]) for item in data
        )
    elif channel == "l2Book":
        (book,) = events
        assert isinstance(book, BookUpdate)
        assert (book.last, book.exchange_ns) == (data["time"], data["time"] * 1_000_000)
        for side, levels in ((book.bids, data["levels"][0]), (book.asks, data["levels"][1])):
            assert side == [(level["px"], level["sz"]) for level in levels]
    elif channel == "bbo":
        (top,) = events
        assert (top.bid_price_text, top.ask_price_text) == tuple(level["px"] for level in data["bbo"])
    elif channel in ("activeAssetCtx", "activeSpotAssetCtx"):
        (ticker,) = events
        assert ticker.mark_price == Decimal(data["ctx"]["markPx"])
    elif channel == "candle":
        (bar,) = events
        assert (bar.open_ns, bar.close) == (data["t"] * 1_000_000, Decimal(data["c"]))
    elif channel == "orderUpdates":
        assert all(isinstance(event, OrderEvent) for event in events)
        assert [event.state.venue_order_id for event in events] == [str(item["order"]["oid"]) for item in data]
        assert [event.state.raw_status for event in events] == [item["status"] for item in data]


def _frame(bench: Bench, message: bytes, recv_ns: int, channels: dict[str, Channel[Any]]) -> None:
    content = json.loads(message)
    if not isinstance(content, dict) or "channel" not in content:
        return  # an echo of a request's number, in fixtures of another library
    name: str = content["channel"]
    data: Any = content.get("data", {})
    routed = bench.codec.route(message)
    if name == "subscriptionResponse":
        assert isinstance(routed, Ack) or data["method"] == "unsubscribe"
    elif name in ("pong", "error"):
        assert isinstance(routed, Notice | Ack)
    elif name == "post":
        assert routed == Reply(data["id"], message)
    else:
        assert isinstance(routed, str), routed
        channel = channels.get(routed) or channels.setdefault(routed, _channel(bench, routed))
        _check(list(channel.convert(message, recv_ns)), name, data)
    bench.frames += 1


def ws_file(bench: Bench, path: Path, damaged: set[int]) -> None:
    channels: dict[str, Channel[Any]] = {}
    for index, frame in enumerate(msgspec.json.decode(path.read_bytes(), type=list[Frame])):
        if frame.dir != "in":
            continue
        if index in damaged:
            try:
                _frame(bench, bytes(frame.msg), frame.recv_ns, channels)
            except msgspec.DecodeError:
                continue
            raise AssertionError(f"{path.name}#{index} has a reason but decodes")
        _frame(bench, bytes(frame.msg), frame.recv_ns, channels)


def capture(bench: Bench, path: Path) -> None:
    """Every frame of a capture, values checked; the times of books never go back."""
    decode = msgspec.json.Decoder(Frame).decode
    channels: dict[str, Channel[Any]] = {}
    last = 0
    for line in path.read_bytes().splitlines():
        frame = decode(line)
        message = bytes(frame.msg)
        _frame(bench, message, frame.recv_ns, channels)
        content = json.loads(message)
        if content["channel"] == "l2Book":
            assert content["data"]["time"] >= last
            last = content["data"]["time"]
