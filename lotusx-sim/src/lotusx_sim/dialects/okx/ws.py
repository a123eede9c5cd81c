"""The venue's end of one WebSocket, of whichever group. Source: OKX API v5 (2026-06), overview-websocket."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from lotusx_sim.dialects.okx.errors import VenueError
from lotusx_sim.dialects.okx.rows import account_row, position_row
from lotusx_sim.dialects.okx.signing import socket_owner
from lotusx_sim.dialects.okx.state import VenueState
from lotusx_sim.dialects.okx.streams import Hub, Topic
from lotusx_sim.dialects.okx.text import NS_PER_MS
from lotusx_sim.venue import Outbox

GROUPS = ("public", "business", "private")
ORDERS, POSITIONS, ACCOUNT = "orders", "positions", "account"
IDLE_NS = 30_000_000_000
IDLE_CODE, IDLE_TEXT = 4004, "No data received in 30s"
_UNKNOWN = (
    "Wrong URL or {} doesn't exist. Please use the correct URL, channel and parameters referring to API document."
)


class Peer:
    account = ""  # whose it is, once it has proved that

    def __init__(self, state: VenueState, hub: Hub, group: str, out: Outbox, *, number: int, opened_ns: int) -> None:
        self.state = state
        self.group = group
        self.heard_ns = opened_ns
        self._hub = hub
        self._out = out
        self._conn_id = f"{number:08x}"
        self._topics: dict[Topic, None] = {}
        self._private: dict[str, dict[str, str]] = {}  # channel → its argument, as it was asked for

    # -- towards the client --------------------------------------------------------------------------------------

    def push(self, name: str, text: str) -> None:
        self.heard_ns = self.state.now_ns
        self._out.send(text, name)

    def say(self, content: Mapping[str, Any]) -> None:
        self.push("", msgspec.json.encode(content).decode())

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    def drop(self) -> None:
        self._out.drop("fin")

    def warn(self) -> None:
        """Say that the connection will soon be closed."""
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        self.say({"event": "notice", "code": "64008", "msg": text, "connId": self._conn_id})

    # -- from the client -----------------------------------------------------------------------------------------

    def receive(self, text: str, now_ns: int) -> None:
        self.heard_ns = now_ns
        if text == "ping":
            self.push("", "pong")
            return
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("args"), list):
            self._refuse({}, "60012", f"Invalid request: {text}")
            return
        args = [arg for arg in message["args"] if isinstance(arg, dict)]
        op = message.get("op")
        if op == "login":
            self._log_in(args, now_ns)
        elif op in ("subscribe", "unsubscribe"):
            for arg in args:
                self._change(message, str(op), arg, now_ns)
        else:
            self._refuse(message, "60019", f"Invalid op: {op}")

    def pinged(self, now_ns: int) -> None:
        """Ping frames are answered below this layer; the venue counts data only."""

    def closed(self, now_ns: int) -> None:
        del now_ns
        for topic in self._topics:
            self._hub.unsubscribe(self, topic)
        self._topics.clear()

    def _refuse(self, message: Mapping[str, Any], code: str, text: str) -> None:
        head = {"id": message["id"]} if message.get("id") else {}
        self.say(head | {"event": "error", "code": code, "msg": text, "connId": self._conn_id})

    def _log_in(self, args: list[dict[str, str]], now_ns: int) -> None:
        try:
            key = socket_owner(self.state.keys, args[0] if args else {}, now_ns // NS_PER_MS)
        except VenueError as error:
            self._refuse({}, error.code, error.text)
            return
        self.account = key.account
        self.say({"event": "login", "code": "0", "msg": "", "connId": self._conn_id})

    def _change(self, message: Mapping[str, Any], op: str, arg: dict[str, str], now_ns: int) -> None:
        channel = str(arg.get("channel", ""))
        head = {"id": message["id"]} if message.get("id") else {}
        done = head | {"event": op, "arg": arg, "connId": self._conn_id}
        if channel in (ORDERS, POSITIONS, ACCOUNT):
            if self.group != "private":
                self._refuse(message, "60018", _UNKNOWN.format(f"channel:{channel}"))
            elif not self.account:
                self._refuse(message, "60011", "Please log in")
            elif op == "unsubscribe":
                self._private.pop(channel, None)
                self.say(done)
            else:
                self._private[channel] = arg
                self.say(done)
                self._begin(channel, now_ns)
            return
        topic = self._hub.topic_of(self.group, channel, str(arg.get("instId", "")))
        if topic is None:
            self._refuse(message, "60018", _UNKNOWN.format(f"channel:{channel},instId:{arg.get('instId', '')}"))
            return
        self.say(done)
        if op == "unsubscribe":
            if topic in self._topics:
                del self._topics[topic]
                self._hub.unsubscribe(self, topic)
        elif topic not in self._topics:
            self._topics[topic] = None
            self._hub.subscribe(self, topic, now_ns)

    # -- private channels ----------------------------------------------------------------------------------------

    def _begin(self, channel: str, now_ns: int) -> None:
        """Tell how things stand; of orders nothing is told."""
        if channel == ACCOUNT:
            self._send(ACCOUNT, [account_row(self.state, self.account, None, now_ns)], snapshot=True)
        elif channel == POSITIONS:
            rows = [
                position_row(self.state, position, now_ns)
                for listing in self.state.listings
                if not listing.is_spot
                for position in self.state.positions(self.account, listing)
                if position.is_open
            ]
            self._send(POSITIONS, rows, snapshot=True)

    def tell(self, channel: str, rows: Iterable[dict[str, Any]]) -> None:
        """Send what happened, if the channel is read."""
        found = list(rows)
        if channel in self._private and found:
            self._send(channel, found, snapshot=False)

    def _send(self, channel: str, rows: list[dict[str, Any]], *, snapshot: bool) -> None:
        content: dict[str, Any] = {"arg": self._private[channel] | {"uid": "1"}}
        if channel != ORDERS:
            pages = {"eventType": "snapshot", "curPage": 1, "lastPage": True}
            content |= pages if snapshot else {"eventType": "event_update"}
        self.push(f"user/{channel}", msgspec.json.encode(content | {"data": rows}).decode())
