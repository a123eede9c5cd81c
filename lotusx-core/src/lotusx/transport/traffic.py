"""Counts what goes over the WebSockets of one group. Only there where observers want measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

CONTROL = "control"
"""What is nobody's channel: log-ins, subscriptions, requests and their replies, heartbeats."""


class Traffic:
    """Messages and bytes by direction and kind of channel. A kind is one of a few words, so this stays small."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}

    def received(self, channel: str, messages: Sequence[bytes]) -> None:
        """Count what came in."""
        self._add(("in", channel), len(messages), sum(map(len, messages)))

    def sent(self, text: str) -> None:
        """Count what went out: always control."""
        self._add(("out", CONTROL), 1, len(text.encode()))

    def totals(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield direction, channel, messages and bytes."""
        for (direction, channel), (messages, size) in list(self._counts.items()):
            yield direction, channel, messages, size

    def _add(self, key: tuple[str, str], messages: int, size: int) -> None:
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = [0, 0]
        count[0] += messages
        count[1] += size
