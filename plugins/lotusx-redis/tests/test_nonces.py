"""Nonces that a server hands out, asked for by several threads of one process."""

from __future__ import annotations

from itertools import count

from lotusx_redis.nonces import RedisNonces
from lotusx_redis.place import Place


class Counting(Place):
    """A server that counts from 7."""

    def __init__(self) -> None:
        self._given = count(7)

    def nonce(self, key: str, least: int) -> int:
        return next(self._given)


class Interrupted(RedisNonces):
    """Another thread asks just when the first nonce has been noted."""

    others: list[int]
    noted = 0

    @property
    def _last(self) -> int:
        return self.noted

    @_last.setter
    def _last(self, nonce: int) -> None:
        self.noted = nonce
        if nonce == 7:
            self.others = [self.next(0)]


def test_a_thread_that_asks_meanwhile_gets_another_nonce() -> None:
    nonces = Interrupted(Counting(), "key")
    assert [nonces.next(0), *nonces.others] == [7, 8]
