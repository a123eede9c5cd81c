"""One WebSocket: subscriptions, pings, and requests posted over it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from lotusx_sim.dialects.hyperliquid import exchange, info
from lotusx_sim.dialects.hyperliquid.errors import HttpError, UnknownCoin
from lotusx_sim.dialects.hyperliquid.state import VenueState
from lotusx_sim.dialects.hyperliquid.streams import Hub
from lotusx_sim.dialects.hyperliquid.subscriptions import Subscription, Unreadable, quoted, read_subscription
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpResponse

SILENCE_NS = 60_000_000_000
_PARSE = "Error parsing JSON into valid websocket request: "


class Peer:
    """The venue's end of one connection to ``/ws``."""

    def __init__(self, state: VenueState, hub: Hub, out: Outbox, *, ip: str, opened_ns: int) -> None:
        self.spoke_ns = opened_ns  # when the venue last sent something
        self._state = state
        self._hub = hub
        self._out = out
        self._ip = ip
        self._subscriptions: dict[Subscription, None] = {}

    @property
    def reads_user_streams(self) -> bool:
        return any(wanted.user for wanted in self._subscriptions)

    # -- towards the client --------------------------------------------------------------------------------------

    def push(self, topic: str, text: str) -> None:
        self.spoke_ns = self._state.now_ns
        self._out.send(text, topic)

    def _say(self, channel: str, data: Any) -> None:
        self.push("", msgspec.json.encode({"channel": channel, "data": data}).decode())

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    def drop(self) -> None:
        """End the TCP connection without goodbye: the client sees 1006."""
        self._out.drop("fin")

    # -- from the client -----------------------------------------------------------------------------------------

    def receive(self, text: str, now_ns: int) -> None:
        if self._state.limits.says_too_much(self._ip, now_ns):
            self.drop()  # what the venue does then is not known
            return
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = None
        method = message.get("method") if isinstance(message, Mapping) else None
        if method == "ping":
            self.push("", '{"channel":"pong"}')
        elif method in ("subscribe", "unsubscribe"):
            self._change(method, message, text, now_ns)
        elif method == "post" and _is_post(message):
            self._say("post", {"id": message["id"], "response": self._post(message["request"], now_ns)})
        else:
            self._say("error", _PARSE + text)

    def pinged(self, now_ns: int) -> None:
        """The server answers ping frames below this layer; they do not count as something said."""

    def closed(self, now_ns: int) -> None:
        del now_ns
        host = self._state.limits.host(self._ip)
        host.connections -= 1
        for wanted in list(self._subscriptions):
            self._leave(wanted)

    # -- subscriptions -------------------------------------------------------------------------------------------

    def _change(self, method: str, message: Mapping[str, Any], text: str, now_ns: int) -> None:
        try:
            wanted, shown = read_subscription(self._state, message.get("subscription"))
        except Unreadable:
            self._say("error", _PARSE + text)
            return
        except UnknownCoin:
            self.drop()
            return
        known = wanted in self._subscriptions
        if method == "subscribe" and known:
            self._say("error", f"Already subscribed: {quoted(shown)}")
        elif method == "unsubscribe" and not known:
            self._say("error", f"Already unsubscribed: {quoted(shown)}")
        elif method == "unsubscribe":
            self._leave(wanted)
            self._say("subscriptionResponse", {"method": method, "subscription": shown})
        elif not self._enter(wanted):
            return
        else:
            self._say("subscriptionResponse", {"method": method, "subscription": shown})
            self._hub.subscribe(self, wanted, now_ns)

    def _enter(self, wanted: Subscription) -> bool:
        rules, host = self._state.limits.rules, self._state.limits.host(self._ip)
        if host.subscriptions >= rules.subscriptions:
            # The venue's wording is not known.
            self._say("error", f"Cannot track more than {rules.subscriptions} total subscriptions.")
            return False
        if wanted.user and wanted.user not in host.users and len(host.users) >= rules.users:
            self._say("error", f"Cannot track more than {rules.users} total users.")
            return False
        host.subscriptions += 1
        if wanted.user:
            host.users[wanted.user] = host.users.get(wanted.user, 0) + 1
        self._subscriptions[wanted] = None
        return True

    def _leave(self, wanted: Subscription) -> None:
        host = self._state.limits.host(self._ip)
        del self._subscriptions[wanted]
        host.subscriptions -= 1
        if wanted.user:
            host.users[wanted.user] -= 1
            if not host.users[wanted.user]:
                del host.users[wanted.user]
        self._hub.unsubscribe(self, wanted)

    # -- requests ------------------------------------------------------------------------------------------------

    def _post(self, request: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
        payload = request["payload"]
        try:
            if request["type"] == "action":
                return {"type": "action", "payload": exchange.execute(self._state, payload, now_ns, self._ip)}
            data = info.answer(self._state, payload, now_ns, self._ip)
        except HttpError as error:
            return {"type": "error", "payload": error_text(error.status, error.body)}
        return {"type": "info", "payload": {"type": payload["type"], "data": data}}


def _is_post(message: Mapping[str, Any]) -> bool:
    number, request = message.get("id"), message.get("request")
    if isinstance(number, bool) or not isinstance(number, int) or not isinstance(request, Mapping):
        return False
    return request.get("type") in ("info", "action") and isinstance(request.get("payload"), Mapping)


def error_text(status: int, body: str) -> str:
    """Return an HTTP error as the payload of a post's answer; after the status the wording is not known."""
    phrase = f"{status} {HTTPStatus(status).phrase}"
    return phrase if body in ("", "null") else f"{phrase}: {body}"


def scripted_reply(request: str, response: HttpResponse) -> str:
    """Return *response*, made up by a test, in the form of the answer to a posted request."""
    message = msgspec.json.decode(request)
    number = message.get("id") if isinstance(message, Mapping) else None
    if response.status == 200:
        reply: dict[str, Any] = {"type": "action", "payload": msgspec.json.decode(response.body)}
        if message["request"]["type"] == "info":
            kind = message["request"]["payload"]["type"]
            reply = {"type": "info", "payload": {"type": kind, "data": reply["payload"]}}
    else:
        reply = {"type": "error", "payload": error_text(response.status, response.body.decode(errors="replace"))}
    return msgspec.json.encode({"channel": "post", "data": {"id": number, "response": reply}}).decode()
