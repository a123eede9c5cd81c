"""Asking the exchange what an account has missed. Reads only: nothing is applied here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio

from lotusx.errors import Banned, LotusXError, NotSupported, OrderNotFound
from lotusx.history import all_pages
from lotusx.kernel.orders.leg import total
from lotusx.kernel.orders.merge import fill_key
from lotusx.kernel.ports import Span
from lotusx.model.account import FillEvent, OrderEvent
from lotusx.orders.looking import FILLS_MARGIN_NS, READ_GRACE_S, all_fills
from lotusx.orders.terms import names_of

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.ledger import Ledger
    from lotusx.kernel.orders.merge import FillKey, TrackedOrder
    from lotusx.kernel.ports import AccountPort, TradingPort
    from lotusx.model.account import AccountEvent, Balance, FundingPayment, Position
    from lotusx.model.instruments import Instrument
    from lotusx.model.orders import Fill, OrderState
    from lotusx.model.symbol import Symbol
    from lotusx.orders.desk import OrderDesk

T = TypeVar("T")
AT_ONCE = 8
"""Orders asked for side by side."""
_NONE = Decimal(0)


@dataclass(slots=True)
class Found:
    """What one round of recovery learnt, before any of it is applied.

    Attributes:
        before_balances, before_positions: How many events were held when these were asked for. What such an event says
            of them is older than the answer.
    """

    states: list[OrderState] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    payments: list[FundingPayment] = field(default_factory=list)
    absent: list[TrackedOrder] = field(default_factory=list)
    balances: Sequence[Balance] | None = None
    positions: Sequence[Position] | None = None
    before_balances: int = 0
    before_positions: int = 0


def short_of_fills(
    ledger: Ledger, found: Found, since_ns: int, held: Sequence[AccountEvent] = ()
) -> list[tuple[TrackedOrder, list[str | None]]]:
    """Return the orders whose fills, the known and the *found* ones, add up to less than was executed, and their ids.

    What waits behind the recovery (*held*) counts too: of an order whose placing is under way nothing else may tell.
    An order placed elsewhere counts only if its fills were complete before: of older ones nobody knows. One of which
    nothing was found now, and that was last told of before *since_ns* (the exchange's time), is no matter of this one.
    """
    said: dict[int, dict[str | None, Decimal]] = {}
    became: dict[tuple[Symbol, str | None], TrackedOrder] = {}  # by ids that the ledger does not know yet
    for state in (*found.states, *(event.state for event in held if isinstance(event, OrderEvent))):
        order = ledger.find(state.symbol, state.client_order_id, state.venue_order_id)
        if order is not None:
            of_order = said.setdefault(id(order), {})
            of_order[state.venue_order_id] = max(state.filled, of_order.get(state.venue_order_id, _NONE))
            became[(state.symbol, state.venue_order_id)] = order
    fills: dict[int, dict[FillKey, Decimal]] = {}
    for fill in (*found.fills, *(event.fill for event in held if isinstance(event, FillEvent))):
        order = ledger.find(fill.symbol, fill.client_order_id, fill.venue_order_id)
        order = order or became.get((fill.symbol, fill.venue_order_id))
        if order is not None:
            fills.setdefault(id(order), {})[fill_key(fill)] = fill.quantity
    short = []
    for order in ledger.orders():
        news, more = said.get(id(order), {}), fills.get(id(order), {})
        known = order.filled_by_fills
        before = total(leg.filled for leg in order.legs)
        if before > known and not order.own:
            continue
        if not news and 0 < order.state.updated_ns < since_ns:
            continue
        legs = {leg.venue_order_id: leg.filled for leg in order.legs}
        ids = list({**legs, **news})
        executed = total(max(legs.get(name, _NONE), news.get(name, _NONE)) for name in ids)
        if executed > total((known, *(quantity for key, quantity in more.items() if key not in order.fills))):
            short.append((order, ids))
    return short


class Asker:
    """Collects what the exchange knows of an account; failed reads are repeated for as long as that may help.

    Args:
        instrument_of, refresh, unlisted, exchange_ns: As in `lotusx.account_stream.AccountStream`.
    """

    def __init__(
        self,
        desk: OrderDesk,
        trading: TradingPort,
        account: AccountPort,
        clock: Clock,
        *,
        instrument_of: Callable[[Symbol], Instrument | None],
        refresh: Callable[[], Awaitable[object]] | None,
        unlisted: Callable[[Symbol], object] | None,
        exchange_ns: Callable[[int], int] | None,
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._account = account
        self._clock = clock
        self._instrument_of = instrument_of
        self._refresh = refresh
        self._unlisted = unlisted
        self._exchange_ns = exchange_ns

    async def collect(
        self, lost_ns: int, symbols: Iterable[Symbol], held: Callable[[], Sequence[AccountEvent]]
    ) -> Found:
        """Ask for everything since *lost_ns* (our wall time).

        Args:
            symbols: What this account is known to have traded.
            held: The events of the channels that wait behind the recovery now.
        """
        found = await self.collect_history(lost_ns, symbols, held)

        async def balances() -> Sequence[Balance]:
            found.before_balances = len(held())
            return await self._account.balances()

        async def positions() -> Sequence[Position]:
            found.before_positions = len(held())
            return await self._account.positions()

        found.balances = await self._read(balances)
        found.positions = await self._read(positions)
        return found

    async def collect_history(
        self, lost_ns: int, symbols: Iterable[Symbol], held: Callable[[], Sequence[AccountEvent]]
    ) -> Found:
        """Ask for orders, fills and funding payments: what can be merged at any time. Arguments as in `collect`."""
        found = Found()
        since_ns = lost_ns if self._exchange_ns is None else self._exchange_ns(lost_ns)  # as our clock is set now
        believed = self._desk.ledger.unfinished()
        listed = await self._read(lambda: self._trading.open_orders(None))
        found.states = list(listed or ())
        listed_ids = {
            (state.symbol, name) for state in found.states for name in (state.client_order_id, state.venue_order_id)
        }
        gone = [
            order
            for order in believed
            if not any(
                name and (order.symbol, name) in listed_ids
                for name in (order.state.client_order_id, order.state.venue_order_id)
            )
        ]
        span = Span(start_ns=max(since_ns - FILLS_MARGIN_NS, 0))
        start_ns = span.start_ns or 0
        untold = short_of_fills(self._desk.ledger, found, start_ns, held())  # a reply may have told the end only
        known = (
            *(order.symbol for order in (*believed, *(order for order, _ in untold))),
            *(state.symbol for state in found.states),
        )
        instruments = await self._listed(dict.fromkeys([*symbols, *known]))
        gone = [order for order in gone if order.symbol in instruments]
        patient_ns = self._clock.monotonic_ns() + int(READ_GRACE_S * 1e9)
        for start in range(0, len(gone), AT_ONCE):
            await self._ask_each(gone[start : start + AT_ONCE], instruments, found, patient_ns)
        found.fills = await self._fills(instruments.values(), span)
        await self._fills_untold(instruments, found, start_ns, patient_ns, held)
        found.fills.sort(key=lambda fill: fill.exchange_ns)
        found.payments = (
            await self._read(lambda: all_pages(partial(self._account.funding_payments_page, None, span))) or []
        )
        return found

    async def _listed(self, symbols: Iterable[Symbol]) -> dict[Symbol, Instrument]:
        """Return the instruments of *symbols*, looked for once more in a fresh list; say which are not in it."""
        listed = {symbol: self._instrument_of(symbol) for symbol in symbols}
        if self._refresh is not None and None in listed.values():
            await self._read(self._refresh)
            listed = {symbol: self._instrument_of(symbol) for symbol in listed}
        for symbol, instrument in listed.items():
            if instrument is None and self._unlisted is not None:
                self._unlisted(symbol)
        return {symbol: instrument for symbol, instrument in listed.items() if instrument is not None}

    async def _fills(self, instruments: Iterable[Instrument], span: Span) -> list[Fill]:
        """Ask for the whole account where that can be done, and else for what is known to have traded."""
        of_account = await self._read(lambda: all_pages(partial(self._trading.account_fills_page, span)))
        if of_account is not None:
            return of_account
        fills: list[Fill] = []
        for instrument in instruments:
            fills += await self._read(partial(all_fills, self._trading, instrument, span)) or []
        return fills

    async def _fills_untold(
        self,
        instruments: Mapping[Symbol, Instrument],
        found: Found,
        since_ns: int,
        patient_ns: int,
        held: Callable[[], Sequence[AccountEvent]],
    ) -> None:
        """Ask, until *patient_ns*, for fills of orders that executed more than the fills found add up to.

        Exchanges list fills late: an order may be known to have executed, and its fill be in no list yet.
        """

        def still_short() -> list[tuple[TrackedOrder, list[str | None]]]:
            short = short_of_fills(self._desk.ledger, found, since_ns, held())
            return [(order, ids) for order, ids in short if order.symbol in instruments]

        delay_s = 0.25
        short = still_short()
        while short:
            for start in range(0, len(short), AT_ONCE):
                failures: list[LotusXError] = []
                async with anyio.create_task_group() as group:
                    for order, ids in short[start : start + AT_ONCE]:
                        group.start_soon(self._fills_of, order, ids, instruments[order.symbol], found, failures)
                if failures:
                    raise failures[0]
            short = still_short()
            if not short or self._clock.monotonic_ns() >= patient_ns:
                return
            await self._clock.sleep(delay_s)
            delay_s *= 2

    async def _fills_of(
        self,
        order: TrackedOrder,
        ids: Sequence[str | None],
        instrument: Instrument,
        found: Found,
        failures: list[LotusXError],
    ) -> None:
        for venue_order_id in ids:
            part = replace(order.state, venue_order_id=venue_order_id)
            try:
                found.fills += await self._read(partial(self._trading.fills_of, part, instrument)) or []
            except OrderNotFound:
                continue  # the order, too, is listed late
            except LotusXError as error:
                failures.append(error)
                return

    async def _ask_each(
        self,
        orders: Sequence[TrackedOrder],
        instruments: Mapping[Symbol, Instrument],
        found: Found,
        patient_ns: int,
    ) -> None:
        """Ask for *orders*. One that the exchange is known to have and does not find is asked for until *patient_ns*.

        Exchanges answer reads late: of an order placed just before the loss, neither list nor query may know.
        """
        answers: dict[int, OrderState] = {}
        failures: list[LotusXError] = []

        async def ask(index: int) -> None:
            order = orders[index]
            instrument = instruments[order.symbol]
            delay_s = 0.25
            while True:
                asked_ns = self._clock.monotonic_ns()
                try:
                    state = await self._read(lambda: self._trading.order(names_of(order), instrument))
                except OrderNotFound:
                    if await self._desk.absent(order, instrument, asked_ns):
                        found.absent.append(order)
                    elif order.known_to_exchange and self._clock.monotonic_ns() < patient_ns:
                        await self._clock.sleep(delay_s)
                        delay_s *= 2
                        continue
                except LotusXError as error:
                    failures.append(error)
                else:
                    if state is not None:
                        answers[index] = state
                return

        async with anyio.create_task_group() as group:
            for index in range(len(orders)):
                group.start_soon(ask, index)
        if failures:
            raise failures[0]
        found.states += [answers[index] for index in sorted(answers)]

    async def _read(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Read, again and again while that may help; ``None``: the exchange has no such thing."""
        delay_s = 0.25
        while True:
            try:
                return await call()
            except NotSupported:
                return None
            except LotusXError as error:
                if not error.retryable and not isinstance(error, Banned):  # a ban ends; until then nothing is sent
                    raise
                await self._clock.sleep(max(delay_s, error.after_s or 0.0))
                delay_s = min(delay_s * 2, 10.0)
