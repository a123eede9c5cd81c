"""Conformance cases: what a connector must do on a simulated exchange, by the capability it declares.

Each case runs over real sockets against the venue's own dialect and sees both sides: what the user was told, and what
the exchange has on record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from inspect import isasyncgen
from itertools import pairwise
from typing import Any, TypeVar

import anyio

import lotusx
from lotusx.kernel.facts import Capability as C, ExchangeFacts, Support
from lotusx.model import Interval, OrderRequest, OrderStatus, OrderType, QuantityUnit, Side, Ticker, TimeInForce
from lotusx_testing.arena import Arena, both

E = TypeVar("E")
Run = Callable[[Arena], Awaitable[None]]
PATIENCE_S = 15.0
"""How long anything may take that should come by itself."""
DUST = Decimal("0.000001")
"""What an exchange may leave out of an amount when it writes it."""


@dataclass(frozen=True)
class Case:
    """One thing a connector must do if it declares *capability*.

    Attributes:
        connect: What `lotusx.connect` is to be given besides, such as options.
        quiet: Whether the market must stand still.
    """

    name: str
    capability: C
    run: Run
    quiet: bool = False
    connect: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return self.name


CASES: list[Case] = []


def case(capability: C, *, quiet: bool = False, connect: Mapping[str, Any] | None = None) -> Callable[[Run], Run]:
    """Make a function a case; its name says what must hold."""

    def add(run: Run) -> Run:
        CASES.append(Case(getattr(run, "__name__", "case"), capability, run, quiet, connect))
        return run

    return add


def declared(facts: ExchangeFacts, environment: str = "simulator") -> dict[C, Support]:
    """Return the capabilities that are there, fully or partly, in *environment*."""
    lacks = facts.environments[environment].lacks
    return {item: support for item, support in facts.capabilities.items() if support and item not in lacks}


def cases_for(facts: ExchangeFacts, more: Sequence[Case] = ()) -> list[Case]:
    """Return the cases that an exchange with these facts has to pass."""
    import_module("lotusx_testing.perp_cases")  # which adds its own
    offered = declared(facts)
    return [item for item in (*CASES, *more) if item.capability in offered]


def without_case(facts: ExchangeFacts, more: Sequence[Case] = ()) -> list[str]:
    """Return the capabilities that are declared and that no case proves."""
    proven = {item.capability for item in cases_for(facts, more)}
    return sorted(item.value for item in declared(facts) if item not in proven)


def that(holds: object, otherwise: str) -> None:
    """Fail with *otherwise* unless it holds; `assert` would be rewritten in test modules only."""
    if not holds:
        raise AssertionError(otherwise)


async def first(opened: AbstractAsyncContextManager[Any], wanted: Callable[[Any], object] = lambda _: True) -> Any:
    """Return the first event that is *wanted*."""
    with anyio.fail_after(PATIENCE_S):
        async with opened as stream:
            async for event in stream:
                if wanted(event):
                    return event
    raise AssertionError("the stream ended")


async def take(items: AsyncIterator[E], count: int) -> list[E]:
    """Return the next *count*, or as many as there are."""
    found: list[E] = []
    with anyio.fail_after(PATIENCE_S):
        try:
            async for item in items:
                found.append(item)
                if len(found) == count:
                    break
        finally:
            if isasyncgen(items):  # an abandoned generator is a warning on trio
                await items.aclose()
    return found


def _rising(values: Sequence[int]) -> bool:
    return all(first < second for first, second in pairwise(values))


# -- public data ------------------------------------------------------------------------------------------------------


@case(C.SERVER_TIME)
async def server_time_is_nanoseconds_of_the_exchange(a: Arena) -> None:
    """Within a minute of the simulation's own clock."""
    off = abs(await a.exchange.market.server_time() - a.sim.now_ns())
    that(off < 60 * 10**9, f"the exchange's clock is {off} ns off: not nanoseconds?")


