"""A codec that says, routes or converts otherwise than documented is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lotusx.model import Instrument, InstrumentKind, InstrumentStatus, Symbol, Trade
from lotusx.plugin import Ack, Channel, ChannelKind, Control, SigningContext
from lotusx.plugin.manager import PluginManager
from lotusx_binance.facts import FACTS
from lotusx_testing import Conversation, FakeInstruments

BTC = Instrument(Symbol("BTC", "USDT"), "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING, None, None)
TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1770000000001,"s":"BTCUSDT","t":7,"p":"1.50","q":"0.2",'
    b'"T":1770000000000,"m":true,"M":true}}'
)
TALK = Conversation(
    "trades",
    lambda x: x.market.trades_channel(BTC),
    ['{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}'],
    b'{"result":null,"id":1}',
    [TRADE],
    events=1,
)


def test_documented_conversation_passes_and_gives_its_events() -> None:
    (trade,) = TALK.check(FACTS, instruments=FakeInstruments([BTC]))

    assert isinstance(trade, Trade)
    assert (str(trade.symbol), trade.trade_id) == ("BTC/USDT", "7")


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"said": ['{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}']}, "said .*documented"),
        ({"answer": b'{"result":null,"id":2}'}, "not the yes to request 1"),
        ({"answer": b'{"error":{"code":2,"msg":"Invalid request"},"id":1}'}, "not the yes"),
        ({"answer": TRADE}, "not as an Ack"),
        ({"events": 2}, "1 events, not 2"),
        ({"messages": [TRADE.replace(b"btcusdt@trade", b"ethusdt@trade")]}, "routed to 'ethusdt@trade'"),
        ({"channel": lambda x: replace(x.market.trades_channel(BTC), group="other")}, "no codec for the group 'other'"),
        (
            {"channel": lambda x: replace(x.market.trades_channel(BTC), begins=b'{"stream":"btcusdt@trade')},
            "messages of 'btcusdt@trade0' begin with",
        ),
        (
            {"channel": lambda x: replace(x.market.trades_channel(BTC), begins=b'{"stream"')},
            "messages of '0btcusdt@trade' begin with",
        ),
        ({"channel": lambda x: replace(x.market.trades_channel(BTC), begins=b'{"topic"')}, "no message begins with"),
    ],
)
def test_difference_is_named(wrong: dict[str, Any], what: str) -> None:
    with pytest.raises(AssertionError, match=f"trades: .*{what}"):
        replace(TALK, **wrong).check(FACTS, instruments=FakeInstruments([BTC]))


class Careless:
    """A codec that takes every message for whole, and a manager that has it."""

    subscribed = 0

    def __init__(self, *, counts: bool = False, ends: bool = True) -> None:
        self._counts, self._ends = counts, ends

    def subscribe(self, keys: Any, request_id: int, context: SigningContext) -> list[str]:
        self.subscribed += self._counts
        return [f"{{}}{' ' * self.subscribed}"]

    def unsubscribe(self, keys: Any, request_id: int, context: SigningContext) -> list[str]:
        return ["{}"] if self._ends else []

    def route(self, message: bytes) -> str | Control:
        return Ack(None, key="k") if message == b"ok" else "k"

    def signer(self, *_: object) -> None: ...

    def connector(self, _: object) -> Any:
        return None

    def codecs(self, *_: object) -> Any:
        return {"g": self}


def _channel(convert: Callable[[bytes, int], list[object]]) -> Callable[[Any], Channel[object]]:
    return lambda _: Channel("g", "k", ChannelKind.OTHER, convert)


@pytest.mark.parametrize(
    ("codec", "what"),
    [
        (Careless(counts=True), "subscribing twice says two things"),
        (Careless(ends=False), "nothing is said to unsubscribe"),
        (Careless(), "a message that was cut off became"),
    ],
)
def test_careless_codec_is_caught(codec: Any, what: str) -> None:
    manager: PluginManager = codec
    talk = Conversation("x", _channel(lambda message, at_ns: [message]), None, b"ok", [b"abcdef"], events=1)

    with pytest.raises(AssertionError, match=what):
        talk.check(FACTS, plugins=manager)
