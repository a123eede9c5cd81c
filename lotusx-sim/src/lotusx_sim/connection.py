"""The fault layer of one WebSocket: between what a venue says and what a shell sends."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from lotusx_sim.faults import Effect, FaultPlan, Mischief
from lotusx_sim.venue import Outbox, WsPeer
from lotusx_sim.wire import HttpResponse


class Host(Protocol):
    """What a connection needs of the simulation it belongs to."""

    @property
    def faults(self) -> FaultPlan: ...

    def now_ns(self) -> int: ...

    def count_request(self, method: str, path: str) -> None: ...

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do *action* after *delay_s* of the simulation's time."""

    def name_of_ws(self, target: str, text: str) -> str:
        """Return what faults and counters call a message from a client."""

    def is_request(self, target: str, text: str) -> bool:
        """Tell whether faults of requests may hit a message from a client."""

    def ws_reply(self, request: str, response: HttpResponse) -> str:
        """Return *response* as the venue's reply to a request over a WebSocket."""

    def changed(self) -> None:
        """Take note that something may be due earlier than before."""

    def forget(self, connection: "SimulatedConnection") -> None:
        """Take note that *connection* has ended."""


@dataclass(frozen=True, slots=True)
class ShellSide:
    """What a shell can do with a socket. ``drop("fin")`` ends it without goodbye, ``drop("rst")`` resets it."""

    send: Callable[[str], None]
    close: Callable[[int, str], None]
    drop: Callable[[str], None]


class SimulatedConnection:
    """One WebSocket of a client, as the simulation knows it."""

    def __init__(self, host: Host, target: str, client_ip: str, shell: ShellSide) -> None:
        self.target = target
        self.client_ip = client_ip
        self.sent = 0
        self.received = 0
        self._host = host
        self._shell = shell
        self._peer: WsPeer | None = None
        self._swapped: list[tuple[str, str]] = []  # (pattern, text): waits for the next message of its topic
        self._mutes_replies = False
        self.is_open = True

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def outbox(self) -> Outbox:
        return Outbox(self._from_venue, self._close_from_venue, self.drop)

    def attach(self, peer: WsPeer) -> None:
        self._peer = peer

    # -- from the client -----------------------------------------------------------------------------------------

    def receive(self, text: str, now_ns: int) -> None:
        if self._peer is None or not self.is_open or self._host.faults.black_hole:
            return
        self.received += 1
        method = self._host.name_of_ws(self.target, text)
        self._host.count_request("WS", method)
        faults = self._host.faults
        is_hit = faults.hits_requests and self._host.is_request(self.target, text)
        hits = faults.for_request("WS", method) if is_hit else []
        effects = {fault.effect: fault for fault in hits}
        if Effect.LOSE_REQUEST in effects:
            return
        answered = effects.get(Effect.ANSWER)
        if answered is not None and answered.response is not None:
            self.send(self._host.ws_reply(text, answered.response()))
            return
        lost = effects.get(Effect.LOSE_REPLY)
        self._mutes_replies = lost is not None
        try:
            self._peer.receive(text, now_ns)
        finally:
            self._mutes_replies = False
            self._host.changed()
        if lost is not None and lost.lost_by != "hang":
            self.drop("rst" if lost.lost_by == "reset" else "fin")

    def pinged(self, now_ns: int) -> None:
        if self._peer is not None and self.is_open:
            self._peer.pinged(now_ns)

    def gone(self, now_ns: int) -> None:
        """The socket has ended, whoever ended it."""
        if self.is_open:
            self.is_open = False
        if self._peer is not None:
            peer, self._peer = self._peer, None
            peer.closed(now_ns)
        self._host.forget(self)

    # -- to the client -------------------------------------------------------------------------------------------

    def _from_venue(self, text: str, topic: str) -> None:
        if self._mutes_replies and not topic:
            return
        delay_s = 0.0
        times = 1
        for fault in self._host.faults.for_message(topic, text, self._host.now_ns()):
            if fault.mischief is Mischief.DROP:
                return
            if fault.mischief is Mischief.DUPLICATE:
                times = 2
            elif fault.mischief is Mischief.SWAP:
                self._swapped.append((fault.topic, text))
                return
            elif fault.mischief is Mischief.REWRITE and fault.rewrite is not None:
                text = fault.rewrite(text)
            elif fault.mischief is Mischief.CUT:
                text = text[: len(text) // 2]
            elif fault.mischief is Mischief.DELAY:
                delay_s = max(delay_s, fault.delay_s)
        texts = [text] * times
        if topic and self._swapped:
            texts += [held for _, held in self._swapped]
            self._swapped.clear()
        for ready in texts:
            if delay_s:
                self._host.later(delay_s, partial(self.send, ready))
            else:
                self.send(ready)

    def send(self, text: str) -> None:
        """Send *text* as it stands, valid or not."""
        if self.is_open and not self._host.faults.black_hole:
            self.sent += 1
            self._shell.send(text)

    def _close_from_venue(self, code: int, reason: str) -> None:
        self.close(code, reason)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye with *code*."""
        if self.is_open:
            self.is_open = False
            self._shell.close(code, reason)

    def vanish(self) -> None:
        """End the socket here, without a word: the client's end of it stays open, and nobody answers it."""
        if self.is_open:
            self.gone(self._host.now_ns())

    def drop(self, how: str) -> None:
        """End the socket without goodbye: ``fin`` or ``rst``."""
        if self.is_open:
            self.is_open = False
            self._shell.drop(how)