@case(C.INSTRUMENTS)
async def instruments_are_unique_and_name_their_rules(a: Arena) -> None:
    """Each symbol and each venue symbol once; the traded one with its steps."""
    listed = await a.exchange.market.instruments()
    that(len({str(item.symbol) for item in listed}) == len(listed), "a symbol is listed twice")
    that(len({item.venue_symbol for item in listed}) == len(listed), "a venue symbol is listed twice")
    one = await a.instrument()
    that(one.price_rule is not None and one.step_size, f"{one.symbol} has no price rule or no step size")


def _priced(ticker: Ticker) -> bool:
    """Whether it states a price, exactly; some exchanges have no last one in it."""
    return any(isinstance(price, Decimal) for price in (ticker.last_price, ticker.mid_price, ticker.mark_price))


@case(C.TICKER)
async def ticker_is_of_the_symbol_asked_for(a: Arena) -> None:
    """One, and the same out of several."""
    one = await a.exchange.market.ticker(a.symbol)
    (same,) = await a.exchange.market.tickers([a.symbol])
    that(str(one.symbol) == str(same.symbol) == a.symbol, f"asked for {a.symbol}, got {one.symbol}, {same.symbol}")
    that(_priced(one), f"no exact price: {one}")


@case(C.BEST_BID_OFFER, quiet=True)
async def best_bid_offer_is_the_top_of_the_book(a: Arena) -> None:
    """And not crossed."""
    (bid, ask), book = await a.best(), await a.exchange.market.order_book(a.symbol, 5)
    that(bid < ask, f"crossed: {bid} / {ask}")
    that((bid, ask) == (book.bids[0].price, book.asks[0].price), "not the book's own best prices")


@case(C.ORDER_BOOK)
async def order_book_is_best_first_and_not_longer_than_asked(a: Arena) -> None:
    """Both sides."""
    book = await a.exchange.market.order_book(a.symbol, 5)
    for side, sign in ((book.bids, -1), (book.asks, 1)):
        prices = [level.price * sign for level in side]
        that(prices == sorted(set(prices)), f"not best first: {[level.price for level in side]}")
        that(0 < len(side) <= 5, f"{len(side)} levels, asked for 5")
        that(all(level.quantity > 0 for level in side), "a level without quantity")


@case(C.RECENT_TRADES)
async def recent_trades_are_oldest_first(a: Arena) -> None:
    """Each once."""
    await _print(a)
    trades = await a.exchange.market.recent_trades(a.symbol, 50)
    times = [trade.exchange_ns for trade in trades]
    that(trades and times == sorted(times), "no trades, or not oldest first")
    that(len({trade.trade_id for trade in trades}) == len(trades), "a trade twice")


@case(C.TRADE_HISTORY)
async def trade_history_gives_each_print_once(a: Arena) -> None:
    """Oldest first."""
    await _print(a)
    await _print(a)
    trades = await take(a.exchange.market.iter_trades(a.symbol), 2)
    that(len({trade.trade_id for trade in trades}) == 2, "two prints were to come, each once")
    that(trades[0].exchange_ns <= trades[1].exchange_ns, "not oldest first")


