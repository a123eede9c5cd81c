"""Private sockets: orders, executions, positions, wallet. Source: Bybit V5, websocket/private."""

from typing import Any

import msgspec

from lotusx_sim.dialects.bybit.private_news import UserNews, fast_row
from lotusx_sim.dialects.bybit.signing import stream_signer
from lotusx_sim.dialects.bybit.state import NS_PER_MS
from lotusx_sim.dialects.bybit.wallets import wallet_row
from lotusx_sim.dialects.bybit.ws import Peer, ms_text

_CATEGORIES = ("spot", "linear", "inverse")
_CATEGORISED = {
    "order": _CATEGORIES, "execution": _CATEGORIES, "execution.fast": _CATEGORIES, "position": _CATEGORIES[1:],
}  # fmt: skip
TOPICS = {"wallet", *_CATEGORISED}
TOPICS |= {f"{base}.{category}" for base, categories in _CATEGORISED.items() for category in categories}


class PrivatePeer(Peer):
    """A socket of ``/v5/private``."""

    idle_ns = 600_000_000_000
    account = ""  # whose it is, once it has proved that

    def __init__(self, *args: Any, echoes_category: bool = False, **more: Any) -> None:
        super().__init__(*args, **more)
        self._echoes_category = echoes_category
        self._topics: dict[str, None] = {}

    def unreadable(self, text: str) -> None:
        self.reply({}, success=False, text=f"Failed to decode incoming data:{text}")

    def take(self, message: dict[str, Any], now_ns: int) -> None:
        op = message.get("op")
        if op == "ping":
            pong: dict[str, Any] = {"op": "pong", "args": [ms_text(now_ns)], "conn_id": self.conn_id}
            self.say({"req_id": str(message["req_id"])} | pong if message.get("req_id") else pong)
        elif op == "auth":
            self._auth(message, now_ns)
        elif op not in ("subscribe", "unsubscribe"):
            self.reply(message, success=False, text="error:invalid op")
        elif not self.account:
            self.reply(message, success=False, text="Request not authorized")
        else:
            self._change(message, op)

    def _auth(self, message: dict[str, Any], now_ns: int) -> None:
        args = message.get("args")
        key = None
        if isinstance(args, list) and len(args) == 3:
            name, expires, signature = (str(item) for item in args)
            key = stream_signer(self.state.keys, name, expires, signature, now_ns // NS_PER_MS)
        if key is None:
            self.reply(message, success=False, text="Params Error")
            return
        self.account = key.account
        self.reply(message, success=True, text="")

    def _change(self, message: dict[str, Any], op: str) -> None:
        args = message.get("args")
        topics = [item for item in args if isinstance(item, str)] if isinstance(args, list) else []
        unknown = next((topic for topic in topics if topic not in TOPICS), None)
        if not topics or unknown is not None:
            self.reply(message, success=False, text=f"error:handler not found,topic:{unknown or ''}")
            return
        if op == "unsubscribe":
            for topic in topics:
                self._topics.pop(topic, None)
            self.reply(message, success=True, text="")
            return
        if any(f"{topic}.{category}" in topics for topic in topics for category in _CATEGORISED.get(topic, ())):
            self.reply(message, success=False, text="error:all-in-one and categorised topics in one request")
            return
        self._topics |= dict.fromkeys(topics)
        self.reply(message, success=True, text="")

    # -- streams -------------------------------------------------------------------------------------------------

    def tell(self, news: UserNews, now_ns: int) -> None:
        """Send what one command has brought, topic by topic."""
        messages: dict[str, list[dict[str, Any]]] = {}
        for base, category, row in news.items():
            topic = self._topic(base, category.value)
            if topic:
                messages.setdefault(topic, []).append(row)
            fast = self._topic("execution.fast", category.value) if base == "execution" else ""
            if fast and row["execType"] == "Trade":
                messages.setdefault(fast, []).append(fast_row(row))
        if news.coins and "wallet" in self._topics:
            messages["wallet"] = [wallet_row(self.state, self.account, list(news.coins))]
        for topic, rows in messages.items():
            self._send(topic, rows, now_ns)

    def _topic(self, base: str, category: str) -> str:
        """Return under which topic a message goes out; "": it is not read."""
        if base in self._topics:
            return base
        suffixed = f"{base}.{category}"
        if suffixed not in self._topics:
            return ""
        return suffixed if self._echoes_category else base

    def _send(self, topic: str, rows: list[dict[str, Any]], now_ns: int) -> None:
        content: dict[str, Any] = {"topic": topic, "creationTime": now_ns // NS_PER_MS, "data": rows}
        if not topic.startswith("execution.fast"):
            content = {"id": self.state.unique("message").replace("-", "")} | content
        self.push(f"user/{topic}", msgspec.json.encode(content).decode())
