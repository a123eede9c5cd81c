"""How the account is set up: its mode and position mode decide what orders must say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lotusx.errors import ConnectionFailed, TransportError
from lotusx_okx import account_types as types
from lotusx_okx.order_requests import Setup

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_okx.native import OkxNative

HEDGED = "long_short_mode"

_config = msgspec.json.Decoder(types.Config).decode


class AccountSetup:
    """Asked for once, before the first order, and again whenever somebody asks for the account's permissions.

    Who switches the position mode elsewhere meanwhile has orders refused by the exchange.
    """

    def __init__(self, kernel: Kernel, rest: OkxNative) -> None:
        self._exchange = kernel.facts.name
        self._rest = rest
        self._known: Setup | None = None
        rest.when_position_mode_is_set = self.forget

    def forget(self) -> None:
        """Ask again before the next order."""
        self._known = None

    async def read(self) -> tuple[types.Config, dict[str, object]]:
        """Ask the exchange; return the configuration, and the whole document."""
        document = await self._rest.config()
        config = _config(document)
        self._known = Setup(config.acctLv, config.posMode == HEDGED)
        raw: dict[str, object] = msgspec.json.decode(document)
        return config, raw

    async def before_order(self) -> Setup:
        """Return what is known, or ask.

        Raises:
            ConnectionFailed: That could not be read; nothing was sent.
        """
        if self._known is None:
            try:
                await self.read()
            except TransportError as error:
                text = f"{self._exchange}: nothing was sent, for how the account is set up could not be read: {error}"
                raise ConnectionFailed(text, sent=False) from error
        assert self._known is not None, "reading it has set it"
        return self._known
