"""Checks of a WebSocket dialect: what is said, whose each message is, and what a message that is cut off becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from lotusx.errors import ItemRejected
from lotusx.kernel.codec import Ack, Channel, WsCodec
from lotusx.kernel.facts import ExchangeFacts
from lotusx.kernel.request import SigningContext
from lotusx.plugin.manager import PluginManager
from lotusx_testing.fakes import FakeInstruments, FakeKernel

NOW = SigningContext(now_ms=1_770_000_000_000, nonce=1)
RECEIVED_NS = 1_770_000_000_000_000_000
_UNREADABLE = (ItemRejected, msgspec.DecodeError, UnicodeDecodeError)


@dataclass(frozen=True)
class Conversation:
    """One channel as the exchange documents it.

    Attributes:
        channel: Returns it, such as ``lambda x: x.market.trades_channel(BTC)``.
        said: What subscribes to it as request 1, as JSON texts; ``None``: whatever it is.
        answer: What the exchange answers to that; ``None``: nothing.
        messages: Whole ones, as documented.
        events: How many events they become together.
    """

    name: str
    channel: Callable[[Any], Channel[Any]]
    said: Sequence[str] | None
    answer: bytes | None
    messages: Sequence[bytes]
    events: int

    def __str__(self) -> str:
        return self.name

    def check(
        self,
        facts: ExchangeFacts,
        *,
        credentials: Mapping[str, Any] | None = None,
        instruments: FakeInstruments | None = None,
        plugins: PluginManager | None = None,
    ) -> list[Any]:
        """Go through it with the plugin's own codec and converter; return the events.

        Raises:
            AssertionError: Something is said, routed or converted otherwise, or depends on what was before.
        """
        manager = plugins or PluginManager(facts.name)
        kernel = FakeKernel(facts, credentials=credentials or {})
        kernel.instruments = instruments or kernel.instruments
        environment = facts.environments[kernel.environment]
        signer = manager.signer(environment, credentials) if credentials else None
        channel = self.channel(manager.connector(kernel.build()))
        codecs = manager.codecs(environment, signer, credentials or {})
        self._holds(channel.group in codecs, f"there is no codec for the group {channel.group!r}")
        codec = codecs[channel.group]
        self._subscribes(codec, channel)
        events = [event for message in self.messages for event in self._read(codec, channel, message)]
        self._holds(len(events) == self.events, f"{len(events)} events, not {self.events}: {events}")
        for message in self.messages:
            self._cut(codec, channel, message)
        self._begins(codec, channel)
        return events

    def _subscribes(self, codec: WsCodec, channel: Channel[Any]) -> None:
        said = codec.subscribe([channel.key], 1, NOW)
        self._holds(said == codec.subscribe([channel.key], 1, NOW), "subscribing twice says two things")
        self._holds(codec.unsubscribe([channel.key], 2, NOW), "nothing is said to unsubscribe")
        if self.said is not None:
            found, wanted = [json.loads(text) for text in said], [json.loads(text) for text in self.said]
            self._holds(found == wanted, f"said {found}, documented {wanted}")
        if self.answer is not None:
            answer = codec.route(self.answer)
            self._holds(isinstance(answer, Ack), f"the answer is routed as {answer!r}, not as an Ack")
            if isinstance(answer, Ack):
                ours = answer.request_id == 1 if answer.request_id is not None else answer.key == channel.key
                self._holds(ours and answer.error is None, f"the answer is {answer!r}, not the yes to request 1")

    def _read(self, codec: WsCodec, channel: Channel[Any], message: bytes) -> Sequence[Any]:
        whose = codec.route(message)
        self._holds(
            whose == channel.key, f"a message is routed to {whose!r}, not to {channel.key!r}: {message[:200]!r}"
        )
        return channel.convert(message, RECEIVED_NS)

    def _cut(self, codec: WsCodec, channel: Channel[Any], message: bytes) -> None:
        """A part of a message may be routed, since routing does not read all of it; it never becomes an event."""
        for end in {1, len(message) // 3, len(message) // 2, len(message) - 1}:
            part = message[:end]
            try:
                whose = codec.route(part)
                events = channel.convert(part, RECEIVED_NS) if whose == channel.key else ()
            except _UNREADABLE:
                continue
            self._holds(not events, f"a message that was cut off became {events}: {part[-80:]!r}")

    def _begins(self, codec: WsCodec, channel: Channel[Any]) -> None:
        """What is told by its beginning alone is not routed: no other message may have it, such as of a longer name."""
        begins = channel.begins
        if not begins or not self.messages:
            return
        known = [message for message in self.messages if message.startswith(begins)]
        self._holds(known, f"no message begins with {begins!r}")
        longer = [text[:at] + b"0" + text[at:] for text in known for at in range(len(begins), len(text))]
        for message in longer:
            try:
                whose = codec.route(message)
            except _UNREADABLE:
                continue
            ours = not isinstance(whose, str) or whose == channel.key
            self._holds(ours, f"messages of {whose!r} begin with {begins!r}, too")

    def _holds(self, truth: object, otherwise: str) -> None:
        if not truth:
            raise AssertionError(f"{self.name}: {otherwise}")
