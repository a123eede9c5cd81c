"""What a test can let go wrong: the fault methods of a simulation."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from random import Random
from typing import Any

import msgspec

from lotusx_sim.connection import SimulatedConnection
from lotusx_sim.faults import Chaos, Effect, Fault, FaultPlan, Mischief, RequestFault, StreamFault
from lotusx_sim.venue import Venue
from lotusx_sim.wire import HttpResponse

_HTML_502 = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n"
)
_JSON_TYPE = ("content-type", "application/json;charset=UTF-8")


class FaultScript:
    """Sets faults; `Simulator` inherits it and lets them happen."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.faults = FaultPlan()
        self.ws_connections: list[SimulatedConnection] = []  # open ones, oldest first

    def now_ns(self) -> int:
        """Return the venue's time, nanoseconds since the epoch."""
        raise NotImplementedError

    # -- faults of requests --------------------------------------------------------------------------------------

    def lose_reply_to(self, method: str, path: str, *, times: int | None = 1, how: str = "cut") -> Fault:
        """Execute the request and never answer it: the connection is ``cut`` or ``reset``, or left to ``hang``."""
        return self._on_request(times, method, path, Effect.LOSE_REPLY, lost_by=how)

    def lose_request(self, method: str, path: str, *, times: int | None = 1, how: str = "cut") -> Fault:
        """Lose the request itself: nothing is executed, nothing answered."""
        return self._on_request(times, method, path, Effect.LOSE_REQUEST, lost_by=how)

    def refuse(
        self,
        method: str,
        path: str,
        status: int = 503,
        body: bytes | str | Mapping[str, Any] = b"",
        *,
        times: int | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Fault:
        """Answer in the venue's place; nothing is executed.

        On the WS API *body* is the reply's ``error``; *headers* have no place there.
        """
        response = HttpResponse(status, (_JSON_TYPE, *headers), _bytes(body))
        return self._on_request(times, method, path, Effect.ANSWER, response=lambda: response)

    def delay(self, method: str, path: str, seconds: float, *, times: int | None = 1) -> Fault:
        """Execute at once, answer after *seconds*."""
        return self._on_request(times, method, path, Effect.DELAY, delay_s=seconds)

    def html_502(self, method: str = "*", path: str = "*", *, times: int | None = 1, executes: bool = False) -> Fault:
        """Answer with a gateway's HTML page, with or without having executed the request."""
        response = HttpResponse(502, (("content-type", "text/html"),), _HTML_502)
        effect = Effect.REPLACE_REPLY if executes else Effect.ANSWER
        return self._on_request(times, method, path, effect, response=lambda: response)

    def cut_json(
        self,
        method: str = "*",
        path: str = "*",
        *,
        times: int | None = 1,
        keep_bytes: int | None = None,
        how: str = "json",
    ) -> Fault:
        """Execute, and answer with the first half of the JSON.

        Args:
            keep_bytes: How much of the body is sent; None: half of it.
            how: ``json``: a complete HTTP message whose JSON is cut. ``http``: ``content-length`` announces the whole
                body, the connection ends before it. WebSockets know no such length: there, see `cut_message`.
        """
        effects = {"json": Effect.CUT_BODY, "http": Effect.TRUNCATE}
        if how not in effects:
            raise ValueError(f"how must be json or http, not {how!r}")
        return self._on_request(times, method, path, effects[how], keep_bytes=keep_bytes)

    def answer(
        self,
        status: int,
        method: str = "*",
        path: str = "*",
        *,
        retry_after: str | int | None = None,
        times: int | None = 1,
        body: bytes | str | Mapping[str, Any] | None = None,
    ) -> Fault:
        """Answer with *status* and, where given, a ``Retry-After`` of any form; nothing is executed.

        On the WS API *body* is the reply's ``error``, and *retry_after* goes where the venue puts it.
        """
        text = str(retry_after) if retry_after is not None else None
        default = self.venue.rate_limited(text)
        content = default.body if body is None else _bytes(body)
        response = HttpResponse(status, default.headers, content)
        return self._on_request(times, method, path, Effect.ANSWER, response=lambda: response)

    def execute_but_time_out(self, method: str, path: str, *, times: int | None = 1) -> Fault:
        """Execute, and answer that the backend's answer did not come in time."""
        return self._on_request(times, method, path, Effect.REPLACE_REPLY, response=self.venue.backend_timeout)

    def chaos(
        self,
        seed: int,
        *,
        rate: float = 0.2,
        path: str = "*",
        effects: Iterable[Effect] = (Effect.LOSE_REPLY, Effect.LOSE_REQUEST, Effect.DELAY),
    ) -> None:
        """Hit requests at random, the same ones for the same seed."""
        self.faults.chaos = Chaos(Random(f"chaos:{seed}"), rate, tuple(effects), path)

    def _on_request(self, times: int | None, method: str, path: str, effect: Effect, **what: Any) -> Fault:
        return self.faults.add_request(RequestFault(times, method=method, path=path, effect=effect, **what))

    def ban(self, seconds: float) -> None:
        """Ban every client address, as the venue does to those who ignore its limits."""
        now_ns = self.now_ns()
        self.venue.ban(now_ns + int(seconds * 1e9))

    def delay_visibility(self, seconds: float) -> None:
        """Hide each new order from queries for its first *seconds*."""
        self.now_ns()
        self.venue.set_visibility_delay(int(seconds * 1e9))

    # -- faults of connections -----------------------------------------------------------------------------------

    def cut_connections(self, how: int | str = "fin", *, only: str = "*") -> int:
        """End open WebSockets: with a close code, or ``fin`` or ``rst`` without goodbye. Return how many.

        Args:
            only: Pattern of the connection's target, such as ``/ws-api*``.
        """
        chosen = [c for c in self.ws_connections if fnmatchcase(c.target, only)]
        for connection in chosen:
            if isinstance(how, int):
                connection.close(how, "")
            else:
                connection.drop(how)
        return len(chosen)

    def forget_connections(self, *, only: str = "*") -> int:
        """End open WebSockets without a word, as when the peer has gone while a laptop slept. Return how many.

        Clients' ends stay open and are never answered; new connections are accepted.
        """
        chosen = [c for c in self.ws_connections if fnmatchcase(c.target, only)]
        for connection in chosen:
            connection.vanish()
        return len(chosen)

    def black_hole(self, on: bool = True) -> None:
        """Swallow all bytes in both directions, on every connection, new ones included."""
        self.faults.black_hole = on

    def refuse_connections(self, on: bool = True) -> None:
        """Let no new connection be made."""
        self.faults.refuses_connections = on

    # -- faults of streams ---------------------------------------------------------------------------------------

    def silence(self, topic: str, *, times: int | None = None) -> Fault:
        """Never deliver messages of *topic*, such as ``btcusdt@trade`` or ``user``; it stays acknowledged."""
        return self.faults.add_stream(StreamFault(times, topic=topic, mischief=Mischief.DROP))

    def gap(self, symbol: str, *, times: int = 1) -> Fault:
        """Drop the next book change of *symbol*."""
        topic = self.venue.depth_topic(symbol)
        return self.faults.add_stream(StreamFault(times, topic=topic, mischief=Mischief.DROP))

    def duplicate_next(self, topic: str, *, times: int | None = 1) -> Fault:
        return self.faults.add_stream(StreamFault(times, topic=topic, mischief=Mischief.DUPLICATE))

    def reorder(self, topic: str, *, times: int | None = 1) -> Fault:
        """Deliver the next message of *topic* after the one that follows it."""
        return self.faults.add_stream(StreamFault(times, topic=topic, mischief=Mischief.SWAP))

    def delay_stream(self, topic: str, seconds: float, *, times: int | None = None) -> Fault:
        return self.faults.add_stream(StreamFault(times, topic=topic, mischief=Mischief.DELAY, delay_s=seconds))

    def cut_message(self, topic: str, *, times: int | None = 1) -> Fault:
        """Cut the next message of *topic* in the middle of its JSON."""
        return self.faults.add_stream(StreamFault(times, topic=topic, mischief=Mischief.CUT))

    def rewrite(self, topic: str, change: Callable[[str], str], *, times: int | None = 1) -> Fault:
        """Change the next message of *topic*."""
        return self.faults.add_stream(StreamFault(times, topic=topic, mischief=Mischief.REWRITE, rewrite=change))

    def crossed_level(self, symbol: str) -> Fault:
        """Put a bid above the best ask into the next book change of *symbol*."""
        return self.rewrite(self.venue.depth_topic(symbol), lambda text: self.venue.cross(symbol, text))

    def expire_user_stream(self) -> None:
        """End every private subscription."""
        self.venue.expire_user_streams(self.now_ns())

    def server_shutdown(self) -> None:
        """Announce that the server is about to go away."""
        self.venue.announce_shutdown(self.now_ns())

    def heal(self) -> None:
        """Clear every fault."""
        self.faults.clear()
        self.venue.set_visibility_delay(0)


def _bytes(body: bytes | str | Mapping[str, Any]) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return msgspec.json.encode(body)
