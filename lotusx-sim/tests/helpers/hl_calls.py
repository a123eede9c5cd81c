"""Signs and calls like a client of Hyperliquid, with nothing of the simulator's own signing code."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from coincurve import PrivateKey
from Crypto.Hash import keccak

from lotusx_sim import Hyperliquid, ManualClock, Simulator
from lotusx_sim.connection import ShellSide, SimulatedConnection
from lotusx_sim.dialects.hyperliquid import DEFAULT_ADDRESS, DEFAULT_PRIVATE_KEY
from lotusx_sim.wire import HttpRequest, HttpResponse

USER = DEFAULT_ADDRESS
BTC, ETH, KPEPE, HYPE, TSLA, SP500, HYPE_SPOT, PURR_SPOT = 0, 1, 4, 5, 110000, 110001, 10107, 10000
_JSON = (("content-type", "application/json"),)


def digest(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def sign(private_key: str, message: bytes) -> dict[str, Any]:
    raw = PrivateKey(bytes.fromhex(private_key.removeprefix("0x"))).sign_recoverable(message, hasher=None)
    return {"r": "0x" + raw[:32].hex(), "s": "0x" + raw[32:64].hex(), "v": 27 + raw[64]}


def _domain(name: str, chain: int) -> bytes:
    kind = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    return digest(digest(kind) + digest(name.encode()) + digest(b"1") + chain.to_bytes(32, "big") + bytes(32))


def sign_l1(
    key: str, action: Mapping[str, Any], nonce: int, vault: str | None, expires: int | None, source: str
) -> dict[str, Any]:
    data = msgspec.msgpack.encode(action) + nonce.to_bytes(8, "big")
    data += b"\0" if vault is None else b"\1" + bytes.fromhex(vault[2:])
    if expires is not None:
        data += b"\0" + expires.to_bytes(8, "big")
    struct = digest(digest(b"Agent(string source,bytes32 connectionId)") + digest(source.encode()) + digest(data))
    return sign(key, digest(b"\x19\x01" + _domain("Exchange", 1337) + struct))


def sign_user(key: str, primary: str, fields: str, action: Mapping[str, Any]) -> dict[str, Any]:
    """Sign *fields*, such as ``string destination,uint64 time``, after ``hyperliquidChain``."""
    fields = f"string hyperliquidChain,{fields}"
    data = digest(f"HyperliquidTransaction:{primary}({fields})".encode())
    for kind, name in (field.split() for field in fields.split(",")):
        value = action.get(name, "")
        if kind == "string":
            data += digest(value.encode())
        else:
            data += (int(value, 16) if kind == "address" else int(value)).to_bytes(32, "big")
    domain = _domain("HyperliquidSignTransaction", int(action["signatureChainId"], 16))
    return sign(key, digest(b"\x19\x01" + domain + digest(data)))


def limit(asset: int, side: str, size: str, price: str, tif: str = "Gtc", **more: Any) -> dict[str, Any]:
    """Return one order item; *more*: ``r`` or ``c``."""
    order = {"a": asset, "b": side == "buy", "p": price, "s": size, "r": more.pop("r", False)}
    return order | {"t": {"limit": {"tif": tif}}} | more


def trigger(asset: int, side: str, size: str, at: str, kind: str, price: str = "", **more: Any) -> dict[str, Any]:
    """Return a market stop or take-profit, with its worst price; *price* defaults to the trigger's."""
    order = {"a": asset, "b": side == "buy", "p": price or at, "s": size, "r": more.pop("r", True)}
    return order | {"t": {"trigger": {"isMarket": more.pop("market", True), "triggerPx": at, "tpsl": kind}}} | more


