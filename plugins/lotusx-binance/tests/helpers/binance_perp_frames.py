"""The corpus of USDⓈ-M futures through codecs and channels: WebSocket frames."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from binance_corpus import Frame
from binance_perp_corpus import PerpBench, contract

from lotusx.kernel.book import BookSync
from lotusx.model import BookUpdate, Interval, OrderBook
from lotusx.plugin import Ack, Channel, ChannelKind, Reply
from lotusx_binance import conversions as shared, types as shared_types
from lotusx_binance.codec import ACCOUNT_KEY
from lotusx_binance.perp import account_types, types
from lotusx_binance.perp.conversions import to_order_book
from lotusx_binance.perp.errors import PERP
from lotusx_binance.replies import read_api_reply

METHODS: dict[str, Any] = {
    "order.place": account_types.Order,
    "algoOrder.place": account_types.AlgoOrder,
    "v2/account.balance": list[account_types.AssetBalance],
    "v2/account.position": list[account_types.PositionRisk],
    "depth": types.Depth,
    "ticker.price": types.PriceTicker | list[types.PriceTicker],
    "v2/account.status": dict[str, Any],
}
_trade = msgspec.json.Decoder(shared_types.Combined[shared_types.TradeEvent]).decode


def _prints(venue_symbol: str) -> Channel[Any]:
    """Single prints: a stream that is not documented, and that the connector does not use. It is as on spot."""
    symbol = contract(venue_symbol).symbol
    return Channel(
        "market",
        "",
        ChannelKind.TRADES,
        lambda message, ns: (shared.to_trade(_trade(message).data, symbol=symbol, received_ns=ns),),
    )


def channel_of(bench: PerpBench, key: str) -> Channel[Any]:
    name, _, stream = key.partition("@")
    item, market = contract(name.upper()), bench.connector.market
    if stream == "trade":
        return _prints(name.upper())
    if stream == "aggTrade":
        return market.trades_channel(item)
    if stream == "ticker":
        return market.ticker_channel(item)
    if stream == "bookTicker":
        return market.best_bid_offer_channel(item)
    if stream == "forceOrder":
        return market.liquidations_channel(item)
    if stream.startswith("kline_"):
        return market.candles_channel(item, Interval(stream.removeprefix("kline_")))
    if stream.startswith("markPrice"):
        return market.mark_price_channel(item)
    if stream.partition("@")[0] == "depth":
        return market.book_channel(item, 1_000)
    if re.fullmatch(r"depth(5|10|20)(@\d+ms)?", stream):
        return market.order_book_channel(item, 20)
    raise NotImplementedError(f"no channel for {key}")


def check_event(event: Any, data: dict[str, Any]) -> None:
    """Compare an event's values with the message's own text, whatever kind it is."""
    kind = data.get("e")
    if isinstance(event, BookUpdate):
        assert (event.first, event.last, event.previous) == (data["U"], data["u"], data["pu"])
        assert [list(level) for level in event.bids] == data["b"]
        assert [list(level) for level in event.asks] == data["a"]
    elif isinstance(event, OrderBook):
        for side, name in (("bids", "b"), ("asks", "a")):
            levels = [(level.price, level.quantity) for level in getattr(event, side)]
            assert levels == [(Decimal(p), Decimal(q)) for p, q in data[name]]
    elif kind in ("trade", "aggTrade"):
        assert (event.price_text, event.quantity_text) == (data["p"], data["q"])
        assert event.trade_id == str(data["t" if kind == "trade" else "a"])
        assert (event.exchange_ns, event.taker_side) == (data["T"] * 1_000_000, "sell" if data["m"] else "buy")
    elif kind == "kline":
        bar = data["k"]
        assert [event.open, event.high, event.low, event.close] == [Decimal(bar[name]) for name in "ohlc"]
        assert (event.open_ns, event.closed, event.trade_count) == (bar["t"] * 1_000_000, bar["x"], bar["n"])
    elif kind == "24hrTicker":
        assert (event.last_price, event.base_volume) == (Decimal(data["c"]), Decimal(data["v"]))
    elif kind == "markPriceUpdate":
        assert (event.mark_price, event.index_price) == (Decimal(data["p"]), Decimal(data["i"]))
        assert (event.funding_rate, event.next_funding_ns) == (Decimal(data["r"]), data["T"] * 1_000_000 or None)
    elif kind == "forceOrder":
        assert (event.price, event.quantity) == (Decimal(data["o"]["ap"]), Decimal(data["o"]["z"]))
    else:
        assert (event.sequence, event.bid_price_text, event.ask_quantity_text) == (data["u"], data["b"], data["A"])


_PRIVATE = frozenset(
    {"ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL",
     "GRID_UPDATE", "STRATEGY_UPDATE"}
)  # fmt: skip


def perp_ws_file(bench: PerpBench, path: Path, damaged: set[int]) -> None:
    method = ""
    for index, frame in enumerate(msgspec.json.decode(path.read_bytes(), type=list[Frame])):
        content = json.loads(bytes(frame.msg))
        if frame.dir == "out":
            method = content["method"]
        elif index in damaged:
            with pytest.raises((msgspec.DecodeError, NotImplementedError)):
                _frame(bench, bytes(frame.msg), content, method)
        else:
            _frame(bench, bytes(frame.msg), content, method)
            bench.frames += 1


def _frame(bench: PerpBench, message: bytes, content: dict[str, Any], method: str) -> None:
    event = content.get("data", content)
    if isinstance(event, dict) and event.get("e") in _PRIVATE:
        assert bench.private.route(message) == ACCOUNT_KEY
        (account,) = bench.connector.account.channels()
        account.convert(message, 9)
    elif "status" in content:
        if method not in METHODS:
            raise NotImplementedError(f"no typed reply for {method}")
        assert bench.api.route(message) == Reply(content["id"], message)
        result = read_api_reply("binance-perp", message, command=False, meanings=PERP)
        msgspec.json.decode(result, type=METHODS[method])
    elif "result" in content:
        assert bench.stream.route(message) == Ack(content["id"])
    elif "e" not in event:  # an answer of REST that was kept among the messages
        msgspec.json.decode(message, type=types.Depth if "lastUpdateId" in event else types.OpenInterest)
    else:
        _stream(bench, content)


def _stream(bench: PerpBench, content: dict[str, Any]) -> None:
    if content.get("stream", "!bookTicker") == "!bookTicker":  # recorded on a raw connection, or of all symbols
        data = content.get("data", content)
        stream = {"depthUpdate": "depth", "24hrTicker": "ticker"}.get(data["e"], data["e"])
        if stream == "kline":
            stream = f"kline_{data['k']['i']}"
        content = {"stream": f"{(data.get('s') or data['o']['s']).lower()}@{stream}", "data": data}
    message = json.dumps(content, separators=(",", ":")).encode()
    key = bench.stream.route(message)
    assert isinstance(key, str)
    (decoded,) = channel_of(bench, key).convert(message, 9)
    check_event(decoded, content["data"])


def perp_capture(bench: PerpBench, path: Path) -> None:
    """Every frame of a capture, values checked, and each book in step with its snapshot, by the rule of futures."""
    decode = msgspec.json.Decoder(Frame).decode
    channels: dict[str, Channel[Any]] = {}
    books: dict[str, BookSync] = {}
    for line in path.read_bytes().splitlines():
        frame = decode(line)
        message = bytes(frame.msg)
        if frame.dir == "rest_snapshot":
            depth = msgspec.json.decode(message, type=types.Depth)
            assert len(depth.bids) == len(depth.asks) == 1_000
            _seed(bench, books, "BTCUSDT", depth)
        else:
            key = bench.stream.route(message)
            assert isinstance(key, str)
            channel = channels.get(key) or channels.setdefault(key, channel_of(bench, key))
            (event,) = channel.convert(message, frame.recv_ns)
            check_event(event, json.loads(message)["data"])
            if isinstance(event, BookUpdate):
                _book(bench, books, event.symbol.base).update(event)
        bench.frames += 1
    if "4symbols" in path.name:
        snapshots = path.parents[1] / "rest" / "depth_snapshots_4symbols_20210722.json"
        for record in json.loads(snapshots.read_bytes()):
            _seed(bench, books, record["request"]["query"]["symbol"], msgspec.convert(record["response"], types.Depth))
    for name, book in books.items():
        assert (str(book.state), book.counters.gaps, book.counters.breaches) == ("synced", 0, 0), name


def _book(bench: PerpBench, books: dict[str, BookSync], name: str) -> BookSync:
    return books.setdefault(name, BookSync(bench.connector.market.book_rule(1_000)))


def _seed(bench: PerpBench, books: dict[str, BookSync], name: str, depth: types.Depth) -> None:
    symbol = contract(name).symbol
    _book(bench, books, name).snapshot(to_order_book(depth, symbol=symbol, asked=1_000, limit=1_000, received_ns=0))
