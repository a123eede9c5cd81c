"""Client order ids: ours are any text, OKX's are up to 32 letters and digits."""

from __future__ import annotations

import re
from hashlib import blake2b

CAPACITY = 20_000
"""Ids that are remembered: five times as many as an account may have pending orders."""

_AS_IT_IS = re.compile(r"[A-Za-z0-9]{1,32}")


class ClientIds:
    """Writes client order ids as ``clOrdId``, and reads them back.

    What OKX takes is sent as it is. Any other text, such as the ids that the core makes, becomes its BLAKE2b digest of
    128 bits, which is always the same: an order of an earlier run is found by our id, and recognised as soon as that id
    has been asked for.
    """

    __slots__ = ("_capacity", "_ours")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._ours: dict[str, str] = {}  # by clOrdId, least recently used first

    def wire(self, client_order_id: str) -> str:
        """Return the ``clOrdId`` of *client_order_id*, and remember whose it is."""
        if _AS_IT_IS.fullmatch(client_order_id):
            return client_order_id
        name = blake2b(client_order_id.encode(), digest_size=16).hexdigest()
        self._ours.pop(name, None)
        self._ours[name] = client_order_id
        if len(self._ours) > self._capacity:
            del self._ours[next(iter(self._ours))]
        return name

    def ours(self, name: str) -> str | None:
        """Return the client order id that ``clOrdId`` stands for; itself, where it is none of those we know."""
        return self._ours.get(name, name) or None
