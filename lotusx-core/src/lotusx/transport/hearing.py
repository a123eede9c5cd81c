"""Lets observers hear what public streams bring: in the place of the parts that stay deaf and cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lotusx.kernel.codec import Channel, ChannelKind
from lotusx.kernel.telemetry import EventsDelivered, FrameSent, FramesReceived, Telemetry
from lotusx.transport.session import Session


class Hearing:
    """What one group of sockets tells those observers that hear streams."""

    def __init__(self, telemetry: Telemetry, exchange: str, group: str) -> None:
        self.telemetry = telemetry
        self.exchange = exchange
        self.group = group

    def session(self, *given: Any, **named: Any) -> Session:
        """Make a session that tells what it receives and sends."""
        return _HeardSession(self, *given, **named)

    def delivered(self, channel: Channel[Any]) -> Callable[[Sequence[Any]], None]:
        """Return what tells of the events of *channel*."""
        tell, exchange, group, key, kind = self.telemetry.tell, self.exchange, self.group, channel.key, channel.kind

        def told(events: Sequence[Any]) -> None:
            if events:
                tell(EventsDelivered(exchange, group, key, kind, events))

        return told


class _HeardSession(Session):
    def __init__(self, hearing: Hearing, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._hearing = hearing
        self._public = self._private = False

    def _hand_over(self, key: str, run: list[bytes], received_ns: int, now_ns: int) -> None:
        member = self._table.get(key)
        if run and member is not None and member.kind is not ChannelKind.ACCOUNT:
            to = self._hearing
            to.telemetry.tell(
                FramesReceived(to.exchange, to.group, self.number, key, member.kind, received_ns, tuple(run))
            )
        super()._hand_over(key, run, received_ns, now_ns)

    async def say(self, text: str) -> None:
        # A socket that ever served an account is sent what is signed, and one that serves nothing yet logs in.
        kinds = {member.kind for member in self.members} if self.opened_ns is not None else set()
        self._private = self._private or ChannelKind.ACCOUNT in kinds
        self._public = self._public or bool(kinds)
        if self._public and not self._private:
            to = self._hearing
            to.telemetry.tell(FrameSent(to.exchange, to.group, self.number, self._clock.now_ns(), text))
        await super().say(text)