class HlCaller:
    """Calls a simulator without any shell, on a clock that moves when told."""

    def __init__(self, venue: Hyperliquid | None = None, key: str = DEFAULT_PRIVATE_KEY, source: str = "a") -> None:
        self.clock = ManualClock()
        self.venue = venue or Hyperliquid(seed=7, actions_per_s=0)
        self.sim = Simulator(self.venue, clock=self.clock)
        self.sim.now_ns()
        self.key = key
        self.source = source
        self.last = HttpResponse(0)
        self._nonce = 0

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def nonce(self) -> int:
        self._nonce = max(self._nonce + 1, self.now_ms)
        return self._nonce

    def post(self, path: str, body: Any, *, headers: tuple[tuple[str, str], ...] = _JSON, ip: str = "10.0.0.1") -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        outcome = self.sim.handle(HttpRequest("POST", path, headers, content), client_ip=ip)
        assert outcome.response is not None
        self.last = outcome.response
        try:
            return json.loads(self.last.body)
        except ValueError:
            return self.last.body.decode()

    def info(self, kind: str, **more: Any) -> Any:
        return self.post("/info", {"type": kind, **more})

    def signed(self, action: Mapping[str, Any], *, key: str = "", **outer: Any) -> dict[str, Any]:
        """Return the body of an L1 action; *outer*: nonce, vaultAddress, expiresAfter."""
        nonce = outer.pop("nonce", None) or self.nonce()
        vault, expires = outer.get("vaultAddress"), outer.get("expiresAfter")
        signature = sign_l1(key or self.key, action, nonce, vault, expires, self.source)
        return {"action": action, "nonce": nonce, "signature": signature, **outer}

    def act(self, action: Mapping[str, Any], **outer: Any) -> Any:
        return self.post("/exchange", self.signed(action, **outer))

    def act_as_user(self, primary: str, fields: str, kind: str, *, key: str = "", **values: Any) -> Any:
        """Sign and send a user-signed action; its last field repeats the nonce."""
        nonce = self.nonce()
        action = {"type": kind, "signatureChainId": "0x66eee", "hyperliquidChain": "Mainnet"} | values
        action.setdefault(fields.rpartition(" ")[2], nonce)
        signature = sign_user(key or self.key, primary, fields, action)
        return self.post("/exchange", {"action": action, "nonce": nonce, "signature": signature})

    def place(self, *orders: Mapping[str, Any], grouping: Any = "na", **outer: Any) -> list[Any]:
        """Place orders; return ``statuses``."""
        answer = self.act({"type": "order", "orders": list(orders), "grouping": grouping}, **outer)
        assert answer["status"] == "ok", answer
        statuses: list[Any] = answer["response"]["data"]["statuses"]
        return statuses

    def refused(self, *orders: Mapping[str, Any], grouping: Any = "na") -> str:
        """Place an order that is refused; return the text."""
        (status,) = self.place(*orders, grouping=grouping)
        return str(status["error"])

    def cancel(self, asset: int, oid: int) -> Any:
        answer = self.act({"type": "cancel", "cancels": [{"a": asset, "o": oid}]})
        return answer["response"]["data"]["statuses"][0]

    def status(self, oid: int | str) -> str:
        """Return where an order stands."""
        found = self.info("orderStatus", user=USER, oid=oid)
        return str(found["order"]["status"] if found["status"] == "order" else found["status"])

    def open(self, ip: str = "10.0.0.1") -> "HlSocket":
        return HlSocket(self, ip)

    def step(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sim.advance()


class HlSocket:
    """A WebSocket without a wire."""

    def __init__(self, caller: HlCaller, ip: str) -> None:
        self.caller = caller
        self.texts: list[str] = []
        self.ended: tuple[int, str] | str | None = None
        side = ShellSide(self.texts.append, self._closed, self._dropped)
        self.accepted = caller.sim.open_ws("/ws", (), side, client_ip=ip)

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

    def take(self, channel: str = "") -> list[Any]:
        """Return all messages that came; of *channel*: only their data."""
        messages = [json.loads(text) for text in self.texts]
        self.texts.clear()
        if not channel:
            return messages
        return [message["data"] for message in messages if message["channel"] == channel]

    def ask(self, message: Any) -> list[Any]:
        self.take()
        self.send(message)
        return self.take()

    def subscribe(self, kind: str, **more: Any) -> list[Any]:
        """Subscribe; return what came."""
        return self.ask({"method": "subscribe", "subscription": {"type": kind, **more}})

    def post(self, kind: str, payload: Any, number: int = 1) -> Any:
        """Post a request; return its response, leaving all other messages."""
        before = len(self.texts)
        self.send({"method": "post", "id": number, "request": {"type": kind, "payload": payload}})
        for index, text in enumerate(self.texts[before:], before):
            message = json.loads(text)
            if message["channel"] == "post":
                del self.texts[index]
                assert message["data"]["id"] == number
                return message["data"]["response"]
        return None
