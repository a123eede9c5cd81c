"""The local venue: the simulator's engine, fed with what one exchange shows. No I/O and no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from lotusx import model
from lotusx.errors import ErrorKind, NotSupported, Unavailable, exchange_error
from lotusx.model import (
    Instrument,
    InstrumentKind,
    Level,
    MarkPrice,
    OrderState,
    OrderType,
    QuantityUnit,
    Side,
    Trade,
)
from lotusx.model.requests import OrderRequest
from lotusx.plugin import Amendment, OrderRef
from lotusx.rules import Rounding, in_instrument_unit, round_price
from lotusx_paper.conversions import (
    TO_SIDE,
    TO_TIME_IN_FORCE,
    from_venue_id,
    to_error,
    to_market,
    to_position,
    to_state,
)
from lotusx_paper.exactly import exactly
from lotusx_paper.queue import UNKNOWN, Queue
from lotusx_paper.shown import Shown
from lotusx_paper.terms import Terms
from lotusx_sim.engine import orders as engine
from lotusx_sim.engine.book import crosses
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.orders import ZERO, Refused
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.terms import Fees

OWN = "paper"
CROWD = "crowd"
_WEALTH = Decimal(10) ** 15
_ONE = Decimal(1)


class ShownBook(Protocol):
    """What is read of a live book. All raise `StaleBook` while it is stale."""

    @property
    def best_bid(self) -> Level | None: ...
    @property
    def best_ask(self) -> Level | None: ...
    @property
    def bid_horizon(self) -> Decimal | None: ...
    @property
    def ask_horizon(self) -> Decimal | None: ...
    def bids(self) -> Sequence[Level]: ...
    def asks(self) -> Sequence[Level]: ...


@dataclass(slots=True)
class Market:
    """One instrument that is followed.

    Attributes:
        problem: Tells why orders cannot be matched now; empty: they can.
        own_mark: Whether the exchange tells a mark price; else it follows prints.
    """

    instrument: Instrument
    book: ShownBook | None = None
    problem: Callable[[], str] = lambda: "its order book has not come yet"
    own_mark: bool = False
    shown: Shown = field(default_factory=Shown)
    queue: Queue = field(default_factory=Queue)


class Venue:
    """One account and the markets it trades.

    What takes is matched with the levels the exchange shows at that moment. What rests is filled at its own price: by
    prints, behind what stood at that price before it, and by levels of the other side that come to cross it.

    Args:
        exchange: The name in errors.
        now_ns: Our wall time, nanoseconds since the epoch.
        tell: Takes the engine's events after each command, in order.
    """

    def __init__(
        self, exchange: str, terms: Terms, now_ns: Callable[[], int], tell: Callable[[Sequence[Event]], None]
    ) -> None:
        self.exchange = exchange
        self.engine = Exchange(())
        self.markets: dict[str, Market] = {}
        self._terms = terms
        self._now_ns = now_ns
        self._tell = tell
        self._versions: dict[int, int] = {}
        with exactly():
            self.engine.open_account(OWN, terms.balances, fees=Fees(terms.maker, terms.taker))
            self.engine.open_account(CROWD, {}, watched=False, fees=Fees(ZERO, ZERO))

    def market(self, instrument: Instrument) -> Market:
        """Return the market of *instrument*, opened now if it is new.

        Raises:
            NotSupported: Its kind cannot be traded on paper.
        """
        symbol = str(instrument.symbol)
        found = self.markets.get(symbol)
        if found is None:
            with exactly():
                listed = to_market(instrument, self._terms)
                self.engine.open_market(listed)
                self.engine.accounts.open(CROWD, dict.fromkeys(listed.assets, _WEALTH))
                if listed.contract is not None:
                    self.engine.perps.set_leverage(CROWD, symbol, _ONE, self._now_ns())
            found = self.markets[symbol] = Market(instrument)
        return found

    # -- commands ------------------------------------------------------------------------------------------------

    def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Match *request* with what is shown now, and let rest what may.

        Raises:
            Unavailable: What is shown cannot be trusted now; nothing was placed.
            ExchangeError: The engine refuses it.
        """
        market = self._right(instrument)
        new = self._new(request, market)
        with self.command(), self._facing(market, new.side, new.quantity, new.price, new.quote_quantity):
            order = self.engine.place(new, self._now_ns())
            self._queue_up(market, order)
        return self.state(order)

    def amend(self, ref: OrderRef, change: Amendment, instrument: Instrument) -> OrderState:
        """Change a working order: a smaller quantity keeps its place, any other change goes to the end of the queue.

        Raises: As `place`.
        """
        market = self._right(instrument)
        order = self._find(ref, instrument)
        if order is None:
            raise self._not_found(ref)
        quantity = change.quantity if change.quantity != order.quantity else None
        price = change.price if change.price != order.price else None
        only_less = price is None and quantity is not None and quantity < order.quantity
        limit = order.price if price is None else price
        with self.command(), self._facing(market, order.side, quantity or order.quantity, limit, None):
            self.engine.amend(order, self._now_ns(), quantity=quantity, price=price)
            if not only_less:
                self._queue_up(market, order)
        return self.state(order)

    def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Cancel a working order, whatever is shown.

        Raises:
            OrderNotFound: There is none of that name, or it has ended.
        """
        order = self._find(ref, instrument)
        if order is None:
            raise self._not_found(ref)
        with self.command():
            self.engine.cancel(order, self._now_ns())
        return self.state(order)

    def cancel_all(self, symbol: str | None) -> list[OrderState]:
        """Cancel every working order of *symbol*, or of the account."""
        orders = self.engine.open_orders(OWN, symbol)
        with self.command():
            for order in orders:
                self.engine.cancel(order, self._now_ns())
        return [self.state(order) for order in orders]

    # -- reads ---------------------------------------------------------------------------------------------------

    def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Return an order, open or not.

        Raises:
            OrderNotFound: There is none of that name.
        """
        order = self._find(ref, instrument)
        if order is None:
            raise self._not_found(ref)
        return self.state(order)

    def state(self, order: engine.Order) -> OrderState:
        """Convert an order as it stands."""
        return to_state(order, self.markets[order.symbol].instrument, self._versions.get(order.id, 0))

    def position(self, position: Position, updated_ns: int = 0) -> model.Position:
        """Convert a position as it stands."""
        perps, symbol = self.engine.perps, position.symbol
        with exactly():
            liquidation = perps.liquidation_price(OWN, symbol)
            return to_position(position, self.markets[symbol].instrument, perps.mark(symbol), liquidation, updated_ns)

    # -- what the exchange shows ---------------------------------------------------------------------------------

    def printed(self, market: Market, trade: Trade) -> None:
        """Fill what rests at the price of a print, or was traded through by it."""
        symbol, now_ns = str(market.instrument.symbol), self._now_ns()
        for side in engine.Side:
            resting = self._resting(symbol, side)
            if resting:
                with self.command():
                    hits = market.queue.printed(resting, trade.price, trade.quantity, TO_SIDE[trade.taker_side])
                    for order, quantity in hits:
                        if order.is_working:  # one filled before it may have ended it
                            self.engine.fill_resting(order, quantity, CROWD, now_ns)
        if market.instrument.kind is not InstrumentKind.SPOT and not market.own_mark:
            with self.command():
                self.engine.set_last_price(symbol, trade.price, now_ns)

    def moved(self, market: Market) -> None:
        """Fill what rests and is crossed by the book now; `StaleBook` where that cannot be said."""
        symbol = str(market.instrument.symbol)
        for side in engine.Side:
            if market.shown.has_touched(side):
                with exactly():
                    self._left(market, side)  # what has gone is not taken any more when it comes back
            resting = self._resting(symbol, side)
            if resting and market.book is not None:
                facing = market.book.best_ask if side is engine.Side.BUY else market.book.best_bid
                if facing is not None and crosses(side, resting[0].price, facing.price):
                    with self.command():
                        self._cross(market, side, resting)

    def marked(self, mark: MarkPrice) -> None:
        """Take over a mark price of the exchange, with what it liquidates.

        0, which some send while there is none yet, is no price: what was known stays.
        """
        if mark.mark_price <= 0:
            return
        index = mark.index_price if mark.index_price is not None and mark.index_price > 0 else None
        with self.command():
            self.engine.perps.set_mark(str(mark.symbol), mark.mark_price, self._now_ns(), index)

    # -- matching ------------------------------------------------------------------------------------------------

    def _right(self, instrument: Instrument) -> Market:
        market = self.market(instrument)
        if problem := market.problem():
            text = f"on paper nothing of {instrument.symbol} can be matched now: {problem}. Nothing was changed"
            raise Unavailable(self.exchange, "paper-stale", text)
        return market

    def _new(self, request: OrderRequest, market: Market) -> engine.NewOrder:
        instrument, side = market.instrument, TO_SIDE[request.side]
        if request.type not in (OrderType.LIMIT, OrderType.MARKET) or request.position_side is not None:
            raise NotSupported("paper", f"{request.type} orders" if request.position_side is None else "hedge mode")
        if request.time_in_force not in TO_TIME_IN_FORCE:
            raise NotSupported("paper", f"time in force {request.time_in_force}")
        if request.reduce_only and instrument.kind is InstrumentKind.SPOT:
            raise NotSupported("paper", f"reduce-only orders of {instrument.symbol}, where nobody has a position")
        by_quote = request.quantity_unit is QuantityUnit.QUOTE
        if by_quote and instrument.kind is not InstrumentKind.SPOT:
            raise NotSupported("paper", "quantities in quote of derivatives", "a quantity in base units or contracts")
        if by_quote and request.max_slippage is not None:
            raise NotSupported("paper", "max_slippage on a quantity in quote", "a quantity in base units")
        if request.native:
            raise NotSupported("paper", f"parameters of the exchange's own ({', '.join(sorted(request.native))})")
        quantity = ZERO if by_quote else in_instrument_unit(request.quantity, request.quantity_unit, instrument)
        price, time_in_force = request.price, TO_TIME_IN_FORCE[request.time_in_force]
        if request.max_slippage is not None:
            price = self._bound(market, request.side, request.max_slippage)
            if time_in_force is not engine.TimeInForce.FOK:
                time_in_force = engine.TimeInForce.IOC
        tags = {"type": request.type.value}
        if request.time_in_force is not None:
            tags["time_in_force"] = request.time_in_force.value
        return engine.NewOrder(
            OWN,
            str(instrument.symbol),
            side,
            engine.Kind.MARKET if price is None else engine.Kind.LIMIT,
            quantity,
            price=price,
            quote_quantity=request.quantity if by_quote else None,
            time_in_force=time_in_force,
            post_only=request.post_only,
            client_id=request.client_order_id or "",
            tags=tags,
            reduce_only=request.reduce_only,
        )

    def _bound(self, market: Market, side: Side, slippage: Decimal) -> Decimal:
        assert market.book is not None
        best = market.book.best_ask if side is Side.BUY else market.book.best_bid
        if best is None:
            raise Unavailable(self.exchange, "paper-empty", "nobody is there to trade with; nothing was placed")
        mode = Rounding.FLOOR if side is Side.BUY else Rounding.CEIL
        with exactly():
            bound = best.price * (_ONE + slippage if side is Side.BUY else _ONE - slippage)
        return round_price(market.instrument, bound, mode)

    @contextmanager
    def command(self) -> Iterator[None]:
        """Reckon exactly, turn the engine's refusals into errors, and tell what happened."""
        try:
            with exactly():
                yield
        except Refused as refused:
            raise to_error(self.exchange, refused) from refused
        finally:
            events = self.engine.take_events()
            for event in events:
                if isinstance(event, engine.OrderEvent):
                    self._versions[event.order.id] = event.execution_id
                    if not event.order.is_open:
                        self.markets[event.order.symbol].queue.leave(event.order)
            if events:
                self._tell(events)

    @contextmanager
    def _facing(
        self, market: Market, side: engine.Side, quantity: Decimal, limit: Decimal | None, quote: Decimal | None
    ) -> Iterator[None]:
        """Put into the engine's book, while the block runs, what an order of *side* may take of what is shown."""
        now_ns, symbol, facing = self._now_ns(), str(market.instrument.symbol), side.opposite
        self._cross(market, side, self.engine.resting(symbol, side))
        placed = []
        more = True  # one level beyond what is needed: the engine asks what the next price would be
        for price, left in self._left(market, facing):
            if not more or not crosses(side, limit, price):
                break
            more = quantity > 0 if quote is None else quote > 0
            new = engine.NewOrder(CROWD, symbol, facing, engine.Kind.LIMIT, left, price=price)
            placed.append((self.engine.rest(new, now_ns), left))
            quantity -= left
            quote = None if quote is None else quote - left * price
        try:
            yield
        finally:
            for order, left in placed:
                if order.executed:
                    assert order.price is not None
                    market.shown.take(facing, order.price, order.executed, left)
                if order.is_open:
                    self.engine.cancel(order, now_ns)

    def _resting(self, symbol: str, side: engine.Side) -> Sequence[engine.Order]:
        with exactly():
            return self.engine.resting(symbol, side)

    def _left(self, market: Market, side: engine.Side) -> list[tuple[Decimal, Decimal]]:
        assert market.book is not None
        levels = market.book.bids() if side is engine.Side.BUY else market.book.asks()
        return market.shown.left(side, levels)

    def _cross(self, market: Market, side: engine.Side, resting: Sequence[engine.Order]) -> None:
        """Fill *resting* orders of *side*, at their own prices, with what is shown at theirs or better."""
        if not resting:
            return
        facing = side.opposite
        for price, shown in self._left(market, facing):
            left = shown
            for order in resting:
                if left and order.is_working and crosses(side, order.price, price):
                    filled = self.engine.fill_resting(order, left, CROWD, self._now_ns())
                    if filled:
                        market.shown.take(facing, price, filled, shown)
                        left -= filled

    def _queue_up(self, market: Market, order: engine.Order) -> None:
        book, price = market.book, order.price
        if not order.is_working or book is None or price is None:
            return
        is_bid = order.side is engine.Side.BUY
        horizon = book.bid_horizon if is_bid else book.ask_horizon
        if horizon is not None and (price < horizon if is_bid else price > horizon):
            market.queue.join(order, UNKNOWN)
            return
        levels = book.bids() if is_bid else book.asks()
        market.queue.join(order, next((each.quantity for each in levels if each.price == price), ZERO))

    # -- names ---------------------------------------------------------------------------------------------------

    def _find(self, ref: OrderRef, instrument: Instrument) -> engine.Order | None:
        symbol = str(instrument.symbol)
        if ref.venue_order_id is not None:
            number = from_venue_id(ref.venue_order_id)
            return None if number is None else self.engine.find(OWN, symbol, order_id=number)
        return self.engine.find(OWN, symbol, client_id=ref.client_order_id or "")

    def _not_found(self, ref: OrderRef) -> Exception:
        return exchange_error(
            ErrorKind.ORDER_NOT_FOUND, self.exchange, "paper-unknown_order", f"on paper: no order {ref}"
        )
