"""How far a position may go if everything that is open trades: never less than the truth, as far as it can be known.

The position and the open orders are read from the exchange now and then; what this connection sends is added as it is
sent. Where the two may count the same thing twice, they do: an order is then refused too early, never too late, and
before that happens the exchange is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from lotusx.model import Instrument, InstrumentKind, OrderRequest, OrderState, PositionSide, Side
from lotusx.plugin import OrderContext
from lotusx_risk.worth import EXACT

MOST_ORDERS = 1_000
"""Orders of its own an exposure follows one by one before it is read anew."""
LATE_NS = 10_000_000_000
"""How late a fill of an order that has ended may become known."""
MOST_LOOKS = 20
"""Orders that a reading asks for because it does not see them."""


@dataclass(slots=True)
class _Own:
    """An order that has passed: its most quantity, and what of its fills the last reading knew."""

    side: Side
    quantity: Decimal
    counted: Decimal = Decimal(0)
    ended_ns: int | None = None


class Exposure:
    """One position: of one symbol, and in hedge mode of one side."""

    def __init__(self, instrument: Instrument, position_side: PositionSide | None) -> None:
        self._instrument = instrument
        self._position_side = position_side
        self._held = Decimal(0)
        self._open: dict[str, tuple[Side, Decimal]] = {}  # of others, as they were when they were read
        self._own: dict[str, _Own] = {}
        self._settled = dict.fromkeys(Side, Decimal(0))  # of own ones that have ended since, signed by their side
        self.read_ns: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether it follows so many orders that it should be read anew."""
        return len(self._own) >= MOST_ORDERS

    async def read(self, context: OrderContext) -> None:
        """Ask the exchange for the position and the open orders.

        A fill that is known before is taken to be in what is read; one that becomes known meanwhile is counted again.

        Raises:
            LotusXError: It could not be asked; what was known before still holds.
        """
        asked_ns = context.clock.monotonic_ns()
        known = {name: context.known(name) for name in self._own}
        held = await self._position(context)
        listed = {
            self._name_of(context.known(state.client_order_id or "") or state, context): state
            for state in await context.open_orders()
            if state.position_side in (None, self._position_side)
        }
        missing = [
            name for name, state in known.items() if state and not state.status.is_terminal and name not in listed
        ]
        for name in missing[:MOST_LOOKS]:  # it may have ended, and nobody has told
            await context.look(name)
        own: dict[str, _Own] = {}
        for name, state in known.items():
            now = context.known(name)
            if state is None or now is None or state.status.is_terminal:
                continue  # never sent, or ended before the position was read
            own[name] = _Own(self._own[name].side, now.quantity or self._own[name].quantity, state.filled)
        self._held, self._own, self.read_ns = held, own, asked_ns
        self._settled = dict.fromkeys(Side, Decimal(0))
        self._open = {
            name: (state.side, state.remaining or Decimal(0)) for name, state in listed.items() if name not in own
        }

    def furthest(self, request: OrderRequest, quantity: Decimal, context: OrderContext) -> Decimal:
        """Return how far the position may go to the side of *request*, if that trades *quantity* more; > 0 is further.

        Of an order that is amended only the larger of its two shapes counts.
        """
        side = request.side
        changed = None if context.before is None else self._name_of(context.before, context)
        total = self._held if side is Side.BUY else EXACT.minus(self._held)
        for name, (its, rest) in self._open.items():
            if its is side and name == changed:
                quantity = max(quantity, rest)
            elif its is side:
                total = EXACT.add(total, rest)
        self._settle(context)
        total = EXACT.add(total, self._settled[side])
        for name, own in self._own.items():
            if own.side is not side:
                continue
            traded, rest = self._of(own, context.known(name))
            total = EXACT.add(total, traded)
            if name == changed:
                quantity = max(quantity, rest)
            else:
                total = EXACT.add(total, rest)
        return EXACT.add(total, quantity)

    def add(self, request: OrderRequest, quantity: Decimal, context: OrderContext) -> None:
        """Count *request* from now on: it is about to be sent."""
        if context.before is None:
            self._own[str(request.client_order_id)] = _Own(request.side, quantity)
            return
        name = self._name_of(context.before, context)
        whole = EXACT.add(quantity, context.before.filled)
        own = self._own.get(name)
        if own is None:
            _, rest = self._open.pop(name, (request.side, Decimal(0)))
            whole = max(whole, EXACT.add(rest, context.before.filled))
            self._own[name] = _Own(request.side, whole, context.before.filled)
        else:
            own.quantity = max(own.quantity, whole)

    def _settle(self, context: OrderContext) -> None:
        """Follow no more what has ended a while ago: what it has traded stays counted until the next reading."""
        now_ns = context.clock.monotonic_ns()
        for name, own in list(self._own.items()):
            state = context.known(name)
            if state is None:
                del self._own[name]  # something else has prevented it
            elif not state.status.is_terminal:
                own.ended_ns = None
            elif own.ended_ns is None:
                own.ended_ns = now_ns
            elif now_ns - own.ended_ns > LATE_NS:
                traded = EXACT.subtract(state.filled, own.counted)
                self._settled[own.side] = EXACT.add(self._settled[own.side], traded)
                del self._own[name]

    def _of(self, own: _Own, state: OrderState | None) -> tuple[Decimal, Decimal]:
        """Return what *own* has traded since the last reading, and what it still may."""
        if state is None:  # something else has prevented it
            return Decimal(0), Decimal(0)
        rest = Decimal(0) if state.status.is_terminal else max(EXACT.subtract(own.quantity, state.filled), Decimal(0))
        return EXACT.subtract(state.filled, own.counted), rest

    def _name_of(self, state: OrderState, context: OrderContext) -> str:
        """Return the name an order is followed by: its first, for an amendment may have given it another."""
        for name in self._own:
            known = context.known(name)
            if known is not None and _is_same(known, state):
                return name
        return state.client_order_id or state.venue_order_id or ""

    async def _position(self, context: OrderContext) -> Decimal:
        instrument = self._instrument
        if instrument.kind is InstrumentKind.SPOT:
            amounts = [item.total for item in await context.balances() if item.asset == instrument.base]
        else:
            amounts = [
                item.quantity
                for item in await context.positions()
                if item.symbol == instrument.symbol
                and (self._position_side is None or item.side is self._position_side)
            ]
        return reduce(EXACT.add, amounts, Decimal(0))


def _is_same(one: OrderState, other: OrderState) -> bool:
    if one.client_order_id is not None and one.client_order_id == other.client_order_id:
        return True
    return one.venue_order_id is not None and one.venue_order_id == other.venue_order_id
