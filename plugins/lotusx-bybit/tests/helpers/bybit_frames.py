"""The corpus of Bybit, both folders: WebSocket frames through codecs and conversions, values checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from bybit_corpus import MS, Tally, check_balance, check_fill, check_order, check_position, number, symbol

from lotusx.errors import ExchangeError, ItemRejected
from lotusx.model import InstrumentKind, Interval, OrderEvent, Side, Symbol
from lotusx.plugin import Ack, Notice, Reply
from lotusx_bybit.v5 import (
    account_conversions as account,
    batches,
    books,
    conversions as convert,
    tickers,
    trade_socket,
    types,
)
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.codec import AccountCodec, PublicCodec, TradeCodec
from lotusx_bybit.v5.codes import TRADE_KINDS
from lotusx_bybit.v5.signer import signer_from

SIGNER = signer_from("bybit", {"api_key": "k", "api_secret": "s"})
PUBLIC = PublicCodec("bybit")
ACCOUNT = AccountCodec("bybit", SIGNER, list(Category))
TRADE = TradeCodec("bybit", SIGNER)


class Frame(msgspec.Struct):
    """A record of a ``ws/`` file, or a line of a capture."""

    msg: msgspec.Raw
    dir: str = "in"
    recv_ns: int = 0


# WebSocket: the codec finds the channel, the channel's own function decodes.


def _push(kind: Any, message: bytes) -> Any:
    return msgspec.json.decode(message, type=types.Push[kind])


def _public(topic: str, message: bytes, received_ns: int, state: dict[str, tickers.TickerState]) -> None:
    content = json.loads(message)
    data = content["data"]
    head, _, rest = topic.partition(".")
    where = symbol(rest.rpartition(".")[2])
    if head == "orderbook":
        push = _push(types.BookEvent, message)
        update = books.to_book_update(push, symbol=where, received_ns=received_ns)
        assert (update.first, update.last, update.snapshot) == (data["u"], data["u"], content["type"] == "snapshot")
        assert [list(level) for level in update.bids] == data["b"]
        assert [list(level) for level in update.asks] == data["a"]
        assert update.exchange_ns == content.get("cts", content["ts"]) * MS
        if topic.startswith("orderbook.1."):
            top = books.to_best_bid_offer(push, symbol=where, received_ns=received_ns)
            assert [top.bid_price_text, top.bid_quantity_text] == data["b"][0]
            assert [top.ask_price_text, top.ask_quantity_text] == data["a"][0]
    elif head == "publicTrade":
        for item, raw in zip(_push(list[types.TradeEvent], message).data, data, strict=True):
            trade = convert.to_trade(item, symbol=where, received_ns=received_ns)
            assert (trade.price_text, trade.quantity_text, trade.trade_id) == (raw["p"], raw["v"], raw["i"])
            assert (trade.exchange_ns, trade.taker_side) == (raw["T"] * MS, raw["S"].lower())
    elif head == "tickers":
        if "optionsType" in data or "markPriceIv" in data:
            raise NotImplementedError("options are not traded")
        if "usdIndexPrice" in data:
            spot = _push(types.SpotTicker, message).data
            found = tickers.to_spot_ticker(spot, symbol=where, exchange_ms=content["ts"], received_ns=received_ns)
            assert (found.last_price, found.bid_price) == (number(data["lastPrice"]), None)
        else:
            _contract_ticker(topic, _push(types.ContractTicker, message), data, state)
    elif head == "kline":
        for event, raw in zip(_push(list[types.KlineEvent], message).data, data, strict=True):
            candle = convert.to_candle(
                event, symbol=where, category=Category.LINEAR, interval=Interval.M5, received_ns=received_ns
            )
            assert (candle.open_ns, candle.close_ns) == (raw["start"] * MS, (raw["end"] + 1) * MS)
            assert (candle.close, candle.closed) == (number(raw["close"]), raw["confirm"])
    elif head == "allLiquidation":
        for dead, raw in zip(_push(list[types.LiquidationEvent], message).data, data, strict=True):
            forced = convert.to_liquidation(dead, symbol=where, received_ns=received_ns)
            assert forced.side is (Side.SELL if raw["S"] == "Buy" else Side.BUY)
            assert (forced.quantity, forced.price) == (number(raw["v"]), number(raw["p"]))
    else:
        raise NotImplementedError(f"no channel for {topic}")


def _contract_ticker(
    topic: str,
    push: types.Push[types.ContractTicker],
    data: dict[str, Any],
    state: dict[str, tickers.TickerState],
) -> None:
    if push.type == "delta" and topic not in state:
        try:
            tickers.merged(None, push)
        except ItemRejected:
            return
        raise AssertionError("a delta without a beginning was taken")
    now = state[topic] = tickers.merged(state.get(topic), push)
    found = tickers.to_contract_ticker(
        now.data, symbol=symbol("X"), category=Category.LINEAR, exchange_ms=now.ts, received_ns=0
    )
    assert found.mark_price == number(data["markPrice"])
    assert found.bid_quantity == number(data["bid1Size"])
    assert found.last_price is not None


def _private(key: str, message: bytes, received_ns: int) -> None:
    data = json.loads(message)["data"]

    def symbol_of(category: Category, venue_symbol: str) -> Symbol:
        return symbol(venue_symbol)

    ours: dict[str, Any] = {"categories": list(Category), "symbol_of": symbol_of}
    wanted = [item for item in data if item.get("category") != "option"]
    if key == "order":
        events: Any = account.to_order_events(message, received_ns, **ours)
        assert all(isinstance(event, OrderEvent) for event in events)
        for event, item in zip(events, wanted, strict=True):
            check_order(event.state, item)
    elif key == "execution":
        for event, item in zip(account.to_fill_events(message, received_ns, **ours), wanted, strict=True):
            check_fill(event.fill, item)  # type: ignore[union-attr]  # every recorded one is a trade
    elif key == "position":
        (event,) = account.to_position_events(message, received_ns, **ours)
        for position, item in zip(event.positions, wanted, strict=True):  # type: ignore[union-attr]  # as above
            assert position.kind in InstrumentKind
            check_position(position, item)
    elif key == "wallet":
        (event,) = account.to_balance_events(message, received_ns)
        coins = [coin for wallet in data for coin in wallet["coin"]]
        for balance, coin in zip(event.balances, coins, strict=True):  # type: ignore[union-attr]  # as above
            check_balance(balance, coin)
    else:
        raise NotImplementedError(f"no channel for {key}")


def _answer(content: dict[str, Any]) -> None:
    name = "reqId" if "retCode" in content else "req_id"
    if content["op"].startswith("order.") or name in content:  # under the name that another client gave it
        content = {**content, name: "7"}
    message = json.dumps(content).encode()
    if "retCode" in content and "success" not in content:
        routed: Any = TRADE.route(message)
        if isinstance(routed, Reply):
            assert trade_socket.read_reply("bybit", message).retCode == 0
            (usage,) = trade_socket.reply_usage("p", message)
            header = content["header"]
            assert usage.used == int(header["X-Bapi-Limit"]) - int(header["X-Bapi-Limit-Status"])
            if content["op"].endswith("-batch"):
                _batch_over_ws(message, content)
            return
    else:
        routed = ACCOUNT.route(message)
        assert routed == PUBLIC.route(message)
    if content["op"] == "pong":
        assert isinstance(routed, Notice)
        assert routed.kind == "pong"
    elif content.get("success") is False:
        assert isinstance(routed, Notice | Ack)
        assert content["ret_msg"] in str(routed)
    elif isinstance(routed, Ack):
        assert routed.error is None
    else:
        raise NotImplementedError(f"an answer to no request of ours: {routed}")


def _batch_over_ws(message: bytes, content: dict[str, Any]) -> None:
    reply = trade_socket.read_reply("bybit", message)
    codes = [item["code"] for item in content["retExtInfo"]["list"]]
    found = batches.outcomes("bybit", reply.data, reply.retExtInfo, [{}] * len(codes), table=TRADE_KINDS)
    assert [int(item.code) for item in found if isinstance(item, ExchangeError)] == codes


def ws_file(tally: Tally, path: Path) -> None:
    state: dict[str, tickers.TickerState] = {}
    for frame in msgspec.json.decode(path.read_bytes(), type=list[Frame]):
        _frame(frame, state)
        tally.frames += 1


def capture(tally: Tally, path: Path) -> None:
    """Every frame of a capture, values checked, and the chain of update ids without a gap."""
    decode = msgspec.json.Decoder(Frame).decode
    last = 0
    for line in path.read_bytes().splitlines():
        frame = decode(line)
        _frame(frame, {})
        content = json.loads(bytes(frame.msg))
        assert content["data"]["u"] == last + 1 or content["type"] == "snapshot"
        last = content["data"]["u"]
        tally.frames += 1


def _frame(frame: Frame, state: dict[str, tickers.TickerState]) -> None:
    message = bytes(frame.msg)
    content = json.loads(message)
    if (
        frame.dir == "out"
        or content == {"op": "ping"}
        or isinstance(content, int)
        or ("args" in content and content["op"] != "pong")
    ):
        return  # what a client said
    if "topic" not in content:
        _answer(content)
    elif "creationTime" in content:
        key = ACCOUNT.route(message)
        assert isinstance(key, str)
        _private(key, message, frame.recv_ns)
    else:
        assert PUBLIC.route(message) == content["topic"]
        _public(content["topic"], message, frame.recv_ns, state)
