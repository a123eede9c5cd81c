"""Signs and calls like a client of Bybit, with nothing of the simulator's own signing code."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from lotusx_sim import ApiKey, Bybit, ManualClock, Simulator
from lotusx_sim.connection import ShellSide, SimulatedConnection
from lotusx_sim.dialects.bybit import DEFAULT_KEY
from lotusx_sim.wire import HttpRequest, HttpResponse

SPOT, LINEAR, INVERSE = "spot", "linear", "inverse"
WINDOW = "5000"


def hmac_of(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class BybitCaller:
    """Calls a simulator without any shell, on a clock that moves when told."""

    def __init__(self, venue: Bybit | None = None, key: ApiKey = DEFAULT_KEY) -> None:
        self.clock = ManualClock()
        self.venue = venue or Bybit(seed=7, actions_per_s=0)
        self.sim = Simulator(self.venue, clock=self.clock)
        self.sim.now_ns()
        self.key = key
        self.last = HttpResponse(0)

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def headers(self, content: str, *, at_ms: int | None = None, window: str = WINDOW) -> tuple[tuple[str, str], ...]:
        stamp = str(self.now_ms if at_ms is None else at_ms)
        signature = hmac_of(self.key.verifier, f"{stamp}{self.key.key}{window}{content}")
        return (
            ("x-bapi-api-key", self.key.key),
            ("x-bapi-timestamp", stamp),
            ("x-bapi-recv-window", window),
            ("x-bapi-sign", signature),
        )

    def send(self, request: HttpRequest, ip: str = "10.0.0.1") -> Any:
        outcome = self.sim.handle(request, client_ip=ip)
        assert outcome.response is not None
        self.last = outcome.response
        return json.loads(self.last.body) if self.last.body.startswith(b"{") else self.last.body.decode()

    def header(self, name: str) -> str:
        """Return a header of the last answer."""
        return dict(self.last.headers)[name]

    def query(self, path: str, signed: bool = False, /, **params: Any) -> Any:
        """GET; return the envelope."""
        text = urlencode(params)
        headers = self.headers(text) if signed else ()
        return self.send(HttpRequest("GET", f"{path}?{text}" if text else path, headers))

    def public(self, path: str, **params: Any) -> Any:
        """GET without a key; return the result."""
        return good(self.query(f"/v5/market/{path}", **params))

    def get(self, path: str, **params: Any) -> Any:
        """GET with a key; return the result."""
        return good(self.query(f"/v5/{path}", True, **params))

    def command(self, path: str, **body: Any) -> Any:
        """POST; return the envelope."""
        text = json.dumps(body)
        return self.send(HttpRequest("POST", f"/v5/{path}", self.headers(text), text.encode()))

    def post(self, path: str, **body: Any) -> Any:
        """POST; return the result."""
        return good(self.command(path, **body))

    def place(self, category: str, symbol: str, side: str, qty: str, price: str = "", **more: Any) -> str:
        """Place an order, a limit where it has a price; return its id."""
        content = {"category": category, "symbol": symbol, "side": side, "qty": qty}
        content |= {"orderType": "Limit", "price": price} if price else {"orderType": "Market"}
        result = self.post("order/create", **content, **more)
        return str(result["orderId"])

    def refused(self, category: str, symbol: str, side: str, qty: str, price: str = "", /, **more: Any) -> int:
        """Place an order that is refused at once; return the code."""
        content = {"category": category, "symbol": symbol, "side": side, "qty": qty}
        content |= {"orderType": "Limit", "price": price} if price else {"orderType": "Market"}
        code = int(self.command("order/create", **(content | more))["retCode"])
        assert code != 0
        return code

    def order(self, category: str, order_id: str) -> Any:
        """Return an order, open or not."""
        found = self.get("order/realtime", category=category, orderId=order_id)["list"]
        if not found:
            found = self.get("order/history", category=category, orderId=order_id)["list"]
        (row,) = found
        return row

    def positions(self, category: str, symbol: str) -> list[Any]:
        return list(self.get("position/list", category=category, symbol=symbol)["list"])

    def coin(self, name: str) -> Any:
        (row,) = self.get("account/wallet-balance", accountType="UNIFIED", coin=name)["list"][0]["coin"]
        return row

    def open(self, path: str, ip: str = "10.0.0.1") -> "BybitSocket":
        return BybitSocket(self, path, ip)

    def private(self, *topics: str) -> "BybitSocket":
        """Open a private socket, authenticated and subscribed."""
        socket = self.open("/v5/private")
        socket.authenticate()
        if topics:
            (reply,) = socket.ask({"op": "subscribe", "args": list(topics)})
            assert reply["success"], reply
        return socket

    def step(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.advance()


def good(envelope: Any) -> Any:
    assert envelope["retCode"] == 0, envelope
    return envelope["result"]


class BybitSocket:
    """A WebSocket without a wire."""

    def __init__(self, caller: BybitCaller, path: str, ip: str) -> None:
        self.caller = caller
        self.texts: list[str] = []
        self.ended: tuple[int, str] | str | None = None
        side = ShellSide(self.texts.append, self._closed, self._dropped)
        self.accepted = caller.sim.open_ws(path, (), side, client_ip=ip)

    def _closed(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    def _dropped(self, how: str) -> None:
        self.ended = how

    def gone(self) -> None:
        """Close from the client's side."""
        assert isinstance(self.accepted, SimulatedConnection)
        self.accepted.gone(self.caller.sim.now_ns())

    def send(self, message: Any) -> None:
        assert isinstance(self.accepted, SimulatedConnection)
        text = message if isinstance(message, str) else json.dumps(message)
        self.accepted.receive(text, self.caller.sim.now_ns())

    def take(self, topic: str = "") -> list[Any]:
        """Return all messages that came; of *topic*: only those."""
        messages = [json.loads(text) for text in self.texts]
        self.texts.clear()
        return messages if not topic else [message for message in messages if message.get("topic") == topic]

    def rows(self, topic: str) -> list[Any]:
        """Return the data of all messages of *topic* that came."""
        return [row for message in self.take(topic) for row in message["data"]]

    def ask(self, message: Any) -> list[Any]:
        self.take()
        self.send(message)
        return self.take()

    def subscribe(self, *topics: str) -> list[Any]:
        return self.ask({"req_id": "s", "op": "subscribe", "args": list(topics)})

    def authenticate(self, *, ahead_ms: int = 5_000, secret: str = "") -> Any:
        expires = self.caller.now_ms + ahead_ms
        key = self.caller.key
        signature = hmac_of(secret or key.verifier, f"GET/realtime{expires}")
        (reply,) = self.ask({"op": "auth", "args": [key.key, expires, signature]})
        return reply

    def act(self, op: str, args: dict[str, Any], *, request_id: str = "", at_ms: int | None = None) -> Any:
        """Send a command on a trade socket; return its answer."""
        stamp = str(self.caller.now_ms if at_ms is None else at_ms)
        message: dict[str, Any] = {"header": {"X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": WINDOW}, "op": op}
        message["args"] = [args]
        (reply,) = self.ask({"reqId": request_id} | message if request_id else message)
        return reply
