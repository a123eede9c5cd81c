"""Client order ids: made before sending, so that an order can always be asked for."""

from __future__ import annotations

import re
from collections.abc import Callable

from lotusx.errors import InvalidArgument

_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8
_ALLOWED = re.compile(r"[A-Za-z0-9_-]{1,32}")


class ClientOrderIds:
    """Makes ids of 32 characters or fewer from ``[A-Za-z0-9_-]``, which every exchange can carry or encode.

    Args:
        random_bytes: Where randomness comes from, such as `os.urandom`; 5 bits each of 16 bytes make a
            collision unthinkable.
        prefix: Marks the orders of one program, at most 15 characters.

    >>> ClientOrderIds(lambda count: bytes(count), prefix="bot")()
    'bot-aaaaaaaaaaaaaaaa'
    """

    def __init__(self, random_bytes: Callable[[int], bytes], *, prefix: str = "lx") -> None:
        if len(prefix) > 15 or not _ALLOWED.fullmatch(prefix):
            raise InvalidArgument(f"a prefix is 1 to 15 of A-Z a-z 0-9 _ -, not {prefix!r}")
        self._random_bytes = random_bytes
        self._prefix = prefix

    def __call__(self) -> str:
        """Return a new id."""
        return f"{self._prefix}-{self._random_bytes(16).translate(_LETTERS).decode()}"
