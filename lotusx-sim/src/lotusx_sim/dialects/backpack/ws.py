"""The venue's sockets: one address for public and private streams. Source: OpenAPI document (2026-08), "Streams".

Nothing is acknowledged. A stream of a market that does not exist is silent; a name that no stream has is refused.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lotusx_sim.dialects.backpack.private_news import POSITIONS, News, position_data
from lotusx_sim.dialects.backpack.signing import stream_signer
from lotusx_sim.dialects.backpack.state import VenueState
from lotusx_sim.dialects.backpack.streams import Hub, frame
from lotusx_sim.dialects.backpack.topics import INVALID_STREAM, PRIVATE, BadStream, Topic, read_topic
from lotusx_sim.venue import Outbox

_UNREADABLE = (4002, "Parse error")
_UNSIGNED = (4003, "Invalid signature")  # what a bad signature is answered with is not documented


class Peer:
    """The venue's end of one socket."""

    def __init__(self, state: VenueState, hub: Hub, out: Outbox) -> None:
        self.state = state
        self._hub = hub
        self._out = out
        self._topics: dict[str, Topic] = {}
        self._private: dict[tuple[str, str], str] = {}  # (account, stream, with its symbol if any) -> stream

    @property
    def is_private(self) -> bool:
        return bool(self._private)

    # -- towards the client --------------------------------------------------------------------------------------

    def push(self, name: str, text: str) -> None:
        self._out.send(text, name)

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    def drop(self) -> None:
        self._out.drop("fin")

    def tell(self, news: News) -> None:
        """Send private news to whom it concerns, once for each of its subscriptions."""
        account, stream, symbol, data = news
        for name in (stream, f"{stream}.{symbol}") if symbol else (stream,):
            if (account, name) in self._private:
                self.push(f"user/{name}", frame(name, data))

    def _refuse(self, error: tuple[int, str]) -> None:
        content = {"id": None, "error": {"code": error[0], "message": error[1]}}
        self.push("", msgspec.json.encode(content).decode())

    # -- from the client -----------------------------------------------------------------------------------------

    def receive(self, text: str, now_ns: int) -> None:
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = None
        method = message.get("method") if isinstance(message, dict) else None
        names = message.get("params") if isinstance(message, dict) else None
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE") or not isinstance(names, list):
            self._refuse(_UNREADABLE)
            return
        account = self._account(message, now_ns)
        for name in names:
            if not isinstance(name, str):
                self._refuse(_UNREADABLE)
            elif name.startswith("account."):
                self._change_private(name, account, now_ns, wanted=method == "SUBSCRIBE")
            else:
                self._change(name, now_ns, wanted=method == "SUBSCRIBE")

    def _account(self, message: dict[str, Any], now_ns: int) -> str:
        key = stream_signer(self.state.keys, message.get("signature"), now_ns // 1_000_000)
        return "" if key is None else key.account

    def _change(self, name: str, now_ns: int, *, wanted: bool) -> None:
        try:
            topic = read_topic(name)
        except BadStream as refused:
            self._refuse((refused.args[0], refused.args[1]))
            return
        if topic is None:
            return
        if wanted and name not in self._topics:
            self._topics[name] = topic
            self._hub.subscribe(self, topic, now_ns)
        elif not wanted and self._topics.pop(name, None) is not None:
            self._hub.unsubscribe(self, topic)

    def _change_private(self, name: str, account: str, now_ns: int, *, wanted: bool) -> None:
        """Begin or end a private stream; both are signed, each message for itself."""
        stream = ".".join(name.split(".", 2)[:2])
        if stream not in PRIVATE:
            self._refuse(INVALID_STREAM)
        elif not account:
            self._refuse(_UNSIGNED)
        elif not wanted:
            self._private.pop((account, name), None)
        elif (account, name) not in self._private:
            self._private[(account, name)] = stream
            if stream == POSITIONS:
                self._tell_held(name, account, now_ns)

    def _tell_held(self, name: str, account: str, now_ns: int) -> None:
        """Send the positions of the moment, which alone come without an event's name."""
        symbol = name.removeprefix(POSITIONS).removeprefix(".")
        for position in self.state.exchange.perps.positions(account):
            if symbol in ("", position.symbol):
                data = position_data(self.state, self.state.users[account], position, now_ns)
                self.push(f"user/{name}", frame(name, data))

    def pinged(self, now_ns: int) -> None:
        """Ping frames are answered below this layer, and counted nowhere."""

    def closed(self, now_ns: int) -> None:
        del now_ns
        for topic in self._topics.values():
            self._hub.unsubscribe(self, topic)
        self._topics.clear()
        self._private.clear()
