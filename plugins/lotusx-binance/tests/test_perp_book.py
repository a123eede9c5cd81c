"""Market data of USDⓈ-M futures through the whole client: a live book, and which address serves what."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from binance_script import LISTED, Script, connect

pytestmark = pytest.mark.anyio


def depth(first: int, last: int, previous: int, bid: str) -> dict[str, Any]:
    data = {"e": "depthUpdate", "E": last, "T": last, "s": "BTCUSDT", "U": first, "u": last, "pu": previous,
            "b": [[bid, "1"]], "a": [], "st": 1}  # fmt: skip
    return {"stream": "btcusdt@depth@100ms", "data": data}


def snapshot(number: int, bid: str) -> dict[str, Any]:
    return {"lastUpdateId": number, "E": 1, "T": 1, "bids": [[bid, "1"]], "asks": [["200", "1"]]}


async def test_a_book_follows_the_previous_numbers_and_starts_anew_after_a_gap() -> None:
    script = Script({**LISTED, "GET /fapi/v1/depth": snapshot(100, "90")})
    async with connect(script) as exchange, exchange.market.live_order_book("BTC/USDT:USDT") as book:
        (socket,) = script.sockets
        address = urlsplit(socket.url)
        assert f"{address.netloc}{address.path}" == "demo-fstream.binance.com/public/stream"
        with anyio.fail_after(10):
            while not socket.sent:
                await socket.heard.wait()
            assert json.loads(socket.sent[0])["params"] == ["btcusdt@depth@100ms"]
            socket.say(depth(95, 110, 94, "91"))  # joins: 94 ≤ 100 ≤ 110
            await book.wait_synced()
            assert (book.last_update_id, book.resyncs) == (110, 0)

            socket.say(depth(150, 160, 110, "92"))  # a hole in the numbers is none in the chain
            assert (book.last_update_id, book.counters.gaps) == (160, 0)

            script.answers["GET /fapi/v1/depth"] = snapshot(205, "93")
            socket.say(depth(161, 210, 170, "94"))  # its predecessor never came
            assert book.counters.gaps == 1
            await book.wait_synced()
            assert (book.last_update_id, book.resyncs) == (210, 1)


async def test_market_data_comes_from_the_address_that_serves_it() -> None:
    script = Script(dict(LISTED))
    async with (
        connect(script) as exchange,
        exchange.market.stream_best_bid_offer("BTC/USDT:USDT"),
        exchange.market.stream_trades("BTC/USDT:USDT"),
        exchange.market.stream_mark_price("BTC/USDT:USDT"),
        exchange.market.stream_liquidations("BTC/USDT:USDT"),
    ):
        with anyio.fail_after(10):
            while sum(len(_keys(socket)) for socket in script.sockets) < 4:
                await anyio.lowlevel.checkpoint()

    served = {urlsplit(socket.url).path: _keys(socket) for socket in script.sockets}
    assert served == {
        "/public/stream": ["btcusdt@bookTicker"],
        "/market/stream": ["btcusdt@aggTrade", "btcusdt@forceOrder", "btcusdt@markPrice@1s"],
    }


def _keys(socket: Any) -> list[str]:
    return sorted(key for text in socket.sent for key in json.loads(text)["params"] if "UNSUB" not in text)
