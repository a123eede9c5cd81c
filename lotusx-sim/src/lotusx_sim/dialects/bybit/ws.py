"""What all of the venue's sockets have in common, and the public ones. Source: Bybit V5, ws/connect."""

from collections.abc import Mapping
from typing import Any

import msgspec

from lotusx_sim.dialects.bybit.listings import Category
from lotusx_sim.dialects.bybit.state import NS_PER_MS, VenueState
from lotusx_sim.dialects.bybit.streams import Hub
from lotusx_sim.dialects.bybit.topics import Topic, read_topic
from lotusx_sim.venue import Outbox


class Peer:
    """The venue's end of one socket."""

    idle_ns = 0  # how long it may be silent; 0: for ever

    def __init__(self, state: VenueState, out: Outbox, *, ip: str, opened_ns: int) -> None:
        self.state = state
        self.ip = ip
        self.heard_ns = opened_ns  # when the last message went either way
        self.conn_id = f"{state.unique('socket').replace('-', '')[:20]}-1x"
        self._out = out

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

    # -- from the client -----------------------------------------------------------------------------------------

    def receive(self, text: str, now_ns: int) -> None:
        self.heard_ns = now_ns
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = None
        if not isinstance(message, dict):
            self.unreadable(text)
            return
        self.take(message, now_ns)

    def unreadable(self, text: str) -> None:
        raise NotImplementedError

    def take(self, message: dict[str, Any], now_ns: int) -> None:
        raise NotImplementedError

    def pinged(self, now_ns: int) -> None:
        """Ping frames are answered below this layer; the venue counts its own ping messages only."""

    def closed(self, now_ns: int) -> None:
        """Nothing is kept of a socket by default."""

    # -- replies -------------------------------------------------------------------------------------------------

    def reply(self, message: Mapping[str, Any], *, success: bool, text: str, op: str = "") -> None:
        content: dict[str, Any] = {"success": success, "ret_msg": text, "conn_id": self.conn_id}
        content["req_id"] = str(message.get("req_id", "") or "")
        self.say(content | {"op": op or str(message.get("op", ""))})


class PublicPeer(Peer):
    """A socket of ``/v5/public/…``."""

    def __init__(
        self, state: VenueState, hub: Hub, category: Category, out: Outbox, *, ip: str, opened_ns: int
    ) -> None:
        super().__init__(state, out, ip=ip, opened_ns=opened_ns)
        self._hub = hub
        self._category = category
        self._topics: dict[str, Topic] = {}

    def unreadable(self, text: str) -> None:
        self.reply({}, success=False, text=f"Failed to decode incoming data:{text}", op="")

    def take(self, message: dict[str, Any], now_ns: int) -> None:
        op = message.get("op")
        args = message.get("args")
        if op == "ping":
            self.reply(message, success=True, text="pong", op="ping")
        elif op not in ("subscribe", "unsubscribe"):
            self.reply(message, success=False, text="error:invalid op")
        elif not isinstance(args, list) or not args or not all(isinstance(item, str) for item in args):
            self.reply(message, success=False, text="error:args invalid")
        elif op == "subscribe":
            self._subscribe(message, args, now_ns)
        else:
            for text in args:
                topic = self._topics.pop(text, None)
                if topic is not None:
                    self._hub.unsubscribe(self, topic)
            self.reply(message, success=True, text="")

    def _subscribe(self, message: dict[str, Any], args: list[str], now_ns: int) -> None:
        """Subscribe to all of *args*, or to none when one of them is wrong."""
        rules = self.state.options.rules
        if self._category.is_spot and len(args) > rules.spot_topics_per_request:
            self.reply(message, success=False, text=f"args size >{rules.spot_topics_per_request}")
            return
        wanted: dict[str, Topic] = {}
        for text in args:
            topic = read_topic(self.state, self._category, text)
            if topic is None:
                self.reply(message, success=False, text=f"error:handler not found,topic:{text}")
                return
            if text in self._topics:
                self.reply(message, success=False, text=f"error:already subscribed,topic:{text}")
                return
            wanted[text] = topic
        if sum(map(len, self._topics)) + sum(map(len, wanted)) > rules.topic_characters:
            self.reply(message, success=False, text="error:args too long")
            return
        self._topics |= wanted
        self.reply(message, success=True, text="subscribe" if self._category.is_spot else "")
        for topic in wanted.values():
            self._hub.subscribe(self, topic, now_ns)

    def closed(self, now_ns: int) -> None:
        del now_ns
        for topic in self._topics.values():
            self._hub.unsubscribe(self, topic)
        self._topics.clear()


def ms_text(now_ns: int) -> str:
    return str(now_ns // NS_PER_MS)
