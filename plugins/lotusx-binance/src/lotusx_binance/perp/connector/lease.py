"""The listen key: the address of user data is leased for an hour at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from lotusx.errors import StreamClosed

if TYPE_CHECKING:
    from lotusx_binance.perp.rest import Endpoints

RENEW_S = 60.0
"""A key lives for 60 minutes from its last renewal. It is renewed so often because the answer is all that tells of a
key that somebody else has ended: its socket stays open and silent. It costs a weight of 1.
"""


class ListenKeyLease:
    """Asks for a key before each connection, and keeps it alive while there is one.

    It is never given back: the account has one key at a time, which other processes may use as well.

    Attributes:
        renew_s: Seconds between two renewals.
    """

    renew_s = RENEW_S

    def __init__(self, rest: Endpoints) -> None:
        self._rest = rest
        self._key = ""

    async def address(self, url: str) -> str:
        """Return *url* with the key. Whoever has it can read the account: it belongs in no log.

        ``events=`` is left out: a list of events would be taken at its word, and the end of the key not be told.
        """
        self._key = (await self._rest.start_user_data()).listenKey
        return f"{url}?listenKey={quote(self._key, safe='')}"

    async def renew(self) -> None:
        """Have another hour.

        Raises:
            BadRequest: The key is gone (code -1125): the socket that uses it has been silent since.
            StreamClosed: So is ours, and the account has another one by now.
        """
        kept = (await self._rest.keep_user_data()).listenKey
        if kept not in ("", self._key):
            raise StreamClosed("the account has another listen key by now")
