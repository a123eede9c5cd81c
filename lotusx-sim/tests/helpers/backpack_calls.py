"""Signs and calls like a client of Backpack, with nothing of the simulator's own signing code."""

import json
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lotusx_sim import Backpack, ManualClock, Simulator
from lotusx_sim.connection import ShellSide, SimulatedConnection
from lotusx_sim.dialects.backpack import DEFAULT_API_KEY, DEFAULT_SECRET
from lotusx_sim.wire import HttpRequest, HttpResponse

SOL, PERP = "SOL_USDC", "SOL_USDC_PERP"
INSTRUCTIONS = {
    ("GET", "/api/v1/account"): "accountQuery",
    ("PATCH", "/api/v1/account"): "accountUpdate",
    ("GET", "/api/v1/account/limits/order"): "maxOrderQuantity",
    ("GET", "/api/v1/capital"): "balanceQuery",
    ("GET", "/api/v1/capital/collateral"): "collateralQuery",
    ("GET", "/api/v1/borrowLend/positions"): "borrowLendPositionQuery",
    ("GET", "/api/v1/position"): "positionQuery",
    ("GET", "/api/v1/order"): "orderQuery",
    ("POST", "/api/v1/order"): "orderExecute",
    ("DELETE", "/api/v1/order"): "orderCancel",
    ("GET", "/api/v1/orders"): "orderQueryAll",
    ("POST", "/api/v1/orders"): "orderExecute",
    ("DELETE", "/api/v1/orders"): "orderCancelAll",
    ("GET", "/wapi/v1/history/orders"): "orderHistoryQueryAll",
    ("GET", "/wapi/v1/history/fills"): "fillHistoryQueryAll",
    ("GET", "/wapi/v1/history/funding"): "fundingHistoryQueryAll",
}


def signature(secret: str, text: str) -> str:
    return b64encode(Ed25519PrivateKey.from_private_bytes(b64decode(secret)).sign(text.encode())).decode()


def pairs(params: dict[str, Any]) -> str:
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in params.items()}
    return "".join(f"&{name}={shown[name]}" for name in sorted(shown))


class BackpackCaller:
    """Calls a simulator without any shell, on a clock that moves when told."""

    def __init__(
        self, venue: Backpack | None = None, secret: str = DEFAULT_SECRET, api_key: str = DEFAULT_API_KEY
    ) -> None:
        self.clock = ManualClock()
        self.venue = venue or Backpack(seed=7, actions_per_s=0)
        self.sim = Simulator(self.venue, clock=self.clock)
        self.sim.now_ns()
        self.secret, self.api_key = secret, api_key
        self.status = 0

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def headers(self, text: str, *, at_ms: int | None = None, window: int = 5_000) -> tuple[tuple[str, str], ...]:
        stamp = self.now_ms if at_ms is None else at_ms
        signed = signature(self.secret, f"{text}&timestamp={stamp}&window={window}")
        return (
            ("x-api-key", self.api_key),
            ("x-signature", signed),
            ("x-timestamp", str(stamp)),
            ("x-window", str(window)),
        )

    def send(self, request: HttpRequest, ip: str = "10.0.0.1") -> Any:
        outcome = self.sim.handle(request, client_ip=ip)
        assert outcome.response is not None
        return self._read(outcome.response)

    def _read(self, response: HttpResponse) -> Any:
        self.status = response.status
        return json.loads(response.body) if response.body[:1] in (b"{", b"[") else response.body.decode()

    def public(self, path: str, **params: Any) -> Any:
        """GET without a key."""
        text = urlencode(params)
        return self.send(HttpRequest("GET", f"/api/v1/{path}?{text}" if text else f"/api/v1/{path}"))

    def call(self, method: str, path: str, content: Any = None, **more: Any) -> Any:
        """Call with a key: a query with GET, else a body, which may be a list."""
        content = {} if content is None else content
        word = INSTRUCTIONS[(method, path)]
        items = content if isinstance(content, list) else [content]
        headers = self.headers("&".join(f"instruction={word}{pairs(item)}" for item in items), **more)
        if method == "GET":
            text = urlencode(content)
            return self.send(HttpRequest("GET", f"{path}?{text}" if text else path, headers))
        return self.send(HttpRequest(method, path, headers, json.dumps(content).encode()))

    def get(self, path: str, **params: Any) -> Any:
        """GET with a key; return the document, which is not a refusal."""
        found = self.call("GET", path, params)
        assert self.status == 200, found
        return found

    def place(self, symbol: str, side: str, quantity: str = "", price: str = "", **more: Any) -> Any:
        """Place an order, a limit where it has a price; return its document."""
        return good(self, self.try_to_place(symbol, side, quantity, price, **more))

    def try_to_place(self, symbol: str, side: str, quantity: str = "", price: str = "", **more: Any) -> Any:
        return self.call("POST", "/api/v1/order", written(symbol, side, quantity, price, **more))

    def cancel(self, symbol: str, **ids: Any) -> Any:
        return self.call("DELETE", "/api/v1/order", {"symbol": symbol, **ids})

    def history(self, kind: str = "orders", **params: Any) -> list[Any]:
        return list(self.get(f"/wapi/v1/history/{kind}", **params))

    def step(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.advance()

    def open(self, path: str = "/") -> "BackpackSocket":
        return BackpackSocket(self, path)

    def reading(self, *streams: str) -> "BackpackSocket":
        """Open a socket that is subscribed, signed."""
        socket = self.open()
        socket.subscribe(*streams)
        return socket


def written(symbol: str, side: str, quantity: str = "", price: str = "", **more: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"symbol": symbol, "side": side, "orderType": "Limit" if price else "Market"}
    content |= {"quantity": quantity} if quantity else {}
    content |= {"price": price} if price else {}
    return content | more


def good(caller: BackpackCaller, document: Any) -> Any:
    assert caller.status == 200, document
    return document


class BackpackSocket:
    """A WebSocket without a wire."""

    def __init__(self, caller: BackpackCaller, path: str) -> None:
        self.caller = caller
        self.texts: list[str] = []
        self.ended: tuple[int, str] | str | None = None
        side = ShellSide(self.texts.append, self._closed, self._dropped)
        self.accepted = caller.sim.open_ws(path, (), side, client_ip="10.0.0.1")

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

    def signed(self, message: dict[str, Any], *, secret: str = "", at_ms: int | None = None) -> dict[str, Any]:
        stamp = str(self.caller.now_ms if at_ms is None else at_ms)
        signed = signature(secret or self.caller.secret, f"instruction=subscribe&timestamp={stamp}&window=5000")
        return message | {"signature": [self.caller.api_key, signed, stamp, "5000"]}

    def subscribe(self, *streams: str) -> None:
        self.send(self.signed({"method": "SUBSCRIBE", "params": list(streams)}))

    def unsubscribe(self, *streams: str) -> None:
        self.send(self.signed({"method": "UNSUBSCRIBE", "params": list(streams)}))

    def take(self, stream: str = "") -> list[Any]:
        """Return all messages that came; of *stream*: the data of those only."""
        messages = [json.loads(text) for text in self.texts]
        self.texts.clear()
        return messages if not stream else [message["data"] for message in messages if message.get("stream") == stream]
