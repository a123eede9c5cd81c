"""Client order ids: ours are any text, Hyperliquid's are 16 bytes."""

from __future__ import annotations

import re
from hashlib import blake2b

CAPACITY = 20_000
"""Ids that are remembered: four times as many as an account may have open orders."""

_CLOID = re.compile(r"0x[0-9a-fA-F]{32}")


class Cloids:
    """Writes client order ids as cloids, and reads them back.

    What is a cloid already is sent as it is. Any other text becomes its BLAKE2b digest of 128 bits, which is always the
    same: an order of an earlier run is found by our id, and recognised as soon as that id has been asked for.
    """

    __slots__ = ("_capacity", "_ours")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._ours: dict[str, str] = {}  # by cloid, least recently used first

    def wire(self, client_order_id: str) -> str:
        """Return the cloid of *client_order_id*, in lower case, and remember whose it is."""
        if _CLOID.fullmatch(client_order_id):
            cloid = client_order_id.lower()
            if cloid == client_order_id:
                return cloid
        else:
            cloid = "0x" + blake2b(client_order_id.encode(), digest_size=16).hexdigest()
        self._ours.pop(cloid, None)
        self._ours[cloid] = client_order_id
        if len(self._ours) > self._capacity:
            del self._ours[next(iter(self._ours))]
        return cloid

    def ours(self, cloid: str) -> str:
        """Return the client order id that *cloid* stands for; the cloid itself, where it is none of those we know."""
        return self._ours.get(cloid, cloid)
