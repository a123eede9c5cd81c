"""Finding out what became of a command in doubt: by looking, never by sending it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import (
    DuplicateOrder,
    ExchangeError,
    InvalidOrder,
    LotusXError,
    NotSupported,
    OrderNotFound,
    Unavailable,
)
from lotusx.history import all_pages
from lotusx.kernel.orders.outcome import Command
from lotusx.kernel.ports import Amendment, OrderRef, Span
from lotusx.model.account import AccountEvent
from lotusx.model.enums import OrderStatus
from lotusx.model.orders import Fill, OrderState
from lotusx.orders.terms import names_of
from lotusx.orders.waiting import first_of

if TYPE_CHECKING:
    from decimal import Decimal

    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.kernel.ports import TradingPort
    from lotusx.model.enums import Side
    from lotusx.model.instruments import Instrument

FIRST_DELAY_S = 0.25
LAST_DELAY_S = 2.0
READ_GRACE_S = 5.0
"""How long an order that the exchange has may still be hidden from reads."""
FILLS_MARGIN_NS = 60_000_000_000
"""How far before the moment of interest the exchange is asked: its clock is not ours."""

Learn = Callable[[OrderState | Fill, "TrackedOrder | None"], None]
Look = Callable[[], Awaitable[LotusXError | None]]


def all_fills(port: TradingPort, instrument: Instrument, span: Span) -> Awaitable[list[Fill]]:
    """Return every fill of *span*."""
    return all_pages(partial(port.fills_page, instrument, span))


class Looker:
    """Asks the exchange about orders until a command is decided, or it is no use to go on."""

    def __init__(
        self,
        exchange: str,
        clock: Clock,
        port: TradingPort,
        learn: Learn,
        *,
        resolve_s: float,
        exchange_ns: Callable[[int], int] = int,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._port = port
        self._learn = learn
        self._resolve_s = resolve_s
        self._exchange_ns = exchange_ns

    async def resolve(
        self, command: Command, order: TrackedOrder | None, evident: Callable[[], str | None], look: Look
    ) -> None:
        """Decide *command*, or give it up once looking has taken long enough (always longer than the horizon).

        *evident* says what is already known to prove that it was carried out; it is asked after every change, so an
        event of the account stream ends the looking at once. *look* asks the exchange, and returns proof of absence.
        """
        changed = anyio.Event()

        def watch(_events: Sequence[AccountEvent]) -> None:
            if evident() is not None:
                changed.set()

        limit_s = self._resolve_s
        if command.proof_ns is not None:
            limit_s = max(limit_s, (command.proof_ns - self._clock.monotonic_ns()) / 1e9 + 5.0)
        if order is not None:
            order.watchers.append(watch)
        try:
            if evident() is None:
                await first_of(
                    changed.wait,
                    lambda: self._clock.sleep(limit_s),
                    lambda: self._keep_looking(command, evident, look),
                )
        finally:
            if order is not None:
                order.watchers.remove(watch)
        why = evident()
        if why is not None:
            command.accept(why, self._clock.monotonic_ns())
        elif not command.decided:
            command.give_up(self._clock.monotonic_ns())

    async def _keep_looking(self, command: Command, evident: Callable[[], str | None], look: Look) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            proof = await look()
            if evident() is not None:
                return
            now = self._clock.monotonic_ns()
            if proof is not None:
                command.reject(proof, now)
                return
            due_ns = command.proof_ns
            pause_s = delay_s if due_ns is None or due_ns <= now else min(delay_s, (due_ns - now) / 1e9)
            await self._clock.sleep(pause_s)
            delay_s = min(delay_s * 2, LAST_DELAY_S)

    async def placed(
        self,
        command: Command,
        order: TrackedOrder,
        instrument: Instrument,
        *,
        cause: BaseException,
        is_ours: Callable[[OrderState], bool],
    ) -> LotusXError | None:
        """Look once for an order whose placement is in doubt; return proof that it does not exist."""
        name = order.client_order_id
        refused = self._refused(order)
        if refused is not None:
            return refused
        asked_ns = self._clock.monotonic_ns()
        try:
            state = await self._port.order(OrderRef(client_order_id=name), instrument)
        except OrderNotFound:
            if await self.absent(command, order, instrument, asked_ns):
                return self.lost(command, "the order was never accepted")
            return None
        except Exception as error:
            self._failed(command, error)
            return None
        if isinstance(cause, DuplicateOrder) and (order.excludes(state) or not is_ours(state)):
            return cause  # the id belongs to another order
        if self._is_anothers(command, order, state):
            return None
        self._learn(state, order)
        return self._refused(order)

    def is_another(self, command: Command, side: Side, report: OrderState | Fill) -> bool:
        """Say whether *report* has another side, or is older, than what *command* asked for: an id may be used again.

        Where our clock is more than a minute wrong and the exchange's is not known, it may be the order after all: what
        became of it stays unknown then.
        """
        created_ns = report.created_ns if isinstance(report, OrderState) else None  # fills are asked for since then
        return report.side is not side or (created_ns is not None and created_ns < self._since_ns(command))

    async def describe(self, command: Command, order: TrackedOrder, instrument: Instrument) -> bool:
        """Ask once for an order that only its fills have shown; say whether it is described now."""
        if not any(leg.reported for leg in order.legs):
            try:
                self._learn(await self._port.order(names_of(order), instrument), order)
            except Exception as error:  # shown late, as reads are
                self._failed(command, error)
        return any(leg.reported for leg in order.legs)

    async def absent(self, command: Command, order: TrackedOrder, instrument: Instrument, asked_ns: int) -> bool:
        """Say whether an order that a query at *asked_ns* (monotonic) did not find is proved never to have come to be.

        After the horizon there is a second look: open orders, then fills. What fails leaves the question open.
        """
        if not command.absent(asked_ns, self._clock.monotonic_ns()):
            return False
        name = order.client_order_id
        try:
            for state in await self._port.open_orders(instrument):
                if state.client_order_id != name:
                    continue
                if not order.excludes(state):
                    self._learn(state, order)
                    return False
                if state.side is order.state.side:  # only our clock says that it is older
                    self._is_anothers(command, order, state)
                    return False
        except NotSupported:
            command.note("open orders cannot be asked for", self._clock.monotonic_ns())
        except Exception as error:
            self._failed(command, error)
            return False
        try:
            for fill in await all_fills(self._port, instrument, Span(start_ns=self._since_ns(command))):
                if fill.client_order_id == name and not order.excludes(fill):
                    self._learn(fill, order)
                    return False
        except NotSupported:
            command.note("fills cannot be asked for", self._clock.monotonic_ns())
        except Exception as error:
            self._failed(command, error)
            return False
        return True

    async def cancelled(
        self,
        command: Command,
        ref: OrderRef,
        order: TrackedOrder | None,
        instrument: Instrument,
        *,
        learn: Callable[[OrderState], None],
        cause: BaseException,
    ) -> LotusXError | None:
        """Look once at an order whose cancellation is in doubt; return proof that it was not cancelled."""
        asked_ns = self._clock.monotonic_ns()
        try:
            state = await self._port.order(ref, instrument)
        except OrderNotFound as error:
            if not command.absent(asked_ns, self._clock.monotonic_ns()):
                return None
            return cause if isinstance(cause, OrderNotFound) else error
        except Exception as error:
            self._failed(command, error)
            return None
        if order is not None and self._is_anothers(command, order, state):
            return None
        learn(state)
        if state.status.is_terminal or not command.absent(asked_ns, self._clock.monotonic_ns(), "still working"):
            return None
        return self.lost(command, "the cancellation was not carried out: the order still works")

    async def amended(
        self,
        command: Command,
        ref: OrderRef,
        order: TrackedOrder,
        before: tuple[Decimal | None, Decimal | None],
        change: Amendment,
        instrument: Instrument,
        *,
        evident: Callable[[], str | None],
        cause: BaseException,
    ) -> LotusXError | None:
        """Look once, under the new id and the old one; return proof that the amendment was not carried out.

        Terms that are neither the old ones (*before*: quantity and price) nor those asked for prove nothing: some
        exchanges move a price. None do where the old ones are not known.
        """
        refs = [ref]
        if change.new_client_order_id is not None:
            refs.insert(0, OrderRef(client_order_id=change.new_client_order_id))
        asked_ns = self._clock.monotonic_ns()
        others = before == (None, None)
        for each in refs:
            try:
                state = await self._port.order(each, instrument)
            except OrderNotFound:
                command.note(f"{each} not found", self._clock.monotonic_ns())
            except Exception as error:
                self._failed(command, error)
                return None
            else:
                if self._is_anothers(command, order, state):
                    return None
                self._learn(state, order)
                terms = zip(before, (state.quantity, state.price), strict=True)
                others |= any(None not in pair and pair[0] != pair[1] for pair in terms)
                if evident() is not None:
                    return None
        if not command.absent(asked_ns, self._clock.monotonic_ns(), "other terms" if others else "not changed"):
            return None
        if isinstance(cause, ExchangeError) and not cause.may_have_executed:
            return cause
        if others:
            return None
        return self.lost(command, "the amendment was not carried out")

    def _since_ns(self, command: Command) -> int:
        """Return the earliest moment, by the exchange's clock, at which *command* can have had an effect."""
        return self._exchange_ns(command.made.by_now_ns(self._clock)) - FILLS_MARGIN_NS

    def _is_anothers(self, command: Command, order: TrackedOrder, state: OrderState) -> bool:
        """Say whether *state*, found under a name of *order*, is of another; note it, for it proves nothing."""
        if not order.excludes(state):
            return False
        command.note(f"{state.venue_order_id} has its client id, and is another order", self._clock.monotonic_ns())
        return True

    def _refused(self, order: TrackedOrder) -> ExchangeError | None:
        """Return the refusal that an exchange tells in the order's state."""
        state = order.state
        if state.status is not OrderStatus.REJECTED:
            return None
        return InvalidOrder(self._exchange, state.raw_status or "rejected", state.reason or "the order was rejected")

    def lost(self, command: Command, what: str) -> ExchangeError:
        """Return the error that says: it never took effect, and asking again is safe."""
        horizon = "" if command.proof_ns is None else ", and the time in which it could have been has passed"
        return Unavailable(
            self._exchange, "lost", f"{command.subject}: {what}{horizon}", details=list(command.evidence)
        )

    def _failed(self, command: Command, error: BaseException) -> None:
        command.note(f"could not look: {type(error).__name__}: {error}", self._clock.monotonic_ns())