@case(C.CANDLES)
async def candles_have_no_gap_and_no_repetition(a: Arena) -> None:
    """A page, and history across pages."""
    minute = 60 * 10**9
    page = await a.exchange.market.candles(a.symbol, Interval.M1, limit=10)
    that(_rising([bar.open_ns for bar in page]), "a page is not oldest first")
    that(all(bar.close_ns - bar.open_ns == minute for bar in page), "close_ns is exclusive: one minute after open_ns")
    start = (a.sim.now_ns() // minute - 2_000) * minute
    bars = await take(a.exchange.market.iter_candles(a.symbol, Interval.M1, start=start), 1_500)
    steps = {second.open_ns - first.open_ns for first, second in pairwise(bars)}
    that(bars[0].open_ns == start and steps == {minute}, f"history has gaps or repetitions: steps {steps}")


# -- streams ----------------------------------------------------------------------------------------------------------


async def _print(a: Arena) -> None:
    """Have two strangers trade."""
    market = await a.market()
    for side in ("buy", "sell"):
        a.sim.trade(market, side, "0.01")


@case(C.STREAM_TRADES)
async def trades_arrive_in_order_each_once(a: Arena) -> None:
    """None repeated, also across a dead connection."""
    async with a.exchange.market.stream_trades(a.symbol) as trades:
        for _ in range(5):
            await _print(a)
        before = await take(trades, 5)
        a.sim.cut_connections("rst")
        with anyio.fail_after(PATIENCE_S):
            while not a.sim.ws_connections:  # noqa: ASYNC110 - the simulation has no event for it
                await anyio.sleep(0.01)
        found = [*before, *await take(trades, 5)]
    that(len({trade.trade_id for trade in found}) == 10, "a trade came twice")
    times = [trade.exchange_ns for trade in found]
    that(times == sorted(times), "trades came out of order")
    that(all(str(trade.symbol) == a.symbol for trade in found), "a trade of another symbol")


@case(C.STREAM_TICKER)
async def ticker_stream_speaks_of_its_symbol(a: Arena) -> None:
    """With an exact price."""
    ticker = await first(a.exchange.market.stream_ticker(a.symbol))
    that(str(ticker.symbol) == a.symbol and _priced(ticker), f"unexpected: {ticker}")


@case(C.STREAM_BEST_BID_OFFER)
async def best_bid_offer_stream_is_not_crossed(a: Arena) -> None:
    """Of its symbol."""
    top = await first(a.exchange.market.stream_best_bid_offer(a.symbol))
    bid, ask = both(top)
    that(str(top.symbol) == a.symbol and bid < ask, f"unexpected: {top}")


@case(C.STREAM_ORDER_BOOK)
async def order_book_stream_gives_whole_books(a: Arena) -> None:
    """Best first on both sides."""
    depth = min(a.exchange.capabilities[C.STREAM_ORDER_BOOK].limits.get("max_depth", 5), 5)
    book = await first(a.exchange.market.stream_order_book(a.symbol, depth))
    that(0 < len(book.bids) <= depth and book.bids[0].price < book.asks[0].price, f"unexpected: {book}")


@case(C.STREAM_CANDLES)
async def candle_stream_has_whole_intervals(a: Arena) -> None:
    """Of the interval asked for."""
    bar = await first(a.exchange.market.stream_candles(a.symbol, Interval.M1))
    that(bar.close_ns - bar.open_ns == 60 * 10**9 and bar.low <= bar.close <= bar.high, f"unexpected: {bar}")


@case(C.LIVE_ORDER_BOOK)
async def live_book_survives_a_gap_and_equals_the_exchange(a: Arena) -> None:
    """A message is lost; the book finds out, and ends as the exchange's own."""
    market = await a.market()
    async with a.exchange.market.live_order_book(a.symbol) as book:
        before = book.resyncs
        a.sim.gap(market)
        with anyio.fail_after(PATIENCE_S):
            while (a.dialect.books_show_gaps and book.resyncs == before) or book.state != "synced":
                that(book.state != "synced" or book.bids(1)[0].price < book.asks(1)[0].price, "a crossed book")
                await anyio.sleep(0.02)
        a.sim.quiet()
        with anyio.fail_after(PATIENCE_S):
            while True:
                truth = await a.exchange.market.order_book(a.symbol, 20)
                ours = (tuple(book.bids(20)), tuple(book.asks(20)))
                if book.state == "synced" and ours == (truth.bids, truth.asks):
                    break
                await anyio.sleep(0.1)


# -- orders -----------------------------------------------------------------------------------------------------------


def _record(a: Arena, request: OrderRequest) -> Any:
    assert request.client_order_id is not None
    return a.sim.order(request.client_order_id)


@case(C.PLACE_ORDER, quiet=True)
async def resting_order_is_open_as_it_was_written(a: Arena) -> None:
    """Price and quantity arrive unchanged."""
    request = await a.resting()
    order = await a.exchange.trading.place(request)
    kept = _record(a, request)
    status = order.status
    if status is OrderStatus.PENDING:  # only acknowledged so far
        status = (await a.exchange.trading.order(a.symbol, client_order_id=request.client_order_id)).status
    that(status is OrderStatus.OPEN, f"status is {status}")
    that((kept.price, kept.quantity) == (request.price, request.quantity), f"the exchange has {kept}")


@case(C.PLACE_ORDER, quiet=True)
async def crossing_order_reports_its_fills(a: Arena) -> None:
    """All of it, with what the exchange executed."""
    request = await a.crossing()
    order = await a.exchange.trading.place(request)
    final = await order.settled(PATIENCE_S)
    that(final.status is OrderStatus.FILLED and order.filled == request.quantity, f"ended as {final}")
    await order.fetch_fills()
    that(sum(fill.quantity for fill in order.fills) == request.quantity, f"fills do not add up: {order.fills}")


@case(C.PLACE_ORDER, quiet=True)
async def immediate_or_cancel_never_rests(a: Arena) -> None:
    """Away from the market nothing of it executes."""
    order = await a.exchange.trading.place(await a.resting(time_in_force=TimeInForce.IOC))
    final = await order.settled(PATIENCE_S)
    that(final.status.is_terminal and order.filled == 0, f"ended as {final}")
    that(not a.sim.open_orders(), "it rests")


@case(C.PLACE_ORDER, quiet=True)
async def refused_order_raises_the_exchanges_reason(a: Arena) -> None:
    """And the exchange does not have it."""
    request = await a.resting()
    poor = request.model_copy(update={"quantity": request.quantity * 1_000_000})
    try:
        await a.exchange.trading.place(poor)
    except (lotusx.ExchangeError, lotusx.InvalidArgument):
        that(poor.client_order_id not in a.sim.open_order_ids(), "the order is there all the same")
    else:
        raise AssertionError("an order that no balance covers was accepted")


@case(C.PLACE_ORDER, quiet=True)
async def order_whose_reply_is_lost_ends_in_its_true_state(a: Arena) -> None:
    """It is looked up, never sent again."""
    request = await a.resting()
    a.sim.lose_reply_to("POST", "*", how="reset")
    order = await a.exchange.trading.place(request)
    that(order.status is OrderStatus.OPEN, f"status is {order.status}")
    that(a.sim.order_ids().count(request.client_order_id or "") == 1, "the exchange has another number of orders")


@case(C.TEST_ORDER, quiet=True)
async def test_order_places_nothing(a: Arena) -> None:
    """The exchange has no order afterwards."""
    await a.exchange.trading.test(await a.resting())
    that(not a.sim.orders(), "an order was placed")


@case(C.POST_ONLY, quiet=True)
async def post_only_never_takes(a: Arena) -> None:
    """A crossing one is refused or expires, a resting one rests."""
    await a.exchange.trading.place(await a.resting(post_only=True))
    try:
        order = await a.exchange.trading.place(await a.crossing(post_only=True))
        await order.settled(PATIENCE_S)
    except lotusx.ExchangeError:
        pass
    that(not a.sim.fills() and len(a.sim.open_orders()) == 1, "it took, or the first one does not rest")


@case(C.CONDITIONAL_ORDERS, quiet=True)
async def conditional_order_waits_for_its_trigger(a: Arena) -> None:
    """A stop below the market does nothing yet."""
    near = await a.resting(Side.BUY)
    assert near.price is not None
    stop = OrderRequest(symbol=a.symbol, side=Side.SELL, type=OrderType.STOP_LOSS_LIMIT, quantity=near.quantity,
                        price=near.price, trigger_price=near.price, client_order_id=a.next_id())  # fmt: skip
    order = await a.exchange.trading.place(stop)
    that(order.status in (OrderStatus.OPEN, OrderStatus.PENDING) and order.filled == 0, f"status is {order.status}")
    state = await a.exchange.trading.order(a.symbol, client_order_id=stop.client_order_id)
    that(state.trigger_price == near.price, f"trigger price is {state.trigger_price}")


@case(C.TRAILING_ORDERS, quiet=True)
async def trailing_order_is_kept_by_the_exchange(a: Arena) -> None:
    """It neither executes nor vanishes."""
    near = await a.resting()
    request = OrderRequest(symbol=a.symbol, side=Side.SELL, type=OrderType.TRAILING_STOP, quantity=near.quantity,
                           client_order_id=a.next_id(), trailing_fraction=Decimal("0.01"))  # fmt: skip
    await a.exchange.trading.place(request)
    that(a.sim.open_order_ids() == [request.client_order_id], "the exchange does not keep it")


@case(C.QUOTE_QUANTITY, quiet=True)
async def quote_quantity_spends_no_more_than_stated(a: Arena) -> None:
    """And something."""
    request = OrderRequest.market(a.symbol, Side.BUY, 100, quantity_unit=QuantityUnit.QUOTE,
                                  client_order_id=a.next_id())  # fmt: skip
    order = await a.exchange.trading.place(request)
    await order.settled(PATIENCE_S)
    await order.fetch_fills()
    spent = sum((fill.price * fill.quantity for fill in order.fills), Decimal(0))
    that(0 < spent <= 100, f"spent {spent} of 100")


@case(C.AMEND_ORDER, quiet=True)
async def amended_order_rests_with_the_new_quantity(a: Arena) -> None:
    """One order is open afterwards."""
    request = await a.resting()
    await a.exchange.trading.place(request)
    half = request.quantity / 2
    step = (await a.instrument()).step_size
    half = half if step is None else half // step * step
    await a.exchange.trading.amend(a.symbol, client_order_id=request.client_order_id, quantity=half)
    (kept,) = a.sim.open_orders()
    that(kept.quantity == half, f"the exchange has {kept.quantity}, asked for {half}")


@case(C.CANCEL_ORDER, quiet=True)
async def cancelled_order_is_gone_at_the_exchange(a: Arena) -> None:
    """And says what had executed."""
    request = await a.resting()
    await a.exchange.trading.place(request)
    state = await a.exchange.trading.cancel(a.symbol, client_order_id=request.client_order_id)
    if not state.status.is_terminal:  # only acknowledged so far
        state = await a.exchange.trading.order(a.symbol, client_order_id=request.client_order_id)
    that(state.status is OrderStatus.CANCELED and state.filled == 0, f"ended as {state}")
    that(state.client_order_id == request.client_order_id, f"named {state.client_order_id}")
    that(not a.sim.open_orders(), "it is still open")


@case(C.CANCEL_ALL, quiet=True)
async def cancel_all_leaves_nothing_open(a: Arena) -> None:
    """Of the symbol."""
    for _ in range(2):
        await a.exchange.trading.place(await a.resting())
    ended = await a.exchange.trading.cancel_all(a.symbol)
    that(not a.sim.open_orders(), "something is still open")
    that(len(ended) == 2, f"told of {len(ended)} orders, not 2")


@case(C.QUERY_ORDER, quiet=True)
async def query_by_either_id_finds_the_same_order(a: Arena) -> None:
    """And one that does not exist is not found."""
    request = await a.resting()
    order = await a.exchange.trading.place(request)
    ours = await a.exchange.trading.order(a.symbol, client_order_id=request.client_order_id)
    theirs = await a.exchange.trading.order(a.symbol, venue_order_id=order.venue_order_id)
    that(ours.venue_order_id == theirs.venue_order_id, f"{ours} is not {theirs}")
    try:
        await a.exchange.trading.order(a.symbol, client_order_id="no-such-order")
    except lotusx.OrderNotFound:
        return
    raise AssertionError("an order that does not exist was found")


@case(C.OPEN_ORDERS, quiet=True)
async def open_orders_are_those_of_the_exchange(a: Arena) -> None:
    """By symbol and of the account."""
    for _ in range(2):
        await a.exchange.trading.place(await a.resting())
    truth = sorted(a.sim.open_order_ids())
    for found in (await a.exchange.trading.open_orders(a.symbol), await a.exchange.trading.open_orders()):
        that(sorted(state.client_order_id or "" for state in found) == truth, f"told {found}, has {truth}")


@case(C.ORDER_HISTORY, quiet=True)
async def order_history_gives_each_order_once(a: Arena) -> None:
    """Oldest first, ended ones too."""
    for _ in range(2):
        await a.exchange.trading.place(await a.crossing())
    found = [state.client_order_id async for state in a.exchange.trading.iter_orders(a.symbol)]
    that(found == a.sim.order_ids(), f"told {found}, has {a.sim.order_ids()}")


@case(C.FILLS, quiet=True)
async def fill_history_gives_each_fill_once(a: Arena) -> None:
    """With fees."""
    await a.exchange.trading.place(await a.crossing())
    found = [fill async for fill in a.exchange.trading.iter_fills(a.symbol)]
    truth = a.sim.fills()
    that(len(found) == len(truth) == len({fill.trade_id for fill in found}), f"told {len(found)}, has {len(truth)}")
    that(all(fill.fee is not None and fill.fee_asset for fill in found), "a fill without its fee")


@case(C.WEBSOCKET_ORDERS, quiet=True, connect={"options": {"order_entry": "ws"}})
async def order_over_the_websocket_is_placed_and_cancelled(a: Arena) -> None:
    """No order goes out over HTTP."""
    request = await a.resting()
    await a.exchange.trading.place(request)
    await a.exchange.trading.cancel(a.symbol, client_order_id=request.client_order_id)
    that(a.sim.order_ids() == [request.client_order_id] and not a.sim.open_orders(), "not placed and cancelled")
    that(not [key for key in a.sim.requests if a.dialect.is_command(*key)], "an order went out over HTTP")


# -- account ----------------------------------------------------------------------------------------------------------


@case(C.BALANCES, quiet=True)
async def balances_add_up(a: Arena) -> None:
    """What an order locks is locked."""
    await a.exchange.trading.place(await a.resting())
    for balance in await a.exchange.account.balances():
        kept = a.sim.balances(a.dialect.wallet(balance.wallet))[balance.asset]
        pairs = ((balance.free, kept.free), (balance.locked, kept.locked), (balance.total, kept.free + kept.locked))
        that(all(abs(told - has) < DUST for told, has in pairs), f"told {balance}, has {kept}")


@case(C.FEES)
async def fees_are_fractions(a: Arena) -> None:
    """Not per cent, not basis points."""
    fees = await a.exchange.account.fees(a.symbol)
    that(abs(fees.maker) < Decimal("0.05") and abs(fees.taker) < Decimal("0.05"), f"not fractions: {fees}")


@case(C.PERMISSIONS)
async def permissions_say_whether_the_key_may_trade(a: Arena) -> None:
    """Yes, no or not stated."""
    found = await a.exchange.account.permissions()
    that(found.trade in (True, False, None) and found.read is not False, f"unexpected: {found}")


@case(C.STREAM_ACCOUNT, quiet=True)
async def account_stream_tells_of_orders_fills_and_balances(a: Arena) -> None:
    """Each fill once, also those that happen while the connection is dead."""
    async with a.exchange.account.stream_account() as events:
        first, second = await a.resting(), await a.resting()
        placed = [await a.exchange.trading.place(request) for request in (first, second)]
        a.sim.fill(first.client_order_id or "")
        a.sim.cut_connections("rst")
        a.sim.fill(second.client_order_id or "")
        fills: list[str] = []
        kinds: set[str] = set()
        with anyio.fail_after(PATIENCE_S):
            async for event in events:
                kinds.add(type(event).__name__)
                if isinstance(event, lotusx.model.FillEvent):
                    fills.append(event.fill.venue_order_id)
                if len(fills) >= 2 and "Recovered" in kinds:
                    break
    that(sorted(fills) == sorted(str(order.venue_order_id) for order in placed), f"told of fills of {fills}")
    that({"OrderEvent", "FillEvent"} <= kinds, f"kinds of events: {sorted(kinds)}")
