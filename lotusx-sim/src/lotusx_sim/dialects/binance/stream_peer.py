"""One connection to market streams: control messages and what was subscribed to. Source: web-socket-streams.md."""

from typing import Any, Protocol

import msgspec

from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.venue import Outbox

MAX_STREAMS = 1024
_SECOND_NS = 1_000 * NS_PER_MS


class Hub(Protocol):
    """Who knows which connection reads what."""

    def subscribe(self, peer: "StreamPeer", name: str) -> None: ...

    def unsubscribe(self, peer: "StreamPeer", name: str) -> None: ...


class StreamPeer:
    """One connection to ``/ws`` or ``/stream``."""

    def __init__(
        self,
        hub: Hub,
        out: Outbox,
        *,
        combined: bool,
        opened_ns: int,
        unit: int = NS_PER_MS,
        messages_per_second: int = 5,
    ) -> None:
        self.unit = unit
        self.opened_ns = opened_ns
        self._hub = hub
        self._out = out
        self._combined = combined
        self._names: dict[str, None] = {}
        self._allowed = messages_per_second
        self._second = -1
        self._messages = 0

    def subscribe(self, names: list[str]) -> None:
        for name in names:
            self._names[name] = None
            self._hub.subscribe(self, name)

    def push(self, name: str, text: str) -> None:
        self._out.send(f'{{"stream":"{name}","data":{text}}}' if self._combined else text, name)

    def announce_shutdown(self, now_ns: int) -> None:
        self.push("!serverShutdown", f'{{"e":"serverShutdown","E":{now_ns // self.unit}}}')

    def receive(self, text: str, now_ns: int) -> None:
        if self._is_too_fast(now_ns):
            return
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            self._refuse(3, f"Invalid JSON: {error}", None)
            return
        if not isinstance(message, dict):
            self._refuse(2, "Invalid request: request must be an object", None)
            return
        self._obey(message)

    def pinged(self, now_ns: int) -> None:
        self._is_too_fast(now_ns)

    def closed(self, now_ns: int) -> None:
        del now_ns
        for name in self._names:
            self._hub.unsubscribe(self, name)
        self._names.clear()

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    def _is_too_fast(self, now_ns: int) -> bool:
        second = now_ns // _SECOND_NS
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        if self._messages > self._allowed:
            self._out.close(1008, "Too many requests")
            return True
        return False

    def _obey(self, message: dict[str, Any]) -> None:
        method, params, request_id = message.get("method"), message.get("params"), message.get("id")
        if request_id is not None and not isinstance(request_id, (int, str)):
            self._refuse(2, "Invalid request: request ID must be an unsigned integer", None)
        elif method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
                self._refuse(2, "Invalid request: params must be an array of strings", request_id)
            else:
                self._change(method, params, request_id)
        elif method == "LIST_SUBSCRIPTIONS":
            self._reply(list(self._names), request_id)
        elif method in ("SET_PROPERTY", "GET_PROPERTY"):
            self._property(method, params, request_id)
        else:
            self._refuse(2, f"Invalid request: unknown variant `{method}`", request_id)

    def _change(self, method: str, names: list[str], request_id: Any) -> None:
        if method == "UNSUBSCRIBE":
            for name in names:
                self._names.pop(name, None)
                self._hub.unsubscribe(self, name)
        elif len(self._names.keys() | dict.fromkeys(names).keys()) > MAX_STREAMS:
            self._refuse(2, f"Invalid request: too many streams, at most {MAX_STREAMS}", request_id)
            return
        else:
            self.subscribe(names)
        self._reply(None, request_id)

    def _property(self, method: str, params: Any, request_id: Any) -> None:
        if not isinstance(params, list) or not params or params[0] != "combined":
            self._refuse(0, "Unknown property", request_id)
        elif method == "GET_PROPERTY":
            self._reply(self._combined, request_id)
        elif len(params) != 2 or not isinstance(params[1], bool):
            self._refuse(1, "Invalid value type: expected Boolean", request_id)
        else:
            self._combined = params[1]
            self._reply(None, request_id)

    def _reply(self, result: Any, request_id: Any) -> None:
        self._out.send(msgspec.json.encode({"result": result, "id": request_id}).decode(), "")

    def _refuse(self, code: int, message: str, request_id: Any) -> None:
        content: dict[str, Any] = {"code": code, "msg": message}
        if request_id is not None:
            content["id"] = request_id
        self._out.send(msgspec.json.encode({"error": content}).decode(), "")
