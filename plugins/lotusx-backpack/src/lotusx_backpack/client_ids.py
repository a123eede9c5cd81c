"""Client order ids: ours are any text, Backpack's are 32-bit numbers."""

from __future__ import annotations

from hashlib import blake2b

from lotusx.errors import InvalidArgument

CAPACITY = 50_000
"""Ids that are remembered, those used longest ago forgotten first."""

_HIGHEST = 2**32 - 1


class ClientIds:
    """Gives client order ids their numbers, and reads numbers back. No number stands for two ids at a time.

    A decimal number of 32 bits is sent as it is. Any other text gets the number its digest begins with or, where that
    belongs to another id, the next one that is free: 0 is never given.

    After a restart nothing is remembered. An id then has the number its digest begins with again, so an order of an
    earlier run is found by our id, and recognised from the moment that id is asked for; until then its reports carry
    the number itself. Two exceptions, which take two ids with one digest of 32 bits: an id that had to take the next
    free number is found by the exchange's id only, and an id that nobody remembers may share its number with a new one,
    unless a report has shown that number since the start.
    """

    __slots__ = ("_capacity", "_ids", "_numbers")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._ids: dict[int, str | None] = {}  # by number, least recently used first; None: seen, and not ours
        self._numbers: dict[str, int] = {}

    def new(self, client_order_id: str) -> int:
        """Return the number for an order that is about to be sent: one that no other order is known to have.

        Raises:
            InvalidArgument: It is a number that already stands for another id.
        """
        number = self._numbers.get(client_order_id)
        if number is None:
            number = self._as_it_is(client_order_id)
            if number is None:
                number = _digest(client_order_id)
                while number in self._ids:
                    number = number % _HIGHEST + 1
        return self._remember(number, client_order_id)

    def of(self, client_order_id: str) -> int:
        """Return the number under which the order with that id is asked for.

        Raises:
            InvalidArgument: It is a number that stands for another id.
        """
        number = self._numbers.get(client_order_id)
        if number is None:
            number = self._as_it_is(client_order_id)
            if number is None:
                number = _digest(client_order_id)
                while self._ids.get(number) is not None:
                    number = number % _HIGHEST + 1
        return self._remember(number, client_order_id)

    def ours(self, number: int) -> str:
        """Return the client order id that *number* stands for; the number itself, where it is none of those we know.

        Such a number is remembered as taken.
        """
        name = self._ids.pop(number, None)
        self._ids[number] = name
        self._forget()
        return str(number) if name is None else name

    def _as_it_is(self, client_order_id: str) -> int | None:
        if not (client_order_id.isascii() and client_order_id.isdecimal() and len(client_order_id) <= 10):
            return None
        number = int(client_order_id)
        if number > _HIGHEST or str(number) != client_order_id:
            return None
        owner = self._ids.get(number)
        if owner is not None and owner != client_order_id:
            raise InvalidArgument(
                f"client order id {client_order_id} is the number of {owner!r} here; use another",
                rule="client_order_id",
            )
        return number

    def _remember(self, number: int, client_order_id: str) -> int:
        self._ids.pop(number, None)
        self._ids[number] = client_order_id
        self._numbers[client_order_id] = number
        self._forget()
        return number

    def _forget(self) -> None:
        if len(self._ids) > self._capacity:
            oldest = next(iter(self._ids))
            name = self._ids.pop(oldest)
            if name is not None:
                del self._numbers[name]


def _digest(client_order_id: str) -> int:
    """Return a number from 1 to 2**32 - 1, the same in every run."""
    return int.from_bytes(blake2b(client_order_id.encode(), digest_size=8).digest()) % _HIGHEST + 1
