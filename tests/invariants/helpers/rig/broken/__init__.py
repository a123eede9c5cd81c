"""Connections broken on purpose, at least one for each invariant, which its judge must catch. One file per kind."""

from __future__ import annotations

from rig.broken import connectors, messages, sockets
from rig.tamper import Broken

BROKEN: tuple[Broken, ...] = (*sockets.BROKEN, *messages.BROKEN, *connectors.BROKEN)
"""All of them. `Broken.invariant` names who must catch it."""
