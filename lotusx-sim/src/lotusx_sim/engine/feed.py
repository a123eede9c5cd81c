"""A seeded population of makers and takers that trades in the real engine.

Makers quote around a fair price that walks; takers cross the spread and pick off quotes the walk left behind.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.orders import ZERO, Kind, NewOrder, Order, Refused, Side, TimeInForce
from lotusx_sim.engine.terms import Fees

MAKER = "house-maker"
TAKER = "house-taker"
OUTSIDER = "outside"
_WEALTH = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Habitat:
    """One market as the population sees it; distances in ticks, sizes in steps."""

    symbol: str
    price: Decimal
    tick: Decimal
    step: Decimal
    spacing_ticks: int
    size_steps: int  # a usual order is one to a hundred of these
    depth: int = 60  # orders kept on each side


@dataclass(slots=True)
class _State:
    habitat: Habitat
    fair_ticks: int
    quotes: dict[Side, list[Order]] = field(default_factory=lambda: {Side.BUY: [], Side.SELL: []})


class Population:
    """Everybody but the accounts under test."""

    def __init__(self, exchange: Exchange, habitats: list[Habitat], *, seed: int) -> None:
        self._exchange = exchange
        self._rng = Random(f"population:{seed}")
        self._states = [_State(habitat, int(habitat.price / habitat.tick)) for habitat in habitats]
        assets = sorted({asset for market in exchange.markets.values() for asset in market.assets})
        for account in (MAKER, TAKER, OUTSIDER):
            exchange.open_account(account, dict.fromkeys(assets, _WEALTH), watched=False, fees=Fees(ZERO, ZERO))
            for market in exchange.markets.values():
                if market.contract is not None:  # a mark price that a test moves should not liquidate the population
                    exchange.perps.set_leverage(account, market.symbol, Decimal(1), 0)

    def leave_to_others(self, symbol: str) -> None:
        """Never trade in *symbol*; said before anybody has."""
        self._states = [state for state in self._states if state.habitat.symbol != symbol]

    def settle_in(self, now_ns: int) -> None:
        """Quote both sides of every market to full depth, and print one trade in each."""
        for state in self._states:
            for side in (Side.BUY, Side.SELL):
                quotes = [
                    self._new_quote(state, side, distance * state.habitat.spacing_ticks // 4 + 1)
                    for distance in range(state.habitat.depth)
                ]
                state.quotes[side] += [self._exchange.rest(quote, now_ns) for quote in quotes if quote is not None]
            self._take(state, Side.BUY, 1, now_ns)

    def act(self, now_ns: int) -> None:
        """Let somebody do something in one market."""
        rng = self._rng
        if not self._states:
            return
        state = self._states[rng.randrange(len(self._states))]
        spacing = state.habitat.spacing_ticks
        draw = rng.randrange(100)
        if draw < 15:
            state.fair_ticks = max(10 * spacing, state.fair_ticks + rng.randint(-spacing, spacing) // 2)
            self._pick_off(state, now_ns)
        elif draw < 35:
            self._take(state, rng.choice((Side.BUY, Side.SELL)), rng.randint(1, 100), now_ns)
        else:
            side = rng.choice((Side.BUY, Side.SELL))
            self._quote(state, side, 1 + rng.randrange(spacing) * rng.randint(0, 8) // 4, now_ns)
            self._prune(state, side, now_ns)

    def leave(self, now_ns: int) -> None:
        """Cancel every quote."""
        for state in self._states:
            self.leave_market(state.habitat.symbol, now_ns)

    def leave_market(self, symbol: str, now_ns: int) -> None:
        for state in self._states:
            if state.habitat.symbol != symbol:
                continue
            for quotes in state.quotes.values():
                for order in quotes:
                    if order.is_open:
                        self._exchange.cancel(order, now_ns)
                quotes.clear()

    def quote(self, symbol: str, side: Side, price: Decimal, quantity: Decimal, now_ns: int) -> None:
        """Quote exactly this level, for a book that a test wants fixed."""
        order = self._exchange.place(NewOrder(MAKER, symbol, side, Kind.LIMIT, quantity, price=price), now_ns)
        if order.is_open:
            next(s for s in self._states if s.habitat.symbol == symbol).quotes[side].append(order)

    def _new_quote(self, state: _State, side: Side, distance: int) -> NewOrder | None:
        """Return a quote at *distance* ticks from the fair price; None: that would be no price."""
        habitat = state.habitat
        ticks = state.fair_ticks - distance if side is Side.BUY else state.fair_ticks + distance
        if ticks <= 0:
            return None
        return NewOrder(
            MAKER, habitat.symbol, side, Kind.LIMIT, self._size(habitat, self._rng.randint(1, 100)),
            price=ticks * habitat.tick, post_only=True,
        )  # fmt: skip

    def _quote(self, state: _State, side: Side, distance: int, now_ns: int) -> None:
        new = self._new_quote(state, side, distance)
        if new is None:
            return
        try:
            state.quotes[side].append(self._exchange.place(new, now_ns))
        except Refused:
            # The quote would cross a stale one of the other side: a taker removes that first.
            self._pick_off(state, now_ns)

    def _prune(self, state: _State, side: Side, now_ns: int) -> None:
        quotes = [order for order in state.quotes[side] if order.is_open]
        while len(quotes) > state.habitat.depth:
            self._exchange.cancel(quotes.pop(self._rng.randrange(len(quotes) // 2)), now_ns)
        state.quotes[side] = quotes
        while len(quotes) < state.habitat.depth // 2:
            before = len(quotes)
            self._quote(state, side, 1 + before * state.habitat.spacing_ticks // 4, now_ns)
            quotes = state.quotes[side]
            if len(quotes) == before:
                return

    def _take(self, state: _State, side: Side, size: int, now_ns: int) -> None:
        new = NewOrder(TAKER, state.habitat.symbol, side, Kind.MARKET, self._size(state.habitat, size))
        self._place_if_possible(new, now_ns)

    def _pick_off(self, state: _State, now_ns: int) -> None:
        habitat = state.habitat
        book = self._exchange.books[habitat.symbol]
        fair = state.fair_ticks * habitat.tick
        ask, bid = book.best_ask(), book.best_bid()
        if ask is not None and ask <= fair:
            side = Side.BUY
        elif bid is not None and bid >= fair:
            side = Side.SELL
        else:
            return
        new = NewOrder(
            TAKER, habitat.symbol, side, Kind.LIMIT, self._size(habitat, 400), price=fair,
            time_in_force=TimeInForce.IOC,
        )  # fmt: skip
        self._place_if_possible(new, now_ns)

    def _place_if_possible(self, new: NewOrder, now_ns: int) -> None:
        try:
            self._exchange.place(new, now_ns)
        except Refused:
            return

    def _size(self, habitat: Habitat, units: int) -> Decimal:
        return habitat.step * (habitat.size_steps * units + self._rng.randrange(habitat.size_steps))
