"""An exchange that plays a script, for the whole client: documents by path, and sockets through which a test speaks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anyio

import lotusx
from lotusx.kernel.transport import HttpRequest, HttpResponse, WsClosed, WsHandler

CONTRACT = {
    "symbol": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "filters": [],
}
LIMITS = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}]
LISTED = {
    "GET /fapi/v1/time": {"serverTime": 1_770_000_000_000},
    "GET /fapi/v1/exchangeInfo": {"serverTime": 1, "rateLimits": LIMITS, "symbols": [CONTRACT]},
}


@dataclass
class Script:
    """Answers REST by verb and path, and hands sockets over to the test.

    Attributes:
        keys: Listen keys, in the order in which they are given out.
        answers: Verb and path → document.
    """

    answers: dict[str, Any]
    keys: list[str] = field(default_factory=lambda: ["first", "second"])
    asked: list[str] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    opened: anyio.Event = field(default_factory=anyio.Event)

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        name = f"{request.method} {urlsplit(request.url).path}"
        self.asked.append(name)
        answer = {"listenKey": self.keys.pop(0)} if name == "POST /fapi/v1/listenKey" else self.answers[name]
        return HttpResponse(200, {"content-type": "application/json"}, json.dumps(answer).encode())

    async def connect(self, url: str, handler: WsHandler, **_: Any) -> Socket:
        self.sockets.append(Socket(url, handler))
        self.opened.set()
        self.opened = anyio.Event()
        return self.sockets[-1]

    async def aclose(self) -> None:
        """Hold nothing."""


@dataclass
class Socket:
    """One socket of the script. It accepts every subscription."""

    url: str
    handler: WsHandler
    sent: list[str] = field(default_factory=list)
    last_received_ns: int = 0
    closed: anyio.Event = field(default_factory=anyio.Event)
    heard: anyio.Event = field(default_factory=anyio.Event)

    def say(self, document: Any) -> None:
        self.handler.on_messages([json.dumps(document, separators=(",", ":")).encode()], 9)

    async def run(self) -> WsClosed:
        await self.closed.wait()
        return WsClosed(1000, clean=True)

    async def send(self, text: str) -> None:
        self.sent.append(text)
        request = json.loads(text)
        self.say({"result": None, "id": request["id"]})
        self.heard.set()
        self.heard = anyio.Event()

    async def ping(self, payload: bytes = b"") -> None:
        """Be quiet."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed.set()

    def pause_reading(self) -> None:
        """Go on."""

    def resume_reading(self) -> None:
        """Go on."""


def connect(script: Script) -> Any:
    return lotusx.connect(
        "binance-perp",
        environment="demo",
        credentials={"api_key": "k", "api_secret": "s"},
        http=script,
        ws=script,
    )
