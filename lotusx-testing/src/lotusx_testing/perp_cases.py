"""Conformance cases of perpetual futures, and of what exchanges of them offer besides."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import anyio

import lotusx
from lotusx.kernel.facts import Capability as C
from lotusx.model import (
    AmendRequest,
    FundingEvent,
    FundingPayment,
    Liquidation,
    MarginMode,
    OrderRequest,
    PositionSide,
    Side,
    TimeInForce,
)
from lotusx.rules import Rounding, round_quantity
from lotusx.streams import StatusChange, StreamState
from lotusx_testing.arena import Arena
from lotusx_testing.cases import PATIENCE_S, case, first, that

S_NS = 10**9
HOUR_NS = 3_600 * S_NS
LEVERAGE = 5
"""How many times its balance an account owes when it is to be liquidated."""

# -- public data ------------------------------------------------------------------------------------------------------


@case(C.MARK_PRICE)
async def mark_price_is_near_the_market(a: Arena) -> None:
    """And names its symbol."""
    mark, (bid, _) = await a.exchange.market.mark_price(a.symbol), await a.best()
    that(str(mark.symbol) == a.symbol, f"asked for {a.symbol}, got {mark.symbol}")
    that(abs(mark.mark_price / bid - 1) < Decimal("0.1"), f"{mark.mark_price} at a bid of {bid}")


@case(C.STREAM_MARK_PRICE)
async def mark_price_stream_speaks_of_its_symbol(a: Arena) -> None:
    """Beside a stream of tickers, which may share its messages."""
    async with a.exchange.market.stream_ticker(a.symbol):
        mark = await first(a.exchange.market.stream_mark_price(a.symbol))
    that(isinstance(mark, lotusx.model.MarkPrice), f"not a mark price: {mark}")
    that(str(mark.symbol) == a.symbol and isinstance(mark.mark_price, Decimal), f"unexpected: {mark}")


@case(C.FUNDING_RATE)
async def funding_rate_is_a_fraction_with_its_time_to_come(a: Arena) -> None:
    """Not per cent."""
    rate = await a.exchange.market.funding_rate(a.symbol)
    that(abs(rate.rate) < Decimal("0.05"), f"not a fraction: {rate.rate}")
    that(a.sim.now_ns() <= rate.funding_ns <= a.sim.now_ns() + 24 * HOUR_NS, f"applied at {rate.funding_ns}")


@case(C.FUNDING_HISTORY)
async def funding_history_gives_each_rate_once(a: Arena) -> None:
    """Oldest first."""
    start = a.sim.now_ns() - 48 * HOUR_NS
    rates = [rate async for rate in a.exchange.market.iter_funding_rates(a.symbol, start=start)]
    times = [rate.funding_ns for rate in rates]
    that(times and times[0] >= start, f"begins at {times[:1]}, asked from {start}")
    that(all(before < after for before, after in pairwise(times)), "not oldest first, or one twice")


@case(C.OPEN_INTEREST)
async def open_interest_counts_base_units(a: Arena) -> None:
    """Not below zero."""
    found = await a.exchange.market.open_interest(a.symbol)
    that(str(found.symbol) == a.symbol and found.quantity >= 0, f"unexpected: {found}")


# -- orders -----------------------------------------------------------------------------------------------------------


async def bought(a: Arena) -> OrderRequest:
    """Buy something."""
    request = await a.crossing()
    order = await a.exchange.trading.place(request)
    await order.settled(PATIENCE_S)
    return request


@case(C.MAX_SLIPPAGE, quiet=True)
async def market_order_stays_within_its_slippage(a: Arena) -> None:
    """It fills no worse than its bound; without one it is not sent where the exchange knows limit orders only."""
    _, ask = await a.best()
    quantity = await a.quantity(ask)
    bound = Decimal("0.01")
    request = OrderRequest.market(a.symbol, Side.BUY, quantity, max_slippage=bound, client_order_id=a.next_id())
    order = await a.exchange.trading.place(request)
    await order.settled(PATIENCE_S)
    fills = a.sim.fills()
    that(sum(fill.quantity for fill in fills) == order.filled > 0, f"told {order.filled}, has {fills}")
    that(all(fill.price <= ask * (1 + bound) for fill in fills), "it went further")
    if a.dialect.has_market_orders:
        return
    try:
        await a.exchange.trading.place(OrderRequest.market(a.symbol, Side.BUY, quantity, client_order_id=a.next_id()))
    except lotusx.InvalidArgument:
        return
    raise AssertionError("a market order without a bound was sent")


@case(C.REDUCE_ONLY, quiet=True)
async def reduce_only_never_opens_a_position(a: Arena) -> None:
    """Without a position it is refused; with one it closes it."""
    market = await a.market()
    try:
        order = await a.exchange.trading.place(await a.crossing(Side.SELL, reduce_only=True))
        await order.settled(PATIENCE_S)
    except lotusx.ExchangeError:
        pass
    that(a.sim.position(market) == 0, "it opened a position")
    await bought(a)
    order = await a.exchange.trading.place(await a.crossing(Side.SELL, reduce_only=True))
    await order.settled(PATIENCE_S)
    that(a.sim.position(market) == 0, f"left {a.sim.position(market)}")


@case(C.GTD, quiet=True)
async def order_with_an_end_rests_until_then(a: Arena) -> None:
    """And says so."""
    expires_ns = (a.sim.now_ns() // S_NS + 3_600) * S_NS
    request = await a.resting(time_in_force=TimeInForce.GTD, expires_ns=expires_ns)
    order = await a.exchange.trading.place(request)
    that(order.state.time_in_force is TimeInForce.GTD, f"told {order.state}")
    that(a.sim.open_order_ids() == [request.client_order_id], "it does not rest")


@case(C.BATCH_ORDERS, quiet=True)
async def batch_has_one_outcome_per_order_in_their_order(a: Arena) -> None:
    """Also where one of them is refused."""
    good = [await a.resting() for _ in range(2)]
    poor = (await a.resting()).model_copy(update={"quantity": good[0].quantity * 1_000_000})
    requests = [good[0], poor, good[1]]
    outcomes = await a.exchange.trading.place_batch_orders(requests)
    kinds = [type(outcome).__name__ for outcome in outcomes]
    that(kinds == ["Accepted", "Rejected", "Accepted"], f"outcomes are {outcomes}")
    names = [outcome.client_order_id for outcome in outcomes]
    that(names == [request.client_order_id for request in requests], f"of {names}")
    that(sorted(a.sim.open_order_ids()) == sorted(str(each.client_order_id) for each in good), "others are open")


@case(C.BATCH_CANCEL, quiet=True)
async def cancelled_batch_is_gone(a: Arena) -> None:
    """One outcome each, also for an order that does not exist."""
    placed = [str((await a.exchange.trading.place(await a.resting())).client_order_id) for _ in range(2)]
    names = [placed[0], a.next_id(), placed[1]]
    outcomes = await a.exchange.trading.cancel_batch_orders(a.symbol, names)
    kinds = [type(outcome).__name__ for outcome in outcomes]
    that(kinds == ["Accepted", "Rejected", "Accepted"], f"outcomes are {outcomes}")
    that(not a.sim.open_orders(), "something is still open")


@case(C.BATCH_AMEND, quiet=True)
async def amended_batch_rests_with_its_new_terms(a: Arena) -> None:
    """One outcome each, in their order."""
    requests = [await a.resting() for _ in range(2)]
    for request in requests:
        await a.exchange.trading.place(request)
    doubled = [
        AmendRequest(request.symbol, client_order_id=request.client_order_id, quantity=request.quantity * 2)
        for request in requests
    ]
    outcomes = await a.exchange.trading.amend_batch_orders(doubled)
    that(all(isinstance(outcome, lotusx.model.Accepted) for outcome in outcomes), f"outcomes are {outcomes}")
    that([order.quantity for order in a.sim.open_orders()] == [each.quantity for each in doubled], "not as asked")


@case(C.CANCEL_ALL_AFTER, quiet=True)
async def dead_mans_switch_cancels_unless_it_is_taken_back(a: Arena) -> None:
    """Within seconds of its time."""
    limits = a.exchange.capabilities[C.CANCEL_ALL_AFTER].limits
    symbol, seconds = a.symbol if "symbols" in limits else None, max(6, limits.get("min_s", 0))
    await a.exchange.trading.place(await a.resting())
    await a.exchange.trading.cancel_all_after(seconds, symbol)
    await a.exchange.trading.cancel_all_after(0, symbol)
    that(a.sim.open_orders(), "setting it cancelled at once")
    await a.exchange.trading.cancel_all_after(seconds, symbol)
    with anyio.fail_after(seconds + PATIENCE_S):
        while a.sim.open_orders():  # noqa: ASYNC110 - the simulation has no event for it
            await anyio.sleep(0.05)


# -- account ----------------------------------------------------------------------------------------------------------


@case(C.POSITIONS, quiet=True)
async def position_is_what_was_bought(a: Arena) -> None:
    """Signed, in base units; and gone when it is closed."""
    request = await bought(a)
    (position,) = await a.exchange.account.positions()
    that(str(position.symbol) == a.symbol and position.quantity == request.quantity, f"told {position}")
    back = (await a.crossing(Side.SELL)).model_copy(update={"quantity": request.quantity})
    order = await a.exchange.trading.place(back)
    await order.settled(PATIENCE_S)
    that(not await a.exchange.account.positions(), "a closed position is told")


@case(C.LEVERAGE, quiet=True)
async def leverage_is_what_was_set(a: Arena) -> None:
    """And the margin mode stays."""
    before = await a.exchange.account.leverage(a.symbol)
    await a.exchange.account.set_leverage(a.symbol, 3)
    after = await a.exchange.account.leverage(a.symbol)
    that(after.leverage == 3 and after.margin_mode is before.margin_mode, f"was {before}, is {after}")


@case(C.MARGIN_MODE, quiet=True)
async def margin_mode_is_what_was_set(a: Arena) -> None:
    """And the leverage stays."""
    before = await a.exchange.account.leverage(a.symbol)
    for mode in (MarginMode.ISOLATED, MarginMode.CROSS):
        await a.exchange.account.set_margin_mode(a.symbol, mode)
        after = await a.exchange.account.leverage(a.symbol)
        that((after.margin_mode, after.leverage) == (mode, before.leverage), f"asked for {mode}, is {after}")


@case(C.ISOLATED_MARGIN, quiet=True)
async def margin_of_a_position_grows_by_what_is_added(a: Arena) -> None:
    """An isolated one."""
    await a.exchange.account.set_margin_mode(a.symbol, MarginMode.ISOLATED)
    await bought(a)
    (before,) = await a.exchange.account.positions()
    await a.exchange.account.change_margin(a.symbol, 5)
    (after,) = await a.exchange.account.positions()
    assert before.margin is not None
    assert after.margin is not None
    that(after.margin - before.margin == 5, f"was {before.margin}, is {after.margin}")


@case(C.HEDGE_MODE, quiet=True)
async def both_positions_of_a_symbol_stand_side_by_side(a: Arena) -> None:
    """Each with its own side and sign."""
    that(a.dialect.hedge is not None, "the dialect does not say how hedge mode is switched on")
    assert a.dialect.hedge is not None
    await a.dialect.hedge(a.exchange)
    for side, position_side in ((Side.BUY, PositionSide.LONG), (Side.SELL, PositionSide.SHORT)):
        order = await a.exchange.trading.place(await a.crossing(side, position_side=position_side))
        await order.settled(PATIENCE_S)
    held = {position.side: position.quantity for position in await a.exchange.account.positions()}
    that(held.keys() == {PositionSide.LONG, PositionSide.SHORT}, f"told {held}")
    that(held[PositionSide.LONG] > 0 > held[PositionSide.SHORT], f"told {held}")


@case(C.STREAM_LIQUIDATIONS, quiet=True)
async def a_liquidation_is_told_with_the_side_that_closed_it(a: Arena) -> None:
    """A long for which the whole account does not suffice any more is sold."""
    await a.exchange.account.set_leverage(a.symbol, LEVERAGE + 1)
    instrument, market, (bid, ask) = await a.instrument(), await a.market(), await a.best()
    asset = instrument.symbol.settle or instrument.symbol.quote
    (money,) = [each for each in await a.exchange.account.balances() if each.asset == asset]
    quantity = round_quantity(instrument, money.total * LEVERAGE / ask, Rounding.FLOOR)
    a.sim.set_book(market, [(bid, quantity * 2)], [(ask, quantity * 2)])
    request = OrderRequest.limit(a.symbol, Side.BUY, quantity, ask, client_order_id=a.next_id())
    await (await a.exchange.trading.place(request)).settled(PATIENCE_S)

    async def fall() -> None:
        price = ask
        while a.sim.positions():
            price *= Decimal("0.97")
            a.sim.set_mark(market, price)
            await anyio.sleep(0.05)

    told: object = None
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as group, a.exchange.market.stream_liquidations(a.symbol) as stream:
            async for told in stream.with_status():
                if not isinstance(told, StatusChange):
                    break
                if told.state is StreamState.ACKNOWLEDGED:  # what comes before is not told
                    group.start_soon(fall)
            group.cancel_scope.cancel()
    that(isinstance(told, Liquidation) and told.side is Side.SELL, f"told {told}")


async def paid(a: Arena) -> FundingPayment:
    """Settle funding of a position, and ask for what was paid."""
    market = await a.market()
    a.sim.set_funding_rate(market, "0.0001")
    start = a.sim.now_ns()
    await bought(a)
    a.sim.settle_funding(market)
    (found,) = [item async for item in a.exchange.account.iter_funding_payments(start=start)]
    return found


@case(C.FUNDING_PAYMENTS, quiet=True)
async def funding_payment_is_told_when_it_is_asked_for(a: Arena) -> None:
    """Once, below zero for what was paid."""
    found = await paid(a)
    that(str(found.symbol) == a.symbol and found.amount < 0, f"told {found}")
    that(found.rate in (None, Decimal("0.0001")), f"told {found}")


@case(C.FUNDING_PAYMENTS, quiet=True)
async def funding_payment_is_told_by_query_and_stream(a: Arena) -> None:
    """In the same words; not where ``streamed`` is 0 among the capability's limits."""
    if a.exchange.capabilities[C.FUNDING_PAYMENTS].limits.get("streamed") == 0:
        return
    async with a.exchange.account.stream_account() as events:
        found = await paid(a)
        told = await first(_opened(events), lambda event: isinstance(event, FundingEvent))
    key = (found.symbol, found.exchange_ns, found.amount)
    that((told.payment.symbol, told.payment.exchange_ns, told.payment.amount) == key, f"streamed {told}, asked {found}")


class _opened:
    """A stream that is open already, where one to open is expected."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aenter__(self) -> Any:
        return self._stream

    async def __aexit__(self, *error: object) -> None:
        """Leave it open."""
