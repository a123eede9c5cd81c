"""Connections broken on purpose, at least one for each invariant, which its judge must catch. One file per kind."""

from __future__ import annotations

from rig.broken import books, clocks, connectors, consumers, crowds, endings, limits, messages, orders, sockets, streams
from rig.tamper import Broken

BROKEN: tuple[Broken, ...] = (
    *sockets.BROKEN,
    *messages.BROKEN,
    *connectors.BROKEN,
    *orders.BROKEN,
    *streams.BROKEN,
    *books.BROKEN,
    *consumers.BROKEN,
    *clocks.BROKEN,
    *limits.BROKEN,
    *crowds.BROKEN,
    *endings.BROKEN,
)
"""All of them. `Broken.invariant` names who must catch it."""


def variants(exchange: str) -> list[Broken]:
    """Return those that are a mistake on *exchange*."""
    return [broken for broken in BROKEN if exchange in (broken.exchanges or (exchange,))]
