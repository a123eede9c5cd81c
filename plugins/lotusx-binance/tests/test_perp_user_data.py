"""User data of USDⓈ-M futures through the whole client, over an exchange that plays a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from binance_contracts import FILL, PLACED, QUERIED, WAITING, limit_buy
from binance_script import LISTED, Script, connect

from lotusx.model import FillEvent, OrderEvent, Recovered

pytestmark = pytest.mark.anyio

UPDATE: dict[str, Any] = {
    "s": "BTCUSDT", "c": "a-1", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "0.010", "p": "68000.0", "ap": "68000.0",
    "sp": "0", "x": "TRADE", "X": "PARTIALLY_FILLED", "i": 28, "l": "0.004", "z": "0.004", "L": "68000.0", "n": "0.1",
    "N": "USDT", "T": 2_100, "t": 4, "m": True, "R": False, "ot": "LIMIT", "ps": "BOTH", "er": "0",
}  # fmt: skip


@pytest.fixture
def script() -> Script:
    return Script(
        {
            **LISTED,
            "PUT /fapi/v1/listenKey": {},
            "GET /fapi/v1/accountConfig": {"canTrade": True, "dualSidePosition": False, "multiAssetsMargin": False},
            "POST /fapi/v1/order": PLACED,
            "POST /fapi/v1/algoOrder": WAITING,
            "GET /fapi/v1/openOrders": [],
            "GET /fapi/v1/openAlgoOrders": [],
            "GET /fapi/v1/order": {**QUERIED, "status": "FILLED", "executedQty": "0.010", "updateTime": 2_200},
            "GET /fapi/v1/userTrades": [FILL | {"id": 5, "qty": "0.006", "time": 1_770_000_000_000}],
            "GET /fapi/v1/income": [],
            "GET /fapi/v3/balance": [],
            "GET /fapi/v3/positionRisk": [],
        }
    )


async def until(stream: Any, wanted: Callable[[Any], bool]) -> Any:
    with anyio.fail_after(10):
        async for event in stream:
            if wanted(event):
                return event
    raise AssertionError("the stream ended")


async def test_the_address_carries_a_key_and_nothing_is_subscribed_on_it(script: Script) -> None:
    async with connect(script) as exchange, exchange.account.stream_account() as stream:
        (socket,) = script.sockets
        address = urlsplit(socket.url)
        assert (f"{address.scheme}://{address.netloc}{address.path}", parse_qs(address.query)) == (
            "wss://demo-fstream.binance.com/private/ws",
            {"listenKey": ["first"]},
        )
        order = await exchange.trading.place(limit_buy())
        socket.say({"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1, "o": UPDATE})

        fill = await until(stream, lambda event: isinstance(event, FillEvent))

        assert (fill.fill.trade_id, str(order.filled), str(order.state.average_price)) == ("4", "0.004", "68000.0")
        assert socket.sent == []


async def test_a_key_that_expires_is_replaced_and_what_was_missed_is_told(script: Script) -> None:
    async with connect(script) as exchange, exchange.account.stream_account() as stream:
        order = await exchange.trading.place(limit_buy())
        script.sockets[0].say({"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1, "o": UPDATE})
        await until(stream, lambda event: isinstance(event, FillEvent))
        opened = script.opened

        script.sockets[0].say({"e": "listenKeyExpired", "E": 2, "listenKey": "first"})
        with anyio.fail_after(10):
            await opened.wait()

        assert parse_qs(urlsplit(script.sockets[1].url).query) == {"listenKey": ["second"]}
        missed = await until(stream, lambda event: isinstance(event, FillEvent))
        ended = await until(stream, lambda event: isinstance(event, OrderEvent) and event.state.status.is_terminal)
        await until(stream, lambda event: isinstance(event, Recovered))
        assert (missed.fill.trade_id, ended.state.status, str(order.filled)) == ("5", "filled", "0.010")
        script.sockets[1].say({"e": "TRADE_LITE", "E": 3})
        assert script.sockets[0].closed.is_set()


async def test_a_key_stands_in_no_observation(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    script.keys = ["confidential", "confidential"]
    caplog.set_level(0)
    async with connect(script) as exchange, exchange.account.stream_account():
        opened = script.opened
        script.sockets[0].say({"e": "listenKeyExpired", "E": 2, "listenKey": "confidential"})
        with anyio.fail_after(10):
            await opened.wait()

    assert "confidential" not in caplog.text
