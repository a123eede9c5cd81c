"""Amendments: a new order takes the place of a resting one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial, reduce
from typing import TYPE_CHECKING

from lotusx.errors import (
    ErrorKind,
    InvalidArgument,
    LotusXError,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    exchange_error,
)
from lotusx.model import Instrument, OrderState, OrderType, Side, TimeInForce, added, subtracted
from lotusx.plugin import Amendment, OrderRef
from lotusx_hyperliquid import actions
from lotusx_hyperliquid.connector.order_actions import OrderActions
from lotusx_hyperliquid.errors import item_error
from lotusx_hyperliquid.numbers import wire

if TYPE_CHECKING:
    from lotusx.errors import ExchangeError
    from lotusx.model import Fill
    from lotusx.plugin import Clock

READS_LAG_S = 4.0
"""How long an amendment waits for reads that may not show yet what there is: 1.1 s were recorded (testnet, 2026-09)."""
_ASK_EVERY_S = 0.5


class _Patience:
    """Gives reads time to show what there is, for *seconds* in all."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._until_ns = clock.monotonic_ns() + int(seconds * 1e9)
        self.waits = 0

    async def wait(self) -> bool:
        """Wait before reading again; ``False``: they have had their time."""
        if self._clock.monotonic_ns() >= self._until_ns:
            return False
        self.waits += 1
        await self._clock.sleep(_ASK_EVERY_S)
        return True


