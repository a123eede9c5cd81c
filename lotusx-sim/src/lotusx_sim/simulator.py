"""One simulated venue under test: what the shells drive, and what tests script and look at."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal

from lotusx_sim.connection import ShellSide, SimulatedConnection
from lotusx_sim.engine.accounts import Balance
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import OUTSIDER
from lotusx_sim.engine.orders import Fill, Kind, NewOrder, Order, Side, TimeInForce
from lotusx_sim.fault_script import FaultScript
from lotusx_sim.faults import Effect, RequestFault
from lotusx_sim.shells.clock import Clock, WallClock
from lotusx_sim.venue import Venue
from lotusx_sim.wire import HttpOutcome, HttpRequest, HttpResponse


class Simulator(FaultScript):
    """A venue with its faults, its ledger and its clock; the same for every shell.

    Fault methods return a `Fault`; ``clear()`` on it ends it, `heal` ends all. *times* says how many requests or
    messages are hit, None: until cleared. Paths may hold ``*``; where one path takes many kinds of request, its kind
    follows it, as in ``/info/l2Book``. Requests over a WebSocket are matched as method ``WS``. Amounts are given as
    text or `Decimal`.
    """

    def __init__(self, venue: Venue, *, clock: Clock | None = None) -> None:
        super().__init__(venue)
        self.clock: Clock = clock or WallClock()
        self.requests: Counter[tuple[str, str]] = Counter()  # (method, path) -> count; never a query or a header
        self.connections_made = 0
        self._snapshot_calls: Counter[str] = Counter()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._timer_number = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def exchange(self) -> Exchange:
        """Return the venue's engine, for what the methods here do not offer; call `flush` after commands."""
        self.now_ns()
        return self.venue.exchange

    # -- for shells ----------------------------------------------------------------------------------------------

    def now_ns(self) -> int:
        """Return the venue's time, nanoseconds since the epoch; the first call opens the venue."""
        now_ns = self.clock.now_ns()
        self.venue.start(now_ns)
        return now_ns

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call *listener* whenever something may be due earlier than before."""
        self._listeners.append(listener)

    def off_change(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    def count_request(self, method: str, path: str) -> None:
        self.requests[(method, path)] += 1

    def handle(self, request: HttpRequest, *, client_ip: str = "127.0.0.1") -> HttpOutcome:
        """Take one HTTP request through the faults and the venue."""
        now_ns = self.now_ns()
        name = self.venue.name_of(request)
        self.count_request(request.method, name)
        if self.faults.black_hole:
            return HttpOutcome(None, lost_by="hang")
        effects = {fault.effect: fault for fault in self.faults.for_request(request.method, name)}
        delay_s = effects[Effect.DELAY].delay_s if Effect.DELAY in effects else 0.0
        unsent = effects.get(Effect.LOSE_REQUEST)
        if unsent is not None:
            return HttpOutcome(None, delay_s, lost_by=unsent.lost_by)
        answered = effects.get(Effect.ANSWER)
        if answered is not None:
            return HttpOutcome(_made(answered), delay_s)
        if (symbol := self.venue.snapshot_symbol(request)) is not None:
            self._snapshot_calls[symbol] += 1
        response = self.venue.http(request, now_ns=now_ns, client_ip=client_ip)
        self.changed()
        if Effect.LOSE_REPLY in effects:
            return HttpOutcome(None, delay_s, lost_by=effects[Effect.LOSE_REPLY].lost_by)
        if Effect.REPLACE_REPLY in effects:
            response = _made(effects[Effect.REPLACE_REPLY])
        cut = effects.get(Effect.CUT_BODY)
        if cut is not None:
            keep = cut.keep_bytes if cut.keep_bytes is not None else len(response.body) // 2
            # The length header stays honest: what is cut here is the JSON, not the HTTP message.
            response = HttpResponse(response.status, response.headers, response.body[:keep])
        truncated = effects.get(Effect.TRUNCATE)
        if truncated is not None:
            keep = truncated.keep_bytes if truncated.keep_bytes is not None else len(response.body) // 2
            return HttpOutcome(response, delay_s, keep_bytes=keep)
        return HttpOutcome(response, delay_s)

    def name_of_ws(self, target: str, text: str) -> str:
        return self.venue.name_of_ws(target, text)

    def is_request(self, target: str, text: str) -> bool:
        return self.venue.is_request(target, text)

    def ws_reply(self, request: str, response: HttpResponse) -> str:
        """Return *response* as the venue's reply to a WS API request."""
        return self.venue.ws_reply(request, response, self.now_ns())

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], shell: ShellSide, *, client_ip: str = "127.0.0.1"
    ) -> SimulatedConnection | HttpResponse | None:
        """Accept a WebSocket; an HTTP response refuses it, None leaves the client without an answer."""
        now_ns = self.now_ns()
        path = target.partition("?")[0]
        self.count_request("CONNECT", path)
        if self.faults.black_hole:
            return None
        effects = {fault.effect: fault for fault in self.faults.for_request("CONNECT", path)}
        if Effect.LOSE_REQUEST in effects or Effect.LOSE_REPLY in effects:
            return None
        if Effect.ANSWER in effects:
            return _made(effects[Effect.ANSWER])
        connection = SimulatedConnection(self, target, client_ip, shell)
        peer = self.venue.open_ws(target, headers, now_ns=now_ns, client_ip=client_ip, out=connection.outbox())
        if isinstance(peer, HttpResponse):
            return peer
        connection.attach(peer)
        self.ws_connections.append(connection)
        self.connections_made += 1
        self.changed()
        return connection

    def forget(self, connection: SimulatedConnection) -> None:
        if connection in self.ws_connections:
            self.ws_connections.remove(connection)

    def next_due_ns(self) -> int | None:
        due = self.venue.next_due_ns()
        if self._timers:
            return self._timers[0][0] if due is None else min(due, self._timers[0][0])
        return due

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        now_ns = self.now_ns()
        self.venue.advance(now_ns)
        while self._timers and self._timers[0][0] <= now_ns:
            heapq.heappop(self._timers)[2]()

    def _caught_up_ns(self) -> int:
        """Let everything happen that is due, and return what time it is: what is done next comes after all that."""
        self.advance()
        return self.now_ns()

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do *action* after *delay_s* of the simulation's time."""
        self._timer_number += 1
        heapq.heappush(self._timers, (self.now_ns() + int(delay_s * 1e9), self._timer_number, action))
        self.changed()

    def changed(self) -> None:
        """Tell the listeners that something may be due earlier than before."""
        for listener in self._listeners:
            listener()

    # -- the market ----------------------------------------------------------------------------------------------

    def quiet(self, on: bool = True) -> None:
        """Stop the background trading; the books stay as they are."""
        self.venue.set_quiet(on, self._caught_up_ns())
        self.changed()

    def set_book(
        self,
        symbol: str,
        bids: Iterable[tuple[str | Decimal, str | Decimal]],
        asks: Iterable[tuple[str | Decimal, str | Decimal]],
    ) -> None:
        """Replace everybody else's orders in *symbol* by these (price, quantity) levels. Quiet the market first."""
        now_ns = self._caught_up_ns()
        self.venue.population.leave_market(symbol, now_ns)
        for side, levels in ((Side.BUY, bids), (Side.SELL, asks)):
            for price, quantity in levels:
                self.venue.population.quote(symbol, side, Decimal(price), Decimal(quantity), now_ns)
        self.flush()

    def trade(self, symbol: str, side: str, quantity: str | Decimal, price: str | Decimal | None = None) -> Decimal:
        """Send an order of an outside counterparty, immediate or cancel; return what it traded.

        Args:
            side: ``buy`` or ``sell``: the counterparty's.
            price: Its limit; None takes any price.
        """
        now_ns = self._caught_up_ns()
        new = NewOrder(
            OUTSIDER,
            symbol,
            Side[side.upper()],
            Kind.MARKET if price is None else Kind.LIMIT,
            Decimal(quantity),
            price=None if price is None else Decimal(price),
            time_in_force=TimeInForce.GTC if price is None else TimeInForce.IOC,
        )
        order = self.exchange.place(new, now_ns)
        self.flush()
        return order.executed

    def fill(self, client_order_id: str, quantity: str | Decimal | None = None, *, account: str | None = None) -> None:
        """Trade against one resting order at its price, whatever is ahead of it; all of it by default."""
        order = self.order(client_order_id, account=account)
        amount = order.remaining if quantity is None else Decimal(quantity)
        now_ns = self._caught_up_ns()
        self.exchange.fill_resting(order, amount, OUTSIDER, now_ns)
        self.flush()

    def cancel(self, client_order_id: str, *, account: str | None = None) -> None:
        """Let the exchange end an open order, as it does in a delisting."""
        now_ns = self._caught_up_ns()
        self.exchange.expire(self.order(client_order_id, account=account), now_ns, "EXCHANGE_CANCELED")
        self.flush()

    def deposit(self, asset: str, amount: str | Decimal, *, account: str | None = None) -> None:
        """Credit *amount*; a negative one is a withdrawal."""
        now_ns = self._caught_up_ns()
        owner, wanted = self.venue.account_of(account), Decimal(amount)
        if wanted > 0:
            self.exchange.funds.deposit(owner, asset, wanted, now_ns)
        else:
            self.exchange.funds.withdraw(owner, asset, -wanted, now_ns)
        self.flush()

    def set_mark(self, symbol: str, mark: str | Decimal, index: str | Decimal | None = None) -> None:
        """Pin the mark price of a perpetual, and its index; triggers and liquidations follow at once."""
        now_ns = self._caught_up_ns()
        oracle = None if index is None else Decimal(index)
        self.exchange.perps.set_mark(symbol, Decimal(mark), now_ns, oracle)
        self.flush()

    def follow_trades(self, symbol: str) -> None:
        """Let the mark price of a perpetual follow what is traded again."""
        self.exchange.perps.follow_trades(symbol, self._caught_up_ns())
        self.flush()

    def set_funding_rate(self, symbol: str, rate: str | Decimal) -> None:
        """Set what longs pay shorts at the next settlement, as a fraction of the value."""
        self.exchange.perps.set_funding_rate(symbol, Decimal(rate))

    def settle_funding(self, symbol: str) -> None:
        """Let every position in *symbol* pay or receive funding now, whatever the hour."""
        self.exchange.perps.settle_funding(symbol, self._caught_up_ns())
        self.flush()

    def flush(self) -> None:
        """Send out what commands to the engine have caused."""
        self.venue.flush(self.now_ns())
        self.changed()

    # -- the ledger ----------------------------------------------------------------------------------------------

    def orders(self, account: str | None = None) -> list[Order]:
        """Return all orders of an account, oldest first."""
        owners = self.venue.wallets_of(account)
        return [order for order in self.exchange.orders.values() if order.account in owners]

    def open_orders(self, account: str | None = None) -> list[Order]:
        mine = (order for owner in self.venue.wallets_of(account) for order in self.exchange.open_orders(owner))
        return sorted(mine, key=lambda order: order.id)

    def order_ids(self, account: str | None = None) -> list[str]:
        """Return the client order ids of all orders, oldest first."""
        return [order.client_id for order in self.orders(account)]

    def open_order_ids(self, account: str | None = None) -> list[str]:
        return [order.client_id for order in self.open_orders(account)]

    def order(self, client_order_id: str, *, account: str | None = None) -> Order:
        """Return the newest order with that id.

        Raises:
            KeyError: There is none.
        """
        found = [order for order in self.orders(account) if order.client_id == client_order_id]
        if not found:
            raise KeyError(client_order_id)
        return found[-1]

    def fills(self, account: str | None = None) -> list[Fill]:
        owners = self.venue.wallets_of(account)
        return [fill for fill in self.exchange.fills if fill.account in owners]

    def balances(self, account: str | None = None) -> dict[str, Balance]:
        """Return what an account owns in all its wallets, by asset: free and locked."""
        total: dict[str, Balance] = {}
        for wallet in self.venue.wallets_of(account):
            for asset, owned in self.exchange.accounts.balances(wallet).items():
                known = total.get(asset, Balance())
                total[asset] = Balance(known.free + owned.free, known.locked + owned.locked)
        return dict(sorted(total.items()))

    def positions(self, account: str | None = None) -> dict[str, Decimal]:
        """Return the open positions in perpetuals, by symbol: signed sizes, long above 0."""
        wallets = self.venue.wallets_of(account)
        return {held.symbol: held.quantity for wallet in wallets for held in self.exchange.perps.positions(wallet)}

    def position(self, symbol: str, *, account: str | None = None) -> Decimal:
        """Return the signed size of one position, 0 where there is none."""
        return self.positions(account).get(symbol, Decimal(0))

    def snapshot_calls(self, symbol: str) -> int:
        """Return how often the book snapshot of *symbol* was asked for by HTTP."""
        return self._snapshot_calls[symbol]


def _made(fault: RequestFault) -> HttpResponse:
    assert fault.response is not None
    return fault.response()
