"""Broken beliefs about books."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec.structs import replace as change

from lotusx.kernel.context import Kernel
from rig.tamper import Broken, OtherParts, Passing

_ENDLESS = 10_000


class _Complete(Passing):
    """Market data for which every book is whole."""

    async def order_book(self, *arguments: Any) -> Any:
        found = await self._inner.order_book(*arguments)
        return change(found, complete=True) if hasattr(found, "complete") else found

    def book_rule(self, *arguments: Any) -> Any:
        rule = self._inner.book_rule(*arguments)
        return rule if rule.window is None else replace(rule, window=_ENDLESS)


class _OtherConnector(Passing):
    def __init__(self, inner: Any, market: Any) -> None:
        super().__init__(inner)
        self.market = market


class _NoHorizon(OtherParts):
    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        return _OtherConnector(inner, _Complete(inner.market))


BROKEN = (
    Broken(
        "a part is taken for the whole",
        "I12",
        "a snapshot that was cut at a depth is believed to be complete, and its edge to be the end of the market",
        (),
        manager=_NoHorizon,
        scenario="a price walks",
    ),
)
