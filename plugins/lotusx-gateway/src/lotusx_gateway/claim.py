"""One gateway of an exchange on a broker: two would each know half of what was asked."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from nats.aio.msg import Msg

from lotusx.errors import TransportError
from lotusx_gateway.broker import Broker

_ECHO_S = 1.0
_CLAIMS, _REFUSED = b"claims ", b"exists "


class Claim:
    """What a gateway tells the others: it begins to serve. Of two that begin together the first one heard stays.

    Everybody hears the claims in the order in which the broker has taken them, its own too: who hears another one
    before its own comes too late, and who hears one after its own refuses it.

    Args:
        on_lost: Called when another gateway was first, maybe a moment after `make` has said that there is none.
    """

    def __init__(self, broker: Broker, subject: str, run_id: str, on_lost: Callable[[], object]) -> None:
        self._broker = broker
        self._subject = subject
        self._run_id = run_id.encode()
        self._on_lost = on_lost
        self._heard = anyio.Event()
        self._is_first = False
        self._is_lost = False

    async def make(self) -> bool:
        """Say so; return whether nobody was first."""
        await self._broker.subscribe(self._subject, self._on_message)
        await self._broker.publish(self._subject, _CLAIMS + self._run_id)
        with anyio.move_on_after(_ECHO_S):
            await self._heard.wait()
        return not self._is_lost

    async def _on_message(self, message: Msg) -> None:
        is_claim, whose = message.data.startswith(_CLAIMS), message.data[len(_CLAIMS) :]
        if self._is_lost:
            return
        if is_claim and whose == self._run_id:
            self._is_first = True
            self._heard.set()
        elif is_claim and self._is_first:
            await self._refuse(whose)
        elif is_claim or whose == self._run_id:  # before ours, or the answer to ours
            self._is_lost = True
            self._heard.set()
            self._on_lost()

    async def _refuse(self, other: bytes) -> None:
        try:
            await self._broker.publish(self._subject, _REFUSED + other)
        except TransportError:  # the connection is over, and so is what was claimed over it
            return
