"""One connection to user data, and who of them hears what."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp.state import PerpState
from lotusx_sim.venue import Outbox

USER_TOPIC = "user"


class PrivatePeer:
    """A connection to ``/private``. Whatever key it names is accepted; only a living one brings events."""

    def __init__(
        self,
        state: PerpState,
        out: Outbox,
        keys: Iterable[str],
        *,
        combined: bool,
        only: frozenset[str],
        opened_ns: int,
    ) -> None:
        self.opened_ns = opened_ns
        self.keys = frozenset(keys)
        self._state = state
        self._out = out
        self._combined = combined
        self._only = only

    def receive(self, text: str, now_ns: int) -> None:
        """Ignore what is sent: the address is the subscription."""

    def pinged(self, now_ns: int) -> None:
        """Count nothing."""

    def closed(self, now_ns: int) -> None:
        """Forget nothing: the key outlives the connection."""

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    def tell(self, account: str, event: dict[str, Any], now_ns: int) -> None:
        """Pass *event* on when one of the keys is the account's and alive."""
        lease = self._state.live_key(account, now_ns)
        if lease is not None and lease.key in self.keys:
            self.push(lease.key, event)

    def push(self, key: str, event: dict[str, Any]) -> None:
        # The filter is taken at its word: what it does not name is not told, be it the end of the key.
        if self._only and event["e"] not in self._only:
            return
        text = msgspec.json.encode(event).decode()
        self._out.send(f'{{"stream":"{key}","data":{text}}}' if self._combined else text, USER_TOPIC)

    def key_expired(self, key: str, now_ns: int) -> None:
        if key in self.keys:
            self.push(key, {"e": "listenKeyExpired", "E": now_ns // NS_PER_MS, "listenKey": key})


def wanted_keys(path: str, query: str) -> tuple[list[str], frozenset[str]]:
    """Return the keys and the names of events that an address asks for, such as ``/ws?listenKey=…&events=A/B``."""
    asked = parse_qs(query)
    keys = [unquote(part) for part in path.split("/")[2:] if part] + asked.get("listenKey", [])
    keys += [key for names in asked.get("streams", []) for key in names.split("/")]
    return keys, frozenset(name for names in asked.get("events", []) for name in names.split("/"))
