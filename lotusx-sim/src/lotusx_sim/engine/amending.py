"""Changes an open order in place."""

import copy
from decimal import Decimal

from lotusx_sim.engine.book import Book, crosses
from lotusx_sim.engine.matching import Matching
from lotusx_sim.engine.orders import Change, Order, Reason, Refused
from lotusx_sim.engine.records import Records
from lotusx_sim.engine.reserving import Reserving
from lotusx_sim.engine.triggers import would_trigger_now


class Amending:
    def __init__(self, books: dict[str, Book], records: Records, reserving: Reserving, matching: Matching) -> None:
        self._books = books
        self._records = records
        self._reserving = reserving
        self._matching = matching

    def reduce(self, order: Order, quantity: Decimal, now_ns: int, *, client_id: str) -> None:
        """See `Exchange.reduce`, which calls this."""
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        if quantity == order.quantity:
            raise Refused(Reason.NO_CHANGE)
        if quantity > order.quantity:
            raise Refused(Reason.NOT_A_DECREASE)
        if quantity <= order.executed + order.prevented:
            raise Refused(Reason.BELOW_EXECUTED)
        if client_id and client_id != order.client_id and (order.account, client_id) in self._records.open:
            raise Refused(Reason.DUPLICATE_CLIENT_ID)
        less = order.quantity - quantity
        if order.is_working:
            level = self._books[order.symbol].half(order.side).reduce(order, less, gone=False)
            self._records.publish_level(order.symbol, order.side, level, now_ns)
        self._records.release_for(order, less)
        order.quantity = quantity
        order.amendments += 1
        order.updated_ns = now_ns
        original = order.client_id
        if client_id and client_id != original:
            self._records.rename(order, client_id)
        self._records.report(order, Change.AMENDED, now_ns, request_id=order.client_id, original_client_id=original)

    def amend(
        self,
        order: Order,
        now_ns: int,
        *,
        quantity: Decimal | None,
        price: Decimal | None,
        trigger_price: Decimal | None,
    ) -> None:
        """See `Exchange.amend`, which calls this."""
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        if order.quote_quantity is not None and quantity is not None:
            raise ValueError("the quantity of an order by quote cannot be changed")
        wanted = copy.copy(order)
        wanted.quantity = order.quantity if quantity is None else quantity
        wanted.price = order.price if price is None else price
        wanted.trigger_price = order.trigger_price if trigger_price is None else trigger_price
        same_price = wanted.price == order.price and wanted.trigger_price == order.trigger_price
        if same_price and wanted.quantity == order.quantity:
            raise Refused(Reason.NO_CHANGE)
        if quantity is not None and quantity <= order.executed + order.prevented:
            raise Refused(Reason.BELOW_EXECUTED)
        self._check_prices(wanted)
        keeps_place = same_price and order.is_working and wanted.quantity < order.quantity
        self._reserve_anew(order, wanted)
        if keeps_place:
            less = order.quantity - wanted.quantity
            level = self._books[order.symbol].half(order.side).reduce(order, less, gone=False)
            self._records.publish_level(order.symbol, order.side, level, now_ns)
        else:
            self._matching.take_off(order, now_ns)
        order.quantity, order.price, order.trigger_price = wanted.quantity, wanted.price, wanted.trigger_price
        order.amendments += 1
        order.updated_ns = now_ns
        self._records.report(order, Change.AMENDED, now_ns, request_id=order.client_id)
        if keeps_place:
            return
        if order.working_ns is None:
            self._matching.triggers[order.symbol].add(order, None, now_ns)
        else:
            self._matching.work(order, now_ns)

    def _check_prices(self, wanted: Order) -> None:
        if wanted.working_ns is None:
            now = self._matching.price_of(wanted.symbol, wanted.trigger_by)
            if now is not None and would_trigger_now(wanted, now):
                raise Refused(Reason.WOULD_TRIGGER)
            return
        best = self._books[wanted.symbol].half(wanted.side.opposite).best()
        if wanted.post_only and best is not None and crosses(wanted.side, wanted.price, best.price):
            raise Refused(Reason.WOULD_TAKE)

    def _reserve_anew(self, order: Order, wanted: Order) -> None:
        """Lock what the changed order needs instead of what *order* has locked; as before when that is refused."""
        locked = order.reserved
        self._records.release(order, locked)
        wanted.reserved = order.reserved
        try:
            self._reserving.reserve(wanted)
        except Refused:
            self._records.set_aside(order, locked)
            raise
        order.reserved = wanted.reserved