class Amendments(OrderActions):
    """Amends orders, which the exchange does by placing new ones."""

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Have a new order take the place of a resting one: another order id, the same client order id.

        One that was placed without a client order id gets one, by which it is found if the answer is lost.

        ``a`` (place the new one whatever became of the old one) is never set: an order that has filled meanwhile would
        be bought twice. Without it the exchange takes only orders that rest, and in silence makes post-only what was
        good till canceled: so it is sent as post-only, and the state returned says so. ``change.quantity`` is the whole
        order's; the new one gets what of it is not filled, for which the order is read first: what fills between that
        and the amendment comes on top.

        Raises:
            InvalidArgument: After a wait of some seconds the exchange does not show it yet, or does not list the fills
                of what it has executed: nothing was sent.
            NotSupported: Not a resting limit order.
            OrderNotFound: It has ended.
            PartialFailure: It has ended, and the new one was refused.
        """
        (answer,) = await self.amend_batch([order], [change], [instrument])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def amend_batch(
        self, orders: Sequence[OrderState], changes: Sequence[Amendment], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        """Amend several in one action. One that cannot be amended is refused by itself."""
        wanted: dict[int, tuple[OrderState, OrderState, actions.ModifyItem]] = {}
        answers: dict[int, OrderState | Exception] = {}
        asked = list(zip(orders, changes, instruments, strict=True))

        async def read(index: int, patience: _Patience) -> None:
            order, change, instrument = asked[index]
            try:
                standing, new = await self._amended(order, change, instrument, patience)
                wanted[index] = standing, new, self._modification(standing, new, instrument)
            except LotusXError as error:
                wanted.pop(index, None)
                answers[index] = error

        patience = _Patience(self._kernel.clock, READS_LAG_S)
        waits: list[int] = []  # that were over when each was read
        for index in range(len(asked)):
            await read(index, patience)
            waits.append(patience.waits)
        # What was read before a wait for another one is old: what has filled since then would be asked for once more.
        for index in [index for index in wanted if waits[index] < patience.waits]:
            await read(index, _Patience(self._kernel.clock, 0))
        if wanted:
            items = [item for _, _, item in wanted.values()]
            try:
                statuses = await self._answers(actions.ModifyOrders(items), [item.order for item in items])
            except LotusXError as error:
                answers.update(dict.fromkeys(wanted, error))  # the others were never sent
            else:
                for (index, (standing, new, _)), status in zip(wanted.items(), statuses, strict=True):
                    if isinstance(status, MalformedReply):
                        answers[index] = status
                    elif isinstance(status, str) or status.error is None:
                        answers[index] = self._answered(status, new)
                    else:
                        refusal = item_error(self._exchange, status.error)
                        answers[index] = await self._refused(refusal, standing, instruments[index])
        return [answers[index] for index in range(len(orders))]

    async def _refused(self, error: ExchangeError, standing: OrderState, instrument: Instrument) -> ExchangeError:
        """Return *error*, or where the order has ended what says so: the new one may have been refused after that.

        Whether a refused modification leaves the old order alone is not documented: it is asked for by its own id, for
        our id may lead to the new one.
        """
        if isinstance(error, OrderNotFound):  # the core looks
            return error
        try:
            left = await self.order(OrderRef(venue_order_id=standing.venue_order_id), instrument)
        except LotusXError:
            return error
        if not left.status.is_terminal:
            return error
        text = f"the order has ended ({left.status}), and the new one was refused: {error.text}"
        failure = PartialFailure(self._exchange, error.code, text, details=error.details)
        failure.ended = left
        failure.__cause__ = error
        return failure

    async def _amended(
        self, order: OrderState, change: Amendment, instrument: Instrument, patience: _Patience
    ) -> tuple[OrderState, OrderState]:
        """Return *order* as it stands, and what it is to become. With *patience* reads are given time to show it.

        Raises:
            InvalidArgument: It has executed more than its fills add up to so far. Nothing else tells the core of that:
                the next amendment would ask for it once more.
        """
        if order.type is not OrderType.UNKNOWN and order.price is not None:  # not seen on the stream only
            self._require_amendable(order)
        while True:
            standing = await self._standing(order, instrument, patience)
            self._require_amendable(standing)
            assert standing.quantity is not None
            # Those that stood in its place before it are part of the order, and have executed the difference.
            earlier = max(subtracted(order.quantity or standing.quantity, standing.quantity), Decimal(0))
            filled = order.filled
            unseen: Sequence[Fill] = ()
            if added(earlier, standing.filled) <= filled:
                break
            # The new order's answer cannot tell what the old one has executed.
            unseen = await self._before(partial(self.fills_of, standing, instrument))
            listed = reduce(added, (fill.quantity for fill in unseen), Decimal(0))
            if listed >= standing.filled:
                filled = added(earlier, listed)
                break
            if not await patience.wait():
                raise InvalidArgument(
                    f"nothing was sent: {standing.filled} of the order is filled, and the exchange lists the fills of"
                    f" {listed} so far: amend it again in a moment, or cancel, then place",
                    rule="amendment",
                )
        total = added(earlier, standing.quantity) if change.quantity is None else change.quantity
        rest = subtracted(total, filled)
        if rest <= 0:
            raise InvalidArgument(
                f"{filled} of the order is filled already: quantity must be above that, not {total}", rule="quantity"
            )
        new = replace(
            standing,
            venue_order_id=None,
            # Without an id nothing would find the new order when the answer is lost.
            client_order_id=order.client_order_id or change.new_client_order_id,
            price=standing.price if change.price is None else change.price,
            quantity=rest,
            filled=Decimal(0),
            filled_quote=None,
            average_price=None,
            post_only=True,
            created_ns=None,
            updated_ns=0,
            reason="",
            fills=tuple(unseen),
        )
        return standing, new

    async def _shown(self, ref: OrderRef, instrument: Instrument, patience: _Patience) -> OrderState:
        while True:
            try:
                return await self._before(partial(self.order, ref, instrument))
            except OrderNotFound as error:
                if not await patience.wait():
                    text = f"nothing was sent: the exchange does not show {ref} ({error.text})"
                    raise InvalidArgument(
                        f"{text}: ask for the order, and amend it once it is found", rule="amendment"
                    ) from error

    def _require_amendable(self, order: OrderState) -> None:
        if order.type is not OrderType.LIMIT or order.time_in_force not in (None, TimeInForce.GTC):
            said = " ".join(part for part in (order.raw_type or order.type, order.raw_time_in_force) if part)
            raise NotSupported(self._exchange, f"amending this order ({said})", "cancel, then place")
        if order.quantity is None:
            raise NotSupported(self._exchange, "amending an order that follows a position", "cancel, then place")

    async def _standing(self, order: OrderState, instrument: Instrument, patience: _Patience) -> OrderState:
        """Read the very order that is to be replaced: it may have filled, or ended, without our knowing.

        Raises:
            OrderNotFound: It has ended.
            InvalidArgument: Another order has taken its place, which is not known here; or it was not found with
                *patience*, as one that was placed a moment ago.
        """
        name = OrderRef(order.client_order_id)
        ref = name if order.venue_order_id is None else OrderRef(venue_order_id=order.venue_order_id)
        standing = await self._shown(ref, instrument, patience)
        if not standing.status.is_terminal:
            return standing
        if order.client_order_id is not None and ref is not name:
            newest = await self._before(lambda: self.order(name, instrument))
            if newest.venue_order_id != standing.venue_order_id and not newest.status.is_terminal:
                raise InvalidArgument(
                    f"{newest.venue_order_id} stands in place of {ref} by now: ask for the order, then amend it",
                    rule="amendment",
                )
        text = f"nothing was sent: {ref} has ended ({standing.status}), with {standing.filled} filled"
        raise exchange_error(ErrorKind.ORDER_NOT_FOUND, self._exchange, standing.raw_status, text)

    def _modification(self, old: OrderState, new: OrderState, instrument: Instrument) -> actions.ModifyItem:
        if new.price is None or new.quantity is None:
            raise NotSupported(self._exchange, "amending an order without a price", "cancel, then place")
        cloid = None if new.client_order_id is None else self._cloids.wire(new.client_order_id)
        tif = actions.LimitType("Alo")  # what the exchange would make of it in silence
        item = actions.OrderItem(
            a=self._listed.asset(instrument),
            b=new.side is Side.BUY,
            p=wire(new.price, name="price"),
            s=wire(new.quantity, name="quantity"),
            r=new.reduce_only,
            t=actions.OrderType(limit=tif),
            c=cloid,
        )
        ref = OrderRef(old.client_order_id, old.venue_order_id)
        return actions.ModifyItem(self._name(ref), item)
