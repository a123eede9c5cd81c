"""Signs like a client, with nothing of the simulator's own signing code."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

from lotusx_sim import ManualClock, Simulator
from lotusx_sim.connection import ShellSide, SimulatedConnection
from lotusx_sim.dialects.binance import DEFAULT_KEY, ApiKey
from lotusx_sim.wire import HttpRequest, HttpResponse


def signed_query(query: str, now_ns: int, key: ApiKey = DEFAULT_KEY) -> str:
    stamped = "&".join(part for part in (query, f"timestamp={now_ns // 1_000_000}") if part)
    signature = hmac.new(key.verifier.encode(), stamped.encode(), hashlib.sha256).hexdigest()
    return f"{stamped}&signature={signature}"


def signed_params(params: dict[str, Any], now_ns: int, key: ApiKey = DEFAULT_KEY) -> dict[str, Any]:
    params = {**params, "apiKey": key.key, "timestamp": now_ns // 1_000_000}
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return params | {"signature": hmac.new(key.verifier.encode(), payload.encode(), hashlib.sha256).hexdigest()}


class Caller:
    """Calls a simulator without any shell, on a clock that moves when told."""

    def __init__(self, venue: Any, key: ApiKey = DEFAULT_KEY) -> None:
        self.clock = ManualClock()
        self.sim = Simulator(venue, clock=self.clock)
        self.sim.now_ns()
        self.key = key
        self.last = HttpResponse(0)

    def raw(self, method: str, target: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        outcome = self.sim.handle(HttpRequest(method, target, tuple((headers or {}).items()), body))
        assert outcome.response is not None
        self.last = outcome.response
        return json.loads(self.last.body)

    def public(self, path: str, **params: Any) -> Any:
        query = "&".join(f"{name}={quote(str(value))}" for name, value in params.items())
        return self.raw("GET", f"{path}?{query}" if query else path)

    def signed(self, method: str, path: str, **params: Any) -> Any:
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
        target = f"{path}?{signed_query(query, self.clock.now_ns(), self.key)}"
        return self.raw(method, target, headers={"x-mbx-apikey": self.key.key})

    def place(self, **params: Any) -> Any:
        return self.signed("POST", "/api/v3/order", **params)

    def limit(self, **params: Any) -> Any:
        defaults = {
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
            "price": "60000",
        }  # fmt: skip
        return self.place(**{**defaults, **params})

    def open(self, target: str) -> "Socket":
        return Socket(self, target)

    def step(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.advance()

    @property
    def header(self) -> dict[str, str]:
        return dict(self.last.headers)


class Socket:
    """A WebSocket without a wire."""

    def __init__(self, caller: Caller, target: str) -> None:
        self.caller = caller
        self.texts: list[str] = []
        self.ended: tuple[int, str] | str | None = None
        accepted = caller.sim.open_ws(target, (), ShellSide(self.texts.append, self._closed, self._dropped))
        self.accepted = accepted

    def _closed(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    def _dropped(self, how: str) -> None:
        self.ended = how

    @property
    def connection(self) -> SimulatedConnection:
        assert isinstance(self.accepted, SimulatedConnection)
        return self.accepted

    def take(self) -> list[Any]:
        messages = [json.loads(text) for text in self.texts]
        self.texts.clear()
        return messages

    def send(self, message: Any) -> None:
        text = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        self.connection.receive(text, self.caller.sim.now_ns())

    def ask(self, message: Any) -> Any:
        """Send, and return the reply; events that came before it stay."""
        before = list(self.texts)
        self.texts.clear()
        self.send(message)
        messages = self.take()
        reply = next(m for m in messages if "id" in m or "error" in m)
        self.texts[:] = before + [json.dumps(m) for m in messages if m is not reply]
        return reply

    def call(self, method: str, **params: Any) -> Any:
        return self.ask({"id": 1, "method": method, "params": params})

    def call_signed(self, method: str, **params: Any) -> Any:
        return self.call(method, **signed_params(params, self.caller.clock.now_ns(), self.caller.key))
