"""Broken watching: of sockets, of channels, of what the account and the book are told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import anyio

import lotusx
from lotusx.errors import ItemRejected, LotusXError
from lotusx.kernel.book.sync import BookSync, Outcome
from lotusx.kernel.budget import ConnectBudget
from lotusx.kernel.context import Kernel
from lotusx.kernel.membership import Silent
from lotusx.kernel.transport import WsConnection, WsHandler
from lotusx.model.market_data import BookUpdate
from rig.broken.messages import OtherConnector, OtherPort
from rig.tamper import Broken, OtherParts, Passing


class _Hopeful(Passing):
    """A connection that takes what could be written for a sign that somebody reads it."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._hope_ns = 0

    @property
    def last_received_ns(self) -> int:
        return max(self._hope_ns, int(self._inner.last_received_ns))

    async def ping(self, payload: bytes = b"") -> None:
        await self._inner.ping(payload)
        self._hope_ns = round(anyio.current_time() * 1e9)

    async def send(self, text: str) -> None:
        await self._inner.send(text)
        self._hope_ns = round(anyio.current_time() * 1e9)


class _HopefulWs(Passing):
    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        hopeful: Any = _Hopeful(await self._inner.connect(url, handler, **settings))
        return hopeful  # type: ignore[no-any-return]  # stands in for a connection


class _NeverSilent(Passing):
    """Subscriptions of which each is well for as long as its socket is."""

    def due(self, number: int, now_ns: int) -> tuple[list[Any], int | None]:
        changes, wake_ns = self._inner.due(number, now_ns)
        return [change for change in changes if not isinstance(change, Silent)], wake_ns


def _groups(exchange: lotusx.Exchange) -> list[Any]:
    return list(cast("Any", exchange)._start.__self__.groups.values())


def _trust_sockets(exchange: lotusx.Exchange) -> None:
    for group in _groups(exchange):
        group.subscriptions = _NeverSilent(group.subscriptions)


def _trust_the_account(exchange: lotusx.Exchange) -> None:
    wiring: Any = cast("Any", exchange)._start.__self__
    wiring.desk.owed.start = wiring.desk.owed.stop


def _forget_budgets(exchange: lotusx.Exchange) -> None:
    for group in _groups(exchange):
        group.budget = ConnectBudget((1_000_000, 1.0))


def _close_first(exchange: lotusx.Exchange) -> None:
    for group in _groups(exchange):
        group.facts = replace(group.facts, duplicates_allowed=False)


class _GivingUp(Passing):
    """Tries five times in a row, and then no more."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._failed = 0

    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        if self._failed >= 5:
            await anyio.sleep_forever()
        try:
            connection: WsConnection = await self._inner.connect(url, handler, **settings)
        except LotusXError:
            self._failed += 1
            raise
        self._failed = 0
        return connection


def _ask_nobody(exchange: lotusx.Exchange) -> None:
    for group in _groups(exchange):
        group._prober = None


class _Numbered(OtherParts):
    """Names a fill after its delivery."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        numbers = itertools.count()

        def numbered(event: Any) -> Any:
            fill = getattr(event, "fill", None)
            if fill is None:
                return event
            return replace(event, fill=replace(fill, trade_id=f"{fill.trade_id}-{next(numbers)}"))

        def other(channel: Any) -> Any:
            def convert(message: bytes, received_ns: int) -> list[Any]:
                return [numbered(event) for event in channel.convert(message, received_ns)]

            return replace(channel, convert=convert)

        account = OtherPort(inner.account, channels=lambda: tuple(other(each) for each in inner.account.channels()))
        return OtherConnector(inner, account=account)


class _Unguarded(BookSync):
    """Shows what it holds, whatever that is."""

    def _apply(self, update: BookUpdate) -> Outcome:
        with suppress(ItemRejected):
            self.ladder.apply(update.bids, update.asks)
        self.number = update.last
        self._anchored = True
        self.counters.applied += 1
        return Outcome.APPLIED

    def _whole(self, update: BookUpdate) -> Outcome:
        with suppress(ItemRejected):
            self.ladder.replace(update.bids, update.asks, complete=self.rule.window is not None)
        self._synced(update.last)
        self._anchored = True
        self.counters.applied += 1
        return Outcome.APPLIED


def _unguard_books(exchange: lotusx.Exchange) -> None:
    market: Any = exchange.market
    make: Callable[..., Any] = market._open_book

    def make_unguarded(*arguments: Any) -> Any:
        book = make(*arguments)
        book._sync.__class__ = _Unguarded
        return book

    market._open_book = make_unguarded


BROKEN = (
    Broken(
        "what could be written was read",
        "I02",
        "a ping that left is taken for an answer; in a half-open socket all pings leave",
        ("suspended",),
        ws=_HopefulWs,
    ),
    Broken(
        "an acknowledgement is success",
        "I03",
        "liveness is judged by socket: a channel that brings nothing is well as long as its siblings speak",
        ("silenced",),
        opened=_trust_sockets,
    ),
    Broken(
        "an account that says nothing has nothing to say",
        "I03",
        "the key lives and pings are answered, so the socket must be well: orders are accepted and never heard of",
        ("account silenced",),
        opened=_trust_the_account,
    ),
    Broken(
        "a quiet market is an alarm",
        "I03",
        "a deadline alone, and nobody asked whether there was anything to say",
        ("nothing",),
        opened=_ask_nobody,
        scenario="a quiet market",
    ),
    Broken(
        "every socket reconnects on its own account",
        "I05",
        "no budget of connections that all sockets share",
        ("nothing",),
        opened=_forget_budgets,
        scenario="many sockets",
    ),
    Broken(
        "five tries",
        "I05",
        "it gives up, and needs a restart",
        ("nothing",),
        ws=_GivingUp,
        scenario="many sockets",
    ),
    Broken(
        "the old socket is closed first",
        "I06",
        "a planned rotation is a reconnect: what comes in between is lost",
        ("nothing",),
        opened=_close_first,
        scenario="rotations",
    ),
    Broken(
        "fills are named after their delivery",
        "I08",
        "what was said twice counts twice",
        ("account messages permuted",),
        manager=_Numbered,
    ),
    Broken(
        "a book without guards",
        "I10",
        "whatever comes is shown: crossed, where a message was wrong",
        ("book levels spoilt", "book levels spoilt"),
        opened=_unguard_books,
    ),
)
