"""The one stream of an account: what its channels say and what recovery finds, merged, in order, each event once."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import anyio

from lotusx.account_recovery import Asker, Found
from lotusx.model.account import (
    AccountEvent,
    Balance,
    BalanceEvent,
    FillEvent,
    FundingEvent,
    OrderEvent,
    Position,
    PositionEvent,
    Recovered,
)

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.ports import AccountPort, TradingPort
    from lotusx.model.enums import PositionSide
    from lotusx.model.instruments import Instrument
    from lotusx.model.symbol import Symbol
    from lotusx.orders.desk import OrderDesk

K = TypeVar("K")
S = TypeVar("S", Balance, Position)
BEGUN_AGAIN = 3
"""How often one recovery is begun again because of somebody who came later."""
PAYMENTS_KNOWN = 10_000
"""Funding payments remembered, so that none is delivered twice; more than a recovery finds."""


@dataclass(slots=True, eq=False)
class _Ask:
    """Somebody waits for what was missed since then."""

    lost_ns: int
    channel: str
    answer: Recovered | None = None


class AccountStream:
    """Turns raw events of the private channels into one lossless stream, and fills its gaps.

    Everything is delivered when it is merged, so no order is ever reported backwards and no fill twice. While a
    recovery runs, what the channels bring is held, and merged behind what the recovery finds. A recovery that fails
    leaves it held: nothing is delivered past a gap until the next one has closed it.

    Args:
        deliver: Takes events, such as `Stream.put`; it never drops: a reader too slow makes the stream fail.
        instrument_of: The instrument of a symbol; ``None``: not listed any more.
        refresh: Fetches the instruments again; called once in a recovery that meets a symbol not listed.
        unlisted: Told of each symbol that is not listed even then: what was missed of it is left out.
        exchange_ns: Turns our wall time into the exchange's, by which its history is asked for; ``None``: they agree.
        gather_s: How long a recovery waits for others to ask for one too, before it serves all of them.
        max_held: Most events held during a recovery; beyond it they are let go, and the recovery runs once more.
    """

    def __init__(
        self,
        desk: OrderDesk,
        trading: TradingPort,
        account: AccountPort,
        clock: Clock,
        deliver: Callable[[Sequence[AccountEvent]], None],
        *,
        instrument_of: Callable[[Symbol], Instrument | None],
        refresh: Callable[[], Awaitable[object]] | None = None,
        unlisted: Callable[[Symbol], object] | None = None,
        exchange_ns: Callable[[int], int] | None = None,
        gather_s: float = 0.0,
        max_held: int = 100_000,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._deliver = deliver
        self._asker = Asker(
            desk, trading, account, clock, instrument_of=instrument_of, refresh=refresh, unlisted=unlisted,
            exchange_ns=exchange_ns,
        )  # fmt: skip
        self._gather_s = gather_s
        self._max_held = max_held
        self._held: deque[tuple[str, AccountEvent]] = deque()  # with the channel that brought it
        self._lost: dict[str, object] = {}  # a mark of the newest loss, by channel; "" are all of them
        self._overflown = False
        self._asks: list[_Ask] = []
        self._lock = anyio.Lock()
        self._reading: anyio.CancelScope | None = None  # of the recovery that may be begun again
        self._symbols: dict[Symbol, None] = {}
        self._balances: dict[tuple[str, str], Balance] = {}  # by wallet and asset
        self._positions: dict[tuple[Symbol, PositionSide | None, str], Position] = {}
        self._payments: dict[tuple[Symbol, PositionSide | None, str, int], None] = {}
        self._count = 0
        self._stop = desk.listen(self._deliver_all)

    @property
    def held(self) -> int:
        """Events waiting behind a recovery."""
        return len(self._held)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing that the channels said; what they say is delivered at once."""
        return not self._asks and not self._lost

    def close(self) -> None:
        """Stop following the desk. What is held is let go."""
        self._stop()
        self._held.clear()

    def hold(self, channel: str = "") -> None:
        """Hold what *channel* (all of them) brings from now on, because something was lost. `recover` releases it."""
        self._lost[channel] = object()

    def feed(self, event: AccountEvent, channel: str = "") -> None:
        """Take one raw event of *channel*, in the order of the channel."""
        if not self._holds(channel):
            self._merge(event)
        elif len(self._held) < self._max_held:
            self._held.append((channel, event))
        else:
            self._held.clear()
            self._overflown = True

    def _holds(self, channel: str) -> bool:
        return bool(self._asks) or channel in self._lost or "" in self._lost

    async def recover(self, lost_ns: int, now_ns: int | None = None, *, channel: str = "") -> Recovered:
        """Find and deliver what was missed since *lost_ns*, then `Recovered`, then what came meanwhile.

        Call it when the channels are live again, so that nothing falls between. Failed reads are repeated for as
        long as the caller waits. A call that comes while another reads makes it begin again, for both: what is being
        read may hang on a connection that died meanwhile. After some of these, calls are served together by the next.

        Args:
            lost_ns: Our wall time of the last event before the loss.
            now_ns: End of the gap as reported; ``None``: the time at which the recovery ends.
            channel: Whose loss it is. If it is lost again meanwhile, what it brings stays held.

        Raises:
            LotusXError: The exchange refuses to answer, and asking again would not help. Events stay held.
        """
        if channel not in self._lost:
            self.hold(channel)
        loss = self._lost[channel]
        ask = _Ask(lost_ns, channel)
        self._asks.append(ask)
        if self._reading is not None:
            self._reading.cancel()
        try:
            async with self._lock:
                if ask.answer is None:
                    if self._gather_s:
                        await self._clock.sleep(self._gather_s)
                    await self._recover(now_ns)
        finally:
            if ask in self._asks:
                self._asks.remove(ask)
        if self._lost.get(channel) is loss and not any(each.channel == channel for each in self._asks):
            del self._lost[channel]
        if not self._asks:
            self._release()
        assert ask.answer is not None
        return ask.answer

    async def look_again(self, lost_ns: int) -> None:
        """Deliver what the reads of a recovery came too early for. Nothing is held, nobody waits for it.

        Raises:
            LotusXError: The exchange refuses to answer, and asking again would not help.
        """
        self._apply(await self._asker.collect_history(lost_ns, self._symbols, self._held_events))

    async def _recover(self, now_ns: int | None) -> None:
        """Serve everybody who has asked by now: what is read from here on is newer than what they missed."""
        before, begun = self._count, 0
        while True:
            asks = list(self._asks)
            lost_ns = min(ask.lost_ns for ask in asks)
            self._overflown = False
            with anyio.CancelScope() as reading:
                begun += 1
                self._reading = reading if begun <= BEGUN_AGAIN else None
                try:
                    found = await self._asker.collect(lost_ns, self._symbols, self._held_events)
                finally:
                    self._reading = None
                self._apply(found)
            if reading.cancelled_caught:
                continue
            if not self._overflown:
                break
        recovered = Recovered(lost_ns, self._clock.now_ns() if now_ns is None else now_ns, self._count - before)
        self._deliver([recovered])
        for ask in asks:
            ask.answer = recovered

    def _held_events(self) -> list[AccountEvent]:
        return [event for _, event in self._held]

    def _release(self) -> None:
        held, self._held = self._held, deque()
        for channel, event in held:
            if self._holds(channel):
                self._held.append((channel, event))
            else:
                self._merge(event)

    def _apply(self, found: Found) -> None:
        """Merge what was found, without a pause: fills first, so that the end of an order comes after its fills.

        Whose fills those are is only told by an order that has the id of one of ours and is another: that comes before.
        """
        for state in filter(self._desk.ledger.tells_apart, found.states):
            self._merge(OrderEvent(state))
        for fill in found.fills:
            self._merge(FillEvent(fill))
        for state in found.states:
            self._merge(OrderEvent(state))
        for order in found.absent:
            self._desk.close_absent(order)
        for payment in found.payments:
            self._merge(FundingEvent(payment))
        if not self._overflown:  # what is held came after the hole, else
            self._supersede(found)
        if found.balances is not None:
            listed = {(balance.wallet, balance.asset) for balance in found.balances}
            zero = Decimal(0)
            emptied = [
                Balance(asset, zero, zero, zero, wallet=wallet)
                for wallet, asset in self._balances
                if (wallet, asset) not in listed
            ]
            self._merge(BalanceEvent((*found.balances, *emptied)))
        if found.positions is not None:
            held = set(map(_place, found.positions))
            closed = [
                Position(old.symbol, old.kind, Decimal(0), side=old.side, position_id=old.position_id)
                for place, old in self._positions.items()
                if place not in held and old.quantity
            ]
            self._merge(PositionEvent((*found.positions, *closed)))

    def _supersede(self, found: Found) -> None:
        """Let go of held events that say what balances and positions were before they were asked for.

        Not by time: what is gone from the answer has none there, and an older event would bring it back.
        """
        kept = []
        for index, (channel, event) in enumerate(self._held):
            old_balance = isinstance(event, BalanceEvent) and index < found.before_balances
            old_position = isinstance(event, PositionEvent) and index < found.before_positions
            if (old_balance and found.balances is not None) or (old_position and found.positions is not None):
                continue
            kept.append((channel, event))
        self._held = deque(kept)

    def _merge(self, event: AccountEvent) -> None:
        """Deliver what is new in *event*."""
        if isinstance(event, OrderEvent):
            self._symbols[event.state.symbol] = None
            self._deliver_all(self._desk.apply_state(event.state))
        elif isinstance(event, FillEvent):
            self._symbols[event.fill.symbol] = None
            self._deliver_all(self._desk.apply_fill(event.fill))
        elif isinstance(event, BalanceEvent):
            balances = _news(self._balances, [((each.wallet, each.asset), each) for each in event.balances])
            self._deliver_all([BalanceEvent(balances)] if balances else [])
        elif isinstance(event, PositionEvent):
            positions = _news(self._positions, [(_place(each), each) for each in event.positions])
            self._symbols.update(dict.fromkeys(each.symbol for each in positions))
            self._deliver_all([PositionEvent(positions)] if positions else [])
        elif isinstance(event, FundingEvent):
            paid = event.payment
            key = (paid.symbol, paid.side, paid.asset, paid.exchange_ns)
            if key not in self._payments:
                self._payments[key] = None
                if len(self._payments) > PAYMENTS_KNOWN:
                    del self._payments[next(iter(self._payments))]
                self._deliver_all([event])
        else:
            self._deliver_all([event])

    def _deliver_all(self, events: Sequence[AccountEvent]) -> None:
        if events:
            self._count += len(events)
            self._deliver(events)


def _place(position: Position) -> tuple[Symbol, PositionSide | None, str]:
    return position.symbol, position.side, position.position_id


def _news(known: dict[K, S], said: Sequence[tuple[K, S]]) -> tuple[S, ...]:
    """Take over into *known* what is not older; return what of it differs in more than its time.

    A newer one with the same values counts too: what is older than it must not come through later.
    """
    news = []
    for key, item in said:
        old = known.get(key)
        if old is not None and item.updated_ns and item.updated_ns < old.updated_ns:
            continue
        differs = old is None or _values(old) != _values(item)
        if differs or item.updated_ns:
            known[key] = item
        if differs:
            news.append(item)
    return tuple(news)


def _values(item: Balance | Position) -> tuple[object, ...]:
    if isinstance(item, Balance):
        return (item.free, item.locked, item.total)
    return tuple(getattr(item, name) for name in Position.__slots__ if name != "updated_ns")
