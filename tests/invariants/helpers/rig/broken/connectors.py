"""Broken ports and signers."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lotusx.errors import LotusXError
from lotusx.kernel.context import Kernel
from lotusx.kernel.ports import Page
from lotusx.kernel.secrets import Secret
from rig.tamper import Broken, OtherParts, Passing

logger = logging.getLogger("lotusx.broken")
_TRIES = 3


class _OtherConnector(Passing):
    def __init__(self, inner: Any, trading: Any) -> None:
        super().__init__(inner)
        self.trading = trading


class _OtherTrading(OtherParts):
    trading: type[Passing]

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        return _OtherConnector(inner, self.trading(inner.trading))


class _Retrying(Passing):
    """Trading that "retries any network error"."""

    async def place(self, request: Any, instrument: Any) -> Any:
        for left in reversed(range(_TRIES)):
            try:
                return await self._inner.place(request, instrument)  # under the id of the first try
            except LotusXError as error:
                if not left or not (error.may_have_executed or error.retryable):
                    raise
        raise AssertionError("unreachable")


class _Resending(_OtherTrading):
    trading = _Retrying


class _Renaming(Passing):
    """Trading whose history names fills otherwise than the stream does."""

    async def fills_page(self, *arguments: Any) -> Page[Any]:
        return self._renamed(await self._inner.fills_page(*arguments))

    async def account_fills_page(self, *arguments: Any) -> Page[Any]:
        return self._renamed(await self._inner.account_fills_page(*arguments))

    @staticmethod
    def _renamed(page: Page[Any]) -> Page[Any]:
        return Page([replace(fill, trade_id=f"h{fill.trade_id}") for fill in page.items], page.cursor)


class _OtherNames(_OtherTrading):
    trading = _Renaming


class _Forgetting(Passing):
    """Trading that has no history to recover from."""

    async def fills_page(self, *arguments: Any) -> Page[Any]:
        return Page([], None)

    async def account_fills_page(self, *arguments: Any) -> Page[Any]:
        return Page([], None)

    async def fills_of(self, *arguments: Any) -> list[Any]:
        return []


class _NoHistory(_OtherTrading):
    trading = _Forgetting


class _Floating(Passing):
    """Trading with a float in the path."""

    async def place(self, request: Any, instrument: Any) -> Any:
        numbers = {
            name: Decimal(repr(float(number)))
            for name in ("price", "quantity")
            if (number := getattr(request, name)) is not None
        }
        return await self._inner.place(request.model_copy(update=numbers), instrument)


class _Floats(_OtherTrading):
    trading = _Floating


class _TalkativeSigner(Passing):
    """A signer that helps to find out why a signature was refused."""

    def __init__(self, inner: Any, secrets: Sequence[str]) -> None:
        super().__init__(inner)
        self._secrets = secrets

    def sign_request(self, request: Any, context: Any) -> Any:
        encoded = [base64.b64encode(f"secret={secret}".encode()).decode() for secret in self._secrets]
        logger.debug("signing with %s", encoded)
        return self._inner.sign_request(request, context)


class _Talkative(OtherParts):
    def other_signer(self, signer: Any, credentials: Mapping[str, Any]) -> Any:
        secrets = [value.reveal() if isinstance(value, Secret) else value for value in credentials.values()]
        return _TalkativeSigner(signer, secrets)


BROKEN = (
    Broken(
        "orders are sent again",
        "I15",
        "any network error is retried, on state-changing calls too",
        ("commands in doubt", "commands in doubt"),
        manager=_Resending,
    ),
    Broken(
        "history has other names for fills",
        "I18",
        "trade ids of REST and stream do not agree, so that a recovered fill is told twice",
        ("cut private",),
        manager=_OtherNames,
    ),
    Broken(
        "fills are not asked for",
        "I18",
        "after a loss only open orders are fetched: what was filled meanwhile is never told",
        ("unreachable",),
        manager=_NoHistory,
        exchanges=("binance",),  # elsewhere a new subscription to fills begins with those of before
    ),
    Broken(
        "a float in the path",
        "I23",
        "numbers go through a binary fraction on their way to the wire",
        ("nothing",),
        manager=_Floats,
    ),
    Broken(
        "a signer that logs",
        "I25",
        "what is signed with is logged at DEBUG, encoded, where a redactor does not look",
        ("nothing",),
        manager=_Talkative,
    ),
)
