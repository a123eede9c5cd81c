"""What would be, without doing it. Source: Bybit V5, order/pre-check-order, order/spot-borrow-quota, system-status."""

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.errors import bad, of_reason
from lotusx_sim.dialects.bybit.listings import Category
from lotusx_sim.dialects.bybit.numbers import amount, plain
from lotusx_sim.dialects.bybit.placing import read_order
from lotusx_sim.dialects.bybit.tracked import SIDES
from lotusx_sim.dialects.bybit.wallets import wallet_row
from lotusx_sim.engine.orders import ZERO, Reason, Side
from lotusx_sim.engine.terms import margin_for, whole_steps


def pre_check(call: Call) -> dict[str, Any]:
    """Say how an order would change the account's margin rates, in ten-thousandths; nothing is placed."""
    state, account = call.state, call.account
    category = call.params.category(Category.LINEAR, Category.INVERSE)
    if state.users[account].isolated:
        raise bad("pre-check is not supported in isolated margin")
    ticket = read_order(state, account, call.params)
    listing, new = ticket.tracked.listing, ticket.new
    if new.kind.is_conditional:
        raise bad("pre-check is not supported for conditional orders")
    contract = listing.market().contract
    assert contract is not None, "both categories have contracts"
    position = state.exchange.perps.position(account, listing.name, new.leg)
    opening = ZERO if new.reduce_only else position.opening(new.side.sign * new.quantity)
    value = abs(contract.value(opening, new.price or state.last(listing)))
    initial = margin_for(value, position.leverage)
    if initial > state.exchange.perps.available(account, contract.settle):
        raise of_reason(category, Reason.INSUFFICIENT_FUNDS)
    row = wallet_row(state, account, [])
    equity = Decimal(row["totalMarginBalance"])
    before = [Decimal(row[name]) for name in ("totalInitialMargin", "totalMaintenanceMargin")]
    dollars = state.usd(contract.settle)
    after = [before[0] + initial * dollars, before[1] + value * contract.maintenance * dollars]
    rates = [int(margin / equity * 10_000) if equity else 0 for margin in (*before, *after)]
    return {
        "orderId": ticket.tracked.facts.order_id,
        "orderLinkId": new.client_id,
        **dict(zip(("preImrE4", "preMmrE4", "postImrE4", "postMmrE4"), rates, strict=True)),
    }


def spot_borrow_check(call: Call) -> dict[str, Any]:
    """Say how much could be traded; nothing can be borrowed here."""
    listing = call.state.listed(call.params.category(Category.SPOT), call.params.needed("symbol").upper())
    side = SIDES[call.params.one_of("side", SIDES, bad("Side invalid"))]
    coin = listing.quote if side is Side.BUY else listing.base
    free, last = call.state.exchange.perps.spendable(call.account, coin), call.state.last(listing)
    quantity = whole_steps(free / last if side is Side.BUY else free, listing.step)
    value = free if side is Side.BUY else free * last
    return {
        "symbol": listing.symbol,
        "side": call.params.text("side"),
        "maxTradeQty": plain(quantity),
        "maxTradeAmount": amount(value),
        "spotMaxTradeQty": plain(quantity),
        "spotMaxTradeAmount": amount(value),
        "borrowCoin": coin,
    }


def system_status(call: Call) -> dict[str, Any]:
    """List no maintenance."""
    del call
    return {"list": []}
